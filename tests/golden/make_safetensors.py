#!/usr/bin/env python3
"""make_safetensors.py RESAVE - a safetensors writer and a strict reader that share no code
with the library, against it: a file made here goes through RESAVE (resave_checkpoint.c), and
both of its files must hold the same tensors, aliases and metadata when read here.

Python's struct and json alone. The format: https://github.com/huggingface/safetensors.
"""
import json
import os
import random
import struct
import subprocess
import sys
import tempfile

SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}


def write(path, tensors, metadata):
    """tensors: name -> (dtype, shape, bytes), in the order of their data."""
    header, offset = {"__metadata__": metadata}, 0
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape,
                        "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, _, data in tensors.values():
            file.write(data)


def unique(pairs):
    keys = [key for key, _ in pairs]
    assert len(keys) == len(set(keys)), f"duplicate keys: {keys}"
    return dict(pairs)


def read(path):
    """-> (tensors with aliases filled in, metadata of others, names of aliases)."""
    with open(path, "rb") as file:
        raw = file.read()
    (size,) = struct.unpack_from("<Q", raw)
    assert size <= 100_000_000 and size % 8 == 0
    header = json.loads(raw[8:8 + size].decode(), object_pairs_hook=unique)
    assert raw[8:9] == b"{" and raw[8:8 + size].rstrip(b" ").endswith(b"}")
    data = raw[8 + size:]
    metadata = header.pop("__metadata__", {})
    assert all(isinstance(value, str) for value in metadata.values())
    tensors, end = {}, 0
    for name, fields in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        assert set(fields) == {"dtype", "shape", "data_offsets"}
        first, last = fields["data_offsets"]
        bytes_needed = SIZES[fields["dtype"]]
        assert first % bytes_needed == 0, f"{name} is not aligned"
        for dim in fields["shape"]:
            bytes_needed *= dim
        assert first == end and last - first == bytes_needed, name
        tensors[name] = (fields["dtype"], fields["shape"], data[first:last])
        end = last
    assert end == len(data), "bytes behind the last tensor"
    aliases = json.loads(metadata.pop("layerfuse.aliases", "{}"), object_pairs_hook=unique)
    assert metadata.pop("layerfuse.format", "1") == "1"
    assert list(aliases) == sorted(aliases, key=lambda name: name.encode())
    stored = dict(tensors)
    for alias, owner in aliases.items():
        assert alias not in stored, alias
        tensors[alias] = stored[owner]
    return tensors, metadata, set(aliases)


def make(seed):
    """Tensors whose bytes are random patterns, NaNs of every kind among them."""
    rng, tensors = random.Random(seed), {}
    names = ["conv1.weight", "a \"quoted\" name\\", "h.0.ünïcode", "line\nbreak", "\x01", "漢字😀"]
    for index in range(24):
        dtype = rng.choice(list(SIZES))
        shape = [rng.randint(1, 5) for _ in range(rng.randint(1, 8))]
        size = SIZES[dtype]
        for dim in shape:
            size *= dim
        name = names[index] if index < len(names) else f"layer.{index}.weight"
        tensors[name] = (dtype, shape, rng.randbytes(size))
    return tensors


def main():
    tensors = make(20240229)
    metadata = {"format": "pt", "note": "tab\t, quote \", ö", "empty": ""}
    aliases = {"tied.1": "conv1.weight", "ä tied": "漢字😀", "Tied": "conv1.weight"}
    known = {"layerfuse.format": "1", "layerfuse.aliases": json.dumps(aliases)}
    expected = {**tensors, **{alias: tensors[owner] for alias, owner in aliases.items()}}
    with tempfile.TemporaryDirectory() as directory:
        given, dedup, expand = (os.path.join(directory, name) for name in ("in", "dedup", "expand"))
        write(given, tensors, {**metadata, **known})
        subprocess.run([sys.argv[1], given, dedup, expand], check=True)
        assert read(dedup) == (expected, metadata, set(aliases))
        assert read(expand) == (expected, metadata, set())
        assert os.path.getsize(expand) > os.path.getsize(dedup)
        subprocess.run([sys.argv[1], dedup, given, expand], check=True)
        with open(given, "rb") as one, open(dedup, "rb") as two:
            assert one.read() == two.read(), "a second pass changed the file"
        assert sorted(os.listdir(directory)) == ["dedup", "expand", "in"]
    print(f"{len(expected)} tensors, {len(aliases)} aliases: alike in both modes")


if __name__ == "__main__":
    main()
