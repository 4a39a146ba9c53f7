/* States, provenance and single trials, read from the store. */
#include "lab/inspect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "lab/database.h"
#include "lab/stored.h"

#define CURRENT "(SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'current')"

/* ---- States ---- */

static int read_counts(sqlite3 *database, struct lab_status *status, struct iso_error *err)
{
    sqlite3_stmt *statement = database_prepare(
        database,
        "SELECT status, count(*), sum(seconds) FROM trials WHERE id IN (SELECT trial FROM places WHERE experiment = "
        CURRENT ") GROUP BY status", err);
    int code;
    if (!statement)
        return -1;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        const char *name = database_text(statement, 0);
        const uint64_t count = (uint64_t)sqlite3_column_int64(statement, 1);
        uint64_t *const counts[] = { &status->pending, &status->active, &status->done, &status->diverged,
                                     &status->failed };
        for (int i = TRIAL_PENDING; i <= TRIAL_FAILED; i++)
            if (strcmp(name, trial_status_names[i]) == 0)
                *counts[i] += count;
        status->planned += count;
        status->seconds += sqlite3_column_double(statement, 2);
    }
    sqlite3_finalize(statement);
    if (code != SQLITE_DONE)
        return database_fail(database, err);
    statement = database_prepare(database, "SELECT count(*) FROM trials WHERE id NOT IN (SELECT trial FROM places WHERE "
                                 "experiment = " CURRENT ")", err);
    if (statement && sqlite3_step(statement) == SQLITE_ROW)
        status->left_over = (uint64_t)sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return statement ? 0 : -1;
}

/* Trials that run now, with their last point, and those that failed, with the reason. */
static int read_open(sqlite3 *database, struct lab_status *status, struct iso_error *err)
{
    static const struct { const char *name; enum column_kind kind; } columns[] = {
        { "trial", COLUMN_INTEGER }, { "key", COLUMN_TEXT },     { "status", COLUMN_TEXT }, { "step", COLUMN_INTEGER },
        { "epoch", COLUMN_DOUBLE },  { "train.loss", COLUMN_DOUBLE }, { "error", COLUMN_TEXT },
    };
    static const char sql[] =
        "SELECT min(place), key, status, p.step, p.epoch, p.train_loss, error FROM places"
        " JOIN trials ON trials.id = places.trial LEFT JOIN points p ON p.trial = trials.id AND trials.status = 'running'"
        " AND p.number = (SELECT max(number) FROM points WHERE trial = trials.id)"
        " WHERE experiment = " CURRENT " AND status IN ('running', 'failed') GROUP BY trials.id ORDER BY 1";
    const uint64_t rows = status->active + status->failed;
    sqlite3_stmt *statement = database_prepare(database, sql, err);
    status->open = frame_new((size_t)rows);
    int code = SQLITE_ERROR;
    bool failed = !status->open;
    for (size_t i = 0; !failed && i < sizeof columns / sizeof *columns; i++)
        failed = !frame_add_column(status->open, columns[i].name, columns[i].kind);
    for (size_t row = 0; statement && !failed && (code = sqlite3_step(statement)) == SQLITE_ROW && row < rows; row++)
        for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
            struct column *column = &status->open->column[i];
            if (sqlite3_column_type(statement, (int)i) == SQLITE_NULL)
                continue;
            if (column->kind == COLUMN_TEXT)
                failed = column_set_text(column, row, database_text(statement, (int)i)) || failed;
            else
                column->numbers[row] = sqlite3_column_double(statement, (int)i);
        }
    sqlite3_finalize(statement);
    if (failed)
        return error_memory(err);
    return code == SQLITE_DONE || code == SQLITE_ROW ? 0 : statement ? database_fail(database, err) : -1;
}

struct lab_status *lab_status(const char *folder, struct iso_error *err)
{
    sqlite3 *database = database_open(folder, false, err);
    struct lab_experiment *experiment = NULL;
    struct lab_status *status = NULL;
    int failed = -1;
    if (!database || database_run(database, "BEGIN", err)
        || !(experiment = lab_read_experiment(database, folder, err)))
        goto out;
    status = memory_array(1, sizeof *status);
    if (!status) {
        error_memory(err);
        goto out;
    }
    status->name = experiment->name;
    status->title = experiment->title;
    experiment->name = experiment->title = NULL;
    if (read_counts(database, status, err) || read_open(database, status, err))
        goto out;
    status->running = lock_held(folder, status->holder, sizeof status->holder);
    failed = 0;
out:
    lab_experiment_free(experiment);
    database_close(database, false, NULL);
    if (failed) {
        lab_status_free(status);
        return NULL;
    }
    return status;
}

void lab_status_free(struct lab_status *status)
{
    if (!status)
        return;
    free(status->name);
    free(status->title);
    frame_free(status->open);
    free(status);
}

static bool starts_with(const char *path, const char *section)
{
    const size_t length = strlen(section);
    return strncmp(path, section, length) == 0 && (!path[length] || path[length] == '.');
}

/* What a trial measures and keeps; NULL: out of memory. Mostly all trials have it from the recipe itself. */
static char *wanted_of(const struct plan *plan, size_t index)
{
    bool own = false;
    for (size_t p = 0; p < plan->path_count; p++)
        own = own || starts_with(plan->paths[p], "measure") || starts_with(plan->paths[p], "checkpoint");
    struct diagnostics *ignored = diagnostics_new();
    struct tree *tree = own && ignored ? plan_trial_tree(plan, index, ignored) : NULL;
    struct text text = { 0 };
    if (!own || tree)
        plan_wanted_json(own ? tree : plan->base, &text);
    tree_free(tree);
    diagnostics_free(ignored);
    return text_take(&text);
}

int lab_states(const char *folder, const struct plan *plan, enum trial_status *states, struct iso_error *err)
{
    for (size_t i = 0; i < plan->count; i++)
        states[i] = TRIAL_PENDING;
    if (!database_is_there(folder))
        return 1;
    sqlite3 *database = database_open(folder, false, err);
    sqlite3_stmt *statement = database ? database_prepare(database, "SELECT status, wanted FROM trials WHERE key = ?1",
                                                          err) : NULL;
    int status = statement ? database_run(database, "BEGIN", err) : -1;
    for (size_t i = 0; !status && i < plan->count; i++) {
        database_bind_text(statement, 1, plan->trials[i].key);
        int code = sqlite3_step(statement);
        for (int k = TRIAL_PENDING; code == SQLITE_ROW && k <= TRIAL_FAILED; k++)
            if (strcmp(database_text(statement, 0), trial_status_names[k]) == 0)
                states[i] = (enum trial_status)k;
        if (states[i] == TRIAL_DONE || states[i] == TRIAL_DIVERGED) { /* without what is asked for now: trained again */
            char *wanted = wanted_of(plan, i);
            if (!wanted)
                status = error_memory(err);
            else if (strcmp(wanted, database_text(statement, 1)) != 0)
                states[i] = TRIAL_PENDING;
            free(wanted);
        }
        if (code != SQLITE_ROW && code != SQLITE_DONE)
            status = database_fail(database, err);
        sqlite3_reset(statement);
    }
    sqlite3_finalize(statement);
    database_close(database, false, NULL);
    return status;
}

/* ---- Provenance ---- */

/* "NAME  VALUE" lines for each row; names are the columns'. `prefix` goes before each line. */
static int add_rows(sqlite3 *database, const char *sql, const char *parameter, const char *prefix, bool one_line,
                    struct text *out, struct iso_error *err)
{
    sqlite3_stmt *statement = database_prepare(database, sql, err);
    int code, rows = 0;
    if (!statement)
        return -1;
    if (parameter)
        database_bind_text(statement, 1, parameter);
    for (; (code = sqlite3_step(statement)) == SQLITE_ROW; rows++) {
        if (one_line)
            text_add_string(out, prefix);
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            if (sqlite3_column_type(statement, i) == SQLITE_NULL || !database_text(statement, i)[0])
                continue;
            if (one_line)
                text_format(out, "%s%s", i ? "  " : "", database_text(statement, i));
            else
                text_format(out, "%s%-16s %s\n", prefix, sqlite3_column_name(statement, i),
                            database_text(statement, i));
        }
        text_add_string(out, one_line ? "\n" : "");
    }
    sqlite3_finalize(statement);
    return code == SQLITE_DONE ? rows : database_fail(database, err);
}

/* A run on many hosts has a row for each, all with the same start; that of rank 0 comes first. */
#define LAST_RUN " started = (SELECT started FROM runs ORDER BY id DESC LIMIT 1)"

int lab_show(const char *folder, struct text *out, struct iso_error *err)
{
    sqlite3 *database = database_open(folder, false, err);
    int status = -1;
    if (!database || database_run(database, "BEGIN", err))
        goto out;
    if (add_rows(database, "SELECT name, title, folder AS 'recipe''s folder', overrides, trials AS 'places',"
                 " created FROM experiments WHERE id = " CURRENT, NULL, "", false, out, err) < 0)
        goto out;
    text_add_string(out, "\nnumerics of its trials (version, build, backend, kernel, instruction set, libm, trials)\n");
    if (add_rows(database, "SELECT n.version, n.build, n.backend, n.kernel, n.instruction_set, n.libm, count(*)"
                 " FROM numerics n JOIN trials t ON t.numerics = n.id GROUP BY n.id", NULL, "  ", true, out, err) < 0)
        goto out;
    text_add_string(out, "\nlast run\n");
    if (add_rows(database, "SELECT started, ended, outcome, command, jobs, threads, host, system, cpu, process, version,"
                 " build, compiler, flags FROM runs WHERE" LAST_RUN " ORDER BY id LIMIT 1", NULL, "  ", false, out, err) < 0)
        goto out;
    text_add_string(out, "\nits hosts (host, process, processor, trials that are kept)\n");
    if (add_rows(database, "SELECT host, process, cpu, (SELECT count(*) FROM trials WHERE run = runs.id) FROM runs"
                 " WHERE" LAST_RUN " ORDER BY id", NULL, "  ", true, out, err) < 0)
        goto out;
    text_add_string(out, "\nplugins and data (kind, name, revision, SHA-256, file)\n");
    if (add_rows(database, "SELECT DISTINCT kind, name, CASE WHEN revision THEN revision END, checksum, file FROM parts"
                 " ORDER BY kind, name", NULL, "  ", true, out, err) < 0)
        goto out;
    text_add_string(out, "\nmerged from (when first, trials taken)\n");
    if (add_rows(database, "SELECT substr(name, 8), value FROM meta WHERE name LIKE 'merged %' ORDER BY name", NULL,
                 "  merged ", true, out, err) < 0)
        goto out;
    status = out->failed ? error_memory(err) : 0;
out:
    database_close(database, false, NULL);
    return status;
}

/* The whole key that `given` begins, or that the trial at this place of the plan has. */
static int find_key(sqlite3 *database, const char *given, char key[HASH_TEXT], struct iso_error *err)
{
    const bool place = strspn(given, "0123456789") == strlen(given) && strlen(given) < 8;
    sqlite3_stmt *statement = database_prepare(
        database, place ? "SELECT key FROM trials JOIN places ON places.trial = trials.id WHERE experiment = " CURRENT
                          " AND place = CAST(?1 AS INTEGER)"
                        : "SELECT key FROM trials WHERE substr(key, 1, length(?1)) = ?1 LIMIT 2", err);
    if (!statement)
        return -1;
    database_bind_text(statement, 1, given);
    int status = 0, rows = 0, code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW && rows < 2) {
        snprintf(key, HASH_TEXT, "%s", database_text(statement, 0));
        rows++;
    }
    if (code != SQLITE_DONE && code != SQLITE_ROW)
        status = database_fail(database, err);
    else if (rows != 1)
        status = iso_fail(err, rows ? "several trials have keys that begin with \"%s\"; give more of it"
                                    : "there is no trial \"%s\"; `isoflop export DIR --table trials` lists keys and places",
                          given);
    sqlite3_finalize(statement);
    return status;
}

int lab_show_trial(const char *folder, const char *given, struct plugins *plugins, struct text *out,
                   struct iso_error *err)
{
    static const char sql[] =
        "SELECT key, status, error, attempts, trials.started, trials.ended, steps, epochs, params, flops,"
        " flops_executed, train_loss AS 'train.loss',"
        " validation_loss AS 'validation.loss', test_loss AS 'test.loss', test_accuracy AS 'test.accuracy',"
        " best_step AS 'best.step', diverged_step AS 'diverged.step', stop_reason, seconds, n.version, n.build,"
        " n.backend, n.kernel, n.instruction_set, n.libm, r.compiler, r.flags, r.cpu, r.host, r.system, r.process,"
        " r.command, r.jobs, r.threads FROM trials LEFT JOIN numerics n ON n.id = trials.numerics LEFT JOIN runs r"
        " ON r.id = trials.run WHERE key = ?1";
    char key[HASH_TEXT] = "";
    sqlite3 *database = database_open(folder, false, err);
    struct tree *tree = NULL;
    int status = -1;
    if (database && !database_run(database, "BEGIN", err) && !find_key(database, given, key, err)
        && add_rows(database, sql, key, "# ", false, out, err) >= 0)
        tree = stored_recipe(database, key, plugins, err);
    if (tree) {
        node_yaml(tree->root, out);
        status = 0;
    }
    tree_free(tree);
    database_close(database, false, NULL);
    return status ? -1 : out->failed ? error_memory(err) : 0;
}
