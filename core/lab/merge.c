/* Joins stores in one transaction of the folder's own; sources are other connections, read-only. */
#include "lab/merge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "lab/merge_inside.h"

/* ---- A source ---- */

static int64_t number_of(struct merge *merge, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int64_t number = -1;
    if (sqlite3_prepare_v2(merge->in, sql, -1, &statement, NULL) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
        number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return number;
}

/* Is the file whole, and made of our tables alone? */
static int check_source(struct merge *merge, struct iso_error *err)
{
    static const char no_error[] = "NULL value in "; /* SQLite 3.40 says so of good tables WITHOUT ROWID */
    sqlite3_stmt *statement = merge_source(merge, "PRAGMA quick_check(1000000)", err);
    struct iso_error why = ERROR_NONE;
    int code;
    if (!statement)
        return -1;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        const char *line = database_text(statement, 0);
        if (strcmp(line, "ok") != 0 && strncmp(line, no_error, sizeof no_error - 1) != 0)
            iso_fail(&why, "%s", line);
    }
    if (code != SQLITE_DONE)
        iso_fail(&why, "%s", sqlite3_errmsg(merge->in));
    sqlite3_finalize(statement);
    if (why.text[0])
        return iso_fail(err, "%s is damaged: %.200s; nothing was merged", merge->name, why.text);
    if (number_of(merge, "SELECT count(*) FROM sqlite_master WHERE type IN ('view', 'trigger')") != 0
        || number_of(merge, "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('meta', 'experiments',"
                     " 'numerics', 'runs', 'parts', 'trials', 'places', 'points', 'laws')") != 9)
        return iso_fail(err, "%s is no results store of isoflop: its tables are others", merge->name);
    return 0;
}

static int open_source(struct merge *merge, size_t number, struct iso_error *err)
{
    struct stat own, other;
    merge->number = number;
    merge->name = merge->options->sources[number];
    if (!stat(merge->options->folder, &own) && !stat(merge->name, &other) && own.st_dev == other.st_dev
        && own.st_ino == other.st_ino)
        return iso_fail(err, "%s is the folder to merge into; name other ones after it", merge->name);
    merge->in = database_open(merge->name, false, err);
    if (!merge->in)
        return -1;
    sqlite3_limit(merge->in, SQLITE_LIMIT_LENGTH, 64 << 20);
    if (sqlite3_exec(merge->in, "PRAGMA cell_size_check = ON; BEGIN", NULL, NULL, NULL) != SQLITE_OK)
        return merge_source_fail(merge, err);
    return 0;
}

static void note_writer(const struct merge *merge)
{
    char holder[LOCK_HOLDER];
    struct text text = { 0 };
    if (!lock_held(merge->name, holder, sizeof holder))
        return;
    text_format(&text, "%s is still being written (%s): what it holds by now is merged; merge again when it has ended",
                merge->name, holder);
    if (text.data)
        merge->options->note(merge->options->context, text.data);
    text_free(&text);
}

static void close_source(struct merge *merge)
{
    struct merge_ids *const ids[] = { &merge->numerics_ids, &merge->run_ids, &merge->experiment_ids };
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        free(ids[i]->pairs);
        *ids[i] = (struct merge_ids){ 0 };
    }
    sqlite3_close(merge->in);
    merge->in = NULL;
    merge->changed = 0;
}

/* ---- Rows that are found again by what they say, or added ---- */

/* For each row of the source (its number first, then its columns): runs `find` with the columns of `by`; where it gives
 * nothing, `add` with all. Keeps which number became which. */
static int match_rows(struct merge *merge, const struct merge_table *table, const char *const *by,
                      const struct merge_ids *experiments, struct merge_ids *ids, struct iso_error *err)
{
    struct text get = { 0 }, find = { 0 }, add = { 0 };
    sqlite3_stmt *row = NULL, *finder = NULL, *adder = NULL;
    int status = -1, code = SQLITE_DONE;
    text_add_string(&get, "SELECT ");
    merge_table_names(table, 0, ", ", "@", &get);
    text_format(&get, " FROM %s ORDER BY id", table->name);
    text_format(&find, "SELECT id FROM %s WHERE ", table->name);
    for (size_t i = 0; by[i]; i++)
        text_format(&find, "%s%s = ?%zu", i ? " AND " : "", by[i], i + 1);
    text_format(&add, "INSERT INTO %s (", table->name);
    merge_table_names(table, 1, ", ", "@", &add);
    text_add_string(&add, ") VALUES (");
    merge_table_names(table, 1, ", ", "?#", &add);
    text_add_string(&add, ")");
    if (get.failed || find.failed || add.failed) {
        error_memory(err);
        goto out;
    }
    if (!(row = merge_source(merge, get.data, err)) || !(finder = database_prepare(merge->out, find.data, err))
        || !(adder = database_prepare(merge->out, add.data, err)))
        goto out;
    while ((code = sqlite3_step(row)) == SQLITE_ROW) {
        int64_t id = -1;
        for (size_t c = 0; c < table->count; c++) {
            if (merge_check(merge, row, (int)c, table, c, err))
                goto out;
            if (c)
                sqlite3_bind_value(adder, (int)c, sqlite3_column_value(row, (int)c));
            if (experiments && strcmp(table->columns[c], "experiment") == 0) {
                const int64_t mapped = merge_ids_find(experiments, sqlite3_column_int64(row, (int)c));
                if (mapped < 0) {
                    iso_fail(err, "%s is damaged: a run belongs to no experiment", merge->name);
                    goto out;
                }
                sqlite3_bind_int64(adder, (int)c, mapped);
            }
            for (size_t i = 0; by[i]; i++)
                if (strcmp(by[i], table->columns[c]) == 0)
                    sqlite3_bind_value(finder, (int)i + 1, sqlite3_column_value(row, (int)c));
        }
        const int found = sqlite3_step(finder);
        if (found == SQLITE_ROW)
            id = sqlite3_column_int64(finder, 0);
        sqlite3_reset(finder);
        if (found != SQLITE_ROW && found != SQLITE_DONE) {
            database_fail(merge->out, err);
            goto out;
        }
        if (id < 0) {
            if (database_do(merge->out, adder, err))
                goto out;
            id = sqlite3_last_insert_rowid(merge->out);
        }
        if (merge_ids_add(ids, sqlite3_column_int64(row, 0), id, err))
            goto out;
    }
    status = code == SQLITE_DONE ? 0 : merge_source_fail(merge, err);
out:
    sqlite3_finalize(row);
    sqlite3_finalize(finder);
    sqlite3_finalize(adder);
    text_free(&get);
    text_free(&find);
    text_free(&add);
    return status;
}

/* ---- Places: which trial is where in an experiment ---- */

/* Of the experiments that the folder does not have yet. */
static int merge_places(struct merge *merge, struct iso_error *err)
{
    sqlite3_stmt *row = merge_source(
        merge, "SELECT experiment, place, key, seed, swept FROM places JOIN trials ON trials.id = places.trial"
        " ORDER BY experiment, place", err);
    sqlite3_stmt *known = database_prepare(merge->out, "SELECT count(*) FROM places WHERE experiment = ?1", err);
    sqlite3_stmt *add = database_prepare(merge->out, "INSERT INTO places SELECT ?1, ?2, id, ?4, ?5 FROM trials WHERE key"
                                         " = ?3", err);
    int64_t last = -1, experiment = -1, wanted = 1;
    bool skip = false;
    int status = row && known && add ? 0 : -1, code = SQLITE_DONE;
    while (!status && (code = sqlite3_step(row)) == SQLITE_ROW) {
        const int64_t from = sqlite3_column_int64(row, 0);
        if (from != last || last < 0) {
            experiment = merge_ids_find(&merge->experiment_ids, from);
            last = from;
            wanted = 1;
            sqlite3_bind_int64(known, 1, experiment);
            skip = sqlite3_step(known) != SQLITE_ROW || sqlite3_column_int64(known, 0) > 0;
            sqlite3_reset(known);
        }
        const bool whole = sqlite3_column_type(row, 3) == SQLITE_INTEGER && sqlite3_column_int64(row, 3) >= 0
                           && sqlite3_column_type(row, 4) == SQLITE_TEXT;
        if (experiment < 0 || sqlite3_column_int64(row, 1) != wanted || !whole)
            status = iso_fail(err, "%s is damaged: its places of trials have gaps", merge->name);
        wanted++;
        if (status || skip)
            continue;
        sqlite3_bind_int64(add, 1, experiment);
        for (int i = 2; i <= 5; i++)
            sqlite3_bind_value(add, i, sqlite3_column_value(row, i - 1));
        status = database_do(merge->out, add, err);
    }
    if (!status && code != SQLITE_DONE)
        status = merge_source_fail(merge, err);
    sqlite3_finalize(row);
    sqlite3_finalize(known);
    sqlite3_finalize(add);
    return status;
}

/* Plugins and data of runs, and fitted laws of experiments: added where they are not there. */
static int merge_children(struct merge *merge, const char *get, const char *put, int columns,
                          const struct merge_ids *parents, struct iso_error *err)
{
    sqlite3_stmt *row = merge_source(merge, get, err), *add = row ? database_prepare(merge->out, put, err) : NULL;
    int status = add ? 0 : -1, code = SQLITE_DONE;
    while (!status && (code = sqlite3_step(row)) == SQLITE_ROW) {
        const int64_t parent = merge_ids_find(parents, sqlite3_column_int64(row, 0));
        sqlite3_bind_int64(add, 1, parent);
        for (int i = 1; i < columns; i++)
            sqlite3_bind_value(add, i + 1, sqlite3_column_value(row, i));
        if (parent < 0)
            status = iso_fail(err, "%s is damaged: a row of its provenance belongs to nothing", merge->name);
        else
            status = database_do(merge->out, add, err);
    }
    if (!status && code != SQLITE_DONE)
        status = merge_source_fail(merge, err);
    sqlite3_finalize(row);
    sqlite3_finalize(add);
    return status;
}

/* ---- One source ---- */

static int merge_source_rows(struct merge *merge, struct iso_error *err)
{
    static const char *const numerics_by[] = { "version", "build", "backend", "kernel", "instruction_set", "libm", NULL };
    static const char *const experiments_by[] = { "fingerprint", NULL };
    static const char *const runs_by[] = { "started", "host", "process", "command", "build", NULL };
    struct merge_table numerics = { 0 };
    const int read = merge_table_read(&numerics, "numerics", merge->out, err)
                     || match_rows(merge, &numerics, numerics_by, NULL, &merge->numerics_ids, err);
    merge_table_free(&numerics);
    return read || match_rows(merge, &merge->experiments, experiments_by, NULL, &merge->experiment_ids, err)
                   || match_rows(merge, &merge->runs, runs_by, &merge->experiment_ids, &merge->run_ids, err)
                   || merge_children(merge, "SELECT run, kind, name, revision, file, checksum FROM parts",
                                     "INSERT OR IGNORE INTO parts (run, kind, name, revision, file, checksum)"
                                     " VALUES (?1, ?2, ?3, ?4, ?5, ?6)", 6, &merge->run_ids,
                                     err)
                   || merge_trials(merge, err) || merge_places(merge, err)
                   || merge_children(merge, "SELECT experiment, name, result FROM laws",
                                     "INSERT OR IGNORE INTO laws VALUES (?1, ?2, ?3)", 3, &merge->experiment_ids, err)
               ? -1 : 0;
}

/* The folder's experiment is the first source's, where it had none; and what was merged when, for `isoflop show`. */
static int note_source(struct merge *merge, struct iso_error *err)
{
    char *path = file_absolute(merge->name), now[32], changed[32];
    struct text name = { 0 };
    sqlite3_stmt *statement = NULL;
    int status = -1;
    provenance_time(now);
    snprintf(changed, sizeof changed, "%zu", merge->changed);
    text_format(&name, "merged %s", path ? path : merge->name);
    int64_t current = number_of(merge, "SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'current'");
    current = merge_ids_find(&merge->experiment_ids, current);
    if (current >= 0) {
        statement = database_prepare(merge->out, "INSERT OR IGNORE INTO meta VALUES ('current', CAST(?1 AS TEXT))", err);
        if (!statement)
            goto out;
        sqlite3_bind_int64(statement, 1, current);
        if (database_do(merge->out, statement, err))
            goto out;
        sqlite3_finalize(statement);
    }
    /* Merging again what gives nothing new leaves the record of the first time. */
    statement = database_prepare(merge->out, merge->changed ? "INSERT OR REPLACE INTO meta VALUES (?1, ?2 || ', ' || ?3 ||"
                                 " ' trials')" : "INSERT OR IGNORE INTO meta VALUES (?1, ?2 || ', ' || ?3 || ' trials')",
                                 err);
    if (!statement)
        goto out;
    if (name.failed) {
        error_memory(err);
        goto out;
    }
    database_bind_text(statement, 1, name.data);
    database_bind_text(statement, 2, now);
    database_bind_text(statement, 3, changed);
    status = database_do(merge->out, statement, err);
out:
    sqlite3_finalize(statement);
    text_free(&name);
    free(path);
    return status;
}

/* ---- All of them ---- */

static int each_source(struct merge *merge, int (*work)(struct merge *merge, struct iso_error *err),
                       struct iso_error *err)
{
    int status = 0;
    for (size_t i = 0; !status && i < merge->options->source_count; i++) {
        status = open_source(merge, i, err) || work(merge, err) ? -1 : 0;
        close_source(merge);
    }
    return status;
}

static int merge_one(struct merge *merge, struct iso_error *err)
{
    note_writer(merge);
    return check_source(merge, err) || merge_source_rows(merge, err) || note_source(merge, err)
                   || merge_files(merge, false, err) ? -1 : 0;
}

static int copy_one(struct merge *merge, struct iso_error *err)
{
    return merge_files(merge, true, err);
}

/* OUT/recipe.yaml, as given, where there is none. */
static int write_recipe(struct merge *merge, struct iso_error *err)
{
    char *path = file_join(merge->options->folder, "recipe.yaml");
    sqlite3_stmt *statement = database_prepare(merge->out, "SELECT recipe FROM experiments WHERE id = (SELECT"
                                               " CAST(value AS INTEGER) FROM meta WHERE name = 'current')", err);
    int status = !path ? error_memory(err) : statement ? 0 : -1;
    file_clean(merge->options->folder, 0);
    if (!status && access(path, F_OK) && sqlite3_step(statement) == SQLITE_ROW)
        status = file_replace(path, database_text(statement, 0), (size_t)sqlite3_column_bytes(statement, 0), err);
    sqlite3_finalize(statement);
    free(path);
    return status;
}

static int merge_all(struct merge *merge, struct iso_error *err)
{
    if (merge_table_read(&merge->experiments, "experiments", merge->out, err)
        || merge_table_read(&merge->runs, "runs", merge->out, err)
        || merge_table_read(&merge->trials, "trials", merge->out, err)
        || merge_table_read(&merge->points, "points", merge->out, err)
        || database_run(merge->out, "CREATE TEMP TABLE merged (key TEXT, source INTEGER, how INTEGER,"
                        " PRIMARY KEY (key, source)) WITHOUT ROWID", err)
        || merge_trials_prepare(merge, err) || database_run(merge->out, "BEGIN IMMEDIATE", err))
        return -1;
    if (!each_source(merge, merge_one, err) && !each_source(merge, copy_one, err) && !write_recipe(merge, err)
        && !database_run(merge->out, "COMMIT", err))
        return 0;
    sqlite3_exec(merge->out, "ROLLBACK", NULL, NULL, NULL);
    return -1;
}

/* What a merge that failed made of a new folder goes with it. */
static void remove_new(const char *folder, bool folder_was_there)
{
    char *path = file_join(folder, DATABASE_FILE);
    if (path)
        unlink(path);
    if (!folder_was_there)
        rmdir(folder);
    free(path);
}

int merge_stores(const struct merge_options *options, struct merge_report *report, bool *conflict,
                 struct iso_error *err)
{
    struct merge merge = { .options = options, .report = report };
    const bool was_there = database_is_there(options->folder), folder_was_there = !access(options->folder, F_OK);
    *report = (struct merge_report){ 0 };
    merge.store = store_create(options->folder, err);
    if (!merge.store)
        return -1;
    merge.out = merge.store->database;
    int status = merge_all(&merge, err);
    *conflict = merge.conflict;
    sqlite3_stmt *const statements[] = { merge.trial_find, merge.trial_put, merge.trial_get, merge.points_forget,
                                         merge.point_put, merge.points_get, merge.how_put, merge.how_get };
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++)
        sqlite3_finalize(statements[i]);
    merge_table_free(&merge.experiments);
    merge_table_free(&merge.runs);
    merge_table_free(&merge.trials);
    merge_table_free(&merge.points);
    if (store_close(merge.store, status ? NULL : err))
        status = -1;
    if (status && !was_there)
        remove_new(options->folder, folder_was_there);
    return status;
}
