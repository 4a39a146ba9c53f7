#!/bin/sh
# The script in recipes/models/README.md that turns the report's pickles into checkpoints, against NumPy's own forward
# pass; and files whose metadata say little. Skipped in words without NumPy.
set -eu
. "${srcdir:-.}/tests/command_test.sh"
python=
for candidate in ${PYTHON-} python3 /usr/bin/python3; do
    if "$candidate" -c 'import numpy' 2> /dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "skipped: no Python with NumPy was found (Debian: apt-get install python3-numpy)"
    exit 77
fi

sed -n '/^```python$/,/^```$/p' "$srcdir/recipes/models/README.md" | sed '1d;$d' > convert.py
grep -q '^import .*pickle' convert.py || fail "recipes/models/README.md has no script"
lacks convert.py safetensors.numpy
cp "$srcdir/tests/convert_test.py" .

# Pickles as the report's program leaves them, and what it would answer.
"$python" convert_test.py make > out 2> err || fail "no pickles"
for model in sigmoid relu leaky deep colour; do
    "$python" convert.py $model.txt "{arrays: {file: $folder/$model.npz}}" $model.safetensors > out 2> err ||
        fail "$model: the script fails"
    expect 0 "$isoflop" eval $model.safetensors --format json
    mv out $model.eval
    expect 0 "$isoflop" predict $model.safetensors $model.0.p?m $model.1.p?m --fit none --invert no --format json
    mv out $model.predict
    "$python" convert_test.py compare $model > out 2> err || fail "$model: other answers than NumPy's"
done
echo "ok: pickles of the report"

# What metadata leave out comes from the data set.
for left in normalisation image normalisation,image format,normalisation,image; do
    "$python" convert_test.py strip relu $left stripped.safetensors
    expect 0 "$isoflop" predict stripped.safetensors relu.0.pgm relu.1.pgm --fit none --invert no --format json
    cmp out relu.predict > /dev/null || fail "other answers without $left"
    expect 0 "$isoflop" eval stripped.safetensors --format json
    sed 's/stripped/relu/' out | cmp -s - relu.eval || fail "another loss without $left"
done
"$python" convert_test.py strip colour normalisation,image stripped.safetensors
expect 0 "$isoflop" predict stripped.safetensors colour.0.ppm colour.1.ppm --fit none --format json
cmp out colour.predict > /dev/null || fail "other answers in colour without metadata"
# The window, where the program was built with it: SDL's drivers leak.
if ASAN_OPTIONS=detect_leaks=0 env -u DISPLAY -u WAYLAND_DISPLAY "$isoflop" draw stripped.safetensors \
    --image colour.0.ppm --screenshot colour.png > out 2> err; then
    [ -s colour.png ] || fail "no screenshot"
else
    holds err 'without its window'
fi
mv relu.npz away.npz
expect 0 "$isoflop" predict relu.safetensors relu.0.pgm
lacks err .
"$python" convert_test.py strip relu image stripped.safetensors
expect 1 "$isoflop" predict stripped.safetensors relu.0.pgm
holds err 'its metadata have no image'
holds err 'relu.npz'
"$python" convert.py relu.txt "{arrays: {file: $folder/colour.npz}}" other.safetensors
"$python" convert_test.py strip other image,normalisation stripped.safetensors
expect 1 "$isoflop" predict stripped.safetensors relu.0.pgm
holds err 'the data set has 3072 inputs and 10 outputs, the model 784 and 10'
expect 2 "$isoflop" eval stripped.safetensors
"$python" convert_test.py strip relu recipe stripped.safetensors
expect 2 "$isoflop" predict stripped.safetensors relu.0.pgm
holds err 'no recipe'
holds err 'dataset'
mv away.npz relu.npz
echo "ok: little metadata"

# The real thing, where it is.
if [ -n "${ISOFLOP_DATA-}" ] && "$isoflop" data list 2> /dev/null | grep -q '^mnist  *here'; then
    "$python" convert_test.py mnist || fail "no network for MNIST"
    "$python" convert.py mnist.txt mnist mnist.safetensors
    expect 0 "$isoflop" eval mnist.safetensors --format json
    mv out mnist.eval
    "$python" convert_test.py compare mnist > out 2> err || fail "mnist: other answers than NumPy's"
    echo "ok: MNIST"
else
    echo "skipped: MNIST is not here (set ISOFLOP_DATA)"
fi
echo "convert: passed"
