"""Chat-template goldens: messages + tools + options -> the exact prompt, rendered by jinja2 as transformers does.

python make_renderings.py [--template ../../../examples/demo-model/chat_template.jinja] [--out renderings.json]
                          [--compare OTHER.jinja]   (only checks that another template gives the same strings)
Cases whose name starts with a letter and a blank are the examples of the format description (A to G2);
their text is also asserted here literally.
"""
import argparse
import json
import platform
from pathlib import Path

import jinja2
import jinja2.sandbox

HERE = Path(__file__).resolve().parent
WEATHER = {"type": "function", "function": {"name": "get_weather", "description": "Get weather.", "parameters": {
    "type": "object", "properties": {"city": {"type": "string", "description": "City name"},
                                     "unit": {"type": "string", "enum": ["c", "f"]},
                                     "days": {"type": "integer", "minimum": 1}}, "required": ["city"]}}}
RICH = {"type": "function", "function": {"name": "search", "description": "  Suche – mit Umlauten äöü \n", "strict": True,
        "parameters": {"type": "object", "additionalProperties": False, "$defs": {"a": [1, None]},
                       "properties": {"q": {"type": ["string", "null"], "description": " text ", "default": None},
                                      "filter": {"type": "object", "properties": {"age": {"type": "integer"}}},
                                      "limit": {"type": "integer", "default": 10, "maximum": 1.5},
                                      "kind": {"enum": ["ä", 1, True, None]}}, "required": []}}}
BARE = {"type": "function", "function": {"name": "ping"}}
FLAT = {"name": "flat", "description": "no wrapper", "parameters": {"type": "object", "properties": {}}}


def user(text):
    return {"role": "user", "content": text}


def system(text):
    return {"role": "system", "content": text}


def tool(text):
    return {"role": "tool", "content": text}


def assistant(content="", reasoning=None, calls=None):
    message = {"role": "assistant", "content": content}
    if reasoning is not None:
        message["reasoning_content"] = reasoning
    if calls:
        message["tool_calls"] = [{"type": "function", "function": {"name": n, "arguments": a}} for n, a in calls]
    return message


CALL = ("get_weather", {"city": "Paris"})
CASES = [
    ("A plain user", [user("Hello")], [], {}),
    ("B system, thinking off", [system("You are helpful."), user("Hi")], [], {"enable_thinking": False}),
    ("C history thought in the content", [user("Q1"), assistant("<think>\nold thoughts\n</think>\nA1"), user("Q2")], [], {}),
    ("C2 history without thought", [user("Q1"), assistant("A1"), user("Q2")], [], {}),
    ("C3 history reasoning_content", [user("Q1"), assistant("A1", "rr"), user("Q2")], [], {}),
    ("D history kept", [user("Q1"), assistant("A1", "rr"), user("Q2")], [], {"truncate_history_thinking": False}),
    ("E one tool", [user("Weather in Paris?")], [WEATHER], {}),
    ("G tool call and two results", [user("Weather?"), assistant("", "need tool", [
        ("get_weather", {"city": "Paris", "opts": {"a": 1}, "n": 3, "b": True})]), tool("18C"), tool("x")], [], {}),
    ("G2 call without arguments", [user("go"), assistant("", None, [("f", {})])], [], {"add_generation_prompt": False}),
    ("system and tools", [system("Be brief."), user("hi")], [WEATHER, RICH], {}),
    ("empty system and tools", [system(""), user("hi")], [RICH], {"enable_thinking": False}),
    ("tool without parameters", [user("ping")], [BARE], {}),
    ("tool without the function wrapper", [user("ping")], [FLAT, WEATHER], {}),
    ("unicode", [system("Größe 🙂"), user("你好, 世界 — naïve 𝄞\u200d\u00a0x"), assistant("Привет ✓"), user("é vs e\u0301")], [], {}),
    ("unicode and nested arguments", [user("q"), assistant("", None, [("search", {
        "q": "schöne Grüße \"quoted\" <b> & 'x'", "filter": {"größe": [1, 2.5, None, True, {"k": "ü"}], "empty": {}, "list": []},
        "tags": ["a", "ß"]})])], [RICH], {}),
    ("argument order and scalars", [user("q"), assistant("", None, [("f", {
        "z": 1, "a": -2.5, "m": 1e21, "none": None, "yes": True, "no": False, "big": 12345678901234567890, "text": "1", "float": 3.0,
        "small": 1e-7, "empty": ""})])], [], {}),
    ("multi-line argument", [user("q"), assistant("", None, [("write", {"text": "\n line 1\n  line 2\n\n", "path": " /tmp/x "})]),
                             tool("\nok\n")], [], {}),
    ("two calls and text", [user("q"), assistant("I will look. ", "think  \n twice", [CALL, ("ping", {})]), tool("a"), tool("b"),
                            assistant("Done."), user("more")], [WEATHER], {}),
    ("two calls kept", [user("q"), assistant("I will look. ", "think  \n twice", [CALL, ("ping", {})]), tool("a"), tool("b"),
                        assistant("Done.", "so"), user("more")], [WEATHER], {"truncate_history_thinking": False}),
    ("agent loop", [user("q"), assistant("", "first", [CALL]), tool("1"), assistant("", "second", [CALL]), tool("2")], [WEATHER], {}),
    ("agent loop in the past", [user("q"), assistant("", "first", [CALL]), tool("1"), assistant("Let me check.", "second", [CALL]),
                                tool("2"), assistant("It is 2.", "third"), user("thanks")], [WEATHER], {"enable_thinking": False}),
    ("later system message", [user("a"), assistant("b"), system("new rules"), user("c")], [], {}),
    ("only system", [system("s")], [], {}),
    ("empty contents", [user(""), assistant(""), user("x"), assistant("", "  \n")], [], {"add_generation_prompt": False}),
    ("content null", [user("a"), {"role": "assistant", "content": None, "tool_calls": assistant(calls=[CALL])["tool_calls"]},
                      tool("ok")], [], {}),
    ("think tags in the user text", [user("what does <think>x</think> mean?"), assistant("<think>\nr\n</think>\n\nThe tag </think> ends it."),
                                     user("ok <|im_end|>")], [], {}),
    ("open thought in the past", [user("a"), assistant("before <think>never closed"), user("b")], [], {}),
    ("open thought with a call in the past", [user("a"), assistant("before <think>never closed", None, [CALL]), tool("t"), user("b")], [], {}),
    ("close only", [user("a"), assistant("r</think>b"), user("c")], [], {}),
    ("close only with a call", [user("a"), assistant("r</think> b ", None, [CALL]), tool("t"), user("c")], [], {}),
    ("whitespace", [system("  s  \n"), user("  u\n\n"), assistant("\n a \n"), user("\tv "), assistant("  end  ", " r ")], [],
     {"add_generation_prompt": False}),
    ("no generation prompt", [user("a"), assistant("b", "r")], [], {"add_generation_prompt": False}),
    ("prefill after the last user", [user("a"), assistant("b", "r")], [], {}),
    ("results first", [user("a"), assistant("", None, [CALL]), tool('{"t": 18}'), user("and?")], [WEATHER], {"enable_thinking": False}),
]
HEAD = "<|im_start|>system\n<|im_end|>\n<|im_start|>user\n"
THINK = "<|im_start|>assistant\n<think>\n"
KNOWN = {
    "A": HEAD + "Hello<|im_end|>\n" + THINK,
    "B": "<|im_start|>system\nYou are helpful.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n<think></think>",
    "C": HEAD + "Q1<|im_end|>\n<|im_start|>assistant\n<think></think>\nA1<|im_end|>\n<|im_start|>user\nQ2<|im_end|>\n" + THINK,
    "C2": HEAD + "Q1<|im_end|>\n<|im_start|>assistant\n<think></think>A1<|im_end|>\n<|im_start|>user\nQ2<|im_end|>\n" + THINK,
    "D": HEAD + "Q1<|im_end|>\n<|im_start|>assistant\n<think>\nrr\n</think>\nA1<|im_end|>\n<|im_start|>user\nQ2<|im_end|>\n" + THINK,
    "E": (
        "<|im_start|>system\n# Tools\n\nYou have access to the following functions:\n\n<tools>\n<function>\n<name>get_weather</name>\n"
        "<description>Get weather.</description>\n<parameters>\n<parameter>\n<name>city</name>\n<type>string</type>\n"
        "<description>City name</description>\n</parameter>\n<parameter>\n<name>unit</name>\n<type>string</type>\n"
        "<enum>[\"c\", \"f\"]</enum>\n</parameter>\n<parameter>\n<name>days</name>\n<type>integer</type>\n<minimum>1</minimum>\n"
        "</parameter>\n<required>[\"city\"]</required>\n</parameters>\n</function>\n</tools>\n\nIf you choose to call a function ONLY "
        "reply in the following format with NO suffix:\n\n<tool_call>\n<function=example_function_name>\n"
        "<parameter=example_parameter_1>\nvalue_1\n</parameter>\n<parameter=example_parameter_2>\nThis is the value for the second "
        "parameter\nthat can span\nmultiple lines\n</parameter>\n</function>\n</tool_call>\n\n<IMPORTANT>\nReminder:\n- Function calls "
        "MUST follow the specified format: an inner <function=...></function> block must be nested within <tool_call></tool_call> XML "
        "tags\n- Required parameters MUST be specified\n- You may provide optional reasoning for your function call in natural language "
        "BEFORE the function call, but NOT after\n- If there is no function call available, answer the question like normal with your "
        "current knowledge and do not tell the user about function calls\n</IMPORTANT><|im_end|>\n<|im_start|>user\nWeather in Paris?"
        "<|im_end|>\n" + THINK),
    "G": HEAD + (
        "Weather?<|im_end|>\n<|im_start|>assistant\n<think>\nneed tool\n</think>\n<tool_call>\n<function=get_weather>\n<parameter=city>\n"
        "Paris\n</parameter>\n<parameter=opts>\n{\"a\": 1}\n</parameter>\n<parameter=n>\n3\n</parameter>\n<parameter=b>\nTrue\n</parameter>\n"
        "</function>\n</tool_call>\n<|im_end|>\n<|im_start|>user\n<tool_response>\n18C\n</tool_response>\n<tool_response>\nx\n"
        "</tool_response>\n<|im_end|>\n" + THINK),
    "G2": HEAD + ("go<|im_end|>\n<|im_start|>assistant\n<think></think>\n<tool_call>\n<function=f>\n</function>\n</tool_call>\n<|im_end|>\n"),
}
KNOWN["C3"] = KNOWN["C"]


def load(path):
    env = jinja2.sandbox.ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    env.filters["tojson"] = lambda value, **kw: json.dumps(value, ensure_ascii=False)
    return env.from_string(path.read_text(encoding="utf-8"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--template", type=Path, default=HERE.parents[2] / "examples" / "demo-model" / "chat_template.jinja")
    parser.add_argument("--out", type=Path, default=HERE / "renderings.json")
    parser.add_argument("--compare", type=Path)
    options = parser.parse_args()
    chat = load(options.template)
    other = load(options.compare) if options.compare else None
    results = []
    for name, messages, tools, kwargs in CASES:
        settings = {"enable_thinking": True, "truncate_history_thinking": True, "add_generation_prompt": True} | kwargs
        text = chat.render(messages=messages, tools=tools, **settings)
        key = name.split(" ")[0]
        assert KNOWN.get(key, text) == text, (name, text)
        if other and (same := other.render(messages=messages, tools=tools, **settings)) != text:
            print(f"differs: {name}\n  here  {text!r}\n  there {same!r}")
        results.append({"name": name, "messages": messages, "tools": tools, **settings, "text": text})
    if not other:
        versions = {"python": platform.python_version(), "jinja2": jinja2.__version__}
        options.out.write_text(json.dumps({"versions": versions, "cases": results}, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(f"{len(results)} renderings")


if __name__ == "__main__":
    main()
