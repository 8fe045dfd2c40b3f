#!/usr/bin/env python3
"""Runs `nemotron bench` and a build of llama.cpp in alternation on the same file and compares them.

Each phase is run `--rounds` times, ours and theirs in turn, so that whatever else slows the machine
down meets both. Prints medians, spread and ratio as a table, and the same with every sample as JSON
(`--json FILE`). Standard library only. Example:

  tests/bench/compare_llama.py --nemotron build/bin/nemotron --llama ~/llama.cpp/build/bin \\
      --model 4b-q4_k_m.gguf --threads 2 --rounds 5 --json compare.json
"""
import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile

PHASES = ("prefill", "decode", "depth", "sessions")


class RunFailed(Exception):
    """A program ended with an error, or did not print what it should."""


def run(command):
    """Its standard output, and the most memory that it held, in bytes."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(command, stdout=out, stderr=err)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode != 0:
            tail = err.read().decode(errors="replace").strip()[-500:]
            raise RunFailed(f"{' '.join(command)} ended with {process.returncode}: {tail}")
        kib = 1 if platform.system() == "Darwin" else 1024
        return out.read().decode(), usage.ru_maxrss * kib


def parsed(command, text):
    try:
        return json.loads(text)
    except ValueError as error:
        raise RunFailed(f"{' '.join(command)} printed no JSON: {error}") from error


class Nemotron:
    """`nemotron bench`: one phase a run."""

    name = "nemotron"

    def __init__(self, args):
        self.args = args
        self.version = run([args.nemotron, "--version"])[0].split("\n")[0]
        self.base = [args.nemotron, "bench", args.model, "--threads", str(args.threads),
                     "--repeat", "1", "--json"] + args.nemotron_flags.split()

    def flags(self, phase):
        generate = str(self.args.generate)
        if phase == "prefill":
            return ["--prompt", str(self.args.prompt), "--generate", "0"]
        if phase == "depth":
            return ["--prompt", "0", "--generate", generate, "--depth", str(self.args.depth)]
        if phase == "sessions":
            return ["--prompt", "0", "--generate", generate, "--sessions", str(self.args.sessions)]
        return ["--prompt", "0", "--generate", generate]

    def measure(self, phase):
        command = self.base + self.flags(phase)
        text, peak_bytes = run(command)
        report = parsed(command, text)
        key = "decode" if phase == "depth" else phase
        return report[key]["tokens_per_s"]["median"], peak_bytes


class Llama:
    """llama-bench, and for sessions llama-batched-bench."""

    name = "llama.cpp"

    def __init__(self, args):
        self.args = args
        self.bin = pathlib.Path(args.llama)
        self.model = args.llama_model or args.model
        self.version = "unknown"

    def single(self, phase):
        shape = {"prefill": ["-p", str(self.args.prompt), "-n", "0"],
                 "decode": ["-p", "0", "-n", str(self.args.generate)],
                 "depth": ["-p", "0", "-n", str(self.args.generate), "-d", str(self.args.depth)]}
        command = [str(self.bin / "llama-bench"), "-m", self.model, "-t", str(self.args.threads),
                   "-r", "1", "-o", "json"] + shape[phase] + self.args.llama_flags.split()
        text, peak_bytes = run(command)
        results = parsed(command, text)
        if len(results) != 1:
            raise RunFailed(f"{' '.join(command)} printed {len(results)} results, expected one")
        self.version = f"{results[0]['build_number']} ({results[0]['build_commit']})"
        return results[0]["avg_ts"], peak_bytes

    def batched(self):
        n = self.args.sessions
        context = n * (self.args.generate + 64)
        command = [str(self.bin / "llama-batched-bench"), "-m", self.model, "-t",
                   str(self.args.threads), "-c", str(context), "-npp", "1", "-ntg",
                   str(self.args.generate), "-npl", str(n), "--output-format", "jsonl"]
        text, peak_bytes = run(command + self.args.llama_flags.split())
        for line in text.splitlines():
            if line.startswith("{"):
                return parsed(command, line)["speed_tg"], peak_bytes
        raise RunFailed(f"{' '.join(command)} printed no result")

    def measure(self, phase):
        return self.batched() if phase == "sessions" else self.single(phase)


def summary(samples):
    rates = [rate for rate, _ in samples]
    return {"median": statistics.median(rates), "min": min(rates), "max": max(rates),
            "peak_bytes": max(peak for _, peak in samples), "samples": rates}


def compare(ours, theirs, phase, rounds):
    """Who begins changes from round to round."""
    samples = {ours.name: [], theirs.name: []}
    for i in range(rounds):
        for program in (ours, theirs) if i % 2 == 0 else (theirs, ours):
            samples[program.name].append(program.measure(phase))
            rate = samples[program.name][-1][0]
            print(f"# {phase} {i + 1}/{rounds} {program.name}: {rate:.2f} tok/s", file=sys.stderr)
    ratios = sorted(a[0] / b[0] for a, b in zip(samples[ours.name], samples[theirs.name]))
    return {ours.name: summary(samples[ours.name]), theirs.name: summary(samples[theirs.name]),
            "ratio": {"median": statistics.median(ratios), "min": ratios[0], "max": ratios[-1]}}


def together_over_one(phases):
    """How many times the rate of one session several reach together, of ours and theirs."""
    return {name: phases["sessions"][name]["median"] / phases["decode"][name]["median"]
            for name in ("nemotron", "llama.cpp")}


def describe(args):
    return {"prefill": f"prefill {args.prompt}", "decode": "decode",
            "depth": f"decode at {args.depth}", "sessions": f"{args.sessions} sessions"}


def print_table(report, names):
    print("| phase | nemotron tok/s | llama.cpp tok/s | ratio, round by round | peak memory, GB |")
    print("|---|---|---|---|---|")
    for phase, result in report["phases"].items():
        a, b, ratio = result["nemotron"], result["llama.cpp"], result["ratio"]
        cells = [names[phase]]
        cells += [f"{s['median']:.2f} ({s['min']:.2f} to {s['max']:.2f})" for s in (a, b)]
        cells += [f"{ratio['median']:.2f} ({ratio['min']:.2f} to {ratio['max']:.2f})"]
        cells += [f"{a['peak_bytes'] / 1e9:.2f} / {b['peak_bytes'] / 1e9:.2f}"]
        print("| " + " | ".join(cells) + " |")
    if "together_over_one" in report:
        a, b = (report["together_over_one"][name] for name in ("nemotron", "llama.cpp"))
        print(f"\n{names['sessions']} over one: nemotron {a:.2f}, llama.cpp {b:.2f}")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nemotron", required=True, help="the nemotron command")
    parser.add_argument("--llama", required=True, help="folder with llama-bench")
    parser.add_argument("--model", required=True, help="the file that both run")
    parser.add_argument("--llama-model", help="another file for llama.cpp: where ours is no GGUF")
    parser.add_argument("--phases", default=",".join(PHASES), help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--generate", type=int, default=64)
    parser.add_argument("--depth", type=int, default=4096)
    parser.add_argument("--sessions", type=int, default=8)
    parser.add_argument("--nemotron-flags", default="", help="more flags for nemotron bench")
    parser.add_argument("--llama-flags", default="", help="more flags for llama.cpp's programs")
    parser.add_argument("--json", help="file for the report, every sample included")
    args = parser.parse_args()
    args.phases = args.phases.split(",")
    unknown = [phase for phase in args.phases if phase not in PHASES]
    if unknown:
        parser.error(f"unknown phase {unknown[0]}: there are {', '.join(PHASES)}")
    if args.rounds < 1:
        parser.error("--rounds must be at least 1")
    return args


def main():
    args = parse_arguments()
    ours, theirs = Nemotron(args), Llama(args)
    report = {"model": args.model, "llama_model": args.llama_model or args.model,
              "threads": args.threads, "rounds": args.rounds, "phases": {}}
    try:
        for phase in args.phases:
            report["phases"][phase] = compare(ours, theirs, phase, args.rounds)
    except (RunFailed, OSError, KeyError) as error:
        sys.exit(f"compare_llama: {error}")
    report["versions"] = {ours.name: ours.version, theirs.name: theirs.version}
    report["flags"] = {ours.name: args.nemotron_flags, theirs.name: args.llama_flags}
    if {"decode", "sessions"} <= report["phases"].keys():
        report["together_over_one"] = together_over_one(report["phases"])
    print_table(report, describe(args))
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
