// SPDX-License-Identifier: Apache-2.0
// Fills the same memory at every poll, although earlier batches are not released yet.
#include "fixture.hpp"

namespace {
using namespace sluice::fixture;

char text[16] = "record a";
sluice_record record = {};

void release(sluice_batch* batch) { batch->release = nullptr; }

sluice_status poll(void*, const sluice_poll_limits*, sluice_batch* batch, sluice_poll_result*, sluice_error*) {
  ++text[7];
  record.value = Value::string({text, 8});
  record.timestamp_ms = SLUICE_NO_TIMESTAMP;
  record.partition = SLUICE_ANY_PARTITION;
  batch->record_size = sizeof(record);
  batch->records = &record;
  batch->record_count = 1;
  batch->release = &release;
  return SLUICE_OK;
}
constexpr sluice_source_api make_api() {
  sluice_source_api api = detail::make_source_api<Source>();
  api.poll = &poll;
  return api;
}
constexpr sluice_source_api kApi = make_api();
}  // namespace

SLUICE_PLUGIN("bad_batch_changes", "1.0.0",
              with_api(sluice::fixture::a_source<sluice::fixture::Source>("bad.BatchChanges"), &kApi));
