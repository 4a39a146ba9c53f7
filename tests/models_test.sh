#!/bin/sh
# recipes/models: every recipe is right and the linter has no remark on it; searches never look at the test set during
# training and choose by validation; final recipes train on all data, with five seeds that chose nothing. Where the data
# are, two steps of the final ones.
set -eu
. "${srcdir:-.}/tests/command_test.sh"

count=0
for recipe in "$srcdir"/recipes/models/*.yaml; do
    name=$(basename "$recipe" .yaml)
    expect 0 "$isoflop" check "$recipe"
    lacks err .
    holds "$recipe" "^name: $name\$"
    holds "$srcdir/recipes/models/README.md" "$name.yaml"
    ! grep -q '^measure:.*test' "$recipe" || fail "$name measures the test set during training"
    case $name in
    *_search)
        holds "$recipe" 'validation_size: [1-9]'
        holds "$recipe" '^sweep:'
        ;;
    *)
        [ -e "$srcdir/recipes/models/${name}_search.yaml" ] || fail "$name: no search chose it"
        ! grep -q '^sweep:' "$recipe" || fail "$name has a sweep"
        ! grep -q 'validation_size: [1-9]' "$recipe" || fail "$name does not train on all data"
        holds "$recipe" '^seeds: \[[0-9]*, [0-9]*, [0-9]*, [0-9]*, [0-9]*\]'
        chosen=$(sed -n 's/^seeds: \([0-9]*\)$/\1/p' "$srcdir/recipes/models/${name}_search.yaml")
        sed -n 's/^seeds: //p' "$recipe" | tr -d '[] ' | tr ',' '\n' > seeds
        while read -r seed; do
            [ "$seed" -ge "$chosen" ] || fail "$name: seed $seed chose the model"
        done < seeds
        ;;
    esac
    count=$((count + 1))
done
[ $count -ge 6 ] || fail "only $count recipes"
echo "ok: $count recipes"

for dataset in mnist fashion_mnist cifar10; do
    if [ -n "${ISOFLOP_DATA-}" ] && "$isoflop" data list 2> /dev/null | grep -q "^$dataset  *here"; then
        expect 0 "$isoflop" run "$srcdir/recipes/models/$dataset.yaml" --smoke --jobs 1 --set 'seeds=[2]'
        echo "ok: two steps of $dataset"
    else
        echo "skipped: no data for $dataset (set ISOFLOP_DATA)"
    fi
done
echo "models: passed"
