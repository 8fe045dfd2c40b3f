// The plain CUDA convolution and scan, run on the host: the bytes of the CPU's reference, for
// several sequences at once, in any layer, in place and not.
#include "base/float_types.h"
#include "kernels/kernel_test.h"
#include "simt/run_launch.h"

using namespace nemotron;
using namespace nemotron::kernels;
using namespace nemotron::kernels::cuda;
using namespace nemotron::test;

namespace {

constexpr std::int64_t kLayers = 3, kLayer = 1;

// Spans of one row, of fewer rows than a convolution has taps, and of more.
const std::vector<std::int64_t> kSpanRows = {1, 2, 9};

std::vector<SpanArgs> make_spans() {
  std::vector<SpanArgs> spans;
  std::int64_t first = 0;
  for (const std::int64_t n : kSpanRows) {
    SpanArgs span;
    span.first_row = std::exchange(first, first + n);
    span.n_rows = n;
    spans.push_back(span);
  }
  return spans;
}
constexpr std::int64_t kRows = 12;

}  // namespace

TEST_CASE("the CUDA convolution gives the CPU's bytes") {
  for (const std::int64_t d_conv : {1, 2, 4}) {
    const bool is_in_place = GENERATE(false, true);
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
    REQUIRE(simt::run_launch(launch_causal_conv1d(args, std::ssize(spans))) == "");
    for (std::int64_t i = 0; i < kRows; ++i) {
      CHECK(std::memcmp(&out[at(i * out_stride)], &expected[at(i * dim)], at(dim) * 4) == 0);
      CHECK(out[at(i * out_stride + dim)] == -7.0f);
    }
    for (std::size_t i = 0; i < spans.size(); ++i) CHECK(same_bytes(after[i], expected_after[i]));
  }
}

namespace {

struct ScanCase {
  std::int64_t n_heads, n_groups, head_dim, d_state;
};

template <typename Element>
std::vector<Element> random_state(Random& random, std::int64_t n) {
  std::vector<Element> state(at(n));
  for (Element& element : state) {
    if constexpr (sizeof(Element) == 4)
      element = random.real();
    else
      element = float_to_bf16(random.real());
  }
  return state;
}

// Fills in the inputs of `args` with rows of one buffer.
struct ScanInputs {
  ScanInputs(const ScanCase& c, Random& random)
      : d_inner(c.n_heads * c.head_dim),
        bc_dim(c.n_groups * c.d_state),
        xBC(random.reals(kRows * (d_inner + 2 * bc_dim))),
        dt(random.reals(kRows * (c.n_heads + 1), 4.0f)),
        dt_bias(random.reals(c.n_heads)),
        A(random.reals(c.n_heads)),
        D(random.reals(c.n_heads)),
        y(at(kRows * d_inner), NAN) {
    for (float& a : A) a = -std::abs(a) - 0.1f;
    args.x = xBC.data();
    args.B = args.x + d_inner;
    args.C = args.B + bc_dim;
    args.dt = dt.data();
    args.dt_bias = dt_bias.data();
    args.A = A.data();
    args.D = D.data();
    args.y = y.data();
    args.x_stride = d_inner + 2 * bc_dim;
    args.dt_stride = c.n_heads + 1;
    args.y_stride = d_inner;
    args.n_heads = c.n_heads;
    args.head_dim = c.head_dim;
    args.d_state = c.d_state;
    args.n_groups = c.n_groups;
    args.layer = kLayer;
    args.dt_min = 0.01f;
    args.dt_max = 3.0f;
  }
  std::int64_t d_inner, bc_dim;
  std::vector<float> xBC, dt, dt_bias, A, D, y;
  SsmScanArgs args;
};

SsmScanParams params_of(const SsmScanArgs& a, const SpanArgs& span, std::vector<float>& y) {
  SsmScanParams p;
  p.x = a.x + span.first_row * a.x_stride;
  p.B = a.B + span.first_row * a.x_stride;
  p.C = a.C + span.first_row * a.x_stride;
  p.dt = a.dt + span.first_row * a.dt_stride;
  p.dt_bias = a.dt_bias;
  p.A = a.A;
  p.D = a.D;
  p.state_type = span.state_type;
  p.y = y.data() + span.first_row * a.y_stride;
  p.n_rows = span.n_rows;
  p.x_stride = a.x_stride;
  p.dt_stride = a.dt_stride;
  p.n_heads = a.n_heads;
  p.head_dim = a.head_dim;
  p.d_state = a.d_state;
  p.n_groups = a.n_groups;
  p.dt_min = a.dt_min;
  p.dt_max = a.dt_max;
  return p;
}

template <typename Element>
void check_scan(const ScanCase& c, StateType type, bool is_in_place) {
  Random random(static_cast<std::uint64_t>(c.head_dim));
  ScanInputs in(c, random);
  const std::int64_t layer_size = c.n_heads * c.d_state * c.head_dim;
  auto spans = make_spans();
  std::vector<std::vector<Element>> before, after, expected_after;
  std::vector<float> expected(in.y.size(), NAN);
  for (std::size_t i = 0; i < spans.size(); ++i) {
    before.push_back(random_state<Element>(random, kLayers * layer_size));
    after.push_back(is_in_place ? before[i] : std::vector<Element>(before[i].size()));
    expected_after.push_back(after[i]);
  }
  for (std::size_t i = 0; i < spans.size(); ++i) {
    spans[i].state_type = type;
    spans[i].ssm_in = is_in_place ? after[i].data() : before[i].data();
    spans[i].ssm_out = after[i].data();
    SsmScanParams p = params_of(in.args, spans[i], expected);
    p.state_in = before[i].data() + kLayer * layer_size;
    p.state_out = expected_after[i].data() + kLayer * layer_size;
    ref_kernels().ssm_scan(p, 0, c.n_heads);
  }
  in.args.spans = spans.data();
  REQUIRE(simt::run_launch(launch_ssm_scan(in.args, std::ssize(spans))) == "");
  CHECK(same_bytes(in.y, expected));
  CHECK(after == expected_after);
}

}  // namespace

TEST_CASE("the CUDA scan gives the CPU's bytes") {
  for (const ScanCase& c :
       {ScanCase{2, 1, 64, 16}, ScanCase{6, 3, 5, 7}, ScanCase{4, 4, 130, 8}, ScanCase{1, 1, 1, 1}})
    for (const bool is_in_place : {false, true}) {
      INFO(c.n_heads << " heads of " << c.head_dim << ", in place " << is_in_place);
      check_scan<float>(c, StateType::kF32, is_in_place);
      check_scan<bf16_bits>(c, StateType::kBF16, is_in_place);
    }
}
