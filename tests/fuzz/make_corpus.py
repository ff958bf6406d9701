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
def bank(fields):
    """w, of two elements, as a bank with these fields."""
    inner = fields.replace('"', '\\"')
    return metadata(f'{FORMAT},"layerfuse.banks":"{{\\"w\\":{{{inner}}}}}"', W)


def residual(weight, a, b, axis):
    """w [2, 2] with factors a [2, 1] and b [1, 2], and what the metadata says of them."""
    tensors = ",".join(
        f'"{name}":{{"dtype":"F32","shape":{shape},"data_offsets":{offsets}}}'
        for name, shape, offsets in [("w", "[2,2]", "[0,16]"), ("a", "[2,1]", "[16,24]"),
                                     ("b", "[1,2]", "[24,32]")])
    inner = f'{{"{weight}":{{"a":"{a}","b":"{b}","axis":{axis}}}}}'.replace('"', '\\"')
    return checkpoint(metadata(f'{FORMAT},"layerfuse.residuals":"{inner}"', tensors), 32)


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
    "banks-valid": checkpoint(bank('"axis":0,"entries":{"a":[1,0,1],"b":[0]}'), 8),
    "banks-axis": checkpoint(bank('"axis":1,"entries":{"a":[0]}'), 8),
    "banks-row": checkpoint(bank('"axis":0,"entries":{"a":[2]}'), 8),
    "banks-empty": checkpoint(bank('"axis":0,"entries":{"a":[]}'), 8),
    "banks-taken": checkpoint(bank('"axis":0,"entries":{"w":[0]}'), 8),
    "banks-nested": checkpoint(bank('"axis":0,"entries":{"a":[[0]]}'), 8),
    "residuals": checkpoint(metadata(f'{FORMAT},"layerfuse.residuals":"{{}}"', W), 8),
    "residuals-valid": residual("w", "a", "b", 0),
    "residuals-axis": residual("w", "a", "b", 2),
    "residuals-shapes": residual("w", "b", "a", 0),
    "residuals-itself": residual("a", "a", "b", 0),
    "residuals-nowhere": residual("w", "x", "b", 0),
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


def layer(name, kind="A", shape="[2,3]", dtype="f32"):
    return (f'{{"name":"{name}","type":"{kind}","weights":[{{"name":"weight","shape":{shape},'
            f'"axis":0,"dtype":"{dtype}"}}]}}')


# The network of fuzz_plan.c.
LAYERS = ",".join([layer("p"), layer("q"), layer("r"), layer("s", shape="[2,4]"), layer("t", "B")])
PQ, QR = '{"a":"p","b":"q"}', '{"a":"q","b":"r","kept":"r","score":0.5}'


def plan(fusions, more="", layers=LAYERS):
    return f'{{"layerfuse_plan":1,{more}"fusions":[{fusions}],"layers":[{layers}]}}'.encode()


def options(text):
    return plan(PQ, f'"options":{{{text}}},')


def rows(lines, more="", layers=LAYERS, unit='"unit":"row"'):
    return plan(lines, f'"options":{{{unit}}},{more}', layers)


ROWS = '{"a":"p","b":"q","kept":"p","weight":"weight","rows":[[0,1,0,1,0.5],[2,0,1,0]]}'

PLANS = {
    "rows": rows(ROWS),
    "rows-short": rows('{"a":"q","b":"r","rows":[[7,1,0],[3,0,0]]},{"a":"p","b":"p","rows":[[5,0,1]]}'),
    "rows-whole": rows(
        '{"a":"p","b":"q","kept":"p","weight":"weight","saved_parameters":6,"ratio":1.3,"unit":"row",'
        '"policy":"freeze","rows":[[0,1,0,1,0.5],[1,0,1,0,2.0]]}',
        '"parameters":{"logical":26,"unique":20,"base":"candidates"},',
        unit='"unit":"row","policy":"freeze"'),
    "rows-in-force": rows(ROWS, '"in_force":[{"kept":"q","layer":"r","rows":[[0,1],[1,0]]}],'),
    "rows-in-force-twice": rows(
        ROWS, '"in_force":[{"kept":"q","layer":"r","rows":[[0,1],[1,1]]}],'),
    "rows-beyond": rows('{"a":"p","b":"q","rows":[[0,2,0]]}'),
    "rows-itself": rows('{"a":"p","b":"p","rows":[[0,1,1]]}'),
    "rows-cycle": rows('{"a":"p","b":"q","rows":[[0,0,0],[1,1,0],[2,0,1],[3,1,1]]}'),
    "rows-one-place": rows('{"a":"p","b":"q","rows":[[0,0,0],[0,1,1]]}'),
    "rows-neither": rows('{"a":"p","b":"q","kept":"r","rows":[[0,0,0,0]]}'),
    "rows-other-shape": rows('{"a":"p","b":"s","rows":[[0,0,0]]}'),
    "rows-alone": rows('{"a":"t","b":"t","rows":[[0,0,1]]}'),
    "rows-bare": f'{{"layerfuse_plan":1,"options":{{"unit":"row"}},"fusions":[{ROWS}]}}'.encode(),
    "rows-many": rows(ROWS, layers=",".join(layer(n, shape="[8000000,1]") for n in "pq")),
    "rows-too-many": rows(ROWS, layers=",".join(layer(n, shape="[99999999,1]") for n in "pq")),
    "rows-of-layers": plan(ROWS),
    "rows-permuted": rows(ROWS, '"permutations":[{"order":[1,0],"members":[{"layer":"p","parameter":'
                          '"weight","entries":2}]}],'),
    "empty": b"",
    "array": b"[]",
    "no-plan": b"{}",
    "version-2": b'{"layerfuse_plan":2}',
    "bare": f'{{"layerfuse_plan":1,"fusions":[{PQ},{QR}]}}'.encode(),
    "two": plan(f"{PQ},{QR}"),
    "groups": plan(f"{PQ},{QR}", '"groups":[["p","q","r"]],'),
    "parameters": plan(PQ, '"parameters":{"logical":26,"unique":20,"base":"candidates"},'),
    "whole": plan('{"a":"p","b":"q","kept":"p","score":1.0,"saved_parameters":6,"ratio":1.3,'
                  '"unit":"layer","policy":"average"}',
                  '"parameters":{"logical":26,"unique":20,"base":"candidates"},'),
    "in-force": plan(QR, '"in_force":[["p","q"]],'),
    "fingerprint": plan(PQ, '"fingerprint":"0123456789abcdef",'),
    "importance": plan(PQ, '"options":{"weighting":"importance"},'
                       '"importance":{"p":1,"q":0.5,"r":0,"s":1,"t":1e300},'),
    "js": plan('{"a":"p","b":"q","gamma":0.25}', '"options":{"policy":"js"},'),
    "freeze": options('"policy":"freeze","freeze_gradient":"dropped"'),
    "random": options('"policy":"random"'),
    "custom": options('"policy":"custom"'),
    "all-options": options(
        '"ratio":2.0,"max_unique_bytes":100,"threshold":-0.5,"top_k":3,"max_group":2,'
        '"policy":"average","weighting":"norm","rescale":true,"scope":"adjacent","base":"all",'
        '"linkage":"merged","keep":"by_direction","metric":"kl","block":-1,"ridge":-1.0,'
        '"bandwidth":0.5,"exponent":2.0,"regularisation":0.05,"projections":128,"centroids":16,'
        '"iterations":100,"seed":"18446744073709551615","softmax_rows":true,'
        '"unequal":"refuse"'),
    "unknown-option": options('"raito":2'),
    "itself": plan('{"a":"p","b":"p"}'),
    "cycle": plan(f'{PQ},{QR},{{"a":"r","b":"p"}}'),
    "neither": plan('{"a":"p","b":"q","kept":"r"}'),
    "nobody": plan('{"a":"p","b":"x"}'),
    "other-shape": plan('{"a":"p","b":"s"}'),
    "other-type": plan('{"a":"p","b":"t"}'),
    "other-order": plan(PQ, layers=",".join(map(layer, "rqp"))),
    "twice": plan(PQ, layers=f'{layer("p")},{layer("p")}'),
    "huge": plan("", layers=layer("p", shape="[4294967296,4294967296]")),
    "sum-of-sizes": plan("", layers=",".join(
        layer(n, shape="[288230376151711743]", dtype="f64") for n in "pqrst")),
    "rest": plan("", layers='{"name":"p","type":"A","rest":{"parameters":3,"bytes":12}}'),
    "escaped": plan("", layers=layer('\\"\\n\\u0001\u00f6')),
    "not-utf8": plan(PQ).replace(b'"p"', b'"\xff"'),
    "nul": plan(PQ).replace(b'"p"', b'"\\u0000"'),
    "deep": b'{"layerfuse_plan":' + b"[" * 3000,
    "truncated": plan(PQ)[:-3],
    "permuted": plan(PQ, '"permutations":[{"spaces":[0],"order":[2,0,1],"members":[{"layer":"p",'
                     '"parameter":"weight","axis":1,"entries":3,"offset":0,"block":1}]}],'),
    "permuted-twice": plan(PQ, '"permutations":[{"order":[1,0],"members":[{"layer":"p","parameter":'
                           '"weight","entries":2},{"layer":"p","parameter":"weight",'
                           '"entries":2}]}],'),
    "permuted-beyond": plan(PQ, '"permutations":[{"order":[1,0],"members":[{"layer":"p","parameter":'
                            '"weight","axis":1,"entries":3,"offset":2}]}],'),
    "overflow": plan(PQ.replace("}", ',"score":1e999}')),
}


def couplings(spaces, version=1):
    return f'{{"layerfuse_couplings":{version},"spaces":{spaces}}}'.encode()


MEMBER = '{"tensor":"p.weight","axis":0}'
COUPLINGS = {
    "empty": b"",
    "array": b"[]",
    "no-couplings": b"{}",
    "version-2": couplings("[]", 2),
    "none": couplings("[]"),
    "one": couplings(f"[[{MEMBER}]]"),
    "two": couplings(f'[[{MEMBER},{{"layer":"q","parameter":"weight","axis":0}}],'
                     '[{"tensor":"p.weight","axis":1,"repeat":3}]]'),
    "twice": couplings(f"[[{MEMBER}],[{MEMBER}]]"),
    "disagree": couplings(f'[[{MEMBER},{{"tensor":"q.weight","axis":1}}]]'),
    "part": couplings('[[{"tensor":"p.weight","offset":1,"extent":2,"head_group":2}]]'),
    "beyond": couplings('[[{"tensor":"p.weight","offset":4}]]'),
    "no-divisor": couplings('[[{"tensor":"p.weight","head_group":3}]]'),
    "overflow": couplings(f'[[{{"tensor":"p.weight","head_group":{2**62},"repeat":4}}]]'),
    "2-63": couplings(f'[[{{"tensor":"p.weight","offset":{2**63}}}]]'),
    "most": couplings(f'[[{{"tensor":"p.weight","offset":{2**63 - 1},"extent":{2**63 - 1}}}]]'),
    "no-layer": couplings('[[{"tensor":"r.weight"}]]'),
    "no-member": couplings("[[]]"),
    "unknown": couplings('[[{"tensor":"p.weight","heads":2}]]'),
    "nul": couplings('[[{"tensor":"p\\u0000"}]]'),
    "not-utf8": couplings(f"[[{MEMBER}]]").replace(b"p.w", b"\xffw"),
    "deep": b'{"layerfuse_couplings":' + b"[" * 3000,
    "truncated": couplings(f"[[{MEMBER}]]")[:-3],
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
                     ("options", OPTIONS), ("plan", PLANS), ("couplings", COUPLINGS)):
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus", name)
    os.makedirs(folder, exist_ok=True)
    for key, content in inputs.items():
        with open(os.path.join(folder, key), "wb") as file:
            file.write(content)
