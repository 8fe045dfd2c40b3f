// A chunk of packed FP8 weights for the tensor cores' product of E4M3 numbers: the words that a
// lane loads are its fragments. In place of PackedChunk where inputs are rounded to E4M3, too.
#pragma once

#include "kernels/cuda/packed_chunk.cuh"

namespace nemotron::kernels::cuda {

class F8Chunk {
 public:
  static constexpr TensorType kType = TensorType::kF8_E4M3;
  static constexpr int kRowWords = 2;
  static constexpr int kFragments = 1;
  static constexpr int kGroup = 1;
  // Devices of compute capability 8.9 add products of E4M3 numbers up with about 13 bits of
  // mantissa. So that no running sum loses bits, each 32 products are summed by themselves.
  static constexpr bool kFromZero = true;
  static constexpr bool kHasMins = false;

  template <Memory memory>
  __device__ void load(const std::uint8_t* chunk, int lane) {
    for (int plane = 0; plane < 2; ++plane)
      codes_[plane] = code_words<memory>(chunk + 512 * plane + 16 * lane);
  }
  // The first 32 columns or the others, which are then told as the first.
  template <Memory memory>
  __device__ void load_block(const std::uint8_t* chunk, int lane, int block) {
    codes_[0] = code_words<memory>(chunk + 512 * block + 16 * lane);
  }

  // Of columns 32 h to 32 h + 31.
  __device__ void fragment(int h, std::uint32_t (&a)[4]) const {
    NEMO_UNROLL_ALL
    for (int i = 0; i < 4; ++i) a[i] = codes_[h].word[i / 2 + 2 * (i % 2)];
  }
  __device__ static void multiply(float (&d)[4], const std::uint32_t (&a)[4],
                                  const std::uint32_t (&b)[2]) {
    mma_e4m3(d, a, b);
  }
  __device__ static float scale(int, int) { return 1.0f; }

 private:
  Words<4> codes_[2];
};

}  // namespace nemotron::kernels::cuda
