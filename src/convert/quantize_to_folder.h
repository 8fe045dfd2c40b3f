// Any model that opens, as a folder with safetensors: in BF16, or in FP8 in ModelOpt's layout.
#pragma once

#include <string>

#include "base/status.h"
#include "convert/importance_matrix.h"
#include "convert/quantize_model.h"
#include "formats/model_file.h"

namespace nemotron {

// As quantize_model(), which calls it. `matrix` may be null.
Status quantize_to_folder(const ModelFile& model, const std::string& folder, bool is_fp8,
                          const ImportanceMatrix* matrix, const QuantizeOptions& options);

}  // namespace nemotron
