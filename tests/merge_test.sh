#!/bin/sh
# Shards of a sweep, merged: equal to one run, whatever the order; conflicts, hostile stores and kills harm nothing.
set -eu
. "${srcdir:-.}/tests/command_test.sh"

cat > small.yaml <<'RECIPE'
name: small
dataset: {digits: {train_size: 300, validation_size: 100, test_size: 100}}
model: {hidden: {width: 4, depth: 1}, activation: relu, initializer: he}
schedule: {constant: {rate: 0.1}}
train: {epochs: 2, batch: 50}
seeds: 3
sweep:
  model.hidden.width: [4, 8]
  schedule.constant.rate: [0.1, 0.3]
measure: {also: [gradient_norm]}
checkpoint: [best, final]
RECIPE
expect 0 "$isoflop" run small.yaml --out whole --jobs 2
for part in 1 2 3; do
    expect 0 "$isoflop" run small.yaml --out "shard$part" --shard $part/3 --jobs 1 --no-figures
done
sums() { find shard1 shard2 shard3 -type f -exec cksum {} + | sort; }
sums > before
expect 0 "$isoflop" merge all shard1 shard2 shard3
holds out '^all: 12 trials added'
sums > after
cmp before after || fail "merging changed its sources"
same_results whole all
expect 0 "$isoflop" run small.yaml --out all
holds err 'nothing to do: all 12 trials are done'
for command in status table; do
    "$isoflop" $command whole > a
    "$isoflop" $command all > b
    cmp a b || fail "$command differs"
done
cmp whole/figures/loss.svg all/figures/loss.svg 2> err || {
    "$isoflop" plot whole > err2
    "$isoflop" plot all > err2
    diff -r whole/figures all/figures || fail "figures differ"
}
cmp small.yaml all/recipe.yaml || fail "recipe.yaml"
expect 0 "$isoflop" show all
holds out 'merged.*shard2'
echo "ok: shards merged are one run"

contents() { # of a store: every table that can be seen
    for table in trials points; do "$isoflop" export "$1" --table $table; done
    "$isoflop" status "$1"
    "$isoflop" show "$1"
}
contents all > kept
expect 0 "$isoflop" merge all shard3 shard1
holds out ' 0 trials added, 0 taken over.* 8 equal to the bit'
export_all all a
same_results whole all
contents all > again
cmp again kept || fail "merging again changed the store"
expect 0 "$isoflop" merge other shard3 shard2 shard1
same_results whole other
echo "ok: again, and in another order"

# ---- Unfinished ones yield, whichever comes first ----
expect 0 "$isoflop" merge partly shard2
expect 0 "$isoflop" status partly
holds out '4 done, .* 8 pending'
expect 0 "$isoflop" merge partly shard1
holds out ' 0 trials added, 4 taken over'
expect 0 "$isoflop" run small.yaml --out partly --no-figures
holds err '4 trials to train, 8 done'
same_results whole partly

# ---- Another recipe beside it ----
sed -e 's/^name: small/name: wider/' -e 's/\[4, 8\]/[8, 16]/' small.yaml > wider.yaml
expect 0 "$isoflop" run wider.yaml --out wider --no-figures
expect 0 "$isoflop" merge both whole wider
holds out '18 trials added, 0 taken over where unfinished, 6 equal'
export_all both b
cmp a.trials.csv b.trials.csv || fail "the first recipe is not the merged one's"
expect 0 "$isoflop" run wider.yaml --out both --no-figures
holds err 'nothing to do: all 12'
echo "ok: unfinished trials, several recipes"

# ---- Conflicts ----
if command -v sqlite3 > /dev/null; then query() { sqlite3 "$1" "$2"; }
elif python3 -c 'import sqlite3' 2> /dev/null; then
    query() { python3 -c 'import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.executescript(sys.argv[2]); c.commit()' "$1" "$2"; }
else
    query() { return 1; }
fi
unharmed() {
    contents all > again
    cmp again kept || fail "a refused merge changed OUT"
}
refused() { # STATUS WORDS SQL
    rm -rf bad
    cp -r shard1 bad
    query bad/results.db "$3"
    expect "$1" "$isoflop" merge all bad
    holds err "$2"
    unharmed
    expect "$1" "$isoflop" merge fresh bad shard1
    [ ! -e fresh ] || fail "a refused merge left a folder"
}
if query shard1/results.db 'SELECT 1' > /dev/null; then
    sums > before
    refused 1 'trial [0-9a-f]*: validation_loss is 0.5 in bad but .* at equal numerics' \
        "UPDATE trials SET validation_loss = 0.5 WHERE id = 1 OR id = 4"
    refused 1 'train_loss at step 12 is' "UPDATE points SET train_loss = train_loss * 1.0000001 WHERE step = 12"
    refused 1 'gradient_norm at step 6' "UPDATE points SET extras = replace(extras, '1', '2') WHERE step = 6"
    refused 1 'status is diverged' "UPDATE trials SET status = 'diverged' WHERE status = 'done'"
    refused 2 'is no key' "UPDATE trials SET key = '../../../../tmp/x' WHERE id = 1"
    refused 2 'schema version 99' 'PRAGMA user_version = 99'
    refused 2 'is no results store' 'PRAGMA application_id = 7'
    refused 2 'is no results store' 'DROP TABLE laws'
    refused 2 'is no results store' 'CREATE VIEW v AS SELECT 1'
    refused 2 'no such column' 'ALTER TABLE trials RENAME COLUMN flops TO flips'
    refused 2 'flops of a row is no count' "UPDATE trials SET flops = 1e300 WHERE id = 1"
    refused 2 'flops of a row is no count' "UPDATE trials SET flops = -5 WHERE id = 1"
    refused 2 'train_loss of a row is no finite number' "UPDATE points SET train_loss = 9e999 WHERE step = 6"
    refused 2 'train_loss of a row is no finite number' "UPDATE trials SET train_loss = 'low' WHERE id = 1"
    refused 2 'has the status' "UPDATE trials SET status = 'fine' WHERE id = 1"
    refused 2 'no run, numerics or recipe' "UPDATE trials SET numerics = 77 WHERE status = 'done'"
    refused 2 'places of trials have gaps' "DELETE FROM places WHERE place = 2"
    # At other numerics: within the tolerance, or not.
    rm -rf bad
    cp -r shard1 bad
    query bad/results.db "UPDATE numerics SET libm = 'another'; UPDATE trials SET validation_loss = validation_loss + 0.001 WHERE status = 'done'; UPDATE points SET test_loss = NULL"
    cp -r all elsewhere
    expect 0 "$isoflop" merge elsewhere bad
    holds out ' 4 at other numerics kept'
    holds err 'at other numerics: largest difference .*: validation_loss .* kept, of .*glibc.* in bad of .*another'
    same_results whole elsewhere
    expect 1 "$isoflop" merge elsewhere bad --tolerance 1e-6
    holds err 'validation_loss is .* more than other numerics explain'
    query bad/results.db "UPDATE trials SET params = params + 1"
    expect 1 "$isoflop" merge elsewhere bad
    holds err 'params is '
    cmp before after && sums > after && cmp before after || fail "a source was changed"
    echo "ok: conflicts and hostile stores are refused"
else
    echo "skip: conflicts (neither sqlite3 nor python3 is here)"
fi

# ---- Files that are no stores, damaged ones, and OUT itself ----
rm -rf bad fresh
mkdir bad
expect 2 "$isoflop" merge fresh bad
holds err 'holds no experiment'
expect 2 "$isoflop" merge fresh nowhere
echo "this is no database, though it is called one, and it is a little longer than a header" > bad/results.db
expect 2 "$isoflop" merge fresh bad
holds err 'not a database'
size=$(wc -c < shard1/results.db)
for cut in 100 5000 $((size / 2)) $((size - 3000)); do
    head -c "$cut" shard1/results.db > bad/results.db
    expect 2 "$isoflop" merge all bad
    unharmed
done
offset=0
while [ $offset -lt "$size" ]; do # a page overwritten here and there
    cp shard1/results.db bad/results.db
    printf 'ISOFLOPISOFLOPISOFLOP' | dd of=bad/results.db bs=1 seek=$((offset + 8)) conv=notrunc 2> err2
    code=0
    "$isoflop" merge fresh bad > out 2> err || code=$?
    [ $code -le 2 ] || fail "exit status $code of a damaged store"
    rm -rf fresh
    offset=$((offset + 4096 * 3))
done
expect 2 "$isoflop" merge all all
holds err 'is the folder to merge into'
expect 2 "$isoflop" merge all
expect 2 "$isoflop" merge all shard1 --tolerance low
unharmed
echo "ok: files that are no stores"

# ---- Checkpoints ----
rm -rf bad
cp -r shard1 bad
file=$(ls bad/checkpoints/*/final.safetensors | head -1)
printf 'x' | dd of="$file" bs=1 seek=2000 conv=notrunc 2> err2
expect 1 "$isoflop" merge all bad
holds err 'the checkpoints .* differ, at equal numerics'
unharmed
ln -sf /etc/passwd "$file"
expect 0 "$isoflop" merge linked bad
[ ! -e "linked/${file#bad/}" ] || fail "a symbolic link was followed"
echo "ok: checkpoints are compared"

# ---- Killed in the middle, then again ----
round=0
while [ $round -lt "${KILL_ROUNDS:-12}" ]; do
    background "$isoflop" merge killed shard1 shard2 shard3
    sleep "0.0$round"
    kill -9 $process 2> err2 || :
    wait $process 2> err2 || :
    round=$((round + 1))
    [ $((round % 4)) -ne 0 ] || rm -rf killed
done
expect 0 "$isoflop" merge killed shard1 shard2 shard3
same_results whole killed
left=$(find killed -name '*.tmp')
[ -z "$left" ] || fail "a killed merge left parts of files: $left"
echo "ok: killed merges"

faults=$builddir/tests/.libs/faults.so
if [ -e "$faults" ] && LD_PRELOAD=$faults "$isoflop" --version > out 2> err; then
    struck() { # VARIABLES: a merge that is struck at a system call
        env LD_PRELOAD="$faults" FAULTS_FOLDER="$folder/struck/" FAULTS_DO=kill "$@" \
            "$isoflop" merge struck shard1 shard2 shard3
    }
    expect 0 struck FAULTS_COUNT="$folder/count"
    calls=$(cat count)
    [ "$calls" -gt 60 ] || fail "only $calls system calls of a merge were counted"
    n=1
    while [ $n -le "$calls" ]; do
        rm -rf struck
        expect 137 struck FAULTS_AT=$n
        expect 0 "$isoflop" merge struck shard1 shard2 shard3
        same_results whole struck
        left=$(find struck -name '*.tmp' -o -name '*-wal')
        [ -z "$left" ] || fail "a merge that was killed at system call $n left $left"
        n=$((n + ${KILL_STEP:-11}))
    done
    echo "ok: killed at system calls, $calls of them"
else
    echo "skip: killed at system calls, as $faults can't be preloaded"
fi
