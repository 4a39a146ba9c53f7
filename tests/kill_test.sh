#!/bin/sh
# Nothing is lost: runs that are killed at any system call and any moment, full and broken disks, a jumping clock,
# readers while it is written. After each, the same command gives the same results to the byte.
# KILL_ROUNDS: kills at random moments (default 50). KILL_STEP: 1 tries every system call of the parent's start, too.
set -eu
. "${srcdir:-.}/tests/command_test.sh"

cat > short.yaml <<'RECIPE'
name: short
dataset: {digits: {train_size: 200, validation_size: 50, test_size: 50}}
model: {hidden: [8]}
optimizer: adam
schedule: {constant: {rate: 0.01}}
train: {epochs: 12, batch: 5}
seeds: [3]
checkpoint: [best, final]
RECIPE
# Nothing of a run's way is left beside its results.
no_leftovers() {
    find "$1" -name '*.tmp' -o -name 'resume*' -o -name lock -o -name '*-wal' -o -name '*-shm' -o -name '*-journal' \
        > "$1.left"
    [ ! -s "$1.left" ] || fail "left in $1: $(cat "$1.left")"
}

sed -e 's/seeds: .*/seeds: 4/' -e 's/train_size: 200/train_size: 2000/' -e 's/epochs: 12/epochs: 40/' \
    -e 's/optimizer: adam/optimizer: {momentum: {momentum: 0.9}}/' -e 's/hidden: .8./hidden: [24], dropout: 0.2/' \
    -e 's/checkpoint: .*/checkpoint: [init, best, {every: {epochs: 10}}]/' short.yaml > long.yaml

run() { # RECIPE OUT...
    recipe=$1 out=$2
    shift 2
    "$isoflop" run "$recipe" --out "$out" --no-figures --resume-every 0.002 "$@"
}
expect 0 run short.yaml whole --jobs 1
export_all whole short
# Sets of results are equal to the whole's. In a subshell of its own folder, so that several go on side by side.
equals() { # FOLDER WHOLE NAME
    export_all "$1" "$1.got"
    cmp "$1.got.trials.csv" "$3.trials.csv" && cmp "$1.got.points.csv" "$3.points.csv" || fail "results of $1 differ"
    diff -r "$1/checkpoints" "$2/checkpoints" || fail "checkpoints of $1 differ"
    no_leftovers "$1"
}

# ---- At each system call ----

faults=$builddir/tests/.libs/faults.so
if [ ! -e "$faults" ] || ! LD_PRELOAD=$faults "$isoflop" --version > out 2> err; then
    echo "skip: faults at system calls, as $faults can't be preloaded"
    faults=
fi
# One run with a fault at the N-th call, one without; results must be those of a run without any.
strike() { # NAME WHAT N [VARIABLE=VALUE...]
    out=$1 what=$2 number=$3 code=0
    shift 3
    mkdir "$out.d"
    cd "$out.d"
    env LD_PRELOAD="$faults" FAULTS_FOLDER="/$out.d/" FAULTS_DO="$what" FAULTS_AT="$number" "$@" \
        "$isoflop" run ../short.yaml --out "$out" --no-figures --resume-every 0.002 --jobs 1 > first 2>&1 || code=$?
    case $what in
    kill) [ $code -eq 137 ] || [ $code -eq 0 ] || fail "$what at $number of $out: exit status $code: $(cat first)" ;;
    short) [ $code -eq 0 ] || fail "$what at $number of $out: exit status $code: $(cat first)" ;;
    *)
        [ $code -eq 1 ] || [ $code -eq 0 ] || fail "$what at $number of $out: exit status $code: $(cat first)"
        [ $code -eq 0 ] || grep -q 'run the same command again\|No space left\|Read-only\|Input/output\|nothing can be written' first \
            || fail "$what at $number of $out says: $(cat first)"
        ! grep -q 'not an error' first || fail "$what at $number of $out says: $(cat first)" ;;
    esac
    [ "$(sed -n '$p' first)" ] || [ $code -eq 137 ] || fail "$what at $number of $out says nothing"
    "$isoflop" run ../short.yaml --out "$out" --no-figures > again 2>&1 || fail "after $what at $number: $(cat again)"
    (equals "$out" ../whole ../short) > again 2>&1 || fail "after $what at $number of $out: $(cat again)"
    cd ..
    rm -r "$out.d"
}
calls() { # WHO: of a whole run
    rm -rf counted
    LD_PRELOAD=$faults FAULTS_FOLDER=$folder/counted FAULTS_WHO=$1 FAULTS_DO=kill FAULTS_COUNT=$folder/count \
        run short.yaml counted --jobs 1 > out 2> err || fail "a counted run failed"
    cat count
}
# Several at a time: the tests of one list, whose failures are found at the end.
both() { # one line "NAME WHAT N VARIABLES..." a test
    rm -f failed
    while read -r line; do
        # shellcheck disable=SC2086
        (strike $line) || echo "$line" >> failed &
        read -r line || { wait; break; }
        # shellcheck disable=SC2086
        (strike $line) || echo "$line" >> failed &
        wait
    done
    [ ! -e failed ] || fail "of $1: $(cat failed)"
}
if [ "$faults" ]; then
    parent=$(calls parent)
    worker=$(calls worker)
    [ "$parent" -gt 60 ] && [ "$worker" -gt 15 ] || fail "only $parent and $worker system calls were counted"
    n=1
    while [ $n -le $((parent + 3)) ]; do # the last 70: from the start of the trial to the end of the run
        echo "parent$n kill $n FAULTS_WHO=parent"
        [ $((parent - n)) -lt 70 ] && n=$((n + 1)) || n=$((n + ${KILL_STEP:-5}))
    done > list
    both parent < list
    echo "ok: killed at system calls of the parent, $(wc -l < list) of $parent"
    n=1
    while [ $n -le $((worker + 2)) ]; do
        echo "worker$n kill $n FAULTS_WHO=worker FAULTS_ONCE=once"
        n=$((n + 1))
    done > list
    both worker < list
    echo "ok: the worker killed at each of its $worker system calls"

    n=1
    while [ $n -le "$parent" ]; do
        echo "full$n ENOSPC $n FAULTS_WHO=parent FAULTS_ALWAYS=1"
        echo "broken$n EIO $((n + 4)) FAULTS_WHO=parent"
        n=$((n + ${KILL_STEP:-9}))
    done > list
    n=1
    while [ $n -le "$worker" ]; do
        echo "workerfull$n ENOSPC $n FAULTS_WHO=worker FAULTS_ALWAYS=1"
        echo "workershort$n short $n FAULTS_WHO=worker FAULTS_ALWAYS=1"
        n=$((n + 3))
    done >> list
    echo "readonly EROFS 1 FAULTS_ALWAYS=1" >> list
    echo "readonlystore EROFS 20 FAULTS_ALWAYS=1 FAULTS_WHO=parent" >> list
    echo "quota EDQUOT 40 FAULTS_ALWAYS=1 FAULTS_WHO=parent" >> list
    both disks < list
    echo "ok: full, broken and read-only disks, $(wc -l < list) times"

    LD_PRELOAD=$faults FAULTS_CLOCK=100000 expect 0 run short.yaml clock --jobs 1
    equals clock whole short
    echo "ok: a clock that jumps by days"
fi

# ---- At random moments: the parent, a worker, all of them ----

"$isoflop" run long.yaml --out long --jobs 2 --no-figures > out 2> err || fail "a run"
export_all long long
random() { od -An -N2 -tu2 /dev/urandom | awk -v most="$1" '{ printf "%.3f", $1 / 65536 * most }'; }
start() {
    setsid "$isoflop" run long.yaml --out killed --jobs 2 --no-figures --resume-every 0.01 > out 2> err &
    process=$!
}
ended=0 round=0
command -v setsid > out || KILL_ROUNDS=0
while [ $round -lt "${KILL_ROUNDS:-50}" ]; do
    start
    while [ $((round % 4)) -gt 0 ] && [ ! -e killed/checkpoints ] && kill -0 $process 2> err2; do # it trains
        sleep 0.01
    done
    sleep "$(random 0.5)"
    case $((round % 3)) in
    0) kill -9 $process 2> err2 || : ;;
    1)
        victim=$(ps -o pid= --ppid $process 2> err2 | head -1 | tr -d ' ') || victim=
        [ -z "$victim" ] || kill -9 "$victim" 2> err2 || :
        sleep "$(random 0.3)"
        kill -9 -$process 2> err2 || : ;;
    2) kill -9 -$process 2> err2 || : ;;
    esac
    code=0
    wait $process 2> err2 || code=$?
    [ $code -eq 137 ] || [ $code -eq 0 ] || fail "exit status $code in round $round"
    grep -q 'goes on from step' err && went_on=yes
    if [ $code -eq 0 ]; then
        equals killed long long
        ended=$((ended + 1))
        rm -rf killed
    fi
    round=$((round + 1))
done
if [ $round -gt 0 ]; then
    expect 0 "$isoflop" run long.yaml --out killed --jobs 2 --no-figures
    equals killed long long
    [ $round -lt 20 ] || [ "${went_on:-}" ] || fail "no trial went on from a state in $round rounds"
    echo "ok: $round kills at random moments, $ended ends between them"
fi

# ---- Readers while it is written ----

run long.yaml read --jobs 2 > out1 2> err1 &
process=$!
while [ ! -s read/results.db ]; do
    kill -0 $process 2> err2 || break
    sleep 0.01
done
reads=0
while kill -0 $process 2> err2; do
    for command in "status read" "table read" "export read --table points" "show read"; do
        # shellcheck disable=SC2086
        if ! "$isoflop" $command > out 2> err; then
            grep -q 'holds no experiment' err && [ $reads -eq 0 ] || fail "isoflop $command, while it is written"
        fi
    done
    reads=$((reads + 1))
done
wait $process || fail "a run that was read failed"
equals read long long
[ $reads -gt 2 ] || fail "only $reads reads"
echo "ok: read $reads times while it was written"
