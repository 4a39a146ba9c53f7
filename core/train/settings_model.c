/* The section `model`: layers, activations, weights. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "train/read.h"

#define WIDTH_MAX 1000000
#define CHECKPOINT_MAX ((size_t)4 << 30)

static void read_hidden(struct reading *reading, const struct node *node)
{
    static const struct rule width = { .min = 1, .max = WIDTH_MAX, .help = "units of a hidden layer" };
    static const struct rule depth = { .min = 0, .max = SETTINGS_HIDDEN_MAX, .help = "hidden layers" };
    struct settings *settings = reading->settings;
    uint64_t units = 0, layers = 1;
    if (node->kind == NODE_MAP) {
        const struct node *width_node = node_get(node, "width");
        read_keys(reading, node, "model.hidden");
        if (!width_node)
            diagnostics_add(reading->found, SEVERITY_ERROR, node, "model.hidden needs a width: {width: 64, depth: 1}");
        read_whole(reading, width_node, "model.hidden.width", &width, &units);
        read_whole(reading, node_get(node, "depth"), "model.hidden.depth", &depth, &layers);
        settings->hidden_count = units ? layers : 0;
        for (size_t i = 0; i < settings->hidden_count; i++)
            settings->hidden[i] = units;
    } else if (node->kind == NODE_LIST && node->count > SETTINGS_HIDDEN_MAX) {
        diagnostics_add(reading->found, SEVERITY_ERROR, node, "model.hidden has %zu layers; at most %d are possible",
                        node->count, SETTINGS_HIDDEN_MAX);
    } else if (node->kind == NODE_LIST) {
        for (size_t i = 0; i < node->count; i++) {
            char path[64];
            snprintf(path, sizeof path, "model.hidden.%zu", i);
            if (read_whole(reading, node->values[i], path, &width, &units))
                settings->hidden[i] = units;
        }
        settings->hidden_count = node->count;
    } else {
        int64_t number;
        if (node_int(node, &number) && number > 0)
            diagnostics_add(reading->found, SEVERITY_ERROR, node,
                            "model.hidden must be a list of sizes or {width: W, depth: D}, not %s; did you mean [%s]?",
                            node->text, node->text);
        else
            read_refuse(reading, node, "model.hidden", "a list of sizes such as [500, 150] or {width: W, depth: D}",
                        NULL);
    }
}

/* The list at `node` should have one value for each hidden layer. */
static void one_each(struct reading *reading, const struct node *node, const char *path)
{
    const size_t layers = reading->settings->hidden_count;
    if (node->count != layers && reading->hidden_known)
        diagnostics_add(reading->found, SEVERITY_ERROR, node,
                        "%s lists %zu, but there %s %zu hidden layer%s; write one for all, or one each", path,
                        node->count, layers == 1 ? "is" : "are", layers, layers == 1 ? "" : "s");
}

static void read_activations(struct reading *reading, const struct node *node)
{
    struct settings *settings = reading->settings;
    if (!node || node->kind != NODE_LIST) {
        struct instance *one = read_plugin(reading, ISO_ACTIVATION, "model.activation", "relu");
        settings->activations[0] = one;
        for (size_t i = 0; i < settings->hidden_count; i++)
            settings->activation[i] = one;
        return;
    }
    one_each(reading, node, "model.activation");
    for (size_t i = 0; i < node->count && i < SETTINGS_HIDDEN_MAX; i++)
        settings->activation[i] = settings->activations[i] = instance_read(
            reading->plugins, ISO_ACTIVATION, node->values[i], reading->folder, NULL, NULL, reading->found);
}

static void read_bias(struct reading *reading, const struct node *node)
{
    static const struct rule any = { .min = -INFINITY, .max = INFINITY };
    int kind = BIAS_ZEROS;
    if (node && node->kind == NODE_MAP) {
        read_keys(reading, node, "model.bias");
        if (node_get(node, "constant")) {
            reading->settings->bias = BIAS_CONSTANT;
            read_real(reading, node_get(node, "constant"), "model.bias.constant", &any,
                      &reading->settings->bias_constant);
        }
    } else if (node && node->kind == NODE_SCALAR && !node_is_null(node)) {
        double number;
        if (node_real(node, &number))
            diagnostics_add(reading->found, SEVERITY_ERROR, node,
                            "model.bias must be zeros, none or {constant: c}, not %s; did you mean {constant: %s}?",
                            node->text, node->text);
        else if (read_word(reading, node, "model.bias", &kind))
            reading->settings->bias = kind == 0 ? BIAS_ZEROS : BIAS_NONE;
    } else if (node && !node_is_null(node)) {
        read_refuse(reading, node, "model.bias", "zeros, none or {constant: c}", NULL);
    }
}

static void read_clip(struct reading *reading, const struct node *node)
{
    static const struct rule limit = { .min = 0, .max = INFINITY, .above = true,
                                       .help = "pre-activations are cut at plus and minus this" };
    struct settings *settings = reading->settings;
    if (!node || node_is_null(node))
        return;
    settings->clip_output = true;
    if (node->kind != NODE_MAP) {
        read_real(reading, node, "model.clip", &limit, &settings->clip);
        return;
    }
    int gradient = 0;
    read_keys(reading, node, "model.clip");
    if (!node_get(node, "at"))
        diagnostics_add(reading->found, SEVERITY_ERROR, node,
                        "model.clip needs a limit: {at: c, gradient: pass|zero, output: true|false}");
    read_real(reading, node_get(node, "at"), "model.clip.at", &limit, &settings->clip);
    read_word(reading, node_get(node, "gradient"), "model.clip.gradient", &gradient);
    read_flag(reading, node_get(node, "output"), "model.clip.output", &settings->clip_output);
    settings->clip_gradient_zero = gradient == 1;
}

static void read_dropout(struct reading *reading, const struct node *node)
{
    static const struct rule rule = { .min = 0, .max = 0.999,
                                      .help = "the probability that a hidden unit is left out" };
    struct settings *settings = reading->settings;
    if (!node || node_is_null(node))
        return;
    if (node->kind == NODE_LIST) {
        one_each(reading, node, "model.dropout");
        for (size_t i = 0; i < node->count && i < SETTINGS_HIDDEN_MAX; i++)
            read_real(reading, node->values[i], "model.dropout", &rule, &settings->dropout[i]);
        return;
    }
    read_real(reading, node, "model.dropout", &rule, &settings->dropout[0]);
    for (size_t i = 1; i < settings->hidden_count; i++)
        settings->dropout[i] = settings->dropout[0];
}

static void read_from(struct reading *reading, const struct node *node)
{
    struct settings *settings = reading->settings;
    struct iso_error err = ERROR_NONE;
    char here[PATH_MAX] = "", *path = NULL;
    size_t length;
    if (!node || node_is_null(node))
        return;
    if (node->kind != NODE_SCALAR) {
        read_refuse(reading, node, "model.from", "the path of a .safetensors file", NULL);
        return;
    }
    char *relative = file_join(reading->folder, node->text);
    if (relative && relative[0] != '/' && getcwd(here, sizeof here))
        path = file_join(here, relative);
    else if (relative)
        path = strdup(relative);
    char *data = path ? file_read(relative, CHECKPOINT_MAX, &length, &err) : NULL;
    if (data) {
        hash_of(data, length, settings->from_checksum);
        settings->from = arena_copy(settings->arena, path, strlen(path));
    }
    if (!path || (data && !settings->from))
        error_memory(&err);
    if (err.text[0])
        diagnostics_add(reading->found, SEVERITY_ERROR, node, "model.from: %s", err.text);
    free(data);
    free(path);
    free(relative);
}

void read_model(struct reading *reading)
{
    struct settings *settings = reading->settings;
    const struct node *root = settings->tree->root, *model = read_section(reading, root, "model", "model");
    const struct node *hidden = node_get(model, "hidden");
    const struct node *given = node_get(root, "model");
    read_keys(reading, model, "model");
    const size_t mistakes = diagnostics_count(reading->found, SEVERITY_ERROR);
    if (hidden && !node_is_null(hidden))
        read_hidden(reading, hidden);
    else if (!given || node_is_null(given) || given->kind == NODE_MAP)
        diagnostics_add(reading->found, SEVERITY_ERROR, read_place(reading, "model"),
                        "model.hidden is missing: sizes of the hidden layers, such as `model: {hidden: [64]}` or "
                        "{width: 64, depth: 1}");
    reading->hidden_known = diagnostics_count(reading->found, SEVERITY_ERROR) == mistakes;
    read_activations(reading, node_get(model, "activation"));
    settings->initializer = read_plugin(reading, ISO_INITIALIZER, "model.initializer", "he");
    read_bias(reading, node_get(model, "bias"));
    read_clip(reading, node_get(model, "clip"));
    read_dropout(reading, node_get(model, "dropout"));
    read_from(reading, node_get(model, "from"));
}
