#!/bin/sh
# What a trained model says of pictures.
set -eu
. "${srcdir:-.}/tests/command_test.sh"

cat > digits.yaml <<'RECIPE'
name: digits
dataset: {digits: {train_size: 4000, validation_size: 200, test_size: 200}}
model: {hidden: {width: 64, depth: 1}, activation: relu, initializer: he}
loss: cross_entropy
schedule: {constant: {rate: 0.2}}
train: {epochs: 8, batch: 50}
seeds: [0]
checkpoint: [final]
RECIPE
expect 0 "$isoflop" run digits.yaml --out run
model=$(echo run/checkpoints/*/final.safetensors)

# picture FILE WIDTH HEIGHT: dark ink (awk condition on x, y from 0 to 1) on light paper.
picture() {
    awk -v w="$2" -v h="$3" "BEGIN { print \"P2\"; print w, h; print 255
        for (j = 0; j < h; j++) for (i = 0; i < w; i++) { x = (i + .5) / w; y = (j + .5) / h; print ($4) ? 20 : 240 } }" > "$1"
}
ring='((x - .5) ^ 2 / .0484 + (y - .5) ^ 2 / .1225 < 1) && ((x - .5) ^ 2 / .0196 + (y - .5) ^ 2 / .0729 > 1)'
stroke='x > .46 && x < .54 && y > .1 && y < .9'
picture zero.pgm 90 90 "$ring"
picture one.pgm 200 300 "$stroke"
picture far.pgm 400 400 "x > .8 && x < .83 && y > .1 && y < .4"
expect 0 "$isoflop" predict "$model" zero.pgm one.pgm far.pgm
holds out '^zero.pgm: 0 0\.[5-9]'
holds out '^one.pgm: 1 0\.[5-9]'
holds out '^far.pgm: 1 0\.[5-9]'
[ "$(wc -l < out)" = 3 ] || fail "not a line a picture"

# All classes, and they are probabilities.
expect 0 "$isoflop" predict "$model" one.pgm --format json
holds out '"prediction": "1"'
awk -F: '/^ *"[0-9]":/ { sum += $2; n++ } END { exit !(n == 10 && sum > .9999 && sum < 1.0001) }' out ||
    fail "no probabilities of ten classes"

# What the network sees: 28 rows of 28 pixels; a picture of its size is taken as it is.
expect 0 "$isoflop" predict "$model" one.pgm --show
[ "$(awk 'length($0) == 56' out | wc -l)" = 28 ] || fail "not 28 x 28 pixels"
awk 'NR == 1 || NR == 28 { if ($0 ~ /[^ ]/) exit 1 }' out || fail "ink in the first or last row"
picture small.pgm 28 28 "y < .5 && x < .3"
expect 0 "$isoflop" predict "$model" small.pgm --show
sed -n 1p out | grep -q '^%%%%%%%%' || fail "a picture of the model's size was moved"
expect 0 "$isoflop" predict "$model" small.pgm --show --invert no
sed -n 1p out | grep -q '%%%%%%%%$' || fail "--invert no inverts"
expect 0 "$isoflop" predict "$model" small.pgm --show --fit box
sed -n 1p out | grep -q '^ *$' || fail "--fit box does not move"

# Mistakes.
expect 1 "$isoflop" predict "$model" one.pgm --fit none
holds err 'it has 200 x 300 pixels and the model takes 28 x 28'
picture white.pgm 30 30 0
expect 1 "$isoflop" predict "$model" white.pgm
holds err 'there is nothing on it'
expect 1 "$isoflop" predict "$model" digits.yaml
holds err 'neither PNG nor PGM'
expect 1 "$isoflop" predict "$model" absent.png
holds err 'absent.png'
# One that can't be used does not keep the others from being looked at.
expect 1 "$isoflop" predict "$model" white.pgm zero.pgm absent.png one.pgm
holds err 'white.pgm: there is nothing on it'
holds err 'absent.png'
[ "$(wc -l < out)" = 2 ] || fail "not the two good pictures"
expect 1 "$isoflop" predict "$model" white.pgm one.pgm --format json
[ "$(grep -c prediction out)" = 1 ] || fail "not the good picture as JSON"
expect 2 "$isoflop" predict "$model"
expect 2 "$isoflop" predict run one.pgm
holds err 'run is a folder; a model is a file such as run/checkpoints/KEY/final.safetensors'
expect 2 "$isoflop" predict digits.yaml one.pgm
holds err 'safetensors'
expect 2 "$isoflop" predict "$model" one.pgm --fit wide
holds err 'digit, box, whole, none'
expect 0 "$isoflop" run digits.yaml --out parity --set 'dataset={sparse_parity: {train_size: 200}}' --set 'train={epochs: 1, batch: 50}'
expect 1 "$isoflop" predict "$(echo parity/checkpoints/*/final.safetensors)" one.pgm
holds err 'no images'
echo "predict: passed"
