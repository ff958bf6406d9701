"""test_similarity.py - metrics against their definitions in NumPy, in f64"""

import sys
import types
import unittest.mock

from common import EPS64, Case, drawn, lf, main, np


def covariance(a):
    return np.cov(a, rowvar=False, bias=True)


def linear_cka(a, b):
    a, b = a - a.mean(0), b - b.mean(0)
    return np.linalg.norm(b.T @ a) ** 2 / (np.linalg.norm(a.T @ a) * np.linalg.norm(b.T @ b))


def procrustes(a, b):
    nuclear = np.linalg.svd(a.T @ b, compute_uv=False).sum()
    return np.sqrt(max(0.0, np.sum(a * a) + np.sum(b * b) - 2 * nuclear))


def bures(a, b):
    sa, sb = covariance(a), covariance(b)
    values, vectors = np.linalg.eigh(sa)
    root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ sb @ root), 0)).sum()
    means = np.sum((a.mean(0) - b.mean(0)) ** 2)
    return np.sqrt(means + np.trace(sa) + np.trace(sb) - 2 * cross)


REFERENCES = {
    "euclidean": lambda a, b: np.linalg.norm(a - b),
    "cosine": lambda a, b: np.sum(a * b) / (np.linalg.norm(a) * np.linalg.norm(b)),
    "covariance": lambda a, b: np.sum(covariance(a) * covariance(b)) / (
        np.linalg.norm(covariance(a)) * np.linalg.norm(covariance(b))),
    "linear_cka": linear_cka,
    "procrustes": procrustes,
    "wasserstein_gaussian": bures,
}


class Similarity(Case):
    def setUp(self):
        self.a = drawn(12, 5, seed=1, dtype=np.float64)
        self.b = drawn(12, 5, seed=2, dtype=np.float64) + 0.5 * self.a

    def test_metrics_are_their_definitions(self):
        # Differences of squares lose digits where distances are short of norms: these are not,
        # and a root of a trace of 5 is off by its square root's conditioning. 2^20 eps = 1e-10.
        for metric, reference in REFERENCES.items():
            wanted = reference(self.a, self.b)
            got = lf.similarity(self.a, self.b, metric)
            self.within(got, wanted, 2.0 ** 20 * EPS64 * max(1.0, wanted))

    def test_options_reach_the_library(self):
        a, b = self.a, self.b
        # Parts of at most 6: of 12 rows two, of 5 columns one.
        halves = [REFERENCES["covariance"](a[:6], b[:6]), REFERENCES["covariance"](a[6:], b[6:])]
        self.within(lf.similarity(a, b, "covariance", block=6), np.mean(halves),
                    2.0 ** 20 * EPS64)
        self.assertNotAlmostEqual(lf.similarity(a, b, "covariance"), np.mean(halves))
        self.within(lf.similarity(a.T, b.T, "linear_cka", output_axis=1), linear_cka(a, b),
                    2.0 ** 20 * EPS64)

    def test_all_metrics_answer(self):
        for metric in lf.metrics():
            info = lf.metric_info(metric)
            same = lf.similarity(self.a, self.a, metric)
            self.within(same, 0.0 if info.is_distance else 1.0, 0.0 if info.is_distance else 1e-12)
            self.assertEqual(info.name, metric)
        self.assertIn("sinkhorn", lf.metrics())

    def test_a_matrix_has_all_pairs(self):
        weights = [drawn(6, 4, seed=i) for i in range(4)]
        for metric in ("euclidean", "kl"):
            matrix = lf.similarity_matrix(weights, metric)
            for i in range(4):
                for j in range(4):
                    single = lf.similarity(weights[i], weights[j], metric) if i != j else 0.0
                    # f32 products in sums of 128: 130 * 2^-24 of what is summed (similarity.h).
                    self.within(matrix[i, j], single, 130 * 2.0 ** -24 * max(1.0, abs(single)))

    def test_a_function_is_a_metric(self):
        def absolute(x, y):
            self.assertFalse(x.flags.writeable)
            return float(np.abs(x - y).sum())

        self.assertEqual(lf.similarity(self.a, self.b, absolute), absolute_of(self.a, self.b))
        matrix = lf.similarity_matrix([self.a, self.b], absolute, is_symmetric=True)
        self.assertEqual(matrix[0, 1], absolute_of(self.a, self.b))

    def test_what_a_function_raises_comes_out(self):
        def broken(x, y):
            raise KeyError("broken")

        with self.assertRaises(KeyError):
            lf.similarity(self.a, self.b, broken)
        with self.assertRaises(KeyError):
            lf.similarity_matrix([self.a, self.b], broken)
        with self.assertRaises(ValueError):
            lf.similarity(self.a, self.b, lambda x, y: "far")
        self.assertGreater(lf.similarity(self.a, self.b), 0)  # nothing is left behind

    def test_a_function_may_call_the_library_and_fail_there(self):
        def nested(x, y):
            return lf.similarity(x, y, lambda p, q: 1 / 0)

        with self.assertRaises(ZeroDivisionError):
            lf.similarity(self.a, self.b, nested)

    def test_an_assignment_is_found(self):
        order, distance = lf.assignment(self.a, self.a[::-1].copy())
        self.equal(order, np.arange(12)[::-1])
        self.assertEqual(distance, 0.0)

    def test_progress_is_told_and_stops(self):
        weights = [drawn(6, 4, seed=i) for i in range(4)]
        told = []
        lf.similarity_matrix(weights, "kl", progress=lambda *step: told.append(step))
        self.assertEqual(told[-1], ("similarity", 6, 6))
        self.refused("cancelled", lf.similarity_matrix, weights, "kl", kind=lf.Error,
                     progress=lambda *step: 7, status="LFUSE_ERR_CANCELLED")
        with self.assertRaises(KeyboardInterrupt):
            lf.similarity_matrix(weights, "kl", progress=interrupt)

    def test_a_bar_is_tqdms_where_there_is_tqdm(self):
        bars = []

        class Bar:
            def __init__(self, total, desc):
                self.total, self.desc, self.n, self.closed = total, desc, 0, False
                bars.append(self)

            def update(self, more):
                self.n += more

            def close(self):
                self.closed = True

        weights = [drawn(6, 4, seed=i) for i in range(4)]
        fake = types.SimpleNamespace(tqdm=Bar)
        with unittest.mock.patch.dict(sys.modules, {"tqdm": fake, "tqdm.auto": fake}):
            lf.similarity_matrix(weights, "kl", progress=True)
        self.assertEqual([(b.desc, b.n, b.total, b.closed) for b in bars],
                         [("similarity", 6, 6, True)])
        with unittest.mock.patch.dict(sys.modules, {"tqdm": None, "tqdm.auto": None}):
            self.equal(lf.similarity_matrix(weights, "kl", progress=True),
                       lf.similarity_matrix(weights, "kl"))

    def test_failures_of_pairs_are_told(self):
        weights, told = [drawn(3, 3), np.zeros((3, 3), np.float32), drawn(3, 3, seed=4)], []
        matrix = lf.similarity_matrix(weights, "cosine",
                                      failed=lambda i, j, error: told.append((i, j, error.name)))
        self.assertEqual(told, [(0, 1, "LFUSE_ERR_DEGENERATE"), (1, 2, "LFUSE_ERR_DEGENERATE")])
        self.assertTrue(np.isnan(matrix[0, 1]) and not np.isnan(matrix[0, 2]))

    def test_arguments_at_fault_are_value_errors(self):
        a, b = self.a, self.b
        self.refused("no metric is called near", lf.similarity, a, b, "near")
        self.refused("block is 'wide', not a number", lf.similarity, a, b, block="wide")
        self.refused("is not in [", lf.similarity, a, b, block=2 ** 70)
        self.refused("unequal is 'cut', not one of", lf.similarity, a, b, unequal="cut")
        self.refused("needs equal numbers of rows", lf.similarity, a, b[:3],
                     status="LFUSE_ERR_SHAPE")
        self.refused("b is NaN", lf.similarity, a, b * np.nan, status="LFUSE_ERR_NOT_FINITE",
                     kind=lf.Error)
        self.refused("weights has no array", lf.similarity_matrix, [])
        with self.assertRaisesRegex(TypeError, "unexpected keyword argument 'blok'"):
            lf.similarity(a, b, blok=3)
        with self.assertRaisesRegex(TypeError, "'failed'"):
            lf.similarity(a, b, failed=print)

    def test_a_context_has_its_threads(self):
        with_threads = lf.Context(threads=2, seed=3)
        weights = [drawn(16, 8, seed=i) for i in range(6)]
        self.equal(lf.similarity_matrix(weights, "linear_cka", context=with_threads),
                   lf.similarity_matrix(weights, "linear_cka"))
        self.assertEqual(with_threads.threads, 2)
        self.assertIn(with_threads.isa, ("scalar", "avx2", "avx512"))
        self.refused("threads is -1", lf.Context, threads=-1)
        self.refused("isa is 'mmx'", lf.Context, isa="mmx")


def absolute_of(a, b):
    return float(np.abs(a - b).sum())


def interrupt(*_):
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
