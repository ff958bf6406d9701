#!/usr/bin/env python3
"""make_metrics.py - writes metrics.h, the golden numbers of tests/unit/test_similarity_*.c

The first case is Kornblith et al.'s demonstration of CKA, X = randn(100, 10) and
Y = randn(100, 10) + X of RandomState(1337), stored in full; the others are weights of
lft_value(), as in make_similarity.py. Everything is computed by NumPy in f64 as the papers
write it: matrix roots by eigenvalues, determinants by LU, in no way like the library does it.

    python3 tests/golden/make_metrics.py > tests/golden/metrics.h

Written with Python 3.11, NumPy 1.24; seeds as in CASES. Run it again only to add cases.
"""

import numpy as np

MASK = (1 << 64) - 1
RIDGE = 1e-3

# name, rows, columns, block, seed of a, seed of c, share of a in c
CASES = [
    ("small", 6, 5, 128, 1, 2, 0.0),
    ("cut", 300, 130, 128, 3, 4, 0.5),
    ("whole", 60, 30, -1, 3, 4, 0.5),
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


# ---- of the whole matrix


def hsic_ratio(k, l, hsic):
    return hsic(k, l) / np.sqrt(hsic(k, k) * hsic(l, l))


def hsic_biased(k, l):
    h = np.eye(len(k)) - 1.0 / len(k)
    return np.trace(k @ h @ l @ h)


def hsic_unbiased(k, l):  # Song et al. 2007, eq. 5
    n = len(k)
    k, l = k - np.diag(np.diag(k)), l - np.diag(np.diag(l))
    return (np.trace(k @ l) + k.sum() * l.sum() / ((n - 1) * (n - 2))
            - 2 * (k @ l).sum() / (n - 2)) / (n * (n - 3))


def rbf(x):
    square = ((x[:, None, :] - x[None, :, :]) ** 2).sum(2)
    return np.exp(-square / (2 * 0.5 ** 2 * np.median(square)))


def linear_cka(a, c):
    return hsic_ratio(a @ a.T, c @ c.T, hsic_biased)


def rbf_cka(a, c):
    return hsic_ratio(rbf(a), rbf(c), hsic_biased)


def debiased_cka(a, c):
    return hsic_ratio(a @ a.T, c @ c.T, hsic_unbiased)


def procrustes(a, c):
    u, _, v = np.linalg.svd(a.T @ c)
    return np.linalg.norm(a @ u @ v - c)


# ---- block by block


def blocks(metric):
    def mean(a, c, block):
        def cut(length):
            return 1 if block < 0 else -(-length // block)

        return np.mean([metric(x, y)
                        for ra, rc in zip(np.array_split(a, cut(a.shape[0]), 0),
                                          np.array_split(c, cut(c.shape[0]), 0))
                        for x, y in zip(np.array_split(ra, cut(a.shape[1]), 1),
                                        np.array_split(rc, cut(c.shape[1]), 1))])
    return mean


def covariance(x, ridge=0.0):
    s = np.atleast_2d(np.cov(x, rowvar=False, bias=True))
    return s + ridge * np.trace(s) / len(s) * np.eye(len(s))


def root(s):
    w, v = np.linalg.eigh(s)
    return (v * np.sqrt(np.maximum(w, 0.0))) @ v.T


@blocks
def wasserstein_gaussian(a, c):
    sa, sc = covariance(a), covariance(c)
    half = root(sa)
    cross = np.linalg.eigvalsh(half @ sc @ half)
    return np.sqrt(((a.mean(0) - c.mean(0)) ** 2).sum() + np.trace(sa) + np.trace(sc)
                   - 2 * np.sqrt(np.maximum(cross, 0.0)).sum())


def gaussian_kl(sa, sc):
    return 0.5 * (np.trace(np.linalg.inv(sc) @ sa) - np.linalg.slogdet(sa)[1]
                  + np.linalg.slogdet(sc)[1] - len(sa))


@blocks
def kl(a, c):
    return gaussian_kl(covariance(a, RIDGE), covariance(c, RIDGE))


@blocks
def js(a, c):
    sa, sc = covariance(a, RIDGE), covariance(c, RIDGE)
    mixture = (sa + sc) / 2
    return (gaussian_kl(sa, mixture) + gaussian_kl(sc, mixture)) / 2


def print_case(name, a, c, block, sa, sc, share):
    found = [linear_cka(a, c), procrustes(a, c), wasserstein_gaussian(a, c, block),
             kl(a, c, block), kl(c, a, block), js(a, c, block), rbf_cka(a, c),
             debiased_cka(a, c)]
    print('    {"%s", %d, %d, %d, %d, %d, %.17g,' % (
        name, a.shape[0], a.shape[1], block, sa, sc, share))
    for i in range(0, len(found), 4):
        print("     " + ", ".join("%.17g" % v for v in found[i:i + 4])
              + (",", "},")[i + 4 >= len(found)])


def print_array(name, x):
    flat = x.ravel()
    print("static const double %s[] = {" % name)
    for i in range(0, len(flat), 4):
        print("    " + ", ".join("%.17g" % v for v in flat[i:i + 4]) + ",")
    print("};")


state = np.random.RandomState(1337)
X = state.randn(100, 10)
Y = state.randn(100, 10) + X
print("/* metrics.h - written by make_metrics.py */")
print_array("demo_x", X)
print_array("demo_y", Y)
print("static const struct golden golden[] = {")
print_case("demo", X, Y, 128, -1, -1, 0.0)
for name, rows, columns, block, sa, sc, share in CASES:
    a = values(sa, rows * columns).reshape(rows, columns)
    c = values(sc, rows * columns).reshape(rows, columns) + share * a
    print_case(name, a, c, block, sa, sc, share)
print("};")
