// The store of keys and values, and attention of every level against plain double arithmetic.
#include <algorithm>
#include <string_view>
#include <utility>

#include "base/float_types.h"
#include "kernel_test.h"

using namespace nemotron;
using namespace nemotron::kernels;
using namespace nemotron::test;

namespace {

// Blocks for one layer, full of what would be NaN if it were read.
struct KvMemory {
  KvMemory(KvType type, std::int64_t n_kv_heads, std::int64_t head_dim, std::int64_t n_positions)
      : part_bytes(n_kv_heads * kv_head_bytes(type, head_dim)),
        memory(at(attention_blocks(n_positions, 0)), std::vector<char>(at(2 * part_bytes), -1)) {
    for (auto& block : memory) pointers.push_back(block.data());
    view = {pointers.data(), 0, part_bytes, type};
  }

  std::int64_t part_bytes;
  std::vector<std::vector<char>> memory;
  std::vector<void*> pointers;
  KvView view;
};

float q8_scale(const float* x) {
  float largest = 0;
  for (int c = 0; c < 32; ++c) largest = std::max(largest, std::abs(x[c]));
  return bf16_to_float(float_to_bf16(largest / 127.0f));
}

// What is read back after a store.
void round_as_stored(KvType type, std::vector<float>& values) {
  if (type == KvType::kBF16)
    for (float& value : values) value = bf16_to_float(float_to_bf16(value));
  if (type != KvType::kQ8) return;
  for (std::size_t first = 0; first < values.size(); first += 32) {
    const double scale = q8_scale(&values[first]);
    for (std::size_t i = first; i < first + 32; ++i)
      values[i] = static_cast<float>(std::nearbyint(values[i] / scale) * scale);
  }
}

// What vdpbf16ps makes of a factor.
double as_bf16(double x) { return bf16_to_float(float_to_bf16(static_cast<float>(x))); }

// The avx512 level multiplies bf16 keys and values by rounded queries and weights, the weights
// being those relative to the largest of their block.
bool rounds_factors(const KernelTable& table, KvType type) {
  return std::string_view(table.name) == "avx512" && type == KvType::kBF16;
}

std::vector<double> exponentials(const std::vector<double>& scores, bool is_rounded) {
  std::vector<double> weights;
  for (std::size_t begin = 0; begin < scores.size(); begin += 64) {
    const std::size_t end = std::min(scores.size(), begin + 64);
    const double largest = *std::max_element(scores.begin() + static_cast<std::ptrdiff_t>(begin),
                                             scores.begin() + static_cast<std::ptrdiff_t>(end));
    for (std::size_t s = begin; s < end; ++s) {
      const double weight = std::exp(scores[s] - largest);
      weights.push_back((is_rounded ? as_bf16(weight) : weight) * std::exp(largest));
    }
  }
  return weights;
}

std::vector<double> attend(const std::vector<float>& q, const std::vector<float>& k,
                           const std::vector<float>& v, const AttentionParams& p, bool is_rounded) {
  std::vector<double> expected;
  for (std::int64_t i = 0; i < p.n_rows; ++i) {
    for (std::int64_t head = 0; head < p.n_heads; ++head) {
      std::vector<double> sum(at(p.head_dim));
      double total = 0;
      const auto row = [&](std::int64_t s) {
        return (s * p.n_kv_heads + head / (p.n_heads / p.n_kv_heads)) * p.head_dim;
      };
      std::vector<double> scores;
      for (std::int64_t s = 0; s <= p.position + i; ++s) {
        double score = 0;
        for (std::int64_t d = 0; d < p.head_dim; ++d) {
          const float query = q[at((i * p.n_heads + head) * p.head_dim + d)];
          score += (is_rounded ? as_bf16(query) : query) * k[at(row(s) + d)];
        }
        scores.push_back(score * p.scale);
      }
      const std::vector<double> weights = exponentials(scores, is_rounded);
      for (std::int64_t s = 0; s <= p.position + i; ++s) {
        total += weights[at(s)];
        for (std::int64_t d = 0; d < p.head_dim; ++d)
          sum[at(d)] += weights[at(s)] * v[at(row(s) + d)];
      }
      for (const double value : sum) expected.push_back(value / total);
    }
  }
  return expected;
}

// Cuts before, between and behind the blocks in which the rows end, and empty parts.
void check_parts(const KernelTable& table, AttentionParams p, const std::vector<float>& in_one) {
  std::vector<float> out(in_one.size());
  std::vector<float> carry(at(p.n_rows * p.n_heads * 2));
  p.out = out.data();
  p.carry = carry.data();
  for (const std::vector<std::int64_t>& cuts :
       {std::vector<std::int64_t>{0, 1, 3}, {0, 2, 3}, {0, 1, 2, 3}, {0, 0, 2, 2, 3, 5}}) {
    std::fill(out.begin(), out.end(), NAN);
    std::fill(carry.begin(), carry.end(), NAN);
    for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
      p.begin_block = cuts[i];
      p.end_block = cuts[i + 1];
      table.attention(p, 0, 7);
      table.attention(p, 7, p.n_rows * p.n_kv_heads);
    }
    CHECK(same_bytes(out, in_one));
  }
}

void check_rows_alone(const KernelTable& table, AttentionParams p,
                      const std::vector<float>& together) {
  std::vector<float> out(together.size(), NAN);
  p.out = out.data();
  for (std::int64_t i = std::exchange(p.n_rows, 1); i > 0; --i) {
    p.end_block = attention_blocks(p.position, 1);
    table.attention(p, 0, p.n_kv_heads);
    ++p.position;
    p.q += p.n_heads * p.head_dim;
    p.out += p.n_heads * p.head_dim;
  }
  CHECK(same_bytes(out, together));
}

}  // namespace

TEST_CASE("attention sees all positions up to its own, keys and values as stored") {
  const std::int64_t kv_heads = 2, position = 120, n_rows = 20;
  const std::int64_t heads = kv_heads * GENERATE(1, 2, 3, 4, 5, 7);
  const std::int64_t head_dim = GENERATE(18, 32, 96, 128);
  const KvType type = GENERATE(KvType::kF32, KvType::kBF16, KvType::kQ8);
  if (type == KvType::kQ8 && head_dim % kKvScaleChannels != 0) return;
  for (const KernelTable* table : kernel_tables()) {
    Random random(7);
    const std::int64_t n_positions = position + n_rows;
    auto k = random.reals(n_positions * kv_heads * head_dim, 2.0f);
    auto v = random.reals(n_positions * kv_heads * head_dim);
    const auto q = random.reals(n_rows * heads * head_dim, 2.0f);
    KvMemory kv(type, kv_heads, head_dim, n_positions);
    table->kv_store({k.data(), v.data(), kv.view, n_positions, 0, kv_heads, head_dim}, 0, 1);
    table->kv_store({k.data(), v.data(), kv.view, n_positions, 0, kv_heads, head_dim}, 1, kv_heads);
    round_as_stored(type, k);
    round_as_stored(type, v);
    std::vector<float> out(at(n_rows * heads * head_dim), NAN);
    std::vector<float> carry(at(n_rows * heads * 2), NAN);
    AttentionParams params;
    params.q = q.data();
    params.kv = kv.view;
    params.out = out.data();
    params.carry = carry.data();
    params.end_block = attention_blocks(position, n_rows);
    params.n_rows = n_rows;
    params.position = position;
    params.n_heads = heads;
    params.n_kv_heads = kv_heads;
    params.head_dim = head_dim;
    params.scale = 1.0f / std::sqrt(static_cast<float>(head_dim));
    table->attention(params, 0, 13);
    table->attention(params, 13, n_rows * kv_heads);
    INFO(table->name << ", " << heads << " heads of " << head_dim << ", type "
                     << static_cast<int>(type));
    // A weight that lies between two bf16 values may be rounded to either of them.
    const bool is_rounded = rounds_factors(*table, type);
    check_close(out, attend(q, k, v, params, is_rounded), is_rounded ? 1e-4 : 1e-5);
    check_parts(*table, params, out);
    check_rows_alone(*table, params, out);
  }
}

TEST_CASE("q8 keys and values are the nearest multiples of their scale, 8.5 bits each") {
  const std::int64_t kv_heads = 3, head_dim = 64, n_positions = 70;
  CHECK(kv_head_bytes(KvType::kQ8, head_dim) * 8 == kKvBlockTokens * head_dim * 17 / 2);
  Random random(8);
  auto k = random.reals(n_positions * kv_heads * head_dim, 5.0f);
  auto v = random.reals(n_positions * kv_heads * head_dim, 1e-3f);
  std::fill_n(k.begin(), 32, 0.0f);  // a group of nothing
  k[40] = 1e30f;                     // far above what an f16 scale could say
  KvMemory kv(KvType::kQ8, kv_heads, head_dim, n_positions);
  ref_kernels().kv_store({k.data(), v.data(), kv.view, n_positions, 0, kv_heads, head_dim}, 0,
                         kv_heads);
  for (std::int64_t i = 0; i < n_positions; ++i) {
    const std::int64_t slot = i % kKvBlockTokens;
    for (std::int64_t head = 0; head < kv_heads; ++head) {
      const auto* keys = reinterpret_cast<const std::int8_t*>(
          kv_head_part(kv.view, kv.view.key_offset_bytes, i, head, head_dim));
      const auto* values = reinterpret_cast<const std::int8_t*>(
          kv_head_part(kv.view, kv.view.value_offset_bytes, i, head, head_dim));
      const auto* key_scales = reinterpret_cast<const bf16_bits*>(keys + 64 * head_dim);
      const auto* value_scales = reinterpret_cast<const bf16_bits*>(values + 64 * head_dim);
      for (std::int64_t d = 0; d < head_dim; ++d) {
        const std::size_t element = at((i * kv_heads + head) * head_dim + d);
        const double key_scale = q8_scale(&k[element / 32 * 32]);
        const double value_scale = q8_scale(&v[element / 32 * 32]);
        CHECK(bf16_to_float(key_scales[d / 32 * 64 + slot]) == key_scale);
        CHECK(bf16_to_float(value_scales[slot * (head_dim / 32) + d / 32]) == value_scale);
        CHECK(std::abs(keys[d * 64 + slot] * key_scale - k[element]) <=
              key_scale * (0.5 + 127 * 0x1p-24));
        CHECK(std::abs(values[slot * head_dim + d] * value_scale - v[element]) <=
              value_scale * (0.5 + 127 * 0x1p-24));
      }
    }
  }
}

TEST_CASE("what is not finite does not become finite in q8") {
  for (const float bad : {NAN, INFINITY, -INFINITY}) {
    std::vector<float> k(32, 1.0f), v(32, 1.0f);
    k[3] = v[31] = bad;
    KvMemory kv(KvType::kQ8, 1, 32, 1);
    ref_kernels().kv_store({k.data(), v.data(), kv.view, 1, 0, 1, 32}, 0, 1);
    for (const std::int64_t offset : {kv.view.key_offset_bytes, kv.view.value_offset_bytes}) {
      const auto* part = kv_head_part(kv.view, offset, 0, 0, 32);
      const auto scale = *reinterpret_cast<const bf16_bits*>(part + 64 * 32);
      CHECK_FALSE(std::isfinite(bf16_to_float(scale)));
    }
  }
}
