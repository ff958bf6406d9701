"""Which arrays of a dict are layers of one type: as the command finds them in a file.

The type of an array is its name, with what counts blocks taken out, and its shape. Only arrays of
rank 2 and more have one, and a type has at least two of them.
"""

import fnmatch
import re
from typing import Any, Callable, Mapping, Union

from ._errors import ArgumentError
from . import _abi

COMPONENT = re.compile(r"(?:(?<=^)|(?<=\.))[0-9]+(?=\.|$)")  # all of what is between dots
DIGITS = re.compile(r"[0-9]+")

TypeRule = Union[str, Mapping[str, str], Callable[[str], "str | None"]]


def natural(name: str) -> Any:
    """A key for sorting: runs of digits compare as numbers."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part)
            for part in re.split(r"([0-9]+)", name) if part], name


def pattern(name: str, rule: str) -> str:
    if rule not in ("component", "digits"):
        raise ArgumentError("type_rule is %r, not one of component, digits" % (rule,))
    return (COMPONENT if rule == "component" else DIGITS).sub("*", name)


def last_component(name: str) -> str:
    return name.rpartition(".")[2] or name


def matches(glob: str, name: str) -> bool:
    return glob == name or fnmatch.fnmatchcase(name, glob)


def axes(output_axis: "int | Mapping[str, int]", names: "list[str]") -> "dict[str, int]":
    """The axis of each name that counts output units; of several globs the last match wins."""
    if isinstance(output_axis, int):
        return dict.fromkeys(names, output_axis)
    found = dict.fromkeys(names, 0)
    for glob, axis in output_axis.items():
        hits = [name for name in names if matches(glob, name)]
        if not hits:
            raise ArgumentError("output_axis: no array matches %r" % glob, _abi.LFUSE_ERR_NAME)
        found.update(dict.fromkeys(hits, axis))
    return found


def find(shapes: "Mapping[str, tuple[int, ...]]", rule: TypeRule) -> "dict[str, str]":
    """The type of each name that has one, in natural order, which is that of the network.

    rule is "component", "digits", or what says it for each name: a dict or a function, with None
    for those that fuse with no other.
    """
    own = rule.get if isinstance(rule, Mapping) else rule if callable(rule) else None
    types: "dict[str, str]" = {}
    for name in sorted(shapes, key=natural):
        if own is not None:
            found = own(name)
        else:
            found = pattern(name, rule) if len(shapes[name]) >= 2 else None
        if found is not None:
            types[name] = "%s [%s]" % (found, ", ".join(map(str, shapes[name])))
    counts: "dict[str, int]" = {}
    for kind in types.values():
        counts[kind] = counts.get(kind, 0) + 1
    return {name: kind for name, kind in types.items() if counts[kind] > 1}


def weight_name(name: str, kind: str) -> str:
    """What all arrays of a type call their weight: couplings and plans know "LAYER.WEIGHT"."""
    last = last_component(kind.rpartition(" [")[0])
    return "weight" if "*" in last else last_component(name)
