#!/bin/sh
# A loss and data that do not go together are refused before anything is trained, with a place and a way out.
set -eu
. "${srcdir:-.}/tests/command_test.sh"

cat > regression.yaml <<'RECIPE'
name: regression
dataset: {teacher_student: {outputs: 3}}
model: {hidden: [4]}
loss: mse
schedule: {constant: {rate: 0.1}}
train: {steps: 2, batch: 20}
RECIPE
for command in plan check; do
    expect 2 "$isoflop" $command regression.yaml
    holds err 'regression.yaml:4:7: error: loss mse: dataset teacher_student has numbers as targets'
    holds err 'take output: identity'
done
for loss in mae huber; do
    expect 0 "$isoflop" run regression.yaml --smoke --set loss=$loss
    expect 2 "$isoflop" plan regression.yaml --set loss=$loss --set loss.$loss.output=softmax
    holds err 'take output: identity'
done
expect 0 "$isoflop" run regression.yaml --smoke --set loss.mse.output=identity
expect 2 "$isoflop" run regression.yaml --set loss=cross_entropy
holds err 'loss cross_entropy is for classes, and dataset teacher_student has numbers as targets'
holds err 'mse with output: identity'
[ ! -e results ] || fail "a refused recipe left results"
# Classes may be regressed on, through a softmax or without.
expect 0 "$isoflop" run regression.yaml --smoke --set dataset=digits
expect 0 "$isoflop" run regression.yaml --smoke --set dataset=digits --set loss.mse.output=identity
expect 2 "$isoflop" plan regression.yaml --set dataset=digits --set 'loss={cross_entropy: {class_weights: [1, 2]}}'
holds err 'class_weights has 2 values for 10 classes'
# Yes or no for each output: targets between 0 and 1, of which a table may have any.
awk 'BEGIN { print "a,b,yes,no"; for (i = 0; i < 60; i++) print i "," i * i % 7 "," i % 2 "," (i % 3) / 2 }' > good.csv
sed 's/^7,.*/7,0,1,-3.5/' good.csv > bad.csv
set -- --set loss=binary_cross_entropy --set 'dataset={csv: {file: good.csv, targets: "yes,no"}}'
expect 0 "$isoflop" run regression.yaml --smoke "$@"
expect 2 "$isoflop" plan regression.yaml "$@" --set dataset.csv.file=bad.csv
holds err 'loss binary_cross_entropy takes targets between 0 and 1, and dataset csv has some between -3.5 and 1'
echo "ok: losses and data"
