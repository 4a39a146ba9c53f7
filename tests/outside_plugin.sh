#!/bin/sh
# outside_plugin.sh PREFIX: with isoflop installed under PREFIX, an activation is written, built with one cc line against
# the installed headers, passes conformance and is used in a recipe by name.
set -eu
prefix=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
PATH=$prefix/bin:$PATH
PKG_CONFIG_PATH=$prefix/lib/pkgconfig
XDG_CACHE_HOME=$folder/cache
export PATH PKG_CONFIG_PATH XDG_CACHE_HOME
unset ISOFLOP_PLUGIN_PATH || :
cd "$folder"

mkdir -p my/activation
cat > my/activation/shifted.c <<'PLUGIN'
#include <isoflop/plugin.h>

struct shifted { double shift; };

static void forward(const void *state, size_t n, const float *x, float *y)
{
    const float shift = (float)((const struct shifted *)state)->shift;
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] > shift ? x[i] - shift : 0;
}

static void backward(const void *state, size_t n, const float *x, const float *y, const float *dy, float *dx)
{
    (void)state, (void)x;
    for (size_t i = 0; i < n; i++)
        dx[i] = y[i] > 0 ? dy[i] : 0;
}

static const struct iso_param params[] = { ISO_REAL(struct shifted, shift, "0.1", -10, 10, "where it starts"), { 0 } };
static const struct iso_activation ops = { .flops_forward = 2, .flops_backward = 1, .forward = forward,
                                           .backward = backward };
ISO_PLUGIN(ops, .name = "shifted", .revision = 1, .summary = "max(x - shift, 0)",
           .state_size = sizeof(struct shifted), .params = params);
PLUGIN
# shellcheck disable=SC2046 # flags are words
cc -shared -fPIC -O2 -Wall -Wextra -Werror $(pkg-config --cflags isoflop) -o my/activation/shifted.so my/activation/shifted.c

cat > recipe.yaml <<'RECIPE'
name: outside
dataset: {digits: {train_size: 500, validation_size: 100, test_size: 100}}
model: {hidden: [8], activation: {shifted: {shift: 0.2}}}
schedule: {constant: {rate: 0.1}}
train: {epochs: 1}
seeds: 2
RECIPE
isoflop check my/activation/shifted.so
isoflop run recipe.yaml --plugin-path my
isoflop export results/outside --table trials --format csv >trials.csv
[ "$(grep -c ',done,' trials.csv)" = 2 ] || { cat trials.csv; echo "the trials did not end as done"; exit 1; }
# By name, the installed plugins are found without any path.
[ "$(isoflop plugins --format json | grep -c '"kind"')" -ge 15 ]
echo "a plugin from outside the tree works against the installed headers"
