// SPDX-License-Identifier: Apache-2.0
// Releases each batch through a copy and leaves the host's struct as it was.
#include "fixture.hpp"

namespace {
using namespace sluice::fixture;

sluice_status put(void*, sluice_batch* batch, sluice_error*) {
  sluice_batch copy = *batch;
  if (copy.release != nullptr) copy.release(&copy);
  return SLUICE_OK;
}
constexpr sluice_sink_api make_api() {
  sluice_sink_api api = detail::make_sink_api<Sink>();
  api.put = &put;
  return api;
}
constexpr sluice_sink_api kApi = make_api();
}  // namespace

SLUICE_PLUGIN("bad_sink_releases_twice", "1.0.0",
              with_api(sluice::fixture::a_sink<sluice::fixture::Sink>("bad.SinkReleasesTwice"), &kApi));
