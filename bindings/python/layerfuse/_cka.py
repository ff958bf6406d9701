"""How alike layers respond, from their outputs, batch by batch."""

import ctypes
from ctypes import byref
from typing import Any, Optional, Sequence

import numpy as np

from . import _abi, _views
from ._context import Context
from ._errors import ArgumentError
from ._layers import Owner
from ._library import call, lib, make
from ._options import fill, number, pointers


class CKA(Owner):
    """Sums of the unbiased alignment of ``count`` layers' outputs (cka.h).

        cka = lf.CKA(len(layers))
        for batch in data:
            cka.add([output of each layer])
        cka.result()                          # (count, count)
    """

    def __init__(self, count: int, exponents: Optional[Sequence[int]] = None,
                 context: Optional[Context] = None):
        super().__init__(context)
        self.count = number("count", count, ctypes.c_int64)
        options = fill(_abi.lfuse_cka_options())
        if exponents is not None:
            powers = np.ascontiguousarray(exponents, np.int32)
            if powers.shape != (count,):
                raise ArgumentError("exponents is of shape %s, there are %d layers"
                                    % (powers.shape, count), _abi.LFUSE_ERR_SHAPE)
            options.exponents = powers.ctypes.data
        self._pointer = self.own(lib.lfuse_cka_destroy, make(
            lib.lfuse_cka_create, self.context.checked(), self.count, byref(options)))

    @property
    def pointer(self) -> int:
        self.alive()
        return self._pointer

    def add(self, outputs: Sequence[Any]) -> None:
        """One batch: of each layer an array whose first axis counts the examples."""
        if len(outputs) != self.count:
            raise ArgumentError("outputs are %d, not of %d layers" % (len(outputs), self.count),
                                _abi.LFUSE_ERR_SHAPE)
        given = Owner(self.context)
        try:
            views = [_views.view(x, "output %d" % i) for i, x in enumerate(outputs)]
            tensors = [given.own(lib.lfuse_tensor_destroy,
                                 _views.tensor(given.alive(), v, "output %d" % i))
                       for i, v in enumerate(views)]
            call(lib.lfuse_cka_accumulate, self.pointer, pointers(tensors))
        finally:
            given.close()

    def merge(self, other: "CKA") -> None:
        """Adds the batches of another."""
        call(lib.lfuse_cka_merge, self.pointer, other.pointer)

    def result(self) -> np.ndarray:
        """The alignment of all pairs of layers."""
        out = np.empty((self.count, self.count))
        call(lib.lfuse_cka_result, self.pointer, out.ctypes.data)
        return out

    @property
    def batches(self) -> int:
        return int(lib.lfuse_cka_batches(self.pointer))

    @property
    def sums(self) -> np.ndarray:
        """A copy, to be added by :meth:`add_sums` elsewhere."""
        size = self.count * (self.count + 1) // 2
        return np.array(_views.array_at(lib.lfuse_cka_sums(self.pointer), (size,), _views.F64,
                                        self))

    def add_sums(self, sums: Any, batches: int) -> None:
        """Adds what :attr:`sums` told, of so many batches."""
        numbers = np.ascontiguousarray(sums, np.float64)
        if numbers.shape != (self.count * (self.count + 1) // 2,):
            raise ArgumentError("sums is of shape %s" % (numbers.shape,), _abi.LFUSE_ERR_SHAPE)
        call(lib.lfuse_cka_add_sums, self.pointer, numbers.ctypes.data,
             number("batches", batches, ctypes.c_int64))
