"""The demo model: an official NemotronHForCausalLM of 7.6 M parameters, and a fast training forward."""
import torch
import torch.nn.functional as F
from transformers import NemotronHConfig, NemotronHForCausalLM

from ssd import patch, scan

VOCAB = 8192
PATTERN = "M-M*-M*M-"


def config():
    return NemotronHConfig(
        vocab_size=VOCAB, hidden_size=256, hybrid_override_pattern=PATTERN, intermediate_size=768,
        num_attention_heads=4, num_key_value_heads=2, head_dim=64, mamba_num_heads=8, mamba_head_dim=64,
        n_groups=2, ssm_state_size=64, conv_kernel=4, chunk_size=64, max_position_embeddings=4096,
        tie_word_embeddings=False, bos_token_id=1, eos_token_id=11, pad_token_id=0, architectures=["NemotronHForCausalLM"])


def create(seed):
    torch.manual_seed(seed)
    return patch(NemotronHForCausalLM(config()))


def mamba(mixer, u, branches, length):
    """u [1, P + K*L, H]: a prefix of P tokens, then K branches of L tokens that all continue it."""
    nh, hp, g, n = mixer.num_heads, mixer.head_dim, mixer.n_groups, mixer.ssm_state_size
    z, xbc, dt = mixer.in_proj(u).split([mixer.intermediate_size, mixer.conv_dim, nh], -1)
    dt = F.softplus(dt.float() + mixer.dt_bias.float())
    A, D = -mixer.A_log.float().exp(), mixer.D.float()
    weight, bias = mixer.conv1d.weight, mixer.conv1d.bias
    prefix = u.shape[1] - branches * length

    def run(xbc, dt, tail, state):
        rows = F.pad(xbc, (0, 0, 3, 0)) if tail is None else torch.cat([tail, xbc], 1)
        c = F.silu(F.conv1d(rows.float().transpose(1, 2), weight, bias, groups=mixer.conv_dim)).transpose(1, 2)
        x, B, C = c.split([mixer.intermediate_size, g * n, g * n], -1)
        y, state = scan(x.unflatten(-1, (nh, hp)), dt, A, B.unflatten(-1, (g, n)), C.unflatten(-1, (g, n)), D, state)
        return y.flatten(2), rows[:, -3:], state

    xbc, xbc_b = xbc.split([prefix, branches * length], 1)
    dt, dt_b = dt.split([prefix, branches * length], 1)
    y, tail, state = run(xbc, dt, None, None)
    if branches:
        rows = lambda v: v[0].unflatten(0, (branches, length))
        yb, _, _ = run(rows(xbc_b), rows(dt_b), tail.expand(branches, -1, -1), state.expand(branches, -1, -1, -1))
        y = torch.cat([y, yb.reshape(1, branches * length, -1)], 1)
    return mixer.out_proj(mixer.norm(y, z).to(u.dtype))


def attention(mixer, u, branches, length):
    prefix = u.shape[1] - branches * length
    heads = lambda v: v.unflatten(-1, (-1, mixer.head_dim)).split([prefix, branches * length], 1)
    (q, q_b), (k, k_b), (v, v_b) = heads(mixer.q_proj(u)), heads(mixer.k_proj(u)), heads(mixer.v_proj(u))
    def attend(q, k, v, mask=None):
        out = F.scaled_dot_product_attention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), attn_mask=mask,
                                             is_causal=mask is None, enable_gqa=True)
        return out.transpose(1, 2).flatten(2)
    y = attend(q, k, v)
    if branches:
        rows = lambda t: t[0].unflatten(0, (branches, length))
        join = lambda t, t_b: torch.cat([t.expand(branches, -1, -1, -1), rows(t_b)], 1)
        mask = torch.ones(length, prefix + length, dtype=torch.bool).tril(prefix)
        yb = attend(rows(q_b), join(k, k_b), join(v, v_b), mask)
        y = torch.cat([y, yb.reshape(1, branches * length, -1)], 1)
    return mixer.o_proj(y)


def tree_forward(model, prefix, branches):
    """prefix [P], branches [K, L] token ids -> final hidden states of the branches [K, L, H].
    Equal to running every row prefix + branch through the official model (proved in check_ssd.py)."""
    count, length = branches.shape
    r = model.model.embeddings(torch.cat([prefix, branches.flatten()])[None])
    for layer in model.model.layers:
        u = layer.norm(r)
        if layer.block_type == "linear_attention":
            u = mamba(layer.mixer, u, count, length)
        elif layer.block_type == "full_attention":
            u = attention(layer.mixer, u, count, length)
        else:
            u = layer.mixer(u)
        r = r + u
    return model.model.norm_f(r)[0, len(prefix):].unflatten(0, (count, length))
