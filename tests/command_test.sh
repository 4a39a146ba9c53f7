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
# background COMMAND...: starts it with its output in `out` and `err`; $process is it. Both are emptied before: whoever waits
# for a line must not find it in what the last command said.
background() {
    : > out
    : > err
    "$@" > out 2> err &
    process=$!
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

# Builds an activation that goes wrong in the way it is told, and faulty.yaml from small.yaml, which tries all ways.
fault_plugin() {
    mkdir -p faulty/activation
    cat > faulty.c <<'PLUGIN'
#include <isoflop/plugin.h>
#include <stdlib.h>
#include <unistd.h>
struct faulty { int mode; };
static void forward(const void *state, size_t n, const float *x, float *y)
{
    const int mode = ((const struct faulty *)state)->mode;
    volatile int *nowhere = NULL;
    if (mode == 1) {
        fprintf(stderr, "about to crash\n");
        *nowhere = 1;
    }
    for (volatile int forever = mode == 2; forever;)
        ;
    if (mode == 3)
        exit(3);
    if (mode == 5 && fork() == 0)
        _exit(chdir("/") || sleep(30));
    for (size_t i = 0; i < n; i++)
        y[i] = mode == 4 ? x[i] * 1e30f : x[i];
}
static void backward(const void *state, size_t n, const float *x, const float *y, const float *dy, float *dx)
{
    (void)state, (void)x, (void)y;
    for (size_t i = 0; i < n; i++)
        dx[i] = dy[i];
}
static const struct iso_param params[] = { ISO_CHOICE(struct faulty, mode, "good", "good|crash|hang|leave|diverge|fork",
                                                      "what goes wrong"), { 0 } };
static const struct iso_activation ops = { .flops_forward = 1, .flops_backward = 1, .forward = forward,
                                           .backward = backward };
ISO_PLUGIN(ops, .name = "faulty", .revision = 1, .summary = "goes wrong on purpose",
           .state_size = sizeof(struct faulty), .params = params);
PLUGIN
    ${CC:-cc} -shared -fPIC -I"$srcdir/include" -o faulty/activation/faulty.so faulty.c 2> err || return 1
    sed -e 's/activation: relu/activation: {faulty: {mode: good}}/' -e 's/^seeds: .*/seeds: 1/' \
        -e '/^  model.hidden.width/d' \
        -e 's/^  schedule.constant.rate.*/  model.activation.faulty.mode: [good, crash, leave, hang, diverge]/' \
        -e '/group:/d' -e '/^figures/d' small.yaml > faulty.yaml
    ISOFLOP_PLUGIN_PATH=$folder/faulty:$ISOFLOP_PLUGIN_PATH
}
