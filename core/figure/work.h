/* What the two halves of gathering share: gather.c finds columns, groups and lines, cells.c their values. */
#ifndef FIGURE_WORK_H
#define FIGURE_WORK_H

#include "figure/gather.h"

#define GROUPS_MAX 1000

struct record {
    size_t line, trial;
    double key, x, y;
    bool diverged;
};

struct work {
    struct arena *arena;
    const struct figure_spec *spec;
    const struct figure_results *results;
    struct gathered *out;
    struct iso_error *err;
    const struct frame *table;    /* the rows that are read */
    const struct frame *trials;   /* trials, or the same as table */
    size_t *trial_of;             /* a row of the table to its row of the trials; SIZE_MAX: none */
    const struct column **y;
    const struct column *status;
    size_t *group_of, *line_of;   /* of a row of the trials; line_of without y */
    size_t combination_count;     /* lines without y */
    size_t *representative;       /* their trial */
    struct record *records;
    size_t record_count;
};

/* Of a row of the trials. */
const char *work_status(const struct work *work, size_t trial); /* NULL: none */
bool work_running(const char *status); /* or waits to be */
bool work_diverged(const struct work *work, size_t trial);

/* From the table's rows to lines of cells: needs group_of, line_of and representative. */
int work_lines(struct work *work, bool averaged);
/* Whether the seeds of a line were measured at the same steps: else they can't be averaged. */
bool work_seeds_match(const struct gathered *out);

#endif
