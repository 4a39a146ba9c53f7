#!/bin/sh
# recipes/paper/run.sh: every recipe of the folder has its experiment; one runs without MNIST, and again without training;
# what lacks its data and what does not exist is said.
set -eu
. "${srcdir:-.}/tests/command_test.sh"
paper=$srcdir/recipes/paper
export ISOFLOP="$isoflop" HOME="$folder" ISOFLOP_DATA=

expect 0 sh "$paper/run.sh" list
cp out names
for recipe in "$paper"/*.yaml; do
    holds names "^$(basename "$recipe" .yaml)\$"
done

smoke=results/paper-smoke
expect 0 sh "$paper/run.sh" smoke simple
holds out "^smoke: 1 experiments in .* in $smoke\$"
[ -s $smoke/simple/figures/training.svg ] || fail "no figure was drawn"
"$isoflop" export $smoke/simple | tr ',' '\n' > cells
[ "$(grep -c '^done$' cells)" -eq 2 ] || fail "not two trials were trained"
"$isoflop" export $smoke/simple > first
expect 0 sh "$paper/run.sh" smoke simple
"$isoflop" export $smoke/simple > again
cmp -s first again || fail "what was done was trained again: other seconds"

expect 1 sh "$paper/run.sh" smoke best_cifar10
holds out 'best_cifar10: left out, cifar10 is not here'
expect 1 sh "$paper/run.sh" short simple
holds out 'simple: left out, mnist is not here'
expect 2 sh "$paper/run.sh" smoke nonesuch
holds out 'no experiment nonesuch'
expect 2 sh "$paper/run.sh" enormous
holds out '^usage: '
