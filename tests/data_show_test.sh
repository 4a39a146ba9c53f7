#!/bin/sh
# isoflop data show: counts, statistics and a sheet, of a data set that needs parameters too.
set -eu
. "${srcdir:-.}/tests/command_test.sh"

expect 0 "$isoflop" data show digits --count 20
holds out '^inputs      784 (28 x 28 x 1)$'
holds out '^sheet       digits-train.png$'
[ "$(dd if=digits-train.png bs=1 skip=1 count=3 2> /dev/null)" = PNG ] || fail "the sheet is no PNG"
[ "$(awk '/^class/ { sum += $3 } END { print sum }' out)" = 60000 ] || fail "the classes are not counted"

# As a recipe has them: some classes, another split, a file of one's own.
expect 0 "$isoflop" data show digits --split validation --set dataset.digits.validation_size=300 \
    --set 'dataset.digits.classes=[1, 7]' --set dataset.digits.train_size=500 --out two.png
[ "$(awk '/^class/ { sum += $3; n++ } END { print sum, n }' out)" = '300 2' ] || fail "not 300 examples of two classes"
[ -s two.png ] || fail "no sheet"
printf 'label,a,b\n0,1,2\n1,2,3\n1,4,5\n0,3,3\n' > table.csv
expect 0 "$isoflop" data show csv --set dataset.csv.file=table.csv
holds out '^inputs      2$'
holds out '^range       1 to 5$'
holds err 'are no images'
expect 0 "$isoflop" data show digits --set dataset=sparse_parity
holds out '^sparse_parity: '

# Mistakes.
expect 2 "$isoflop" data show csv
holds err 'csv.file is missing'
holds err '\-\-set dataset.csv.PARAMETER=VALUE'
expect 2 "$isoflop" data show csv --set dataset.csv.fil=table.csv
holds err 'did you mean "file"'
expect 1 "$isoflop" data show csv --set dataset.csv.file=absent.csv
holds err 'absent.csv'
expect 2 "$isoflop" data show digits --set train.epochs=3
holds err 'no key "train"'
expect 1 "$isoflop" data show digits --split validation
holds err 'validation_size'
expect 2 "$isoflop" data show nonesuch
expect 2 "$isoflop" data show
expect 2 "$isoflop" data list --set dataset=digits
echo "data show: passed"
