#!/usr/bin/env python3
"""make_similarity.py - writes similarity.h, the golden numbers of tests/unit/test_similarity.c

The weights are those of lft_value(): 16-bit fractions drawn by SplitMix64, so nothing but the
results needs to be stored. Everything is computed by NumPy in f64, block by block with
numpy.cov, in no way like the library does it.

    python3 tests/golden/make_similarity.py > tests/golden/similarity.h

Written with Python 3.11, NumPy 1.24; seeds as in CASES. Run it again only to add cases.
"""

import numpy as np

MASK = (1 << 64) - 1

# name, rows, columns, block, seed of a, seed of c, share of a in c
CASES = [
    ("small", 6, 5, 128, 1, 2, 0.0),
    ("cut", 300, 130, 128, 3, 4, 0.5),
    ("whole", 300, 130, -1, 3, 4, 0.5),
    ("odd", 37, 53, 7, 5, 6, 0.25),
    ("wide", 24, 200, 128, 7, 8, 0.75),
]


def mix(z):
    z = (z + 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def values(seed, count):
    draws = [mix(mix(mix(seed)) ^ i) >> 48 for i in range(count)]
    return (np.array(draws, dtype=np.float64) - 32768.0) / 32768.0


def covariance(a, c, block):
    def cut(length):
        return 1 if block < 0 else -(-length // block)

    found = []
    for ra, rc in zip(np.array_split(a, cut(a.shape[0]), 0),
                      np.array_split(c, cut(c.shape[0]), 0)):
        for x, y in zip(np.array_split(ra, cut(a.shape[1]), 1),
                        np.array_split(rc, cut(c.shape[1]), 1)):
            sx = np.atleast_2d(np.cov(x, rowvar=False, bias=True))
            sy = np.atleast_2d(np.cov(y, rowvar=False, bias=True))
            found.append(np.trace(sx @ sy) / (np.linalg.norm(sx) * np.linalg.norm(sy)))
    return np.mean(found)


print("/* similarity.h - written by make_similarity.py */")
print("static const struct golden golden[] = {")
for name, rows, columns, block, sa, sc, share in CASES:
    a = values(sa, rows * columns).reshape(rows, columns)
    c = values(sc, rows * columns).reshape(rows, columns) + share * a
    print('    {"%s", %d, %d, %d, %d, %d, %.17g,' % (name, rows, columns, block, sa, sc, share))
    print("     %.17g, %.17g, %.17g}," % (
        np.linalg.norm(a - c), np.sum(a * c) / (np.linalg.norm(a) * np.linalg.norm(c)),
        covariance(a, c, block)))
print("};")
