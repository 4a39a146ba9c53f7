/* Histograms of weights, gradients or activations: a panel for each layer, a line for each of some steps. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/statistics.h"
#include "figure/build.h"

#define BINS_MAX 4096
#define LAYERS_MAX 24

/* Counts in bins of width 2^exponent, bin 0 from first * 2^exponent. */
struct bins {
    int exponent;
    double first, counts[BINS_MAX];
    size_t count;
    bool any;
};

/* "[-7,-12,0,3,...]": exponent, first bin, counts. False: it is none, or says nothing. */
static bool read_bins(const char *text, struct bins *bins)
{
    double head[2];
    int used;
    bins->count = 0;
    if (!text || text[0] != '[')
        return false;
    const char *at = text + 1;
    for (int i = 0; i < 2; i++) {
        char *end;
        head[i] = strtod(at, &end);
        if (end == at || *end != ',')
            return false;
        at = end + 1;
    }
    if (!(fabs(head[0]) <= 1100 && fabs(head[1]) <= 1e15))
        return false;
    bins->exponent = (int)head[0];
    bins->first = floor(head[1]);
    while (bins->count < BINS_MAX && sscanf(at, "%lf%n", &bins->counts[bins->count], &used) == 1) {
        if (!(bins->counts[bins->count] >= 0 && bins->counts[bins->count] <= 1e18))
            return false;
        bins->count++;
        at += used;
        if (*at != ',')
            break;
        at++;
    }
    return bins->count && *at == ']';
}

/* Joins pairs of bins. */
static void coarsen(struct bins *bins)
{
    const double first = floor(bins->first / 2);
    const size_t shift = (size_t)(bins->first - 2 * first), count = (bins->count + shift + 1) / 2;
    for (size_t i = 0; i < count; i++) {
        double sum = 0;
        for (size_t k = 0; k < 2; k++) {
            size_t from = 2 * i + k;
            sum += from >= shift && from - shift < bins->count ? bins->counts[from - shift] : 0;
        }
        bins->counts[i] = sum;
    }
    bins->count = count;
    bins->first = first;
    bins->exponent++;
}

/* Adds b, which may be coarsened, to a. */
static void add_bins(struct bins *a, struct bins *b)
{
    static _Thread_local struct bins joined;
    if (!a->any) {
        *a = *b;
        a->any = true;
        return;
    }
    for (;;) {
        double first = fmin(a->first, b->first);
        double last = fmax(a->first + (double)a->count, b->first + (double)b->count);
        if (a->exponent < b->exponent)
            coarsen(a);
        else if (b->exponent < a->exponent)
            coarsen(b);
        else if (last - first <= BINS_MAX / 2)
            break;
        else
            coarsen(a), coarsen(b);
    }
    joined = (struct bins){ .exponent = a->exponent, .first = fmin(a->first, b->first), .any = true };
    joined.count = (size_t)(fmax(a->first + (double)a->count, b->first + (double)b->count) - joined.first);
    for (size_t i = 0; i < a->count; i++)
        joined.counts[(size_t)(a->first - joined.first) + i] += a->counts[i];
    for (size_t i = 0; i < b->count; i++)
        joined.counts[(size_t)(b->first - joined.first) + i] += b->counts[i];
    *a = joined;
}

/* ---- Which rows ---- */

struct rows {
    const struct frame *table, *trials;
    const struct column *trial, *step, *layer, *what, *bins;
    const char *of;
    double *alike; /* numbers of the trials that are seeds of the chosen setting */
    size_t alike_count, layer_count, step_count, seeds;
    double layers[LAYERS_MAX], *steps;
};

/* The seeds of one configuration are equal in what was swept. */
static int find_alike(struct build *build, struct rows *rows, size_t chosen)
{
    const struct frame *trials = rows->trials;
    const struct column *number = frame_find(trials, "trial");
    bool *differs = arena_zero(build->arena, trials->rows + 1, sizeof *differs);
    rows->alike = arena_zero(build->arena, trials->rows + 1, sizeof *rows->alike);
    if (!rows->alike || !differs)
        return error_memory(build->err);
    for (size_t i = 0; i < trials->columns; i++) {
        const bool swept = gather_is_swept(trials, i);
        for (size_t t = 0; t < trials->rows && swept; t++)
            differs[t] = differs[t] || !gather_same(&trials->column[i], chosen, t);
    }
    for (size_t t = 0; t < trials->rows; t++)
        if (!differs[t])
            rows->alike[rows->alike_count++] = number->numbers[t];
    return 0;
}

static bool is_row(const struct rows *rows, size_t row)
{
    bool alike = false;
    if (!rows->what->texts[row] || strcmp(rows->what->texts[row], rows->of))
        return false;
    for (size_t i = 0; i < rows->alike_count && !alike; i++)
        alike = rows->alike[i] == rows->trial->numbers[row];
    return alike;
}

/* Layers, and as many of the steps as are wanted, evenly, the first and the last among them. */
static int find_rows(struct build *build, struct rows *rows, bool *keep)
{
    const size_t total = rows->table->rows;
    double *trials = arena_zero(build->arena, total + 1, sizeof *trials);
    double *layers = arena_zero(build->arena, total + 1, sizeof *layers);
    size_t count = 0, wanted = (size_t)build->spec->steps;
    rows->steps = arena_zero(build->arena, total + 1, sizeof *rows->steps);
    if (!trials || !layers || !rows->steps)
        return error_memory(build->err);
    for (size_t row = 0; row < total; row++) {
        keep[row] = is_row(rows, row);
        if (!keep[row])
            continue;
        trials[count] = rows->trial->numbers[row];
        layers[count] = rows->layer->numbers[row];
        rows->steps[count++] = rows->step->numbers[row];
    }
    if (!count)
        return iso_fail(build->err, "nothing to draw yet: there are no histograms of %s; `measure: {also: [histograms]}` "
                                    "in the recipe keeps them, when it is run again", rows->of);
    rows->seeds = reals_unique(trials, count);
    size_t distinct = reals_unique(layers, count);
    rows->layer_count = distinct < LAYERS_MAX ? distinct : LAYERS_MAX;
    memcpy(rows->layers, layers, rows->layer_count * sizeof *layers);
    rows->step_count = reals_unique(rows->steps, count);
    if (rows->step_count > wanted) {
        for (size_t i = 0; i < wanted; i++)
            rows->steps[i] = rows->steps[wanted > 1 ? i * (rows->step_count - 1) / (wanted - 1) : rows->step_count - 1];
        rows->step_count = wanted;
    }
    return 0;
}

/* ---- What is drawn ---- */

/* The outline of a histogram as a density. */
static int add_outline(struct build *build, struct figure *panel, const struct bins *bins, double shade,
                       const char *label)
{
    double *x = arena_zero(build->arena, 2 * bins->count + 2, sizeof *x), total = 0, width = ldexp(1, bins->exponent);
    double *y = arena_zero(build->arena, 2 * bins->count + 2, sizeof *y);
    size_t used = 0;
    bool log_axis = build->spec->y_log;
    if (!x || !y)
        return error_memory(build->err);
    for (size_t i = 0; i < bins->count; i++)
        total += bins->counts[i];
    if (!log_axis)
        x[used] = bins->first * width, y[used++] = 0;
    for (size_t i = 0; i < bins->count && total > 0; i++) {
        double density = bins->counts[i] / total / width;
        if (log_axis && density <= 0)
            density = NAN;
        for (size_t k = 0; k < 2; k++) {
            x[used] = (bins->first + (double)(i + k)) * width;
            y[used++] = density;
        }
    }
    if (!log_axis)
        x[used] = (bins->first + (double)bins->count) * width, y[used++] = 0;
    panel->series[panel->series_count++] = (struct figure_series){ .role = ROLE_DATA, .label = label, .count = used,
                                                                   .x = x, .y = y, .line = true, .shade = shade };
    return 0;
}

static int fill_panel(struct build *build, const struct rows *rows, const bool *keep, double layer,
                      struct figure *panel)
{
    struct bins *sum = memory_array(1, sizeof *sum), *one = memory_array(1, sizeof *one);
    int status = sum && one ? 0 : error_memory(build->err);
    panel->series = arena_zero(build->arena, rows->step_count + 1, sizeof *panel->series);
    if (!panel->series)
        status = error_memory(build->err);
    for (size_t s = 0; s < rows->step_count && !status; s++) {
        sum->any = false;
        for (size_t row = 0; row < rows->table->rows; row++)
            if (keep[row] && rows->layer->numbers[row] == layer && rows->step->numbers[row] == rows->steps[s] &&
                read_bins(rows->bins->texts[row], one))
                add_bins(sum, one);
        if (!sum->any)
            continue;
        while (sum->count > 128) /* seeds of different reach */
            coarsen(sum);
        double shade = rows->step_count > 1 ? FIGURE_SHADE_HIGHEST * (double)s / (double)(rows->step_count - 1) : 0.3;
        char *label = quantity_text(build->arena, rows->steps[s], true, 3);
        status = label ? add_outline(build, panel, sum, shade, label) : error_memory(build->err);
    }
    free(sum);
    free(one);
    return status;
}

static int finish_panel(struct build *build, struct figure *panel, const char *of)
{
    struct figure *whole = build->figure;
    struct gathered nothing = { .along = true };
    char *title = arena_format(build->arena, "%s", !strcmp(of, "weights")     ? "Weight"
                                                   : !strcmp(of, "gradients") ? "Gradient of a weight"
                                                                              : "Output of a unit");
    if (!title)
        return error_memory(build->err);
    panel->legend_title = "Step";
    panel->x = (struct figure_axis){ title, NULL, false, NAN, NAN, 0, NULL, NULL };
    panel->y = (struct figure_axis){ "Density", NULL, build->spec->y_log, NAN, NAN, 0, NULL, NULL };
    build->figure = panel;
    build->data = &nothing;
    int status = build_ranges(build);
    build->figure = whole;
    build->data = NULL;
    return status;
}

int build_histogram(struct build *build)
{
    struct figure *figure = build->figure;
    struct figure_wish wish = { 0 };
    const struct frame *table = build->results->histograms;
    struct rows rows = { .table = table, .trials = build->results->trials, .of = build->spec->of };
    if (!table)
        return iso_fail(build->err, "a histogram needs an experiment's results");
    rows.trial = frame_find(table, "trial");
    rows.step = frame_find(table, "step");
    rows.layer = frame_find(table, "layer");
    rows.what = frame_find(table, "of");
    rows.bins = frame_find(table, "bins");
    bool *keep = arena_zero(build->arena, table->rows + 1, sizeof *keep);
    if (!keep)
        return error_memory(build->err);
    if (!rows.trial || !rows.step || !rows.layer || !rows.what || !rows.what->texts || !rows.bins || !rows.bins->texts)
        return iso_fail(build->err, "the table of histograms lacks columns");
    if (build_choose_trial(build, &wish) || find_alike(build, &rows, wish.row) || find_rows(build, &rows, keep))
        return -1;
    figure->panels = arena_zero(build->arena, rows.layer_count + 1, sizeof(struct figure *));
    if (!figure->panels)
        return error_memory(build->err);
    for (size_t l = 0; l < rows.layer_count; l++) {
        struct figure *panel = arena_zero(build->arena, 1, sizeof *panel);
        if (!panel)
            return error_memory(build->err);
        figure->panels[figure->panel_count++] = panel;
        panel->arena = build->arena;
        panel->name = figure->name;
        panel->kind = figure->kind;
        panel->panel_title = arena_format(build->arena, "layer %.0f", rows.layers[l]);
        if (!panel->panel_title || fill_panel(build, &rows, keep, rows.layers[l], panel))
            return error_memory(build->err);
        if (!panel->series_count)
            panel->missing = "no values";
        else if (finish_panel(build, panel, rows.of))
            return -1;
    }
    build_share_axes(figure);
    build_say(build, "Densities of all %s of a layer%s%s.", rows.of,
              rows.seeds > 1 ? ", over all seeds of that setting" : "",
              !strcmp(rows.of, "activations") ? ", for the first examples of validation" : "");
    return build_end_model(build);
}
