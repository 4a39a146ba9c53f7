/* The figures of a recipe that names none. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "figure/spec.h"

static bool has_values(const struct frame *frame, const char *name)
{
    const struct column *column = frame ? frame_find(frame, name) : NULL;
    for (size_t row = 0; column && column->numbers && row < frame->rows; row++)
        if (isfinite(column->numbers[row]))
            return true;
    return false;
}

static bool varies(const struct column *column, size_t rows)
{
    for (size_t row = 1; row < rows; row++) {
        if (column->texts) {
            const char *a = column->texts[0], *b = column->texts[row];
            if (a != b && (!a || !b || strcmp(a, b)))
                return true;
        } else if (column->numbers[row] != column->numbers[0] && !isnan(column->numbers[row])) {
            return true;
        }
    }
    return false;
}

/* The cases, else the first swept column that takes several values; the swept ones stand between seed and params. */
static const char *first_swept(const struct frame *trials)
{
    bool after_seed = false;
    const struct column *cases = frame_find(trials, "case");
    if (cases && varies(cases, trials->rows))
        return cases->name;
    for (size_t i = 0; i < trials->columns; i++) {
        const struct column *column = &trials->column[i];
        if (!strcmp(column->name, "params"))
            return NULL;
        if (after_seed && varies(column, trials->rows))
            return column->name;
        after_seed = after_seed || !strcmp(column->name, "seed");
    }
    return NULL;
}

struct figure_spec **figure_defaults(const struct figure_results *results, size_t *count, struct iso_error *err)
{
    struct figure_spec **specs = memory_array(2, sizeof *specs);
    const struct frame *trials = results->trials;
    *count = 0;
    if (!specs) {
        error_memory(err);
        return NULL;
    }
    const char *y = has_values(results->points, "validation.loss") ? "validation.loss"
                    : has_values(results->points, "train.loss")    ? "train.loss"
                                                                   : "test.loss";
    struct figure_spec *spec =
        figure_spec_of_columns("loss", "epoch", y, trials ? first_swept(trials) : NULL, false, 0, err);
    if (!spec)
        goto failed;
    specs[(*count)++] = spec;
    const struct column *sizes = trials ? frame_find(trials, "params") : NULL;
    if (sizes && sizes->numbers && varies(sizes, trials->rows)) {
        spec = figure_spec_of_columns("frontier", "flops", y, "params", false, 0, err);
        if (!spec)
            goto failed;
        spec->kind = KIND_FRONTIER;
        spec->x_log = spec->y_log = true;
        spec->band = BAND_NONE;
        spec->extend = 10;
        specs[(*count)++] = spec;
    }
    return specs;

failed:
    while (*count)
        figure_spec_free(specs[--*count]);
    free(specs);
    return NULL;
}
