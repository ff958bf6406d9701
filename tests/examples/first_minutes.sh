#!/bin/sh
# first_minutes.sh SCRIPTS WORK: what scripts/setup and scripts/demo say on a machine that lacks
# something, is not to be written to, or is interrupted: one line, and no half-written file
set -eu
scripts=$1 work=$2

[ ! -e "$work" ] || chmod -R u+w "$work"
rm -rf "$work"
mkdir -p "$work/bin" "$work/clone/scripts"
cd "$work"
cp "$scripts/setup" "$scripts/demo" clone/scripts
fail() {
    echo "first_minutes.sh: $1" >&2
    exit 1
}
# A machine with these tools alone; the rest is faked one by one.
for tool in sh env id sed grep sort head tail tr cat dirname mkdir ls printf sleep rm; do
    path=$(command -v $tool) && [ -x "$path" ] && ln -s "$path" bin/$tool
done
fake() { # NAME SCRIPT
    rm -f "bin/$1" # a link: what is written goes to the machine's own tool
    printf '#!/bin/sh\n%s\n' "$2" >"bin/$1"
    chmod +x "bin/$1"
}
# says STATUS TEXT COMMAND...: it ends so, with this in its only line of errors
says() {
    status=$1 text=$2
    shift 2
    set +e
    PATH=$work/bin "$@" >stdout 2>stderr </dev/null
    got=$?
    set -e
    [ $got = "$status" ] || fail "$*: exit $got, expected $status: $(cat stderr)"
    [ "$(wc -l <stderr)" = 1 ] || fail "$*: not one line: $(cat stderr)"
    grep -qF -e "$text" stderr || fail "$*: '$(cat stderr)' lacks '$text'"
}
all='gcc libc6-dev cmake ninja-build pkg-config libopenblas-dev libjansson-dev libcmocka-dev xz-utils'

# Nothing is there, and nothing can install it.
says 1 "there is no apt-get here; install by hand, then run this again: $all" clone/scripts/setup
says 1 "install by hand, then run this again: $all" clone/scripts/demo
rmdir demo || fail "demo wrote something: $(ls demo)"
fake apt-get 'echo "E: Unable to fetch some archives" >&2; exit 100'
fake id 'echo 1000'
says 1 "not root, and there is no sudo; install by hand, then run this again: $all" \
    clone/scripts/setup
fake sudo 'exit 1'
says 1 "sudo wants a password; install by hand" clone/scripts/setup
fake id 'echo 0'
says 1 "apt-get could not install what is missing (no network?); install by hand" \
    clone/scripts/setup

# All is there, but CMake is old.
for tool in gcc ninja pkg-config xz; do fake $tool 'exit 0'; done
fake cmake 'echo "cmake version 3.18.4"'
says 1 "setup: CMake is 3.18.4, layerfuse needs 3.20 or later" clone/scripts/setup
says 1 "setup: CMake is 3.18.4, layerfuse needs 3.20 or later" clone/scripts/demo

# Interrupted while it builds.
fake cmake '[ "$1" = --version ] && echo "cmake version 3.25.1" && exit
: >started
exec sleep 60'
rm -f started
set +e
# A shell's background commands ignore SIGINT; SIGTERM goes the same way.
setsid env PATH="$work/bin" sh clone/scripts/demo >stdout 2>stderr </dev/null &
pid=$!
tries=0
until [ -e started ] || [ $tries = 100 ]; do
    sleep 0.1
    tries=$((tries + 1))
done
env kill -TERM -- "-$pid"
wait $pid
status=$?
set -e
[ $status = 130 ] || fail "interrupted: exit $status: $(cat stderr)"
[ "$(cat stderr)" = 'demo: interrupted while building; there is: nothing yet' ] ||
    fail "interrupted: $(cat stderr)"
grep -q 'The page' stdout && fail "interrupted, and it went on"

# Not to be written to; root may write everywhere.
fake cmake 'echo "cmake version 3.25.1"'
rm -rf clone/build demo
chmod a-w clone .
if [ ! -w clone ]; then
    : # not root
elif command -v setpriv >/dev/null && setpriv --reuid=65534 --clear-groups test -x . 2>/dev/null; then
    chmod a+rx "$work" clone
    as_nobody='/usr/bin/setpriv --reuid=65534 --clear-groups'
else
    as_nobody=none
fi
if [ "${as_nobody:-}" != none ] && mkdir -p /tmp/first_minutes.$$ && chmod a+w /tmp/first_minutes.$$; then
    # shellcheck disable=SC2086
    says 1 "clone/build: clone where you may write" ${as_nobody:-} clone/scripts/demo \
        --out /tmp/first_minutes.$$
    rm -rf /tmp/first_minutes.$$
fi
chmod u+w clone .
echo "first_minutes.sh: all as expected"
