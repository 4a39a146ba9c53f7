/* The table of means over seeds, as `isoflop table` and the end of a run print it. */
#ifndef COMMAND_TABLES_H
#define COMMAND_TABLES_H

#include <stdio.h>

#include "command/cells.h"
#include "lab/paired.h"

enum table_format { TABLE_TEXT, TABLE_CSV, TABLE_MARKDOWN, TABLE_JSON };

/* Swept columns, n, params, metrics, and a mark at the best; to be freed with cells_free. */
void table_cells(const struct summary *summary, size_t rows, struct cells *cells);
/* The first `limit` rows (0: all). */
int table_write(const struct summary *summary, enum table_format format, size_t limit, FILE *out);
/* One row for each setting of the other swept paths, columns for the values of `pivot`, one of the summary's keys. */
int table_write_pivot(const struct summary *summary, const char *pivot, enum table_format format, size_t limit, FILE *out,
                      struct iso_error *err);
int table_write_paired(const struct summary *summary, const struct paired *paired, double confidence,
                       enum table_format format, size_t limit, FILE *out);
/* The columns that a reader wants first: validation where there is one, and test. Gives their number. */
size_t table_columns(const struct frame *trials, const char *columns[8]);

/* "3", or "2 of 3, 1 diverged": trials that are done, and what became of the others. */
void table_count(const struct summary_row *row, char out[96]);
/* A column of `to` like one of `from`; NULL: out of memory. */
struct column *table_copy_head(struct frame *to, const struct column *from);
int table_copy_value(const struct frame *to, struct column *column, size_t row, const struct column *from,
                     size_t from_row);

#endif
