// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "broker-core/base/result.hpp"
#include "runtime/plugin/executor.hpp"
#include "runtime/task/steps.hpp"

namespace sluice::task {

// On a shared executor (non-blocking classes, and the simulation): costs no thread while it waits.
// `owner` names the task for the watchdog; `executor` outlives the drive.
std::shared_ptr<Drive> drive_on_executor(plugin::TaskExecutor& executor, plugin::TaskOwnerPtr owner,
                                         std::shared_ptr<Steps> steps);

// On a thread of its own (blocking classes). When the drive is dropped while a step is stuck in a
// plugin, the thread is abandoned: counted, and left to end when the plugin lets it. kRetriable:
// too many abandoned threads.
Result<std::shared_ptr<Drive>> drive_on_thread(const std::string& name,
                                               plugin::AbandonedThreadsPtr abandoned,
                                               std::shared_ptr<Steps> steps);

}  // namespace sluice::task
