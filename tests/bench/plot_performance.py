#!/usr/bin/env python3
"""Draws the plots of docs/performance.md from the measurements beside them.

    pip install matplotlib==3.11.2   # the version they were last made with
    tests/bench/plot_performance.py docs/performance

Each measurement is what `nemotron bench --json` printed, with `hardware` and `date` added.
"""
import json
import pathlib
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402  (after the choice of what draws)

matplotlib.rcParams["svg.hashsalt"] = "nemotron"  # the same file from the same numbers
matplotlib.rcParams["svg.fonttype"] = "none"


def depth_panel(axes, measured, title):
    """Tokens per second of prompts and replies over the tokens that came before."""
    for phase, color in (("prefill", "tab:blue"), ("decode", "tab:green")):
        depths = [at["depth"] for at in measured["depths"]]
        rates = [at[phase] for at in measured["depths"]]
        axes.plot(depths, [rate["median"] for rate in rates], "o-", color=color, label=phase)
        axes.fill_between(depths, [rate["min"] for rate in rates],
                          [rate["max"] for rate in rates], color=color, alpha=0.2)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(depths, [f"{depth // 1024}k" if depth >= 1024 else str(depth)
                             for depth in depths])
    axes.set_xlabel("tokens before")
    axes.set_ylabel("tokens per second")
    axes.set_title(title)
    axes.grid(True, which="both", alpha=0.3)
    axes.legend()


def save(figure, path):
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def depth_plot(folder):
    figure, panels = plt.subplots(1, 2, figsize=(11, 4))
    for axes, name, title in ((panels[0], "depth_4b_q4_k_m.json", "4B, Q4_K_M"),
                              (panels[1], "depth_demo.json", "demo model, BF16")):
        depth_panel(axes, json.loads((folder / name).read_text()), title)
    save(figure, folder / "depth.svg")


def rate_panel(axes, series, label):
    """Tokens per second over a count; `series`: name to pairs of count and rates."""
    for (name, points), color in zip(series.items(), ("tab:blue", "tab:green")):
        counts = [n for n, _ in points]
        medians = [rate["median"] for _, rate in points]
        spread = [[rate["median"] - rate["min"] for _, rate in points],
                  [rate["max"] - rate["median"] for _, rate in points]]
        axes.errorbar(counts, medians, spread, fmt="o-", capsize=3, color=color, label=name)
        axes.set_xticks(counts, [str(n) for n in counts])
    axes.set_yscale("log")
    axes.set_xlabel(label)
    axes.set_ylabel("tokens per second")
    axes.grid(True, which="both", alpha=0.3)
    axes.legend()


def scaling_plot(folder):
    """Sessions that decode together, and threads."""
    runs = json.loads((folder / "runs_4b_q4_k_m.json").read_text())["runs"]
    alone = [run for run in runs if "prefill" in run]
    together = [(1, max(alone, key=lambda run: run["threads"])["decode"]["tokens_per_s"])]
    together += [(run["sessions"]["sessions"], run["sessions"]["tokens_per_s"])
                 for run in runs if "sessions" in run]
    figure, panels = plt.subplots(1, 2, figsize=(11, 4))
    rate_panel(panels[0], {"decode": together}, "sessions together")
    rate_panel(panels[1], {phase: [(run["threads"], run[phase]["tokens_per_s"]) for run in alone]
                           for phase in ("prefill", "decode")}, "threads")
    save(figure, folder / "scaling.svg")


def roofline_plot(folder):
    """What each kind of operation reached, under what the machine was measured to allow."""
    runs = json.loads((folder / "runs_4b_q4_k_m.json").read_text())["runs"]
    run = max(runs, key=lambda run: ("prefill" in run, run["threads"]))
    batch = max(runs, key=lambda run: run["sessions"]["sessions"] if "sessions" in run else 0)
    machine = run["machine"]
    figure, axes = plt.subplots(figsize=(8, 5))
    intensities = [2.0 ** i for i in range(-3, 12)]
    for name, style in (("int8", "-"), ("bf16", "--"), ("f32", ":")):
        peak = machine[f"{name}_ops_per_s"]
        axes.plot(intensities, [min(x * machine["read_bytes_per_s"], peak) / 1e9
                                for x in intensities], style, color="black", label=f"{name} limit")
    for phase, of, marker in (("decode", run, "o"), ("sessions", batch, "^"),
                              ("prefill", run, "s")):
        n = f"{of['sessions']['sessions']} " if phase == "sessions" else ""
        shown = [op for op in of[phase]["by_operation"]
                 if op["share"] > 0.02 and op["bytes"] > 0 and op["operations"] > 0]
        axes.plot([op["operations"] / op["bytes"] for op in shown],
                  [op["operations"] / op["seconds"] / 1e9 for op in shown], marker,
                  linestyle="none", label=n + phase)
        for op in shown:
            axes.annotate(op["name"], (op["operations"] / op["bytes"],
                                       op["operations"] / op["seconds"] / 1e9),
                          xytext=(5, -3), textcoords="offset points", fontsize=6)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xlabel("operations per byte")
    axes.set_ylabel("10\u2079 operations per second")
    axes.grid(True, which="both", alpha=0.3)
    axes.legend(fontsize=8)
    save(figure, folder / "roofline.svg")


if __name__ == "__main__":
    target = pathlib.Path(sys.argv[1])
    depth_plot(target)
    scaling_plot(target)
    roofline_plot(target)
