#!/bin/sh
# demo.sh DEMO COMPRESS_CNN WORK: what scripts/demo refuses, before it builds or writes anything
set -eu
demo=$1 program=$2 work=$3

rm -rf "$work"
mkdir -p "$work"
cd "$work"
fail() {
    echo "demo.sh: $1" >&2
    exit 1
}
refuses() {
    status=$1 text=$2
    shift 2
    set +e
    "$demo" "$@" >stdout 2>stderr
    got=$?
    set -e
    [ $got = "$status" ] || fail "$*: exit $got, expected $status: $(cat stderr)"
    [ "$(wc -l <stderr)" = 1 ] || fail "$*: not one line: $(cat stderr)"
    [ ! -s stdout ] || fail "$*: began to work: $(cat stdout)"
    grep -qF -e "$text" stderr || fail "$*: '$(cat stderr)' lacks '$text'"
}
: >file
mkdir folder
refuses 2 'unknown argument --fast' --fast
refuses 2 '--seed: its value is missing' --seed
refuses 2 '--cifar10: there is no directory nowhere' --cifar10 nowhere --weights file
refuses 2 '--weights: --cifar10 needs a trained network' --cifar10 .
refuses 2 '--weights: cannot read missing' --cifar10 . --weights missing
refuses 2 '--weights: only with --cifar10' --weights file
refuses 2 '--weights: cannot read folder' --cifar10 . --weights folder
refuses 2 '--lm: --cifar10 and --weights are of images' --lm --weights file
refuses 2 "--cifar10: no data_batch_1.bin in folder: unpack CIFAR-10's binary version there" \
    --cifar10 folder --weights file
refuses 2 "--policy: 'best' is none of average, freeze, random" --policy best
refuses 2 "--metric: 'nearest' is none of euclidean, cosine, covariance, linear_cka" --metric nearest
for seed in '' x 1.5 -1 1234567890123456789; do
    refuses 2 "--seed: '$seed' is not a whole number of up to 18 digits" --seed "$seed"
done
refuses 1 '--out: cannot make the directory file/inside' --out file/inside
[ ! -e demo ] || fail "a refusal left a folder"
# The names it knows are those that the program knows.
for name in policy metric; do
    known=$("$demo" --$name none 2>&1 | sed 's/.* is none of //')
    "$program" --data . --weights a --out b --ratio 2 --$name none 2>&1 |
        grep -qF " $known;" || fail "--$name: the program does not know just $known"
done
"$demo" --help | grep -q -e '--cifar10 DIR' || fail "no help"
echo "demo.sh: all as expected"
