"""Hooks around the caller's own training loop."""

import contextlib
import ctypes
import threading
from ctypes import byref
from typing import Any, Callable, Iterator, Mapping, NamedTuple, Optional, Sequence

from . import _abi, _types, _views
from ._context import Context, Progress, telling
from ._errors import ArgumentError
from ._layers import Layers, Network, full_name, of_arrays
from ._library import call, guarded, lib, make, text
from ._options import CHOICES, VERDICTS, address, choice, fill
from ._plan import Account, Plan, account_of, json_of
from ._planning import PlanOptions, merge_of

NUMBERS = ("fusions", "interval", "decay", "pairs", "grace", "rollbacks", "lead", "mix")


class Trained(NamedTuple):
    """A parameter that is to be stepped, once."""

    layer: str
    name: str
    value: Any
    gradient: Any
    state: "tuple[Any, ...]"
    role: str


class Retrainer(Network):
    """Fuses layers step by step while the caller trains them.

        r = lf.Retrainer(arrays, gradients=gradients, ratio=2.0, fusions=3)
        r.fuse()
        for epoch in range(...):
            for batch in ...:
                with r.step() as step:
                    forward(); backward()               # into gradients
                    step.combine_gradients()
                    for p in r.parameters:              # each unique one once
                        p.value[...] -= rate * p.gradient
            verdict = r.end_epoch(accuracy)             # "fused", "rolled_back", "done", ...

    Layers are a dict of arrays (with ``gradients``, and ``state``: lists of arrays, by the same
    names) or a list of :class:`Layer`; they are written to. Arrays of a group stay apart as copies
    that are kept equal, unless ``rebind(layer, parameter, array)`` says that the caller takes the
    array in the place of its own from now on.

    The schedule: ``fusions``, ``interval`` epochs (``steps=True``: steps), ``schedule``
    (``"uniform"``, ``"exponential"`` with ``decay``, or a function of (fusion, fusions) that gives
    the ratio), ``pairs``, ``lead``, ``mix``. Decisions: ``tolerance`` of the metric from
    ``baseline`` (``each=True``: of each fusion), ``grace``, ``rollbacks``; ``repair()`` is called
    upon every fusion. Ties:
    ``gradients_are`` (``"per_position"``, ``"accumulated"``), ``combine`` (``"mean"``, ``"sum"``),
    ``keep_originals`` for :meth:`undo`. Other options are those of :func:`plan`. A retrainer is
    one thread's at a time.
    """

    def __init__(self, layers: Layers, *, gradients: "Optional[Mapping[str, Any]]" = None,
                 state: "Optional[Mapping[str, Sequence[Any]]]" = None,
                 type_rule: _types.TypeRule = "component", output_axis: Any = 0,
                 context: Optional[Context] = None,
                 rebind: Optional[Callable[[str, str, Any], Any]] = None,
                 repair: Optional[Callable[[], Any]] = None, schedule: Any = None,
                 tolerance: Optional[float] = None, baseline: Optional[float] = None,
                 each: bool = False, steps: bool = False, gradients_are: Optional[str] = None,
                 combine: Optional[str] = None, keep_originals: bool = False, **options: Any):
        if isinstance(layers, Mapping):
            layers = of_arrays(layers, type_rule, output_axis, True, gradients, state)
        elif gradients is not None or state is not None:
            raise ArgumentError("gradients and state are of a dict of arrays; layers have their "
                                "own")
        super().__init__(layers, context, writable=True)
        self._lock = threading.RLock()
        self._arrays = self._addresses()
        self._moves = rebind is not None
        numbers = {name: options.pop(name, None) for name in NUMBERS}
        plan = PlanOptions(self, options, "Retrainer")
        ties = self._ties_options(plan, rebind, gradients_are, combine, keep_originals)
        made = fill(_abi.lfuse_retrainer_options(), **numbers)
        made.plan, made.ties = address(plan.struct), address(ties)
        self._set_schedule(made, schedule)
        if tolerance is not None:
            fill(made, tolerance=tolerance, baseline=baseline)
            made.flags |= _abi.LFUSE_RETRAINER_FLAG_TOLERANCE
        elif baseline is not None:
            raise ArgumentError("baseline is given without tolerance")
        made.flags |= (_abi.LFUSE_RETRAINER_FLAG_STEPS if steps else 0) | (
            _abi.LFUSE_RETRAINER_FLAG_EACH if each else 0)
        if repair is not None:
            made.repair = guarded(_abi.lfuse_repair, lambda _user: int(repair() or 0))
        self._kept += [made, ties, plan]  # with their callbacks
        self._policy = plan.policy if callable(plan.policy) else None
        self._pointer = self.own(lib.lfuse_retrainer_destroy, make(
            lib.lfuse_retrainer_create, self.alive(), self.handles, self.count, byref(made)))

    # ---- how it is made

    def _addresses(self) -> "dict[tuple[int, int], Any]":
        """The caller's arrays by where they are: so what comes back are these, not copies."""
        found: "dict[tuple[int, int], Any]" = {}
        for layer in self.layers:
            for p in layer.parameters:
                for array in (p.value, p.gradient, *p.state):
                    if array is not None:
                        found[_views.view(array).address, _key(_views.view(array).shape)] = array
        return found

    def _ties_options(self, plan: PlanOptions, rebind: Any, gradients_are: Optional[str],
                      combine: Optional[str], keep_originals: bool) -> Any:
        made = fill(_abi.lfuse_ties_options())
        if rebind is not None:
            made.rebind = guarded(_abi.lfuse_rebind, _rebinding(self._arrays, self.views, rebind))
        made.merge = merge_of(plan.policy)
        made.flags = _abi.LFUSE_TIES_KEEP_ORIGINALS if keep_originals else 0
        if gradients_are is not None:
            made.gradients = choice("gradients", gradients_are)
        if combine is not None:
            made.combine = choice("combine", combine)
        return made

    @staticmethod
    def _set_schedule(made: Any, schedule: Any) -> None:
        if callable(schedule):
            made.schedule = _abi.LFUSE_SCHEDULE_CUSTOM
            made.custom = guarded(_abi.lfuse_schedule_custom,
                                  lambda _user, i, n: float(schedule(i, n)), float("nan"))
        elif schedule is not None:
            made.schedule = choice("schedule", schedule)

    # ---- calls

    @contextlib.contextmanager
    def _alone(self) -> "Iterator[int]":
        if not self._lock.acquire(blocking=False):
            raise ArgumentError("another thread is in a call of this retrainer, which is one "
                                "thread's at a time", _abi.LFUSE_ERR_STATE)
        try:
            self.alive()
            yield self._pointer
        finally:
            self._lock.release()

    def _call(self, function: Any, *arguments: Any) -> None:
        with self._alone() as pointer:
            call(function, pointer, *arguments)

    def fuse(self, progress: "Progress | bool | None" = None) -> None:
        """The schedule's next fusion: once, before training; end_epoch() does the later ones."""
        with telling(progress):
            self._call(lib.lfuse_retrainer_fuse)

    def finalise(self) -> None:
        """Ties every group that mixes (policies random and js) now."""
        self._call(lib.lfuse_retrainer_finalise)

    def undo(self) -> None:
        """All weights and their state as before the first fusion; needs keep_originals."""
        self._call(lib.lfuse_retrainer_undo)

    def begin_step(self) -> None:
        """Before the forward pass. Addresses of weights that mix change here."""
        self._check_memory()
        self._call(lib.lfuse_retrainer_begin_step)

    def combine_gradients(self) -> None:
        """After the backward pass: one gradient for each group."""
        self._call(lib.lfuse_retrainer_combine_gradients)

    def end_step(self) -> None:
        """After the update: copies that are kept equal are equal again."""
        self._call(lib.lfuse_retrainer_end_step)

    def abort_step(self) -> None:
        """Closes the step as if it had not been."""
        self._call(lib.lfuse_retrainer_abort_step)

    def begin_eval(self) -> None:
        """Before an evaluation: groups that mix show their mean."""
        self._call(lib.lfuse_retrainer_begin_eval)

    def end_eval(self) -> None:
        """After it."""
        self._call(lib.lfuse_retrainer_end_eval)

    @contextlib.contextmanager
    def step(self) -> "Iterator[Retrainer]":
        """begin_step(), and end_step() at the end; abort_step() where it raises. Within it comes
        combine_gradients(), then the update."""
        self.begin_step()
        try:
            yield self
            self.end_step()
        except BaseException:
            with contextlib.suppress(ArgumentError):  # not open any more: nothing to abort
                self.abort_step()
            raise

    @contextlib.contextmanager
    def evaluation(self) -> "Iterator[Retrainer]":
        """begin_eval() and end_eval()."""
        self.begin_eval()
        try:
            yield self
        finally:
            self.end_eval()

    def end_epoch(self, metric: float, progress: "Progress | bool | None" = None) -> str:
        """Counts an epoch, of which metric is the figure (greater is better), and does what is
        due: ``"continue"``, ``"fused"``, ``"rolled_back"`` or ``"done"``."""
        verdict = ctypes.c_int32()
        with telling(progress):
            self._call(lib.lfuse_retrainer_end_epoch, float(metric), byref(verdict))
        return VERDICTS[verdict.value]

    def probe(self, count: int, evaluate: Callable[[], float]) -> float:
        """Tries count ways to do the next fusion, and picks the one of the best metric, which it
        returns."""
        metric = ctypes.c_double()
        self._call(lib.lfuse_retrainer_probe, count, evaluation_of(evaluate), None, byref(metric))
        return metric.value

    def save(self, path: Any, caller: bytes = b"") -> None:
        """All there is of it and of its arrays, for :meth:`load`, and bytes of the caller's."""
        options = fill(_abi.lfuse_retrainer_save_options(), caller_bytes=len(caller))
        data = ctypes.create_string_buffer(caller, len(caller)) if caller else None
        options.caller = address(data) if data is not None else None
        self._call(lib.lfuse_retrainer_save, text(path, "path"), byref(options))

    def load(self, path: Any) -> bytes:
        """Becomes what was saved, instead of the first fuse(): the caller's bytes."""
        self._call(lib.lfuse_retrainer_load, text(path, "path"))
        size = ctypes.c_size_t()
        data = lib.lfuse_retrainer_caller(self._pointer, byref(size))
        return ctypes.string_at(data, size.value) if data else b""

    # ---- what it knows

    @property
    def parameters(self) -> "list[Trained]":
        """All that trains now, each unique one once: the optimiser's. Ask again after a fusion,
        and, of the policy random, after combine_gradients()."""
        found = []
        with self._alone() as pointer:
            for i in range(lib.lfuse_retrainer_parameter_count(pointer)):
                p = fill(_abi.lfuse_parameter())
                call(lib.lfuse_retrainer_parameter, pointer, i, byref(p))
                found.append(Trained(
                    p.layer.decode(), p.name.decode(), self._array(p.value),
                    self._array(p.gradient), tuple(self._array(s) for s in p.state if s),
                    CHOICES["role"][max(p.role, 1) - 1]))
        return found

    @property
    def arrays(self) -> "dict[str, Any]":
        """Every parameter by its full name, where it lies now."""
        with self._alone():
            return {full_name(layer.name, p.name): self._array(self._value(i, k))
                    for i, layer in enumerate(self.layers)
                    for k, p in enumerate(layer.parameters)}

    def _value(self, layer: int, parameter: int) -> int:
        p = fill(_abi.lfuse_parameter())
        call(lib.lfuse_layer_parameter, self.handles[layer], parameter, byref(p))
        return int(p.value)

    def _array(self, tensor: Optional[int]) -> Any:
        if not tensor:
            return None
        where = lib.lfuse_tensor_data(tensor)
        shape = tuple(lib.lfuse_tensor_dim(tensor, k) for k in range(lib.lfuse_tensor_rank(tensor)))
        known = self._arrays.get((where, _key(shape)))
        if known is not None:
            return known
        return _views.array_at(where, shape, lib.lfuse_tensor_dtype(tensor), self)

    @property
    def is_due(self) -> bool:
        """Whether the next end_epoch() has something to decide."""
        with self._alone() as pointer:
            return bool(lib.lfuse_retrainer_is_due(pointer))

    @property
    def plan(self) -> Optional[Plan]:
        """That of the latest fusion, a copy; None before the first."""
        with self._alone() as pointer:
            borrowed = lib.lfuse_retrainer_plan(pointer)
            return Plan.from_json(json_of(borrowed), context=self.context) if borrowed else None

    @property
    def account(self) -> Account:
        """What the network costs now."""
        with self._alone() as pointer:
            return account_of(lib.lfuse_ties_account, lib.lfuse_retrainer_ties(pointer), 0)

    @property
    def owners(self) -> "dict[str, str]":
        """Of each layer the one whose weights it uses, or will when finalised."""
        with self._alone() as pointer:
            ties, names = lib.lfuse_retrainer_ties(pointer), [layer.name for layer in self.layers]
            return {name: names[lib.lfuse_ties_owner(ties, i)] for i, name in enumerate(names)}

    def _check_memory(self) -> None:
        """What the caller gave must still be what its arrays have: a tensor of PyTorch may have
        been given other storage, or lost it."""
        if self._moves:
            return
        for layer in self.layers:
            for p in layer.parameters:
                what = full_name(layer.name, p.name)
                if _views.view(p.value, what).address != self.views[layer.name, p.name].address:
                    raise ArgumentError("%s has other memory than when the retrainer was made"
                                        % what, _abi.LFUSE_ERR_STATE)


def _key(shape: "tuple[int, ...]") -> int:
    return hash(shape)


def _rebinding(arrays: Any, views: Any, rebind: Callable[[str, str, Any], Any]) -> Any:
    """lfuse_rebind of the caller's function. It knows of no retrainer, which would never go."""
    def move(layer: bytes, parameter: bytes, where: int, _user: Any) -> int:
        view = views[layer.decode(), parameter.decode()]
        array = arrays.get((where, _key(view.shape)))
        if array is None:  # memory of the ties, which show a mix or the mean
            array = _views.array_at(where, view.shape, view.dtype, None)
        return int(rebind(layer.decode(), parameter.decode(), array) or 0)
    return move


def evaluation_of(evaluate: Callable[[], float]) -> Any:
    """lfuse_evaluate of a function."""
    def measure(_user: Any, out: int) -> int:
        ctypes.c_double.from_address(out).value = float(evaluate())
        return 0
    return guarded(_abi.lfuse_evaluate, measure)
