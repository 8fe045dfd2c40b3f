"""Writes a Hugging Face nemotron_h state dict as GGUF, the way the public converter does.

Imported by model/make_goldens.py and by the demo model's exporter. It knows names, shapes and the
three changes of values: A = -exp(A_log), the rows of q and k permuted inside each head, norms and
other small tensors kept in F32. Tokenizer keys are the caller's, through `add_metadata`.
"""

import re

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type

_TOP = {
    "backbone.embeddings.weight": "token_embd.weight",
    "backbone.norm_f.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
}
_LAYER = {
    "norm.weight": "attn_norm.weight",
    "mixer.in_proj.weight": "ssm_in.weight",
    "mixer.conv1d.weight": "ssm_conv1d.weight",
    "mixer.conv1d.bias": "ssm_conv1d.bias",
    "mixer.dt_bias": "ssm_dt.bias",
    "mixer.A_log": "ssm_a",
    "mixer.D": "ssm_d",
    "mixer.norm.weight": "ssm_norm.weight",
    "mixer.out_proj.weight": "ssm_out.weight",
    "mixer.q_proj.weight": "attn_q.weight",
    "mixer.k_proj.weight": "attn_k.weight",
    "mixer.v_proj.weight": "attn_v.weight",
    "mixer.o_proj.weight": "attn_output.weight",
    "mixer.up_proj.weight": "ffn_up.weight",
    "mixer.down_proj.weight": "ffn_down.weight",
}
_LETTER = {
    "mamba": "M", "linear_attention": "M", "attention": "*", "full_attention": "*", "mlp": "-",
}


def gguf_name(hf_name):
    """backbone.layers.3.mixer.D -> blk.3.ssm_d"""
    if hf_name in _TOP:
        return _TOP[hf_name]
    match = re.fullmatch(r"backbone\.layers\.(\d+)\.(.+)", hf_name)
    return f"blk.{match[1]}.{_LAYER[match[2]]}"


def pattern_of(config):
    """The layer letters of a config.json in either spelling."""
    if config.get("hybrid_override_pattern"):
        return config["hybrid_override_pattern"]
    return "".join(_LETTER[kind] for kind in config["layers_block_type"])


def _permute_heads(rows, head_dim):
    """HF row half * head_dim/2 + i of a head becomes row 2 * i + half."""
    n_heads = rows.shape[0] // head_dim
    split = rows.reshape(n_heads, 2, head_dim // 2, rows.shape[1])
    return np.ascontiguousarray(split.swapaxes(1, 2)).reshape(rows.shape)


def _unpermute_heads(rows, head_dim):
    n_heads = rows.shape[0] // head_dim
    split = rows.reshape(n_heads, head_dim // 2, 2, rows.shape[1])
    return np.ascontiguousarray(split.swapaxes(1, 2)).reshape(rows.shape)


def _to_gguf_values(name, values, config):
    if name.endswith("A_log"):
        return -np.exp(values).reshape(-1, 1)
    if name.endswith("mixer.D"):
        return values.reshape(-1, 1)
    if name.endswith("conv1d.weight"):
        return values[:, 0, :]
    if name.endswith("mixer.norm.weight"):
        return values.reshape(config["n_groups"], -1)
    if name.endswith(("q_proj.weight", "k_proj.weight")):
        return _permute_heads(values, config["head_dim"])
    return values


def _from_gguf_values(name, values, shape, config):
    if name.endswith("A_log"):
        return np.log(-values).reshape(shape)
    if name.endswith(("q_proj.weight", "k_proj.weight")):
        return _unpermute_heads(values, config["head_dim"])
    return values.reshape(shape)


def is_always_f32(name, values):
    """What the public converter never quantises."""
    return values.ndim == 1 or not name.endswith("weight") or "norm" in name or "conv1d" in name


def add_architecture(writer, config, max_context=None):
    """Hyperparameters under nemotron_h.*, the meaningless rope keys of real files included."""
    pattern = pattern_of(config)
    n_heads = config["num_attention_heads"]
    width = config["hidden_size"]
    writer.add_block_count(len(pattern))
    writer.add_context_length(max_context or config["max_position_embeddings"])
    writer.add_embedding_length(width)
    writer.add_vocab_size(config["vocab_size"])
    writer.add_feed_forward_length(
        [config["intermediate_size"] if kind == "-" else 0 for kind in pattern])
    writer.add_head_count(n_heads)
    writer.add_head_count_kv([config["num_key_value_heads"] if kind == "*" else 0 for kind in pattern])
    writer.add_key_length(config["head_dim"])
    writer.add_value_length(config["head_dim"])
    writer.add_layer_norm_eps(config["layer_norm_epsilon"])
    writer.add_layer_norm_rms_eps(config["layer_norm_epsilon"])
    writer.add_rope_dimension_count(width // n_heads)
    writer.add_rope_freq_base(10000.0)
    writer.add_ssm_conv_kernel(config["conv_kernel"])
    writer.add_ssm_state_size(config["ssm_state_size"])
    writer.add_ssm_group_count(config["n_groups"])
    writer.add_ssm_inner_size(config["mamba_num_heads"] * config["mamba_head_dim"])
    writer.add_ssm_time_step_rank(config["mamba_num_heads"])


def add_tokenizer(writer, tokenizer, n_vocab, eos_id=11, chat_template=None):
    """The keys of a byte-level BPE vocabulary; `tokenizer` is the dict of a tokenizer.json."""
    tokens = [f"[PAD{i}]" for i in range(n_vocab)]
    types = [gguf.TokenType.UNUSED] * n_vocab
    for text, i in tokenizer["model"]["vocab"].items():
        tokens[i], types[i] = text, gguf.TokenType.NORMAL
    for added in tokenizer["added_tokens"]:
        kind = gguf.TokenType.CONTROL if added["special"] else gguf.TokenType.USER_DEFINED
        tokens[added["id"]], types[added["id"]] = added["content"], kind
    merges = [m if isinstance(m, str) else " ".join(m) for m in tokenizer["model"]["merges"]]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("pixtral")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(merges)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(eos_id)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(True)  # as the public converter writes for dense models; to be ignored
    if chat_template:
        writer.add_chat_template(chat_template)


def write_gguf(path, config, tensors, choose_type, add_metadata=None, raw=None, name="model"):
    """Write `path`; return the weights that a reader sees, under their HF names and as HF stores them.

    config       the dict of config.json
    tensors      HF name -> f32 array
    choose_type  (HF name, array) -> GGMLQuantizationType, asked for what is not always F32
    add_metadata called with the GGUFWriter, for tokenizer keys
    raw          HF name -> (uint8 array [rows, row bytes], type): blocks to store as they are
    """
    writer = gguf.GGUFWriter(str(path), "nemotron_h")
    writer.add_name(name)
    add_architecture(writer, config)
    if add_metadata:
        add_metadata(writer)
    seen = {}
    for hf_name, values in tensors.items():
        if raw and hf_name in raw:
            blocks, kind = raw[hf_name]
        else:
            stored = np.ascontiguousarray(_to_gguf_values(hf_name, values, config), dtype=np.float32)
            kind = Type.F32 if is_always_f32(hf_name, values) else choose_type(hf_name, values)
            blocks = gguf.quants.quantize(stored, kind)
        writer.add_tensor(gguf_name(hf_name), blocks, raw_dtype=kind)
        plain = gguf.quants.dequantize(blocks, kind)
        seen[hf_name] = _from_gguf_values(hf_name, plain, values.shape, config).astype(np.float32)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return seen
