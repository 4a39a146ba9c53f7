/* Trials and points into the store. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"
#include "base/text.h"
#include "lab/store_inside.h"

int store_start(struct store *store, struct store_trial *trial, struct iso_error *err)
{
    sqlite3_stmt *statement = store_get(store, START, err), *forget = store_get(store, FORGET, err);
    char now[32];
    if (!statement || !forget || store_begin(store, err))
        return -1;
    provenance_time(now);
    sqlite3_bind_int64(statement, 1, trial->id);
    sqlite3_bind_int64(statement, 2, store->here);
    database_bind_text(statement, 3, now);
    sqlite3_bind_int64(forget, 1, trial->id);
    trial->status = TRIAL_RUNNING;
    trial->attempts++;
    return store_put(store, START, err) || store_put(store, FORGET, err) ? -1 : 0;
}

static void bind_measured(sqlite3_stmt *statement, int *at, const struct measured *measured)
{
    database_bind_real(statement, (*at)++, measured->loss);
    database_bind_real(statement, (*at)++, measured->accuracy);
    database_bind_real(statement, (*at)++, measured->cross_entropy);
}

static void bind_flops(sqlite3_stmt *statement, int *at, const struct flops *flops)
{
    sqlite3_bind_int64(statement, (*at)++, (int64_t)flops->all);
    sqlite3_bind_int64(statement, (*at)++, (int64_t)flops->matmul);
    sqlite3_bind_int64(statement, (*at)++, (int64_t)flops->six_nd);
    sqlite3_bind_int64(statement, (*at)++, (int64_t)flops->report);
}

/* Numbers of one name, which follow each other, as a list: to the last that is not 0, [] where the first is none. Gives
 * how many there were. */
static size_t add_list(struct text *text, const struct extra *extras, size_t most)
{
    size_t count = 1, used = 0;
    while (count < most && !strcmp(extras[count].name, extras->name))
        count++;
    for (size_t i = 0; i < count && isfinite(extras->value); i++)
        used = isfinite(extras[i].value) && (i < 3 || extras[i].value != 0) ? i + 1 : used;
    text_add_string(text, ":[");
    for (size_t i = 0; i < used; i++) {
        char number[NUMBER_TEXT];
        number_text(extras[i].value, number);
        text_format(text, "%s%s", i ? "," : "", number);
    }
    text_add_string(text, "]");
    return count;
}

/* {"layers.0.gradient_norm": 0.5, ...}; NULL where there is nothing. */
static char *extras_json(const struct point *point, bool *failed)
{
    struct text text = { 0 };
    if (!point->extra_count)
        return NULL;
    text_add_string(&text, "{");
    for (size_t i = 0; i < point->extra_count; i++) {
        char number[NUMBER_TEXT];
        number_export_double(point->extras[i].value, number);
        if (i)
            text_add_string(&text, ",");
        text_add_json(&text, point->extras[i].name);
        if (i + 1 < point->extra_count && !strcmp(point->extras[i].name, point->extras[i + 1].name)) {
            i += add_list(&text, point->extras + i, point->extra_count - i) - 1;
            continue;
        }
        text_format(&text, ":%s", isfinite(point->extras[i].value) ? number : "null");
    }
    text_add_string(&text, "}");
    char *json = text_take(&text);
    *failed = !json;
    return json;
}

int store_point(struct store *store, const struct store_trial *trial, size_t number, const struct point *point,
                struct iso_error *err)
{
    sqlite3_stmt *statement = store_get(store, POINT, err);
    bool failed = false;
    if (!statement || store_begin(store, err))
        return -1;
    char *extras = extras_json(point, &failed);
    if (failed)
        return error_memory(err);
    int at = 1;
    sqlite3_bind_int64(statement, at++, trial->id);
    sqlite3_bind_int64(statement, at++, (int64_t)number);
    sqlite3_bind_int64(statement, at++, (int64_t)point->step);
    database_bind_real(statement, at++, point->epoch);
    sqlite3_bind_int64(statement, at++, (int64_t)point->examples);
    bind_flops(statement, &at, &point->flops);
    database_bind_real(statement, at++, point->rate);
    database_bind_real(statement, at++, point->seconds);
    bind_measured(statement, &at, &point->train);
    bind_measured(statement, &at, &point->train_eval);
    bind_measured(statement, &at, &point->validation);
    bind_measured(statement, &at, &point->test);
    database_bind_text(statement, at, extras);
    free(extras);
    return store_put(store, POINT, err);
}

static int find_numerics(struct store *store, const char *backend, const char *kernel, int64_t *id,
                         struct iso_error *err)
{
    const struct provenance *from = store->provenance;
    const char *values[] = { from->version, from->build, backend, kernel, from->instruction_set, from->libm };
    static const enum statement both[] = { NUMERICS_ADD, NUMERICS_FIND };
    for (size_t i = 0; i < 2; i++) {
        sqlite3_stmt *statement = store_get(store, both[i], err);
        if (!statement)
            return -1;
        for (size_t k = 0; k < sizeof values / sizeof *values; k++)
            database_bind_text(statement, (int)k + 1, values[k]);
        int code = sqlite3_step(statement);
        if (code == SQLITE_ROW)
            *id = sqlite3_column_int64(statement, 0);
        sqlite3_reset(statement);
        if (code != SQLITE_ROW && code != SQLITE_DONE)
            return database_fail(store->database, err);
    }
    return 0;
}

int store_done(struct store *store, struct store_trial *trial, const struct trial_result *result, const char *wanted,
               struct iso_error *err)
{
    static const struct measured none = { NAN, NAN, NAN };
    const bool ended = result->status == TRIAL_DONE; /* a diverged trial has no final values */
    int64_t numerics = 0;
    sqlite3_stmt *statement = store_get(store, DONE, err);
    char now[32];
    if (!statement || store_begin(store, err) || find_numerics(store, result->backend, result->kernel, &numerics, err))
        return -1;
    provenance_time(now);
    int at = 1;
    sqlite3_bind_int64(statement, at++, trial->id);
    database_bind_text(statement, at++, trial_status_names[result->status]);
    database_bind_text(statement, at++, wanted);
    sqlite3_bind_int64(statement, at++, numerics);
    database_bind_text(statement, at++, now);
    sqlite3_bind_int64(statement, at++, (int64_t)result->size.params);
    sqlite3_bind_int64(statement, at++, (int64_t)result->size.params_weights);
    sqlite3_bind_int64(statement, at++, (int64_t)result->size.params_hidden);
    sqlite3_bind_int64(statement, at++, (int64_t)result->last.step);
    database_bind_real(statement, at++, result->last.epoch);
    sqlite3_bind_int64(statement, at++, (int64_t)result->last.examples);
    bind_flops(statement, &at, &result->last.flops);
    if (result->has_best)
        sqlite3_bind_int64(statement, at++, (int64_t)result->best_step);
    else
        sqlite3_bind_null(statement, at++);
    if (ended)
        sqlite3_bind_null(statement, at++);
    else
        sqlite3_bind_int64(statement, at++, (int64_t)result->diverged_step);
    database_bind_text(statement, at++, result->stop_reason);
    database_bind_real(statement, at++, result->seconds);
    bind_measured(statement, &at, ended ? &result->last.train : &none);
    bind_measured(statement, &at, ended ? &result->last.train_eval : &none);
    bind_measured(statement, &at, ended ? &result->last.validation : &none);
    bind_measured(statement, &at, ended ? &result->final_test : &none);
    bind_measured(statement, &at, result->has_best ? &result->best_validation : &none);
    bind_measured(statement, &at, result->has_best ? &result->best_test : &none);
    if (result->flops_executed == result->last.flops.all)
        sqlite3_bind_null(statement, at);
    else
        sqlite3_bind_int64(statement, at, (int64_t)result->flops_executed);
    trial->status = result->status;
    return store_put(store, DONE, err);
}

int store_failed(struct store *store, struct store_trial *trial, const char *why, struct iso_error *err)
{
    sqlite3_stmt *statement = store_get(store, FAILED, err);
    char now[32];
    if (!statement || store_begin(store, err))
        return -1;
    provenance_time(now);
    sqlite3_bind_int64(statement, 1, trial->id);
    database_bind_text(statement, 2, why);
    database_bind_text(statement, 3, now);
    trial->status = TRIAL_FAILED;
    return store_put(store, FAILED, err);
}

int store_pending(struct store *store, struct store_trial *trial, struct iso_error *err)
{
    sqlite3_stmt *statement = store_get(store, PENDING, err);
    if (!statement || store_begin(store, err))
        return -1;
    sqlite3_bind_int64(statement, 1, trial->id);
    trial->status = TRIAL_PENDING;
    return store_put(store, PENDING, err);
}

static bool same_value(double a, double b)
{
    return isnan(a) || isnan(b) || a == b;
}

int store_agrees(struct store *store, const struct store_trial *trial, size_t number, const struct point *point,
                 struct iso_error *err)
{
    sqlite3_stmt *statement = store_get(store, AGREES, err);
    if (!statement)
        return -1;
    sqlite3_bind_int64(statement, 1, trial->id);
    sqlite3_bind_int64(statement, 2, (int64_t)number);
    int code = sqlite3_step(statement), status = 0;
    if (code == SQLITE_ROW)
        status = sqlite3_column_int64(statement, 0) == (int64_t)point->step
                 && same_value(database_real(statement, 1), point->train.loss)
                 && same_value(database_real(statement, 2), point->validation.loss)
                 && same_value(database_real(statement, 3), point->test.loss);
    sqlite3_reset(statement);
    return code == SQLITE_ROW || code == SQLITE_DONE ? status : database_fail(store->database, err);
}
