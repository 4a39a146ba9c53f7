/* Tables of named columns. */
#include "base/frame.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/numbers.h"
#include "base/text.h"

struct frame *frame_new(size_t rows)
{
    struct frame *frame = memory_array(1, sizeof *frame);
    if (frame)
        frame->rows = rows;
    return frame;
}

static void column_clear(struct column *column, size_t rows)
{
    for (size_t row = 0; column->texts && row < rows; row++)
        free(column->texts[row]);
    free(column->texts);
    free(column->numbers);
    free(column->wholes);
    free(column->name);
}

void frame_free(struct frame *frame)
{
    if (!frame)
        return;
    for (size_t i = 0; i < frame->columns; i++)
        column_clear(&frame->column[i], frame->rows);
    free(frame->column);
    free(frame);
}

struct column *frame_add_column(struct frame *frame, const char *name, enum column_kind kind)
{
    if (memory_grow(&frame->column, &frame->capacity, frame->columns + 1, sizeof *frame->column))
        return NULL;
    struct column column = { .name = strdup(name), .kind = kind };
    if (kind == COLUMN_TEXT)
        column.texts = memory_array(frame->rows, sizeof *column.texts);
    else
        column.numbers = memory_array(frame->rows, sizeof *column.numbers);
    if (!column.name || (!column.texts && !column.numbers)) {
        column_clear(&column, 0);
        return NULL;
    }
    for (size_t row = 0; column.numbers && row < frame->rows; row++)
        column.numbers[row] = NAN;
    frame->column[frame->columns] = column;
    return &frame->column[frame->columns++];
}

struct column *frame_find(const struct frame *frame, const char *name)
{
    for (size_t i = 0; i < frame->columns; i++)
        if (!strcmp(frame->column[i].name, name))
            return &frame->column[i];
    return NULL;
}

void frame_remove_column(struct frame *frame, size_t index)
{
    struct column *column = &frame->column[index];
    column_clear(column, frame->rows);
    memmove(column, column + 1, (frame->columns - index - 1) * sizeof *column);
    frame->columns--;
}

int column_set_text(struct column *column, size_t row, const char *text)
{
    char *copy = text ? strdup(text) : NULL;
    if (text && !copy)
        return -1;
    free(column->texts[row]);
    column->texts[row] = copy;
    return 0;
}

int column_set_whole(const struct frame *frame, struct column *column, size_t row, int64_t value)
{
    column->numbers[row] = (double)value;
    if (fabs(column->numbers[row]) < 0x1p53)
        return 0;
    if (!column->wholes && !(column->wholes = memory_array(frame->rows, sizeof *column->wholes)))
        return -1;
    column->wholes[row] = value;
    return 0;
}

/* Beyond 2^53, a whole number is told by `wholes`. */
static bool is_large(const struct column *column, size_t row)
{
    return column->wholes && fabs(column->numbers[row]) >= 0x1p53;
}

bool column_same(const struct column *column, size_t a, size_t b)
{
    if (column->kind == COLUMN_TEXT) {
        const char *x = column->texts[a], *y = column->texts[b];
        return x == y || (x && y && !strcmp(x, y));
    }
    const double x = column->numbers[a], y = column->numbers[b];
    if (is_large(column, a) && is_large(column, b))
        return column->wholes[a] == column->wholes[b];
    return x == y || (isnan(x) && isnan(y));
}

const char *column_shown(const struct column *column, size_t row, char buffer[64])
{
    buffer[0] = '\0';
    if (column->kind == COLUMN_TEXT)
        return column->texts[row] ? column->texts[row] : "";
    if (is_large(column, row))
        snprintf(buffer, 64, "%" PRId64, column->wholes[row]);
    else if (!isnan(column->numbers[row]))
        number_text(column->numbers[row], buffer);
    return buffer;
}

/* ---- Writing ---- */

static void number_cell(const struct column *column, size_t row, char out[NUMBER_TEXT])
{
    const double number = column->numbers[row];
    if (column->kind == COLUMN_FLOAT)
        number_export_float(number, out);
    else if (is_large(column, row))
        snprintf(out, NUMBER_TEXT, "%" PRId64, column->wholes[row]);
    else if (column->kind == COLUMN_INTEGER && fabs(number) < 0x1p63)
        snprintf(out, NUMBER_TEXT, "%.0f", number);
    else if (column->kind == COLUMN_SETTING && isfinite(number))
        number_text(number, out);
    else
        number_export_double(number, out);
}

static void csv_text(FILE *out, const char *text)
{
    if (!text[strcspn(text, ",\"\r\n")]) {
        fputs(text, out);
        return;
    }
    putc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            putc('"', out);
        putc(*text, out);
    }
    putc('"', out);
}

int frame_write_csv(const struct frame *frame, FILE *out)
{
    for (size_t i = 0; i < frame->columns; i++) {
        if (i)
            putc(',', out);
        csv_text(out, frame->column[i].name);
    }
    putc('\n', out);
    for (size_t row = 0; row < frame->rows; row++) {
        for (size_t i = 0; i < frame->columns; i++) {
            const struct column *column = &frame->column[i];
            if (i)
                putc(',', out);
            if (column->kind == COLUMN_TEXT) {
                if (column->texts[row])
                    csv_text(out, column->texts[row]);
            } else {
                char number[NUMBER_TEXT];
                number_cell(column, row, number);
                fputs(number, out);
            }
        }
        putc('\n', out);
    }
    return ferror(out) ? -1 : 0;
}

static void json_text(FILE *out, const char *string, bool *failed)
{
    struct text text = { 0 };
    text_add_json(&text, string);
    if (text.failed)
        *failed = true;
    else
        fputs(text.data, out);
    text_free(&text);
}

static void json_row(const struct frame *frame, size_t row, FILE *out, bool *failed)
{
    for (size_t i = 0; i < frame->columns; i++) {
        const struct column *column = &frame->column[i];
        putc(i ? ',' : '{', out);
        json_text(out, column->name, failed);
        putc(':', out);
        if (column->kind == COLUMN_TEXT ? !column->texts[row] : !isfinite(column->numbers[row])) {
            fputs("null", out);
        } else if (column->kind == COLUMN_TEXT) {
            json_text(out, column->texts[row], failed);
        } else {
            char number[NUMBER_TEXT];
            number_cell(column, row, number);
            fputs(number, out);
        }
    }
    fputs(frame->columns ? "}" : "{}", out);
}

int frame_write_jsonl(const struct frame *frame, FILE *out)
{
    bool failed = false;
    for (size_t row = 0; row < frame->rows; row++) {
        json_row(frame, row, out, &failed);
        putc('\n', out);
    }
    return failed || ferror(out) ? -1 : 0;
}

int frame_write_json(const struct frame *frame, FILE *out)
{
    bool failed = false;
    putc('[', out);
    for (size_t row = 0; row < frame->rows; row++) {
        fputs(row ? ",\n " : "", out);
        json_row(frame, row, out, &failed);
    }
    fputs("]\n", out);
    return failed || ferror(out) ? -1 : 0;
}
