#!/bin/sh
# accuracy.sh COMPRESS_CNN DATA WORK: the real networks score what their publishers measured.
#
# DATA holds CIFAR-10 in a compact form, unpacked into WORK once, and the two checkpoints. Without
# it, or without xz, there is nothing to check: exit 77. The expected figures are those of an
# independent forward pass in f32; two images of 10,000 lie close enough to a tie that rounding
# may decide them, and the mean of the losses moves by less than 1e-4.
set -eu
program=$1 data=$2 work=$3

if [ ! -f "$data/unpack.sh" ] || ! command -v xz >/dev/null; then
    echo "skipped: $data is not there, or xz is not"
    exit 77
fi
if [ ! -f "$work/complete" ]; then
    mkdir -p "$work"
    sh "$data/unpack.sh" "$work"
    touch "$work/complete"
fi

# expect NETWORK RIGHT LOSS
expect() {
    line=$("$program" --evaluate --data "$work" \
        --weights "$data/weights/$1-cifar10.safetensors" | grep '^original: ')
    echo "$1: $line"
    echo "$line" | awk -v right="$2" -v loss="$3" '
        { d = $2 - right; e = $NF - loss
          exit !(d >= -2 && d <= 2 && e >= -1e-4 && e <= 1e-4 && $4 == 10000) }' || {
        echo "$1: expected $2 +- 2 right and $3 +- 1e-4" >&2
        exit 1
    }
}
expect resnet20 9173 0.37327
expect resnet56 9339 0.34581
