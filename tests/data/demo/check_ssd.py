"""Proves ssd.py: <= 1e-5 (relative to the largest value) against a token-by-token recurrence, against the official torch path
(time_step_min = 0) at lengths <= one chunk, and network.tree_forward against the official model.

python check_ssd.py
"""
import torch
import torch.nn.functional as F
from transformers import NemotronHForCausalLM
from transformers.models.nemotron_h import modeling_nemotron_h as official

from network import config, tree_forward
from ssd import CHUNK, patch, scan

ORIGINAL = official.mamba2_chunk_scan


def recurrence(x, dt, A, B, C, D, state):
    """Section 3.1 of the Mamba-2 mathematics, one token at a time."""
    b, t, h, p = x.shape
    r = h // B.shape[2]
    ys = []
    for i in range(t):
        Bi, Ci = B[:, i].repeat_interleave(r, 1), C[:, i].repeat_interleave(r, 1)
        state = (dt[:, i] * A).exp()[..., None, None] * state + (dt[:, i, :, None] * x[:, i])[..., None] * Bi[:, :, None]
        ys.append((state * Ci[:, :, None]).sum(-1) + D[:, None] * x[:, i])
    return torch.stack(ys, 1), state


def worst(a, b):
    return float((a - b).abs().max() / b.abs().max())


def report(name, value, limit=1e-5):
    print(f"{name:58s} {value:.2e} {'ok' if value <= limit else 'FAILED'}")
    return value <= limit


def main():
    torch.manual_seed(0)
    good = True
    for t in (1, 5, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 1000):
        x, dt = torch.randn(2, t, 8, 16), F.softplus(torch.randn(2, t, 8) - 1)
        B, C = torch.randn(2, t, 2, 32), torch.randn(2, t, 2, 32)
        A, D, start = -torch.rand(8) * 8 - 0.1, torch.randn(8), torch.randn(2, 8, 16, 32)
        y, state = scan(x, dt, A, B, C, D, start)
        y0, state0 = recurrence(*(v.double() for v in (x, dt, A, B, C, D, start)))
        good &= report(f"scan vs recurrence, {t} tokens: output", worst(y, y0))
        good &= report(f"scan vs recurrence, {t} tokens: state", worst(state, state0))
        if t <= CHUNK:
            y1, state1 = ORIGINAL(x, dt, A, B, C, CHUNK, D=D, initial_states=start, return_final_states=True)
            good &= report(f"scan vs official scan, {t} tokens: output", worst(y, y1))
            good &= report(f"scan vs official scan, {t} tokens: state", worst(state, state1))
    model = NemotronHForCausalLM(config()).eval()
    ids = torch.randint(1000, 8192, (1, CHUNK))
    with torch.no_grad():
        for module in model.modules():
            if hasattr(module, "time_step_limit"):
                module.time_step_limit = (0.0, float("inf"))
        reference = model(ids, use_cache=False).logits
        patch(model)
        good &= report("patched model vs official model, one chunk: logits", worst(model(ids, use_cache=False).logits, reference))
        prefix, branches = torch.randint(1000, 8192, (200,)), torch.randint(1000, 8192, (3, 90))
        full = torch.cat([prefix.expand(3, -1), branches], 1)
        tree = model.lm_head(tree_forward(model, prefix, branches))
        good &= report("tree_forward vs patched official model: logits", worst(tree, model(full, use_cache=False).logits[:, 200:]))
        cache = model(full[:, :200], use_cache=True).past_key_values
        steps = [model(full[:, i:i + 1], past_key_values=cache, use_cache=True).logits for i in range(200, 290)]
        good &= report("token-by-token with cache vs tree_forward: logits", worst(torch.cat(steps, 1), tree))
    raise SystemExit(0 if good else 1)


if __name__ == "__main__":
    main()
