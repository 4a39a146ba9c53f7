#!/bin/sh
# `isoflop new` for every kind writes a plugin that builds with one cc line and conforms, and a recipe that is right.
set -eu
program=$(cd "$builddir" && pwd)/isoflop
headers=$(cd "$srcdir" && pwd)/include
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
XDG_CACHE_HOME=$folder/cache
export XDG_CACHE_HOME
cd "$folder"
for kind in activation loss initializer schedule optimizer dataset backend law; do
  "$program" new $kind my_$kind >told
  grep -q "^wrote my_$kind.c" told
  ${CC-cc} -shared -fPIC -O2 -ffp-contract=off -Wall -Wextra -Werror -I"$headers" -o my_$kind.so my_$kind.c -lm
  "$program" check ./my_$kind.so
done
"$program" new recipe my_recipe >told
"$program" check my_recipe.yaml

# What is there is left as it is; a wrong kind or name is refused in words.
if "$program" new law my_law 2>told; then echo "a file was overwritten"; exit 1; fi
grep -q "my_law.c is there already" told
if "$program" new los x 2>told; then echo "a kind that there is not was taken"; exit 1; fi
grep -q 'did you mean "loss"?' told
if "$program" new loss ../x 2>told; then echo "a path was taken for a name"; exit 1; fi
grep -q "the name of a plugin is made of" told

# A plugin of one's own is found by name, in text and as JSON; one that is wrong is told and ends with status 1.
mkdir -p mine/activation
mv my_activation.so mine/activation
"$program" --plugin-path mine plugins activation/my_activation | grep -q "slope: real from 0 to 1, default 1"
"$program" plugins activation --format json --plugin-path=mine | grep -q '"name": "my_activation"'
sed 's/dy\[i\] \* (y\[i\] + slope)/1.01f * &/' my_activation.c >wrong.c
sed 's/"my_activation"/"wrong"/' wrong.c >wrong.new && mv wrong.new wrong.c
${CC-cc} -shared -fPIC -O2 -ffp-contract=off -I"$headers" -o wrong.so wrong.c -lm
status=0
"$program" check ./wrong.so >told 2>&1 || status=$?
[ $status = 1 ] || { cat told; echo "status $status"; exit 1; }
grep -q "backward: is not the derivative of forward: at x = .*, expected .*, got " told

# A plugin's name alone, and what its page shows of a recipe.
if "$program" plugins gelu 2>told; then echo "a name was taken for a kind"; exit 1; fi
grep -q "did you mean activation/gelu?" told
"$program" plugins dataset/mnist >told
grep -q "in a recipe, at dataset: mnist$" told
grep -q "options of every dataset: classes, subset_seed, train_size" told
"$program" plugins loss/hinge | grep -q "at loss: {hinge: {margin: 1}}"
"$program" plugins schedule/step | grep -q "at schedule: {step: {rate: 0.01, every: 2}}"
