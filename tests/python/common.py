"""common.py - what the tests of the Python module share; exit status 77 where NumPy is missing"""

import contextlib
import os
import sys
import tempfile
import unittest

try:
    import numpy as np
except ImportError:
    print("skipped: there is no NumPy for %s" % sys.executable)
    sys.exit(77)

import layerfuse as lf

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
EPS32, EPS64 = 2.0 ** -24, 2.0 ** -53  # half a unit in the last place


def torch_or_skip():
    """PyTorch, or the end of this program."""
    try:
        import torch
    except ImportError:
        print("skipped: there is no PyTorch for %s" % sys.executable)
        sys.exit(77)
    torch.manual_seed(0)
    return torch


def drawn(*shape, seed=0, dtype=np.float32):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def network(blocks=5, seed=0):
    """Two types of matrices, and biases, which have no like."""
    rng = np.random.default_rng(seed)
    arrays = {}
    for i in range(blocks):
        for name in ("q", "k"):
            arrays["h.%d.%s.weight" % (i, name)] = rng.standard_normal((8, 6)).astype(np.float32)
            arrays["h.%d.%s.bias" % (i, name)] = rng.standard_normal(8).astype(np.float32)
    return arrays


class Case(unittest.TestCase):
    def refused(self, text, call, *arguments, status="LFUSE_ERR_ARGUMENT", kind=ValueError,
                **named):
        """The call raises lf.Error of this status, which is of that kind, too, and says text."""
        with self.assertRaises(lf.Error) as caught:
            call(*arguments, **named)
        self.assertIn(text, str(caught.exception))
        self.assertEqual(caught.exception.name, status)
        self.assertIsInstance(caught.exception, kind)

    def equal(self, a, b):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))

    def within(self, got, wanted, bound):
        """bound is a number, or one for each element."""
        difference = np.abs(np.asarray(got, np.float64) - wanted)
        self.assertTrue((difference <= bound).all(), "off by %g" % difference.max())

    @contextlib.contextmanager
    def folder(self):
        with tempfile.TemporaryDirectory() as folder:
            yield lambda name: os.path.join(folder, name)


main = unittest.main
