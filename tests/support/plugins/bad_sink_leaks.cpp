// SPDX-License-Identifier: Apache-2.0
// Moves batches away and never releases them.
#include "fixture.hpp"

namespace {
using namespace sluice::fixture;

sluice_status put(void*, sluice_batch* batch, sluice_error*) {
  batch->release = nullptr;
  return SLUICE_OK;
}
constexpr sluice_sink_api make_api() {
  sluice_sink_api api = detail::make_sink_api<Sink>();
  api.put = &put;
  return api;
}
constexpr sluice_sink_api kApi = make_api();
}  // namespace

SLUICE_PLUGIN("bad_sink_leaks", "1.0.0",
              with_api(sluice::fixture::a_sink<sluice::fixture::Sink>("bad.SinkLeaks"), &kApi));
