// Messages of a golden file (JSON as chat templates take it) as ChatMessage views.
#pragma once

#include <deque>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "chat/nemotron3_format.h"

namespace nemotron::test {

class JsonMessages {
 public:
  explicit JsonMessages(const nlohmann::ordered_json& messages) {
    for (const auto& message : messages)
      views_.push_back({keep(message, "role"), keep(message, "content"),
                        keep(message, "reasoning_content"), keep(message, "tool_calls")});
  }
  JsonMessages(const JsonMessages&) = delete;

  const std::vector<ChatMessage>& views() const { return views_; }

  // A string as it is, anything else as JSON text, nothing for null.
  std::string_view keep(const nlohmann::ordered_json& object, const char* key) {
    if (!object.contains(key) || object.at(key).is_null()) return {};
    const auto& value = object.at(key);
    return kept_.emplace_back(value.is_string() ? value.get<std::string>() : value.dump());
  }

 private:
  std::deque<std::string> kept_;  // what the views point into
  std::vector<ChatMessage> views_;
};

}  // namespace nemotron::test
