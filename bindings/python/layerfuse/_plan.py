"""Plans: which layers shall share weights. Nothing is touched until one is applied."""

import ctypes
import json
import os
from ctypes import byref
from typing import Any, NamedTuple, Optional

from . import _abi, _types
from ._context import Context, Progress, telling
from ._couplings import member_of
from ._layers import Layers, Network, Owner, network
from ._library import call, lib, make, text
from ._options import address, fill
from ._planning import PlanOptions, needs_others


class Fusion(NamedTuple):
    """One step of a plan: the groups of a and b, layers or rows of them, become one.

    Rows are (index of a weight, row of a, row of b, row of kept), or None; score is NaN where a
    plan file has none.
    """

    a: str
    b: str
    kept: str
    score: float
    saved_parameters: int
    ratio: float
    gamma: float
    rows: "Optional[tuple[int, int, int, int]]"


class Account(NamedTuple):
    """What a network costs, in parameters; ratio is logical / unique over base."""

    candidates_logical: int
    candidates_unique: int
    all_logical: int
    all_unique: int
    candidates_unique_bytes: int
    all_unique_bytes: int
    index_bytes: int
    ratio: float
    base: str


def account_of(function: Any, *arguments: Any) -> Account:
    found = fill(_abi.lfuse_account())
    call(function, *arguments, byref(found))
    base = "all" if found.base == _abi.LFUSE_BASE_ALL else "candidates"
    return Account(*(getattr(found, name) for name in Account._fields[:-1]), base)


def json_of(plan: int) -> str:
    """The text of a plan, of which a handle is given."""
    needed = ctypes.c_size_t()
    call(lib.lfuse_plan_to_json, plan, None, 0, byref(needed))
    data = ctypes.create_string_buffer(needed.value)
    call(lib.lfuse_plan_to_json, plan, data, needed.value, byref(needed))
    return data.value.decode()


class Plan(Owner):
    """Which layers shall share weights, and how: made by :func:`plan`, or read from a file."""

    def __init__(self, pointer: int, context: Optional[Context], policy: Any = None):
        super().__init__(context)
        self._pointer = self.own(lib.lfuse_plan_destroy, pointer)
        self._policy = policy  # a function, which no file has

    @property
    def pointer(self) -> int:
        self.alive()
        return self._pointer

    # ---- files

    @classmethod
    def load(cls, path: "str | os.PathLike[str]", layers: Optional[Layers] = None, *,
             context: Optional[Context] = None, **how: Any) -> "Plan":
        """From a file; with layers, for these, or it says what differs."""
        return cls._read(lib.lfuse_plan_load, (text(path, "path"),), layers, context, how)

    @classmethod
    def from_json(cls, source: str, layers: Optional[Layers] = None, *,
                  context: Optional[Context] = None, **how: Any) -> "Plan":
        """From the text of such a file."""
        data = source.encode()
        return cls._read(lib.lfuse_plan_from_json, (data, len(data)), layers, context, how)

    @classmethod
    def _read(cls, function: Any, arguments: Any, layers: Optional[Layers],
              context: Optional[Context], how: "dict[str, Any]") -> "Plan":
        options = fill(_abi.lfuse_plan_load_options())
        owner = Owner(context)
        given = network(layers, owner.context, **how) if layers is not None else None
        if given is not None:
            options.layers, options.count = address(given.handles), given.count
        return cls(make(function, owner.context.checked(), *arguments, byref(options)),
                   owner.context)

    def save(self, path: "str | os.PathLike[str]") -> None:
        """Writes JSON that can be read, edited and kept: whole or not at all."""
        call(lib.lfuse_plan_save, self.pointer, text(path, "path"))

    def to_json(self) -> str:
        """The same as text."""
        return json_of(self.pointer)

    # ---- what it says

    @property
    def layers(self) -> "list[str]":
        """The names of all layers it is for."""
        pointer = self.pointer
        return [lib.lfuse_plan_layer_name(pointer, i).decode()
                for i in range(lib.lfuse_plan_layer_count(pointer))]

    @property
    def fusions(self) -> "list[Fusion]":
        """In the order in which they were chosen, the most alike first."""
        pointer, names, found = self.pointer, self.layers, []
        for i in range(lib.lfuse_plan_fusion_count(pointer)):
            f = fill(_abi.lfuse_fusion())
            call(lib.lfuse_plan_fusion, pointer, i, byref(f))
            rows = (f.weight, f.row_a, f.row_b, f.row_kept) if f.weight >= 0 else None
            found.append(Fusion(names[f.a], names[f.b], names[f.kept], f.score,
                                f.saved_parameters, f.ratio, f.gamma, rows))
        return found

    @property
    def groups(self) -> "list[list[str]]":
        """The layers that share weights once it is applied, group by group."""
        pointer, names = self.pointer, self.layers
        return [[names[lib.lfuse_plan_group_member(pointer, g, m)]
                 for m in range(lib.lfuse_plan_group_size(pointer, g))]
                for g in range(lib.lfuse_plan_group_count(pointer))]

    @property
    def kept(self) -> "list[str]":
        """Of each group the layer whose buffer it has."""
        pointer, names = self.pointer, self.layers
        return [names[lib.lfuse_plan_group_kept(pointer, g)]
                for g in range(lib.lfuse_plan_group_count(pointer))]

    @property
    def owners(self) -> "dict[str, str]":
        """Of each layer the one whose buffer it will have: itself where nobody else's."""
        pointer, names = self.pointer, self.layers
        return {name: names[lib.lfuse_plan_owner(pointer, i)] for i, name in enumerate(names)}

    @property
    def skipped(self) -> "dict[str, str]":
        """Layers that were left out though others are of their type, and why."""
        pointer, names = self.pointer, self.layers
        return {names[lib.lfuse_plan_skipped(pointer, i)]:
                lib.lfuse_plan_skipped_reason(pointer, i).decode("utf-8", "replace")
                for i in range(lib.lfuse_plan_skipped_count(pointer))}

    @property
    def account(self) -> Account:
        """What the network costs once it is applied."""
        return account_of(lib.lfuse_plan_account, self.pointer)

    @property
    def ratio(self) -> float:
        """Logical / unique parameters over the plan's base: 2 means that half are gone."""
        return self.account.ratio

    @property
    def parameters(self) -> "dict[str, Any]":
        """logical, unique and base, as a plan file has them."""
        found = json.loads(self.to_json())["parameters"]
        return dict(found)

    @property
    def options(self) -> "dict[str, Any]":
        """The options that made it, as a plan file has them."""
        return dict(json.loads(self.to_json())["options"])

    @property
    def permutations(self) -> "list[tuple[list[int], list[dict[str, Any]]]]":
        """(order, members): which units are put in another order first, and what counts them."""
        pointer, found = self.pointer, []
        for i in range(lib.lfuse_plan_permutation_count(pointer)):
            units = ctypes.c_int64()
            order = lib.lfuse_plan_permutation(pointer, i, None, byref(units))
            found.append(((ctypes.c_int64 * units.value).from_address(order)[:],
                          [member_of(lib.lfuse_plan_permutation_member, pointer, i, m) for m in
                           range(lib.lfuse_plan_permutation_member_count(pointer, i))]))
        return found

    def weights(self, index: int) -> "list[Any]":
        """lfuse_planned_weight of each weight of the layer at index."""
        pointer, found = self.pointer, []
        for w in range(lib.lfuse_plan_weight_count(pointer, index)):
            weight = fill(_abi.lfuse_planned_weight())
            call(lib.lfuse_plan_weight, pointer, index, w, byref(weight))
            found.append(weight)
        return found

    def type_of(self, index: int) -> str:
        return str(lib.lfuse_plan_layer_type(self.pointer, index).decode())

    def row_owner(self, layer: str, row: int, weight: int = 0) -> "tuple[str, int]":
        """Of the unit row: the layer and row whose values a row will have."""
        names, owner_row = self.layers, ctypes.c_int64(row)
        owner = lib.lfuse_plan_row_owner(self.pointer, names.index(layer), weight, row,
                                         byref(owner_row))
        if owner < 0:
            raise IndexError("%s has no row %d that could be shared" % (layer, row))
        return names[owner], owner_row.value

    def apply(self, arrays: Any, *, inplace: bool = False,
              progress: "Progress | bool | None" = None) -> "dict[str, Any]":
        """The arrays as the plan makes them, in a new dict: members of a group share memory.

        What the plan does not change is passed on as it is; what it does is new memory, one array
        for each group, and the arrays that are given stay as they are. With ``inplace`` the group
        has the array of its kept member, which is overwritten, as are arrays whose units are put
        in order: no memory is taken.
        """
        from ._applying import apply, apply_inplace
        with telling(progress):
            return (apply_inplace if inplace else apply)(self, arrays)

    def banks(self, arrays: Any) -> "dict[str, list[str]]":
        """Of the unit row: names of arrays that share rows, for :func:`save`, by their type."""
        from ._applying import banks
        return banks(self, arrays)

    def __repr__(self) -> str:
        a = self.account
        return "Plan(%d fusions, ratio %.3f: %d of %d parameters, base %s)" % (
            lib.lfuse_plan_fusion_count(self.pointer), a.ratio, a.candidates_unique
            if a.base == "candidates" else a.all_unique, a.candidates_logical
            if a.base == "candidates" else a.all_logical, a.base)


def plan(layers: Layers, *, ratio: Optional[float] = None, metric: Any = "euclidean",
         policy: Any = "average", type_rule: _types.TypeRule = "component",
         output_axis: Any = 0, context: Optional[Context] = None,
         progress: "Progress | bool | None" = None, **options: Any) -> Plan:
    """Measures layers and chooses which shall share weights, until ``ratio`` is reached.

    ``layers`` is a dict of arrays, as of a file or a state dict, or a list of :class:`Layer`. Of a
    dict, arrays are layers of one type whose names differ in numbers alone (``type_rule``:
    ``"component"``, whole components between dots; ``"digits"``, any digits; or a dict or function
    from name to type, None for none) and whose shapes agree; ``output_axis`` is the axis that
    counts output units, or a dict from glob to axis.

    ``metric`` and its options: :func:`similarity`. ``policy``: ``"average"``, ``"freeze"``,
    ``"random"``, ``"js"``, or a function from the members' matrices to one. How far: ``ratio``,
    ``top_k`` fusions, ``threshold`` of the score, ``max_unique_bytes``. Which: ``include``,
    ``exclude``, ``pin``, ``force`` (globs of names), ``scope`` (``"global"``, ``"adjacent"``),
    ``unit`` (``"layer"``, ``"row"``), ``linkage``, ``max_group``, ``include_ends``,
    ``skip_unequal``. How: ``keep``, ``weighting``, ``importance``, ``rescale``,
    ``freeze_gradient``, ``contents``, ``base``; ``align="permutation"`` with ``couplings`` (a
    preset with its ``heads``, a JSON file or dict, :class:`Couplings`) and ``seed``. They are
    those of plan.h, and so are their defaults.
    """
    given = dict(options, ratio=ratio, metric=metric, policy=policy)
    made = network(layers, context, rule=type_rule, output_axis=output_axis,
                   others=needs_others(given))
    try:
        return build(made, given, progress)
    finally:
        made.close()


def build(made: Network, given: "dict[str, Any]", progress: "Progress | bool | None" = None,
          in_force: Optional[int] = None) -> Plan:
    """The plan of these keyword arguments."""
    options = PlanOptions(made, given, "plan", in_force)
    with telling(progress):
        pointer = make(lib.lfuse_plan_build, made.alive(), made.handles, made.count,
                       byref(options.struct))
    return Plan(pointer, made.context, options.policy if callable(options.policy) else None)
