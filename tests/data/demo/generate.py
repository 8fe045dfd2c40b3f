"""Conversation generator of the demo model: sentences -> tool calls -> answers in four languages.

`python generate.py --seed 1 --count 5` prints samples; with `--text` one whole text of held-out conversations,
which `tests/bench/compare_quality.py` measures on. Other scripts import Generator.
Sentences whose template starts with "~" are held out: only Generator(held_out=True) uses them.
"""
import argparse
import json
import random
import re
from pathlib import Path

import jinja2.sandbox

import lang_de
import lang_en
import lang_es
import lang_fr
import toolset as toolbox

LANGUAGES = {"en": lang_en, "de": lang_de, "fr": lang_fr, "es": lang_es}
LANGUAGE_WEIGHTS = {"en": 61, "de": 13, "fr": 13, "es": 13}
CITIES = ("Paris London Berlin Madrid Rome Vienna Prague Oslo Lisbon Dublin Athens Warsaw Zurich Munich Hamburg "
          "Cologne Lyon Nice Bordeaux Barcelona Seville Valencia Milan Naples Boston Chicago Seattle Denver Austin "
          "Dallas Toronto Sydney Tokyo Kyoto Delhi Cairo Lima Bogota Helsinki Stockholm").split()
CHAT = ["hello", "thanks", "bye", "who", "help"]
WEIGHTS = {"light_on": 10, "light_off": 10, "light_dim": 7, "set_temp": 9, "get_temp": 7, "cover_open": 5,
           "cover_close": 5, "cover_pos": 4, "lock": 5, "unlock": 5, "timer": 8, "weather_today": 5,
           "weather_tomorrow": 5, "music": 7, "device_on": 4, "device_off": 4}
NO_ROOM = {"get_temp", "cover_pos"}
SYSTEM = ["", "", "You are a helpful home assistant.", "You are a smart home assistant.", "You control a smart home.",
          "You are Nemo, the voice of this house.", "Answer briefly.", "You are a helpful assistant."]
SUCCESS = ['{"ok": true}', '{"status": "ok"}', "ok", "OK", "done", '{"success": true}', '{"result": "success"}',
           '{"status": "success"}', "success", "true"]
FAILURE = ['{"ok": false}', '{"error": "offline"}', '{"status": "error"}', "error: timeout", '{"success": false}',
           '{"error": "device not found"}', "failed", '{"error": "unreachable"}']
ACTION = {"light_on": "turn on the light", "light_off": "turn off the light", "light_dim": "set the light to {n} percent",
          "set_temp": "set the temperature to {n} degrees", "get_temp": "know the temperature",
          "cover_open": "open the blinds", "cover_close": "close the blinds",
          "cover_pos": "set the blinds to {n} percent", "lock": "lock the {door}", "unlock": "unlock the {door}",
          "timer": "start a timer of {n} minutes", "weather_today": "know the weather in {city} today",
          "weather_tomorrow": "know the weather in {city} tomorrow", "music": "hear {genre}",
          "device_on": "turn on the {device}", "device_off": "turn off the {device}"}
DOCUMENTS = Path(__file__).resolve().parents[3] / "examples" / "demo-model"


def template(path=DOCUMENTS / "chat_template.jinja"):
    """The chat template with the settings of transformers."""
    env = jinja2.sandbox.ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    env.filters["tojson"] = lambda value, **kw: json.dumps(value, ensure_ascii=False)
    return env.from_string(Path(path).read_text(encoding="utf-8"))


def expand(pattern, rng):
    """Chooses alternatives and options of a template until no bracket is left."""
    inner = re.compile(r"\(([^()\[\]]*)\)|\[([^()\[\]]*)\]")
    while match := inner.search(pattern):
        if match.group(1) is not None:
            text = rng.choice(match.group(1).split("|"))
        else:
            text = match.group(2) if rng.random() < 0.5 else ""
            text = rng.choice(text.split("|"))
        pattern = pattern[:match.start()] + text + pattern[match.end():]
    return re.sub(r"\s+", " ", pattern).strip()


class Generator:
    def __init__(self, seed, held_out=False):
        self.rng = random.Random(seed)
        self.pools = {}
        for code, lang in LANGUAGES.items():
            for intent, patterns in lang.SENTENCES.items():
                held = [p[1:] for p in patterns if p.startswith("~")]
                kept = [p for p in patterns if not p.startswith("~")]
                self.pools[code, intent] = held if held_out else kept

    def number(self, lang, value):
        word = lang.NUMBERS.get(value)
        return word if word and value > 1 and self.rng.random() < 0.3 else str(value)

    def duration(self, lang):
        rng = self.rng
        if rng.random() < 0.15:
            hours = rng.randint(1, 5)
            if rng.random() < 0.25:
                return 30, lang.HALF_HOUR
            word = lang.NUMBERS[1] if hours == 1 and rng.random() < 0.5 and lang.NAME != "English" else self.number(lang, hours)
            return hours * 60, f"{word} {lang.HOUR if hours == 1 else lang.HOURS}"
        minutes = rng.choice([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 18, 20, 25, 30, 35, 40, 45, 50, 55, 60, 90, rng.randint(1, 99)])
        return minutes, f"{self.number(lang, minutes)} {lang.MINUTE if minutes == 1 else lang.MINUTES}"

    def sentence(self, code, intent):
        """-> (text without politeness, canonical arguments, answer values)"""
        rng, lang = self.rng, LANGUAGES[code]
        text = expand(rng.choice(self.pools[code, intent]), rng)
        args, values = {}, {}
        if intent == "light_dim":
            n = rng.choice(range(5, 101, 5)) if rng.random() < 0.7 else rng.randint(1, 100)
        elif intent == "cover_pos":
            n = rng.choice(range(10, 100, 5)) if rng.random() < 0.8 else rng.randint(1, 99)
        else:
            n = rng.randint(15, 27)
        if intent == "timer":
            n, words = self.duration(lang)
            text = text.replace("{dur}", words)
        while "{n}" in text:
            text = text.replace("{n}", self.number(lang, n), 1)
        values["n"] = str(n)
        if any(slot in text for slot in ("{in}", "{of}", "{room}")):
            args["room"] = rng.choice(sorted(lang.ROOMS))
            values["in"], values["of"], values["room"] = lang.ROOMS[args["room"]]
            values["in_en"] = lang_en.ROOMS[args["room"]][0]
        for slot, table in (("door", lang.DOORS), ("device", lang.DEVICES), ("genre", lang.GENRES)):
            if "{" + slot + "}" in text:
                args[slot] = rng.choice(sorted(table))
                values[slot] = table[args[slot]]
        if "{city}" in text:
            values["city"] = rng.choice(CITIES)
        text = re.sub(r"\{(\w+)\}", lambda m: values[m.group(1)], text)
        if intent in ("light_on", "light_off", "light_dim"):
            args["state"] = "off" if intent == "light_off" else "on"
            args["on"] = intent != "light_off"
        if intent in ("device_on", "device_off"):
            args["state"] = intent[7:]
        if intent == "light_dim":
            args["brightness"] = n
        elif intent == "set_temp":
            args["temperature"] = n
        elif intent == "timer":
            args["minutes"] = n
        elif intent.startswith("cover"):
            args["position"] = {"cover_open": 100, "cover_close": 0}.get(intent, n)
        elif intent in ("lock", "unlock"):
            args["action"] = intent
        elif intent.startswith("weather"):
            args["city"], args["day"] = values["city"], intent[8:]
        if lang is lang_de:
            values["In"] = values.get("in", "")[:1].upper() + values.get("in", "")[1:]
            values["Device"] = lang.DEVICES_NOM.get(args.get("device"), "")
            values["Device"] = values["Device"][:1].upper() + values["Device"][1:]
        values["Door"] = values.get("door", "")[:1].upper() + values.get("door", "")[1:]
        return text, args, values

    def style(self, code, text):
        """Politeness, case and final punctuation."""
        rng, lang = self.rng, LANGUAGES[code]
        if rng.random() < 0.5:
            text = rng.choice(lang.PRE) + text
        if rng.random() < 0.5:
            text += rng.choice(lang.POST)
        if lang is lang_de and rng.random() < 0.75:
            text = re.sub(r"\w+", lambda m: self.german_case(m.group(0)), text)
        if lang is lang_en:
            text = re.sub(r"\bi\b", "I", text) if rng.random() < 0.9 else text
        roll = rng.random()
        if roll < 0.75:
            text = text[:1].upper() + text[1:]
        elif roll > 0.97:
            text = text.lower()
        roll = rng.random()
        question = "how" in text.lower() or text.lower().startswith(("what", "is ", "wie", "quel", "qué", "can ", "could"))
        return text + ("?" if question and roll < 0.7 else "." if roll < 0.55 else "!" if roll > 0.96 else "")

    @staticmethod
    def german_case(word):
        low = word.lower()
        noun = low in lang_de.NOUNS or (low.endswith(("licht", "heizung")) and low != "licht")
        return word[:1].upper() + word[1:] if noun else word

    def answer_text(self, code, intent, args, values, result):
        lang = LANGUAGES[code]
        if result is False:
            return lang.ANSWERS["error"]
        key = intent
        if intent == "timer" and values["n"] == "1":
            key = "timer_one"
        elif "room" not in args and intent + "_all" in lang.ANSWERS:
            key += "_all"
        text = lang.ANSWERS[key]
        filled = re.sub(r"\{(\w+)\}", lambda m: str({**values, **(result or {})}[m.group(1)]), text)
        if lang is lang_de:
            filled = re.sub(r"\w+", lambda m: self.german_case(m.group(0)), filled)
        return filled

    def tool_result(self, code, intent, args):
        """-> (tool message text, False for a failure or extra answer values)"""
        rng, lang = self.rng, LANGUAGES[code]
        if rng.random() < 0.08:
            return rng.choice(FAILURE), False
        if intent == "get_temp":
            value = f"{rng.randint(10, 32)}" + (f".{rng.randint(0, 9)}" if rng.random() < 0.6 else "")
            text = rng.choice(['{"temperature": %s}', '{"value": %s}', "%s", '{"temperature": %s, "unit": "C"}', "%s C"])
            return text % value, {"value": value}
        if intent.startswith("weather"):
            cond = rng.choice(sorted(lang.CONDITIONS))
            value = str(rng.randint(-9, 36))
            text = rng.choice(['{"condition": "%s", "temperature": %s}', '{"weather": "%s", "temp": %s}', "%s, %s degrees", "%s, %s C"])
            return text % (cond, value), {"cond": lang.CONDITIONS[cond], "value": value, "cond_en": cond}
        return rng.choice(SUCCESS), None

    def call(self, tools, intent, args):
        """The expected tool call, or None when no tool fits."""
        for intents, schema, names in tools:
            if intent in intents:
                arguments = {names[key]: args[key] for key in names if key in args}
                return {"name": schema["function"]["name"], "arguments": arguments}
        return None

    def thought(self, code, intent, args, values, call):
        words = {**values, **{k: v for k, v in args.items() if isinstance(v, str)}}
        text = re.sub(r"\{(\w+)\}", lambda m: str(words[m.group(1)]), ACTION[intent])
        if "room" in args:
            text += " " + values["in_en"]
        end = f"I call {call['name']}." if call else f"No tool fits. I answer in {LANGUAGES[code].NAME}."
        return f"The user wants to {text}. {end}"

    def turn(self, tools, code=None, think=True, force=None):
        """One user turn -> list of messages up to the spoken answer."""
        rng = self.rng
        code = code or rng.choices(list(LANGUAGES), LANGUAGE_WEIGHTS.values())[0]
        lang = LANGUAGES[code]
        roll = rng.random()
        if force is None and roll < 0.09:
            intent = rng.choice(CHAT) if roll < 0.04 else "sorry"
            text, _, _ = self.sentence(code, intent)
            reply = {"role": "assistant", "content": lang.ANSWERS[intent]}
            if think:
                what = f"This is small talk." if intent in CHAT else "No tool fits."
                reply["reasoning_content"] = f"{what} I answer in {lang.NAME}."
            return [{"role": "user", "content": self.style(code, text)}, reply]
        available = [i for i in WEIGHTS if self.call(tools, i, {})]
        if force or rng.random() < 0.93:
            choices = [i for i in available if i in force] if force else available
        else:
            choices = [i for i in WEIGHTS if i not in available] or available
        count = 2 if rng.random() < 0.08 and force is None and choices is available else 1
        texts, calls, results, answers, thoughts = [], [], [], [], []
        for _ in range(count):
            intent = rng.choices(choices, [WEIGHTS[i] for i in choices])[0]
            text, args, values = self.sentence(code, intent)
            call = self.call(tools, intent, args)
            texts.append(text)
            thoughts.append(self.thought(code, intent, args, values, call))
            if not call:
                answers.append(lang.ANSWERS["sorry"])
                continue
            result, extra = self.tool_result(code, intent, args)
            calls.append({"type": "function", "function": call})
            results.append((result, extra))
            answers.append(self.answer_text(code, intent, args, values, extra))
        messages = [{"role": "user", "content": self.style(code, lang.AND.join(texts))}]
        if calls:
            messages.append({"role": "assistant", "content": "", "tool_calls": calls})
            if think:
                messages[-1]["reasoning_content"] = " ".join(thoughts)
            messages += [{"role": "tool", "content": result} for result, _ in results]
        messages.append({"role": "assistant", "content": " ".join(answers)})
        if think:
            parts = []
            for _, extra in results:
                if extra is False:
                    parts.append("The call failed.")
                elif extra is None:
                    parts.append("The call worked.")
                else:
                    parts.append(f"The result is {extra['cond_en'] + ', ' if 'cond_en' in extra else ''}{extra['value']} degrees.")
            messages[-1]["reasoning_content"] = " ".join(parts + [f"I answer in {lang.NAME}."]) if calls else thoughts[0]
        return messages

    def group(self, size, bare=False):
        """A tool set, a system text and conversations of 1-3 turns, about `size` turns in all:
        (system, tools, [(messages, think)]). The conversations are neighbours in length, to save padding.
        bare: one turn, the default tools, and a prompt that does not list them (first phase of the training)."""
        rng = self.rng
        tools = toolbox.default_set() if bare or rng.random() < 0.5 else toolbox.random_set(rng)
        if rng.random() < 0.3:
            rng.shuffle(tools)
        turns = 1 if bare else rng.choices([1, 2, 3], [70, 20, 10])[0]
        talks = []
        count = max(1, size // turns)
        for _ in range(4 * count):
            think = rng.random() < 0.5
            code = rng.choices(list(LANGUAGES), LANGUAGE_WEIGHTS.values())[0]
            talks.append(([m for _ in range(turns) for m in self.turn(tools, code, think)], think))
        talks.sort(key=lambda talk: len(str(talk[0])))
        first = min(max(0, rng.randint(-count // 2, 3 * count + count // 2)), 3 * count)
        if bare:
            return "", [], talks[first:first + count]
        return rng.choice(SYSTEM), [t[1] for t in tools], talks[first:first + count]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=3)
    parser.add_argument("--text", action="store_true", help="one text of `count` turns, held out")
    options = parser.parse_args()
    chat = template()
    if options.text:
        generator = Generator(options.seed, held_out=True)
        tools = toolbox.default_set()
        messages = [m for _ in range(options.count) for m in generator.turn(tools, think=False)]
        print(chat.render(messages=messages, tools=[t[1] for t in tools], enable_thinking=False), end="")
        raise SystemExit
    system, tools, talks = Generator(options.seed).group(options.count)
    for messages, think in talks:
        head = [{"role": "system", "content": system}] if system else []
        print(chat.render(messages=head + messages, tools=tools, enable_thinking=think).split("</IMPORTANT>")[1])
