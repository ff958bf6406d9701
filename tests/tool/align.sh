#!/bin/sh
# align.sh PROGRAM MAKE_NETWORKS WORK BY_TIES: plan --align, and what apply and verify make of it
set -eu
# shellcheck disable=SC2034 # common.sh reads work
program=$1 networks=$2 work=$3 by_ties=$4
# shellcheck source=/dev/null
. "${0%/*}/common.sh"
"$networks" .

# aligned NETWORK PRESET OPTIONS...: blocks that differ in the order of units alone become one, and
# ties leave the same bytes, whatever the policy
aligned() {
    network=$1 preset=$2
    shift 2
    for policy in average freeze random js; do
        runs plan "$network.safetensors" --ratio 3 --align permutation --couplings "$preset" "$@" \
            --policy $policy -o plan.json
        is_json plan.json
        runs apply "$network.safetensors" plan.json -o out.safetensors
        runs verify "$network.safetensors" plan.json out.safetensors
        "$by_ties" "$network.safetensors" plan.json by-ties.safetensors
        cmp out.safetensors by-ties.safetensors
        "$networks" check "$network" out.safetensors
    done
    runs apply "$network.safetensors" plan.json --mode expand -o full.safetensors
    runs verify "$network.safetensors" plan.json full.safetensors
    "$networks" check "$network" full.safetensors
    # Rows of equal blocks, put in order, are equal: joined or not, the blocks are one.
    for policy in average freeze random; do
        runs plan "$network.safetensors" --unit row --ratio 2.5 --align permutation \
            --couplings "$preset" "$@" --policy $policy -o plan.json
        is_json plan.json
        grep -q '"permutations"' plan.json || fail "$network: no order of units: $(cat plan.json)"
        runs apply "$network.safetensors" plan.json --threads 1 -o out.safetensors
        runs apply "$network.safetensors" plan.json --threads 2 -o again.safetensors
        cmp out.safetensors again.safetensors
        grep -q 'layerfuse.banks' out.safetensors || fail "$network: there is no bank"
        runs verify "$network.safetensors" plan.json out.safetensors
        "$by_ties" "$network.safetensors" plan.json by-ties.safetensors
        cmp out.safetensors by-ties.safetensors
        "$networks" check "$network" out.safetensors
        runs expand out.safetensors -o full.safetensors
        runs verify "$network.safetensors" plan.json full.safetensors
    done
    ends 1 "one row has no covariance" plan "$network.safetensors" --unit row --ratio 2 \
        --align permutation --couplings "$preset" "$@" --policy js -o js.json
    # Not aligned they are no one block.
    runs plan "$network.safetensors" --ratio 3 -o plain.json
    runs apply "$network.safetensors" plain.json -o plain.safetensors
    if "$networks" check "$network" plain.safetensors 2>/dev/null; then
        fail "$network: nothing was to be put in order"
    fi
}
aligned resnet resnet-basic
aligned bottleneck resnet-bottleneck
aligned gpt2 gpt2 --output-axis '*.c_*.weight=1' --heads 4
aligned llama llama --heads 6

# Some of the layers alone, under names of blocks.
runs plan gpt2.safetensors --top-k 2 --align permutation --couplings gpt2 --output-axis '*.c_*.weight=1' \
    --exclude '*attn*' -o some.json
grep -q '{"pattern": "\*attn\*", "action": "exclude"}' some.json || fail "some.json: $(cat some.json)"
runs apply gpt2.safetensors some.json -o some.safetensors
runs verify gpt2.safetensors some.json some.safetensors
"$by_ties" gpt2.safetensors some.json by-ties.safetensors
cmp some.safetensors by-ties.safetensors
runs plan gpt2.safetensors --block h --ratio 3 --align permutation --couplings gpt2 \
    --output-axis '*.c_*.weight=1' --heads 4 -o block.json
runs apply gpt2.safetensors block.json -o block.safetensors
runs verify gpt2.safetensors block.json block.safetensors
"$networks" check gpt2 block.safetensors

# Couplings of a file, and what is printed.
cat >couplings.json <<'END'
{"layerfuse_couplings": 1,
 "spaces": [[{"tensor": "layer1.0.conv1.weight"}, {"tensor": "layer1.0.bn1.weight"},
             {"tensor": "layer1.0.bn1.bias"}, {"tensor": "layer1.0.bn1.running_mean"},
             {"tensor": "layer1.0.bn1.running_var"}, {"tensor": "layer1.0.conv2.weight", "axis": 1}]]}
END
prints plan resnet.safetensors --include '*.[01].*' --ratio 1.5 --align permutation \
    --couplings couplings.json -o file.json <<'END'
euclidean, average: 2 fusions, ratio 1.500: of 1,296 weights that could be shared 864 are left

  layer1.0.conv1.weight <- layer1.1.conv1.weight
  layer1.0.conv2.weight <- layer1.1.conv2.weight

in another order: the units of 1 hidden space
END
runs apply resnet.safetensors file.json -o file.safetensors
runs verify resnet.safetensors file.json file.safetensors
sed 's/layer1.0.bn1.weight/layer1.9.bn1.weight/' couplings.json >wrong.json
ends 1 "no layer has the coupled tensor layer1.9.bn1.weight" plan resnet.safetensors --ratio 2 \
    --align permutation --couplings wrong.json -o x.json
sed 's/1,/9,/' couplings.json >wrong.json
ends 1 "wrong.json: " plan resnet.safetensors --ratio 2 --align permutation --couplings wrong.json \
    -o x.json

# A norm that has gone from the file, and a file that nothing was put in order in.
sed 's/"parameter": "running_mean"/"parameter": "running_men"/' file.json >altered.json
ends 1 "running_men of layer layer1.0.bn1.running_mean, which the plan permutes, is not in it" \
    apply resnet.safetensors altered.json -o x.safetensors
ends 1 "gpt2.safetensors: element 0 of h." verify gpt2.safetensors some.json gpt2.safetensors

# A tensor of two names has one order, which one of its blocks does not know of.
runs plan resnet.safetensors --top-k 1 -o shared.json
runs apply resnet.safetensors shared.json -o shared.safetensors
ends 1 "a tensor that has two names cannot be put in order" plan shared.safetensors --ratio 2 \
    --align permutation --couplings resnet-basic -o x.json
ends 1 "a tensor that has two names cannot be put in order" apply shared.safetensors file.json \
    -o x.safetensors

ends 2 "--align permutation needs --couplings" plan resnet.safetensors --ratio 2 \
    --align permutation -o x.json
ends 2 "--couplings is given without --align permutation" plan resnet.safetensors --ratio 2 \
    --couplings resnet-basic -o x.json
ends 2 "--heads is given without --couplings" plan resnet.safetensors --ratio 2 --heads 2 -o x.json
ends 2 "--align: 'rotation' is none of none, permutation" plan resnet.safetensors --ratio 2 \
    --align rotation -o x.json
ends 1 "--couplings: preset vgg is unknown; known are resnet-basic, resnet-bottleneck, gpt2, llama; and cannot open vgg" \
    plan resnet.safetensors --ratio 2 --align permutation --couplings vgg -o x.json
ends 1 "--couplings: none of the 24 layers is of a block that preset llama knows" plan \
    resnet.safetensors --ratio 2 --align permutation --couplings llama -o x.json
ends 1 "heads do not divide" plan llama.safetensors --ratio 2 --align permutation --couplings llama \
    --heads 5 -o x.json
[ ! -e x.json ] || fail "x.json is there"
[ ! -e x.safetensors ] || fail "x.safetensors is there"
