/* isoflop complete [--] WORD...: what the last word of a command line may become, a candidate a line. The shell's
 * completion asks this, so that it is never stale. Besides candidates there may be lines that start with a colon:
 *   :folder           folders
 *   :file [EXT...]    files, of these endings where there are any, and folders
 * All is read from the tables that the program itself goes by. No plugin is opened but the one whose parameters are
 * asked for, and that from the search path alone. */
#include "command/complete.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/frame.h"
#include "base/memory.h"
#include "command/usage.h"
#include "lab/results.h"

void complete_offer(struct completion *completion, const char *start, const char *rest)
{
    const size_t length = strlen(start), typed = strlen(completion->word);
    const bool fits = typed <= length ? !strncmp(start, completion->word, typed)
                                      : !strncmp(start, completion->word, length) &&
                                            !strncmp(rest, completion->word + length, typed - length);
    if (fits && !strpbrk(rest, "\n"))
        text_format(completion->out, "%s%s%s\n", completion->before, start, rest);
}

void complete_plugins(struct completion *completion, enum iso_kind kind, const char *start, const char *end)
{
    struct iso_error err = ERROR_NONE;
    size_t count = 0;
    char **names = plugins_names(completion->plugins, kind, &count, &err);
    for (size_t i = 0; names && i < count; i++) {
        const char *rest = arena_format(completion->arena, "%s%s", names[i], end);
        if (rest)
            complete_offer(completion, start, rest);
    }
    if (names)
        plugins_names_free(names, count);
    if (kind == ISO_BACKEND && !strcmp(end, "") && !strchr(start, '/'))
        complete_offer(completion, start, "auto");
}

/* ---- Values ---- */

static void offer_kinds(struct completion *completion, const char *end)
{
    for (int kind = ISO_ACTIVATION; kind <= ISO_LAW; kind++)
        complete_offer(completion, plugin_kind_name((enum iso_kind)kind), end);
}

/* KIND or KIND/NAME. */
static void offer_kind_path(struct completion *completion)
{
    const char *slash = strchr(completion->word, '/');
    if (!slash) {
        offer_kinds(completion, "");
        offer_kinds(completion, "/");
        return;
    }
    char *name = arena_copy(completion->arena, completion->word, (size_t)(slash - completion->word));
    const enum iso_kind kind = name ? plugin_kind_of(name) : (enum iso_kind)0;
    char *start = arena_copy(completion->arena, completion->word, (size_t)(slash - completion->word) + 1);
    if (kind && start)
        complete_plugins(completion, kind, start, "");
}

/* Folders of results/ that hold an experiment; where none fits, any folder. */
static void offer_experiments(struct completion *completion)
{
    const size_t before = completion->out->length;
    DIR *folder = opendir("results");
    for (const struct dirent *entry; folder && (entry = readdir(folder)) != NULL;) {
        char *store = arena_format(completion->arena, "results/%s/results.db", entry->d_name);
        if (entry->d_name[0] != '.' && store && !access(store, R_OK))
            complete_offer(completion, "results/", entry->d_name);
    }
    if (folder)
        closedir(folder);
    if (completion->out->length == before)
        text_add_string(completion->out, ":folder\n");
}

static void offer_figures(struct completion *completion)
{
    struct iso_error err = ERROR_NONE;
    struct lab_experiment *experiment = completion->given_count ? lab_experiment(completion->given[0], &err) : NULL;
    const struct node *figures = experiment ? node_get(experiment->tree->root, "figures") : NULL;
    for (size_t i = 0; figures && figures->kind == NODE_MAP && i < figures->count; i++)
        complete_offer(completion, figures->keys[i]->text, "");
    lab_experiment_free(experiment);
}

/* Columns of a CSV, or of the trials and points of an experiment. */
static void offer_columns(struct completion *completion)
{
    const char *path = completion->given_count ? completion->given[0] : NULL;
    const size_t length = path ? strlen(path) : 0;
    const bool csv = length > 4 && !strcmp(path + length - 4, ".csv");
    for (int table = LAB_TRIALS; path && table <= (csv ? LAB_TRIALS : LAB_POINTS); table++) {
        struct iso_error err = ERROR_NONE;
        struct frame *frame = csv ? frame_read_csv(path, &err) : lab_frame(path, (enum lab_table)table, &err);
        for (size_t i = 0; frame && i < frame->columns; i++)
            complete_offer(completion, frame->column[i].name, "");
        frame_free(frame);
    }
}

static void offer_keys(struct completion *completion)
{
    struct iso_error err = ERROR_NONE;
    struct frame *frame = completion->given_count ? lab_frame(completion->given[0], LAB_TRIALS, &err) : NULL;
    const struct column *keys = frame ? frame_find(frame, "key") : NULL;
    for (size_t i = 0; keys && keys->texts && i < frame->rows; i++)
        if (keys->texts[i]) {
            char *start = arena_copy(completion->arena, keys->texts[i], strnlen(keys->texts[i], 12));
            if (start)
                complete_offer(completion, start, "");
        }
    frame_free(frame);
}

static void offer_commands(struct completion *completion)
{
    for (const struct command *const *command = commands; *command; command++)
        if (!(*command)->hidden)
            complete_offer(completion, (*command)->name, "");
}

static void offer_names(struct completion *completion, const char *option)
{
    const enum iso_kind kind = option ? plugin_kind_of(option + 2) : (enum iso_kind)0;
    if (kind)
        complete_plugins(completion, kind, "", "");
    else if (!option && !strcmp(completion->command->name, "data"))
        complete_plugins(completion, ISO_DATASET, "", "");
    else if (option)
        offer_columns(completion);
}

static void offer_set(struct completion *completion)
{
    const char *recipe = completion->given_count ? completion->given[0] : "";
    const size_t length = strlen(recipe);
    /* A plugin's file in the working folder is somebody's code: it is run by `isoflop check`, not by the Tab key. */
    if (length < 3 || strcmp(recipe + length - 3, ".so"))
        complete_set(completion);
}

static const struct {
    const char *operand;
    void (*offer)(struct completion *);
    const char *files; /* or a line for the shell */
} values[] = {
    { "KIND[/NAME]", offer_kind_path, NULL },
    { "DIR", offer_experiments, NULL },
    { "OUT", offer_experiments, NULL },
    { "DIRS", NULL, ":folder" },
    { "RECIPE", NULL, ":file yaml yml" },
    { "PLUGIN.so", NULL, ":file so" },
    { "CSV", NULL, ":file csv" },
    { "MODEL", NULL, ":file safetensors" },
    { "IMAGE", NULL, ":file png pgm ppm" },
    { "PATH", NULL, ":file" },
    { "COMMAND", offer_commands, NULL },
    { "FIGURE", offer_figures, NULL },
    { "COLUMN", offer_columns, NULL },
    { "KEY", offer_keys, NULL },
    { "PATH=VALUE", offer_set, NULL },
};

static void offer_value(struct completion *completion, const char *one, const char *option)
{
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        if (!strcmp(values[i].operand, one)) {
            if (values[i].offer)
                values[i].offer(completion);
            else
                text_format(completion->out, "%s\n", values[i].files);
            return;
        }
    if (!strncmp(one, "FILE", 4))
        text_format(completion->out, ":file%s%s\n", one[4] == '.' ? " " : "", one[4] == '.' ? one + 5 : "");
    else if (!strcmp(one, "KIND"))
        offer_kinds(completion, "");
    else if (!strcmp(one, "NAME"))
        offer_names(completion, option);
    else if (one[0] >= 'a' && one[0] <= 'z')
        complete_offer(completion, one, "");
}

void complete_value(struct completion *completion, const char *operand, const char *option)
{
    while (*operand) {
        const size_t length = strcspn(operand, "|");
        char *one = arena_copy(completion->arena, operand, length);
        if (!one) {
            completion->failed = true;
            return;
        }
        offer_value(completion, one, option);
        operand += length + (operand[length] == '|');
    }
}

/* ---- The command line ---- */

static const struct usage_option *find_option(const struct usage_option *options, const char *word, size_t length)
{
    for (; options->name; options++)
        if (!strncmp(options->name, word, length) && !options->name[length])
            return options;
    return NULL;
}

static void offer_options(struct completion *completion, const struct usage_option *options)
{
    for (; options->name; options++)
        complete_offer(completion, options->name, "");
    complete_offer(completion, "--plugin-path", "");
    complete_offer(completion, "--help", "");
}

/* Words of one command: words[0] is its name, words[count - 1] the one asked for. */
static void complete_command(struct completion *completion, const char **words, size_t count)
{
    const struct usage_option *options = usage_options(completion->command, completion->arena), *open = NULL;
    const char **given = arena_zero(completion->arena, count, sizeof *given);
    bool ended = false;
    if (!options || !given) {
        completion->failed = true;
        return;
    }
    for (size_t i = 1; i + 1 < count; i++) {
        const struct usage_option *option = find_option(options, words[i], strlen(words[i]));
        if (open)
            open = NULL;
        else if (!ended && !strcmp(words[i], "--"))
            ended = true;
        else if (!ended && option)
            open = option->value ? option : NULL;
        else if (ended || words[i][0] != '-')
            given[completion->given_count++] = words[i];
    }
    completion->given = given;
    const char *word = words[count - 1];
    const size_t name = strcspn(word, "=");
    completion->word = word;
    if (!open && !ended && word[0] == '-' && word[name]) {
        open = find_option(options, word, name);
        completion->before = arena_copy(completion->arena, word, name + 1);
        completion->word = word + name + 1;
        if (!open || !open->value || !completion->before)
            return;
    }
    if (open) {
        complete_value(completion, open->value, open->name);
    } else if (!ended && word[0] == '-') {
        offer_options(completion, options);
    } else {
        const char *const *places = usage_positional(completion->command, given, completion->given_count,
                                                     completion->arena);
        for (; places && *places; places++)
            complete_value(completion, *places, NULL);
        /* What has no positional argument left shows its options at once. */
        if (!*word && !completion->out->length)
            offer_options(completion, options);
    }
}

/* Takes --plugin-path and its value out of `words`; *path: the last one's value. True: its value is asked for. */
static bool take_plugin_path(const char **words, size_t *count, const char **path)
{
    static const char name[] = "--plugin-path";
    const size_t length = sizeof name - 1;
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        if (!strcmp(words[i], name) && i + 1 < *count) {
            if (i + 2 == *count)
                return true;
            *path = words[++i];
        } else if (!strncmp(words[i], name, length) && words[i][length] == '=' && i + 1 < *count) {
            *path = words[i] + length + 1;
        } else {
            words[kept++] = words[i];
        }
    }
    *count = kept;
    return false;
}

static int run(int argc, char **argv, struct command_outcome *outcome)
{
    struct iso_error *err = &outcome->error;
    struct text out = { 0 };
    struct completion completion = { .arena = arena_new(), .before = "", .out = &out };
    const int first = argc > 1 && !strcmp(argv[1], "--") ? 2 : 1;
    const char **words = memory_array((size_t)argc + 1, sizeof *words), *path = NULL;
    size_t count = 0;
    int status = STATUS_FAILED;
    if (!completion.arena || !words) {
        error_memory(err);
        goto out;
    }
    for (int i = first; i < argc; i++)
        words[count++] = argv[i];
    if (!count)
        words[count++] = "";
    completion.word = words[count - 1];
    if (take_plugin_path(words, &count, &path)) {
        text_add_string(&out, ":folder\n");
    } else if (!(completion.plugins = plugins_new(path, err))) {
        goto out;
    } else if (count == 1) {
        offer_commands(&completion);
        if (words[0][0] == '-') {
            complete_offer(&completion, "--help", "");
            complete_offer(&completion, "--version", "");
            complete_offer(&completion, "--plugin-path", "");
        }
    } else if ((completion.command = command_find(words[0])) != NULL) {
        complete_command(&completion, words, count);
    }
    if (completion.failed || out.failed) {
        error_memory(err);
        goto out;
    }
    if (out.data)
        fputs(out.data, stdout);
    status = STATUS_DONE;
out:
    plugins_free(completion.plugins);
    arena_free(completion.arena);
    text_free(&out);
    free(words);
    return status;
}

const struct command command_complete = {
    .name = "complete",
    .arguments = "[-- WORD...]",
    .summary = "what the last word of a command line may become, for the completion of shells",
    .help = "A candidate a line. A line `:folder` stands for folders, `:file EXT...` for files of these endings and folders.\n"
            "The words are those after the program's name; the last one is what was typed of it, or empty.\n",
    .run = run,
    .hidden = true,
};
