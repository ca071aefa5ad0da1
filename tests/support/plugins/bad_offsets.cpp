// SPDX-License-Identifier: Apache-2.0
// Its offsets point at records that the batch does not have.
#include "fixture.hpp"

namespace {
using namespace sluice::fixture;

sluice_status poll(void* task, const sluice_poll_limits* limits, sluice_batch* batch, sluice_poll_result* result,
                   sluice_error* error) {
  const sluice_status status = detail::source_poll(task, limits, batch, result, error);
  if (status == SLUICE_OK && batch->offset_count > 0) {
    const_cast<sluice_source_offset*>(batch->offsets)->last_record = batch->record_count + 5;
  }
  return status;
}
constexpr sluice_source_api make_api() {
  sluice_source_api api = detail::make_source_api<Source>();
  api.poll = &poll;
  return api;
}
constexpr sluice_source_api kApi = make_api();
}  // namespace

SLUICE_PLUGIN("bad_offsets", "1.0.0",
              with_api(sluice::fixture::a_source<sluice::fixture::Source>("bad.Offsets"), &kApi));
