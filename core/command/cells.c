/* Tables for people. */
#include "command/cells.h"

#include <stdlib.h>

#include "base/memory.h"
#include "base/text.h"

void cells_make(struct cells *cells, size_t rows, size_t columns)
{
    *cells = (struct cells){ .rows = rows, .columns = columns };
    cells->text = memory_array((rows + 1) * columns + 1, sizeof *cells->text);
    cells->number = memory_array(columns + 1, sizeof *cells->number);
    cells->failed = !cells->text || !cells->number;
}

void cells_free(struct cells *cells)
{
    for (size_t i = 0; cells->text && i < (cells->rows + 1) * cells->columns; i++)
        free(cells->text[i]);
    free(cells->text);
    free(cells->number);
}

void cells_set(struct cells *cells, size_t row, size_t column, const char *format, ...)
{
    struct text text = { 0 };
    va_list arguments;
    if (cells->failed)
        return;
    va_start(arguments, format);
    text_vformat(&text, format, arguments);
    va_end(arguments);
    char **slot = &cells->text[row * cells->columns + column];
    free(*slot);
    *slot = text_take(&text);
    cells->failed = !*slot;
}

/* Columns of the screen that a text takes: code points, not bytes. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text; text++)
        width += (*text & 0xc0) != 0x80;
    return width;
}

static const char *cell(const struct cells *cells, size_t row, size_t column)
{
    const char *text = cells->text[row * cells->columns + column];
    return text ? text : "";
}

/* In markdown a bar ends a cell. */
static void add_markdown(struct text *line, const char *text)
{
    for (; *text; text++)
        text_add(line, *text == '|' ? "\\|" : text, *text == '|' ? 2 : 1);
}

int cells_write(const struct cells *cells, bool markdown, FILE *out)
{
    size_t *widths = cells->failed ? NULL : memory_array(cells->columns + 1, sizeof *widths);
    struct text line = { 0 };
    if (!widths)
        return -1;
    for (size_t i = 0; i < (cells->rows + 1) * cells->columns; i++) {
        const size_t own = width_of(cell(cells, i / cells->columns, i % cells->columns));
        if (own > widths[i % cells->columns])
            widths[i % cells->columns] = own;
    }
    for (size_t r = 0; r <= cells->rows; r++) {
        line.length = 0;
        for (size_t c = 0; c < cells->columns; c++) {
            const char *text = cell(cells, r, c);
            const int pad = (int)(widths[c] - width_of(text));
            text_add_string(&line, markdown ? "| " : c ? "  " : "");
            text_format(&line, "%*s", cells->number[c] ? pad : 0, "");
            if (markdown)
                add_markdown(&line, text);
            else
                text_add_string(&line, text);
            text_format(&line, "%*s%s", cells->number[c] ? 0 : pad, "", markdown ? " " : "");
        }
        while (!markdown && line.length && line.data[line.length - 1] == ' ')
            line.data[--line.length] = '\0';
        fprintf(out, "%s%s\n", line.length ? line.data : "", markdown ? "|" : "");
        for (size_t c = 0; markdown && !r && c < cells->columns; c++)
            fputs(cells->number[c] ? "| ---: " : "| --- ", out);
        if (markdown && !r)
            fputs("|\n", out);
    }
    const bool failed = line.failed;
    text_free(&line);
    free(widths);
    return failed || ferror(out) ? -1 : 0;
}
