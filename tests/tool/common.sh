# common.sh - sourced by the tests of the command, with $program and $work set
# shellcheck shell=sh disable=SC2154 # they are set by the caller
rm -rf "$work"
mkdir -p "$work"
cd "$work"

fail() {
    echo "$0: $1" >&2
    exit 1
}
# ends STATUS TEXT ARGUMENTS...: it ends so, with one line on stderr that has this, and no result
ends() {
    status=$1 text=$2
    shift 2
    set +e
    "$program" "$@" >stdout 2>stderr </dev/null
    got=$?
    set -e
    [ $got = "$status" ] || fail "$*: exit $got, expected $status: $(cat stderr)"
    [ "$(wc -l <stderr)" = 1 ] || fail "$*: not one line: $(cat stderr)"
    grep -q '^layerfuse: ' stderr || fail "$*: '$(cat stderr)' does not say who speaks"
    grep -qF -e "$text" stderr || fail "$*: '$(cat stderr)' lacks '$text'"
    [ ! -s stdout ] || fail "$*: failed, and there is something on stdout"
}
# prints ARGUMENTS...: it ends well and prints what is on stdin, nothing on stderr
prints() {
    cat >expected
    "$program" "$@" >stdout 2>stderr </dev/null || fail "$*: exit $?: $(cat stderr)"
    diff -u expected stdout || fail "$*: this is not what it should print"
    [ ! -s stderr ] || fail "$*: on stderr: $(cat stderr)"
}
# runs ARGUMENTS...: it ends well, without a word on stderr
runs() {
    "$program" "$@" >stdout 2>stderr </dev/null || fail "$*: exit $?: $(cat stderr)"
    [ ! -s stderr ] || fail "$*: on stderr: $(cat stderr)"
}
# is_json FILE: where Python is there to say
is_json() {
    if command -v python3 >/dev/null; then
        python3 -c 'import json, sys; json.load(open(sys.argv[1], encoding="utf-8"),
            parse_constant=lambda name: sys.exit(name + " is no JSON"))' "$1" ||
            fail "$1 is no JSON: $(cat "$1")"
    fi
}
