// SPDX-License-Identifier: Apache-2.0
#include "broker-core/storage/frame_search.hpp"

#include "broker-core/storage/codec.hpp"

namespace sluice::storage {

Result<std::optional<Frame>> frame_at(FileWindow& window, uint64_t end, uint64_t at,
                                      const FrameWanted& wanted) {
  SLUICE_ASSIGN(ByteView head, window.view(at, kFrameHeaderSize));
  const auto header = peek_frame(head);
  if (!header || header->length > end - at || !wanted(*header)) return std::optional<Frame>();
  SLUICE_ASSIGN(ByteView whole, window.view(at, header->length));
  return decode_frame(whole);
}

Result<std::optional<Frame>> find_frame(FileWindow& window, uint64_t end, uint64_t& at,
                                        const FrameWanted& wanted) {
  while (at + kFrameHeaderSize <= end) {
    SLUICE_ASSIGN(ByteView head, window.view(at, kFrameHeaderSize));
    if (head.size() < kFrameHeaderSize) break;
    size_t skip = 0;  // most of the bytes are passed over here
    while (skip + kFrameHeaderSize <= head.size() &&
           get_le<uint32_t>(head.data() + skip) != kFrameMagic) {
      skip += kFrameAlignment;
    }
    at += skip;
    if (skip + kFrameHeaderSize > head.size()) continue;  // looked at up to here
    SLUICE_ASSIGN(auto found, frame_at(window, end, at, wanted));
    if (found) return found;
    at += kFrameAlignment;
  }
  at = end;
  return std::optional<Frame>();
}

}  // namespace sluice::storage
