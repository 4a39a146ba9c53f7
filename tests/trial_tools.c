/* What tests of trials share. */
#include "trial_tools.h"

#include <check.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "suite.h"

struct plugins *plugins;

struct settings *settings_of(const char *recipe)
{
    struct diagnostics *found = diagnostics_new();
    struct text text = { 0 };
    text_format(&text, "%s%s%s%s", recipe, strstr(recipe, "dataset:") ? "" : DATA,
                strstr(recipe, "model:") ? "" : MODEL, strstr(recipe, "schedule:") ? "" : RATE);
    struct tree *tree = tree_parse("recipe", text.data, text.length, found);
    struct settings *settings = tree ? settings_read(tree, plugins, found) : NULL;
    if (!settings) {
        struct text words = { 0 };
        diagnostics_text(found, &words);
        ck_abort_msg("%s", words.data);
    }
    text_free(&text);
    diagnostics_free(found);
    return settings;
}

struct data *data_of(const struct settings *settings)
{
    struct iso_error err = ERROR_NONE;
    struct data *data = data_open(settings->dataset, &settings->data, settings->seed, &err);
    ck_assert_msg(data != NULL, "%s", err.text);
    return data;
}

/* ---- What a trial told ---- */

static int tell_point(void *context, const struct point *point, struct iso_error *err)
{
    struct told *told = context;
    (void)err;
    ck_assert_uint_lt(told->count, POINTS_MAX);
    ck_assert_uint_le(point->extra_count, EXTRAS_MAX);
    memcpy(told->extras[told->count], point->extras, point->extra_count * sizeof(struct extra));
    told->points[told->count] = *point;
    told->points[told->count].extras = told->extras[told->count];
    for (size_t i = 0; i < point->extra_count; i++) /* names live as long as the run */
        told->extras[told->count][i].name = NULL;
    told->count++;
    return 0;
}

static int tell_checkpoint(void *context, const char *name, const void *data, size_t length, struct iso_error *err)
{
    struct told *told = context;
    (void)err;
    ck_assert_uint_lt(told->file_count, FILES_MAX);
    struct told_file *file = &told->files[told->file_count++];
    snprintf(file->name, sizeof file->name, "%s", name);
    file->bytes = malloc(length);
    file->length = length;
    memcpy(file->bytes, data, length);
    return 0;
}

static bool tell_interrupted(void *context)
{
    struct told *told = context;
    return ++told->asked == told->interrupt_at;
}

const struct told_file *file_named(const struct told *told, const char *name)
{
    for (size_t i = 0; i < told->file_count; i++)
        if (strcmp(told->files[i].name, name) == 0)
            return &told->files[i];
    return NULL;
}

int run_into(struct told *told, const struct settings *settings, uint64_t max_steps, struct iso_error *err)
{
    struct data *data = data_of(settings);
    const struct trial_listener listener = { .context = told, .point = tell_point, .checkpoint = tell_checkpoint,
                                             .interrupted = tell_interrupted };
    struct trial trial = { .settings = settings, .threads = 1, .max_steps = max_steps, .listener = &listener, .err = err };
    const int status = trial_run(&trial, data);
    told->result = trial.result;
    data_close(data);
    return status;
}

struct told *run_recipe(const char *recipe)
{
    struct settings *settings = settings_of(recipe);
    struct told *told = calloc(1, sizeof *told);
    struct iso_error err = ERROR_NONE;
    ck_assert_msg(run_into(told, settings, 0, &err) == 0, "%s", err.text);
    settings_free(settings);
    return told;
}

void forget(struct told *told)
{
    for (size_t i = 0; i < told->file_count; i++)
        free(told->files[i].bytes);
    free(told);
}

int trial_tools_main(struct Suite *suite)
{
    char cache[] = "/tmp/isoflop-trials-XXXXXX", command[256];
    struct iso_error err = ERROR_NONE;
    if (!mkdtemp(cache) || setenv("XDG_CACHE_HOME", cache, 1) || !(plugins = plugins_new(NULL, &err)))
        return 1;
    const int failed = suite_failed(suite);
    plugins_free(plugins);
    snprintf(command, sizeof command, "rm -rf '%s'", cache);
    return failed != 0 || system(command) != 0;
}
