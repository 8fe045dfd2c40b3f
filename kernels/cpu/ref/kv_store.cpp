// Keys and values of a span to their places in the KV blocks, rounded to the stored type: the one
// store of all levels, so that they read the same bytes.
#include <algorithm>
#include <cstddef>

#include "base/float_types.h"
#include "kernels/common/kv_store.h"
#include "kernels/cpu/ref/ref_kernels.h"

namespace nemotron::kernels::ref {

namespace {

// One KV head's part of the block of a position.
struct Place {
  std::byte* k;
  std::byte* v;
  std::int64_t slot;  // of the position in the block
};

Place place_of(const KvStoreParams& p, std::int64_t position, std::int64_t head) {
  return {kv_head_part(p.kv, p.kv.key_offset_bytes, position, head, p.head_dim),
          kv_head_part(p.kv, p.kv.value_offset_bytes, position, head, p.head_dim),
          position % kKvBlockTokens};
}

template <typename Element>
void store(const float* k, const float* v, std::int64_t head_dim, const Place& place) {
  auto* keys = reinterpret_cast<Element*>(place.k) + place.slot;
  auto* values = reinterpret_cast<Element*>(place.v) + place.slot * head_dim;
  for (std::int64_t d = 0; d < head_dim; ++d) {
    keys[d * kKvBlockTokens] = stored(k[d], Element{});
    values[d] = stored(v[d], Element{});
  }
}

struct Q8Group {
  std::int8_t values[kKvScaleChannels];
  bf16_bits scale;
};

Q8Group quantize(const float* x) {
  Q8Group group{};
  group.scale = kv_q8_scale(x);
  const float scale = bf16_to_float(group.scale);
  for (std::int64_t c = 0; c < kKvScaleChannels; ++c) group.values[c] = kv_q8_value(x[c], scale);
  return group;
}

void store_q8(const float* k, const float* v, std::int64_t head_dim, const Place& place) {
  auto* keys = reinterpret_cast<std::int8_t*>(place.k) + place.slot;
  auto* values = reinterpret_cast<std::int8_t*>(place.v) + place.slot * head_dim;
  const std::int64_t n = kKvBlockTokens * head_dim;
  const std::int64_t n_groups = head_dim / kKvScaleChannels;
  auto* key_scales = reinterpret_cast<bf16_bits*>(place.k + n) + place.slot;
  auto* value_scales = reinterpret_cast<bf16_bits*>(place.v + n) + place.slot * n_groups;
  for (std::int64_t g = 0; g < n_groups; ++g) {
    const std::int64_t first = g * kKvScaleChannels;
    const Q8Group key = quantize(k + first);
    const Q8Group value = quantize(v + first);
    for (std::int64_t c = 0; c < kKvScaleChannels; ++c)
      keys[(first + c) * kKvBlockTokens] = key.values[c];
    std::copy_n(value.values, kKvScaleChannels, values + first);
    key_scales[g * kKvBlockTokens] = key.scale;
    value_scales[g] = value.scale;
  }
}

template <typename Store>
void store_heads(const KvStoreParams& p, std::int64_t first, std::int64_t last, Store store_row) {
  for (std::int64_t head = first; head < last; ++head) {
    for (std::int64_t i = 0; i < p.n_rows; ++i) {
      const std::int64_t element = (i * p.n_kv_heads + head) * p.head_dim;
      store_row(p.k + element, p.v + element, p.head_dim, place_of(p, p.position + i, head));
    }
  }
}

}  // namespace

void kv_store(const KvStoreParams& p, std::int64_t first, std::int64_t last) {
  switch (p.kv.type) {
    case KvType::kF32:
      return store_heads(p, first, last, store<float>);
    case KvType::kBF16:
      return store_heads(p, first, last, store<bf16_bits>);
    case KvType::kQ8:
      return store_heads(p, first, last, store_q8);
  }
}

}  // namespace nemotron::kernels::ref
