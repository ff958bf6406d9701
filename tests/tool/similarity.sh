#!/bin/sh
# similarity.sh PROGRAM MAKE_FILES WORK SHARED: layerfuse similarity
set -eu
# shellcheck disable=SC2034 # common.sh reads work
program=$1 make_files=$2 work=$3 shared=$4
# shellcheck source=/dev/null
. "${0%/*}/common.sh"
"$make_files" .

# ---- text --------------------------------------------------------------------------------

prints similarity --type-rule digits convolutions.safetensors <<'END'
euclidean: smaller is more alike

layer*.*.conv*.weight [2, 2]: 2 layers

  most alike:
    1.000  0.conv2  1.conv1

layer*.*.conv*.weight [3, 2]: 3 layers

                  layer1.0.conv1  layer1.0.conv2  layer2.0.conv1
  layer1.0.conv1               .           2.000           5.000
  layer1.0.conv2           2.000               .           3.000
  layer2.0.conv1           5.000           3.000               .

  most alike:
    2.000  layer1.0.conv1  layer1.0.conv2
    3.000  layer1.0.conv2  layer2.0.conv1
    5.000  layer1.0.conv1  layer2.0.conv1
END
# More than a line holds: the pairs alone.
prints similarity blocks.safetensors <<'END'
euclidean: smaller is more alike

h.*.attn.weight [4, 3]: 12 layers

  most alike:
     1.00  0  1
     1.00  1  2
     1.00  2  3
     1.00  3  4
     1.00  4  5
     1.00  5  6
     1.00  6  7
     1.00  7  8
     1.00  8  9
     1.00  9  10
    and 56 less alike
END
prints similarity names.safetensors <<'END'
euclidean: smaller is more alike

a"b,c\n.*.wé<i>&\u{202e}\x1b[31m [2, 2]: 3 layers

         0      1      2
  0      .  1.000  3.000
  1  1.000      .  2.000
  2  3.000  2.000      .

  most alike:
    1.000  0  1
    2.000  1  2
    3.000  0  2
END
prints similarity alone.safetensors <<'END'
euclidean: smaller is more alike

No two tensors are layers of one type.
END
# kl tells a to b from b to a, and a similarity ranks the greatest first.
"$program" similarity --metric kl two.safetensors >by_kl
[ "$(grep -c '^ *[0-9.e+]*  [01] to [01]$' by_kl)" = 2 ] || fail "kl: $(cat by_kl)"
prints similarity --metric linear_cka --output-axis 'h.*=1' turned.safetensors <<'END'
linear_cka: greater is more alike

h.*.w [3, 2]: 2 layers

  most alike:
    1.000  0  1
END
# The last match wins: both are by axis 0 again.
"$program" similarity --metric linear_cka turned.safetensors >by0
"$program" similarity --metric linear_cka --output-axis 'h.*=1' --output-axis=*.w=0 \
    turned.safetensors >last
cmp by0 last || fail "--output-axis: the last match does not win"
grep -q ' 0[.]4505  0  1$' by0 || fail "linear_cka by axis 0: $(cat by0)"

# ---- JSON, CSV, HTML ---------------------------------------------------------------------

prints similarity --json --type-rule digits convolutions.safetensors <<'END'
{"metric": "euclidean", "direction": "distance", "types": [{"type": "layer*.*.conv*.weight", "shape": [2, 2], "layers": ["layer2.0.conv2.weight", "layer2.1.conv1.weight"], "matrix": [[0.0, 1.0], [1.0, 0.0]]}, {"type": "layer*.*.conv*.weight", "shape": [3, 2], "layers": ["layer1.0.conv1.weight", "layer1.0.conv2.weight", "layer2.0.conv1.weight"], "matrix": [[0.0, 2.0, 5.0], [2.0, 0.0, 3.0], [5.0, 3.0, 0.0]]}]}
END
prints similarity --json alone.safetensors --metric cosine <<'END'
{"metric": "cosine", "direction": "similarity", "types": []}
END
prints similarity --csv --type-rule digits convolutions.safetensors <<'END'
type,layer_a,layer_b,value
layer*.*.conv*.weight,layer2.0.conv2.weight,layer2.1.conv1.weight,1
layer*.*.conv*.weight,layer1.0.conv1.weight,layer1.0.conv2.weight,2
layer*.*.conv*.weight,layer1.0.conv1.weight,layer2.0.conv1.weight,5
layer*.*.conv*.weight,layer1.0.conv2.weight,layer2.0.conv1.weight,3
END
for file in euclidean/blocks kl/convolutions euclidean/names kl/two; do
    metric=${file%/*} file=${file#*/}
    set -- similarity --metric "$metric" --type-rule digits "$file.safetensors"
    "$program" "$@" --json >"$file.json"
    is_json "$file.json"
    "$program" "$@" --csv >"$file.csv"
    "$program" "$@" --html "$file.html" >stdout || fail "--html: exit $?"
    [ ! -s stdout ] || fail "--html: there is something on stdout"
    grep -q '</html>' "$file.html" || fail "$file.html is no page"
done
grep -q '>layer2.0.conv1</text>' convolutions.html || fail "the page names no layer"
if grep -q 'share weights</h2>' convolutions.html; then fail "the page is about fusion"; fi
[ "$(find . -name '*.part' | wc -l)" = 0 ] || fail "--html: left $(ls ./*.part)"
"$program" similarity many.safetensors --html many.html
grep -q 'more than 256 layers are left out' many.html || fail "many.html does not say what it lacks"
[ "$(grep -c '<h3>' many.html)" = 1 ] || fail "many.html has not one picture"
# JSON and CSV say the same, to the last digit, and of a to b where the metric tells them apart;
# pages are well-formed, whatever the names.
if command -v python3 >/dev/null; then
    python3 - <<'END' || fail "JSON, CSV or HTML"
import csv, json
import xml.etree.ElementTree as ET

for name in "blocks", "convolutions", "names", "two":
    rows = list(csv.reader(open(name + ".csv", encoding="utf-8", newline="")))
    assert rows[0] == ["type", "layer_a", "layer_b", "value"], rows[0]
    file = json.load(open(name + ".json", encoding="utf-8"))
    said = {}
    for t in file["types"]:
        for i, a in enumerate(t["layers"]):
            for j, b in enumerate(t["layers"]):
                if i < j or i > j and file["metric"] == "kl":
                    said[t["type"], a, b] = t["matrix"][i][j]
    read = {tuple(row[:3]): float(row[3]) for row in rows[1:]}
    assert read == said and len(rows) == len(said) + 1, name
    if name == "two":
        assert len(set(said.values())) == 2, said
    ET.parse(name + ".html")
END
fi

prints similarity model --csv <<'END'
type,layer_a,layer_b,value
h.*.w,h.0.w,h.2.w,4
h.*.w,h.0.w,h.10.w,1
h.*.w,h.2.w,h.10.w,3
END

# ---- which types -------------------------------------------------------------------------

"$program" similarity --json names.safetensors --type 'a*' >a.json
"$program" similarity --json names.safetensors >all.json
cmp a.json all.json || fail "--type 'a*' is not the only type"
"$program" similarity --type-rule digits --type 'layer*' --type '*.conv?.weight' \
    convolutions.safetensors >both
[ "$(grep -c ' layers$' both)" = 2 ] || fail "--type twice: $(cat both)"
ends 1 "--type: no type matches 'H.*'; there are: h.*.attn.weight" similarity \
    blocks.safetensors --type 'h.*' --type 'H.*'
ends 1 "--type: no type matches '*'; there are: none" similarity alone.safetensors --type '*'
ends 1 "--output-axis: no tensor matches 'x*'" similarity blocks.safetensors \
    --output-axis 'h*=0' --output-axis 'x*=1'
ends 1 '--output-axis: h.0.attn.weight has rank 2, there is no axis 2' similarity \
    blocks.safetensors --output-axis '*=2'

# Layers of two shapes are of two types, or of one that compares them.
prints similarity unequal.safetensors --csv <<'END'
type,layer_a,layer_b,value
h.*.w,h.0.w,h.1.w,1
h.*.w,h.0.w,h.3.w,3
h.*.w,h.1.w,h.3.w,2
END
prints similarity unequal.safetensors --unequal drop_smallest <<'END'
euclidean: smaller is more alike

h.*.w of several shapes: 4 layers

         0      1      2      3
  0      .  1.000  2.000  3.000
  1  1.000      .  1.000  2.000
  2  2.000  1.000      .  1.000
  3  3.000  2.000  1.000      .

  most alike:
    1.000  0  1
    1.000  1  2
    1.000  2  3
END
ends 1 'h.2.w' similarity unequal.safetensors --unequal refuse
"$program" similarity unequal.safetensors --unequal refuse --keep-going --json >unequal.json \
    2>stderr || fail "--unequal refuse --keep-going: $(cat stderr)"
grep -qF '"shape": null, "shapes": [[2, 2], [2, 2], [2, 3], [2, 2]], "layers"' unequal.json ||
    fail "--unequal: $(cat unequal.json)"
grep -qF '[0.0, 1.0, null, 3.0]' unequal.json || fail "--unequal refuse: $(cat unequal.json)"
for seed in 1 1 2; do # of three columns two are drawn, so other seeds may draw the same
    "$program" similarity unequal.safetensors --unequal subsample --seed $seed --csv >$seed.new
    [ ! -f $seed.csv ] || cmp $seed.csv $seed.new || fail "--seed $seed: not the same again"
    mv $seed.new $seed.csv
done

# ---- usage: 2 ----------------------------------------------------------------------------

"$program" similarity --help >help
grep -q '^usage: layerfuse similarity FILE' help || fail "no help"
grep -q '^  linear_cka  *similarity, time ' help || fail "the help names no metrics"
if grep -q '^  custom' help; then fail "the help names a metric that cannot be had"; fi
ln -s blocks.safetensors linked
set -- similarity blocks.safetensors
ends 2 'similarity: FILE is missing' similarity
ends 2 '--metric: no metric is called nearest; known: euclidean, ' "$@" --metric nearest
ends 2 'only one of --json, --csv and --html' "$@" --json --csv
ends 2 'only one of --json, --csv and --html' "$@" --html x.html --json
for path in ./blocks.safetensors folder/new.safetensors model/model.safetensors.index.json linked; do
    ends 2 "--html: $path is, or is named as, a file to read" "$@" --html $path
done
ends 2 "--output-axis: 'h.*' is not GLOB=N" "$@" --output-axis 'h.*'
ends 2 "--output-axis: 'h.*=8' is not GLOB=N, N an axis from 0 to 7" "$@" --output-axis 'h.*=8'
ends 2 "--output-axis: 'h.*=' is not GLOB=N" "$@" --output-axis='h.*='
ends 2 "--output-axis: 'h.*=-1' is not GLOB=N" "$@" --output-axis 'h.*=-1'
ends 2 "--output-axis: '=1' is not GLOB=N" "$@" --output-axis =1
ends 2 "--block: '0' is neither a size nor 'whole'" "$@" --block 0
ends 2 "--block: 'all' is neither" "$@" --block all
ends 2 '--threads: 0 is not in [1, 1024]' "$@" --threads 0
ends 2 "--ridge: 'nan' is not a number" "$@" --ridge nan
ends 2 '--ridge: -1 is not in [0, ' "$@" --ridge -1
ends 2 '--bandwidth: 0 is not in [' "$@" --bandwidth 0
ends 2 '--exponent: 0.5 is not in [1, ' "$@" --exponent 0.5
ends 2 '--regularisation: 0 is not in [' "$@" --regularisation 0
ends 2 '--projections: 0 is not in [1, ' "$@" --projections 0
ends 2 '--centroids: 0 is not in [1, ' "$@" --centroids 0
ends 2 '--iterations: 0 is not in [1, ' "$@" --iterations 0
ends 2 '--seed: -1 is not in [0, ' "$@" --seed -1
ends 2 "--seed: '9223372036854775808' is not an integer" "$@" --seed 9223372036854775808
ends 2 '--max-bytes: 0 is not in [1, ' "$@" --max-bytes 0
ends 2 "--unequal: 'drop' is none of refuse, subsample, drop_smallest" "$@" --unequal drop
ends 2 "--type-rule: 'x' is none of component, digits" "$@" --type-rule x

# ---- what fails: 1 -----------------------------------------------------------------------

ends 1 'not-there: No such file' similarity not-there
ends 1 'max_header_bytes' "$@" --max-header-bytes 100
ends 1 'euclidean of h.*.w: layer h.2.w is NaN at row 1, column 1 of (2, 2)' similarity \
    broken.safetensors
ends 1 'zero.*: cosine: layer zero.0 is all zero' similarity broken.safetensors \
    --type 'zero*' --metric cosine
ends 1 'cannot write no-such-folder/x.html: No such file' "$@" --html no-such-folder/x.html
ends 1 'cannot write .: Is a directory' "$@" --html .
[ ! -e x.html ] || fail "a wrong call wrote a page"
if [ -c /dev/full ]; then
    for form in --json --csv --keep-going; do
        set +e
        "$program" "$@" $form >/dev/full 2>stderr
        status=$?
        set -e
        [ $status = 1 ] || fail "$form, disk full: exit $status"
        [ "$(cat stderr)" = 'layerfuse: cannot write to stdout: No space left on device' ] ||
            fail "$form, disk full: $(cat stderr)"
    done
    ends 1 'cannot write /dev/full: No space left on device' "$@" --html /dev/full
fi

# ---- what cannot be compared -------------------------------------------------------------

# keeps STATUS TEXT ARGUMENTS...: --keep-going ends so, with this on stderr and stdin on stdout
keeps() {
    status=$1 text=$2
    shift 2
    cat >expected
    set +e
    "$program" similarity broken.safetensors --keep-going "$@" >stdout 2>stderr </dev/null
    got=$?
    set -e
    [ $got = "$status" ] || fail "--keep-going $*: exit $got, expected $status"
    diff -u expected stdout || fail "--keep-going $*: this is not what it should print"
    [ "$(cat stderr)" = "$text" ] || fail "--keep-going $*: $(cat stderr)"
}
nan='layer h.2.w is NaN at row 1, column 1 of (2, 2)'
keeps 0 "layerfuse: euclidean of h.*.w: $nan" <<'END'
euclidean: smaller is more alike

h.*.w [2, 2]: 4 layers

         0      1      2      3
  0      .  1.000      -  1.414
  1  1.000      .      -  1.000
  2      -      -      .      -
  3  1.414  1.000      -      .

  most alike:
    1.000  0  1
    1.000  1  3
    1.414  0  3
  3 of 6 pairs could not be compared

zero.* [2, 2]: 2 layers

  most alike:
    0.000  0  1
END
# Each layer and reason is named once, however many pairs it is in.
reasons="layerfuse: h.*.w: cosine: layer h.1.w is all zero (4 elements)
layerfuse: cosine of h.*.w: $nan
layerfuse: zero.*: cosine: layer zero.0 is all zero (4 elements)"
keeps 0 "$reasons" --metric cosine --csv <<'END'
type,layer_a,layer_b,value
h.*.w,h.0.w,h.1.w,
h.*.w,h.0.w,h.2.w,
h.*.w,h.0.w,h.3.w,0
h.*.w,h.1.w,h.2.w,
h.*.w,h.1.w,h.3.w,
h.*.w,h.2.w,h.3.w,
zero.*,zero.0,zero.1,
END
keeps 0 "$reasons" --metric cosine --json <<'END'
{"metric": "cosine", "direction": "similarity", "types": [{"type": "h.*.w", "shape": [2, 2], "layers": ["h.0.w", "h.1.w", "h.2.w", "h.3.w"], "matrix": [[1.0, null, null, 0.0], [null, null, null, null], [null, null, null, null], [0.0, null, null, 1.0]], "failures": [{"message": "cosine: layer h.1.w is all zero (4 elements)", "pairs": [[0, 1], [1, 3]]}, {"message": "layer h.2.w is NaN at row 1, column 1 of (2, 2)", "pairs": [[0, 2], [1, 2], [2, 3]]}]}, {"type": "zero.*", "shape": [2, 2], "layers": ["zero.0", "zero.1"], "matrix": [[null, null], [null, null]], "failures": [{"message": "cosine: layer zero.0 is all zero (4 elements)", "pairs": [[0, 1]]}]}]}
END
keeps 0 "$reasons" --metric cosine --html broken.html </dev/null
grep -q 'not comparable' broken.html || fail "the page does not say what is not comparable"
# Nothing at all could be compared: it is said, and shown.
keeps 1 "layerfuse: zero.*: cosine: layer zero.0 is all zero (4 elements)
layerfuse: no pair of layers could be compared" --metric cosine --type 'zero*' --csv <<'END'
type,layer_a,layer_b,value
zero.*,zero.0,zero.1,
END
keeps 1 "$("$program" similarity broken.safetensors --metric debiased_cka --type 'zero*' 2>&1)
layerfuse: no pair of layers could be compared" --metric debiased_cka --type 'zero*' <<'END'
debiased_cka: greater is more alike

zero.* [2, 2]: 2 layers

  1 of 1 pairs could not be compared
END
# A reason of its own for each of 32,896 pairs: a hundred are said, and all are counted.
set +e
"$program" similarity many.safetensors --keep-going --metric debiased_cka >stdout 2>stderr
status=$?
set -e
[ $status = 1 ] || fail "--keep-going, many reasons: exit $status"
[ "$(grep -c '^layerfuse: m[.][*]: debiased_cka needs 4 rows; ' stderr)" = 100 ] ||
    fail "--keep-going, many reasons: $(head -n 200 stderr)"
[ "$(grep -c '' stderr)" = 103 ] || fail "--keep-going, many reasons: $(tail -n 3 stderr)"
grep -qx 'layerfuse: debiased_cka of m[.][*]: and other reasons' stderr ||
    fail "--keep-going, many reasons: not said that there are more"
grep -qx '  32,896 of 32,896 pairs could not be compared' stdout ||
    fail "--keep-going, many reasons: $(cat stdout)"
# What is no pair's fault is not left out.
ends 1 '--output-axis: h.0.w has rank 2, there is no axis 5' similarity broken.safetensors \
    --keep-going --output-axis '*=5'

# ---- size --------------------------------------------------------------------------------

# Eight layers of 32 MiB, 64 as f32, in at most 48 of memory that is no file's.
# shellcheck disable=SC3045 # asked first
if [ -z "${sanitized:-}" ] && (ulimit -d 49152) 2>/dev/null; then
    (
        # shellcheck disable=SC3045
        ulimit -d 49152
        OPENBLAS_NUM_THREADS=1 "$program" similarity large.safetensors --csv --threads 2
    ) >large.csv || fail "large.safetensors: exit $?"
    [ "$(grep -c ',0$' large.csv)" = 28 ] || fail "large.safetensors: $(cat large.csv)"
else
    echo "skipped: size (memory cannot be limited here)"
fi

# ---- real networks, where they are -------------------------------------------------------

weights=$shared/data/weights
if [ -f "$weights/resnet20-cifar10.safetensors" ]; then
    for metric in euclidean cosine covariance linear_cka; do
        "$program" similarity --type-rule digits --json --metric $metric --threads 1 \
            "$weights/resnet20-cifar10.safetensors" >one.json
        "$program" similarity --type-rule digits --json --metric $metric --threads 2 \
            "$weights/resnet20-cifar10.safetensors" >two.json
        cmp one.json two.json || fail "$metric: 1 and 2 threads differ"
        is_json one.json
        [ "$(grep -o '"layer[0-9.]*conv[12].weight"' one.json | sort -u | wc -l)" = 16 ] ||
            fail "$metric: not sixteen layers"
    done
    "$program" similarity "$weights/stories260K.safetensors" --csv >stories
    [ "$(wc -l <stories)" = 71 ] || fail "stories260K: not 7 times 10 pairs"
else
    echo "skipped: real networks (no $weights)"
fi
echo "similarity.sh: all as expected"
