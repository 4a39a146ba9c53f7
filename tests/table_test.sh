#!/bin/sh
# isoflop table: means, deviations, pivots and paired differences against awk; diverged trials are counted.
set -eu
. "${srcdir:-.}/tests/command_test.sh"

cat > sweep.yaml <<'RECIPE'
name: sweep
dataset: {digits: {train_size: 300, validation_size: 100, test_size: 100}}
model: {hidden: {width: 4, depth: 1}, activation: squared_relu, initializer: he}
schedule: {constant: {rate: 0.1}}
train: {epochs: 2, batch: 50}
seeds: 4
sweep:
  model.hidden.width: [4, 8]
  schedule.constant.rate: [0.02, 0.1, 1000000]
  train.batch: [25, 50]
RECIPE
expect 0 "$isoflop" run sweep.yaml --out all --no-figures
"$isoflop" export all > trials.csv
head -1 trials.csv | tr ',' '\n' > names
column() { grep -n -x -F -e "$1" names | cut -d: -f1; }
width=$(column model.hidden.width) rate=$(column schedule.constant.rate) batch=$(column train.batch)
test=$(column test.loss) status=$(column status) seed=$(column seed)

# ---- Means and deviations ----
awk -F, -v w="$width" -v r="$rate" -v b="$batch" -v t="$test" -v s="$status" '
    NR > 1 { k = $w "," $r "," $b; if (!(k in all)) order[++keys] = k; all[k]++
             if ($s == "done") { n[k]++; sum[k] += $t; v[k, n[k]] = $t } else if ($s == "diverged") bad[k]++ }
    END { for (i = 1; i <= keys; i++) { k = order[i]; m = n[k] ? sum[k] / n[k] : 0; q = 0
          for (j = 1; j <= n[k]; j++) q += (v[k, j] - m) ^ 2
          printf "%s,%d,%d,%d,%.9f,%.9f\n", k, all[k], n[k], bad[k], m, (n[k] > 1 ? sqrt(q / (n[k] - 1)) : 0) } }' \
    trials.csv > wanted
expect 0 "$isoflop" table all --column test.loss --format csv
[ "$(head -1 out)" = "model.hidden.width,schedule.constant.rate,train.batch,trials,done,diverged,failed,params,best,test.loss.mean,test.loss.sd,test.loss.n" ] \
    || fail "columns: $(head -1 out)"
awk -F, 'NR > 1 { printf "%s,%s,%s,%d,%d,%d,%.9f,%.9f\n", $1, $2, $3, $4, $5, $6, $10, $11 }' out > got
cmp wanted got || fail "means: $(diff wanted got)"
expect 0 "$isoflop" table all --column test.loss
holds out ' 0 of 4, 4 diverged '
holds out ' 3 of 4, 1 diverged '
[ "$(grep -c 'best$' out)" = 1 ] || fail "one point is the best"
expect 0 "$isoflop" table all --columns test.loss,validation.loss --format markdown
holds out '^| ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |$'
expect 0 "$isoflop" table all --column test.loss --format json
[ "$(tr -d ' ' < out | grep -c '"test.loss.mean":')" = 12 ] || fail "rows of JSON"
if command -v python3 > /dev/null; then
    python3 -c 'import json,sys; assert len(json.load(open("out"))) == 12' || fail "JSON"
fi

# ---- Sorted: what has no mean comes last ----
for sort in "--sort test.loss" "--sort -test.loss" "--sort test.loss --descending"; do
    expect 0 "$isoflop" table all --column train.loss,test.loss $sort --format csv
    tail -n +2 out | cut -d, -f13 > means
    [ -z "$(tail -1 means)" ] || fail "the point without a mean is not last"
    head -11 means > some
    case $sort in *-test*|*descending) sort -t, -g -r some ;; *) sort -t, -g some ;; esac | cmp - some || fail "$sort"
done
expect 0 "$isoflop" table all --sort -train.batch --column test.loss --format csv
[ "$(sed -n 2p out | cut -d, -f3)" = 50 ] || fail "sorted by a swept path"
expect 2 "$isoflop" table all --sort losss
holds err 'there is no column'
expect 2 "$isoflop" table all --column status
holds err 'holds texts'
echo "ok: means, deviations, order"

# ---- Pivoted ----
expect 0 "$isoflop" table all --pivot schedule.constant.rate --value test.loss --format csv
[ "$(head -1 out | cut -d, -f1-6)" = "model.hidden.width,train.batch,test.loss[schedule.constant.rate=0.02].mean,test.loss[schedule.constant.rate=0.02].sd,test.loss[schedule.constant.rate=0.02].n,test.loss[schedule.constant.rate=0.02].diverged" ] || fail "pivot: $(head -1 out)"
[ "$(wc -l < out)" -eq 5 ] || fail "rows of the pivot"
awk -F, '{ printf "%s,%s,%.9f\n", $1, $2, $7 }' out | tail -n +2 > got
awk -F, '$2 == 0.1 { printf "%s,%s,%s\n", $1, $3, $7 }' wanted > some
cmp some got || fail "pivoted means: $(diff some got)"
[ "$(tail -1 out | cut -d, -f14)" = 4 ] || fail "diverged trials of the pivot"
expect 0 "$isoflop" table all --pivot schedule.constant.rate --sort -model.hidden.width
holds out '^model.hidden.width  train.batch *0.02 *0.1 *1000000$'
[ "$(sed -n 3p out | cut -c1-18 | tr -d ' ')" = 8 ] || fail "sorted pivot"
holds out 'best'
expect 0 "$isoflop" table all --pivot seed --value test.loss --format csv
[ "$(head -1 out | tr ',' '\n' | grep -c mean)" = 4 ] || fail "a pivot by seed"
expect 2 "$isoflop" table all --pivot model.hiden.width
holds err 'did you mean "model.hidden.width"'
echo "ok: pivots"

# ---- Paired by seed: t(0.975, 3) = 3.182446305 ----
awk -F, -v w="$width" -v r="$rate" -v b="$batch" -v t="$test" -v s="$status" -v d="$seed" '
    NR > 1 && $s == "done" { v[$w, $r, $b, $d] = $t }
    END { for (W = 4; W <= 8; W += 4) for (B = 25; B <= 50; B += 25) { m = q = 0
          for (i = 0; i < 4; i++) m += (v[W, 0.1, B, i] - v[W, 0.02, B, i]) / 4
          for (i = 0; i < 4; i++) q += (v[W, 0.1, B, i] - v[W, 0.02, B, i] - m) ^ 2
          sd = sqrt(q / 3); h = 3.182446305283708 * sd / 2
          printf "%d,0.1,%d,4,4,%.8f,%.8f,%.8f,%.8f\n", W, B, m, sd, m - h, m + h } }' trials.csv > wanted
expect 0 "$isoflop" table all --paired schedule.constant.rate --column test.loss --format csv
[ "$(head -1 out)" = "model.hidden.width,schedule.constant.rate,train.batch,reference,column,pairs,n,diverged,failed,difference,sd,low,high,confidence" ] || fail "columns: $(head -1 out)"
awk -F, '$2 == 0.1 { printf "%s,%s,%s,%s,%s,%.8f,%.8f,%.8f,%.8f\n", $1, $2, $3, $6, $7, $10, $11, $12, $13 }' out > got
cmp wanted got || fail "paired differences: $(diff wanted got)"
[ "$(awk -F, '$1 == 8 && $2 == 1000000 && $3 == 50' out | cut -d, -f6-10)" = "4,0,4,0," ] || fail "diverged pairs"
expect 0 "$isoflop" table all --paired schedule.constant.rate --reference 0.1 --confidence 0.9
holds out 'from schedule.constant.rate = 0.1, paired by seed.*90 % interval'
holds out ' 0 of 4, 4 diverged '
expect 2 "$isoflop" table all --paired schedule.constant.rate --reference 7
holds err 'no value 7'
expect 2 "$isoflop" table all --paired model.depth
holds err 'was not swept'
expect 2 "$isoflop" table all --paired train.batch --confidence 95
holds err 'between 0 and 1'

# ---- Whole numbers that doubles do not tell apart are points of their own ----
expect 0 "$isoflop" run sweep.yaml --out large --no-figures --set seeds=2 --set train.epochs=1 \
    --set 'sweep={dataset.digits.subset_seed: [9007199254740993, 9007199254740992]}'
expect 0 "$isoflop" table large
holds out ' 9007199254740993  2 '
holds out ' 9007199254740992  2 '
expect 0 "$isoflop" table large --paired dataset.digits.subset_seed
holds out 'differences from dataset.digits.subset_seed = 9007199254740993'
holds out '^ *9007199254740992  2 '

echo "ok: paired differences"
