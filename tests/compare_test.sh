#!/bin/sh
# isoflop compare: settings that differ, trials in common, means side by side.
set -eu
. "${srcdir:-.}/tests/command_test.sh"

cat > one.yaml <<'RECIPE'
name: one
dataset: {digits: {train_size: 300, validation_size: 100, test_size: 100}}
model: {hidden: {width: 4, depth: 1}}
optimizer: sgd
schedule: {constant: {rate: 0.1}}
train: {epochs: 1, batch: 50}
seeds: 3
sweep: {model.hidden.width: [4, 8], schedule.constant.rate: [0.1, 0.3]}
RECIPE
sed -e 's/name: one/name: two/' -e 's/\[4, 8\]/[8, 16]/' -e 's/^seeds: 3/seeds: 2/' one.yaml > two.yaml
sed -e 's/name: one/name: three/' -e 's/^optimizer.*/optimizer: {momentum: {momentum: 0.5}}/' \
    -e 's/^sweep.*/sweep: {model.hidden.width: [4, 8]}/' one.yaml > three.yaml
for name in one two three; do expect 0 "$isoflop" run $name.yaml --out $name --no-figures; done
expect 0 "$isoflop" compare one two three
holds out '^seeds  *3  *2  *3$'
holds out '^optimizer  *"sgd"  *"sgd"  *"momentum"$'
holds out '^optimizer.momentum.momentum  *-  *-  *0.5$'
holds out '^sweep.model.hidden.width  *\[4,8\]  *\[8,16\]  *\[4,8\]$'
lacks out '^train\|^dataset\|^name'
holds out '^1 and 2: 4; ended in both: 4, of these equal to the bit: 4$'
holds out '^1 and 3: 0$'
holds out '^8  *0.1  *[0-9.]* ± [0-9.]* (3).* ± [0-9.]* (2).* ± [0-9.]* (3)'
holds out '^16  *0.3  *[0-9.]* ± [0-9.]* (2)'
[ "$(grep -c ' best' out)" -ge 1 ] || fail "the best of each"
expect 0 "$isoflop" compare one two --column test.loss --format csv
"$isoflop" table one --column test.loss --format csv | tail -n +2 | cut -d, -f1-2,9-11 > wanted
grep '^1,' out | cut -d, -f3-4,10-12 > got
cmp wanted got || fail "means: $(diff wanted got)"
[ "$(wc -l < out)" -eq 9 ] || fail "rows of csv"
expect 0 "$isoflop" compare one two --format markdown
holds out '^## settings that differ'
expect 0 "$isoflop" compare one two --format json
if command -v python3 > /dev/null; then
    python3 -c '
import json
j = json.load(open("out"))
assert [e["trials"] for e in j["experiments"]] == [12, 8]
assert j["common"] == [{"experiments": [1, 2], "common": 4, "ended": 4, "equal": 4, "largest_difference": 0.0}], j["common"]
assert {"path": "seeds", "values": [3, 2]} in j["settings"] and len(j["rows"]) == 8' || fail "JSON"
fi
expect 0 "$isoflop" compare one one
holds out '^none$'
expect 2 "$isoflop" compare one
expect 2 "$isoflop" compare one nowhere
holds err 'nowhere holds no experiment'
expect 2 "$isoflop" compare one two --column losss
holds err 'there is no column'
echo "ok: experiments side by side"
