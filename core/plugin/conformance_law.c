/* Conformance of laws: gradient true to the value, rows by themselves, linear where stated. */
#include <math.h>
#include <string.h>

#include "plugin/checking.h"

enum { ROWS = 12, PARAMETERS_MAX = 32, INPUTS_MAX = 16 };

struct call {
    const struct iso_law *ops;
    const void *state;
    size_t n;
    const double *x, *parameters;
    double *value, *gradient;
};

static void run_value(void *context)
{
    const struct call *call = context;
    call->ops->value(call->state, call->n, call->x, call->parameters, call->value, call->gradient);
}

/* A usual value within the bounds: a stated start, else the (geometric) middle. */
static double usual(const struct iso_law_parameter *parameter)
{
    if (parameter->start_count)
        return parameter->starts[parameter->start_count / 2];
    const double low = isfinite(parameter->min) ? parameter->min : -1;
    const double high = isfinite(parameter->max) ? parameter->max : fmax(low, 1) * 10;
    return parameter->logarithmic && low > 0 ? sqrt(low * high) : low + 0.3 * (high - low);
}

static double step_of(double value)
{
    return 1e-5 * fmax(fabs(value), 1e-3);
}

static void check_parameter(struct check *check, struct call call, double *moved, size_t count, size_t p,
                            const double *gradient)
{
    const struct iso_law_parameter *parameter = &call.ops->parameters[p];
    double value[4][ROWS];
    const double at = moved[p], h = step_of(at);
    static const double shifts[4] = { -1, 1, -0.5, 0.5 };
    call.gradient = NULL;
    for (int k = 0; k < 4; k++) {
        moved[p] = at + shifts[k] * h;
        call.value = value[k];
        if (!check_call(check, "value", run_value, &call))
            return;
    }
    moved[p] = at;
    for (size_t r = 0; r < ROWS; r++) {
        const double wide = (value[1][r] - value[0][r]) / (2 * h), narrow = (value[3][r] - value[2][r]) / h;
        const double expected = (4 * narrow - wide) / 3, got = gradient[r * count + p];
        const double tolerance = 1e-5 * fabs(expected) + 1e-11 * fabs(value[0][r]) / h + 1e-12;
        if (!(fabs(got - expected) <= tolerance)) {
            check_fail(check, "value", "gradient", "the gradient is not the derivative of the value: by %s at row "
                                                   "%zu, expected %.9g, got %.9g", parameter->name, r, expected, got);
            return;
        }
    }
    if (!parameter->linear)
        return;
    for (int k = 0; k < 3; k++) {
        moved[p] = at * (1 + 0.25 * k);
        call.value = value[k];
        if (!check_call(check, "value", run_value, &call))
            return;
    }
    moved[p] = at;
    for (size_t r = 0; r < ROWS; r++)
        if (!(fabs(value[2][r] - 2 * value[1][r] + value[0][r]) <= 1e-10 * fabs(value[1][r]))) {
            check_fail(check, "value", "linear", "is not linear in %s, though it says so: at row %zu, expected %.12g, "
                                                 "got %.12g", parameter->name, r, 2 * value[1][r] - value[0][r],
                       value[2][r]);
            return;
        }
}

void check_law(struct check *check)
{
    const struct iso_law *ops = &check->plugin->ops.law;
    size_t inputs = 0, count = 0;
    while (ops->inputs[inputs])
        inputs++;
    while (ops->parameters[count].name)
        count++;
    if (inputs > INPUTS_MAX || count > PARAMETERS_MAX) {
        check_fail(check, "law", "size", "has %zu inputs and %zu parameters: at most %d and %d", inputs, count,
                   INPUTS_MAX, PARAMETERS_MAX);
        return;
    }
    double *x = check_array(check, "x", ROWS * inputs, sizeof *x);
    double *parameters = check_array(check, "parameters", count, sizeof *parameters);
    double *value = check_array(check, "value", ROWS, sizeof *value);
    double *again = check_array(check, "value", ROWS, sizeof *again);
    double *gradient = check_array(check, "gradient", ROWS * count, sizeof *gradient);
    if (check->broken)
        return;
    for (size_t k = 0; k < ROWS * inputs; k++)
        x[k] = exp(check_uniform(40, k, 0, log(1e3), log(1e8)));
    for (size_t p = 0; p < count; p++)
        parameters[p] = usual(&ops->parameters[p]);
    check_freeze(check, x, true);
    struct call call = { ops, check->instance->state, ROWS, x, parameters, value, gradient };
    if (!check_call(check, "value", run_value, &call))
        return;
    for (size_t k = 0; k < ROWS * count; k++)
        if (!isfinite(value[k / count]) || !isfinite(gradient[k])) {
            check_fail(check, "value", "finite", "row %zu: expected finite numbers, got value %g and gradient %g by "
                                                 "%s", k / count, value[k / count], gradient[k],
                       ops->parameters[k % count].name);
            return;
        }
    for (size_t p = 0; p < count && !check->broken; p++)
        check_parameter(check, call, parameters, count, p, gradient);
    call.gradient = NULL;
    call.n = 1;
    for (size_t r = 0; r < ROWS && !check->broken; r++) {
        call.x = x + r * inputs;
        call.value = again + r;
        if (!check_call(check, "value", run_value, &call))
            return;
        if (memcmp(&again[r], &value[r], sizeof *again)) {
            check_fail(check, "value", "rows", "row %zu alone, without a gradient: expected %.17g, got %.17g", r,
                       value[r], again[r]);
            return;
        }
    }
}
