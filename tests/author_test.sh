#! /bin/sh
# Mistakes that authors of plugins make, each in a plugin built outside of the tree: `isoflop check` names the function
# and says what is wrong, and ends with status 1 (2: the file can't be used at all), also where the plugin crashes, ends
# the program, prints or never returns.
set -u
isoflop=$builddir/isoflop
case $srcdir in /*) source=$srcdir ;; *) source=$PWD/$srcdir ;; esac
case $isoflop in /*) ;; *) isoflop=$PWD/$isoflop ;; esac
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
XDG_CACHE_HOME=$folder/cache
export XDG_CACHE_HOME
cd "$folder" || exit 1
failed=0

# check STATUS WORDS [OPTION]...: of bad.c
check()
{
    expected=$1 words=$2
    shift 2
    $CC -w -shared -fPIC -O1 -ffp-contract=off -I"$source/include" -o bad.so bad.c -lm || exit 1
    "$isoflop" check ./bad.so "$@" > told 2>&1 < /dev/null
    status=$?
    [ $status -eq "$expected" ] || { echo "FAIL: status $status, not $expected: $words: $(cat told)"; failed=1; }
    grep -q -e "$words" told || { echo "FAIL: not told \"$words\" but: $(cat told)"; failed=1; }
}

# activation FORWARD BACKWARD STATUS WORDS: statements; FIELDS and EXTRA may be set
activation()
{
    cat > bad.c <<END
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>
#include <isoflop/plugin.h>
${EXTRA-}
static void forward(const void *state, size_t n, const float *x, float *y) { $1 }
static void backward(const void *state, size_t n, const float *x, const float *y, const float *dy, float *dx) { $2 }
static const struct iso_activation ops = { .flops_forward = 1, .flops_backward = 1, .forward = forward,
                                           .backward = backward ${OPS-} };
ISO_PLUGIN(ops, .name = "bad", .revision = 1, .summary = "s" ${FIELDS-});
END
    shift 2
    check "$@"
}
each='for (size_t i = 0; i < n; i++)'
relu="$each y[i] = x[i] > 0 ? x[i] : 0;"
slope="$each dx[i] = x[i] > 0 ? dy[i] : 0;"
activation "$relu" "$slope" 0 'activation/bad conforms'

# What ends the process, or holds it up.
activation "exit(0);" "$slope" 1 '^forward: ends the program, with exit status 0'
activation "$relu" "_exit(3);" 1 '^backward: ends the program, with exit status 3'
activation "abort();" "$slope" 1 '^forward: aborts'
activation "assert(n == 5);" "$slope" 1 "^forward: aborts, after it said: .*Assertion .n == 5. failed"
activation "for (;;) { __asm__ volatile(\"\"); }" "$slope" 1 '^forward: does not return within 0.5 seconds' \
    --timeout 0.5
activation "$relu write(1, \"here\\\\n\", 5);" "$slope" 1 'a plugin prints nothing, but this one says: "here'
activation "$relu" "dx[0] = *(const float *)state;" 1 '^backward: crashes (it follows a NULL pointer)'
EXTRA='static int setup(void *s, const struct iso_host *h, struct iso_error *e) { *(volatile int *)s = 1; return 0; }' \
FIELDS=', .setup = setup' activation "$relu" "$slope" 1 '^setup: crashes'
EXTRA='static double slope;
struct state { double a; };
static int setup(void *s, const struct iso_host *h, struct iso_error *e) { slope = ((struct state *)s)->a; return 0; }
static const struct iso_param params[] = { ISO_REAL(struct state, a, "0.5", 0, 1, "h"), { 0 } };' \
FIELDS=', .setup = setup, .state_size = sizeof(struct state), .params = params' \
activation "$each y[i] = (float)slope * x[i];" "$each dx[i] = (float)slope * dy[i];" 1 \
    '^setup: changes what another instance of the plugin gives'
EXTRA='static void teardown(void *s) { *(volatile int *)s = 1; }' \
FIELDS=', .teardown = teardown' activation "$relu" "$slope" 1 '^teardown: crashes'
EXTRA='__attribute__((constructor)) static void start(void) { exit(0); }' \
activation "$relu" "$slope" 1 '^loading it: ends the program'

# What was found before it ended is told.
EXTRA='static void teardown(void *s) { abort(); }' FIELDS=', .teardown = teardown' \
activation "$relu" "$each dx[i] = x[i] > 0 ? 2 * dy[i] : 0;" 1 '^backward: is not the derivative of forward'

# What is not written, added to, not finite, or wrong at one place alone.
activation "$each if (x[i] > 0) y[i] = x[i];" "$slope" 1 '^forward: does not set every element of y'
activation "$relu" "$each dx[i] += x[i] > 0 ? dy[i] : 0;" 1 '^backward: does not set every element of dx'
activation "$each y[i] = x[i] * x[i] / x[i];" "$each dx[i] = dy[i];" 1 '^forward: at x = -\?0, expected a finite'
activation "$each y[i] = x[i] > 1 ? x[i] : 1;" "$each dx[i] = x[i] > 1 ? dy[i] : x[i] == 1 ? 1.01f * dy[i] : 0;" 1 \
    '^backward: is not the derivative of forward: at x = 1 and dy = 1, expected .* got 1.0099'
activation "$each y[i] = tanhf(x[i]);" \
    "$each dx[i] = dy[i] * (1 - y[i] * y[i]) * (x[i] > 2 && x[i] < 2.05f ? 1.01f : 1);" 1 \
    '^backward: is not the derivative of forward: at x = 2.0'
OPS=', .flops_forward = 0' activation "$relu" "$slope" 1 '^flops_forward: is 0'
OPS=', .flops_backward = 1e9' activation "$relu" "$slope" 1 '^flops_backward: is 1e+09'

# loss VALUE GRADIENT STATUS WORDS: of example i with raw outputs z, targets y and a class
loss()
{
    cat > bad.c <<END
#include <math.h>
#include <isoflop/plugin.h>
static void value(const void *state, size_t rows, size_t outputs, const float *raw, const struct iso_targets *targets,
                  bool training, float *value, float *gradient)
{
    for (size_t i = 0; i < rows; i++) {
        const float *z = raw + i * outputs, *y = targets->dense ? targets->dense + i * outputs : NULL;
        const int class = targets->labels ? targets->labels[i] : -1;
        double v = 0;
        $1
        value[i] = (float)v;
        float *g = gradient + i * outputs;
        if (${GRADIENT-gradient})
            for (size_t j = 0; j < outputs; j++)
                $2;
    }
}
static const struct iso_loss ops = { .targets = ${TARGETS-ISO_TARGET_DENSE}, .flops_value = 1, .flops_gradient = 1,
                                     .value = value };
ISO_PLUGIN(ops, .name = "bad", .revision = 1, .summary = "s");
END
    shift 2
    check "$@"
}
outputs='for (size_t j = 0; j < outputs; j++)'
squares="$outputs v += 0.5 * (z[j] - y[j]) * (z[j] - y[j]);"
loss "$squares" 'g[j] = z[j] - y[j]' 0 'loss/bad conforms'
loss "$squares" 'g[j] += z[j] - y[j]' 1 '^value: does not set every element of gradient'
loss "$outputs v += 0.5 * pow(z[j] - (y[j] > 0.5f), 2);" 'g[j] = z[j] - y[j]' 1 \
    'is not the derivative of the value: .*; targets are any numbers here: target_min'
GRADIENT=1 loss "$squares" 'g[j] = z[j] - y[j]' 1 'when called for values alone, without a gradient'
TARGETS=ISO_TARGET_LABELS loss "double s = 0; $outputs s += expf(z[j]); v = log(s) - z[class];" \
    'g[j] = expf(z[j]) / s - (j == class)' 1 'value inf and gradient -\?nan (subtract the largest output'

# initializer FILL STATUS WORDS
initializer()
{
    cat > bad.c <<END
#include <isoflop/plugin.h>
static int fill(const void *state, const struct iso_host *host, const struct iso_layer *layer,
                const struct iso_rng *rng, float *weights, struct iso_error *err)
{
    struct iso_rng own = { .size = sizeof own };
    if (host->generator(host, "own", layer->index, &own, err))
        return -1;
    for (size_t i = 0; i < layer->fan_out; i++)
        for (size_t j = 0; j < layer->fan_in; j++)
            weights[i * layer->fan_in + j] = $1;
    return 0;
}
static const struct iso_initializer ops = { .fill = fill };
ISO_PLUGIN(ops, .name = "bad", .revision = 1, .summary = "s");
END
    shift
    check "$@"
}
initializer '(float)iso_rng_normal_at(rng, i, (uint32_t)j)' 0 'initializer/bad conforms'
initializer '(float)iso_rng_normal_at(&own, i, (uint32_t)j)' 1 '^fill: seeds 5 and 6 give the same weights'

# optimizer UPDATE STATUS WORDS
optimizer()
{
    cat > bad.c <<END
#include <isoflop/plugin.h>
static void update(const void *state, size_t n, uint64_t step, double rate, bool is_bias, float *w, float *g,
                   float *const *slots)
{
    for (size_t i = 0; i < n; i++)
        $1;
}
static const struct iso_optimizer ops = { .flops_update = ${FLOPS-2}, .update = update };
ISO_PLUGIN(ops, .name = "bad", .revision = 1, .summary = "s");
END
    shift
    check "$@"
}
optimizer 'w[i] -= (float)rate * g[i]' 0 'optimizer/bad conforms'
optimizer 'w[i] -= 0.01f * g[i]' 1 '^update: moves a weight at rate 0'
FLOPS=0 optimizer 'w[i] -= (float)rate * g[i]' 1 '^flops_update: is 0'

# dataset OPEN STATUS WORDS: of a hundred examples in static arrays; with DRAW one without end
dataset()
{
    cat > bad.c <<END
#include <isoflop/plugin.h>
static int open(void *state, const struct iso_host *host, enum iso_split split, struct iso_table *table,
                struct iso_error *err)
{
    static float x[2][200];
    static uint8_t label[100];
    table->inputs = 2, table->outputs = 2;
    ${DRAW+return 0;}
    for (int i = 0; i < 200; i++)
        x[split][i] = (float)(split * 1000 + i);
    table->examples = 100, table->floats = x[split], table->row_stride = 2;
    table->labels = label, table->label_stride = 1, table->label_width = 1;
    $1
    return 0;
}
static void draw(const void *state, const struct iso_rng *rng, size_t n, const uint64_t *index,
                 const struct iso_drawn *out)
{
    for (size_t k = 0; k < n; k++) {
        for (uint32_t j = 0; j < 2; j++)
            out->floats[2 * k + j] = ${DRAW-0};
        out->labels[k] = 0;
    }
}
${EXTRA-}
static const struct iso_dataset ops = { .open = open ${DRAW+, .draw = draw, .storage = ISO_STORED_FLOATS} ${OPS-} };
ISO_PLUGIN(ops, .name = "bad", .revision = 1, .summary = "s" ${FIELDS-});
END
    shift
    check "$@"
}
dataset '' 0 'dataset/bad conforms'
dataset 'table->floats = x[0];' 1 'the test split holds the first 100 training examples'
dataset 'table->floats = x[0]; x[0][3] = 7 + split;' 1 'training example 1 is another one when'
dataset 'static int opened; x[split][5] = opened++;' 1 'training example 2 is another one when the data are opened'
dataset 'table->examples = 100000000;' 1 \
    'when the 100000000 examples that its training table states are read\|AddressSanitizer' # which looks itself
dataset 'table->examples = (size_t)1 << 62;' 1 'expected at most 4294967295'
DRAW='(float)iso_rng_normal_at(rng, index[k], j)' dataset '' 0 'dataset/bad conforms'
DRAW='(float)iso_rng_normal_at(rng, (uint32_t)index[k], j)' dataset '' 1 '^draw: example i + 2^32 is example i'
EXTRA='static const struct iso_data_file files[] = { { .name = "a", .length = 3,
    .sha256 = "0000000000000000000000000000000000000000000000000000000000000000" }, { 0 } };
static const char *const folders[] = { "x/../..", NULL };' OPS=', .files = files, .folders = folders' \
dataset '' 2 'folder "x/../..", which leads out of the data folders'
EXTRA='static const struct iso_param params[] = {
    { .name = "train_size", .type = ISO_TYPE_REAL, .initial = "1", .max = 2, .help = "h" }, { 0 } };' \
FIELDS=', .state_size = 8, .params = params' dataset '' 2 'an option that isoflop takes for every dataset'

# Tables of parameters.
table()
{
    EXTRA="struct state { double a, b; int c, d; };
static const struct iso_param params[] = { $1, { 0 } };" \
        FIELDS=', .state_size = sizeof(struct state), .params = params' activation "$relu" "$slope" 2 "$2"
}
table 'ISO_REAL(struct state, a, "5", 0, 9, "h"), ISO_REAL(struct state, b, "a", 0, 2, "h")' \
    'parameter "b" has the default "a", a parameter from 0 to 9'
table 'ISO_REAL(struct state, a, "b", 0, 2, "h"), ISO_REAL(struct state, b, "1", 0, 2, "h")' \
    'parameter "a" has the default "b", but must be a number'
table 'ISO_CHOICE(struct state, c, "x", "x|y", "h"), ISO_CHOICE(struct state, d, "c", "x|z", "h")' \
    'a parameter with other choices'
table 'ISO_CHOICE(struct state, c, "x", "x|a b", "h")' 'has the choice "a b"'
table 'ISO_REAL(struct state, a, "1", 0, 2, "h \033[31m")' 'has no help, which is one line of text'
table 'ISO_REAL(struct state, a, "1", 0, 2, "h \377")' 'has no help, which is one line of text'
exit $failed
