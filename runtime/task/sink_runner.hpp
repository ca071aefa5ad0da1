// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <map>

#include "runtime/task/runner_base.hpp"
#include "runtime/task/sink_batch.hpp"

namespace sluice::task {

// A sink task: a member of the connector's consumer group that decodes what it reads, puts it into
// the plugin, and commits exactly what the plugin says is durable, never more than was put.
//
// Records that the plugin refuses for now (RETRIABLE, NOT_CONNECTED) are held and put again, with
// all partitions paused: membership goes on, nothing else is read. Partitions that are revoked are
// committed and closed first, lost ones closed without a commit.
//
// Bad records that go to a dead letter topic are durable there before anything else happens: until
// then nothing is put, read or committed, so no offset can pass them.
class SinkRunner : public RunnerBase {
 public:
  SinkRunner(SinkSettings settings, RunnerContext context, SinkFactory create);
  ~SinkRunner() override;

 private:
  struct Partition {
    uint32_t topic = 0;
    int64_t put = -1;        // next offset after what the plugin took; -1 = nothing yet
    int64_t read = -1;       // next offset after what was read; -1 = unknown
    int64_t first = -1;      // the first one read since the assignment
    int64_t committed = -1;  // by the group
  };
  struct Taken {  // by the plugin
    uint64_t records = 0;
    std::chrono::nanoseconds took{0};
  };
  struct Held {  // decoded, not counted as put yet
    plugin::Batch batch;
    std::shared_ptr<RawRecords> raw;
    TopicPartitionName partition;
    int64_t next = 0;
    bool retrying = false;
    std::optional<Taken> taken;  // what is missing is the dead letters of bad records in it
  };
  struct Burial {  // bad records on their way to the dead letter topic
    TopicPartitionName partition;
    std::vector<SinkDecoder::BadRecord> bad;
    std::shared_ptr<RawRecords> raw;
    size_t sent = 0;  // so many of `bad` are in the append under way
    bool under_way = false;
    std::chrono::nanoseconds retry_at{0};
  };
  struct Mailbox {
    std::mutex mutex;
    std::optional<Status> answer;  // to a commit
    std::optional<Status> buried;
    std::weak_ptr<RunnerBase> runner;
  };
  enum class Commit { kNothing, kUnderWay, kAgainLater, kFailed };

  Next run(const Orders& orders) override;
  void stop_plugin() override;
  void drop() override;
  void fence_off() override;

  bool start();
  bool subscribe();
  Next read_on(const Orders& orders);
  Next handle(log::ConsumerEvent event);
  Next consumer_failed(const Error& error);
  bool assign(const log::Assign& event);
  void begin_revoke(log::Revoke event);
  bool finish_revoke();             // false: not yet
  bool take(log::Fetched fetched);  // decodes; false: failed
  bool tolerate(const std::vector<SinkDecoder::BadRecord>& bad, const std::string& topic);
  void put_held();
  void put_succeeded();
  bool put_failures(const std::vector<plugin::RecordFailure>& failures);
  void put_refused(const plugin::Outcome& outcome);
  bool skip_record(const plugin::Outcome& outcome);
  bool bury(std::vector<SinkDecoder::BadRecord> bad, const TopicPartitionName& partition,
            std::shared_ptr<RawRecords> raw);  // false: there is no dead letter topic
  bool buried(Next& next);                     // true: nothing is to be written there
  void send_dead_letters(Next& next);
  Status add_dead_letters(log::AppendRequest& request);
  void dead_letters_refused(const Error& error, Next& next);
  bool heartbeat();
  void reopen();
  void pause_all(bool paused);
  void apply_pause(const Orders& orders);

  Commit commit();  // plugin, then group
  Commit commit_refused(const plugin::Outcome& outcome);
  void take_commit_answer();
  bool dirty() const;
  Next wait_time(std::chrono::nanoseconds now) const;

  Next wind_up(const Orders& orders);
  bool final_commit(const Orders& orders, Next& next);  // true: nothing more to wait for
  void close_all(bool lost);
  void close_plugin();
  void let_go();
  void fail(std::string trace, bool restartable, bool fenced = false);
  std::shared_ptr<plugin::SinkTask> plugin();

  SinkSettings settings_;
  SinkFactory create_;
  std::shared_ptr<Mailbox> mailbox_ = std::make_shared<Mailbox>();
  std::mutex plugin_mutex_;  // guards the pointer and the call of stop(), which comes from others
  std::shared_ptr<plugin::SinkTask> task_;
  bool plugin_stopped_ = false;
  std::mutex consumer_mutex_;  // guards the pointer: fence_off() comes from others
  std::shared_ptr<log::Consumer> consumer_;
  std::atomic<bool> woken_{false};  // by the plugin
  std::unique_ptr<SinkDecoder> decoder_;
  DeadLetters dead_letters_;
  std::map<TopicPartitionName, Partition> partitions_;
  std::map<std::string, bool> topics_seen_;
  std::optional<Held> held_;
  std::optional<Burial> burying_;
  std::optional<log::Revoke> revoking_;
  std::vector<log::GroupOffset> committing_;  // under way
  bool commit_under_way_ = false;
  bool commit_failed_ = false;  // the last one
  std::chrono::nanoseconds commit_began_{0};
  std::chrono::nanoseconds commit_at_{0};
  std::chrono::nanoseconds retry_at_{0};
  std::chrono::nanoseconds heartbeat_at_{0};
  bool started_ = false;
  bool paused_ = false;  // the partitions, by an order
  bool closed_ = false;
  bool failed_ = false;
  bool fenced_ = false;  // nothing may be committed any more
  bool final_commit_tried_ = false;
  bool restartable_ = true;
  std::string failure_;

 public:
  void wake() override;  // the plugin's: a put or commit is wanted
};

}  // namespace sluice::task
