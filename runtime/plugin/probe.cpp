// SPDX-License-Identifier: Apache-2.0
#include "runtime/plugin/probe.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>

#include "runtime/json/json.hpp"

extern char** environ;

namespace sluice::plugin {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMaxAnswer = 64 * 1024;
constexpr int kLibraryFd = 3;                    // in the child
constexpr std::chrono::milliseconds kSlice{50};  // how often `cancelled` is looked at

ProbeVerdict not_run(const std::string& what, int error) {
  return {false, false, "it could not be examined: " + what + ": " + std::strerror(error)};
}

struct Child {
  pid_t pid = -1;
  int out = -1;    // its standard output
  int pidfd = -1;  // readable when it has ended; -1 on old kernels
  ~Child() {
    if (out >= 0) ::close(out);
    if (pidfd >= 0) ::close(pidfd);
  }
};

// Own process group (killed as a whole), default signals, nothing open but the library and the
// pipe.
std::optional<ProbeVerdict> spawn(const std::vector<std::string>& command, int library,
                                  Child& child) {
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) return not_run("pipe", errno);
  child.out = pipe[0];
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, library, kLibraryFd);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  std::vector<std::string> arguments = command;
  arguments.push_back("/proc/self/fd/" + std::to_string(kLibraryFd));
  std::vector<char*> argv;
  for (auto& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  int error = ::posix_spawn(&child.pid, argv[0], &actions, &attributes, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  ::close(pipe[1]);
  if (error != 0) return not_run(arguments[0], error);
#ifdef SYS_pidfd_open
  child.pidfd = static_cast<int>(::syscall(SYS_pidfd_open, child.pid, 0));
#endif
  return std::nullopt;
}

enum class Ended { kAnswered, kGone, kTimeout, kCancelled };

// Collects the answer until its line is complete, the child has ended, or time is over.
Ended collect(const Child& child, Clock::time_point deadline, const std::atomic<bool>* cancelled,
              std::string& answer) {
  bool closed = false;
  for (;;) {
    if (cancelled && cancelled->load()) return Ended::kCancelled;
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) return Ended::kTimeout;
    pollfd fds[2] = {{closed ? -1 : child.out, POLLIN, 0}, {child.pidfd, POLLIN, 0}};
    if (::poll(fds, 2, static_cast<int>(std::min(left, kSlice).count()) + 1) <= 0) continue;
    if (fds[0].revents != 0) {
      char buffer[4096];
      ssize_t got = ::read(child.out, buffer, sizeof(buffer));
      if (got > 0) {
        answer.append(buffer, static_cast<size_t>(got));
        if (answer.find('\n') != std::string::npos || answer.size() > kMaxAnswer)
          return Ended::kAnswered;
      } else {
        closed = true;
        if (child.pidfd < 0) return Ended::kGone;
      }
    } else if (fds[1].revents != 0) {
      return Ended::kGone;  // and no output is waiting
    }
  }
}

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) {
    const char* name = ::strsignal(WTERMSIG(status));
    return "its entry crashed (signal " + std::to_string(WTERMSIG(status)) + ", " +
           (name ? name : "unknown") + ")";
  }
  return "its entry ended the process with exit code " +
         std::to_string(WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

ProbeVerdict verdict_of(const std::string& answer) {
  auto parsed = parse_json(answer);
  if (!parsed.is_object() || !parsed.contains("ok") || !parsed["ok"].is_boolean()) {
    return {false, true, "the process that examined it gave no valid answer"};
  }
  if (parsed["ok"].get<bool>()) return {true, true, {}};
  return {false, true, parsed.value("text", std::string("refused"))};
}

}  // namespace

ProbeVerdict run_probe(const std::vector<std::string>& command, const PrivateCopy& copy,
                       std::chrono::milliseconds timeout, const std::atomic<bool>* cancelled) {
  if (command.empty()) return {false, false, "it could not be examined: no probe is configured"};
  // dup2 onto itself would leave close-on-exec set, and a low number could be one of the child's
  // standard files.
  int library = ::fcntl(copy.fd(), F_DUPFD_CLOEXEC, 10);
  if (library < 0) return not_run("fcntl", errno);
  Child child;
  auto failure = spawn(command, library, child);
  ::close(library);
  if (failure) return *failure;
  std::string answer;
  auto ended = collect(child, Clock::now() + timeout, cancelled, answer);
  // The whole group, with what it may have left behind; before waitpid, while the number is surely
  // its own.
  ::kill(-child.pid, SIGKILL);
  int status = 0;
  while (::waitpid(child.pid, &status, 0) < 0 && errno == EINTR) {
  }
  switch (ended) {
    case Ended::kAnswered:
      return verdict_of(answer);
    case Ended::kGone:
      return {false, true, how_it_ended(status)};
    case Ended::kCancelled:
      return {false, false, "the worker is stopping"};
    case Ended::kTimeout:
      break;
  }
  return {false, false,
          "its entry did not return within " + std::to_string(timeout.count()) + " ms"};
}

}  // namespace sluice::plugin
