/* What a column of the results is called on an axis, and how its values are written. */
#ifndef FIGURE_QUANTITY_H
#define FIGURE_QUANTITY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/memory.h"

struct quantity {
    const char *title; /* "Validation loss" */
    const char *unit;  /* "nats"; NULL: none */
    const char *brief; /* beside a value: "width" in "width 64"; "" where the value alone is clear */
    bool after;        /* the brief follows the value: "1.2M parameters" */
    bool count;        /* of things: large values as 51k, 1.2M */
    bool more_is_better;
    bool progress;     /* grows during a trial: step, epoch, flops, ... */
};

/* loss_unit: of columns that are the recipe's loss; NULL: unknown. False: out of memory. */
bool quantity_of(struct arena *arena, const char *column, const char *loss_unit, struct quantity *quantity);
/* A value as a legend writes it: 64; 1.2M; 0.1; 3×10⁻⁵. `digits`: significant ones, 3 or more. In the arena. */
char *quantity_text(struct arena *arena, double value, bool count, int digits);
/* "10⁻²", with superscript digits. */
char *quantity_power(struct arena *arena, int exponent);

#endif
