#!/usr/bin/env python3
"""gpt_torch.py GPT_GRADIENTS - a whole small GPT's logits, loss and gradients against PyTorch's

GPT_GRADIENTS is gpt_gradients.c, compiled. PyTorch computes in f64 from the checkpoint that it wrote;
what differs by 1e-4 or more of the norm of a gradient fails. Exit status 77 without PyTorch."""

import json
import math
import os
import struct
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import torch
    from torch.nn import functional as F
except ImportError as missing:
    print("skipped: %s" % missing)
    sys.exit(77)

TOLERANCE = 1e-4


def read(path):
    """The tensors of a safetensors file, and its metadata."""
    with open(path, "rb") as file:
        data = file.read()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, t in header.items():
        begin, end = t["data_offsets"]
        values = np.frombuffer(data[8 + size + begin:8 + size + end], np.float32)
        tensors[name] = torch.tensor(values.reshape(t["shape"]).astype(np.float64))
    return tensors, metadata


def gpt(w, ids, heads):
    """GPT-2 by its definition: matrices are (in, out)."""
    batch, tokens = ids.shape
    width = w["wte.weight"].shape[1]
    mask = torch.ones(tokens, tokens, dtype=torch.bool).triu(1)

    def norm(x, name):
        return F.layer_norm(x, (width,), w[name + ".weight"], w[name + ".bias"], 1e-5)

    def linear(x, name):
        return x @ w[name + ".weight"] + w[name + ".bias"]

    def attention(x, name):
        q, k, v = (t.view(batch, tokens, heads, -1).transpose(1, 2)
                   for t in linear(x, name + ".c_attn").split(width, 2))
        scores = q @ k.transpose(2, 3) / math.sqrt(width // heads)
        y = F.softmax(scores.masked_fill(mask, -math.inf), 3) @ v
        return linear(y.transpose(1, 2).reshape(batch, tokens, width), name + ".c_proj")

    x = w["wte.weight"][ids] + w["wpe.weight"][:tokens]
    block = 0
    while "h.%d.ln_1.weight" % block in w:
        h = "h.%d." % block
        x = x + attention(norm(x, h + "ln_1"), h + "attn")
        wide = F.gelu(linear(norm(x, h + "ln_2"), h + "mlp.c_fc"), approximate="tanh")
        x = x + linear(wide, h + "mlp.c_proj")
        block += 1
    return norm(x, "ln_f") @ w["wte.weight"].T


def difference(got, expected):
    return ((got - expected).norm() / expected.norm()).item()


def main():
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name) for name in ("network", "results")]
        subprocess.run([sys.argv[1], *paths], check=True)
        weights, metadata = read(paths[0])
        results, _ = read(paths[1])

    for w in weights.values():
        w.requires_grad_()
    labels = results.pop("labels").long().reshape(-1)
    logits = gpt(weights, results.pop("ids").long(), int(metadata["n_head"]))
    logits = logits.reshape(len(labels), -1)
    loss = F.cross_entropy(logits, labels, ignore_index=-1)
    loss.backward()

    expected = {name: w.grad.T if w.dim() == 2 and not name.startswith("w") else w.grad
                for name, w in weights.items()}
    expected.update(logits=logits.detach(), loss=loss.detach().reshape(1))
    if set(results) != set(expected):
        print("not the same tensors: %s" % sorted(set(results) ^ set(expected)))
        return 1
    worst = max(results, key=lambda name: difference(results[name], expected[name]))
    off = difference(results[worst], expected[worst])
    print("%d tensors, loss %.6f; largest relative difference %.2g, of %s"
          % (len(results), loss, off, worst))
    return 0 if off < TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main())
