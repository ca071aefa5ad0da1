// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sluice/plugin.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace sluice::sdk {

inline std::string_view view(sluice_str text) {
  return text.data == nullptr ? std::string_view() : std::string_view(text.data, text.size);
}
constexpr sluice_str to_str(std::string_view text) {
  return {text.data() == nullptr ? "" : text.data(), text.size()};
}

// What went wrong. The kind decides what the worker does (plugin.h, "status"), the message reaches people
// through the connector's status: say what failed and what to do about it.
struct Error {
  sluice_status kind = SLUICE_FATAL;
  std::string message;
  uint32_t retry_after_ms = 0;  // RETRIABLE, NOT_CONNECTED: a hint, 0 = the worker's own backoff
  uint32_t record_index = 0;    // RECORD_ERROR

  static Error retriable(std::string text, uint32_t after_ms = 0) {
    return {SLUICE_RETRIABLE, std::move(text), after_ms, 0};
  }
  static Error record(uint32_t index, std::string text) {
    return {SLUICE_RECORD_ERROR, std::move(text), 0, index};
  }
  static Error not_connected(std::string text, uint32_t after_ms = 0) {
    return {SLUICE_NOT_CONNECTED, std::move(text), after_ms, 0};
  }
  static Error end() { return {SLUICE_END, "the source has delivered everything", 0, 0}; }
  static Error config(std::string text) { return {SLUICE_CONFIG_ERROR, std::move(text), 0, 0}; }
  static Error fatal(std::string text) { return {SLUICE_FATAL, std::move(text), 0, 0}; }
  static Error fenced(std::string text) { return {SLUICE_FENCED, std::move(text), 0, 0}; }
  // Sinks: what was put since the last commit is lost; the worker opens the partitions again and reads from there.
  static Error reopen(std::string text) { return {SLUICE_REOPEN, std::move(text), 0, 0}; }
  static Error unsupported(std::string text) { return {SLUICE_UNSUPPORTED, std::move(text), 0, 0}; }

  // The same error with `context` put before its text ("opening the table: ...").
  Error with(std::string_view context) const {
    Error copy = *this;
    copy.message = std::string(context) + ": " + message;
    return copy;
  }
};

// A value or an Error. Fallible calls of the wrapper return one; value() on an error is a programming mistake
// and ends the process, as error() on a value does.
template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT implicit
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT implicit
  Result() requires std::is_same_v<T, std::monostate> : state_(std::in_place_index<0>) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  T& value() & { check(ok()); return *std::get_if<0>(&state_); }
  const T& value() const& { check(ok()); return *std::get_if<0>(&state_); }
  T&& value() && { check(ok()); return std::move(*std::get_if<0>(&state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const& { check(!ok()); return *std::get_if<1>(&state_); }
  Error&& error() && { check(!ok()); return std::move(*std::get_if<1>(&state_)); }

 private:
  static void check(bool condition) { if (!condition) __builtin_trap(); }
  std::variant<T, Error> state_;
};

using Status = Result<std::monostate>;
inline Status ok() { return Status(); }

namespace detail {

// Writes into what the caller of an ABI function gave; never past the size that the caller knows of.
inline void put_text(sluice_error* error, std::string_view text) noexcept {
  const size_t size = std::min<size_t>(text.size(), SLUICE_ERROR_TEXT_MAX);
  if (size > 0) std::memcpy(error->text, text.data(), size);
  error->text_size = static_cast<uint32_t>(size);
}

inline sluice_status fill(sluice_error* error, sluice_status kind, std::string_view text,
                          uint32_t retry_after_ms = 0, uint32_t record_index = 0) noexcept {
  if (error != nullptr && error->struct_size >= sizeof(sluice_error)) {
    error->retry_after_ms = retry_after_ms;
    error->record_index = record_index;
    put_text(error, text);
  }
  return kind;
}

inline sluice_error empty_error() {
  sluice_error error;
  error.struct_size = sizeof(error);
  error.retry_after_ms = error.record_index = error.text_size = 0;
  return error;
}

inline Error from_host(sluice_status kind, const sluice_error& error) {
  const size_t size = std::min<size_t>(error.text_size, SLUICE_ERROR_TEXT_MAX);
  return {kind, std::string(error.text, size), error.retry_after_ms, error.record_index};
}

}  // namespace detail

// SLUICE_SDK_TRY(expr): returns the error of `expr` from the enclosing function, else goes on.
// SLUICE_SDK_ASSIGN(auto x, expr): the same, and binds the value.
#define SLUICE_SDK_CONCAT2(a, b) a##b
#define SLUICE_SDK_CONCAT(a, b) SLUICE_SDK_CONCAT2(a, b)
#define SLUICE_SDK_TRY(expr)                                                              \
  do {                                                                                    \
    auto&& sluice_sdk_try_result = (expr);                                                \
    if (!sluice_sdk_try_result.ok()) return std::move(sluice_sdk_try_result).error();     \
  } while (0)
#define SLUICE_SDK_ASSIGN_IMPL(name, lhs, expr)   \
  auto name = (expr);                             \
  if (!name.ok()) return std::move(name).error(); \
  lhs = std::move(name).value()
#define SLUICE_SDK_ASSIGN(lhs, expr) \
  SLUICE_SDK_ASSIGN_IMPL(SLUICE_SDK_CONCAT(sluice_sdk_result_, __LINE__), lhs, expr)

}  // namespace sluice::sdk
