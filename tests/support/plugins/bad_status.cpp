// SPDX-License-Identifier: Apache-2.0
// Answers a status that does not exist, and no text.
#include "fixture.hpp"

namespace {
using namespace sluice::fixture;

sluice_status poll(void*, const sluice_poll_limits*, sluice_batch*, sluice_poll_result*, sluice_error*) {
  return 4242;
}
constexpr sluice_source_api make_api() {
  sluice_source_api api = detail::make_source_api<Source>();
  api.poll = &poll;
  return api;
}
constexpr sluice_source_api kApi = make_api();
}  // namespace

SLUICE_PLUGIN("bad_status", "1.0.0",
              with_api(sluice::fixture::a_source<sluice::fixture::Source>("bad.Status"), &kApi));
