// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cxxabi.h>

#include <exception>
#include <string>
#include <utility>

#include "runtime/plugin/connector.hpp"
#include "runtime/plugin/tables.hpp"

// The only place where the worker calls into a library. A plugin must not throw across the ABI (law
// 4), but one that does anyway fails its task, not the worker.
namespace sluice::plugin {

// Runs `call`; nullopt, or what was thrown.
template <class Call>
std::optional<std::string> call_guarded(Call&& call) {
  try {
    std::forward<Call>(call)();
    return std::nullopt;
  } catch (const abi::__forced_unwind&) {
    throw;  // the thread is being cancelled; swallowing that would abort
  } catch (const std::exception& e) {
    return std::string("it threw an exception: ") + e.what();
  } catch (...) {
    return std::string("it threw something that is no std::exception");
  }
}

// What an error buffer of a plugin's says, whatever it did to it.
inline Outcome outcome_of(sluice_status status, const sluice_error& error, const char* function) {
  if (status == SLUICE_OK) return {};
  Outcome out;
  out.status = status;
  if (status > SLUICE_REOPEN) {
    out.status = SLUICE_FATAL;
    out.text = std::string("the plugin's ") + function + " returned the unknown status " +
               std::to_string(status);
    return out;
  }
  out.text.assign(error.text, std::min(error.text_size, SLUICE_ERROR_TEXT_MAX));
  if (out.text.empty())
    out.text = std::string("the plugin's ") + function + " failed without a text";
  out.retry_after_ms = error.retry_after_ms;
  out.record_index = error.record_index;
  return out;
}

// Calls a function of the ABI: `call(sluice_error*)` returns its sluice_status.
template <class Call>
Outcome call_plugin(const char* function, Call&& call) {
  sluice_error error;
  error.struct_size = sizeof(error);
  error.retry_after_ms = 0;
  error.record_index = 0;
  error.text_size = 0;
  sluice_status status = SLUICE_FATAL;
  if (auto thrown = call_guarded([&] { status = call(&error); })) {
    return Outcome::failure(
        SLUICE_FATAL, std::string("the plugin broke its contract in ") + function + ": " + *thrown);
  }
  return outcome_of(status, error, function);
}

}  // namespace sluice::plugin
