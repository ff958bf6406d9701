#!/usr/bin/env python3
"""crosscheck.py - the library's metrics against those of references.py

    crosscheck.py COMPARE WEIGHTS

COMPARE is compare.c, compiled; WEIGHTS a folder of safetensors files, of which real layers are
taken; without it drawn matrices alone are compared. Prints, per metric, how many pairs there
were and the largest relative difference. Exit status 77 where NumPy, SciPy or POT is missing.
"""

import json
import os
import struct
import subprocess
import sys
import tempfile

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # matrices are small

try:
    import numpy as np
    import ot
    import scipy
except ImportError as missing:
    print("skipped: %s" % missing)
    sys.exit(77)

import references

TYPES = {"f32": 1, "f64": 2, "f16": 3, "bf16": 4}
DEFAULTS = {"block": 128, "projections": 128, "centroids": 16, "iterations": 100, "flags": 0,
            "seed": 1, "ridge": 1e-3, "bandwidth": 0.5, "exponent": 2.0,
            "regularisation": 0.05}
SOFTMAX_ROWS = 1


def tolerance(metric, dtype, a, o):
    """Of the value. sinkhorn stops where its marginals are off by 1e-9. Two estimates of
    wasserstein_sliced, from other directions, are that far apart: five deviations."""
    if metric == "wasserstein_sliced" and a.shape[1] > 1:
        return 5 * (2 / o["projections"]) ** 0.5
    return 1e-9 if dtype == "f64" and metric != "sinkhorn" else 1e-6


WHOLE = ["euclidean", "cosine", "linear_cka", "rbf_cka", "debiased_cka", "procrustes"]
BLOCKED = ["covariance", "kl", "js", "wasserstein_gaussian"]
TRANSPORT = ["wasserstein_assignment"]


# ---- matrices


def stored(x, dtype):
    """x as the library gets it, and in f64 what that says."""
    if dtype == "bf16":
        bits = (x.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
        return bits, (bits.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    x = x.astype({"f32": np.float32, "f64": np.float64, "f16": np.float16}[dtype])
    return x, x.astype(np.float64)


def related(rng, rows, columns, share):
    a = rng.standard_normal((rows, columns)) * 0.1
    return a, rng.standard_normal((rows, columns)) * 0.1 + share * a + 0.02


def read_safetensors(path):
    with open(path, "rb") as file:
        length, = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    return {name: np.frombuffer(data[slice(*t["data_offsets"])], "<f4").reshape(t["shape"])
            for name, t in header.items() if name != "__metadata__" and t["dtype"] == "F32"}


def real_pairs(folder):
    """Pairs of weights of one shape, as rows: all neighbours of each shape, and more."""
    for name in ("resnet20-cifar10.safetensors", "stories260K.safetensors"):
        path = os.path.join(folder, name)
        if not os.path.exists(path):
            print("left out: there is no %s" % path)
            continue
        shapes = {}
        for key, x in read_safetensors(path).items():
            if x.ndim >= 2:
                shapes.setdefault(x.shape, []).append(x.reshape(len(x), -1))
        for like in shapes.values():
            for i in range(len(like)):
                for j in range(i + 1, min(i + 3, len(like))):
                    yield like[i], like[j]


# ---- cases


class Cases:
    def __init__(self):
        self.list = []

    def add(self, metric, a, c, dtype="f64", **options):
        raw, values = zip(stored(a, dtype), stored(c, dtype))
        self.list.append((metric, dtype, raw, values, {**DEFAULTS, **options}))

    def write(self, file):
        for metric, dtype, raw, _, o in self.list:
            (ra, ca), (rc, cc) = raw[0].shape, raw[1].shape
            file.write(struct.pack(
                "<32s10qQ4d", metric.encode(), TYPES[dtype], ra, rc, ca, cc, o["block"],
                o["projections"], o["centroids"], o["iterations"], o["flags"], o["seed"],
                o["ridge"], o["bandwidth"], o["exponent"], o["regularisation"]))
            for x in raw:
                data = x.tobytes()
                file.write(data + bytes(-len(data) % 8))


def drawn_cases(cases):
    rng = np.random.default_rng(20201203)
    shapes = [(4, 3), (9, 9), (5, 40), (40, 5), (64, 64), (33, 130), (130, 33), (150, 140)]
    for rows, columns in shapes:
        for share in (0.0, 1.0):
            a, c = related(rng, rows, columns, share)
            for dtype in TYPES:
                for metric in WHOLE + BLOCKED + TRANSPORT:
                    cases.add(metric, a, c, dtype)
            option_cases(cases, a, c)
            size_cases(cases, a, c)
        centroid_cases(cases, rng, *related(rng, min(rows, 64), columns, 0.5))
        sliced_cases(cases, *related(rng, rows, min(columns, 64), 0.5))
        sinkhorn_cases(cases, *related(rng, min(rows, 80), columns, 0.5))


def option_cases(cases, a, c):
    for metric in BLOCKED:
        for block in (-1, 7, 50):
            cases.add(metric, a, c, block=block)
    cases.add("kl", a, c, ridge=0.1)
    cases.add("js", a, c, ridge=0.1)
    cases.add("rbf_cka", a, c, bandwidth=2.0)
    for metric in TRANSPORT:
        cases.add(metric, a, c, exponent=1.0)
        cases.add(metric, a, c, exponent=3.5)
        cases.add(metric, a, c, flags=SOFTMAX_ROWS)


def size_cases(cases, a, c):
    """Sizes that differ, in the direction where the metric allows it."""
    fewer_rows, fewer_columns = c[:len(c) // 2 + 1], c[:, :c.shape[1] // 2 + 1]
    for metric in BLOCKED + TRANSPORT:
        cases.add(metric, a, fewer_rows)
        cases.add(metric, fewer_rows, a, "f32", block=-1)
    for metric in ("linear_cka", "rbf_cka", "debiased_cka", "procrustes"):
        cases.add(metric, a, fewer_columns)
        cases.add(metric, fewer_columns, a, "f32")


def clustered(rng, columns):
    """Rows about five points, much nearer to these than they are to each other."""
    points = 10 * rng.standard_normal((5, columns))
    return rng.permutation(np.repeat(points, [3, 7, 12, 9, 5], 0)
                           + 0.1 * rng.standard_normal((36, columns)))


def centroid_cases(cases, rng, a, c):
    for dtype in TYPES:
        cases.add("wasserstein_centroid", clustered(rng, a.shape[1]),
                  clustered(rng, a.shape[1])[3:], dtype, centroids=5)
    for exponent in (1.0, 2.0, 3.0):  # every row by itself
        cases.add("wasserstein_centroid", a, c, exponent=exponent, centroids=64)
        cases.add("wasserstein_centroid", a, c[:len(c) // 2 + 1], "f32", exponent=exponent,
                  centroids=64)
    cases.add("wasserstein_centroid", a, c, flags=SOFTMAX_ROWS, centroids=64)


def sliced_cases(cases, a, c):
    """Exact in one dimension, where there is but one direction; else an estimate."""
    for x, y in [(a, c), (a, c[:len(c) // 2 + 1]), (a[1:], c)]:
        for exponent in (1.0, 2.0, 3.0):
            for dtype in ("f64", "f32"):
                cases.add("wasserstein_sliced", x[:, :1], y[:, :1], dtype, exponent=exponent)
    cases.add("wasserstein_sliced", a, c, projections=5000)


def sinkhorn_cases(cases, a, c):
    """Until it has converged, within its 1e-9."""
    for x, y, dtype, options in [(a, c, "f64", {"regularisation": 0.2}),
                                 (a, c, "f64", {"regularisation": 1.0}),
                                 (a[:-1], c, "f32", {"regularisation": 0.3}),
                                 (a, c, "f64", {"regularisation": 1.0,
                                                "flags": SOFTMAX_ROWS})]:
        cases.add("sinkhorn", x, y, dtype, iterations=100000, **options)


def real_cases(cases, folder):
    for a, c in real_pairs(folder):
        for metric in WHOLE + BLOCKED + TRANSPORT:
            cases.add(metric, a, c, "f32")


# ---- both sides


def ours(compare, cases):
    with tempfile.NamedTemporaryFile() as file:
        cases.write(file)
        file.flush()
        done = subprocess.run([compare, file.name], check=True, text=True,
                              stdout=subprocess.PIPE)
    lines = done.stdout.splitlines()
    assert len(lines) == len(cases.list), "%d answers to %d cases" % (
        len(lines), len(cases.list))
    return lines


def check(cases, lines):
    worst, count, failed = {}, {}, 0
    for (metric, dtype, raw, values, o), line in zip(cases.list, lines):
        want = getattr(references, metric)(*values, o)
        try:
            off = abs(float(line) - want) / abs(want)
        except ValueError:  # an error of the library's
            off = np.inf
        allowed = tolerance(metric, dtype, values[0], o)
        if not off <= allowed:
            failed += 1
            given = {k: v for k, v in o.items() if v != DEFAULTS[k]}
            print("%s of %s, %s %s %s: %s, not %.17g" % (
                metric, dtype, raw[0].shape, raw[1].shape, given, line, want))
        kind = metric if allowed <= 1e-6 else metric + " (estimates)"
        worst[kind] = max(worst.get(kind, 0.0), off)
        count[kind] = count.get(kind, 0) + 1
    for kind in count:
        print("%-32s %5d pairs, off by %.1e at most" % (kind, count[kind], worst[kind]))
    return failed


def main():
    compare, folder = sys.argv[1:]
    cases = Cases()
    drawn_cases(cases)
    real_cases(cases, folder)
    failed = check(cases, ours(compare, cases))
    if failed:
        print("%d of %d are off by more than they may" % (failed, len(cases.list)))
    return failed != 0


sys.exit(main())
