#!/usr/bin/env python3
"""What rounding inside the fast levels costs, beside what it costs llama.cpp on the same files.

The truth is the file's own weights, dequantized, computed in f32 throughout (`nemotron logits --isa
ref --kv-type f32`). Against it: mean KL divergence over the vocabulary, how often the first choice
is the same, and perplexity, of our levels and of llama.cpp, each with its own default keys and
values, over the same tokens. Each text is one sequence, from an empty state. With --llama-quantize,
llama.cpp computes the truth, too: from the file in F32, with keys and values in f32; how far the
two truths are apart bounds what can be told. Standard library only: about a microsecond per logit.
Example:

  tests/bench/compare_quality.py --nemotron build/bin/nemotron --llama-logits ./llama_logits \\
      --models demo-q4_k_m.gguf demo-q8_0.gguf --texts chat1.txt chat2.txt --json quality.json
"""
import argparse
import array
import itertools
import json
import math
import operator
import os
import pathlib
import subprocess
import sys
import tempfile


class Failed(Exception):
    """A program ended with an error, or its output is not what it should be."""


def run(command, stdin=b""):
    done = subprocess.run([str(part) for part in command], input=stdin, capture_output=True)
    if done.returncode != 0:
        tail = done.stderr.decode(errors="replace").strip()[-500:]
        raise Failed(f"{' '.join(map(str, command))} ended with {done.returncode}: {tail}")
    return done.stdout.decode()


class Rows:
    """Logits in a file of f32, a row to each token."""

    def __init__(self, file, n_tokens, n_elements):
        self.file = file
        self.n_vocab, rest = divmod(n_elements, n_tokens)
        if rest != 0:
            raise Failed(f"{n_elements} logits are no whole rows of {n_tokens} tokens")

    def __iter__(self):
        return self

    def __next__(self):
        row = array.array("f", self.file.read(4 * self.n_vocab))
        if len(row) != self.n_vocab:
            raise StopIteration
        if not all(map(math.isfinite, row)):
            raise Failed("a logit is not finite")
        return row


def in_replies(ids, begin, end):
    """Whether each token belongs to a reply: behind `begin`, to its `end`."""
    counts, is_inside = [], False
    for i, token in enumerate(ids):
        is_inside = is_inside or (i >= len(begin) and ids[i - len(begin):i] == begin)
        counts.append(is_inside)
        is_inside = is_inside and token != end
    return counts


class Programs:
    """Logits of a sequence from ours and from llama.cpp; files go to `folder`."""

    def __init__(self, args, folder):
        self.args = args
        self.folder = pathlib.Path(folder)

    def ids_of(self, model, text):
        ids = run([self.args.nemotron, "tokenize", model, "--special"], text)
        return [int(id) for id in ids.split()]

    def tokens(self, model, text):
        """The tokens of a text, and which of them are counted: with what the one before predicts."""
        ids = self.ids_of(model, pathlib.Path(text).read_bytes())[:self.args.max_tokens]
        (self.folder / "ids").write_text(" ".join(map(str, ids)))
        counts = [False] + [True] * (len(ids) - 1)
        if self.args.replies:
            begin = self.ids_of(model, b"<|im_start|>assistant\n")
            counts = in_replies(ids, begin, self.ids_of(model, b"<|im_end|>")[-1])
        if not any(counts):
            raise Failed(f"{text} has no tokens to count")
        return ids, counts

    def rows(self, out, n_tokens):
        return Rows(open(out, "rb"), n_tokens, out.stat().st_size // 4)

    def ours(self, model, n_tokens, isa, kv_type):
        out = self.folder / f"{isa}-{kv_type}"
        run([self.args.nemotron, "logits", model, "--tokens", self.folder / "ids", "--output", out,
             "--isa", isa, "--kv-type", kv_type, "--threads", self.args.threads])
        return self.rows(out, n_tokens)

    def theirs(self, model, n_tokens, *flags):
        out = self.folder / "-".join(["llama", *flags])
        run([self.args.llama_logits, model, self.folder / "ids", out, self.args.threads, *flags])
        return self.rows(out, n_tokens)

    def in_f32(self, model):
        out = self.folder / "f32.gguf"
        run([self.args.llama_quantize, "--allow-requantize", model, out, "F32"])
        return out


class Row:
    """Logits of a token, with what several comparisons want of them."""

    def __init__(self, logits):
        self.logits = logits
        self.max = max(logits)
        self.exp = list(map(math.exp, map(operator.sub, logits, itertools.repeat(self.max))))
        self.sum = sum(self.exp)
        self.first = logits.index(self.max)

    def surprise(self, token):
        return self.max + math.log(self.sum) - self.logits[token]


def divergence(truth, other):
    """KL(truth || other), in nats."""
    difference = sum(map(operator.mul, truth.exp, map(operator.sub, truth.logits, other.logits)))
    return (difference / truth.sum - (truth.max + math.log(truth.sum)) +
            (other.max + math.log(other.sum)))


class Samples:
    """One number per token of a column: divergences, agreements, surprises."""

    def __init__(self):
        self.kl, self.agrees, self.surprise = [], [], []

    def add(self, truth, row, next_token):
        self.kl.append(divergence(truth, row))
        self.agrees.append(float(row.first == truth.first))
        self.surprise.append(row.surprise(next_token))


def mean(values):
    """The mean and its standard error."""
    n = len(values)
    middle = math.fsum(values) / n
    squares = math.fsum((value - middle) ** 2 for value in values)
    return middle, math.sqrt(squares / (n - 1) / n) if n > 1 else 0.0


def ratio(over, under):
    """Of two means over the same tokens, with its standard error (to first order)."""
    middle = math.fsum(under) / len(under)
    if middle == 0:
        return math.nan, math.nan
    value = math.fsum(over) / len(over) / middle
    return value, mean([(a - value * b) / middle for a, b in zip(over, under)])[1]


def summary(samples):
    surprise, error = mean(samples.surprise)
    return {"kl": mean(samples.kl), "agreement": mean(samples.agrees),
            "perplexity": (math.exp(surprise), math.exp(surprise) * error)}


def logits_of(model, f32_model, n_tokens, programs, args):
    """Rows of logits by column: the truth, our levels, llama.cpp, and the other truth."""
    rows = {"truth": programs.ours(model, n_tokens, "ref", "f32")}
    for level in args.isa.split(","):
        rows[level] = programs.ours(model, n_tokens, level, args.kv_type)
    if args.llama_logits and model.endswith(".gguf"):
        rows["llama.cpp"] = programs.theirs(model, n_tokens, *args.llama_flags.split())
    if f32_model:
        rows["llama.cpp f32"] = programs.theirs(f32_model, n_tokens, "f32")
    if len({row.n_vocab for row in rows.values()}) != 1:
        raise Failed(f"{model}: the programs disagree on the size of the vocabulary")
    return rows


def measure(model, args, folder):
    programs = Programs(args, folder)
    with_truths = args.llama_quantize and model.endswith(".gguf")
    f32_model = programs.in_f32(model) if with_truths else None
    columns = {}
    for text in args.texts:
        tokens, counts = programs.tokens(model, text)
        rows = logits_of(model, f32_model, len(tokens), programs, args)
        for next_token, is_counted in zip(tokens[1:], counts[1:]):
            logits = {name: next(rows[name]) for name in rows}
            if not is_counted:
                continue
            truth = Row(logits["truth"])
            for name in rows:
                row = truth if name == "truth" else Row(logits[name])
                columns.setdefault(name, Samples()).add(truth, row, next_token)
        print(f"# {model} {text}: {sum(counts)} of {len(tokens)} tokens", file=sys.stderr)
    report = {"columns": {name: summary(samples) for name, samples in columns.items()},
              "n_tokens": len(columns["truth"].kl)}
    if "llama.cpp" in columns:
        theirs = columns["llama.cpp"].kl
        report["ratio"] = {level: ratio(columns[level].kl, theirs)
                           for level in args.isa.split(",")}
    return report


def value(pair, scale=1.0):
    """Three digits, and the standard error as far as that."""
    return f"{pair[0] * scale:.3g} ± {pair[1] * scale:.1g}"


def table(header, lines):
    rows = [header, ["---"] * len(header), *lines]
    print("\n" + "\n".join("| " + " | ".join(row) + " |" for row in rows))


def print_tables(models, levels):
    divergences, others = [], []
    for model, report in models.items():
        columns, ratios = report["columns"], report.get("ratio", {})
        head = [pathlib.Path(model).name, str(report["n_tokens"])]
        names = [*levels, "llama.cpp", "llama.cpp f32"]
        divergences.append(head + [value(columns[n]["kl"], 1e6) if n in columns else "-"
                                   for n in names] +
                           [value(ratios[n]) if n in ratios else "-" for n in levels])
        names = ["truth", *levels, "llama.cpp"]
        others.append(head[:1] + [f"{columns[n]['agreement'][0]:.2%}" if n in columns else "-"
                                  for n in names[1:]] +
                      [value(columns[n]["perplexity"]) if n in columns else "-" for n in names])
    table(["KL, 10^-6", "tokens", *levels, "llama.cpp", "two truths"] +
          [f"{level} / llama.cpp" for level in levels], divergences)
    table(["same first choice, perplexity", *levels, "llama.cpp", "truth", *levels, "llama.cpp"],
          others)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nemotron", required=True, help="the nemotron command")
    parser.add_argument("--llama-logits", help="built of llama_logits.c; without it, ours alone")
    parser.add_argument("--llama-quantize",
                        help="llama-quantize, for the cross check: needs room for the file in F32")
    parser.add_argument("--models", required=True, nargs="+", help="files, or folders (ours alone)")
    parser.add_argument("--texts", required=True, nargs="+",
                        help="UTF-8; control tokens are read as such; each is one sequence")
    parser.add_argument("--max-tokens", type=int, help="of each text")
    parser.add_argument("--replies", action="store_true",
                        help="of chats in ChatML, count the assistant's tokens alone")
    parser.add_argument("--isa", default="avx512,avx2", help="our levels (default: %(default)s)")
    parser.add_argument("--kv-type", default="bf16", help="of our levels (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--llama-flags", default="", help="f32: its keys and values so, too")
    parser.add_argument("--json", help="file for the report")
    args = parser.parse_args()
    if args.llama_quantize and not args.llama_logits:
        parser.error("--llama-quantize is of use with --llama-logits only")
    return args


def main():
    args = parse_arguments()
    report = {"nemotron": run([args.nemotron, "--version"]).split("\n")[0], "models": {},
              "texts": args.texts, "kv_type": args.kv_type, "llama_flags": args.llama_flags}
    try:
        for model in args.models:
            with tempfile.TemporaryDirectory() as folder:
                report["models"][model] = measure(model, args, folder)
    except (Failed, OSError, KeyError, StopIteration) as error:
        sys.exit(f"compare_quality: {error}")
    print_tables(report["models"], args.isa.split(","))
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
