// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sluice/testkit/driver.hpp>

#include <exception>
#include <string>

namespace sluice::testkit {

// Runs one owner call of the plugin that answers a status, and checks what every such answer must be.
template <class Function>
Outcome call_plugin(FakeHost& host, FakeContext& context, const char* name, Function&& function) {
  sluice_error error = sdk::detail::empty_error();
  Outcome outcome;
  try {
    const FakeContext::Call call(context, name);
    outcome.status = function(&error);
  } catch (const std::exception& exception) {
    host.violation(std::string(name) + " threw across the ABI: " + exception.what());
    outcome.status = SLUICE_FATAL;
    return outcome;
  } catch (...) {
    host.violation(std::string(name) + " threw across the ABI");
    outcome.status = SLUICE_FATAL;
    return outcome;
  }
  if (outcome.ok()) return outcome;
  if (outcome.status > SLUICE_REOPEN) {
    host.violation(std::string(name) + " answered " + std::to_string(outcome.status) + ", which is no status");
  }
  if (error.text_size > SLUICE_ERROR_TEXT_MAX) {
    host.violation(std::string(name) + ": text_size of the error is larger than its text");
    error.text_size = 0;
  } else if (error.text_size == 0 && outcome.status != SLUICE_END) {
    host.violation(std::string(name) + " answered " + status_name(outcome.status) + " without a text");
  }
  outcome.text.assign(error.text, error.text_size);
  outcome.retry_after_ms = error.retry_after_ms;
  outcome.record_index = error.record_index;
  return outcome;
}

// The same for calls without an answer.
template <class Function>
void call_plugin_void(FakeHost& host, const char* name, Function&& function) {
  try {
    function();
  } catch (...) {
    host.violation(std::string(name) + " threw across the ABI");
  }
}

}  // namespace sluice::testkit
