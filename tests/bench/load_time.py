#!/usr/bin/env python3
"""How long programs take from their start to their first output, and what memory they take.

Each command is run --runs times, in turns with the others, once with the model's file dropped from
the system's cache ("cold") and once with it there ("warm"). Printed are medians (lowest to highest):
seconds until the first byte on standard output, and the peaks of the memory of the process's own
(RssAnon), of mapped files (RssFile, shared with others that map them) and of both (VmHWM), in MB.

    tests/bench/load_time.py --model m.gguf \\
        --command 'packed=build/bin/nemotron logits {model} --isa auto --tokens one --output /dev/stdout' \\
        --command 'mapped=build/bin/nemotron logits {model} --isa auto --tokens one --output /dev/stdout --mapped'

where the file `one` holds one token id. Needs Python alone; Linux.
"""
import argparse
import os
import shlex
import statistics
import subprocess
import threading
import time


def files_of(path):
    """The file itself, or what lies in the folder."""
    if os.path.isdir(path):
        return [entry.path for entry in os.scandir(path) if entry.is_file()]
    return [path]


def drop_from_cache(path):
    """Clean pages that nobody maps leave the cache."""
    for name in files_of(path):
        descriptor = os.open(name, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def read_into_cache(path):
    for name in files_of(path):
        with open(name, "rb", buffering=0) as file:
            while file.read(1 << 24):
                pass


class PeakWatch(threading.Thread):
    """The largest values of lines in /proc/PID/status, in kB."""

    NAMES = ("RssAnon", "RssFile", "VmHWM")

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.path = f"/proc/{pid}/status"
        self.peaks = dict.fromkeys(self.NAMES, 0)
        self.is_over = False

    def run(self):
        while not self.is_over:
            self.look()
            time.sleep(0.01)

    def look(self):
        try:
            with open(self.path, encoding="ascii") as file:
                for line in file:
                    name, _, value = line.partition(":")
                    if name in self.peaks:
                        self.peaks[name] = max(self.peaks[name], int(value.split()[0]))
        except (OSError, IndexError):
            pass  # it has ended


def measure(command):
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    watch = PeakWatch(process.pid)
    watch.start()
    first = process.stdout.read(1)
    seconds = time.monotonic() - start
    watch.look()
    while process.stdout.read(1 << 16):
        pass
    code = process.wait()
    watch.is_over = True
    watch.join()
    if not first or code != 0:
        raise SystemExit(f"exit code {code}, {'some' if first else 'no'} output: {shlex.join(command)}")
    return {"seconds": seconds, **{name: kb / 1000 for name, kb in watch.peaks.items()}}


def summary(values, digits):
    return (f"{statistics.median(values):.{digits}f} "
            f"({min(values):.{digits}f} to {max(values):.{digits}f})")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", required=True, help="file or folder; replaces {model}")
    parser.add_argument("--command", action="append", required=True, metavar="NAME=COMMAND")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--caches", default="cold,warm")
    arguments = parser.parse_args()
    commands = {}
    for text in arguments.command:
        name, _, command = text.partition("=")
        commands[name] = shlex.split(command.replace("{model}", shlex.quote(arguments.model)))
    results = {}
    for cache in arguments.caches.split(","):
        for _ in range(arguments.runs):
            for name, command in commands.items():
                (drop_from_cache if cache == "cold" else read_into_cache)(arguments.model)
                results.setdefault((cache, name), []).append(measure(command))
    print(f"{'':20} {'s to first output':>24} {'RssAnon MB':>10} {'RssFile MB':>10} {'VmHWM MB':>10}")
    for (cache, name), runs in results.items():
        line = summary([run["seconds"] for run in runs], 2)
        peaks = " ".join(f"{max(run[key] for run in runs):10.0f}" for key in PeakWatch.NAMES)
        print(f"{cache + ' ' + name:20} {line:>24} {peaks}")


if __name__ == "__main__":
    main()
