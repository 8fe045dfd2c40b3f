// GGUF: the input is the file.
#include "model_files.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::File file{"model.gguf", {reinterpret_cast<const char*>(data), size}};
  fuzz::load_and_use({&file, 1});
  return 0;
}
