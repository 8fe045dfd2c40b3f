// A step of attention over sequences in two memories of the same contents, the CPU's and CUDA's,
// and what the CPU's reference makes of it.
#pragma once

#include "base/float_types.h"
#include "kernels/kernel_test.h"
#include "simt/run_launch.h"

namespace nemotron::test {

using namespace nemotron::kernels;
using namespace nemotron::kernels::cuda;

inline constexpr std::int64_t kAttentionLayers = 2, kAttentionLayer = 1;

struct Heads {
  std::int64_t n_heads, n_kv_heads, head_dim;
};

// The blocks of a sequence, filled with what earlier steps may have left: small numbers.
struct KvMemory {
  KvMemory(const Heads& heads, KvType type, std::int64_t n_positions, Random& random)
      : part_bytes(heads.n_kv_heads * kv_head_bytes(type, heads.head_dim)) {
    const std::int64_t n_blocks = attention_blocks(n_positions, 0);
    for (std::int64_t b = 0; b < n_blocks; ++b) {
      blocks.emplace_back(at(2 * kAttentionLayers * part_bytes));
      for (auto& byte : blocks.back()) byte = static_cast<std::uint8_t>(random.bits() & 0x3f);
    }
  }
  std::vector<void*> pointers() {
    std::vector<void*> out;
    for (auto& block : blocks) out.push_back(block.data());
    return out;
  }
  std::int64_t part_bytes;
  std::vector<std::vector<std::uint8_t>> blocks;
};

// A sequence in two memories of the same contents: the CPU's and CUDA's.
struct KvSequence {
  KvSequence(const Heads& h, KvType t, std::int64_t p, std::int64_t n, Random& random)
      : type(t), position(p), n_rows(n), cpu(h, t, p + n, random), cuda(cpu) {
    cpu_pointers = cpu.pointers();
    cuda_pointers = cuda.pointers();
  }
  KvView view() {
    return {cpu_pointers.data(), 2 * kAttentionLayer * cpu.part_bytes,
            (2 * kAttentionLayer + 1) * cpu.part_bytes, type};
  }
  KvType type;
  std::int64_t position, n_rows;
  KvMemory cpu, cuda;
  std::vector<void*> cpu_pointers, cuda_pointers;
};

struct AttentionStep {
  AttentionStep(const Heads& h, std::vector<KvSequence> s, Random& random)
      : heads(h), sequences(std::move(s)) {
    for (KvSequence& sequence : sequences) {
      SpanArgs span;
      span.first_row = n_rows;
      span.n_rows = sequence.n_rows;
      span.position = sequence.position;
      span.kv_blocks = sequence.cuda_pointers.data();
      span.kv_type = sequence.type;
      row_spans.insert(row_spans.end(), at(sequence.n_rows), static_cast<int>(spans.size()));
      spans.push_back(span);
      n_rows += sequence.n_rows;
    }
    q = random.reals(n_rows * h.n_heads * h.head_dim, 2.0f);
    k = random.reals(n_rows * h.n_kv_heads * h.head_dim, 2.0f);
    v = random.reals(n_rows * h.n_kv_heads * h.head_dim);
    out.assign(q.size(), NAN);
    expected.assign(q.size(), NAN);
  }

  AttentionArgs args() {
    AttentionArgs args;
    args.spans = spans.data();
    args.row_spans = row_spans.data();
    args.q = q.data();
    args.k = k.data();
    args.v = v.data();
    args.out = out.data();
    args.q_stride = heads.n_heads * heads.head_dim;
    args.k_stride = args.v_stride = heads.n_kv_heads * heads.head_dim;
    args.n_heads = heads.n_heads;
    args.n_kv_heads = heads.n_kv_heads;
    args.head_dim = heads.head_dim;
    args.layer = kAttentionLayer;
    args.scale = 1.0f / std::sqrt(static_cast<float>(heads.head_dim));
    return args;
  }

  void run_cpu() {
    std::int64_t first = 0;
    for (KvSequence& s : sequences) {
      const std::int64_t kv_at = first * heads.n_kv_heads * heads.head_dim;
      ref_kernels().kv_store({&k[at(kv_at)], &v[at(kv_at)], s.view(), s.n_rows, s.position,
                              heads.n_kv_heads, heads.head_dim},
                             0, heads.n_kv_heads);
      first += s.n_rows;
    }
    run_attention_on_cpu();
  }

  void run_attention_on_cpu() {
    std::vector<float> carry(at(n_rows * heads.n_heads * 2));
    std::int64_t first = 0;
    for (KvSequence& s : sequences) {
      const std::int64_t q_at = first * heads.n_heads * heads.head_dim;
      AttentionParams p;
      p.q = &q[at(q_at)];
      p.kv = s.view();
      p.out = &expected[at(q_at)];
      p.carry = carry.data();
      p.end_block = attention_blocks(s.position, s.n_rows);
      p.n_rows = s.n_rows;
      p.position = s.position;
      p.n_heads = heads.n_heads;
      p.n_kv_heads = heads.n_kv_heads;
      p.head_dim = heads.head_dim;
      p.scale = 1.0f / std::sqrt(static_cast<float>(heads.head_dim));
      ref_kernels().attention(p, 0, s.n_rows * heads.n_kv_heads);
      first += s.n_rows;
    }
  }

  Heads heads;
  std::vector<KvSequence> sequences;
  std::vector<SpanArgs> spans;
  std::vector<std::int32_t> row_spans;
  std::int64_t n_rows = 0;
  std::vector<float> q, k, v, out, expected;
};

}  // namespace nemotron::test
