#!/bin/sh
# The manual pages: what they render without a warning, and say of every subcommand and option.
#     man.sh PAGE1 PAGE3 COMMAND
set -eu
page1=$1 page3=$2 command=$3

fail() {
    echo "man.sh: $1" >&2
    exit 1
}
command -v groff >/dev/null 2>&1 || { echo 'man.sh: there is no groff: skipped'; exit 77; }
for page in "$page1" "$page3"; do
    warnings=$(groff -man -ww -z -Tutf8 "$page" 2>&1)
    [ -z "$warnings" ] || fail "$page: $warnings"
done
shown=$(groff -man -Tascii -P-cbou "$page1")
subcommands=$("$command" --help | sed -n 's/^  \([a-z][a-z]*\)  .*/\1/p')
[ "$(echo "$subcommands" | wc -l)" -ge 7 ] || fail "the command has only: $subcommands"
for subcommand in $subcommands; do
    echo "$shown" | grep -q "usage: layerfuse $subcommand FILE\|usage: layerfuse $subcommand DEDUP" ||
        fail "layerfuse(1) does not say how $subcommand is used"
    for option in $("$command" "$subcommand" --help | sed -n 's/^  \(--*[a-z][a-z-]*\).*/\1/p'); do
        echo "$shown" | grep -q -e "$option" || fail "layerfuse(1) does not have $option"
    done
done
echo 'man: all as it should be'
