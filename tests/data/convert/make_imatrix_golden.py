"""Writes demo.imatrix.gguf: what llama.cpp's imatrix makes of the demo model and the license's text.

    nemotron quantize examples/demo-model/*.gguf demo-f32.gguf --type f32
    python make_imatrix_golden.py LLAMA_IMATRIX demo-f32.gguf

LLAMA_IMATRIX is built from llama.cpp (llama_quantize.json says which version) with its default
flags. In F32, and with keys and values in F32, it multiplies unrounded activations.
"""
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent.parent


def main():
    program, model = sys.argv[1:]
    subprocess.run([program, "-m", str(pathlib.Path(model).resolve()), "-f", "LICENSE", "-o",
                    str(HERE / "demo.imatrix.gguf"), "-c", "64", "-b", "64", "--chunks", "6",
                    "--no-ppl", "-ctk", "f32", "-ctv", "f32", "-t", "2"], check=True, cwd=ROOT)


if __name__ == "__main__":
    main()
