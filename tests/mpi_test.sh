#!/bin/sh
# isoflop run on several ranks: the same results as alone, refusals, crashes, stops, lost ranks, refused builds.
# Without mpirun, or where isoflop was built without MPI, most of it is skipped in words.
set -eu
. "${srcdir:-.}/tests/command_test.sh"

# A container may be root, have few processors, and forbid reading another process's memory.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_btl_vader_single_copy_mechanism=none
export OMPI_MCA_rmaps_base_oversubscribe=1 PRTE_ALLOW_RUN_AS_ROOT=1 PRTE_ALLOW_RUN_AS_ROOT_CONFIRM=1
# Told to stop, Open MPI waits for so many seconds, tells the ranks, waits again, and kills. A rank under sanitizers needs
# more than the default of one second, and so does one on a busy machine.
export OMPI_MCA_odls_base_sigkill_timeout=10
# MPI leaves memory behind in modules that it has unloaded by the end, which no suppression can name: under the address
# sanitizer, leaks are not looked for here; all else is.
export ASAN_OPTIONS=handle_segv=0:detect_leaks=0

cat > small.yaml <<'RECIPE'
name: small
dataset: {digits: {train_size: 300, validation_size: 100, test_size: 100}}
model: {hidden: {width: 4, depth: 1}, activation: relu, initializer: he}
loss: cross_entropy
schedule: {constant: {rate: 0.1}}
train: {epochs: 2, batch: 50}
seeds: 4
sweep:
  model.hidden.width: [4, 8, 256]
  schedule.constant.rate: [0.1, 0.3]
checkpoint: [init, best, final]
RECIPE

# ---- Without the module, one of the processes says so, and no copies of the run are made ----
mkdir bare
for kind in activation loss initializer schedule optimizer dataset backend; do
    ln -s "$builddir/plugins/$kind" bare/$kind
done
bare() { # WANTED VARIABLES ... : as one of three processes, without the module
    wanted_status=$1
    shift
    expect "$wanted_status" env ISOFLOP_PLUGIN_PATH="$folder/bare" "$@" --jobs 1 --no-figures
}
bare 2 OMPI_COMM_WORLD_SIZE=3 OMPI_COMM_WORLD_RANK=0 "$isoflop" run small.yaml --out none
holds err '3 processes were started together'
holds err 'isoflop_mpi.so\|built without MPI; to get it: '
holds err 'ISOFLOP_MPI=no'
bare 0 PMI_SIZE=3 PMI_RANK=1 "$isoflop" run small.yaml --out none
[ ! -s out ] && [ ! -s err ] || fail "a second process speaks"
bare 2 SLURM_STEP_NUM_TASKS=3 SLURM_PROCID=0 "$isoflop" run small.yaml --out none
[ ! -e none ] || fail "something was trained"
bare 0 OMPI_COMM_WORLD_SIZE=3 OMPI_COMM_WORLD_RANK=0 ISOFLOP_MPI=no "$isoflop" run small.yaml --out alone
echo "ok: without the module"

if [ ! -e "$builddir/plugins/.libs/isoflop_mpi.so" ]; then
    echo "skipped: this isoflop was built without MPI (Debian: apt-get install libopenmpi-dev openmpi-bin)"
    exit 0
fi
if ! mpirun -n 2 true > out 2> err; then
    echo "skipped: mpirun does not start two processes here: $(head -5 err)"
    exit 0
fi

# Runs that are to be ended before they end by themselves take their time, on however fast a machine: the activation slow
# sleeps for $SLOW milliseconds a call, and computes the same without it. Loading it may be slow, too.
mkdir -p slow/activation
cat > slow.c <<'PLUGIN'
#include <isoflop/plugin.h>
#include <stdlib.h>
#include <time.h>
static void forward(const void *state, size_t n, const float *x, float *y)
{
    const char *slow = getenv("SLOW");
    (void)state;
    if (slow)
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 * atol(slow) }, NULL);
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] > 0 ? x[i] : 0;
}
static void backward(const void *state, size_t n, const float *x, const float *y, const float *dy, float *dx)
{
    (void)state, (void)y;
    for (size_t i = 0; i < n; i++)
        dx[i] = x[i] > 0 ? dy[i] : 0;
}
__attribute__((constructor)) static void load(void)
{
    if (getenv("SLOW_START"))
        nanosleep(&(struct timespec){ .tv_sec = atol(getenv("SLOW_START")) }, NULL);
}
static const struct iso_activation ops = { .flops_forward = 1, .flops_backward = 1, .forward = forward,
                                           .backward = backward };
ISO_PLUGIN(ops, .name = "slow", .revision = 1, .summary = "takes its time");
PLUGIN
compiler=${CC:-cc}
$compiler -std=gnu17 -shared -fPIC -I"$srcdir/include" -o slow/activation/slow.so slow.c 2> err || compiler=
ISOFLOP_PLUGIN_PATH=$folder/slow:$ISOFLOP_PLUGIN_PATH

# ---- Equal results, the longest first ----
expect 0 mpirun -n 3 "$isoflop" run small.yaml --out ranks --no-figures
same_results alone ranks
grep '^\[1/24\]' err > first || fail "no first trial"
holds first 'model.hidden.width 256'
expect 0 mpirun -n 3 "$isoflop" run small.yaml --out ranks --no-figures
holds err 'nothing to do: all 24 trials are done'
echo "ok: equal results on three ranks, the longest first"

# ---- Other folders on other hosts, one trial, smoke; mistakes are told once ----
mkdir -p elsewhere
key=$(sed -n 3p a.trials.csv | cut -d, -f2)
expect 0 mpirun -n 1 "$isoflop" run small.yaml --out places --no-figures --jobs 2 : \
    -n 2 --wdir elsewhere "$isoflop" run small.yaml --out places --no-figures --jobs 2
same_results alone places
[ -z "$(ls elsewhere)" ] || fail "files where another rank was started"
expect 0 mpirun -n 2 "$isoflop" run small.yaml --out single --no-figures --trial "$key"
expect 0 "$isoflop" status single
holds out '1 done, .* 23 pending'
expect 0 mpirun -n 2 "$isoflop" run small.yaml --out smoke --smoke
[ ! -e smoke ] || fail "--smoke kept something"
expect 2 mpirun -n 3 "$isoflop" run small.yaml --out none --set model.hiden.width=5
[ "$(grep -c 'no key "hiden"' err)" = 1 ] || fail "a mistake was not told once"
echo "ok: folders, one trial, smoke, mistakes"

# ---- Hosts that share no disk: checkpoints are sent ----
mkdir apart halves temporary
export TMPDIR=$folder/temporary
cat > no-disk <<'SCRIPT'
#!/bin/sh
# Runs a command where the folder $1 is another one.
mount -t tmpfs none "$1" && shift && exec "$@"
SCRIPT
chmod +x no-disk
if [ -n "$compiler" ] && unshare -rm ./no-disk apart true 2> err; then
    run="run small.yaml --out apart --no-figures"
    # shellcheck disable=SC2086 # words
    expect 0 mpirun -n 1 "$isoflop" $run : -n 2 unshare -rm "$folder/no-disk" apart "$isoflop" $run
    same_results alone apart
    lacks err 'does not train'
    # Stopped in the middle, trials go on from there on whatever host.
    sed -e 's/train_size: 300/train_size: 3000/' -e 's/epochs: 2/epochs: 40/' -e 's/\[4, 8, 256\]/[32]/' \
        -e 's/^seeds: 4/seeds: 2/' -e 's/relu/slow/' small.yaml > middle.yaml
    expect 0 "$isoflop" run middle.yaml --out unbroken --no-figures
    run="run middle.yaml --out halves --no-figures --resume-every 0.1"
    # shellcheck disable=SC2086 # words
    background env SLOW=8 mpirun -n 1 "$isoflop" $run : -n 2 unshare -rm "$folder/no-disk" halves "$isoflop" $run
    while [ -z "$(find halves -name resume.safetensors)" ]; do
        kill -0 $process 2> err2 || fail "the run ended before it was to be ended"
        sleep 0.05
    done
    kill -TERM $process
    wait $process && fail "a stopped run ended with 0"
    middle=$(find halves -name resume.safetensors | wc -l)
    [ "$middle" -gt 0 ] || fail "no trial was kept in its middle"
    # shellcheck disable=SC2086 # words
    expect 0 mpirun -n 1 "$isoflop" $run : -n 2 unshare -rm "$folder/no-disk" halves "$isoflop" $run
    [ "$(grep -c 'goes on from step' err)" = "$middle" ] || fail "$middle trials should have gone on in the middle"
    same_results unbroken halves
    [ -z "$(find temporary -name 'isoflop-*')" ] || fail "folders of files on their way were left"
    echo "ok: hosts that share no disk"
else
    echo "skip: no file system can be mounted here, or no compiler: $(cat err)"
fi
unset TMPDIR

# ---- Ranks that differ refuse, in words; the others go on ----
cp "$isoflop" other-isoflop
echo >> other-isoflop
mkdir -p other/activation mine/backend
cp "$builddir/plugins/activation/.libs/relu.so" other/activation/relu.so
echo >> other/activation/relu.so
sed -e 's/return "loops"/return getenv("DNNL_TEST_KERNEL") ? getenv("DNNL_TEST_KERNEL") : getenv("HOST_KERNEL")/' \
    -e 's/name = "naive"/name = "mine"/' -e 's/<math.h>/<math.h>\n#include <stdlib.h>/' \
    "$srcdir/plugins/backend/naive.c" > mine.c
refuse() { # OPTIONS of mpirun for ranks that differ...
    expect 0 mpirun -n 1 "$isoflop" run small.yaml --out refused --no-figures : "$@"
    same_results alone refused
    rm -r refused
}
refuse -n 1 ./other-isoflop run small.yaml --out refused --no-figures : \
    -n 1 -x ISOFLOP_PLUGIN_PATH="$folder/other:$ISOFLOP_PLUGIN_PATH" "$isoflop" run small.yaml --out refused --no-figures
holds err 'rank 1 (.*) does not train: the program there is another build'
holds err 'rank 2 (.*) does not train: plugin activation/relu is .* here, but .* on rank 0'
# ... also where the plugin that differs comes late in a long sweep.
sed -e 's/0.1, 0.3/{from: 0.001, to: 0.2, points: 200}/' -e 's/\[{/{/' -e 's/}\]/}/' -e '/  model.hidden.width/d' \
    -e 's/^seeds: 4/seeds: 1/' -e 's/^sweep:/&\n  model.activation: [tanh, elu, relu]/' small.yaml > late.yaml
run="run late.yaml --smoke"
# shellcheck disable=SC2086 # words
expect 0 mpirun -n 1 "$isoflop" $run : \
    -n 1 -x ISOFLOP_PLUGIN_PATH="$folder/other:$ISOFLOP_PLUGIN_PATH" "$isoflop" $run
holds err 'rank 1 (.*) does not train: plugin activation/relu'
# ... and where all is trained before the rank that differs has said so.
sed 's/relu/slow/' small.yaml > slow.yaml
if [ -n "$compiler" ]; then
    cp slow/activation/slow.so other/activation/slow.so
    echo >> other/activation/slow.so
    run="run slow.yaml --smoke --set seeds=[0]"
    # shellcheck disable=SC2086 # words
    expect 0 mpirun -n 1 "$isoflop" $run : -n 1 -x SLOW_START=2 \
        -x ISOFLOP_PLUGIN_PATH="$folder/other:$ISOFLOP_PLUGIN_PATH" "$isoflop" $run
    holds err 'rank 1 (.*) does not train: plugin activation/slow'
fi
refuse -n 1 "$isoflop" run small.yaml --out elsewhere --no-figures
holds err 'rank 1 (.*) does not train: it was started by another command'
if [ -n "$compiler" ] && $compiler -shared -fPIC -ffp-contract=off -O2 -I"$srcdir/include" -o mine/backend/mine.so mine.c -lm 2> err; then
    ISOFLOP_PLUGIN_PATH=$folder/mine:$ISOFLOP_PLUGIN_PATH
    run="run small.yaml --out kernels --no-figures --backend mine"
    # shellcheck disable=SC2086 # words
    expect 0 mpirun -n 1 -x HOST_KERNEL=fine "$isoflop" $run : -n 2 -x HOST_KERNEL=coarse "$isoflop" $run
    holds err 'rank 2 (.*) does not train: kernel of backend/mine is coarse here, but fine on rank 0: .*processor'
    # Variables by which libraries choose their kernels are those of rank 0.
    rm -r kernels
    # shellcheck disable=SC2086 # words
    expect 0 mpirun -n 1 -x DNNL_TEST_KERNEL=fine "$isoflop" $run : -n 2 -x DNNL_TEST_KERNEL=coarse "$isoflop" $run
    lacks err 'does not train'
else
    echo "skip: no compiler for a backend (${CC:-cc})"
fi
echo "ok: ranks that differ"

# ---- Crashes on any rank ----
if fault_plugin; then
    expect 1 mpirun -n 3 "$isoflop" run faulty.yaml --out faults --trial-timeout 4 --no-figures
    holds err 'mode crash.*killed by signal 11.*it last said: about to crash'
    holds err 'mode leave.*ended with status 3'
    holds err 'mode hang.*longer than 4 seconds'
    holds err 'alone: isoflop run faulty.yaml .*--trial '
    expect 0 "$isoflop" export faults
    [ "$(cut -d, -f3 out | tail -n +2 | tr '\n' ' ')" = "done failed failed failed diverged " ] \
        || fail "states after faults"
    expect 1 mpirun -n 3 "$isoflop" run faulty.yaml --out faults --trial-timeout 4 --retry --fail-fast --no-figures
    holds err 'failed'
    echo "ok: crashes on ranks"
else
    echo "skip: no compiler for the faulty plugin (${CC:-cc})"
fi

# ---- A disk that is full on one of the hosts is no fault of a trial ----
faults=$builddir/tests/.libs/faults.so
if [ -n "$compiler" ] && [ -e "$faults" ] && LD_PRELOAD=$faults "$isoflop" --version > out 2> err; then
    expect 0 "$isoflop" run slow.yaml --out roomy --no-figures
    run="run slow.yaml --out full --no-figures"
    # Slow, so that the rank with the full disk has joined before the others are done with all trials.
    # shellcheck disable=SC2086 # words
    expect 1 env SLOW=50 mpirun -n 1 "$isoflop" $run : -n 1 env LD_PRELOAD="$faults" FAULTS_FOLDER=/full/checkpoints/ \
        FAULTS_WHO=worker FAULTS_DO=ENOSPC FAULTS_AT=1 FAULTS_ALWAYS=1 "$isoflop" $run
    holds err 'on .*: cannot .*: No space left on device; when it can be written, run the same command again'
    expect 0 "$isoflop" status full
    holds out ' 0 failed'
    # shellcheck disable=SC2086 # words
    expect 0 mpirun -n 2 "$isoflop" $run
    same_results roomy full
    echo "ok: a full disk"
else
    echo "skip: a full disk, as $faults can't be preloaded, or no compiler"
fi

# ---- Stopped, killed, lost ----
if [ -z "$compiler" ]; then
    echo "skip: no compiler for the slow plugin (${CC:-cc})"
    exit 0
fi
sed -e 's/train_size: 300/train_size: 3000/' -e 's/epochs: 2/epochs: 4/' -e 's/256/16/' -e 's/relu/slow/' \
    small.yaml > long.yaml
expect 0 "$isoflop" run long.yaml --out whole --jobs 2 --no-figures
begin() { # FOLDER: starts three ranks in the background, waits until a trial is done; $process is mpirun
    background env SLOW=12 mpirun -n 3 "$isoflop" run long.yaml --out "$1" --no-figures
    while ! grep -q 'done: trial' err; do
        kill -0 $process 2> err2 || fail "the run ended before it was to be ended"
        sleep 0.02
    done
}
children() { ps -o pid= --ppid "$1"; }
begin stopped
kill -TERM $process
wait $process && fail "a stopped run ended with 0"
holds err 'the same command goes on with the rest'
[ ! -e stopped/results.db-wal ] || fail "a stopped run left a -wal file"
expect 0 mpirun -n 3 "$isoflop" run long.yaml --out stopped --no-figures
same_results whole stopped
echo "ok: stopped"

begin lost
kill -9 $(($(children $process | tail -1))) # a rank: Open MPI ends the job
wait $process && fail "a run that lost a rank ended with 0"
expect 0 mpirun -n 3 "$isoflop" run long.yaml --out lost --no-figures
same_results whole lost
begin killed
kill -9 $(($(children $process | head -1))) # rank 0
wait $process && fail "a run that lost rank 0 ended with 0"
expect 0 "$isoflop" run long.yaml --out killed --no-figures
same_results whole killed
echo "ok: lost ranks"

begin orphans
rank=$(($(children $process | tail -1)))
worker=
while [ -z "$worker" ]; do
    kill -0 $rank 2> err2 || fail "a rank ended before its worker was found"
    worker=$(children $rank | head -1)
done
kill -9 $((worker))
wait $process || fail "a killed worker made the run fail"
same_results whole orphans
"$isoflop" show orphans > hosts
sed -n '/^its hosts/,/^$/p' hosts > out
[ "$(grep -c "$(uname -n)" out)" -ge 2 ] || fail "the hosts of the run are not shown"
echo "ok: a killed worker"
