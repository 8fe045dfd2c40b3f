// Text to CallerJson over nlohmann's SAX interface: no exception leaves it, its parser keeps its
// own stack (no recursion), and the depth is limited while reading.
#include "chat/caller_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/text.h"
#include "chat/python_text.h"

namespace nemotron {
namespace {

using Json = nlohmann::json;

// As a Python dict does: a key given again replaces the value and keeps the place.
void merge_repeated_keys(std::vector<CallerMember>& members) {
  std::vector<std::size_t> order(members.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t left, std::size_t right) {
    return members[left].key < members[right].key;
  });
  std::vector<bool> is_repeated(members.size(), false);
  bool any = false;
  for (std::size_t i = order.size(); i-- > 1;) {  // from the last of each run to its first
    if (members[order[i]].key != members[order[i - 1]].key) continue;
    members[order[i - 1]].value = std::move(members[order[i]].value);
    is_repeated[order[i]] = any = true;
  }
  if (!any) return;
  std::vector<CallerMember> kept;
  for (std::size_t i = 0; i < members.size(); ++i)
    if (!is_repeated[i]) kept.push_back(std::move(members[i]));
  members = std::move(kept);
}

class CallerJsonBuilder final : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return add({}); }
  bool boolean(bool value) override {
    CallerJson out;
    out.kind = CallerJson::Kind::kBoolean;
    out.boolean = value;
    return add(std::move(out));
  }
  bool number_integer(number_integer_t value) override { return integer(std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return integer(std::to_string(value)); }
  bool number_float(number_float_t value, const string_t& written) override {
    // nlohmann reads an integer of more than 64 bits as a float; Python keeps its digits.
    if (written.find_first_of(".eE") == string_t::npos) return integer(written);
    CallerJson out;
    out.kind = CallerJson::Kind::kFloat;
    out.number = value;
    return add(std::move(out));
  }
  bool string(string_t& value) override {
    return text(CallerJson::Kind::kString, std::move(value));
  }
  bool binary(binary_t&) override { return false; }  // never in text
  bool start_object(std::size_t) override { return open(CallerJson::Kind::kObject); }
  bool start_array(std::size_t) override { return open(CallerJson::Kind::kArray); }
  bool key(string_t& value) override {
    open_.back().key = std::move(value);
    return true;
  }
  bool end_array() override { return close(); }
  bool end_object() override {
    merge_repeated_keys(open_.back().value.members);
    return close();
  }
  bool parse_error(std::size_t position, const std::string&, const Json::exception&) override {
    error_position_ = position > 0 ? position - 1 : 0;  // it counts the bytes read
    return false;
  }

  // After a failure.
  Status status(std::string_view name) const {
    if (is_too_deep_)
      return {StatusCode::kInvalidJson,
              join(name, " is nested more than ", kMaxCallerJsonDepth, " levels deep")};
    return {StatusCode::kInvalidJson,
            join(name, " is not valid JSON: the fault is at byte ", error_position_),
            static_cast<std::int64_t>(error_position_)};
  }
  CallerJson take_root() { return std::move(root_); }

 private:
  struct Open {
    CallerJson value;
    std::string key;  // of the member being read
  };

  bool integer(std::string digits) { return text(CallerJson::Kind::kInteger, std::move(digits)); }

  bool text(CallerJson::Kind kind, std::string value) {
    CallerJson out;
    out.kind = kind;
    out.text = std::move(value);
    return add(std::move(out));
  }

  bool open(CallerJson::Kind kind) {
    if (open_.size() >= kMaxCallerJsonDepth) {
      is_too_deep_ = true;
      return false;
    }
    open_.emplace_back();
    open_.back().value.kind = kind;
    return true;
  }

  bool close() {
    CallerJson value = std::move(open_.back().value);
    open_.pop_back();
    return add(std::move(value));
  }

  bool add(CallerJson value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (open_.back().value.is_array()) {
      open_.back().value.items.push_back(std::move(value));
    } else {
      open_.back().value.members.push_back({std::move(open_.back().key), std::move(value)});
    }
    return true;
  }

  std::vector<Open> open_;  // the arrays and objects around the current position
  CallerJson root_;
  std::size_t error_position_ = 0;
  bool is_too_deep_ = false;
};

}  // namespace

const CallerJson* CallerJson::find(std::string_view key) const {
  for (const CallerMember& member : members)
    if (member.key == key) return &member.value;
  return nullptr;
}

Result<CallerJson> parse_caller_json(std::string_view json, std::string_view name) {
  NEMO_TRY(check_utf8(json, name));
  CallerJsonBuilder builder;
  if (!Json::sax_parse(json.begin(), json.end(), &builder)) return builder.status(name);
  return builder.take_root();
}

}  // namespace nemotron
