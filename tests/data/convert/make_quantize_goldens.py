"""Writes llama_quantize.json: for each type of file, the type and the CRC-32 of every tensor that
llama.cpp's quantizer makes of the tiny synthesized model.

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
from gguf import GGUFReader

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


def main():
    program, version, source = sys.argv[1:]
    goldens = {"llama.cpp": version}
    with tempfile.TemporaryDirectory() as folder:
        for name in TYPES:
            path = f"{folder}/{name}.gguf"
            subprocess.run([program, source, path, name, "1"], check=True, capture_output=True)
            goldens[name] = describe(path)
    # The tensors that no type changes stand once.
    common = {k: v for k, v in goldens["F16"].items() if v == goldens["Q2_K"][k]}
    for name in TYPES:
        goldens[name] = {k: v for k, v in goldens[name].items() if k not in common}
    goldens["common"] = common
    (HERE / "llama_quantize.json").write_text(json.dumps(goldens, indent=0) + "\n")


if __name__ == "__main__":
    main()
