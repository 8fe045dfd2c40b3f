"""Converts a Hugging Face nemotron_h folder (dense, one safetensors file) to a GGUF file in Q8_0.

python export_gguf.py --model ../../../examples/demo-model --out ../../../examples/demo-model/demo-q8_0.gguf
Names, keys and layouts are those of llama.cpp: A = -exp(A_log), rows of q and k permuted inside each head,
norms, convolution and 1-D tensors in F32, all other matrices Q8_0.
"""
import argparse
import json
from pathlib import Path

import gguf
import numpy as np
import torch
from gguf.quants import quantize
from safetensors.torch import load_file

LETTERS = {"linear_attention": "M", "mamba": "M", "full_attention": "*", "attention": "*", "mlp": "-"}
NAMES = {"norm.weight": "attn_norm.weight", "mixer.in_proj.weight": "ssm_in.weight", "mixer.conv1d.weight": "ssm_conv1d.weight",
         "mixer.conv1d.bias": "ssm_conv1d.bias", "mixer.dt_bias": "ssm_dt.bias", "mixer.A_log": "ssm_a", "mixer.D": "ssm_d",
         "mixer.norm.weight": "ssm_norm.weight", "mixer.out_proj.weight": "ssm_out.weight", "mixer.q_proj.weight": "attn_q.weight",
         "mixer.k_proj.weight": "attn_k.weight", "mixer.v_proj.weight": "attn_v.weight", "mixer.o_proj.weight": "attn_output.weight",
         "mixer.up_proj.weight": "ffn_up.weight", "mixer.down_proj.weight": "ffn_down.weight"}
TOP = {"backbone.embeddings.weight": "token_embd.weight", "backbone.norm_f.weight": "output_norm.weight",
       "lm_head.weight": "output.weight"}


def permute(rows, heads):
    """Row half * d/2 + i of a head becomes row 2 * i + half."""
    return rows.reshape(heads, 2, rows.shape[0] // heads // 2, -1).swapaxes(1, 2).reshape(rows.shape)


def convert(name, value, cfg):
    """-> GGUF name, array"""
    if name in TOP:
        return TOP[name], value
    _, _, index, rest = name.split(".", 3)
    if rest == "mixer.A_log":
        value = -np.exp(value)
    if rest in ("mixer.A_log", "mixer.D"):
        value = value.reshape(-1, 1)
    elif rest == "mixer.conv1d.weight":
        value = value.squeeze(1)
    elif rest == "mixer.norm.weight":
        value = value.reshape(cfg["n_groups"], -1)
    elif rest == "mixer.q_proj.weight":
        value = permute(value, cfg["num_attention_heads"])
    elif rest == "mixer.k_proj.weight":
        value = permute(value, cfg["num_key_value_heads"])
    return f"blk.{index}.{NAMES[rest]}", np.ascontiguousarray(value)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    cfg = json.loads((options.model / "config.json").read_text())
    pattern = [LETTERS[k] for k in cfg["layers_block_type"]] if "layers_block_type" in cfg else list(cfg["hybrid_override_pattern"])
    layers = len(pattern)
    w = gguf.GGUFWriter(options.out, "nemotron_h")
    w.add_name("libnemotron demo model")
    w.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    w.add_quantization_version(gguf.GGML_QUANT_VERSION)
    w.add_block_count(layers)
    w.add_context_length(cfg["max_position_embeddings"])
    w.add_embedding_length(cfg["hidden_size"])
    w.add_feed_forward_length([cfg["intermediate_size"] if k == "-" else 0 for k in pattern])
    w.add_head_count(cfg["num_attention_heads"])
    w.add_head_count_kv([cfg["num_key_value_heads"] if k == "*" else 0 for k in pattern])
    w.add_key_length(cfg["head_dim"])
    w.add_value_length(cfg["head_dim"])
    w.add_layer_norm_rms_eps(cfg["layer_norm_epsilon"])
    w.add_layer_norm_eps(cfg["layer_norm_epsilon"])
    w.add_vocab_size(cfg["vocab_size"])
    w.add_rope_dimension_count(cfg["hidden_size"] // cfg["num_attention_heads"])
    w.add_rope_freq_base(10000.0)
    w.add_ssm_conv_kernel(cfg["conv_kernel"])
    w.add_ssm_state_size(cfg["ssm_state_size"])
    w.add_ssm_group_count(cfg["n_groups"])
    w.add_ssm_inner_size(cfg["mamba_num_heads"] * cfg["mamba_head_dim"])
    w.add_ssm_time_step_rank(cfg["mamba_num_heads"])

    tokenizer = json.loads((options.model / "tokenizer.json").read_text(encoding="utf-8"))
    special = {t["id"]: t["content"] for t in tokenizer["added_tokens"]}
    by_id = {i: t for t, i in tokenizer["model"]["vocab"].items()} | special
    merges = [m if isinstance(m, str) else " ".join(m) for m in tokenizer["model"]["merges"]]
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("pixtral")
    w.add_token_list([by_id[i] for i in range(cfg["vocab_size"])])
    w.add_token_types([gguf.TokenType.CONTROL if i in special else gguf.TokenType.NORMAL for i in range(cfg["vocab_size"])])
    w.add_token_merges(merges)
    w.add_bos_token_id(1)
    w.add_eos_token_id(11)
    w.add_pad_token_id(0)
    w.add_unk_token_id(0)
    w.add_add_bos_token(False)
    w.add_chat_template((options.model / "chat_template.jinja").read_text(encoding="utf-8"))

    for source, tensor in load_file(options.model / "model.safetensors").items():
        name, value = convert(source, tensor.to(torch.float32).numpy(), cfg)
        plain = value.ndim < 2 or "norm" in name or "conv1d" in name or name.endswith(("ssm_a", "ssm_d"))
        if plain:
            w.add_tensor(name, value)
        else:
            w.add_tensor(name, quantize(value, gguf.GGMLQuantizationType.Q8_0), raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


if __name__ == "__main__":
    main()
