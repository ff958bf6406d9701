"""How alike two weights are."""

import ctypes
import functools
from ctypes import byref
from typing import Any, Callable, NamedTuple, Optional, Sequence, Union

import numpy as np

from . import _abi, _views
from ._context import Context, Progress, default_context, telling
from ._errors import ArgumentError, of
from ._layers import Layer, Network, Parameter
from ._library import call, fail, guarded, lib, local, text
from ._options import fill

Metric = Union[str, Callable[[np.ndarray, np.ndarray], float]]

NUMBERS = ("block", "ridge", "bandwidth", "exponent", "regularisation", "projections",
           "centroids", "iterations", "seed", "max_bytes", "unequal", "output_axis")
OPTIONS = NUMBERS + ("softmax_rows", "is_similarity", "is_symmetric")
_metrics: "dict[str, int]" = {}


class MetricInfo(NamedTuple):
    """What a metric is: see :func:`metric_info`."""

    name: str
    cost: str
    is_distance: bool
    is_symmetric: bool
    needs_equal_rows: bool
    needs_equal_columns: bool


def metric_value(name: str) -> int:
    """The constant of a metric's name."""
    value = _metrics.get(name)
    if value is None:
        found = ctypes.c_int32()
        call(lib.lfuse_metric_from_name, text(name, "metric"), byref(found))
        value = _metrics[name] = found.value
    return value


def metric_info(metric: str) -> MetricInfo:
    """Whether a metric is a distance (smaller is more alike), symmetric, and what it needs."""
    found = fill(_abi.lfuse_metric_properties())
    call(lib.lfuse_metric_info, metric_value(metric), byref(found))
    return MetricInfo(found.name.decode(), found.cost.decode(), bool(found.is_distance),
                      bool(found.is_symmetric), bool(found.needs_equal_rows),
                      bool(found.needs_equal_columns))


def metrics() -> "list[str]":
    """The names of all metrics but ``"custom"``, which is any function."""
    found = []
    for value in range(1, 1000):
        properties = fill(_abi.lfuse_metric_properties())
        if lib.lfuse_metric_info(value, byref(properties), local.reference):
            return found
        if value != _abi.LFUSE_METRIC_CUSTOM:
            found.append(properties.name.decode())
    return found


def matrix_of(view: Any) -> Any:
    """A matrix that a callback is given, as an array: read-only, and gone with the call."""
    flat = _views.array_at(view.data, ((view.rows - 1) * view.row_stride +
                                       (view.columns - 1) * view.column_stride + 1,),
                           view.dtype, None, writable=False)
    bits = getattr(flat, "bits", flat)
    made = np.lib.stride_tricks.as_strided(
        bits, (view.rows, view.columns),
        (view.row_stride * bits.itemsize, view.column_stride * bits.itemsize), writeable=False)
    return made if flat is bits else type(flat)(made)


def _custom(metric: Callable[..., float]) -> Any:
    def compare(_user: Any, a: int, b: int, out: int) -> int:
        views = (_abi.lfuse_matrix_view.from_address(x) for x in (a, b))
        ctypes.c_double.from_address(out).value = float(metric(*map(matrix_of, views)))
        return 0
    return guarded(_abi.lfuse_metric_custom, compare)


def _failures(failed: Callable[[int, int, Exception], Any]) -> Any:
    def tell(_user: Any, i: int, j: int, error: int) -> int:
        e = _abi.lfuse_error.from_address(error)
        return int(failed(i, j, of(e.status, e.detail, e.message.decode())) or 0)
    return guarded(_abi.lfuse_similarity_failed, tell)


@functools.lru_cache(maxsize=64)
def _plain(metric: str) -> Any:
    """All defaults; never written to."""
    made = fill(_abi.lfuse_similarity_options())
    made.metric = metric_value(metric)
    return made


def options_of(metric: Metric, given: "dict[str, Any]", function: str,
               failed: "Optional[Callable[[int, int, Exception], Any]]" = None) -> Any:
    """lfuse_similarity_options; it keeps the callback."""
    if not given and failed is None and isinstance(metric, str):
        return _plain(metric)
    for name in given:
        if name not in OPTIONS:
            raise TypeError("%s() got an unexpected keyword argument %r" % (function, name))
    made = fill(_abi.lfuse_similarity_options(),
                **{name: given.get(name) for name in NUMBERS})
    if failed is not None:
        made.failed = _failures(failed)
    if given.get("softmax_rows"):
        made.flags |= _abi.LFUSE_SIMILARITY_FLAG_SOFTMAX_ROWS
    if callable(metric):
        made.metric, made.custom = _abi.LFUSE_METRIC_CUSTOM, _custom(metric)
        if given.get("is_similarity"):
            made.flags |= _abi.LFUSE_SIMILARITY_FLAG_CUSTOM_SIMILARITY
        if given.get("is_symmetric"):
            made.flags |= _abi.LFUSE_SIMILARITY_FLAG_CUSTOM_SYMMETRIC
    else:
        made.metric = metric_value(metric)
    return made


def similarity(a: Any, b: Any, metric: Metric = "euclidean", *,
               context: Optional[Context] = None, **options: Any) -> float:
    """How alike two arrays are, none of them copied.

    A weight is a matrix whose rows are its output units, axis ``output_axis`` (0), and whose
    columns are all the rest. ``metric`` is a name (:func:`metrics`), or a function of two
    matrices that returns how far apart they are; ``is_similarity``, ``is_symmetric`` say what
    the function is. Other options: ``block`` (-1: the whole matrix), ``ridge`` (negative: none),
    ``bandwidth``, ``exponent``, ``regularisation``, ``projections``, ``centroids``,
    ``iterations``, ``seed``, ``softmax_rows`` and ``unequal`` (``"refuse"``, ``"subsample"``,
    ``"drop_smallest"``): see similarity.h.
    """
    chosen = options_of(metric, options, "similarity")
    pointer = (context or default_context()).checked()
    value = ctypes.c_double()
    _compare(pointer, a, b, lambda x, y: lib.lfuse_similarity(
        pointer, x, y, byref(chosen), byref(value), local.reference))
    return value.value


def _compare(pointer: int, a: Any, b: Any, compare: Callable[[int, int], int]) -> None:
    """Calls compare with tensors over both."""
    x, y = _views.view(a, "a"), _views.view(b, "b")
    first = _views.tensor(pointer, x, "a")
    try:
        second = _views.tensor(pointer, y, "b")
        try:
            status = compare(first, second)
        finally:
            lib.lfuse_tensor_destroy(second)
    finally:
        lib.lfuse_tensor_destroy(first)
    if status or local.raised is not None:
        fail(status)


def assignment(a: Any, b: Any, *, context: Optional[Context] = None,
               **options: Any) -> "tuple[np.ndarray, float]":
    """Which row of b each row of a is matched with (-1: none), and the distance that leaves:
    that of the metric ``"wasserstein_assignment"``, whose options it takes."""
    chosen = options_of("wasserstein_assignment", options, "assignment")
    pointer = (context or default_context()).checked()
    shape = _views.view(a, "a").shape
    rows = np.empty(shape[chosen.output_axis] if 0 <= chosen.output_axis < len(shape) else 0,
                    np.int64)
    value = ctypes.c_double()
    _compare(pointer, a, b, lambda x, y: lib.lfuse_similarity_assignment(
        pointer, x, y, byref(chosen), rows.ctypes.data, byref(value), local.reference))
    return rows, value.value


def similarity_matrix(weights: Sequence[Any], metric: Metric = "euclidean", *,
                      failed: Optional[Callable[[int, int, Exception], Any]] = None,
                      context: Optional[Context] = None,
                      progress: "Progress | bool | None" = None,
                      **options: Any) -> np.ndarray:
    """All pairs of some arrays: element (i, j) compares i to j.

    ``failed(i, j, error)`` is told of each pair that cannot be compared, which is NaN then;
    without it the first of them is raised. ``max_bytes`` bounds what is kept of each weight.
    ``progress`` is called as progress(what, done, total), or True: a bar on a terminal.
    """
    axis = options.pop("output_axis", 0)
    given = dict(weights) if isinstance(weights, dict) else {
        "weight %d" % i: array for i, array in enumerate(weights)}
    if not given:
        raise ArgumentError("weights has no array")
    chosen = options_of(metric, options, "similarity_matrix", failed)
    network = Network([Layer(name, "all", [Parameter("weight", array, output_axis=axis)])
                       for name, array in given.items()], context)
    out = np.full((len(given), len(given)), np.nan)
    try:
        with telling(progress):
            call(lib.lfuse_similarity_matrix, network.alive(), network.handles, network.count,
                 byref(chosen), out.ctypes.data)
    finally:
        network.close()
    return out
