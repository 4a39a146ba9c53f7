/* isoflop eval: loss and accuracy of a checkpoint on a split of a data set. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/memory.h"
#include "command/command.h"
#include "command/options.h"
#include "train/model.h"

#define ARGUMENTS "MODEL [--dataset NAME] [--split train|validation|test] [--format text|json]"

struct options {
    const char *model, *dataset, *split, *format;
    enum data_split which;
};

static int read_options(struct options *options, int argc, char **argv, struct iso_error *err)
{
    static const char *const splits[] = { [DATA_TRAIN] = "train", [DATA_VALIDATION] = "validation",
                                          [DATA_TEST] = "test" };
    *options = (struct options){ .which = DATA_SPLITS };
    const struct option known[] = { { "--dataset", .value = &options->dataset },
                                    { "--split", .value = &options->split },
                                    { "--format", .value = &options->format },
                                    { 0 } };
    const char **rest = memory_array((size_t)argc, sizeof *rest);
    size_t count;
    if (!rest)
        return error_memory(err);
    const int status = options_read(argc, argv, known, rest, &count, 1, 1, ARGUMENTS, err);
    options->model = status ? NULL : rest[0];
    free(rest);
    if (status)
        return -1;
    if (!options->split)
        options->split = "test";
    if (!options->format)
        options->format = "text";
    for (int split = 0; split < DATA_SPLITS; split++)
        if (strcmp(options->split, splits[split]) == 0)
            options->which = (enum data_split)split;
    if (options->which == DATA_SPLITS)
        return iso_fail(err, "--split must be train, validation or test, not %s", options->split);
    if (strcmp(options->format, "text") != 0 && strcmp(options->format, "json") != 0)
        return iso_fail(err, "--format must be text or json, not %s", options->format);
    return 0;
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
    char *text = json ? json_dumps(json, JSON_INDENT(2) | JSON_REAL_PRECISION(16)) : NULL;
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
    int status = STATUS_WRONG;
    if (read_options(&options, argc, argv, err))
        return STATUS_WRONG;
    if (!(plugins = plugins_new(NULL, err)) || !(model = model_load(options.model, plugins, err)) ||
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
    .arguments = ARGUMENTS,
    .summary = "measure loss and accuracy of a checkpoint",
    .help = "  MODEL            a checkpoint, such as results/NAME/checkpoints/KEY/final.safetensors\n"
            "  --dataset NAME   another data set than the one it was trained on; inputs and outputs must fit\n"
            "  --split SPLIT    test (default), validation or train\n"
            "  --format FORMAT  text (default) or json\n",
    .run = run,
};
