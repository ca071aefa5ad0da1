// SPDX-License-Identifier: Apache-2.0
#include <condition_variable>
#include <mutex>

#include "runtime/log/log.hpp"

namespace sluice::log {

Result<std::vector<Appended>> append_and_wait(Log& log, AppendRequest request) {
  std::mutex mutex;
  std::condition_variable arrived;
  std::optional<Result<std::vector<Appended>>> answer;
  log.append(std::move(request), [&](Result<std::vector<Appended>> result) {
    std::lock_guard lock(mutex);
    answer = std::move(result);
    arrived.notify_all();
  });
  std::unique_lock lock(mutex);
  arrived.wait(lock, [&] { return answer.has_value(); });
  return std::move(*answer);
}

}  // namespace sluice::log
