/* Compares experiments. */
#include "lab/comparison.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"
#include "base/text.h"
#include "lab/database.h"
#include "lab/inspect.h"

static const char *keep(struct comparison *comparison, struct text *text, bool *failed)
{
    const char *copy = text->failed ? NULL : arena_copy(comparison->arena, text->data ? text->data : "", text->length);
    text_free(text);
    *failed = *failed || !copy;
    return copy ? copy : "";
}

/* ---- Settings ---- */

struct settings_list {
    struct comparison *comparison;
    struct compared_setting *items;
    size_t count, capacity, experiment;
    bool failed;
};

static void add_setting(struct settings_list *list, const char *path, const struct node *value, const char *word)
{
    struct comparison *comparison = list->comparison;
    struct text text = { 0 };
    size_t i = 0;
    while (i < list->count && strcmp(list->items[i].path, path) != 0)
        i++;
    if (i == list->count) {
        const char *name = arena_copy(comparison->arena, path, strlen(path));
        const char **values = arena_zero(comparison->arena, comparison->count, sizeof *values);
        if (!name || !values || memory_grow(&list->items, &list->capacity, list->count + 1, sizeof *list->items)) {
            list->failed = true;
            return;
        }
        list->items[list->count++] = (struct compared_setting){ name, values };
    }
    if (word)
        text_add_json(&text, word);
    else
        node_json(value, &text);
    list->items[i].values[list->experiment] = keep(comparison, &text, &list->failed);
}

/* Each leaf by its path; a plugin as its name, then its parameters, whichever way it was written. */
static void flatten(struct settings_list *list, const char *path, const struct node *node)
{
    const bool plugin = tree_is_plugin_path(path) && node->kind == NODE_MAP && node->count == 1;
    if (plugin)
        add_setting(list, path, NULL, node->keys[0]->text);
    if (node->kind != NODE_MAP || (!node->count && !plugin)) {
        add_setting(list, path, node, NULL);
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        if (plugin && node->values[i]->kind == NODE_MAP && !node->values[i]->count)
            continue;
        struct text below = { 0 };
        text_format(&below, "%s.%s", path, node->keys[i]->text);
        if (below.failed)
            list->failed = true;
        else
            flatten(list, below.data, node->values[i]);
        text_free(&below);
    }
}

static bool all_same(const struct compared_setting *setting, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        const char *a = setting->values[0], *b = setting->values[i];
        if (!a != !b || (a && strcmp(a, b) != 0))
            return false;
    }
    return true;
}

static int compare_settings(struct comparison *comparison)
{
    static const char *const apart[] = { "name", "title", "figures", "laws" };
    struct settings_list list = { .comparison = comparison };
    for (list.experiment = 0; list.experiment < comparison->count; list.experiment++) {
        const struct node *root = comparison->experiments[list.experiment].experiment->tree->root;
        for (size_t i = 0; i < root->count; i++) {
            const char *name = root->keys[i]->text;
            const struct node *value = root->values[i];
            bool skip = false;
            for (size_t k = 0; k < sizeof apart / sizeof *apart; k++)
                skip = skip || strcmp(name, apart[k]) == 0;
            if (skip)
                continue;
            for (size_t k = 0; strcmp(name, "sweep") == 0 && value->kind == NODE_MAP && k < value->count; k++) {
                struct text path = { 0 };
                text_format(&path, "sweep.%s", value->keys[k]->text);
                add_setting(&list, path.data ? path.data : "sweep", value->values[k], NULL);
                text_free(&path);
            }
            if (strcmp(name, "sweep") != 0)
                flatten(&list, name, value);
        }
    }
    for (size_t i = 0; i < list.count; i++)
        if (!all_same(&list.items[i], comparison->count))
            list.items[comparison->setting_count++] = list.items[i];
    comparison->settings = list.items;
    return list.failed ? -1 : 0;
}

/* ---- Trials in common ---- */

struct by_key {
    const char *key;
    size_t row;
};

static int compare_keys(const void *a, const void *b)
{
    return strcmp(((const struct by_key *)a)->key, ((const struct by_key *)b)->key);
}

static struct by_key *sort_keys(const struct frame *trials, size_t *count)
{
    const struct column *keys = frame_find(trials, "key");
    struct by_key *sorted = memory_array(trials->rows + 1, sizeof *sorted);
    size_t kept = 0;
    *count = 0;
    if (!sorted || !keys || !keys->texts)
        return sorted;
    for (size_t i = 0; i < trials->rows; i++)
        if (keys->texts[i])
            sorted[kept++] = (struct by_key){ keys->texts[i], i };
    qsort(sorted, kept, sizeof *sorted, compare_keys);
    for (size_t i = 0; i < kept; i++)
        if (!i || strcmp(sorted[i].key, sorted[*count - 1].key) != 0)
            sorted[(*count)++] = sorted[i];
    return sorted;
}

static bool has_ended(const struct frame *trials, size_t row)
{
    const struct column *status = frame_find(trials, "status");
    const char *word = status && status->texts && status->texts[row] ? status->texts[row] : "";
    return strcmp(word, "done") == 0 || strcmp(word, "diverged") == 0;
}

/* Are all numbers measured in both the same? Keeps the largest difference in a loss. */
static bool same_results(const struct frame *a, size_t row, const struct frame *b, size_t other, const char *key,
                         struct compared_keys *keys)
{
    bool same = true;
    for (size_t c = 0; c < a->columns; c++) {
        const struct column *x = &a->column[c], *y = frame_find(b, x->name);
        const size_t length = strlen(x->name);
        if (!strchr(x->name, '.') || x->kind != COLUMN_DOUBLE || !y || y->kind != COLUMN_DOUBLE
            || isnan(x->numbers[row]) || isnan(y->numbers[other]) || x->numbers[row] == y->numbers[other])
            continue;
        same = false;
        const double p = x->numbers[row], q = y->numbers[other];
        const double difference = fabs(p - q) / fmax(1, fmax(fabs(p), fabs(q)));
        if (length > 5 && strcmp(x->name + length - 5, ".loss") == 0 && difference > keys->largest) {
            keys->largest = difference;
            keys->key = key;
        }
    }
    return same;
}

static int compare_trials(struct comparison *comparison)
{
    const struct frame *a = comparison->experiments[0].summary->trials;
    size_t a_count, b_count;
    struct by_key *first = sort_keys(a, &a_count);
    int status = first ? 0 : -1;
    for (size_t e = 1; !status && e < comparison->count; e++) {
        const struct frame *b = comparison->experiments[e].summary->trials;
        struct compared_keys *keys = &comparison->keys[e];
        struct by_key *second = sort_keys(b, &b_count);
        status = second ? 0 : -1;
        for (size_t i = 0, j = 0; !status && i < a_count && j < b_count;) {
            const int order = strcmp(first[i].key, second[j].key);
            if (!order) {
                keys->common++;
                if (has_ended(a, first[i].row) && has_ended(b, second[j].row)) {
                    keys->ended++;
                    keys->equal += same_results(a, first[i].row, b, second[j].row, first[i].key, keys);
                }
            }
            i += order <= 0;
            j += order >= 0;
        }
        free(second);
    }
    free(first);
    return status;
}

/* ---- Means at the same swept values ---- */

static const char *shown(struct comparison *comparison, const struct compared *compared, const char *path, size_t row,
                         bool *failed)
{
    const struct frame *trials = compared->summary->trials;
    struct text text = { 0 };
    for (size_t k = 0; k < compared->summary->key_count; k++) {
        const struct column *column = &trials->column[compared->summary->keys[k]];
        if (strcmp(column->name, path) != 0)
            continue;
        char buffer[64];
        text_add_string(&text, column_shown(column, row, buffer));
        return keep(comparison, &text, failed);
    }
    /* Not swept there: the recipe's own value. */
    const struct node *value = node_at(compared->experiment->tree->root, path);
    if (value && value->kind == NODE_SCALAR)
        text_add_string(&text, value->text);
    else if (value)
        node_json(value, &text);
    return keep(comparison, &text, failed);
}

static int find_paths(struct comparison *comparison)
{
    size_t most = 0;
    for (size_t e = 0; e < comparison->count; e++)
        most += comparison->experiments[e].summary->key_count;
    comparison->paths = arena_zero(comparison->arena, most + 1, sizeof *comparison->paths);
    for (size_t e = 0; comparison->paths && e < comparison->count; e++) {
        const struct summary *summary = comparison->experiments[e].summary;
        for (size_t k = 0; k < summary->key_count; k++) {
            const char *path = summary->trials->column[summary->keys[k]].name;
            size_t p = 0;
            while (p < comparison->path_count && strcmp(comparison->paths[p], path) != 0)
                p++;
            if (p == comparison->path_count)
                comparison->paths[comparison->path_count++] = path;
        }
    }
    return comparison->paths ? 0 : -1;
}

static size_t find_row(const struct comparison *comparison, const char *const *values)
{
    size_t r = 0;
    for (; r < comparison->row_count; r++) {
        bool same = true;
        for (size_t p = 0; same && p < comparison->path_count; p++)
            same = strcmp(comparison->rows[r].values[p], values[p]) == 0;
        if (same)
            break;
    }
    return r;
}

static int compare_means(struct comparison *comparison)
{
    size_t capacity = 0;
    bool failed = find_paths(comparison) != 0;
    for (size_t e = 0; !failed && e < comparison->count; e++) {
        const struct compared *compared = &comparison->experiments[e];
        for (size_t i = 0; !failed && i < compared->summary->count; i++) {
            const char **values = arena_zero(comparison->arena, comparison->path_count + 1, sizeof *values);
            for (size_t p = 0; values && p < comparison->path_count; p++)
                values[p] = shown(comparison, compared, comparison->paths[p], compared->summary->rows[i].first, &failed);
            failed = failed || !values;
            const size_t r = failed ? 0 : find_row(comparison, values);
            if (!failed && r == comparison->row_count) {
                size_t *at = arena_zero(comparison->arena, comparison->count, sizeof *at);
                failed = !at || memory_grow(&comparison->rows, &capacity, r + 1, sizeof *comparison->rows);
                for (size_t k = 0; !failed && k < comparison->count; k++)
                    at[k] = SIZE_MAX;
                if (!failed)
                    comparison->rows[comparison->row_count++] = (struct compared_row){ values, at };
            }
            if (!failed)
                comparison->rows[r].at[e] = i;
        }
    }
    return failed ? -1 : 0;
}

/* ---- An experiment ---- */

static int read_numerics(struct compared *compared, struct iso_error *err)
{
    sqlite3 *database = database_open(compared->folder, false, err);
    sqlite3_stmt *statement = database ? database_prepare(
        database, "SELECT n.version || ' build ' || substr(n.build, 1, 12) || ', ' || n.backend || ' (' || n.kernel || '),"
        " ' || n.instruction_set || ', ' || n.libm FROM numerics n WHERE n.id IN (SELECT numerics FROM trials) ORDER BY"
        " n.id", err) : NULL;
    struct text text = { 0 };
    while (statement && sqlite3_step(statement) == SQLITE_ROW)
        text_format(&text, "%s%s", text.length ? "\n" : "", database_text(statement, 0));
    sqlite3_finalize(statement);
    database_close(database, false, NULL);
    compared->numerics = text_take(&text);
    return !statement ? -1 : compared->numerics ? 0 : error_memory(err);
}

static void count_states(struct compared *compared)
{
    const struct summary *summary = compared->summary;
    compared->best = summary->count == 1 ? 0 : SIZE_MAX;
    for (size_t i = 0; i < summary->count; i++) {
        compared->trials += summary->rows[i].trials;
        compared->done += summary->rows[i].done;
        compared->diverged += summary->rows[i].diverged;
        compared->failed += summary->rows[i].failed;
        if (summary->rows[i].best)
            compared->best = i;
    }
}

static bool is_measured(struct frame *const *trials, size_t count, const char *name)
{
    for (size_t e = 0; e < count; e++) {
        const struct column *column = frame_find(trials[e], name);
        bool any = false;
        for (size_t i = 0; column && column->numbers && i < trials[e]->rows && !any; i++)
            any = !isnan(column->numbers[i]);
        if (!any)
            return false;
    }
    return true;
}

static int read_experiments(struct comparison *comparison, const char *const *folders, const char *const *metrics,
                            size_t metric_count, struct iso_error *err)
{
    static const char *const wanted[] = { "best.validation.loss", "validation.loss", "test.loss", "train.loss" };
    struct frame **trials = arena_zero(comparison->arena, comparison->count, sizeof *trials);
    const char *first = "train.loss";
    int status = trials ? 0 : error_memory(err);
    for (size_t e = 0; !status && e < comparison->count; e++)
        status = (trials[e] = lab_frame(folders[e], LAB_TRIALS, err)) ? 0 : -1;
    for (size_t i = sizeof wanted / sizeof *wanted; !status && i-- > 0;)
        if (is_measured(trials, comparison->count, wanted[i]))
            first = wanted[i];
    for (size_t e = 0; !status && e < comparison->count; e++) {
        struct compared *compared = &comparison->experiments[e];
        compared->folder = folders[e];
        compared->experiment = lab_experiment(folders[e], err);
        if (!compared->experiment) {
            status = -1;
            break;
        }
        compared->summary = summary_new(trials[e], metric_count ? metrics : &first, metric_count ? metric_count : 1, err);
        trials[e] = NULL;
        status = !compared->summary ? error_context(err, "%s", folders[e]) : read_numerics(compared, err);
        if (!status)
            count_states(compared);
    }
    for (size_t e = 0; trials && e < comparison->count; e++)
        frame_free(trials[e]);
    return status;
}

struct comparison *comparison_new(const char *const *folders, size_t count, const char *const *metrics,
                                  size_t metric_count, struct iso_error *err)
{
    struct comparison *comparison = memory_array(1, sizeof *comparison);
    if (!comparison || !(comparison->arena = arena_new())) {
        error_memory(err);
        goto fail;
    }
    comparison->count = count;
    comparison->experiments = memory_array(count, sizeof *comparison->experiments);
    comparison->keys = memory_array(count, sizeof *comparison->keys);
    if (!comparison->experiments || !comparison->keys) {
        error_memory(err);
        goto fail;
    }
    if (read_experiments(comparison, folders, metrics, metric_count, err))
        goto fail;
    if (compare_settings(comparison) || compare_trials(comparison) || compare_means(comparison)) {
        error_memory(err);
        goto fail;
    }
    return comparison;
fail:
    comparison_free(comparison);
    return NULL;
}

void comparison_free(struct comparison *comparison)
{
    if (!comparison)
        return;
    for (size_t e = 0; comparison->experiments && e < comparison->count; e++) {
        lab_experiment_free(comparison->experiments[e].experiment);
        summary_free(comparison->experiments[e].summary);
        free(comparison->experiments[e].numerics);
    }
    free(comparison->experiments);
    free(comparison->settings);
    free(comparison->keys);
    free(comparison->rows);
    arena_free(comparison->arena);
    free(comparison);
}
