#!/usr/bin/env python3
"""Writes the goldens of the tokenizer's tests. What is true is said by `tokenizers`.

    python3 tests/data/tokenizer/make_goldens.py [TEKKEN_JSON]    (tokenizers 0.23.3, regex 2026.11.15)

unicode_classes.json  how many code points each class has, and a checksum over all of them
tekken_split.json     texts and the byte lengths of their pieces; `regex` agrees where its newer Unicode does
llama3_split.json     the same for the expression of Llama 3
small_ids.json        texts and their ids in small.tokenizer.json, added tokens recognised and not
tekken_ids.json       the same in the real vocabulary; only written when TEKKEN_JSON is given
"""
import json
import pathlib
import sys

import regex
import tokenizers
from tokenizers import Regex, Tokenizer, pre_tokenizers

import mixed_text
import tekken

FOLDER = pathlib.Path(__file__).parent
sys.path.insert(0, str(FOLDER.parents[2] / "cmake" / "scripts"))
import make_unicode_tables  # noqa: E402

LLAMA3_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
MADE_BY = f"tests/data/tokenizer/make_goldens.py, tokenizers {tokenizers.__version__}"
EDGE_CASES = [
    "", " ", "  ", "\n", "a", "A", " a", "  a", "\ta", "\n a", "a\n", "a \n ", "!\n/x", "}\n\n//\r\n/ x", "/\n/", " /\n", "\u0301", "\u0301\u0301", "\u0301A", "\u0301AB", "\u0301AbC", "A\u0301B",
    "AB\u0301CD", "ABcd", "ABCDe\u0301F", "aB", "aBC", "語A", "A語", "A語B", "語語ABC", "ABC語DEFg", "ǅa", "aǅ", "ʰA", "Aʰ", "Aʰb", "1a", "12", " 1", "1 2", "½²", " \u0301a", "\u0301 a",
    "\u00a0a", "\u00a0\u00a0a", "\u3000\n\u3000a", "\r\r\n\n", " \r", "\r ", "\r a", "\v\f", "\u0085", "a\u0085b", "\u2028\u2029", "it's", "IT'S", "'s", "''s", "...\n...", "... \n", " ...", "  ...", "\u200da", "\u0000a", "\u0000\u0000", "_a_B", "__A", "x<s>", "x<s", "xx<s><s", "<s", "<<s>>",
    "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n<think>\n", "<think></think><tool_call>\n<function=f>\n</function>\n</tool_call>", "<tool_response>\nx\n</tool_response>", "a<s>b</s> c", "<SPECIAL_1", "<SPECIAL_18>>", "[INST]a[/INST]",
]  # fmt: skip


def write(name, what, **values):
    lines = [json.dumps(k) + ": " + json.dumps(v, ensure_ascii=False) for k, v in values.items()]
    cases = [json.dumps(case, ensure_ascii=False, separators=(",", ":")) for case in what]
    text = "{" + ",\n".join([f'"made_by": {json.dumps(MADE_BY)}', *lines])
    text += ',\n"cases": [\n' + ",\n".join(cases) + "\n]}\n" if cases else "}\n"
    (FOLDER / name).write_text(text)
    print(name, len(cases), "cases,", (FOLDER / name).stat().st_size, "bytes")


def texts(seed, count, max_chars):
    chosen = [t for t in mixed_text.strings(seed, 4 * count) if len(t) <= max_chars]
    return EDGE_CASES + chosen[: count - len(EDGE_CASES)]


def unicode_classes():
    table = make_unicode_tables.class_of_all()
    checksum = 0xCBF29CE484222325  # FNV-1a
    for number in table:
        checksum = (checksum ^ number) * 0x100000001B3 % (1 << 64)
    write("unicode_classes.json", [], counts=[table.count(n) for n in range(7)], fnv1a=f"{checksum:016x}")


def splits(name, pattern, seed):
    reference = pre_tokenizers.Split(Regex(pattern), "isolated")
    second = regex.compile(pattern)
    table = make_unicode_tables.class_of_all()
    names = [r"[\p{Lu}\p{Lt}]", r"\p{Ll}", r"[\p{Lm}\p{Lo}]", r"\p{M}", r"\p{N}", r"\s"]
    same_in_both = lambda c: not any((table[ord(c)] == n) != bool(regex.match(p, c)) for n, p in enumerate(names, 1))
    cases, n_cross_checked = [], 0
    for text in texts(seed, count=1500, max_chars=60):
        if "'\u017f" in text:  # a long s is an s to (?i), but not to llama.cpp
            continue
        pieces = [piece for piece, _ in reference.pre_tokenize_str(text)]
        assert "".join(pieces) == text
        if all(map(same_in_both, text)):
            assert pieces == [m.group() for m in second.finditer(text)], text
            n_cross_checked += 1
        cases.append([text, [len(piece.encode()) for piece in pieces]])
    write(name, cases, cross_checked_with_regex=n_cross_checked, regex=regex.__version__)


def ids(name, tokenizer_text, seed, count, max_chars):
    reference = Tokenizer.from_str(tokenizer_text)
    plain = Tokenizer.from_str(json.dumps({**json.loads(tokenizer_text), "added_tokens": []}))
    cases = []
    for text in texts(seed, count, max_chars):
        parsed = reference.encode(text, add_special_tokens=False).ids
        unparsed = plain.encode(text, add_special_tokens=False).ids
        cases.append([text, parsed] if parsed == unparsed else [text, parsed, unparsed])
    write(name, cases)


def main():
    unicode_classes()
    splits("tekken_split.json", tekken.PATTERN, seed=2)
    splits("llama3_split.json", LLAMA3_PATTERN, seed=5)
    ids("small_ids.json", (FOLDER / "small.tokenizer.json").read_text(), seed=3, count=2000, max_chars=60)
    if len(sys.argv) > 1:
        text = tekken.tokenizer_json(pathlib.Path(sys.argv[1]).read_text())
        ids("tekken_ids.json", text, seed=4, count=3000, max_chars=58)


if __name__ == "__main__":
    main()
