// SPDX-License-Identifier: Apache-2.0
#include "runtime/app/signals.hpp"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

namespace sluice::app {
namespace {

sigset_t ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGUSR2);  // from the destructor: let the thread go
  return set;
}

}  // namespace

Signals::Signals() {
  signal(SIGPIPE, SIG_IGN);
  sigset_t set = ending_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  thread_ = std::thread([this] { run(); });
}

Signals::~Signals() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  pthread_kill(thread_.native_handle(), SIGUSR2);
  thread_.join();
}

void Signals::run() {
  sigset_t set = ending_signals();
  while (true) {
    int number = 0;
    if (sigwait(&set, &number) != 0) continue;
    std::lock_guard lock(mutex_);
    if (ending_) return;
    if (number == SIGUSR2) continue;
    if (++received_ > 1) ::_exit(128 + number);
    changed_.notify_all();
  }
}

bool Signals::arrived() {
  std::lock_guard lock(mutex_);
  return received_ > 0;
}

void Signals::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return received_ > 0; });
}

}  // namespace sluice::app
