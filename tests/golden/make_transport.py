#!/usr/bin/env python3
"""make_transport.py - writes transport.h, the golden numbers of the transport metrics

Weights are those of lft_value(), as in make_metrics.py. Everything is computed by NumPy in f64 as
it is defined: assignments by the Hungarian method in its short O(n^3) form, of differences;
the Sinkhorn divergence by 100 iterations in the logarithmic domain; directions by the
library's random words, from which Box & Muller's formula takes normal numbers; centroids by
k-means++ with the library's draws, and their transport by an assignment of repeated centroids.

    python3 tests/golden/make_transport.py > tests/golden/transport.h

Written with Python 3.11, NumPy 1.24; seeds as in CASES. Run it again only to add cases.
"""

import numpy as np

MASK = (1 << 64) - 1

# name, rows of a, rows of c, columns, seed of a, seed of c, share of a in c (of equal rows)
CASES = [
    ("small", 6, 6, 5, 1, 2, 0.0),
    ("tall", 60, 60, 7, 3, 4, 0.5),
    ("wide", 24, 24, 200, 5, 6, 0.25),
    ("fewer", 13, 40, 9, 7, 8, 0.0),
    ("more", 50, 31, 30, 9, 10, 0.0),
]


def mix(z):
    z = (z + 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def values(seed, count):
    draws = [mix(mix(mix(seed)) ^ i) >> 48 for i in range(count)]
    return (np.array(draws, dtype=np.float64) - 32768.0) / 32768.0


def distances(a, c):
    return np.sqrt(((a[:, None, :] - c[None, :, :]) ** 2).sum(2))


def hungarian(cost):
    """The column of each row, of no more rows than columns."""
    n, m = cost.shape
    u, v = np.zeros(n + 1), np.zeros(m + 1)
    row = np.zeros(m + 1, dtype=int)  # of a column; 0: none
    for i in range(1, n + 1):
        row[0], j = i, 0
        least, way = np.full(m + 1, np.inf), np.zeros(m + 1, dtype=int)
        used = np.zeros(m + 1, dtype=bool)
        while row[j]:
            used[j] = True
            slack = cost[row[j] - 1] - u[row[j]] - v[1:]
            shorter = ~used[1:] & (slack < least[1:])
            least[1:][shorter], way[1:][shorter] = slack[shorter], j
            k = np.argmin(np.where(used, np.inf, np.r_[np.inf, least[1:]]))
            u[row[used]] += least[k]
            v[used] -= least[k]
            least[~used] -= least[k]
            j = k
        while j:
            row[j], j = row[way[j]], way[j]
    column = np.zeros(n, dtype=int)
    for j in range(1, m + 1):
        if row[j]:
            column[row[j] - 1] = j - 1
    return column


def assignment(a, c, p=2.0):
    if len(a) > len(c):
        a, c = c, a
    d = distances(a, c) ** p
    return np.mean(d[np.arange(len(a)), hungarian(d)]) ** (1 / p)


def log_mean_exp(x, axis):
    top = x.max(axis, keepdims=True)
    return (top + np.log(np.exp(x - top).mean(axis, keepdims=True))).squeeze(axis)


def entropic(cost, eps):
    f, g = np.zeros(cost.shape[0]), np.zeros(cost.shape[1])
    for _ in range(100):
        f = -eps * log_mean_exp((g[None, :] - cost) / eps, 1)
        g = -eps * log_mean_exp((f[:, None] - cost) / eps, 0)
    return f.mean() + g.mean()


def sinkhorn(a, c, share):
    eps = share * np.mean(distances(a, c) ** 2)
    return (entropic(distances(a, c) ** 2, eps) - entropic(distances(a, a) ** 2, eps) / 2
            - entropic(distances(c, c) ** 2, eps) / 2)


def directions(seed, count, n):
    z = np.zeros((count, n))
    for k in range(count):
        words = [mix(mix(mix(seed) ^ (1 << 32 | k)) ^ i) for i in range((n + 1) // 2)]
        u = np.array([((w >> 40) + 1) * 2.0 ** -24 for w in words])
        v = np.array([((w & 0xFFFFFFFF) ^ 0x80000000) - 0x80000000 for w in words]) / 2 ** 32
        r = np.sqrt(-2 * np.log(u))
        both = np.stack([r * np.cos(2 * np.pi * v), r * np.sin(2 * np.pi * v)], 1).ravel()
        z[k] = both[:n]
    return z / np.linalg.norm(z, axis=1, keepdims=True)


def sliced(a, c, p=2.0, count=128, seed=7):
    """Quantile functions on all steps of 1 / (n m)."""
    z = directions(seed, count, a.shape[1])
    x = np.repeat(np.sort(a @ z.T, 0), len(c), 0)
    y = np.repeat(np.sort(c @ z.T, 0), len(a), 0)
    return np.mean(np.abs(x - y) ** p) ** (1 / p)


def kmeans(x, most, seed):
    """Centroids of the rows, and how many rows each has."""
    def draw(i):
        return (mix(mix(mix(seed) ^ (2 << 32)) ^ i) >> 11) * 2.0 ** -53

    most = min(most, len(x))
    centroids = [x[int(draw(0) * len(x))]]
    square = ((x - centroids[0]) ** 2).sum(1)
    for k in range(1, most):
        if square.sum() == 0.0:
            break
        sums = np.cumsum(square)
        centroids.append(x[np.argmax(sums > draw(k) * sums[-1])])
        square = np.minimum(square, ((x - centroids[-1]) ** 2).sum(1))
    centroids, nearest = np.array(centroids), None
    for _ in range(50):
        found = distances(x, centroids).argmin(1)
        if nearest is not None and (found == nearest).all():
            break
        nearest = found
        for k in set(nearest):
            centroids[k] = x[nearest == k].mean(0)
    return centroids, np.bincount(nearest, minlength=len(centroids))


def centroid(a, c, p=2.0, most=16, seed=7):
    (u, u_mass), (v, v_mass) = kmeans(a, most, seed), kmeans(c, most, seed)
    common = np.gcd(len(a), len(c))
    u = np.repeat(u, u_mass * (len(c) // common), 0)
    v = np.repeat(v, v_mass * (len(a) // common), 0)
    return assignment(u, v, p)


def softmax(x):
    e = np.exp(x)
    return e / e.sum(1, keepdims=True)


def main():
    print("/* transport.h - written by make_transport.py */")
    print("static const struct transport transport[] = {")
    for name, rows, c_rows, columns, sa, sc, share in CASES:
        a = values(sa, rows * columns).reshape(rows, columns)
        c = values(sc, c_rows * columns).reshape(c_rows, columns)
        if share:
            c = c + share * a
        found = [assignment(a, c), assignment(a, c, 1.0), assignment(a, c, 3.5),
                 assignment(softmax(a), softmax(c)),
                 sinkhorn(a, c, 0.05), sinkhorn(a, c, 0.4), sinkhorn(a, c, 0.0005),
                 sinkhorn(softmax(a), softmax(c), 0.05),
                 sliced(a, c), sliced(a, c, 1.0, 20), sliced(a, c, 3.5, 1),
                 sliced(softmax(a), softmax(c)),
                 centroid(a, c), centroid(a, c, 1.0, 3), centroid(a, c, 3.5, 5),
                 centroid(softmax(a), softmax(c))]
        print('    {"%s", %d, %d, %d, %d, %d, %.17g,' % (name, rows, c_rows, columns, sa, sc,
                                                        share))
        for i in range(0, len(found), 4):
            print("     " + ", ".join("%.17g" % v for v in found[i:i + 4])
                  + (",", "},")[i + 4 >= len(found)])
    print("};")


main()
