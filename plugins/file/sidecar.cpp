// SPDX-License-Identifier: Apache-2.0
#include "plugins/file/sidecar.hpp"

#include <sluice/sdk/crash_point.hpp>

#include <cerrno>

namespace sluice::file_plugin {

namespace {

constexpr uint32_t kLockRetryMs = 1000;

Error damaged_error(const std::string& path, const std::string& why) {
  return Error::config("the sink's offsets file '" + path + "' is damaged: " + why +
                       ". Nothing was changed. Restore it together with its data file from the same backup, or, to "
                       "start anew, move both away");
}

Status write_all(File& file, const std::string& path, std::string_view bytes, uint64_t offset) {
  if (const IoResult result = file.write_at(bytes, offset); !result.ok()) {
    return io_error("writing", path, result.error);
  }
  SLUICE_CRASH_POINT("file.offsets_written");
  if (const IoResult result = file.sync(); !result.ok()) {
    return Error::fatal(describe("syncing", path, result.error));
  }
  SLUICE_CRASH_POINT("file.offsets_synced");
  return sdk::ok();
}

Result<std::string> read_all(File& file, const std::string& path) {
  FileInfo info;
  if (const IoResult result = file.info(&info); !result.ok()) return io_error("looking at", path, result.error);
  if (info.size < 2 * kMinSlotSize || info.size > 2 * kMaxSlotSize || info.size % 2 != 0) {
    return damaged_error(path, "it has " + std::to_string(info.size) + " bytes, which no offsets file can have");
  }
  std::string bytes(info.size, '\0');
  const IoResult result = file.read_at(bytes.data(), bytes.size(), 0);
  if (!result.ok()) return io_error("reading", path, result.error);
  if (result.bytes != bytes.size()) return damaged_error(path, "it became shorter while it was read");
  return bytes;
}

}  // namespace

Status lock_or_explain(File& file, const std::string& path) {
  const IoResult result = file.lock();
  if (result.ok()) return sdk::ok();
  if (result.error == EWOULDBLOCK) {
    return Error::retriable("'" + path + "' is in use by another sink task (each file belongs to one); waiting for it",
                            kLockRetryMs);
  }
  return Error::fatal(describe("locking", path, result.error));
}

Result<std::optional<Sidecar>> Sidecar::open(Files& files, Events& events, const std::string& data_path) {
  const std::string path = path_for(data_path);
  auto opened = files.open(path, Access::kWrite);
  if (!opened.ok()) {
    if (opened.error().kind == SLUICE_NOT_CONNECTED) return std::optional<Sidecar>();
    return std::move(opened).error();
  }
  std::unique_ptr<File> file = std::move(opened).value();
  SLUICE_SDK_TRY(lock_or_explain(*file, path));
  SLUICE_SDK_ASSIGN(const std::string bytes, read_all(*file, path));
  const size_t slot_size = bytes.size() / 2;
  DecodedSlot slots[2] = {decode_slot(std::string_view(bytes).substr(0, slot_size)),
                          decode_slot(std::string_view(bytes).substr(slot_size))};
  const bool valid[2] = {slots[0].kind == SlotKind::kValid, slots[1].kind == SlotKind::kValid};
  if (!valid[0] && !valid[1]) {
    return damaged_error(path, slots[0].kind == SlotKind::kDamaged ? "in its first slot, " + slots[0].why
                                                                   : "in its second slot, " + slots[1].why);
  }
  const size_t chosen = !valid[0] || (valid[1] && slots[1].state.sequence > slots[0].state.sequence) ? 1 : 0;
  if (slots[1 - chosen].kind == SlotKind::kDamaged) {
    events.report("offsets-slot-damaged", "'" + path + "': one of the two slots is not whole (" +
                                              slots[1 - chosen].why + "), as after a crash; going on from the other, "
                                              "number " + std::to_string(slots[chosen].state.sequence));
  }
  return std::optional<Sidecar>(Sidecar(std::move(file), data_path, slot_size, std::move(slots[chosen].state)));
}

Result<Sidecar> Sidecar::create(Files& files, const std::string& data_path, SidecarState state) {
  const std::string path = path_for(data_path);
  const std::string temporary = path + ".tmp";
  SLUICE_SDK_ASSIGN(std::unique_ptr<File> file, files.create(temporary));
  SLUICE_SDK_TRY(lock_or_explain(*file, temporary));
  if (const IoResult result = file->truncate(0); !result.ok()) {
    return io_error("clearing", temporary, result.error);
  }
  ++state.sequence;
  const size_t slot_size = slot_size_for(state);
  if (slot_size > kMaxSlotSize) return Error::fatal("too many partitions for '" + path + "'");
  std::string bytes(slot_size, '\0');
  bytes.insert(state.sequence % 2 == 0 ? 0 : slot_size, encode_slot(state, slot_size));
  SLUICE_SDK_TRY(write_all(*file, temporary, bytes, 0));
  SLUICE_SDK_TRY(files.rename(temporary, path));
  return Sidecar(std::move(file), data_path, slot_size, std::move(state));
}

Status Sidecar::store(Files& files, SidecarState state) {
  const std::string path = path_for(data_path_);
  FileInfo info;
  if (const IoResult result = file_->info(&info); !result.ok()) return io_error("looking at", path, result.error);
  if (info.links == 0) {
    return Error::fatal("'" + path + "' was deleted or replaced under the running sink; its data file may hold records "
                        "that no offset covers: restore the offsets file, or move both away to start anew");
  }
  state.sequence = state_.sequence;
  if (slot_size_for(state) > slot_size_) {
    SLUICE_SDK_ASSIGN(Sidecar larger, create(files, data_path_, std::move(state)));
    *this = std::move(larger);
    return sdk::ok();
  }
  ++state.sequence;
  SLUICE_SDK_TRY(write_all(*file_, path, encode_slot(state, slot_size_), state.sequence % 2 * slot_size_));
  state_ = std::move(state);
  return sdk::ok();
}

}  // namespace sluice::file_plugin
