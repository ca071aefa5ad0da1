// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "broker-core/base/result.hpp"

// Metrics of the worker in Prometheus' model. The values are plain atomics, so that counting costs
// nothing on the record path; text is made when somebody asks.
namespace sluice::metrics {

using Labels = std::map<std::string, std::string>;

class Counter {
 public:
  void add(uint64_t amount = 1) { whole_.fetch_add(amount, std::memory_order_relaxed); }
  void add_fraction(double amount) { fraction_.fetch_add(amount, std::memory_order_relaxed); }
  double value() const {
    return static_cast<double>(whole_.load(std::memory_order_relaxed)) +
           fraction_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<uint64_t> whole_{0};
  std::atomic<double> fraction_{0};
};

class Gauge {
 public:
  void set(double value) { value_.store(value, std::memory_order_relaxed); }
  void add(double amount) { value_.fetch_add(amount, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

class Histogram {
 public:
  explicit Histogram(std::vector<double> bounds);  // ascending upper bounds; +Inf is added
  void observe(double value);
  const std::vector<double>& bounds() const { return bounds_; }
  std::vector<uint64_t> counts() const;  // per bucket, not cumulative; last: above all bounds
  double sum() const { return sum_.load(std::memory_order_relaxed); }

 private:
  const std::vector<double> bounds_;
  std::unique_ptr<std::atomic<uint64_t>[]> counts_;
  std::atomic<double> sum_{0};
};

// All series of one worker. A series lives as long as somebody holds it: when a connector is
// deleted, its series go with it. Asking for an existing series gives the same one. Any thread.
// Owned by the app.
class Registry {
 public:
  Registry() = default;
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // kInvalid: a name or label that Prometheus would not take, or a name that is in use for another
  // kind; kRetriable: too many series.
  Result<std::shared_ptr<Counter>> counter(const std::string& name, const std::string& help,
                                           const Labels& labels = {});
  Result<std::shared_ptr<Gauge>> gauge(const std::string& name, const std::string& help,
                                       const Labels& labels = {});
  Result<std::shared_ptr<Histogram>> histogram(const std::string& name, const std::string& help,
                                               std::vector<double> bounds,
                                               const Labels& labels = {});
  std::string expose();  // Prometheus' text format
  size_t series();

 private:
  enum class Kind { kCounter, kGauge, kHistogram };
  struct Family {
    Kind kind;
    std::string help;
    std::map<Labels, std::weak_ptr<void>> series;
  };
  Result<Family*> family(Kind kind, const std::string& name, const std::string& help,
                         const Labels& labels);
  template <class T, class Make>
  Result<std::shared_ptr<T>> obtain(Kind kind, const std::string& name, const std::string& help,
                                    const Labels& labels, Make make);
  size_t sweep();  // forgets series that nobody holds

  std::mutex mutex_;
  std::map<std::string, Family> families_;
};

}  // namespace sluice::metrics
