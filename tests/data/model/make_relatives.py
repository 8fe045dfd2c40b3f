"""Makes tiny models in the layouts of the relatives and in every published type: relatives/.

    python make_relatives.py          # needs ../requirements.txt; rewrites relatives/

Built and run by the official classes, as in make_goldens.py (whose replacements of the official code
it uses). Two groups of cases:

* layouts: the spellings of config.json and of tensor names that Nano v2, Nemotron-H and nested
  checkpoints have, with the ratios of their shapes;
* types: one model as BF16, static FP8, and GGUF F16, Q8_0 and the mix of a Q4_K_M file. The goldens
  are those of the official code with the dequantised weights in f32. For FP8 there are two: with the
  inputs of the FP8 products rounded as ModelOpt's static recipe does (torch.float8_e4m3fn), and with
  the weights alone.
"""

import json
import platform
import shutil
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
import transformers
from gguf import GGMLQuantizationType as Type
from gguf.quants import dequantize
from huggingface_hub import save_torch_state_dict
from safetensors.torch import save_file
from transformers import NemotronHForCausalLM
from transformers.models.nemotron_h import modeling_nemotron_h as official

import make_goldens as base
import gguf_writer  # on the path by make_goldens

OUT = Path(__file__).resolve().parent / "relatives"
FP8_MAX = 448.0

SMALL = dict(vocab_size=48, hidden_size=32, num_attention_heads=4, num_key_value_heads=2, head_dim=12,
             intermediate_size=40, ssm_state_size=16, chunk_size=8, n_tokens=40)
LAYOUTS = {
    # Nano v2: 16 Mamba heads per group; the pattern as an array; attention_head_dim; rms_norm_eps
    "nano_v2": dict(SMALL, seed=101, pattern="M-M*-", mamba_num_heads=32, mamba_head_dim=5, n_groups=2),
    # Nemotron-H 4B: 14 heads per group; layers_block_type; model. prefix; F32 A_log, D, dt_bias; shards
    "nemotron_h": dict(SMALL, seed=102, pattern="M-M*-", mamba_num_heads=28, mamba_head_dim=4, n_groups=2),
    # a text model inside another: text_config, language_model. prefix, a width for each layer
    "nested": dict(SMALL, seed=103, pattern="M*-M", mamba_num_heads=8, mamba_head_dim=10, n_groups=4),
}
# d_inner, FFN and attention widths of 256, which K-quants need; the width of the model is not.
TYPES = dict(seed=104, pattern="M-M*", vocab_size=64, hidden_size=32, num_attention_heads=8,
             num_key_value_heads=2, head_dim=32, intermediate_size=256, mamba_num_heads=16,
             mamba_head_dim=16, n_groups=2, ssm_state_size=16, chunk_size=8, n_tokens=24)
FP8_MODULES = ("layers.0.mixer.in_proj", "layers.0.mixer.out_proj", "layers.1.mixer.up_proj",
               "layers.1.mixer.down_proj")
EXTRA = ("seed", "pattern", "n_tokens")


def make_config(spec):
    return base.make_config({k: v for k, v in spec.items() if k not in EXTRA} | {"pattern": spec["pattern"]})


def bf16(tensor):
    return tensor.to(torch.bfloat16).float()


def random_state(spec):
    """HF-named f32 weights that BF16 holds exactly."""
    model = NemotronHForCausalLM(make_config(spec))
    base.randomise(model, spec["seed"])
    return {name.replace("model.", "backbone.", 1): bf16(p.detach())
            for name, p in model.state_dict().items()}


def load(spec, state):
    return base.with_weights(spec, {name: p.numpy() for name, p in state.items()})


def prompt(spec, seed):
    rng = np.random.default_rng(seed)
    return [int(t) for t in rng.integers(0, spec["vocab_size"], spec["n_tokens"])]


def write_case(name, model_path, tokens, logits, notes=None):
    golden = OUT / "golden"
    logits.astype("<f4").tofile(golden / f"{name}.bin")
    description = {"case": name, "model": str(model_path.relative_to(OUT)), "tokens": tokens,
                   "logits": f"golden/{name}.bin", "rms": float(np.sqrt((logits ** 2).mean())),
                   **(notes or {})}
    print(f"{name:22} rms {description['rms']:.3f} {notes or ''}")
    return description


def config_json(spec):
    config = json.loads(make_config(spec).to_json_string())
    return base.published_spelling(config | {"dtype": "bfloat16"})


def write_json(path, value):
    path.write_text(json.dumps(value, indent=1) + "\n")


def write_shards(state, folder, max_shard_size):
    save_torch_state_dict(state, folder, max_shard_size=max_shard_size)
    for file in folder.iterdir():
        file.chmod(0o644)


# --- layouts ---------------------------------------------------------------------------------------
def nano_v2(folder, spec, state):
    config = config_json(spec)
    pattern = config["hybrid_override_pattern"]
    config["hybrid_override_pattern"] = [pattern[:2], pattern[2:]]
    config["num_hidden_layers"] = 99  # stale, as after pruning
    config["attention_head_dim"] = config.pop("head_dim")
    del config["layer_norm_epsilon"]  # rms_norm_eps stays
    write_json(folder / "config.json", config)
    save_file({n: p.to(torch.bfloat16) for n, p in state.items()}, folder / "model.safetensors")


def nemotron_h(folder, spec, state):
    config = json.loads(make_config(spec).to_json_string())
    names = {"linear_attention": "mamba", "full_attention": "attention", "mlp": "mlp"}
    config["layers_block_type"] = [names[kind] for kind in config["layers_block_type"]]
    config["norm_eps"] = config.pop("layer_norm_epsilon")
    config.pop("num_hidden_layers", None)
    write_json(folder / "config.json", config)
    stays_f32 = ("A_log", "mixer.D", "dt_bias")
    state = {n.replace("backbone.", "model.", 1): p if n.endswith(stays_f32) else p.to(torch.bfloat16)
             for n, p in state.items()}
    write_shards(state, folder, 12000)


def nested(folder, spec, state):
    config = config_json(spec)
    config["intermediate_size"] = [config["intermediate_size"] if kind == "-" else 0
                                   for kind in spec["pattern"]]
    outer = {"model_type": "nemotron_h_vl", "architectures": ["Outer"], "text_config": config}
    write_json(folder / "config.json", outer)
    save_file({"language_model." + n: p.to(torch.bfloat16) for n, p in state.items()},
              folder / "model.safetensors")


def make_layouts():
    cases = []
    for name, spec in LAYOUTS.items():
        folder = OUT / name
        folder.mkdir()
        state = random_state(spec)
        globals()[name](folder, spec, state)
        (folder / "model.safetensors").exists() and (folder / "model.safetensors").chmod(0o644)
        tokens = prompt(spec, spec["seed"])
        logits, stream = base.run(load(spec, state), tokens)
        base.check_layers_matter(None, stream)
        cases.append(write_case(name, folder, tokens, logits))
        if name == "nano_v2":
            path = OUT / f"{name}.f16.gguf"
            seen = gguf_writer.write_gguf(path, make_config(spec).to_dict(),
                                          {n: p.numpy() for n, p in state.items()}, lambda *_: Type.F16)
            logits, _ = base.run(base.with_weights(spec, seen), tokens)
            cases.append(write_case(f"{name}.f16", path, tokens, logits))
    return cases


# --- K-quant blocks: a plain min-max quantiser, enough for a test ---------------------------------
def q4_k(w):
    x = w.reshape(-1, 8, 32).astype(np.float64)
    low, high = np.minimum(x.min(-1), 0), x.max(-1)
    d = ((high - low) / 15).max(-1) / 63
    dmin = (-low).max(-1) / 63
    halves = np.stack([d, dmin], axis=1).astype("<f2")
    d, dmin = halves[:, 0].astype(np.float64)[:, None], halves[:, 1].astype(np.float64)[:, None]
    scales = np.clip(np.ceil((high - low) / 15 / d), 1, 63).astype(int)
    mins = np.clip(np.round(-low / dmin), 0, 63).astype(int)
    q = np.round((x + (dmin * mins)[..., None]) / (d * scales)[..., None])
    q = np.clip(q, 0, 15).astype(np.uint8).reshape(-1, 4, 2, 32)
    packed = np.zeros((len(x), 12), np.uint8)
    packed[:, 0:4] = scales[:, :4] | scales[:, 4:] >> 4 << 6
    packed[:, 4:8] = mins[:, :4] | mins[:, 4:] >> 4 << 6
    packed[:, 8:12] = (scales[:, 4:] & 15) | (mins[:, 4:] & 15) << 4
    qs = (q[:, :, 0] | q[:, :, 1] << 4).reshape(-1, 128)
    blocks = np.concatenate([halves.view(np.uint8).reshape(-1, 4), packed, qs], axis=1)
    return blocks.reshape(w.shape[0], -1), Type.Q4_K


def q6_k(w):
    x = w.reshape(-1, 16, 16).astype(np.float64)
    step = np.abs(x).max(-1) / 31
    d = (step.max(-1, keepdims=True) / 127).astype("<f2")
    scales = np.clip(np.ceil(step / d.astype(np.float64)), 1, 127).astype(np.int8)
    q = np.round(x / (d.astype(np.float64) * scales)[..., None])
    q = (np.clip(q, -32, 31) + 32).astype(np.uint8).reshape(-1, 2, 4, 32)
    ql = np.concatenate([q[:, :, 0] & 15 | (q[:, :, 2] & 15) << 4, q[:, :, 1] & 15 | (q[:, :, 3] & 15) << 4],
                        axis=-1).reshape(-1, 128)
    qh = (q[:, :, 0] >> 4 | q[:, :, 1] >> 4 << 2 | q[:, :, 2] >> 4 << 4 | q[:, :, 3] >> 4 << 6).reshape(-1, 64)
    blocks = np.concatenate([ql, qh, scales.view(np.uint8), d.view(np.uint8)], axis=1)
    return blocks.reshape(w.shape[0], -1), Type.Q6_K


def k_blocks(state):
    raw = {}
    for name, p in state.items():
        quantise = (q6_k if name.endswith("down_proj.weight") else
                    q4_k if name.endswith(("out_proj.weight", "o_proj.weight")) else None)
        if quantise:
            raw[name] = quantise(p.numpy())
            error = np.abs(dequantize(*raw[name]) - p.numpy()).max() / np.abs(p.numpy()).max()
            assert error < (0.02 if quantise is q6_k else 0.09), (name, error)
    return raw


# --- FP8 -------------------------------------------------------------------------------------------
def round_input(x, scale):
    return torch.clamp(x / scale, -FP8_MAX, FP8_MAX).to(torch.float8_e4m3fn).float() * scale


def fp8_linears(model):
    return {name: module for name, module in model.named_modules()
            if name.removeprefix("model.") in FP8_MODULES}


def input_scales(model, spec):
    """From the largest inputs on other prompts, a little too small so that some saturate."""
    largest = {}
    hooks = [m.register_forward_pre_hook(
        lambda _, args, name=name: largest.__setitem__(name, max(largest.get(name, 0.0), float(args[0].abs().max()))))
        for name, m in fp8_linears(model).items()]
    for seed in range(3):
        base.run(model, prompt(spec, 900 + seed))
    for hook in hooks:
        hook.remove()
    return {name: np.float32(0.8 * value / FP8_MAX) for name, value in largest.items()}


def run_fp8(model, tokens, scales, noise=0.0, seed=0):
    generator = torch.Generator().manual_seed(seed)

    def hook(name):
        def rounded(_, args):
            x = args[0]
            if noise:
                x = x * (1 + noise * torch.randn(x.shape, generator=generator))
            return (round_input(x, torch.tensor(scales[name])),)
        return rounded

    hooks = [m.register_forward_pre_hook(hook(name)) for name, m in fp8_linears(model).items()]
    logits, _ = base.run(model, tokens)
    for h in hooks:
        h.remove()
    return logits


def stable_prompt(model, spec, scales):
    """A prompt on which no input lies so near a rounding boundary that another order of summation
    would fall on its other side: that is a difference of a whole FP8 step."""
    for seed in range(2000):
        tokens = prompt(spec, seed)
        logits = run_fp8(model, tokens, scales)
        bound = 2e-5 * np.sqrt((logits ** 2).mean())
        if all(np.abs(run_fp8(model, tokens, scales, 1e-6, i) - logits).max() < bound for i in range(8)):
            return tokens
    raise AssertionError("no stable prompt")


def make_fp8(folder, spec, state):
    """ModelOpt's layout; returns the dequantised weights."""
    folder.mkdir()
    stored, seen = {}, dict(state)
    scales = input_scales(load(spec, state), spec)
    for name, p in state.items():
        stored[name] = p.to(torch.bfloat16)
        module = name.removesuffix(".weight").removeprefix("backbone.")
        if module in FP8_MODULES:
            scale = p.abs().max() / FP8_MAX
            stored[name] = (p / scale).to(torch.float8_e4m3fn)
            seen[name] = stored[name].float() * scale
            stem = name.removesuffix("weight")
            stored[stem + "weight_scale"] = scale.float()
            stored[stem + "input_scale"] = torch.tensor([scales["model." + module]])  # [1] beside a scalar
    save_file(stored, folder / "model.safetensors")
    (folder / "model.safetensors").chmod(0o644)
    write_json(folder / "config.json", config_json(spec))
    excluded = sorted(n.removesuffix(".weight") for n, p in state.items()
                      if p.ndim > 1 and n.removesuffix(".weight").removeprefix("backbone.") not in FP8_MODULES)
    write_json(folder / "hf_quant_config.json", {
        "producer": {"name": "modelopt", "version": "0.0"},
        "quantization": {"quant_algo": "FP8", "kv_cache_quant_algo": None, "exclude_modules": excluded}})
    return seen, scales


def relative_rms(a, b):
    return float(np.sqrt(((a - b) ** 2).mean() / (b ** 2).mean()))


def make_types():
    spec, cases = TYPES, []
    state = random_state(spec)
    seen, scales = make_fp8(OUT / "types_fp8", spec, state)
    fp8_model = load(spec, seen)
    tokens = stable_prompt(fp8_model, spec, scales)
    exact, stream = base.run(load(spec, state), tokens)
    base.check_layers_matter(None, stream)

    folder = OUT / "types_bf16"
    folder.mkdir()
    save_file({n: p.to(torch.bfloat16) for n, p in state.items()}, folder / "model.safetensors")
    (folder / "model.safetensors").chmod(0o644)
    write_json(folder / "config.json", config_json(spec))
    cases.append(write_case("types_bf16", folder, tokens, exact, {"error": 0.0}))

    def add(name, path, logits, **notes):
        cases.append(write_case(name, path, tokens, logits, {"error": relative_rms(logits, exact)} | notes))

    add("types_fp8", OUT / "types_fp8", run_fp8(fp8_model, tokens, scales))
    add("types_fp8_weight_only", OUT / "types_fp8", base.run(fp8_model, tokens)[0], weight_only=True)
    mix = {"embeddings": Type.Q5_0, "lm_head": Type.Q8_0, "in_proj": Type.Q5_0, "up_proj": Type.Q5_0,
           "q_proj": Type.Q5_0, "k_proj": Type.Q5_0, "v_proj": Type.Q8_0}
    choices = {"f16": (lambda *_: Type.F16, None), "q8_0": (lambda *_: Type.Q8_0, None),
               "q4_k_m": (lambda name, _: next(t for part, t in mix.items() if part in name), k_blocks(state))}
    for name, (choose, raw) in choices.items():
        path = OUT / f"types.{name}.gguf"
        weights = gguf_writer.write_gguf(path, make_config(spec).to_dict(),
                                         {n: p.numpy() for n, p in state.items()}, choose, raw=raw)
        add(f"types_{name}", path, base.run(base.with_weights(spec, weights), tokens)[0])
    return cases


def main():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    official.mamba2_chunk_scan = base.recurrent_scan
    shutil.rmtree(OUT, ignore_errors=True)
    (OUT / "golden").mkdir(parents=True)
    cases = make_layouts() + make_types()
    versions = {p: version(p) for p in ("torch", "transformers", "safetensors", "gguf", "numpy", "huggingface_hub")}
    write_json(OUT / "index.json", {"cases": cases, "versions": versions | {"python": platform.python_version()}})


if __name__ == "__main__":
    main()
