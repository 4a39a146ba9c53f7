/* Reading CSV (RFC 4180) into a frame: a header line, then rows of as many fields; semicolons or tabs may part them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/frame.h"
#include "base/memory.h"
#include "base/numbers.h"

#define CSV_LIMIT ((size_t)1 << 30)

/* Fields of a file, row by row, as pointers into its text, which is changed in place: quotes are undone, ends are 0. */
struct cells {
    char **cell;
    size_t count, capacity;
    size_t columns, rows; /* rows without the header */
    char separator;
};

/* Commas, unless the header has none: then semicolons or tabs, as spreadsheets write them. */
static char separator_of(const char *text, const char *end)
{
    char other = ',';
    bool quoted = false;
    for (; text < end && (quoted || (*text != '\n' && *text != '\r')); text++) {
        quoted = quoted != (*text == '"');
        if (!quoted && *text == ',')
            return ',';
        if (!quoted && other == ',' && (*text == ';' || *text == '\t'))
            other = *text;
    }
    return other;
}

static bool is_blank(char character)
{
    return character == ' ' || character == '\t';
}

/* Reads the field at *at, of which *line is the line's number; leaves *at behind the separator. Gives what ended it:
 * the separator, '\n' or 0 for the end of the text, or -1. Blanks about a field that is not quoted are left out. */
static int field(char **at, const char *end, char separator, size_t *line, const char *path, char **cell,
                 struct iso_error *err)
{
    char *from = *at, *to;
    while (from < end && is_blank(*from) && *from != separator)
        from++;
    to = from;
    *cell = to;
    if (from < end && *from == '"') {
        const size_t opened = *line;
        for (from++; ; from++) {
            if (from == end)
                return iso_fail(err, "%s:%zu: a quoted field is never closed", path, opened);
            if (*from == '"' && from + 1 < end && from[1] == '"')
                from++;
            else if (*from == '"')
                break;
            *line += *from == '\n';
            *to++ = *from;
        }
        from++;
        while (from < end && is_blank(*from) && *from != separator)
            from++;
        if (from < end && *from != separator && *from != '\n' && *from != '\r')
            return iso_fail(err, "%s:%zu: text after a closing quote; a quote inside a field is doubled", path, *line);
    } else {
        while (from < end && *from != separator && *from != '\n' && *from != '\r')
            from++;
        for (to = from; to > *cell && is_blank(to[-1]);)
            to--;
    }
    if (from < end && *from == '\r' && from + 1 < end && from[1] == '\n')
        *from++ = 0;
    const int ended = from < end ? (*from == '\r' ? '\n' : *from) : 0;
    *line += ended == '\n';
    *to = 0;
    *at = from < end ? from + 1 : from;
    return ended;
}

static int read_cells(struct cells *cells, char *text, size_t length, const char *path, struct iso_error *err)
{
    char *at = text, *end = text + length;
    size_t line = 1;
    if (length >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
        at += 3;
    cells->separator = separator_of(at, end);
    while (at < end) {
        const size_t first = line;
        size_t fields = 0;
        int ended;
        if (*at == '\n' || *at == '\r') { /* an empty line */
            line += *at == '\n';
            at++;
            continue;
        }
        do {
            if (memory_grow(&cells->cell, &cells->capacity, cells->count + 1, sizeof *cells->cell))
                return error_memory(err);
            ended = field(&at, end, cells->separator, &line, path, &cells->cell[cells->count], err);
            if (ended < 0)
                return -1;
            cells->count++;
            fields++;
        } while (ended == cells->separator);
        if (!cells->columns)
            cells->columns = fields;
        else if (fields != cells->columns)
            return iso_fail(err, "%s:%zu: %zu fields, where the header has %zu", path, first, fields, cells->columns);
        else
            cells->rows++;
    }
    if (!cells->columns)
        return iso_fail(err, "%s is empty; expected a header line and rows of numbers", path);
    return 0;
}

/* A cell as a number; what tables write for none is NaN. */
static bool cell_number(const char *cell, double *value)
{
    static const char *const none[] = { "", "nan", "-nan", "na", "n/a", "null", "none" };
    static const char *const infinite[] = { "inf", "+inf", "-inf", "infinity", "-infinity" };
    *value = NAN;
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        if (!strcasecmp(cell, none[i]))
            return true;
    for (size_t i = 0; i < sizeof infinite / sizeof *infinite; i++)
        if (!strcasecmp(cell, infinite[i])) {
            *value = cell[0] == '-' ? -INFINITY : INFINITY;
            return true;
        }
    return number_real(cell, value);
}

static enum column_kind kind_of(const struct cells *cells, size_t column)
{
    bool whole = true, any = false;
    for (size_t row = 1; row <= cells->rows; row++) {
        const char *cell = cells->cell[row * cells->columns + column];
        double value;
        if (!cell_number(cell, &value))
            return COLUMN_TEXT;
        any = any || cell[0];
        /* 1e5 and 2.0 are written as measurements are: not as counts. */
        if (cell[0] && (cell[strspn(cell, "+-0123456789")] || fabs(value) > 0x1p53))
            whole = false;
    }
    return whole && any ? COLUMN_INTEGER : COLUMN_DOUBLE;
}

struct frame *frame_read_csv(const char *path, struct iso_error *err)
{
    struct frame *frame = NULL, *result = NULL;
    struct cells cells = { 0 };
    size_t length;
    char *text = file_read(path, CSV_LIMIT, &length, err);
    if (!text)
        goto out;
    if (memchr(text, 0, length)) {
        iso_fail(err, "%s is no CSV: it holds NUL bytes", path);
        goto out;
    }
    if (read_cells(&cells, text, length, path, err))
        goto out;
    frame = frame_new(cells.rows);
    if (!frame) {
        error_memory(err);
        goto out;
    }
    for (size_t i = 0; i < cells.columns; i++) {
        if (frame_find(frame, cells.cell[i])) {
            iso_fail(err, "%s:1: two columns are called \"%s\"", path, cells.cell[i]);
            goto out;
        }
        struct column *column = frame_add_column(frame, cells.cell[i], kind_of(&cells, i));
        if (!column) {
            error_memory(err);
            goto out;
        }
        for (size_t row = 0; row < cells.rows; row++) {
            const char *cell = cells.cell[(row + 1) * cells.columns + i];
            if (column->numbers) {
                cell_number(cell, &column->numbers[row]);
            } else if (cell[0] && column_set_text(column, row, cell)) {
                error_memory(err);
                goto out;
            }
        }
    }
    result = frame;
    frame = NULL;
out:
    frame_free(frame);
    free(cells.cell);
    free(text);
    return result;
}
