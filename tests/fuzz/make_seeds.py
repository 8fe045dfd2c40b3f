"""Writes seeds/ and fixed/: models of a few hundred weights, as small as the formats allow, so that
the fuzzer's changes fall on headers and not on weights. Python's standard library only; the same
files each time. The tokenizer comes from ../data/tokenizer/small.tokenizer.json, cut to its bytes.

    python3 make_seeds.py
"""
import json
import pathlib
import struct

HERE = pathlib.Path(__file__).parent
SEPARATOR = b"\n---\n"  # between the files of one input: model_files.h
D, FF, CONV, STATE, HEADS, HEAD_DIM = 2, 3, 2, 1, 1, 2
CONV_DIM = HEADS * HEAD_DIM + 2 * STATE
F32, F16, Q8_0, BF16 = 0, 1, 8, 30
DTYPES = {"F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1}
# Number: (elements of a block, bytes of a block), as ggml has them.
GGML_BLOCKS = {0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34),
               10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210),
               20: (32, 18), 23: (256, 136), 30: (1, 2), 40: (64, 36)}


def layer_tensors(kind, i):
    """(Hugging Face name, GGUF name, shape) of one layer."""
    hf, gg = f"backbone.layers.{i}.", f"blk.{i}."
    yield hf + "norm.weight", gg + "attn_norm.weight", [D]
    if kind == "M":
        inner = HEADS * HEAD_DIM
        yield hf + "mixer.in_proj.weight", gg + "ssm_in.weight", [inner + CONV_DIM + HEADS, D]
        yield hf + "mixer.conv1d.weight", gg + "ssm_conv1d.weight", [CONV_DIM, 1, CONV]
        yield hf + "mixer.conv1d.bias", gg + "ssm_conv1d.bias", [CONV_DIM]
        yield hf + "mixer.dt_bias", gg + "ssm_dt.bias", [HEADS]
        yield hf + "mixer.A_log", gg + "ssm_a", [HEADS]
        yield hf + "mixer.D", gg + "ssm_d", [HEADS]
        yield hf + "mixer.norm.weight", gg + "ssm_norm.weight", [inner]
        yield hf + "mixer.out_proj.weight", gg + "ssm_out.weight", [D, inner]
    elif kind == "*":
        for hf_name, gg_name in (("q_proj", "attn_q"), ("k_proj", "attn_k"), ("v_proj", "attn_v"),
                                 ("o_proj", "attn_output")):
            yield f"{hf}mixer.{hf_name}.weight", f"{gg}{gg_name}.weight", [D, D]
    else:
        yield hf + "mixer.up_proj.weight", gg + "ffn_up.weight", [FF, D]
        yield hf + "mixer.down_proj.weight", gg + "ffn_down.weight", [D, FF]


def model_tensors(pattern, n_vocab, tied=False):
    yield "backbone.embeddings.weight", "token_embd.weight", [n_vocab, D]
    yield "backbone.norm_f.weight", "output_norm.weight", [D]
    if not tied:
        yield "lm_head.weight", "output.weight", [n_vocab, D]
    for i, kind in enumerate(pattern):
        yield from layer_tensors(kind, i)


def product(shape):
    n = 1
    for dim in shape:
        n *= dim
    return n


# --- safetensors -------------------------------------------------------------------------------

def safetensors(tensors, metadata=None):
    """tensors: (name, dtype, shape). Every F32 is 1.0, so that scales are in order."""
    header, data = ({"__metadata__": metadata} if metadata else {}), b""
    for name, dtype, shape in tensors:
        n = product(shape)
        values = struct.pack("<f", 1.0) * n if dtype == "F32" else b"\x38" * (n * DTYPES[dtype])
        header[name] = {"dtype": dtype, "shape": shape,
                        "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    text = json.dumps(header, separators=(",", ":")).encode()
    return struct.pack("<Q", len(text)) + text + data


def config(**changes):
    base = {"model_type": "nemotron_h", "hidden_size": D, "vocab_size": 8,
            "hybrid_override_pattern": "M*-", "mamba_num_heads": HEADS, "mamba_head_dim": HEAD_DIM,
            "ssm_state_size": STATE, "n_groups": 1, "conv_kernel": CONV, "num_attention_heads": 1,
            "num_key_value_heads": 1, "head_dim": D, "intermediate_size": FF,
            "max_position_embeddings": 64, "layer_norm_epsilon": 1e-05, "bos_token_id": 1,
            "eos_token_id": 2, "tie_word_embeddings": False}
    return {key: value for key, value in (base | changes).items() if value is not None}


def plain(dtype="F32", n_vocab=8):
    return [(hf, dtype, shape) for hf, _, shape in model_tensors("M*-", n_vocab)]


def fp8():
    out = []
    for name, _, shape in plain():
        is_fp8 = "_proj" in name
        out.append((name, "F8_E4M3" if is_fp8 else "BF16", shape))
        if is_fp8:
            stem = name.removesuffix("weight")
            out += [(stem + "weight_scale", "F32", []), (stem + "input_scale", "F32", [1])]
    return out + [("backbone.layers.1.mixer.k_proj.k_scale", "F32", []), ("mtp.x", "F16", [0, 3])]


def sharded(parts):
    files = {f"s{i}.safetensors": part for i, part in enumerate(parts)}
    index = {"metadata": {"total_size": 1},
             "weight_map": {t[0]: name for name, part in files.items() for t in part}}
    return [json.dumps(index, separators=(",", ":")).encode()] + [safetensors(p) for p in parts]


def safetensors_seeds():
    tensors = plain()
    yield "f32", [b"", safetensors(tensors, {"format": "pt"})]
    yield "bf16", [b"", safetensors(plain("BF16"))]
    yield "fp8", [b"", safetensors(fp8())]
    yield "two_shards", sharded([tensors[:7], tensors[7:]])
    yield "three_shards", sharded([tensors[:3], tensors[3:12], tensors[12:]])


# --- config.json -------------------------------------------------------------------------------

def config_seeds():
    yield "pattern", config(), {"eos_token_id": [2, 3]}
    names = ["mamba", "attention", "mlp"]
    yield "list", config(hybrid_override_pattern=None, layers_block_type=names, num_hidden_layers=3)
    yield "nested", {"model_type": "x", "llm_config": config(layer_types=["linear_attention",
                                                                          "full_attention", "mlp"])}
    yield "text_config", {"text_config": config(hybrid_override_pattern=["M*", "-"])}
    yield "spelled_out", config(
        mlp_hidden_act="relu2", mamba_hidden_act="silu", attention_bias=False, mlp_bias=False,
        use_bias=False, mamba_proj_bias=False, use_conv_bias=True, sliding_window=None,
        time_step_limit=[0.0, {"__float__": "Infinity"}], intermediate_size=[0, 0, FF],
        eos_token_id=[2, 2, 5], norm_eps=1e-6, rms_norm_eps=1e-6)
    yield "limits", config(time_step_limit=[0.001, float("inf")], tie_word_embeddings=True)
    yield ("quantized", config(quantization_config={"quant_algo": "FP8"}), {},
           {"quantization": {"quant_algo": "MIXED_PRECISION", "kv_cache_quant_algo": "FP8"}})


# --- tokenizer.json ----------------------------------------------------------------------------

def small_tokenizer():
    """The real file's form with the 256 bytes, three merges and a few added tokens."""
    text = (HERE.parent / "data/tokenizer/small.tokenizer.json").read_text()
    full = json.loads(text)
    added = full["added_tokens"][:4] + [t for t in full["added_tokens"]
                                        if t["content"] in ("<|im_end|>", "<think>")]
    alphabet = [c for c in full["model"]["vocab"] if len(c) == 1]
    merges = [m for m in full["model"]["merges"] if len(m[0]) == len(m[1]) == 1][:3]
    words = alphabet + [a + b for a, b in merges]
    for i, token in enumerate(added):
        token["id"] = i
    vocab = {word: len(added) + i for i, word in enumerate(words)}
    return full | {"added_tokens": added, "model": full["model"] | {"vocab": vocab, "merges": merges}}


def tokenizer_seeds():
    full = small_tokenizer()
    merges = full["model"]["merges"]
    yield "pairs", full, {"bos_token": "<s>", "eos_token": {"content": "</s>"},
                          "add_bos_token": True, "chat_template": "{{ messages }}"}
    yield "strings", full | {"model": full["model"] | {"merges": [f"{a} {b}" for a, b in merges],
                                                       "ignore_merges": True}}
    single = [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]
    processor = {"type": "TemplateProcessing", "single": single}
    added = [t | {"special": i < 3, "normalized": i == 4}
             for i, t in enumerate(full["added_tokens"])]
    yield "bos", full | {"post_processor": processor, "added_tokens": added}, \
        {"chat_template": [{"name": "default", "template": "x"}]}
    yield "empty", {"model": {"type": "BPE", "vocab": {}, "merges": []}}


# --- GGUF --------------------------------------------------------------------------------------

def text(value):
    data = value if isinstance(value, bytes) else value.encode()
    return struct.pack("<Q", len(data)) + data


NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}


def scalar(kind, value):
    return text(value) if kind == 8 else struct.pack("<" + NUMBERS[kind], value)


def entry(key, kind, value):
    return text(key) + struct.pack("<I", kind) + scalar(kind, value)


def array(key, kind, values):
    return text(key) + struct.pack("<IIQ", 9, kind, len(values)) + b"".join(
        scalar(kind, value) for value in values)


def gguf(entries, tensors, version=3, alignment=32):
    """tensors: (name, shape slowest first, type)."""
    infos, data = b"", b""
    for name, shape, kind in tensors:
        block, size = GGML_BLOCKS[kind]
        infos += text(name) + struct.pack("<I", len(shape))
        infos += b"".join(struct.pack("<Q", dim) for dim in reversed(shape))
        infos += struct.pack("<IQ", kind, len(data))
        data += b"\0" * (product(shape) // block * size)
        data += b"\0" * (-len(data) % alignment)
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(entries)) + b"".join(entries)
    head += infos
    return head + b"\0" * (-len(head) % alignment) + data


def gguf_config(per_block=True, extra=()):
    name = "nemotron_h."
    lists = {"attention.head_count": [0, 1, 0], "attention.head_count_kv": [0, 1, 0],
             "feed_forward_length": [0, 0, FF]}
    out = [entry("general.architecture", 8, "nemotron_h"), entry(name + "block_count", 4, 3),
           entry(name + "embedding_length", 4, D), entry(name + "context_length", 4, 1 << 20),
           entry(name + "attention.layer_norm_rms_epsilon", 6, 1e-5),
           entry(name + "ssm.inner_size", 4, HEADS * HEAD_DIM), entry(name + "ssm.state_size", 4, STATE),
           entry(name + "ssm.time_step_rank", 4, HEADS), entry(name + "ssm.group_count", 4, 1),
           entry(name + "ssm.conv_kernel", 4, CONV), entry(name + "attention.key_length", 4, D)]
    for key, values in lists.items():
        out.append(array(name + key, 5, values) if per_block else entry(name + key, 4, max(values)))
    return out + list(extra)


def gguf_tensors(n_vocab, kind=F32, tied=False):
    return [(gg, [d for d in shape if d != 1] or [1], kind)
            for _, gg, shape in model_tensors("M*-", n_vocab, tied)]


def gguf_tokenizer(full):
    size = 1 + max([t["id"] for t in full["added_tokens"]] + list(full["model"]["vocab"].values()))
    tokens, types = [""] * size, [1] * size
    for word, i in full["model"]["vocab"].items():
        tokens[i] = word
    for token in full["added_tokens"]:
        tokens[token["id"]], types[token["id"]] = token["content"], 3
    merges = [f"{a} {b}" for a, b in full["model"]["merges"]]
    name = "tokenizer.ggml."
    return size, [
        entry(name + "model", 8, "gpt2"), entry(name + "pre", 8, "pixtral"),
        array(name + "tokens", 8, tokens), array(name + "token_type", 5, types),
        array(name + "merges", 8, merges), entry(name + "bos_token_id", 4, 1),
        entry(name + "eos_token_id", 4, 2), entry(name + "unknown_token_id", 4, 0),
        entry(name + "add_bos_token", 7, True), entry("tokenizer.chat_template", 8, "{{ x }}")]


def gguf_seeds():
    yield "plain", gguf(gguf_config(), gguf_tensors(8))
    yield "tied_bf16_v2", gguf(gguf_config(per_block=False), gguf_tensors(8, BF16, tied=True), version=2)
    every = [entry(f"x.{kind}", kind, b"text" if kind == 8 else 1)
             for kind in (0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12)]
    every += [array(f"x.a{kind}", kind, [1, 0]) for kind in (0, 3, 6, 7, 10, 12)]
    nested = struct.pack("<IQ", 9, 2) + 2 * (struct.pack("<IQ", 8, 1) + text("in"))
    every.append(text("x.nested") + struct.pack("<I", 9) + nested)
    every.append(entry("general.alignment", 4, 8))
    types = [(f"mtp.{kind}", [2, block], kind) for kind, (block, _) in GGML_BLOCKS.items()
             if block < 256] + [("mtp.k", [256], 12)]
    yield "types", gguf(gguf_config(extra=every), gguf_tensors(8, F16) + types, alignment=8)
    n_vocab, tokenizer = gguf_tokenizer(small_tokenizer())
    yield "tokenizer", gguf(gguf_config(extra=tokenizer), gguf_tensors(n_vocab, F16))


# --- saved sessions ----------------------------------------------------------------------------
# As session/saved_format.h draws them; the target puts magic, fingerprint, offsets and checksums in.

KV_BF16, KV_F32, KV_Q8 = 1, 2, 3
STATE_F32, STATE_BF16 = 1, 2


def session(n_tokens, position=None, kv=KV_BF16, state=STATE_F32, snapshots=(), max_tokens=200,
            policy=0, every=0):
    position = n_tokens if position is None else position
    options = struct.pack("<IIIiqqqqII", kv, state, policy, 0, max_tokens, every, n_tokens, position,
                          0, len(snapshots)) + b"".join(struct.pack("<q", p) for p in snapshots)
    sections = [(1, 0, options), (2, 0, b"".join(struct.pack("<i", i % 8) for i in range(n_tokens)))]
    ssm_bytes = HEADS * HEAD_DIM * STATE * (4 if state == STATE_F32 else 2)
    row_bytes = D * (4 if kv == KV_F32 else 2)
    if position:
        for i in range(1 + len(snapshots)):
            sections += [(3, i, struct.pack("<f", 0.5) * ((CONV - 1) * CONV_DIM)),
                         (4, i, b"\0" * ssm_bytes)]
        sections += [(kind, 0, b"\0\x3f" * (position * row_bytes // 2)) for kind in (5, 6)]
    table = b"".join(struct.pack("<IIQQQ", kind, i, 0, len(data), 0) for kind, i, data in sections)
    header = b"NEMOSESS" + struct.pack("<IIQQIIQ", 1, 0, 0, 0, len(sections), 0, 0)
    return header + table + b"".join(data for _, _, data in sections)


def session_seeds():
    yield "empty", session(0)
    yield "tokens_only", session(5, position=0)
    yield "one_block", session(5, snapshots=(4, 2), every=2)
    yield "two_blocks", session(70, position=67, kv=KV_F32, state=STATE_BF16, snapshots=(64,), policy=1)
    yield "full", session(6, max_tokens=6, policy=2)
    yield "q8", session(3, kv=KV_Q8)


# --- importance matrices -----------------------------------------------------------------------

def imatrix(matrices, chunks=2, extra=()):
    """matrices: (name, sums, counts, largest or None)."""
    keys = [entry("general.type", 8, "imatrix"), array("imatrix.datasets", 8, ["text"]),
            entry("imatrix.chunk_count", 4, chunks), entry("imatrix.chunk_size", 4, 512), *extra]
    tensors = []
    for name, sums, counts, largest in matrices:
        tensors += [(name + ".in_sum2", [len(sums)], sums), (name + ".counts", [len(counts)], counts)]
        if largest is not None:
            tensors.append((name + ".in_max", [1], [largest]))
    infos, data = b"", b""
    for name, shape, values in tensors:
        infos += text(name) + struct.pack("<I", len(shape))
        infos += b"".join(struct.pack("<Q", dim) for dim in shape) + struct.pack("<IQ", F32, len(data))
        data += struct.pack(f"<{len(values)}f", *values)
        data += b"\0" * (-len(data) % 32)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys)) + b"".join(keys) + infos
    return head + b"\0" * (-len(head) % 32) + data


def imatrix_seeds():
    yield "plain", imatrix([("blk.0.ssm_in.weight", [1.0, 4.0] * 16, [7.0], 3.0),
                            ("blk.1.attn_q.weight", [0.0] * 256, [1.0], None)])
    yield "parts", imatrix([("blk.1.ffn_up.weight", [2.0, 0.25] * 32, [3.0, 0.0], 9.0)])
    yield "large", imatrix([("x", [1e38, 0.0, 1e-38, 3.0] * 64, [1e-38, 5.0], 1e30)])


# --- what surrounds a model's text ---------------------------------------------------------------

def chat_seeds():
    tools = [{"type": "function", "function": {
        "name": "set_light", "description": "Sets <light>", "parameters": {
            "type": "object", "required": ["room"], "properties": {
                "room": {"type": "string", "enum": ["kitchen"]}, "level": {"type": "integer"},
                "on": {"type": "boolean"}, "more": {"type": "object"}, "list": {"type": "array"}}}}}]
    calls = [{"name": "set_light", "arguments": {"room": "kitchen", "level": 1.5, "x": [None, True]}}]
    call = ("<tool_call>\n<function=set_light>\n<parameter=room>\nkitchen\n</parameter>\n"
            "<parameter=level>\n50\n</parameter>\n<parameter=more>\n{\"a\": [1]}\n</parameter>\n"
            "</function>\n</tool_call>\n")
    yield "call", tools, calls, b"Done.", b"I must think.", b"Light on!", \
        b"Thoughts\n</think>\n\nAnswer " + call.encode() + b" more \n"
    yield "plain", b"", b"", b"Hi <|im_end|> there", b"", b"Hello", b"<think>\nx</think>Just text."
    yield "nano_v2", [tools[0]["function"]], [{"function": calls[0]}], b"<think>a</think>b", b"", \
        b"/no_think \xe2\x82\xac", b"<TOOLCALL>[" + dump(calls[0]) + b"]</TOOLCALL>"
    yield "cut", tools, b"", b"", b"", b"", call[:-30].encode() + call.encode()


# --- a hub's answers ------------------------------------------------------------------------------

def hub_seeds():
    def entry(path, size, large):
        hash = "0123456789abcdef" * (4 if large else 3)
        listed = {"type": "file", "oid": hash[:40], "size": size, "path": path}
        return {**listed, "lfs": {"oid": hash, "size": size, "pointerSize": 135}} if large else listed

    page = [{"type": "directory", "oid": "0" * 40, "size": 0, "path": "sub"}]
    small = [entry("config.json", 9, False), entry("tokenizer.json", 700, False)]
    next_page = b'<https://hub.example/api/models/a/b/tree/0?cursor=x>; rel="next"'
    yield "gguf", page + [entry("x-Q4_K_M.gguf", 99, True), entry("x-Q8_0.gguf", 199, True)], b"Q4_K_M", \
        next_page, b"/api/resolve-cache/x?y=1", b"hf:a/b@main:Q4_K_M", b"GatedRepo", b"Access is restricted"
    shards = [entry(f"model-0000{i}-of-00002.safetensors", 50, True) for i in (1, 2)]
    yield "shards", small + shards + [entry("model.safetensors.index.json", 40, False)], b"", \
        b'<x>; rel="last"', b"http://cdn.example/x", b"a/b@" + b"0" * 40, b"RepoNotFound", b""
    parts = [entry(f"q/m-0000{i}-of-00003.gguf", 50, True) for i in (1, 2, 3)]
    yield "parts", parts, b"q/m-00001-of-00003.gguf", b"", b"../../x", b"name", b"RevisionNotFound", b"\xff\x1b[2J"
    yield "bad", [entry("../x.gguf", 5, True), entry("a\u001b[2J.gguf", -1, True)], b"..", b"<", \
        b"file:///etc/passwd", b"hf:../x:..", b"EntryNotFound", b"x" * 300


def write(folder, name, data):
    path = HERE / folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def dump(value):
    return json.dumps(value, separators=(",", ":")).encode()


def main():
    write("fixed", "config.json", dump(config()))
    write("fixed", "model.safetensors", safetensors(plain()))
    write("fixed", "session_model_config.json", dump(config(max_position_embeddings=200)))
    big = 300  # tokens: room for every tokenizer among the seeds
    write("fixed", "tokenizer_model_config.json", dump(config(vocab_size=big)))
    write("fixed", "tokenizer_model.safetensors", safetensors(plain("F16", big)))
    for name, data in gguf_seeds():
        write("seeds/gguf", name, data)
    for name, parts in safetensors_seeds():
        write("seeds/safetensors", name, SEPARATOR.join(parts))
    for name, *parts in config_seeds():
        write("seeds/config_json", name, SEPARATOR.join(dump(part) for part in parts))
    for name, *parts in tokenizer_seeds():
        write("seeds/tokenizer_json", name, SEPARATOR.join(dump(part) for part in parts))
    for name, data in session_seeds():
        write("seeds/session", name, data)
    for name, data in imatrix_seeds():
        write("seeds/imatrix", name, data)
    for name, *parts in chat_seeds():
        write("seeds/chat", name, SEPARATOR.join(
            part if isinstance(part, bytes) else dump(part) for part in parts))
    for name, *parts in hub_seeds():
        write("seeds/hub", name, SEPARATOR.join(
            part if isinstance(part, bytes) else dump(part) for part in parts))


if __name__ == "__main__":
    main()
