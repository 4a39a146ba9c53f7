#!/bin/sh
# recipes/array.sbatch, with what Slurm would set: tasks, one of them stopped and queued again; merged: equal to one run.
set -eu
. "${srcdir:-.}/tests/command_test.sh"

mkdir bin
printf '#!/bin/sh\nexec "%s" "$@"\n' "$isoflop" > bin/isoflop
printf '#!/bin/sh\necho "$@" >> requeued\n' > bin/scontrol
chmod +x bin/isoflop bin/scontrol
PATH=$folder/bin:$PATH
export PATH
cat > sweep.yaml <<'RECIPE'
name: sweep
dataset: {digits: {train_size: 3000, validation_size: 100, test_size: 100}}
model: {hidden: {width: 16, depth: 1}}
schedule: {constant: {rate: 0.1}}
train: {epochs: 10, batch: 50}
seeds: 5
sweep: {schedule.constant.rate: [0.01, 0.1, 0.3]}
checkpoint: [final]
RECIPE
expect 0 "$isoflop" run sweep.yaml --out whole --no-figures
task() {
    SLURM_ARRAY_TASK_ID=$1 SLURM_ARRAY_TASK_MAX=3 SLURM_ARRAY_JOB_ID=77 SLURM_CPUS_PER_TASK=1 \
        sh "$srcdir/recipes/array.sbatch" sweep.yaml
}
expect 0 task 1
task 2 > task.out 2> task.err &
process=$!
while ! grep -q 'done: trial' task.err; do
    kill -0 $process 2> err2 || break
    sleep 0.02
done
sh=$(ps -o pid= --ppid $process 2> err2 | head -1) || sh=
[ -z "$sh" ] || kill -TERM $sh 2> err2 || :
code=0
wait $process || code=$?
if [ $code -ne 0 ]; then # it was stopped before its end
    holds requeued '^requeue 77_2$'
    expect 0 task 2
fi
expect 0 task 3
expect 0 "$isoflop" merge results/sweep results/sweep.parts/*
same_results whole results/sweep
expect 0 "$isoflop" run sweep.yaml --no-figures
holds err 'nothing to do: all 15'
code=0
(unset SLURM_ARRAY_TASK_ID; sh "$srcdir/recipes/array.sbatch" sweep.yaml) > out 2> err || code=$?
[ $code -ne 0 ] || fail "ran outside an array"
holds err 'sbatch --array=1-N'
echo "ok: a job array"
