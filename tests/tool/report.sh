#!/bin/sh
# report.sh PROGRAM MAKE_FILES WORK: layerfuse report
set -eu
# shellcheck disable=SC2034 # common.sh reads work
program=$1 make_files=$2 work=$3
# shellcheck source=/dev/null
. "${0%/*}/common.sh"
"$make_files" .

# shows PAGE TEXT: it is a page that says this
shows() {
    [ "$(tail -n 1 "$1")" = "</html>" ] || fail "$1 does not end"
    grep -qF -e "$2" "$1" || fail "$1 lacks '$2'"
}
# silent ARGUMENTS...: it ends well and says nothing
silent() { prints "$@" </dev/null; }

# ---- a file alone ------------------------------------------------------------------------

silent report blocks.safetensors -o alone.html
shows alone.html "12 layers of 1 type, 66 pairs, by the metric euclidean."
shows alone.html "layerfuse report blocks.safetensors -o alone.html"
if grep -q "Which layers share weights" alone.html; then
    fail "alone.html: nothing is shared without a plan"
fi

# ---- with a plan -------------------------------------------------------------------------

"$program" plan blocks.safetensors --ratio 2 --scope adjacent -o plan.json >plan.txt
silent report blocks.safetensors plan.json -o plan.html
shows plan.html \
    "The plan makes 6 fusions: of 144 weights that could be shared 72 are left, a ratio of 2.00."
shows plan.html "66 pairs, by the metric euclidean."
shows plan.html "Which layers share weights"
# Names of any bytes, a model of several files.
"$program" plan names.safetensors --top-k 1 -o names.json >plan.txt
silent report names.safetensors names.json -o names.html
shows names.html "The plan makes 1 fusion: "
silent report model -o model.html
shows model.html "by the metric euclidean."

# ---- what is refused: no page is written, none is lost -----------------------------------

echo before >kept.html
cp blocks.safetensors plan.other
cp blocks.safetensors mine.safetensors
ends 2 "FILE is missing" report
ends 2 "-o is not given" report blocks.safetensors
ends 2 "'x' is one word too many" report blocks.safetensors plan.json x -o kept.html
ends 2 "-o: plan.json is a file to read" report blocks.safetensors plan.json -o plan.json
ends 2 "-o: mine.safetensors is, or is named as, a file to read" report blocks.safetensors \
    -o mine.safetensors
ends 2 "-o: plan.other is, or is named as, a file to read" report plan.other -o plan.other
ends 2 "--metric: custom needs a function" report blocks.safetensors --metric custom \
    -o kept.html
ends 1 "none.json" report blocks.safetensors none.json -o kept.html
ends 1 "layer h.0.attn.weight of the plan is not in it" report convolutions.safetensors \
    plan.json -o kept.html
ends 1 "cannot write none/page.html" report blocks.safetensors -o none/page.html
[ "$(cat kept.html)" = before ] || fail "kept.html was written"
cmp blocks.safetensors mine.safetensors
echo "report.sh: all as expected"
