"""Trains the byte-level BPE tokenizer of the demo model (8192 ids, Tekken pre-tokenizer, 1000 special slots).

python make_tokenizer.py --out ../../../examples/demo-model [--extra FOLDER_OR_FILE ...]
--extra adds any text (we used the sentence and response files of github.com/home-assistant/intents, CC BY 4.0)
so that the merges also cover other words and scripts.
"""
import argparse
import json
import random
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from generate import LANGUAGES, Generator, template

NAMES = ["<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_RESULTS]",
         "[/TOOL_RESULTS]", "[TOOL_CALLS]", "<|im_start|>", "<|im_end|>", "<think>", "</think>", "<tool_call>",
         "</tool_call>", "<tool_response>", "</tool_response>"]
SPECIAL = NAMES + [f"<SPECIAL_{i}>" for i in range(len(NAMES), 1000)]
TEKKEN = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|"
          r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|"
          r"\s*[\r\n]+|\s+(?!\S)|\s+")


def texts(extra):
    chat, generator = template(), Generator(7)
    for _ in range(400):
        system, tools, talks = generator.group(24)
        for messages, think in talks:
            yield chat.render(messages=[{"role": "system", "content": system}] + messages, tools=tools, enable_thinking=think)
    for lang in LANGUAGES.values():              # plain words, so that no slot value is split
        for table in (lang.ROOMS, lang.DOORS, lang.DEVICES, lang.GENRES, lang.CONDITIONS, lang.NUMBERS):
            yield from [" ".join(v) if isinstance(v, tuple) else " " + str(v) for v in table.values()] * 20
    for path in sorted(p for e in extra for p in (e.rglob("*") if e.is_dir() else [e]) if p.is_file()):
        yield path.read_text(encoding="utf-8", errors="ignore")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--extra", type=Path, nargs="*", default=[])
    options = parser.parse_args()
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(TEKKEN), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(texts(options.extra), trainers.BpeTrainer(
        vocab_size=8192, special_tokens=[AddedToken(t, special=True, normalized=False) for t in SPECIAL],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    assert tokenizer.get_vocab_size() == 8192
    assert all(tokenizer.token_to_id(t) == i for i, t in enumerate(SPECIAL))
    options.out.mkdir(parents=True, exist_ok=True)
    data = json.loads(tokenizer.to_str())
    (options.out / "tokenizer.json").write_text(json.dumps(data, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
    (options.out / "tokenizer_config.json").write_text(json.dumps({
        "tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "<|im_end|>", "unk_token": "<unk>",
        "pad_token": "<unk>", "add_bos_token": False, "clean_up_tokenization_spaces": False, "model_max_length": 4096}, indent=2) + "\n")


if __name__ == "__main__":
    main()
