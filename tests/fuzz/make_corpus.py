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
    "deep-objects": checkpoint('{"w":' * 3000),
    "short": b"\x02\0\0\0\0\0\0",
    "no-header": checkpoint("", 0),
    "array": checkpoint("[]", 0),
    "many-keys": checkpoint("{" + ",".join(f'"{i}":{{}}' for i in range(500)) + "}", 0),
    "long-number": checkpoint(f"{{{W}}}".replace("[2]", "[" + "2" * 3000 + "]"), 8),
    "long-name": checkpoint(f"{{{W}}}".replace('"w"', '"' + "\u00f6" * 1000 + '"'), 8),
    "surrogate": checkpoint(f"{{{W}}}".replace('"w"', '"\\ud800"'), 8),
    "nul": checkpoint(f"{{{W}}}".replace('"w"', '"a\\u0000b"'), 8),
    "overlong-utf8": checkpoint(f"{{{W}}}", 8).replace(b'"w"', b'"\xc0"'),
    "after-the-object": checkpoint(f"{{{W}}}x", 8),
    "one-offset-twice": checkpoint(f"{{{W},{V}}}".replace("[8,16]", "[0,8]"), 8),
    "metadata-twice": checkpoint('{"__metadata__":{},"__metadata__":{}}', 0),
    "metadata-array": checkpoint('{"__metadata__":[]}', 0),
    "metadata-number": checkpoint('{"__metadata__":{"k":1}}', 0),
    "banks": checkpoint(metadata(f'{FORMAT},"layerfuse.banks":"{{}}"', W), 8),
    "residuals": checkpoint(metadata(f'{FORMAT},"layerfuse.residuals":"{{}}"', W), 8),
    "alias-twice": checkpoint(ALIASES.replace('\\"b\\"', '\\"a\\"')),
    "alias-number": checkpoint(ALIASES.replace('\\"v\\"', "1")),
    "alias-array": checkpoint(metadata(f'{FORMAT},"layerfuse.aliases":"[]"', W), 8),
    "alias-cut": checkpoint(metadata(f'{FORMAT},"layerfuse.aliases":"{{"', W), 8),
}
# Every field of a tensor wrong in turn: of another kind, missing, and at the ends of its range.
FIELDS = {"dtype": '"F32"', "shape": "[2]", "data_offsets": "[0,8]"}
KINDS = {"null": "null", "number": "8", "real": "8.0", "string": '"8"', "array": "[]",
         "object": "{}", "long": "[0,8,8]", "float": "[0.0,8.0]", "nested": "[[0],[8]]",
         "negative": "[-1,7]", "2-63": f"[0,{2**63}]", "2-63-less-1": f"[0,{2**63 - 1}]",
         "2-64": f"[0,{2**64}]", "2-61": f"[{2**61},8]", "backwards": "[8,0]"}
for field in FIELDS:
    for kind, value in KINDS.items():
        fields = ",".join(f'"{k}":{value if k == field else v}' for k, v in FIELDS.items())
        CHECKPOINTS[f"{field}-{kind}"] = checkpoint(f'{{"w":{{{fields}}}}}', 8)
    fields = ",".join(f'"{k}":{v}' for k, v in FIELDS.items() if k != field)
    CHECKPOINTS[f"{field}-missing"] = checkpoint(f'{{"w":{{{fields}}}}}', 8)
    CHECKPOINTS[f"{field}-twice"] = checkpoint(
        f'{{"w":{{{fields},"{field}":{FIELDS[field]},"{field}":{FIELDS[field]}}}}}', 8)


def index(entries, before=""):
    return f'{{{before}"weight_map":{{{entries}}}}}'.encode()


A, B = '"u":"a","v":"a"', '"w":"b","x":"b"'  # the files of fuzz_index.c
INDICES = {
    "empty": b"",
    "valid": index(f"{A},{B}", '"metadata":{"total_size":32},'),
    "one-file": index(A),
    "all": index(f'{A},{B},"y":"c"'),
    "in-two": index(f'{A},"w":"b","x":"c","y":"c"'),
    "tied": index('"s":"tied","t":"tied"'),
    "broken": index('"z":"broken"'),
    "itself": index('"z":"x.index.json"'),
    "not-there": index('"z":"z"'),
    "not-in-map": index('"u":"a"'),
    "not-in-file": index(f'{A},"z":"a"'),
    "metadata-as-tensor": index(f'{A},"__metadata__":"a"'),
    "other-file": index('"u":"b","v":"a"'),
    "parent": index('"u":"../a"'),
    "absolute": index('"u":"/dev/zero"'),
    "dot": index('"u":"."'),
    "dot-dot": index('"u":".."'),
    "no-name": index('"u":""'),
    "number": index('"u":1'),
    "duplicate": index(f"{A},{A}"),
    "no-map": b"{}",
    "map-array": b'{"weight_map":[]}',
    "map-empty": index(""),
    "map-twice": b'{"weight_map":{},"weight_map":{}}',
    "array": b"[]",
    "not-utf8": index('"u":"a"').replace(b'"a"', b'"\xff"'),
    "nul": index('"u":"a\\u0000"'),
    "deep": b'{"metadata":' + b"[" * 3000,
    "2-63": index(A, f'"metadata":{2**63},'),
    "truncated": index(f"{A},{B}")[:-3],
    "long-name": index('"u":"' + "a" * 5000 + '"'),
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

for name, inputs in (("checkpoint", CHECKPOINTS), ("index", INDICES),
                     ("options", OPTIONS)):
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus", name)
    os.makedirs(folder, exist_ok=True)
    for key, content in inputs.items():
        with open(os.path.join(folder, key), "wb") as file:
            file.write(content)
