// Attention on tensor cores, run on the host: near the CPU's reference, and the same bytes however
// rows are cut into spans and positions into launches.
#include <bit>

#include "kernels/cuda/attention_step.h"
#include "kernels/cuda/launch_shapes.h"
#include "kernels/cuda/prepared_rows.cuh"

using namespace nemotron;
using namespace nemotron::test;

namespace {

// Queries and weights are rounded to bf16, each by at most 2^-9 of itself; scores of some units
// carry the first to the weights, too.
constexpr double kBound = 0x1p-8;

double relative_rms(const std::vector<float>& found, const std::vector<float>& expected) {
  double difference = 0.0, size = 0.0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    difference += (double{found[i]} - expected[i]) * (double{found[i]} - expected[i]);
    size += double{expected[i]} * expected[i];
  }
  return std::sqrt(difference / size);
}

// Keys and values as of a real sequence; behind its end, where CUDA reads, what must not count.
void fill(KvSequence& s, const Heads& heads, Random& random) {
  const std::int64_t n = kKvBlockTokens * heads.head_dim;
  const std::int64_t n_parts = 2 * kAttentionLayers * heads.n_kv_heads;
  const auto set16 = [](std::uint8_t* at, std::int64_t i, bf16_bits bits) {
    std::memcpy(at + 2 * i, &bits, 2);
  };
  for (std::size_t b = 0; b < s.cpu.blocks.size(); ++b) {
    for (std::int64_t part = 0; part < n_parts; ++part) {
      const std::int64_t offset = part * kv_head_bytes(s.type, heads.head_dim);
      const bool is_values = part / heads.n_kv_heads % 2 == 1;
      std::uint8_t* cpu = s.cpu.blocks[b].data() + offset;
      std::uint8_t* cuda = s.cuda.blocks[b].data() + offset;
      const auto slot = [&](std::int64_t i, std::int64_t width) {
        return is_values ? i / width : i % kKvBlockTokens;
      };
      const auto is_behind = [&](std::int64_t i, std::int64_t width) {
        return static_cast<std::int64_t>(b) * kKvBlockTokens + slot(i, width) >=
               s.position + s.n_rows;
      };
      for (std::int64_t i = 0; i < n; ++i) {
        const bool is_nan = is_behind(i, heads.head_dim);
        if (s.type == KvType::kQ8) {
          cpu[i] = static_cast<std::uint8_t>(static_cast<int>(random.bits() % 255) - 127);
          cuda[i] = cpu[i];
        } else {
          set16(cpu, i, float_to_bf16(random.real(2.0f)));
          std::memcpy(cuda + 2 * i, cpu + 2 * i, 2);
          if (is_nan) set16(cuda, i, 0x7fff);
        }
      }
      if (s.type != KvType::kQ8) continue;
      const std::int64_t n_scales = n / kKvScaleChannels;
      for (std::int64_t i = 0; i < n_scales; ++i) {
        set16(cpu + n, i, float_to_bf16(0.016f + random.real(0.008f)));
        std::memcpy(cuda + n + 2 * i, cpu + n + 2 * i, 2);
        if (is_behind(i, heads.head_dim / kKvScaleChannels)) set16(cuda + n, i, 0x7fff);
      }
    }
  }
}

struct Run {
  std::vector<float> out;
  std::vector<bf16_bits> prepared;
};

Run empty_run(const AttentionStep& step) {
  return {std::vector<float>(step.q.size(), NAN), std::vector<bf16_bits>(step.q.size())};
}

// As for a prompt.
Run run_tiles(AttentionStep& step) {
  Run run = empty_run(step);
  AttentionArgs args = step.args();
  args.out = run.out.data();
  args.prepared = run.prepared.data();
  REQUIRE(can_attend_on_tensor_cores(args));
  REQUIRE(simt::run_launch(launch_attention_mma(args, step.n_rows)) == "");
  return run;
}

// As for few rows, so many parts in a launch, of as many as `bound`.
Run run_split(AttentionStep& step, std::int64_t at_once, std::int64_t bound) {
  Run run = empty_run(step);
  AttentionArgs args = step.args();
  std::vector<float> scratch(
      at(step.n_rows * at_once * attention_slot_floats(args.n_heads, args.head_dim)), NAN);
  std::vector<float> carry(at(step.n_rows * args.n_heads * 2), NAN);
  args.out = run.out.data();
  args.prepared = run.prepared.data();
  args.scratch = scratch.data();
  args.carry = carry.data();
  args.n_parts = at_once;
  for (; args.first_part < bound; args.first_part += at_once) {
    REQUIRE(simt::run_launch(launch_attention_split(args, step.n_rows)) == "");
    REQUIRE(simt::run_launch(launch_attention_merge(args, step.n_rows)) == "");
  }
  return run;
}

bool same(const Run& a, const Run& b) {
  return same_bytes(a.out, b.out) && a.prepared == b.prepared;
}

std::vector<KvSequence> sequences_of(const Heads& heads, KvType type, Random& random,
                                     std::vector<std::array<std::int64_t, 2>> positions) {
  std::vector<KvSequence> out;
  for (const auto& [position, n_rows] : positions) {
    out.emplace_back(heads, type, position, n_rows, random);
    fill(out.back(), heads, random);
  }
  return out;
}

}  // namespace

TEST_CASE("attention on tensor cores agrees with the CPU's, in every way to run it") {
  const Heads heads =
      GENERATE(Heads{10, 2, 64}, Heads{2, 1, 128}, Heads{16, 1, 64}, Heads{2, 2, 64});
  const KvType type = GENERATE(KvType::kBF16, KvType::kQ8);
  INFO(heads.n_heads << " heads of " << heads.head_dim << ", type " << static_cast<int>(type));
  Random random(static_cast<std::uint64_t>(heads.n_heads));
  // The edges of blocks and of parts, rows that cross them, and more than two parts.
  AttentionStep step(
      heads,
      sequences_of(heads, type, random, {{0, 1}, {63, 1}, {64, 2}, {255, 2}, {120, 9}, {640, 3}}),
      random);
  step.run_attention_on_cpu();
  const Run tiles = run_tiles(step);
  CHECK(relative_rms(tiles.out, step.expected) <= kBound);
  for (std::size_t row = 0; row < at(step.n_rows); ++row) {
    const std::size_t width = step.q.size() / at(step.n_rows);
    for (std::size_t c = 0; c < width; c += 37)
      CHECK(tiles.prepared[row * width + at(prepared_index(static_cast<std::int64_t>(c)))] ==
            float_to_bf16(tiles.out[row * width + c]));
  }
  CHECK(same(run_split(step, 4, 4), tiles));
  CHECK(same(run_split(step, 1, 3), tiles));
  CHECK(same(run_split(step, 2, 8), tiles));
}

TEST_CASE("how rows are cut into spans changes no byte of attention on tensor cores") {
  const Heads heads{5, 1, 64};
  const KvType type = GENERATE(KvType::kBF16, KvType::kQ8);
  Random random(5);
  AttentionStep step(heads, sequences_of(heads, type, random, {{245, 21}}), random);
  const Run whole = run_tiles(step);
  const SpanArgs span = step.spans[0];
  for (const std::int64_t piece : {1, 2, 7, 16}) {
    step.spans.clear();
    for (std::int64_t row = 0; row < span.n_rows; row += piece) {
      SpanArgs part = span;
      part.first_row = row;
      part.position = span.position + row;
      part.n_rows = std::min(piece, span.n_rows - row);
      for (std::int64_t i = row; i < row + part.n_rows; ++i)
        step.row_spans[at(i)] = static_cast<std::int32_t>(step.spans.size());
      step.spans.push_back(part);
    }
    INFO(piece << " rows at once");
    CHECK(same(run_tiles(step), whole));
    CHECK(same(run_split(step, 2, 2), whole));
  }
}

TEST_CASE("rows before the first of attention on tensor cores, and f32, are left alone") {
  const Heads heads{4, 2, 64};
  Random random(6);
  auto sequences = sequences_of(heads, KvType::kBF16, random, {{3, 1}, {5, 2}});
  sequences.emplace_back(heads, KvType::kF32, 4, 2, random);
  AttentionStep step(heads, std::move(sequences), random);
  const std::size_t width = step.q.size() / at(step.n_rows);
  const auto n_missing = [&](std::size_t first_row, std::size_t n_rows) {
    return std::count_if(
        step.out.begin() + static_cast<std::ptrdiff_t>(first_row * width),
        step.out.begin() + static_cast<std::ptrdiff_t>((first_row + n_rows) * width),
        [](float x) { return std::isnan(x); });
  };
  AttentionArgs args = step.args();
  args.first_row = 1;
  REQUIRE(simt::run_launch(launch_attention_mma(args, step.n_rows)) == "");
  CHECK(n_missing(0, 1) == std::ssize(step.q) / step.n_rows);
  CHECK(n_missing(1, 2) == 0);
  CHECK(n_missing(3, 2) == 2 * std::ssize(step.q) / step.n_rows);
  args.only_f32 = true;
  REQUIRE(simt::run_launch(launch_attention(args, step.n_rows)) == "");
  CHECK(n_missing(0, 1) == std::ssize(step.q) / step.n_rows);
  CHECK(n_missing(1, 4) == 0);
}

TEST_CASE("which shapes attention on tensor cores takes") {
  Random random(7);
  const auto takes = [&](const Heads& heads) {
    AttentionStep step(heads, sequences_of(heads, KvType::kBF16, random, {{0, 1}}), random);
    return can_attend_on_tensor_cores(step.args());
  };
  CHECK(takes({40, 8, 128}));
  CHECK(takes({4, 2, 64}));
  CHECK_FALSE(takes({4, 2, 32}));
  CHECK_FALSE(takes({34, 2, 64}));
}
