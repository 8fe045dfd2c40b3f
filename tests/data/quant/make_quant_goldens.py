"""Writes <TYPE>.blocks and <TYPE>.f32 for every tensor type: stored bytes and the floats that the
`gguf` package makes of them. Random blocks, and blocks whose scales are zero, subnormal, the
largest, infinite and NaN.

    python make_quant_goldens.py        (needs numpy, gguf and ml_dtypes; versions go to versions.json)
"""
import importlib.metadata
import json
import pathlib

import ml_dtypes
import numpy as np
from gguf import GGMLQuantizationType as T
from gguf.quants import dequantize

HERE = pathlib.Path(__file__).parent
# Halves: +-0, smallest and largest subnormal, smallest normal, 1, -1, largest, +-infinity, NaN.
SPECIAL = [0x0000, 0x8000, 0x0001, 0x8001, 0x03FF, 0x0400, 0x3C00, 0xBC00, 0x7BFF, 0xFBFF, 0x7C00,
           0xFC00, 0x7E00]
# type -> (bytes per block, byte offsets of its half-precision scales)
BLOCKS = {T.Q8_0: (34, [0]), T.Q5_0: (22, [0]), T.Q4_K: (144, [0, 2]), T.Q6_K: (210, [208])}
# Added later, with a generator of their own, so that the files above stay as they are.
MORE_BLOCKS = {T.Q4_0: (18, [0]), T.Q4_1: (20, [0, 2]), T.Q5_1: (24, [0, 2]), T.Q2_K: (84, [80, 82]),
               T.Q3_K: (110, [108]), T.Q5_K: (176, [0, 2]), T.IQ4_NL: (18, [0]), T.IQ4_XS: (136, [0])}


def put_half(blocks, row, offset, half):
    blocks[row, offset] = half & 255
    blocks[row, offset + 1] = half >> 8


def quantised_blocks(rng, n_bytes, scale_offsets):
    n_random = 12
    rows = n_random + len(SPECIAL) * len(scale_offsets)
    blocks = rng.integers(0, 256, (rows, n_bytes), dtype=np.uint8)
    for row in range(n_random):  # scales as a real file has them
        for offset in scale_offsets:
            put_half(blocks, row, offset, int(rng.normal(0, 0.01, 1).astype(np.float16).view(np.uint16)[0]))
    for i, offset in enumerate(scale_offsets):
        for j, half in enumerate(SPECIAL):
            put_half(blocks, n_random + i * len(SPECIAL) + j, offset, half)
    blocks[0, :] = np.where(np.isin(np.arange(n_bytes), scale_offsets), blocks[0], 0xFF)  # all bits
    return blocks


def write(name, stored, floats):
    (HERE / f"{name}.blocks").write_bytes(stored.tobytes())
    (HERE / f"{name}.f32").write_bytes(np.ascontiguousarray(floats, dtype="<f4").tobytes())


def main():
    rng = np.random.default_rng(20261123)
    np.seterr(all="ignore")
    for qtype, (n_bytes, scale_offsets) in BLOCKS.items():
        blocks = quantised_blocks(rng, n_bytes, scale_offsets)
        write(qtype.name, blocks, dequantize(blocks, qtype))
    every_64th = np.arange(0, 65536, 64, dtype=np.uint16)
    halves = np.concatenate([every_64th, np.array(SPECIAL, np.uint16),
                             rng.integers(0, 65536, 512).astype(np.uint16)])
    write("F16", halves, dequantize(halves, T.F16))
    write("BF16", halves, dequantize(halves.view(np.uint8).reshape(1, -1), T.BF16))
    words = rng.integers(0, 2**32, 256, dtype=np.uint32)
    write("F32", words, words.view(np.float32))
    rng = np.random.default_rng(20261124)
    for qtype, (n_bytes, scale_offsets) in MORE_BLOCKS.items():
        blocks = quantised_blocks(rng, n_bytes, scale_offsets)
        write(qtype.name, blocks, dequantize(blocks, qtype))
    nvfp4 = rng.integers(0, 256, (64, 36), dtype=np.uint8)
    nvfp4[:, :4] = np.arange(256, dtype=np.uint8).reshape(64, 4)  # each byte as a scale
    write("NVFP4", nvfp4, dequantize(nvfp4, T.NVFP4))
    all_bytes = np.tile(np.arange(256, dtype=np.uint8), 2)
    write("F8_E4M3", all_bytes, all_bytes.view(ml_dtypes.float8_e4m3fn).astype(np.float32))
    versions = {p: importlib.metadata.version(p) for p in ("numpy", "gguf", "ml_dtypes")}
    (HERE / "versions.json").write_text(json.dumps(versions, indent=1) + "\n")


if __name__ == "__main__":
    main()
