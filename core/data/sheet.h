/* Looking at a data set: a sheet of examples as PNG, class counts, statistics of inputs. */
#ifndef DATA_SHEET_H
#define DATA_SHEET_H

#include "data/data.h"

/* Draws `count` examples of a split, a row a class where there are few classes. False in *drawn where the examples are
 * no images. */
int data_sheet(const struct data *data, enum data_split split, size_t count, const char *path, bool *drawn,
               struct iso_error *err);

struct data_summary {
    size_t examples; /* that were looked at */
    size_t outputs;
    uint64_t *counts; /* by class; NULL where there are none */
    size_t groups;    /* channels of an image, else 1 */
    double *mean, *deviation; /* by group, of inputs as they are normalised */
    double least, most;
};
/* Over the split, at most `limit` examples. */
int data_summarise(const struct data *data, enum data_split split, size_t limit, struct data_summary *summary,
                   struct iso_error *err);
void data_summary_free(struct data_summary *summary);

#endif
