#!/bin/sh
# course.sh SOURCE PROGRAM WORK: a program of the course prints what was built into it, and its
# source is short
set -eu
source=$1 program=$2 work=$3
name=$(basename "$source" .c)

rm -rf "$work"
mkdir -p "$work"
cd "$work"
fail() {
    echo "$name: $1" >&2
    exit 1
}

# The pair that is named is the most alike of its matrix, and the one that was made so; matrices
# are symmetric, with each layer like itself. Both refusals say what and where.
similarity() {
    awk '
        function bad(text) { print metric ": " text; failed = 1 }
        function closer(x, y) { return greater ? x > y : x < y }
        function check_matrix(  i, j) {
            for (i = 1; i <= n; i++) {
                if (m[i, i] != greater) bad(name[i] " is not like itself")
                for (j = i + 1; j <= n; j++) {
                    if (m[i, j] != m[j, i]) bad(name[i] " and " name[j] ": not symmetric")
                    if (pair == "" || closer(m[i, j], best)) {
                        best = m[i, j]
                        pair = name[i] " and " name[j]
                    }
                }
            }
        }
        / is more alike$/ {
            metric = $1
            greater = $2 == "greater"
            if (greater == (metric == "euclidean,")) bad("the wrong end is alike")
            n = 0
            pair = ""
        }
        /^  [a-z]+ +-?[0-9]/ {
            name[++n] = $1
            if (NF != 6) bad($0)
            for (i = 2; i <= NF; i++) m[n, i - 1] = $i + 0
        }
        /^  most alike: / {
            if (n != 5) bad(n " layers")
            check_matrix()
            said = $3 " and " $5
            if (said != pair) bad(said " are named, " pair " are most alike")
            answers = answers metric " " said ". "
        }
        / LFUSE_ERR_SHAPE: .*\[6, 8\].* wide, .*\[8, 6\]/ { shape++ }
        / LFUSE_ERR_NOT_FINITE: .* other .*row 2, column 3 / { finite++ }
        / LFUSE_ERR_/ { errors++ }
        END {
            metric = "in all"
            if (answers != "euclidean, base and near. cosine, base and scaled. " \
                           "covariance, near and flipped. ") bad(answers)
            if (shape != 1 || finite != 1 || errors != 2) bad(errors + 0 " refusals")
            exit failed
        }' out >wrong || fail "$(cat wrong)"
}

lines=$(wc -l <"$source")
[ "$lines" -lt 120 ] || fail "$lines lines, not less than 120"
"$program" >out 2>stderr || fail "exit $?: $(cat stderr)"
cat out
[ ! -s stderr ] || fail "on stderr: $(cat stderr)"
case $name in
01_similarity) similarity ;;
*) fail "nothing is checked" ;;
esac
