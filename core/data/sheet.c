/* A sheet of examples, and what they are like on the whole. */
#include "data/sheet.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/image.h"

#define ROWS 64 /* examples gathered at a time */
#define CLASS_ROWS 40 /* with more classes than this, rows are not by class */
#define GAP 2
#define SEARCH 100000 /* examples looked through for those of a class */

/* Where the walk over a split is. */
struct walk {
    const struct data *data;
    enum data_split split;
    size_t next, limit;
    uint32_t positions[ROWS];
    int32_t labels[ROWS];
    float *x, *targets;
};

static int walk_new(struct walk *walk, const struct data *data, enum data_split split, size_t limit,
                    struct iso_error *err)
{
    const struct data_shape *shape = data_shape(data);
    const size_t count = data_count(data, split);
    *walk = (struct walk){ .data = data, .split = split, .limit = count < limit ? count : limit };
    walk->x = memory_array(ROWS, shape->inputs * sizeof *walk->x);
    walk->targets = memory_array(ROWS, shape->outputs * sizeof *walk->targets);
    return walk->x && walk->targets ? 0 : error_memory(err);
}

static void walk_free(struct walk *walk)
{
    free(walk->x);
    free(walk->targets);
}

/* The next examples; their number, 0 at the end. */
static size_t walk_step(struct walk *walk)
{
    const struct data_shape *shape = data_shape(walk->data);
    const size_t n = walk->limit - walk->next < ROWS ? walk->limit - walk->next : ROWS;
    for (size_t k = 0; k < n; k++)
        walk->positions[k] = (uint32_t)(walk->next + k);
    if (n)
        data_gather(walk->data, walk->split, 0, 0, walk->positions, n, walk->x, shape->inputs,
                    shape->classification ? walk->labels : NULL, shape->classification ? NULL : walk->targets);
    walk->next += n;
    return n;
}

/* ---- The sheet ---- */

struct sheet {
    const struct data_shape *shape;
    size_t rows, columns, zoom, cell_width, cell_height, width, height, channels;
    float *picked; /* rows x columns examples */
    unsigned char *there;
    unsigned char *pixels;
};

/* Which examples are shown: of each class the first, or the first of all. */
static int pick(struct sheet *sheet, const struct data *data, enum data_split split, bool by_class,
                struct iso_error *err)
{
    struct walk walk;
    const size_t inputs = sheet->shape->inputs, cells = sheet->rows * sheet->columns;
    size_t *filled = memory_array(sheet->rows, sizeof *filled), done = 0;
    sheet->picked = memory_array(cells, inputs * sizeof *sheet->picked);
    sheet->there = memory_array(cells, 1);
    int result = walk_new(&walk, data, split, by_class ? SEARCH : cells, err);
    if (!result && (!filled || !sheet->picked || !sheet->there))
        result = error_memory(err);
    for (size_t n; !result && done < cells && (n = walk_step(&walk));) {
        for (size_t k = 0; k < n && done < cells; k++) {
            const size_t row = by_class ? (size_t)walk.labels[k] : done / sheet->columns;
            if (filled[row] == sheet->columns)
                continue;
            const size_t cell = row * sheet->columns + filled[row]++;
            memcpy(sheet->picked + cell * inputs, walk.x + k * inputs, inputs * sizeof *sheet->picked);
            sheet->there[cell] = 1;
            done++;
        }
    }
    walk_free(&walk);
    free(filled);
    return result;
}

static void paint(struct sheet *sheet)
{
    const struct data_shape *shape = sheet->shape;
    const size_t cells = sheet->rows * sheet->columns, area = shape->height * shape->width;
    float low = 0, high = 1; /* wider where normalised values leave [0, 1] */
    for (size_t i = 0; i < cells * shape->inputs; i++) {
        low = sheet->picked[i] < low ? sheet->picked[i] : low;
        high = sheet->picked[i] > high ? sheet->picked[i] : high;
    }
    memset(sheet->pixels, 255, sheet->width * sheet->height * sheet->channels);
    for (size_t cell = 0; cell < cells; cell++) {
        if (!sheet->there[cell])
            continue;
        const size_t top = GAP + cell / sheet->columns * sheet->cell_height;
        const size_t left = GAP + cell % sheet->columns * sheet->cell_width;
        const float *image = sheet->picked + cell * shape->inputs;
        for (size_t y = 0; y < shape->height * sheet->zoom; y++) {
            for (size_t x = 0; x < shape->width * sheet->zoom; x++) {
                unsigned char *out = sheet->pixels + ((top + y) * sheet->width + left + x) * sheet->channels;
                for (size_t c = 0; c < sheet->channels; c++) {
                    const float value = image[c * area + y / sheet->zoom * shape->width + x / sheet->zoom];
                    out[c] = (unsigned char)((value - low) / (high - low) * 255.0f + 0.5f);
                }
            }
        }
    }
}

int data_sheet(const struct data *data, enum data_split split, size_t count, const char *path, bool *drawn,
               struct iso_error *err)
{
    const struct data_shape *shape = data_shape(data);
    *drawn = false;
    if (!shape->height || (shape->channels != 1 && shape->channels != 3))
        return 0;
    const bool by_class = shape->classification && shape->outputs <= CLASS_ROWS;
    const size_t available = data_count(data, split);
    if (count > available)
        count = available;
    if (!count)
        return iso_fail(err, "there are no examples to show");
    struct sheet sheet = { .shape = shape, .channels = shape->channels, .zoom = shape->width < 48 ? 2 : 1 };
    sheet.columns = by_class ? (count + shape->outputs - 1) / shape->outputs : (size_t)ceil(sqrt((double)count));
    sheet.rows = by_class ? shape->outputs : (count + sheet.columns - 1) / sheet.columns;
    sheet.cell_width = shape->width * sheet.zoom + GAP;
    sheet.cell_height = shape->height * sheet.zoom + GAP;
    sheet.width = sheet.columns * sheet.cell_width + GAP;
    sheet.height = sheet.rows * sheet.cell_height + GAP;
    if (sheet.width > 30000 || sheet.height > 30000)
        return iso_fail(err, "a sheet of %zu examples would have %zu x %zu pixels: ask for fewer", count, sheet.width,
                        sheet.height);
    int result = -1;
    sheet.pixels = memory_array(sheet.width * sheet.height, sheet.channels);
    if (!sheet.pixels) {
        error_memory(err);
        goto out;
    }
    if (pick(&sheet, data, split, by_class, err))
        goto out;
    paint(&sheet);
    if (image_save(path, sheet.width, sheet.height, sheet.channels, sheet.pixels, err))
        goto out;
    *drawn = true;
    result = 0;
out:
    free(sheet.pixels);
    free(sheet.picked);
    free(sheet.there);
    return result;
}

/* ---- The summary ---- */

int data_summarise(const struct data *data, enum data_split split, size_t limit, struct data_summary *summary,
                   struct iso_error *err)
{
    const struct data_shape *shape = data_shape(data);
    struct walk walk;
    *summary = (struct data_summary){ .outputs = shape->outputs, .groups = shape->channels ? shape->channels : 1,
                                      .least = INFINITY, .most = -INFINITY };
    int result = walk_new(&walk, data, split, limit, err);
    summary->mean = memory_array(summary->groups, sizeof *summary->mean);
    summary->deviation = memory_array(summary->groups, sizeof *summary->deviation);
    summary->counts = shape->classification ? memory_array(shape->outputs, sizeof *summary->counts) : NULL;
    if (!result && (!summary->mean || !summary->deviation || (shape->classification && !summary->counts)))
        result = error_memory(err);
    const size_t per_group = shape->inputs / summary->groups;
    for (size_t n; !result && (n = walk_step(&walk));) {
        summary->examples += n;
        for (size_t k = 0; k < n; k++) {
            if (summary->counts)
                summary->counts[walk.labels[k]]++;
            for (size_t j = 0; j < shape->inputs; j++) {
                const double value = (double)walk.x[k * shape->inputs + j];
                summary->mean[j / per_group] += value;
                summary->deviation[j / per_group] += value * value;
                summary->least = value < summary->least ? value : summary->least;
                summary->most = value > summary->most ? value : summary->most;
            }
        }
    }
    const double count = (double)summary->examples * (double)per_group;
    for (size_t group = 0; !result && summary->examples && group < summary->groups; group++) {
        summary->mean[group] /= count;
        const double variance = summary->deviation[group] / count - summary->mean[group] * summary->mean[group];
        summary->deviation[group] = variance > 0 ? sqrt(variance) : 0;
    }
    walk_free(&walk);
    if (result)
        data_summary_free(summary);
    return result;
}

void data_summary_free(struct data_summary *summary)
{
    free(summary->counts);
    free(summary->mean);
    free(summary->deviation);
    *summary = (struct data_summary){ 0 };
}
