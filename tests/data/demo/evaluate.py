"""Greedy accuracy of the demo model on sentences whose templates were never trained on.

python evaluate.py --model ../../../examples/demo-model [--count 200] [--out RESULTS.md] [--show 10]
Columns: "tool call" = every call of the turn right, name and all arguments (exact match), default tool set, first turn;
"answer" = the spoken answer after the tool result equals the expected one; "other tools" = tool call with
random renamed tool sets; "no tool" = small talk and requests no tool can serve.
Uses the official classes with the exact scan of ssd.py; all rows advance one token at a time in lockstep.
"""
import argparse
import random
import re
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import NemotronHForCausalLM

import toolset
from generate import LANGUAGES, WEIGHTS, Generator, template
from ssd import patch
from train import END, START


def parse_calls(text):
    calls = []
    for name, body in re.findall(r"<tool_call>\n<function=([^>]+)>\n(.*?)</function>\n</tool_call>", text, re.S):
        calls.append((name, dict(re.findall(r"<parameter=([^>]+)>\n(.*?)\n</parameter>\n", body, re.S))))
    return calls


def expected_calls(message):
    return [(c["function"]["name"], {k: str(v) for k, v in c["function"]["arguments"].items()}) for c in message["tool_calls"]]


@torch.no_grad()
def complete(model, tokenizer, prompts, limit=160):
    """Prompts that share everything before their first user turn -> greedy completions, up to <|im_end|>."""
    ids = [tokenizer.encode(p, add_special_tokens=False).ids for p in prompts]
    cut = ids[0].index(START, 1)
    assert all(row[:cut] == ids[0][:cut] for row in ids)
    cache = model(torch.tensor([ids[0][:cut]]), use_cache=True).past_key_values
    cache.reorder_cache(torch.zeros(len(ids), dtype=torch.long))
    rows, done = [row[cut:] for row in ids], [False] * len(ids)
    starts = [len(row) for row in rows]
    step = 0
    while not all(done):
        logits = model(torch.tensor([[row[min(step, len(row) - 1)]] for row in rows]), past_key_values=cache, use_cache=True).logits
        best = logits[:, -1].argmax(-1).tolist()
        step += 1
        for i, row in enumerate(rows):
            if step >= len(row) and not done[i]:
                row.append(best[i])
                done[i] = best[i] == END or len(row) - starts[i] >= limit
    return [tokenizer.decode([t for t in row[start:] if t != END], skip_special_tokens=False) for row, start in zip(rows, starts)]


def strip_thought(text):
    return text.split("</think>")[-1].strip()


class Evaluation:
    def __init__(self, folder, show=0):
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.chat = template(folder / "chat_template.jinja")
        self.model = patch(NemotronHForCausalLM.from_pretrained(folder, dtype=torch.float32).eval())
        self.show = show

    def run(self, talks, tools, think):
        """talks: message lists of one turn -> fractions (first assistant message right, final answer right)."""
        schemas = [t[1] for t in tools]
        render = lambda messages: self.chat.render(messages=messages, tools=schemas, enable_thinking=think, add_generation_prompt=True)
        first = complete(self.model, self.tokenizer, [render(t[:1]) for t in talks])
        calls = [t for t in talks if len(t) > 2]
        final = complete(self.model, self.tokenizer, [render(t[:-1]) for t in calls]) if calls else []
        good = 0
        for talk, text in zip(talks, first):
            if len(talk) > 2:
                right = parse_calls(text) == expected_calls(talk[1])
            else:
                right = strip_thought(text) == talk[1]["content"]
            good += right
            if not right and self.show > 0:
                self.show -= 1
                print(f"  wrong: {talk[0]['content']!r} -> {text!r}")
        said = 0
        for talk, text in zip(calls, final):
            said += strip_thought(text) == talk[-1]["content"]
            if strip_thought(text) != talk[-1]["content"] and self.show > 0:
                self.show -= 1
                print(f"  wrong answer: {talk[0]['content']!r} {talk[2]['content']!r} -> {text!r} expected {talk[-1]['content']!r}")
        return good / len(talks), said / max(1, len(calls))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--count", type=int, default=200, help="sentences per language and mode")
    parser.add_argument("--seed", type=int, default=424242)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--show", type=int, default=0, help="print that many wrong answers")
    parser.add_argument("--seen", action="store_true", help="templates of the training set instead of the held-out ones")
    options = parser.parse_args()
    evaluation = Evaluation(options.model, options.show)
    table = ["| language | thinking | tool call | answer | other tools | no tool |", "|---|---|---|---|---|---|"]
    for code, lang in LANGUAGES.items():
        for think in (False, True):
            generator = Generator(options.seed, held_out=not options.seen)
            default = toolset.default_set()
            talks = [generator.turn(default, code, think, force=set(WEIGHTS)) for _ in range(options.count)]
            call, answer = evaluation.run(talks, default, think)
            others = []
            for _ in range(max(1, options.count // 40)):
                tools = toolset.random_set(generator.rng)
                talks = [generator.turn(tools, code, think, force=set(WEIGHTS)) for _ in range(20)]
                others.append(evaluation.run(talks, tools, think)[0])
            talks = []
            while len(talks) < 60:
                talk = generator.turn(default, code, think)
                talks += [talk] if len(talk) == 2 else []
            silent, _ = evaluation.run(talks, default, think)
            other = sum(others) / len(others)
            table.append(f"| {lang.NAME} | {'on' if think else 'off'} | {call:.1%} | {answer:.1%} | {other:.1%} | {silent:.1%} |")
            print(table[-1], flush=True)
    if options.out:
        kind = "training" if options.seen else "held-out"
        options.out.write_text(
            "# Accuracy of the demo model\n\n"
            f"Greedy decoding, {kind} templates, float32 compute over the BF16 weights, {options.count} sentences per row,\n"
            f"seed {options.seed}. Made by `evaluate.py`, which explains the columns.\n\n" + "\n".join(table) + "\n")


if __name__ == "__main__":
    main()
