"""Writes llama_quantize.json: for each type of file, the type and the CRC-32 of every tensor that
llama.cpp's quantizer makes of the tiny synthesized model; tiny.imatrix.gguf, an importance matrix for
it, and llama_quantize_imatrix.json, the same with that.

    nemotron synth --shape tiny --type bf16 --seed 9 -o tiny
    nemotron quantize tiny tiny-bf16.gguf --type bf16
    python make_quantize_goldens.py LLAMA_QUANTIZE VERSION tiny-bf16.gguf

LLAMA_QUANTIZE is built from llama.cpp (VERSION says which) with its default flags. When the
synthesizer's bytes change on purpose, the file has to be made anew. Needs numpy and gguf.
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import zlib

import numpy as np
from gguf import GGUFReader, GGUFWriter

HERE = pathlib.Path(__file__).parent
TYPES = ["Q2_K", "Q3_K_S", "Q3_K_M", "Q3_K_L", "Q4_0", "Q4_1", "Q4_K_S", "Q4_K_M", "Q5_0", "Q5_1",
         "Q5_K_S", "Q5_K_M", "Q6_K", "Q8_0", "IQ4_NL", "IQ4_XS", "F16", "BF16"]


def describe(path):
    """Tensors that are not F32, name -> type and checksum."""
    tensors = {}
    for tensor in GGUFReader(path).tensors:
        crc = zlib.crc32(np.ascontiguousarray(tensor.data).tobytes())
        tensors[tensor.name] = f"{tensor.tensor_type.name} {crc:08x}"
    return tensors


def write_imatrix(path, source):
    """Sums of squares for the matrices of all layers but one, which is then quantized without."""
    rng = np.random.default_rng(20261127)
    writer = GGUFWriter(path, "none")  # the writer insists on an architecture
    writer.add_type("imatrix")
    writer.add_array("imatrix.datasets", ["made up"])
    writer.add_uint32("imatrix.chunk_count", 3)
    writer.add_uint32("imatrix.chunk_size", 128)
    for tensor in GGUFReader(source).tensors:
        name = tensor.name
        if len(tensor.shape) != 2 or not name.startswith("blk.") or name == "blk.3.attn_v.weight":
            continue
        if tensor.tensor_type.name == "F32":
            continue
        sums = rng.lognormal(0, 2, int(tensor.shape[0])).astype(np.float32) * 384
        sums[rng.integers(0, sums.size, 4)] = 0
        writer.add_tensor(f"{name}.in_sum2", sums.reshape(1, -1))
        writer.add_tensor(f"{name}.counts", np.full((1, 1), 384, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def quantize_all(program, version, source, flags):
    goldens = {"llama.cpp": version}
    with tempfile.TemporaryDirectory() as folder:
        for name in TYPES:
            path = f"{folder}/{name}.gguf"
            subprocess.run([program, *flags, source, path, name, "1"], check=True,
                           capture_output=True)
            goldens[name] = describe(path)
    # The tensors that no type changes stand once.
    common = {k: v for k, v in goldens["F16"].items() if v == goldens["Q2_K"][k]}
    for name in TYPES:
        goldens[name] = {k: v for k, v in goldens[name].items() if k not in common}
    goldens["common"] = common
    return goldens


def main():
    program, version, source = sys.argv[1:]
    imatrix = HERE / "tiny.imatrix.gguf"
    write_imatrix(imatrix, source)
    for name, flags in (("llama_quantize", []), ("llama_quantize_imatrix", ["--imatrix", imatrix])):
        goldens = quantize_all(program, version, source, flags)
        (HERE / f"{name}.json").write_text(json.dumps(goldens, indent=0) + "\n")


if __name__ == "__main__":
    main()
