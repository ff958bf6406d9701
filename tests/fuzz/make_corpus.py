#!/usr/bin/env python3
"""make_corpus.py - writes the seeds of tests/fuzz/corpus beside itself. Inputs that a fuzzer
found are files of their own there and are not made here."""
import os
import struct

W = '"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}'
V = '"v":{"dtype":"F16","shape":[2,2],"data_offsets":[8,16]}'
FORMAT = '"layerfuse.format":"1"'


def checkpoint(header, data=16, size=None):
    text = header.encode()
    return struct.pack("<Q", len(text) if size is None else size) + text + bytes(range(data))


def metadata(fields, tensors):
    return f'{{"__metadata__":{{{fields}}},{tensors}}}'


ALIASES = metadata(f'{FORMAT},"layerfuse.aliases":"{{\\"a\\":\\"w\\",\\"b\\":\\"v\\"}}"', f"{W},{V}")
CHECKPOINTS = {
    "empty": b"",
    "no-tensors": checkpoint("{}", 0),
    "valid": checkpoint(f"{{{W},{V}}}"),
    "out-of-order": checkpoint(f"{{{V},{W}}}   "),
    "metadata": checkpoint(metadata('"format":"pt","k":"\\u00f6\\n"', W), 8),
    "alias": checkpoint(ALIASES),
    "alias-unknown-owner": checkpoint(ALIASES.replace('\\"v\\"', '\\"x\\"')),
    "alias-taken": checkpoint(ALIASES.replace('\\"a\\"', '\\"v\\"')),
    "alias-of-alias": checkpoint(ALIASES.replace('\\"v\\"', '\\"a\\"')),
    "alias-without-format": checkpoint(ALIASES.replace(FORMAT, '"x":""')),
    "format-2": checkpoint(ALIASES.replace(FORMAT, '"layerfuse.format":"2"')),
    "unaligned": checkpoint(f"{{{W},{V}}} "),
    "zero-before-huge": checkpoint(
        '{"w":{"dtype":"F32","shape":[0,4611686018427387904,4611686018427387904],'
        '"data_offsets":[0,0]}}', 0),
    "truncated": checkpoint(f"{{{W},{V}}}", 15),
    "trailing": checkpoint(f"{{{W},{V}}}", 17),
    "huge-header": checkpoint(f"{{{W}}}", 8, 2**64 - 1),
    "header-past-the-end": checkpoint(f"{{{W}}}", 8, 200),
    "lying-size": checkpoint(f"{{{W},{V}}}".replace("[2,2]", "[2,3]")),
    "overflow": checkpoint(f"{{{W}}}".replace("[2]", "[4294967296,4294967296,2]"), 8),
    "overlap": checkpoint(f"{{{W},{V}}}".replace("[8,16]", "[4,12]"), 12),
    "hole": checkpoint(f"{{{W},{V}}}".replace("[8,16]", "[10,18]"), 18),
    "negative": checkpoint(f"{{{W}}}".replace("[0,8]", "[-8,0]"), 8),
    "scalar": checkpoint('{"n":{"dtype":"I64","shape":[],"data_offsets":[0,8]}}', 8),
    "zero-dim": checkpoint('{"w":{"dtype":"F32","shape":[3,0],"data_offsets":[0,0]}}', 0),
    "rank-9": checkpoint(f"{{{W}}}".replace("[2]", "[2,1,1,1,1,1,1,1,1]"), 8),
    "duplicate": checkpoint(f"{{{W},{W}}}", 8),
    "empty-name": checkpoint(f"{{{W}}}".replace('"w"', '""'), 8),
    "control": checkpoint(f"{{{W}}}".replace('"w"', '"\\n\\u001b"'), 8),
    "not-utf8": checkpoint(f"{{{W}}}", 8).replace(b'"w"', b'"\xff"'),
    "deep": checkpoint("{" + '"w":' + "[" * 3000),
}
OPTIONS = {  # known - 8, claimed (2 bytes), the caller's bytes
    "equal": struct.pack("<BH", 24, 32) + bytes(range(32)),
    "older": struct.pack("<BH", 24, 16) + bytes(range(16)),
    "newer": struct.pack("<BH", 24, 64) + bytes(range(64)),
    "newer-zero": struct.pack("<BH", 24, 64) + bytes(64),
    "not-initialised": struct.pack("<BH", 24, 0) + bytes(8),
    "too-small": struct.pack("<BH", 24, 7) + bytes(8),
    "large": struct.pack("<BH", 255, 1024) + bytes(1023) + b"\x01",
}

for name, inputs in (("checkpoint", CHECKPOINTS), ("options", OPTIONS)):
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus", name)
    os.makedirs(folder, exist_ok=True)
    for key, content in inputs.items():
        with open(os.path.join(folder, key), "wb") as file:
            file.write(content)
