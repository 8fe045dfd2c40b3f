"""Writes fp8.json: every tensor of the tiny synthesized model in FP8, name -> type, shape and CRC-32,
computed from its BF16 safetensors; and tiny_inputs.imatrix.gguf, which holds the largest inputs.

    nemotron synth --shape tiny --type bf16 --seed 9 -o tiny
    python make_fp8_golden.py tiny [fp8 folder to compare]

As ModelOpt does it: weight_scale = largest |weight| / 448, input_scale = largest |input| / 448, and
weight / weight_scale, here in float32, rounded to E4M3. Which matrices stay BF16 is written out from
the published 4B: attention, embedding and head, convolutions and vectors, and the Mamba-2 layer
before each attention layer. With a second folder, its files are read with the safetensors package
and compared. Needs numpy, ml_dtypes, safetensors and gguf.
"""
import json
import pathlib
import sys
import zlib

import ml_dtypes
import numpy as np
import safetensors
from gguf import GGUFWriter

HERE = pathlib.Path(__file__).parent
PATTERN = "M-M*-M-M*-M-M-M-"
GGUF_NAMES = {"in_proj": "ssm_in", "out_proj": "ssm_out", "up_proj": "ffn_up",
              "down_proj": "ffn_down"}


def read(folder):
    data = (pathlib.Path(folder) / "model.safetensors").read_bytes()
    return {name: (t["dtype"], list(t["shape"]), bytes(t["data"]))
            for name, t in safetensors.deserialize(data)}


def is_fp8(name):
    parts = name.split(".")
    if parts[-1] != "weight" or parts[-2] not in GGUF_NAMES:
        return False
    layer = int(parts[2])
    is_mamba = PATTERN[layer] == "M"
    return not (is_mamba and PATTERN[layer + 1] == "*")


def largest_input(name):
    return np.float32(1 + zlib.crc32(name.encode()) % 1000 / 8)


def write_inputs(path, tensors):
    """Our addition to llama.cpp's file, .in_max; the sums do not matter here."""
    writer = GGUFWriter(path, "none")
    writer.add_type("imatrix")
    writer.add_array("imatrix.datasets", ["made up"])
    writer.add_uint32("imatrix.chunk_count", 1)
    writer.add_uint32("imatrix.chunk_size", 1)
    for name, (_, shape, _) in tensors.items():
        if not is_fp8(name):
            continue
        parts = name.split(".")
        gguf_name = f"blk.{parts[2]}.{GGUF_NAMES[parts[-2]]}.weight"
        writer.add_tensor(f"{gguf_name}.in_sum2", np.ones((1, shape[1]), np.float32))
        writer.add_tensor(f"{gguf_name}.counts", np.ones((1, 1), np.float32))
        writer.add_tensor(f"{gguf_name}.in_max", np.full((1, 1), largest_input(name)))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def quantize(tensors):
    out = {}
    for name, (dtype, shape, data) in tensors.items():
        assert dtype == "BF16", (name, dtype)
        if not is_fp8(name):
            out[name] = (dtype, shape, data)
            continue
        weights = np.frombuffer(data, ml_dtypes.bfloat16).astype(np.float32)
        scale = np.abs(weights).max() / np.float32(448)
        narrow = (weights / scale).astype(ml_dtypes.float8_e4m3fn)
        out[name] = ("F8_E4M3", shape, narrow.tobytes())
        stem = name.removesuffix("weight")
        out[stem + "weight_scale"] = ("F32", [], scale.tobytes())
        out[stem + "input_scale"] = ("F32", [], (largest_input(name) / np.float32(448)).tobytes())
    return out


def main():
    tensors = read(sys.argv[1])
    expected = quantize(tensors)
    write_inputs(HERE / "tiny_inputs.imatrix.gguf", tensors)
    lines = {name: f"{dtype} {shape} {zlib.crc32(data):08x}"
             for name, (dtype, shape, data) in sorted(expected.items())}
    (HERE / "fp8.json").write_text(json.dumps(lines, indent=0) + "\n")
    if len(sys.argv) > 2:
        found = read(sys.argv[2])
        different = [name for name in expected | found if found.get(name) != expected.get(name)]
        print(f"{len(expected)} tensors, {len(different)} differ", different[:3])


if __name__ == "__main__":
    main()
