"""Writes quantize_input.f32 and <TYPE>.quantized: floats, and the blocks that llama.cpp's reference
quantizers make of them without importance weights.

    python make_quantize_goldens.py LIBGGML_BASE.so VERSION

LIBGGML_BASE.so comes from building llama.cpp (VERSION says which, for quantize_versions.json; the
sdist of llama-cpp-python holds the sources) with its default flags: the quantizers are in a library
built for plain x86-64, without fused multiply-add. Where the `gguf` package quantizes too, its bytes
are compared. Needs numpy and gguf.
"""
import ctypes
import importlib.metadata
import json
import pathlib
import sys

import numpy as np
from gguf import GGML_QUANT_SIZES
from gguf import GGMLQuantizationType as T
from gguf.quants import quantize

HERE = pathlib.Path(__file__).parent
ALSO_IN_GGUF = [T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1, T.Q8_0]
TYPES = ALSO_IN_GGUF + [T.Q2_K, T.Q3_K, T.Q4_K, T.Q5_K, T.Q6_K, T.IQ4_NL, T.IQ4_XS]


def inputs():
    """Blocks of 256 floats, of every kind that a scale search may meet."""
    rng = np.random.default_rng(20261125)
    blocks = [rng.normal(0, scale, 256) for scale in (1.0, 0.02, 1e-4, 300.0) for _ in range(4)]
    blocks += [rng.standard_t(3, 256) * 0.02 for _ in range(4)]           # heavy tails
    blocks += [rng.uniform(-1, 1, 256), rng.uniform(0, 1, 256), rng.uniform(-3, -2, 256)]
    blocks += [np.zeros(256), np.full(256, 0.5), np.full(256, -0.25)]
    blocks += [np.where(np.arange(256) == 77, 4.0, 0.0), np.where(np.arange(256) < 128, 0.0, -1.0)]
    blocks += [rng.integers(-8, 8, 256) / 8, rng.integers(-128, 128, 256) / 2]  # ties
    blocks += [rng.normal(0, 1, 256) * np.repeat(10.0 ** rng.integers(-6, 3, 16), 16)]
    blocks += [rng.normal(0, 1e-14, 256), rng.normal(0, 1e-16, 256), rng.normal(0, 1e-36, 256)]
    blocks += [np.abs(rng.normal(0, 1, 256)), -np.abs(rng.normal(0, 1, 256))]
    values = np.concatenate(blocks).astype(np.float32)
    rounded = (values[: 8 * 256].view(np.uint32) & 0xFFFF0000).view(np.float32)  # as bf16 has them
    return np.concatenate([values, rounded])


def llama_quantize(library, values, qtype):
    block, size = GGML_QUANT_SIZES[qtype]
    out = np.zeros(values.size // block * size, np.uint8)
    library.ggml_quantize_chunk.restype = ctypes.c_size_t
    n_bytes = library.ggml_quantize_chunk(
        ctypes.c_int(qtype.value), values.ctypes.data_as(ctypes.c_void_p),
        out.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(0), ctypes.c_int64(values.size // 256),
        ctypes.c_int64(256), None)
    assert n_bytes == out.size, (qtype, n_bytes, out.size)
    return out


def main():
    library, version = ctypes.CDLL(sys.argv[1]), sys.argv[2]
    values = inputs()
    (HERE / "quantize_input.f32").write_bytes(values.tobytes())
    for qtype in TYPES:
        blocks = llama_quantize(library, values, qtype)
        (HERE / f"{qtype.name}.quantized").write_bytes(blocks.tobytes())
        if qtype in ALSO_IN_GGUF:
            differ = quantize(values.reshape(-1, 256), qtype).reshape(-1) != blocks
            print(f"{qtype.name}: {differ.sum()} bytes of {differ.size} differ from the gguf package")
    versions = {p: importlib.metadata.version(p) for p in ("numpy", "gguf")} | {"llama.cpp": version}
    (HERE / "quantize_versions.json").write_text(json.dumps(versions, indent=1) + "\n")


if __name__ == "__main__":
    main()
