// SPDX-License-Identifier: Apache-2.0
#include "runtime/metrics/metrics.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>

namespace sluice::metrics {
namespace {

constexpr size_t kMaxSeries = 100'000;

bool valid_name(const std::string& name, bool label) {
  if (name.empty() || name.size() > 200) return false;
  auto good = [label](char c, bool first) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (!label && c == ':') ||
           (!first && c >= '0' && c <= '9');
  };
  for (size_t i = 0; i < name.size(); ++i) {
    if (!good(name[i], i == 0)) return false;
  }
  return !(label && name.rfind("__", 0) == 0);
}

prometheus::ClientMetric to_prometheus(const Histogram& histogram) {
  prometheus::ClientMetric metric;
  uint64_t total = 0;
  auto counts = histogram.counts();
  for (size_t i = 0; i < counts.size(); ++i) {
    total += counts[i];
    bool last = i == histogram.bounds().size();
    metric.histogram.bucket.push_back(
        {total, last ? std::numeric_limits<double>::infinity() : histogram.bounds()[i]});
  }
  metric.histogram.sample_count = total;
  metric.histogram.sample_sum = histogram.sum();
  return metric;
}

}  // namespace

Histogram::Histogram(std::vector<double> bounds)
    : bounds_(std::move(bounds)),
      counts_(std::make_unique<std::atomic<uint64_t>[]>(bounds_.size() + 1)) {}

void Histogram::observe(double value) {
  auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
  counts_[static_cast<size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

std::vector<uint64_t> Histogram::counts() const {
  std::vector<uint64_t> out(bounds_.size() + 1);
  for (size_t i = 0; i < out.size(); ++i) out[i] = counts_[i].load(std::memory_order_relaxed);
  return out;
}

size_t Registry::sweep() {
  size_t live = 0;
  for (auto it = families_.begin(); it != families_.end();) {
    std::erase_if(it->second.series, [](const auto& entry) { return entry.second.expired(); });
    live += it->second.series.size();
    it = it->second.series.empty() ? families_.erase(it) : std::next(it);
  }
  return live;
}

Result<Registry::Family*> Registry::family(Kind kind, const std::string& name,
                                           const std::string& help, const Labels& labels) {
  if (!valid_name(name, false)) {
    return Error{ErrorKind::kInvalid,
                 "'" + name + "' is no metric name: letters, digits, _ and : only"};
  }
  for (const auto& label : labels) {
    if (!valid_name(label.first, true)) {
      return Error{ErrorKind::kInvalid,
                   "'" + label.first + "' is no label name: letters, digits and _ only"};
    }
  }
  if (sweep() >= kMaxSeries) {
    return Error{ErrorKind::kRetriable,
                 "there are " + std::to_string(kMaxSeries) + " metric series already"};
  }
  auto [it, created] = families_.try_emplace(name, Family{kind, help, {}});
  if (it->second.kind != kind) {
    return Error{ErrorKind::kInvalid, "metric '" + name + "' exists already with another kind"};
  }
  return &it->second;
}

template <class T, class Make>
Result<std::shared_ptr<T>> Registry::obtain(Kind kind, const std::string& name,
                                            const std::string& help, const Labels& labels,
                                            Make make) {
  std::lock_guard lock(mutex_);
  SLUICE_ASSIGN(Family * owner, family(kind, name, help, labels));
  auto& slot = owner->series[labels];
  if (auto existing = slot.lock()) return std::static_pointer_cast<T>(existing);
  std::shared_ptr<T> made = make();
  slot = made;
  return made;
}

Result<std::shared_ptr<Counter>> Registry::counter(const std::string& name, const std::string& help,
                                                   const Labels& labels) {
  return obtain<Counter>(Kind::kCounter, name, help, labels,
                         [] { return std::make_shared<Counter>(); });
}

Result<std::shared_ptr<Gauge>> Registry::gauge(const std::string& name, const std::string& help,
                                               const Labels& labels) {
  return obtain<Gauge>(Kind::kGauge, name, help, labels, [] { return std::make_shared<Gauge>(); });
}

Result<std::shared_ptr<Histogram>> Registry::histogram(const std::string& name,
                                                       const std::string& help,
                                                       std::vector<double> bounds,
                                                       const Labels& labels) {
  if (!std::is_sorted(bounds.begin(), bounds.end())) {
    return Error{ErrorKind::kInvalid, "the bounds of histogram '" + name + "' are not ascending"};
  }
  return obtain<Histogram>(Kind::kHistogram, name, help, labels,
                           [&] { return std::make_shared<Histogram>(std::move(bounds)); });
}

size_t Registry::series() {
  std::lock_guard lock(mutex_);
  return sweep();
}

std::string Registry::expose() {
  std::vector<prometheus::MetricFamily> out;
  std::lock_guard lock(mutex_);
  sweep();
  for (const auto& [name, source] : families_) {
    prometheus::MetricFamily target;
    target.name = name;
    target.help = source.help;
    target.type = source.kind == Kind::kCounter ? prometheus::MetricType::Counter
                  : source.kind == Kind::kGauge ? prometheus::MetricType::Gauge
                                                : prometheus::MetricType::Histogram;
    for (const auto& [labels, weak] : source.series) {
      auto held = weak.lock();
      if (!held) continue;
      prometheus::ClientMetric metric;
      if (source.kind == Kind::kCounter) {
        metric.counter.value = static_cast<const Counter*>(held.get())->value();
      } else if (source.kind == Kind::kGauge) {
        metric.gauge.value = static_cast<const Gauge*>(held.get())->value();
      } else {
        metric = to_prometheus(*static_cast<const Histogram*>(held.get()));
      }
      for (const auto& [key, value] : labels) metric.label.push_back({key, value});
      target.metric.push_back(std::move(metric));
    }
    out.push_back(std::move(target));
  }
  return prometheus::TextSerializer().Serialize(out);
}

}  // namespace sluice::metrics
