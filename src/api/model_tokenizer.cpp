#include "api/model_tokenizer.h"

#include "base/text.h"

namespace nemotron::api {

Result<Tokenizer> make_tokenizer(const ModelFile& file) {
  const TokenizerFiles& files = file.tokenizer();
  NEMO_ASSIGN(Tokenizer tokenizer,
              files.vocabulary
                  ? Tokenizer::from_vocabulary(VocabularyData(*files.vocabulary))
                  : Tokenizer::from_json(files.tokenizer_json, files.tokenizer_config_json));
  if (tokenizer.n_vocab() > file.config().n_vocab)
    return Status(StatusCode::kConfigMismatch, join("the tokenizer has ", tokenizer.n_vocab(),
                                                    " tokens, the model ", file.config().n_vocab));
  tokenizer.add_stop_ids(file.config().eos_ids);
  return tokenizer;
}

}  // namespace nemotron::api
