"""How far a layer's outputs spread, and what puts those of a fused network right."""

import ctypes
from ctypes import byref
from typing import Any, Optional

import numpy as np

from . import _abi, _views
from ._context import Context
from ._errors import ArgumentError
from ._layers import Owner
from ._library import call, lib, make
from ._options import number


class Outputs(Owner):
    """Mean and variance of each of a layer's ``channels``, over batches (outputs.h).

        before = lf.Outputs(channels)
        for batch in data: before.add(outputs of the layer, axis=1)
        ... fuse, and the same into after ...
        scale, shift, constant = after.match(before)   # the layer puts out scale * y + shift
    """

    def __init__(self, channels: int, context: Optional[Context] = None):
        super().__init__(context)
        self.channels = number("channels", channels, ctypes.c_int64)
        self._pointer = self.own(lib.lfuse_outputs_destroy, make(
            lib.lfuse_outputs_create, self.context.checked(), self.channels))

    @property
    def pointer(self) -> int:
        self.alive()
        return self._pointer

    def add(self, batch: Any, axis: int = 1) -> None:
        """One batch, of any rank, whose axis counts the channels."""
        found = _views.view(batch, "batch")
        tensor = _views.tensor(self.alive(), found, "batch")
        try:
            call(lib.lfuse_outputs_accumulate, self.pointer, tensor,
                 number("axis", axis, ctypes.c_int32))
        finally:
            lib.lfuse_tensor_destroy(tensor)

    def merge(self, other: "Outputs") -> None:
        """Adds the samples of another."""
        call(lib.lfuse_outputs_merge, self.pointer, other.pointer)

    def add_samples(self, samples: int, means: Any, squares: Any) -> None:
        """Adds what :attr:`samples`, :attr:`means` and :attr:`squares` told, here or elsewhere."""
        given = [np.ascontiguousarray(a, np.float64) for a in (means, squares)]
        for array in given:
            if array.shape != (self.channels,):
                raise ArgumentError("there are %d channels, not %s" % (
                    self.channels, array.shape), _abi.LFUSE_ERR_SHAPE)
        call(lib.lfuse_outputs_add, self.pointer, number("samples", samples, ctypes.c_int64),
             *(array.ctypes.data for array in given))

    @property
    def samples(self) -> int:
        """How many of each channel there were."""
        return int(lib.lfuse_outputs_samples(self.pointer))

    @property
    def means(self) -> np.ndarray:
        """Of each channel, a copy."""
        return self._numbers(lib.lfuse_outputs_means(self.pointer))

    @property
    def squares(self) -> np.ndarray:
        """Of each channel the sum of squared distances from its mean, a copy."""
        return self._numbers(lib.lfuse_outputs_squares(self.pointer))

    def _numbers(self, where: int) -> np.ndarray:
        return np.array(_views.array_at(where, (self.channels,), _views.F64, self))

    def match(self, original: "Outputs") -> "tuple[np.ndarray, np.ndarray, int]":
        """(scale, shift, constant): scale * y + shift has original's means and variances;
        constant counts the channels that nothing can make spread."""
        scale, shift = np.empty(self.channels), np.empty(self.channels)
        constant = ctypes.c_int64()
        call(lib.lfuse_outputs_match, self.pointer, original.pointer, scale.ctypes.data,
             shift.ctypes.data, byref(constant))
        return scale, shift, constant.value
