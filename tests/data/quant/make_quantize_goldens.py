"""Writes quantize_input.f32 and <TYPE>.quantized: floats, and the blocks that llama.cpp's reference
quantizers make of them without importance weights; importance.f32 and <TYPE>.weighted: an importance
to each of 512 columns, and the blocks that its quantizers make with it of the same floats as rows.

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


def importance():
    """As sums of squares are: positive, of very different sizes; some columns never saw anything."""
    rng = np.random.default_rng(20261126)
    values = rng.lognormal(0, 2, 512)
    values[rng.integers(0, 512, 40)] = 0
    values[64:96] = 0
    values[256:272] = 0
    values[300] = 1e4
    values[384:] *= 1e-9
    return values.astype(np.float32)


def llama_quantize(library, values, qtype, n_columns=256, weights=None):
    block, size = GGML_QUANT_SIZES[qtype]
    out = np.zeros(values.size // block * size, np.uint8)
    library.ggml_quantize_chunk.restype = ctypes.c_size_t
    n_bytes = library.ggml_quantize_chunk(
        ctypes.c_int(qtype.value), values.ctypes.data_as(ctypes.c_void_p),
        out.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(0),
        ctypes.c_int64(values.size // n_columns), ctypes.c_int64(n_columns),
        None if weights is None else weights.ctypes.data_as(ctypes.c_void_p))
    assert n_bytes == out.size, (qtype, n_bytes, out.size)
    return out


def main():
    library, version = ctypes.CDLL(sys.argv[1]), sys.argv[2]
    values = inputs()
    weights = importance()
    (HERE / "quantize_input.f32").write_bytes(values.tobytes())
    (HERE / "importance.f32").write_bytes(weights.tobytes())
    for qtype in TYPES:
        blocks = llama_quantize(library, values, qtype)
        (HERE / f"{qtype.name}.quantized").write_bytes(blocks.tobytes())
        if qtype != T.Q8_0:
            weighted = llama_quantize(library, values, qtype, weights.size, weights)
            (HERE / f"{qtype.name}.weighted").write_bytes(weighted.tobytes())
        if qtype in ALSO_IN_GGUF:
            differ = quantize(values.reshape(-1, 256), qtype).reshape(-1) != blocks
            print(f"{qtype.name}: {differ.sum()} bytes of {differ.size} differ from the gguf package")
    versions = {p: importlib.metadata.version(p) for p in ("numpy", "gguf")} | {"llama.cpp": version}
    (HERE / "quantize_versions.json").write_text(json.dumps(versions, indent=1) + "\n")


if __name__ == "__main__":
    main()
