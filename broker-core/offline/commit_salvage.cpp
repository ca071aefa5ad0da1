// SPDX-License-Identifier: Apache-2.0
#include "broker-core/offline/commit_salvage.hpp"

#include <algorithm>

#include "broker-core/storage/codec.hpp"
#include "broker-core/storage/commit_log.hpp"
#include "broker-core/storage/file_window.hpp"
#include "broker-core/storage/paths.hpp"

namespace sluice::offline {
namespace {

using namespace storage;

constexpr uint64_t kWindow = 4 << 20;

Status salvage_file(Disk& disk, const std::string& path, uint64_t& next,
                    const std::function<Status(const FramePlace&)>& each) {
  SLUICE_ASSIGN(auto file, disk.open(path, OpenMode::kRead));
  SLUICE_ASSIGN(const uint64_t size, file->size());
  FileWindow window(*file, size, kWindow);
  for (uint64_t at = kCommitHeaderSize; at + kFrameHeaderSize <= size;) {
    SLUICE_ASSIGN(ByteView head, window.view(at, kFrameHeaderSize));
    size_t skip = 0;  // most bytes of an empty file are passed over here
    while (skip + kFrameHeaderSize <= head.size() &&
           get_le<uint32_t>(head.data() + skip) != kFrameMagic) {
      skip += kFrameAlignment;
    }
    if (skip > 0) {
      at += skip;
      continue;
    }
    auto header = peek_frame(head);
    std::optional<Frame> frame;
    ByteView whole;
    if (header && header->length <= size - at) {
      SLUICE_ASSIGN(whole, window.view(at, header->length));
      frame = decode_frame(whole);
    }
    if (!frame || frame->header.sequence < next) {
      at += kFrameAlignment;
      continue;
    }
    if (!frame->entries.empty()) {
      SLUICE_TRY(each({path, at, &*frame, whole.data()}));
      next = frame->header.sequence + 1;
    }
    at += frame->header.padded();
  }
  return ok();
}

}  // namespace

Status salvage_commit_log(Disk& disk, const std::string& directory, uint64_t from, uint64_t& next,
                          const std::function<Status(const FramePlace&)>& each) {
  next = from;
  SLUICE_ASSIGN(auto names, disk.list(commit_folder(directory)));
  for (const auto& name : names) {
    const auto first = parse_numbered(name, ".commit");
    if (!first) continue;
    next = std::max(next, *first);
    SLUICE_TRY(salvage_file(disk, commit_folder(directory) + "/" + name, next, each));
  }
  return ok();
}

}  // namespace sluice::offline
