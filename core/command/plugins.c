/* isoflop plugins [KIND[/NAME]] */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"
#include "command/command.h"
#include "command/options.h"
#include "plugin/plugin.h"

/* Where a recipe names a plugin of a kind. */
static const char *const places[] = {
    [ISO_ACTIVATION] = "model.activation", [ISO_LOSS] = "loss",           [ISO_INITIALIZER] = "model.initializer",
    [ISO_SCHEDULE] = "schedule",           [ISO_OPTIMIZER] = "optimizer", [ISO_DATASET] = "dataset",
    [ISO_BACKEND] = "backend",             [ISO_LAW] = "laws",
};

static void warn(void *context, const char *line)
{
    diagnostics_add(context, SEVERITY_WARNING, NULL, "%s", line);
}

/* ---- Surrogate gradients ---- */

/* The name of the surrogate gradient that these parameters give, or NULL; `pairs` as for instance_new. */
static char *surrogate_with(const struct plugin *plugin, const char *const *pairs)
{
    struct iso_error err = ERROR_NONE;
    struct instance *instance = instance_new(plugin, pairs, NULL, &err);
    const char *name = instance ? instance_surrogate(instance) : NULL;
    char *copy = name ? strdup(name) : NULL;
    instance_free(instance);
    return copy;
}

static bool may_have_surrogate(const struct plugin *plugin)
{
    return (plugin->descriptor.kind == ISO_ACTIVATION && plugin->ops.activation.surrogate) ||
           (plugin->descriptor.kind == ISO_LOSS && plugin->ops.loss.surrogate);
}

/* Calls found(context, setting, name) for the defaults ("") and each value of a parameter that gives one. */
static void each_surrogate(const struct plugin *plugin, struct arena *arena,
                           void (*found)(void *context, const char *setting, const char *name), void *context)
{
    const char *values[PLUGIN_TRIES];
    if (!may_have_surrogate(plugin))
        return;
    char *name = surrogate_with(plugin, NULL);
    if (name)
        found(context, "", name);
    const bool always = name != NULL;
    free(name);
    for (size_t k = 0; k < plugin->param_count && !always; k++) {
        const size_t count = plugin_tries(&plugin->params[k], arena, values);
        for (size_t i = 0; i < count; i++) {
            const char *const pairs[] = { plugin->params[k].name, values[i], NULL };
            name = surrogate_with(plugin, pairs);
            if (name) {
                const char *setting = arena_format(arena, "%s: %s", pairs[0], pairs[1]);
                found(context, setting ? setting : pairs[0], name);
            }
            free(name);
        }
    }
}

/* ---- Text ---- */

static void bounds_text(const struct iso_param *param, struct text *out)
{
    char low[NUMBER_TEXT], high[NUMBER_TEXT];
    const bool word = param->type == ISO_TYPE_TEXT || param->type == ISO_TYPE_PATH;
    if (param->type == ISO_TYPE_CHOICE) {
        text_format(out, " of %s", param->choices);
        return;
    }
    if (word || param->type == ISO_TYPE_FLAG)
        return;
    number_text(param->min, low);
    number_text(param->max, high);
    if (isfinite(param->min) && isfinite(param->max))
        text_format(out, " from %s to %s", low, high);
    else if (isfinite(param->min))
        text_format(out, " from %s", low);
    else if (isfinite(param->max))
        text_format(out, " up to %s", high);
}

static void parameter_text(const struct plugin *plugin, const struct iso_param *param, struct text *out)
{
    text_format(out, "  %s: %s", param->name, plugin_type_name(param->type));
    bounds_text(param, out);
    if (!param->initial)
        text_add_string(out, ", required\n");
    else if (plugin_default_of(plugin, param))
        text_format(out, ", default: that of %s\n", param->initial);
    else
        text_format(out, ", default %s\n", *param->initial ? param->initial : "\"\"");
    text_format(out, "      %s\n", param->help);
}

static void surrogate_text(void *context, const char *setting, const char *name)
{
    text_format(context, "surrogate gradient%s%s: %s\n", *setting ? " with " : "", setting, name);
}

/* Facts that the kind's struct states. */
static void facts_text(const struct plugin *plugin, struct text *out)
{
    const struct iso_dataset *dataset = &plugin->ops.dataset;
    switch (plugin->descriptor.kind) {
    case ISO_ACTIVATION:
        text_format(out, "FLOP an element: %g forward, %g backward\n", plugin->ops.activation.flops_forward,
                    plugin->ops.activation.flops_backward);
        break;
    case ISO_LOSS:
        text_format(out, "FLOP an output and example: %g value, %g gradient\n", plugin->ops.loss.flops_value,
                    plugin->ops.loss.flops_gradient);
        break;
    case ISO_OPTIMIZER:
        text_format(out, "FLOP a weight: %g; floats kept for each weight: %u\n", plugin->ops.optimizer.flops_update,
                    plugin->ops.optimizer.slots);
        break;
    case ISO_DATASET:
        text_add_string(out, "options of every dataset:");
        for (size_t i = 0; plugin_data_options[i]; i++)
            text_format(out, "%s %s", i ? "," : "", plugin_data_options[i]);
        text_add_string(out, "; see isoflop-recipe(5)\n");
        if (dataset->draw)
            text_add_string(out, "without end: examples are drawn from a seed\n");
        for (const struct iso_data_file *file = dataset->files; file && file->name; file++)
            text_format(out, "%s %s%s%s\n", file == dataset->files ? "files:" : "      ", file->name,
                        file->archive ? " in " : "", file->archive ? file->archive : "");
        if (dataset->license)
            text_format(out, "licence: %s\n", dataset->license);
        break;
    case ISO_LAW:
        text_format(out, "formula: %s\n", plugin->ops.law.formula);
        break;
    default:
        break;
    }
}

static void page_text(const struct plugin *plugin, struct arena *arena, struct text *out)
{
    const struct iso_plugin *head = &plugin->descriptor;
    const struct iso_param *shown = NULL; /* a default that tells something */
    bool required = false;
    text_format(out, "%s/%s: %s\n\nparameters%s\n", plugin_kind_name((enum iso_kind)head->kind), head->name,
                head->summary, plugin->param_count ? "" : ": none");
    for (size_t k = 0; k < plugin->param_count; k++)
        parameter_text(plugin, &plugin->params[k], out);
    text_format(out, "\nin a recipe, at %s: ", places[head->kind]);
    for (size_t k = 0; k < plugin->param_count; k++) {
        const struct iso_param *param = &plugin->params[k];
        if (!shown && param->initial && *param->initial && !plugin_default_of(plugin, param))
            shown = param;
        if (param->initial)
            continue;
        text_format(out, required ? ", " : "{%s: {", head->name);
        text_format(out, "%s: %s", param->name, param->try_min ? param->try_min : "...");
        required = true;
    }
    if (required)
        text_add_string(out, "}}\n");
    else if (shown)
        text_format(out, "{%s: {%s: %s}}\n", head->name, shown->name, shown->initial);
    else
        text_format(out, "%s\n", head->name);
    each_surrogate(plugin, arena, surrogate_text, out);
    facts_text(plugin, out);
    text_format(out, "revision %d, from %s\n", head->revision, plugin->file);
}

static void list_text(const struct plugin *const *all, size_t count, struct text *out)
{
    int name_width = 0, summary_width = 0, kind = 0;
    for (size_t i = 0; i < count; i++) {
        const int name = (int)strlen(all[i]->descriptor.name), summary = (int)strlen(all[i]->descriptor.summary);
        name_width = name > name_width ? name : name_width;
        summary_width = summary > summary_width ? summary : summary_width;
    }
    summary_width = summary_width > 72 ? 72 : summary_width;
    for (size_t i = 0; i < count; i++) {
        const struct iso_plugin *head = &all[i]->descriptor;
        if (head->kind != kind)
            text_format(out, "%s%s\n", kind ? "\n" : "", plugin_kind_name((enum iso_kind)head->kind));
        kind = head->kind;
        text_format(out, "  %-*s  %-*s  %s\n", name_width, head->name, summary_width, head->summary, all[i]->file);
    }
}

/* ---- JSON ---- */

static json_t *value_of(const struct iso_param *param, const char *text)
{
    double real;
    int64_t whole;
    json_error_t unused;
    json_t *list;
    switch (param->type) {
    case ISO_TYPE_REAL:
        return number_real(text, &real) && isfinite(real) ? json_real(real) : json_string(text);
    case ISO_TYPE_INT:
        return number_int(text, &whole) ? json_integer(whole) : json_string(text);
    case ISO_TYPE_FLAG:
        return json_boolean(!strcmp(text, "true"));
    case ISO_TYPE_REALS:
    case ISO_TYPE_INTS:
        list = json_loads(text, 0, &unused);
        return list ? list : json_string(text);
    default:
        return json_string(text);
    }
}

static json_t *bound_of(const struct iso_param *param, double bound)
{
    const bool number = param->type == ISO_TYPE_REAL || param->type == ISO_TYPE_INT || param->type == ISO_TYPE_REALS ||
                        param->type == ISO_TYPE_INTS;
    return number && isfinite(bound) ? json_real(bound) : json_null();
}

static json_t *parameter_json(const struct plugin *plugin, const struct iso_param *param, struct arena *arena)
{
    json_t *object = json_object();
    const bool reference = plugin_default_of(plugin, param) != NULL;
    json_object_set_new(object, "name", json_string(param->name));
    json_object_set_new(object, "type", json_string(plugin_type_name(param->type)));
    /* Of a default that names an earlier parameter, the value that this one has by default. */
    const struct iso_param *source = param;
    while (plugin_default_of(plugin, source))
        source = plugin_default_of(plugin, source);
    json_object_set_new(object, "default", source->initial ? value_of(source, source->initial) : json_null());
    if (reference)
        json_object_set_new(object, "default_of", json_string(param->initial));
    json_object_set_new(object, "required", json_boolean(!param->initial));
    json_object_set_new(object, "min", bound_of(param, param->min));
    json_object_set_new(object, "max", bound_of(param, param->max));
    if (param->type == ISO_TYPE_CHOICE) {
        const char *values[PLUGIN_TRIES];
        const size_t count = plugin_tries(param, arena, values);
        json_t *choices = json_array();
        for (size_t i = 0; i < count; i++)
            json_array_append_new(choices, json_string(values[i]));
        json_object_set_new(object, "choices", choices);
    }
    json_object_set_new(object, "help", json_string(param->help));
    return object;
}

static void surrogate_json(void *context, const char *setting, const char *name)
{
    json_array_append_new(context, json_pack("{s:s, s:s}", "with", setting, "gradient", name));
}

static json_t *plugin_json(const struct plugin *plugin, struct arena *arena)
{
    const struct iso_plugin *head = &plugin->descriptor;
    json_t *object = json_object(), *parameters = json_array();
    json_object_set_new(object, "kind", json_string(plugin_kind_name((enum iso_kind)head->kind)));
    json_object_set_new(object, "name", json_string(head->name));
    json_object_set_new(object, "summary", json_string(head->summary));
    json_object_set_new(object, "file", json_string(plugin->file));
    json_object_set_new(object, "revision", json_integer(head->revision));
    for (size_t k = 0; k < plugin->param_count; k++)
        json_array_append_new(parameters, parameter_json(plugin, &plugin->params[k], arena));
    json_object_set_new(object, "parameters", parameters);
    if (may_have_surrogate(plugin)) {
        json_t *surrogates = json_array();
        each_surrogate(plugin, arena, surrogate_json, surrogates);
        json_object_set_new(object, "surrogates", surrogates);
    }
    return object;
}

static int list_json(const struct plugin *const *all, size_t count, struct arena *arena, struct text *out,
                     struct iso_error *err)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < count; i++)
        json_array_append_new(list, plugin_json(all[i], arena));
    char *dumped = list ? json_dumps(list, JSON_INDENT(2) | JSON_REAL_PRECISION(17)) : NULL;
    if (dumped)
        text_format(out, "%s\n", dumped);
    free(dumped);
    json_decref(list);
    return dumped ? 0 : error_memory(err);
}

/* ---- The command ---- */

/* A word that is no kind: perhaps a plugin's name, or a kind's misspelt. */
static int fail_kind(struct plugins *plugins, const char *word, struct iso_error *err)
{
    const char *kinds[ISO_LAW];
    struct text text = { 0 };
    bool there = false;
    text_format(&text, "there is no kind of plugin \"%.100s\"", word);
    for (int k = ISO_ACTIVATION; k <= ISO_LAW && !there; k++) {
        size_t count;
        char **names = plugins_names(plugins, (enum iso_kind)k, &count, err);
        kinds[k - 1] = plugin_kind_name((enum iso_kind)k);
        for (size_t i = 0; names && i < count && !there; i++)
            there = !strcmp(names[i], word);
        plugins_names_free(names, count);
        if (there)
            text_format(&text, "; did you mean %s/%s?", kinds[k - 1], word);
    }
    if (!there) {
        text_add_string(&text, "; there are activation, loss, initializer, schedule, optimizer, dataset, backend and law");
        text_suggest(&text, word, kinds, ISO_LAW);
    }
    iso_fail(err, "%s", text.data ? text.data : "out of memory");
    text_free(&text);
    return -1;
}

/* "loss", "loss/mse" or nothing. */
static int read_selection(struct plugins *plugins, const char *word, enum iso_kind *kind, const char **name,
                          struct iso_error *err)
{
    const char *slash = word ? strchr(word, '/') : NULL;
    char *kind_name = word ? strndup(word, slash ? (size_t)(slash - word) : strlen(word)) : NULL;
    *kind = kind_name ? plugin_kind_of(kind_name) : (enum iso_kind)0;
    *name = slash ? slash + 1 : NULL;
    const int status = !word ? 0 : !kind_name ? error_memory(err) : !*kind ? fail_kind(plugins, kind_name, err) : 0;
    free(kind_name);
    return status;
}

static int run(int argc, char **argv, struct command_outcome *outcome)
{
    const char *format = NULL, *name, **rest = memory_array((size_t)argc + 1, sizeof *rest);
    const struct option options[] = { { .name = "--format", .value = &format }, { 0 } };
    struct plugins *plugins = NULL;
    const struct plugin *one = NULL, **all = NULL;
    struct arena *arena = arena_new();
    struct text out = { 0 };
    struct iso_error *err = &outcome->error;
    enum iso_kind kind;
    size_t count = 0;
    int status = STATUS_WRONG;
    if (!rest || !arena) {
        error_memory(err);
        goto out;
    }
    if (options_read(argc, argv, options, rest, &count, 0, 1, command_plugins.arguments, err) ||
        !(plugins = plugins_new(NULL, err)) || read_selection(plugins, count ? rest[0] : NULL, &kind, &name, err))
        goto out;
    if (format && strcmp(format, "text") && strcmp(format, "json")) {
        iso_fail(err, "--format must be text or json, not \"%.100s\"", format);
        goto out;
    }
    if (!outcome->found && !(outcome->found = diagnostics_new())) {
        error_memory(err);
        goto out;
    }
    if (name && !(one = plugins_find(plugins, kind, name, err)))
        goto out;
    status = STATUS_FAILED;
    if (one)
        count = 1;
    else if (!(all = plugins_all(plugins, kind, &count, warn, outcome->found, err)))
        goto out;
    if (format && !strcmp(format, "json")) {
        if (list_json(one ? &one : all, count, arena, &out, err))
            goto out;
    } else if (one) {
        page_text(one, arena, &out);
    } else {
        list_text(all, count, &out);
    }
    if (out.failed)
        error_memory(err);
    else
        status = STATUS_DONE;
    if (!status && out.data)
        fputs(out.data, stdout);
    if (!status && !count)
        diagnostics_add(outcome->found, SEVERITY_WARNING, NULL,
                        "no %s was found; folders to search are given by --plugin-path or ISOFLOP_PLUGIN_PATH",
                        kind ? plugin_kind_name(kind) : "plugin");
out:
    text_free(&out);
    free(all);
    plugins_free(plugins);
    arena_free(arena);
    free(rest);
    return status;
}

const struct command command_plugins = {
    .name = "plugins",
    .arguments = "[KIND[/NAME]] [--format text|json]",
    .summary = "list the plugins that were found, or explain one and its parameters",
    .help = "  KIND             activation, loss, initializer, schedule, optimizer, dataset, backend or law\n"
            "  KIND/NAME        the page of one plugin: formula, parameters with type, range, default and meaning\n"
            "  --format FORMAT  text (default) or json\n",
    .run = run,
};
