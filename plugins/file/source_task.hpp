// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sluice/sdk.hpp>

#include <optional>

#include "plugins/file/file_tail.hpp"
#include "plugins/file/host_files.hpp"
#include "plugins/file/line_source.hpp"

namespace sluice::file_plugin {

// Lines of one file as records: value = the line (STRING), no key, offset {"position": byte behind
// the line} for
// {"filename": path}, as FileStreamSource does it. Never waits.
// Owned by the worker, called by one thread at a time; holds the open file and at most one block
// between calls.
class FileSourceTask : public sdk::SourceTask {
 public:
  Status start(const sdk::Config& config) override;
  Status poll(const sdk::PollLimits& limits, sdk::RecordBatch& batch) override;

  // Cross-field checks and a look at the file, for the worker's validate and check.
  static Status validate(const sdk::Context& context, const sdk::Config& config);
  static Status check(const sdk::Context& context, const sdk::Config& config);

 private:
  static constexpr uint32_t kMinIdleMs = 10;
  static constexpr uint32_t kMaxIdleMs = 1000;

  void add_records(sdk::RecordBatch& batch);
  Result<uint64_t> stored_position(const std::string& path);

  std::optional<HostFiles> files_;
  std::optional<FileTail> tail_;
  std::optional<LineSource> lines_;
  LineBatch found_;
  sluice_record prototype_ =
      {};  // a member, not a local: copied from memory, record by record, in whole words
  sdk::Schema schema_;
  uint32_t topic_ = 0;
  uint32_t partition_ = 0;
  uint32_t batch_size_ = 0;
  uint32_t idle_ms_ = kMinIdleMs;
};

}  // namespace sluice::file_plugin
