#!/bin/sh
# compress_lm.sh TRAIN_LM COMPRESS_LM WORK: both programs on a little of the embedded text
set -eu
train=$1 program=$2 work=$3

rm -rf "$work"
mkdir -p "$work"
cd "$work"
text='--data tales --limit 20000'
small="$text --blocks 3 --width 24 --heads 3 --positions 32 --batch 4 --dropout 0.1 --lr 0.01
    --steps 40 --every 10"
# shellcheck disable=SC2086 # arguments, one by one
train() { "$train" $small "$@"; }
# shellcheck disable=SC2086
run() { "$program" $text --weights gpt.safetensors --batch 4 --judge 2000 "$@"; }

fail() {
    echo "compress_lm.sh: $1" >&2
    exit 1
}
# refuses STATUS TEXT PROGRAM ARGUMENTS...: exit status and what stderr says; no file
refuses() {
    status=$1 expected=$2
    shift 2
    set +e
    "$@" >stdout 2>stderr
    got=$?
    set -e
    [ $got = "$status" ] || fail "$*: exit $got, expected $status: $(cat stderr)"
    [ "$(wc -l <stderr)" = 1 ] || fail "$*: not one line: $(cat stderr)"
    grep -qF -e "$expected" stderr || fail "$*: '$(cat stderr)' lacks '$expected'"
    [ ! -e never.safetensors ] || fail "$*: wrote a file"
}
# killed WHEN COMMAND...: interrupted once the line is there, and begun again
killed() {
    when=$1
    shift
    "$@" >killed.txt 2>&1 &
    pid=$!
    while ! grep -q -e "$when" killed.txt && kill -0 $pid 2>/dev/null; do sleep 0.05; done
    kill -INT $pid 2>/dev/null || true
    wait $pid || true
    "$@" >again.txt
}

# Trained: the loss falls, threads change no bit, nor does stopping.
train --threads 1 --out gpt.safetensors --sample 20 --prompt 'Anna ' >train.txt
train --threads 2 --out two.safetensors >two.txt
cmp gpt.safetensors two.safetensors || fail "1 and 2 threads differ"
awk '$1 == 10 { first = $5 } $1 == 40 { exit !($5 < first && $5 < 60) }' train.txt ||
    fail "it has learned nothing: $(cat train.txt)"
grep -q '^Anna ' train.txt || fail "it wrote nothing"
killed '^ *10 ' train --resume state --out resumed.safetensors
cmp gpt.safetensors resumed.safetensors || fail "stopped and begun again it is another"
refuses 1 'state is of a run with other arguments' train --resume state --lr 0.02 \
    --out never.safetensors

# Fused under every policy, written, read back to the last bit; smaller.
for policy in average freeze random js; do
    run --ratio 1.8 --policy $policy --steps 8 --fusions 2 --interval 3 --out $policy.safetensors >$policy.txt
    grep -q 'the same to the last bit' $policy.txt || fail "$policy: no word of reading back"
    [ "$(grep -c '^ *[12]  *[0-9.]* *candidates' $policy.txt)" = 2 ] || fail "$policy: not two rows"
    [ "$(wc -c <$policy.safetensors)" -lt "$(wc -c <gpt.safetensors)" ] || fail "$policy: not smaller"
done
[ "$(wc -c <random.safetensors)" = "$(wc -c <average.safetensors)" ] || fail "random: other size"
"$program" --data tales --limit 20000 --weights average.safetensors --batch 4 --evaluate >evaluate.txt
[ "$(sed -n 's/^original, test: //p' evaluate.txt)" = \
    "$(sed -n 's/^fused, test: //p' average.txt)" ] || fail "--evaluate scores the file otherwise"

# Whole blocks, aligned, taught by the original, mixed, with threads and after being stopped.
all='--ratio 1.4 --unit block --align --policy random --distil 2,0.5 --dropout 0.1 --steps 20
    --fusions 2 --every 2 --scope adjacent --linkage complete --max-group 2'
# shellcheck disable=SC2086
run $all --threads 1 --out all.safetensors >all.txt
# shellcheck disable=SC2086
run $all --threads 2 --out all2.safetensors >all2.txt
cmp all.safetensors all2.safetensors || fail "all: 1 and 2 threads differ"
grep -q '^tied: h\.[012] h\.[012]' all.txt || fail "no blocks are tied"
# shellcheck disable=SC2086
killed '^ *1 .*candidates' run $all --resume fusing --out resumed.safetensors
cmp all.safetensors resumed.safetensors || fail "all: stopped and begun again it is another"

# What tying takes is kept in part: closer to the original before any training.
run --ratio 1.8 --steps 0 --out bare.safetensors >bare.txt
run --ratio 1.8 --steps 0 --residual 4 --align --out kept.safetensors >kept.txt
grep -q 'added to their weights, it scores the same' kept.txt || fail "residuals: not read back"
off() { # FILE: how far the fused network is from the original
    awk '/^original, test: / { o = $4 } /^fused, test: / { d = $4 - o; print d < 0 ? -d : d }' "$1"
}
unique() { awk '$3 == "candidates" { print $4 }' "$1"; }
awk "BEGIN { exit !($(off kept.txt) < $(off bare.txt)) }" || fail "residuals: no nearer"
[ "$(unique kept.txt)" -gt "$(unique bare.txt)" ] || fail "residuals: not counted"
run --ratio 1.8 --steps 8 --residual 4 --energy 0.5 --unit block --out kept.safetensors >kept.txt
awk '$1 == 1 && $3 == "candidates" { exit !($6 < $5) }' kept.txt || fail "residuals: nothing learned"

# Other ways to make it smaller, and the table without training.
for kind in prune prune_global low_rank autoencoder kmeans drop; do
    run --ratio 1.4 --baseline $kind --steps 2 --out $kind.safetensors >$kind.txt
    grep -q 'the same to the last bit' $kind.txt || fail "$kind: no word of reading back"
done
run --one-shot >one_shot.txt
for line in covariance,average,none,0.50 covariance,average,aligned,0.50 kl,freeze,none,0.50 \
    wasserstein_gaussian,random,none,0.50 euclidean,average,none,0.25 prune,none,none,0.50 \
    low_rank,none,none,0.50 drop,none,none,0.50; do
    grep -q "^$line," one_shot.txt || fail "--one-shot: no line $line"
done

refuses 2 '--ratio is missing' run --out never.safetensors
refuses 2 "--unit: 'row' is none of matrix, block" run --ratio 2 --unit row --out never.safetensors
refuses 2 '--residual: ' run --ratio 2 --residual 4 --steps 4 --fusions 2 --out never.safetensors
refuses 2 "--distil: '2' is no temperature" run --ratio 2 --distil 2 --out never.safetensors
refuses 2 '--fusions: 9 are more than 8 steps have room for' run --ratio 2 --steps 8 --fusions 9 \
    --out never.safetensors
refuses 2 '--interval: 5 times 2 are more than 8 steps' run --ratio 2 --steps 8 --fusions 2 \
    --interval 5 --out never.safetensors
refuses 1 "--tokens: 'letters' is none of bytes, words, pairs" run --tokens letters --ratio 2 \
    --out never.safetensors
refuses 1 'has 256 ids, the tokenizer' run --tokens pairs --vocabulary 300 --ratio 2 \
    --out never.safetensors
refuses 1 'is out of reach' run --ratio 50 --out never.safetensors
refuses 1 '7 heads do not divide a width of 24' run --heads 7 --ratio 2 --out never.safetensors
refuses 1 'No such file' run --weights nothing --ratio 2 --out never.safetensors
refuses 2 '--out is missing' "$train" --data tales
refuses 1 '5 heads do not divide a width of 24' train --heads 5 --out never.safetensors
echo "compress_lm.sh: all as expected"
