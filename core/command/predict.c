/* isoflop predict: what a model says of pictures. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/memory.h"
#include "base/text.h"
#include "command/arguments.h"
#include "command/command.h"
#include "train/model.h"

#define ARGUMENTS "MODEL IMAGE... [--show] [--fit digit|box|whole|none] [--invert auto|no|yes] [--format text|json]"
#define SHOWN_CLASSES 3

struct options {
    const char *model, **images;
    size_t count;
    bool show, json, has_fit;
    enum image_fit fit;
    enum image_invert invert;
};

static int read_options(struct options *options, int argc, char **argv, const char **rest, struct iso_error *err)
{
    static const char *const formats[] = { "text", "json", NULL };
    const char *fit = NULL, *invert = NULL, *format = NULL;
    int which_fit = IMAGE_DIGIT, which_invert = IMAGE_INVERT_AUTO, which_format = 0;
    *options = (struct options){ 0 };
    const struct option known[] = { { "--show", .flag = &options->show }, { "--fit", .value = &fit },
                                    { "--invert", .value = &invert },     { "--format", .value = &format },
                                    { 0 } };
    if (options_read(argc, argv, known, rest, &options->count, 2, (size_t)argc, ARGUMENTS, err) ||
        argument_choice("--fit", fit, image_fit_names, &which_fit, err) ||
        argument_choice("--invert", invert, image_invert_names, &which_invert, err) ||
        argument_choice("--format", format, formats, &which_format, err))
        return -1;
    options->model = rest[0];
    options->images = rest + 1;
    options->count--;
    options->has_fit = fit != NULL;
    options->fit = (enum image_fit)which_fit;
    options->invert = (enum image_invert)which_invert;
    options->json = which_format;
    return 0;
}

/* How a picture is fitted: as it is where it has the model's size, unless something else is asked for. */
static int choose_fit(const struct options *options, const struct model *model, const struct image *image,
                      const struct image *input, enum image_fit *fit, struct iso_error *err)
{
    const bool same = image->width == input->width && image->height == input->height;
    *fit = options->has_fit ? options->fit : same ? IMAGE_AS_IS : model_fit(model);
    if (*fit == IMAGE_AS_IS && !same)
        return iso_fail(err, "it has %zu x %zu pixels and the model takes %zu x %zu: give another --fit", image->width,
                        image->height, input->width, input->height);
    if ((*fit == IMAGE_DIGIT || *fit == IMAGE_BOX) && input->channels > 1)
        return iso_fail(err, "--fit %s is for models of grey pictures", image_fit_names[*fit]);
    return 0;
}

/* What the network sees, as shades of text, two characters a pixel. */
static void print_input(const struct image *input)
{
    static const char shades[] = " .:-=+*#%@";
    const size_t area = input->width * input->height;
    for (size_t y = 0; y < input->height; y++) {
        for (size_t x = 0; x < input->width; x++) {
            float value = 0;
            for (size_t c = 0; c < input->channels; c++)
                value += input->values[c * area + y * input->width + x] / (float)input->channels;
            const int shade = (int)(value * 9.0f + 0.5f);
            const char mark = shades[shade < 0 ? 0 : shade > 9 ? 9 : shade];
            putchar(mark);
            putchar(mark);
        }
        putchar('\n');
    }
}

static void name_of(const struct model *model, size_t output, char name[128])
{
    const char *const *names = model_class_names(model);
    if (names)
        snprintf(name, 128, "%s", names[output]);
    else
        snprintf(name, 128, "%zu", output);
}

/* The outputs in the order of what is shown, the largest first. */
static void rank(const float *shown, size_t *order, size_t outputs)
{
    for (size_t i = 0; i < outputs; i++) {
        size_t k = i;
        for (; k > 0 && shown[order[k - 1]] < shown[i]; k--)
            order[k] = order[k - 1];
        order[k] = i;
    }
}

static void print_text(const char *image, const struct model *model, const float *shown, const size_t *order)
{
    const size_t outputs = model_outputs(model);
    char name[128];
    printf("%s: ", image);
    for (size_t i = 0; i < outputs && i < SHOWN_CLASSES; i++) {
        name_of(model, order[i], name);
        printf("%s%s %.4f", i ? ", " : "", name, (double)shown[order[i]]);
    }
    putchar('\n');
}

static json_t *result_json(const char *image, const struct model *model, const float *shown, const size_t *order)
{
    const size_t outputs = model_outputs(model);
    char name[128];
    json_t *all = json_object();
    for (size_t i = 0; all && i < outputs; i++) {
        name_of(model, i, name);
        json_object_set_new(all, name, isfinite(shown[i]) ? json_real((double)shown[i]) : json_null());
    }
    name_of(model, order[0], name);
    return json_pack("{s:s,s:s,s:o}", "image", image, "prediction", name, "outputs", all);
}

static int predict(const struct options *options, struct model *model, const char *path, struct image *input,
                   float *shown, size_t *order, json_t *results, struct iso_error *err)
{
    struct image image;
    enum image_fit fit;
    bool blank = false;
    if (image_read(path, input->channels, &image, err))
        return -1;
    int status = choose_fit(options, model, &image, input, &fit, err) ||
                 image_prepare(&image, fit, options->invert, input, &blank, err);
    image_free(&image);
    if (!status && blank)
        status = iso_fail(err, "there is nothing on it");
    if (status)
        return error_context(err, "%s", path);
    if (model_predict(model, input, shown, err))
        return -1;
    rank(shown, order, model_outputs(model));
    if (options->show && !options->json)
        print_input(input);
    if (!options->json)
        print_text(path, model, shown, order);
    else if (json_array_append_new(results, result_json(path, model, shown, order)))
        return iso_fail(err, "%s: the result can't be written as JSON: is the file's name UTF-8?", path);
    return 0;
}

/* A picture that can't be used does not keep the others from being looked at; all such are named at the end. */
static int predict_all(const struct options *options, struct model *model, struct iso_error *err)
{
    struct image input = { 0 };
    const size_t outputs = model_outputs(model);
    float *shown = memory_array(outputs, sizeof *shown);
    size_t *order = memory_array(outputs, sizeof *order);
    json_t *results = json_array();
    struct text failed = { 0 };
    int status = !shown || !order || !results ? error_memory(err) : model_picture(model, &input, err);
    if (status)
        goto out;
    for (size_t i = 0; i < options->count; i++) {
        struct iso_error problem = ERROR_NONE;
        if (predict(options, model, options->images[i], &input, shown, order, results, &problem))
            text_format(&failed, "%s%s", failed.length ? "\n" : "", problem.text);
    }
    if (options->json) {
        json_dumpf(results, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
        putchar('\n');
    }
    if (failed.length || failed.failed)
        status = failed.failed ? error_memory(err) : iso_fail(err, "%s", failed.data);
out:
    text_free(&failed);
    json_decref(results);
    free(order);
    free(shown);
    image_free(&input);
    return status;
}

static int run(int argc, char **argv, struct command_outcome *outcome)
{
    struct options options;
    struct iso_error *err = &outcome->error;
    struct plugins *plugins = NULL;
    struct model *model = NULL;
    int status = STATUS_WRONG;
    const char **rest = memory_array((size_t)argc + 1, sizeof *rest);
    if (!rest) {
        error_memory(err);
        return STATUS_FAILED;
    }
    if (!read_options(&options, argc, argv, rest, err) && (plugins = plugins_new(NULL, err)) &&
        (model = model_load(options.model, plugins, err)))
        status = predict_all(&options, model, err) ? STATUS_FAILED : STATUS_DONE;
    model_free(model);
    plugins_free(plugins);
    free(rest);
    return status;
}

const struct command command_predict = {
    .name = "predict",
    .arguments = ARGUMENTS,
    .summary = "say what a model sees on pictures",
    .help = "  MODEL            a checkpoint, such as results/NAME/checkpoints/KEY/final.safetensors\n"
            "  IMAGE...         PNG, PGM or PPM files of any size\n"
            "  --show           also print what the network sees\n"
            "  --fit WAY        digit: the ink scaled and centred by mass, as MNIST was made (for models of digits)\n"
            "                   box: the ink's bounding box moved to the middle; whole: the whole picture scaled\n"
            "                   (for other models); none: as it is (for pictures of the model's size)\n"
            "  --invert WAY     auto (a grey picture with a light frame; default), no, yes\n"
            "  --format FORMAT  text (the three most probable classes; default) or json (all)\n",
    .run = run,
};
