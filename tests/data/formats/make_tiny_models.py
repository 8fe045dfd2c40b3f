"""Writes two tiny models with random weights, one per kind of file, and what their tensors hold:

  tiny.gguf + tiny.gguf.json                   every tensor type; a byte-level tokenizer
  tiny_safetensors/ + tiny_safetensors.json    BF16, F16 and F32; no tokenizer

In the .json: type, canonical shape and, per tensor, the first values and the sum of the bit
patterns of all values (mod 2^53) as the `gguf` and `safetensors` packages read them.

    python make_tiny_models.py      (needs numpy, torch, gguf, safetensors)
"""
import importlib.metadata
import json
import pathlib

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as T
from gguf.quants import dequantize, quantize
from safetensors.torch import load_file, save_file

HERE = pathlib.Path(__file__).parent


def facts(values, dtype):
    values = np.ascontiguousarray(values, dtype=np.float32)
    bits = values.view(np.uint32).ravel()
    return {"type": dtype, "shape": list(values.shape), "first": [float(v) for v in values.ravel()[:4]],
            "bits_sum": int(bits.astype(np.uint64).sum()) % 2**53}


def write_facts(path, tensors, packages):
    versions = {p: importlib.metadata.version(p) for p in packages}
    path.write_text(json.dumps({"made_with": versions, "tensors": tensors}, indent=1) + "\n")


# --- GGUF -----------------------------------------------------------------------------------------
GGUF_DIMS = dict(d_model=64, n_vocab=288, heads=4, head_dim=64, d_state=8, groups=2, d_conv=4,
                 q_heads=4, kv_heads=2, attn_dim=32, d_ff=256)
PATTERN = "M-*"


def random_k_blocks(rng, rows, cols, qtype):
    """K-quants are not written by the package: random quants, constant scales."""
    n_bytes = {T.Q4_K: 144, T.Q6_K: 210}[qtype]
    blocks = rng.integers(0, 256, (rows * cols // 256, n_bytes), dtype=np.uint8)
    half = lambda value: np.frombuffer(np.float16(value).tobytes(), np.uint8)
    if qtype == T.Q4_K:
        blocks[:, 0:2], blocks[:, 2:4] = half(2e-4), half(1e-3)
    else:
        blocks[:, 192:208] = 16
        blocks[:, 208:210] = half(7e-5)
    return blocks.reshape(rows, -1)


def gguf_tensors(rng):
    d = GGUF_DIMS
    inner = d["heads"] * d["head_dim"]
    conv = inner + 2 * d["groups"] * d["d_state"]
    m, ff, q, kv = d["d_model"], d["d_ff"], d["q_heads"] * d["attn_dim"], d["kv_heads"] * d["attn_dim"]
    # name -> (shape as stored, canonical shape, type)
    plan = {"token_embd.weight": ((d["n_vocab"], m), T.Q5_0), "output_norm.weight": ((m,), T.F32),
            "output.weight": ((d["n_vocab"], m), T.Q8_0)}
    kinds = {
        "M": {"ssm_in.weight": ((inner + conv + d["heads"], m), T.Q5_0),
              "ssm_conv1d.weight": ((conv, d["d_conv"]), T.F32), "ssm_conv1d.bias": ((conv,), T.F32),
              "ssm_dt.bias": ((d["heads"],), T.F32), "ssm_a": ((d["heads"], 1), T.F32),
              "ssm_d": ((d["heads"], 1), T.F32),
              "ssm_norm.weight": ((d["groups"], inner // d["groups"]), T.F32),
              "ssm_out.weight": ((m, inner), T.Q4_K)},
        "*": {"attn_q.weight": ((q, m), T.BF16), "attn_k.weight": ((kv, m), T.F16),
              "attn_v.weight": ((kv, m), T.Q8_0), "attn_output.weight": ((m, q), T.Q8_0)},
        "-": {"ffn_up.weight": ((ff, m), T.Q5_0), "ffn_down.weight": ((m, ff), T.Q6_K)},
    }
    for i, letter in enumerate(PATTERN):
        plan[f"blk.{i}.attn_norm.weight"] = ((m,), T.F32)
        for name, what in kinds[letter].items():
            plan[f"blk.{i}.{name}"] = what
    out = {}
    for name, (shape, qtype) in plan.items():
        values = rng.normal(0, 0.05, shape).astype(np.float32)
        if name.endswith("norm.weight") or name.endswith("ssm_d"):
            values += 1
        if name.endswith("ssm_a"):
            values = -np.exp(rng.uniform(0, 2.77, shape)).astype(np.float32)
        if qtype in (T.Q4_K, T.Q6_K):
            stored = random_k_blocks(rng, *shape, qtype)
        else:
            stored = quantize(values, qtype)
        out[name] = (stored, qtype)
    return out


def byte_alphabet():
    """GPT-2's printable stand-ins for the 256 bytes."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table = {b: chr(b) for b in plain}
    for b in range(256):
        table.setdefault(b, chr(256 + len([x for x in table.values() if ord(x) >= 256])))
    return [table[b] for b in range(256)]


def add_tokenizer(writer):
    specials = ["<unk>", "<s>", "</s>"] + [f"<SPECIAL_{i}>" for i in range(3, 10)]
    specials += ["<|im_start|>", "<|im_end|>", "<think>", "</think>", "<tool_call>", "</tool_call>"]
    merged = ["he", "ll", "hell", "hello", "in", "th", "the", "an", "and", "er", "on", "or", "is",
              "it", "at", "to"]
    merges = ["h e", "l l", "he ll", "hell o", "i n", "t h", "th e", "a n", "an d", "e r", "o n",
              "o r", "i s", "i t", "a t", "t o"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("pixtral")
    writer.add_token_list(specials + byte_alphabet() + merged)
    writer.add_token_types([3] * len(specials) + [1] * (256 + len(merged)))
    writer.add_token_merges(merges)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(11)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(False)
    writer.add_chat_template("{{ messages }}")


def write_gguf(rng):
    d = GGUF_DIMS
    path = HERE / "tiny.gguf"
    writer = gguf.GGUFWriter(path, "nemotron_h")
    writer.add_block_count(len(PATTERN))
    writer.add_context_length(1 << 20)  # the converter's dummy
    writer.add_embedding_length(d["d_model"])
    writer.add_feed_forward_length([d["d_ff"] if c == "-" else 0 for c in PATTERN])
    writer.add_head_count(d["q_heads"])
    writer.add_head_count_kv([d["kv_heads"] if c == "*" else 0 for c in PATTERN])
    writer.add_key_length(d["attn_dim"])
    writer.add_value_length(d["attn_dim"])
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_layer_norm_eps(1e-5)
    writer.add_vocab_size(d["n_vocab"])
    writer.add_rope_dimension_count(16)
    writer.add_rope_freq_base(10000.0)
    writer.add_ssm_conv_kernel(d["d_conv"])
    writer.add_ssm_state_size(d["d_state"])
    writer.add_ssm_group_count(d["groups"])
    writer.add_ssm_inner_size(d["heads"] * d["head_dim"])
    writer.add_ssm_time_step_rank(d["heads"])
    add_tokenizer(writer)
    for name, (stored, qtype) in gguf_tensors(rng).items():
        stored = stored.view(np.uint8) if qtype not in (T.F32, T.F16) else stored
        writer.add_tensor(name, stored, raw_dtype=None if qtype in (T.F32, T.F16) else qtype)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    read = {}
    for tensor in gguf.GGUFReader(path).tensors:
        values = np.asarray(dequantize(np.array(tensor.data), tensor.tensor_type))
        read[tensor.name] = facts(values.reshape([int(n) for n in tensor.shape[::-1]]),
                                  tensor.tensor_type.name)
    write_facts(HERE / "tiny.gguf.json", read, ("gguf", "numpy"))


# --- safetensors ----------------------------------------------------------------------------------
CONFIG = {
    "architectures": ["NemotronHForCausalLM"], "model_type": "nemotron_h", "hidden_size": 32,
    "vocab_size": 64, "hybrid_override_pattern": "M-*M-", "num_hidden_layers": 5,
    "mamba_num_heads": 4, "mamba_head_dim": 12, "ssm_state_size": 8, "n_groups": 2,
    "conv_kernel": 4, "expand": 2, "chunk_size": 16, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 8, "intermediate_size": 40,
    "max_position_embeddings": 4096, "layer_norm_epsilon": 1e-5, "mlp_hidden_act": "relu2",
    "mamba_hidden_act": "silu", "attention_bias": False, "mlp_bias": False, "use_bias": False,
    "mamba_proj_bias": False, "use_conv_bias": True, "tie_word_embeddings": False,
    "time_step_limit": [0.0, float("inf")], "time_step_min": 0.001, "time_step_max": 0.1,
    "residual_in_fp32": False, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0,
    "torch_dtype": "bfloat16",
}


def safetensors_tensors(generator):
    c = CONFIG
    inner = c["mamba_num_heads"] * c["mamba_head_dim"]
    conv = inner + 2 * c["n_groups"] * c["ssm_state_size"]
    m, ff, heads = c["hidden_size"], c["intermediate_size"], c["mamba_num_heads"]
    q, kv = c["num_attention_heads"] * c["head_dim"], c["num_key_value_heads"] * c["head_dim"]
    bf16, f16, f32 = torch.bfloat16, torch.float16, torch.float32
    kinds = {
        "M": {"in_proj.weight": ((inner + conv + heads, m), bf16), "conv1d.weight": ((conv, 1, 4), bf16),
              "conv1d.bias": ((conv,), bf16), "A_log": ((heads,), f32), "D": ((heads,), f32),
              "dt_bias": ((heads,), f32), "norm.weight": ((inner,), bf16),
              "out_proj.weight": ((m, inner), bf16)},
        "*": {"q_proj.weight": ((q, m), f16), "k_proj.weight": ((kv, m), bf16),
              "v_proj.weight": ((kv, m), f32), "o_proj.weight": ((m, q), bf16)},
        "-": {"up_proj.weight": ((ff, m), bf16), "down_proj.weight": ((m, ff), bf16)},
    }
    plan = {"backbone.embeddings.weight": ((c["vocab_size"], m), bf16),
            "backbone.norm_f.weight": ((m,), bf16), "lm_head.weight": ((c["vocab_size"], m), bf16)}
    for i, letter in enumerate(c["hybrid_override_pattern"]):
        plan[f"backbone.layers.{i}.norm.weight"] = ((m,), bf16)
        for name, what in kinds[letter].items():
            plan[f"backbone.layers.{i}.mixer.{name}"] = what
    return {name: (0.05 * torch.randn(shape, generator=generator)).to(dtype)
            for name, (shape, dtype) in plan.items()}


def write_safetensors():
    folder = HERE / "tiny_safetensors"
    folder.mkdir(exist_ok=True)
    tensors = safetensors_tensors(torch.Generator().manual_seed(20261123))
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(CONFIG, indent=1) + "\n")
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [2, 11]}) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps(
        {"add_bos_token": False, "eos_token": {"content": "<|im_end|>", "special": True},
         "chat_template": "from tokenizer_config"}) + "\n")
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    names = {torch.bfloat16: "BF16", torch.float16: "F16", torch.float32: "F32"}
    read = {name: facts(t.float().numpy(), names[t.dtype])
            for name, t in load_file(folder / "model.safetensors").items()}
    write_facts(HERE / "tiny_safetensors.json", read, ("safetensors", "torch", "numpy"))


if __name__ == "__main__":
    write_gguf(np.random.default_rng(20261123))
    write_safetensors()
