#!/bin/sh
# course.sh SOURCE PROGRAM WORK [PLAIN_SOURCE PLAIN]: a program of the course prints what was built
# into it, and its source is short; PLAIN is the same without layerfuse
set -eu
source=$1 program=$2 work=$3 plain_source=${4-} plain=${5-}
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
        / LFUSE_ERR_SHAPE: .* base is \(8, 6\), .* wide is \(6, 8\)/ { shape++ }
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

# The counts are those of six layers and a head of 256 weights, three of which are left out; undo
# leaves nothing behind; the file holds each buffer once.
network() {
    awk '
        function bad(text) { print text; failed = 1 }
        / apart: / {
            plan = plan $1 $3 ">" $9 $11 " "
            if ($5 <= apart) bad("not best first: " $0)
            apart = $5
        }
        /^(before|fused|undone|for good) / {
            sub(/^for good/, "good")
            state = $1
            $1 = ""
            row[state] = $0
            if ($3 != sprintf("%.2f", 1536 / $2)) bad(state ": ratio " $3)
            if ($4 - $2 != 256) bad(state ": the head has " $4 - $2)
            bytes[state] = $5; freed[state] = $6; weight[state] = $7
        }
        / is in the file as / {
            names++
            owner = owner $1 ">" $7 " "
            if ($8 != "equal") bad($0)
        }
        END {
            if (plan != "fc2fc3>fc2,1.20 fc1fc4>fc1,1.50 fc0fc5>fc0,2.00 ") bad("plan: " plan)
            if (row["before"] !~ /^ 1536 1.00 1792 7168 0 /) bad("before:" row["before"])
            if (row["fused"] !~ /^ 768 2.00 1024 /) bad("fused:" row["fused"])
            if (row["good"] !~ /^ 768 2.00 1024 4096 3 /) bad("for good:" row["good"])
            if (row["undone"] != row["before"]) bad("undone:" row["undone"])
            if (bytes["fused"] <= bytes["before"] || freed["fused"] != 0)
                bad("undo is possible, and nothing kept for it")
            if (weight["fused"] == weight["before"] || weight["good"] != weight["fused"])
                bad("fc3[0] is not what fusing makes of it")
            if (owner != "fc0>fc0, fc1>fc1, fc2>fc2, fc3>fc2, fc4>fc1, fc5>fc0, head>head, ")
                bad("file: " owner)
            exit failed
        }' out >wrong || fail "$(cat wrong)"
    header=$(od -A n -t u8 -N 8 fused.safetensors | tr -d ' ')
    data=$(($(wc -c <fused.safetensors) - 8 - header))
    [ "$data" = 4096 ] || fail "the file holds $data bytes of weights, not 4096"
    grep -aq '"layerfuse.aliases"' fused.safetensors || fail "the file names no aliases"
}

# The loop of a source, and what it calls that knows of layerfuse.
loop() { awk '/^static double test/, /^}/; /^    for .int epoch/, /^    }/' "$1"; }

# It learns, fusing costs much, training wins it back; the loop is the plain one, which learns as much,
# but for ten lines, which are numbered in their order.
training() {
    "$plain" >plain.out || fail "the plain loop: exit $?"
    awk '
        function bad(text) { print text; failed = 1 }
        FNR == NR { plain[FNR] = $7; next }
        /^epoch / { before[FNR] = $3; after[FNR] = $7; epochs++ }
        / layers, / { if ($0 != "6 layers, 3 weights") bad($0); counted++ }
        END {
            if (epochs != 3 || counted != 1) bad(epochs " epochs, " counted " counts")
            if (after[1] < 97) bad("it has not learnt: " after[1] " %")
            if (before[2] > after[1] - 10 || before[3] > after[2] - 10) bad("fusing costs nothing")
            if (after[2] < after[1] - 2 || after[3] < after[1] - 2) bad("it has not recovered")
            if (plain[1] < 97 || plain[3] < 97) bad("the plain loop has not learnt")
            exit failed
        }' plain.out out >wrong || fail "$(cat wrong)"
    loop "$plain_source" >plain.c
    loop "$source" >loop.c
    diff plain.c loop.c | sed -n 's,^> .*/[*] \([0-9]*\) [*]/$,\1,p' | xargs >marks
    [ "$(cat marks)" = "1 2 3 4 5 6 7 8 9 10" ] || fail "the marks are $(cat marks)"
    [ "$(diff plain.c loop.c | grep -c '^>')" = 10 ] || fail "not ten lines: $(diff plain.c loop.c)"
}

lines=$(wc -l <"$source")
[ "$lines" -lt 120 ] || fail "$lines lines, not less than 120"
"$program" >out 2>stderr || fail "exit $?: $(cat stderr)"
cat out
[ ! -s stderr ] || fail "on stderr: $(cat stderr)"
case $name in
01_similarity) similarity ;;
02_fuse_a_network) network ;;
03_own_training_loop) training ;;
*) fail "nothing is checked" ;;
esac
