/* Figures of one trained model: confusion matrix, examples, filters, the network drawn. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "figure/build.h"

/* ---- Which model ---- */

static double score(const struct column *column, size_t row)
{
    return column && column->numbers && isfinite(column->numbers[row]) ? column->numbers[row] : INFINITY;
}

/* The trial that the figure names, else the one with the lowest validation loss (training loss where there is none);
 * never by test. */
int build_choose_trial(struct build *build, struct figure_wish *wish)
{
    const struct frame *trials = build->results->trials;
    const struct column *places = trials ? frame_find(trials, "trial") : NULL;
    static const char *const by[] = { "best.validation.loss", "validation.loss", "train.loss" };
    static const char *const words[] = { "validation loss at its best", "validation loss", "training loss" };
    if (!places || !places->numbers || !trials->rows)
        return iso_fail(build->err, "a figure of a model needs an experiment's results");
    for (size_t row = 0; build->spec->trial && row < trials->rows; row++)
        if (places->numbers[row] == (double)build->spec->trial) {
            wish->row = row;
            build_say(build, "Trial %llu.", (unsigned long long)build->spec->trial);
            return 0;
        }
    if (build->spec->trial)
        return iso_fail(build->err, "there is no trial %llu", (unsigned long long)build->spec->trial);
    for (size_t i = 0; i < 3; i++) {
        const struct column *column = frame_find(trials, by[i]);
        double least = INFINITY;
        for (size_t row = 0; row < trials->rows; row++)
            if (score(column, row) < least) {
                least = score(column, row);
                wish->row = row;
            }
        if (isinf(least))
            continue;
        build_say(build, "Trial %.0f, which has the lowest %s.", places->numbers[wish->row], words[i]);
        return 0;
    }
    return iso_fail(build->err, "nothing to draw yet: no trial has finished");
}

static int open_model(struct build *build, enum figure_need need, struct figure_model *model)
{
    const struct figure_source *source = build->results->source;
    struct figure_wish wish = { .need = need, .checkpoint = build->spec->checkpoint, .split = build->spec->split };
    if (build_choose_trial(build, &wish))
        return -1;
    if (!source)
        return iso_fail(build->err, "a figure of a model needs its checkpoint, which a table does not have");
    if (source->open(source->context, &wish, build->arena, model, build->err))
        return -1;
    if (model->what)
        build_say(build, "%s.", model->what);
    return 0;
}

static const char *class_name(struct build *build, const struct figure_model *model, size_t class)
{
    return model->class_names ? arena_format(build->arena, "%s", model->class_names[class])
                              : arena_format(build->arena, "%zu", class);
}

int build_end_model(struct build *build)
{
    if (build->spec->caption && build->spec->caption[0])
        build_say(build, "%s", build->spec->caption);
    return build_close_caption(build);
}

/* ---- Confusion ---- */

/* Rows are true classes, from the top; colours are fractions of a row. */
int build_confusion(struct build *build)
{
    struct figure *figure = build->figure;
    struct figure_model model = { 0 };
    if (open_model(build, NEED_ANSWERS, &model))
        return -1;
    const size_t n = model.classes;
    if (n < 2 || n > 100)
        return iso_fail(build->err, "a confusion matrix is drawn of 2 to 100 classes, not %zu", n);
    size_t *counts = arena_zero(build->arena, n * n, sizeof *counts), right = 0;
    size_t *sums = arena_zero(build->arena, n, sizeof *sums);
    const char **names = arena_zero(build->arena, n, sizeof *names), **upwards = arena_zero(build->arena, n,
                                                                                         sizeof *upwards);
    double *places = arena_zero(build->arena, n, sizeof *places);
    figure->cells = arena_zero(build->arena, n * n, sizeof *figure->cells);
    if (!counts || !sums || !names || !upwards || !places || !figure->cells)
        return error_memory(build->err);
    for (size_t i = 0; i < model.count; i++) {
        counts[(size_t)model.labels[i] * n + model.predicted[i]]++;
        sums[model.labels[i]]++;
        right += (size_t)model.labels[i] == model.predicted[i];
    }
    for (size_t i = 0; i < n; i++) {
        places[i] = (double)i;
        if (!(names[i] = upwards[n - 1 - i] = class_name(build, &model, i)))
            return error_memory(build->err);
    }
    for (size_t t = 0; t < n; t++)
        for (size_t p = 0; p < n; p++) {
            struct figure_cell *cell = &figure->cells[figure->cell_count++];
            double y = (double)(n - 1 - t), x = (double)p;
            *cell = (struct figure_cell){ x - 0.5, x + 0.5, y - 0.5, y + 0.5, 0, NAN, 0, 0, 1, NULL };
            cell->value = sums[t] ? (double)counts[t * n + p] / (double)sums[t] : 0;
            if (counts[t * n + p] && n <= 30 && !(cell->text = arena_format(build->arena, "%zu", counts[t * n + p])))
                return error_memory(build->err);
        }
    figure->x = (struct figure_axis){ "Predicted class", NULL, false, -0.5, (double)n - 0.5, n, places, names };
    figure->y = (struct figure_axis){ "True class", NULL, false, -0.5, (double)n - 0.5, n, places, upwards };
    figure->colour_bar = true;
    figure->scale = (struct figure_axis){ "Fraction of its class", NULL, false, 0, 1, 0, NULL, NULL };
    figure->legend_title = figure->scale.title;
    build_say(build, "%zu of %zu right (%.2f %%); numbers are examples.", right, model.count,
              model.count ? 100 * (double)right / (double)model.count : 0);
    return build_end_model(build);
}

/* ---- Sheets ---- */

/* Values of `channels` planes as bytes: low is black, high white. */
static unsigned char *pixels_of(struct build *build, const struct figure_model *model, const float *values, double low,
                                double high)
{
    size_t area = model->width * model->height;
    unsigned char *pixels = arena_zero(build->arena, area, model->channels);
    for (size_t i = 0; pixels && i < area * model->channels; i++) {
        double part = ((double)values[i % model->channels * area + i / model->channels] - low) / (high - low);
        pixels[i] = (unsigned char)lround(255 * fmin(fmax(part, 0), 1));
    }
    return pixels;
}

struct ranked {
    double truth; /* what the model gave the true class */
    bool wrong;
    size_t example;
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *p = a, *q = b;
    if (p->wrong != q->wrong)
        return p->wrong ? -1 : 1;
    if (p->truth != q->truth)
        return p->truth < q->truth ? -1 : 1;
    return (p->example > q->example) - (p->example < q->example);
}

static int check_images(struct build *build, const struct figure_model *model)
{
    if (model->width && model->height && (model->channels == 1 || model->channels == 3))
        return 0;
    return iso_fail(build->err, "the inputs of this model are no images");
}

static int add_example(struct build *build, const struct figure_model *model, size_t example, const float *x,
                       double low, double high)
{
    struct figure_tile *tile = &build->figure->tiles[build->figure->tile_count++];
    const char *label = class_name(build, model, (size_t)model->labels[example]);
    const char *predicted = class_name(build, model, model->predicted[example]);
    bool wrong = (size_t)model->labels[example] != model->predicted[example];
    *tile = (struct figure_tile){ .width = model->width, .height = model->height, .channels = model->channels,
                                  .pixels = pixels_of(build, model, x, low, high), .wrong = wrong };
    if (!tile->pixels || !label || !predicted)
        return error_memory(build->err);
    tile->words[0] = label;
    tile->words[1] = isnan(model->sure[example])
                         ? arena_format(build->arena, "%s", predicted)
                         : arena_format(build->arena, "%s (%.0f %%)", predicted, 100 * model->sure[example]);
    return tile->words[1] ? 0 : error_memory(build->err);
}

int build_examples(struct build *build)
{
    struct figure_model model = { 0 };
    const struct figure_source *source = build->results->source;
    if (open_model(build, NEED_ANSWERS, &model) || check_images(build, &model))
        return -1;
    size_t wanted = (size_t)build->spec->count, wrong = 0, inputs = model.width * model.height * model.channels;
    struct ranked *ranked = arena_zero(build->arena, model.count + 1, sizeof *ranked);
    if (!ranked)
        return error_memory(build->err);
    for (size_t i = 0; i < model.count; i++) {
        ranked[i] = (struct ranked){ model.truth[i], (size_t)model.labels[i] != model.predicted[i], i };
        wrong += ranked[i].wrong;
    }
    if (build->spec->order == ORDER_WRONG)
        qsort(ranked, model.count, sizeof *ranked, compare_ranked);
    wanted = wanted > model.count ? model.count : wanted;
    if (!wanted)
        return iso_fail(build->err, "there are no examples to show");
    size_t *which = arena_zero(build->arena, wanted, sizeof *which);
    float *x = arena_zero(build->arena, wanted, inputs * sizeof *x);
    build->figure->tiles = arena_zero(build->arena, wanted, sizeof *build->figure->tiles);
    if (!which || !x || !build->figure->tiles)
        return error_memory(build->err);
    for (size_t i = 0; i < wanted; i++)
        which[i] = ranked[i].example;
    if (source->pictures(source->context, which, wanted, x, build->err))
        return -1;
    double low = 0, high = 1; /* wider where normalised values leave [0, 1] */
    for (size_t i = 0; i < wanted * inputs; i++) {
        low = fmin(low, (double)x[i]);
        high = fmax(high, (double)x[i]);
    }
    for (size_t i = 0; i < wanted; i++)
        if (add_example(build, &model, which[i], x + i * inputs, low, high))
            return -1;
    build_say(build, "%s Above the label, below it what the model says; %zu of %zu are wrong.",
              build->spec->order == ORDER_WRONG ? "The examples to whose true class the model gives least, wrong ones first."
                                                : "The first examples.",
              wrong, model.count);
    return build_end_model(build);
}

/* First-layer weights of single units: 0 is mid-grey (of colour images each channel's), black and white the unit's own
 * largest magnitude. Those of the largest norm come first. */
struct unit_norm {
    double norm;
    size_t unit;
};

static int compare_norms(const void *a, const void *b)
{
    const struct unit_norm *p = a, *q = b;
    if (p->norm != q->norm)
        return p->norm > q->norm ? -1 : 1;
    return (p->unit > q->unit) - (p->unit < q->unit);
}

int build_filters(struct build *build)
{
    struct figure *figure = build->figure;
    struct figure_model model = { 0 };
    if (open_model(build, NEED_WEIGHTS, &model) || check_images(build, &model))
        return -1;
    size_t inputs = model.width * model.height * model.channels, units = model.sizes[1];
    size_t wanted = (size_t)build->spec->count < units ? (size_t)build->spec->count : units;
    struct unit_norm *norms = arena_zero(build->arena, units, sizeof *norms);
    figure->tiles = arena_zero(build->arena, wanted, sizeof *figure->tiles);
    if (!norms || !figure->tiles)
        return error_memory(build->err);
    for (size_t u = 0; u < units; u++) {
        norms[u].unit = u;
        for (size_t i = 0; i < inputs; i++)
            norms[u].norm += (double)model.weights[u * inputs + i] * (double)model.weights[u * inputs + i];
    }
    qsort(norms, units, sizeof *norms, compare_norms);
    for (size_t k = 0; k < wanted; k++) {
        const float *weights = model.weights + norms[k].unit * inputs;
        double largest = 1e-30;
        for (size_t i = 0; i < inputs; i++)
            largest = fmax(largest, fabs((double)weights[i]));
        struct figure_tile *tile = &figure->tiles[figure->tile_count++];
        *tile = (struct figure_tile){ .width = model.width, .height = model.height, .channels = model.channels,
                                      .pixels = pixels_of(build, &model, weights, -largest, largest) };
        tile->words[0] = arena_format(build->arena, "%zu", norms[k].unit);
        if (!tile->pixels || !tile->words[0])
            return error_memory(build->err);
    }
    build_say(build, "Weights of the first layer's units, by their number; the %zu of %zu with the largest norm. Grey is 0, "
                     "black and white are each unit's largest magnitude.", wanted, units);
    return build_end_model(build);
}

/* ---- The network ---- */

int build_architecture(struct build *build)
{
    struct figure *figure = build->figure;
    struct figure_model model = { 0 };
    if (open_model(build, NEED_SHAPE, &model))
        return -1;
    const size_t layers = model.layers;
    double params = 0;
    figure->layers = arena_zero(build->arena, layers + 1, sizeof *figure->layers);
    if (!figure->layers)
        return error_memory(build->err);
    for (size_t i = 0; i <= layers; i++) {
        struct figure_layer *layer = &figure->layers[figure->layer_count++];
        bool failed = false;
        layer->units = model.sizes[i];
        layer->name = !i            ? "input"
                      : i == layers ? "output"
                      : layers == 2 ? "hidden"
                                    : arena_format(build->arena, "hidden %zu", i);
        layer->words[0] = arena_format(build->arena, "%zu", model.sizes[i]);
        failed = !layer->name || !layer->words[0];
        if (!i && model.height)
            layer->words[1] = arena_format(build->arena, "%zu × %zu%s", model.width, model.height,
                                           model.channels == 3 ? " × 3" : "");
        if (i && i < layers)
            layer->words[1] = arena_format(build->arena, "%s", model.activations[i - 1]);
        if (i == layers)
            layer->words[1] = arena_format(build->arena, "%s", model.loss);
        if (i) {
            double own = (double)model.sizes[i] * ((double)model.sizes[i - 1] + (model.bias ? 1 : 0));
            char *text = quantity_text(build->arena, own, true, 3);
            layer->between = text ? arena_format(build->arena, "%s parameters", text) : NULL;
            failed = failed || !layer->between;
            params += own;
        }
        if (failed)
            return error_memory(build->err);
    }
    build_say(build, "%.0f parameters%s.", params, model.bias ? ", biases included" : "; no biases");
    return build_end_model(build);
}
