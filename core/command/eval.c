/* isoflop eval: loss and accuracy of a checkpoint on a split of a data set. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "command/command.h"
#include "train/model.h"

struct options {
    const char *model, *dataset, *split, *format, *plugin_path;
    enum data_split which;
};

static int wrong(struct command_outcome *outcome, const char *what, const char *value)
{
    iso_fail(&outcome->error, "isoflop eval: %s%s; `isoflop help eval` tells how it is used", what, value);
    return STATUS_WRONG;
}

static int read_options(struct options *options, int argc, char **argv, struct command_outcome *outcome)
{
    static const char *const splits[] = { [DATA_TRAIN] = "train", [DATA_VALIDATION] = "validation",
                                          [DATA_TEST] = "test" };
    *options = (struct options){ .split = "test", .format = "text", .which = DATA_SPLITS };
    const struct {
        const char *name, **value;
    } known[] = { { "--dataset", &options->dataset }, { "--split", &options->split },
                  { "--format", &options->format }, { "--plugin-path", &options->plugin_path } };
    for (int k = 1; k < argc; k++) {
        bool taken = false;
        for (size_t i = 0; i < sizeof known / sizeof *known && !taken; i++) {
            const size_t length = strlen(known[i].name);
            if (strncmp(argv[k], known[i].name, length) != 0 || (argv[k][length] && argv[k][length] != '='))
                continue;
            taken = true;
            *known[i].value = argv[k][length] ? argv[k] + length + 1 : k + 1 < argc ? argv[++k] : NULL;
            if (!*known[i].value)
                return wrong(outcome, "a value is missing after ", known[i].name);
        }
        if (taken)
            continue;
        if (argv[k][0] == '-' && argv[k][1])
            return wrong(outcome, "there is no option ", argv[k]);
        if (options->model)
            return wrong(outcome, "one argument too many: ", argv[k]);
        options->model = argv[k];
    }
    if (!options->model)
        return wrong(outcome, "a MODEL is missing, such as results/NAME/checkpoints/KEY/final.safetensors", "");
    for (int split = 0; split < DATA_SPLITS; split++)
        if (strcmp(options->split, splits[split]) == 0)
            options->which = (enum data_split)split;
    if (options->which == DATA_SPLITS)
        return wrong(outcome, "--split must be train, validation or test, not ", options->split);
    if (strcmp(options->format, "text") != 0 && strcmp(options->format, "json") != 0)
        return wrong(outcome, "--format must be text or json, not ", options->format);
    return STATUS_DONE;
}

/* A number, or null where there is none. */
static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static int print_json(const struct options *options, size_t examples, const struct measured *measured)
{
    json_t *json = json_pack("{s:s,s:s,s:I,s:o,s:o,s:o}", "model", options->model, "split", options->split, "examples",
                             (json_int_t)examples, "loss", number(measured->loss), "accuracy",
                             number(measured->accuracy), "cross_entropy", number(measured->cross_entropy));
    char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
    if (text)
        puts(text);
    free(text);
    json_decref(json);
    return text ? 0 : -1;
}

static void print_text(const struct options *options, size_t examples, const struct measured *measured)
{
    printf("%s\n%zu examples (%s)\n", options->model, examples, options->split);
    printf("loss           %.6g\n", measured->loss);
    if (!isnan(measured->accuracy))
        printf("accuracy       %.4f\n", measured->accuracy);
    if (!isnan(measured->cross_entropy))
        printf("cross-entropy  %.6g nats\n", measured->cross_entropy);
}

static int run(int argc, char **argv, struct command_outcome *outcome)
{
    struct options options;
    struct iso_error *err = &outcome->error;
    struct plugins *plugins = NULL;
    struct model *model = NULL;
    struct data *data = NULL;
    struct measured measured;
    int status = read_options(&options, argc, argv, outcome);
    if (status != STATUS_DONE)
        return status;
    status = STATUS_WRONG;
    if (!(plugins = plugins_new(options.plugin_path, err)) || !(model = model_load(options.model, plugins, err)) ||
        !(data = model_open_data(model, options.dataset, err)))
        goto out;
    if (model_evaluate(model, data, options.which, &measured, err))
        goto out;
    const size_t examples = data_count(data, options.which);
    status = STATUS_DONE;
    if (strcmp(options.format, "json") != 0)
        print_text(&options, examples, &measured);
    else if (print_json(&options, examples, &measured))
        status = STATUS_FAILED, iso_fail(err, "the result can't be written as JSON: is the file's name UTF-8?");
out:
    data_close(data);
    model_free(model);
    plugins_free(plugins);
    return status;
}

const struct command command_eval = {
    .name = "eval",
    .arguments = "MODEL [--dataset NAME] [--split NAME] [--format text|json]",
    .summary = "measure loss and accuracy of a checkpoint",
    .help = "  MODEL            a checkpoint, such as results/NAME/checkpoints/KEY/final.safetensors\n"
            "  --dataset NAME   another data set than the one it was trained on; inputs and outputs must fit\n"
            "  --split NAME     test (default), validation or train\n"
            "  --format FORMAT  text (default) or json\n"
            "  --plugin-path DIRS  folders of plugins to look in first, separated by ':'\n",
    .run = run,
};
