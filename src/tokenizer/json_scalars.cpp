#include "tokenizer/json_scalars.h"

#include <utility>

#include "base/text.h"

namespace nemotron {

namespace {

constexpr std::size_t kMaxDepth = 64;
constexpr std::size_t kMaxPathBytes = 512;
constexpr std::size_t kMaxKeptValues = 4096;

}  // namespace

Status JsonScalars::read(std::string_view text, const char* what) {
  values_.clear();
  frames_.clear();
  path_.clear();
  section_depth_ = 0;
  status_ = Status::ok();
  nlohmann::json_sax<nlohmann::json>* const consumer = this;
  const bool is_read = nlohmann::json::sax_parse(text.begin(), text.end(), consumer);
  if (!is_read && status_.is_ok()) fail(StatusCode::kInvalidJson, "reading stopped");
  if (!status_.is_ok()) return std::move(status_).with_prefix(what);
  return Status::ok();
}

const std::string* JsonScalars::find(const std::string& path) const {
  const auto found = values_.find(path);
  return found == values_.end() ? nullptr : &found->second;
}

bool JsonScalars::is(const std::string& path, std::string_view text) const {
  const std::string* value = find(path);
  return value != nullptr && *value == text;
}

bool JsonScalars::is_unset_or(const std::string& path, std::string_view text) const {
  return find(path) == nullptr || is(path, "null") || is(path, text);
}

bool JsonScalars::fail(StatusCode code, std::string message) {
  status_ = Status(code, std::move(message));
  return false;
}

bool JsonScalars::parse_error(std::size_t position, const std::string& /*token*/,
                              const nlohmann::detail::exception& /*error*/) {
  status_ = Status(StatusCode::kInvalidJson, join("no valid JSON at byte ", position),
                   static_cast<std::int64_t>(position));
  return false;
}

// The path of the value at hand; counts it.
std::string JsonScalars::value_path() {
  if (frames_.empty()) return {};
  Frame& frame = frames_.back();
  const std::string name = frame.is_array ? std::to_string(frame.n_values++) : key_;
  return path_.empty() ? name : join(path_, '.', name);
}

bool JsonScalars::keep(std::string_view value) {
  if (is_in_section()) return fail(StatusCode::kBadFile, join("an unexpected value in ", path_));
  std::string path = value_path();
  if (!wants_path(path)) return true;
  if (values_.size() == kMaxKeptValues)
    return fail(StatusCode::kBadFile, join("more than ", kMaxKeptValues, " settings"));
  return store(std::move(path), value);
}

// A key given twice would let two readers of a file see two things.
bool JsonScalars::store(std::string path, std::string_view value) {
  const auto [place, is_new] = values_.try_emplace(std::move(path), value);
  return is_new || fail(StatusCode::kBadFile, join("'", place->first, "' is given twice"));
}

bool JsonScalars::boolean(bool value) {
  return is_in_section() ? section_boolean(value) : keep(value ? "true" : "false");
}

bool JsonScalars::number_unsigned(number_unsigned_t value) {
  return is_in_section() ? section_number(value) : keep(std::to_string(value));
}

bool JsonScalars::string(string_t& value) {
  return is_in_section() ? section_string(value) : keep(value);
}

bool JsonScalars::key(string_t& value) {
  if (!is_in_section() && path_.size() + value.size() > kMaxPathBytes)
    return fail(StatusCode::kBadFile, join("a key of ", value.size(), " bytes"));
  key_.swap(value);
  return true;
}

bool JsonScalars::start(bool is_array) {
  if (frames_.size() == kMaxDepth)
    return fail(StatusCode::kBadFile, join("nested deeper than ", kMaxDepth, " levels"));
  if (is_in_section()) {
    if (!section_start(is_array)) return false;
    frames_.push_back({path_.size(), is_array, 0});
    return true;
  }
  const std::size_t parent_path_bytes = path_.size();
  std::string path = value_path();
  if (wants_path(path) && !store(path, is_array ? "[]" : "{}")) return false;
  path_ = std::move(path);
  frames_.push_back({parent_path_bytes, is_array, 0});
  if (opens_section(path_)) section_depth_ = frames_.size();
  return true;
}

bool JsonScalars::end() {
  path_.resize(frames_.back().parent_path_bytes);
  frames_.pop_back();
  if (frames_.size() < section_depth_) section_depth_ = 0;
  return is_in_section() ? section_end() : true;
}

}  // namespace nemotron
