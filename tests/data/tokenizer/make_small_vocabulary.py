#!/usr/bin/env python3
"""Trains small.tokenizer.json, the vocabulary of the core tests, on the texts of mixed_text.py.

    python3 tests/data/tokenizer/make_small_vocabulary.py    (tokenizers 0.23.3)

It has the layout of the real one on a small scale (control tokens first, then bytes, then merges) and
on purpose two things that the real one need not have: tags that are not special, and added tokens
marked "normalized", which are looked for in what the others leave.
"""
import json
import pathlib

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

import mixed_text
import tekken

N_SPECIAL = 32
N_VOCABULARY = 2400
MESSAGE_TAGS = ("<think>", "</think>", "<tool_call>", "</tool_call>")


def train():
    tokenizer = Tokenizer(models.BPE())
    wanted = {"model": {"type": "BPE", "vocab": {}, "merges": []}, "pre_tokenizer": tekken.pre_tokenizer()}
    tokenizer.pre_tokenizer = Tokenizer.from_str(json.dumps(wanted)).pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=N_VOCABULARY,
        min_frequency=2,
        special_tokens=tekken.special_tokens(N_SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = (mixed_text.ALL_SENTENCES + mixed_text.CODE) * 3 + mixed_text.strings(seed=1, count=1000)
    tokenizer.train_from_iterator(texts, trainer)
    return json.loads(tokenizer.to_str())


def main():
    data = train()
    data["pre_tokenizer"] = tekken.pre_tokenizer()
    for token in data["added_tokens"]:
        if token["content"] in MESSAGE_TAGS:
            token["special"] = False
        if token["content"] in ("<tool_response>", "</tool_response>"):
            token.update(special=False, normalized=True)
    # Overlaps "<s>", which is found first because it is not normalized.
    data["added_tokens"].append(tekken.added_token(len(data["model"]["vocab"]), "x<s", False, True))
    path = pathlib.Path(__file__).with_name("small.tokenizer.json")
    path.write_text(json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n")
    print(len(data["model"]["vocab"]), "tokens,", len(data["model"]["merges"]), "merges,", path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
