#!/usr/bin/env python3
"""similarity_peers.py [THREADS [LAYERS]]

What bench_similarity.c times, by SciPy, POT and NumPy, of the same numbers, in the same CSV.
The environment says how many threads NumPy's BLAS uses. What is not installed is left out,
with a line on stderr; exit 77 without NumPy."""
import sys
import time
import warnings

try:
    import numpy as np
except ImportError:
    print("similarity_peers.py: NumPy is not installed: nothing to compare with",
          file=sys.stderr)
    sys.exit(77)
try:
    from scipy.optimize import linear_sum_assignment
except ImportError:
    linear_sum_assignment = None
    print("similarity_peers.py: SciPy is not installed", file=sys.stderr)
try:
    import ot
except ImportError:
    ot = None
    print("similarity_peers.py: POT is not installed", file=sys.stderr)

ROWS, COLUMNS = 768, 3072
THREADS = int(sys.argv[1]) if len(sys.argv) > 1 else 2
LAYERS = int(sys.argv[2]) if len(sys.argv) > 2 else 32
SECONDS, LEAST_RUNS = 1.5, 5


def mix(z):
    z = z + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def draw(rows, columns, seed):
    """As in bench_similarity.c: multiples of 2^-23 in [-1, 1)."""
    words = mix(mix(mix(np.array([seed], dtype=np.uint64)))
                ^ np.arange(rows * columns, dtype=np.uint64))
    return (((words >> np.uint64(40)).astype(np.int64) - 0x800000).astype(np.float32)
            * np.float32(2.0 ** -23)).reshape(rows, columns)


def report(what, library, threads, run):
    times = []
    while len(times) < LEAST_RUNS or sum(times) < SECONDS:
        begun = time.perf_counter()
        value = run()
        times.append(time.perf_counter() - begun)
    times.sort()
    print("%s,%s,%d,%.3f,%.3f,%.9g" % (what, library, threads, 1e3 * times[len(times) // 2],
                                       1e3 * times[0], value), flush=True)


def distances(n, columns):
    a = draw(n, columns, 1).astype(np.float64)
    c = draw(n, columns, 2).astype(np.float64)
    return (a * a).sum(1)[:, None] + (c * c).sum(1) - 2 * a @ c.T


def assignment(n, columns):
    cost, mass = distances(n, columns), np.full(n, 1 / n)
    what = "assignment n=%d" % n
    if linear_sum_assignment:
        report(what, "SciPy", 1, lambda: cost[linear_sum_assignment(cost)].mean())
    if ot:
        report(what, "POT", 1, lambda: ot.emd2(mass, mass, cost))


def transport():
    mass, cost = np.full(ROWS, 1 / ROWS), distances(ROWS, COLUMNS)
    a, c = draw(ROWS, COLUMNS, 1), draw(ROWS, COLUMNS, 2)
    z = ot.sliced.get_random_projections(COLUMNS, 128, seed=0).astype(np.float32)
    cost /= cost.max()
    report("sinkhorn 100 iterations n=768", "POT log", THREADS,
           lambda: (ot.sinkhorn(mass, mass, cost, 0.05, method="sinkhorn_log",
                                numItermax=100, stopThr=0) * cost).sum())
    report("sinkhorn 100 iterations n=768", "POT scalings", THREADS,
           lambda: (ot.sinkhorn(mass, mass, cost, 0.05, numItermax=100, stopThr=0)
                    * cost).sum())
    report("sliced n=768", "POT given directions", THREADS,
           lambda: ot.sliced_wasserstein_distance(a, c, projections=z))
    report("sliced n=768", "POT", THREADS,
           lambda: ot.sliced_wasserstein_distance(a, c, n_projections=128, seed=0))
    report("sliced n=768", "NumPy given directions", THREADS,
           lambda: np.sqrt(((np.sort((a @ z).T, 1) - np.sort((c @ z).T, 1)) ** 2).mean()))


def matrices():
    w = np.stack([draw(ROWS, COLUMNS, 100 + i) for i in range(LAYERS)])
    x = w.reshape(LAYERS, -1)

    def euclidean():
        gram = x @ x.T
        squares = np.diag(gram)
        return np.sqrt(np.maximum(squares[:, None] + squares - 2 * gram, 0))[0, -1]

    def cosine():
        gram = x @ x.T
        norms = np.sqrt(np.diag(gram))
        return (gram / np.outer(norms, norms))[0, -1]

    def linear_cka():
        k = np.empty((LAYERS, ROWS * ROWS), np.float32)
        for i in range(LAYERS):
            y = w[i] - w[i].mean(0)
            k[i] = (y @ y.T).ravel()
        gram = k @ k.T
        norms = np.sqrt(np.diag(gram))
        return (gram / np.outer(norms, norms))[0, -1]

    for run in (euclidean, cosine, linear_cka):
        report("%s all pairs of %d" % (run.__name__, LAYERS), "NumPy", THREADS, run)


def main():
    warnings.simplefilter("ignore")
    for n, columns in ((512, COLUMNS), (768, COLUMNS), (1024, COLUMNS), (2048, 768)):
        assignment(n, columns)
    if ot:
        transport()
    matrices()


main()
