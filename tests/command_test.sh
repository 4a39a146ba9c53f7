# What tests of commands share: sourced with srcdir and builddir set; goes to a folder of its own.
builddir=${builddir:-.}
srcdir=${srcdir:-.}
case $builddir in /*) ;; *) builddir=$(pwd)/$builddir ;; esac
case $srcdir in /*) ;; *) srcdir=$(pwd)/$srcdir ;; esac
isoflop=$builddir/isoflop
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
XDG_CACHE_HOME=$folder/cache
ISOFLOP_PLUGIN_PATH=${ISOFLOP_PLUGIN_PATH:-$builddir/plugins}
export XDG_CACHE_HOME ISOFLOP_PLUGIN_PATH
cd "$folder"

fail() {
    echo "FAIL: $*" >&2
    for log in out err; do
        if [ -s $log ]; then
            echo "--- $log" >&2
            tail -20 $log >&2
        fi
    done
    exit 1
}
# status COMMAND...: runs it with its output in `out` and `err`, and wants this exit status.
expect() {
    wanted=$1
    shift
    code=0
    "$@" > out 2> err || code=$?
    [ $code -eq "$wanted" ] || fail "exit status $code, not $wanted, of: $*"
}
holds() { grep -q -e "$2" "$1" || fail "$1 does not hold: $2"; }
lacks() { ! grep -q -e "$2" "$1" || fail "$1 holds: $2"; }
export_all() {
    "$isoflop" export "$1" --table trials --without seconds > "$2.trials.csv"
    "$isoflop" export "$1" --table points --without seconds > "$2.points.csv"
}
same_results() { # FOLDER FOLDER
    export_all "$1" a
    export_all "$2" b
    cmp a.trials.csv b.trials.csv && cmp a.points.csv b.points.csv || fail "results of $1 and $2 differ"
    diff -r "$1/checkpoints" "$2/checkpoints" > out || fail "checkpoints of $1 and $2 differ"
}
