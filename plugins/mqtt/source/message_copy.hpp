// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <sluice/sdk.hpp>
#include <string>
#include <vector>

#include "plugins/mqtt/mapping/message_view.hpp"

namespace sluice::mqtt_plugin {

// A message with memory of its own.
class MessageCopy {
 public:
  explicit MessageCopy(const MessageView& message) : view_(message) {
    view_.topic = keep(message.topic);
    view_.payload = keep(message.payload);
    for (const UserProperty& property : message.user_properties)
      properties_.push_back({keep(property.name), keep(property.value)});
    view_.user_properties = properties_;
    for (auto* text : {&view_.content_type, &view_.response_topic, &view_.correlation_data})
      if (*text) *text = keep(**text);
  }
  MessageCopy(const MessageCopy&) = delete;
  MessageCopy& operator=(const MessageCopy&) = delete;
  const MessageView& view() const { return view_; }

 private:
  std::string_view keep(std::string_view text) {
    return *texts_.emplace_back(std::make_unique<std::string>(text));
  }

  MessageView view_;
  std::vector<std::unique_ptr<std::string>> texts_;  // stable addresses
  std::vector<UserProperty> properties_;
};

// The same message in the memory of a batch.
inline MessageView copy_into(sdk::RecordBatch& batch, const MessageView& message,
                             std::vector<UserProperty>& properties) {
  MessageView view = message;
  view.topic = batch.copy(message.topic);
  view.payload = batch.copy(message.payload);
  properties.clear();
  for (const UserProperty& property : message.user_properties)
    properties.push_back({batch.copy(property.name), batch.copy(property.value)});
  view.user_properties = properties;
  for (auto* text : {&view.content_type, &view.response_topic, &view.correlation_data})
    if (*text) *text = batch.copy(**text);
  return view;
}

}  // namespace sluice::mqtt_plugin
