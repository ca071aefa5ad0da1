// SPDX-License-Identifier: Apache-2.0
// release frees, but leaves batch->release set, so that the next owner frees again.
#include "fixture.hpp"

namespace {
using namespace sluice::fixture;

void release(sluice_batch*) {}

sluice_status poll(void* task, const sluice_poll_limits* limits, sluice_batch* batch, sluice_poll_result* result,
                   sluice_error* error) {
  static const sluice_value kText = Value::string("static text");
  static sluice_record record = {};
  (void)task, (void)limits, (void)result, (void)error;
  record.value = kText;
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

SLUICE_PLUGIN("bad_release_keeps", "1.0.0",
              with_api(sluice::fixture::a_source<sluice::fixture::Source>("bad.ReleaseKeeps"), &kApi));
