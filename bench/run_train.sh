#!/bin/sh
# run_train.sh BUILD [--blocks N] [--batch N] [--threads N] [--seconds S]
#
# Training and inference of a CIFAR ResNet, layerfuse and PyTorch one after the other on the same
# machine, PyTorch both as it comes and tuned (no page faults for fresh buffers, AVX-512 for its
# own loops), and how many times faster layerfuse is than the fastest of them. The probe says
# whether two threads had two cores: compare 1 and 2 threads. PYTHON names the interpreter.
set -eu
[ $# -ge 1 ] || { echo "usage: $0 BUILD [--blocks N] [--threads N] ..." >&2; exit 2; }
build=$1
shift
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-/usr/bin/python3}
out=$(mktemp)
trap 'rm -f "$out"' EXIT

threads=2 next=
for a; do
    [ "$next" = --threads ] && threads=$a
    next=$a
done
export OMP_NUM_THREADS="$threads"

"$build/bench/probe"
echo "what,library,threads,network,batch,ms median,ms least,images/s,steps,probe before,after"
"$build/bench/bench_train" "$@" | tee -a "$out"
if "$python" -c 'import torch' 2>/dev/null; then
    "$python" "$here/train_torch.py" "$@" | tee -a "$out"
    MALLOC_MMAP_THRESHOLD_=4000000000 MALLOC_TRIM_THRESHOLD_=16000000000 \
        MALLOC_TOP_PAD_=67108864 ATEN_CPU_CAPABILITY=avx512 \
        "$python" "$here/train_torch.py" "$@" | sed 's/,torch-/,torch-tuned-/' | tee -a "$out"
else
    echo "PyTorch is not installed: nothing to compare with" >&2
fi
"$build/bench/bench_train" "$@" | sed 's/,layerfuse,/,layerfuse-again,/' | tee -a "$out"
"$build/bench/probe"
awk -F, '
    $2 ~ /^layerfuse/ && $8 > ours[$1] { ours[$1] = $8 }
    $2 ~ /^torch/ && $8 > best[$1] { best[$1] = $8; name[$1] = $2 }
    END { for (w in ours) if (best[w] > 0)
        printf "%s: layerfuse %.1f images/s, %s %.1f: %.2f times\n",
            w, ours[w], name[w], best[w], ours[w] / best[w] }' "$out"
