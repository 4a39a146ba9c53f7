/* The table of means over seeds, as `isoflop table` and the end of a run print it. */
#ifndef COMMAND_TABLES_H
#define COMMAND_TABLES_H

#include <stdio.h>

#include "lab/summary.h"

enum table_format { TABLE_TEXT, TABLE_CSV, TABLE_MARKDOWN, TABLE_JSON };

/* The first `limit` rows (0: all). */
int table_write(const struct summary *summary, enum table_format format, size_t limit, FILE *out);
/* The columns that a reader wants first: validation where there is one, and test. Gives their number. */
size_t table_columns(const struct frame *trials, const char *columns[8]);

#endif
