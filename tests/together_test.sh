#!/bin/sh
# train: {share_batches: true}: trials that are trained together by one worker have the results that they have alone, to
# the byte, also where one crashes, hangs, diverges, stops early or is stopped.
set -eu
. "${srcdir:-.}/tests/command_test.sh"

cat > mixed.yaml <<'RECIPE'
name: mixed
dataset: {digits: {train_size: 400, validation_size: 100, test_size: 100}}
model: {hidden: [12], activation: tanh, initializer: he}
schedule: {constant: {rate: 0.1}}
train: {epochs: 3, batch: 20}
backend: native
seeds: {init: 3}
sweep:
  cases:
    plain: {model.hidden: [12]}
    wide: {model.hidden: [40, 20], model.activation: relu, model.dropout: 0.3, train.epochs: 2}
    adam: {optimizer: adam, schedule: {constant: {rate: 0.01}}, model.activation: gelu}
    wild: {schedule: {constant: {rate: 1000000}}, model.hidden: [12, 12, 12, 12], model.activation: relu}
    patient: {train.stop: {patience: 1, min_change: 0.1}, train.epochs: 20}
    short: {train.steps: 7, train.epochs: null}
    eager: {measure: {every: {steps: 5}, train_eval: true, also: [gradient_norm, dead_units]}}
    batches: {train.batch: 25}
    descent: {optimizer: {momentum: {momentum: 0.9}}, train.clip_norm: 1, train.warmup: 0.2}
checkpoint: [init, best, final]
RECIPE
sed -e 's/batch: 20}/batch: 20, share_batches: true}/' mixed.yaml > shared.yaml

expect 0 "$isoflop" run mixed.yaml --out alone --jobs 2 --no-figures
expect 0 "$isoflop" export alone
holds out ',diverged,'
holds out ',patience,'
for jobs in 1 2; do
    expect 0 "$isoflop" run shared.yaml --out together$jobs --jobs $jobs --no-figures
    same_results alone together$jobs
done
for backend in openblas naive; do
    expect 0 "$isoflop" run mixed.yaml --out alone-$backend --backend $backend --no-figures
    expect 0 "$isoflop" run shared.yaml --out together-$backend --backend $backend --jobs 1 --no-figures
    same_results alone-$backend together-$backend
done
expect 0 "$isoflop" run shared.yaml --out threads --jobs 1 --threads 2 --no-figures
same_results alone threads
# Sharing is no part of a key: what was trained alone is done.
expect 0 "$isoflop" run shared.yaml --out alone --no-figures
holds err 'nothing to do: all 27'
echo "ok: the same results together as alone, with one and two workers"

# ---- Parts of it ----
key=$("$isoflop" export alone | sed -n 5p | cut -d, -f2)
expect 0 "$isoflop" run shared.yaml --out part --trial "$key" --jobs 1 --no-figures
expect 0 "$isoflop" run shared.yaml --out part --shard 1/2 --jobs 1 --no-figures
expect 0 "$isoflop" run shared.yaml --out part --shard 2/2 --jobs 1 --no-figures
same_results alone part
expect 0 "$isoflop" run shared.yaml --smoke --jobs 1
# What is to be kept later is trained again, together, too.
expect 0 "$isoflop" run mixed.yaml --out alone --set 'checkpoint=[init, best, final, {every: {epochs: 1}}]' --no-figures
expect 0 "$isoflop" run shared.yaml --out together1 --set 'checkpoint=[init, best, final, {every: {epochs: 1}}]' --jobs 1 --no-figures
same_results alone together1
echo "ok: one trial, shards, smoke, more kept later"

# ---- Fresh examples, numbers as targets ----
cat > numbers.yaml <<'RECIPE'
name: numbers
dataset: {teacher_student: {epoch_size: 300, validation_size: 50, test_size: 50}}
model: {hidden: [8], activation: tanh}
loss: {mse: {output: identity}}
schedule: {constant: {rate: 0.01}}
train: {epochs: 2, batch: 15}
seeds: {init: 2, order: 2}
sweep: {model.hidden.0: [5, 9, 16]}
checkpoint: [final]
RECIPE
expect 0 "$isoflop" run numbers.yaml --out numbers --no-figures
expect 0 "$isoflop" run numbers.yaml --out numbers-together --set train.share_batches=true --jobs 1 --no-figures
same_results numbers numbers-together
echo "ok: fresh examples"

# ---- Stopped in the middle, and a worker that is killed ----
sed -e 's/train_size: 400/train_size: 2000/' -e 's/epochs: 3/epochs: 60/' -e '/cases:/q' shared.yaml > long.yaml
cat >> long.yaml <<'RECIPE'
    plain: {model.hidden: [12]}
    wide: {model.hidden: [40, 20], model.activation: relu, model.dropout: 0.3, train.epochs: 50}
checkpoint: [init, best, final]
RECIPE
expect 0 "$isoflop" run long.yaml --out whole --jobs 2 --set train.share_batches=false --no-figures
# Starts a run in the background, and waits until its trials have saved states.
start() {
    background "$isoflop" run long.yaml --out "$1" --jobs 1 --no-figures --resume-every 0.01
    while [ "$(find "$1/checkpoints" -name 'resume*' 2> err2 | wc -l)" -lt 6 ]; do
        kill -0 $process 2> err2 || break
        sleep 0.01
    done
}
start stopped
kill -TERM $process 2> err2 || :
code=0
wait $process || code=$?
expect 0 "$isoflop" run long.yaml --out stopped --jobs 1 --no-figures
if [ $code -ne 0 ]; then
    [ $code -eq 1 ] || fail "exit status $code after SIGTERM"
    [ "$(grep -c 'goes on from step' err)" -gt 1 ] || fail "one worker had trained several trials at a time"
fi
same_results whole stopped

start killed
worker=$(ps -o pid= --ppid $process 2> err2 | head -1) || worker=
if [ -n "$worker" ] && grep -q worker /proc/$((worker))/cmdline 2> err2; then
    kill -9 $((worker)) 2> err2 || :
fi
wait $process || fail "a killed worker made the run fail"
[ -z "$worker" ] || holds err 'signal 9.*trained again by itself'
same_results whole killed
echo "ok: stopped, and killed in the middle"

# ---- Trials that crash, hang, exit or diverge ----
sed -e '/^  cases/,$d' -e 's/hidden: .12.,/hidden: [12],/' -e 's/activation: tanh/activation: relu/' mixed.yaml > small.yaml
printf '%s\n' '  schedule.constant.rate: [0.1]' 'checkpoint: [init, best, final]' >> small.yaml
if fault_plugin; then
    export ASAN_OPTIONS=handle_segv=0:detect_leaks=0
    expect 1 "$isoflop" run faulty.yaml --out faults --trial-timeout 3 --jobs 2 --no-figures
    sed -e 's/batch: 20}/batch: 20, share_batches: true}/' faulty.yaml > guilty.yaml
    expect 1 "$isoflop" run guilty.yaml --out guilty --trial-timeout 3 --jobs 1 --no-figures
    [ "$(grep -c 'signal 11.*trained again by itself' err)" -eq 5 ] || fail "a crash costs the group, once"
    holds err 'mode crash.*killed by signal 11.*it last said: about to crash'
    holds err 'mode leave.*ended with status 3'
    holds err 'mode hang.*took longer than 3 seconds'
    same_results faults guilty
    expect 0 "$isoflop" export guilty
    [ "$(cut -d, -f3 out | tail -n +2 | tr '\n' ' ')" = "done failed failed failed diverged " ] \
        || fail "states after faults"
    expect 1 "$isoflop" run guilty.yaml --out guilty --trial-timeout 3 --retry --jobs 1 --no-figures \
        --set 'sweep.model.activation.faulty.mode=[good, hang, diverge]'
    holds err 'mode hang.*took longer than 3 seconds'
    lacks err 'by itself'
    expect 1 "$isoflop" run guilty.yaml --out hanging --trial-timeout 3 --jobs 1 --no-figures \
        --set 'sweep.model.activation.faulty.mode=[good, hang]'
    [ "$(grep -c '2 trials took longer than 3 seconds each.*trained again by itself' err)" -eq 2 ] \
        || fail "a trial that hangs costs the group"
    expect 0 "$isoflop" export hanging
    [ "$(cut -d, -f3 out | tail -n +2 | tr '\n' ' ')" = "done failed " ] || fail "states after a trial that hangs"
    unset ASAN_OPTIONS
    echo "ok: who crashes, leaves or hangs fails, the others don't"
else
    echo "skip: no compiler for the faulty plugin (${CC:-cc})"
fi
