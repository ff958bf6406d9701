"""How far a network can be fused as it is, and where a curve of that bends."""

import ctypes
from ctypes import byref
from typing import Any, Callable, NamedTuple, Optional, Sequence

import numpy as np

from . import _abi, _types
from ._context import Context, Progress, telling
from ._errors import ArgumentError
from ._layers import Layers, network
from ._library import call, guarded, lib, make
from ._options import address, fill
from ._plan import Plan
from ._planning import PlanOptions, merge_of
from ._retrainer import evaluation_of


def search_ratio(layers: Layers, evaluate: Callable[[], float], tolerance: float, *,
                 ratio: float, repair: Optional[Callable[[], Any]] = None,
                 type_rule: _types.TypeRule = "component", output_axis: Any = 0,
                 context: Optional[Context] = None, progress: "Progress | bool | None" = None,
                 **options: Any) -> "tuple[Plan, float]":
    """The plan of the largest ratio, up to ``ratio``, whose metric is at most tolerance below that
    of the network as it is, and its metric, without training.

    ``evaluate()`` gives the metric, greater is better, of the arrays as they are when it is called;
    ``repair()`` is called before, to re-estimate statistics. What is tried is written into the
    arrays and taken back, to the bit.
    """
    made = network(layers, context, writable=True, rule=type_rule, output_axis=output_axis,
                   others=True)
    plan = PlanOptions(made, dict(options, ratio=ratio), "search_ratio")
    chosen = fill(_abi.lfuse_search_options(), tolerance=tolerance)
    chosen.plan, chosen.evaluate = address(plan.struct), evaluation_of(evaluate)
    if repair is not None:
        chosen.repair = guarded(_abi.lfuse_repair, lambda _user: int(repair() or 0))
    ties_options = fill(_abi.lfuse_ties_options())
    ties_options.merge = merge_of(plan.policy)
    found, metric = ctypes.c_void_p(), ctypes.c_double()
    try:
        ties = made.own(lib.lfuse_ties_destroy, make(
            lib.lfuse_ties_create, made.alive(), made.handles, made.count, byref(ties_options)))
        with telling(progress):
            call(lib.lfuse_search_ratio, ties, byref(chosen), byref(found), byref(metric))
    finally:
        made.close()
    policy = plan.policy if callable(plan.policy) else None
    return Plan(found.value or 0, made.context, policy), metric.value


class Inflection(NamedTuple):
    """Two straight lines that meet at (x, y): at 95 % confidence between x_low and x_high."""

    x: float
    y: float
    x_low: float
    x_high: float
    slope_before: float
    slope_after: float
    residual: float
    line_residual: float


def curve_inflection(x: Sequence[float], y: Sequence[float]) -> Inflection:
    """The point past which a curve falls off: x ascends, four points at least."""
    xs, ys = (np.ascontiguousarray(v, np.float64) for v in (x, y))
    if xs.ndim != 1 or xs.shape != ys.shape:
        raise ArgumentError("x is of shape %s, y of %s" % (xs.shape, ys.shape),
                            _abi.LFUSE_ERR_SHAPE)
    found = fill(_abi.lfuse_inflection())
    call(lib.lfuse_curve_inflection, xs.ctypes.data, ys.ctypes.data, xs.size, byref(found))
    return Inflection(*(getattr(found, name) for name in Inflection._fields))
