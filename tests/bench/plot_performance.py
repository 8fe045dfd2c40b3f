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


def depth_plot(folder):
    figure, panels = plt.subplots(1, 2, figsize=(11, 4))
    for axes, name, title in ((panels[0], "depth_4b_q4_k_m.json", "4B, Q4_K_M"),
                              (panels[1], "depth_demo.json", "demo model, BF16")):
        depth_panel(axes, json.loads((folder / name).read_text()), title)
    figure.tight_layout()
    figure.savefig(folder / "depth.svg", metadata={"Date": None})


if __name__ == "__main__":
    depth_plot(pathlib.Path(sys.argv[1]))
