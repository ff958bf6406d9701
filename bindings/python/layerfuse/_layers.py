"""Layers: what of a network belongs together, as the library has it."""

import ctypes
import weakref
from dataclasses import dataclass, field
from typing import Any, Callable, Mapping, Optional, Sequence, Union

from . import _abi, _types, _views
from ._context import Context, default_context
from ._errors import ArgumentError
from ._library import call, lib, make, text
from ._options import fill, pointers


@dataclass
class Parameter:
    """One array of a layer, and what belongs to it: its gradient, its optimiser's state.

    ``role`` is ``"weight"`` (these fuse), ``"bias"``, ``"norm"`` or ``"statistic"``;
    ``output_axis`` says which axis of value counts output units.
    """

    name: str
    value: Any
    gradient: Any = None
    state: Sequence[Any] = ()
    role: str = "weight"
    output_axis: int = 0


@dataclass
class Layer:
    """One position of the network. Only layers of one ``param_type`` are ever fused.

    ``position`` is its place in the network, by default that in the list.
    """

    name: str
    param_type: str
    parameters: "list[Parameter]" = field(default_factory=list)
    kind: Optional[str] = None
    position: Optional[int] = None


Arrays = Mapping[str, Any]
Layers = Union[Arrays, Sequence[Layer]]


def of_arrays(arrays: Arrays, rule: _types.TypeRule = "component",
              output_axis: "int | Mapping[str, int]" = 0, others: bool = False,
              gradients: Optional[Arrays] = None,
              state: "Optional[Mapping[str, Sequence[Any]]]" = None) -> "list[Layer]":
    """Every array of a type is a layer of its name; with others, the rest are, too, which fuse
    with none: they are what couplings put in order, or what an optimiser steps besides."""
    shapes = {name: _views.shape_of(array, name) for name, array in arrays.items()
              if not _views.is_integer(array)}
    types = _types.find(shapes, rule)
    axes = _types.axes(output_axis, list(shapes))
    grad, states = gradients or {}, state or {}
    for given, what in ((grad, "gradients"), (states, "state")):
        for name in given:
            if name not in arrays:
                raise ArgumentError("%s has %s, which is none of the arrays" % (what, name),
                                    _abi.LFUSE_ERR_NAME)

    def layer(name: str, kind: str, parameter: str, role: str, position: int) -> Layer:
        axis = axes[name] if len(shapes[name]) >= 2 else 0
        return Layer(name, kind, [Parameter(parameter, arrays[name], grad.get(name),
                                            states.get(name, ()), role, axis)], None, position)

    layers = [layer(name, kind, _types.weight_name(name, kind), "weight", i)
              for i, (name, kind) in enumerate(types.items())]
    if others:  # in the middle, so that the plan takes none of them for an end of the network
        layers += [layer(name, name, _types.last_component(name), _role(name, shapes[name]),
                         len(types) // 2) for name, shape in shapes.items()
                   if name not in types and shape and 0 not in shape]
    return layers


def _role(name: str, shape: "tuple[int, ...]") -> str:
    last = _types.last_component(name)
    if last.startswith("running_"):
        return "statistic"
    return "weight" if len(shape) >= 2 else "bias" if last == "bias" else "norm"


def _release(made: "list[tuple[Callable[[int], None], int]]", kept: "list[Any]") -> None:
    while made:
        destroy, pointer = made.pop()
        destroy(pointer)
    kept.clear()


class Owner:
    """Handles of the library, destroyed in the reverse of the order in which they were made."""

    def __init__(self, context: Optional[Context]):
        self.context = context or default_context()
        self._made: "list[tuple[Callable[[int], None], int]]" = []
        self._kept: "list[Any]" = [self.context]  # until then: arrays, callbacks
        self._finalizer = weakref.finalize(self, _release, self._made, self._kept)

    def own(self, destroy: Callable[[int], None], pointer: int) -> int:
        self._made.append((destroy, pointer))
        return pointer

    def close(self) -> None:
        """Ends it now; what is asked of it from then on is an error."""
        self._finalizer()

    def alive(self) -> int:
        """The context's handle, where this is still open."""
        if not self._finalizer.alive:
            raise ArgumentError("it was closed", _abi.LFUSE_ERR_STATE)
        return self.context.checked()


class Network(Owner):
    """Layers as the library has them, over the caller's arrays."""

    def __init__(self, layers: Sequence[Layer], context: Optional[Context] = None,
                 writable: bool = False):
        super().__init__(context)
        self.layers = list(layers)
        self.writable = writable
        self.views: "dict[tuple[str, str], _views.View]" = {}
        self.handles = pointers(self._layer(layer, i) for i, layer in enumerate(self.layers))
        self.count = len(self.layers)

    def _layer(self, layer: Layer, index: int) -> int:
        parameters = [self._parameter(layer, p) for p in layer.parameters]
        desc = fill(_abi.lfuse_layer_desc(), kind=layer.kind,
                    position=index if layer.position is None else layer.position)
        desc.name, desc.param_type = text(layer.name), text(layer.param_type)
        made = self.own(lib.lfuse_layer_destroy, make(
            lib.lfuse_layer_create, self.context.checked(), ctypes.byref(desc)))
        for parameter in parameters:
            call(lib.lfuse_layer_add_parameter, made, ctypes.byref(parameter))
        return made

    def _parameter(self, layer: Layer, parameter: Parameter) -> Any:
        """Its tensors, which are made before the layer: they have to outlive it."""
        what = full_name(layer.name, parameter.name)
        p = fill(_abi.lfuse_parameter(), role=parameter.role, output_axis=parameter.output_axis)
        p.name = text(parameter.name)
        found = _views.view(parameter.value, what, self.writable)
        self.views[layer.name, parameter.name] = found
        p.value = self._tensor(found, what)
        if parameter.gradient is not None:
            p.gradient = self._tensor(_views.view(
                parameter.gradient, "the gradient of " + what, self.writable), what)
        if len(parameter.state) > _abi.LFUSE_MAX_STATE:
            raise ArgumentError("%s has %d arrays of state, not at most %d" % (
                what, len(parameter.state), _abi.LFUSE_MAX_STATE))
        for k, state in enumerate(parameter.state):
            p.state[k] = self._tensor(_views.view(
                state, "the state of " + what, self.writable), what)
        return p

    def _tensor(self, found: _views.View, what: str) -> int:
        self._kept.append(found.owner)
        return self.own(lib.lfuse_tensor_destroy,
                        _views.tensor(self.context.checked(), found, what))


def full_name(layer: str, parameter: str) -> str:
    """"LAYER.PARAMETER", or the layer's name where that ends so: what a file calls an array."""
    if _types.last_component(layer) == parameter:
        return layer
    return "%s.%s" % (layer, parameter)


def network(layers: Layers, context: Optional[Context], writable: bool = False,
            **how: Any) -> Network:
    """Of a dict of arrays, or of a list of layers."""
    if isinstance(layers, Mapping):
        layers = of_arrays(layers, **how)
    if not layers:
        raise ArgumentError("no two arrays of floats are layers of one type (names that differ in "
                            "numbers, and one shape): there is nothing to fuse",
                            _abi.LFUSE_ERR_NAME)
    return Network(layers, context, writable)
