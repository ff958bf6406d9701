#!/bin/sh
# compress_cnn.sh COMPRESS_CNN MAKE_FAKE WORK: the whole program on a small made-up data set
set -eu
program=$1 make_fake=$2 work=$3

rm -rf "$work"
mkdir -p "$work"
cd "$work"
"$make_fake" .
run() { "$program" --data . --weights resnet.safetensors --limit 128 --batch 32 "$@"; }

fail() {
    echo "compress_cnn.sh: $1" >&2
    exit 1
}
# refuses STATUS TEXT ARGUMENTS...: exit status and what stderr says; nothing on stdout
refuses() {
    status=$1 text=$2
    shift 2
    set +e
    "$program" "$@" >stdout 2>stderr
    got=$?
    set -e
    [ $got = "$status" ] || fail "$*: exit $got, expected $status: $(cat stderr)"
    [ "$(wc -l <stderr)" = 1 ] || fail "$*: not one line: $(cat stderr)"
    grep -qF -e "$text" stderr || fail "$*: '$(cat stderr)' lacks '$text'"
    [ ! -e never.safetensors ] || fail "$*: wrote a file"
}

# Fused, trained, written and read back, with both policies; the same bits for 1 and 2 threads.
run --ratio 2 --epochs 2 --threads 1 --out one.safetensors >one.txt
run --ratio 2 --epochs 2 --threads 2 --out two.safetensors >two.txt
cat two.txt
cmp one.safetensors two.safetensors || fail "1 and 2 threads differ"
grep -q '^exactly as many right' one.txt || fail "no word of reading back"
[ "$(grep -c '^ *[12]  *[0-9.]* *candidates' one.txt)" = 2 ] || fail "not two rows"
[ "$(wc -c <one.safetensors)" -lt "$(wc -c <resnet.safetensors)" ] || fail "not smaller"
run --ratio 1.5 --policy freeze --freeze-gradient dropped --combine sum --metric cosine \
    --epochs 1 --out freeze.safetensors >freeze.txt
run --ratio 1.5 --policy freeze --epochs 3 --fusions 2 --out both.safetensors >both.txt
grep -q '^exactly as many right' both.txt || fail "no word of reading back"
# One buffer for the gradients of a group: other roundings, and the same bits for 1 and 2 threads.
for threads in 1 2; do
    run --ratio 2 --epochs 1 --gradients accumulated --threads $threads \
        --out accumulated$threads.safetensors >accumulated.txt
done
cmp accumulated1.safetensors accumulated2.safetensors || fail "accumulated: 1 and 2 threads differ"
grep -q '^exactly as many right' accumulated.txt || fail "accumulated: no word of reading back"
# Mixed until the end of the schedule, or of the run: the file has tied weights all the same.
run --ratio 2 --policy random --epochs 2 --threads 1 --out random.safetensors >random.txt
run --ratio 2 --policy random --epochs 2 --threads 2 --out random2.safetensors >random2.txt
cmp random.safetensors random2.safetensors || fail "random: 1 and 2 threads differ"
grep -q '^exactly as many right' random.txt || fail "random: no word of reading back"
run --ratio 2 --policy random --epochs 0 --out random0.safetensors >random0.txt
for n in '' 0; do
    [ "$(wc -c <random$n.safetensors)" = "$(wc -c <one.safetensors)" ] ||
        fail "random$n: another size than average"
done
# Members that share gradients, tied in the end.
run --ratio 2 --policy js --epochs 2 --threads 1 --out js.safetensors >js.txt
run --ratio 2 --policy js --epochs 2 --threads 2 --out js2.safetensors >js2.txt
cmp js.safetensors js2.safetensors || fail "js: 1 and 2 threads differ"
grep -q '^exactly as many right' js.txt || fail "js: no word of reading back"
[ "$(wc -c <js.safetensors)" = "$(wc -c <one.safetensors)" ] ||
    fail "js: another size than average"
# Other ways to make it smaller: no more bytes than a ratio allows, before and after training.
for kind in prune prune_global low_rank autoencoder kmeans drop; do
    run --ratio 2.5 --baseline $kind --epochs 1 --bn-batches 2 --threads 1 \
        --out $kind.safetensors >$kind.txt
    grep -q '^exactly as many right' $kind.txt || fail "$kind: no word of reading back"
    grep '^'$kind': .* bytes of ' $kind.txt | awk '{
        if ($2 < 2.5 * $4 || $NF < 2.5) exit 1 }' ||
        fail "$kind: $(cat $kind.txt)"
done
run --ratio 2 --epochs 0 --metric covariance --out only.safetensors >only.txt
[ "$(grep -c 'candidates' only.txt)" = 1 ] || fail "not one row"
"$program" --data . --weights one.safetensors --limit 128 --evaluate >evaluate.txt
[ "$(sed -n 's/^original: //p' evaluate.txt)" = "$(sed -n 's/^read back: //p' one.txt)" ] ||
    fail "--evaluate scores the file otherwise"

# Aligned groups of neighbours in their places, taught by the original, judged by images held out.
taught='--ratio 1.5 --epochs 3 --fusions 2 --interval 1 --align --places --scope adjacent --linkage complete
    --max-group 2 --distil 4,0.9 --smoothing 0.1 --warm-up 1 --holdout 32 --bn-batches 2'
# shellcheck disable=SC2086 # arguments, one by one
taught() { run $taught "$@"; }
taught --threads 1 --out taught.safetensors >taught.txt
taught --threads 2 --out taught2.safetensors >taught2.txt
cmp taught.safetensors taught2.safetensors || fail "taught: 1 and 2 threads differ"
[ "$(grep -c '^      epoch [123] of 3: ' taught.txt)" = 3 ] || fail "taught: not three epochs"
grep -q '^fused, held out: .* of 32 right' taught.txt || fail "taught: no word of images held out"
[ "$(sed -n 's/^fused: //p' taught.txt)" = "$(tail -n 1 taught.txt | sed 's/^read back: //')" ] ||
    fail "taught: the last line is not what the file gets right: $(tail -n 1 taught.txt)"
grep -q '^tied: .*conv1 .*conv2' taught.txt && fail "taught: places were mixed"
run --ratio 1.5 --epochs 0 --exclude 'layer1.*' --out without.safetensors >without.txt
grep -q '^tied: .*layer1' without.txt && fail "--exclude: a layer fused all the same"

run --ratio 1.5 --epochs 1 --forget --out forgot.safetensors >forgot.txt
grep -q '^exactly as many right' forgot.txt || fail "--forget: no word of reading back"
run --ratio 1.5 --epochs 0 --seed 3 --out kept.safetensors >kept.txt
run --ratio 1.5 --epochs 0 --seed 3 --forget --out forgot.safetensors >forgot.txt
cmp -s kept.safetensors forgot.safetensors && fail "--forget kept the weights"
[ "$(grep ^tied kept.txt)" = "$(grep ^tied forgot.txt)" ] || fail "--forget ties otherwise"

# Killed at any moment, a run goes on to the same bits; so does one that was at its end already.
# killed WHEN NAME ARGUMENTS...: killed once it printed WHEN, begun again, compared to NAME
killed() {
    when=$1 name=$2
    shift 2
    rm -f killed.safetensors
    : >stdout
    set -- "$program" --data . --weights resnet.safetensors --limit 128 --batch 32 "$@"
    "$@" --resume state --out killed.safetensors >stdout 2>stderr &
    pid=$!
    until grep -q "$when" stdout; do
        kill -0 $pid 2>/dev/null || fail "$name: ended before it was killed: $(cat stderr)"
        sleep 0.01
    done
    kill -KILL $pid
    wait $pid || true
    [ ! -e killed.safetensors ] || fail "$name: killed too late"
    for again in 1 2; do
        "$@" --resume state --out killed.safetensors >stdout
        grep -q '^going on from state' stdout || fail "$name: began anew"
        cmp killed.safetensors "$name.safetensors" || fail "$name: other bits after it was killed"
    done
    sed '/epoch/d; /rolled back/d; /^read back/d' "$name.txt" | awk '$3 == "candidates" {$7 = ""} 1' >expected.txt
    sed '/epoch/d; /rolled back/d; /^going on/d; /^read back/d' stdout |
        awk '$3 == "candidates" {$7 = ""} 1' >got.txt
    cmp expected.txt got.txt || fail "$name: another report after it was killed"
}
# shellcheck disable=SC2086
{
    killed 'epoch 1' taught $taught
    rm state
    killed 'epoch 2' taught $taught --threads 1
}
# of_another TEXT ARGUMENTS...: these do not go on from the state of a run without them
of_another() {
    text=$1
    shift
    set +e
    taught --resume state --out never.safetensors "$@" >stdout 2>stderr
    status=$?
    set -e
    [ $status = 1 ] && grep -q "$text" stderr || fail "another run's state: exit $status, $(cat stderr)"
    [ ! -e never.safetensors ] || fail "another run's state: wrote a file"
}
of_another 'plan.options.seed is 0 in the file, 7 here' --seed 7
of_another 'state is of a run with other arguments' --lr 0.5
rm state
killed 'epoch 1' random --ratio 2 --policy random --epochs 2
rm state

# Filters in place of layers: stored once, as many as the plan says, and read back as any network.
rows='--ratio 1.4 --unit row --metric cosine --epochs 2 --schedule exponential --align'
# shellcheck disable=SC2086
run $rows --out rows.safetensors >rows.txt
grep -q '^exactly as many right' rows.txt || fail "rows: no word of reading back"
awk -v least="$(wc -c <resnet.safetensors)" '/^file:/ {exit !($2 == least && $4 < 0.8 * least)}' rows.txt ||
    fail "rows: $(grep ^file rows.txt)"
awk '$3 == "candidates" {print $2}' rows.txt | tr '\n' ' ' | {
    read -r first last
    # 1 - 1 / 1.4 in parts of 2 to 1, in steps of a filter
    awk -v f="$first" -v l="$last" 'BEGIN {exit !(f > 1.22 && f < 1.25 && l >= 1.4 && l < 1.42)}'
} || fail "rows: not by the schedule: $(grep candidates rows.txt)"
# shellcheck disable=SC2086
killed 'epoch 1' rows $rows
rm state

# A fusion that costs too much is taken back, to the bit, and others are tried. The first network
# has equal layers: they fuse for nothing, and a rate of 0 mends nothing.
strict='--weights one.safetensors --ratio 3 --epochs 4 --lr 0 --bn-batches 2'
# shellcheck disable=SC2086
{
    run $strict --fusions 1 --interval 1 --tolerance 0 --out none.safetensors >none.txt
    run $strict --fusions 2 --interval 2 --grace 1 --tolerance 5 --out free.safetensors >free.txt
    killed 'epoch 3' free $strict --fusions 2 --interval 2 --grace 1 --tolerance 5
}
rm state
[ "$(grep -c '^      rolled back: ' none.txt)" = 3 ] || fail "--tolerance 0: $(cat none.txt)"
grep -q '^tied' none.txt && fail "--tolerance 0: a fusion is left: $(cat none.txt)"
[ "$(grep -c '^      rolled back: .* 5 points' free.txt)" = 2 ] || fail "--tolerance 5: $(cat free.txt)"
grep -q '^parameters that can fuse: .* ratio 2.000' free.txt || fail "--tolerance 5: $(cat free.txt)"

# Another way to make it smaller goes on from its second epoch.
for kind in prune kmeans low_rank; do
    set -- --ratio 2.5 --baseline $kind --epochs 3 --bn-batches 2
    run "$@" --out $kind.safetensors >$kind.txt
    killed 'epoch 2' $kind "$@"
    rm state
done

# A new network on the embedded images, trained, fused, and reported.
"$program" --data shapes --limit 96 --batch 32 --blocks 2 --train 2 --weights made.safetensors \
    --metric euclidean --ratio 1.5 --epochs 2 --out shapes.safetensors --report report.html \
    --pictures pictures- >shapes.txt
[ "$(grep -c '^epoch [12] of 2: ' shapes.txt)" = 2 ] || fail "not two epochs of training"
grep -q '^exactly as many right' shapes.txt || fail "no word of reading back"
"$program" --data shapes --limit 96 --weights made.safetensors --evaluate >evaluate.txt
"$program" --data shapes --limit 96 --batch 32 --blocks 2 --train 2 --weights alone.safetensors \
    --resume alone >alone.txt
cmp alone.safetensors made.safetensors || fail "--train alone gives another network"
"$program" --data shapes --limit 96 --batch 32 --blocks 2 --train 2 --weights alone.safetensors \
    --resume alone >again.txt
grep -q '^going on from alone.train, after 2 epochs' again.txt || fail "--train began anew"
cmp alone.safetensors made.safetensors || fail "--train gives another network when it goes on"
[ "$(grep '^original' evaluate.txt)" = "$(grep '^original' shapes.txt)" ] ||
    fail "--train wrote another network than it fused"
grep -q '>layer1.1.conv2</text>' report.html || fail "the heatmap names no layer"
grep -q '<span class="name">layer1.1.conv2' report.html || fail "no group names its layers"
grep -q 'trained for 2 epochs' report.html || fail "the report does not say how it was trained"
grep -q 'euclidean' report.html || fail "the report names no metric"
for picture in curve heatmap-1 heatmap-2 heatmap-3; do
    grep -q '</svg>' pictures-$picture.svg || fail "no picture of the $picture"
done
# What the report says of the file is what the file is.
for file in made shapes; do
    wc -c <$file.safetensors
done | tr '\n' ' ' >sizes.txt
grep -q "$(sed 's/^\([0-9]*\) \([0-9]*\) $/\1 -> \2 bytes/' sizes.txt)" shapes.txt ||
    fail "the file sizes printed are not those of the files"

# A Wide-ResNet, trained alone, then fused from its file.
"$program" --data shapes --limit 64 --batch 32 --blocks 2 --width 2 --train 1 --bn-batches 2 \
    --weights wide.safetensors >wide.txt
grep -q '^training WRN-16-2 on shapes' wide.txt || fail "not a wide network"
"$program" --data shapes --limit 64 --batch 32 --weights wide.safetensors --bn-batches 2 --align \
    --places --ratio 1.3 --epochs 1 --out wide2.safetensors >wide.txt
grep -q '^WRN-16-2 from wide' wide.txt || fail "the file is no wide network"
grep -q '^exactly as many right' wide.txt || fail "wide: no word of reading back"

# Usage: 2, and the argument is named.
set -- --data . --weights resnet.safetensors --out never.safetensors --limit 64 --batch 32
refuses 2 '--ratio is missing' "$@"
refuses 2 '--data is missing' --ratio 2
refuses 2 '--out is missing' --data . --weights resnet.safetensors --ratio 2
refuses 2 '--ratio: 0.5 is not in [1, 1000000]' "$@" --ratio 0.5
refuses 2 "--ratio: 'two' is not a number" "$@" --ratio two
refuses 2 "--epochs: '1.5' is not an integer" "$@" --ratio 2 --epochs 1.5
refuses 2 '--threads: 0 is not in [1, 1024]' "$@" --ratio 2 --threads=0
refuses 2 '--policy: ' "$@" --ratio 2 --policy best
refuses 2 '--metric: ' "$@" --ratio 2 --metric nearest
refuses 2 "--isa: 'sse' is none of best, scalar, avx2, avx512" "$@" --ratio 2 --isa sse
refuses 2 "--combine: 'max' is none of mean, sum" "$@" --ratio 2 --combine max
refuses 2 '--fusions: 4 are more than 3 epochs' "$@" --ratio 2 --epochs 3 --fusions 4
refuses 2 '--interval: 2 times 2 are more than 3 epochs' "$@" --ratio 2 --epochs 3 --fusions 2 \
    --interval 2
refuses 2 '--speed: unknown argument' "$@" --ratio 2 --speed
refuses 2 '--evaluate takes no value' "$@" --evaluate=1
refuses 2 '--ratio: its value is missing' "$@" --ratio
refuses 2 '--train has no place beside it' "$@" --evaluate --train 1
refuses 2 '--report has no place beside it' "$@" --evaluate --report r.html
refuses 2 '--pictures has no place beside it' "$@" --evaluate --pictures r
refuses 2 '--weights and --out are one file' "$@" --ratio 2 --out ./resnet.safetensors
refuses 2 '--out and --report are one file' "$@" --ratio 2 --report never.safetensors
refuses 2 "--distil: '4' is no temperature" "$@" --ratio 2 --distil 4
refuses 2 "--distil: '4,2' is no temperature" "$@" --ratio 2 --distil 4,2
refuses 2 "--scope: 'far' is none of global, adjacent" "$@" --ratio 2 --scope far
refuses 2 "--linkage: 'far' is none of single, average, complete, merged" "$@" --ratio 2 --linkage far
refuses 2 '--warm-up: 3 epochs leave none' "$@" --ratio 2 --epochs 3 --warm-up 3
refuses 2 "--baseline: 'magic' is none of prune, prune_global, low_rank" "$@" --ratio 2 --baseline magic
refuses 2 '--baseline: --report has no place beside it' "$@" --ratio 2 --baseline drop --report x
refuses 2 "--unit: 'tile' is none of layer, row" "$@" --ratio 2 --unit tile
refuses 2 "--schedule: 'slow' is none of uniform, exponential" "$@" --ratio 2 --schedule slow
refuses 2 '--grace: it is of --tolerance, which is missing' "$@" --ratio 2 --grace 1
refuses 2 '--grace: 2 epochs are more than the interval of 1' "$@" --ratio 2 --epochs 2 \
    --tolerance 1 --grace 2
refuses 1 'ratio is 40: masks alone are a 32nd' "$@" --ratio 40 --baseline prune
refuses 1 'width is 1, neither 0' --data shapes --limit 64 --train 1 --width 1 \
    --weights never.safetensors
refuses 2 '--blocks: 19 is not in [1, 18]' "$@" --ratio 2 --blocks 19

# What fails: 1, and the file is named.
refuses 1 'not-there.safetensors' "$@" --ratio 2 --weights not-there.safetensors
refuses 1 'nowhere: No such file' "$@" --ratio 2 --data nowhere
refuses 1 'no-such-folder: No such file' "$@" --ratio 2 --out no-such-folder/x.safetensors
mkdir -p folder
refuses 1 'folder: Is a directory' "$@" --ratio 2 --out folder
refuses 1 'folder/: Is a directory' "$@" --ratio 2 --report folder/
refuses 1 'no-such-folder: No such file' "$@" --ratio 2 --report no-such-folder/r.html
refuses 1 'no-such-folder: No such file' "$@" --ratio 2 --pictures no-such-folder/
refuses 1 'no-such-folder: No such file' "$@" --ratio 2 --resume no-such-folder/state
refuses 1 '64 images cannot be held out of 64' "$@" --ratio 2 --holdout 64
refuses 1 'ratio' "$@" --ratio 50
mkdir -p short
cp --sparse=always data_batch_?.bin short/
head -c 1000 test_batch.bin >short/test_batch.bin
refuses 1 'short/test_batch.bin has 1000 bytes, expected 30730000' "$@" --ratio 2 --data short

# Interrupted: 1, one line that says what is there, and nothing half-written beside it.
interrupted() { # WHEN TEXT ARGUMENTS...: stopped once stdout has a line that begins with WHEN
    when=$1 text=$2
    shift 2
    "$program" "$@" >stdout 2>stderr &
    pid=$!
    until grep -q "^$when" stdout; do
        kill -0 $pid || fail "ended before it was interrupted: $(cat stderr)"
        sleep 0.1
    done
    kill -INT $pid
    set +e
    wait $pid
    status=$?
    set -e
    [ $status = 1 ] || fail "interrupted after $when: exit $status"
    [ "$(cat stderr)" = "compress_cnn: stopped, $text" ] ||
        fail "interrupted after $when: $(cat stderr)"
    [ "$(ls ./never* ./*.part 2>/dev/null)" = "" ] || fail "interrupted: left $(ls ./never* ./*.part)"
}
interrupted step 'nothing was written' "$@" --ratio 2 --epochs 1000 --fusions 1
set -- --data shapes --limit 96 --batch 32 --blocks 1 --ratio 1.2 --report never.html \
    --out never.safetensors
interrupted 'epoch 1' 'nothing was written' "$@" --weights never-made.safetensors --train 1000
interrupted step 'half.safetensors is written' "$@" --weights half.safetensors --train 1 \
    --epochs 1000 --fusions 1
"$program" --data shapes --limit 96 --weights half.safetensors --evaluate >/dev/null ||
    fail "interrupted while fusing: the trained network is not whole"
"$program" --help | grep -q -e '--policy NAME' || fail "no help"
echo "compress_cnn.sh: all as expected"
