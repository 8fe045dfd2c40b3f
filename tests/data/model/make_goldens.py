"""Makes tiny random nemotron_h models and what the official code computes with them.

    python make_goldens.py            # needs ../requirements.txt; rewrites hf/ gguf/ golden/ index.json

The models are built, saved and run by the official classes (transformers, NemotronHForCausalLM).
Two things of its CPU path are replaced before running, as README.md explains: the clamp of dt at
time_step_min, and the chunked scan, by the recurrence of the paper, one token after the other.
"""

import json
import platform
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import safetensors
import tokenizers
import torch
import transformers
from gguf import GGMLQuantizationType as Type
from safetensors.torch import load_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import NemotronHConfig, NemotronHForCausalLM
from transformers.models.nemotron_h import modeling_nemotron_h as official

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import gguf_writer  # noqa: E402

KINDS = {"M": "linear_attention", "*": "full_attention", "-": "mlp"}

# name: seed, dtype of the file, layer pattern, and what differs from `COMMON`.
COMMON = {"conv_kernel": 4, "max_position_embeddings": 512, "mamba_hidden_act": "silu"}
MODELS = {
    # heads of 10: no power of two, not even a multiple of a SIMD vector; one group; odd widths
    "one_group_p10": dict(seed=11, dtype="bfloat16", pattern="M-*M", spelling="published",
        vocab_size=67, hidden_size=40, num_attention_heads=4, num_key_value_heads=2, head_dim=18,
        intermediate_size=72, mamba_num_heads=5, mamba_head_dim=10, n_groups=1, ssm_state_size=16,
        chunk_size=8, n_tokens=75, n_hidden_tokens=40),
    # three heads per group; attention first; F32 file; attention wider than the model
    "two_groups_p24": dict(seed=22, dtype="float32", pattern="*M-M*-", spelling="resaved",
        vocab_size=64, hidden_size=48, num_attention_heads=6, num_key_value_heads=2, head_dim=12,
        intermediate_size=64, mamba_num_heads=6, mamba_head_dim=24, n_groups=2, ssm_state_size=16,
        chunk_size=16, n_tokens=101, n_hidden_tokens=50),
    # the 4B's head size and its ratio of heads to groups; M twice in a row
    "four_groups_p80": dict(seed=33, dtype="bfloat16", pattern="MM*-", spelling="published",
        vocab_size=64, hidden_size=32, num_attention_heads=5, num_key_value_heads=1, head_dim=32,
        intermediate_size=96, mamba_num_heads=8, mamba_head_dim=80, n_groups=4, ssm_state_size=32,
        chunk_size=16, n_tokens=147, n_hidden_tokens=40),
    # every head its own group; 3 taps; MLP first and last; as many kv heads as heads
    "three_taps_p20": dict(seed=44, dtype="bfloat16", pattern="-M*M--", spelling="resaved",
        vocab_size=80, hidden_size=56, num_attention_heads=3, num_key_value_heads=3, head_dim=16,
        intermediate_size=100, mamba_num_heads=3, mamba_head_dim=20, n_groups=3, ssm_state_size=24,
        chunk_size=8, conv_kernel=3, n_tokens=90, n_hidden_tokens=33),
    # no attention at all, 2 taps, a prompt of many chunks
    "only_mamba_p16": dict(seed=55, dtype="float32", pattern="MM-M", spelling="published",
        vocab_size=50, hidden_size=32, num_attention_heads=2, num_key_value_heads=1, head_dim=16,
        intermediate_size=48, mamba_num_heads=4, mamba_head_dim=16, n_groups=2, ssm_state_size=16,
        chunk_size=16, conv_kernel=2, n_tokens=150, n_hidden_tokens=40),
    # with a tokenizer, for tests of everything that needs text
    "tiny_chat": dict(seed=77, dtype="bfloat16", pattern="M-*", spelling="published",
        vocab_size=320, hidden_size=32, num_attention_heads=2, num_key_value_heads=1, head_dim=16,
        intermediate_size=64, mamba_num_heads=4, mamba_head_dim=16, n_groups=2, ssm_state_size=16,
        chunk_size=16, n_tokens=40, n_hidden_tokens=20),
}
# Only as GGUF: widths that K-quants can hold (multiples of 256 where the real file has them).
MIXED = dict(seed=66, dtype="float32", pattern="M-*M-", spelling="published",
    vocab_size=64, hidden_size=64, num_attention_heads=8, num_key_value_heads=2, head_dim=32,
    intermediate_size=256, mamba_num_heads=16, mamba_head_dim=16, n_groups=4, ssm_state_size=16,
    chunk_size=16, n_tokens=100, n_hidden_tokens=40)
TEKKEN = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|"
          r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}|"
          r" ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
TRAINING_TEXT = """The kitchen light is on. Turn off the kitchen light, and then the light in the hall.
What is the weather in Paris? The weather is fine; the answer is in the other thing. user system assistant
"""
NOT_CONFIG = ("seed", "dtype", "pattern", "spelling", "n_tokens", "n_hidden_tokens")


def recurrent_scan(hidden_states, dt, A, B, C, chunk_size, D=None, dt_bias=None,
                   initial_states=None, dt_softplus=False, dt_limit=(0.0, float("inf")),
                   return_final_states=False, **unused):
    """Stands in for official.mamba2_chunk_scan: h <- exp(dt A) h + dt x (outer) B; y = h C + D x."""
    dt = torch.nn.functional.softplus(dt.double() + dt_bias.double())
    assert dt_softplus and initial_states is None and tuple(dt_limit) == (0.0, float("inf"))
    heads_per_group = hidden_states.shape[2] // B.shape[2]
    x = hidden_states.double()                                          # [batch, t, head, p]
    B = B.double().repeat_interleave(heads_per_group, dim=2)            # [batch, t, head, n]
    C = C.double().repeat_interleave(heads_per_group, dim=2)
    state = torch.zeros(*x.shape[:1], *x.shape[2:], B.shape[-1], dtype=torch.float64)
    rows = []
    for t in range(x.shape[1]):
        decay = torch.exp(dt[:, t] * A.double())[..., None, None]
        state = decay * state + (dt[:, t, :, None] * x[:, t])[..., None] * B[:, t, :, None, :]
        rows.append((state * C[:, t, :, None, :]).sum(-1) + D.double()[:, None] * x[:, t])
    output = torch.stack(rows, dim=1).float()
    return (output, state.float()) if return_final_states else output


def make_config(spec):
    fields = {k: v for k, v in spec.items() if k not in NOT_CONFIG}
    kinds = [KINDS[letter] for letter in spec["pattern"]]
    return NemotronHConfig(**(COMMON | fields), layers_block_type=kinds, attn_implementation="eager")


def randomise(model, seed):
    """Weights of a size at which every layer, head and norm changes the logits visibly."""
    generator = torch.Generator().manual_seed(seed)

    def normal(p, std, mean=0.0):
        p.copy_(mean + std * torch.randn(p.shape, generator=generator))

    def uniform(p, low, high):
        p.copy_(low + (high - low) * torch.rand(p.shape, generator=generator))

    with torch.no_grad():
        for name, p in sorted(model.named_parameters()):
            if name.endswith("A_log"):
                p.copy_(torch.log(0.3 + 7.7 * torch.rand(p.shape, generator=generator)))
            elif name.endswith("dt_bias"):
                dt = torch.exp(-5.5 + 5.0 * torch.rand(p.shape, generator=generator))
                p.copy_(dt + torch.log(-torch.expm1(-dt)))
            elif name.endswith("mixer.D"):
                normal(p, 0.7)
            elif "norm" in name:
                uniform(p, 0.4, 1.7)
            elif name.endswith("conv1d.bias"):
                normal(p, 0.3)
            elif name.endswith("conv1d.weight"):
                normal(p, 0.7)
            elif name.endswith("embeddings.weight"):
                normal(p, 1.0)
            elif name.endswith(("q_proj.weight", "k_proj.weight")):
                normal(p, 1.4 / p.shape[1] ** 0.5)
            else:
                normal(p, 1.0 / p.shape[1] ** 0.5)


def published_spelling(config):
    """The keys as the released checkpoints write them: a pattern string, `torch_dtype`, no list."""
    kinds = {v: k for k, v in KINDS.items()}
    pattern = "".join(kinds[kind] for kind in config.pop("layers_block_type"))
    config["hybrid_override_pattern"] = pattern
    config["num_hidden_layers"] = len(pattern)
    config["torch_dtype"] = config.pop("dtype")
    config["rms_norm_eps"] = config["layer_norm_epsilon"]
    config["rope_theta"] = 10000
    config["partial_rotary_factor"] = 1.0
    config["time_step_limit"] = [0.0, float("inf")]  # Python writes Infinity: not JSON, but published
    return config


def run(model, tokens):
    """Logits [n_tokens, n_vocab] and the residual stream [n_layers + 1, n_tokens, d_model]."""
    stream = []
    hooks = [model.model.layers[0].register_forward_pre_hook(lambda _, args: stream.append(args[0]))]
    hooks += [layer.register_forward_hook(lambda _, __, out: stream.append(out))
              for layer in model.model.layers]
    with torch.no_grad():
        logits = model(torch.tensor([tokens]), use_cache=False).logits[0]
    for hook in hooks:
        hook.remove()
    return logits.float().numpy(), torch.stack([s[0] for s in stream]).float().numpy()


def prepare(model):
    model = model.float().eval()
    for layer in model.model.layers:
        if layer.block_type == "linear_attention":
            layer.mixer.time_step_limit = (0.0, float("inf"))
    return model


def check_scan(model, tokens, chunk_size, official_scan):
    """Largest difference of the logits, official scan against the recurrence, over their RMS."""
    def difference(n):
        official.mamba2_chunk_scan = recurrent_scan
        expected, _ = run(model, tokens[:n])
        official.mamba2_chunk_scan = official_scan
        found, _ = run(model, tokens[:n])
        official.mamba2_chunk_scan = recurrent_scan
        return float(np.abs(found - expected).max() / np.sqrt((expected ** 2).mean()))

    within, beyond = difference(chunk_size), difference(len(tokens))
    assert within < 2e-5, within
    return {"one_chunk": within, "whole_prompt": beyond}


def check_layers_matter(model, stream):
    """Every mixer must move the residual stream, or an error in it would go unseen."""
    moves = [float(np.sqrt(((b - a) ** 2).mean() / (a ** 2).mean())) for a, b in zip(stream, stream[1:])]
    assert min(moves) > 0.05, moves
    return moves


def write_golden(case, model_path, spec, model, official_scan):
    rng = np.random.default_rng(spec["seed"])
    tokens = [int(t) for t in rng.integers(0, spec["vocab_size"], spec["n_tokens"])]
    differences = check_scan(model, tokens, spec["chunk_size"], official_scan)
    logits, stream = run(model, tokens)
    stream = stream[:, :spec["n_hidden_tokens"]]
    moves = check_layers_matter(model, stream)
    folder = HERE / "golden"
    folder.mkdir(exist_ok=True)
    logits.astype("<f4").tofile(folder / f"{case}.logits.bin")
    np.ascontiguousarray(stream).astype("<f4").tofile(folder / f"{case}.hidden.bin")
    (folder / f"{case}.tokens.txt").write_text(" ".join(map(str, tokens)) + "\n")
    rms = float(np.sqrt((logits ** 2).mean()))
    description = {
        "case": case,
        "model": str(model_path.relative_to(HERE)),
        "pattern": spec["pattern"],
        "tokens": f"golden/{case}.tokens.txt",
        "n_tokens": len(tokens),
        "logits": {"file": f"golden/{case}.logits.bin", "shape": list(logits.shape), "rms": rms},
        "hidden": {"file": f"golden/{case}.hidden.bin", "shape": list(stream.shape)},
        "seed": spec["seed"],
        "config": {k: v for k, v in (COMMON | spec).items() if k not in NOT_CONFIG},
        "relative_move_of_each_layer": [round(m, 3) for m in moves],
        "official_scan_difference": differences,
        "versions": {m.__name__: m.__version__ for m in (torch, transformers, tokenizers, safetensors, np)}
                    | {"gguf": version("gguf"), "python": platform.python_version()},
    }
    (folder / f"{case}.json").write_text(json.dumps(description, indent=1) + "\n")
    print(f"{case:28} rms {rms:.3f}  scan {differences}  moves {[round(m, 2) for m in moves]}")
    return case


def make_hf(name, spec):
    """Build, save as published, load back; the golden is computed from what was saved."""
    folder = HERE / "hf" / name
    model = NemotronHForCausalLM(make_config(spec))
    randomise(model, spec["seed"])
    model.to(getattr(torch, spec["dtype"])).save_pretrained(folder)
    (folder / "generation_config.json").unlink()
    (folder / "model.safetensors").chmod(0o644)
    loaded = prepare(NemotronHForCausalLM.from_pretrained(folder, attn_implementation="eager"))
    assert_same_weights(loaded, folder / "model.safetensors")
    config = json.loads((folder / "config.json").read_text())
    if spec["spelling"] == "published":
        config = published_spelling(config)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    return folder, loaded


def assert_same_weights(model, path):
    """Some versions of transformers re-initialised A_log, D and dt_bias after loading."""
    saved = load_file(path)
    for name, p in model.state_dict().items():
        other = saved[name.replace("model.", "backbone.", 1)]
        assert torch.equal(p, other.float()), name


def hf_tensors(model):
    return {name.replace("model.", "backbone.", 1): p.float().numpy()
            for name, p in model.state_dict().items()}


def with_weights(spec, tensors):
    model = NemotronHForCausalLM(make_config(spec))
    state = {name.replace("backbone.", "model.", 1): torch.from_numpy(w.copy())
             for name, w in tensors.items()}
    model.load_state_dict(state)
    return prepare(model)


def random_q4_k(rows, columns, rms, rng):
    """Any bytes are Q4_K blocks; these have weights around zero of about the given RMS."""
    n = rows * columns // 256
    d = rms / (45 * 4.6) * (0.7 + 0.6 * rng.random(n))
    scales = rng.integers(24, 64, (n, 8))
    mins = np.clip(scales + rng.integers(-6, 7, (n, 8)), 0, 63)
    packed = np.zeros((n, 12), np.uint8)
    packed[:, 0:4] = (scales[:, :4] & 63) | (scales[:, 4:] >> 4 << 6)
    packed[:, 4:8] = (mins[:, :4] & 63) | (mins[:, 4:] >> 4 << 6)
    packed[:, 8:12] = (scales[:, 4:] & 15) | (mins[:, 4:] & 15) << 4
    halves = np.stack([d, 7.5 * d], axis=1).astype("<f2").view(np.uint8).reshape(n, 4)
    blocks = np.concatenate([halves, packed, rng.integers(0, 256, (n, 128), np.uint8)], axis=1)
    return blocks.reshape(rows, -1), Type.Q4_K


def random_q6_k(rows, columns, rms, rng):
    n = rows * columns // 256
    d = (rms / (85 * 18.5) * (0.7 + 0.6 * rng.random((n, 1)))).astype("<f2").view(np.uint8)
    scales = (rng.integers(48, 128, (n, 16)) * rng.choice([-1, 1], (n, 16))).astype(np.int8)
    quants = rng.integers(0, 256, (n, 192), np.uint8)
    return np.concatenate([quants, scales.view(np.uint8), d], axis=1).reshape(rows, -1), Type.Q6_K


def make_mixed(path, spec):
    """The types of the published Q4_K_M file, each where that file has it, plus F16 and BF16."""
    model = NemotronHForCausalLM(make_config(spec))
    randomise(model, spec["seed"])
    tensors = hf_tensors(model)
    rng = np.random.default_rng(spec["seed"] + 1)
    raw, kinds = {}, {"embeddings": Type.Q5_0, "lm_head": Type.Q8_0, "in_proj": Type.Q5_0,
                      "up_proj": Type.Q5_0, "q_proj": Type.Q5_0, "k_proj": Type.F16,
                      "v_proj": Type.Q8_0}
    for name, w in tensors.items():
        if name.endswith(("out_proj.weight", "o_proj.weight")):
            raw[name] = random_q4_k(*w.shape, 1 / w.shape[1] ** 0.5, rng)
        elif name.endswith("down_proj.weight"):
            first = name.startswith("backbone.layers.1.")
            raw[name] = (random_q6_k if first else random_q4_k)(*w.shape, 1 / w.shape[1] ** 0.5, rng)

    def choose(name, _):
        return next(kind for part, kind in kinds.items() if part in name)

    config = make_config(spec).to_dict()
    return with_weights(spec, gguf_writer.write_gguf(path, config, tensors, choose, raw=raw))


def make_tokenizer(path, n_vocab):
    """Byte-level BPE with the published pre-tokenizer and special tokens, and a handful of merges."""
    names = ["<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]",
             "[TOOL_RESULTS]", "[/TOOL_RESULTS]", "[TOOL_CALLS]", "<|im_start|>", "<|im_end|>",
             "<think>", "</think>", "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>"]
    names += [f"<SPECIAL_{i}>" for i in range(len(names), 32)]
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(TEKKEN), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator([TRAINING_TEXT], trainers.BpeTrainer(
        vocab_size=n_vocab, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=[AddedToken(t, special=True, normalized=False) for t in names]))
    assert tokenizer.get_vocab_size() == n_vocab
    data = json.loads(tokenizer.to_str())
    path.write_text(json.dumps(data, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    return data


def main():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    official_scan = official.mamba2_chunk_scan
    for folder in ("hf", "gguf", "golden"):
        shutil.rmtree(HERE / folder, ignore_errors=True)
        (HERE / folder).mkdir()
    cases, loaded = [], {}
    for name, spec in MODELS.items():
        folder, loaded[name] = make_hf(name, spec)
        cases.append(write_golden(name, folder, spec, loaded[name], official_scan))

    # The same weights in BF16 as GGUF: permuted rows and A instead of A_log, so the same logits.
    name, spec = "one_group_p10", MODELS["one_group_p10"]
    path = HERE / "gguf" / f"{name}.bf16.gguf"
    seen = gguf_writer.write_gguf(path, make_config(spec).to_dict(), hf_tensors(loaded[name]),
                                  lambda *_: Type.BF16)
    cases.append(write_golden(f"{name}.bf16", path, spec, with_weights(spec, seen), official_scan))

    name, spec = "four_groups_p80", MODELS["four_groups_p80"]
    path = HERE / "gguf" / f"{name}.q8_0.gguf"
    seen = gguf_writer.write_gguf(path, make_config(spec).to_dict(), hf_tensors(loaded[name]),
                                  lambda *_: Type.Q8_0)
    cases.append(write_golden(f"{name}.q8_0", path, spec, with_weights(spec, seen), official_scan))

    path = HERE / "gguf" / "mixed.gguf"
    cases.append(write_golden("mixed", path, MIXED, make_mixed(path, MIXED), official_scan))
    name, spec = "tiny_chat", MODELS["tiny_chat"]
    tokenizer = make_tokenizer(HERE / "hf" / name / "tokenizer.json", spec["vocab_size"])
    gguf_writer.write_gguf(
        HERE / "gguf" / f"{name}.gguf", make_config(spec).to_dict(), hf_tensors(loaded[name]),
        lambda *_: Type.BF16,
        add_metadata=lambda w: gguf_writer.add_tokenizer(w, tokenizer, spec["vocab_size"]))
    (HERE / "index.json").write_text(json.dumps({"cases": cases}, indent=1) + "\n")


if __name__ == "__main__":
    main()
