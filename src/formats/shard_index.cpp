// The tree of a large index (a few thousand tensors) takes about a megabyte; nothing is kept of it.
#include "formats/shard_index.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "json/json_value.h"
#include "safetensors/safetensors.h"

namespace nemotron {
namespace {

constexpr std::string_view kIndexSuffix = ".safetensors.index.json";
constexpr std::uint64_t kMaxIndexBytes = 32 << 20;
constexpr std::size_t kMaxShards = 512;  // all open at once, of the host's descriptors

bool is_number(std::string_view text) {
  return text.size() == 5 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// A name that cannot lead out of the folder of the index.
bool is_plain_file_name(std::string_view name) {
  constexpr std::string_view kForbidden("/\\:\0", 4);
  return !name.empty() && name.size() <= 255 && name != "." && name != ".." &&
         name.find_first_of(kForbidden) == std::string_view::npos;
}

Result<ShardIndex> index_from_json(const JsonValue& root) {
  const JsonValue* map = root.find("weight_map");
  if (map == nullptr || !map->is_object())
    return Status{StatusCode::kBadFile, "there is no object 'weight_map'"};
  ShardIndex out;
  std::vector<std::string> file_of_tensor;
  for (const JsonMember& member : map->members()) {
    NEMO_ASSIGN(std::string file, member.value.to_string(join("weight_map.", member.key)));
    if (!is_plain_file_name(file))
      return Status{StatusCode::kBadFile, join("tensor '", member.key, "' is said to be in '", file,
                                               "'; a plain file name is expected")};
    out.places.push_back({member.key});
    file_of_tensor.push_back(std::move(file));
  }
  if (out.places.empty()) return Status{StatusCode::kBadFile, "'weight_map' lists no tensor"};
  out.files = file_of_tensor;
  std::ranges::sort(out.files);
  out.files.erase(std::unique(out.files.begin(), out.files.end()), out.files.end());
  if (out.files.size() > kMaxShards)
    return Status{StatusCode::kBadFile, join("'weight_map' names ", out.files.size(),
                                             " files, more than the ", kMaxShards, " allowed")};
  for (std::size_t i = 0; i < out.places.size(); ++i) {
    const auto found = std::ranges::lower_bound(out.files, file_of_tensor[i]);
    out.places[i].file = static_cast<std::uint32_t>(found - out.files.begin());
  }
  return out;
}

// Tensors by name, to find those that the index lists and those that come twice.
class TablesByName {
 public:
  explicit TablesByName(const TensorTable& table) : table_(table), order_(table.size()) {
    for (std::size_t i = 0; i < order_.size(); ++i) order_[i] = i;
    std::ranges::sort(order_, {}, [&](std::size_t i) { return name(i); });
  }

  const TensorEntry* find(std::string_view wanted) const {
    const auto found =
        std::ranges::lower_bound(order_, wanted, {}, [&](std::size_t i) { return name(i); });
    return found != order_.end() && name(*found) == wanted ? &table_[*found] : nullptr;
  }

  // Two entries of one name, or null.
  std::pair<const TensorEntry*, const TensorEntry*> find_twice() const {
    const auto found = std::adjacent_find(order_.begin(), order_.end(),
                                          [&](auto a, auto b) { return name(a) == name(b); });
    if (found == order_.end()) return {nullptr, nullptr};
    return {&table_[*found], &table_[*(found + 1)]};
  }

 private:
  std::string_view name(std::size_t i) const { return table_[i].name; }

  const TensorTable& table_;
  std::vector<std::size_t> order_;
};

Status check_places(const ShardIndex& shards, const TensorTable& table) {
  const TablesByName by_name(table);
  const auto [first, second] = by_name.find_twice();
  if (first != nullptr)
    return {StatusCode::kBadFile,
            join("tensor '", first->name, "' is both in '",
                 shards.files[std::min(first->file, second->file)], "' and in '",
                 shards.files[std::max(first->file, second->file)], "'")};
  for (const ShardIndex::Place& place : shards.places) {
    const TensorEntry* entry = by_name.find(place.tensor);
    if (entry != nullptr && entry->file == place.file) continue;
    return {
        StatusCode::kMissingTensor,
        join("tensor '", place.tensor, "' should be in '", shards.files[place.file], "' and is ",
             entry == nullptr ? std::string("in no shard")
                              : join("in '", shards.files[entry->file], "'"))};
  }
  return Status::ok();
}

}  // namespace

bool ShardIndex::names(std::string_view file) const {
  return std::ranges::binary_search(files, file);
}

bool is_shard_index_name(std::string_view name) { return name.ends_with(kIndexSuffix); }

std::optional<std::string> index_name_of_shard(std::string_view name) {
  constexpr std::string_view kSuffix = ".safetensors";
  constexpr std::size_t kTailBytes = 15;  // "-00001-of-00002"
  if (!name.ends_with(kSuffix)) return std::nullopt;
  name.remove_suffix(kSuffix.size());
  if (name.size() <= kTailBytes) return std::nullopt;
  const std::string_view tail = name.substr(name.size() - kTailBytes);
  if (tail[0] != '-' || !is_number(tail.substr(1, 5)) || tail.substr(6, 4) != "-of-" ||
      !is_number(tail.substr(10)))
    return std::nullopt;
  return join(name.substr(0, name.size() - kTailBytes), kIndexSuffix);
}

Result<ShardIndex> read_shard_index(const DataSource& index) {
  NEMO_ASSIGN(const std::string text, read_all(index, kMaxIndexBytes));
  const auto root = parse_json(text);
  Result<ShardIndex> out = root.is_ok() ? index_from_json(root.value()) : root.status();
  if (out.is_ok()) return out;
  const Status& fault = out.status();
  const bool is_json_fault = fault.code() == StatusCode::kInvalidJson;
  return Status{is_json_fault ? StatusCode::kBadFile : fault.code(),
                join("'", index.name(), "': ", fault.message()), fault.byte_offset()};
}

Result<std::vector<std::unique_ptr<DataSource>>> open_shards(const ShardIndex& shards,
                                                             const std::string& index_path,
                                                             const OpenSibling& open_sibling) {
  std::vector<std::unique_ptr<DataSource>> sources;
  std::size_t n_missing = 0;
  std::string first_missing;
  for (const std::string& file : shards.files) {
    NEMO_ASSIGN(auto source, open_sibling(file));
    if (source == nullptr && n_missing++ == 0) first_missing = file;
    sources.push_back(std::move(source));
  }
  if (n_missing == 0) return sources;
  return Status{StatusCode::kFileNotFound,
                join("'", index_path, "' lists ", shards.files.size(), " files of weights; ",
                     n_missing, " of them ", n_missing == 1 ? "is" : "are", " missing",
                     n_missing == 1 ? ": '" : ", the first is '", first_missing, "'")};
}

Result<TensorTable> read_shard_tables(const ShardIndex& shards, const std::string& index_path,
                                      std::span<const std::unique_ptr<DataSource>> sources) {
  TensorTable all;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    NEMO_ASSIGN(TensorTable table, read_safetensors(*sources[i]));
    for (TensorEntry& entry : table) {
      entry.file = static_cast<std::uint32_t>(i);
      all.push_back(std::move(entry));
    }
  }
  Status checked = check_places(shards, all);
  if (!checked.is_ok()) return std::move(checked).with_prefix(join("'", index_path, "'"));
  return all;
}

}  // namespace nemotron
