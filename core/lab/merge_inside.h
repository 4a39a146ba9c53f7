/* What the files of merging share; for them alone. */
#ifndef LAB_MERGE_INSIDE_H
#define LAB_MERGE_INSIDE_H

#include "base/hash.h"
#include "base/text.h"
#include "lab/merge.h"
#include "lab/store_inside.h"

#define MERGE_COLUMNS 80

/* Columns of one of our tables, as the folder's store has them. */
struct merge_table {
    const char *name;
    size_t count;
    char *columns[MERGE_COLUMNS];
    char types[MERGE_COLUMNS]; /* I integer, R real, T text */
};

/* Numbers of rows in a source and in the folder's store, ascending by the source's. */
struct merge_ids {
    struct merge_pair { int64_t from, to; } *pairs;
    size_t count, capacity;
};

enum merge_how { MERGE_KEPT, MERGE_TAKEN, MERGE_EQUAL, MERGE_CLOSE };

struct merge {
    const struct merge_options *options;
    struct merge_report *report;
    struct store *store;
    sqlite3 *out;
    struct merge_table experiments, runs, trials, points;
    /* prepared in `out`, freed at the end */
    sqlite3_stmt *trial_find, *trial_put, *trial_get, *points_forget, *point_put, *points_get, *how_put, *how_get;
    bool conflict;

    /* the source at hand */
    const char *name;
    size_t number;
    sqlite3 *in;
    struct merge_ids numerics_ids, run_ids, experiment_ids;
    size_t changed; /* trials added or taken from it */
};

/* ---- merge_rows.c: rows of hostile tables ---- */

int merge_table_read(struct merge_table *table, const char *name, sqlite3 *database, struct iso_error *err);
void merge_table_free(struct merge_table *table);
/* "a, b, c", or "?1, ?2, ?3" from `first` on. */
void merge_table_names(const struct merge_table *table, size_t first, const char *separator, const char *form,
                       struct text *out);
/* Checks that a value of a row is of its column's type: numbers finite, counts not negative, texts UTF-8. */
int merge_check(const struct merge *merge, sqlite3_stmt *row, int index, const struct merge_table *table, size_t column,
                struct iso_error *err);
bool merge_is_hash(const char *text);
int merge_ids_add(struct merge_ids *ids, int64_t from, int64_t to, struct iso_error *err);
int64_t merge_ids_find(const struct merge_ids *ids, int64_t from); /* -1: none */
/* A statement in the source, or an error that names it. */
sqlite3_stmt *merge_source(struct merge *merge, const char *sql, struct iso_error *err);
int merge_source_fail(struct merge *merge, struct iso_error *err);

/* ---- merge_trials.c ---- */

int merge_trials_prepare(struct merge *merge, struct iso_error *err);
int merge_trials(struct merge *merge, struct iso_error *err);

/* ---- merge_files.c ---- */

/* Checkpoints of a source; copy: false compares those that are in both alone. */
int merge_files(struct merge *merge, bool copy, struct iso_error *err);

#endif
