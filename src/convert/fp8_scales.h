// The scales of the matrices that become FP8: of the weights from their largest, of the inputs from
// what was seen of them or what the model came with.
#pragma once

#include <map>
#include <optional>
#include <utility>

#include "base/result.h"
#include "convert/convert_pieces.h"
#include "convert/importance_matrix.h"
#include "convert/tensor_plan.h"
#include "convert/weight_reader.h"
#include "formats/model_file.h"

namespace nemotron {

using Fp8Scales = std::map<std::pair<TensorRole, int>, MatrixScales>;

// The input scales of all FP8 matrices of the plan; nothing where there are none: neither `matrix`
// (which may be null) nor the model's own. kConfigMismatch when `matrix` knows some of them only.
Result<std::optional<Fp8Scales>> find_input_scales(const ModelFile& model,
                                                   const ImportanceMatrix* matrix);

// The parts of a plan that are FP8 matrices.
TensorPlan fp8_matrices(const TensorPlan& plan);

// Fills in the weight scales by reading all of `matrices`: the largest |weight| becomes 448, the
// largest number of E4M3. As visit_pieces() and WeightReader::read().
Status find_weight_scales(const TensorPlan& matrices, const WeightReader& reader, int n_threads,
                          const ConvertProgress& progress, Fp8Scales& scales);

}  // namespace nemotron
