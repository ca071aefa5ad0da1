// SPDX-License-Identifier: Apache-2.0
#include "broker-core/storage/committer.hpp"

#include <algorithm>

#include "broker-core/base/crash_point.hpp"
#include "broker-core/base/mutant.hpp"

namespace sluice::storage {
namespace {

// Below, handing the sync to another thread costs more than it saves.
constexpr uint64_t kSyncBeside = 256 * 1024;

constexpr LeaderEpoch kEpoch{0};  // one node: there is one leader, for ever

}  // namespace

// All that can be checked without knowing where the batches will go.
Status Committer::check(Entry& entry) const {
  auto partition = partitions_.find(entry.append.partition);
  if (!partition) {
    return Error{ErrorKind::kNotFound,
                 "unknown partition " + std::to_string(entry.append.partition.partition.value()) +
                     " of topic id " + entry.append.partition.topic.to_string()};
  }
  if (auto offline = partition->offline()) return *offline;
  auto invalid = [&](const std::string& why) {
    return Error{ErrorKind::kInvalid, "append to " + partition->name() + ": " + why};
  };
  if (entry.append.batches.empty()) return invalid("no batch");
  if (auto listed = list_batches(entry.append.batches, entry.batches); !listed.ok()) {
    return listed.error().with("append to " + partition->name());
  }
  const uint64_t limit =
      std::min<uint64_t>(partition->topic().settings()->max_message_bytes, INT32_MAX / 2);
  for (const auto& batch : entry.batches) {
    if (batch.bytes.size() > limit) {
      return Error{ErrorKind::kRecord, "append to " + partition->name() + ": a batch of " +
                                           std::to_string(batch.bytes.size()) +
                                           " bytes is larger than max.message.bytes, " +
                                           std::to_string(limit)};
    }
    if (auto crc = model::verify_batch_crc(batch.bytes); !crc.ok()) {
      return crc.error().with("append to " + partition->name());
    }
  }
  return ok();
}

void Committer::append(std::vector<PartitionAppend> entries, AppendDone done) {
  Pending pending;
  pending.done = std::move(done);
  if (entries.empty()) pending.result = Error{ErrorKind::kInvalid, "append without any batch"};
  for (auto& append : entries) {
    pending.bytes += append.batches.size();
    pending.entries.push_back({std::move(append), {}});
  }
  if (pending.bytes > context_.settings.queue_bytes_max) {
    pending.result = Error{ErrorKind::kInvalid, "an append of " + std::to_string(pending.bytes) +
                                                    " bytes is larger than the queue"};
  }
  for (size_t i = 0; i < pending.entries.size() && pending.result.ok(); ++i) {
    if (auto status = check(pending.entries[i]); !status.ok()) pending.result = status.error();
  }
  {
    std::unique_lock lock(queue_mutex_);
    if (pending.result.ok() && closed_)
      pending.result = Error{ErrorKind::kShutdown, "the log is stopping"};
    if (finished_) {
      lock.unlock();
      return pending.done(std::move(pending.result));
    }
    if (pending.result.ok() && queue_bytes_ + pending.bytes > context_.settings.queue_bytes_max) {
      pending.result = Error{ErrorKind::kRetriable, "the append queue is full"};
    }
    if (!pending.result.ok()) {
      pending.entries.clear();
      pending.bytes = 0;
    }
    queue_bytes_ += pending.bytes;
    queue_.push_back(std::move(pending));
  }
  queued_.notify_one();
}

bool Committer::wait() {
  std::unique_lock lock(queue_mutex_);
  queued_.wait(lock, [this] { return closed_ || !queue_.empty(); });
  return !queue_.empty();
}

void Committer::close() {
  {
    std::lock_guard lock(queue_mutex_);
    closed_ = true;
  }
  queued_.notify_all();
}

void Committer::finish() {
  for (;;) {
    while (run_round()) {
    }
    std::lock_guard lock(queue_mutex_);
    if (!queue_.empty()) continue;
    finished_ = true;
    return;
  }
}

bool Committer::empty() const {
  std::lock_guard lock(queue_mutex_);
  return queue_.empty();
}

std::deque<Committer::Pending> Committer::take_queued() {
  std::deque<Pending> round;
  std::lock_guard lock(queue_mutex_);
  size_t bytes = 0;
  while (!queue_.empty() &&
         (round.empty() || bytes + queue_.front().bytes <= context_.settings.round_bytes_max)) {
    bytes += queue_.front().bytes;
    queue_bytes_ -= queue_.front().bytes;
    round.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return round;
}

// Gives an append its offsets. All its partitions are looked at before any of them is changed.
Status Committer::assign(Pending& pending, Parts& parts, std::vector<FrameEntry>& frame) {
  std::vector<size_t> targets;
  for (const auto& entry : pending.entries) {
    auto [place, added] = parts.index.try_emplace(entry.append.partition, parts.list.size());
    if (added) {
      auto partition = partitions_.find(entry.append.partition);
      auto status =
          partition ? partition->prepare() : Error{ErrorKind::kNotFound, "the topic was deleted"};
      if (!status.ok()) {
        parts.index.erase(place);
        return status;
      }
      const Offset end = partition->write_end();
      parts.list.push_back({std::move(partition), end, {}, 0});
    }
    targets.push_back(place->second);
  }
  std::vector<AppendResult> results;
  for (size_t i = 0; i < pending.entries.size(); ++i) {
    Entry& entry = pending.entries[i];
    Part& part = parts.list[targets[i]];
    const Offset first = part.next;
    std::byte* bytes = entry.append.batches.data();
    for (auto& batch : entry.batches) {
      const int64_t delta = batch.last - batch.base;
      model::stamp_batch({bytes, batch.bytes.size()}, part.next, kEpoch);
      batch.base = part.next;
      batch.last = part.next + delta;
      batch.epoch = kEpoch;
      part.next = batch.last + 1;
      part.batches.push_back(batch);
      bytes += batch.bytes.size();
    }
    part.bytes += entry.append.batches.size();
    frame.push_back({part.partition->id(), first, kEpoch, entry.append.batches});
    results.push_back({part.partition->id(), first, part.next});
  }
  pending.result = std::move(results);
  return ok();
}

// Commit log and segments of one round. The frames are written first, so that the disk works on
// their sync while the segments are filled; only what is in both is published. A segment that
// cannot be written (no space) takes the frames back: nothing has been acknowledged yet.
Status Committer::write(std::vector<Part>& parts, std::vector<std::vector<FrameEntry>>& frames,
                        uint64_t bytes) {
  if (std::ranges::any_of(parts, [this](const Part& part) { return goes_through(part); }))
    return write_through(parts, frames);
  for (auto& part : parts) part.partition->begin();
  SLUICE_CRASH_POINT("storage.before_frame_write");
  SLUICE_TRY(commit_log_.write(frames));
  const bool beside = sync_beside_ && bytes >= kSyncBeside;
  if (beside) sync_thread_.start([this] { return commit_log_.sync(); });
  auto filled = [&]() -> Status {
    for (auto& part : parts) SLUICE_TRY(part.partition->write(part.batches));
    return ok();
  }();
  if (filled.ok() && SLUICE_MUTANT("storage.visible_before_durable")) {
    for (auto& part : parts) part.partition->publish();
  }
  auto status = beside ? sync_thread_.wait() : commit_log_.sync();
  if (status.ok() && !filled.ok()) {
    auto undone = commit_log_.undo();
    status = undone.ok() ? filled : undone;
  }
  if (status.ok()) {
    commit_log_.keep();
  } else {
    for (auto& part : parts) part.partition->rewind();
  }
  return status;
}

bool Committer::goes_through(const Part& part) const {
  return part.bytes >= context_.settings.write_through_bytes;
}

// A round with a partition that gets so much that its bytes are written once, to the segment. They
// are durable before the frames are written that refer to them.
Status Committer::write_through(std::vector<Part>& parts,
                                std::vector<std::vector<FrameEntry>>& frames) {
  auto status = [&]() -> Status {
    std::unordered_map<TopicPartition, PartitionLog*> through;
    for (auto& part : parts) {
      part.partition->begin();
      if (goes_through(part)) through.emplace(part.partition->id(), part.partition.get());
    }
    for (auto& part : parts) SLUICE_TRY(part.partition->write(part.batches));
    for (auto& [id, partition] : through) {
      if (auto synced = partition->write_through(); !synced.ok())
        return Error{ErrorKind::kFatal, synced.error().message};
    }
    std::deque<Bytes> references;  // where a frame's views stay valid
    for (auto& frame : frames) {
      for (auto& entry : frame) {
        auto partition = through.find(entry.partition);
        if (partition == through.end()) continue;
        references.push_back(encode_pieces(partition->second->place(entry.data)));
        entry.data = references.back();
        entry.by_reference = true;
      }
    }
    SLUICE_TRY(commit_log_.write(frames));
    return commit_log_.sync();
  }();
  if (status.ok()) {
    commit_log_.keep();
  } else if (status.error().kind == ErrorKind::kRetriable) {  // else a frame may be there that needs the bytes
    for (auto& part : parts) part.partition->rewind();
  }
  return status;
}

bool Committer::run_round() {
  auto round = take_queued();
  if (round.empty()) return false;
  Parts parts;
  std::vector<std::vector<FrameEntry>> frames;
  std::vector<std::pair<TopicPartition, Offset>> grown;
  {
    std::lock_guard lock(round_mutex_);
    if (context_.health.failed()) {
      fail(round, context_.health.error());
    } else {
      uint64_t bytes = 0;
      for (auto& pending : round) {
        if (!pending.result.ok()) continue;
        std::vector<FrameEntry> frame;
        if (auto status = assign(pending, parts, frame); !status.ok()) {
          pending.result = status.error();
          continue;
        }
        bytes += pending.bytes;
        frames.push_back(std::move(frame));
      }
      if (!frames.empty()) {
        std::erase_if(parts.list, [](const Part& part) { return part.batches.empty(); });
        if (auto status = write(parts.list, frames, bytes); status.ok()) {
          for (auto& part : parts.list)
            grown.emplace_back(part.partition->id(), part.partition->publish());
          ++context_.counters.rounds;
          context_.counters.frames += frames.size();
          context_.counters.bytes += bytes;
          bytes_ += bytes;
          if (empty()) {
            if (auto sealed = commit_log_.seal(); !sealed.ok())
              context_.health.fail(sealed.error());
          }
        } else if (status.error().kind == ErrorKind::kRetriable) {
          fail(round, status.error());
        } else {
          context_.health.fail(status.error());
          fail(round, context_.health.error());
        }
      }
    }
  }
  for (const auto& [partition, end] : grown) watches_.wake(partition, end);
  SLUICE_CRASH_POINT("storage.before_acknowledge");
  for (auto& pending : round) pending.done(std::move(pending.result));
  return true;
}

// Fails the round and all that is queued behind it: appends of one caller must not overtake each
// other.
void Committer::fail(std::deque<Pending>& round, const Error& error) {
  {
    std::lock_guard lock(queue_mutex_);
    while (!queue_.empty()) {
      queue_bytes_ -= queue_.front().bytes;
      round.push_back(std::move(queue_.front()));
      queue_.pop_front();
    }
  }
  for (auto& pending : round) {
    if (pending.result.ok()) pending.result = error;
  }
}

}  // namespace sluice::storage
