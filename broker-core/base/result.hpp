// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cassert>
#include <string>
#include <utility>
#include <variant>

namespace sluice {

// What the caller has to do about an error; the text says what went wrong and what to do next.
// The kinds that cross the plugin ABI (sdk/include/sluice/plugin.h) have the same names there.
enum class ErrorKind {
  kInvalid,         // the caller's own mistake: bad argument, bad config, malformed input (REST: 400)
  kNotFound,        // no such topic, connector, file (REST: 404)
  kConflict,        // exists already, or a conflicting operation is under way (REST: 409)
  kRetriable,       // may succeed when tried again: busy, full queue, no space left
  kRecord,          // one record is bad, the others are fine
  kNotConnected,    // the other side is away; reconnect, then go on
  kEnd,             // nothing more will ever come
  kFenced,          // a newer owner exists; stop without committing
  kOutOfRange,      // an offset outside of what the log holds
  kCorrupt,         // bytes on disk or wire that fail their check; never served
  kIo,              // the operating system refused (errno text in the message)
  kTimeout,         // the deadline passed
  kShutdown,        // stopping
  kUnsupported,     // newer format, missing capability
  kFatal,           // give up: retrying the same cannot help
};

const char* to_string(ErrorKind kind);

struct Error {
  ErrorKind kind = ErrorKind::kFatal;
  std::string message;

  // The same error with `context` put before its text ("reading checkpoint: ...").
  Error with(const std::string& context) const { return {kind, context + ": " + message}; }
};

struct [[nodiscard]] Unit {};

// A value or an Error. Nothing inside Sluice throws; every fallible function returns one of these.
// value() on an error (and error() on a value) is a programming mistake and aborts.
template <class T = Unit>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}         // NOLINT implicit
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}     // NOLINT implicit
  Result() requires std::is_same_v<T, Unit> : state_(std::in_place_index<0>) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  T& value() & { check(ok()); return *std::get_if<0>(&state_); }
  const T& value() const& { check(ok()); return *std::get_if<0>(&state_); }
  T&& value() && { check(ok()); return std::move(*std::get_if<0>(&state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const& { check(!ok()); return *std::get_if<1>(&state_); }
  Error&& error() && { check(!ok()); return std::move(*std::get_if<1>(&state_)); }

 private:
  static void check(bool condition) { if (!condition) __builtin_trap(); }
  std::variant<T, Error> state_;
};

using Status = Result<Unit>;
inline Status ok() { return Status(); }

// SLUICE_TRY(expr): returns the error of `expr` from the enclosing function, else goes on.
// SLUICE_ASSIGN(auto x, expr): the same, and binds the value.
#define SLUICE_CONCAT2(a, b) a##b
#define SLUICE_CONCAT(a, b) SLUICE_CONCAT2(a, b)
#define SLUICE_TRY(expr)                                            \
  do {                                                              \
    auto&& sluice_try_result = (expr);                              \
    if (!sluice_try_result.ok()) return std::move(sluice_try_result).error(); \
  } while (0)
#define SLUICE_ASSIGN_IMPL(name, lhs, expr)                         \
  auto name = (expr);                                               \
  if (!name.ok()) return std::move(name).error();                   \
  lhs = std::move(name).value()
#define SLUICE_ASSIGN(lhs, expr) SLUICE_ASSIGN_IMPL(SLUICE_CONCAT(sluice_result_, __LINE__), lhs, expr)

}  // namespace sluice
