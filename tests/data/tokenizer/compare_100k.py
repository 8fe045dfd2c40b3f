#!/usr/bin/env python3
"""Compares our ids with those of `tokenizers` on the real vocabulary, over 100,000 mixed strings.

    python3 tests/data/tokenizer/compare_100k.py TEKKEN_JSON BUILD/tests/tokenize_strings [--count N] [--seed S]

TEKKEN_JSON is tekken-240718.json, the public Mistral Nemo vocabulary (Apache-2.0). Each string is encoded
with added tokens recognised and with them as ordinary text. Exit code 0 when no string differs.
"""
import argparse
import pathlib
import struct
import subprocess
import sys
import tempfile

import tokenizers

import mixed_text
import tekken


def run_ours(tool, tokenizer_path, texts, parse_special):
    data = b"".join(struct.pack("<I", len(t)) + t for t in (s.encode() for s in texts))
    done = subprocess.run([tool, tokenizer_path, "1" if parse_special else "0"], input=data, stdout=subprocess.PIPE, check=True)
    numbers = memoryview(done.stdout).cast("i")
    place, out = 0, []
    while place < len(numbers):
        out.append(numbers[place + 1 : place + 1 + numbers[place]].tolist())
        place += 1 + numbers[place]
    return out


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tekken_json", type=pathlib.Path)
    parser.add_argument("tool")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=240718)
    arguments = parser.parse_args()
    text = tekken.tokenizer_json(arguments.tekken_json.read_text())
    reference = tokenizers.Tokenizer.from_str(text)
    texts = mixed_text.strings(arguments.seed, arguments.count)
    n_bad = 0
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "tokenizer.json"
        path.write_text(text)
        for parse_special in (True, False):
            reference.encode_special_tokens = not parse_special
            ours = run_ours(arguments.tool, str(path), texts, parse_special)
            n_ids = 0
            for start in range(0, len(texts), 1000):
                batch = texts[start : start + 1000]
                for i, theirs in enumerate(reference.encode_batch(batch, add_special_tokens=False), start):
                    n_ids += len(theirs.ids)
                    if i >= len(ours) or theirs.ids != ours[i]:
                        n_bad += 1
                        if n_bad <= 5:
                            print(f"string {i}: {texts[i]!r}\n  tokenizers {theirs.ids}\n  ours       {ours[i]}")
            print(f"parse_special={parse_special}: {len(texts)} strings, "
                  f"{sum(len(t.encode()) for t in texts)} bytes, {n_ids} ids, {n_bad} mismatches so far")  # fmt: skip
    print(f"tokenizers {tokenizers.__version__}: {n_bad} mismatches")
    return 1 if n_bad else 0


if __name__ == "__main__":
    sys.exit(main())
