"""Keyword arguments become the library's option structs."""

import ctypes
import operator
from typing import Any, Iterable, Optional

from . import _abi
from ._errors import ArgumentError

INTEGERS = {ctypes.c_int32: (-2**31, 2**31 - 1), ctypes.c_int64: (-2**63, 2**63 - 1),
            ctypes.c_uint32: (0, 2**32 - 1), ctypes.c_uint64: (0, 2**64 - 1)}

CHOICES = {
    "freeze_gradient": ("both", "dropped"),
    "weighting": ("equal", "norm", "importance"),
    "scope": ("global", "adjacent"),
    "unit": ("layer", "row"),
    "base": ("candidates", "all"),
    "linkage": ("single", "average", "complete", "merged"),
    "keep": ("farthest", "nearest", "first", "last", "by_direction"),
    "align": ("none", "permutation"),
    "unequal": ("refuse", "subsample", "drop_smallest"),
    "gradients": ("per_position", "accumulated"),
    "combine": ("mean", "sum"),
    "show": ("sources", "mix", "mean"),
    "schedule": ("uniform", "exponential", "custom"),
    "mode": ("dedup", "expand"),
    "layout": ("NCHW", "NHWC"),
    "kind": ("conv2d", "linear", "norm", "embedding"),
    "role": ("weight", "bias", "norm", "statistic", "residual"),
    "action": ("include", "exclude", "pin", "force"),
}


def choice(what: str, value: str) -> int:
    """The constant of a name; they all count from 1."""
    names = CHOICES.get(what)
    if names is None:
        raise ArgumentError("%s is %r, not a number" % (what, value))
    if value not in names:
        raise ArgumentError("%s is %r, not one of %s" % (what, value, ", ".join(names)))
    return names.index(value) + 1


def number(what: str, value: Any, kind: Any) -> Any:
    """value as a field of this ctypes type holds it, whole."""
    try:
        if kind is ctypes.c_double or kind is ctypes.c_float:
            return float(value)
        whole = operator.index(value)
    except TypeError:
        raise ArgumentError("%s is %r, not %s number" % (
            what, value, "a" if kind in (ctypes.c_double, ctypes.c_float) else "a whole")) from None
    least, most = INTEGERS[kind]
    if not least <= whole <= most:
        raise ArgumentError("%s is %d, which is not in [%d, %d]" % (what, whole, least, most))
    return whole


def fill(struct: Any, **values: Any) -> Any:
    """struct with its size and these numbers and names set; None leaves the default."""
    kinds = dict(struct._fields_)
    if "struct_size" in kinds:
        struct.struct_size = ctypes.sizeof(struct)
    for name, value in values.items():
        if value is None:
            continue
        if isinstance(value, str):
            value = choice(name, value)
        setattr(struct, name, number(name, value, kinds[name]))
    return struct


def address(struct: Any) -> int:
    """Of a ctypes object, for a field that points at it; whoever calls keeps it alive."""
    return ctypes.addressof(struct)


def pointers(values: Iterable[Optional[int]]) -> Any:
    """A C array of addresses."""
    values = list(values)
    return (ctypes.c_void_p * len(values))(*values)


VERDICTS = {_abi.LFUSE_VERDICT_CONTINUE: "continue", _abi.LFUSE_VERDICT_FUSED: "fused",
            _abi.LFUSE_VERDICT_DONE: "done", _abi.LFUSE_VERDICT_ROLLED_BACK: "rolled_back"}
