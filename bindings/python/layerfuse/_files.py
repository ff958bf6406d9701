"""safetensors files: what shares memory is stored once, and read back sharing memory."""

import ctypes
import json
import mmap
import os
import tempfile
from ctypes import byref
from typing import Any, Iterator, Mapping, Optional, Sequence

import numpy as np

from . import _abi, _views
from ._context import Context, Progress, telling
from ._errors import ArgumentError
from ._layers import Owner
from ._library import call, lib, make, text
from ._options import address, choice, fill

# What the library compares and fuses no arrays of goes through files as it is.
OTHERS = {"I64": np.int64, "I32": np.int32, "I16": np.int16, "I8": np.int8, "U64": np.uint64,
          "U32": np.uint32, "U16": np.uint16, "U8": np.uint8, "BOOL": np.bool_,
          "F64": np.float64, "F32": np.float32, "F16": np.float16}
OTHER_NAMES = {np.dtype(kind): name for name, kind in OTHERS.items()}


class Checkpoint(Owner):
    """An opened file, or model of several files, and what is in it."""

    def __init__(self, path: "str | os.PathLike[str]", context: Optional[Context] = None,
                 **limits: Any):
        super().__init__(context)
        self.path = os.fspath(path)
        options = fill(_abi.lfuse_checkpoint_open_options(), **limits)
        options.flags = _abi.LFUSE_CHECKPOINT_SKIP_UNSUPPORTED
        self._pointer = self.own(lib.lfuse_checkpoint_close, make(
            lib.lfuse_checkpoint_open, self.context.checked(), text(path, "path"),
            byref(options)))

    @property
    def pointer(self) -> int:
        self.alive()
        return self._pointer

    @property
    def names(self) -> "list[str]":
        """Of all tensors that the library has types for, aliases included."""
        return [lib.lfuse_checkpoint_name(self.pointer, i).decode()
                for i in range(lib.lfuse_checkpoint_count(self.pointer))]

    @property
    def aliases(self) -> "dict[str, str]":
        """Names that show another tensor's data, and whose."""
        names = self.names
        owners = [lib.lfuse_checkpoint_owner(self.pointer, i) for i in range(len(names))]
        return {names[i]: names[o] for i, o in enumerate(owners) if i != o}

    @property
    def metadata(self) -> "dict[str, str]":
        """What others have written beside the tensors: not the library's own keys."""
        keys = [lib.lfuse_checkpoint_metadata_key(self.pointer, i)
                for i in range(lib.lfuse_checkpoint_metadata_count(self.pointer))]
        return {key.decode(): lib.lfuse_checkpoint_metadata(self.pointer, key).decode()
                for key in keys if not key.startswith(b"layerfuse.")}

    def others(self) -> "Iterator[tuple[str, np.ndarray]]":
        """Tensors of other types, scalars and empty ones, copied."""
        p = self.pointer
        for i in range(lib.lfuse_checkpoint_skipped_count(p)):
            size = ctypes.c_size_t()
            data = lib.lfuse_checkpoint_skipped_data(p, i, byref(size))
            kind = json.loads(lib.lfuse_checkpoint_skipped_type(p, i))
            name = lib.lfuse_checkpoint_skipped(p, i).decode()
            if kind["dtype"] not in OTHERS:
                raise ArgumentError("%s is of type %s, which NumPy has not"
                                    % (name, kind["dtype"]), _abi.LFUSE_ERR_UNSUPPORTED)
            flat = np.frombuffer(ctypes.string_at(data, size.value) if size.value else b"",
                                 OTHERS[kind["dtype"]])
            yield name, flat.reshape(kind["shape"]).copy()

    def _mapped(self, file: int) -> "tuple[Any, dict[str, Any]]":
        """One of its files, mapped for writing in private, and where its tensors are."""
        name = lib.lfuse_checkpoint_file_name(self.pointer, file)
        path = self.path if name is not None else _model_of(self.path)
        if name is not None:
            folder = self.path if os.path.isdir(self.path) else os.path.dirname(self.path)
            path = os.path.join(folder, name.decode())
        with open(path, "rb") as opened:
            data = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_COPY)
        length = int.from_bytes(data[:8], "little")
        header = json.loads(data[8:8 + length])
        kept = header.pop("__metadata__", {}).get("layerfuse.residuals", "{}")
        for tensor in json.loads(kept):  # what lies there is only the part that is shared
            header.pop(tensor, None)
        return data, {tensor: 8 + length + at["data_offsets"][0] for tensor, at in header.items()}

    def arrays(self) -> "dict[str, Any]":
        """Every tensor; those in the file as it is mapped, aliases as one array."""
        p, files, found = self.pointer, {}, {}
        names = self.names
        for i, name in enumerate(names):
            owner = lib.lfuse_checkpoint_owner(p, i)
            if owner != i:
                found[name] = found[names[owner]]
                continue
            file = lib.lfuse_checkpoint_file(p, i)
            if file not in files:
                files[file] = self._try_mapping(file)
            found[name] = self._array(i, name, *files[file])
        found.update(self.others())
        return found

    def _try_mapping(self, file: int) -> "tuple[Any, dict[str, Any]]":
        try:
            return self._mapped(file)
        except (OSError, ValueError):  # a pipe, or a file system that maps none: copied
            return None, {}

    def _array(self, index: int, name: str, data: Any, places: "dict[str, int]") -> Any:
        tensor = lib.lfuse_checkpoint_tensor(self.pointer, index)
        shape = tuple(lib.lfuse_tensor_dim(tensor, k) for k in range(lib.lfuse_tensor_rank(tensor)))
        dtype = lib.lfuse_tensor_dtype(tensor)
        place = places.get(name)  # of rows in banks there is none
        if place is not None and place % _views.SIZES[dtype] == 0:
            return _views.array_in(data, place, shape, dtype)
        made = _views.empty(shape, dtype)
        target = _views.tensor(self.context.checked(), _views.view(made, name), name)
        try:
            call(lib.lfuse_tensor_copy, target, tensor)
        finally:
            lib.lfuse_tensor_destroy(target)
        return made


def _model_of(path: str) -> str:
    inside = os.path.join(path, "model.safetensors")
    return inside if os.path.isdir(path) and os.path.exists(inside) else path


def load(path: "str | os.PathLike[str]", *, metadata: bool = False,
         context: Optional[Context] = None, **limits: Any) -> Any:
    """The arrays of a safetensors file, a ``.index.json`` or a folder, by their names.

    Nothing is copied: arrays are the file, mapped, and may be written to (the file stays as it
    is; pages that are written to take memory). Names that share a tensor have one array. bfloat16
    comes as :class:`BFloat16`. With ``metadata`` it returns (arrays, metadata).
    """
    opened = Checkpoint(path, context, **limits)
    try:
        arrays = opened.arrays()
        return (arrays, opened.metadata) if metadata else arrays
    finally:
        opened.close()


def _is_other(array: Any, name: str) -> bool:
    shape = _views.shape_of(array, name)
    return not shape or 0 in shape or _views.is_integer(array)


def _write_others(folder: str, others: "dict[str, np.ndarray]") -> str:
    """A file of these alone, which the library carries over byte for byte."""
    header: "dict[str, Any]" = {}
    end = 0
    for name, array in others.items():
        if array.dtype not in OTHER_NAMES:
            raise ArgumentError("%s is of dtype %s, which no safetensors file has"
                                % (name, array.dtype), _abi.LFUSE_ERR_TYPE)
        header[name] = {"dtype": OTHER_NAMES[array.dtype], "shape": array.shape,
                        "data_offsets": [end, end + array.nbytes]}
        end += array.nbytes
    data = json.dumps(header).encode()
    path = os.path.join(folder, "others.safetensors")
    with open(path, "wb") as file:
        file.write(len(data).to_bytes(8, "little") + data)
        for array in others.values():
            file.write(array.tobytes())
    return path


def save(path: "str | os.PathLike[str]", arrays: Mapping[str, Any], *, mode: str = "dedup",
         metadata: Optional[Mapping[str, str]] = None,
         banks: Optional[Mapping[str, Sequence[str]]] = None, bank_axis: int = 0,
         context: Optional[Context] = None, progress: "Progress | bool | None" = None) -> None:
    """Writes arrays into a safetensors file, whole or not at all.

    ``mode="dedup"`` stores arrays that are the same memory once; ``"expand"`` stores every name,
    for readers that know nothing of that. ``banks``, as of :meth:`Plan.banks`, are names of
    arrays whose equal rows (along ``bank_axis``) are stored once. Integers, booleans, scalars
    and empty arrays are stored, too.
    """
    others = {name: np.asarray(a, order="C") for name, a in arrays.items() if _is_other(a, name)}
    saving = _Saving(context)
    try:
        with tempfile.TemporaryDirectory() as folder, telling(progress):
            if others:
                saving.carry(_write_others(folder, others))
            saving.save(path, {n: a for n, a in arrays.items() if n not in others}, mode,
                        metadata or {}, banks or {}, bank_axis)
    finally:
        saving.close()


class _Saving(Owner):
    """What lfuse_checkpoint_save() is given."""

    carried: Optional[Checkpoint] = None

    def carry(self, path: str) -> None:
        self.carried = Checkpoint(path, self.context)
        self._kept.append(self.carried)

    def entry(self, name: str, array: Any) -> Any:
        found = _views.view(array, name)
        self._kept.append(found.owner)
        tensor = self.own(lib.lfuse_tensor_destroy, _views.tensor(self.alive(), found, name))
        return _abi.lfuse_checkpoint_entry(text(name), tensor, None)

    def bank(self, name: str, names: Sequence[str], axis: int) -> Any:
        entries = (ctypes.c_char_p * len(names))(*map(text, names))
        self._kept.append(entries)
        return _abi.lfuse_checkpoint_bank(text(name), address(entries), len(names), axis, 0)

    def save(self, path: Any, arrays: Mapping[str, Any], mode: str,
             metadata: Mapping[str, str], banks: Mapping[str, Sequence[str]],
             axis: int) -> None:
        entries = [self.entry(name, array) for name, array in arrays.items()]
        listed = (_abi.lfuse_checkpoint_entry * len(entries))(*entries)
        options = fill(_abi.lfuse_checkpoint_save_options(), metadata_count=len(metadata),
                       bank_count=len(banks))
        options.mode = choice("mode", mode)
        pairs = [text(part, "metadata") for pair in metadata.items() for part in pair]
        keys = (ctypes.c_char_p * len(pairs))(*pairs)
        listed_banks = (_abi.lfuse_checkpoint_bank * len(banks))(
            *(self.bank(name, names, axis) for name, names in banks.items()))
        options.metadata = address(keys) if pairs else None
        options.banks = address(listed_banks) if banks else None
        options.carried = self.carried.pointer if self.carried else None
        call(lib.lfuse_checkpoint_save, self.alive(), text(path, "path"), listed, len(entries),
             byref(options))
