#include "tool_call.h"

#include <nlohmann/json.hpp>

using Json = nlohmann::ordered_json;

namespace {

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string to_json(const std::vector<ToolCall>& calls) {
  std::string out;
  for (const ToolCall& call : calls)
    out += (out.empty() ? "[" : ",") + std::string(R"({"function":{"name":)") + dump(call.name) +
           R"(,"arguments":)" + call.arguments + "}}";
  return out.empty() ? out : out + "]";
}

std::string to_line(const ToolCall& call) {
  std::string out = call.name + "(";
  const Json arguments = Json::parse(call.arguments, nullptr, /*allow_exceptions=*/false);
  for (const auto& [key, value] : arguments.items()) {
    if (out.back() != '(') out += ", ";
    out += key + "=" + dump(value);
  }
  return out + ")";
}
