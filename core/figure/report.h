/* A report as one HTML page that stands alone: nothing is fetched, no library from outside, all texts escaped. */
#ifndef FIGURE_REPORT_H
#define FIGURE_REPORT_H

#include "figure/figure.h"

/* Rows of texts below a head. */
struct report_table {
    size_t rows, columns;
    char *const *text;  /* (rows + 1) x columns, the head first; NULL: empty */
    const bool *number; /* of each column: sorted as numbers, and to the right */
};

struct report_figure {
    const char *name;
    const struct figure *figure; /* NULL: `missing` says why */
    const char *missing;
};

/* Texts that are NULL or empty leave their part out. */
struct report {
    const char *title, *name;
    const char *state;      /* a sentence: how far it is */
    const char *const *facts; /* pairs of name and value, ends with NULL: trials, compute, time, ... */
    struct report_table results;
    const char *results_note;
    size_t figure_count;
    const struct report_figure *figures;
    const char *remarks;    /* the linter's */
    struct report_table failures;
    const char *recipe;
    const char *provenance;
};

/* To be freed; NULL and an error. Figures that can't be drawn say so in their place. */
char *report_html(const struct report *report, size_t *length, struct iso_error *err);

#endif
