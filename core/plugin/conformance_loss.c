/* Conformance of losses: each example by itself, gradient true to the value, training apart from evaluation. */
#include <math.h>
#include <string.h>

#include "plugin/checking.h"

enum { ROWS = 24 };

struct call {
    const struct iso_loss *ops;
    const void *state;
    size_t rows, outputs;
    const float *raw;
    struct iso_targets targets;
    bool training;
    float *value, *gradient, *shown;
    unsigned char *correct;
    struct iso_error err;
    int fits;
};

static void run_value(void *context)
{
    struct call *call = context;
    call->ops->value(call->state, call->rows, call->outputs, call->raw, &call->targets, call->training, call->value,
                     call->gradient);
}

static void run_predict(void *context)
{
    struct call *call = context;
    call->ops->predict(call->state, call->rows, call->outputs, call->raw, call->shown);
}

static void run_correct(void *context)
{
    struct call *call = context;
    call->ops->correct(call->state, call->rows, call->outputs, call->raw, &call->targets, call->correct);
}

static void run_fits(void *context)
{
    struct call *call = context;
    call->fits = call->ops->fits(call->state, call->outputs, &call->err);
}

/* What dense targets are: 1 for the one class, 1 for any number of classes, or any numbers, as in a regression. */
enum targets { ONE_HOT, MULTI_HOT, NUMBERS };

/* A minibatch: most raw outputs of usual size, some rows large, one all zero. */
struct batch {
    float *raw, *value, *gradient, *again, *again_gradient, *dense;
    int32_t *labels;
};

static double target_at(const struct iso_loss *ops, enum targets targets, const struct batch *batch, size_t i, size_t j)
{
    const bool bounded = ops->target_min < ops->target_max;
    if (targets == ONE_HOT)
        return (size_t)batch->labels[i] == j;
    if (targets == MULTI_HOT)
        return check_uniform(11, i, (uint32_t)j, 0, 1) < 0.4;
    return bounded ? check_uniform(12, i, (uint32_t)j, ops->target_min, ops->target_max)
                   : 1.5 * check_normal(12, i, (uint32_t)j);
}

static bool make_batch(struct check *check, struct batch *batch, size_t outputs, enum targets targets)
{
    batch->raw = check_floats(check, "raw", ROWS * outputs);
    batch->value = check_floats(check, "value", ROWS);
    batch->gradient = check_floats(check, "gradient", ROWS * outputs);
    batch->again = check_floats(check, "value", ROWS);
    batch->again_gradient = check_floats(check, "gradient", ROWS * outputs);
    batch->dense = check_floats(check, "targets->dense", ROWS * outputs);
    batch->labels = check_array(check, "targets->labels", ROWS, sizeof *batch->labels);
    if (check->broken)
        return false;
    for (size_t i = 0; i < ROWS; i++) {
        const double scale = i == 0 ? 0 : i % 6 == 5 ? 12 : 1.5;
        batch->labels[i] = (int32_t)(i % outputs);
        for (size_t j = 0; j < outputs; j++) {
            const double value = nearbyint(scale * check_normal(10, i, (uint32_t)j) * 4096) / 4096;
            batch->raw[i * outputs + j] = (float)value;
            batch->dense[i * outputs + j] = (float)target_at(&check->plugin->ops.loss, targets, batch, i, j);
        }
    }
    check_freeze(check, batch->raw, true);
    check_freeze(check, batch->labels, true);
    check_freeze(check, batch->dense, true);
    return true;
}

static struct call call_of(const struct check *check, const struct batch *batch, size_t outputs, bool training,
                           enum targets targets)
{
    const struct iso_loss *ops = &check->plugin->ops.loss;
    return (struct call){ .ops = ops,
                          .state = check->instance->state,
                          .rows = ROWS,
                          .outputs = outputs,
                          .raw = batch->raw,
                          .targets = { .size = sizeof(struct iso_targets),
                                       .labels = targets == ONE_HOT ? batch->labels : NULL,
                                       .dense = ops->targets == ISO_TARGET_DENSE ? batch->dense : NULL },
                          .training = training,
                          .value = batch->value,
                          .gradient = batch->gradient,
                          .err = ERROR_NONE };
}

static const char *phase(bool training)
{
    return training ? "training" : "evaluation";
}

/* Tells where two results of a call differ. */
static bool same(struct check *check, const char *property, const char *when, const struct call *call,
                 const float *value, const float *gradient)
{
    const size_t i = check_differ(call->value, value, call->rows);
    const size_t total = call->gradient && gradient ? call->rows * call->outputs : 0;
    const size_t k = total ? check_differ(call->gradient, gradient, total) : 0;
    if (i < call->rows)
        check_fail(check, "value", property, "%s: value of example %zu of %zu with %zu outputs (%s), expected %.9g, "
                                             "got %.9g", when, i, call->rows, call->outputs, phase(call->training),
                   (double)call->value[i], (double)value[i]);
    else if (k < total)
        check_fail(check, "value", property, "%s: gradient of example %zu at output %zu of %zu (%s), expected %.9g, "
                                             "got %.9g", when, k / call->outputs, k % call->outputs, call->outputs,
                   phase(call->training), (double)call->gradient[k], (double)gradient[k]);
    else
        return true;
    return false;
}

/* The first row alone, the rest, values without gradients, and the whole once more. */
static bool check_rows(struct check *check, const struct call *whole, const struct batch *batch)
{
    struct call call = *whole;
    const size_t outputs = whole->outputs;
    for (size_t i = 0; i < ROWS; i++) {
        const struct guard *mark = check->guards;
        float *raw = check_floats(check, "raw", outputs), *dense = check_floats(check, "targets->dense", outputs);
        int32_t *label = check_array(check, "targets->labels", 1, sizeof *label);
        if (!raw || !dense || !label)
            return false;
        memcpy(raw, whole->raw + i * outputs, outputs * sizeof *raw);
        memcpy(dense, batch->dense + i * outputs, outputs * sizeof *dense);
        *label = batch->labels[i];
        call.rows = 1;
        call.raw = raw;
        call.targets.labels = whole->targets.labels ? label : NULL;
        call.targets.dense = whole->targets.dense ? dense : NULL;
        call.value = check_floats(check, "value", 1);
        call.gradient = check_floats(check, "gradient", outputs);
        if (check->broken || !check_call(check, "value", run_value, &call))
            return false;
        batch->again[i] = call.value[0];
        memcpy(batch->again_gradient + i * outputs, call.gradient, outputs * sizeof *call.gradient);
        check_release(check, mark);
    }
    if (!same(check, "rows", "an example alone gives other bits than among others", whole, batch->again,
              batch->again_gradient))
        return false;
    call = *whole;
    call.value = batch->again;
    call.gradient = NULL;
    const char *before = check->circumstance;
    check->circumstance = "when called for values alone, without a gradient";
    const bool good = check_call(check, "value", run_value, &call);
    check->circumstance = before;
    if (!good ||
        !same(check, "no gradient", "without a gradient, the value has other bits", whole, batch->again, NULL))
        return false;
    call.gradient = batch->again_gradient;
    return check_call(check, "value", run_value, &call) &&
           same(check, "hidden", "keeps something between calls: the same call gives other bits", whole, batch->again,
                batch->again_gradient);
}

/* A thread's call, and what it gives alone. */
struct threaded {
    struct call call;
    const struct call *alone;
};

static bool same_threaded(void *context)
{
    const struct threaded *threaded = context;
    const struct call *call = &threaded->call, *alone = threaded->alone;
    return check_differ(call->value, alone->value, call->rows) == call->rows &&
           check_differ(call->gradient, alone->gradient, call->rows * call->outputs) == call->rows * call->outputs;
}

static void run_threaded(void *context)
{
    run_value(&((struct threaded *)context)->call);
}

/* A part of the rows in each thread. */
static void check_parallel(struct check *check, const struct call *alone)
{
    struct threaded threaded[CHECK_THREADS];
    struct call parts[CHECK_THREADS];
    void *contexts[CHECK_THREADS];
    const struct guard *mark = check->guards;
    const size_t rows = alone->rows / CHECK_THREADS, outputs = alone->outputs;
    for (size_t k = 0; k < CHECK_THREADS; k++) {
        parts[k] = *alone;
        parts[k].rows = rows;
        parts[k].raw = alone->raw + k * rows * outputs;
        parts[k].targets.labels = alone->targets.labels ? alone->targets.labels + k * rows : NULL;
        parts[k].targets.dense = alone->targets.dense ? alone->targets.dense + k * rows * outputs : NULL;
        parts[k].value = alone->value + k * rows;
        parts[k].gradient = alone->gradient + k * rows * outputs;
        threaded[k] = (struct threaded){ parts[k], &parts[k] };
        threaded[k].call.value = check_floats(check, "value", rows);
        threaded[k].call.gradient = check_floats(check, "gradient", rows * outputs);
        contexts[k] = &threaded[k];
    }
    if (!check->broken)
        check_at_once(check, "value", run_threaded, same_threaded, contexts);
    check_release(check, mark);
}

/* Each coordinate of each example, by one-sided differences. */
static void check_gradient(struct check *check, const struct call *whole)
{
    enum { STEPS = 3 };
    static const double steps[STEPS] = { 0x1p-7, 0x1p-9, 0x1p-11 };
    static const double shifts[5] = { -1, -0.5, 0, 0.5, 1 };
    const size_t outputs = whole->outputs;
    float *moved = check_floats(check, "raw", ROWS * outputs), *f[STEPS][5];
    for (size_t j = 0; j < outputs; j++) {
        const struct guard *mark = check->guards;
        for (int s = 0; s < STEPS; s++)
            for (int k = 0; k < 5; k++) {
                f[s][k] = check_floats(check, "value", ROWS);
                if (!moved || !f[s][k])
                    return;
                memcpy(moved, whole->raw, ROWS * outputs * sizeof *moved);
                for (size_t i = 0; i < ROWS; i++)
                    moved[i * outputs + j] += (float)(shifts[k] * steps[s]);
                struct call call = *whole;
                call.raw = moved;
                call.value = f[s][k];
                call.gradient = NULL;
                if (!check_call(check, "value", run_value, &call))
                    return;
            }
        for (size_t i = 0; i < ROWS; i++) {
            float at[STEPS][5];
            const double gradient = (double)whole->gradient[i * outputs + j], x = (double)whole->raw[i * outputs + j];
            double scale = 0, low, high;
            for (int s = 0; s < STEPS; s++)
                for (int k = 0; k < 5; k++)
                    at[s][k] = f[s][k][i];
            for (size_t k = 0; k < outputs; k++)
                scale = fmax(scale, fabs((double)whole->raw[i * outputs + k]));
            if (check_derivative((const float (*)[5])at, steps, STEPS, x, scale, gradient, &low, &high))
                continue;
            check_fail(check, "value", "gradient",
                       "the gradient is not the derivative of the value: example %zu, output %zu of %zu at %.9g (%s), "
                       "expected %.7g to %.7g (by differences), got %.9g", i, j, outputs, x, phase(whole->training),
                       low, high, gradient);
            return;
        }
        check_release(check, mark);
    }
}

static void check_surrogate(struct check *check, const struct call *call, const struct batch *batch)
{
    double raw[64], dense[64], gradient[64];
    for (size_t i = 0; i < ROWS; i++) {
        double scale = 1e-3;
        for (size_t j = 0; j < call->outputs; j++) {
            raw[j] = (double)call->raw[i * call->outputs + j];
            dense[j] = (double)batch->dense[i * call->outputs + j];
            gradient[j] = 0;
        }
        call->ops->surrogate_gradient(call->state, call->outputs, raw, call->targets.labels ? batch->labels[i] : -1,
                                      call->targets.dense ? dense : NULL, gradient);
        for (size_t j = 0; j < call->outputs; j++)
            scale = fmax(scale, fabs(gradient[j]));
        for (size_t j = 0; j < call->outputs; j++) {
            const double got = (double)call->gradient[i * call->outputs + j];
            if (!(fabs(got - gradient[j]) <= 1e-5 * scale)) {
                check_fail(check, "value", "surrogate",
                           "the gradient is not the surrogate gradient that it states (%s): example %zu, output %zu "
                           "of %zu, expected %.9g, got %.9g", call->ops->surrogate(call->state), i, j, call->outputs,
                           gradient[j], got);
                return;
            }
        }
    }
}

static void check_shown(struct check *check, struct call call, const struct batch *batch)
{
    const size_t total = ROWS * call.outputs;
    call.shown = batch->again_gradient;
    if (!check_call(check, "predict", run_predict, &call))
        return;
    for (size_t k = 0; k < total; k++)
        if (!isfinite(call.shown[k])) {
            check_fail(check, "predict", "finite", "example %zu, output %zu of %zu: expected a finite number, got %g",
                       k / call.outputs, k % call.outputs, call.outputs, (double)call.shown[k]);
            return;
        }
    memcpy(batch->gradient, batch->raw, total * sizeof *batch->raw);
    call.raw = batch->gradient;
    call.shown = batch->gradient;
    if (!check_call(check, "predict", run_predict, &call))
        return;
    const size_t k = check_differ(batch->again_gradient, batch->gradient, total);
    if (k < total)
        check_fail(check, "predict", "alias", "gives other bits where shown is raw: example %zu, output %zu, expected "
                                              "%.9g, got %.9g", k / call.outputs, k % call.outputs,
                   (double)batch->again_gradient[k], (double)batch->gradient[k]);
}

static void check_correct(struct check *check, struct call call)
{
    call.correct = check_array(check, "correct", ROWS, 1);
    if (!call.correct)
        return;
    memset(call.correct, 7, ROWS);
    if (!check_call(check, "correct", run_correct, &call))
        return;
    for (size_t i = 0; i < ROWS; i++)
        if (call.correct[i] > 1) {
            check_fail(check, "correct", "values", "example %zu of %d: expected 0 or 1, got %u%s", i, ROWS,
                       call.correct[i], call.correct[i] == 7 ? " (not written)" : "");
            return;
        }
}

static bool any(const float *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (values[i] != 0)
            return true;
    return false;
}

/* Raw outputs of a network that diverges: results may overflow, but are numbers. */
static void check_extremes(struct check *check, size_t outputs)
{
    static const float far[] = { 90, -90, 110, -110, 1000, -1000, 1e4f };
    enum { FAR = sizeof far / sizeof *far };
    struct batch batch;
    if (!make_batch(check, &batch, outputs, ONE_HOT))
        return;
    struct call call = call_of(check, &batch, outputs, false, ONE_HOT);
    float *raw = check_floats(check, "raw", ROWS * outputs);
    if (!raw)
        return;
    for (size_t i = 0; i < ROWS; i++)
        for (size_t j = 0; j < outputs; j++)
            raw[i * outputs + j] = far[(i + (i / FAR) * j) % FAR];
    call.raw = raw;
    if (!check_call(check, "value", run_value, &call))
        return;
    for (size_t i = 0; i < ROWS * outputs; i++)
        if (isnan(batch.value[i / outputs]) || isnan(batch.gradient[i])) {
            check_fail(check, "value", "range",
                       "example with raw output %g at output %zu of %zu: expected numbers, got value %g and gradient %g "
                       "(subtract the largest output before exp?)",
                       (double)raw[i], i % outputs, outputs, (double)batch.value[i / outputs],
                       (double)batch.gradient[i]);
            return;
        }
    call.shown = batch.again_gradient;
    if (!check->plugin->ops.loss.predict || !check_call(check, "predict", run_predict, &call))
        return;
    for (size_t i = 0; i < ROWS * outputs; i++)
        if (isnan(call.shown[i])) {
            check_fail(check, "predict", "range", "with raw output %g at output %zu of %zu: expected a number, got %g",
                       (double)raw[i], i % outputs, outputs, (double)call.shown[i]);
            return;
        }
}

/* One number of outputs. False: nothing more to be told. */
static bool check_outputs(struct check *check, size_t outputs, enum targets targets)
{
    const struct iso_loss *ops = &check->plugin->ops.loss;
    struct batch batch;
    if (!make_batch(check, &batch, outputs, targets))
        return false;
    const bool differs = ops->training_differs && ops->training_differs(check->instance->state);
    for (int training = 1; training >= 0; training--) {
        struct call call = call_of(check, &batch, outputs, training, targets);
        check_fill(batch.value, ROWS, CHECK_JUNK);
        check_fill(batch.gradient, ROWS * outputs, CHECK_JUNK);
        if (!check_call(check, "value", run_value, &call))
            return false;
        struct call over = call;
        over.value = batch.again;
        over.gradient = batch.again_gradient;
        if (!check_overwrites(check, "value", "value", run_value, &over, batch.again, batch.value, ROWS) ||
            !check_overwrites(check, "value", "gradient", run_value, &over, batch.again_gradient, batch.gradient,
                              ROWS * outputs))
            return false;
        for (size_t i = 0; i < ROWS * outputs; i++)
            if (!isfinite(batch.value[i / outputs]) || !isfinite(batch.gradient[i])) {
                check_fail(check, "value", "finite", "example %zu, output %zu of %zu at %.9g (%s): expected finite "
                                                     "numbers, got value %g and gradient %g", i / outputs, i % outputs,
                           outputs, (double)batch.raw[i], phase(training), (double)batch.value[i / outputs],
                           (double)batch.gradient[i]);
                return false;
            }
        check_flops(check, "flops_value", ops->flops_value, any(batch.value, ROWS), "output and example");
        check_flops(check, "flops_gradient", ops->flops_gradient, any(batch.gradient, ROWS * outputs),
                    "output and example");
        if (!check_rows(check, &call, &batch))
            return false;
        check_parallel(check, &call);
        if (ops->surrogate && ops->surrogate(check->instance->state))
            check_surrogate(check, &call, &batch);
        else
            check_gradient(check, &call);
        if (check->broken)
            return false;
        if (training && !differs) {
            call.training = false;
            call.value = batch.again;
            call.gradient = batch.again_gradient;
            if (!check_call(check, "value", run_value, &call))
                return false;
            call.value = batch.value;
            call.gradient = batch.gradient;
            same(check, "training", "differs between training and evaluation, but training_differs does not say so",
                 &call, batch.again, batch.again_gradient);
        }
    }
    struct call call = call_of(check, &batch, outputs, false, targets);
    if (ops->predict)
        check_shown(check, call, &batch);
    if (ops->correct && !check->broken)
        check_correct(check, call);
    return !check->broken;
}

void check_loss(struct check *check)
{
    static const size_t sizes[] = { 1, 2, 3, 10, 37 };
    const struct iso_loss *ops = &check->plugin->ops.loss;
    const enum targets most = ops->targets != ISO_TARGET_DENSE ? ONE_HOT
                              : ops->classes_only && ops->classes_only(check->instance->state) ? MULTI_HOT
                                                                                               : NUMBERS;
    struct iso_error refusal = ERROR_NONE;
    size_t tried = 0;
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        if (ops->fits) {
            struct call call = { .ops = ops, .state = check->instance->state, .outputs = sizes[k], .err = ERROR_NONE };
            if (!check_call(check, "fits", run_fits, &call))
                return;
            if (call.fits && !call.err.text[0])
                check_fail(check, "fits", "words", "refuses %zu outputs without saying why", sizes[k]);
            refusal = call.err;
            if (call.fits)
                continue;
        }
        tried++;
        for (enum targets targets = ONE_HOT; targets <= most; targets++) {
            check->circumstance = targets == ONE_HOT ? NULL : "when called with dense targets and no labels";
            check->hint = targets == NUMBERS ? "targets are any numbers here: target_min and target_max may state their "
                                               "range, classes_only that there are none"
                                             : NULL;
            if (!check_outputs(check, sizes[k], targets))
                return;
            check_release(check, NULL);
        }
        check->circumstance = NULL;
        check->hint = NULL;
        check_extremes(check, sizes[k]);
        check_release(check, NULL);
        if (check->broken)
            return;
    }
    if (!tried)
        check_skip(check, "fits", "fits refuses 1, 2, 3, 10 and 37 outputs: %s", refusal.text);
}

size_t sample_loss(struct check *check, float out[CHECK_SAMPLE])
{
    const struct iso_loss *ops = &check->plugin->ops.loss;
    struct call call = { .ops = ops, .state = check->instance->state, .outputs = 1, .err = ERROR_NONE };
    struct batch batch;
    while (ops->fits && call.outputs <= 10 && check_call(check, "fits", run_fits, &call) && call.fits)
        call.outputs++;
    if (check->broken || !make_batch(check, &batch, call.outputs, ONE_HOT))
        return 0;
    call = call_of(check, &batch, call.outputs, true, ONE_HOT);
    if (!check_call(check, "value", run_value, &call))
        return 0;
    memcpy(out, batch.value, ROWS * sizeof *out);
    return ROWS;
}
