#!/usr/bin/env python3
"""lm_torch.py [--blocks N] [--width N] [--heads N] [--tokens N] [--batch N] [--vocabulary N]
             [--threads N] [--seconds S] [--gelu none|tanh]

The same GPT, the same step and the same CSV as bench_lm.c, by PyTorch on the CPU. Exit 77 when
PyTorch is not installed."""
import argparse
import math
import statistics
import sys
import time

try:
    import torch
    from torch import nn
    from torch.nn import functional as F
except ImportError:
    print("lm_torch.py: PyTorch is not installed", file=sys.stderr)
    sys.exit(77)


class Block(nn.Module):
    def __init__(self, width, heads, gelu):
        super().__init__()
        self.heads, self.gelu = heads, gelu
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attend, self.project = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.widen, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x, mask):
        batch, tokens, width = x.shape
        q, k, v = (t.view(batch, tokens, self.heads, -1).transpose(1, 2)
                   for t in self.attend(self.ln_1(x)).split(width, 2))
        scores = (q @ k.transpose(-2, -1)) * (1 / math.sqrt(width // self.heads))
        y = F.softmax(scores.masked_fill(mask, -math.inf), -1) @ v
        x = x + self.project(y.transpose(1, 2).reshape(batch, tokens, width))
        return x + self.narrow(F.gelu(self.widen(self.ln_2(x)), approximate=self.gelu))


class GPT(nn.Module):
    def __init__(self, a):
        super().__init__()
        self.wte = nn.Embedding(a.vocabulary, a.width)
        self.wpe = nn.Embedding(a.tokens, a.width)
        self.blocks = nn.ModuleList(Block(a.width, a.heads, a.gelu) for _ in range(a.blocks))
        self.ln_f = nn.LayerNorm(a.width)
        self.register_buffer("mask", torch.ones(a.tokens, a.tokens, dtype=torch.bool).triu(1))

    def forward(self, ids):
        x = self.wte(ids) + self.wpe.weight
        for block in self.blocks:
            x = block(x, self.mask)
        return self.ln_f(x) @ self.wte.weight.T


def measure(step, seconds):
    """Times of single steps, as bench_lm.c takes them."""
    step()
    step()
    times = []
    while len(times) < 5 or (sum(times) < seconds and len(times) < 1000):
        begun = time.perf_counter()
        step()
        times.append(time.perf_counter() - begun)
    return times


def main():
    parser = argparse.ArgumentParser()
    for name, default in (("blocks", 6), ("width", 256), ("heads", 8), ("tokens", 256),
                          ("batch", 16), ("vocabulary", 256), ("threads", 2)):
        parser.add_argument("--" + name, type=int, default=default)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--gelu", default="none")  # its faster one
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(1)

    net = GPT(a)
    ids, labels = (torch.randint(a.vocabulary, (a.batch, a.tokens)) for _ in range(2))
    adamw = torch.optim.AdamW(net.parameters(), 3e-4)

    def train():
        adamw.zero_grad(set_to_none=True)
        F.cross_entropy(net(ids).flatten(0, 1), labels.flatten()).backward()
        adamw.step()

    def infer():
        with torch.no_grad():
            net(ids)

    for what, step in (("train", train), ("infer", infer)):
        net.train(what == "train")
        times = measure(step, a.seconds)
        median = statistics.median(times)
        print(f"{what},torch,{a.threads},gpt{a.blocks}x{a.width}v{a.vocabulary},"
              f"{a.batch}x{a.tokens},{1e3 * median:.1f},{1e3 * min(times):.1f},"
              f"{a.batch * a.tokens / median:.1f},{len(times)},,", flush=True)


if __name__ == "__main__":
    main()
