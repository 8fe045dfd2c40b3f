// An opened model: its configuration, its tensors by role, and its tokenizer as stored. The rest of
// the program never knows which kind of file it was. Weights are read on demand.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "formats/tensor_binding.h"
#include "formats/tensor_names.h"
#include "io/data_source.h"
#include "model/config.h"
#include "quant/tensor_table.h"
#include "tokenizer/vocabulary_data.h"

namespace nemotron {

// What the tokenizer of a model says in its file, before anything is made of it. All empty when the
// model comes without one: then it can be used with token ids only.
struct TokenizerFiles {
  std::string tokenizer_json;                // the text of tokenizer.json (Hugging Face)
  std::string tokenizer_config_json;         // and of tokenizer_config.json
  std::optional<VocabularyData> vocabulary;  // GGUF
  std::string chat_template;                 // Jinja

  bool has_tokenizer() const { return !tokenizer_json.empty() || vocabulary.has_value(); }
};

// What the stored numbers of a matrix are multiples of, and those of its inputs.
struct MatrixScales {
  float weight = 1.0f;
  float input = 0.0f;  // 0: the inputs are not rounded
};

class ModelFile {
 public:
  // Everything but the weights, as the loaders put it together.
  struct Contents {
    std::string format_name;  // "GGUF", "safetensors"
    std::string path;         // of the file that was opened; of the index for a model in shards
    std::vector<std::unique_ptr<DataSource>> sources;  // TensorEntry::file counts these
    ModelConfig config;
    TensorTable table;
    bool stores_A_log = false;  // role A holds A_log (safetensors) or A (GGUF)
    TokenizerFiles tokenizer;
    std::vector<std::string> notes;  // what a user may want to know and is no fault
  };

  // Reads the scales: kBadFile, naming the tensor, for one that is no positive number; as
  // read_raw().
  static Result<ModelFile> create(Contents contents, TensorBinding binding);

  const std::string& path() const { return contents_.path; }
  const std::string& format_name() const { return contents_.format_name; }
  std::uint64_t size_bytes() const;  // of all files of weights
  // The file that holds this tensor, for messages.
  const std::string& file_of(const TensorEntry& entry) const {
    return contents_.sources[entry.file]->name();
  }
  const ModelConfig& config() const { return contents_.config; }
  bool stores_A_log() const { return contents_.stores_A_log; }
  // GGUF: channel half * head_dim / 2 + i of a query or key head stands at 2 i + half.
  bool interleaves_keys() const { return !stores_A_log() && config().head_dim % 2 == 0; }
  const std::vector<std::string>& notes() const { return contents_.notes; }
  const TokenizerFiles& tokenizer() const { return contents_.tokenizer; }
  // All tensors of the file, also those that the model does not use.
  const TensorTable& table() const { return contents_.table; }

  // The tensor in this role, in its canonical shape (tensor_names.h); nullptr where this layer has
  // no such tensor. Never null for the roles of the layer's kind: that was checked. With a tied
  // output head, `output` is the token embedding.
  const TensorEntry* lookup(TensorRole role, int layer = kNoLayer) const;

  // The scales of the matrix in this role.
  MatrixScales scales(TensorRole role, int layer = kNoLayer) const;

  // The bytes as stored, from `offset_bytes` of the tensor; they must lie inside it. Thread-safe.
  // kFileChanged when the file is no longer what it was.
  Status read_raw(const TensorEntry& entry, std::uint64_t offset_bytes,
                  std::span<std::byte> out) const;
  // The files of weights at addresses that stay, also when this object is gone; TensorEntry::file
  // counts them. As DataSource::map().
  Result<std::vector<std::shared_ptr<const MappedBytes>>> map() const;
  // kFileChanged, naming a file of weights that is not what it was when it was opened.
  Status check_unchanged() const;
  // The elements as floats; out.size() must be entry.n_elements(). Thread-safe.
  Status read_f32(const TensorEntry& entry, std::span<float> out) const;

 private:
  ModelFile(Contents contents, TensorBinding binding)
      : contents_(std::move(contents)), binding_(std::move(binding)) {}

  Status read_scales();
  Status read_scale(ScaleKind kind, TensorSlot slot);

  Contents contents_;
  TensorBinding binding_;
  std::vector<float> scale_values_;  // by index into the table; empty when there is no scale
};

}  // namespace nemotron
