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

/* A column of the tables, and where it comes from. Optional ones are left out where they are empty. */
struct source_column {
    const char *name, *sql;
    enum column_kind kind;
    unsigned tables; /* TRIALS, POINTS */
    bool optional;
};

enum { TRIALS = 1 << LAB_TRIALS, POINTS = 1 << LAB_POINTS, BOTH = TRIALS | POINTS };
#define MEASURED(name, sql, tables, optional)                                                                          \
    { name ".loss", sql "_loss", COLUMN_DOUBLE, tables, optional },                                                    \
    { name ".accuracy", sql "_accuracy", COLUMN_DOUBLE, tables, optional }

/* Columns of both tables, in order; swept paths come after the seed. */
static const struct source_column columns[] = {
    { "trial", "place", COLUMN_INTEGER, BOTH, false },
    { "key", "key", COLUMN_TEXT, TRIALS, false },
    { "status", "status", COLUMN_TEXT, TRIALS, false },
    { "seed", "seed", COLUMN_INTEGER, TRIALS, false },
    { "params", "params", COLUMN_INTEGER, TRIALS, false },
    { "params_weights", "params_weights", COLUMN_INTEGER, TRIALS, false },
    { "params_hidden", "params_hidden", COLUMN_INTEGER, TRIALS, false },
    { "steps", "steps", COLUMN_INTEGER, TRIALS, false },
    { "step", "step", COLUMN_INTEGER, POINTS, false },
    { "epochs", "epochs", COLUMN_DOUBLE, TRIALS, false },
    { "epoch", "epoch", COLUMN_DOUBLE, POINTS, false },
    { "examples", "examples", COLUMN_INTEGER, BOTH, false },
    { "flops", "flops", COLUMN_INTEGER, BOTH, false },
    { "flops_matmul", "flops_matmul", COLUMN_INTEGER, BOTH, false },
    { "flops_6nd", "flops_6nd", COLUMN_INTEGER, BOTH, false },
    { "flops_report", "flops_report", COLUMN_INTEGER, BOTH, false },
    { "rate", "rate", COLUMN_DOUBLE, POINTS, false },
    { "seconds", "seconds", COLUMN_DOUBLE, POINTS, false },
    MEASURED("train", "train", BOTH, false),
    MEASURED("validation", "validation", BOTH, false),
    MEASURED("test", "test", BOTH, false),
    { "best.step", "best_step", COLUMN_INTEGER, TRIALS, false },
    MEASURED("best.validation", "best_validation", TRIALS, false),
    MEASURED("best.test", "best_test", TRIALS, false),
    { "stop_reason", "stop_reason", COLUMN_TEXT, TRIALS, false },
    { "seconds", "seconds", COLUMN_DOUBLE, TRIALS, false },
    MEASURED("train_eval", "train_eval", BOTH, true),
    { "train.cross_entropy", "train_cross_entropy", COLUMN_DOUBLE, BOTH, true },
    { "train_eval.cross_entropy", "train_eval_cross_entropy", COLUMN_DOUBLE, BOTH, true },
    { "validation.cross_entropy", "validation_cross_entropy", COLUMN_DOUBLE, BOTH, true },
    { "test.cross_entropy", "test_cross_entropy", COLUMN_DOUBLE, BOTH, true },
    { "best.validation.cross_entropy", "best_validation_cross_entropy", COLUMN_DOUBLE, TRIALS, true },
    { "best.test.cross_entropy", "best_test_cross_entropy", COLUMN_DOUBLE, TRIALS, true },
    { "flops_executed", "flops_executed", COLUMN_INTEGER, TRIALS, true },
    { "diverged.step", "diverged_step", COLUMN_INTEGER, TRIALS, true },
};

#define COLUMNS (sizeof columns / sizeof *columns)
#define CURRENT "(SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'current')"

static int set_cell(const struct frame *frame, struct column *column, size_t row, sqlite3_stmt *statement, int index)
{
    if (sqlite3_column_type(statement, index) == SQLITE_NULL)
        return 0;
    if (column->kind == COLUMN_TEXT)
        return column_set_text(column, row, database_text(statement, index));
    if (column->kind == COLUMN_INTEGER)
        return column_set_whole(frame, column, row, sqlite3_column_int64(statement, index));
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

static void drop_empty(struct frame *frame)
{
    for (size_t i = 0; i < COLUMNS; i++) {
        const struct column *column = columns[i].optional ? frame_find(frame, columns[i].name) : NULL;
        if (column && is_empty(column, frame->rows))
            frame_remove_column(frame, (size_t)(column - frame->column));
    }
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

/* Puts the values of "[a,b,...]" into a row of `count` columns of texts. */
static int set_swept(struct column *column, size_t count, size_t row, const char *json)
{
    bool failed = false;
    if (*json == '[')
        json++;
    for (size_t i = 0; i < count && *json; i++) {
        const char *end = value_end(json);
        column[i].texts[row] = shown(json, (size_t)(end - json), &failed);
        json = *end == ',' ? end + 1 : end;
    }
    return failed ? -1 : 0;
}

/* Makes a column of texts one of numbers where all of them are. */
static int make_numbers(const struct frame *frame, struct column *column)
{
    bool numbers = true, whole = true, any = false;
    double value;
    int64_t exact;
    for (size_t row = 0; row < frame->rows; row++) {
        const char *text = column->texts[row];
        any = any || text;
        numbers = numbers && (!text || number_real(text, &value));
        whole = whole && (!text || (!text[strspn(text, "-0123456789")] && number_int(text, &exact)));
    }
    if (!numbers || !any)
        return 0;
    column->kind = whole ? COLUMN_INTEGER : COLUMN_SETTING;
    column->numbers = memory_array(frame->rows, sizeof *column->numbers);
    int status = column->numbers ? 0 : -1;
    for (size_t row = 0; row < frame->rows; row++) {
        const char *text = column->texts[row];
        if (!status)
            column->numbers[row] = NAN;
        if (!status && text && whole && number_int(text, &exact))
            status = column_set_whole(frame, column, row, exact);
        else if (!status && text)
            number_real(text, &column->numbers[row]);
        free(column->texts[row]);
    }
    free(column->texts);
    column->texts = NULL;
    return status;
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

/* {"layers.0.gradient_norm": 1.5} into columns of these names, made where they are new. */
static int set_extras(struct frame *frame, size_t row, const char *text, struct iso_error *err)
{
    json_t *extras = json_loads(text, 0, NULL);
    const char *name;
    json_t *value;
    int status = 0;
    json_object_foreach(extras, name, value) {
        struct column *column = frame_find(frame, name);
        if (json_is_array(value)) /* a histogram: of the table of its own */
            continue;
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

/* The columns of a table, empty, and the SQL names of what fills them. Swept paths are texts so far, from
 * *first_path on. */
static int add_columns(struct frame *frame, const struct lab_experiment *experiment, enum lab_table which,
                       struct text *names, size_t *first_path)
{
    bool failed = false;
    for (size_t i = 0; i < COLUMNS; i++) {
        if (!(columns[i].tables & 1u << which))
            continue;
        failed = !frame_add_column(frame, columns[i].name, columns[i].kind) || failed;
        text_format(names, "%s, ", columns[i].sql);
        if (strcmp(columns[i].name, "seed") != 0)
            continue;
        *first_path = frame->columns;
        for (size_t p = 0; p < experiment->path_count; p++)
            failed = !frame_add_column(frame, experiment->paths[p], COLUMN_TEXT) || failed;
    }
    return failed || names->failed ? -1 : 0;
}

static struct frame *read_table(sqlite3 *database, const struct lab_experiment *experiment, enum lab_table which,
                                struct iso_error *err)
{
    static const char *const from[] = {
        [LAB_TRIALS] = " FROM places JOIN trials ON trials.id = places.trial WHERE experiment = " CURRENT,
        [LAB_POINTS] = " FROM places JOIN points ON points.trial = places.trial WHERE experiment = " CURRENT };
    const size_t paths = which == LAB_TRIALS ? experiment->path_count : 0;
    struct text sql = { 0 }, names = { 0 };
    struct frame *frame = NULL;
    sqlite3_stmt *statement = NULL;
    size_t first_path = SIZE_MAX;
    int status = -1, code = SQLITE_ROW;
    text_format(&sql, "SELECT count(*)%s", from[which]);
    const int64_t rows = sql.failed ? -1 : count_rows(database, sql.data, err);
    text_free(&sql);
    if (rows < 0)
        goto out;
    frame = frame_new((size_t)rows);
    if (!frame || add_columns(frame, experiment, which, &names, &first_path)) {
        error_memory(err);
        goto out;
    }
    text_format(&sql, "SELECT %s%s%s ORDER BY place%s", names.data, which == LAB_TRIALS ? "swept" : "extras",
                from[which], which == LAB_TRIALS ? "" : ", number");
    if (sql.failed)
        error_memory(err);
    if (sql.failed || !(statement = database_prepare(database, sql.data, err)))
        goto out;
    const size_t given = frame->columns; /* extras add more */
    bool failed = false;
    for (size_t row = 0; !failed && (code = sqlite3_step(statement)) == SQLITE_ROW && row < frame->rows; row++) {
        int index = 0;
        for (size_t i = 0; i < given; i++)
            if (i < first_path || i >= first_path + paths)
                failed = set_cell(frame, &frame->column[i], row, statement, index++) || failed;
        if (sqlite3_column_type(statement, index) == SQLITE_NULL)
            continue;
        const char *text = database_text(statement, index);
        failed = (which == LAB_TRIALS ? set_swept(frame->column + first_path, paths, row, text)
                                      : set_extras(frame, row, text, err)) || failed;
    }
    for (size_t p = 0; p < paths && !failed; p++)
        failed = make_numbers(frame, &frame->column[first_path + p]) != 0;
    if (failed)
        error_memory(err);
    else if (code != SQLITE_DONE && code != SQLITE_ROW)
        database_fail(database, err);
    else
        status = 0;
    if (!status)
        drop_empty(frame);
out:
    text_free(&sql);
    text_free(&names);
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
        frame = read_table(database, experiment, which, err);
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
    int status = -1;
    if (!statement)
        goto out;
    if (!experiment) {
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
    const char *recipe_folder = database_text(statement, 3);
    experiment->name = strdup(database_text(statement, 0));
    experiment->title = strdup(database_text(statement, 1));
    experiment->started = strdup(database_text(statement, 5));
    if (!(experiment->tree = database_recipe(statement, 2, err))) {
        error_context(err, "%s", folder);
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

/* ---- Histograms ---- */

/* "layers.3.weights.histogram" and its list as a row; false: it is no histogram. */
static bool is_histogram(const char *name, const json_t *value, unsigned *layer, char of[32])
{
    int used = 0;
    return json_is_array(value) && json_array_size(value) && sscanf(name, "layers.%u.%31[a-z].histogram%n", layer, of,
                                                                    &used) == 2 && used && !name[used];
}

static int add_histograms(struct frame *frame, size_t *row, const double fixed[3], json_t *extras)
{
    const char *name;
    json_t *value;
    unsigned layer;
    char of[32];
    int status = 0;
    json_object_foreach(extras, name, value) {
        if (!is_histogram(name, value, &layer, of) || *row == frame->rows)
            continue;
        char *bins = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(17));
        for (size_t i = 0; i < 3; i++)
            frame->column[i].numbers[*row] = fixed[i];
        frame->column[3].numbers[*row] = layer;
        if (!bins || column_set_text(&frame->column[4], *row, of) || column_set_text(&frame->column[5], *row, bins))
            status = -1;
        free(bins);
        (*row)++;
    }
    return status;
}

/* Goes through the points twice: the first time counts, with frame NULL. */
static int walk_histograms(sqlite3 *database, struct frame *frame, size_t *rows, struct iso_error *err)
{
    sqlite3_stmt *statement = database_prepare(
        database, "SELECT place, step, epoch, extras FROM places JOIN points ON points.trial = places.trial"
                  " WHERE experiment = " CURRENT " AND extras LIKE '%.histogram%' ORDER BY place, number", err);
    int code = SQLITE_DONE, status = statement ? 0 : -1;
    *rows = 0;
    while (!status && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        json_t *extras = json_loads(database_text(statement, 3), 0, NULL);
        const double fixed[] = { sqlite3_column_double(statement, 0), sqlite3_column_double(statement, 1),
                                 sqlite3_column_double(statement, 2) };
        const char *name;
        json_t *value;
        unsigned layer;
        char of[32];
        if (frame)
            status = add_histograms(frame, rows, fixed, extras) ? error_memory(err) : 0;
        else
            json_object_foreach(extras, name, value)
                *rows += is_histogram(name, value, &layer, of);
        json_decref(extras);
    }
    sqlite3_finalize(statement);
    return status ? -1 : code == SQLITE_DONE ? 0 : database_fail(database, err);
}

struct frame *lab_histograms(const char *folder, struct iso_error *err)
{
    static const struct { const char *name; enum column_kind kind; } wanted[] = {
        { "trial", COLUMN_INTEGER }, { "step", COLUMN_INTEGER }, { "epoch", COLUMN_DOUBLE },
        { "layer", COLUMN_INTEGER }, { "of", COLUMN_TEXT },      { "bins", COLUMN_TEXT },
    };
    sqlite3 *database = database_open(folder, false, err);
    struct frame *frame = NULL;
    size_t rows = 0;
    int status = -1;
    if (!database || database_run(database, "BEGIN", err) || walk_histograms(database, NULL, &rows, err))
        goto out;
    frame = frame_new(rows);
    for (size_t i = 0; frame && i < sizeof wanted / sizeof *wanted; i++)
        if (!frame_add_column(frame, wanted[i].name, wanted[i].kind)) {
            frame_free(frame);
            frame = NULL;
        }
    status = frame ? walk_histograms(database, frame, &rows, err) : error_memory(err);
out:
    database_close(database, false, NULL);
    if (status) {
        frame_free(frame);
        return NULL;
    }
    return frame;
}
