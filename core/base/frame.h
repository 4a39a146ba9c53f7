/* A frame: a table of named columns, the plain data that results are handed on as (export, tables, figures, CSV). */
#ifndef BASE_FRAME_H
#define BASE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

enum column_kind {
    COLUMN_INTEGER, /* numbers without a fraction */
    COLUMN_FLOAT,   /* float32 values: written with %.9g */
    COLUMN_DOUBLE,  /* written with %.17g */
    COLUMN_SETTING, /* numbers that a person chose, such as 0.1: written in their shortest exact form */
    COLUMN_TEXT
};

struct column {
    char *name;
    enum column_kind kind;
    double *numbers; /* rows values, NaN: empty; NULL for text */
    int64_t *wholes; /* the same exactly, where a whole number is beyond 2^53, which doubles don't tell apart; or NULL */
    char **texts;    /* rows texts, NULL: empty; NULL for numbers */
};

struct frame {
    size_t rows, columns, capacity;
    struct column *column;
};

/* An empty frame of `rows` rows; frame_add_column appends a column of empty values; the
 * pointer holds until the next one is added. NULL: out of memory. */
struct frame *frame_new(size_t rows);
void frame_free(struct frame *frame);
struct column *frame_add_column(struct frame *frame, const char *name, enum column_kind kind);
struct column *frame_find(const struct frame *frame, const char *name); /* NULL: there is none */
void frame_remove_column(struct frame *frame, size_t index);
int column_set_text(struct column *column, size_t row, const char *text); /* copies */
/* Of a frame's column of integers. */
int column_set_whole(const struct frame *frame, struct column *column, size_t row, int64_t value);
/* Whether two rows hold the same; two empty ones do. */
bool column_same(const struct column *column, size_t a, size_t b);
/* A value as a person would write it, "" where it is empty: the text itself, or a number in `buffer`. */
const char *column_shown(const struct column *column, size_t row, char buffer[64]);
/* CSV (RFC 4180). Reading takes a header line, recognises columns that are numbers, and checks every row's length. */
struct frame *frame_read_csv(const char *path, struct iso_error *err);
int frame_write_csv(const struct frame *frame, FILE *out);
int frame_write_jsonl(const struct frame *frame, FILE *out);
int frame_write_json(const struct frame *frame, FILE *out); /* one list of objects */

#endif
