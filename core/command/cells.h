/* A table of texts for people: aligned columns, or markdown. */
#ifndef COMMAND_CELLS_H
#define COMMAND_CELLS_H

#include <stdbool.h>
#include <stdio.h>

/* Row 0 is the head. A failure to allocate is remembered, and writing fails. */
struct cells {
    size_t rows, columns; /* the head not counted */
    char **text;
    bool *number;         /* of each column: aligned to the right */
    bool failed;
};

void cells_make(struct cells *cells, size_t rows, size_t columns);
void cells_free(struct cells *cells);
#if defined __GNUC__
__attribute__((format(printf, 4, 5)))
#endif
void cells_set(struct cells *cells, size_t row, size_t column, const char *format, ...);
int cells_write(const struct cells *cells, bool markdown, FILE *out);

#endif
