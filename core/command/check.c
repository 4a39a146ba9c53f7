/* isoflop check RECIPE|PLUGIN.so: validates and lints a recipe, or tries whether a plugin conforms to the ABI. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/command.h"
#include "command/options.h"
#include "data/data.h"
#include "lab/plan.h"
#include "plugin/conformance.h"

static bool ends_with(const char *text, const char *end)
{
    const size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && !strcmp(text + length - end_length, end);
}

/* NAME=VALUE ... as pairs for instance_new, to be freed; names point into `words`, which is to be freed too. */
static const char **pairs_of(const struct option_list *list, char ***words, struct iso_error *err)
{
    const char **pairs = memory_array(2 * list->count + 1, sizeof *pairs);
    *words = memory_array(list->count + 1, sizeof **words);
    for (size_t i = 0; pairs && *words && i < list->count; i++) {
        char *copy = strdup(list->values[i]), *equals = copy ? strchr(copy, '=') : NULL;
        (*words)[i] = copy;
        if (!equals) {
            iso_fail(err, copy ? "--set must be PARAMETER=VALUE, not \"%.200s\"" : "out of memory", list->values[i]);
            free(pairs);
            return NULL;
        }
        *equals = 0;
        pairs[2 * i] = copy;
        pairs[2 * i + 1] = equals + 1;
    }
    if (!pairs || !*words)
        error_memory(err);
    return *words ? pairs : NULL;
}

static int check_plugin(const char *file, const struct option_list *set, struct command_outcome *outcome)
{
    struct iso_error *err = &outcome->error;
    struct conformance result = { 0 };
    struct plugins *plugins = NULL;
    struct plugin_host *host = NULL;
    const struct plugin *plugin;
    char **words = NULL, *path = NULL;
    const char **pairs = pairs_of(set, &words, err);
    int status = STATUS_WRONG;
    if (!pairs || !(plugins = plugins_new(NULL, err)) || !(plugin = plugins_open(plugins, file, err)) ||
        !(path = plugin_kind_path(plugin)))
        goto out;
    if (plugin->warning)
        diagnostics_add(outcome->found, SEVERITY_WARNING, NULL, "%s", plugin->warning);
    /* A plugin may crash here, and should not take what was printed with it. */
    fflush(stdout);
    status = STATUS_FAILED;
    if (!(host = data_host_new(err)) || conformance_run(plugin, pairs, host, &result, err))
        goto out;
    if (result.lines.data)
        fputs(result.lines.data, stdout);
    if (result.failures) {
        iso_fail(err, "%s does not conform: %zu failure%s", plugin->file, result.failures,
                 result.failures == 1 ? "" : "s");
    } else {
        printf("%s %s: %zu checks at %zu setting%s of its parameters, %zu skipped\n", path,
               !result.settings ? "was not checked"
               : result.skips   ? "conforms as far as it was checked"
                                : "conforms",
               result.checks, result.settings,
               result.settings == 1 ? "" : "s", result.skips);
        status = STATUS_DONE;
    }
out:
    conformance_free(&result);
    data_host_free(host);
    plugins_free(plugins);
    for (size_t i = 0; words && i < set->count; i++)
        free(words[i]);
    free(words);
    free(pairs);
    free(path);
    return status;
}

static int check_recipe(const char *path, const struct option_list *set, struct command_outcome *outcome)
{
    struct plugins *plugins = plugins_new(NULL, &outcome->error);
    struct plan *plan = plugins ? plan_read(path, set->values, set->count, plugins, outcome->found) : NULL;
    const size_t remarks = diagnostics_count(outcome->found, SEVERITY_WARNING) +
                           diagnostics_count(outcome->found, SEVERITY_NOTE);
    if (plan)
        printf("%s is right: %zu trial%s%s\n", path, plan->count, plan->count == 1 ? "" : "s",
               remarks ? ", with remarks" : "");
    const int status = plan ? STATUS_DONE : STATUS_WRONG;
    plan_free(plan);
    plugins_free(plugins);
    return status;
}

static int run(int argc, char **argv, struct command_outcome *outcome)
{
    struct option_list set = { 0 };
    const char **rest = memory_array((size_t)argc + 1, sizeof *rest);
    const struct option options[] = { { .name = "--set", .list = &set }, { 0 } };
    size_t count;
    int status = STATUS_WRONG;
    if (!rest || !(outcome->found = outcome->found ? outcome->found : diagnostics_new()))
        error_memory(&outcome->error);
    else if (!options_read(argc, argv, options, rest, &count, 1, 1, command_check.arguments, &outcome->error))
        status = ends_with(rest[0], ".so") ? check_plugin(rest[0], &set, outcome)
                                           : check_recipe(rest[0], &set, outcome);
    free(set.values);
    free(rest);
    return status;
}

const struct command command_check = {
    .name = "check",
    .arguments = "RECIPE|PLUGIN.so [--set PATH=VALUE]...",
    .summary = "find the mistakes in a recipe, or tell whether a plugin conforms",
    .help = "  RECIPE            all mistakes with their places, and remarks on the method; trains nothing\n"
            "  PLUGIN.so         calls its functions and compares what they give with what they should\n"
            "  --set PATH=VALUE  overrides a key of the recipe; PARAMETER=VALUE gives a plugin's parameter a value\n",
    .run = run,
};
