#!/bin/sh
# isoflop plan: counts that can be worked out by hand; budgets in parameters; and a sweep that is edited again and again.
set -eu
. "${srcdir:-.}/tests/command_test.sh"

# 784-64-10: 50,890 parameters; products of an example 204,544 FLOP: forward 2 x 50,816, gradients of weights as many, of
# the inputs of the second layer 2 x 640.
cat > plan.yaml <<'RECIPE'
name: plan
dataset: {digits: {train_size: 1000, validation_size: 50, test_size: 50}}
model: {hidden: {width: 64, depth: 1}}
schedule: {constant: {rate: 0.1}}
train: {epochs: 1, batch: 50}
seeds: 1
RECIPE
expect 0 "$isoflop" plan plan.yaml --no-time
holds out 'products 205 MFLOP'
holds out '6ND 305 MFLOP'
holds out 'forward 102 MFLOP .* weight gradients 102 MFLOP .*input gradients 1.28 MFLOP .*update '
"$isoflop" plan plan.yaml --no-time --set seeds=100 > out
holds out '^left to compute: 2[01]'
holds out 'products 20.5 GFLOP'
# 6 N D <= 6000 N: D is 1,000, which is 20 steps.
for budget in 'steps: {times_params: 0.000393}' 'examples: {times_params: 0.01965}' 'flops_6nd: {times_params: 6000}' \
    'flops: {times_params: 4200}'; do
    sed "s/epochs: 1/$budget/" plan.yaml > budget.yaml
    expect 0 "$isoflop" plan budget.yaml --no-time
    holds out ' 20 steps '
    expect 0 "$isoflop" run budget.yaml --out "${budget%%:*}" --no-figures
done
sed 's/epochs: 1/epochs: {times_params: 2}/' plan.yaml > budget.yaml
expect 2 "$isoflop" plan budget.yaml
holds err 'budget.yaml:5:17: error: .*passes over the data.*examples: {times_params'
sed 's/epochs: 1/flops: {times_param: 2}/' plan.yaml > budget.yaml
expect 2 "$isoflop" plan budget.yaml
holds err 'did you mean "times_params"'
expect 0 "$isoflop" plan plan.yaml --jobs 2
holds out 'expected time: .* with 2 jobs'
echo "ok: counts and budgets"

# ---- A sweep, edited ----
cat > edit.yaml <<'RECIPE'
name: edit
dataset: {digits: {train_size: 100, validation_size: 50, test_size: 50}}
model: {hidden: {width: 4, depth: 1}}
schedule: {constant: {rate: 0.1}}
train: {epochs: 1, batch: 50}
seeds: 2
sweep: {schedule.constant.rate: [0.1, 0.3]}
RECIPE
expect 0 "$isoflop" run edit.yaml --out edit --no-figures
edit() { # WHAT TRAINED DONE LEFT-OVER SED...
    what=$1 trained=$2 done=$3 left=$4
    shift 4
    sed "$@" edit.yaml > next.yaml
    expect 0 "$isoflop" plan next.yaml --no-time --out edit
    holds out "left: $trained$"
    expect 0 "$isoflop" run next.yaml --out edit --no-figures
    if [ "$trained" -gt 0 ]; then holds err "^$trained trials\{0,1\} to train"; else holds err 'nothing to do'; fi
    expect 0 "$isoflop" status edit
    holds out ": $done done"
    if [ "$left" -gt 0 ]; then holds out "^$left more trials"; else lacks out 'more trials'; fi
    echo "ok: $what"
}
edit 'more seeds' 2 6 0 -e 's/^seeds: 2/seeds: 3/'
edit 'fewer seeds' 0 2 4 -e 's/^seeds: 2/seeds: [1]/'
edit 'another value' 2 6 2 -e 's/\[0.1, 0.3\]/[0.1, 0.2, 0.3]/'
edit 'a range with the same values' 0 6 2 -e 's/\[0.1, 0.3\]/{from: 0.1, to: 0.3, step: 0.1}/'
edit 'numbers written otherwise, title and figures' 0 4 4 -e 's/\[0.1, 0.3\]/[1e-1, .3]/' -e 's/^name.*/name: other\ntitle: T/' \
    -e '$a figures: {f: {kind: curve, x: epoch, y: train.loss}}'
edit 'another path, whose first value is the old one' 4 8 4 -e 's/{schedule/{model.hidden.width: [4, 8], schedule/'
edit 'a longer training' 4 4 12 -e 's/epochs: 1/epochs: 2/'
edit 'a bigger test set, which is in the key' 4 4 16 -e 's/test_size: 50/test_size: 60/'
edit 'defaults spelled out' 0 4 16 -e 's/^train.*/train: {epochs: 1, batch: 50, shuffle: true, warmup: 0}/' -e '$a loss: cross_entropy'
edit 'cases of the same settings' 0 4 16 \
    -e 's/^sweep.*/sweep: {cases: {low: {schedule.constant.rate: 0.1}, high: {schedule.constant.rate: 0.3}}}/'
expect 0 "$isoflop" table edit
holds out '^case  *schedule.constant.rate '
edit 'a measurement more, taken under the same keys' 4 4 16 -e '$a measure: {train_eval: true}'
edit 'the recipe as it was' 4 4 16 -e 's/x/x/'
edit 'zip, list elements and a swapped plugin' 4 4 20 \
    -e 's/^sweep.*/sweep: {zip: {model.hidden: [[4, 8], [4, 16]], optimizer: [sgd, {momentum: {momentum: 0.5}}]}}/'
edit 'a random sample' 6 6 24 -e 's/^sweep.*/sweep: {sample: {count: 3, seed: 1, schedule.constant.rate: {log_uniform: [0.01, 1]}}}/'
edit 'a longer sample' 4 10 24 -e 's/^sweep.*/sweep: {sample: {count: 5, seed: 1, schedule.constant.rate: {log_uniform: [0.01, 1]}}}/'
