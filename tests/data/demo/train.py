"""Trains the demo model on the CPU.

python train.py --model ../../../examples/demo-model --work FOLDER [--minutes 95] [--resume FILE]
Every step draws groups: one tool set and many short conversations that share it. The shared prompt is computed
once and all conversations continue its state (network.tree_forward). Loss on generated assistant tokens only.
The learning rate follows the wall clock, so that its decay ends in time on a busy machine. A checkpoint is
written every ten minutes to --work; creating a file WORK/save-now writes one at once.
"""
import argparse
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer

from generate import Generator, template
from network import create, tree_forward

START, END, THINK, UNTHINK = 10, 11, 12, 13


def spans(ids, think):
    """Loss mask: 1 where ids[i] is a token the model has to generate."""
    mask, i = [0] * len(ids), 0
    while i < len(ids):
        if ids[i] == START and i + 4 < len(ids) and ids[i + 3] == THINK:        # <|im_start|> assistant \n <think>
            plain = ids[i + 4] == UNTHINK
            i += 5                                                             # past "<think></think>" or "<think>\n"
            while True:
                mask[i] = int(plain != think)
                i += 1
                if ids[i - 1] == END:
                    break
        else:
            i += 1
    return mask


def batch(generator, tokenizer, chat, size, bare=False):
    """-> prefix [P], branches [K, L], mask [K, L] of the branch tokens to learn."""
    system, tools, talks = generator.group(size, bare)
    prefix, rows = None, []
    for messages, think in talks:
        text = chat.render(messages=[{"role": "system", "content": system}] + messages, tools=tools, enable_thinking=think)
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        cut = ids.index(START, 1)
        prefix = prefix or ids[:cut]
        rows.append((ids[cut:], spans(ids[cut:], think)))
    length = max(len(r[0]) for r in rows)
    pad = lambda v: v + [0] * (length - len(v))
    return torch.tensor(prefix), torch.tensor([pad(r[0]) for r in rows]), torch.tensor([pad(r[1]) for r in rows])


class Candidates:
    """Token ids for the softmax: everything seen as a target so far and some random others. The output matrix
    is a quarter of the work, and most of the vocabulary is never said."""

    def __init__(self, size):
        self.seen = torch.zeros(size, dtype=torch.bool)

    def choose(self, targets):
        self.seen[targets] = True
        chosen = self.seen | (torch.rand(len(self.seen)) < 0.05)
        return chosen.nonzero()[:, 0], (chosen.cumsum(0) - 1)[targets]


def loss_of(model, prefix, branches, mask, candidates=None):
    hidden = tree_forward(model, prefix, branches)
    wanted = mask[:, 1:].bool()
    hidden, targets, weight = hidden[:, :-1][wanted], branches[:, 1:][wanted], model.lm_head.weight
    if candidates:
        rows, targets = candidates.choose(targets)
        weight = weight[rows]
    return F.cross_entropy(F.linear(hidden, weight).float(), targets, reduction="sum"), len(targets)


class Muon:
    """Momentum with orthogonalised updates for the weight matrices; the workers share the matrices among them."""

    def __init__(self, parameters, rank, world):
        self.parameters, self.momenta = parameters, [torch.zeros_like(p) for p in parameters]
        self.mine = set(sorted(range(len(parameters)), key=lambda i: -parameters[i].numel())[rank::world])
        self.world = world

    @torch.no_grad()
    def step(self, rate, decay=0.01, momentum=0.95):
        updates = [torch.zeros_like(p) for p in self.parameters]
        for i, (p, m) in enumerate(zip(self.parameters, self.momenta)):
            m.lerp_(p.grad, 1 - momentum)
            if i in self.mine:
                x = p.grad.lerp(m, momentum)
                wide = x.shape[0] <= x.shape[1]
                x = x if wide else x.T
                x = x / (x.norm() + 1e-7)
                for _ in range(5):
                    gram = x @ x.T
                    x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
                updates[i] = (x if wide else x.T) * 0.2 * max(x.shape) ** 0.5
        reduce(updates, self.world)
        for p, update in zip(self.parameters, updates):
            p.mul_(1 - rate * decay).sub_(update, alpha=rate)


def reduce(tensors, world):
    """Sums a list of tensors over the workers in place."""
    if world > 1:
        flat = torch.cat([t.flatten() for t in tensors])
        torch.distributed.all_reduce(flat)
        for t, part in zip(tensors, flat.split([t.numel() for t in tensors])):
            t.copy_(part.view_as(t))


def worker(rank, options):
    world = options.workers
    torch.set_num_threads(1)
    if world > 1:
        torch.distributed.init_process_group("gloo", f"file://{options.work.resolve()}/rendezvous-{options.stamp}", rank=rank, world_size=world)
    tokenizer = Tokenizer.from_file(str(options.model / "tokenizer.json"))
    chat = template(options.model / "chat_template.jinja")
    model = create(options.seed).train()
    generator = Generator(options.seed + 1000 * int(options.elapsed) + 17 * rank)
    matrices = [p for n, p in model.named_parameters() if p.dim() == 2 and "embeddings" not in n and "lm_head" not in n]
    chosen = {id(p) for p in matrices}
    muon = Muon(matrices, rank, world)
    adam = torch.optim.AdamW([p for p in model.parameters() if id(p) not in chosen], lr=options.lr, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
    if options.resume:
        saved = torch.load(options.resume)
        model.load_state_dict(saved["model"])
        if "muon" in saved:
            muon.momenta = saved["muon"]
            adam.load_state_dict(saved["adam"])
            adam.param_groups[0]["fused"] = True

    def save():
        torch.save({"model": model.state_dict(), "muon": muon.momenta, "adam": adam.state_dict()}, options.work / "checkpoint.tmp")
        (options.work / "checkpoint.tmp").rename(options.work / "checkpoint.pt")
        print("saved", flush=True)

    begin = time.monotonic() - options.elapsed * 60
    next_save, mark, step, sums = time.monotonic() + 600, time.monotonic(), 0, torch.zeros(3)
    now, candidates = options.elapsed, Candidates(len(model.lm_head.weight))
    while True:
        prefix, branches, mask = batch(generator, tokenizer, chat, options.size, now < options.bare)
        loss, count = loss_of(model, prefix, branches, mask, candidates if now < 0.85 * options.minutes else None)
        (loss / (40 * options.size * world)).backward()
        shared = torch.tensor([(time.monotonic() - begin) / 60, loss.item(), count, len(prefix) + branches.numel()])
        reduce([p.grad for p in model.parameters()] + [shared], world)
        now = float(shared[0]) / world                       # the same on every worker
        progress = now / options.minutes
        rate = options.lr * min(1, (step + 1) / 12) * min(1, max(0.0, (1 - progress) / 0.6))    # flat, then linear to 0
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        muon.step(rate)
        adam.param_groups[0]["lr"] = rate
        adam.step()
        for p in model.parameters():
            p.grad = None
        step += 1
        sums += shared[1:]
        if rank == 0:
            if step % 20 == 0:
                print(f"{now:.1f} min step {step} loss {sums[0] / sums[1]:.4f} lr {rate:.2e} "
                      f"{sums[2] / (time.monotonic() - mark):.0f} tokens/s {sums[1]:.0f} learned", flush=True)
                sums.zero_()
                mark = time.monotonic()
            if time.monotonic() > next_save or (options.work / "save-now").exists() or progress >= 1:
                (options.work / "save-now").unlink(missing_ok=True)
                next_save = time.monotonic() + 600
                save()
        if progress >= 1:
            break


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="folder with tokenizer.json and chat_template.jinja")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=95)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", type=int, default=32, help="turns per worker and step")
    parser.add_argument("--bare", type=float, default=15, help="minutes of the first phase: prompts without the tool list, "
                        "so that the few words of the user are not lost among 700 other tokens before the model knows them")
    parser.add_argument("--workers", type=int, default=2, help="single-threaded data-parallel processes")
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--resume", type=Path)
    parser.add_argument("--elapsed", type=float, default=0, help="minutes already trained, with --resume")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    options.stamp = time.time_ns()
    torch.multiprocessing.spawn(worker, (options,), options.workers)


if __name__ == "__main__":
    main()
