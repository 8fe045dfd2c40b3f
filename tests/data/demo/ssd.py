"""A short, exact SSD scan for the Mamba-2 mixers of transformers' NemotronH, in float32.

The official torch path clamps dt from below at time_step_min and is slow and memory hungry.
`patch(model)` sets the clamp to (0, inf) on every mixer and replaces the scan, so that prompts
of any length are right. Proof: check_ssd.py.
"""
import sys

import torch
import torch.nn.functional as F

CHUNK = 64


def scan(x, dt, A, B, C, D, state=None, chunk=CHUNK):
    """x [b,t,h,p], dt [b,t,h] (after softplus), A and D [h], B and C [b,t,g,n] -> y [b,t,h,p], state [b,h,p,n]."""
    b, t, h, p = x.shape
    g, n = B.shape[2:]
    r = h // g
    pad = -t % chunk
    cut = lambda v: F.pad(v.float(), (0, 0) * (v.dim() - 2) + (0, pad)).unflatten(1, (-1, chunk))
    dt = cut(dt)                                             # padded rows have dt = 0: no decay, no input
    X = cut(x) * dt[..., None]
    B, C = cut(B), cut(C)                                    # [b,c,l,g,n]
    a = (dt * A).transpose(2, 3).cumsum(-1)                  # [b,c,h,l] inclusive
    # inside a chunk: y_t = sum_{s<=t} (C_t.B_s) exp(a_t - a_s) X_s
    mask = torch.ones(chunk, chunk, dtype=torch.bool, device=x.device).tril()
    decay = (a[..., :, None] - a[..., None, :]).masked_fill(~mask, -torch.inf).exp()
    gram = C.permute(0, 1, 3, 2, 4) @ B.permute(0, 1, 3, 4, 2)                     # [b,c,g,l,s]
    Xh = X.permute(0, 1, 3, 2, 4)                                                  # [b,c,h,l,p]
    weights = (decay.unflatten(2, (g, r)) * gram.unsqueeze(3)).flatten(2, 3)
    y = weights @ Xh
    # between chunks: a short loop carries the state
    last = a[..., -1:]
    Bh = B.permute(0, 1, 3, 2, 4).repeat_interleave(r, 2)                          # [b,c,h,l,n]
    Ch = C.permute(0, 1, 3, 2, 4).repeat_interleave(r, 2)
    inputs = (Xh * (last - a).exp()[..., None]).transpose(-1, -2) @ Bh             # [b,c,h,p,n]
    S = x.new_zeros(b, h, p, n, dtype=torch.float32) if state is None else state.float()
    starts = []
    for c in range(y.shape[1]):
        starts.append(S)
        S = last[:, c, :, :, None].exp() * S + inputs[:, c]
    y = y + (Ch * a.exp()[..., None]) @ torch.stack(starts, 1).transpose(-1, -2)
    y = y.permute(0, 1, 3, 2, 4).flatten(1, 2)[:, :t]
    return y + D[:, None] * x.float(), S


def chunk_scan(hidden_states, dt, A, B, C, chunk_size=None, D=None, dt_bias=None, initial_states=None,
               dt_softplus=True, dt_limit=None, return_final_states=False, **_):
    """Drop-in for transformers' mamba2_chunk_scan (the dt clamp is ignored on purpose)."""
    y, state = scan(hidden_states, F.softplus(dt.float() + dt_bias.float()), A, B, C, D.float(), initial_states)
    return (y, state) if return_final_states else y


def patch(model):
    """Makes every Mamba mixer of an official NemotronH model exact; returns the model."""
    for module in model.modules():
        if hasattr(module, "time_step_limit"):
            module.time_step_limit = (0.0, float("inf"))
            module.time_step_min = 0.0
            sys.modules[type(module).__module__].mamba2_chunk_scan = chunk_scan
            for name in ("mamba2_chunk_scan",):
                if hasattr(module, name):
                    setattr(module, name, chunk_scan)
    return model
