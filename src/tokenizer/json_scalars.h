// The scalars of a JSON text by path, read as a stream: what a reader wants of a large file without
// a tree of all of it. For src/tokenizer's own sources, because it shows nlohmann's interface.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace nemotron {

// Keeps the values whose path (keys and indices joined by dots: "decoder.decoders.0.type")
// wants_path accepts; hands the values of the containers that opens_section names to the section_
// functions. Nesting, path length and the number of kept values are limited whatever the text says.
class JsonScalars : public nlohmann::json_sax<nlohmann::json> {
 public:
  // Reads all of `text`, called `what` in messages.
  Status read(std::string_view text, const char* what);

  // The value at this path as text ("true", "null", "12", a string's content, "{}" for any object,
  // "[]" for any array), or nullptr.
  const std::string* find(const std::string& path) const;

  // Whether the value at this path is this text.
  bool is(const std::string& path, std::string_view text) const;

  // Whether the value at this path is absent, null, or this text.
  bool is_unset_or(const std::string& path, std::string_view text) const;

 protected:
  virtual bool wants_path(std::string_view path) const = 0;

  // Whether the values of the container at this path go to the functions below, not by path.
  virtual bool opens_section(std::string_view /*path*/) { return false; }
  // A value or a container within a section; each returns true, or what fail() does.
  virtual bool section_start(bool /*is_array*/) { return true; }
  virtual bool section_end() { return true; }
  virtual bool section_string(std::string& /*value*/) { return true; }
  virtual bool section_number(std::uint64_t /*value*/) { return true; }
  virtual bool section_boolean(bool /*value*/) { return true; }

  // How deep the value at hand lies in its section: 0 for the section's own values.
  std::size_t section_level() const { return frames_.size() - section_depth_; }
  // The key of the value at hand, in an object.
  const std::string& key_text() const { return key_; }
  // Ends the reading; always false.
  bool fail(StatusCode code, std::string message);

 private:
  struct Frame {
    std::size_t parent_path_bytes;
    bool is_array;
    std::size_t n_values;
  };

  bool null() override { return keep("null"); }
  bool boolean(bool value) override;
  bool number_integer(number_integer_t value) override { return keep(std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override;
  bool number_float(number_float_t, const string_t& text) override { return keep(text); }
  bool string(string_t& value) override;
  bool binary(binary_t&) override { return keep("binary"); }
  bool start_object(std::size_t) override { return start(false); }
  bool key(string_t& value) override;
  bool end_object() override { return end(); }
  bool start_array(std::size_t) override { return start(true); }
  bool end_array() override { return end(); }
  bool parse_error(std::size_t position, const std::string& token,
                   const nlohmann::detail::exception& error) override;

  bool is_in_section() const { return section_depth_ != 0; }
  bool start(bool is_array);
  bool end();
  bool keep(std::string_view value);
  bool store(std::string path, std::string_view value);
  std::string value_path();

  std::map<std::string, std::string> values_;
  std::vector<Frame> frames_;
  std::string path_;  // of the innermost open container; not of those within a section
  std::string key_;
  std::size_t section_depth_ = 0;  // frames_.size() within the section's container; 0: in none
  Status status_;
};

}  // namespace nemotron
