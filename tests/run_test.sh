#!/bin/sh
# From recipe to results by command: run, resume, extend, crash, stop, kill, export, table, status, show, plan.
set -eu
. "${srcdir:-.}/tests/command_test.sh"

cat > small.yaml <<'RECIPE'
name: small
title: A small sweep
dataset: {digits: {train_size: 300, validation_size: 100, test_size: 100}}
model: {hidden: {width: 4, depth: 1}, activation: relu, initializer: he}
loss: cross_entropy
schedule: {constant: {rate: 0.1}}
train: {epochs: 2, batch: 50}
seeds: 2
sweep:
  model.hidden.width: [4, 8]
  schedule.constant.rate: [0.1, 0.3]
checkpoint: [init, best, final]
figures:
  loss: {kind: curve, x: epoch, y: validation.loss, group: schedule.constant.rate}
RECIPE

# ---- A run, and the same with more workers ----
expect 0 "$isoflop" run small.yaml --out one --jobs 1
holds out '^figure: one/figures/loss.svg'
holds out 'isoflop table one'
[ -s one/figures/loss.svg ] || fail "no figure"
cmp small.yaml one/recipe.yaml || fail "recipe.yaml is not the recipe"
[ "$(ls one)" = "checkpoints
figures
recipe.yaml
results.db" ] || fail "the folder holds: $(ls one)"
expect 0 "$isoflop" run small.yaml --out two --jobs 2 --no-figures
same_results one two
echo "ok: equal results with one and two workers"

# ---- Columns ----
head -1 a.trials.csv > head
printf '%s\n' "trial,key,status,seed,model.hidden.width,schedule.constant.rate,params,params_weights,params_hidden,steps,epochs,examples,flops,flops_matmul,flops_6nd,flops_report,train.loss,train.accuracy,validation.loss,validation.accuracy,test.loss,test.accuracy,best.step,best.validation.loss,best.validation.accuracy,best.test.loss,best.test.accuracy,stop_reason,train.cross_entropy,validation.cross_entropy,test.cross_entropy,best.validation.cross_entropy,best.test.cross_entropy" > wanted
cmp head wanted || fail "columns of trials: $(cat head)"
head -1 a.points.csv > head
printf '%s\n' "trial,step,epoch,examples,flops,flops_matmul,flops_6nd,flops_report,rate,train.loss,train.accuracy,validation.loss,validation.accuracy,test.loss,test.accuracy,train.cross_entropy,validation.cross_entropy,test.cross_entropy" > wanted
cmp head wanted || fail "columns of points: $(cat head)"
[ "$(cut -d, -f1 a.trials.csv | tail -n +2 | tr '\n' ' ')" = "1 2 3 4 5 6 7 8 " ] || fail "order of trials"
[ "$(cut -d, -f4-6 a.trials.csv | sed -n '2p;3p;4p;6p' | tr '\n' ' ')" = "0,4,0.1 1,4,0.1 0,4,0.3 0,8,0.1 " ] \
    || fail "order of the sweep"
# 784-4-10: 3140 + 4 + 10 parameters... 784*4 + 4 + 4*10 + 10.
[ "$(sed -n 2p a.trials.csv | cut -d, -f7)" = 3190 ] || fail "params"
expect 0 "$isoflop" export one --table points --format jsonl
holds out '^{"trial":1,"step":0,'
echo "ok: columns and order"

# ---- Again, extended, and overridden ----
export_all one before
expect 0 "$isoflop" run small.yaml --out one
holds err 'nothing to do: all 8 trials are done'
export_all one after
cmp before.trials.csv after.trials.csv || fail "a second run changed results"
sed 's/^seeds: 2/seeds: 3/' small.yaml > more.yaml
expect 0 "$isoflop" run more.yaml --out one --no-figures
holds err '^4 trials to train, 8 done before'
expect 0 "$isoflop" run small.yaml --out one --no-figures --set sweep.model.hidden.width=[4]
holds err 'nothing to do: all 4'
expect 0 "$isoflop" status one
holds out '4 trials: 4 done'
holds out '8 more trials of earlier recipes are kept'
expect 2 "$isoflop" run small.yaml --out one --set model.hidden.width=5
holds err 'sweep.model.hidden.width'
expect 2 "$isoflop" run small.yaml --out one --set sweep.model.hiden.width=[5]
holds err 'hidden'
expect 2 "$isoflop" run nowhere.yaml
expect 2 "$isoflop" run small.yaml --jbos 2
holds err '--jobs'
echo "ok: again, extended, overridden"

# ---- Table, show, plan ----
expect 0 "$isoflop" table two --format csv
holds out '^model.hidden.width,schedule.constant.rate,trials,done,diverged,failed,params,best,'
expect 0 "$isoflop" table two
holds out ' ± '
holds out 'best$'
expect 0 "$isoflop" table two --sort test.loss --descending --format json
expect 0 "$isoflop" show two
holds out 'compiler'
key=$(sed -n 3p before.trials.csv | cut -d, -f2)
expect 0 "$isoflop" show two "$key"
cp out single.yaml
expect 0 "$isoflop" run single.yaml --out single --no-figures
"$isoflop" export single --without seconds | sed -n 2p | cut -d, -f2 > got
[ "$(cat got)" = "$key" ] || fail "the recipe of a trial has another key when it is run by itself"
expect 0 "$isoflop" plan small.yaml --out two
holds out 'done already in two: 8'
expect 0 "$isoflop" plan small.yaml --out nothing --no-time
holds out '8 trials: 4 points of the sweep, 2 seeds each'
[ ! -e nothing ] || fail "plan made a folder"
echo "ok: table, show, plan"

# ---- Part of it: one trial, shards, smoke ----
expect 0 "$isoflop" run small.yaml --out part --trial "$key" --no-figures
expect 0 "$isoflop" status part
holds out '1 done, .* 7 pending'
expect 2 "$isoflop" run small.yaml --out part --trial '' --no-figures
holds err 'needs the beginning of a trial'
cut -d, -f2 before.trials.csv | tail -n +2 | cut -c1 | sort | uniq -d | head -1 > twice # how two of 8 keys may begin
if [ -s twice ]; then
    expect 1 "$isoflop" run small.yaml --out part --trial "$(cat twice)" --no-figures
    holds err 'trials of this recipe have keys that begin with'
fi
expect 0 "$isoflop" run small.yaml --out part --shard 1/2 --no-figures
expect 0 "$isoflop" run small.yaml --out part --shard 2/2 --no-figures
same_results part two
expect 2 "$isoflop" run small.yaml --out part --shard 3/2
expect 0 "$isoflop" run small.yaml --out smoke --smoke
[ ! -e smoke ] || fail "--smoke kept something"
echo "ok: one trial, shards, smoke"

# ---- Trials that crash, hang, exit or diverge ----
if fault_plugin; then
    export ASAN_OPTIONS=handle_segv=0:detect_leaks=0
    expect 1 "$isoflop" run faulty.yaml --out faults --trial-timeout 4 --jobs 2 --no-figures
    holds err 'mode crash.*killed by signal 11.*it last said: about to crash'
    holds err 'mode leave.*ended with status 3'
    holds err 'mode hang.*longer than 4 seconds'
    holds err 'alone: isoflop run faulty.yaml .*--trial '
    expect 0 "$isoflop" export faults
    [ "$(cut -d, -f3 out | tail -n +2 | tr '\n' ' ')" = "done failed failed failed diverged " ] \
        || fail "states after faults"
    # A diverged trial has no final values.
    sed -n 6p out | cut -d, -f17-22 > got
    expect 0 "$isoflop" table faults
    holds out '0 of 1, 1 diverged'
    expect 1 "$isoflop" run faulty.yaml --out faults --trial-timeout 4 --no-figures
    holds err 'nothing to train: 2 of 5'
    expect 1 "$isoflop" run faulty.yaml --out faults --trial-timeout 4 --retry --fail-fast --jobs 1 --no-figures
    holds err '1 of 5 trials failed\|1 failed'
    # One that leaves processes behind, which hold its worker's pipes, does not keep the run.
    expect 0 timeout 20 "$isoflop" run faulty.yaml --out faults --no-figures --set train.batch=150 --set train.epochs=1 \
        --set 'sweep.model.activation.faulty.mode=[fork]'
    unset ASAN_OPTIONS
    echo "ok: trials that crash, hang, leave or diverge"
else
    echo "skip: no compiler for the faulty plugin (${CC:-cc})"
fi

# ---- What changes results makes new trials; the old stay ----
awk 'BEGIN { for (i = 0; i < 120; i++) print i % 7 / 7 "," i % 5 / 5 "," (i % 3 == 0 ? "a" : "b") }' > table.csv
sed -i '1i x,y,kind' table.csv
cat > table.yaml <<'RECIPE'
name: table
dataset: {csv: {file: table.csv, label: kind, validation_size: 20}}
model: {hidden: [4]}
schedule: {constant: {rate: 0.1}}
train: {epochs: 2, batch: 10}
seeds: [1]
RECIPE
expect 0 "$isoflop" run table.yaml --out table --no-figures
export_all table first
sed -i '2s/^[^,]*/0.75/' table.csv
expect 0 "$isoflop" run table.yaml --out table --no-figures
holds err '^1 trial to train'
export_all table second
! cmp -s first.trials.csv second.trials.csv || fail "other data gave the same trial"
expect 0 "$isoflop" status table
holds out '1 more trials of earlier recipes are kept'
# A measurement added later: the same key, trained again, whose earlier rows agree.
expect 0 "$isoflop" run table.yaml --out table --no-figures --set measure.train_eval=true
holds err '^1 trial to train'
lacks err 'are not those of its earlier training'
export_all table third
[ "$(cut -d, -f2 second.trials.csv)" = "$(cut -d, -f2 third.trials.csv)" ] || fail "a measurement changed the key"
holds third.points.csv 'train_eval.loss'
if [ -e faulty/activation/faulty.so ]; then
    sed -e 's/hidden: .4.}/hidden: [4], activation: faulty}/' table.yaml > revised.yaml
    expect 0 "$isoflop" run revised.yaml --out revised --no-figures
    sed -e 's/revision = 1/revision = 2/' faulty.c > revised.c
    ${CC:-cc} -shared -fPIC -I"$srcdir/include" -o faulty/activation/faulty.so revised.c 2> err
    expect 0 "$isoflop" run revised.yaml --out revised --no-figures
    holds err '^1 trial to train'
    expect 0 "$isoflop" status revised
    holds out '1 more trials of earlier recipes are kept'
fi
echo "ok: other data, a plugin's revision, a measurement added later"

# ---- Stopped and killed ----
sed -e 's/train_size: 300/train_size: 3000/' -e 's/epochs: 2/epochs: 12/' -e 's/^seeds: 2/seeds: 3/' small.yaml > long.yaml
expect 0 "$isoflop" run long.yaml --out whole --jobs 2 --no-figures
background "$isoflop" run long.yaml --out stopped --jobs 2 --no-figures
while [ ! -s stopped/results.db ] || ! grep -q 'done: trial' err; do
    kill -0 $process 2> err2 || break
    sleep 0.02
done
kill -TERM $process 2> err2 || :
code=0
wait $process || code=$?
if [ $code -ne 0 ]; then
    [ $code -eq 1 ] || fail "exit status $code after SIGTERM"
    holds err 'the same command goes on with the rest'
fi
[ ! -e stopped/results.db-wal ] || fail "a stopped run left a -wal file"
[ ! -e stopped/lock ] || fail "a stopped run left its lock"
expect 0 "$isoflop" run long.yaml --out stopped --jobs 2 --no-figures
same_results whole stopped
# SIGINT stops it, too, though the shell has it ignored for what a script runs in the background.
background "$isoflop" run long.yaml --out interrupted --jobs 1 --no-figures --set train.epochs=2000
while ! grep -q 'trials to train' err; do
    kill -0 $process 2> err2 || break
    sleep 0.02
done
kill -INT $process
code=0
wait $process || code=$?
[ $code -eq 1 ] || fail "exit status $code after SIGINT"
holds err 'the same command goes on with the rest'
round=0
while [ $round -lt "${KILL_ROUNDS:-6}" ]; do
    background "$isoflop" run long.yaml --out killed --jobs 2 --no-figures
    sleep "0.$round$((round * 3 % 10))"
    kill -9 $process 2> err2 || :
    wait $process || :
    round=$((round + 1))
done
sleep 0.3
for process in /proc/[0-9]*; do # workers are known by the folder they work in
    if [ "$(readlink "$process/cwd" 2> err2)" = "$folder" ] && grep -q worker "$process/cmdline" 2> err2; then
        fail "a worker outlives its parent: $process"
    fi
done
expect 0 "$isoflop" run long.yaml --out killed --jobs 2 --no-figures
same_results whole killed
echo "ok: stopped and killed runs end with the same results"

# A worker that is killed, or told to stop, costs nothing but time.
for signal in KILL TERM; do
    background "$isoflop" run long.yaml --out $signal --jobs 2 --no-figures
    while ! grep -q 'done: trial' err; do
        kill -0 $process 2> err2 || break
        sleep 0.02
    done
    worker=$(ps -o pid= --ppid $process 2> err2 | head -1) || worker=
    if [ -n "$worker" ] && grep -q worker /proc/$((worker))/cmdline 2> err2; then
        kill -$signal $((worker)) 2> err2 || :
    fi
    wait $process || fail "a worker that got SIG$signal made the run fail"
    same_results whole $signal
done
echo "ok: a killed worker"

# ---- Trials that take too long, and listen: the next one is trained ----
expect 1 timeout 60 "$isoflop" run long.yaml --out late --jobs 1 --no-figures --trial-timeout 0.5 \
    --set train.epochs=1000000 --set 'seeds=[0]' --set 'sweep.model.hidden.width=[4]'
[ "$(grep -c 'failed: .* took longer than 0.5 seconds' err)" -eq 2 ] || fail "trials that take too long"
echo "ok: trials that take too long"

# ---- Two at once ----
"$isoflop" run long.yaml --out both --jobs 1 --no-figures > out1 2> err1 &
process=$!
while ! grep -q 'trials to train' err1 2> err2; do
    kill -0 $process 2> err2 || break
    sleep 0.01
done
code=0
"$isoflop" run long.yaml --out both --jobs 1 --no-figures > out 2> err || code=$?
if [ $code -ne 0 ]; then
    holds err 'is being written by another isoflop (host .*, process '
fi
until "$isoflop" status both > out 2> err; do # a store opened while it is written; or not begun yet
    kill -0 $process 2> err2 || fail "no status of a run"
    holds err 'both holds no experiment yet'
    sleep 0.01
done
wait $process || fail "the first of two runs failed"
same_results whole both
echo "ok: two runs at once"

# ---- The folder is moved away: the run ends soon, and goes on where the folder is now ----
background "$isoflop" run long.yaml --out away --jobs 1 --no-figures --set train.epochs=2000
while ! grep -q 'trials to train' err || [ ! -d away/checkpoints ]; do
    kill -0 $process 2> err2 || break
    sleep 0.01
done
mv away there
mkdir -p away # another run's
echo other > away/lock
code=0
wait $process || code=$?
[ $code -eq 1 ] || fail "exit status $code of a run whose folder was moved away"
holds err 'was moved or deleted while it was written'
[ "$(cat away/lock)" = other ] || fail "the lock of another run was removed"
rm -r away there/checkpoints # those of a trial of its own
expect 0 "$isoflop" run long.yaml --out there --jobs 2 --no-figures
same_results whole there
echo "ok: a folder that is moved away"

# ---- What another program wrote stays as it is ----
mkdir other
for version in 0 99; do
    cp whole/results.db other/results.db
    printf "\\0\\0\\0\\$(printf %o $version)" | dd of=other/results.db bs=1 seek=60 conv=notrunc 2> err2
    [ $version = 99 ] || printf abcd | dd of=other/results.db bs=1 seek=68 conv=notrunc 2> err2
    cp other/results.db before
    expect 1 "$isoflop" run small.yaml --out other --no-figures
    holds err 'is no results store of isoflop\|has schema version 99, this isoflop writes'
    cmp before other/results.db || fail "a store that was refused is changed"
done
echo "ok: other programs' files"

# ---- Several threads ----
# One trial alone gets all processors; results do not depend on it.
cat > threads.yaml <<'RECIPE'
name: threads
dataset: {digits: {train_size: 600, validation_size: 100, test_size: 100}}
model: {hidden: [300, 70], activation: relu, initializer: he}
schedule: {constant: {rate: 0.1}}
backend: native
train: {epochs: 1, batch: 100}
seeds: 1
checkpoint: [final]
RECIPE
for threads in 1 2 3; do
    expect 0 "$isoflop" run threads.yaml --out "threads$threads" --threads $threads --no-figures
done
same_results threads1 threads2
same_results threads1 threads3
expect 0 "$isoflop" run threads.yaml --out threads --no-figures
same_results threads1 threads
"$isoflop" show threads > out
processors=$(getconf _NPROCESSORS_ONLN)
grep -Eq "^ *threads +$processors\$" out || fail "one trial alone did not get all processors: $(cat out)"
echo "ok: several threads"
