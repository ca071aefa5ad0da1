// SPDX-License-Identifier: Apache-2.0
#include "child.hpp"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

namespace sluice::runner {

void Verdict::send(char kind, const std::string& text) {
  std::string line(1, kind);
  for (const char c : text) line += c == '\n' ? ' ' : c;
  line += '\n';
  size_t sent = 0;
  while (sent < line.size()) {
    const ssize_t n = ::write(pipe_, line.data() + sent, line.size() - sent);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) ::_exit(98);
    sent += static_cast<size_t>(n);
  }
}

namespace {

// Everything that the child says, until it ends or the time is over.
class Reader {
 public:
  Reader(int pipe, std::chrono::milliseconds limit)
      : pipe_(pipe), deadline_(std::chrono::steady_clock::now() + limit) {}

  // False: the time is over.
  bool read_all() {
    for (;;) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          deadline_ - std::chrono::steady_clock::now());
      if (left.count() <= 0) return false;
      pollfd waiting = {pipe_, POLLIN, 0};
      const int ready = ::poll(&waiting, 1, static_cast<int>(left.count()));
      if (ready < 0 && errno == EINTR) continue;
      if (ready == 0) return false;
      char bytes[4096];
      const ssize_t n = ::read(pipe_, bytes, sizeof(bytes));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return true;
      text_.append(bytes, static_cast<size_t>(n));
      if (text_.size() > kTextMax) return true;
    }
  }
  const std::string& text() const { return text_; }

 private:
  static constexpr size_t kTextMax = 4u << 20;
  int pipe_;
  std::chrono::steady_clock::time_point deadline_;
  std::string text_;
};

void parse(const std::string& text, Answer& answer, bool& done, std::string& step) {
  size_t start = 0;
  for (size_t end; (end = text.find('\n', start)) != std::string::npos; start = end + 1) {
    if (end == start) continue;
    const std::string rest = text.substr(start + 1, end - start - 1);
    switch (text[start]) {
      case 'F': answer.faults.push_back(rest); break;
      case 'S': answer.skipped = rest; break;
      case 'N': answer.notes.push_back(rest); break;
      case 'T': step = rest; break;
      default: done = done || text[start] == 'D'; break;
    }
  }
}

}  // namespace

Answer run_in_child(const std::function<void(Verdict&)>& law, std::chrono::milliseconds limit) {
  Answer answer;
  int ends[2];
  if (::pipe(ends) != 0) {
    answer.faults.push_back(std::string("pipe: ") + std::strerror(errno));
    return answer;
  }
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) {
    answer.faults.push_back(std::string("fork: ") + std::strerror(errno));
    ::close(ends[0]);
    ::close(ends[1]);
    return answer;
  }
  if (child == 0) {
    ::close(ends[0]);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(97);
    Verdict verdict(ends[1]);
    law(verdict);
    verdict.done();
    std::exit(0);  // with the checks that a sanitizer makes at the end
  }
  ::close(ends[1]);
  Reader reader(ends[0], limit);
  if (!reader.read_all()) {
    answer.hung = true;
    ::kill(child, SIGKILL);
  }
  ::close(ends[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  bool done = false;
  std::string step;
  parse(reader.text(), answer, done, step);
  const std::string place = step.empty() ? "" : " (" + step + ")";
  if (answer.hung) {
    answer.faults.push_back("did not end within " + std::to_string(limit.count()) + " ms" + place);
  } else if (WIFSIGNALED(status)) {
    answer.crashed = true;
    answer.faults.push_back(std::string("the process died: ") + ::strsignal(WTERMSIG(status)) + place);
  } else if (!done) {
    answer.crashed = true;
    answer.faults.push_back("the plugin ended the process" + place);
  } else if (WEXITSTATUS(status) != 0) {
    answer.faults.push_back("the process ended with " + std::to_string(WEXITSTATUS(status)) +
                            ": a sanitizer's report stands above");
  }
  return answer;
}

}  // namespace sluice::runner
