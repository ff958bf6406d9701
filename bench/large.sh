#!/bin/sh
# large.sh BUILD DIR [--layers N] [--side N] [ARGUMENTS of layerfuse similarity...]
#
# How much memory and time `layerfuse similarity --metric euclidean` takes for a checkpoint that is
# larger than it should ever hold: 8 GiB by default, made in DIR unless it is there; delete it
# afterwards. Memory is RssAnon, what is beyond the mapped file, polled; the time stands against
# reading the file once (cat), both with the file in the page cache, where it fits, and without
# it, where this may drop the cache. PYTHON names the interpreter that makes the file.
set -eu
[ $# -ge 2 ] || { echo "usage: $0 BUILD DIR [--layers N] [--side N] ..." >&2; exit 2; }
program=$1/tools/layerfuse/layerfuse dir=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
layers=64 side=8192
while [ $# -ge 2 ]; do
    case $1 in
    --layers) layers=$2 ;;
    --side) side=$2 ;;
    *) break ;;
    esac
    shift 2
done
file=$dir/large-$layers-$side.safetensors
[ -f "$file" ] ||
    "${PYTHON:-/usr/bin/python3}" "$here/make_large.py" "$file" --layers "$layers" --side "$side"

now() { date +%s.%N; }
# since BEGUN: seconds
since() { echo "$(now) $1" | awk '{ printf "%.2f", $1 - $2 }'; }

# measure ARGUMENTS...: sets seconds and peak (KiB of RssAnon)
measure() {
    peak=0
    begun=$(now)
    "$program" "$@" >"$dir/large.out" &
    pid=$!
    while anon=$(sed -n 's/^RssAnon:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$pid/status" 2>/dev/null) &&
        [ -n "$anon" ]; do
        [ "$anon" -le "$peak" ] || peak=$anon
        sleep 0.02
    done
    wait $pid
    seconds=$(since "$begun")
}
read_once() {
    begun=$(now)
    cat "$file" >/dev/null
    reading=$(since "$begun")
}
drop() { sync && echo 3 2>/dev/null >/proc/sys/vm/drop_caches; }

printf '%s: %s bytes\n' "$file" "$(wc -c <"$file")"
for cache in cold warm; do
    if [ $cache = cold ] && ! drop; then
        echo "cold: skipped (the page cache is not this user's to drop)"
        continue
    fi
    read_once
    [ $cache = warm ] || drop
    measure similarity "$file" --metric euclidean --csv "$@"
    echo "$cache $reading $seconds $peak" | awk '{
        printf "%s: read once %.2f s, similarity %.2f s, %.2f times; RssAnon %.1f MiB\n",
            $1, $2, $3, $3 / $2, $4 / 1024 }'
done
head -n 3 "$dir/large.out"
rm "$dir/large.out"
