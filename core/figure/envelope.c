/* The envelope of a frontier's lines, the power laws through it, and their bootstrap over seeds. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/generator.h"
#include "base/statistics.h"
#include "figure/envelope.h"
#include "figure/power_law.h"

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

enum { PLAIN, FLOORED, FITS }; /* y = a x^b, and y = E + a x^b where the figure asks for it */

struct law {
    struct power_law of[FITS];
    double from, to; /* the log x that it was fitted on */
    bool all;        /* ends of the range of sizes were needed, too */
    bool floored;    /* there is one with a floor, too */
};

/* What a law is fitted to, in logarithms. */
struct places {
    size_t count;
    double x[ENVELOPE_GRID], y[ENVELOPE_GRID], weight[ENVELOPE_GRID];
};

static double log_of(bool logarithmic, double value)
{
    return logarithmic ? value : log(value);
}

/* Each place of the envelope weighs what it is wide in log x; of steps there are only the points that they start from,
 * alike. */
static void find_places(const struct build *build, const struct envelope *envelope, bool ends, struct places *places)
{
    const struct figure *figure = build->figure;
    places->count = 0;
    for (size_t k = envelope->first; k <= envelope->last; k++) {
        double at = envelope_x(envelope, k), value = envelope->at[k].y;
        bool vertex = k == envelope->first || value != envelope->at[k - 1].y;
        if ((!ends && envelope_is_end(envelope, k)) || (envelope->steps && !vertex) || isnan(value) ||
            (!figure->x.logarithmic && at <= 0) || (!figure->y.logarithmic && value <= 0))
            continue;
        places->weight[places->count] = figure->x.logarithmic || envelope->steps ? 1 : 1 / at;
        places->x[places->count] = log_of(figure->x.logarithmic, at);
        places->y[places->count++] = log_of(figure->y.logarithmic, value);
    }
}

static bool fit_places(const struct build *build, const struct places *places, struct law *law)
{
    size_t count = places->count;
    if (!count)
        return false;
    law->from = places->x[0];
    law->to = places->x[count - 1];
    law->floored = build->spec->floor == FLOOR_FREE &&
                   power_law_fit_floor(count, places->x, places->y, places->weight, &law->of[FLOORED]);
    return law->to - law->from > log(2) &&
           power_law_fit(count, places->x, places->y, places->weight, &law->of[PLAIN]);
}

/* Where the best size is neither the smallest nor the largest, if that is more than an octave of compute. */
static bool fit(const struct build *build, const struct envelope *envelope, struct law *law)
{
    struct places places;
    for (int ends = 0; ends < 2; ends++) {
        find_places(build, envelope, ends, &places);
        law->all = ends;
        if (fit_places(build, &places, law))
            return true;
    }
    return false;
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

/* Fits of as many resamples as give the same laws as all seeds; *laws in the arena. */
static int bootstrap(struct build *build, const struct envelope *envelope, const struct strand *strands, size_t count,
                     bool floored, struct law **laws, size_t *fitted, size_t *seeds)
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
        if (resample_law(resampling, &rng, round, &(*laws)[*fitted]) && (*laws)[*fitted].floored >= floored)
            (*fitted)++;
    if (*fitted < rounds / 2)
        *fitted = 0;
    return 0;
}

/* ---- What is drawn ---- */

/* The middle 95 % of a number of all fits. */
static int interval(struct build *build, const struct law *laws, size_t fitted, double (*number)(const struct law *),
                    double *low, double *high)
{
    double *values = memory_array(fitted + 1, sizeof *values);
    if (!values)
        return error_memory(build->err);
    for (size_t i = 0; i < fitted; i++)
        values[i] = number(&laws[i]);
    reals_sort(values, fitted);
    *low = gather_quantile(values, fitted, 0, 0, 0.025);
    *high = gather_quantile(values, fitted, 0, 0, 0.975);
    free(values);
    return 0;
}

static double plain_slope(const struct law *law)
{
    return law->of[PLAIN].slope;
}

static double floored_slope(const struct law *law)
{
    return law->of[FLOORED].slope;
}

static double floor_of(const struct law *law)
{
    return law->of[FLOORED].floor;
}

/* A value with its interval, to two digits of half the interval's width. */
static void add_interval(struct text *text, double value, double low, double high)
{
    double width = high - low;
    int decimals = width > 0 ? 1 - (int)floor(log10(width / 2)) : 3;
    decimals = decimals < 2 ? 2 : decimals > 5 ? 5 : decimals;
#define SIGNED(value) value < 0 ? "−" : "", decimals, fabs(value)
    text_format(text, "%s%.*f", SIGNED(value));
    if (!isnan(width))
        text_format(text, " [%s%.*f, %s%.*f]", SIGNED(low), SIGNED(high));
#undef SIGNED
}

/* The text in the arena; NULL: out of memory. */
static char *keep(struct build *build, struct text *text)
{
    char *kept = text->failed ? NULL : arena_copy(build->arena, text->data, text->length);
    text_free(text);
    return kept;
}

static char *label_of(struct build *build, const struct figure_law *law)
{
    struct text text = { 0 };
    text_add_string(&text, "power law");
    if (build->panel) { /* panels share a legend; their exponents stand in the caption */
        text_add_string(&text, law->floored ? " with E" : "");
    } else {
        if (law->floored) {
            text_add_string(&text, ", E = ");
            add_interval(&text, law->floor, law->floor_low, law->floor_high);
        } else if (build->spec->floor == FLOOR_FREE) {
            text_add_string(&text, ", E = 0");
        }
        text_add_string(&text, ": exponent ");
        add_interval(&text, law->exponent, law->low, law->high);
    }
    return keep(build, &text);
}

static char *formula_of(struct build *build, const struct figure_law *law)
{
    struct text text = { 0 };
    text_format(&text, "%s = %sa %s^b, the envelope", build->spec->y[0], law->floored ? "E + " : "", build->spec->x);
    if (law->floored) {
        text_add_string(&text, "; E = ");
        add_interval(&text, law->floor, law->floor_low, law->floor_high);
    }
    return keep(build, &text);
}

/* A stretch of the law from x to x in logarithms, with its band. */
static int add_stretch(struct build *build, const struct law *law, const struct law *laws, size_t fitted, int which,
                       bool beyond, double to, const char *label)
{
    double *x = arena_zero(build->arena, LAW_PLACES, sizeof *x), *y = arena_zero(build->arena, LAW_PLACES, sizeof *y);
    double *low = arena_zero(build->arena, LAW_PLACES, sizeof *low), *high = arena_zero(build->arena, LAW_PLACES,
                                                                                      sizeof *high);
    double *values = memory_array(fitted + 1, sizeof *values), from = beyond ? law->to : law->from;
    if (!x || !y || !low || !high || !values) {
        free(values);
        return error_memory(build->err);
    }
    for (size_t k = 0; k < LAW_PLACES; k++) {
        double at = from + (to - from) * (double)k / (LAW_PLACES - 1);
        x[k] = exp(at);
        y[k] = exp(power_law_at(&law->of[which], at));
        for (size_t i = 0; i < fitted; i++)
            values[i] = power_law_at(&laws[i].of[which], at);
        reals_sort(values, fitted);
        low[k] = exp(gather_quantile(values, fitted, 0, 0, 0.025));
        high[k] = exp(gather_quantile(values, fitted, 0, 0, 0.975));
    }
    free(values);
    build->figure->series[build->figure->series_count++] =
        (struct figure_series){ .role = ROLE_LAW, .label = label, .count = LAW_PLACES, .x = x, .y = y,
                                .low = fitted ? low : NULL, .high = fitted ? high : NULL, .line = true,
                                .dashed = beyond, .shade = NAN, .colour = which == PLAIN ? 1 : 2 };
    return 0;
}

/* The law in numbers, and its lines. */
static int add_law(struct build *build, const struct law *law, const struct law *laws, size_t fitted, int which,
                   double end, const char *how)
{
    const struct figure_spec *spec = build->spec;
    struct figure_law *shown = &build->figure->laws[build->figure->law_count++];
    const bool floored = which == FLOORED;
    *shown = (struct figure_law){ .factor = exp(law->of[which].intercept), .exponent = law->of[which].slope,
                                  .error = NAN, .low = NAN, .high = NAN, .floored = floored,
                                  .floor = law->of[which].floor, .floor_low = NAN, .floor_high = NAN, .how = how };
    shown->of = floored ? "E free" : law->floored ? "E = 0" : NULL;
    if (fitted && (interval(build, laws, fitted, floored ? floored_slope : plain_slope, &shown->low, &shown->high) ||
                   (floored && interval(build, laws, fitted, floor_of, &shown->floor_low, &shown->floor_high))))
        return -1;
    char *label = label_of(build, shown);
    shown->formula = formula_of(build, shown);
    if (!label || !shown->formula)
        return error_memory(build->err);
    if (add_stretch(build, law, laws, fitted, which, false, law->to, label))
        return -1;
    return spec->extend > 1 ? add_stretch(build, law, laws, fitted, which, true, end, NULL) : 0;
}

int envelope_law(struct build *build, const struct envelope *envelope, const struct strand *strands, size_t count)
{
    struct figure *figure = build->figure;
    const struct figure_spec *spec = build->spec;
    struct law law, *laws;
    size_t fitted, seeds;
    if (!spec->fit || build->y.more_is_better)
        return 0;
    if (!fit(build, envelope, &law)) {
        build_say(build, "No law is fitted: the envelope spans less than a factor of 2 in compute.");
        return 0;
    }
    if (bootstrap(build, envelope, strands, count, law.floored, &laws, &fitted, &seeds))
        return -1;
    figure->laws = arena_zero(build->arena, FITS, sizeof *figure->laws);
    char *how = fitted ? arena_format(build->arena, "bootstrap over %zu seeds, %zu resamples", seeds, fitted) : NULL;
    if (!figure->laws || (fitted && !how))
        return error_memory(build->err);
    double end = log_of(figure->x.logarithmic, envelope->high) + log(spec->extend);
    for (int which = PLAIN; which < (law.floored ? FITS : 1); which++)
        if (add_law(build, &law, laws, fitted, which, end, how))
            return -1;
    build_say(build, "%s fitted to the envelope%s, and dashed beyond that.",
              law.floored ? "Power laws, with E = 0 and with E free, are" : "The power law is",
              law.all || envelope->sizes < 3 ? "" : " where its size is neither the smallest nor the largest");
    if (spec->floor == FLOOR_FREE && !law.floored)
        build_say(build, "E is not fitted: that takes four points.");
    if (fitted)
        build_say(build, "Band and brackets: 95 %% of %zu resamples of the %zu seeds.", fitted, seeds);
    else if (spec->bootstrap && seeds < 2)
        build_say(build, "Without several seeds it has no interval.");
    return 0;
}
