/* IsoFLOP: the loss against the size at equal compute, a parabola in log N and its least loss for each budget
 * (Hoffmann et al. 2022, approach 2). */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "figure/build.h"

#define BUDGETS_MAX 24
#define BUDGETS_DEFAULT 5
#define PLACES 48 /* of a parabola */

struct profile {
    double budget;
    size_t count;
    double *size, *loss; /* ascending sizes */
};

struct profiles {
    size_t count;
    struct profile at[BUDGETS_MAX];
};

/* ---- Budgets of their own: a sweep of train.flops ---- */

static const char *swept_budget(const struct figure_results *results)
{
    static const char *const names[] = { "train.flops", "train.flops_6nd" };
    for (size_t i = 0; i < 2; i++) {
        const struct column *column = results->trials ? frame_find(results->trials, names[i]) : NULL;
        for (size_t row = 1; column && column->numbers && row < results->trials->rows; row++)
            if (column->numbers[row] != column->numbers[0])
                return names[i];
    }
    return NULL;
}

static int new_profile(struct build *build, struct profiles *profiles, double budget, size_t most)
{
    struct profile *profile = &profiles->at[profiles->count];
    *profile = (struct profile){ .budget = budget, .size = arena_zero(build->arena, most + 1, sizeof(double)),
                                 .loss = arena_zero(build->arena, most + 1, sizeof(double)) };
    if (!profile->size || !profile->loss)
        return error_memory(build->err);
    profiles->count++;
    return 0;
}

/* Keeps the better loss of a size that is there already: other settings, of which the best counts. */
static void add_point(const struct build *build, struct profile *profile, double size, double loss)
{
    size_t at = 0;
    if (isnan(loss) || (build->figure->y.logarithmic && loss <= 0) || !(size > 0))
        return;
    while (at < profile->count && profile->size[at] < size)
        at++;
    if (at < profile->count && profile->size[at] == size) {
        bool better = build->y.more_is_better ? loss > profile->loss[at] : loss < profile->loss[at];
        profile->loss[at] = better ? loss : profile->loss[at];
        return;
    }
    memmove(profile->size + at + 1, profile->size + at, (profile->count - at) * sizeof *profile->size);
    memmove(profile->loss + at + 1, profile->loss + at, (profile->count - at) * sizeof *profile->loss);
    profile->size[at] = size;
    profile->loss[at] = loss;
    profile->count++;
}

static int profiles_of_ends(struct build *build, struct profiles *profiles)
{
    const struct gathered *data = build->data;
    if (data->group_count > BUDGETS_MAX)
        return iso_fail(build->err, "more than %d budgets", BUDGETS_MAX);
    for (size_t group = 0; group < data->group_count; group++) {
        size_t most = 0;
        for (size_t i = 0; i < data->line_count; i++)
            most += data->lines[i].group == group ? data->lines[i].count : 0;
        if (new_profile(build, profiles, data->groups[group].number, most))
            return -1;
        for (size_t i = 0; i < data->line_count; i++)
            for (size_t k = 0; data->lines[i].group == group && k < data->lines[i].count; k++)
                add_point(build, &profiles->at[group], data->lines[i].cells[k].x, data->lines[i].cells[k].middle);
    }
    return 0;
}

/* ---- Budgets along training: where each trial had spent so much ---- */

/* The mean loss of a line where it had spent `budget`, straight between measurements in log compute; NaN: it never had,
 * or had at once. */
static double loss_at(const struct line *line, double budget)
{
    const struct cell *before = NULL;
    for (size_t k = 0; k < line->count; k++) {
        const struct cell *cell = &line->cells[k];
        if (!(cell->x > 0) || isnan(cell->middle))
            continue;
        if (fabs(cell->x / budget - 1) < 1e-9)
            return cell->middle;
        if (cell->x > budget)
            return before ? before->middle + (cell->middle - before->middle) * log(budget / before->x) /
                                                 log(cell->x / before->x)
                          : NAN;
        before = cell;
    }
    return NAN;
}

static size_t sizes_at(const struct gathered *data, double budget)
{
    size_t count = 0;
    for (size_t group = 0; group < data->group_count; group++) {
        bool here = false;
        for (size_t i = 0; i < data->line_count && !here; i++)
            here = data->lines[i].group == group && !isnan(loss_at(&data->lines[i], budget));
        count += here;
    }
    return count;
}

/* Round budgets, 1, 2 and 5 times powers of ten, the largest that three sizes or more had spent. */
static size_t choose_budgets(const struct gathered *data, double *budgets)
{
    static const double round[] = { 5, 2, 1 };
    double low = INFINITY, high = 0;
    size_t count = 0;
    for (size_t i = 0; i < data->line_count; i++)
        for (size_t k = 0; k < data->lines[i].count; k++)
            if (data->lines[i].cells[k].x > 0) {
                low = fmin(low, data->lines[i].cells[k].x);
                high = fmax(high, data->lines[i].cells[k].x);
            }
    if (!(high > 0))
        return 0;
    for (int exponent = (int)floor(log10(high)); exponent >= (int)floor(log10(low)) && count < BUDGETS_DEFAULT;
         exponent--)
        for (size_t i = 0; i < 3 && count < BUDGETS_DEFAULT; i++) {
            double budget = round[i] * pow(10, exponent);
            if (sizes_at(data, budget) >= 3)
                budgets[count++] = budget;
        }
    for (size_t i = 0; i < count / 2; i++) {
        double last = budgets[count - 1 - i];
        budgets[count - 1 - i] = budgets[i];
        budgets[i] = last;
    }
    return count;
}

static int profiles_along(struct build *build, struct profiles *profiles)
{
    const struct gathered *data = build->data;
    const struct figure_spec *spec = build->spec;
    double budgets[BUDGETS_MAX];
    size_t count = spec->budget_count;
    for (size_t i = 0; i < count; i++)
        budgets[i] = spec->budgets[i];
    if (!count)
        count = choose_budgets(data, budgets);
    if (!count)
        return iso_fail(build->err, "nothing to draw yet: no compute was spent by three sizes or more; name budgets, or "
                                    "sweep train.flops");
    for (size_t b = 0; b < count; b++) {
        if (new_profile(build, profiles, budgets[b], data->line_count))
            return -1;
        for (size_t i = 0; i < data->line_count; i++)
            add_point(build, &profiles->at[b], data->groups[data->lines[i].group].number,
                      loss_at(&data->lines[i], budgets[b]));
    }
    return 0;
}

/* ---- Parabolas ---- */

bool build_parabola(size_t count, const double *x, const double *y, double out[3])
{
    /* Least squares for y = c0 + c1 u + c2 u^2, u = (x - mean) / spread, by orthogonal polynomials. */
    double n = (double)count, mean = 0, spread = 0, p2_mean = 0, along = 0, a = 0, b = 0, c = 0, bb = 0, cc = 0;
    for (size_t i = 0; i < count; i++)
        mean += x[i] / n;
    for (size_t i = 0; i < count; i++)
        spread = fmax(spread, fabs(x[i] - mean));
    if (count < 3 || !(spread > 0))
        return false;
    for (size_t i = 0; i < count; i++) {
        double u = (x[i] - mean) / spread;
        p2_mean += u * u / n;
        along += u * u * u;
        bb += u * u;
    }
    along /= bb;
    for (size_t i = 0; i < count; i++) {
        double u = (x[i] - mean) / spread, p = u * u - along * u - p2_mean;
        a += y[i] / n;
        b += y[i] * u / bb;
        c += y[i] * p;
        cc += p * p;
    }
    if (!(cc > 1e-12 * n))
        return false;
    c /= cc;
    b -= along * c;
    a -= p2_mean * c;
    out[2] = c / (spread * spread);
    out[1] = b / spread - 2 * out[2] * mean;
    out[0] = a - b * mean / spread + out[2] * mean * mean;
    return true;
}

static const char *budget_text(struct build *build, double budget)
{
    int exponent = (int)floor(log10(budget) + 1e-9);
    if (exponent < 4)
        return quantity_text(build->arena, budget, false, 3);
    char *power = quantity_power(build->arena, exponent);
    double lead = budget / pow(10, exponent);
    if (!power || fabs(lead - 1) < 5e-3)
        return power;
    const char *digits = quantity_text(build->arena, lead, false, 3);
    return digits ? arena_format(build->arena, "%s×%s", digits, power) : NULL;
}

struct optima {
    size_t count, outside;
    double *budget, *size, *loss;
};

/* Points of a budget, the parabola through them, and its least loss where that lies within the sizes tried. */
static int add_profile(struct build *build, const struct profile *profile, double shade, struct optima *optima)
{
    struct figure *figure = build->figure;
    const char *label = budget_text(build, profile->budget);
    double *x = arena_zero(build->arena, profile->count + 1, sizeof *x), fit[3];
    double *fit_x = arena_zero(build->arena, PLACES, sizeof *fit_x), *fit_y = arena_zero(build->arena, PLACES,
                                                                                       sizeof *fit_y);
    if (!label || !x || !fit_x || !fit_y)
        return error_memory(build->err);
    if (!profile->count)
        return 0;
    figure->series[figure->series_count++] =
        (struct figure_series){ .role = ROLE_DATA, .label = label, .count = profile->count, .x = profile->size,
                                .y = profile->loss, .marker = MARKER_CIRCLE, .shade = shade };
    for (size_t i = 0; i < profile->count; i++)
        x[i] = log(profile->size[i]);
    if (!build->spec->fit || !build_parabola(profile->count, x, profile->loss, fit)) {
        optima->outside += build->spec->fit ? 1 : 0;
        return 0;
    }
    double first = x[0], last = x[profile->count - 1], bottom = -fit[1] / (2 * fit[2]);
    for (size_t k = 0; k < PLACES; k++) {
        double at = first + (last - first) * (double)k / (PLACES - 1);
        fit_x[k] = exp(at);
        fit_y[k] = fit[0] + at * (fit[1] + at * fit[2]);
        if (figure->y.logarithmic && fit_y[k] <= 0)
            fit_y[k] = NAN;
    }
    figure->series[figure->series_count++] =
        (struct figure_series){ .role = ROLE_FIT, .count = PLACES, .x = fit_x, .y = fit_y, .line = true,
                                .shade = shade };
    if (!(build->y.more_is_better ? fit[2] < 0 : fit[2] > 0) || bottom < first || bottom > last) {
        optima->outside++;
        return 0;
    }
    optima->budget[optima->count] = profile->budget;
    optima->size[optima->count] = exp(bottom);
    optima->loss[optima->count++] = fit[0] + bottom * (fit[1] + bottom * fit[2]);
    return 0;
}

/* Best size against compute as a power law: least squares in logarithms over the budgets. */
static int add_laws(struct build *build, const struct optima *optima, const char *compute)
{
    struct figure *figure = build->figure;
    double *x = arena_zero(build->arena, optima->count + 1, sizeof *x), *y = arena_zero(build->arena, optima->count + 1,
                                                                                       sizeof *y);
    double intercept, slope, error;
    figure->laws = arena_zero(build->arena, optima->count + 1, sizeof *figure->laws);
    if (!x || !y || !figure->laws)
        return error_memory(build->err);
    for (size_t i = 0; i < optima->count; i++) {
        x[i] = log(optima->budget[i]);
        y[i] = log(optima->size[i]);
        struct figure_law *law = &figure->laws[figure->law_count++];
        *law = (struct figure_law){ .of = budget_text(build, optima->budget[i]), .factor = optima->size[i],
                                    .exponent = NAN, .error = NAN, .low = NAN, .high = NAN,
                                    .how = "least of a parabola in log N" };
        law->formula = arena_format(build->arena, "best %s", build->spec->group);
        if (!law->of || !law->formula)
            return error_memory(build->err);
    }
    if (!build_straight_line(optima->count, x, y, &intercept, &slope, &error))
        return 0;
    struct figure_law *law = &figure->laws[figure->law_count];
    if (build_law(build, NULL, optima->count, intercept, slope, error, law))
        return -1;
    law->formula = arena_format(build->arena, "best %s = a %s^b", build->spec->group, compute);
    if (!law->formula)
        return error_memory(build->err);
    figure->law_count++;
    build_say_here(build, isnan(error) ? "Best size ∝ compute to the power %.2f."
                                       : "Best size ∝ compute to the power %.2f ± %.2f (standard error).",
                   slope, error);
    return 0;
}

static int draw_profiles(struct build *build, const struct profiles *profiles, const char *compute)
{
    struct figure *figure = build->figure;
    struct optima optima = { .budget = arena_zero(build->arena, BUDGETS_MAX, sizeof(double)),
                             .size = arena_zero(build->arena, BUDGETS_MAX, sizeof(double)),
                             .loss = arena_zero(build->arena, BUDGETS_MAX, sizeof(double)) };
    figure->series = arena_zero(build->arena, 2 * profiles->count + 2, sizeof *figure->series);
    if (!figure->series || !optima.budget || !optima.size || !optima.loss)
        return error_memory(build->err);
    for (size_t i = 0; i < profiles->count; i++) {
        double shade = profiles->count > 1 ? FIGURE_SHADE_HIGHEST * (double)i / (double)(profiles->count - 1) : 0.4;
        if (add_profile(build, &profiles->at[i], shade, &optima))
            return -1;
    }
    if (optima.count)
        figure->series[figure->series_count++] =
            (struct figure_series){ .role = ROLE_ENVELOPE, .count = optima.count, .x = optima.size, .y = optima.loss,
                                    .line = optima.count > 1, .marker = MARKER_STAR, .shade = NAN,
                                    .label = build->y.more_is_better ? "best of each parabola"
                                                                     : "least of each parabola" };
    if (build->spec->fit)
        build_say(build, "Parabolas in log N by least squares.");
    if (optima.outside)
        build_say_here(build, "%zu of %zu budgets %s no best size within those tried.", optima.outside, profiles->count,
                  optima.outside == 1 ? "has" : "have");
    return build->spec->fit ? add_laws(build, &optima, compute) : 0;
}

int build_isoflop(struct build *build)
{
    const struct figure_spec *asked = build->spec;
    struct figure_spec spec = *asked;
    struct figure *figure = build->figure;
    struct profiles profiles = { 0 };
    const char *y[1] = { build_default_y(build->results) };
    const char *swept = spec.budget_count ? NULL : swept_budget(build->results);
    if (!spec.y_count) {
        spec.y = y;
        spec.y_count = 1;
    }
    if (swept) { /* a trial each budget: its end counts */
        spec.x = asked->group;
        spec.group = swept;
        spec.table = TABLE_TRIALS;
    } else {
        spec.table = TABLE_POINTS;
    }
    spec.others = OTHERS_SEPARATE;
    build->spec = &spec;
    int status = build_gather(build, false);
    if (!status && build->data->group_count && build->data->groups[0].text)
        status = iso_fail(build->err, "%s: the column %s holds texts, not numbers", swept ? "budget" : "size",
                          spec.group);
    if (!status)
        status = swept ? profiles_of_ends(build, &profiles) : profiles_along(build, &profiles);
    if (status)
        goto out;
    struct quantity size;
    if (!quantity_of(build->arena, asked->group, NULL, &size)) {
        status = error_memory(build->err);
        goto out;
    }
    if (!spec.x_label)
        figure->x = (struct figure_axis){ size.title, size.unit, asked->x_log, NAN, NAN, 0, NULL, NULL };
    figure->legend_title = "Compute (FLOP)";
    spec.group = asked->group;
    if (build->data->other_count)
        build_say(build, "Of settings that differ in more than size the best counts.");
    status = draw_profiles(build, &profiles, swept ? swept : asked->x);
    if (!status)
        status = build_finish(build);
out:
    build->spec = asked;
    return status;
}
