/* isoflop data: which data sets are here, fetching and importing them, looking at them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command/arguments.h"
#include "command/command.h"
#include "data/data.h"
#include "data/get.h"
#include "data/sheet.h"

enum action { LIST, GET, SHOW };

struct options {
    enum action action;
    const char *name, *from, *mirror, *out;
    struct option_list overrides;
    enum data_split split;
    uint64_t count;
    bool check;
};

static const char *const split_names[] = { "train", "validation", "test", NULL }; /* as in enum data_split */


static int read_options(struct options *options, int argc, char **argv, struct iso_error *err)
{
    const char *arguments[] = { "list", NULL }, *split = NULL, *count = NULL;
    static const char *const actions[] = { "list", "get", "show", NULL };
    int action = 0, which = 0;
    *options = (struct options){ .count = 100 };
    const struct option known[] = {
        { .name = "--from", .value = &options->from },   { .name = "--mirror", .value = &options->mirror },
        { .name = "--out", .value = &options->out },     { .name = "--split", .value = &split },
        { .name = "--count", .value = &count },          { .name = "--check", .flag = &options->check },
        { .name = "--set", .list = &options->overrides }, { 0 }
    };
    if (arguments_read(argc, argv, known, arguments, 0, 2, command_data.arguments, err) ||
        argument_choice("isoflop data", arguments[0], actions, &action, err) ||
        argument_choice("--split", split, split_names, &which, err) ||
        argument_count("--count", count, &options->count, err))
        return -1;
    if (action && !arguments[1])
        return iso_fail(err, "which data set? isoflop data %s NAME (isoflop data list names them)", actions[action]);
    if (options->count > 100000)
        return iso_fail(err, "--count must be at most 100000, not %s", count);
    options->action = (enum action)action;
    options->split = (enum data_split)which;
    options->name = arguments[1];
    return 0;
}

/* ---- list ---- */

static void warn(void *context, const char *line)
{
    (void)context;
    fprintf(stderr, "%s\n", line);
}

/* "9.9 MB" */
static void size_text(uint64_t bytes, char out[32])
{
    if (bytes < 1000)
        snprintf(out, 32, "%" PRIu64 " B", bytes);
    else if (bytes < 1000000)
        snprintf(out, 32, "%.1f kB", (double)bytes / 1e3);
    else
        snprintf(out, 32, "%.1f MB", (double)bytes / 1e6);
}

static void list_one(const struct plugin *plugin, bool check)
{
    static const char *const words[] = { "missing", "there", "checked", "damaged" };
    const struct iso_dataset *dataset = &plugin->ops.dataset;
    const size_t count = data_file_count(plugin);
    size_t states[4] = { 0 };
    uint64_t bytes = 0;
    char size[32], *folder = NULL;
    struct text missing = { 0 };
    for (size_t k = 0; k < count; k++) {
        char *path;
        const enum data_file_state state = data_file_where(plugin, k, check, &path);
        states[state]++;
        bytes += dataset->files[k].length;
        if (state == DATA_FILE_MISSING || state == DATA_FILE_WRONG)
            text_format(&missing, "\n    %s: %s%s%s", words[state], dataset->files[k].name, path ? "  " : "",
                        path ? path : "");
        if (path && !folder) {
            char *slash = strrchr(path, '/');
            if (slash)
                *slash = 0;
            folder = path;
            path = NULL;
        }
        free(path);
    }
    const char *state = !count                                  ? dataset->draw ? "made by the program" : "from files of the recipe"
                        : states[DATA_FILE_MISSING] == count    ? "missing"
                        : states[DATA_FILE_WRONG]               ? "damaged"
                        : states[DATA_FILE_MISSING]             ? "incomplete"
                        : states[DATA_FILE_CHECKED] == count    ? "here, checked"
                                                                : "here";
    size_text(bytes, size);
    printf("%-14s  %-20s  %s\n", plugin->descriptor.name, state, plugin->descriptor.summary);
    if (count)
        printf("    %zu files, %s", count, size);
    if (folder)
        printf(", in %s", folder);
    if (count)
        putchar('\n');
    if (dataset->license)
        printf("    %s\n", dataset->license);
    char *names = text_take(&missing);
    if (names && names[0]) {
        printf("    isoflop data get %s%s%s%s%s\n", plugin->descriptor.name,
               dataset->package ? ", or apt-get install " : "", dataset->package ? dataset->package : "",
               states[DATA_FILE_MISSING] == count ? "" : names, "");
    }
    free(names);
    free(folder);
}

static int list(const struct options *options, struct plugins *plugins, struct command_outcome *outcome)
{
    size_t count = 0;
    const struct plugin **all = plugins_all(plugins, ISO_DATASET, &count, warn, NULL, &outcome->error);
    if (!all)
        return STATUS_FAILED;
    for (size_t i = 0; i < count; i++)
        if (!options->name || !strcmp(options->name, all[i]->descriptor.name))
            list_one(all[i], options->check);
    free(all);
    return STATUS_DONE;
}

/* ---- get ---- */

struct progress {
    bool terminal;
    size_t shown; /* characters of the line that is on the terminal */
};

static void clear(struct progress *progress)
{
    if (progress->shown)
        fprintf(stderr, "\r%*s\r", (int)progress->shown, "");
    progress->shown = 0;
}

static void say(void *context, const char *line)
{
    clear(context);
    fprintf(stderr, "%s\n", line);
}

static bool show_progress(void *context, const char *name, uint64_t done, uint64_t total)
{
    struct progress *progress = context;
    if (!progress->terminal)
        return false;
    char came[32], all[32], line[200];
    size_text(done, came);
    size_text(total, all);
    const int length = total ? snprintf(line, sizeof line, "%s  %s of %s  %d %%", name, came, all,
                                        (int)(100 * (double)done / (double)total))
                             : snprintf(line, sizeof line, "%s  %s", name, came);
    clear(progress);
    if (length > 0) {
        progress->shown = (size_t)length < sizeof line ? (size_t)length : sizeof line - 1;
        fputs(line, stderr);
        fflush(stderr);
    }
    return false;
}

static int get(const struct options *options, const struct plugin *plugin, struct command_outcome *outcome)
{
    struct progress progress = { .terminal = isatty(STDERR_FILENO) };
    const struct data_watch watch = { &progress, say, show_progress };
    const char *mirror = options->mirror ? options->mirror : getenv("ISOFLOP_MIRROR");
    if (mirror && !mirror[0])
        mirror = NULL;
    const int result = options->from ? data_import(plugin, options->from, &watch, &outcome->error)
                                     : data_fetch(plugin, mirror, &watch, &outcome->error);
    clear(&progress);
    return result ? STATUS_FAILED : STATUS_DONE;
}

/* ---- show ---- */

static int print_summary(const struct data *data, enum data_split split, struct iso_error *err)
{
    static const char *const rgb[] = { "red", "green", "blue" };
    const struct data_shape *shape = data_shape(data);
    struct data_summary summary;
    if (data_summarise(data, split, SIZE_MAX, &summary, err))
        return -1;
    printf("inputs      %zu", shape->inputs);
    if (shape->height)
        printf(" (%zu x %zu x %zu)", shape->height, shape->width, shape->channels);
    printf("\noutputs     %zu\nexamples    training %zu%s, validation %zu, test %zu\n", shape->outputs,
           data_count(data, DATA_TRAIN), shape->endless ? " an epoch, without end" : "",
           data_count(data, DATA_VALIDATION), data_count(data, DATA_TEST));
    for (size_t group = 0; group < summary.groups; group++)
        printf("%-10s  mean %.4f, standard deviation %.4f\n", summary.groups == 3 ? rgb[group] : "values",
               summary.mean[group], summary.deviation[group]);
    printf("range       %g to %g\n", summary.least, summary.most);
    for (size_t c = 0; summary.counts && c < summary.outputs; c++)
        printf("class %-4zu  %8" PRIu64 "  %s\n", c, summary.counts[c],
               shape->class_names ? shape->class_names[c] : "");
    data_summary_free(&summary);
    return 0;
}

/* The data set as a recipe would have it: "dataset: NAME" with what --set says. NULL: messages are in `found`. */
static struct instance *read_dataset(const struct options *options, struct tree *tree, struct plugins *plugins,
                                     const struct plugin_host *host, struct data_options *how,
                                     struct diagnostics *found)
{
    for (size_t i = 0; i < options->overrides.count; i++)
        tree_override(tree, options->overrides.values[i], found);
    static const char *const known[] = { "dataset", NULL };
    node_check_keys(tree->root, "data show", known, found);
    const struct node *node = node_get(tree->root, "dataset");
    struct instance *instance = instance_read(plugins, ISO_DATASET, node, ".", plugin_data_options, host, found);
    data_options_read(how, node, tree->arena, found);
    if (!diagnostics_count(found, SEVERITY_ERROR))
        return instance;
    instance_free(instance);
    return NULL;
}

static int print_sheet(const struct options *options, const struct data *data, const char *name, struct iso_error *err)
{
    struct text path = { 0 };
    bool drawn = false;
    text_add_string(&path, options->out ? options->out : name);
    if (!options->out)
        text_format(&path, "-%s.png", split_names[options->split]);
    int status = path.failed ? error_memory(err)
                             : data_sheet(data, options->split, (size_t)options->count, path.data, &drawn, err);
    if (!status && drawn)
        printf("sheet       %s\n", path.data);
    else if (!status)
        fprintf(stderr, "the examples of %s are no images: there is no sheet of them\n", name);
    text_free(&path);
    return status;
}

static int show(const struct options *options, struct plugins *plugins, const struct plugin *plugin,
                struct command_outcome *outcome)
{
    struct iso_error *err = &outcome->error;
    int status = STATUS_FAILED;
    struct text text = { 0 };
    struct plugin_host *host = NULL;
    struct instance *instance = NULL;
    struct data *data = NULL;
    struct data_options how;
    text_format(&text, "dataset: %s", plugin->descriptor.name);
    struct diagnostics *found = outcome->found = diagnostics_new();
    struct tree *tree = text.failed || !found ? NULL : tree_parse("data show", text.data, text.length, found);
    if (!tree) {
        error_memory(err);
        goto out;
    }
    if (!(host = data_host_new(err)))
        goto out;
    if (!(instance = read_dataset(options, tree, plugins, host, &how, found))) {
        status = STATUS_WRONG;
        if (!options->overrides.count)
            iso_fail(err, "parameters are given as in a recipe: --set dataset.%s.PARAMETER=VALUE",
                     plugin->descriptor.name);
        goto out;
    }
    if (!(data = data_open(instance, &how, 0, err)))
        goto out;
    const char *name = instance->plugin->descriptor.name; /* --set dataset=OTHER */
    printf("%s: %s (%s)\n", name, instance->plugin->descriptor.summary, split_names[options->split]);
    if (!data_count(data, options->split))
        iso_fail(err, "no examples of %s are for validation: --set dataset.%s.validation_size=5000", name, name);
    else if (!print_summary(data, options->split, err) && !print_sheet(options, data, name, err))
        status = STATUS_DONE;
out:
    data_close(data);
    instance_free(instance);
    data_host_free(host);
    tree_free(tree);
    text_free(&text);
    return status;
}

static int run(int argc, char **argv, struct command_outcome *outcome)
{
    struct options options;
    int status = STATUS_WRONG;
    struct plugins *plugins = NULL;
    const struct plugin *plugin = NULL;
    if (read_options(&options, argc, argv, &outcome->error))
        goto out;
    if (!(plugins = plugins_new(NULL, &outcome->error))) {
        status = STATUS_FAILED;
        goto out;
    }
    if (options.overrides.count && options.action != SHOW)
        iso_fail(&outcome->error, "--set is for isoflop data show NAME");
    else if (options.action == LIST)
        status = list(&options, plugins, outcome);
    else if ((plugin = plugins_find(plugins, ISO_DATASET, options.name, &outcome->error)))
        status = options.action == GET ? get(&options, plugin, outcome) : show(&options, plugins, plugin, outcome);
out:
    plugins_free(plugins);
    free(options.overrides.values);
    return status;
}

const struct command command_data = {
    .name = "data",
    .arguments = "[list | get NAME [--from PATH] | show NAME [--set PATH=VALUE]...]",
    .summary = "find, fetch and import data sets; look at examples",
    .help = "  list [--check]        which data sets are here, and where; --check reads them all\n"
            "  get NAME              fetch what is missing, check it, place it in ~/.local/share/isoflop\n"
            "    --from PATH         take over a folder, file or archive given by hand instead\n"
            "    --mirror URL        fetch from below this address (or: ISOFLOP_MIRROR)\n"
            "  show NAME             class counts, statistics and a sheet of examples\n"
            "    --set PATH=VALUE    of its parameters, as in a recipe: dataset.csv.file=table.csv; may be repeated\n"
            "    --split train|validation|test\n"
            "                        which examples (train)\n"
            "    --count N           how many on the sheet (100)\n"
            "    --out FILE.png      where the sheet goes (NAME-SPLIT.png)\n",
    .run = run,
};
