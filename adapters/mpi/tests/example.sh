#!/bin/sh
# example.sh PROGRAM FOLDER: the example on two ranks reduces half the bytes once it is at ratio 2
set -eu
program=$1 dir=$2
here=$(dirname "$0")
rm -rf "$dir"
mkdir -p "$dir"

fail() {
    echo "example.sh: $1" >&2
    exit 1
}
sh "$here/run.sh" 2 "$program" "$dir/fused.safetensors" >"$dir/out" || { rc=$?; cat "$dir/out"; exit $rc; }
cat "$dir/out"
grep -q '^epoch 1: .* 6144 bytes reduced' "$dir/out" || fail 'six layers are not 6144 bytes'
grep -q '^epoch 3: .* 3072 bytes reduced' "$dir/out" || fail 'ratio 2 is not half of that'
right=$(sed -n 's/^epoch 3: \([0-9]*\).*/\1/p' "$dir/out")
[ "$right" -ge 90 ] || fail "only $right % right"
[ "$(wc -c <"$dir/fused.safetensors")" -lt 4000 ] || fail 'the file is not half as large'
