// The CUDA convolutions, run on the host: the bytes of the CPU's reference, for several sequences
// at once, in any layer, in place and not.
#include "kernels/cuda/span_rows.h"

using namespace nemotron;
using namespace nemotron::test;

TEST_CASE("the CUDA convolutions give the CPU's bytes") {
  const bool is_plain = GENERATE(true, false);
  const bool is_in_place = GENERATE(false, true);
  for (const std::int64_t d_conv : {1, 2, 3, 4}) {
    Random random(static_cast<std::uint64_t>(d_conv));
    const std::int64_t dim = 131, in_stride = dim + 6, out_stride = dim + 2;
    const std::int64_t layer_size = (d_conv - 1) * dim;
    const auto xBC = random.reals(kRows * in_stride);
    const auto weight = random.reals(d_conv * dim);
    const auto bias = random.reals(dim);
    std::vector<float> out(at(kRows * out_stride), -7.0f);
    auto spans = make_spans();
    std::vector<std::vector<float>> before, after, expected_after;
    for (std::size_t i = 0; i < spans.size(); ++i) {
      before.push_back(random.reals(kLayers * layer_size));
      after.push_back(is_in_place ? before[i] : std::vector<float>(before[i].size(), -7.0f));
      expected_after.push_back(after[i]);
    }
    std::vector<float> expected(at(kRows * dim));
    for (std::size_t i = 0; i < spans.size(); ++i) {
      SpanArgs& span = spans[i];
      span.conv_in = is_in_place ? after[i].data() : before[i].data();
      span.conv_out = after[i].data();
      ref_kernels().causal_conv1d(
          {&xBC[at(span.first_row * in_stride)], weight.data(), bias.data(),
           before[i].data() + kLayer * layer_size, expected_after[i].data() + kLayer * layer_size,
           &expected[at(span.first_row * dim)], span.n_rows, in_stride, dim, d_conv},
          0, dim);
    }
    const CausalConv1dArgs args{spans.data(), xBC.data(), weight.data(), bias.data(), out.data(),
                                in_stride,    out_stride, dim,           d_conv,      kLayer};
    REQUIRE(can_convolve_in_registers(args));
    const Launch launch = is_plain ? launch_causal_conv1d(args, std::ssize(spans))
                                   : launch_conv1d_in_registers(args, std::ssize(spans), 37);
    REQUIRE(simt::run_launch(launch) == "");
    for (std::int64_t i = 0; i < kRows; ++i) {
      CHECK(std::memcmp(&out[at(i * out_stride)], &expected[at(i * dim)], at(dim) * 4) == 0);
      CHECK(out[at(i * out_stride + dim)] == -7.0f);
    }
    for (std::size_t i = 0; i < spans.size(); ++i) CHECK(same_bytes(after[i], expected_after[i]));
  }
}
