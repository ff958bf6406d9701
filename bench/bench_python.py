#!/usr/bin/env python3
"""bench_python.py - what a call costs from Python

    LAYERFUSE_LIBRARY=build/liblayerfuse.so.0 PYTHONPATH=bindings/python bench/bench_python.py

The least of many short runs, in microseconds: what remains of a busy machine is left out.
"""

import time

import numpy as np

import layerfuse as lf

CALLS, RUNS = 100, 300


def cost(call):
    best = float("inf")
    for _ in range(RUNS):
        start = time.perf_counter()
        for _ in range(CALLS):
            call()
        best = min(best, time.perf_counter() - start)
    return best / CALLS * 1e6


def main():
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((4, 4)).astype(np.float32) for _ in range(2))
    x, w = rng.standard_normal((2, 3, 8, 8)), rng.standard_normal((4, 3, 3, 3))
    x, w = x.astype(np.float32), w.astype(np.float32)
    rows = [("similarity of two 4x4, euclidean", lambda: lf.similarity(a, b)),
            ("similarity of two 4x4, linear_cka", lambda: lf.similarity(a, b, "linear_cka")),
            ("similarity of two 4x4, transposed", lambda: lf.similarity(a.T, b.T)),
            ("numpy.linalg.norm(a - b)", lambda: np.linalg.norm(a - b)),
            ("kernels.gemm of two 4x4", lambda: lf.kernels.gemm(a, b)),
            ("kernels.conv2d_forward, 2 x 3 x 8 x 8", lambda: lf.kernels.conv2d_forward(x, w))]
    try:
        import torch
        p, q = torch.tensor(a), torch.tensor(b)
        rows.append(("similarity of two 4x4 tensors of PyTorch", lambda: lf.similarity(p, q)))
    except ImportError:
        pass
    for what, call in rows:
        print("%-42s %6.1f us" % (what, cost(call)))


if __name__ == "__main__":
    main()
