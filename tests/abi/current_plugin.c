/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A source in plain C, as an author of today would write it: counts to `limit`, one record and one offset a batch.
 * freeze.sh copies it beside the header of its day, and that copy has to build and to load for ever.
 */
#include <sluice/plugin.h>
#include <sluice/plugin_note.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STR(text) {text, sizeof(text) - 1}

typedef struct counter {
  uint32_t topic;
  uint32_t partition;
  long long next;
  long long limit;
} counter;

typedef struct one_record {
  char text[32];
  sluice_record record;
  sluice_source_offset offset;
  sluice_value entry[2];
} one_record;

static sluice_status fail(sluice_error* error, sluice_status status, const char* text) {
  error->text_size = (uint32_t)strlen(text);
  memcpy(error->text, text, error->text_size);
  return status;
}

static sluice_value text_value(const char* text) {
  sluice_value value = {0};
  value.type = SLUICE_STRING;
  value.size = (uint32_t)strlen(text);
  value.as.bytes = text;
  return value;
}

static sluice_str find(const sluice_config* config, const char* key) {
  const sluice_str none = {NULL, 0};
  for (uint32_t i = 0; i < config->entry_count; ++i) {
    const sluice_pair* entry = &config->entries[i];
    if (entry->key.size == strlen(key) && memcmp(entry->key.data, key, entry->key.size) == 0) return entry->value;
  }
  return none;
}

static sluice_status resume(const sluice_host* host, sluice_context* ctx, counter* task, sluice_error* error) {
  sluice_value entry[2];
  sluice_value map = {0};
  sluice_value stored = {0};
  entry[0] = text_value("source");
  entry[1] = text_value("counter");
  map.type = SLUICE_MAP;
  map.size = 1;
  map.as.items = entry;
  sluice_status status = host->intern_partition(ctx, &map, &task->partition, error);
  if (status != SLUICE_OK) return status;
  status = host->read_offset(ctx, task->partition, &stored, error);
  if (status != SLUICE_OK) return status;
  if (stored.type == SLUICE_MAP && stored.size == 1) task->next = stored.as.items[1].as.i64;
  return SLUICE_OK;
}

static sluice_status create(const sluice_host* host, sluice_context* ctx, const sluice_config* config, void** task,
                            sluice_error* error) {
  const sluice_str topic = find(config, "topic");
  const sluice_str limit = find(config, "limit");
  char digits[32] = {0};
  char* end = NULL;
  if (topic.data == NULL) return fail(error, SLUICE_CONFIG_ERROR, "'topic' is not set");
  if (limit.size == 0 || limit.size >= sizeof(digits)) {
    return fail(error, SLUICE_CONFIG_ERROR, "'limit' is no number");
  }
  memcpy(digits, limit.data, limit.size);
  counter* made = calloc(1, sizeof(*made));
  if (made == NULL) return fail(error, SLUICE_RETRIABLE, "no memory");
  made->limit = strtoll(digits, &end, 10);
  sluice_status status = SLUICE_OK;
  if (*end != '\0') status = fail(error, SLUICE_CONFIG_ERROR, "'limit' is no number");
  if (status == SLUICE_OK) status = host->intern_topic(ctx, topic, &made->topic, error);
  if (status == SLUICE_OK) status = resume(host, ctx, made, error);
  if (status != SLUICE_OK) {
    free(made);
    return status;
  }
  *task = made;
  return SLUICE_OK;
}

static void release(sluice_batch* batch) {
  free(batch->private_data);
  batch->release = NULL;
}

static sluice_status poll(void* opaque, const sluice_poll_limits* limits, sluice_batch* batch,
                          sluice_poll_result* result, sluice_error* error) {
  counter* task = opaque;
  (void)limits;
  (void)result;
  if (task->next >= task->limit) return fail(error, SLUICE_END, "");
  one_record* memory = calloc(1, sizeof(*memory));
  if (memory == NULL) return fail(error, SLUICE_RETRIABLE, "no memory");
  ++task->next;
  snprintf(memory->text, sizeof(memory->text), "%lld", task->next);
  memory->record.value = text_value(memory->text);
  memory->record.timestamp_ms = SLUICE_NO_TIMESTAMP;
  memory->record.partition = SLUICE_ANY_PARTITION;
  memory->record.topic = task->topic;
  memory->entry[0] = text_value("next");
  memory->entry[1].type = SLUICE_INT64;
  memory->entry[1].as.i64 = task->next;
  memory->offset.partition = task->partition;
  memory->offset.offset.type = SLUICE_MAP;
  memory->offset.offset.size = 1;
  memory->offset.offset.as.items = memory->entry;
  batch->record_size = sizeof(sluice_record);
  batch->records = &memory->record;
  batch->record_count = 1;
  batch->offsets = &memory->offset;
  batch->offset_count = 1;
  batch->private_data = memory;
  batch->release = release;
  return SLUICE_OK;
}

static void destroy(void* task) { free(task); }

static const sluice_source_api api = {
    .struct_size = sizeof(sluice_source_api), .create = create, .poll = poll, .destroy = destroy};
static const sluice_config_key keys[] = {
    {.name = STR("topic"), .type = SLUICE_CONFIG_STRING, .flags = SLUICE_KEY_REQUIRED,
     .documentation = STR("Where the numbers go."), .order_in_group = -1},
    {.name = STR("limit"), .type = SLUICE_CONFIG_LONG, .flags = SLUICE_KEY_HAS_MIN, .default_value = STR("5"),
     .documentation = STR("The last number."), .order_in_group = -1, .min = 0}};
static const sluice_config_def def = {
    .struct_size = sizeof(sluice_config_def), .key_size = sizeof(sluice_config_key), .keys = keys, .key_count = 2};
static const sluice_class source = {.struct_size = sizeof(sluice_class),
                                    .kind = SLUICE_KIND_SOURCE,
                                    .name = STR("frozen.Counter"),
                                    .version = STR("1.0.0"),
                                    .documentation = STR("Counts."),
                                    .capabilities = SLUICE_CAP_NON_BLOCKING,
                                    .config = &def,
                                    .api = &api};
static const sluice_class* const classes[] = {&source};
static const sluice_plugin plugin = {.struct_size = sizeof(sluice_plugin),
                                     .abi_version = SLUICE_ABI_VERSION,
                                     .name = STR("frozen"),
                                     .version = STR("1.0.0"),
                                     .classes = classes,
                                     .class_count = 1};

SLUICE_PLUGIN_NOTE(
    "{\"abi\":[" SLUICE_ABI_TEXT "],\"name\":\"frozen\",\"version\":\"1.0.0\","
    "\"classes\":[{\"name\":\"frozen.Counter\","
    "\"kind\":\"source\",\"version\":\"1.0.0\",\"documentation\":\"Counts.\",\"capabilities\":[\"non_blocking\"],"
    "\"config\":[{\"name\":\"topic\",\"type\":\"STRING\",\"importance\":\"HIGH\",\"width\":\"NONE\","
    "\"flags\":[\"required\"],\"documentation\":\"Where the numbers go.\"},"
    "{\"name\":\"limit\",\"type\":\"LONG\",\"importance\":\"HIGH\",\"width\":\"NONE\",\"flags\":[\"has_min\"],"
    "\"default\":\"5\",\"documentation\":\"The last number.\",\"min\":0}]}]}");

__attribute__((visibility("default"))) const sluice_plugin* sluice_plugin_entry(uint32_t host_abi_version);
const sluice_plugin* sluice_plugin_entry(uint32_t host_abi_version) {
  const int same_major = host_abi_version >> 16 == SLUICE_ABI_MAJOR;
  const int usable = SLUICE_ABI_MAJOR == 0u ? host_abi_version == SLUICE_ABI_VERSION
                                            : same_major && host_abi_version >= SLUICE_ABI_VERSION;
  return usable ? &plugin : NULL;
}
