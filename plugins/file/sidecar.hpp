// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "plugins/file/files.hpp"
#include "plugins/file/sidecar_format.hpp"

namespace sluice::file_plugin {

// The offsets of an exactly-once sink, kept in "<file>.sluice-offsets" beside the data. Under its own name it is
// always whole: it is made under another name and renamed. Locked as long as it is open.
// Owned by the sink task, used by its calls only.
class Sidecar {
 public:
  static std::string path_for(const std::string& data_path) { return data_path + ".sluice-offsets"; }

  // nullopt: there is none. RETRIABLE: another task has it. CONFIG_ERROR: it is damaged.
  static Result<std::optional<Sidecar>> open(Files& files, Events& events, const std::string& data_path);
  // A new one, locked, whose first state is `state`; replaces one that has become too small.
  static Result<Sidecar> create(Files& files, const std::string& data_path, SidecarState state);

  const SidecarState& state() const { return state_; }
  // Makes `state` (its sequence is chosen here) the one that a restart will see. Durable on return.
  Status store(Files& files, SidecarState state);

 private:
  Sidecar(std::unique_ptr<File> file, std::string data_path, size_t slot_size, SidecarState state)
      : file_(std::move(file)), data_path_(std::move(data_path)), slot_size_(slot_size), state_(std::move(state)) {}

  std::unique_ptr<File> file_;
  std::string data_path_;
  size_t slot_size_;
  SidecarState state_;
};

// Locks `file`; RETRIABLE if another task or process has it.
Status lock_or_explain(File& file, const std::string& path);

}  // namespace sluice::file_plugin
