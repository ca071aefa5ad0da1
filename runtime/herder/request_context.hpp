// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>

#include "broker-core/base/result.hpp"

namespace sluice {

// Who asks, through which door, until when, and how much the answer may cost. Every request of
// every protocol carries one from its first byte to its last.
struct RequestContext {
  std::string principal = "User:ANONYMOUS";
  std::string listener;
  std::string client_id;
  std::chrono::steady_clock::time_point deadline =
      std::chrono::steady_clock::now() + std::chrono::seconds(90);
  size_t byte_budget = 64u << 20;
};

enum class Operation { kRead, kWrite, kCreate, kDelete, kAlter, kDescribe };

// Asked by every handler before it does anything. Thread-safe.
class Authorizer {
 public:
  virtual ~Authorizer() = default;
  // resource: "connector:<name>", "plugin:<class>", "worker", "topic:<name>".
  virtual Status authorize(const RequestContext& context, Operation operation,
                           const std::string& resource) = 0;
};

class AllowAll : public Authorizer {
 public:
  Status authorize(const RequestContext&, Operation, const std::string&) override { return ok(); }
};

}  // namespace sluice
