"""The real vocabulary (tekken-240718.json) as a Hugging Face tokenizer.json."""
import base64
import json

N_SPECIAL = 1000
PATTERN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|"
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|"
    r"\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
NAMED_SPECIALS = [
    "<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_RESULTS]",
    "[/TOOL_RESULTS]", "[TOOL_CALLS]", "<|im_start|>", "<|im_end|>", "<think>", "</think>", "<tool_call>",
    "</tool_call>", "<tool_response>", "</tool_response>",
]  # fmt: skip


def special_tokens(count=N_SPECIAL):
    return NAMED_SPECIALS + [f"<SPECIAL_{i}>" for i in range(len(NAMED_SPECIALS), count)]


def byte_alphabet():
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [b for b in range(256) if b not in printable]
    return {**{b: chr(b) for b in printable}, **{b: chr(0x100 + i) for i, b in enumerate(others)}}


def merges_of(ranks):
    """Every way to make a token of two others; by the token's rank, then by the parts' ranks."""
    merges = []
    for token in ranks:
        splits = ((token[:i], token[i:]) for i in range(1, len(token)))
        found = [(a, b) for a, b in splits if a in ranks and b in ranks]
        merges += sorted(found, key=lambda pair: (ranks[pair[0]], ranks[pair[1]]))
    return merges


def pre_tokenizer():
    split = {"type": "Split", "pattern": {"Regex": PATTERN}, "behavior": "Isolated", "invert": False}
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    return {"type": "Sequence", "pretokenizers": [split, level]}


def added_token(number, content, special=True, normalized=False):
    return {"id": number, "content": content, "single_word": False, "lstrip": False, "rstrip": False,
            "normalized": normalized, "special": special}  # fmt: skip


def tokenizer_json(tekken_text):
    tekken = json.loads(tekken_text)
    assert tekken["config"]["pattern"] == PATTERN
    tokens = [base64.b64decode(t) for t in tekken["bpe_ranks"].split(" ")[2:]]
    ranks = {token: rank for rank, token in enumerate(tokens)}
    alphabet = byte_alphabet()
    write = lambda token: "".join(alphabet[b] for b in token)
    vocab = {content: i for i, content in enumerate(special_tokens())}
    vocab |= {write(token): rank + N_SPECIAL for token, rank in ranks.items()}
    model = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
             "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": True,
             "vocab": vocab, "merges": [[write(a), write(b)] for a, b in merges_of(ranks)]}  # fmt: skip
    return json.dumps({
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [added_token(i, content) for i, content in enumerate(special_tokens())],
        "normalizer": None, "pre_tokenizer": pre_tokenizer(), "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": model,
    }, ensure_ascii=False)  # fmt: skip
