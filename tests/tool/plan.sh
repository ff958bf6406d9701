#!/bin/sh
# plan.sh PROGRAM MAKE_FILES WORK BY_TIES: layerfuse plan, apply, verify and expand
set -eu
# shellcheck disable=SC2034 # common.sh reads work
program=$1 make_files=$2 work=$3 by_ties=$4
# shellcheck source=/dev/null
. "${0%/*}/common.sh"
"$make_files" .

# no_trace OUT: neither a file of this name nor a temporary one
no_trace() {
    [ ! -e "$1" ] || fail "$1 is there"
    [ -z "$(find . -name '.layerfuse-*')" ] || fail "a temporary file is left"
}

# ---- plan --------------------------------------------------------------------------------

prints plan blocks.safetensors --ratio 2 -o plan.json <<'END'
euclidean, average: 6 fusions, ratio 2.000: of 144 weights that could be shared 72 are left

  h.0.attn.weight <- h.1.attn.weight h.2.attn.weight h.3.attn.weight h.4.attn.weight h.5.attn.weight h.6.attn.weight
END
is_json plan.json
grep -q '^  {"a": "h.0.attn.weight", "b": "h.1.attn.weight", "kept": "h.0.attn.weight", "score": 1.0, ' \
    plan.json || fail "plan.json: $(cat plan.json)"
# Printed is what is written, and the same again is the same.
"$program" plan blocks.safetensors --ratio 2 --json -o again.json >printed.json
cmp plan.json printed.json
cmp plan.json again.json
prints plan convolutions.safetensors --type-rule digits --top-k 1 --metric cosine -o c.json <<'END'
cosine, average: 1 fusions, ratio 1.300: of 26 weights that could be shared 20 are left

  layer1.0.conv1.weight <- layer1.0.conv2.weight
END
runs plan blocks.safetensors --top-k 3 --policy freeze --scope adjacent --max-group 2 \
    --exclude 'h.1*' --exclude h.0.attn.weight --seed 7 --json
grep -q '"seed": 7, ' stdout || fail "--seed: $(cat stdout)"
grep -q '"scope": "adjacent", ' stdout || fail "--scope: $(cat stdout)"
grep -q '{"pattern": "h.1\*", "action": "exclude"}' stdout || fail "--exclude: $(cat stdout)"
sed -n '/"groups"/,/^ \]/p' stdout >groups
# shellcheck disable=SC2251
! grep -q 'h\.1\.\|h\.10\|h\.11\|h\.0\.' groups || fail "--exclude: $(cat stdout)"
prints plan blocks.safetensors --top-k 2 --force 'h.1[01].*' --pin h.9.attn.weight \
    --include 'h.[19]*' -o rules.json <<'END'
euclidean, average: 2 fusions, ratio 1.200: of 144 weights that could be shared 120 are left

  h.9.attn.weight <- h.10.attn.weight h.11.attn.weight
END
# Counters, masks and what is empty go along, byte for byte.
runs plan counters.safetensors --top-k 1 -o counters.json
prints apply counters.safetensors counters.json -o counted.safetensors <<'END'
counted.safetensors: 19 bytes of tensors, of 27 bytes before
END
prints verify counters.safetensors counters.json counted.safetensors <<'END'
counted.safetensors: all 5 tensors are what the plan makes of them
END
grep -aq '"bn.num_batches_tracked":{"dtype":"I64","shape":\[\],"data_offsets":\[0,8\]}' \
    counted.safetensors || fail "counted: $(head -c 600 counted.safetensors)"
runs expand counted.safetensors -o uncounted.safetensors
runs verify counters.safetensors counters.json uncounted.safetensors
# A block is one layer, with all its matrices.
prints plan paired.safetensors --block h --top-k 1 -o block.json <<'END'
euclidean, average: 1 fusions, ratio 1.500: of 54 weights that could be shared 36 are left

  h.0 <- h.1
END
grep -q '^  {"name": "h.10", "type": "h.\*", "weights": \[{"name": "down.weight", "shape": \[2, 3\]' \
    block.json || fail "block.json: $(cat block.json)"
runs apply paired.safetensors block.json -o block.safetensors
runs verify paired.safetensors block.json block.safetensors
runs plan paired.safetensors --block h --exclude '*down*' --top-k 1 --json
# shellcheck disable=SC2251
! grep -q down stdout || fail "--block --exclude: $(cat stdout)"
ends 1 "--block: no tensor of rank 2 or more is named g.NUMBER.*" plan paired.safetensors \
    --block g --top-k 1 --json
ends 1 "--block: there is only one block k.NUMBER" plan paired.safetensors --block k --top-k 1 \
    --json
# A name that holds anything.
runs plan names.safetensors --top-k 1 -o names.json
is_json names.json
runs apply names.safetensors names.json -o names-out.safetensors
runs verify names.safetensors names.json names-out.safetensors
# A model of several files; its layers in natural order.
runs plan model --top-k 1 -o shards.json
runs apply model shards.json -o shards.safetensors
runs verify model shards.json shards.safetensors
# ... and files of the same names, unless the new name is one file's.
prints apply model shards.json -o several <<'END'
several: 32 bytes of tensors, of 48 bytes before
END
[ "$(ls several)" = "model.safetensors.index.json
one.safetensors
two.safetensors" ] || fail "several: $(ls several)"
runs verify model shards.json several
prints expand several -o whole <<'END'
whole: 48 bytes of tensors, of 32 bytes before
END
runs verify model shards.json whole
runs apply model shards.json --mode expand -o expanded
for file in one.safetensors two.safetensors model.safetensors.index.json; do
    cmp whole/$file expanded/$file
done
# h.2.w and h.10.w share rows, from two files: their bank is in the first one's.
runs plan model --unit row --top-k 2 -o shared.json
runs apply model shared.json -o shared
runs verify model shared.json shared
grep -q '"h.\*.w \[2, 2\]": "one.safetensors"' shared/model.safetensors.index.json ||
    fail "shared: $(cat shared/model.safetensors.index.json)"
# All of it in one file, it is a model with an index still.
runs plan model --ratio 3 -o all.json
runs apply model all.json -o all
[ "$(ls all)" = "model.safetensors.index.json
one.safetensors" ] || fail "all: $(ls all)"
runs verify model all.json all
runs expand all -o all-whole
runs verify model all.json all-whole
[ "$(ls all-whole)" = "$(ls all)" ] || fail "all-whole: $(ls all-whole)"
runs apply model shards.json -o slashed/
diff -r several slashed
# None of the files that are read is written, however it is named.
cp -r model before
mkdir folder
cp blocks.safetensors folder/model.safetensors
for output in model/one.safetensors model/../model/two.safetensors; do
    ends 2 "-o: $output is a file to read" apply model shards.json -o $output
    ends 2 "-o: $output is a file to read" expand model -o $output
    for file in model model/ model/model.safetensors.index.json; do
        ends 2 "-o: $output is a file to read" plan $file --top-k 1 -o $output
    done
done
ends 2 "is a file to read" plan model --top-k 1 -o model/model.safetensors.index.json
ends 2 "is a file to read" plan folder --ratio 2 -o folder/model.safetensors
ends 2 "is a file to read" expand folder -o folder/model.safetensors
(
    cd model
    ends 2 "-o: two.safetensors is a file to read" apply model.safetensors.index.json \
        ../shards.json -o two.safetensors
    rm stdout stderr
)
diff -r before model
cmp blocks.safetensors folder/model.safetensors
cp -r several again
ends 1 "again is there: a model of several files becomes a new folder" apply model shards.json \
    -o again
diff -r several again
ends 1 "none/there: No such file or directory" apply model shards.json -o none/there
no_trace none/there
# The second file is larger than a file may be: nothing is left of the first.
(ulimit -f 0 2>/dev/null && trap '' XFSZ && ! "$program" apply model shards.json -o full \
    >stdout 2>stderr) || fail "apply wrote more than it may"
no_trace full

ends 2 "neither -o nor --json is given" plan blocks.safetensors --ratio 2
ends 2 "neither --ratio nor --top-k is given" plan blocks.safetensors -o x.json
ends 2 "-o: ./blocks.safetensors is the file to read" plan blocks.safetensors --ratio 2 \
    -o ./blocks.safetensors
ends 2 "--ratio: 0.5 is not in [1, " plan blocks.safetensors --ratio 0.5 -o x.json
ends 2 "--policy: policy best is unknown; known are average, " plan blocks.safetensors \
    --top-k 1 --policy best -o x.json
ends 2 "--policy: custom needs a function" plan blocks.safetensors --top-k 1 \
    --policy custom -o x.json
ends 2 "--metric: custom needs a function" plan blocks.safetensors --top-k 1 \
    --metric custom -o x.json
ends 2 "--metric: " plan blocks.safetensors --top-k 1 --metric best -o x.json
ends 2 "--scope: 'near' is none of global, adjacent" plan blocks.safetensors --top-k 1 \
    --scope near -o x.json
ends 2 "FILE is missing" plan --ratio 2 -o x.json
ends 1 "no layer is named x*" plan blocks.safetensors --top-k 1 \
    --exclude 'x*' -o x.json
ends 1 "ratio 100 of the candidates is out of reach" plan blocks.safetensors --ratio 100 \
    -o x.json
ends 1 "no two tensors are layers of one type" plan alone.safetensors --ratio 2 -o x.json
ends 1 "is not finite" plan broken.safetensors --ratio 2 -o x.json
ends 1 "cannot open nothing.safetensors" plan nothing.safetensors --ratio 2 -o x.json
ends 1 "cannot write no/x.json" plan blocks.safetensors --ratio 2 -o no/x.json
no_trace x.json

# ---- apply, expand, verify --------------------------------------------------------------

prints apply blocks.safetensors plan.json -o dedup.safetensors <<'END'
dedup.safetensors: 576 bytes of tensors, of 864 bytes before
END
# The same bytes as copies, ties and an ordinary save make, whatever the policy.
"$by_ties" blocks.safetensors plan.json by-ties.safetensors
cmp dedup.safetensors by-ties.safetensors
for policy in freeze random js; do
    runs plan two.safetensors --top-k 1 --policy $policy -o $policy.json
    runs apply two.safetensors $policy.json -o $policy.safetensors
    "$by_ties" two.safetensors $policy.json by-ties.safetensors
    cmp $policy.safetensors by-ties.safetensors
done
prints verify blocks.safetensors plan.json dedup.safetensors <<'END'
dedup.safetensors: all 26 tensors are what the plan makes of them
END
runs expand dedup.safetensors -o full.safetensors
cp full.safetensors edited-before.safetensors
runs verify blocks.safetensors plan.json full.safetensors
runs apply blocks.safetensors plan.json --mode expand -o expanded.safetensors
runs verify blocks.safetensors plan.json expanded.safetensors
runs inspect full.safetensors --json
grep -q '"aliases": 0, ' stdout || fail "full.safetensors: $(cat stdout)"
runs plan blocks.safetensors --ratio 2 --contents -o contents.json
runs apply blocks.safetensors contents.json -o x.safetensors
rm x.safetensors
ends 1 "weight of layer h.0.attn.weight has other contents than when planned" apply \
    edited-before.safetensors contents.json -o x.safetensors
# A plan of a few lines, written by hand, with a layer of another shape left out.
sed '/"a": "h.[2-9]/d; s/^\(.*"b": "h.2.attn.weight".*\),$/\1/; /^ "groups"/,/^ "parameters"/d' \
    plan.json >edited.json
runs apply blocks.safetensors edited.json -o edited.safetensors
runs verify blocks.safetensors edited.json edited.safetensors
ends 1 "edited.safetensors: element 0 of h." verify blocks.safetensors plan.json \
    edited.safetensors

ends 2 "-o is not given" apply blocks.safetensors plan.json
ends 2 "PLAN.json is missing" apply blocks.safetensors -o x.safetensors
ends 2 "-o: plan.json is a file to read" apply blocks.safetensors plan.json -o plan.json
ends 2 "-o: blocks.safetensors is a file to read" apply blocks.safetensors plan.json \
    -o blocks.safetensors
ends 2 "--mode: 'both' is none of dedup, expand" apply blocks.safetensors plan.json \
    --mode both -o x.safetensors
ends 2 "-o is not given" expand dedup.safetensors
ends 1 "cannot open nothing.json" apply blocks.safetensors nothing.json -o x.safetensors
ends 1 "layer h.0.attn.weight of the plan is not in it" apply two.safetensors plan.json \
    -o x.safetensors
ends 1 "there is no tensor h.11.attn.weight" verify blocks.safetensors plan.json \
    two.safetensors
ends 1 "cannot write no/x.safetensors" apply blocks.safetensors plan.json \
    -o no/x.safetensors
# altered SED TEXT: apply refuses the plan that this makes of plan.json
altered() {
    sed "$1" plan.json >altered.json
    ends 1 "$2" apply blocks.safetensors altered.json -o x.safetensors
}
altered 's/"layerfuse_plan": 1/"layerfuse_plan": 9/' "the plan is of version 9"
altered 's/"policy": "average"/"policy": "best"/' "does not know the policy best"
altered 's/"b": "h.1.attn.weight"/"b": "h.0.attn.weight"/' "are one layer"
altered 's/"b": "h.1.attn.weight"/"b": "nobody"/' "there is no layer nobody"
altered 's/"ratio": 1.5,/"ratio": 1.6,/' "ratio is 1.6"
altered 's/\["h.0.attn.weight", /[/' "groups[0] has 6 layers, the fusions tie 7"
altered 's/"dtype": "f32"/"dtype": "f16"/' "the fingerprint is "
altered '/"fingerprint"/d; s/"dtype": "f32"/"dtype": "f16"/' \
    "weight of layer h.0.attn.weight is f32, in the plan f16"
altered '/"fingerprint"/d; s/"shape": \[4, 3\]/"shape": [3, 4]/' "is [4, 3], in the plan [3, 4]"
altered '5,$d' "altered.json: the plan, line "
# A disk that is full, as it were, at any byte: nothing, or what was there before.
cp dedup.safetensors before.safetensors
for limit in 0 1 2 3 4; do
    set +e
    (trap '' XFSZ; ulimit -f $limit; "$program" apply blocks.safetensors plan.json \
        -o before.safetensors) >stdout 2>stderr
    got=$?
    set -e
    case $got in
    0) [ "$(wc -c <before.safetensors)" -le $((limit * 1024)) ] || fail "more than fits" ;;
    *) grep -q "cannot write " stderr || [ $limit = 0 ] || fail "$limit: $(cat stderr)" ;;
    esac
    cmp dedup.safetensors before.safetensors
done
no_trace x.safetensors

# ---- a file that is larger than it should take, and a process that is killed ---------------

runs plan large.safetensors --ratio 2 -o plain.json
awk '/^ "layers"/ {
    printf " \"permutations\": [{\"spaces\": [0], \"order\": ["
    for (i = 4095; i > 0; i--) printf "%d, ", i
    print "0], \"members\": [" m(1, 0) ", " m(1, 1) ", " m(2, 1) ", " m(3, 0) "]}],"
}
function m(k, axis) {
    return "{\"layer\": \"h." k ".w\", \"parameter\": \"w\", \"axis\": " axis ", \"entries\": 4096}"
}
{print}' plain.json >large.json
if [ -z "${sanitized:-}" ] && (ulimit -d 49152) 2>/dev/null; then # sanitizers take more
    # Not even two of its tensors, of 32 MiB each, fit beside the mappings.
    (
        ulimit -d 49152
        OPENBLAS_NUM_THREADS=1 timeout 100 "$program" apply large.safetensors large.json \
            --threads 2 -o large-out.safetensors
    ) >stdout || fail "large.safetensors: exit $?"
    runs verify large.safetensors large.json large-out.safetensors
    rm large-out.safetensors
fi
for wait in 0.01 0.05 0.1 0.2; do
    "$program" apply large.safetensors large.json -o large-out.safetensors >stdout &
    pid=$!
    sleep $wait
    kill -9 $pid 2>/dev/null || true
    wait $pid 2>/dev/null || true
    [ ! -e large-out.safetensors ] ||
        runs verify large.safetensors large.json large-out.safetensors
    rm -f large-out.safetensors
done
rm large.safetensors
