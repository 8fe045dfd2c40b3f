"""Goldens of the demo model: official classes, exact scan (ssd.py), float32 compute over the BF16 weights.

python make_goldens.py --model ../../../examples/demo-model [--out goldens]
goldens/logits.json        token ids of one prompt, the chosen rows, and the greedy continuation of another prompt
goldens/logits.f32         the chosen logit rows, float32 little-endian, [rows][vocabulary]
goldens/conversations.json prompts (text and ids) with the greedy completion the model gives
goldens/tokenizer.json     strings -> ids, plain (no special tokens matched) and with special tokens
"""
import argparse
import json
import platform
from pathlib import Path

import numpy as np
import tokenizers
import torch
import transformers
from tokenizers import Tokenizer
from transformers import NemotronHForCausalLM

from generate import template
from ssd import patch

STRINGS = ["", " ", "Turn off the kitchen light", "Schalte das Licht in der Küche aus!", "Éteins la lumière du salon, s'il te plaît.",
           "¿Qué tiempo hará mañana en Sevilla?", "12345 67.89%", "don't can't I'LL", "CamelCaseHTTPServer", "a\n\nb\r\n  c\t d  ",
           "!\n/x //\n\n}", "   leading and trailing   ", "你好,世界 こんにちは 한국어 русский العربية हिन्दी", "e\u0301 \u00e9 🙂👨‍👩‍👧 𝄞", "\u00a0\u2009x\u200d",
           "<think>x</think><|im_end|> <tool_call>", "{\"temperature\": 21.5, \"ok\": true}", "ǅ ʰ ª", "x" * 40, "\x00\x01\x7f"]
TALKS = [("Turn off the kitchen light", "ok"), ("Set the bedroom to 21 degrees.", '{"status": "ok"}'),
         ("Start a timer for ten minutes", '{"ok": true}'), ("How warm is it in the living room?", '{"temperature": 21.5}'),
         ("Schalte das Licht im Wohnzimmer an", "ok"), ("Ferme les volets de la cuisine", '{"error": "offline"}'),
         ("Qué tiempo hace en Madrid", '{"condition": "sunny", "temperature": 31}'), ("Thank you", None)]


@torch.no_grad()
def greedy(model, ids, count, stop=()):
    cache, out, step = None, [], torch.tensor([ids])
    for _ in range(count):
        result = model(step, past_key_values=cache, use_cache=True)
        cache = result.past_key_values
        out.append(int(result.logits[0, -1].argmax()))
        step = torch.tensor([[out[-1]]])
        if out[-1] in stop:
            break
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent / "goldens")
    options = parser.parse_args()
    options.out.mkdir(exist_ok=True)
    versions = {"python": platform.python_version(), "torch": torch.__version__.split("+")[0],
                "transformers": transformers.__version__, "tokenizers": tokenizers.__version__}
    tokenizer = Tokenizer.from_file(str(options.model / "tokenizer.json"))
    chat = template(options.model / "chat_template.jinja")
    tools = json.loads((options.model / "tools.json").read_text())
    model = patch(NemotronHForCausalLM.from_pretrained(options.model, dtype=torch.float32).eval())
    encode = lambda text: tokenizer.encode(text, add_special_tokens=False).ids

    def write(name, data):
        text = json.dumps({"versions": versions} | data, ensure_ascii=False)
        (options.out / name).write_text(text.replace('}, {"', '},\n {"') + "\n", encoding="utf-8")

    messages = [{"role": "system", "content": "You are a helpful home assistant."}, {"role": "user", "content": "Turn off the kitchen light."},
                {"role": "assistant", "content": "The kitchen light is off."}, {"role": "user", "content": "Mach bitte das Licht im Flur an!"},
                {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "set_light", "arguments": {"room": "hallway", "state": "on"}}}]},
                {"role": "tool", "content": '{"status": "ok"}'}]
    ids = encode(chat.render(messages=messages, tools=[], add_generation_prompt=True))
    with torch.no_grad():
        logits = model(torch.tensor([ids]), use_cache=False).logits[0]
    rows = sorted({0, 1, 3, 17, 63, 64, 65, len(ids) - 1})
    logits[rows].numpy().astype("<f4").tofile(options.out / "logits.f32")
    start = encode("<|im_start|>user\nTurn off the kitchen light<|im_end|>\n<|im_start|>assistant\n<think>\n")
    write("logits.json", {"ids": ids, "rows": rows, "vocabulary": logits.shape[1], "argmax": logits.argmax(-1).tolist(),
                          "greedy": {"prompt": start, "ignore_stop": True, "ids": greedy(model, start, 200)}})

    talks = []
    for think in (False, True):
        for sentence, result in TALKS:
            messages = [{"role": "user", "content": sentence}]
            for _ in range(2 if result else 1):
                text = chat.render(messages=messages, tools=tools, enable_thinking=think, add_generation_prompt=True)
                prompt = encode(text)
                out = greedy(model, prompt, 200, stop=(2, 11))
                completion = tokenizer.decode(out, skip_special_tokens=False)
                talks.append({"messages": list(messages), "enable_thinking": think, "prompt_ids": prompt, "ids": out, "completion": completion})
                name = completion.partition("<function=")[2].partition(">")[0]
                if not name:
                    break
                body = completion.partition("<function=")[2].split("<parameter=")[1:]
                arguments = {p.partition(">\n")[0]: p.partition(">\n")[2].partition("\n</parameter>")[0] for p in body}
                thought = completion.partition("</think>")[0].strip() if think else ""
                messages.append({"role": "assistant", "content": "", "tool_calls": [{"function": {"name": name, "arguments": arguments}}]})
                if thought:
                    messages[-1]["reasoning_content"] = thought
                messages.append({"role": "tool", "content": result})
    write("conversations.json", {"tools": "examples/demo-model/tools.json", "cases": talks})

    plain = Tokenizer.from_str(tokenizer.to_str())
    plain.encode_special_tokens = True                       # special tokens in the text are ordinary text
    cases = [{"text": s, "plain": plain.encode(s, add_special_tokens=False).ids, "special": encode(s)} for s in STRINGS]
    write("tokenizer.json", {"cases": cases})


if __name__ == "__main__":
    main()
