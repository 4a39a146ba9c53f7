/* The values of a sweep's range. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"
#include "recipe/tree.h"

#define VALUES_MAX 10000

struct range {
    double from, to, step;
    int64_t points;
    bool has_step, log;
    /* from, to and step as whole multiples of 10^exponent, where they are */
    bool decimal;
    int64_t from_units, to_units, step_units;
    int exponent;
};

/* ---- Decimal numbers ---- */

struct decimal {
    int64_t units;
    int exponent;
};

/* The shortest decimal form of a double as units * 10^exponent; false where it has more digits than fit. */
static bool decimal_of(double value, struct decimal *decimal)
{
    char text[NUMBER_TEXT], *e;
    number_text(value, text);
    *decimal = (struct decimal){ 0 };
    if ((e = strchr(text, 'e'))) {
        decimal->exponent = atoi(e + 1);
        *e = 0;
    }
    int digits = 0;
    bool fraction = false;
    for (const char *c = text; *c; c++) {
        if (*c == '.') {
            fraction = true;
        } else if (*c >= '0' && *c <= '9') {
            if (decimal->units && ++digits > 16)
                return false;
            decimal->units = decimal->units * 10 + (*c - '0');
            decimal->exponent -= fraction;
        }
    }
    if (text[0] == '-')
        decimal->units = -decimal->units;
    return true;
}

static bool scale_to(const struct decimal *decimal, int exponent, int64_t *units)
{
    *units = decimal->units;
    for (int e = decimal->exponent; e > exponent; e--) {
        if (llabs(*units) > INT64_MAX / 4 / 10)
            return false;
        *units *= 10;
    }
    return true;
}

/* Brings all three to the finest exponent among them. */
static bool make_decimal(struct range *range)
{
    struct decimal d[3];
    if (!decimal_of(range->from, &d[0]) || !decimal_of(range->to, &d[1]) ||
        !decimal_of(range->has_step ? range->step : 0, &d[2]))
        return false;
    range->exponent = 0;
    for (int i = 0; i < 3; i++)
        if (d[i].units && d[i].exponent < range->exponent)
            range->exponent = d[i].exponent;
    return scale_to(&d[0], range->exponent, &range->from_units) && scale_to(&d[1], range->exponent, &range->to_units) &&
           scale_to(&d[2], range->exponent, &range->step_units);
}

static double of_units(int64_t units, int exponent)
{
    char text[NUMBER_TEXT];
    double value = 0;
    snprintf(text, sizeof text, "%" PRId64 "e%d", units, exponent);
    number_real(text, &value); /* correctly rounded: the double nearest to the decimal number */
    return value;
}

static double rounded(double value)
{
    char text[NUMBER_TEXT];
    double result = value;
    snprintf(text, sizeof text, "%.11e", value); /* 12 significant digits */
    for (char *c = text; *c; c++)
        if (*c == ',')
            *c = '.'; /* whatever the locale */
    number_real(text, &result);
    return result;
}

/* ---- Ranges ---- */

/* a * b / c for whole numbers where it is one, and a * b does not overflow. */
static bool exact_part(int64_t a, int64_t b, int64_t c, int64_t *value)
{
    if (b && llabs(a) > INT64_MAX / llabs(b))
        return false;
    *value = a * b / c;
    return a * b % c == 0;
}

static double value_at(const struct range *range, int64_t i)
{
    const int64_t last = range->points - 1;
    if (i == 0)
        return range->from;
    if (range->has_step && range->log)
        return rounded(range->from * pow(range->step, (double)i));
    if (range->has_step)
        return range->decimal ? of_units(range->from_units + i * range->step_units, range->exponent)
                              : rounded(range->from + (double)i * range->step);
    if (i == last)
        return range->to;
    if (range->log)
        return rounded(exp(log(range->from) + (log(range->to) - log(range->from)) * (double)i / (double)last));
    int64_t part;
    if (range->decimal && exact_part(range->to_units - range->from_units, i, last, &part))
        return of_units(range->from_units + part, range->exponent);
    return rounded(range->from + (range->to - range->from) * (double)i / (double)last);
}

/* Sets points of a range given by its step; the number of values up to `to`, which is included. */
static int count_steps(struct range *range, const struct node *node, struct diagnostics *found)
{
    double steps;
    if (range->log) {
        if (!(range->step > 0) || range->step == 1 || (range->to > range->from) != (range->step > 1))
            if (range->to != range->from)
                return diagnostics_add(found, SEVERITY_ERROR, node_get(node, "step"),
                                       "on a log scale step is a factor; with %s it never gets from %s to %s",
                                       node_get(node, "step")->text, node_get(node, "from")->text,
                                       node_get(node, "to")->text);
        steps = range->to == range->from ? 0 : log(range->to / range->from) / log(range->step);
    } else {
        if (range->step == 0 || ((range->to - range->from) / range->step < 0))
            return diagnostics_add(found, SEVERITY_ERROR, node_get(node, "step"),
                                   "with step %s it never gets from %s to %s",
                                   node_get(node, "step")->text, node_get(node, "from")->text,
                                   node_get(node, "to")->text);
        steps = (range->to - range->from) / range->step;
        if (range->decimal && steps < VALUES_MAX)
            steps = (double)((range->to_units - range->from_units) / range->step_units);
    }
    if (!(steps < VALUES_MAX))
        return diagnostics_add(found, SEVERITY_ERROR, node, "this range has more than %d values", VALUES_MAX);
    range->points = (int64_t)floor(steps + 1e-9) + 1;
    return 0;
}

/* A number of the range by name; 0 and *given false where it is left out and may be. */
static int number(const struct node *node, const char *name, bool required, double *value, bool *given,
                  struct diagnostics *found)
{
    const struct node *at = node_get(node, name);
    *given = at != NULL;
    if (!at && !required)
        return 0;
    if (!at)
        return diagnostics_add(found, SEVERITY_ERROR, node,
                               "the range has no %s; write {from: 1, to: 10, points: 4} or a list of values", name);
    if (!node_real(at, value) || !isfinite(*value))
        return diagnostics_add(found, SEVERITY_ERROR, at, "%s of a range must be a number, not %s", name,
                               node_describe(at));
    return 0;
}

static int read_range(struct range *range, const struct node *node, struct diagnostics *found)
{
    static const char *const keys[] = { "from", "to", "step", "points", "scale", NULL };
    const struct node *scale = node_get(node, "scale"), *points = node_get(node, "points");
    bool given;
    int result = node_check_keys(node, "a range", keys, found);
    result |= number(node, "from", true, &range->from, &given, found);
    result |= number(node, "to", true, &range->to, &given, found);
    result |= number(node, "step", false, &range->step, &range->has_step, found);
    if (scale && scale->kind == NODE_SCALAR && !strcmp(scale->text, "log"))
        range->log = true;
    else if (scale && (scale->kind != NODE_SCALAR || strcmp(scale->text, "linear")))
        result = diagnostics_add(found, SEVERITY_ERROR, scale, "scale must be linear or log, not %s",
                                 node_describe(scale));
    if (points && range->has_step)
        result = diagnostics_add(found, SEVERITY_ERROR, node_key(node, "points"), "give step or points, not both");
    else if (!points && !range->has_step)
        result = diagnostics_add(found, SEVERITY_ERROR, node, "the range needs points (how many) or step");
    else if (points && (!node_int(points, &range->points) || range->points < 2 || range->points > VALUES_MAX))
        result = diagnostics_add(found, SEVERITY_ERROR, points, "points must be a whole number from 2 to %d, not %s",
                                 VALUES_MAX, points->kind == NODE_SCALAR ? points->text : node_describe(points));
    if (!result && range->log && !(range->from > 0 && range->to > 0))
        result = diagnostics_add(found, SEVERITY_ERROR, node_get(node, range->from > 0 ? "to" : "from"),
                                 "a log scale needs numbers above 0, not %s",
                                 node_get(node, range->from > 0 ? "to" : "from")->text);
    if (result)
        return -1;
    range->decimal = !range->log && make_decimal(range);
    return range->has_step ? count_steps(range, node, found) : 0;
}

struct node *tree_values(struct tree *tree, const struct node *node, bool integer, struct diagnostics *found)
{
    struct range range = { 0 };
    if (node->kind == NODE_LIST && node->count)
        return (struct node *)node;
    if (node->kind == NODE_LIST) {
        diagnostics_add(found, SEVERITY_ERROR, node, "an empty list: there is nothing to sweep over");
        return NULL;
    }
    if (node->kind != NODE_MAP) {
        diagnostics_add(found, SEVERITY_ERROR, node,
                        "expected a list of values or a range such as {from: 1, to: 10, points: 4}, not %s",
                        node_describe(node));
        return NULL;
    }
    struct node *list = node_new(tree, NODE_LIST, node);
    if (read_range(&range, node, found))
        return NULL;
    double last = NAN;
    for (int64_t i = 0; list && i < range.points; i++) {
        char text[NUMBER_TEXT];
        double value = value_at(&range, i);
        if (integer)
            value = round(value);
        if (value == last)
            continue;
        last = value;
        number_text(value, text);
        if (node_append(tree, list, NULL, node_scalar(tree, text, true, node)))
            list = NULL;
    }
    if (!list)
        diagnostics_add(found, SEVERITY_ERROR, NULL, "out of memory");
    return list;
}
