// One GGUF file to a ModelFile: everything lies in it.
#include "base/text.h"
#include "formats/config_gguf.h"
#include "formats/loaders.h"
#include "formats/vocabulary_gguf.h"

namespace nemotron {
namespace {

Status fill_contents(const GgufFile& file, ModelFile::Contents& contents, int& n_extra_layers) {
  NEMO_ASSIGN(GgufConfig gguf_config, config_from_gguf(file));
  n_extra_layers = gguf_config.n_extra_layers;
  contents.config = std::move(gguf_config.config);
  NEMO_ASSIGN(contents.tokenizer.vocabulary, vocabulary_from_gguf(file));
  const auto& vocabulary = contents.tokenizer.vocabulary;
  const auto n_vocab = static_cast<std::size_t>(contents.config.n_vocab);
  if (vocabulary.has_value() && vocabulary->tokens.size() > n_vocab)
    return {StatusCode::kConfigMismatch, join("the tokenizer has ", vocabulary->tokens.size(),
                                              " tokens, the model a vocabulary of ", n_vocab)};
  constexpr std::string_view kTemplateKey = "tokenizer.chat_template";
  if (file.find(kTemplateKey) != nullptr) {
    NEMO_ASSIGN(contents.tokenizer.chat_template, file.get_string(kTemplateKey));
  }
  return Status::ok();
}

}  // namespace

Result<ModelFile> load_gguf(std::unique_ptr<DataSource> weights) {
  NEMO_ASSIGN(GgufFile file, read_gguf(*weights));
  const std::string prefix = join("'", weights->name(), "'");
  ModelFile::Contents contents;
  contents.format_name = "GGUF";
  contents.stores_A_log = false;
  int n_extra_layers = 0;
  Status filled = fill_contents(file, contents, n_extra_layers);
  if (!filled.is_ok()) return std::move(filled).with_prefix(prefix);
  contents.table = std::move(file.tensors);
  auto binding =
      TensorBinding::bind(contents.config, NameStyle::gguf, n_extra_layers, contents.table);
  if (!binding.is_ok()) return std::move(binding).status().with_prefix(prefix);
  contents.path = weights->name();
  contents.sources.push_back(std::move(weights));
  return ModelFile::create(std::move(contents), std::move(binding).value());
}

}  // namespace nemotron
