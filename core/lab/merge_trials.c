/* Merging trials by key, with their points: what is unfinished yields to what is done, what is done twice must agree. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"
#include "lab/merge_inside.h"

/* Columns of trials and points that are no results: who, when, how long. */
static bool is_result(const char *column)
{
    static const char *const others[] = { "id", "key", "recipe", "wanted", "folder", "run", "numerics", "attempts",
                                          "started", "ended", "error", "seconds", "trial", "number", "extras",
                                          "flops_executed" };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(column, others[i]) == 0)
            return false;
    return true;
}

static int column_of(const struct merge_table *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->columns[i], name) == 0)
            return (int)i;
    return 0;
}

static sqlite3_stmt *prepare(struct merge *merge, struct text *sql, struct iso_error *err)
{
    char *text = text_take(sql);
    sqlite3_stmt *statement = text ? database_prepare(merge->out, text, err) : NULL;
    if (!text)
        error_memory(err);
    free(text);
    return statement;
}

/* Columns 1 ... of trials are all but the number of the row, 0 ... of points all. */
int merge_trials_prepare(struct merge *merge, struct iso_error *err)
{
    struct text text = { 0 };
    text_add_string(&text, "INSERT INTO trials (");
    merge_table_names(&merge->trials, 1, ", ", "@", &text);
    text_add_string(&text, ") VALUES (");
    merge_table_names(&merge->trials, 1, ", ", "?#", &text);
    text_add_string(&text, ") ON CONFLICT (key) DO UPDATE SET ");
    merge_table_names(&merge->trials, 2, ", ", "@ = excluded.@", &text);
    if (!(merge->trial_put = prepare(merge, &text, err)))
        return -1;
    text_add_string(&text, "SELECT ");
    merge_table_names(&merge->trials, 0, ", ", "@", &text);
    text_add_string(&text, " FROM trials WHERE key = ?1");
    if (!(merge->trial_get = prepare(merge, &text, err)))
        return -1;
    text_add_string(&text, "INSERT INTO points VALUES (");
    merge_table_names(&merge->points, 0, ", ", "?#", &text);
    text_add_string(&text, ")");
    if (!(merge->point_put = prepare(merge, &text, err)))
        return -1;
    text_add_string(&text, "SELECT ");
    merge_table_names(&merge->points, 0, ", ", "@", &text);
    text_add_string(&text, " FROM points WHERE trial = ?1 ORDER BY number");
    if (!(merge->points_get = prepare(merge, &text, err)))
        return -1;
    merge->trial_find = database_prepare(merge->out, "SELECT id FROM trials WHERE key = ?1", err);
    merge->points_forget = database_prepare(merge->out, "DELETE FROM points WHERE trial = ?1", err);
    merge->how_put = database_prepare(merge->out, "INSERT OR REPLACE INTO merged VALUES (?1, ?2, ?3)", err);
    merge->how_get = database_prepare(merge->out, "SELECT how FROM merged WHERE key = ?1 AND source = ?2", err);
    return merge->trial_find && merge->points_forget && merge->how_put && merge->how_get ? 0 : -1;
}

/* 2: ended, done or diverged; 1: failed; 0: unfinished; -1: no such status. */
static int rank_of(const char *status)
{
    if (strcmp(status, "done") == 0 || strcmp(status, "diverged") == 0)
        return 2;
    if (strcmp(status, "failed") == 0)
        return 1;
    return strcmp(status, "pending") == 0 || strcmp(status, "running") == 0 ? 0 : -1;
}

/* ---- Taking over ---- */

static int take_points(struct merge *merge, sqlite3_stmt *points, int64_t from, int64_t to, struct iso_error *err)
{
    sqlite3_bind_int64(merge->points_forget, 1, to);
    if (database_do(merge->out, merge->points_forget, err))
        return -1;
    sqlite3_bind_int64(points, 1, from);
    int code, status = 0;
    while (!status && (code = sqlite3_step(points)) == SQLITE_ROW) {
        for (size_t c = 0; !status && c < merge->points.count; c++) {
            status = merge_check(merge, points, (int)c, &merge->points, c, err);
            sqlite3_bind_value(merge->point_put, (int)c + 1, sqlite3_column_value(points, (int)c));
        }
        sqlite3_bind_int64(merge->point_put, column_of(&merge->points, "trial") + 1, to);
        if (!status && database_do(merge->out, merge->point_put, err))
            status = -1;
    }
    if (!status && code != SQLITE_DONE)
        status = merge_source_fail(merge, err);
    sqlite3_reset(points);
    return status;
}

/* Writes the source's row into the folder's store, new or in place of an unfinished one. */
static int take(struct merge *merge, sqlite3_stmt *row, sqlite3_stmt *points, int rank, struct iso_error *err)
{
    const struct merge_table *table = &merge->trials;
    const char *key = database_text(row, column_of(table, "key"));
    for (size_t c = 1; c < table->count; c++) {
        const bool run = strcmp(table->columns[c], "run") == 0, numerics = strcmp(table->columns[c], "numerics") == 0;
        if ((run || numerics) && sqlite3_column_type(row, (int)c) != SQLITE_NULL)
            sqlite3_bind_int64(merge->trial_put, (int)c, merge_ids_find(run ? &merge->run_ids : &merge->numerics_ids,
                                                                        sqlite3_column_int64(row, (int)c)));
        else if (!rank && strcmp(table->columns[c], "status") == 0)
            database_bind_text(merge->trial_put, (int)c, "pending");
        else
            sqlite3_bind_value(merge->trial_put, (int)c, sqlite3_column_value(row, (int)c));
    }
    if (database_do(merge->out, merge->trial_put, err))
        return -1;
    if (!rank)
        return 0;
    database_bind_text(merge->trial_find, 1, key);
    int64_t id = sqlite3_step(merge->trial_find) == SQLITE_ROW ? sqlite3_column_int64(merge->trial_find, 0) : -1;
    sqlite3_reset(merge->trial_find);
    return id < 0 ? database_fail(merge->out, err)
                  : take_points(merge, points, sqlite3_column_int64(row, 0), id, err);
}

/* ---- Comparing ---- */

struct comparison {
    struct merge *merge;
    const char *key;
    bool same_numerics;
    double largest;         /* difference in a loss, relative to max(1, |a|, |b|) */
    char column[64], a[64], b[64]; /* where it is */
};

static void shown(sqlite3_stmt *row, int index, char out[64])
{
    if (sqlite3_column_type(row, index) == SQLITE_FLOAT) {
        char number[NUMBER_TEXT];
        number_text(sqlite3_column_double(row, index), number);
        snprintf(out, 64, "%s", number);
    } else {
        snprintf(out, 64, "%.63s", database_text(row, index));
    }
}

static int differ(struct comparison *c, const char *column, const char *at, const char *ours, const char *theirs,
                  struct iso_error *err)
{
    struct merge *merge = c->merge;
    merge->conflict = true;
    if (c->same_numerics)
        return iso_fail(err, "trial %.16s: %s%s is %s in %s but %s in %s, at equal numerics, where results are equal to "
                        "the bit: one of them is damaged, or a plugin was changed without raising its revision; nothing "
                        "was merged", c->key, column, at, theirs, merge->name, ours, merge->options->folder);
    return iso_fail(err, "trial %.16s: %s%s is %s in %s but %s in %s, which is more than other numerics explain "
                    "(--tolerance %g); nothing was merged", c->key, column, at, theirs, merge->name, ours,
                    merge->options->folder, merge->options->tolerance);
}

/* One result in both; empty in one: it was not measured there. */
static int compare_value(struct comparison *c, const char *column, const char *at, sqlite3_stmt *ours,
                         sqlite3_stmt *theirs, int index, struct iso_error *err)
{
    const int x = sqlite3_column_type(ours, index), y = sqlite3_column_type(theirs, index);
    const size_t length = strlen(column);
    const bool loss = length > 5 && strcmp(column + length - 5, "_loss") == 0;
    bool same = true;
    char a[64], b[64];
    if (x == SQLITE_NULL || y == SQLITE_NULL)
        return 0;
    if (x == SQLITE_INTEGER && y == SQLITE_INTEGER) {
        same = sqlite3_column_int64(ours, index) == sqlite3_column_int64(theirs, index);
        /* Early stopping may fall elsewhere at other numerics; sizes may not. */
        same = same || (!c->same_numerics && strncmp(column, "params", 6) != 0);
    } else if (x == SQLITE_TEXT || y == SQLITE_TEXT) {
        same = strcmp(database_text(ours, index), database_text(theirs, index)) == 0
               || (!c->same_numerics && strcmp(column, "status") != 0);
    } else {
        const double p = sqlite3_column_double(ours, index), q = sqlite3_column_double(theirs, index);
        const double scale = fmax(1, fmax(fabs(p), fabs(q))), distance = fabs(p - q) / scale;
        same = p == q || (!c->same_numerics && (!loss || distance <= c->merge->options->tolerance));
        if (loss && distance > c->largest) {
            c->largest = distance;
            snprintf(c->column, sizeof c->column, "%.63s", column);
            shown(ours, index, c->a);
            shown(theirs, index, c->b);
        }
    }
    if (same)
        return 0;
    shown(ours, index, a);
    shown(theirs, index, b);
    return differ(c, column, at, a, b, err);
}

/* Measurements by layer, as JSON: those that are in both. */
static int compare_extras(struct comparison *c, const char *at, const char *ours, const char *theirs,
                          struct iso_error *err)
{
    if (strcmp(ours, theirs) == 0 || !c->same_numerics)
        return 0;
    json_t *mine = json_loads(ours, 0, NULL), *other = json_loads(theirs, 0, NULL);
    const char *name;
    json_t *value;
    int status = 0;
    json_object_foreach(mine, name, value) {
        const json_t *second = json_object_get(other, name);
        if (!status && second && !json_equal(value, second))
            status = differ(c, name, at, "another number", "one number", err);
    }
    json_decref(mine);
    json_decref(other);
    return status;
}

/* Points at the steps that are in both. Means since the previous point are compared where that is the same one. */
static int compare_points(struct comparison *c, sqlite3_stmt *theirs, int64_t from, int64_t to, struct iso_error *err)
{
    const struct merge_table *table = &c->merge->points;
    const int step = column_of(table, "step"), extras = column_of(table, "extras");
    sqlite3_stmt *ours = c->merge->points_get;
    int64_t before_ours = -1, before_theirs = -1;
    int status = 0;
    sqlite3_bind_int64(ours, 1, to);
    sqlite3_bind_int64(theirs, 1, from);
    int x = sqlite3_step(ours), y = sqlite3_step(theirs);
    while (!status && x == SQLITE_ROW && y == SQLITE_ROW) {
        const int64_t a = sqlite3_column_int64(ours, step), b = sqlite3_column_int64(theirs, step);
        for (size_t i = 0; !status && i < table->count; i++)
            status = merge_check(c->merge, theirs, (int)i, table, i, err);
        char at[64];
        snprintf(at, sizeof at, " at step %lld", (long long)a);
        for (size_t i = 0; !status && a == b && i < table->count; i++)
            if (is_result(table->columns[i]) && (before_ours == before_theirs || strncmp(table->columns[i], "train_", 6)
                                                 || strncmp(table->columns[i], "train_eval", 10) == 0))
                status = compare_value(c, table->columns[i], at, ours, theirs, (int)i, err);
        if (!status && a == b)
            status = compare_extras(c, at, database_text(ours, extras), database_text(theirs, extras), err);
        if (a <= b) {
            before_ours = a;
            x = sqlite3_step(ours);
        }
        if (b <= a) {
            before_theirs = b;
            y = sqlite3_step(theirs);
        }
    }
    if (!status && x != SQLITE_ROW && x != SQLITE_DONE)
        status = database_fail(c->merge->out, err);
    if (!status && y != SQLITE_ROW && y != SQLITE_DONE)
        status = merge_source_fail(c->merge, err);
    sqlite3_reset(ours);
    sqlite3_reset(theirs);
    return status;
}

/* "isoflop 0.1.0 build 0123456789ab, openblas (Haswell), x86-64-v3, glibc 2.36" */
static void add_numerics(struct merge *merge, int64_t id, struct text *out)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(merge->out, "SELECT version, substr(build, 1, 12), backend, kernel, instruction_set, libm"
                           " FROM numerics WHERE id = ?1", -1, &statement, NULL) == SQLITE_OK) {
        sqlite3_bind_int64(statement, 1, id);
        if (sqlite3_step(statement) == SQLITE_ROW)
            text_format(out, "isoflop %s build %s, %s (%s), %s, %s", database_text(statement, 0),
                        database_text(statement, 1), database_text(statement, 2), database_text(statement, 3),
                        database_text(statement, 4), database_text(statement, 5));
    }
    sqlite3_finalize(statement);
}

static void list_both(const struct comparison *c, int64_t ours, int64_t theirs)
{
    struct text text = { 0 };
    struct merge *merge = c->merge;
    text_format(&text, "trial %.16s at other numerics: ", c->key);
    if (c->largest > 0)
        text_format(&text, "largest difference %.2g: %s %s kept, ", c->largest, c->column, c->a);
    else
        text_add_string(&text, "equal losses; kept ");
    text_add_string(&text, "of ");
    add_numerics(merge, ours, &text);
    text_format(&text, "; %s in %s of ", c->largest > 0 ? c->b : "the same", merge->name);
    add_numerics(merge, theirs, &text);
    if (text.data)
        merge->options->note(merge->options->context, text.data);
    text_free(&text);
}

/* A trial that ended in both. */
static int compare(struct merge *merge, sqlite3_stmt *ours, sqlite3_stmt *theirs, sqlite3_stmt *points, const char *key,
                   enum merge_how *how, struct iso_error *err)
{
    const struct merge_table *table = &merge->trials;
    const int at = column_of(table, "numerics");
    const int64_t mine = sqlite3_column_int64(ours, at);
    const int64_t other = merge_ids_find(&merge->numerics_ids, sqlite3_column_int64(theirs, at));
    struct comparison c = { .merge = merge, .key = key, .same_numerics = mine == other };
    const int64_t to = sqlite3_column_int64(ours, 0), from = sqlite3_column_int64(theirs, 0);
    /* Points that fall by the clock are other ones in each training, and so are the means between them. */
    const char *recipe = database_text(ours, column_of(table, "recipe"));
    const bool by_clock = strstr(recipe, "\"every\":{\"seconds\"") != NULL;
    for (size_t i = 1; i < table->count; i++)
        if (is_result(table->columns[i])
            && !(by_clock && (strncmp(table->columns[i], "best", 4) == 0
                              || (strncmp(table->columns[i], "train_", 6) == 0
                                  && strncmp(table->columns[i], "train_eval", 10) != 0)))
            && compare_value(&c, table->columns[i], "", ours, theirs, (int)i, err))
            return -1;
    if (compare_points(&c, points, from, to, err))
        return -1;
    *how = c.same_numerics ? MERGE_EQUAL : MERGE_CLOSE;
    if (c.same_numerics) {
        merge->report->equal++;
    } else {
        merge->report->close++;
        list_both(&c, mine, other);
    }
    return 0;
}

/* ---- A source's trials ---- */

static bool is_json(const char *text)
{
    json_t *json = json_loads(text, 0, NULL);
    json_decref(json);
    return json != NULL;
}

static int check_row(struct merge *merge, sqlite3_stmt *row, struct iso_error *err)
{
    const struct merge_table *table = &merge->trials;
    for (size_t c = 0; c < table->count; c++)
        if (merge_check(merge, row, (int)c, table, c, err))
            return -1;
    const char *key = database_text(row, column_of(table, "key"));
    const int run = column_of(table, "run"), numerics = column_of(table, "numerics");
    if (!merge_is_hash(key))
        return iso_fail(err, "%s is damaged: \"%.80s\" is no key of a trial", merge->name, key);
    const int rank = rank_of(database_text(row, column_of(table, "status")));
    if (rank < 0)
        return iso_fail(err, "%s is damaged: trial %.16s has the status \"%.40s\"", merge->name, key,
                        database_text(row, column_of(table, "status")));
    if ((sqlite3_column_type(row, run) != SQLITE_NULL
         && merge_ids_find(&merge->run_ids, sqlite3_column_int64(row, run)) < 0)
        || ((rank == 2 || sqlite3_column_type(row, numerics) != SQLITE_NULL)
            && merge_ids_find(&merge->numerics_ids, sqlite3_column_int64(row, numerics)) < 0)
        || !is_json(database_text(row, column_of(table, "recipe"))))
        return iso_fail(err, "%s is damaged: trial %.16s has no run, numerics or recipe", merge->name, key);
    return 0;
}

static int merge_trial(struct merge *merge, sqlite3_stmt *row, sqlite3_stmt *points, struct iso_error *err)
{
    const struct merge_table *table = &merge->trials;
    const int key_at = column_of(table, "key"), status_at = column_of(table, "status");
    const char *key = database_text(row, key_at);
    const int rank = rank_of(database_text(row, status_at));
    enum merge_how how = MERGE_KEPT;
    int status = 0;
    database_bind_text(merge->trial_get, 1, key);
    const int code = sqlite3_step(merge->trial_get);
    const int ours = code == SQLITE_ROW ? rank_of(database_text(merge->trial_get, status_at)) : -1;
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        status = database_fail(merge->out, err);
    else if (ours == 2 && rank == 2)
        status = compare(merge, merge->trial_get, row, points, key, &how, err);
    sqlite3_reset(merge->trial_get);
    if (status)
        return -1;
    if (rank > ours) {
        how = MERGE_TAKEN;
        merge->changed++;
        *(ours < 0 ? &merge->report->added : &merge->report->taken) += 1;
        if (take(merge, row, points, rank, err))
            return -1;
    }
    database_bind_text(merge->how_put, 1, key);
    sqlite3_bind_int64(merge->how_put, 2, (int64_t)merge->number);
    sqlite3_bind_int(merge->how_put, 3, rank == 2 ? (int)how : MERGE_KEPT);
    return database_do(merge->out, merge->how_put, err);
}

int merge_trials(struct merge *merge, struct iso_error *err)
{
    struct text trials_sql = { 0 }, points_sql = { 0 };
    sqlite3_stmt *row = NULL, *points = NULL;
    int code = SQLITE_DONE, status = -1;
    text_add_string(&trials_sql, "SELECT ");
    merge_table_names(&merge->trials, 0, ", ", "@", &trials_sql);
    text_add_string(&trials_sql, " FROM trials ORDER BY id");
    text_add_string(&points_sql, "SELECT ");
    merge_table_names(&merge->points, 0, ", ", "@", &points_sql);
    text_add_string(&points_sql, " FROM points WHERE trial = ?1 ORDER BY number");
    if (!(row = merge_source(merge, trials_sql.failed ? NULL : trials_sql.data, err))
        || !(points = merge_source(merge, points_sql.failed ? NULL : points_sql.data, err)))
        goto out;
    status = 0;
    while (!status && (code = sqlite3_step(row)) == SQLITE_ROW)
        status = check_row(merge, row, err) || merge_trial(merge, row, points, err);
    if (!status && code != SQLITE_DONE)
        status = merge_source_fail(merge, err);
out:
    sqlite3_finalize(row);
    sqlite3_finalize(points);
    text_free(&trials_sql);
    text_free(&points_sql);
    return status ? -1 : 0;
}
