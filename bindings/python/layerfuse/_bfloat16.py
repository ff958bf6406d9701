"""bfloat16, which NumPy has no type for."""

from typing import Any

import numpy as np


class BFloat16:
    """An array of bfloat16, by its bits.

    PyTorch and others read it in place, ``torch.from_dlpack(x)``; this module takes it wherever
    it takes arrays. ``x.bits`` are its numbers as uint16, the same memory, and
    ``x.astype(numpy.float32)`` a copy of their values.
    """

    dtype = "bfloat16"

    def __init__(self, bits: np.ndarray):
        self.bits = bits

    @property
    def shape(self) -> "tuple[int, ...]":
        return self.bits.shape

    @property
    def nbytes(self) -> int:
        return self.bits.nbytes

    def astype(self, dtype: Any = np.float32) -> np.ndarray:
        """A copy in a type that NumPy has."""
        return (self.bits.astype(np.uint32) << 16).view(np.float32).astype(dtype, copy=False)

    def __dlpack__(self, stream: Any = None) -> Any:
        """NumPy's capsule of the bits, which then says that they are bfloat16: so it is NumPy
        that lets go of the memory, whenever that is."""
        from ._views import _DLTensor, _capsule_pointer
        capsule = self.bits.__dlpack__()
        _DLTensor.from_address(_capsule_pointer(capsule, b"dltensor")).code = 4
        return capsule

    def __dlpack_device__(self) -> "tuple[int, int]":
        return self.bits.__dlpack_device__()

    def __array__(self, dtype: Any = None) -> np.ndarray:
        return self.astype(dtype or np.float32)

    def __len__(self) -> int:
        return len(self.bits)

    def __repr__(self) -> str:
        return "BFloat16(%s)" % np.array2string(self.astype(), prefix="BFloat16(")
