#!/usr/bin/env python3
"""bench_python_memory.py - what planning and fusing a module of PyTorch takes beside the module

    LAYERFUSE_LIBRARY=build/liblayerfuse.so.0 PYTHONPATH=bindings/python \\
        bench/bench_python_memory.py [MEGABYTES [METRIC [POLICY]]]

Prints the module's bytes, the most that was resident before and during lf.torch.fuse(), less what
the process takes without a module, and the ratio of the two.
"""

import sys
import time

import torch
from torch import nn

import layerfuse as lf

SIDE = 2048  # a matrix of 16 MiB


def resident(field):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(field)) * 1024


def forget_peak():
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def matrices(count):
    module = nn.Sequential(*[nn.Linear(1, 1, bias=False) for _ in range(count)])
    for part in module:
        part.weight = nn.Parameter(torch.empty(SIDE, SIDE).normal_())
    return module


def main():
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    metric = sys.argv[2] if len(sys.argv) > 2 else "euclidean"
    policy = sys.argv[3] if len(sys.argv) > 3 else "average"
    lf.similarity(torch.zeros(64, 64) + 1, torch.ones(64, 64))  # what is loaded once
    before = resident("VmRSS")
    module = matrices(max(2, round(megabytes * 1e6 / (4 * SIDE * SIDE))))
    held = sum(p.numel() * 4 for p in module.parameters())
    forget_peak()
    start = time.perf_counter()
    plan = lf.torch.fuse(module, ratio=2.0, metric=metric, policy=policy)
    seconds = time.perf_counter() - start
    peak, after = resident("VmHWM") - before, resident("VmRSS") - before
    print("%s, %s: module %.1f MB, peak while planning and fusing %.1f MB (%.3f times), after "
          "%.1f MB; %d fusions in %.1f s" % (metric, policy, held / 1e6, peak / 1e6, peak / held,
                                             after / 1e6, len(plan.fusions), seconds))


if __name__ == "__main__":
    main()
