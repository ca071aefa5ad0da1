// SPDX-License-Identifier: Apache-2.0
// poll throws across the boundary, past the wrapper.
#include "fixture.hpp"

#include <stdexcept>

namespace {
using namespace sluice::fixture;

sluice_status poll(void*, const sluice_poll_limits*, sluice_batch*, sluice_poll_result*, sluice_error*) {
  throw std::runtime_error("thrown by poll");
}
constexpr sluice_source_api make_api() {
  sluice_source_api api = detail::make_source_api<Source>();
  api.poll = &poll;
  return api;
}
constexpr sluice_source_api kApi = make_api();
}  // namespace

SLUICE_PLUGIN("bad_poll_throws", "1.0.0",
              with_api(sluice::fixture::a_source<sluice::fixture::Source>("bad.PollThrows"), &kApi));
