#!/bin/sh
# isoflop select: the best point and its neighbours against awk, what is refused, and the recipe of the final model.
set -eu
. "${srcdir:-.}/tests/command_test.sh"

cat > sweep.yaml <<'RECIPE'
name: sweep
dataset: {digits: {train_size: 1000, validation_size: 300, test_size: 100}}
model: {hidden: {width: 8, depth: 1}, activation: squared_relu, initializer: he}
schedule: {constant: {rate: 0.1}}
train: {epochs: 6, batch: 25, stop: {patience: 3}, best: validation.loss}
seeds: 4
sweep:
  model.hidden.width: [4, 8, 16]
  schedule.constant.rate: [0.02, 0.1, 1000000]
measure: {splits: [validation], train_eval: 100}
checkpoint: [best]
RECIPE
expect 0 "$isoflop" run sweep.yaml --out sweep --no-figures
"$isoflop" export sweep > trials.csv
head -1 trials.csv | tr ',' '\n' > names
column() { grep -n -x -F -e "$1" names | cut -d: -f1; }
best_by() { # COLUMN SIGN: the best complete point, its mean, and the mean best epoch
    awk -F, -v c="$(column "$1")" -v s="$2" -v w="$(column model.hidden.width)" -v r="$(column schedule.constant.rate)" \
        -v t="$(column status)" -v b="$(column best.step)" '
        NR > 1 { k = $w "," $r; all[k]++; if ($t == "done" && $c != "") { n[k]++; sum[k] += $c; step[k] += $b } }
        END { for (k in all) if (n[k] == all[k] && (best == "" || s * sum[k] / n[k] < s * sum[best] / n[best])) best = k
              printf "%s,%.6f,%.6g\n", best, sum[best] / n[best], step[best] / n[best] / 40 }' trials.csv
}
for by in validation.loss validation.accuracy best.validation.loss train_eval.loss; do
    case $by in *accuracy) sign=-1 ;; *) sign=1 ;; esac
    best_by $by $sign > wanted
    expect 0 "$isoflop" select sweep --by $by --format json
    tr -d ' \n' < out | sed -n 's/.*"best":{"settings":{"model.hidden.width":\([0-9]*\),"schedule.constant.rate":\([0-9.e-]*\)},"mean":\([0-9.]*\),.*/\1 \2 \3/p' > got
    [ "$(awk '{ printf "%s,%.6g,%.6f", $1, $2, $3 }' got)" = "$(cut -d, -f1-3 wanted)" ] || fail "$by: $(cat got), not $(cat wanted)"
done
expect 0 "$isoflop" select sweep
holds out '^runner-up:'
holds out '95 % interval .*noise'
holds out 'points are left out, as a seed of theirs diverged'
holds out 'warning: .* of 3 values tried: the best may lie beyond it'
for by in test.loss best.test.accuracy; do
    expect 2 "$isoflop" select sweep --by $by
    holds err "judged by it; use validation"
done
expect 2 "$isoflop" select sweep --by params
expect 2 "$isoflop" select nowhere
echo "ok: the best point, by what may choose"

# ---- Refit ----
best_by validation.loss 1 > wanted
expect 0 "$isoflop" select sweep --by validation.loss --refit final.yaml
expect 0 "$isoflop" check final.yaml
holds out '4 trials'
expect 0 "$isoflop" check final.yaml
lacks err 'warning'
holds final.yaml "^seeds: \[4, 5, 6, 7\]"
holds final.yaml "width: $(cut -d, -f1 wanted)\b"
holds final.yaml "epochs: $(cut -d, -f4 wanted)\$"
holds final.yaml 'train_size: 1300.*validation_size: 0'
holds final.yaml '^checkpoint: \[final\]'
lacks final.yaml 'patience\|^sweep\|splits\|  best:'
cp final.yaml kept.yaml
expect 2 "$isoflop" select sweep --refit final.yaml
holds err 'is there already'
cmp final.yaml kept.yaml || fail "a file was overwritten"
expect 0 "$isoflop" run final.yaml --out final --no-figures
[ "$(ls final/checkpoints/*/final.safetensors | wc -l)" -eq 4 ] || fail "checkpoints of the final model"
echo "ok: the recipe of the final model"

# ---- Nothing to choose from ----
sed -e 's/\[0.02, 0.1, 1000000\]/[1000000]/' -e 's/\[4, 8, 16\]/[16]/' -e 's/batch: 25/batch: 5/' sweep.yaml > none.yaml
expect 0 "$isoflop" run none.yaml --out none --no-figures
expect 2 "$isoflop" select none
holds err 'no point has all its seeds done'
sed -e 's/\[4, 8, 16\]/[4]/' -e 's/^  schedule.constant.rate.*/  loss: [cross_entropy, mse]/' sweep.yaml > losses.yaml
expect 0 "$isoflop" run losses.yaml --out losses --no-figures
expect 2 "$isoflop" select losses
holds err "values of different losses can't be compared"
expect 0 "$isoflop" select losses --by validation.accuracy
echo "ok: nothing to choose from"

# ---- A trial's recipe, from anywhere ----
mkdir -p data elsewhere
awk 'BEGIN { print "x,y,label"; for (i = 0; i < 200; i++) print i % 7 "," i % 5 "," (i % 2 ? "odd" : "even") }' > data/table.csv
cat > table.yaml <<'RECIPE'
name: table
dataset: {csv: {file: data/table.csv, test: data/table.csv}}
model: {hidden: [4]}
schedule: {constant: {rate: 0.1}}
train: {epochs: 1}
seeds: 2
RECIPE
expect 0 "$isoflop" run table.yaml --out table --no-figures
expect 0 "$isoflop" show table 2
holds out 'compiler'
holds out 'cpu'
cp out elsewhere/one.yaml
(cd elsewhere && "$isoflop" run one.yaml --out one --no-figures > out 2> err) || fail "a trial's recipe elsewhere: $(cat elsewhere/err)"
"$isoflop" export table | sed -n 3p | cut -d, -f2 > wanted
"$isoflop" export elsewhere/one | sed -n 2p | cut -d, -f2 > got
cmp wanted got || fail "a trial's recipe has another key elsewhere"
expect 0 "$isoflop" show table "$(cut -c1-9 wanted)"
expect 2 "$isoflop" show table zzz
holds err 'there is no trial'
echo "ok: a trial's recipe from anywhere"
