// SPDX-License-Identifier: Apache-2.0
#include "broker-core/offline/commit_salvage.hpp"

#include <algorithm>

#include "broker-core/storage/commit_log.hpp"
#include "broker-core/storage/frame_search.hpp"
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
  uint64_t at = kCommitHeaderSize;
  const auto next_one = [&](const FrameHeader& frame) { return frame.sequence >= next; };
  while (true) {
    SLUICE_ASSIGN(auto frame, find_frame(window, size, at, next_one));
    if (!frame) return ok();
    if (!frame->entries.empty()) {
      SLUICE_ASSIGN(ByteView whole, window.view(at, frame->header.length));
      SLUICE_TRY(each({path, at, &*frame, whole.data()}));
      next = frame->header.sequence + 1;
    }
    at += frame->header.padded();
  }
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
