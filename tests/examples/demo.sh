#!/bin/sh
# demo.sh DEMO WORK: what scripts/demo refuses, before it builds or writes anything
set -eu
demo=$1 work=$2

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
refuses 2 'unknown argument --fast' --fast
refuses 2 '--seed: its value is missing' --seed
refuses 2 '--cifar10: there is no directory nowhere' --cifar10 nowhere --weights file
refuses 2 '--weights: --cifar10 needs a trained network' --cifar10 .
refuses 2 '--weights: cannot read missing' --cifar10 . --weights missing
refuses 2 '--weights: only with --cifar10' --weights file
refuses 1 '--out: cannot make the directory file/inside' --out file/inside
[ ! -e demo ] || fail "a refusal left a folder"
"$demo" --help | grep -q -e '--cifar10 DIR' || fail "no help"
echo "demo.sh: all as expected"
