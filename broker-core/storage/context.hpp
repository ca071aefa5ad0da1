// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "broker-core/storage/file_cache.hpp"
#include "broker-core/storage/log.hpp"

namespace sluice::storage {

// A topic's settings, shared by its partitions and replaced as a whole when they change. Any
// thread.
class Topic {
 public:
  Topic(const TopicId& id, TopicSettings settings)
      : id_(id), settings_(std::make_shared<const TopicSettings>(std::move(settings))) {}
  const TopicId& id() const { return id_; }
  std::shared_ptr<const TopicSettings> settings() const {
    std::lock_guard lock(mutex_);
    return settings_;
  }
  void change(TopicSettings settings) {
    auto next = std::make_shared<const TopicSettings>(std::move(settings));
    std::lock_guard lock(mutex_);
    settings_ = std::move(next);
  }

 private:
  const TopicId id_;
  mutable std::mutex mutex_;
  std::shared_ptr<const TopicSettings> settings_;
};

// Whether the directory still takes anything. Once failed it stays so until the process starts
// anew. Any thread.
class Health {
 public:
  explicit Health(const std::function<void(const std::string&)>& told) : told_(told) {}
  void fail(const Error& error) {
    {
      std::lock_guard lock(mutex_);
      if (failed_.exchange(true)) return;
      text_ = error.message;
    }
    if (told_) told_(error.message);
  }
  bool failed() const { return failed_; }
  Error error() const {
    std::lock_guard lock(mutex_);
    return {ErrorKind::kFatal,
            "the data directory takes no writes since an I/O error, restart needed: " + text_};
  }
  std::string text() const {
    std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  const std::function<void(const std::string&)>& told_;
  std::atomic<bool> failed_{false};
  mutable std::mutex mutex_;
  std::string text_;
};

struct Counters {
  std::atomic<uint64_t> rounds{0}, frames{0}, bytes{0}, segment_syncs{0}, checkpoints{0},
      segments_rolled{0}, segments_deleted{0}, segments_compacted{0};
};

// What all parts of one open log share. Owned by the log.
struct Context {
  Context(Settings s, Disk& d, Clock& c)
      : settings(std::move(s)),
        disk(d),
        clock(c),
        files(d, settings.open_segments_max),
        health(settings.on_failure) {}
  const Settings settings;
  Disk& disk;
  Clock& clock;
  FileCache files;
  Health health;
  std::atomic<bool> stopping{false};  // long work ends early
  Counters counters;
};

}  // namespace sluice::storage
