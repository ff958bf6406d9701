#!/bin/sh
# rows.sh PROGRAM MAKE_FILES WORK BY_TIES: layerfuse plan --unit row, and what is made of such plans
set -eu
# shellcheck disable=SC2034 # common.sh reads work
program=$1 make_files=$2 work=$3 by_ties=$4
# shellcheck source=/dev/null
. "${0%/*}/common.sh"
"$make_files" .

prints plan turned.safetensors --unit row --top-k 5 -o plan.json <<'END'
euclidean, average: 5 fusions, ratio 6.000: of 12 weights that could be shared 2 are left

  h.0.w: 2 of its 3 rows show another's values
  h.1.w: 3 of its 3 rows show another's values
END
is_json plan.json
[ "$(grep -c '^  {"a": ' plan.json)" = 2 ] || fail "not a line for each two layers: $(cat plan.json)"
"$program" plan turned.safetensors --unit row --top-k 5 --json -o again.json >printed.json
cmp plan.json printed.json
prints apply turned.safetensors plan.json -o dedup.safetensors <<'END'
dedup.safetensors: 8 bytes of tensors, of 48 bytes before
END
grep -q 'layerfuse.banks' dedup.safetensors || fail "there is no bank"
prints verify turned.safetensors plan.json dedup.safetensors <<'END'
dedup.safetensors: all 2 tensors are what the plan makes of them
END
prints expand dedup.safetensors -o full.safetensors <<'END'
full.safetensors: 48 bytes of tensors, of 48 bytes before
END

# The same bytes as copies, ties and an ordinary save with banks make, whatever the policy and axis.
made=0
for file in blocks two turned; do
    for policy in average freeze random js; do
        for axis in 0 1; do
            "$program" plan $file.safetensors --unit row --top-k 4 --policy $policy \
                --output-axis "*=$axis" -o p.json >/dev/null 2>stderr || {
                grep -q "options.unit is row" stderr || fail "$file $policy: $(cat stderr)"
                continue
            }
            runs apply $file.safetensors p.json -o out.safetensors
            "$by_ties" $file.safetensors p.json by-ties.safetensors
            cmp out.safetensors by-ties.safetensors
            runs verify $file.safetensors p.json out.safetensors
            runs expand out.safetensors -o full.safetensors
            runs verify $file.safetensors p.json full.safetensors
            runs apply $file.safetensors p.json --mode expand -o expanded.safetensors
            runs verify $file.safetensors p.json expanded.safetensors
            if grep -q 'layerfuse.banks' expanded.safetensors; then
                fail "an expanded file has banks"
            fi
            made=$((made + 1))
        done
    done
done
[ $made = 18 ] || fail "$made plans of rows, expected those of all policies but js"

# What is edited is checked.
altered() {
    sed "$1" plan.json >altered.json
    ends 1 "$2" apply turned.safetensors altered.json -o x.safetensors
}
altered 's/\[3, 0, 1, 0/[3, 0, 9, 0/' "there is no row 9 of w of layer h.0.w"
altered 's/\[3, 0, 1, 0/[3, 0, 0, 0/' "are one row"
altered 's/\[3, 0, 1, 0/[4, 0, 1, 0/' "are both at place 4"
altered 's/"ratio": 6.0/"ratio": 5.0/' "ratio is 5"
altered 's/"unit": "row", "policy"/"unit": "layer", "policy"/' "a plan has one"
ends 2 "--unit: 'atom' is none of layer, row" plan turned.safetensors --top-k 1 \
    --unit atom -o x.json
ends 1 "max_bytes allows" plan turned.safetensors --top-k 1 --unit row --max-bytes 100 -o x.json

# A file that is larger than it should take: rows of the plan are written by hand.
runs plan large.safetensors --top-k 1 -o large.json
sed '/^ "fusions": \[/,/^ "parameters"/d; s/"scope": "global"/"scope": "global", "unit": "row"/
    s/^ "fingerprint"/ "fusions": [{"a": "h.0.w", "b": "h.1.w", "rows": [[0, 1, 2], [1, 7, 7]]},\
    {"a": "h.2.w", "b": "h.2.w", "rows": [[2, 0, 4095]]}],\n&/' large.json >rows.json
if [ -z "${sanitized:-}" ] && (ulimit -d 49152) 2>/dev/null; then # sanitizers take more
    (
        ulimit -d 49152
        OPENBLAS_NUM_THREADS=1 timeout 200 "$program" apply large.safetensors rows.json \
            --threads 2 -o large-out.safetensors
    ) >stdout || fail "large.safetensors: exit $?"
    rm -f large-out.safetensors
fi
rm large.safetensors
