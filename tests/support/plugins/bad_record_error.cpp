// SPDX-License-Identifier: Apache-2.0
// Reports a bad record that its batch does not have.
#include "fixture.hpp"

namespace {
using namespace sluice::fixture;

class Reports : public Source {
 public:
  Status poll(const PollLimits& limits, RecordBatch& batch) override {
    SLUICE_SDK_TRY(Source::poll(limits, batch));
    context().record_error(batch.size(), Error::record(batch.size(), "not there"));
    return ok();
  }
};
}  // namespace

SLUICE_PLUGIN("bad_record_error", "1.0.0", a_source<Reports>("bad.RecordError"));
