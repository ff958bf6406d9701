#!/bin/sh
# Points of several methods as a table, a page and a picture; where they bend; what is refused.
#     curves.sh CURVES SCRIPT FOLDER
set -eu
curves=$1 script=$2 dir=$3
rm -rf "$dir"
mkdir -p "$dir/out"

fail() {
    echo "curves.sh: $1" >&2
    exit 1
}
refused() { # WHAT THE MESSAGE SAYS, ROWS
    printf '%b' "$2" >"$dir/bad"
    if "$curves" "$dir/bad" --original 90 --report "$dir/no.html" >/dev/null 2>"$dir/err"; then
        fail "not refused: $1"
    fi
    grep -q -- "$1" "$dir/err" || fail "says '$(cat "$dir/err")', not '$1'"
    [ ! -e "$dir/no.html" ] || fail "$1: a page all the same"
}

# Two lines over the share that is gone: 90 - 2 x to x = 0.6 (ratio 2.5), then 40 points per unit.
printf 'fusion\t1.25\t89.6\nfusion\t5\t80.8\nfusion\t1.666667\t89.2\nfusion\t10\t76.8\nflat\t2\t89\n' \
    >"$dir/rows"
"$curves" "$dir/rows" --original 90 --title 'A & B' --report "$dir/page.html" \
    --picture "$dir/picture.svg" >"$dir/table"
grep -q '^| fusion | 5.000 | 80.80 | -9.20 |$' "$dir/table" || fail 'a point is missing'
grep -q '^| fusion | 2.50 | ' "$dir/table" || fail "the bend is elsewhere: $(cat "$dir/table")"
grep -q '^| flat | too few points' "$dir/table" || fail 'a bend of two points'
grep -q 'A &amp; B' "$dir/page.html" || fail 'the page has no title'
grep -q 'fusion bends at 2.50' "$dir/picture.svg" || fail 'the picture has no bend'

refused 'line 1: not a name' 'fusion 2 3\n'
refused 'line 2: not a name' 'fusion\t2\t90\nfusion\t1\t90\n'
refused 'line 1: not a name' 'fusion\t2\tnan\n'
refused 'line 1: not a name' 'fusion\t2\t90 and more\n'
refused 'not above' 'fusion\t2\t90\nfusion\t2\t91\nfusion\t3\t88\n'
refused 'holds no line' ''
if "$curves" "$dir/nowhere" --original 90 >/dev/null 2>&1; then fail 'no file, and no error'; fi

# The script reads what rows end with.
cat >"$dir/out/r56-2.0.log" <<'END'
ResNet-56 from somewhere
original: 9339 of 10000 right (93.39 %), mean cross-entropy 0.34581
END
printf 'parameters that can fuse: 8 -> 4, ratio 2.010\nread back: 9240 of 10000 right (92.40 %%), x\n' \
    >"$dir/out/r56-2.0.done"
printf 'prune_global: 8 -> 4 bytes of 2 matrices, ratio 2.000\nprune_global: 9100 of 10000 right (91.00 %%), x\n' \
    >"$dir/out/r56-2.0-pruned.done"
printf 'ratio 9\n(1.00 %%)\n' >"$dir/out/r56-3.33-seed1.done"
LAYERFUSE_CURVES=$curves "$script" "$dir/out" >"$dir/made"
grep -q '^| fusion | 2.010 | 92.40 | -0.99 |$' "$dir/made" || fail "$(cat "$dir/made")"
grep -q '^| global pruning | 2.000 | 91.00 | -2.39 |$' "$dir/made" || fail "$(cat "$dir/made")"
[ "$(grep -c '^| fusion' "$dir/made")" -eq 2 ] || fail 'a seed is a point'
if [ ! -s "$dir/out/r56.html" ] || [ ! -s "$dir/out/r56.svg" ]; then fail 'no page, or no picture'; fi
mkdir "$dir/empty"
if LAYERFUSE_CURVES=$curves "$script" "$dir/empty" >/dev/null 2>&1; then fail 'nothing is enough'; fi
echo 'curves: all as it should be'
