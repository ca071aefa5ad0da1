// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace sluice::runner {

// What one law found. fail() and note() may come often, the law goes on; step() says what is tried next, so that a
// crash can be placed.
class Verdict {
 public:
  explicit Verdict(int pipe) : pipe_(pipe) {}
  void fail(const std::string& text) { send('F', text); }
  void skip(const std::string& text) { send('S', text); }
  void note(const std::string& text) { send('N', text); }
  void step(const std::string& text) { send('T', text); }
  void done() { send('D', ""); }

 private:
  void send(char kind, const std::string& text);
  int pipe_;
};

struct Answer {
  std::vector<std::string> faults;
  std::vector<std::string> notes;
  std::string skipped;
  bool hung = false;
  bool crashed = false;
};

// Runs `law` in a child process, so that a plugin that crashes, hangs or ends the process is an answer as well.
Answer run_in_child(const std::function<void(Verdict&)>& law, std::chrono::milliseconds limit);

}  // namespace sluice::runner
