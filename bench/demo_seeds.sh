#!/bin/sh
# demo_seeds.sh [N] [DIR] [DEMO-ARGUMENTS...]: the demo with seeds 0 to N - 1 (20), and the spread
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
count=${1:-20} out=${2:-demo-seeds}
[ $# -lt 2 ] || shift
[ $# -lt 1 ] || shift
mkdir -p "$out"
: >"$out/scores"
seed=0
while [ "$seed" -lt "$count" ]; do
    "$here/scripts/demo" --seed "$seed" --out "$out/$seed" "$@" >"$out/$seed.log" 2>&1 || {
        echo "seed $seed failed: $out/$seed.log" >&2
        exit 1
    }
    # original: R of N right (A %) ... fused: R of N right (B %) ... ratio X
    awk -v seed="$seed" '
        /^original: / { before = $6 }
        /^fused: / { after = $6 }
        /^parameters that can fuse: / { ratio = $NF }
        END { gsub(/[()]/, "", before); gsub(/[()]/, "", after); print seed, before, after, ratio }
    ' "$out/$seed.log" | tee -a "$out/scores"
    seed=$((seed + 1))
done
awk '{
        lost = $2 - $3
        if (NR == 1 || $3 < least) least = $3
        if (NR == 1 || $3 > most) most = $3
        if (NR == 1 || lost > worst) worst = lost
        before += $2; after += $3
    }
    END {
        printf "%d seeds: before %.2f %% on average, after %.2f (%.2f to %.2f), ", NR, before / NR,
            after / NR, least, most
        printf "at most %.2f points lost\n", worst
    }' "$out/scores"
