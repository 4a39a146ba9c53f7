/* Conformance of optimizers: element by element unless whole, down the slope, plain descent where stated. */
#include <math.h>
#include <string.h>

#include "plugin/checking.h"

enum { COUNT = 1037, STEPS = 6, SLOTS_MAX = 16 };

struct call {
    const struct iso_optimizer *ops;
    const void *state;
    size_t n;
    uint64_t step;
    double rate;
    bool is_bias;
    float *weights, *gradients;
    float *slots[SLOTS_MAX];
};

static void run_update(void *context)
{
    struct call *call = context;
    call->ops->update(call->state, call->n, call->step, call->rate, call->is_bias, call->weights, call->gradients,
                      call->slots);
}

static bool make_call(struct check *check, struct call *call, size_t n, bool is_bias)
{
    *call = (struct call){ .ops = &check->plugin->ops.optimizer,
                           .state = check->instance->state,
                           .n = n,
                           .rate = 0.01,
                           .is_bias = is_bias };
    call->weights = check_floats(check, "weights", n);
    call->gradients = check_floats(check, "gradients", n);
    for (unsigned k = 0; k < call->ops->slots; k++)
        call->slots[k] = check_floats(check, "slots", n);
    return !check->broken;
}

static float weight_of(size_t i)
{
    return (float)check_normal(20, i, 0);
}

static float gradient_of(size_t i, uint64_t step)
{
    return i % 29 == 0 ? 0.0f : (float)(0.3 * check_normal(21, i, (uint32_t)step));
}

/* STEPS updates of the elements [start, start + n) of the test's weights. */
static bool run_steps(struct check *check, struct call *call, size_t start)
{
    for (size_t i = 0; i < call->n; i++)
        call->weights[i] = weight_of(start + i);
    for (call->step = 0; call->step < STEPS; call->step++) {
        for (size_t i = 0; i < call->n; i++)
            call->gradients[i] = gradient_of(start + i, call->step);
        if (!check_call(check, "update", run_update, call))
            return false;
    }
    return true;
}

static bool same(struct check *check, const char *property, const char *when, const struct call *whole, size_t start,
                 const struct call *part)
{
    size_t i = check_differ(part->weights, whole->weights + start, part->n);
    if (i < part->n) {
        check_fail(check, "update", property, "%s: weight %zu after %d steps, expected %.9g, got %.9g", when,
                   start + i, STEPS, (double)whole->weights[start + i], (double)part->weights[i]);
        return false;
    }
    for (unsigned k = 0; k < whole->ops->slots; k++)
        if ((i = check_differ(part->slots[k], whole->slots[k] + start, part->n)) < part->n) {
            check_fail(check, "update", property, "%s: slot %u of weight %zu after %d steps, expected %.9g, got %.9g",
                       when, k, start + i, STEPS, (double)whole->slots[k][start + i], (double)part->slots[k][i]);
            return false;
        }
    return true;
}

static bool check_split(struct check *check, const struct call *whole)
{
    static const size_t pieces[] = { 1, 7, 16, 3, 64, 0, 13, 256 };
    for (size_t start = 0, k = 0; start < COUNT; start += pieces[k % 8], k++) {
        const struct guard *mark = check->guards;
        struct call part;
        const size_t rest = COUNT - start;
        if (!make_call(check, &part, pieces[k % 8] < rest ? pieces[k % 8] : rest, whole->is_bias) ||
            !run_steps(check, &part, start) ||
            !same(check, "split", "a call for a part gives other bits than a call for all", whole, start, &part))
            return false;
        check_release(check, mark);
    }
    return true;
}

/* Weights and biases in turn, as in training: what is kept must be in the slots. */
static void check_hidden(struct check *check, const struct call *alone)
{
    struct call call, other;
    if (!make_call(check, &call, COUNT, alone->is_bias) || !make_call(check, &other, 64, !alone->is_bias))
        return;
    for (size_t i = 0; i < COUNT; i++)
        call.weights[i] = weight_of(i);
    for (uint64_t step = 0; step < STEPS; step++) {
        for (size_t i = 0; i < COUNT; i++)
            call.gradients[i] = gradient_of(i, step);
        for (size_t i = 0; i < 64; i++)
            other.gradients[i] = gradient_of(i + 5, step);
        call.step = other.step = step;
        if (!check_call(check, "update", run_update, &other) || !check_call(check, "update", run_update, &call))
            return;
    }
    same(check, "hidden", "keeps something between calls besides its slots", alone, 0, &call);
}

/* 300 steps at rate 0.01 on f = w^2 / 2, whose gradient is w. */
static void check_descends(struct check *check)
{
    struct call call;
    double before = 0, after = 0;
    if (!make_call(check, &call, 64, false))
        return;
    for (size_t i = 0; i < call.n; i++) {
        call.weights[i] = (float)check_uniform(22, i, 0, 0.5, 2) * (i % 2 ? 1.0f : -1.0f);
        before += 0.5 * (double)call.weights[i] * (double)call.weights[i];
    }
    for (call.step = 0; call.step < 300; call.step++) {
        memcpy(call.gradients, call.weights, call.n * sizeof *call.weights);
        if (!check_call(check, "update", run_update, &call))
            return;
    }
    for (size_t i = 0; i < call.n; i++)
        after += 0.5 * (double)call.weights[i] * (double)call.weights[i];
    if (!(after < before))
        check_fail(check, "update", "descends", "300 steps at rate 0.01 on f(w) = w^2 / 2 do not lower it: expected "
                                                "less than %.6g, got %.6g", before, after);
}

/* Without a gradient, from fresh slots, a bias stays: weight decay acts on weights only. */
static void check_bias(struct check *check)
{
    struct call call;
    if (!make_call(check, &call, 64, true))
        return;
    for (size_t i = 0; i < call.n; i++)
        call.weights[i] = weight_of(i);
    if (!check_call(check, "update", run_update, &call))
        return;
    for (size_t i = 0; i < call.n; i++)
        if (call.weights[i] != weight_of(i)) {
            check_fail(check, "update", "bias", "moves a bias whose gradient is 0 (weight decay is for weights only): "
                                                "expected %.9g, got %.9g", (double)weight_of(i),
                       (double)call.weights[i]);
            return;
        }
}

/* At rate 0, where warm-up begins, nothing moves, from the first step or later. */
static void check_rate(struct check *check)
{
    struct call call;
    if (!make_call(check, &call, COUNT, false) || !run_steps(check, &call, 0))
        return;
    float *before = check_floats(check, "weights", COUNT);
    if (!before)
        return;
    memcpy(before, call.weights, COUNT * sizeof *before);
    for (size_t i = 0; i < COUNT; i++)
        call.gradients[i] = gradient_of(i, STEPS);
    call.rate = 0;
    if (!check_call(check, "update", run_update, &call))
        return;
    const size_t i = check_differ(call.weights, before, COUNT);
    if (i < COUNT)
        check_fail(check, "update", "rate", "moves a weight at rate 0 (does it take the rate that it is given?): "
                                            "expected %.9g, got %.9g", (double)before[i], (double)call.weights[i]);
}

static void check_plain(struct check *check, bool is_bias)
{
    struct call call;
    if (!make_call(check, &call, COUNT, is_bias))
        return;
    for (size_t i = 0; i < call.n; i++) {
        call.weights[i] = weight_of(i);
        call.gradients[i] = gradient_of(i, 0);
    }
    call.step = 3;
    if (!check_call(check, "update", run_update, &call))
        return;
    for (size_t i = 0; i < call.n; i++) {
        const double step = call.rate * (double)gradient_of(i, 0), expected = (double)weight_of(i) - step;
        if (!(fabs((double)call.weights[i] - expected) <= 0x1p-22 * (fabs((double)weight_of(i)) + fabs(step)))) {
            check_fail(check, "update", "plain", "says that it is plain descent, but is not: weight %.9g, gradient "
                                                 "%.9g, rate %g, expected %.9g, got %.9g", (double)weight_of(i),
                       (double)gradient_of(i, 0), call.rate, expected, (double)call.weights[i]);
            return;
        }
    }
}

void check_optimizer(struct check *check)
{
    const struct iso_optimizer *ops = &check->plugin->ops.optimizer;
    struct call whole;
    for (int is_bias = 0; is_bias < 2; is_bias++) {
        if (!make_call(check, &whole, COUNT, is_bias) || !run_steps(check, &whole, 0))
            return;
        for (size_t i = 0; i < COUNT; i++)
            if (!isfinite(whole.weights[i])) {
                check_fail(check, "update", "finite", "weight %.9g after %d steps at rate %g: expected a finite "
                                                      "number, got %g", (double)weight_of(i), STEPS, whole.rate,
                           (double)whole.weights[i]);
                return;
            }
        check_flops(check, "flops_update", ops->flops_update, true, "weight");
        if (!ops->whole && !check_split(check, &whole))
            return;
        check_hidden(check, &whole);
        if (ops->plain_descent && ops->plain_descent(check->instance->state) && !check->broken)
            check_plain(check, is_bias);
        if (check->broken)
            return;
        check_release(check, NULL);
    }
    check_bias(check);
    if (!check->broken)
        check_rate(check);
    if (check->defaults && !check->broken)
        check_descends(check);
}

size_t sample_optimizer(struct check *check, float out[CHECK_SAMPLE])
{
    struct call call;
    if (!make_call(check, &call, CHECK_SAMPLE, false) || !run_steps(check, &call, 0))
        return 0;
    memcpy(out, call.weights, CHECK_SAMPLE * sizeof *out);
    return CHECK_SAMPLE;
}
