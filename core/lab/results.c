/* Frames of an experiment's trials and points, read from its store. */
#include "lab/results.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/numbers.h"
#include "lab/database.h"
#include "lab/inspect.h"

/* A column of a table and where it comes from. Optional ones are left out where they are empty. */
struct source_column {
    const char *name, *sql;
    enum column_kind kind;
    bool optional;
};

#define BOTH(name, sql, optional)                                                                                      \
    { name ".loss", sql "_loss", COLUMN_DOUBLE, optional }, { name ".accuracy", sql "_accuracy", COLUMN_DOUBLE, optional }

static const struct source_column trial_head[] = {
    { "trial", "place", COLUMN_INTEGER, false },
    { "key", "key", COLUMN_TEXT, false },
    { "status", "status", COLUMN_TEXT, false },
    { "seed", "seed", COLUMN_INTEGER, false },
};

static const struct source_column trial_columns[] = {
    { "params", "params", COLUMN_INTEGER, false },
    { "params_weights", "params_weights", COLUMN_INTEGER, false },
    { "params_hidden", "params_hidden", COLUMN_INTEGER, false },
    { "steps", "steps", COLUMN_INTEGER, false },
    { "epochs", "epochs", COLUMN_DOUBLE, false },
    { "examples", "examples", COLUMN_INTEGER, false },
    { "flops", "flops", COLUMN_INTEGER, false },
    { "flops_matmul", "flops_matmul", COLUMN_INTEGER, false },
    { "flops_6nd", "flops_6nd", COLUMN_INTEGER, false },
    { "flops_report", "flops_report", COLUMN_INTEGER, false },
    BOTH("train", "train", false),
    BOTH("validation", "validation", false),
    BOTH("test", "test", false),
    { "best.step", "best_step", COLUMN_INTEGER, false },
    BOTH("best.validation", "best_validation", false),
    BOTH("best.test", "best_test", false),
    { "stop_reason", "stop_reason", COLUMN_TEXT, false },
    { "seconds", "seconds", COLUMN_DOUBLE, false },
    BOTH("train_eval", "train_eval", true),
    { "train.cross_entropy", "train_cross_entropy", COLUMN_DOUBLE, true },
    { "train_eval.cross_entropy", "train_eval_cross_entropy", COLUMN_DOUBLE, true },
    { "validation.cross_entropy", "validation_cross_entropy", COLUMN_DOUBLE, true },
    { "test.cross_entropy", "test_cross_entropy", COLUMN_DOUBLE, true },
    { "best.validation.cross_entropy", "best_validation_cross_entropy", COLUMN_DOUBLE, true },
    { "best.test.cross_entropy", "best_test_cross_entropy", COLUMN_DOUBLE, true },
    { "diverged.step", "diverged_step", COLUMN_INTEGER, true },
};

static const struct source_column point_columns[] = {
    { "trial", "place", COLUMN_INTEGER, false },
    { "step", "step", COLUMN_INTEGER, false },
    { "epoch", "epoch", COLUMN_DOUBLE, false },
    { "examples", "p.examples", COLUMN_INTEGER, false },
    { "flops", "p.flops", COLUMN_INTEGER, false },
    { "flops_matmul", "p.flops_matmul", COLUMN_INTEGER, false },
    { "flops_6nd", "p.flops_6nd", COLUMN_INTEGER, false },
    { "flops_report", "p.flops_report", COLUMN_INTEGER, false },
    { "rate", "rate", COLUMN_DOUBLE, false },
    { "seconds", "p.seconds", COLUMN_DOUBLE, false },
    BOTH("train", "p.train", false),
    BOTH("validation", "p.validation", false),
    BOTH("test", "p.test", false),
    BOTH("train_eval", "p.train_eval", true),
    { "train.cross_entropy", "p.train_cross_entropy", COLUMN_DOUBLE, true },
    { "train_eval.cross_entropy", "p.train_eval_cross_entropy", COLUMN_DOUBLE, true },
    { "validation.cross_entropy", "p.validation_cross_entropy", COLUMN_DOUBLE, true },
    { "test.cross_entropy", "p.test_cross_entropy", COLUMN_DOUBLE, true },
};

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define CURRENT "(SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'current')"

static void add_names(struct text *text, const struct source_column *columns, size_t count)
{
    for (size_t i = 0; i < count; i++)
        text_format(text, "%s%s", i ? ", " : "", columns[i].sql);
}

static int set_cell(struct column *column, size_t row, sqlite3_stmt *statement, int index)
{
    if (sqlite3_column_type(statement, index) == SQLITE_NULL)
        return 0;
    if (column->kind == COLUMN_TEXT)
        return column_set_text(column, row, database_text(statement, index));
    column->numbers[row] = sqlite3_column_double(statement, index);
    return 0;
}

static bool is_empty(const struct column *column, size_t rows)
{
    for (size_t row = 0; row < rows; row++)
        if (column->kind == COLUMN_TEXT ? column->texts[row] != NULL : !isnan(column->numbers[row]))
            return false;
    return true;
}

/* Takes empty optional columns, those from `from` on whose place in `columns` says so, out of the frame. */
static void drop_empty(struct frame *frame, size_t from, const struct source_column *columns, size_t count)
{
    size_t kept = from;
    for (size_t i = from; i < frame->columns; i++) {
        struct column *column = &frame->column[i];
        const bool optional = i - from < count && columns[i - from].optional;
        if (optional && is_empty(column, frame->rows)) {
            free(column->name);
            free(column->numbers);
            for (size_t row = 0; column->texts && row < frame->rows; row++)
                free(column->texts[row]);
            free(column->texts);
        } else {
            frame->column[kept++] = *column;
        }
    }
    frame->columns = kept;
}

/* ---- Swept values ---- */

/* The end of the JSON value that begins at `at`, outside strings and brackets. */
static const char *value_end(const char *at)
{
    int depth = 0;
    bool quoted = false;
    for (; *at; at++) {
        if (quoted) {
            if (*at == '\\' && at[1])
                at++;
            else if (*at == '"')
                quoted = false;
        } else if (*at == '"') {
            quoted = true;
        } else if (*at == '[' || *at == '{') {
            depth++;
        } else if (*at == ']' || *at == '}') {
            if (!depth--)
                return at;
        } else if (*at == ',' && !depth) {
            return at;
        }
    }
    return at;
}

/* What a table shows of a JSON value: texts without quotes, all else as it is. NULL for null. *failed: no memory. */
static char *shown(const char *from, size_t length, bool *failed)
{
    char *text = NULL;
    if (length == 4 && strncmp(from, "null", 4) == 0)
        return NULL;
    json_t *string = length && *from == '"' ? json_loadb(from, length, JSON_DECODE_ANY, NULL) : NULL;
    text = string && json_is_string(string) ? strdup(json_string_value(string)) : strndup(from, length);
    json_decref(string);
    *failed = *failed || !text;
    return text;
}

/* Splits "[a,b,...]" into `count` texts. */
static int split_swept(const char *json, char **texts, size_t count)
{
    bool failed = false;
    if (*json == '[')
        json++;
    for (size_t i = 0; i < count && *json; i++) {
        const char *end = value_end(json);
        texts[i] = shown(json, (size_t)(end - json), &failed);
        json = *end == ',' ? end + 1 : end;
    }
    return failed ? -1 : 0;
}

/* A column of texts, or of numbers where all of them are. Takes the texts over. */
static int add_swept(struct frame *frame, const char *name, char **texts, size_t stride, struct iso_error *err)
{
    bool numbers = true, whole = true, any = false;
    double value;
    for (size_t row = 0; row < frame->rows; row++) {
        const char *text = texts[row * stride];
        any = any || text;
        numbers = numbers && (!text || number_real(text, &value));
        whole = whole && (!text || !text[strspn(text, "-0123456789")]);
    }
    const enum column_kind kind = !numbers || !any ? COLUMN_TEXT : whole ? COLUMN_INTEGER : COLUMN_SETTING;
    struct column *column = frame_add_column(frame, name, kind);
    if (!column)
        return error_memory(err);
    for (size_t row = 0; row < frame->rows; row++) {
        char **text = &texts[row * stride];
        if (kind == COLUMN_TEXT) {
            column->texts[row] = *text;
            *text = NULL;
        } else if (*text) {
            number_real(*text, &column->numbers[row]);
        }
    }
    return 0;
}

/* ---- The tables ---- */

static int64_t count_rows(sqlite3 *database, const char *sql, struct iso_error *err)
{
    sqlite3_stmt *statement = database_prepare(database, sql, err);
    int64_t rows = -1;
    if (statement && sqlite3_step(statement) == SQLITE_ROW)
        rows = sqlite3_column_int64(statement, 0);
    else if (statement)
        database_fail(database, err);
    sqlite3_finalize(statement);
    return rows;
}

static int add_columns(struct frame *frame, const struct source_column *columns, size_t count, struct iso_error *err)
{
    for (size_t i = 0; i < count; i++)
        if (!frame_add_column(frame, columns[i].name, columns[i].kind))
            return error_memory(err);
    return 0;
}

static struct frame *read_trials(sqlite3 *database, const struct lab_experiment *experiment, struct iso_error *err)
{
    const size_t paths = experiment->path_count, heads = COUNT(trial_head), tails = COUNT(trial_columns);
    struct text sql = { 0 };
    char **swept = NULL;
    sqlite3_stmt *statement = NULL;
    struct frame *frame = NULL;
    int status = -1;
    int64_t rows = count_rows(database, "SELECT count(*) FROM places WHERE experiment = " CURRENT, err);
    text_add_string(&sql, "SELECT ");
    add_names(&sql, trial_head, heads);
    text_add_string(&sql, ", swept, ");
    add_names(&sql, trial_columns, tails);
    text_add_string(&sql, " FROM places JOIN trials ON trials.id = places.trial WHERE experiment = " CURRENT
                          " ORDER BY place");
    if (rows < 0)
        goto out;
    frame = frame_new((size_t)rows);
    swept = memory_array((size_t)rows * paths + 1, sizeof *swept);
    if (sql.failed || !frame || !swept) {
        error_memory(err);
        goto out;
    }
    if (add_columns(frame, trial_head, heads, err) || !(statement = database_prepare(database, sql.data, err)))
        goto out;
    /* Texts of swept columns decide their kind, so they come in last but stand before the rest. */
    struct frame *tail = frame_new((size_t)rows);
    if (!tail || add_columns(tail, trial_columns, tails, err)) {
        frame_free(tail);
        error_memory(err);
        goto out;
    }
    size_t row = 0;
    int code;
    bool failed = false;
    for (; (code = sqlite3_step(statement)) == SQLITE_ROW && row < frame->rows; row++) {
        for (size_t i = 0; i < heads; i++)
            failed = set_cell(&frame->column[i], row, statement, (int)i) || failed;
        failed = split_swept(database_text(statement, (int)heads), swept + row * paths, paths) || failed;
        for (size_t i = 0; i < tails; i++)
            failed = set_cell(&tail->column[i], row, statement, (int)(heads + 1 + i)) || failed;
    }
    for (size_t p = 0; p < paths && !failed; p++)
        failed = add_swept(frame, experiment->paths[p], swept + p, paths, err) != 0;
    const size_t front = frame->columns;
    for (size_t i = 0; i < tails && !failed; i++) {
        struct column *column = frame_add_column(frame, tail->column[i].name, tail->column[i].kind), *from;
        if (!column) {
            failed = true;
            break;
        }
        from = &tail->column[i];
        double *numbers = column->numbers;
        char **texts = column->texts;
        column->numbers = from->numbers;
        column->texts = from->texts;
        from->numbers = numbers;
        from->texts = texts;
    }
    frame_free(tail);
    if (code != SQLITE_DONE && code != SQLITE_ROW)
        database_fail(database, err);
    else if (failed)
        error_memory(err);
    else
        status = 0;
    if (!status)
        drop_empty(frame, front, trial_columns, tails);
out:
    for (size_t i = 0; swept && rows >= 0 && i < (size_t)rows * paths; i++)
        free(swept[i]);
    free(swept);
    text_free(&sql);
    sqlite3_finalize(statement);
    if (status) {
        frame_free(frame);
        return NULL;
    }
    return frame;
}

/* {"layers.0.gradient_norm": 1.5} into columns of these names, made where they are new. */
static int set_extras(struct frame *frame, size_t row, const char *text, struct iso_error *err)
{
    json_t *extras = json_loads(text, 0, NULL);
    const char *name;
    json_t *value;
    int status = 0;
    json_object_foreach(extras, name, value) {
        struct column *column = frame_find(frame, name);
        if (!column)
            column = frame_add_column(frame, name, COLUMN_DOUBLE);
        if (!column) {
            status = error_memory(err);
            break;
        }
        if (json_is_number(value) && column->kind != COLUMN_TEXT)
            column->numbers[row] = json_number_value(value);
    }
    json_decref(extras);
    return status;
}

static struct frame *read_points(sqlite3 *database, struct iso_error *err)
{
    static const char from[] = " FROM places JOIN points p ON p.trial = places.trial WHERE experiment = " CURRENT;
    const size_t columns = COUNT(point_columns);
    struct text count = { 0 }, sql = { 0 };
    struct frame *frame = NULL;
    sqlite3_stmt *statement = NULL;
    int status = -1;
    text_format(&count, "SELECT count(*)%s", from);
    text_add_string(&sql, "SELECT ");
    add_names(&sql, point_columns, columns);
    text_format(&sql, ", extras%s ORDER BY place, number", from);
    int64_t rows = -1;
    if (count.failed || sql.failed)
        error_memory(err);
    else
        rows = count_rows(database, count.data, err);
    if (rows < 0)
        goto out;
    frame = frame_new((size_t)rows);
    if (!frame)
        error_memory(err);
    if (!frame || add_columns(frame, point_columns, columns, err)
        || !(statement = database_prepare(database, sql.data, err)))
        goto out;
    int code;
    for (size_t row = 0; (code = sqlite3_step(statement)) == SQLITE_ROW && row < frame->rows; row++) {
        for (size_t i = 0; i < columns; i++)
            set_cell(&frame->column[i], row, statement, (int)i);
        if (sqlite3_column_type(statement, (int)columns) != SQLITE_NULL
            && set_extras(frame, row, database_text(statement, (int)columns), err))
            goto out;
    }
    if (code == SQLITE_DONE || code == SQLITE_ROW) {
        drop_empty(frame, 0, point_columns, columns);
        status = 0;
    } else {
        database_fail(database, err);
    }
out:
    text_free(&count);
    text_free(&sql);
    sqlite3_finalize(statement);
    if (status) {
        frame_free(frame);
        return NULL;
    }
    return frame;
}

struct frame *lab_frame(const char *folder, enum lab_table which, struct iso_error *err)
{
    struct frame *frame = NULL;
    sqlite3 *database = database_open(folder, false, err);
    struct lab_experiment *experiment = NULL;
    /* One transaction: what a run writes meanwhile does not change the table under our eyes. */
    if (database && !database_run(database, "BEGIN", err) && (experiment = lab_read_experiment(database, folder, err)))
        frame = which == LAB_TRIALS ? read_trials(database, experiment, err) : read_points(database, err);
    lab_experiment_free(experiment);
    database_close(database, false, NULL);
    return frame;
}

/* ---- The experiment ---- */

static int read_paths(struct lab_experiment *experiment, const char *json)
{
    json_t *list = json_loads(json, 0, NULL);
    const size_t count = json_array_size(list);
    int status = 0;
    experiment->paths = memory_array(count + 1, sizeof *experiment->paths);
    if (!experiment->paths)
        status = -1;
    for (size_t i = 0; !status && i < count; i++) {
        const char *path = json_string_value(json_array_get(list, i));
        experiment->paths[i] = strdup(path ? path : "");
        if (!experiment->paths[i])
            status = -1;
        else
            experiment->path_count++;
    }
    json_decref(list);
    return status;
}

struct lab_experiment *lab_read_experiment(sqlite3 *database, const char *folder, struct iso_error *err)
{
    sqlite3_stmt *statement = database_prepare(
        database, "SELECT name, title, resolved, folder, paths, created FROM experiments WHERE id = " CURRENT, err);
    struct lab_experiment *experiment = memory_array(1, sizeof *experiment);
    struct diagnostics *found = diagnostics_new();
    int status = -1;
    if (!statement)
        goto out;
    if (!experiment || !found) {
        error_memory(err);
        goto out;
    }
    int code = sqlite3_step(statement);
    if (code != SQLITE_ROW) {
        if (code == SQLITE_DONE)
            iso_fail(err, "%s holds no experiment yet", folder);
        else
            database_fail(database, err);
        goto out;
    }
    const char *recipe = database_text(statement, 2), *recipe_folder = database_text(statement, 3);
    experiment->name = strdup(database_text(statement, 0));
    experiment->title = strdup(database_text(statement, 1));
    experiment->started = strdup(database_text(statement, 5));
    experiment->tree = tree_parse("recipe.yaml", recipe, strlen(recipe), found);
    if (!experiment->tree || diagnostics_count(found, SEVERITY_ERROR)) {
        iso_fail(err, "%s: the stored recipe is damaged", folder);
        goto out;
    }
    experiment->tree->folder = arena_copy(experiment->tree->arena, recipe_folder, strlen(recipe_folder));
    if (!experiment->name || !experiment->title || !experiment->started || !experiment->tree->folder
        || read_paths(experiment, database_text(statement, 4)))
        error_memory(err);
    else
        status = 0;
out:
    sqlite3_finalize(statement);
    diagnostics_free(found);
    if (status) {
        lab_experiment_free(experiment);
        return NULL;
    }
    return experiment;
}

struct lab_experiment *lab_experiment(const char *folder, struct iso_error *err)
{
    sqlite3 *database = database_open(folder, false, err);
    struct lab_experiment *experiment = database ? lab_read_experiment(database, folder, err) : NULL;
    database_close(database, false, NULL);
    return experiment;
}

void lab_experiment_free(struct lab_experiment *experiment)
{
    if (!experiment)
        return;
    for (size_t i = 0; i < experiment->path_count; i++)
        free(experiment->paths[i]);
    free(experiment->paths);
    tree_free(experiment->tree);
    free(experiment->name);
    free(experiment->title);
    free(experiment->started);
    free(experiment);
}
