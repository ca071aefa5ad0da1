// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sluice/plugin.h>

namespace sluice::testkit {

// The functions behind FakeHost's table. No state of its own; each finds its FakeContext behind `ctx`.
struct HostFunctions {
  static sluice_host table();

 private:
  static uint32_t log_level(sluice_context* ctx);
  static void log(sluice_context* ctx, uint32_t level, sluice_str message);
  static sluice_str setting(sluice_context* ctx, sluice_str name);
  static sluice_status intern_topic(sluice_context* ctx, sluice_str name, uint32_t* topic, sluice_error* error);
  static sluice_str topic_name(sluice_context* ctx, uint32_t topic);
  static sluice_status intern_partition(sluice_context* ctx, const sluice_value* partition, uint32_t* number,
                                        sluice_error* error);
  static sluice_status list_offsets(sluice_context* ctx, sluice_offset_sink each, void* collector, sluice_error* error);
  static sluice_status read_offset(sluice_context* ctx, uint32_t partition, sluice_value* offset,
                                   sluice_error* error);
  static sluice_status schema_make(sluice_context* ctx, const sluice_schema* definition,
                                   const sluice_schema** schema, sluice_error* error);
  static void* arena_alloc(sluice_arena* arena, size_t size, size_t alignment);
  static void arena_keep(sluice_arena* arena, const sluice_schema* schema);
  static void wake(sluice_context* ctx);
  static sluice_status metric_register(sluice_context* ctx, uint32_t kind, sluice_str name, sluice_str help,
                                       uint32_t* metric, sluice_error* error);
  static void metric_add(sluice_context* ctx, uint32_t metric, double amount);
  static void metric_set(sluice_context* ctx, uint32_t metric, double value);
  static void record_error(sluice_context* ctx, uint32_t record_index, const sluice_error* error);
  static void config_error(sluice_context* ctx, sluice_str key, sluice_str message);
  static void config_recommend(sluice_context* ctx, sluice_str key, sluice_str value);
  static void config_visible(sluice_context* ctx, sluice_str key, uint32_t visible);
  static void request_reconfiguration(sluice_context* ctx);
  static sluice_status open_file(sluice_context* ctx, sluice_str key, sluice_str path, uint32_t flags,
                                 int32_t* fd, sluice_error* error);
  static void report_event(sluice_context* ctx, sluice_str kind, sluice_str text);
};

}  // namespace sluice::testkit
