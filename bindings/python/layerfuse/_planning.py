"""The options of a plan, for plans and for what makes one plan after another."""

import ctypes
from typing import Any, Callable, Mapping, Optional, Sequence, Union

import numpy as np

from . import _abi, _similarity
from ._couplings import couplings_of
from ._errors import ArgumentError
from ._library import call, guarded, lib, text
from ._options import address, choice, fill

NUMBERS = ("ratio", "top_k", "max_unique_bytes", "freeze_gradient", "weighting", "scope",
           "unit", "base", "linkage", "max_group", "keep")
RULES = ("include", "exclude", "pin", "force")
FLAGS = {"rescale": _abi.LFUSE_PLAN_FLAG_RESCALE, "contents": _abi.LFUSE_PLAN_FLAG_CONTENTS,
         "include_ends": _abi.LFUSE_PLAN_FLAG_INCLUDE_ENDS,
         "skip_unequal": _abi.LFUSE_PLAN_FLAG_SKIP_UNEQUAL}
OPTIONS = NUMBERS + RULES + tuple(FLAGS) + (
    "threshold", "metric", "policy", "align", "couplings", "heads", "importance") + tuple(
        name for name in _similarity.OPTIONS if name != "output_axis")

Policy = Union[str, Callable[[Sequence[np.ndarray]], np.ndarray]]


def policy_value(policy: Policy) -> int:
    """The constant of a policy's name; any function is the policy custom."""
    if callable(policy):
        return _abi.LFUSE_POLICY_CUSTOM
    found = ctypes.c_int32()
    call(lib.lfuse_policy_from_name, text(policy, "policy"), ctypes.byref(found))
    return found.value


def merge_of(policy: Policy) -> Any:
    """lfuse_policy_merge of a function; none of a name."""
    if not callable(policy):
        return _abi.lfuse_policy_merge()

    def merge(_user: Any, members: int, count: int, merged: int) -> int:
        views = [_abi.lfuse_matrix_view.from_address(
            members + i * ctypes.sizeof(_abi.lfuse_matrix_view)) for i in range(count)]
        shape = views[0].rows, views[0].columns
        out = np.frombuffer((ctypes.c_double * (shape[0] * shape[1])).from_address(merged))
        out.reshape(shape)[:] = policy([_similarity.matrix_of(v) for v in views])
        return 0
    return guarded(_abi.lfuse_policy_merge, merge)


def _rules(given: Mapping[str, Any]) -> Any:
    rules = []
    for action in RULES:
        globs = given.get(action) or []
        for glob in [globs] if isinstance(globs, str) else globs:
            rules.append(_abi.lfuse_plan_rule(text(glob, action), choice("action", action), 0))
    return (_abi.lfuse_plan_rule * len(rules))(*rules)


def _importance(importance: Any, layers: Any) -> Any:
    """In the order of the layers; of a dict what is not in it is 0."""
    names = [layer.name for layer in layers.layers]
    if isinstance(importance, Mapping):
        for name in importance:
            if name not in names:
                raise ArgumentError("importance has %s, which is none of the layers" % name,
                                    _abi.LFUSE_ERR_NAME)
        importance = [importance.get(name, 0.0) for name in names]
    numbers = np.ascontiguousarray(importance, np.float64)
    if numbers.shape != (len(names),):
        raise ArgumentError("importance is of shape %s, there are %d layers"
                            % (numbers.shape, len(names)), _abi.LFUSE_ERR_SHAPE)
    return numbers


class PlanOptions:
    """lfuse_plan_options of keyword arguments, and all that it points at."""

    def __init__(self, layers: Any, given: Mapping[str, Any], function: str,
                 in_force: Optional[int] = None):
        for name in given:
            if name not in OPTIONS:
                raise TypeError("%s() got an unexpected keyword argument %r" % (function, name))
        self.policy: Policy = given.get("policy") or "average"
        self.struct = fill(_abi.lfuse_plan_options(),
                           **{name: given.get(name) for name in NUMBERS})
        self._similarity(given, function)
        self.struct.policy = policy_value(self.policy)
        self.struct.in_force = in_force
        self.struct.flags = sum(flag for name, flag in FLAGS.items() if given.get(name))
        if given.get("threshold") is not None:
            fill(self.struct, threshold=given["threshold"])
            self.struct.flags |= _abi.LFUSE_PLAN_FLAG_THRESHOLD
        self.rules = _rules(given)
        if len(self.rules):
            self.struct.rules, self.struct.rule_count = address(self.rules), len(self.rules)
        if given.get("importance") is not None:
            self.importance = _importance(given["importance"], layers)
            self.struct.importance = self.importance.ctypes.data
        self._align(layers, given)

    def _similarity(self, given: Mapping[str, Any], function: str) -> None:
        chosen = {name: given[name] for name in _similarity.OPTIONS if name in given}
        self.similarity = _similarity.options_of(given.get("metric") or "euclidean", chosen,
                                                 function)
        self.struct.similarity = address(self.similarity)

    def _align(self, layers: Any, given: Mapping[str, Any]) -> None:
        self.couplings = None
        if given.get("align") is not None:
            self.struct.alignment = choice("align", given["align"])
        if given.get("couplings") is not None:
            self.couplings = couplings_of(given["couplings"], layers, given.get("heads") or 0)
            self.struct.couplings = self.couplings.pointer
        elif given.get("heads"):
            raise ArgumentError("heads is given without couplings")


def needs_others(given: Mapping[str, Any]) -> bool:
    """What fuses with nothing is a layer, too, where couplings move it or a ratio counts it."""
    return given.get("couplings") is not None or given.get("base") == "all"
