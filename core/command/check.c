/* isoflop check RECIPE|PLUGIN.so: validates and lints a recipe, or tries whether a plugin conforms to the ABI. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/apart.h"
#include "command/arguments.h"
#include "command/command.h"
#include "command/options.h"
#include "data/data.h"
#include "lab/plan.h"
#include "plugin/conformance.h"

enum { CALL_SECONDS = 60 };

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

/* What the process that tries a plugin leaves to this one, in shared memory. */
struct trying {
    const char *file;
    const char *const *pairs;
    struct conformance_watch watch;
    int status;
    struct iso_error error;
    char warning[1000], subject[200]; /* "activation/relu" */
    size_t checks, settings, skips;
};

/* In a process of its own. */
static void try_plugin(void *context)
{
    struct trying *trying = context;
    struct iso_error *err = &trying->error;
    struct conformance result = { 0 };
    struct plugins *plugins = NULL;
    struct plugin_host *host = NULL;
    const struct plugin *plugin;
    char *path = NULL;
    trying->status = STATUS_WRONG;
    snprintf(trying->watch.function, sizeof trying->watch.function, "loading it");
    if (!(plugins = plugins_new(NULL, err)) || !(plugin = plugins_open(plugins, trying->file, err)) ||
        !(path = plugin_kind_path(plugin)))
        goto out;
    trying->watch.function[0] = 0;
    trying->status = STATUS_FAILED;
    snprintf(trying->subject, sizeof trying->subject, "%s", path);
    snprintf(trying->warning, sizeof trying->warning, "%s", plugin->warning ? plugin->warning : "");
    if (!(host = data_host_new(err)) ||
        conformance_run(plugin, trying->pairs, host, &trying->watch, &result, err))
        goto out;
    trying->checks = result.checks;
    trying->settings = result.settings;
    trying->skips = result.skips;
    trying->status = result.failures ? STATUS_FAILED : STATUS_DONE;
out:
    conformance_free(&result);
    data_host_free(host);
    plugins_free(plugins);
    free(path);
}

/* One more failure, where the plugin ended the process or said something. */
static void add_end(struct trying *trying, const struct apart_end *end, double seconds)
{
    const char *function = trying->watch.function[0] ? trying->watch.function : "the plugin";
    struct text text = { 0 };
    if (!end->finished) {
        text_format(&text, "%s: ", function);
        if (end->late)
            text_format(&text, "does not return within %g seconds (--timeout)", seconds);
        else if (end->signal == SIGABRT)
            text_add_string(&text, "aborts");
        else if (end->signal)
            text_format(&text, "crashes (%s%s)", strsignal(end->signal),
                        end->signal == SIGSEGV ? "; does it need much stack?" : "");
        else
            text_format(&text, "ends the program, with exit status %d: a plugin never exits", end->exit_status);
        if (*trying->watch.setting)
            text_format(&text, " (with %s)", trying->watch.setting);
        text_add_string(&text, end->said_length ? ", after it said: " : "\n");
    } else if (end->said_length) {
        text_add_string(&text, "the plugin: a plugin prints nothing, but this one says: ");
    }
    if (end->said_length) {
        text_add_json(&text, end->said);
        text_add_string(&text, end->said_length > strlen(end->said) + 1 ? " and more\n" : "\n");
    }
    if (!text.length)
        return;
    if (trying->status == STATUS_DONE || !end->finished)
        trying->status = STATUS_FAILED;
    trying->watch.failures++;
    const size_t length = strlen(trying->watch.lines);
    snprintf(trying->watch.lines + length, sizeof trying->watch.lines - length, "%s",
             text.data ? text.data : "out of memory\n");
    text_free(&text);
}

static int check_plugin(const char *file, const struct option_list *set, double seconds,
                        struct command_outcome *outcome)
{
    struct trying *trying = apart_shared(sizeof *trying);
    struct apart_end end;
    char **words = NULL;
    const char **pairs = pairs_of(set, &words, &outcome->error);
    int status = STATUS_WRONG;
    if (!trying)
        error_memory(&outcome->error);
    if (!trying || !pairs)
        goto out;
    trying->file = file;
    trying->pairs = pairs;
    if (apart_run(try_plugin, trying, &trying->watch.calls, seconds, &end, &outcome->error))
        goto out;
    add_end(trying, &end, seconds);
    status = trying->status;
    if (*trying->warning)
        diagnostics_add(outcome->found, SEVERITY_WARNING, NULL, "%s", trying->warning);
    fputs(trying->watch.lines, stdout);
    if (trying->error.text[0])
        iso_fail(&outcome->error, "%s", trying->error.text);
    else if (trying->watch.failures)
        iso_fail(&outcome->error, "%s does not conform: %zu failure%s", file, trying->watch.failures,
                 trying->watch.failures == 1 ? "" : "s");
    else
        printf("%s %s: %zu checks at %zu setting%s of its parameters, %zu skipped\n", trying->subject,
               !trying->settings ? "was not checked"
               : trying->skips   ? "conforms as far as it was checked"
                                 : "conforms",
               trying->checks, trying->settings, trying->settings == 1 ? "" : "s", trying->skips);
out:
    apart_shared_free(trying, sizeof *trying);
    for (size_t i = 0; words && i < set->count; i++)
        free(words[i]);
    free(words);
    free(pairs);
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
    const char *timeout = NULL;
    double seconds = CALL_SECONDS;
    const char **rest = memory_array((size_t)argc + 1, sizeof *rest);
    const struct option options[] = { { .name = "--set", .list = &set },
                                     { .name = "--timeout", .value = &timeout },
                                     { 0 } };
    size_t count;
    int status = STATUS_WRONG;
    if (!rest || !(outcome->found = outcome->found ? outcome->found : diagnostics_new()))
        error_memory(&outcome->error);
    else if (!options_read(argc, argv, options, rest, &count, 1, 1, command_check.arguments, &outcome->error) &&
             !argument_seconds("--timeout", timeout, false, &seconds, &outcome->error))
        status = ends_with(rest[0], ".so") ? check_plugin(rest[0], &set, seconds, outcome)
                                           : check_recipe(rest[0], &set, outcome);
    free(set.values);
    free(rest);
    return status;
}

const struct command command_check = {
    .name = "check",
    .arguments = "RECIPE|PLUGIN.so [--set PATH=VALUE]... [--timeout S]",
    .summary = "find the mistakes in a recipe, or tell whether a plugin conforms",
    .help = "  RECIPE            all mistakes with their places, and remarks on the method; trains nothing\n"
            "  PLUGIN.so         calls its functions and compares what they give with what they should\n"
            "  --set PATH=VALUE  overrides a key of the recipe; PARAMETER=VALUE gives a plugin's parameter a value\n"
            "  --timeout S       of a plugin: a call that takes longer than S seconds is a failure (default 60)\n",
    .run = run,
};
