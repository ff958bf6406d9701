#!/bin/sh
# inspect.sh PROGRAM MAKE_FILES WORK CORPUS SHARED: layerfuse inspect, and what is true of every
# subcommand
set -eu
# shellcheck disable=SC2034 # common.sh reads work
program=$1 make_files=$2 work=$3 corpus=$4 shared=$5
# shellcheck source=/dev/null
. "${0%/*}/common.sh"
"$make_files" .

# ---- what it prints ----------------------------------------------------------------------

prints inspect blocks.safetensors <<'END'
blocks.safetensors: 26 tensors, 240 parameters, 960 bytes
1 of the tensors are other names of stored ones: 216 parameters are stored, 864 bytes

h.*.attn.weight [4, 3]: 12 layers, 144 parameters
    0 1 2 3 4 5 6 7 8 9 10 11

96 parameters are in no type: biases, norms, single layers.
END
prints inspect --type-rule=digits convolutions.safetensors <<'END'
convolutions.safetensors: 5 tensors, 26 parameters, 104 bytes

layer*.*.conv*.weight [2, 2]: 2 layers, 8 parameters
    0.conv2 1.conv1

layer*.*.conv*.weight [3, 2]: 3 layers, 18 parameters
    layer1.0.conv1 layer1.0.conv2 layer2.0.conv1
END
prints inspect -- convolutions.safetensors <<'END'
convolutions.safetensors: 5 tensors, 26 parameters, 104 bytes

No two tensors are layers of one type.
END
prints inspect alone.safetensors --type-rule component <<'END'
alone.safetensors: 4 tensors, 16 parameters, 64 bytes

No two tensors are layers of one type.
END
prints inspect names.safetensors <<'END'
names.safetensors: 5 tensors, 20 parameters, 80 bytes

a"b,c\n.*.wé<i>&\u{202e}\x1b[31m [2, 2]: 3 layers, 12 parameters
    0 1 2

8 parameters are in no type: biases, norms, single layers.
END
prints inspect --json convolutions.safetensors --type-rule digits <<'END'
{"tensors": 5, "parameters": 26, "bytes": 104, "aliases": 0, "stored_parameters": 26, "stored_bytes": 104, "types": [{"type": "layer*.*.conv*.weight", "shape": [2, 2], "layers": ["layer2.0.conv2.weight", "layer2.1.conv1.weight"]}, {"type": "layer*.*.conv*.weight", "shape": [3, 2], "layers": ["layer1.0.conv1.weight", "layer1.0.conv2.weight", "layer2.0.conv1.weight"]}]}
END
# What cannot fuse does not keep the rest from being seen.
prints inspect counters.safetensors <<'END'
counters.safetensors: 2 tensors, 4 parameters, 16 bytes
3 more are left out, of a type or rank that cannot fuse: bn.num_batches_tracked, ...

h.*.w [2, 1]: 2 layers, 4 parameters
    0 1
END
prints inspect --json counters.safetensors <<'END'
{"tensors": 2, "parameters": 4, "bytes": 16, "aliases": 0, "stored_parameters": 4, "stored_bytes": 16, "types": [{"type": "h.*.w", "shape": [2, 1], "layers": ["h.0.w", "h.1.w"]}], "skipped": ["bn.num_batches_tracked", "none", "mask"]}
END
prints inspect --json blocks.safetensors <<'END'
{"tensors": 26, "parameters": 240, "bytes": 960, "aliases": 1, "stored_parameters": 216, "stored_bytes": 864, "types": [{"type": "h.*.attn.weight", "shape": [4, 3], "layers": ["h.0.attn.weight", "h.1.attn.weight", "h.2.attn.weight", "h.3.attn.weight", "h.4.attn.weight", "h.5.attn.weight", "h.6.attn.weight", "h.7.attn.weight", "h.8.attn.weight", "h.9.attn.weight", "h.10.attn.weight", "h.11.attn.weight"]}]}
END
for path in model model/ model/model.safetensors.index.json; do
    name=${path##*/}
    prints inspect $path <<END
${name:-$path}: 3 tensors, 12 parameters, 48 bytes

h.*.w [2, 2]: 3 layers, 12 parameters
    0 2 10
END
done
for file in *.safetensors; do
    "$program" inspect --json "$file" >"$file.json"
    is_json "$file.json"
done
"$program" --version | grep -qx 'layerfuse [0-9.]*' || fail "--version"
"$program" --help | grep -q '^  inspect ' || fail "--help names no subcommand"
"$program" inspect nothing --help | grep -q '^usage: layerfuse inspect FILE' || fail "no help"

# ---- usage: 2 ----------------------------------------------------------------------------

ends 2 'no subcommand'
ends 2 "no subcommand 'inspekt'" inspekt
ends 2 "no subcommand '--versions'" --versions
ends 2 'inspect: FILE is missing' inspect
ends 2 'inspect: FILE is missing' inspect --json
ends 2 "'b' is one word too many" inspect a b
ends 2 "'--json' is one word too many" inspect a -- --json
ends 2 'unknown option --jason' inspect --jason a
ends 2 'unknown option -j' inspect a -j
ends 2 'unknown option --x' inspect a --x=1
ends 2 '--json takes no value' inspect a --json=1
ends 2 '--type-rule: its value is missing' inspect a --type-rule
ends 2 "--type-rule: 'name' is none of component, digits" inspect a --type-rule name
ends 2 "--type-rule: '' is none of" inspect a --type-rule=

# ---- what fails: 1 -----------------------------------------------------------------------

ends 1 'not-there: No such file or directory' inspect not-there
ends 1 'no?line: No such' inspect 'no
line'
mkdir folder
ends 1 'folder' inspect folder
ends 1 'one.safetensors' inspect wrong
ends 1 'one.safetensors' inspect wrong/model.safetensors.index.json
: >empty
ends 1 'empty: ' inspect empty
# Every file that the parser was ever tried on: a result, or one line.
tried=0
for file in "$corpus"/*; do
    set +e
    timeout 20 "$program" inspect "$file" >stdout 2>stderr </dev/null
    got=$?
    set -e
    case $got in
    0) [ ! -s stderr ] || fail "$file: $(cat stderr)" ;;
    1) ends 1 "$file: " inspect "$file" ;;
    *) fail "$file: exit $got: $(cat stderr)" ;;
    esac
    tried=$((tried + 1))
done
[ $tried -gt 20 ] || fail "the corpus has only $tried files"

# A stdout that takes nothing is an error, not silence.
refused() { # STATUS TEXT WHAT
    [ "$1" = 1 ] || fail "$3: exit $1"
    [ "$(cat stderr)" = "layerfuse: cannot write to stdout: $2" ] || fail "$3: $(cat stderr)"
}
for arguments in --help --version 'inspect --help' 'inspect blocks.safetensors' \
    'inspect --json blocks.safetensors'; do
    set +e
    # shellcheck disable=SC2086 # words of its own
    "$program" $arguments >&- 2>stderr
    refused $? 'Bad file descriptor' "$arguments, stdout closed"
    # shellcheck disable=SC2086
    [ ! -c /dev/full ] || "$program" $arguments >/dev/full 2>stderr
    [ ! -c /dev/full ] || refused $? 'No space left on device' "$arguments, disk full"
    set -e
done
# By then the reader has gone.
(
    sleep 1
    set +e
    "$program" inspect blocks.safetensors 2>stderr
    echo $? >status
) | :
refused "$(cat status)" 'Broken pipe' 'inspect, reader gone'

# ---- real networks, where they are -----------------------------------------------------------

weights=$shared/data/weights
if [ -f "$weights/resnet20-cifar10.safetensors" ]; then
    "$program" inspect --type-rule digits "$weights/resnet20-cifar10.safetensors" >resnet
    [ "$(grep -c '^layer\*\.\*\.conv\*\.weight \[\([0-9]*\), \1, 3, 3\]: ' resnet)" = 3 ] ||
        fail "resnet20: not three types: $(cat resnet)"
    grep -q '^resnet20-cifar10.safetensors: 97 tensors, 271,098 parameters, ' resnet ||
        fail "resnet20: $(head -n 1 resnet)"
    "$program" inspect "$weights/stories260K.safetensors" >stories
    [ "$(grep -c '^layers\.\*\..*: 5 layers' stories)" = 7 ] ||
        fail "stories260K: not seven types: $(cat stories)"
else
    echo "skipped: real networks (no $weights)"
fi
echo "inspect.sh: all as expected"
