#!/usr/bin/env python3
"""make_large.py FILE [--layers N] [--side N]

A safetensors file of N bf16 layers h.0.weight ... of [side, side], all different: 64 layers of
side 8192, the default, are 8 GiB. Values are +-[2^-6, 2^-5), drawn with a seed per layer. Exit 77
when NumPy is not installed."""
import argparse
import json
import os
import sys

try:
    import numpy
except ImportError:
    print("make_large.py: NumPy is not installed", file=sys.stderr)
    sys.exit(77)

BLOCK = 1 << 24  # elements


def header(layers, side):
    size = 2 * side * side
    tensors = {
        f"h.{k}.weight": {
            "dtype": "BF16",
            "shape": [side, side],
            "data_offsets": [k * size, (k + 1) * size],
        }
        for k in range(layers)
    }
    text = json.dumps(tensors, separators=(",", ":")).encode()
    text += b" " * (-(len(text) + 8) % 64)
    return len(text).to_bytes(8, "little") + text


def write_layer(file, seed, elements):
    generator = numpy.random.Generator(numpy.random.PCG64(seed))
    for first in range(0, elements, BLOCK):
        count = min(BLOCK, elements - first)
        bits = generator.integers(0, 1 << 16, count, dtype=numpy.uint16)
        bits &= 0x807F  # sign and fraction
        bits |= 0x3C80  # the exponent of 2^-6
        file.write(bits.tobytes())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--layers", type=int, default=64)
    parser.add_argument("--side", type=int, default=8192)
    args = parser.parse_args()
    partial = args.file + ".part"
    with open(partial, "wb") as file:
        file.write(header(args.layers, args.side))
        for k in range(args.layers):
            write_layer(file, k, args.side * args.side)
    os.rename(partial, args.file)


main()
