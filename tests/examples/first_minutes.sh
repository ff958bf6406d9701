#!/bin/sh
# first_minutes.sh SCRIPTS WORK: what the scripts say on a machine that lacks something, is not to
# be written to, or is interrupted: one line, and no half-written file
# shellcheck disable=SC2016 # the fakes expand what is in single quotes
set -eu
scripts=$1 work=$2

[ ! -e "$work" ] || chmod -R u+w "$work"
rm -rf "$work"
mkdir -p "$work/bin" "$work/clone/scripts" "$work/clone/include/layerfuse"
cd "$work"
cp "$scripts/setup" "$scripts/demo" "$scripts/test" clone/scripts
cp "$scripts/../include/layerfuse/types.h" clone/include/layerfuse
fail() {
    echo "first_minutes.sh: $1" >&2
    exit 1
}
# A machine with these tools alone; the rest is faked one by one.
for tool in sh env id sed grep sort head tail tr cat dirname find mkdir mv rmdir printf sleep rm; do
    path=$(command -v $tool) && [ -x "$path" ] && ln -s "$path" bin/$tool
done
fake() { # NAME SCRIPT
    rm -f "bin/$1" # a link: what is written goes to the machine's own tool
    printf '#!/bin/sh\n%s\n' "$2" >"bin/$1"
    chmod +x "bin/$1"
}
# ends STATUS TEXT COMMAND...: it ends so, with this in its only line of errors
ends() {
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
# prints TEXT: the last command said this, too
prints() {
    grep -qxF -e "$1" stdout || fail "'$(cat stdout)' lacks '$1'"
}
all='gcc libc6-dev cmake ninja-build pkg-config libopenblas-dev libjansson-dev libcmocka-dev xz-utils'

# Nothing is there, and nothing can install it.
ends 1 "there is no apt-get here; install by hand, then run this again: $all" clone/scripts/setup
ends 1 "there is no apt-get here; install by hand, then run this again: $all" clone/scripts/test
prints 'failed: scripts/setup'
ends 1 "install by hand, then run this again: $all" clone/scripts/demo
[ "$(ls demo)" = build.log ] || fail "demo wrote something: $(ls demo)"
PATH=$work/bin clone/scripts/setup --check >stdout 2>stderr && fail "--check: all is there?"
prints "missing: $all"
[ ! -s stderr ] || fail "--check: $(cat stderr)"

# Something is to install it, and does not.
fake apt-get 'echo "E: Unable to fetch some archives" >&2; exit 100'
fake id 'echo 1000'
ends 1 "not root, and there is no sudo; install by hand, then run this again: $all" \
    clone/scripts/setup
fake sudo 'exit 1'
ends 1 "sudo wants a password; install by hand" clone/scripts/setup
fake id 'echo 0'
ends 1 "apt-get could not install what is missing (no network?); install by hand" \
    clone/scripts/setup
fake apt-get 'exit 0'
ends 1 "apt-get ended well, but something is still missing; install by hand, then run this again: \
$all" clone/scripts/setup
for tool in ninja pkg-config xz; do fake $tool 'exit 0'; done
fake cmake 'echo "cmake version 3.25.1"'
ends 1 "still missing; install by hand, then run this again: gcc libc6-dev" clone/scripts/setup
fake gcc 'exit 0'
rm bin/cmake
ends 1 "still missing; install by hand, then run this again: cmake" clone/scripts/setup

# All is there, but CMake is old.
fake cmake 'echo "cmake version 3.18.4"'
old='setup: CMake is 3.18.4, layerfuse needs 3.20 or later: put a newer one first in PATH'
ends 1 "$old" clone/scripts/setup
ends 1 "$old" clone/scripts/setup --check
ends 1 "$old" clone/scripts/demo
ends 1 "$old" clone/scripts/test
prints 'failed: scripts/setup'

# Interrupted: Ctrl-C goes to all of a terminal's processes, which are a group here.
if ! command -v setsid >/dev/null || sh -c 'kill -INT $$'; then
    echo "skipped: interrupting (no setsid, or SIGINT is ignored here)"
else
    newer='[ "$1" = --version ] && echo "cmake version 3.25.1" && exit'
    # ninja, make and the programs end in order, not by the signal.
    interrupt='trap "exit 1" INT; kill -INT 0; sleep 60'
    setsid=$(command -v setsid)
    interrupted() { # WHAT ARGUMENTS...
        what=$1
        shift
        ends 130 "demo: interrupted while $what" "$setsid" -w clone/scripts/demo "$@"
        if grep -q 'The page' stdout; then fail "interrupted while $what, and it went on"; fi
        for file in demo/*; do
            case $file in demo/build.log | demo/unpack.log | demo/trained.safetensors) ;;
            demo/report.html) ;; # an earlier run's
            *) fail "interrupted while $what: left $file" ;;
            esac
        done
    }
    echo earlier >demo/report.html
    sleep 0.1 # file systems may count time in steps
    fake cmake "$newer; $interrupt"
    interrupted 'building; new in demo: nothing yet'
    fake cmake "$newer; exit 0"
    mkdir -p clone/build/examples
    cat >clone/build/examples/compress_cnn <<'END'
#!/bin/sh
sleep 0.1 # training takes longer than a step of the file system's time
echo trained >demo/trained.safetensors
trap "exit 1" INT
kill -INT 0
sleep 60
END
    chmod +x clone/build/examples/compress_cnn
    interrupted 'training and fusing; new in demo: demo/trained.safetensors'
    mkdir packed
    echo 'mkdir -p "$1/cifar-10-batches-bin"; kill -INT 0; sleep 60' >packed/unpack.sh
    : >weights
    rm demo/trained.safetensors
    interrupted 'unpacking CIFAR-10; new in demo: nothing yet' --cifar10 packed --weights weights
    echo 'mkdir -p "$1"; exit 3' >packed/unpack.sh
    ends 1 'demo: unpacking failed: all of it is in demo/unpack.log' clone/scripts/demo \
        --cifar10 packed --weights weights
    [ ! -e demo/unpack.part ] || fail "a failed unpacking left its folder"

    fake cmake "$newer; $interrupt"
    fake getconf 'echo 2'
    ends 130 'test: interrupted' "$setsid" -w clone/scripts/test
fi

# The build fails.
fake cmake '[ "$1" != --version ] && echo "no such thing" && exit 1; echo "cmake version 3.25.1"'
set +e
PATH=$work/bin clone/scripts/demo >stdout 2>stderr </dev/null
status=$?
set -e
[ $status = 1 ] || fail "the build failed: exit $status"
[ "$(tail -n 1 stderr)" = 'demo: the build failed: all of it is in demo/build.log' ] ||
    fail "the build failed: $(cat stderr)"
grep -q 'no such thing' stderr || fail "the build failed, and the reason is not shown"

# Not to be written to. Root may write everywhere, so it becomes somebody else.
nobody=
if [ "$(id -u)" = 0 ]; then
    nobody="$(command -v setpriv || echo none) --reuid=65534 --clear-groups"
fi
out=$(mktemp -d)
trap 'chmod -R u+w "$out"; rm -rf "$out"' EXIT
chmod 777 "$out"
# shellcheck disable=SC2086 # $nobody is a command and its arguments, or nothing
if ! $nobody test -x "$work/clone/scripts/demo" 2>/dev/null; then
    echo "skipped: what is not to be written to (nobody but root can read $work)"
else
    rm -rf clone/build demo
    chmod a-w clone
    ends 1 "clone/build: clone where you may write" $nobody clone/scripts/demo
    chmod u+w clone
    mkdir -m 777 clone/build
    mkdir -m 555 "$out/closed"
    ends 1 "demo: --out: cannot write into $out/closed" $nobody clone/scripts/demo \
        --out "$out/closed"
    ends 1 "demo: --out: cannot make the directory $out/closed/new" $nobody clone/scripts/demo \
        --out "$out/closed/new"
    rmdir clone/build
    chmod a-w clone
    set +e
    # shellcheck disable=SC2086
    PATH=$work/bin $nobody clone/scripts/test >stdout 2>stderr </dev/null
    status=$?
    set -e
    [ $status = 1 ] || fail "scripts/test, not to be written to: exit $status"
    prints 'failed: cannot write into build/logs: clone where you may write'
    [ ! -s stderr ] || fail "scripts/test, not to be written to: $(cat stderr)"
fi
chmod u+w clone
echo "first_minutes.sh: all as expected"
