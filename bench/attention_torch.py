#!/usr/bin/env python3
"""attention_torch.py [--threads N] [--seconds S] [--only CASE]

The cases of bench_attention.c by PyTorch on the CPU, as products, a masked softmax and a product, and
where this PyTorch has it by scaled_dot_product_attention(); the same CSV. Exit 77 when PyTorch is not
installed."""
import argparse
import math
import statistics
import sys
import time

try:
    import torch
    from torch.nn import functional as F
except ImportError:
    print("attention_torch.py: PyTorch is not installed", file=sys.stderr)
    sys.exit(77)

# name, batch, heads, kv heads, tokens, keys, head size
CASES = (("gpt1", 1, 12, 12, 512, 512, 64), ("gpt_s", 16, 8, 8, 256, 256, 32),
         ("long", 1, 12, 12, 2048, 2048, 64), ("longer", 1, 12, 12, 4096, 4096, 64),
         ("grouped", 1, 12, 4, 512, 512, 64), ("one_head", 1, 1, 1, 128, 128, 64),
         ("decode_512", 1, 12, 12, 1, 512, 64), ("decode_4096", 1, 12, 12, 1, 4096, 64),
         ("decode_grouped", 1, 32, 8, 1, 4096, 128))


def measure(step, seconds):
    """Times of single runs, as bench_attention.c takes them."""
    step()
    step()
    times = []
    while len(times) < 7 or (sum(times) < seconds and len(times) < 10000):
        begun = time.perf_counter()
        step()
        times.append(time.perf_counter() - begun)
    return times


def products(q, k, v, mask):
    scores = (q @ k.transpose(-2, -1)) * (1 / math.sqrt(q.shape[-1]))
    if mask is not None:
        scores = scores.masked_fill(mask, float("-inf"))
    return F.softmax(scores, -1) @ v


def fused(q, k, v, mask):
    return F.scaled_dot_product_attention(q, k, v, is_causal=mask is not None)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    ways = [("torch", products)]
    if hasattr(F, "scaled_dot_product_attention"):
        ways.append(("torch-fused", fused))

    for name, batch, heads, kv_heads, tokens, keys, size in CASES:
        if args.only not in ("", name):
            continue
        q = torch.randn(batch, heads, tokens, size, requires_grad=True)
        k, v = (torch.randn(batch, kv_heads, keys, size, requires_grad=True) for _ in range(2))
        dy = torch.randn(batch, heads, tokens, size)
        mask = torch.ones(tokens, keys, dtype=torch.bool).triu(1) if tokens > 1 else None
        for library, way in ways:
            def forward():
                shared = heads // kv_heads
                keys_of, values_of = ((a.repeat_interleave(shared, 1) if shared > 1 else a)
                                      for a in (k, v))
                return way(q, keys_of, values_of, mask)

            def infer():
                with torch.no_grad():
                    forward()

            def both():
                q.grad = k.grad = v.grad = None
                forward().backward(dy)

            for what, step in (("forward", infer), ("forward+backward", both)):
                if what != "forward" and tokens == 1:
                    continue
                times = measure(step, args.seconds)
                median = statistics.median(times)
                print(f"{what},{library},{args.threads},{name},{batch},{heads},{kv_heads},"
                      f"{tokens},{keys},{size},{1e3 * median:.4f},{1e3 * min(times):.4f},"
                      f"{8e-9 * batch * keys * kv_heads * size / median:.1f},,{len(times)},,",
                      flush=True)


if __name__ == "__main__":
    main()
