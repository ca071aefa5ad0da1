// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <sluice/sdk.hpp>
#include <string>
#include <vector>

#include "plugins/mqtt/mapping/mapping_options.hpp"
#include "plugins/mqtt/mapping/message_view.hpp"
#include "plugins/mqtt/mapping/payload.hpp"

namespace sluice::mqtt_plugin {

// What became of a message.
enum class Mapped : uint8_t {
  kRecord,   // the batch has one record more
  kDropped,  // it is left out, as the config says
  kBad,      // no record can be made of it: problem() says why, and add_raw() adds it as it came
};

// Messages -> records, by the options. Owned by a source task, used by its calls only; outlives its
// batches.
class MessageMapper {
 public:
  static sdk::Result<std::unique_ptr<MessageMapper>> make(const sdk::Context& context,
                                                          MappingOptions options);

  // An error is one of the task: the worker refused a topic.
  sdk::Result<Mapped> map(const MessageView& message, sdk::RecordBatch& batch);
  const std::string& problem() const { return problem_; }
  // The payload as BYTES under the MQTT topic as key, in the Kafka topic that it has, or would have
  // had.
  sdk::Status add_raw(const MessageView& message, sdk::RecordBatch& batch);

 private:
  MessageMapper(const sdk::Context& context, MappingOptions options);
  sdk::Status start();
  bool bad(std::string why);
  sdk::Result<uint32_t> topic_number(uint32_t index);
  // False: problem() says why there is none.
  bool read(const Selector& selector, const MessageView& message, std::string_view what,
            std::string& out);
  bool key_of(const MessageView& message, sdk::RecordBatch& batch, sdk::Value* key);
  bool time_of(const MessageView& message, int64_t* time_ms);
  void add_headers(const MessageView& message, sdk::RecordBatch& batch, sdk::RecordBuilder& record);

  struct Schemas {
    sdk::Schema string, bytes, boolean, int32, int64;
  };
  struct Names {  // of headers, with their prefix
    std::string topic, qos, retained, duplicate, message_id, content_type, response_topic,
        correlation_data, expiry, payload_format;
  };

  sdk::Context context_;
  MappingOptions options_;
  TopicRouter router_;
  PayloadDecoder payload_;
  Schemas schemas_;
  Names names_;
  std::vector<uint32_t> numbers_;  // of router_'s topics
  std::optional<uint32_t> last_topic_;
  std::string problem_;
  std::string scratch_;
};

}  // namespace sluice::mqtt_plugin
