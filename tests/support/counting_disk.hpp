// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>

#include "broker-core/base/disk.hpp"

namespace sluice::testing {

// A real disk that counts what is asked of it, and that can be cut off as a killed process is. Any
// thread. Outlives the files that it gave out.
class CountingDisk : public Disk {
 public:
  explicit CountingDisk(Disk& disk) : disk_(disk) {}

  struct Counts {
    std::atomic<uint64_t> opened{0}, bytes_read{0}, bytes_written{0}, syncs{0}, directory_syncs{0},
        whole_syncs{0}, open{0}, open_max{0};
    std::atomic<bool> whole_sync_known{false};  // the file system can be synced as a whole
  };
  Counts counts;

  void forget() {
    counts.opened = counts.bytes_read = counts.bytes_written = counts.syncs = 0;
    counts.directory_syncs = counts.whole_syncs = 0;
    counts.open_max = counts.open.load();
  }
  // From now on nothing is changed any more; what was done stays.
  void cut_off(bool off) { off_ = off; }

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    if (off_) return dead(path);
    SLUICE_ASSIGN(auto file, disk_.open(path, mode));
    ++counts.opened;
    return std::unique_ptr<File>(std::make_unique<CountedFile>(*this, std::move(file)));
  }
  Status rename(const std::string& from, const std::string& to) override {
    return off_ ? dead(from) : disk_.rename(from, to);
  }
  Status remove(const std::string& path) override { return off_ ? dead(path) : disk_.remove(path); }
  Status remove_all(const std::string& path) override {
    return off_ ? dead(path) : disk_.remove_all(path);
  }
  Status create_directories(const std::string& path) override {
    return off_ ? dead(path) : disk_.create_directories(path);
  }
  Status sync_directory(const std::string& path) override {
    if (off_) return dead(path);
    ++counts.directory_syncs;
    return disk_.sync_directory(path);
  }
  Result<bool> sync_all(const std::string& path) override {
    if (off_) return dead(path);
    SLUICE_ASSIGN(bool done, disk_.sync_all(path));
    counts.whole_sync_known = done;
    counts.whole_syncs += done ? 1 : 0;
    return done;
  }
  Result<std::vector<std::string>> list(const std::string& path) override {
    return disk_.list(path);
  }
  Result<bool> exists(const std::string& path) override { return disk_.exists(path); }
  Result<std::unique_ptr<File>> lock(const std::string& path) override { return disk_.lock(path); }
  Result<uint64_t> free_bytes(const std::string& path) override { return disk_.free_bytes(path); }

 private:
  static Error dead(const std::string& path) {
    return {ErrorKind::kIo, path + ": the process is gone"};
  }

  class CountedFile : public File {
   public:
    CountedFile(CountingDisk& disk, std::unique_ptr<File> file)
        : disk_(disk), file_(std::move(file)) {
      const uint64_t now = ++disk_.counts.open;
      uint64_t max = disk_.counts.open_max;
      while (max < now && !disk_.counts.open_max.compare_exchange_weak(max, now)) {
      }
    }
    ~CountedFile() override { --disk_.counts.open; }
    Result<size_t> read_at(uint64_t position, std::span<std::byte> into) override {
      SLUICE_ASSIGN(size_t got, file_->read_at(position, into));
      disk_.counts.bytes_read += got;
      return got;
    }
    Status write_at(uint64_t position, std::span<const ByteView> parts) override {
      if (disk_.off_) return dead("write");
      for (const auto& part : parts) disk_.counts.bytes_written += part.size();
      return file_->write_at(position, parts);
    }
    Status write_back(bool wait) override {
      return disk_.off_ ? dead("write") : file_->write_back(wait);
    }
    Status sync() override {
      if (disk_.off_) return dead("sync");
      ++disk_.counts.syncs;
      return file_->sync();
    }
    Status truncate(uint64_t size) override {
      return disk_.off_ ? dead("truncate") : file_->truncate(size);
    }
    Status allocate(uint64_t size) override {
      return disk_.off_ ? dead("allocate") : file_->allocate(size);
    }
    Result<uint64_t> size() override { return file_->size(); }

   private:
    CountingDisk& disk_;
    const std::unique_ptr<File> file_;
  };

  Disk& disk_;
  std::atomic<bool> off_{false};
};

}  // namespace sluice::testing
