/* The writing side of the results store. */
#include "lab/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "lab/store_inside.h"

#define COMMIT_SECONDS 0.5

static const char *const sql[STATEMENTS] = {
    [START] = "UPDATE trials SET status = 'running', attempts = attempts + 1, run = ?2, started = ?3, ended = NULL,"
              " error = NULL WHERE id = ?1",
    [FORGET] = "DELETE FROM points WHERE trial = ?1",
    [POINT] = "INSERT INTO points VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,"
              " ?18, ?19, ?20, ?21, ?22, ?23, ?24)",
    [DONE] = "UPDATE trials SET status = ?2, wanted = ?3, numerics = ?4, ended = ?5, error = NULL, params = ?6,"
             " params_weights = ?7, params_hidden = ?8, steps = ?9, epochs = ?10, examples = ?11, flops = ?12,"
             " flops_matmul = ?13, flops_6nd = ?14, flops_report = ?15, best_step = ?16, diverged_step = ?17,"
             " stop_reason = ?18, seconds = ?19, train_loss = ?20, train_accuracy = ?21, train_cross_entropy = ?22,"
             " train_eval_loss = ?23, train_eval_accuracy = ?24, train_eval_cross_entropy = ?25,"
             " validation_loss = ?26, validation_accuracy = ?27, validation_cross_entropy = ?28, test_loss = ?29,"
             " test_accuracy = ?30, test_cross_entropy = ?31, best_validation_loss = ?32,"
             " best_validation_accuracy = ?33, best_validation_cross_entropy = ?34, best_test_loss = ?35,"
             " best_test_accuracy = ?36, best_test_cross_entropy = ?37, flops_executed = ?38 WHERE id = ?1",
    [FAILED] = "UPDATE trials SET status = 'failed', error = ?2, ended = ?3 WHERE id = ?1",
    [PENDING] = "UPDATE trials SET status = 'pending' WHERE id = ?1",
    [NUMERICS_ADD] = "INSERT OR IGNORE INTO numerics (version, build, backend, kernel, instruction_set, libm)"
                     " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [NUMERICS_FIND] = "SELECT id FROM numerics WHERE version = ?1 AND build = ?2 AND backend = ?3 AND kernel = ?4"
                      " AND instruction_set = ?5 AND libm = ?6",
    [RUN_BEGIN] = "INSERT INTO runs (experiment, started, command, jobs, threads, host, system, cpu, process, version,"
                  " build, compiler, flags) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    [RUN_HOST] = "INSERT INTO runs (experiment, started, command, jobs, threads, host, system, cpu, process, version,"
                 " build, compiler, flags) SELECT experiment, started, command, jobs, threads, ?2, ?3, ?4, ?5,"
                 " version, build, compiler, flags FROM runs WHERE id = ?1",
    /* There is one writer: later rows are other hosts of the same run. */
    [RUN_END] = "UPDATE runs SET ended = ?2, outcome = ?3 WHERE id >= ?1",
    [PART] = "INSERT OR IGNORE INTO parts (run, kind, name, revision, file, checksum)"
             " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [AGREES] = "SELECT step, train_loss, validation_loss, test_loss FROM points WHERE trial = ?1 AND number = ?2",
    [TRIAL_FIND] = "SELECT id, status, wanted, attempts FROM trials WHERE key = ?1",
    [TRIAL_ADD] = "INSERT INTO trials (key, status, recipe, wanted, folder, params, params_weights, params_hidden)"
                  " VALUES (?1, 'pending', ?2, ?3, ?4, ?5, ?6, ?7)",
    [PLACE_ADD] = "INSERT INTO places VALUES (?1, ?2, ?3, ?4, ?5)",
};

static double since(const struct timespec *from)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - from->tv_sec) + 1e-9 * (double)(now.tv_nsec - from->tv_nsec);
}

sqlite3_stmt *store_get(struct store *store, enum statement which, struct iso_error *err)
{
    if (!store->statements[which])
        store->statements[which] = database_prepare(store->database, sql[which], err);
    return store->statements[which];
}

int store_begin(struct store *store, struct iso_error *err)
{
    if (store->open)
        return 0;
    if (database_run(store->database, "BEGIN IMMEDIATE", err))
        return -1;
    store->open = true;
    clock_gettime(CLOCK_MONOTONIC, &store->opened);
    return 0;
}

int store_put(struct store *store, enum statement which, struct iso_error *err)
{
    return database_do(store->database, store->statements[which], err);
}

struct store *store_create(const char *folder, struct iso_error *err)
{
    struct store *store = memory_array(1, sizeof *store);
    if (!store) {
        error_memory(err);
        return NULL;
    }
    store->lock = -1;
    store->folder = strdup(folder);
    if (!store->folder)
        error_memory(err);
    else if (!file_make_folder(folder, err) && (store->lock = lock_take(folder, err)) >= 0
             && (store->database = database_open(folder, true, err)))
        return store;
    store_close(store, err);
    return NULL;
}

int store_commit(struct store *store, bool all, struct iso_error *err)
{
    if (!store->open || (!all && since(&store->opened) < COMMIT_SECONDS))
        return 0;
    if (database_run(store->database, "COMMIT", err))
        return -1;
    store->open = false;
    return database_check_place(store->database, err);
}

double store_waits(const struct store *store)
{
    if (!store->open)
        return -1;
    double left = COMMIT_SECONDS - since(&store->opened);
    return left > 0 ? left : 0;
}

int store_close(struct store *store, struct iso_error *err)
{
    if (!store)
        return 0;
    int status = store->database ? store_commit(store, true, err) : 0;
    for (size_t i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(store->statements[i]);
    if (database_close(store->database, true, err))
        status = -1;
    if (store->folder)
        lock_release(store->folder, store->lock);
    free(store->folder);
    free(store->hosts);
    free(store);
    return status;
}

/* ---- The experiment ---- */

static char *swept_json(const struct plan *plan, const struct plan_trial *trial)
{
    struct text text = { 0 };
    text_add_string(&text, "[");
    for (size_t p = 0; p < plan->path_count; p++) {
        if (p)
            text_add_string(&text, ",");
        const struct node *value = trial->swept[p] ? trial->swept[p] : node_at(plan->base->root, plan->paths[p]);
        if (value)
            node_json(value, &text);
        else
            text_add_string(&text, "null");
    }
    text_add_string(&text, "]");
    return text_take(&text);
}

static char *list_json(const char *const *items, size_t count)
{
    struct text text = { 0 };
    text_add_string(&text, "[");
    for (size_t i = 0; i < count; i++) {
        if (i)
            text_add_string(&text, ",");
        text_add_json(&text, items[i]);
    }
    text_add_string(&text, "]");
    return text_take(&text);
}

/* SHA-256 over all that makes it this experiment: its texts, and place and key of each trial. */
static int fingerprint(const struct plan *plan, const char *recipe, const char *overrides, char out[HASH_TEXT])
{
    struct hash *hash = hash_new();
    if (!hash)
        return -1;
    const char *texts[] = { plan->name, plan->title, recipe, overrides };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        hash_add(hash, texts[i], strlen(texts[i]) + 1);
    for (size_t i = 0; i < plan->count; i++)
        hash_add(hash, plan->trials[i].key, strlen(plan->trials[i].key) + 1);
    hash_end(hash, out);
    return 0;
}

static enum trial_status status_of(const char *name)
{
    for (int i = TRIAL_PENDING; i <= TRIAL_FAILED; i++)
        if (strcmp(trial_status_names[i], name) == 0)
            return (enum trial_status)i;
    return TRIAL_PENDING;
}

static int add_trial(struct store *store, const struct plan *plan, size_t index, const struct tree *tree,
                     const char *wanted, struct store_trial *state, struct iso_error *err)
{
    const struct plan_trial *trial = &plan->trials[index];
    struct text json = { 0 };
    node_json(tree->root, &json);
    char *recipe = text_take(&json), *folder = file_absolute(tree->folder ? tree->folder : ".");
    sqlite3_stmt *statement = store_get(store, TRIAL_ADD, err);
    int status = -1;
    if (!recipe || !folder)
        error_memory(err);
    else if (statement) {
        database_bind_text(statement, 1, trial->key);
        database_bind_text(statement, 2, recipe);
        database_bind_text(statement, 3, wanted);
        database_bind_text(statement, 4, folder);
        sqlite3_bind_int64(statement, 5, (int64_t)trial->size.params);
        sqlite3_bind_int64(statement, 6, (int64_t)trial->size.params_weights);
        sqlite3_bind_int64(statement, 7, (int64_t)trial->size.params_hidden);
        status = store_put(store, TRIAL_ADD, err);
        *state = (struct store_trial){ .id = sqlite3_last_insert_rowid(store->database), .wanted = true };
    }
    free(recipe);
    free(folder);
    return status;
}

/* Finds the trial of a key, or adds it. */
static int enter_trial(struct store *store, const struct plan *plan, size_t index, struct store_trial *state,
                       struct iso_error *err)
{
    sqlite3_stmt *find = store_get(store, TRIAL_FIND, err);
    if (!find)
        return -1;
    struct diagnostics *found = diagnostics_new();
    struct tree *tree = found ? plan_trial_tree(plan, index, found) : NULL;
    struct text text = { 0 };
    if (tree)
        plan_wanted_json(tree, &text);
    char *wanted = text_take(&text);
    int status = -1;
    if (!tree || !wanted) {
        error_memory(err);
        goto out;
    }
    database_bind_text(find, 1, plan->trials[index].key);
    int row = sqlite3_step(find);
    if (row == SQLITE_ROW) {
        *state = (struct store_trial){ .id = sqlite3_column_int64(find, 0),
                                       .status = status_of(database_text(find, 1)),
                                       .wanted = strcmp(database_text(find, 2), wanted) == 0,
                                       .attempts = (unsigned)sqlite3_column_int(find, 3) };
        status = 0;
        sqlite3_reset(find);
    } else {
        sqlite3_reset(find);
        status = row == SQLITE_DONE ? add_trial(store, plan, index, tree, wanted, state, err)
                                    : database_fail(store->database, err);
    }
out:
    free(wanted);
    tree_free(tree);
    diagnostics_free(found);
    return status;
}

static int add_place(struct store *store, const struct plan *plan, size_t index, const struct store_trial *state,
                     struct iso_error *err)
{
    const struct plan_trial *trial = &plan->trials[index];
    sqlite3_stmt *statement = store_get(store, PLACE_ADD, err);
    char *swept = swept_json(plan, trial);
    int status = -1;
    if (!swept)
        error_memory(err);
    else if (statement) {
        sqlite3_bind_int64(statement, 1, store->experiment);
        sqlite3_bind_int64(statement, 2, (int64_t)trial->place);
        sqlite3_bind_int64(statement, 3, state->id);
        sqlite3_bind_int64(statement, 4, (int64_t)trial->seed);
        database_bind_text(statement, 5, swept);
        status = store_put(store, PLACE_ADD, err);
    }
    free(swept);
    return status;
}

/* A statement that is used once, with texts for ?1, ?2, ...; *number takes the first column of a row, if it gives one. */
static int once(struct store *store, const char *text, const char *const *values, size_t count, int64_t *number,
                struct iso_error *err)
{
    sqlite3_stmt *statement = database_prepare(store->database, text, err);
    if (!statement)
        return -1;
    for (size_t i = 0; i < count; i++)
        database_bind_text(statement, (int)i + 1, values[i]);
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW && number)
        *number = sqlite3_column_int64(statement, 0);
    int status = code == SQLITE_ROW || code == SQLITE_DONE ? 0 : database_fail(store->database, err);
    sqlite3_finalize(statement);
    return status;
}

int store_enter(struct store *store, const struct plan *plan, const char *recipe, const char *const *overrides,
                size_t override_count, struct store_trial *states, bool *changed, struct iso_error *err)
{
    char print[HASH_TEXT], now[32], current[32];
    struct text text = { 0 };
    node_yaml(plan->tree->root, &text);
    char *resolved = text_take(&text), *overridden = list_json(overrides, override_count);
    char *paths = list_json((const char *const *)plan->paths, plan->path_count), *folder = NULL;
    int64_t same = 0, before = 0;
    int status = -1;
    if (!resolved || !overridden || !paths || fingerprint(plan, recipe, overridden, print)) {
        error_memory(err);
        goto out;
    }
    if (store_begin(store, err)
        || once(store, "SELECT id FROM experiments WHERE fingerprint = ?1", (const char *const[]){ print }, 1, &same, err)
        || once(store, "SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'current'", NULL, 0, &before, err))
        goto out;
    *changed = !same || same != before;
    if (!same) {
        provenance_time(now);
        char count[32];
        snprintf(count, sizeof count, "%zu", plan->count);
        if (!(folder = file_absolute(plan->tree->folder ? plan->tree->folder : "."))) {
            error_memory(err);
            goto out;
        }
        if (once(store, "INSERT INTO experiments (name, title, recipe, resolved, overrides, folder, paths, trials,"
                 " fingerprint, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                 (const char *const[]){ plan->name, plan->title, recipe, resolved, overridden, folder, paths, count,
                                        print, now }, 10, NULL, err))
            goto out;
    }
    store->experiment = same ? same : sqlite3_last_insert_rowid(store->database);
    snprintf(current, sizeof current, "%lld", (long long)store->experiment);
    if (*changed && once(store, "INSERT OR REPLACE INTO meta VALUES ('current', ?1)", (const char *const[]){ current },
                         1, NULL, err))
        goto out;
    for (size_t i = 0; i < plan->count; i++)
        if (enter_trial(store, plan, i, &states[i], err) || (!same && add_place(store, plan, i, &states[i], err)))
            goto out;
    status = store_commit(store, true, err);
out:
    free(resolved);
    free(overridden);
    free(paths);
    free(folder);
    return status;
}

/* ---- The run ---- */

int store_run_begin(struct store *store, const struct store_run *run, const struct provenance *provenance,
                    struct iso_error *err)
{
    sqlite3_stmt *statement = store_get(store, RUN_BEGIN, err);
    char now[32];
    if (!statement || store_begin(store, err))
        return -1;
    store->provenance = provenance;
    provenance_time(now);
    sqlite3_bind_int64(statement, 1, store->experiment);
    database_bind_text(statement, 2, now);
    database_bind_text(statement, 3, run->command);
    sqlite3_bind_int64(statement, 4, run->jobs);
    sqlite3_bind_int64(statement, 5, run->threads);
    database_bind_text(statement, 6, provenance->host);
    database_bind_text(statement, 7, provenance->system);
    database_bind_text(statement, 8, provenance->cpu);
    sqlite3_bind_int64(statement, 9, provenance->process);
    database_bind_text(statement, 10, provenance->version);
    database_bind_text(statement, 11, provenance->build);
    database_bind_text(statement, 12, provenance->compiler);
    database_bind_text(statement, 13, provenance->flags);
    if (store_put(store, RUN_BEGIN, err))
        return -1;
    store->run = store->here = sqlite3_last_insert_rowid(store->database);
    return 0;
}

int store_run_host(struct store *store, size_t rank, const char *host, const char *system, const char *cpu,
                   long process, struct iso_error *err)
{
    if (!host) {
        store->here = store->run;
        return 0;
    }
    const size_t before = store->host_capacity;
    if (memory_grow(&store->hosts, &store->host_capacity, rank + 1, sizeof *store->hosts))
        return error_memory(err);
    memset(store->hosts + before, 0, (store->host_capacity - before) * sizeof *store->hosts);
    if (!store->hosts[rank]) {
        sqlite3_stmt *statement = store_get(store, RUN_HOST, err);
        if (!statement || store_begin(store, err))
            return -1;
        sqlite3_bind_int64(statement, 1, store->run);
        database_bind_text(statement, 2, host);
        database_bind_text(statement, 3, system);
        database_bind_text(statement, 4, cpu);
        sqlite3_bind_int64(statement, 5, process);
        if (store_put(store, RUN_HOST, err))
            return -1;
        store->hosts[rank] = sqlite3_last_insert_rowid(store->database);
    }
    store->here = store->hosts[rank];
    return 0;
}

int store_end_killed(struct store *store, bool *killed, struct iso_error *err)
{
    if (store_begin(store, err)
        || database_run(store->database, "UPDATE runs SET outcome = 'killed' WHERE outcome IS NULL", err))
        return -1;
    *killed = sqlite3_changes(store->database) > 0;
    return store_commit(store, true, err);
}

int store_run_end(struct store *store, const char *outcome, struct iso_error *err)
{
    sqlite3_stmt *statement = store_get(store, RUN_END, err);
    char now[32];
    if (!statement || store_begin(store, err))
        return -1;
    provenance_time(now);
    sqlite3_bind_int64(statement, 1, store->run);
    database_bind_text(statement, 2, now);
    database_bind_text(statement, 3, outcome);
    return store_put(store, RUN_END, err) ? -1 : store_commit(store, true, err);
}

int store_run_part(struct store *store, const char *kind, const char *name, int revision, const char *file,
                   const char *checksum, struct iso_error *err)
{
    sqlite3_stmt *statement = store_get(store, PART, err);
    if (!statement || store_begin(store, err))
        return -1;
    sqlite3_bind_int64(statement, 1, store->run);
    database_bind_text(statement, 2, kind);
    database_bind_text(statement, 3, name);
    sqlite3_bind_int(statement, 4, revision);
    database_bind_text(statement, 5, file);
    database_bind_text(statement, 6, checksum);
    return store_put(store, PART, err);
}
