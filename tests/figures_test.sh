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
# What a drawing that was killed left goes, what another one just writes stays.
: > one/figures/net.svg.1-0.tmp
: > one/figures/net.svg.2-0.tmp
touch -t 202001010000 one/figures/net.svg.1-0.tmp
expect 0 "$isoflop" plot one confusion
[ ! -e one/figures/net.svg.1-0.tmp ] && [ -e one/figures/net.svg.2-0.tmp ] || fail "parts of figures"
rm one/figures/net.svg.2-0.tmp
expect 0 "$isoflop" plot one examples net --format png
expect 0 "$isoflop" plot one examples net --format pdf --size 16x10cm
[ -s one/figures/examples.png ] && [ -s one/figures/net.pdf ] || fail "no picture"
# Each that finds no room says so by itself, and the exit status too.
expect 1 "$isoflop" plot one confusion weights net --size 90x80
holds out '^figure weights: 90 x 80 points are too little room for'
lacks out 'figure .*figure'
lacks err 'figure .*figure'
holds err 'could not be drawn'
"$isoflop" plot one > /dev/null
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

# ---- On a terminal: text into a pipe, whatever is asked for; images where the terminal says so ----
escape=$(printf '\033')
for name in weights confusion examples net; do
    expect 0 env ISOFLOP_TERMINAL=kitty TERM=xterm-kitty KITTY_WINDOW_ID=1 "$isoflop" plot one $name --terminal
    lacks out "$escape"
    [ "$(wc -l < out)" -ge 20 ] || fail "nothing is shown"
done
expect 0 "$isoflop" plot one weights --terminal
holds out 'layer 0'
holds out 'Density\|D'
expect 2 "$isoflop" plot one weights --terminal --format png
printf 'a,b\n1,2\n2,3\n3,5\n' > table.csv
expect 0 "$isoflop" plot table.csv --x a --y b --terminal
[ ! -e table.svg ] || fail "a file is written"
if command -v python3 > /dev/null; then
    cat > terminal.py <<'PYTHON'
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
data = b""
while True:
    try:
        part = os.read(fd, 65536)
    except OSError:
        break
    if not part:
        break
    data += part
    if b"\x1b[c" in part:
        os.write(fd, b"\x1b[?62;4;22c" if os.environ.get("ANSWER") else b"\x1b[?62;22c")
os.waitpid(pid, 0)
sys.stdout.buffer.write(data)
PYTHON
    unset KITTY_WINDOW_ID TERM_PROGRAM ISOFLOP_TERMINAL NO_COLOR || true
    expect 0 env TERM=xterm-kitty python3 terminal.py "$isoflop" plot one confusion --terminal
    holds out "${escape}_Gf=100,a=T"
    expect 0 env TERM=xterm ANSWER=1 python3 terminal.py "$isoflop" plot one confusion --terminal
    holds out "${escape}Pq"
    expect 0 env TERM=xterm python3 terminal.py "$isoflop" plot one confusion --terminal
    lacks out "${escape}Pq"
    holds out "${escape}\[0;.*38;5;"
    expect 0 env TERM=xterm NO_COLOR=1 ISOFLOP_TERMINAL=braille python3 terminal.py "$isoflop" plot one confusion --terminal
    lacks out "$escape"
fi
echo "ok: on a terminal"

# ---- Without a checkpoint: in words, with the line that helps; the others are drawn ----
sed -e '/^checkpoint/d' models.yaml > bare.yaml
expect 0 "$isoflop" run bare.yaml --out two --jobs 2
holds out '^figure confusion: .*checkpoint: \[final\]'
holds out '^figure first: .*checkpoint: \[init\]'
holds out '^figure: two/figures/net.svg'
[ ! -e two/figures/examples.svg ] || fail "examples without a model"
echo "ok: without checkpoints"

# ---- Data that the recipe names by a path of its own are found from anywhere ----
mkdir -p tables elsewhere
awk -v OFS=, 'BEGIN { print "a,b,label"; for (i = 0; i < 200; i++) print i % 7, i % 5, "class " i % 3 }' > tables/own.csv
cat > tables/own.yaml <<'RECIPE'
name: own
dataset: {csv: {file: own.csv, test_fraction: 0.2, validation_size: 40}}
model: {hidden: [4]}
schedule: {constant: {rate: 0.1}}
train: {epochs: 1}
seeds: 1
checkpoint: [final]
figures: {confusion: {kind: confusion}}
RECIPE
(cd tables && "$isoflop" run own.yaml --out own --no-figures > ../out 2> ../err) || fail "own data are not found"
(cd elsewhere && "$isoflop" plot ../tables/own > ../out) || fail "they are not found from elsewhere"
holds out '^figure: ../tables/own/figures/confusion.svg'
echo "ok: data by a path"

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
