"""Modules of PyTorch, fused in place: one nn.Parameter for each group, and nothing copied."""

from typing import Any, Callable, Iterator, Mapping, Optional

import torch
from torch import nn

from . import _files, _types
from ._applying import placed_layers, put_in_force
from ._context import Context, Progress, telling
from ._errors import ArgumentError
from ._layers import Layer, Network, Parameter
from ._plan import Plan, build
from ._planning import needs_others

__all__ = ["fuse", "layers", "save", "load"]

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
ATTENTION = ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight")
LEAST = 16 << 20  # bytes of what is kept of layers while they are compared

ALONE = "weight"  # the layer that a module is which is nothing but one

TypeOf = Callable[[str, nn.Module], Optional[str]]


def _weights(module: nn.Module) -> "tuple[str | None, dict[str, int]]":
    """What kind of layer a module is, and its weights with the axes of their output units."""
    if isinstance(module, CONVOLUTIONS):
        return "conv2d", {"weight": 0}
    if isinstance(module, TRANSPOSED) and module.groups == 1:
        return "conv2d", {"weight": 1}
    if isinstance(module, nn.Linear):
        return "linear", {"weight": 0}
    if isinstance(module, nn.MultiheadAttention):
        return "linear", dict.fromkeys(ATTENTION, 0)
    if type(module).__name__ == "Conv1D" and hasattr(module, "nf"):  # GPT-2's, [in, out]
        return "linear", {"weight": 1}
    return None, {}


def _type(name: str, module: nn.Module, kind: str, rule: Optional[str]) -> str:
    """Convolutions of one shape are of one type; matrices of one shape and place in a block."""
    return _types.pattern(name, rule or ("digits" if kind == "conv2d" else "component"))


def _roles(module: nn.Module) -> "Iterator[tuple[str, torch.Tensor, str]]":
    for name, p in module._parameters.items():
        if p is not None:
            is_bias = name.endswith("bias") and not isinstance(module, _NORMS)
            yield name, p, "bias" if is_bias else "norm" if p.dim() < 2 else "weight"
    for name, b in module._buffers.items():
        if b is not None and b.is_floating_point() and b.dim() > 0:
            yield name, b, "statistic"


_NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm)


def _beside(role: str, kind: Optional[str]) -> str:
    """What else such a layer has, such as bias_k of attention, stays each position's own."""
    return "norm" if kind is not None and role == "weight" else role


def layers(module: nn.Module, *, type_rule: Optional[str] = None,
           types: Optional[TypeOf] = None, others: bool = False) -> "list[Layer]":
    """The convolutions, linear and attention layers of a module, over its parameters.

    A layer has its module's name, weights and biases. ``types(name, module)`` says its type, None
    that it fuses with none; else it is its name with numbers taken out, and its shape
    (``type_rule``: ``"component"`` or ``"digits"``). A parameter of two modules is the first's. With
    ``others``, modules of other kinds are layers, too, which fuse with none.
    """
    found: "list[Layer]" = []
    seen: "set[int]" = set()
    for name, part in module.named_modules():
        kind, axes = _weights(part)
        own = [(p, t, role) for p, t, role in _roles(part) if id(t) not in seen]
        seen.update(id(t) for _, t, _ in own)
        weights = [(p, t) for p, t, _ in own if p in axes]
        is_fusable = kind is not None and weights
        text = types(name, part) if types is not None else None
        if is_fusable and (types is None or text is not None):
            shapes = ", ".join("x".join(map(str, t.shape)) for _, t in weights)
            label = "%s [%s]" % (text or _type(name, part, str(kind), type_rule), shapes)
        elif others and own:
            label = name or ALONE
        else:
            continue
        parameters = [Parameter(p, t, None, (), "weight" if p in axes else _beside(role, kind),
                                axes.get(p, 0)) for p, t, role in own
                      if p in axes or others or role == "bias"]
        found.append(Layer(name or ALONE, label, parameters,
                           kind or ("norm" if isinstance(part, _NORMS) else None), len(found)))
    return found


def _tensors(module: nn.Module) -> "dict[str, torch.Tensor]":
    """Every parameter and buffer, by its name in a state dict."""
    found: "dict[str, torch.Tensor]" = {}
    for name, part in module.named_modules():
        for key, t in (*part._parameters.items(), *part._buffers.items()):
            if t is not None:
                found[name + "." + key if name else key] = t
    return found


def _replace(module: nn.Module, old: torch.Tensor, new: torch.Tensor) -> None:
    """new in the place of old, wherever a module has it."""
    for part in module.modules():
        for key, t in part._parameters.items():
            if t is old:
                part._parameters[key] = new  # type: ignore[assignment]


def _forget(optimizer: Any, dropped: "set[int]") -> None:
    """Parameters that are no one's any more are not stepped."""
    for group in optimizer.param_groups:
        group["params"] = [p for p in group["params"] if id(p) not in dropped]
    for p in [p for p in optimizer.state if id(p) in dropped]:
        del optimizer.state[p]


def _states(optimizer: Any, layer: Layer) -> None:
    """Momentum, and what else there is of each element, is merged with the weights."""
    for p in layer.parameters:
        if p.value in optimizer.state:
            p.state = [s for s in optimizer.state[p.value].values()
                       if torch.is_tensor(s) and s.shape == p.value.shape and s.dim() > 0]


def fuse(module: nn.Module, ratio: Optional[float] = None, *, plan: Optional[Plan] = None,
         type_rule: Optional[str] = None, types: Optional[TypeOf] = None, optimizer: Any = None,
         context: Optional[Context] = None, progress: "Progress | bool | None" = None,
         **options: Any) -> Plan:
    """Gives the most alike layers of a module one Parameter, in place, and returns the plan.

    Layers are those of :func:`layers`; options are those of :func:`layerfuse.plan`, or ``plan`` is
    one that was made before. Each group's Parameter is its kept member's, with the group's weights;
    the others are dropped, and with them their memory, where nobody else has them: make the
    optimizer afterwards, or give it, whose state is then merged. PyTorch adds up the gradients of
    all places by itself. With the policy freeze they no longer require any. Ratios count from the
    module as it is: what is shared already counts once.
    """
    if plan is None:
        plan = _plan(module, dict(options, ratio=ratio), type_rule, types, context, progress)
    elif ratio is not None or options:
        raise TypeError("fuse() takes either a plan or what makes one")
    if plan.options.get("unit") == "row":
        raise ArgumentError("rows cannot be tied as Parameters: use Plan.apply()")
    arrays = _tensors(module)
    described, placed = placed_layers(plan, arrays)
    if optimizer is not None:
        for layer in described:
            _states(optimizer, layer)
    network = Network(described, plan.context, writable=True)
    try:
        with torch.no_grad(), telling(progress):
            frozen = put_in_force(plan, network)
    finally:
        network.close()
    _tie(module, plan, arrays, described, placed, optimizer, frozen)
    return plan


def _plan(module: nn.Module, options: "dict[str, Any]", type_rule: Optional[str],
          types: Optional[TypeOf], context: Optional[Context],
          progress: "Progress | bool | None") -> Plan:
    found = layers(module, type_rule=type_rule, types=types, others=needs_others(options))
    if not found:
        raise ArgumentError("the module has no convolution, linear or attention layer")
    held = sum(p.value.numel() * p.value.element_size() for layer in found
               for p in layer.parameters)
    options.setdefault("max_bytes", max(LEAST, held // 20))
    made = Network(found, context)
    try:
        return build(made, options, progress)
    finally:
        made.close()


def _tie(module: nn.Module, plan: Plan, arrays: Mapping[str, torch.Tensor],
         described: "list[Layer]", placed: "list[Any]", optimizer: Any,
         frozen: "set[str]") -> None:
    owners = plan.owners
    by_place = {(described[p.layer].name, p.parameter): arrays[p.name] for p in placed
                if p.is_weight}
    dropped: "set[int]" = set()
    kept_alive = []
    for (layer, parameter), tensor in by_place.items():
        kept = by_place[owners[layer], parameter]
        if kept is not tensor:
            _replace(module, tensor, kept)
            dropped.add(id(tensor))
            kept_alive.append(tensor)  # so that no other object gets its id
        if layer in frozen:
            kept.requires_grad_(False)
        if owners[layer] != layer:
            kept.grad = None
    if optimizer is not None:
        _forget(optimizer, dropped)


def save(path: Any, module: "nn.Module | Mapping[str, Any]", **options: Any) -> None:
    """The state dict of a module, or one that is given, as :func:`layerfuse.save` writes it."""
    state = module.state_dict() if isinstance(module, nn.Module) else module
    _files.save(path, state, **options)


def load(path: Any, *, context: Optional[Context] = None) -> "dict[str, torch.Tensor]":
    """A state dict: as :func:`layerfuse.load`, as tensors; names that share memory still do."""
    made: "dict[int, torch.Tensor]" = {}
    arrays = _files.load(path, context=context)
    for array in arrays.values():
        if id(array) not in made:
            made[id(array)] = (torch.from_dlpack(array) if hasattr(array, "bits")
                               else torch.from_numpy(array))
    return {name: made[id(array)] for name, array in arrays.items()}
