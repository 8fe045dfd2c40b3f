"""Goldens of the Nemotron Nano v2 chat format: nano_v2.jinja, rendered by jinja2 as transformers does.

python make_renderings_v2.py        # writes renderings_v2.json

The cases of make_renderings.py where they apply, some of this format's own, and random conversations.
Two renderings that its description states literally are asserted.
"""
import json
import platform
import random
from pathlib import Path

import jinja2

from make_renderings import BARE, CALL, CASES, FLAT, RICH, WEATHER, assistant, load, system, tool, user

HERE = Path(__file__).resolve().parent
OWN = [
    ("hello", [user("Hello")], [], {}),
    ("no_think", [system("/no_think Be terse."), user("Hi"), assistant("<think>\nx\n</think>\nyo"), user("more")], [], {}),
    ("the last switch wins", [system("/no_think a"), user("b /think"), assistant("c"), user(" /no_think d ")], [], {}),
    ("both in one message", [user("/no_think and /think")], [], {}),
    ("switched on in words", [user("what is </think>?"), assistant("a tag"), user("ok")], [], {"enable_thinking": False}),
    ("two closes", [user("q"), assistant("a</think> b </think> c"), user("r")], [], {}),
    ("prefill", [user("q"), assistant(" The answer")], [], {}),
    ("prefill with calls", [user("q"), assistant("x", None, [CALL])], [WEATHER], {}),
    ("ends with an answer", [user("q /no_think"), assistant("x")], [], {"add_generation_prompt": False}),
    ("ends with calls", [user("q"), assistant("x", None, [CALL, ("f", {})])], [FLAT], {"add_generation_prompt": False}),
    ("arguments as text", [user("q"), {"role": "assistant", "content": "", "tool_calls": [
        {"function": {"name": "f", "arguments": "{\"a\":  1}"}}]}, tool("1"), tool("2"), user("r")], [BARE, RICH], {}),
]
KNOWN = {
    "hello": "<SPECIAL_10>System\n\n\n<SPECIAL_11>User\nHello\n<SPECIAL_11>Assistant\n<think>\n",
    "no_think": "<SPECIAL_10>System\nBe terse.\n\n<SPECIAL_11>User\nHi\n<SPECIAL_11>Assistant\nyo\n<SPECIAL_12>\n"
                "<SPECIAL_11>User\nmore\n<SPECIAL_11>Assistant\n<think></think>",
}
WORDS = ["/think", "/no_think", "<think>", "</think>", "a", "ü", "\n", " ", "<SPECIAL_12>", "no", "/", "yes", "\n\n", "\u00a0"]


def random_case(rng, index):
    def text():
        return "".join(rng.choice(WORDS) for _ in range(rng.randrange(6)))

    messages = [system(text())] if rng.random() < 0.5 else []
    for _ in range(rng.randrange(1, 7)):
        kind = rng.randrange(4)
        calls = [("f", {"x": text()})] * rng.randrange(3)
        messages.append([lambda: user(text()), lambda: tool(text()), lambda: assistant(text(), None, calls),
                         lambda: system(text())][kind]())
    return (f"random {index}", messages, rng.choice([[], [BARE], [WEATHER, FLAT]]),
            {"enable_thinking": rng.random() < 0.7, "add_generation_prompt": rng.random() < 0.7})


def main():
    chat = load(HERE / "nano_v2.jinja")
    rng = random.Random(9)
    shared = [c for c in CASES if "enable_thinking" not in c[3] and "truncate_history_thinking" not in c[3]]
    results = []
    for name, messages, tools, kwargs in OWN + shared + [random_case(rng, i) for i in range(60)]:
        if [m["role"] for m in messages] == ["system"]:
            continue  # the published template has no answer to it
        settings = {"enable_thinking": True, "add_generation_prompt": True} | kwargs
        text = chat.render(messages=messages, tools=tools, **settings)
        assert KNOWN.get(name, text) == text, (name, text)
        results.append({"name": name, "messages": messages, "tools": tools, **settings, "text": text})
    versions = {"python": platform.python_version(), "jinja2": jinja2.__version__}
    (HERE / "renderings_v2.json").write_text(
        json.dumps({"versions": versions, "cases": results}, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(f"{len(results)} renderings")


if __name__ == "__main__":
    main()
