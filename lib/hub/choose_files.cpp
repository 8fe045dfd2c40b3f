// The conventions of published models: NAME-00001-of-00003.EXTENSION are parts of one file;
// STEM.safetensors.index.json lists the parts STEM-*; mmproj* in GGUF belongs to another model.
#include "hub/choose_files.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "hub/names.h"

namespace nemotron::hub {
namespace {

constexpr std::string_view kGguf = ".gguf";
constexpr std::string_view kSafetensors = ".safetensors";
constexpr std::string_view kIndex = ".safetensors.index.json";
constexpr std::array kCompanions = {
    "config.json",       "generation_config.json", "hf_quant_config.json",
    "tokenizer.json",    "tokenizer_config.json",  "special_tokens_map.json",
    "added_tokens.json", "tokenizer.model",        "vocab.json",
    "merges.txt",        "chat_template.jinja",    "chat_template.json",
};

std::string_view folder_of(std::string_view path) {  // with its '/'; "" at the top
  return path.substr(0, path.rfind('/') + 1);
}
std::string_view name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// NAME-00002-of-00003.gguf
struct Part {
  std::string stem;  // what stands before "-00002", with the folder
  unsigned number = 0;
  unsigned n_parts = 0;
};

std::optional<unsigned> five_digits(std::string_view text) {
  unsigned number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.size() != 5 || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size())
    return std::nullopt;
  return number;
}

std::optional<Part> part_of(std::string_view path, std::string_view extension) {
  constexpr std::size_t kSuffix = std::string_view("-00001-of-00003").size();
  if (!path.ends_with(extension) || path.size() < extension.size() + kSuffix) return std::nullopt;
  path.remove_suffix(extension.size());
  const std::string_view suffix = path.substr(path.size() - kSuffix);
  const auto number = five_digits(suffix.substr(1, 5));
  const auto n_parts = five_digits(suffix.substr(10, 5));
  if (suffix[0] != '-' || suffix.substr(6, 4) != "-of-" || !number || !n_parts) return std::nullopt;
  return Part{std::string(path.substr(0, path.size() - kSuffix)), *number, *n_parts};
}

const RepoFile* find(std::span<const RepoFile> files, std::string_view path) {
  const auto found = std::ranges::find(files, path, &RepoFile::path);
  return found == files.end() ? nullptr : &*found;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// Whether `word` stands in `name` between other characters than letters and digits: Q4_K is in
// "x-Q4_K.gguf" and not in "x-Q4_K_M.gguf", so '_' belongs to words.
bool has_word(std::string_view name, std::string_view word) {
  const auto is_inside = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
  };
  const std::string text = lower(name);
  const std::string wanted = lower(word);
  for (std::size_t at = text.find(wanted); at != std::string::npos;
       at = text.find(wanted, at + 1)) {
    const std::size_t end = at + wanted.size();
    if ((at == 0 || !is_inside(text[at - 1])) && (end == text.size() || !is_inside(text[end])))
      return true;
  }
  return false;
}

// What opens a model: whole GGUF files and the first parts of others.
std::vector<const RepoFile*> gguf_models(std::span<const RepoFile> files) {
  std::vector<const RepoFile*> out;
  for (const RepoFile& file : files) {
    const auto part = part_of(file.path, kGguf);
    if (file.path.ends_with(kGguf) && !name_of(file.path).starts_with("mmproj") &&
        (!part || part->number == 1))
      out.push_back(&file);
  }
  return out;
}

// At the top of the repository: an index, or model.safetensors, or the only file.
std::vector<const RepoFile*> safetensors_models(std::span<const RepoFile> files) {
  std::vector<const RepoFile*> single;
  for (const RepoFile& file : files) {
    if (file.path.find('/') != std::string::npos) continue;
    if (file.path == "model.safetensors") return {&file};
    if (file.path.ends_with(kSafetensors) && !part_of(file.path, kSafetensors))
      single.push_back(&file);
  }
  std::vector<const RepoFile*> indices;
  for (const RepoFile& file : files)
    if (file.path.find('/') == std::string::npos && file.path.ends_with(kIndex))
      indices.push_back(&file);
  return indices.empty() ? single : indices;
}

Status add_parts(std::span<const RepoFile> files, const Part& wanted, std::string_view extension,
                 std::vector<RepoFile>& out) {
  unsigned n_found = 0;
  for (const RepoFile& file : files) {
    const auto part = part_of(file.path, extension);
    if (!part || part->stem != wanted.stem || part->n_parts != wanted.n_parts) continue;
    out.push_back(file);
    ++n_found;
  }
  if (n_found == wanted.n_parts) return Status::ok();
  return {StatusCode::kFileNotFound, join("of the ", wanted.n_parts, " parts of '",
                                          printable(wanted.stem), "' there are ", n_found)};
}

// Every part beside an index that bears its stem.
Status add_shards(std::span<const RepoFile> files, std::string_view index,
                  std::vector<RepoFile>& out) {
  const std::string_view stem = index.substr(0, index.size() - kIndex.size());
  for (const RepoFile& file : files)
    if (const auto part = part_of(file.path, kSafetensors); part && part->stem == stem)
      return add_parts(files, *part, kSafetensors, out);
  return {StatusCode::kFileNotFound,
          join("'", printable(index), "' is there, and none of the files it lists")};
}

void add_companions(std::span<const RepoFile> files, std::string_view folder,
                    std::vector<RepoFile>& out) {
  for (const char* name : kCompanions)
    if (const RepoFile* file = find(files, join(folder, name))) out.push_back(*file);
}

Result<Choice> with_what_it_needs(std::span<const RepoFile> files, const RepoFile& entry) {
  Choice choice;
  choice.entry = entry.path;
  const auto gguf_part = part_of(entry.path, kGguf);
  const auto shard = part_of(entry.path, kSafetensors);
  const std::string index = shard ? shard->stem + std::string(kIndex) : std::string();
  if (entry.path.ends_with(kSafetensors) || entry.path.ends_with(kIndex))
    add_companions(files, folder_of(entry.path), choice.files);
  if (gguf_part) {
    NEMO_TRY(add_parts(files, *gguf_part, kGguf, choice.files));
  } else if (entry.path.ends_with(kIndex)) {
    choice.files.push_back(entry);
    NEMO_TRY(add_shards(files, entry.path, choice.files));
  } else if (const RepoFile* list = shard ? find(files, index) : nullptr) {
    choice.files.push_back(*list);
    NEMO_TRY(add_parts(files, *shard, kSafetensors, choice.files));
  } else {
    choice.files.push_back(entry);
  }
  for (const RepoFile& file : choice.files) NEMO_TRY(check_file_path(file.path));
  return choice;
}

Status several(const std::vector<const RepoFile*>& models) {
  constexpr std::size_t kMost = 40;
  std::string text = "there are several models; say which, after a colon:";
  for (std::size_t i = 0; i < std::min(models.size(), kMost); ++i)
    text += join("\n  ", printable(models[i]->path));
  if (models.size() > kMost) text += join("\n  and ", models.size() - kMost, " more");
  return {StatusCode::kInvalidArgument, std::move(text)};
}

}  // namespace

Result<Choice> choose_files(std::span<const RepoFile> files, const std::string& wanted) {
  if (const RepoFile* file = wanted.empty() ? nullptr : find(files, wanted))
    return with_what_it_needs(files, *file);
  std::vector<const RepoFile*> models = gguf_models(files);
  std::vector<const RepoFile*> matches;
  for (const RepoFile* model : models)
    if (!wanted.empty() && has_word(name_of(model->path), wanted)) matches.push_back(model);
  if (matches.size() == 1) return with_what_it_needs(files, *matches[0]);
  if (matches.size() > 1) return several(matches);
  std::ranges::copy(safetensors_models(files), std::back_inserter(models));
  if (!wanted.empty()) {
    if (models.empty())
      return Status{StatusCode::kFileNotFound, join("there is no '", printable(wanted), "'")};
    Status status = several(models);
    return Status{StatusCode::kFileNotFound,
                  join("there is no '", printable(wanted), "'; ", status.message())};
  }
  if (models.size() == 1) return with_what_it_needs(files, *models[0]);
  if (models.size() > 1) return several(models);
  return Status{StatusCode::kFileNotFound, "there is neither a GGUF file nor safetensors"};
}

}  // namespace nemotron::hub
