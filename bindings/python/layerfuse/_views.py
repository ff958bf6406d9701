"""Arrays of others as the library sees them, without a copy, and its memory as arrays.

Taken are NumPy arrays, whatever has ``__dlpack__`` (PyTorch, JAX, CuPy on the host, ...),
``__array_interface__`` or the buffer protocol, on the CPU, of float32, float64, float16 or
bfloat16, of any positive strides. What a View holds keeps the memory alive.
"""

import ctypes
import functools
from ctypes import c_int32, c_int64, c_uint8, c_uint16, c_uint64, c_void_p, py_object
from typing import Any, NamedTuple

import numpy as np

from . import _abi
from ._errors import ArgumentError, of
from ._library import lib, local

F32, F64, F16, BF16 = _abi.LFUSE_F32, _abi.LFUSE_F64, _abi.LFUSE_F16, _abi.LFUSE_BF16
NUMPY = {F32: np.dtype(np.float32), F64: np.dtype(np.float64), F16: np.dtype(np.float16)}
CODES = {dtype: code for code, dtype in NUMPY.items()}
SIZES = {F32: 4, F64: 8, F16: 2, BF16: 2}
FLOATS = {(2, 32): F32, (2, 64): F64, (2, 16): F16, (4, 16): BF16}  # of DLPack: code, bits
KINDS = {0: "int", 1: "uint", 2: "float", 3: "handle", 4: "bfloat", 5: "complex", 6: "bool"}
ON_THE_HOST = {1, 3, 11}  # DLPack: the CPU, and memory that it shares with CUDA or ROCm
READS = "layerfuse takes float32, float64, float16 and bfloat16"


class _DLTensor(ctypes.Structure):
    """DLPack's struct, as published: dlpack.h, version 0.8, and all before it."""

    _fields_ = [("data", c_void_p), ("device_type", c_int32), ("device_id", c_int32),
                ("ndim", c_int32), ("code", c_uint8), ("bits", c_uint8), ("lanes", c_uint16),
                ("shape", c_void_p), ("strides", c_void_p), ("byte_offset", c_uint64)]


_capsule_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_capsule_pointer.restype, _capsule_pointer.argtypes = c_void_p, [py_object, ctypes.c_char_p]


class View(NamedTuple):
    """Where an array is, and what it is; strides count elements."""

    address: int
    shape: "tuple[int, ...]"
    strides: "tuple[int, ...]"
    dtype: int
    writable: bool
    owner: Any


@functools.lru_cache(maxsize=1024)
def dense_strides(shape: "tuple[int, ...]") -> "tuple[int, ...]":
    strides, step = [], 1
    for side in reversed(shape):
        strides.append(step)
        step *= side
    return tuple(reversed(strides))


def _of_numpy(a: np.ndarray, what: str) -> View:
    code = CODES.get(a.dtype)
    if code is None:
        if a.dtype.newbyteorder("=") in CODES:
            raise ArgumentError("%s is big-endian: pass %s.astype(%s)" % (
                what, what, a.dtype.newbyteorder("=").name), _abi.LFUSE_ERR_TYPE)
        raise ArgumentError("%s is of dtype %s: %s" % (what, a.dtype, READS), _abi.LFUSE_ERR_TYPE)
    size, shape = a.itemsize, a.shape
    if a.flags.c_contiguous:
        strides = dense_strides(shape)
    else:
        strides = tuple(_stride(s, d, size, what) for s, d in zip(a.strides, shape))
    address, read_only = a.__array_interface__["data"]
    return View(address, shape, strides, code, not read_only, a)


def _stride(stride: int, side: int, size: int, what: str) -> int:
    """In elements. That of an axis of length 1 means nothing, and may be any number."""
    if side == 1:
        return 1
    if stride % size or stride <= 0:
        raise ArgumentError("%s has a stride of %d bytes: only positive ones of whole elements "
                            "can be read in place; pass a copy" % (what, stride))
    return stride // size


def _of_dlpack(source: Any, what: str) -> View:
    if hasattr(source, "detach"):  # PyTorch exports no tensor that needs gradients
        source = source.detach()
    try:
        device = source.__dlpack_device__()[0]
        if device not in ON_THE_HOST:
            raise ArgumentError("%s is on %s, not in the memory of the CPU"
                                % (what, getattr(source, "device", "another device")))
        capsule = source.__dlpack__()
    except ArgumentError:
        raise
    except Exception as error:  # whatever its owner thinks of
        raise ArgumentError("%s cannot be read in place: %s" % (what, error)) from error
    t = _DLTensor.from_address(_capsule_pointer(capsule, b"dltensor"))
    code = FLOATS.get((t.code, t.bits)) if t.lanes == 1 else None
    if code is None:
        raise ArgumentError("%s is of dtype %s%d: %s" % (
            what, KINDS.get(t.code, "unknown type "), t.bits, READS), _abi.LFUSE_ERR_TYPE)
    shape = tuple((c_int64 * t.ndim).from_address(t.shape)) if t.ndim else ()
    if not t.data and 0 not in shape:
        raise ArgumentError("%s has no memory: it was freed" % what, _abi.LFUSE_ERR_STATE)
    strides = tuple((c_int64 * t.ndim).from_address(t.strides)) if t.strides and t.ndim else None
    if strides is None:
        strides = dense_strides(shape)
    else:
        strides = tuple(_stride(s, d, 1, what) for s, d in zip(strides, shape))
    return View((t.data or 0) + t.byte_offset, shape, strides, code, True, (source, capsule))


def view(source: Any, what: str = "an array", writable: bool = False) -> View:
    """Where source lies; writable says that it will be written."""
    if isinstance(source, np.ndarray):
        found = _of_numpy(source, what)
    elif hasattr(source, "__dlpack__"):
        found = _of_dlpack(_storage_checked(source, what), what)
    elif hasattr(source, "__array_interface__") or _is_buffer(source):
        found = _of_numpy(_interpreted(source, what), what)
    else:
        raise ArgumentError("%s is %s, not an array: it has neither __dlpack__, "
                            "__array_interface__ nor a buffer" % (what, _article(source)),
                            _abi.LFUSE_ERR_TYPE)
    if writable and not found.writable:
        raise ArgumentError("%s is read-only" % what)
    return found


def shape_of(source: Any, what: str) -> "tuple[int, ...]":
    shape = getattr(source, "shape", None)
    return tuple(shape) if shape is not None else view(source, what).shape


def is_integer(source: Any) -> bool:
    """Counters, masks and positions: they are no weights."""
    dtype = getattr(source, "dtype", None)
    if hasattr(dtype, "kind"):
        return dtype.kind in "iub"
    return getattr(dtype, "is_floating_point", True) is False and not dtype.is_complex


def _article(source: Any) -> str:
    return "None" if source is None else "of type %s" % type(source).__name__


def _is_buffer(source: Any) -> bool:
    try:
        memoryview(source).release()
        return True
    except (TypeError, ValueError):  # ValueError: a memoryview that was released
        return isinstance(source, memoryview)


def _interpreted(source: Any, what: str) -> np.ndarray:
    try:
        return np.asarray(source if hasattr(source, "__array_interface__")
                          else memoryview(source))
    except Exception as error:
        raise ArgumentError("%s cannot be read in place: %s" % (what, error)) from error


def _storage_checked(source: Any, what: str) -> Any:
    """A tensor of PyTorch whose storage was resized is one of memory that is gone."""
    storage = getattr(source, "untyped_storage", getattr(source, "storage", None))
    if not callable(storage) or not hasattr(source, "storage_offset"):
        return source
    if source.device.type != "cpu":
        return source  # __dlpack_device__ has the say
    try:
        held, size = storage().nbytes(), source.element_size()
        last = source.storage_offset() + sum(
            (side - 1) * step for side, step in zip(source.shape, source.stride()))
    except Exception as error:
        raise ArgumentError("%s cannot be read in place: %s" % (what, error)) from error
    if source.numel() and (last + 1) * size > held:
        raise ArgumentError("%s has no memory: its storage has %d bytes, it was freed or made "
                            "smaller" % (what, held), _abi.LFUSE_ERR_STATE)
    return source


def tensor(context: int, found: View, what: str) -> int:
    """An lfuse_tensor over it: whoever calls destroys it, and keeps found.owner until then."""
    rank = len(found.shape)
    desc = _abi.lfuse_tensor_desc()
    desc.struct_size = ctypes.sizeof(desc)
    desc.data, desc.dtype, desc.rank = found.address, found.dtype, rank
    sides = (c_int64 * (2 * rank))(*found.shape, *found.strides)
    desc.dims = ctypes.addressof(sides)
    desc.strides = desc.dims + 8 * rank
    handle = c_void_p()
    status = lib.lfuse_tensor_create(context, ctypes.byref(desc), ctypes.byref(handle),
                                     local.reference)
    if status:
        raise named(status, what)
    return handle.value or 0


def named(status: int, what: str) -> Exception:
    """What the library says of its desc, as of the array that this describes."""
    message = local.error.message.decode("utf-8", "replace").replace("desc.", "").replace(
        "data is", "it is")
    return of(status, local.error.detail, "%s: %s" % (what, message))


def array_at(address: int, shape: "tuple[int, ...]", dtype: int, owner: Any,
             writable: bool = True) -> Any:
    """An array over memory of the library's, which owner keeps alive."""
    count = int(np.prod(shape, dtype=np.int64))
    memory = (ctypes.c_char * (count * SIZES[dtype])).from_address(address)
    memory.owner = owner  # type: ignore[attr-defined]
    made = array_in(memory, 0, shape, dtype)
    getattr(made, "bits", made).flags.writeable = writable
    return made


def array_in(buffer: Any, offset: int, shape: "tuple[int, ...]", dtype: int) -> Any:
    """An array over a part of a buffer, which it keeps alive."""
    from ._bfloat16 import BFloat16
    made = np.ndarray(shape, NUMPY.get(dtype, np.dtype(np.uint16)), buffer, offset)
    return BFloat16(made) if dtype == BF16 else made


def empty(shape: "tuple[int, ...]", dtype: int) -> Any:
    """A new dense array of any of the library's types."""
    from ._bfloat16 import BFloat16
    if dtype == BF16:
        return BFloat16(np.empty(shape, np.uint16))
    return np.empty(shape, NUMPY[dtype])


def is_torch(source: Any) -> bool:
    return type(source).__module__.partition(".")[0] == "torch" or any(
        kind.__module__ == "torch" for kind in type(source).__mro__)


def like(made: Any, source: Any) -> Any:
    """made, an array of this module's, as what source is: a tensor of PyTorch, or as it is."""
    if is_torch(source):
        import torch
        return torch.from_dlpack(made)
    return made
