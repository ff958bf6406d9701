#!/bin/sh
# death.sh PROGRAM FOLDER: a rank that is killed ends the job, soon and not well, and no file is there
set -eu
program=$1 dir=$2
here=$(dirname "$0")
command -v mpirun >/dev/null 2>&1 || { echo 'death.sh: there is no mpirun: skipped'; exit 77; }
rm -rf "$dir"
mkdir -p "$dir"
begun=$(date +%s)
if timeout 60 sh "$here/run.sh" 2 "$program" --die "$dir/file" >"$dir/out" 2>&1; then
    echo 'death.sh: the job ended well' >&2
    exit 1
fi
took=$(($(date +%s) - begun))
[ "$took" -lt 20 ] || { echo "death.sh: it took $took s" >&2; exit 1; }
grep -q 'rank 1 dies' "$dir/out" || { cat "$dir/out" >&2; exit 1; }
[ -z "$(find "$dir" -name 'file*')" ] || { echo 'death.sh: a file is there' >&2; exit 1; }
echo "death.sh: ended after $took s"
