#!/bin/sh
# run_lm.sh BUILD [--blocks N] [--width N] [--heads N] [--tokens N] [--batch N] [--vocabulary N] ...
#
# Training and inference of a GPT, layerfuse and PyTorch one after the other on the same machine,
# PyTorch both as it comes and tuned (no page faults for fresh buffers, AVX-512 for its own loops,
# one pool of threads for those and OpenBLAS), and how many times faster layerfuse is than either.
# The probe says whether two threads had two cores: compare 1 and 2 threads. PYTHON names the
# interpreter, OPENBLAS_OPENMP the folder of the OpenBLAS that uses OpenMP.
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
export OMP_NUM_THREADS="$threads" OPENBLAS_NUM_THREADS="$threads"

"$build/bench/probe"
echo "what,library,threads,network,batch,ms median,ms least,tokens/s,steps,probe before,after"
"$build/bench/bench_lm" "$@" | tee -a "$out"
if "$python" -c 'import torch' 2>/dev/null; then
    "$python" "$here/lm_torch.py" "$@" | tee -a "$out"
    MALLOC_MMAP_THRESHOLD_=4000000000 MALLOC_TRIM_THRESHOLD_=16000000000 \
        MALLOC_TOP_PAD_=67108864 ATEN_CPU_CAPABILITY=avx512 \
        LD_LIBRARY_PATH=${OPENBLAS_OPENMP:-/usr/lib/x86_64-linux-gnu/openblas-openmp} \
        "$python" "$here/lm_torch.py" "$@" | sed 's/,torch,/,torch-tuned,/' | tee -a "$out"
else
    echo "PyTorch is not installed: nothing to compare with" >&2
fi
"$build/bench/bench_lm" "$@" | sed 's/,layerfuse,/,layerfuse-again,/' | tee -a "$out"
"$build/bench/probe"
awk -F, '
    $2 ~ /^layerfuse/ && $8 > ours[$1] { ours[$1] = $8 }
    $2 == "torch" { plain[$1] = $8 }
    $2 == "torch-tuned" { tuned[$1] = $8 }
    END { for (w in ours) if (tuned[w] > 0)
        printf "%s: layerfuse %.1f tokens/s, torch %.1f: %.2f times; tuned %.1f: %.2f times\n",
            w, ours[w], plain[w], ours[w] / plain[w], tuned[w], ours[w] / tuned[w] }' "$out"
