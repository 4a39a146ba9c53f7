#!/bin/sh
# Figures of trained models, and figures that can't be drawn: by command.
set -eu
. "${srcdir:-.}/tests/command_test.sh"

cat > models.yaml <<'RECIPE'
name: models
title: Models
dataset: {digits: {train_size: 400, validation_size: 150, test_size: 120}}
model: {hidden: [12, 8], activation: relu, initializer: he}
schedule: {constant: {rate: 0.3}}
train: {epochs: 2, batch: 20}
seeds: 2
checkpoint: [init, final]
figures:
  confusion: {kind: confusion, split: test, caption: "A last word."}
  examples: {kind: examples, count: 7}
  first: {kind: examples, count: 3, order: first, split: train, trial: 2, checkpoint: init}
  filters: {kind: filters, count: 5}
  net: {kind: architecture}
  weights: {kind: histogram}
  outputs: {kind: histogram, of: activations, axes: linear-log}
measure: {also: [histograms]}
RECIPE
expect 0 "$isoflop" run models.yaml --out one --jobs 2
for name in confusion examples first filters net weights outputs; do
    holds out "^figure: one/figures/$name.svg"
done
holds one/figures/confusion.svg 'of 120 right'
holds one/figures/confusion.svg 'A last word\.'
holds one/figures/confusion.svg 'Predicted class'
[ "$(grep -c '<image ' one/figures/examples.svg)" -eq 7 ] || fail "$(grep -c '<image ' one/figures/examples.svg) examples"
[ "$(grep -c '<image ' one/figures/filters.svg)" -eq 5 ] || fail "$(grep -c '<image ' one/figures/filters.svg) filters"
holds one/figures/examples.svg 'examples: validation'
holds one/figures/first.svg 'Weights: init, step 0; examples: train'
holds one/figures/first.svg 'Trial 2'
holds one/figures/net.svg 'hidden 2, 8 units'
holds one/figures/net.svg '9614 parameters' # 784 * 12 + 12 + 12 * 8 + 8 + 8 * 10 + 10
# The matrix says what eval says.
expect 0 "$isoflop" show one 1
cp one/figures/confusion.svg before.svg
expect 0 "$isoflop" plot one confusion examples
cmp before.svg one/figures/confusion.svg || fail "a second drawing differs"
expect 0 "$isoflop" plot one examples net --format png
expect 0 "$isoflop" plot one examples net --format pdf --size 16x10cm
[ -s one/figures/examples.png ] && [ -s one/figures/net.pdf ] || fail "no picture"
expect 2 "$isoflop" plot one confusio
holds err 'there is no figure "confusio"'
# Histograms: each holds all weights; they are no columns of points, and change no trial.
expect 0 "$isoflop" export one --table histograms --format jsonl
grep '"layer":0,"of":"weights"' out | sed -e 's/.*\[//' -e 's/\].*//' > lists
[ -s lists ] || fail "no histograms of weights"
awk -F, '{ sum = 0; for (i = 3; i <= NF; i++) sum += $i; if (sum != 784 * 12) exit 1 }' lists || fail "weights are lost"
[ "$(grep -c '"of":"gradients"' out)" -eq 12 ] || fail "gradients: two seeds, three layers, two points after step 0"
[ "$(grep -c '"of":"activations"' out)" -eq 12 ] || fail "activations: two seeds, two hidden layers, three points"
expect 0 "$isoflop" export one --table points
lacks out histogram
cp out with.csv
sed -e '/^measure/d' models.yaml > without.yaml
expect 0 "$isoflop" run without.yaml --out plain --jobs 2 --no-figures
"$isoflop" export one --table trials --without seconds > a.csv
"$isoflop" export plain --table trials --without seconds > b.csv
cmp a.csv b.csv || fail "histograms change results"
echo "ok: figures of models"

# ---- Without a checkpoint: in words, with the line that helps; the others are drawn ----
sed -e '/^checkpoint/d' models.yaml > bare.yaml
expect 0 "$isoflop" run bare.yaml --out two --jobs 2
holds out '^figure confusion: .*checkpoint: \[final\]'
holds out '^figure first: .*checkpoint: \[init\]'
holds out '^figure: two/figures/net.svg'
[ ! -e two/figures/examples.svg ] || fail "examples without a model"
echo "ok: without checkpoints"

# ---- A damaged checkpoint ----
for file in one/checkpoints/*/final.safetensors; do
    head -c 100 "$file" > cut && cp cut "$file"
done
expect 0 "$isoflop" plot one confusion net first
holds out '^figure confusion: .*safetensors'
holds out '^figure: one/figures/first.svg'
echo "ok: a damaged checkpoint"

# ---- Mistakes, before any training ----
expect 2 "$isoflop" check models.yaml --set 'figures.confusion.x=epoch'
holds err 'confusion has no option "x"'
expect 2 "$isoflop" check models.yaml --set 'figures.examples.order=best'
holds err 'order must be one of wrong, first'
echo "ok: mistakes"
