"""Writes <TYPE>.blocks and <TYPE>.f32 for every tensor type: stored bytes and the floats that the
`gguf` package makes of them. Random blocks, and blocks whose scales are zero, subnormal, the
largest, infinite and NaN.

    python make_quant_goldens.py        (needs numpy and gguf; versions go to versions.json)
"""
import importlib.metadata
import json
import pathlib

import numpy as np
from gguf import GGMLQuantizationType as T
from gguf.quants import dequantize

HERE = pathlib.Path(__file__).parent
# Halves: +-0, smallest and largest subnormal, smallest normal, 1, -1, largest, +-infinity, NaN.
SPECIAL = [0x0000, 0x8000, 0x0001, 0x8001, 0x03FF, 0x0400, 0x3C00, 0xBC00, 0x7BFF, 0xFBFF, 0x7C00,
           0xFC00, 0x7E00]
# type -> (bytes per block, byte offsets of its half-precision scales)
BLOCKS = {T.Q8_0: (34, [0]), T.Q5_0: (22, [0]), T.Q4_K: (144, [0, 2]), T.Q6_K: (210, [208])}


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
    versions = {p: importlib.metadata.version(p) for p in ("numpy", "gguf")}
    (HERE / "versions.json").write_text(json.dumps(versions, indent=1) + "\n")


if __name__ == "__main__":
    main()
