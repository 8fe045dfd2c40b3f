"""Writes a GGUF with random weights and the exact shapes and types of NVIDIA Nemotron 3 Nano 4B as
Q4_K_M (2.83 GB): for speed and memory, not for text. Streams: memory stays below 1 GB.

    python make_synthetic_gguf.py OUT.gguf [--seed N] [--tekken tekken-240718.json]

With --tekken the file has the real vocabulary of 131,072 tokens and its merges as tokenizer;
without it the file has none. Needs numpy and gguf.
"""
import argparse
import base64
import json

import gguf
import numpy as np
from gguf import GGML_QUANT_SIZES
from gguf import GGMLQuantizationType as T

PATTERN = "M-M-M-MM-M-M*-M-M*-M-M-M*-M-M-MM*-MMM-M-M-"
D_MODEL, N_VOCAB, D_FF = 3136, 131072, 12544
HEADS, HEAD_DIM, STATE, GROUPS, CONV = 96, 80, 128, 8, 4
Q_HEADS, KV_HEADS, ATTN_DIM = 40, 8, 128
INNER = HEADS * HEAD_DIM
CONV_DIM = INNER + 2 * GROUPS * STATE
Q6_DOWN = {1, 3, 5, 8, 10, 18, 25, 33, 41}  # the other ffn_down are Q4_K
Q8_V = {24, 32}                             # the other attn_v are Q5_0
TENSOR_BYTES = 2_829_187_200
WEIGHT_STD = 0.02
PIECE_BLOCKS = 1 << 19


def tensors():
    """(name, shape as stored, type), in the converter's order."""
    yield "token_embd.weight", (N_VOCAB, D_MODEL), T.Q5_0
    yield "output_norm.weight", (D_MODEL,), T.F32
    yield "output.weight", (N_VOCAB, D_MODEL), T.Q8_0
    for i, letter in enumerate(PATTERN):
        def blk(name):
            return f"blk.{i}.{name}"
        yield blk("attn_norm.weight"), (D_MODEL,), T.F32
        if letter == "M":
            yield blk("ssm_in.weight"), (INNER + CONV_DIM + HEADS, D_MODEL), T.Q5_0
            yield blk("ssm_conv1d.weight"), (CONV_DIM, CONV), T.F32
            yield blk("ssm_conv1d.bias"), (CONV_DIM,), T.F32
            yield blk("ssm_dt.bias"), (HEADS,), T.F32
            yield blk("ssm_a"), (HEADS, 1), T.F32
            yield blk("ssm_d"), (HEADS, 1), T.F32
            yield blk("ssm_norm.weight"), (GROUPS, INNER // GROUPS), T.F32
            yield blk("ssm_out.weight"), (D_MODEL, INNER), T.Q4_K
        elif letter == "*":
            yield blk("attn_q.weight"), (Q_HEADS * ATTN_DIM, D_MODEL), T.Q5_0
            yield blk("attn_k.weight"), (KV_HEADS * ATTN_DIM, D_MODEL), T.Q5_0
            yield blk("attn_v.weight"), (KV_HEADS * ATTN_DIM, D_MODEL), T.Q8_0 if i in Q8_V else T.Q5_0
            yield blk("attn_output.weight"), (D_MODEL, Q_HEADS * ATTN_DIM), T.Q4_K
        else:
            yield blk("ffn_up.weight"), (D_FF, D_MODEL), T.Q5_0
            yield blk("ffn_down.weight"), (D_MODEL, D_FF), T.Q6_K if i in Q6_DOWN else T.Q4_K


def n_bytes(shape, qtype):
    block, size = GGML_QUANT_SIZES[qtype]
    return int(np.prod(shape)) // block * size


def half(value):
    return np.frombuffer(np.float16(value).tobytes(), np.uint8)


def random_blocks(rng, n, qtype):
    """n blocks of uniformly random quants, scaled to WEIGHT_STD and, but for the half step that a
    two's complement range is off centre, to mean 0."""
    blocks = np.frombuffer(rng.bytes(n * GGML_QUANT_SIZES[qtype][1]), np.uint8).reshape(n, -1).copy()
    if qtype == T.Q5_0:    # q - 16 in -16..15
        blocks[:, 0:2] = half(WEIGHT_STD / 9.233)
    elif qtype == T.Q8_0:  # -128..127
        blocks[:, 0:2] = half(WEIGHT_STD / 73.90)
    elif qtype == T.Q4_K:  # 0..15 times scale 32, minus min 32 times 7.5 such steps
        step = WEIGHT_STD / 4.610
        blocks[:, 0:2], blocks[:, 2:4] = half(step / 32), half(7.5 * step / 32)
        # The six-bit scales and minima, all 32, packed: 4 low parts each, then the mixed bytes.
        blocks[:, 4:12], blocks[:, 12:16] = 0xA0, 0x00
    elif qtype == T.Q6_K:  # q - 32 in -32..31
        blocks[:, 192:208] = 16
        blocks[:, 208:210] = half(WEIGHT_STD / 18.47 / 16)
    return blocks


def float_tensor(rng, name, shape):
    if name.endswith("ssm_a"):
        values = -np.exp(rng.uniform(0, 2.77, shape))
    elif name.endswith("ssm_dt.bias"):  # softplus(dt_bias) in 0.001 .. 0.1
        values = np.log(np.expm1(rng.uniform(0.001, 0.1, shape)))
    elif "ssm_conv1d" in name:
        values = rng.uniform(-0.5, 0.5, shape)
    else:  # norms and D
        values = np.ones(shape)
    return values.astype("<f4")


def byte_alphabet():
    """GPT-2's printable stand-ins for the 256 bytes."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in plain]
    table = {b: chr(b) for b in plain} | {b: chr(256 + i) for i, b in enumerate(others)}
    return [table[b] for b in range(256)]


def tekken_tokenizer(path):
    """Tokens, their types and merges. A merge per way to split a token into two others, ordered by
    the rank of the whole, then of the parts."""
    words = json.load(open(path))["bpe_ranks"].split()[2:]
    ranked = [base64.b64decode(word) for word in words][: N_VOCAB - 1000]
    rank = {token: i for i, token in enumerate(ranked)}
    alphabet = byte_alphabet()
    spell = lambda token: "".join(alphabet[b] for b in token)
    merges = []
    for token in ranked:
        splits = [(token[:k], token[k:]) for k in range(1, len(token))]
        splits = [(a, b) for a, b in splits if a in rank and b in rank]
        splits.sort(key=lambda pair: (rank[pair[0]], rank[pair[1]]))
        merges += [f"{spell(a)} {spell(b)}" for a, b in splits]
    named = {0: "<unk>", 1: "<s>", 2: "</s>", 10: "<|im_start|>", 11: "<|im_end|>", 12: "<think>",
             13: "</think>", 14: "<tool_call>", 15: "</tool_call>"}
    specials = [named.get(i, f"<SPECIAL_{i}>") for i in range(1000)]
    return specials + [spell(token) for token in ranked], [3] * 1000 + [1] * len(ranked), merges


def add_metadata(writer, tekken):
    writer.add_name("Synthetic 4B, random weights")
    writer.add_block_count(len(PATTERN))
    writer.add_context_length(1 << 20)
    writer.add_embedding_length(D_MODEL)
    writer.add_feed_forward_length([D_FF if c == "-" else 0 for c in PATTERN])
    writer.add_head_count(Q_HEADS)
    writer.add_head_count_kv([KV_HEADS if c == "*" else 0 for c in PATTERN])
    writer.add_key_length(ATTN_DIM)
    writer.add_value_length(ATTN_DIM)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_layer_norm_eps(1e-5)
    writer.add_vocab_size(N_VOCAB)
    writer.add_rope_dimension_count(78)
    writer.add_rope_freq_base(10000.0)
    writer.add_ssm_conv_kernel(CONV)
    writer.add_ssm_state_size(STATE)
    writer.add_ssm_group_count(GROUPS)
    writer.add_ssm_inner_size(INNER)
    writer.add_ssm_time_step_rank(HEADS)
    if tekken is None:
        return
    tokens, types, merges = tekken_tokenizer(tekken)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("pixtral")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(merges)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(11)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(True)


def write_padding(file, alignment):
    file.write(b"\0" * (-file.tell() % alignment))


def write_data(file, rng, alignment):
    for name, shape, qtype in tensors():
        write_padding(file, alignment)
        if qtype == T.F32:
            file.write(float_tensor(rng, name, shape).tobytes())
            continue
        n_blocks = int(np.prod(shape)) // GGML_QUANT_SIZES[qtype][0]
        for start in range(0, n_blocks, PIECE_BLOCKS):
            file.write(random_blocks(rng, min(PIECE_BLOCKS, n_blocks - start), qtype).tobytes())
    write_padding(file, alignment)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tekken", help="tekken-240718.json: adds the real vocabulary")
    args = parser.parse_args()
    total = sum(n_bytes(shape, qtype) for _, shape, qtype in tensors())
    assert total == TENSOR_BYTES, total
    writer = gguf.GGUFWriter(args.output, "nemotron_h")
    add_metadata(writer, args.tekken)
    for name, shape, qtype in tensors():
        stored = shape if qtype == T.F32 else gguf.quant_shape_to_byte_shape(shape, qtype)
        dtype = np.dtype(np.float32 if qtype == T.F32 else np.uint8)
        writer.add_tensor_info(name, stored, dtype, n_bytes(shape, qtype),
                               raw_dtype=None if qtype == T.F32 else qtype)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    file = writer.fout[0]
    write_data(file, np.random.default_rng(args.seed), writer.data_alignment)
    size = file.tell()
    writer.close()
    print(f"{args.output}: {size} bytes, {total} of tensors")


if __name__ == "__main__":
    main()
