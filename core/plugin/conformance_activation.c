/* Conformance of activations: element by element, in place where allowed, gradient true to the function. */
#include <math.h>
#include <string.h>

#include "plugin/checking.h"

enum { COUNT = 1037 };

struct call {
    const struct iso_activation *ops;
    const void *state;
    size_t n;
    const float *x, *y, *dy;
    float *out;
};

static void run_forward(void *context)
{
    const struct call *call = context;
    call->ops->forward(call->state, call->n, call->x, call->out);
}

static void run_backward(void *context)
{
    const struct call *call = context;
    call->ops->backward(call->state, call->n, call->x, call->y, call->dy, call->out);
}

/* A thread's call, and what it gives alone. */
struct threaded {
    struct call call;
    float *expected;
    void (*run)(void *);
};

static void run_threaded(void *context)
{
    struct threaded *threaded = context;
    threaded->run(&threaded->call);
}

static bool same_threaded(void *context)
{
    const struct threaded *threaded = context;
    return check_differ(threaded->call.out, threaded->expected, threaded->call.n) == threaded->call.n;
}

/* Several threads, each with its own part of the arrays. */
static void check_parallel(struct check *check, const struct call *whole, const float *expected, const char *function,
                           void (*run)(void *))
{
    struct threaded threaded[CHECK_THREADS];
    void *contexts[CHECK_THREADS];
    const struct guard *mark = check->guards;
    const size_t n = whole->n / CHECK_THREADS;
    for (size_t k = 0; k < CHECK_THREADS; k++) {
        struct threaded *one = &threaded[k];
        const size_t start = k * n;
        *one = (struct threaded){ .call = *whole, .run = run, .expected = check_floats(check, "y", n) };
        one->call.n = n;
        one->call.x = whole->x + start;
        one->call.y = whole->y ? whole->y + start : NULL;
        one->call.dy = whole->dy ? whole->dy + start : NULL;
        one->call.out = check_floats(check, run == run_forward ? "y" : "dx", n);
        if (!one->expected || !one->call.out)
            return;
        memcpy(one->expected, expected + start, n * sizeof *expected);
        contexts[k] = one;
    }
    check_at_once(check, function, run_threaded, same_threaded, contexts);
    check_release(check, mark);
}

/* Points of the line: the middle finely, both tails, zeros; multiples of 2^-12, so that x + h is exact. */
static void fill_points(float *x, size_t n)
{
    static const float special[] = { 0.0f, -0.0f, 1, -1, 0.5f, -0.5f, 2, -2, 3, -3, 6, -6, 2.5f, -2.5f, 8, -8, 20, -20,
                                     45, -45 };
    const size_t specials = sizeof special / sizeof *special;
    for (size_t i = 0; i < n; i++) {
        const double range = i % 4 == 3 ? 12 : 3.5;
        x[i] = i < specials ? special[i] : (float)(nearbyint(check_uniform(1, i, 0, -range, range) * 4096) / 4096);
    }
}

/* Pieces of odd sizes at odd places give the same bits as the whole. */
static bool check_split(struct check *check, const struct call *whole, const char *function, void (*run)(void *))
{
    static const size_t pieces[] = { 1, 3, 8, 13, 2, 16, 5, 64, 7, 31, 4, 0, 17 };
    for (size_t start = 0, k = 0; start < whole->n; start += pieces[k % 13], k++) {
        struct call part = *whole;
        const struct guard *mark = check->guards;
        const size_t rest = whole->n - start;
        part.n = pieces[k % 13] < rest ? pieces[k % 13] : rest;
        float *x = check_floats(check, "x", part.n), *y = check_floats(check, "y", part.n),
              *dy = check_floats(check, "dy", part.n),
              *out = check_floats(check, run == run_forward ? "y" : "dx", part.n);
        if (!x || !y || !dy || !out)
            return false;
        memcpy(x, whole->x + start, part.n * sizeof *x);
        if (whole->y)
            memcpy(y, whole->y + start, part.n * sizeof *y);
        if (whole->dy)
            memcpy(dy, whole->dy + start, part.n * sizeof *dy);
        part.x = x;
        part.y = y;
        part.dy = dy;
        part.out = out;
        if (!check_call(check, function, run, &part))
            return false;
        const size_t i = check_differ(out, whole->out + start, part.n);
        if (i < part.n) {
            check_fail(check, function, "split", "a call for %zu elements gives other bits than a call for all %zu: at "
                                                 "x = %.9g, expected %.9g, got %.9g", part.n, whole->n, (double)x[i],
                       (double)whole->out[start + i], (double)out[i]);
            return false;
        }
        check_release(check, mark);
    }
    return true;
}

static bool check_same(struct check *check, const char *function, const char *property, const char *when,
                       const float *x, const float *expected, const float *got, size_t n)
{
    const size_t i = check_differ(expected, got, n);
    if (i < n)
        check_fail(check, function, property, "%s: at x = %.9g, expected %.9g, got %.9g", when, (double)x[i],
                   (double)expected[i], (double)got[i]);
    return i == n;
}

static bool values_at(struct check *check, struct call call, const float *x, double shift, size_t n, float *moved,
                      float *f)
{
    for (size_t i = 0; i < n; i++)
        moved[i] = (float)((double)x[i] + shift);
    call.x = moved;
    call.out = f;
    call.n = n;
    return check_call(check, "forward", run_forward, &call);
}

/* slope[i] = dx at dy = 1 against one-sided differences; with smaller steps where the function bends much in one. */
static void check_gradient(struct check *check, const struct call *call, const float *x, const float *slope, size_t n)
{
    enum { STEPS = 6 };
    static const double steps[STEPS] = { 0x1p-7, 0x1p-9, 0x1p-11, 0x1p-13, 0x1p-15, 0x1p-17 };
    static const double shifts[5] = { -1, -0.5, 0, 0.5, 1 };
    float *moved = check_floats(check, "x", n), *f[STEPS][5];
    for (int s = 0; s < STEPS; s++)
        for (int k = 0; k < 5; k++) {
            f[s][k] = check_floats(check, "y", n);
            if (!moved || !f[s][k] || !values_at(check, *call, x, shifts[k] * steps[s], n, moved, f[s][k]))
                return;
        }
    for (size_t i = 0; i < n; i++) {
        float at[STEPS][5];
        double low, high;
        for (int s = 0; s < STEPS; s++)
            for (int k = 0; k < 5; k++)
                at[s][k] = f[s][k][i];
        if (check_derivative((const float (*)[5])at, steps, STEPS, (double)x[i], fabs((double)x[i]), (double)slope[i],
                             &low, &high))
            continue;
        check_fail(check, "backward", "gradient",
                   "is not the derivative of forward: at x = %.9g and dy = 1, expected %.7g to %.7g (by differences), "
                   "got %.9g", (double)x[i], low, high, (double)slope[i]);
        return;
    }
}

static void check_surrogate(struct check *check, const struct iso_activation *ops, const float *x, const float *slope,
                            size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const double expected = ops->surrogate_slope(check->instance->state, (double)x[i]);
        if (!(fabs((double)slope[i] - expected) <= 1e-5 * fmax(fabs(expected), 1e-2))) {
            check_fail(check, "backward", "surrogate",
                       "is not the surrogate gradient that it states (%s): at x = %.9g and dy = 1, expected %.9g, "
                       "got %.9g", ops->surrogate(check->instance->state), (double)x[i], expected, (double)slope[i]);
            return;
        }
    }
}

static void check_product(struct check *check, const float *x, const float *dy, const float *slope, const float *dx,
                          size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const double expected = (double)dy[i] * (double)slope[i];
        if (!(fabs((double)dx[i] - expected) <= 1e-6 * fabs(expected) + 1e-30)) {
            check_fail(check, "backward", "product", "is not dy times a slope: at x = %.9g and dy = %.9g, expected "
                                                     "%.9g, got %.9g", (double)x[i], (double)dy[i], expected,
                       (double)dx[i]);
            return;
        }
    }
}

/* Far out, results may overflow, but are numbers; nearer they are finite. */
static bool check_numbers(struct check *check, const char *function, const float *x, const float *out, size_t n)
{
    const char *at = strcmp(function, "backward") ? "" : " and dy = 1";
    for (size_t i = 0; i < n; i++)
        if (isnan(out[i]) || (fabsf(x[i]) <= 50 && !isfinite(out[i]))) {
            check_fail(check, function, "range", "at x = %.9g%s, expected a finite number, got %g", (double)x[i], at,
                       (double)out[i]);
            return false;
        }
    return true;
}

static void check_range(struct check *check, struct call call)
{
    static const float far[] = { 50, -50, 88, -88, 89.5f, -104, 1e3f, -1e3f, 1e4f, -1e4f };
    enum { FAR = sizeof far / sizeof *far };
    float *x = check_floats(check, "x", FAR), *y = check_floats(check, "y", FAR), *dx = check_floats(check, "dx", FAR),
          *dy = check_floats(check, "dy", FAR);
    if (!x || !y || !dx || !dy)
        return;
    memcpy(x, far, sizeof far);
    for (size_t i = 0; i < FAR; i++)
        dy[i] = 1;
    call = (struct call){ call.ops, call.state, FAR, x, y, dy, y };
    if (!check_call(check, "forward", run_forward, &call))
        return;
    call.out = dx;
    if (!check_call(check, "backward", run_backward, &call))
        return;
    check_numbers(check, "forward", x, y, FAR);
    check_numbers(check, "backward", x, dx, FAR);
}

void check_activation(struct check *check)
{
    const struct iso_activation *ops = &check->plugin->ops.activation;
    const size_t n = COUNT, bytes = n * sizeof(float);
    float *x = check_floats(check, "x", n), *y = check_floats(check, "y", n), *again = check_floats(check, "y", n),
          *other = check_floats(check, "y", n), *other_x = check_floats(check, "x", n),
          *ones = check_floats(check, "dy", n), *dy = check_floats(check, "dy", n),
          *slope = check_floats(check, "dx", n), *dx = check_floats(check, "dx", n),
          *dx_again = check_floats(check, "dx", n);
    if (check->broken)
        return;
    fill_points(x, n);
    for (size_t i = 0; i < n; i++) {
        ones[i] = 1;
        dy[i] = (float)check_normal(2, i, 0);
        other_x[i] = (float)check_uniform(3, i, 0, -5, 5);
    }
    check_freeze(check, x, true);
    check_freeze(check, ones, true);
    struct call call = { ops, check->instance->state, n, x, NULL, NULL, y };
    check_fill(y, n, CHECK_JUNK);
    if (!check_call(check, "forward", run_forward, &call))
        return;
    call.out = again;
    if (!check_overwrites(check, "forward", "y", run_forward, &call, again, y, n) ||
        !check_numbers(check, "forward", x, y, n))
        return;
    check_flops(check, "flops_forward", ops->flops_forward, check_differ(x, y, n) < n, "element");

    /* The same call again, after another one, and in place. */
    for (int k = 0; k < 2; k++) {
        call.x = other_x;
        call.out = other;
        if (k && !check_call(check, "forward", run_forward, &call))
            return;
        call.x = x;
        call.out = again;
        if (!check_call(check, "forward", run_forward, &call) ||
            !check_same(check, "forward", "hidden", "keeps something between calls: the same call gives other bits", x,
                        y, again, n))
            return;
    }
    call.out = y;
    if (!check_split(check, &call, "forward", run_forward))
        return;
    check_parallel(check, &call, y, "forward", run_forward);
    memcpy(again, x, bytes);
    call.x = again;
    call.out = again;
    if (!check_call(check, "forward", run_forward, &call))
        return;
    check_same(check, "forward", "alias", "gives other bits where y is x", x, y, again, n);

    check_freeze(check, y, true);
    call = (struct call){ ops, check->instance->state, n, x, y, ones, slope };
    check_fill(slope, n, CHECK_JUNK);
    if (!check_call(check, "backward", run_backward, &call))
        return;
    call.out = dx;
    if (!check_overwrites(check, "backward", "dx", run_backward, &call, dx, slope, n) ||
        !check_numbers(check, "backward", x, slope, n))
        return;
    check_flops(check, "flops_backward", ops->flops_backward, check_differ(ones, slope, n) < n, "element");
    check_freeze(check, dy, true);
    call.dy = dy;
    call.out = dx;
    if (!check_call(check, "backward", run_backward, &call))
        return;
    check_product(check, x, dy, slope, dx, n);
    call.dy = ones;
    call.out = dx_again;
    if (!check_call(check, "backward", run_backward, &call))
        return;
    if (!check_same(check, "backward", "hidden", "keeps something between calls: the same call gives other bits", x,
                    slope, dx_again, n))
        return;
    call.dy = dy;
    call.out = dx;
    if (!check_split(check, &call, "backward", run_backward))
        return;
    check_parallel(check, &call, dx, "backward", run_backward);
    memcpy(dx_again, dy, bytes);
    call.dy = dx_again;
    call.out = dx_again;
    if (!check_call(check, "backward", run_backward, &call))
        return;
    check_same(check, "backward", "alias", "gives other bits where dx is dy", x, dx, dx_again, n);
    if (ops->from_output) {
        call = (struct call){ ops, check->instance->state, n, y, y, dy, dx_again };
        if (!check_call(check, "backward", run_backward, &call))
            return;
        check_same(check, "backward", "from_output", "reads x, though from_output says that it does not", x, dx,
                   dx_again, n);
    }
    if (ops->surrogate && ops->surrogate(check->instance->state))
        check_surrogate(check, ops, x, slope, n);
    else
        check_gradient(check, &(struct call){ .ops = ops, .state = check->instance->state }, x, slope, n);
    check_range(check, call);
}

size_t sample_activation(struct check *check, float out[CHECK_SAMPLE])
{
    float *x = check_floats(check, "x", CHECK_SAMPLE), *y = check_floats(check, "y", CHECK_SAMPLE);
    if (check->broken)
        return 0;
    fill_points(x, CHECK_SAMPLE);
    struct call call = { &check->plugin->ops.activation, check->instance->state, CHECK_SAMPLE, x, NULL, NULL, y };
    if (!check_call(check, "forward", run_forward, &call))
        return 0;
    memcpy(out, y, CHECK_SAMPLE * sizeof *out);
    return CHECK_SAMPLE;
}
