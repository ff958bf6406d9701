"""Couplings: which axes of which arrays count the units of one hidden space."""

import ctypes
import json
import os
from ctypes import byref
from typing import Any, Mapping, Optional, Union

import numpy as np

from . import _abi
from ._context import Context
from ._errors import ArgumentError, Error
from ._layers import Layers, Owner, network
from ._library import call, lib, make, text
from ._options import fill

PRESETS = ("resnet-basic", "resnet-bottleneck", "gpt2", "llama")
MEMBER = ("axis", "head_group", "repeat", "offset", "extent")


class Couplings(Owner):
    """Spaces of hidden units, each a list of members.

    A member is a dict: ``"tensor"`` is ``"LAYER.PARAMETER"`` (or ``"layer"`` and ``"parameter"``),
    and ``"axis"``, ``"head_group"``, ``"repeat"``, ``"offset"``, ``"extent"`` are numbers as in
    couplings.h, with its defaults.
    """

    def __init__(self, spaces: Any = (), context: Optional[Context] = None):
        super().__init__(context)
        self.pointer = self.own(lib.lfuse_couplings_destroy,
                                make(lib.lfuse_couplings_create, self.context.checked()))
        for members in spaces:
            self.add_space(members)

    @classmethod
    def _read(cls, function: Any, arguments: Any, context: Optional[Context]) -> "Couplings":
        made = cls.__new__(cls)
        Owner.__init__(made, context)
        made.pointer = made.own(lib.lfuse_couplings_destroy,
                                make(function, made.context.checked(), *arguments))
        return made

    @classmethod
    def load(cls, path: Any, context: Optional[Context] = None) -> "Couplings":
        """From a JSON file."""
        return cls._read(lib.lfuse_couplings_read, (text(path, "path"),), context)

    @classmethod
    def from_json(cls, source: str, context: Optional[Context] = None) -> "Couplings":
        """From JSON: {"layerfuse_couplings": 1, "spaces": [[member, ...], ...]}."""
        data = source.encode()
        return cls._read(lib.lfuse_couplings_parse, (data, len(data)), context)

    def add_space(self, members: Any = ()) -> int:
        """Another space, with these members: its index."""
        space = ctypes.c_int64()
        self.alive()
        call(lib.lfuse_couplings_add_space, self.pointer, byref(space))
        for member in members:
            self.add_member(space.value, **member)
        return space.value

    def add_member(self, space: int, tensor: Optional[str] = None, layer: Optional[str] = None,
                   parameter: Optional[str] = None, **numbers: int) -> None:
        """Another member of a space."""
        for name in numbers:
            if name not in MEMBER:
                raise TypeError("a member of couplings has no %r" % name)
        if (tensor is None) == (parameter is None):
            raise ArgumentError("a member of couplings says either tensor, or parameter")
        self.alive()
        c = fill(_abi.lfuse_coupling(), **numbers)
        c.parameter = text(tensor if tensor is not None else parameter or "")
        c.layer = text(layer) if layer is not None else None
        call(lib.lfuse_couplings_add_member, self.pointer, space, byref(c))

    def add_preset(self, name: str, layers: Layers, heads: int = 0, **how: Any) -> None:
        """The hidden spaces of a family of networks, by the names of its arrays: one of
        ``resnet-basic``, ``resnet-bottleneck``, ``gpt2``, ``llama``. ``heads`` are the query heads
        of a block; without them attention stays as it is."""
        given = network(layers, self.context, others=True, **how)
        try:
            self.add_preset_of(name, given, heads)
        finally:
            given.close()

    def add_preset_of(self, name: str, given: Any, heads: int) -> None:
        self.alive()
        call(lib.lfuse_couplings_add_preset, self.pointer, text(name), given.handles, given.count,
             heads)

    @property
    def spaces(self) -> "list[list[dict[str, Any]]]":
        """What was added, as couplings of JSON have it."""
        self.alive()
        return [[member_of(lib.lfuse_couplings_member, self.pointer, space, i)
                 for i in range(lib.lfuse_couplings_member_count(self.pointer, space))]
                for space in range(lib.lfuse_couplings_space_count(self.pointer))]

    def units(self, space: int, layers: Layers, **how: Any) -> int:
        """How many units a space has in these layers."""
        found = ctypes.c_int64()
        given = network(layers, self.context, others=True, **how)
        try:
            self.alive()
            call(lib.lfuse_couplings_units, self.pointer, given.handles, given.count, space,
                 byref(found))
        finally:
            given.close()
        return found.value

    def permute(self, space: int, order: Any, layers: Layers, **how: Any) -> None:
        """Puts the units of a space in another order, in place, wherever they are: unit u will
        be what unit order[u] was."""
        numbers = np.ascontiguousarray(order, np.int64)
        given = network(layers, self.context, writable=True, others=True, **how)
        try:
            count = self.units(space, layers, **how)
            if numbers.shape != (count,):
                raise ArgumentError("order is of shape %s, the space has %d units"
                                    % (numbers.shape, count), _abi.LFUSE_ERR_SHAPE)
            call(lib.lfuse_couplings_permute, self.pointer, given.handles, given.count, space,
                 numbers.ctypes.data)
        finally:
            given.close()

    def match(self, a: int, b: int, layers: Layers, likeness: Any = None,
              **how: Any) -> np.ndarray:
        """The order of the units of space b in which they are most alike those of a: by their
        weights, or by likeness, (units, units)."""
        given = network(layers, self.context, others=True, **how)
        try:
            units = self.units(a, layers, **how)
            order = np.empty(units, np.int64)
            args = fill(_abi.lfuse_match_args(), count=given.count, a=a, b=b)
            args.layers = ctypes.addressof(given.handles)
            like = None if likeness is None else np.ascontiguousarray(likeness, np.float64)
            if like is not None:
                if like.shape != (units, units):
                    raise ArgumentError("likeness is of shape %s, the space has %d units"
                                        % (like.shape, units), _abi.LFUSE_ERR_SHAPE)
                args.likeness = like.ctypes.data
            call(lib.lfuse_couplings_match, self.pointer, byref(args), order.ctypes.data)
        finally:
            given.close()
        return order


def member_of(function: Any, *where: Any) -> "dict[str, Any]":
    """A member as JSON has it."""
    c = fill(_abi.lfuse_coupling())
    call(function, *where, byref(c))
    found: "dict[str, Any]" = {"tensor": c.parameter.decode()} if c.layer is None else {
        "layer": c.layer.decode(), "parameter": c.parameter.decode()}
    plain = fill(_abi.lfuse_coupling(), head_group=1, repeat=1)
    found.update((name, getattr(c, name)) for name in MEMBER
                 if getattr(c, name) != getattr(plain, name))
    return found


CouplingsLike = Union[str, "os.PathLike[str]", Mapping[str, Any], Couplings]


def couplings_of(given: CouplingsLike, layers: Any, heads: int) -> Couplings:
    """Of a preset's name, the path of a JSON file, a dict as such a file has it, or as they are."""
    if isinstance(given, Couplings):
        return given
    if isinstance(given, Mapping):
        return Couplings.from_json(json.dumps(given), layers.context)
    if given not in PRESETS:
        try:
            return Couplings.load(given, layers.context)
        except Error as error:
            raise type(error)("couplings is %r, neither one of %s nor such a file: %s" % (
                given, ", ".join(PRESETS), error), error.status, error.detail) from None
    made = Couplings(context=layers.context)
    made.add_preset_of(str(given), layers, heads)
    return made
