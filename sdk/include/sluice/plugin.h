/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Sluice plugin ABI. Pure C11: this header is the whole contract between the worker ("host") and a plugin
 * library. C++ authors use the wrapper <sluice/sdk.hpp>; docs/abi.md explains the design.
 *
 * STATUS: UNSTABLE. Host and plugin must have been built for exactly the same SLUICE_ABI_VERSION.
 *
 * The laws, valid for everything below:
 *  1. A plugin exports one symbol, sluice_plugin_entry, and imports nothing from the host: host functions come
 *     in a table. It also carries a manifest in an ELF note (see SLUICE_NOTE_*), read before anything is loaded.
 *  2. Every struct that crosses starts with struct_size, set by the side that fills it. Structs only grow at the
 *     end; a reader takes min(its own size, struct_size); a missing or NULL function means "not supported".
 *     Arrays of structs that may grow carry their stride (record_size, key_size).
 *  3. Arguments live until the call returns, unless their comment says otherwise. What one side allocates, that
 *     side frees. Batches are owned by Arrow's rule: see sluice_batch.
 *  4. No C++ type, exception, longjmp, FILE*, errno or allocator crosses. Strings are UTF-8, not terminated.
 *  5. Threads. "owner": called by one thread at a time, not always the same one, with happens-before between the
 *     calls. "any": from any thread, also while an owner call runs on the same object. Functions of the plugin are
 *     "owner" and host functions are to be called from inside of an owner call, unless marked [any].
 *  6. Blocking. A class with SLUICE_CAP_NON_BLOCKING must return at once from poll, put and commit (no waiting for
 *     networks or peers; disk I/O is fine). Other classes get a thread of their own; stop [any] must end a wait.
 *  7. A function that returns sluice_status fills *error when it does not return SLUICE_OK.
 */
#ifndef SLUICE_PLUGIN_H
#define SLUICE_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SLUICE_ABI_MAJOR 0u
#define SLUICE_ABI_MINOR 1u
#define SLUICE_ABI_VERSION (SLUICE_ABI_MAJOR << 16 | SLUICE_ABI_MINOR)
#define SLUICE_ABI_TEXT "0,1" /* the same, as the manifest has it */

/* ------------------------------------------------------------------------------------------------ status --- */

/* What the host does about a failure. The values are fixed. */
typedef uint32_t sluice_status;
#define SLUICE_OK 0u
#define SLUICE_RETRIABLE 1u     /* call again later with the same input; see sluice_error.retry_after_ms */
#define SLUICE_RECORD_ERROR 2u  /* one record is bad (errors.tolerance, dead letter topic); see record_index */
#define SLUICE_NOT_CONNECTED 3u /* the other system is away: reconnect inside of the next call; never a DLQ case */
#define SLUICE_END 4u           /* a source that has delivered everything it will ever have */
#define SLUICE_CONFIG_ERROR 5u  /* the config cannot work; restarting without a change is useless */
#define SLUICE_FATAL 6u         /* the task fails; the restart policy decides */
#define SLUICE_FENCED 7u        /* a newer owner took over; stop without committing */
#define SLUICE_UNSUPPORTED 8u   /* this host or plugin has no such function */
#define SLUICE_REOPEN 9u        /* sinks: what was put since the last commit is lost (a broken transaction): the host
                                 * closes, opens and goes on from what open returns. FATAL anywhere else */

#define SLUICE_ERROR_TEXT_MAX 1024u

/* Allocated by the caller, filled by the callee. The text reaches people: say what failed and what to do. */
typedef struct sluice_error {
  uint32_t struct_size;
  uint32_t retry_after_ms;                /* RETRIABLE, NOT_CONNECTED: hint; 0 = the host's own backoff */
  uint32_t record_index;                  /* RECORD_ERROR: index in the batch */
  uint32_t text_size;                     /* bytes of text that count */
  char text[SLUICE_ERROR_TEXT_MAX];
} sluice_error;

/* Borrowed bytes of text. data == NULL means null, size == 0 with data != NULL means empty. */
typedef struct sluice_str {
  const char* data;
  size_t size;
} sluice_str;

/* ------------------------------------------------------------------------------------------------ values --- */

/* Kafka Connect's types (org.apache.kafka.connect.data.Schema.Type). Logical types are named schemas. */
#define SLUICE_NULL 0u
#define SLUICE_BOOLEAN 1u  /* as.i64: 0 or 1 */
#define SLUICE_INT8 2u     /* as.i64, for all integers */
#define SLUICE_INT16 3u
#define SLUICE_INT32 4u
#define SLUICE_INT64 5u
#define SLUICE_FLOAT32 6u  /* as.f64, for both */
#define SLUICE_FLOAT64 7u
#define SLUICE_STRING 8u   /* as.bytes, size = bytes, UTF-8 */
#define SLUICE_BYTES 9u    /* as.bytes, size = bytes */
#define SLUICE_ARRAY 10u   /* as.items[size] */
#define SLUICE_MAP 11u     /* as.items[2 * size]: key, value, key, value ... */
#define SLUICE_STRUCT 12u  /* as.items[size], in the order of the schema's fields */

/* One value, 16 bytes; everything it points to is borrowed and lives as long as the batch (or call) it is in. */
typedef struct sluice_value {
  uint8_t type;
  uint8_t reserved[3];
  uint32_t size; /* bytes, items or pairs, by type */
  union {
    int64_t i64;
    double f64;
    const char* bytes;
    const struct sluice_value* items;
  } as;
} sluice_value;

/*
 * A schema. Made by the host only (host->schema_make), immutable, shared, reference-counted (schema_retain and
 * schema_release [any]); read its fields directly. Two equal definitions made in one worker are one pointer.
 */
typedef struct sluice_schema sluice_schema;

typedef struct sluice_schema_field {
  sluice_str name;
  const sluice_schema* schema;
} sluice_schema_field;

typedef struct sluice_pair {
  sluice_str key;
  sluice_str value;
} sluice_pair;

struct sluice_schema {
  uint32_t struct_size;
  uint8_t type;
  uint8_t optional;
  uint8_t has_version;
  uint8_t reserved;
  int32_t version;
  uint32_t field_count;
  sluice_str name;                       /* null = none; e.g. org.apache.kafka.connect.data.Timestamp */
  sluice_str doc;
  const sluice_schema_field* fields;     /* STRUCT */
  const sluice_schema* key_schema;       /* MAP */
  const sluice_schema* value_schema;     /* MAP, ARRAY */
  const sluice_pair* parameters;
  uint32_t parameter_count;
  uint32_t reserved2;
  const sluice_value* default_value;     /* NULL = none */
};

typedef struct sluice_header {
  sluice_str key;
  sluice_value value;
  const sluice_schema* schema;           /* NULL = schemaless */
} sluice_header;

#define SLUICE_NO_TIMESTAMP INT64_MIN
#define SLUICE_ANY_PARTITION (-1)

/* One record. Topics are numbers given out by host->intern_topic (sources) or resolved by topic_name (sinks). */
typedef struct sluice_record {
  sluice_value key;
  sluice_value value;
  const sluice_schema* key_schema;       /* NULL = schemaless; kept alive by the batch */
  const sluice_schema* value_schema;
  int64_t timestamp_ms;                  /* since the epoch, or SLUICE_NO_TIMESTAMP */
  int64_t offset;                        /* sinks: the record's offset in the topic; sources: unused */
  const sluice_header* headers;
  uint32_t header_count;
  uint32_t topic;
  int32_t partition;                     /* sources: SLUICE_ANY_PARTITION lets the host choose by key */
  uint32_t flags;                        /* must be 0 */
} sluice_record;

/*
 * "Once records[0 .. last_record] are durable, `offset` is the position to resume at for `partition`."
 * One per batch or one per record or anything between: ascending last_record, at most one for each pair of
 * (partition, last_record). `offset` is a MAP of STRING to primitives, or NULL type to delete what is stored.
 * In a batch without records last_record is 0 and means: once all batches before this one are durable.
 */
typedef struct sluice_source_offset {
  uint32_t partition;                    /* from host->intern_partition */
  uint32_t last_record;
  sluice_value offset;
} sluice_source_offset;

/*
 * A batch. The struct belongs to whoever declares it; all that it points to belongs to whoever filled it, stays
 * unchanged, and lives until release(batch) is called: exactly once, [any]. release sets batch->release = NULL.
 * A batch is moved by copying the struct and setting the source's release to NULL. release == NULL: nothing to free.
 * No batch outlives its task: what a source filled is released before its destroy is called, what a sink moved away
 * before its destroy returns.
 */
typedef struct sluice_batch {
  uint32_t struct_size;
  uint32_t record_size;                  /* stride: sizeof(sluice_record) of the side that filled it */
  const sluice_record* records;
  uint32_t record_count;
  uint32_t offset_count;                 /* sources only */
  const sluice_source_offset* offsets;
  void (*release)(struct sluice_batch* batch);
  void* private_data;                    /* of the side that filled it */
} sluice_batch;

/* ------------------------------------------------------------------------------------------------ config --- */

/* org.apache.kafka.common.config.ConfigDef, as static data. */
#define SLUICE_CONFIG_BOOLEAN 0u
#define SLUICE_CONFIG_STRING 1u
#define SLUICE_CONFIG_INT 2u
#define SLUICE_CONFIG_SHORT 3u
#define SLUICE_CONFIG_LONG 4u
#define SLUICE_CONFIG_DOUBLE 5u
#define SLUICE_CONFIG_LIST 6u
#define SLUICE_CONFIG_CLASS 7u
#define SLUICE_CONFIG_PASSWORD 8u

#define SLUICE_IMPORTANCE_HIGH 0u
#define SLUICE_IMPORTANCE_MEDIUM 1u
#define SLUICE_IMPORTANCE_LOW 2u

#define SLUICE_WIDTH_NONE 0u
#define SLUICE_WIDTH_SHORT 1u
#define SLUICE_WIDTH_MEDIUM 2u
#define SLUICE_WIDTH_LONG 3u

/* sluice_config_key.flags */
#define SLUICE_KEY_REQUIRED 1u          /* no default: a missing value is an error */
#define SLUICE_KEY_HAS_MIN 2u
#define SLUICE_KEY_HAS_MAX 4u
#define SLUICE_KEY_NON_EMPTY 8u
#define SLUICE_KEY_IGNORE_CASE 16u      /* for `allowed` */
#define SLUICE_KEY_NO_EFFECT 32u        /* accepted for compatibility; the host warns with `reason` */
#define SLUICE_KEY_REFUSED 64u          /* setting it is an error; `reason` says why and what to use */

typedef struct sluice_config_key {
  sluice_str name;
  uint8_t type;
  uint8_t importance;
  uint8_t width;
  uint8_t reserved;
  uint32_t flags;
  sluice_str default_value;              /* null = none (the value is null unless REQUIRED) */
  sluice_str documentation;
  sluice_str group;                      /* null = none */
  sluice_str display_name;               /* null = name */
  sluice_str reason;                     /* NO_EFFECT, REFUSED */
  int32_t order_in_group;                /* -1 = none */
  uint32_t allowed_count;
  const sluice_str* allowed;             /* valid strings; for LIST: of each element */
  const sluice_str* dependents;
  uint32_t dependent_count;
  uint32_t reserved2;
  double min;                            /* numbers; for LIST: number of elements */
  double max;
} sluice_config_key;

typedef struct sluice_config_def {
  uint32_t struct_size;
  uint32_t key_size;                     /* stride: sizeof(sluice_config_key) */
  const sluice_config_key* keys;
  uint32_t key_count;
  uint32_t reserved;
} sluice_config_def;

/* The config of one connector or task as the user wrote it plus the defaults of the class's ConfigDef; the host
 * has parsed and checked every value against the ConfigDef before. Sorted by key; absent and null are the same. */
typedef struct sluice_config {
  uint32_t struct_size;
  uint32_t entry_count;
  const sluice_pair* entries;
} sluice_config;

/* -------------------------------------------------------------------------------------------------- host --- */

#define SLUICE_LOG_TRACE 0u
#define SLUICE_LOG_DEBUG 1u
#define SLUICE_LOG_INFO 2u
#define SLUICE_LOG_WARN 3u
#define SLUICE_LOG_ERROR 4u

/* host->open_file flags */
#define SLUICE_FILE_READ 1u
#define SLUICE_FILE_WRITE 2u
#define SLUICE_FILE_CREATE 4u
#define SLUICE_FILE_EXCLUSIVE 8u
#define SLUICE_FILE_DIRECTORY 16u        /* a folder, for fdopendir, openat, renameat and fsync below it */

#define SLUICE_METRIC_COUNTER 0u
#define SLUICE_METRIC_GAUGE 1u

/* The host's side of one connector, task or other instance. Valid from create until destroy has returned. */
typedef struct sluice_context sluice_context;
/* Memory of one call's output: valid until the host has finished with that output. */
typedef struct sluice_arena sluice_arena;

/* Receives one stored offset from inside of list_offsets; both values live until it returns. */
typedef void (*sluice_offset_sink)(void* collector, const sluice_value* partition, const sluice_value* offset);

typedef struct sluice_host {
  uint32_t struct_size;
  uint32_t abi_version;                  /* SLUICE_ABI_VERSION of the host */

  /* [any] The smallest level that is written; skip building a message below it. */
  uint32_t (*log_level)(sluice_context* ctx);
  /* [any] */
  void (*log)(sluice_context* ctx, uint32_t level, sluice_str message);

  /* [any] Facts about this instance: connector.name, task.id, worker.id, connector.class, task.count.
   * The text lives as long as ctx; null text: no such setting. */
  sluice_str (*setting)(sluice_context* ctx, sluice_str name);

  /* Topic name <-> number, for the life of ctx. An illegal name gives CONFIG_ERROR. */
  sluice_status (*intern_topic)(sluice_context* ctx, sluice_str name, uint32_t* topic, sluice_error* error);
  sluice_str (*topic_name)(sluice_context* ctx, uint32_t topic);

  /* Source partition (MAP of STRING to primitives) -> number, for the life of ctx. */
  sluice_status (*intern_partition)(sluice_context* ctx, const sluice_value* partition, uint32_t* number,
                                    sluice_error* error);
  /* The stored offset of a source partition, as last made durable (also by Kafka Connect itself);
   * type NULL = none. The value lives until the next read_offset on ctx. */
  sluice_status (*read_offset)(sluice_context* ctx, uint32_t partition, sluice_value* offset,
                               sluice_error* error);

  /* [any] `definition` is an ordinary struct of the caller's whose sub-schemas come from schema_make; the
   * result is retained for the caller. */
  sluice_status (*schema_make)(sluice_context* ctx, const sluice_schema* definition,
                               const sluice_schema** schema, sluice_error* error);
  void (*schema_retain)(const sluice_schema* schema);
  void (*schema_release)(const sluice_schema* schema);

  /* [any for different arenas] Never NULL for sizes up to the host's bound on a batch; else NULL. */
  void* (*arena_alloc)(sluice_arena* arena, size_t size, size_t alignment);

  /* [any] Call poll (or put, commit) soon again, although it said it had nothing. Never blocks. */
  void (*wake)(sluice_context* ctx);

  /* [any] Metrics get the labels connector and task. Register once, keep the number. */
  sluice_status (*metric_register)(sluice_context* ctx, uint32_t kind, sluice_str name, sluice_str help,
                                   uint32_t* metric, sluice_error* error);
  void (*metric_add)(sluice_context* ctx, uint32_t metric, double amount); /* COUNTER */
  void (*metric_set)(sluice_context* ctx, uint32_t metric, double value);  /* GAUGE */

  /* This record is bad; what errors.tolerance says becomes of it. Inside of put: the others of the batch count as
   * accepted. Inside of poll: record `record_index` of the batch that this poll returns could not be decoded. The batch
   * holds it as it came (BYTES or STRING without a schema), and the host never writes it to its topic; the batch is
   * acknowledged once it is durable where errors.tolerance sends it. The first report of a record counts, one of a
   * record that is not in the batch fails the task, and those of a call that fails count for nothing. */
  void (*record_error)(sluice_context* ctx, uint32_t record_index, const sluice_error* error);

  /* Inside of validate only: findings for one key, as in Kafka's ConfigValue. */
  void (*config_error)(sluice_context* ctx, sluice_str key, sluice_str message);
  void (*config_recommend)(sluice_context* ctx, sluice_str key, sluice_str value);
  void (*config_visible)(sluice_context* ctx, sluice_str key, uint32_t visible);

  /* [any] From a connector: task_configs would answer differently now. */
  void (*request_reconfiguration)(sluice_context* ctx);

  /* [any] Opens a file below file.allowed.roots with all symbolic links resolved; relative paths start at the
   * first root. Refused paths give CONFIG_ERROR with a text that names the worker key. A missing file gives
   * NOT_CONNECTED. `key` is the config key that holds the path, for the message. The caller closes *fd. */
  sluice_status (*open_file)(sluice_context* ctx, sluice_str key, sluice_str path, uint32_t flags,
                             int32_t* fd, sluice_error* error);

  /* [any] Something a person should hear of that is no failure (a possible gap, a lost session): goes to the
   * connector's status events, the log and a counter. `kind` is a short fixed word. */
  void (*report_event)(sluice_context* ctx, sluice_str kind, sluice_str text);

  /* Like arena_alloc: the arena holds one more reference to `schema` until it ends. For transforms and converters
   * whose output has schemas that nothing else keeps. */
  void (*arena_keep)(sluice_arena* arena, const sluice_schema* schema);

  /* All source partitions of this connector (of all its tasks) that have a stored offset, as last made durable: what
   * became of things that are not there any more, such as a file that was renamed while the worker was down. */
  sluice_status (*list_offsets)(sluice_context* ctx, sluice_offset_sink each, void* collector, sluice_error* error);
} sluice_host;

/* --------------------------------------------------------------------------------------------- connectors --- */

/* Receives one task's config; called once per task from inside of task_configs. */
typedef void (*sluice_task_config_sink)(void* collector, const sluice_pair* entries, uint32_t entry_count);

/* The control side of a source or sink. NULL functions: no cross-field checks; no check; one task with the
 * connector's own config. */
typedef struct sluice_connector_api {
  uint32_t struct_size;
  uint32_t reserved;
  /* Cross-field checks, no I/O: reports through host->config_error. Not OK = validation itself failed. */
  sluice_status (*validate)(const sluice_host* host, sluice_context* ctx, const sluice_config* config,
                            sluice_error* error);
  /* Connects to the other system without moving data; `text` findings through host->report_event. */
  sluice_status (*check)(const sluice_host* host, sluice_context* ctx, const sluice_config* config,
                         sluice_error* error);
  /* The running connector, when its class needs one (discovery of tables, files, topics). */
  sluice_status (*create)(const sluice_host* host, sluice_context* ctx, const sluice_config* config,
                          void** connector, sluice_error* error);
  sluice_status (*task_configs)(void* connector, uint32_t tasks_max, sluice_task_config_sink sink,
                                void* collector, sluice_error* error);
  void (*stop)(void* connector); /* [any] ends waits; destroy follows */
  void (*destroy)(void* connector);
} sluice_connector_api;

typedef struct sluice_poll_limits {
  uint32_t struct_size;
  uint32_t records_max;
  uint64_t bytes_max;                    /* of keys, values and headers; one record may exceed it */
  uint32_t wait_max_ms;                  /* blocking classes may wait so long for the first record */
  uint32_t reserved;
} sluice_poll_limits;

typedef struct sluice_poll_result {
  uint32_t struct_size;
  uint32_t idle_ms;                      /* empty batch: poll again after so long or at wake(); 0 = host's choice */
} sluice_poll_result;

/*
 * A source task. Order of calls: create (which starts it), poll and ack in turns, stop, destroy.
 * The host numbers the batches that poll returned with records or offsets in them with 1, 2, 3 ...
 */
typedef struct sluice_source_api {
  uint32_t struct_size;
  uint32_t reserved;
  sluice_status (*create)(const sluice_host* host, sluice_context* ctx, const sluice_config* config,
                          void** task, sluice_error* error);
  /* `batch` comes zeroed with struct_size set. OK with record_count 0: nothing now. A batch may hold offsets
   * and no records (progress without data). */
  sluice_status (*poll)(void* task, const sluice_poll_limits* limits, sluice_batch* batch,
                        sluice_poll_result* result, sluice_error* error);
  /* Every batch up to and including number `batch` is durable together with its offsets: now, and only now, the
   * other system may be told so. Cumulative; owner; called between polls, also after stop, never after destroy. */
  sluice_status (*ack)(void* task, uint64_t batch, sluice_error* error);
  void (*stop)(void* task);              /* [any] a blocking poll returns soon; polls end; acks may follow */
  void (*destroy)(void* task);
} sluice_source_api;

typedef struct sluice_partition_offset {
  uint32_t topic;
  int32_t partition;
  int64_t next_offset;                   /* first offset not yet processed; -1 = unknown */
} sluice_partition_offset;

/* A sink task. Order: create, (open, (put | commit)*, close)*, stop, destroy. */
typedef struct sluice_sink_api {
  uint32_t struct_size;
  uint32_t reserved;
  sluice_status (*create)(const sluice_host* host, sluice_context* ctx, const sluice_config* config,
                          void** task, sluice_error* error);
  /* Partitions that this task owns from now on. `epoch` grows with each new owner of any of them: a target that
   * keeps offsets refuses writers with an older one (FENCED). The plugin may set next_offset to the position that
   * its target holds (exactly-once); it comes as the group's committed offset, -1 if there is none. */
  sluice_status (*open)(void* task, sluice_partition_offset* partitions, uint32_t count, int64_t epoch,
                        sluice_error* error);
  /* Records in offset order per partition. The host owns the batch unless the plugin moves it away (copies the
   * struct, sets batch->release = NULL). RETRIABLE and NOT_CONNECTED: the same batch comes again, none of it may
   * count as put. record_count 0: a heartbeat. */
  sluice_status (*put)(void* task, sluice_batch* batch, sluice_error* error);
  /* Make everything put so far durable, up to next_offset of each partition. The plugin may lower next_offset
   * to what is durable; the host commits exactly what comes back. With offsets in the target: one transaction. */
  sluice_status (*commit)(void* task, sluice_partition_offset* partitions, uint32_t count, sluice_error* error);
  /* These partitions are gone; `lost` != 0: another owner may have them already, nothing may be committed. */
  void (*close)(void* task, const sluice_partition_offset* partitions, uint32_t count, uint32_t lost);
  void (*stop)(void* task);              /* [any] ends waits */
  void (*destroy)(void* task);
} sluice_sink_api;

/* ------------------------------------------------------------------- transforms, predicates, converters --- */

/* Batch in, batch out. `out` comes zeroed; its memory comes from `arena` or from `in`, which outlives it. A record
 * that is dropped is left out; schemas come from `in`, or live as long as the arena (arena_keep) or the transform;
 * origin[i] gives the index in `in` of out record i (ascending). RECORD_ERROR in
 * *error names the input record; the host drops or reports it and calls again without it. */
typedef struct sluice_transform_api {
  uint32_t struct_size;
  uint32_t reserved;
  sluice_status (*create)(const sluice_host* host, sluice_context* ctx, const sluice_config* config,
                          void** transform, sluice_error* error);
  sluice_status (*apply)(void* transform, sluice_arena* arena, const sluice_batch* in, sluice_batch* out,
                         const uint32_t** origin, sluice_error* error);
  void (*destroy)(void* transform);
} sluice_transform_api;

typedef struct sluice_predicate_api {
  uint32_t struct_size;
  uint32_t reserved;
  sluice_status (*create)(const sluice_host* host, sluice_context* ctx, const sluice_config* config,
                          void** predicate, sluice_error* error);
  /* Sets holds[i] to 0 or 1 for each record. */
  sluice_status (*test)(void* predicate, const sluice_batch* in, uint8_t* holds, sluice_error* error);
  void (*destroy)(void* predicate);
} sluice_predicate_api;

/* Connect data <-> bytes, a column of `count` values at a time. The config holds converter.type = key, value
 * or header. RECORD_ERROR names the index. */
typedef struct sluice_converter_api {
  uint32_t struct_size;
  uint32_t reserved;
  sluice_status (*create)(const sluice_host* host, sluice_context* ctx, const sluice_config* config,
                          void** converter, sluice_error* error);
  /* bytes[i] becomes BYTES or NULL type. */
  sluice_status (*from_connect)(void* converter, sluice_arena* arena, sluice_str topic,
                                const sluice_schema* const* schemas, const sluice_value* values,
                                uint32_t count, sluice_value* bytes, sluice_error* error);
  /* schemas[i] lives as long as the arena (arena_keep) or the converter. */
  sluice_status (*to_connect)(void* converter, sluice_arena* arena, sluice_str topic,
                              const sluice_value* bytes, uint32_t count, const sluice_schema** schemas,
                              sluice_value* values, sluice_error* error);
  void (*destroy)(void* converter);
} sluice_converter_api;

/* --------------------------------------------------------------------------------------- the plugin's entry --- */

#define SLUICE_KIND_SOURCE 1u
#define SLUICE_KIND_SINK 2u
#define SLUICE_KIND_TRANSFORMATION 3u
#define SLUICE_KIND_PREDICATE 4u
#define SLUICE_KIND_CONVERTER 5u
#define SLUICE_KIND_HEADER_CONVERTER 6u

/* sluice_class.capabilities */
#define SLUICE_CAP_NON_BLOCKING 1u       /* law 6: runs on a shared executor, costs no thread when idle */
#define SLUICE_CAP_EXACTLY_ONCE 2u       /* sink: open() gives the target's offsets; source: offsets resume exactly */
#define SLUICE_CAP_ONE_TASK 4u           /* never more than one task */

/* One connector class, transformation, ... under the name that configs use. Class names that other systems use for the
 * same job are classes of their own, with their own ConfigDef and defaults. */
typedef struct sluice_class {
  uint32_t struct_size;
  uint32_t kind;
  sluice_str name;                       /* e.g. org.apache.kafka.connect.file.FileStreamSourceConnector */
  sluice_str version;
  sluice_str documentation;              /* first sentence: summary */
  uint32_t capabilities;
  uint32_t reserved;
  const sluice_config_def* config;
  const sluice_connector_api* connector; /* SOURCE, SINK; may be NULL */
  const void* api;                       /* by kind: sluice_source_api, sluice_sink_api, ... */
} sluice_class;

typedef struct sluice_plugin {
  uint32_t struct_size;
  uint32_t abi_version;                  /* SLUICE_ABI_VERSION of the plugin */
  sluice_str name;                       /* of the library, e.g. file */
  sluice_str version;
  const sluice_class* const* classes;
  uint32_t class_count;
  uint32_t reserved;
} sluice_plugin;

/*
 * The one exported symbol. Must be cheap and without side effects; called once per load. Returns NULL if it
 * cannot work with a host of that version. The result lives for ever (plugins are never unloaded).
 */
typedef const sluice_plugin* (*sluice_plugin_entry_fn)(uint32_t host_abi_version);
#define SLUICE_PLUGIN_ENTRY "sluice_plugin_entry"

/*
 * The manifest: an ELF note (PT_NOTE) with owner "Sluice\0", this type, and as descriptor a UTF-8 JSON object
 *   {"abi":[MAJOR,MINOR],"name":"file","version":"1.0","classes":[{"name":..,"kind":"source","version":..,
 *    "documentation":..,"capabilities":[..],"config":[{..ConfigDef key..}]}]}
 * of at most SLUICE_NOTE_MAX bytes. The keys of "config" objects: name, type, importance, width, flags, default,
 * documentation, group, display_name, order, allowed, dependents, min, max, reason. docs/abi.md has the details.
 */
#define SLUICE_NOTE_OWNER "Sluice"
#define SLUICE_NOTE_TYPE 0x31434c53u
#define SLUICE_NOTE_MAX (1u << 20)

#ifdef __cplusplus
}
#endif

#endif /* SLUICE_PLUGIN_H */
