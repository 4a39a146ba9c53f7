/* The envelope of a frontier's lines, the power law through it, and its bootstrap over seeds. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/generator.h"
#include "base/statistics.h"
#include "figure/envelope.h"

#define LAW_PLACES 48 /* of the line that is drawn */

double envelope_x(const struct envelope *envelope, size_t place)
{
    return envelope->low + (envelope->high - envelope->low) * (double)place / (ENVELOPE_GRID - 1);
}

bool envelope_is_end(const struct envelope *envelope, size_t place)
{
    size_t group = envelope->at[place].group;
    return envelope->sizes > 2 && (group == 0 || group == envelope->sizes - 1);
}

static void reach(struct envelope *envelope, size_t place, double y, size_t group)
{
    struct reach *at = &envelope->at[place];
    if (!isnan(y) && !(envelope->sign * y >= envelope->sign * at->y))
        *at = (struct reach){ y, group };
}

/* A point of its own counts at the first place that is not before it. */
static void reach_alone(struct envelope *envelope, const struct strand *strand)
{
    double width = envelope->high - envelope->low;
    for (size_t i = 0; i < strand->count; i++) {
        double place = ceil((strand->x[i] - envelope->low) / width * (ENVELOPE_GRID - 1) - 1e-6);
        if (place >= 0 && place < ENVELOPE_GRID)
            reach(envelope, (size_t)place, strand->y[i], strand->group);
    }
}

static void reach_joined(struct envelope *envelope, const struct strand *strand)
{
    const double near = 1e-9 * (envelope->high - envelope->low);
    size_t at = 0;
    for (size_t k = 0; k < ENVELOPE_GRID; k++) {
        double x = envelope_x(envelope, k);
        while (at < strand->count && strand->x[at] < x - near)
            at++;
        if (at == strand->count)
            return;
        double right = strand->x[at], y = strand->y[at];
        if (fabs(right - x) > near) {
            if (!at)
                continue;
            double left = strand->x[at - 1], before = strand->y[at - 1];
            y = before + (y - before) * (x - left) / (right - left);
        }
        reach(envelope, k, y, strand->group);
    }
}

void envelope_find(struct envelope *envelope, const struct strand *strands, size_t count)
{
    struct reach *at = envelope->at;
    for (size_t k = 0; k < ENVELOPE_GRID; k++)
        at[k] = (struct reach){ NAN, 0 };
    for (size_t i = 0; i < count; i++)
        strands[i].joined ? reach_joined(envelope, &strands[i]) : reach_alone(envelope, &strands[i]);
    for (size_t k = 1; k < ENVELOPE_GRID; k++)
        if (!(envelope->sign * at[k].y <= envelope->sign * at[k - 1].y) && !isnan(at[k - 1].y))
            at[k] = at[k - 1];
    envelope->first = 0;
    envelope->last = ENVELOPE_GRID - 1;
    while (envelope->first < envelope->last && isnan(at[envelope->first].y))
        envelope->first++;
    while (envelope->last > envelope->first && at[envelope->last].y == at[envelope->last - 1].y)
        envelope->last--;
}

/* ---- The law ---- */

struct law {
    double intercept, slope; /* log y = intercept + slope log x */
    double from, to;         /* the x that it was fitted on */
    bool all;                /* ends of the range of sizes were needed, too */
};

static double log_of(bool logarithmic, double value)
{
    return logarithmic ? value : log(value);
}

/* Least squares in logarithms over the places, each with the width that it has in log x; of steps over the points that
 * they start from, alike. */
static bool fit_places(const struct build *build, const struct envelope *envelope, bool ends, struct law *law)
{
    const struct figure *figure = build->figure;
    double n = 0, x_sum = 0, y_sum = 0, xx = 0, xy = 0;
    law->from = INFINITY;
    law->to = -INFINITY;
    for (int pass = 0; pass < 2; pass++)
        for (size_t k = envelope->first; k <= envelope->last; k++) {
            double at = envelope_x(envelope, k), value = envelope->at[k].y;
            bool vertex = k == envelope->first || value != envelope->at[k - 1].y;
            if ((!ends && envelope_is_end(envelope, k)) || (envelope->steps && !vertex) || isnan(value) ||
                (!figure->x.logarithmic && at <= 0) || (!figure->y.logarithmic && value <= 0))
                continue;
            double weight = figure->x.logarithmic || envelope->steps ? 1 : 1 / at;
            double x = log_of(figure->x.logarithmic, at), y = log_of(figure->y.logarithmic, value);
            if (pass) {
                xx += weight * (x - x_sum / n) * (x - x_sum / n);
                xy += weight * (x - x_sum / n) * (y - y_sum / n);
                continue;
            }
            n += weight;
            x_sum += weight * x;
            y_sum += weight * y;
            law->from = fmin(law->from, x);
            law->to = fmax(law->to, x);
        }
    if (!(law->to - law->from > log(2)) || !(xx > 0))
        return false;
    law->slope = xy / xx;
    law->intercept = y_sum / n - law->slope * x_sum / n;
    return true;
}

/* Where the best size is neither the smallest nor the largest, if that is more than an octave of compute. */
static bool fit(const struct build *build, const struct envelope *envelope, struct law *law)
{
    law->all = false;
    if (fit_places(build, envelope, false, law))
        return true;
    law->all = true;
    return fit_places(build, envelope, true, law);
}

/* ---- Bootstrap over seeds ---- */

struct resampling {
    const struct build *build;
    const struct strand *strands;
    size_t count;
    size_t label_count;
    double *labels;   /* the seeds' numbers */
    size_t *label_of; /* of each trial; SIZE_MAX: none */
    unsigned *weight; /* how often each seed was drawn */
    struct strand *drawn;
    double *sorted;
    struct envelope envelope;
};

static int resampling_begin(struct resampling *resampling)
{
    const struct build *build = resampling->build;
    const struct gathered *data = build->data;
    struct arena *arena = build->arena;
    size_t most = 1;
    resampling->labels = arena_zero(arena, data->trial_count + 1, sizeof *resampling->labels);
    resampling->label_of = arena_zero(arena, data->trial_count + 1, sizeof *resampling->label_of);
    resampling->weight = arena_zero(arena, data->trial_count + 1, sizeof *resampling->weight);
    resampling->drawn = arena_zero(arena, resampling->count + 1, sizeof *resampling->drawn);
    if (!resampling->labels || !resampling->label_of || !resampling->weight || !resampling->drawn)
        return error_memory(build->err);
    for (size_t row = 0; row < data->trial_count; row++) {
        size_t i = 0;
        resampling->label_of[row] = SIZE_MAX;
        if (data->trial_line[row] == SIZE_MAX || isnan(data->seed->numbers[row]))
            continue;
        while (i < resampling->label_count && resampling->labels[i] != data->seed->numbers[row])
            i++;
        if (i == resampling->label_count)
            resampling->labels[resampling->label_count++] = data->seed->numbers[row];
        resampling->label_of[row] = i;
    }
    for (size_t i = 0; i < resampling->count; i++) {
        const struct strand *strand = &resampling->strands[i];
        struct strand *drawn = &resampling->drawn[i];
        *drawn = *strand;
        drawn->x = arena_zero(arena, strand->count + 1, sizeof *drawn->x);
        drawn->y = arena_zero(arena, strand->count + 1, sizeof *drawn->y);
        if (!drawn->x || !drawn->y)
            return error_memory(build->err);
        for (size_t k = 0; k < strand->count; k++) {
            const struct cell *cell = &data->lines[strand->line].cells[strand->cell[k]];
            most = cell->count > most ? cell->count : most;
        }
    }
    resampling->sorted = arena_zero(arena, most * (resampling->label_count + 1), sizeof *resampling->sorted);
    return resampling->sorted ? 0 : error_memory(build->err);
}

static unsigned weight_of(const struct resampling *resampling, size_t trial)
{
    size_t label = resampling->label_of[trial];
    return label == SIZE_MAX ? 0 : resampling->weight[label];
}

/* The drawn seeds that diverged before this cell: those of its line without a value here. */
static size_t lost_of(const struct resampling *resampling, const struct strand *strand, const struct cell *cell)
{
    const struct gathered *data = resampling->build->data;
    size_t lost = 0;
    if (!cell->diverged)
        return 0;
    for (size_t row = 0; row < data->trial_count; row++) {
        bool here = false;
        if (!data->trial_lost[row] || data->trial_line[row] != strand->line)
            continue;
        for (size_t m = 0; m < cell->count; m++)
            here = here || data->value_trials[cell->first + m] == row;
        lost += here ? 0 : weight_of(resampling, row);
    }
    return lost;
}

/* The cell's mean, or median where seeds diverged, over the seeds drawn; NaN: none of them is here. */
static double resample(const struct resampling *resampling, const struct strand *strand, const struct cell *cell)
{
    const struct build *build = resampling->build;
    const struct gathered *data = build->data;
    double sum = 0, n = 0;
    size_t count = 0;
    for (size_t m = 0; m < cell->count; m++) {
        unsigned weight = weight_of(resampling, data->value_trials[cell->first + m]);
        sum += weight * data->values[cell->first + m];
        n += weight;
        for (unsigned k = 0; k < weight && build->median; k++)
            resampling->sorted[count++] = data->values[cell->first + m];
    }
    if (!build->median)
        return n > 0 ? sum / n : NAN;
    size_t lost = lost_of(resampling, strand, cell);
    double middle = gather_quantile(resampling->sorted, count, build->y.more_is_better ? lost : 0,
                                    build->y.more_is_better ? 0 : lost, 0.5);
    return isfinite(middle) ? middle : NAN;
}

static bool resample_law(struct resampling *resampling, const struct iso_rng *rng, uint64_t round, struct law *law)
{
    const struct build *build = resampling->build;
    bool y_log = build->figure->y.logarithmic;
    memset(resampling->weight, 0, resampling->label_count * sizeof *resampling->weight);
    for (size_t i = 0; i < resampling->label_count; i++) {
        double unit = iso_rng_uniform_at(rng, round, (uint32_t)i);
        resampling->weight[(size_t)(unit * (double)resampling->label_count)]++;
    }
    for (size_t i = 0; i < resampling->count; i++) {
        const struct strand *strand = &resampling->strands[i];
        struct strand *drawn = &resampling->drawn[i];
        drawn->count = 0;
        for (size_t k = 0; k < strand->count; k++) {
            double y = resample(resampling, strand, &build->data->lines[strand->line].cells[strand->cell[k]]);
            if (isnan(y) || (y_log && y <= 0))
                continue;
            drawn->x[drawn->count] = strand->x[k];
            drawn->y[drawn->count++] = y_log ? log(y) : y;
        }
    }
    envelope_find(&resampling->envelope, resampling->drawn, resampling->count);
    return fit(build, &resampling->envelope, law);
}

/* Fits of as many resamples as give one; *laws in the arena. */
static int bootstrap(struct build *build, const struct envelope *envelope, const struct strand *strands, size_t count,
                     struct law **laws, size_t *fitted, size_t *seeds)
{
    struct resampling *resampling = arena_zero(build->arena, 1, sizeof *resampling);
    size_t rounds = (size_t)build->spec->bootstrap;
    *fitted = *seeds = 0;
    *laws = arena_zero(build->arena, rounds + 1, sizeof **laws);
    if (!resampling || !*laws)
        return error_memory(build->err);
    if (!build->data->seed || !rounds || build->data->by_trial)
        return 0;
    *resampling = (struct resampling){ .build = build, .strands = strands, .count = count, .envelope = *envelope };
    if (resampling_begin(resampling))
        return -1;
    *seeds = resampling->label_count;
    const struct iso_rng rng = generator_of("bootstrap", 0, 0);
    for (size_t round = 0; round < rounds && *seeds > 1; round++)
        if (resample_law(resampling, &rng, round, &(*laws)[*fitted]))
            (*fitted)++;
    if (*fitted < rounds / 2)
        *fitted = 0;
    return 0;
}

/* ---- What is drawn ---- */

static char *exponent_text(struct build *build, const struct figure_law *law)
{
    double width = law->high - law->low;
    int decimals = width > 0 ? 1 - (int)floor(log10(width / 2)) : 3;
    decimals = decimals < 2 ? 2 : decimals > 5 ? 5 : decimals;
#define SIGNED(value) value < 0 ? "−" : "", decimals, fabs(value)
    if (build->panel) /* panels share a legend; their exponents stand in the caption */
        return arena_format(build->arena, "power law");
    if (isnan(width))
        return arena_format(build->arena, "power law: exponent %s%.3f", law->exponent < 0 ? "−" : "",
                            fabs(law->exponent));
    return arena_format(build->arena, "power law: exponent %s%.*f [%s%.*f, %s%.*f]", SIGNED(law->exponent),
                        SIGNED(law->low), SIGNED(law->high));
#undef SIGNED
}

/* A stretch of the law from x to x in logarithms, with its band. */
static int add_stretch(struct build *build, const struct law *law, const struct law *laws, size_t fitted, double from,
                       double to, bool beyond, const char *label)
{
    double *x = arena_zero(build->arena, LAW_PLACES, sizeof *x), *y = arena_zero(build->arena, LAW_PLACES, sizeof *y);
    double *low = arena_zero(build->arena, LAW_PLACES, sizeof *low), *high = arena_zero(build->arena, LAW_PLACES,
                                                                                      sizeof *high);
    double *values = memory_array(fitted + 1, sizeof *values);
    if (!x || !y || !low || !high || !values) {
        free(values);
        return error_memory(build->err);
    }
    for (size_t k = 0; k < LAW_PLACES; k++) {
        double at = from + (to - from) * (double)k / (LAW_PLACES - 1);
        x[k] = exp(at);
        y[k] = exp(law->intercept + law->slope * at);
        for (size_t i = 0; i < fitted; i++)
            values[i] = laws[i].intercept + laws[i].slope * at;
        reals_sort(values, fitted);
        low[k] = exp(gather_quantile(values, fitted, 0, 0, 0.025));
        high[k] = exp(gather_quantile(values, fitted, 0, 0, 0.975));
    }
    free(values);
    build->figure->series[build->figure->series_count++] =
        (struct figure_series){ .role = ROLE_LAW, .label = label, .count = LAW_PLACES, .x = x, .y = y,
                                .low = fitted ? low : NULL, .high = fitted ? high : NULL, .line = true,
                                .dashed = beyond, .shade = NAN, .colour = 1 };
    return 0;
}

static int interval(struct build *build, const struct law *laws, size_t fitted, struct figure_law *shown)
{
    double *slopes = memory_array(fitted + 1, sizeof *slopes);
    if (!slopes)
        return error_memory(build->err);
    for (size_t i = 0; i < fitted; i++)
        slopes[i] = laws[i].slope;
    reals_sort(slopes, fitted);
    shown->low = gather_quantile(slopes, fitted, 0, 0, 0.025);
    shown->high = gather_quantile(slopes, fitted, 0, 0, 0.975);
    free(slopes);
    return 0;
}

int envelope_law(struct build *build, const struct envelope *envelope, const struct strand *strands, size_t count)
{
    struct figure *figure = build->figure;
    struct law law, *laws;
    size_t fitted, seeds;
    if (!build->spec->fit || build->y.more_is_better)
        return 0;
    if (!fit(build, envelope, &law)) {
        build_say(build, "No law is fitted: the envelope spans less than a factor of 2 in compute.");
        return 0;
    }
    if (bootstrap(build, envelope, strands, count, &laws, &fitted, &seeds))
        return -1;
    figure->laws = arena_zero(build->arena, 1, sizeof *figure->laws);
    char *formula = arena_format(build->arena, "%s = a %s^b, the envelope", build->spec->y[0], build->spec->x);
    char *how = fitted ? arena_format(build->arena, "bootstrap over %zu seeds, %zu resamples", seeds, fitted) : NULL;
    if (!figure->laws || !formula || (fitted && !how))
        return error_memory(build->err);
    struct figure_law *shown = &figure->laws[figure->law_count++];
    *shown = (struct figure_law){ .formula = formula, .factor = exp(law.intercept), .exponent = law.slope,
                                  .error = NAN, .low = NAN, .high = NAN, .how = how };
    if (fitted && interval(build, laws, fitted, shown))
        return -1;
    char *label = exponent_text(build, shown);
    if (!label)
        return error_memory(build->err);
    double beyond = log_of(figure->x.logarithmic, envelope->high) + log(build->spec->extend);
    if (add_stretch(build, &law, laws, fitted, law.from, law.to, false, label))
        return -1;
    if (build->spec->extend > 1 && add_stretch(build, &law, laws, fitted, law.to, beyond, true, NULL))
        return -1;
    build_say(build, "The power law is fitted to the envelope%s, and dashed beyond that.",
              law.all || envelope->sizes < 3 ? "" : " where its size is neither the smallest nor the largest");
    if (fitted)
        build_say(build, "Band and brackets: 95 %% of %zu resamples of the %zu seeds.", fitted, seeds);
    else if (build->spec->bootstrap && seeds < 2)
        build_say(build, "Without several seeds it has no interval.");
    return 0;
}
