// The types of nemo4, the 4-bit mix made for this family: every matrix in about 4.5 bits per
// weight, the output head included, in block types that fit its width, and a few in 5.5.
#pragma once

#include <vector>

#include "base/status.h"
#include "convert/convert_pieces.h"
#include "convert/tensor_plan.h"
#include "convert/weight_reader.h"

namespace nemotron {

// The matrices that every token reads take at most this many bits per weight together. At 4.5 the
// narrow types alone are in it; what is above buys wide ones.
inline constexpr double kNemo4BitsPerWeight = 4.6;

// Gives the matrices of `plan`, a plan_gguf() of nemo4, their types. The error of a type is the sum
// of squared differences over the sum of squared weights, both weighed by `importance` ([n_columns]
// to each tensor of the plan, or empty), measured over a part of the rows of each matrix.
//
// Each matrix takes the better of IQ4_NL and Q4_K, or of Q5_0 and Q5_K: those that its width
// allows. All begin with the narrow one; then those whose error falls most per byte take the wide
// one, as far as there is room under kNemo4BitsPerWeight. A token reads one row of the embedding,
// so an embedding that is not the head, too, has a wide type and is not counted. A matrix whose
// width is no multiple of 32 keeps its type.
//
// Deterministic for any number of threads. `importance` is as long as the plan. What visit_pieces()
// and the reader say.
Status choose_types(const ModelConfig& config, const WeightReader& reader,
                    const std::vector<std::vector<float>>& importance, int n_threads,
                    const ConvertProgress& progress, TensorPlan& plan);

}  // namespace nemotron
