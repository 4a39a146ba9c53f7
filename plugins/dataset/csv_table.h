/* csv_table.h: reading tables of text, for the data sets that are ones (RFC 4180; any one-byte delimiter, no line breaks
 * within quotes). A file's content is hostile: rows of equal length and numbers are checked, with their line.
 *
 * A table is read in two passes: csv_scan counts and learns the classes, csv_fill parses into a block that all processes
 * share. */
#ifndef DATASET_CSV_TABLE_H
#define DATASET_CSV_TABLE_H

#include <isoflop/plugin.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CSV_COLUMNS 65536
#define CSV_CLASSES 4096
#define CSV_NUMBER 64 /* characters of a number */
#define CSV_FILE_MAX ((size_t)1 << 34)

/* A piece of the file. */
struct csv_field {
    const char *text;
    size_t length;
};

/* Where reading is. */
struct csv {
    const char *name; /* of the file, for messages */
    const char *at, *end;
    size_t line; /* of the row read last, from 1 */
    char delimiter;
    size_t count; /* fields of the row read last */
    struct csv_field fields[CSV_COLUMNS];
};

/* What a column is. */
enum { CSV_INPUT, CSV_LABEL, CSV_TARGET };

struct csv_layout {
    size_t columns, inputs, targets;
    unsigned char kind[CSV_COLUMNS];
    bool has_header;
    size_t class_count;
    struct csv_field classes[CSV_CLASSES]; /* sorted */
};

static inline void csv_start(struct csv *csv, const char *name, const struct iso_bytes *bytes, char delimiter)
{
    csv->name = name;
    csv->at = (const char *)bytes->data;
    csv->end = csv->at + bytes->length;
    csv->line = 0;
    csv->delimiter = delimiter;
    if (bytes->length >= 3 && !memcmp(csv->at, "\xef\xbb\xbf", 3)) /* a byte order mark */
        csv->at += 3;
}

/* Leaves out blanks at both ends. */
static inline void csv_trim(struct csv_field *field)
{
    while (field->length && (*field->text == ' ' || *field->text == '\t'))
        field->text++, field->length--;
    while (field->length && (field->text[field->length - 1] == ' ' || field->text[field->length - 1] == '\t'))
        field->length--;
}

static inline bool csv_at_end(const struct csv *csv)
{
    return csv->at == csv->end || *csv->at == '\n' || *csv->at == '\r';
}

/* Lines end with a line feed, a carriage return, or both. */
static inline void csv_end_line(struct csv *csv)
{
    if (csv->end - csv->at > 1 && csv->at[0] == '\r' && csv->at[1] == '\n')
        csv->at += 2;
    else if (csv->at < csv->end)
        csv->at++;
}

/* The next row that is not empty: 1, 0 at the end, -1 with an error. */
static inline int csv_row(struct csv *csv, struct iso_error *err)
{
    for (;;) {
        if (csv->at == csv->end)
            return 0;
        csv->line++;
        if (*csv->at != '\n' && *csv->at != '\r')
            break;
        csv_end_line(csv);
    }
    for (csv->count = 0;;) {
        if (csv->count == CSV_COLUMNS)
            return iso_fail(err, "%s:%zu: more than %d columns", csv->name, csv->line, CSV_COLUMNS);
        struct csv_field *field = &csv->fields[csv->count++];
        if (csv->at < csv->end && *csv->at == '"') {
            field->text = ++csv->at;
            for (;; csv->at++) {
                if (csv->at == csv->end || *csv->at == '\n')
                    return iso_fail(err, "%s:%zu: a quote is not closed on its line", csv->name, csv->line);
                if (*csv->at == '"' && csv->end - csv->at > 1 && csv->at[1] == '"')
                    csv->at++; /* a doubled one stands for itself */
                else if (*csv->at == '"')
                    break;
            }
            field->length = (size_t)(csv->at++ - field->text);
        } else {
            field->text = csv->at;
            while (!csv_at_end(csv) && *csv->at != csv->delimiter)
                csv->at++;
            field->length = (size_t)(csv->at - field->text);
            csv_trim(field);
        }
        if (csv_at_end(csv)) {
            csv_end_line(csv);
            return 1;
        }
        if (*csv->at++ != csv->delimiter)
            return iso_fail(err, "%s:%zu: after a quoted field comes no delimiter", csv->name, csv->line);
    }
}

static inline int csv_compare(const struct csv_field *a, const struct csv_field *b)
{
    const size_t least = a->length < b->length ? a->length : b->length;
    const int order = memcmp(a->text, b->text, least);
    return order ? order : (a->length > b->length) - (a->length < b->length);
}

/* Decimal numbers only, finite as float32, with nothing after them. */
static inline int csv_number(const struct csv *csv, size_t column, double *value, struct iso_error *err)
{
    struct csv_field field = csv->fields[column];
    char text[CSV_NUMBER + 1], *end = text;
    csv_trim(&field);
    if (field.length && field.length <= CSV_NUMBER) {
        memcpy(text, field.text, field.length);
        text[field.length] = 0;
        *value = strtod(text, &end);
    }
    if (!field.length)
        return iso_fail(err, "%s:%zu: column %zu is empty, where a number is expected: fill in missing values, or "
                             "leave such rows out", csv->name, csv->line, column + 1);
    const bool decimal = field.length <= CSV_NUMBER && end != text && !*end &&
                         strspn(text, "+-.0123456789eE") == field.length;
    if (!decimal || !isfinite((float)*value))
        return iso_fail(err, "%s:%zu: column %zu is %s: \"%.*s\"", csv->name, csv->line, column + 1,
                        decimal ? "more than a float32 can hold" : "no number",
                        (int)(field.length < 40 ? field.length : 40), field.text);
    return 0;
}

/* Place of a label among the classes, or where it would be inserted; *found tells which. */
static inline size_t csv_class(const struct csv_layout *layout, const struct csv_field *label, bool *found)
{
    size_t low = 0, high = layout->class_count;
    *found = false;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        const int order = csv_compare(label, &layout->classes[middle]);
        if (!order) {
            *found = true;
            return middle;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Counts rows, checks their length, adds the labels that come up to the classes. */
static inline int csv_scan(struct csv *csv, struct csv_layout *layout, size_t *rows, struct iso_error *err)
{
    int status;
    *rows = 0;
    for (bool first = layout->has_header; (status = csv_row(csv, err)) > 0; first = false) {
        if (csv->count != layout->columns)
            return iso_fail(err, "%s:%zu: %zu columns, where the first row has %zu", csv->name, csv->line, csv->count,
                            layout->columns);
        if (first)
            continue;
        ++*rows;
        for (size_t c = 0; c < csv->count; c++) {
            bool found;
            if (layout->kind[c] != CSV_LABEL)
                continue;
            if (!csv->fields[c].length)
                return iso_fail(err, "%s:%zu: there is no label, in column %zu", csv->name, csv->line, c + 1);
            const size_t place = csv_class(layout, &csv->fields[c], &found);
            if (found)
                continue;
            if (layout->class_count == CSV_CLASSES)
                return iso_fail(err, "%s:%zu: more than %d different labels; for numbers to be predicted name `targets`",
                                csv->name, csv->line, CSV_CLASSES);
            memmove(&layout->classes[place + 1], &layout->classes[place],
                    (layout->class_count++ - place) * sizeof *layout->classes);
            layout->classes[place] = csv->fields[c];
        }
    }
    if (!status && !*rows)
        return iso_fail(err, "%s: there are no rows in it", csv->name);
    return status;
}

/* A label of at most 9 digits as a number, else -1. */
static inline long csv_whole(const struct csv_field *label)
{
    long value = 0;
    if (!label->length || label->length > 9)
        return -1;
    for (size_t k = 0; k < label->length; k++) {
        if (label->text[k] < '0' || label->text[k] > '9')
            return -1;
        value = value * 10 + (label->text[k] - '0');
    }
    return value;
}

/* rank[i]: number of the class whose label is i-th in the order of texts. Labels that are all whole numbers are sorted
 * by value. Insertion, as both orders are nearly the same. */
static inline void csv_rank(const struct csv_layout *layout, size_t *rank)
{
    size_t order[CSV_CLASSES];
    bool whole = true;
    for (size_t i = 0; i < layout->class_count; i++) {
        whole = whole && csv_whole(&layout->classes[i]) >= 0;
        order[i] = i;
    }
    for (size_t i = 1; whole && i < layout->class_count; i++) {
        const size_t moved = order[i];
        size_t k = i;
        for (; k && csv_whole(&layout->classes[order[k - 1]]) > csv_whole(&layout->classes[moved]); k--)
            order[k] = order[k - 1];
        order[k] = moved;
    }
    for (size_t i = 0; i < layout->class_count; i++)
        rank[order[i]] = i;
}

/* ---- A table as a data set ---- */

struct csv_source {
    const char *train, *test; /* test "": a part of train */
    double test_fraction;
    bool header;
    char delimiter;
    const char *label, *targets; /* columns by name, or by number from 0; targets "": labels */
};

/* What both passes need, on the heap for its size. */
struct csv_job {
    const struct csv_source *source;
    struct csv csv;
    struct csv_layout layout;
    size_t rank[CSV_CLASSES];
    struct iso_bytes files[2];
    struct iso_rng rng; /* that parts one file into training and test rows */
    enum iso_split split;
    size_t rows, answers;
};

static inline bool csv_in_split(const struct csv_job *job, size_t row, enum iso_split split)
{
    if (job->source->test[0])
        return true;
    return (iso_rng_uniform_at(&job->rng, row, 0) < job->source->test_fraction) == (split == ISO_SPLIT_TEST);
}

/* What may part columns in a row that seems to have one. */
static inline const char *csv_other_delimiter(const struct csv_field *field)
{
    return memchr(field->text, ';', field->length)    ? ";"
           : memchr(field->text, '\t', field->length) ? "tab"
           : memchr(field->text, '|', field->length)  ? "|"
           : memchr(field->text, ',', field->length)  ? ","
                                                      : NULL;
}

/* The column that a word of `length` characters names. */
static inline int csv_column(const struct csv_job *job, const char *word, size_t length, size_t *column,
                             struct iso_error *err)
{
    const struct csv *csv = &job->csv;
    const struct csv_field named = { word, length };
    for (*column = 0; job->source->header && *column < csv->count; ++*column)
        if (!csv_compare(&csv->fields[*column], &named))
            return 0;
    const long number = csv_whole(&named);
    if (number >= 0 && (size_t)number < csv->count) {
        *column = (size_t)number;
        return 0;
    }
    if (!job->source->header)
        return iso_fail(err, "%s has no column \"%.*s\": without a header, columns are named by their number, 0 to %zu",
                        csv->name, (int)length, word, csv->count - 1);
    const struct csv_field *only = &csv->fields[0];
    const char *other = csv->count == 1 ? csv_other_delimiter(only) : NULL;
    if (other)
        return iso_fail(err, "%s has one column, \"%.*s\": is its delimiter another one (`delimiter: \"%s\"`)?",
                        csv->name, (int)(only->length < 80 ? only->length : 80), only->text, other);
    return iso_fail(err, "%s has no column \"%.*s\"; its first is \"%.*s\", its last \"%.*s\"", csv->name, (int)length,
                    word, (int)(csv->fields[0].length < 80 ? csv->fields[0].length : 80), csv->fields[0].text,
                    (int)(csv->fields[csv->count - 1].length < 80 ? csv->fields[csv->count - 1].length : 80),
                    csv->fields[csv->count - 1].text);
}

static inline int csv_is_text(const char *name, const struct iso_bytes *bytes, struct iso_error *err)
{
    const void *zero = bytes->length ? memchr(bytes->data, 0, bytes->length) : NULL;
    return zero ? iso_fail(err, "%s can't be read as text: there is a byte 0 in it (UTF-16? save it as UTF-8)", name) : 0;
}

/* Says what each column is, from the first row of the training file. */
static inline int csv_lay_out(struct csv_job *job, struct iso_error *err)
{
    struct csv_layout *layout = &job->layout;
    const struct csv_source *source = job->source;
    csv_start(&job->csv, source->train, &job->files[0], source->delimiter);
    const int status = csv_row(&job->csv, err);
    if (status <= 0)
        return status ? -1 : iso_fail(err, "%s: there are no rows in it", source->train);
    layout->columns = job->csv.count;
    layout->has_header = source->header;
    size_t column;
    if (!source->targets[0]) {
        if (csv_column(job, source->label, strlen(source->label), &column, err))
            return -1;
        layout->kind[column] = CSV_LABEL;
    }
    for (const char *word = source->targets; *word;) {
        const size_t length = strcspn(word, ",");
        if (csv_column(job, word, length, &column, err))
            return -1;
        layout->targets += layout->kind[column] != CSV_TARGET;
        layout->kind[column] = CSV_TARGET;
        word += length + (word[length] == ',');
    }
    layout->inputs = layout->columns - (source->targets[0] ? layout->targets : 1);
    if (!layout->inputs)
        return iso_fail(err, "%s: no column is left for inputs", source->train);
    return 0;
}

/* The columns of a test file are those of the training file, in its order. */
static inline int csv_compare_headers(struct csv_job *job, struct iso_error *err)
{
    struct csv *csv = &job->csv;
    const struct csv_source *source = job->source;
    if (!source->header)
        return 0;
    struct csv_field *names = malloc(job->layout.columns * sizeof *names);
    int status = names ? 0 : iso_fail(err, "out of memory");
    csv_start(csv, source->train, &job->files[0], source->delimiter);
    if (!status && csv_row(csv, err) > 0)
        memcpy(names, csv->fields, job->layout.columns * sizeof *names);
    csv_start(csv, source->test, &job->files[1], source->delimiter);
    if (!status && csv_row(csv, err) < 0)
        status = -1;
    for (size_t c = 0; !status && c < job->layout.columns && c < csv->count; c++)
        if (csv_compare(&names[c], &csv->fields[c]))
            status = iso_fail(err, "%s: its column %zu is \"%.*s\", that of %s \"%.*s\": both must have the same "
                                   "columns, in the same order", source->test, c + 1,
                              (int)(csv->fields[c].length < 80 ? csv->fields[c].length : 80), csv->fields[c].text,
                              source->train, (int)(names[c].length < 80 ? names[c].length : 80), names[c].text);
    free(names);
    return status;
}

/* The second pass: inputs, then, from `answers` on, labels or targets. */
static inline int csv_fill(void *context, unsigned char *data, size_t length, struct iso_error *err)
{
    struct csv_job *job = context;
    struct csv *csv = &job->csv;
    const struct csv_layout *layout = &job->layout;
    const bool second = job->split == ISO_SPLIT_TEST && job->source->test[0];
    float *inputs = (float *)(void *)data, *targets = (float *)(void *)(data + job->answers);
    uint32_t *labels = (uint32_t *)(void *)(data + job->answers);
    int status;
    (void)length;
    csv_start(csv, second ? job->source->test : job->source->train, &job->files[second], job->source->delimiter);
    if (layout->has_header && csv_row(csv, err) < 0)
        return -1;
    for (size_t row = 0; (status = csv_row(csv, err)) > 0; row++) {
        if (!csv_in_split(job, row, job->split))
            continue;
        for (size_t c = 0; c < csv->count; c++) {
            double value = 0;
            bool found;
            if (layout->kind[c] == CSV_LABEL)
                *labels++ = (uint32_t)job->rank[csv_class(layout, &csv->fields[c], &found)];
            else if (csv_number(csv, c, &value, err))
                return -1;
            else if (layout->kind[c] == CSV_TARGET)
                *targets++ = (float)value;
            else
                *inputs++ = (float)value;
        }
    }
    return status;
}

/* Names of the classes: their labels. */
static inline const char *const *csv_names(const struct csv_job *job, const struct iso_host *host,
                                           struct iso_error *err)
{
    size_t bytes = 0;
    for (size_t i = 0; i < job->layout.class_count; i++)
        bytes += job->layout.classes[i].length + 1;
    const char **names = host->allocate(host, job->layout.class_count * sizeof *names, err);
    char *text = names ? host->allocate(host, bytes, err) : NULL;
    for (size_t i = 0; text && i < job->layout.class_count; i++) {
        const struct csv_field *label = &job->layout.classes[i];
        memcpy(text, label->text, label->length); /* the memory is zeroed: a 0 follows */
        names[job->rank[i]] = text;
        text += label->length + 1;
    }
    return text ? names : NULL;
}

static inline int csv_open_job(struct csv_job *job, const struct iso_host *host, struct iso_table *table,
                               struct iso_error *err)
{
    const struct csv_source *source = job->source;
    struct csv_layout *layout = &job->layout;
    size_t rows[2] = { 0 };
    const bool apart = source->test[0] != 0;
    job->rng.size = sizeof job->rng;
    /* All files are read before a block is asked for: their content is what it is cached by. */
    for (int i = 0; i < 2; i++)
        job->files[i].size = sizeof job->files[i];
    if (host->file(host, source->train, CSV_FILE_MAX, &job->files[0], err) ||
        (apart && host->file(host, source->test, CSV_FILE_MAX, &job->files[1], err)) ||
        host->generator(host, "split", 0, &job->rng, err) ||
        csv_is_text(source->train, &job->files[0], err) ||
        (apart && csv_is_text(source->test, &job->files[1], err)) || csv_lay_out(job, err))
        return -1;
    csv_start(&job->csv, source->train, &job->files[0], source->delimiter);
    if (csv_scan(&job->csv, layout, &rows[0], err))
        return -1;
    if (apart) {
        if (csv_compare_headers(job, err))
            return -1;
        csv_start(&job->csv, source->test, &job->files[1], source->delimiter);
        if (csv_scan(&job->csv, layout, &rows[1], err))
            return -1;
    }
    csv_rank(layout, job->rank);
    job->rows = rows[apart && job->split == ISO_SPLIT_TEST];
    if (!apart)
        for (size_t row = 0; row < rows[0]; row++)
            job->rows -= !csv_in_split(job, row, job->split);
    if (!job->rows)
        return iso_fail(err, "%s: of its %zu rows none is left for %s; give a test file, or another test_fraction",
                        source->train, rows[0], job->split == ISO_SPLIT_TEST ? "testing" : "training");

    const size_t outputs = source->targets[0] ? layout->targets : layout->class_count;
    const size_t answer = source->targets[0] ? outputs : 1;
    job->answers = (job->rows * layout->inputs * sizeof(float) + 63) / 64 * 64;
    struct iso_bytes bytes = { .size = sizeof bytes };
    if (host->block(host, job->split == ISO_SPLIT_TEST ? "test" : "train",
                    job->answers + job->rows * answer * sizeof(float), csv_fill, job, &bytes, err))
        return -1;
    table->examples = job->rows;
    table->inputs = table->row_stride = layout->inputs;
    table->outputs = outputs;
    table->floats = (const float *)(const void *)bytes.data;
    table->scale = 1;
    if (source->targets[0]) {
        table->targets = (const float *)(const void *)(bytes.data + job->answers);
        return 0;
    }
    table->labels = bytes.data + job->answers;
    table->label_stride = sizeof(uint32_t);
    table->label_width = 4;
    table->class_names = csv_names(job, host, err);
    return table->class_names ? 0 : -1;
}

static inline int csv_open(const struct csv_source *source, const struct iso_host *host, enum iso_split split,
                           struct iso_table *table, struct iso_error *err)
{
    struct csv_job *job = calloc(1, sizeof *job);
    if (!job)
        return iso_fail(err, "out of memory");
    job->source = source;
    job->split = split;
    const int result = csv_open_job(job, host, table, err);
    free(job);
    return result;
}

#endif
