// The CUDA scans, run on the host, for several sequences at once, in any layer, in place and not:
// the plain one gives the bytes of the CPU's reference, the tuned one has an order of sums of its
// own.
#include <algorithm>
#include <span>

#include "base/float_types.h"
#include "kernels/cuda/span_rows.h"

using namespace nemotron;
using namespace nemotron::test;

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
struct ScanRun {
  std::vector<std::vector<Element>> states;
  std::vector<float> y;
};

double relative_rms(std::span<const float> found, std::span<const float> expected) {
  double difference = 0.0, size = 0.0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    difference += (double{found[i]} - expected[i]) * (double{found[i]} - expected[i]);
    size += double{expected[i]} * expected[i];
  }
  return std::sqrt(difference / size);
}

template <typename Element>
struct ScanTest {
  ScanTest(const ScanCase& c, StateType type)
      : random(static_cast<std::uint64_t>(c.head_dim)),
        in(c, random),
        layer_size(c.n_heads * c.d_state * c.head_dim),
        spans(make_spans()) {
    for (SpanArgs& span : spans) {
      before.push_back(random_state<Element>(random, kLayers * layer_size));
      span.state_type = type;
    }
    in.args.spans = spans.data();
  }

  ScanRun<Element> on_cpu(bool is_in_place) {
    ScanRun<Element> run = empty_run(is_in_place);
    for (std::size_t i = 0; i < spans.size(); ++i) {
      SsmScanParams p = params_of(in.args, spans[i], run.y);
      p.state_in = before[i].data() + kLayer * layer_size;
      p.state_out = run.states[i].data() + kLayer * layer_size;
      ref_kernels().ssm_scan(p, 0, in.args.n_heads);
    }
    return run;
  }

  ScanRun<Element> on_cuda(bool is_in_place, bool is_plain) {
    ScanRun<Element> run = empty_run(is_in_place);
    for (std::size_t i = 0; i < spans.size(); ++i) {
      spans[i].ssm_in = is_in_place ? run.states[i].data() : before[i].data();
      spans[i].ssm_out = run.states[i].data();
    }
    in.args.y = run.y.data();
    const std::int64_t n = std::ssize(spans);
    REQUIRE(simt::run_launch(is_plain ? launch_ssm_scan(in.args, n)
                                      : launch_scan_in_registers(in.args, n)) == "");
    return run;
  }

  // Of the last span, a token at a time, in place; the other spans stay as they are.
  ScanRun<Element> token_by_token() {
    ScanRun<Element> run = empty_run(true);
    in.args.y = run.y.data();
    SpanArgs token = spans.back();
    in.args.spans = &token;
    token.ssm_in = token.ssm_out = run.states.back().data();
    token.n_rows = 1;
    for (const SpanArgs& span = spans.back(); token.first_row < span.first_row + span.n_rows;
         ++token.first_row)
      REQUIRE(simt::run_launch(launch_scan_in_registers(in.args, 1)) == "");
    in.args.spans = spans.data();
    return run;
  }

  ScanRun<Element> empty_run(bool is_in_place) {
    ScanRun<Element> run;
    for (const auto& state : before)
      run.states.push_back(is_in_place ? state : std::vector<Element>(state.size()));
    run.y.assign(in.y.size(), NAN);
    return run;
  }

  Random random;
  ScanInputs in;
  std::int64_t layer_size;
  std::vector<SpanArgs> spans;
  std::vector<std::vector<Element>> before;
};

template <typename Element>
void check_plain_scan(const ScanCase& c, StateType type, bool is_in_place) {
  ScanTest<Element> test(c, type);
  const auto expected = test.on_cpu(is_in_place);
  const auto found = test.on_cuda(is_in_place, true);
  CHECK(same_bytes(found.y, expected.y));
  CHECK(found.states == expected.states);
}

std::vector<float> as_floats(const std::vector<float>& state) { return state; }
std::vector<float> as_floats(const std::vector<bf16_bits>& state) {
  std::vector<float> out;
  for (const bf16_bits bits : state) out.push_back(bf16_to_float(bits));
  return out;
}

// Sums of some hundred products in f32; where a state is rounded to bf16, now and then one falls to
// the other side.
template <typename Element>
void check_tuned_scan(const ScanCase& c, StateType type) {
  const double bound = type == StateType::kF32 ? 1e-6 : 1e-4;
  ScanTest<Element> test(c, type);
  REQUIRE(can_scan_in_registers(test.in.args));
  const auto expected = test.on_cpu(false);
  const auto found = test.on_cuda(false, false);
  CHECK(relative_rms(found.y, expected.y) <= bound);
  for (std::size_t i = 0; i < found.states.size(); ++i)
    CHECK(relative_rms(as_floats(found.states[i]), as_floats(expected.states[i])) <= bound);
  const auto in_place = test.on_cuda(true, false);
  CHECK(same_bytes(in_place.y, found.y));
  for (std::size_t i = 0; i < found.states.size(); ++i)
    CHECK(std::equal(in_place.states[i].begin() + kLayer * test.layer_size,
                     in_place.states[i].begin() + (kLayer + 1) * test.layer_size,
                     found.states[i].begin() + kLayer * test.layer_size));
  const auto tokens = test.token_by_token();
  CHECK(tokens.states.back() == in_place.states.back());
  const auto first = static_cast<std::ptrdiff_t>(test.spans.back().first_row * test.in.d_inner);
  CHECK(std::equal(tokens.y.begin() + first, tokens.y.end(), found.y.begin() + first));
}

}  // namespace

TEST_CASE("the plain CUDA scan gives the CPU's bytes") {
  for (const ScanCase& c :
       {ScanCase{2, 1, 64, 16}, ScanCase{6, 3, 5, 7}, ScanCase{4, 4, 130, 8}, ScanCase{1, 1, 1, 1}})
    for (const bool is_in_place : {false, true}) {
      INFO(c.n_heads << " heads of " << c.head_dim << ", in place " << is_in_place);
      check_plain_scan<float>(c, StateType::kF32, is_in_place);
      check_plain_scan<bf16_bits>(c, StateType::kBF16, is_in_place);
    }
}

TEST_CASE("the tuned CUDA scan agrees with the CPU's, and cuts change no byte of it") {
  for (const ScanCase& c : {ScanCase{2, 1, 80, 128}, ScanCase{3, 3, 20, 24}, ScanCase{2, 2, 5, 130},
                            ScanCase{1, 1, 1, 1}}) {
    INFO(c.n_heads << " heads of " << c.head_dim << ", " << c.d_state << " states");
    check_tuned_scan<float>(c, StateType::kF32);
    check_tuned_scan<bf16_bits>(c, StateType::kBF16);
  }
}
