/* Rows of stores that others wrote: nothing in them is trusted. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "lab/merge_inside.h"
#include "recipe/utf8.h"

int merge_table_read(struct merge_table *table, const char *name, sqlite3 *database, struct iso_error *err)
{
    sqlite3_stmt *statement = database_prepare(database, "SELECT name, type FROM pragma_table_info(?1)", err);
    int code;
    table->name = name;
    if (!statement)
        return -1;
    database_bind_text(statement, 1, name);
    while ((code = sqlite3_step(statement)) == SQLITE_ROW && table->count < MERGE_COLUMNS) {
        table->types[table->count] = database_text(statement, 1)[0];
        table->columns[table->count] = strdup(database_text(statement, 0));
        if (!table->columns[table->count])
            break;
        table->count++;
    }
    sqlite3_finalize(statement);
    if (code == SQLITE_ROW)
        return error_memory(err);
    return code == SQLITE_DONE ? 0 : database_fail(database, err);
}

void merge_table_free(struct merge_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        free(table->columns[i]);
}

void merge_table_names(const struct merge_table *table, size_t first, const char *separator, const char *form,
                       struct text *out)
{
    for (size_t i = first; i < table->count; i++) {
        if (i > first)
            text_add_string(out, separator);
        for (const char *c = form; *c; c++)
            if (*c == '@')
                text_add_string(out, table->columns[i]);
            else if (*c == '#')
                text_format(out, "%zu", i - first + 1);
            else
                text_add(out, c, 1);
    }
}

static bool is_utf8(const char *text, size_t length)
{
    size_t size = 0;
    for (const char *end = text + length; text < end; text += size)
        if (utf8_decode(text, end, &size) < 0)
            return false;
    return true;
}

int merge_check(const struct merge *merge, sqlite3_stmt *row, int index, const struct merge_table *table, size_t column,
                struct iso_error *err)
{
    const int type = sqlite3_column_type(row, index);
    bool good = type == SQLITE_NULL;
    if (table->types[column] == 'I' && type == SQLITE_INTEGER) {
        good = sqlite3_column_int64(row, index) >= 0;
    } else if (table->types[column] == 'R' && (type == SQLITE_FLOAT || type == SQLITE_INTEGER)) {
        good = isfinite(sqlite3_column_double(row, index));
    } else if (table->types[column] == 'T' && type == SQLITE_TEXT) {
        const char *text = (const char *)sqlite3_column_text(row, index);
        const size_t length = (size_t)sqlite3_column_bytes(row, index);
        good = text && strlen(text) == length && is_utf8(text, length);
    }
    if (good)
        return 0;
    return iso_fail(err, "%s is damaged: %s.%s of a row is no %s", merge->name, table->name, table->columns[column],
                    table->types[column] == 'I' ? "count" : table->types[column] == 'R' ? "finite number" : "text");
}

bool merge_is_hash(const char *text)
{
    return strlen(text) == HASH_TEXT - 1 && strspn(text, "0123456789abcdef") == HASH_TEXT - 1;
}

int merge_ids_add(struct merge_ids *ids, int64_t from, int64_t to, struct iso_error *err)
{
    if (memory_grow(&ids->pairs, &ids->capacity, ids->count + 1, sizeof *ids->pairs))
        return error_memory(err);
    ids->pairs[ids->count++] = (struct merge_pair){ from, to };
    return 0;
}

static int compare_pairs(const void *a, const void *b)
{
    const int64_t x = ((const struct merge_pair *)a)->from, y = ((const struct merge_pair *)b)->from;
    return (x > y) - (x < y);
}

int64_t merge_ids_find(const struct merge_ids *ids, int64_t from)
{
    const struct merge_pair wanted = { from, 0 };
    const struct merge_pair *found = ids->count ? bsearch(&wanted, ids->pairs, ids->count, sizeof wanted, compare_pairs)
                                                : NULL;
    return found ? found->to : -1;
}

int merge_source_fail(struct merge *merge, struct iso_error *err)
{
    return iso_fail(err, "%s can't be merged: %s", merge->name, sqlite3_errmsg(merge->in));
}

sqlite3_stmt *merge_source(struct merge *merge, const char *sql, struct iso_error *err)
{
    sqlite3_stmt *statement = NULL;
    if (!sql)
        error_memory(err);
    else if (sqlite3_prepare_v2(merge->in, sql, -1, &statement, NULL) != SQLITE_OK)
        merge_source_fail(merge, err);
    return statement;
}
