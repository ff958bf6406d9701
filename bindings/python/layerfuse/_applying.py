"""Plans carried out on arrays, into new memory or in place."""

import ctypes
from ctypes import byref
from typing import Any, Iterator, Mapping, NamedTuple, Optional

from . import _abi, _types, _views
from ._errors import ArgumentError
from ._layers import Layer, Network, Parameter
from ._library import call, guarded, lib, make
from ._options import fill
from ._planning import merge_of


class Placed(NamedTuple):
    """A parameter of a plan, and which array it is."""

    layer: int
    parameter: int
    name: str  # of the array
    is_weight: bool


def _array_name(arrays: Mapping[str, Any], layer: str, parameter: str, alone: bool) -> str:
    """As the command finds it in a file: "LAYER.PARAMETER", or what has the layer's name."""
    full = "%s.%s" % (layer, parameter)
    if alone and layer in arrays:
        return layer
    if full in arrays:
        return full
    if _types.last_component(layer) == parameter and layer in arrays:
        return layer
    raise ArgumentError("layer %s of the plan is not among the arrays: there is no %s, nor %s"
                        % (layer, full, layer), _abi.LFUSE_ERR_NAME)


def placed_layers(plan: Any, arrays: Mapping[str, Any]) -> "tuple[list[Layer], list[Placed]]":
    """The plan's layers over these arrays: its weights, and all that it permutes."""
    moved: "dict[str, list[str]]" = {}
    for _, members in plan.permutations:
        for member in members:
            moved.setdefault(member["layer"], []).append(member["parameter"])
    layers, placed = [], []
    for i, name in enumerate(plan.layers):
        weights = plan.weights(i)
        layer = Layer(name, plan.type_of(i), [], None, i)
        for weight in weights:
            where = _array_name(arrays, name, weight.name.decode(), len(weights) == 1)
            layer.parameters.append(Parameter(weight.name.decode(), arrays[where],
                                              output_axis=weight.output_axis))
            placed.append(Placed(i, len(layer.parameters) - 1, where, True))
        has = {p.name for p in layer.parameters}
        for parameter in dict.fromkeys(moved.get(name, ())):
            if parameter not in has:
                where = _array_name(arrays, name, parameter, False)
                layer.parameters.append(Parameter(parameter, arrays[where], role="norm"))
                placed.append(Placed(i, len(layer.parameters) - 1, where, False))
        layers.append(layer)
    return layers, placed


def _sharing(plan: Any, layer: int, weight: int) -> "Iterator[tuple[int, int]]":
    """Both ends, as (layer, weight), of every row that shows another's values."""
    row, owner_row = 0, ctypes.c_int64()
    while True:
        owner = lib.lfuse_plan_row_owner(plan.pointer, layer, weight, row, byref(owner_row))
        if owner < 0:
            return
        if (owner, owner_row.value) != (layer, row):
            yield layer, weight
            yield owner, weight
        row += 1


def _changed(plan: Any, layers: "list[Layer]") -> "set[tuple[int, int]]":
    """What new memory is needed for: (layer, parameter)."""
    names = {layer.name: i for i, layer in enumerate(layers)}
    changed = set()
    for kept in plan.kept:
        changed |= {(names[kept], w) for w in range(len(plan.weights(names[kept])))}
    for _, members in plan.permutations:
        for member in members:
            i = names[member["layer"]]
            index = [p.name for p in layers[i].parameters].index(member["parameter"])
            changed.add((i, index))
    for i in range(len(layers)):
        for w in range(len(plan.weights(i))):
            changed.update(_sharing(plan, i, w))
    return changed


def apply(plan: Any, arrays: Mapping[str, Any]) -> "dict[str, Any]":
    """Into new memory, one array for each group."""
    if plan._policy is not None:  # what a function makes cannot be read in advance
        copies = {name: a.clone() if _views.is_torch(a) else a.copy() if hasattr(a, "copy") else a
                  for name, a in arrays.items()}
        return apply_inplace(plan, copies)
    layers, placed = placed_layers(plan, arrays)
    changed, owners = _changed(plan, layers), plan.owners
    index = {layer.name: i for i, layer in enumerate(layers)}
    network = Network(layers, plan.context)
    made: "dict[tuple[int, int], Any]" = {}
    try:
        preview = network.own(lib.lfuse_preview_destroy, make(
            lib.lfuse_preview_create, network.alive(), plan.pointer, network.handles,
            network.count))
        for layer, parameter in sorted(changed):
            made[layer, parameter] = _read(preview, network, layers, layer, parameter)
    finally:
        network.close()
    result = dict(arrays)
    for p in placed:
        owner = index[owners[layers[p.layer].name]] if p.is_weight else p.layer
        if (owner, p.parameter) in made:
            result[p.name] = _views.like(made[owner, p.parameter], arrays[p.name])
    return result


def _read(preview: int, network: Network, layers: "list[Layer]", layer: int,
          parameter: int) -> Any:
    view = network.views[layers[layer].name, layers[layer].parameters[parameter].name]
    out = _views.empty(view.shape, view.dtype)
    bits = getattr(out, "bits", out)
    call(lib.lfuse_preview_read_parameter, preview, layer, parameter, 0, bits.size,
         bits.ctypes.data)
    return out


def apply_inplace(plan: Any, arrays: Mapping[str, Any]) -> "dict[str, Any]":
    """Into the arrays that are kept; the others' names get these."""
    layers, placed = placed_layers(plan, arrays)
    network = Network(layers, plan.context, writable=True)
    moved: "dict[tuple[str, str], int]" = {}
    try:
        put_in_force(plan, network, moved)
    finally:
        network.close()
    where = {network.views[layers[p.layer].name,
                           layers[p.layer].parameters[p.parameter].name].address: p.name
             for p in placed}
    result = dict(arrays)
    for p in placed:
        key = layers[p.layer].name, layers[p.layer].parameters[p.parameter].name
        if key in moved:
            result[p.name] = arrays[where[moved[key]]]
    return result


def put_in_force(plan: Any, network: Network,
                 moved: "Optional[dict[tuple[str, str], int]]" = None) -> "set[str]":
    """Applies and finalises: the names of layers that are frozen. moved gets the new address of
    what has one."""
    def rebind(layer: bytes, parameter: bytes, address: int, _user: Any) -> int:
        if moved is not None:
            moved[layer.decode(), parameter.decode()] = address
        return 0

    options = fill(_abi.lfuse_ties_options())
    options.rebind = guarded(_abi.lfuse_rebind, rebind)
    options.merge = merge_of(plan._policy)
    ties = make(lib.lfuse_ties_create, network.alive(), network.handles, network.count,
                byref(options))
    try:
        call(lib.lfuse_ties_apply, ties, plan.pointer)
        call(lib.lfuse_ties_finalise, ties)
        return {layer.name for i, layer in enumerate(network.layers)
                if lib.lfuse_ties_is_frozen(ties, i)}
    finally:
        lib.lfuse_ties_destroy(ties)


def banks(plan: Any, arrays: Mapping[str, Any]) -> "dict[str, list[str]]":
    """Names of arrays that share rows, by the bank that has them: one for each type."""
    layers, placed = placed_layers(plan, arrays)
    sharing = set()
    for i in range(len(layers)):
        for w in range(len(plan.weights(i))):
            sharing.update(_sharing(plan, i, w))
    found: "dict[str, list[str]]" = {}
    for p in placed:
        if p.is_weight and (p.layer, p.parameter) in sharing:
            several = len(plan.weights(p.layer)) > 1
            bank = plan.type_of(p.layer) + (
                "." + layers[p.layer].parameters[p.parameter].name if several else "")
            while bank in arrays:
                bank += "'"
            found.setdefault(bank, []).append(p.name)
    return found
