/* Values of a recipe, checked. */
#include "train/read.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"
#include "train/keys.h"

static const char *shown(const struct node *node)
{
    double number;
    return node_real(node, &number) && strlen(node->text) < 40 ? node->text : node_describe(node);
}

int read_refuse(struct reading *reading, const struct node *node, const char *path, const char *what, const char *help)
{
    return diagnostics_add(reading->found, SEVERITY_ERROR, node, "%s must be %s, not %s%s%s%s", path, what, shown(node),
                           help ? " (" : "", help ? help : "", help ? ")" : "");
}

const struct node *read_place(const struct reading *reading, const char *section)
{
    const struct node *root = reading->settings->tree->root, *key = node_key(root, section);
    return key ? key : root;
}

const struct node *read_section(struct reading *reading, const struct node *map, const char *section, const char *path)
{
    const struct node *node = node_get(map, section);
    if (!node || node_is_null(node))
        return NULL;
    if (node->kind != NODE_MAP) {
        read_refuse(reading, node, path, "a mapping", NULL);
        return NULL;
    }
    return node;
}

static void describe_bounds(const struct rule *rule, bool whole, struct text *what)
{
    char low[NUMBER_TEXT], high[NUMBER_TEXT];
    number_text(rule->min, low);
    number_text(rule->max, high);
    text_add_string(what, whole ? "a whole number " : "");
    if (isfinite(rule->max))
        text_format(what, rule->above ? "above %s and at most %s" : "between %s and %s", low, high);
    else if (isfinite(rule->min))
        text_format(what, rule->above ? "above %s" : "at least %s", low);
    else
        text_add_string(what, whole ? "" : "a number");
}

static bool in_bounds(const struct rule *rule, double value)
{
    return isfinite(value) && value <= rule->max && (rule->above ? value > rule->min : value >= rule->min);
}

static bool refuse_number(struct reading *reading, const struct node *node, const char *path, const struct rule *rule,
                          bool whole)
{
    struct text what = { 0 };
    describe_bounds(rule, whole, &what);
    read_refuse(reading, node, path, what.data ? what.data : "another number", rule->help);
    text_free(&what);
    return false;
}

bool read_real(struct reading *reading, const struct node *node, const char *path, const struct rule *rule,
               double *value)
{
    double number;
    if (!node)
        return true;
    if (!node_real(node, &number) || !in_bounds(rule, number))
        return refuse_number(reading, node, path, rule, false);
    *value = number;
    return true;
}

bool read_whole(struct reading *reading, const struct node *node, const char *path, const struct rule *rule,
                uint64_t *value)
{
    double number;
    int64_t whole;
    if (!node)
        return true;
    /* Budgets such as 1e18 are beyond the whole numbers that doubles tell apart, and mean what they say. */
    if (!node_real(node, &number) || !in_bounds(rule, number) || number != floor(number) || number >= 0x1p64)
        return refuse_number(reading, node, path, rule, true);
    *value = node_int(node, &whole) ? (uint64_t)whole : (uint64_t)number;
    return true;
}

bool read_flag(struct reading *reading, const struct node *node, const char *path, bool *value)
{
    if (node && !node_flag(node, value)) {
        read_refuse(reading, node, path, "true or false", NULL);
        return false;
    }
    return true;
}

bool read_word(struct reading *reading, const struct node *node, const char *path, int *value)
{
    if (!node)
        return true;
    const char *const *words = settings_key_find(path)->words;
    struct text what = { 0 };
    size_t count = 0;
    for (; words[count]; count++) {
        if (node->kind == NODE_SCALAR && !strcmp(node->text, words[count])) {
            *value = (int)count;
            text_free(&what);
            return true;
        }
        text_format(&what, "%s%s", count == 0 ? "" : words[count + 1] ? ", " : " or ", words[count]);
    }
    text_format(&what, ", not %s", node_describe(node));
    if (node->kind == NODE_SCALAR)
        text_suggest(&what, node->text, words, count);
    diagnostics_add(reading->found, SEVERITY_ERROR, node, "%s must be %s", path,
                    what.data ? what.data : "another word");
    text_free(&what);
    return false;
}

/* Keys that are often looked for in the wrong section. */
static const char *right_place(const char *key)
{
    static const struct {
        const char *key, *place;
    } places[] = {
        { "hidden", "model.hidden" },         { "activation", "model.activation" },
        { "initializer", "model.initializer" },
        { "bias", "model.bias" },             { "dropout", "model.dropout" },       { "clip", "model.clip" },
        { "width", "model.hidden.width" },    { "depth", "model.hidden.depth" },    { "layers", "model.hidden" },
        { "epochs", "train.epochs" },         { "steps", "train.steps" },           { "batch", "train.batch" },
        { "batch_size", "train.batch" },      { "warmup", "train.warmup" },         { "reduction", "train.reduction" },
        { "shuffle", "train.shuffle" },       { "stop", "train.stop" },             { "best", "train.best" },
        { "clip_norm", "train.clip_norm" },   { "loss", "loss" },                   { "optimizer", "optimizer" },
        { "schedule", "schedule" },           { "seeds", "seeds" },                 { "seed", "seeds" },
        { "every", "measure.every" },         { "splits", "measure.splits" },
        { "train_eval", "measure.train_eval" },
        { "checkpoint", "checkpoint" },       { "dataset", "dataset" },             { "model", "model" },
        { "rate", "a parameter of the schedule: schedule.NAME.rate" },
        { "learning_rate", "a parameter of the schedule: schedule.NAME.rate" },
        { "lr", "a parameter of the schedule: schedule.NAME.rate" },
        { "momentum", "a parameter of the optimizer: optimizer.NAME.momentum" },
        { "weight_decay", "a parameter of the optimizer: optimizer.NAME.weight_decay" },
        { "validation_size", "an option of the data set: dataset.NAME.validation_size" },
        { "train_size", "an option of the data set: dataset.NAME.train_size" },
        { "test_size", "an option of the data set: dataset.NAME.test_size" },
        { "label_noise", "an option of the data set: dataset.NAME.label_noise" },
        { "normalise", "an option of the data set: dataset.NAME.normalise" },
    };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (!strcmp(places[i].key, key))
            return places[i].place;
    return NULL;
}

void read_keys(struct reading *reading, const struct node *map, const char *path)
{
    enum { MOST = 32 };
    const char *allowed[MOST];
    size_t count = 0;
    for (const struct settings_key *key = settings_keys; key->path && count < MOST; key++)
        if (settings_key_below(key, path))
            allowed[count++] = settings_key_below(key, path);
    for (size_t i = 0; map && i < map->count; i++) {
        const struct node *key = map->keys[i];
        size_t k = 0;
        while (k < count && strcmp(allowed[k], key->text))
            k++;
        if (k < count)
            continue;
        struct text text = { 0 };
        const char *place = right_place(key->text);
        text_format(&text, "%s has no key \"%.100s\"", *path ? path : "a recipe", key->text);
        if (place && strpbrk(place, ".:")) {
            text_format(&text, "; it is %s", place);
        } else if (place && *path) {
            text_format(&text, "; %s belongs at the top of the recipe", place);
        } else {
            text_suggest(&text, key->text, allowed, count);
            text_add_string(&text, count == 1 ? " (there is " : " (there are ");
            for (k = 0; k < count; k++)
                text_format(&text, "%s%s", k ? ", " : "", allowed[k]);
            text_add_string(&text, ")");
        }
        diagnostics_add(reading->found, SEVERITY_ERROR, key, "%s", text.data ? text.data : "out of memory");
        text_free(&text);
    }
}

void read_every(struct reading *reading, const struct node *node, const char *path, enum unit *unit, double *every)
{
    static const char *const names[] = { "epochs", "steps", "seconds", "log", NULL };
    static const enum unit units[] = { UNIT_EPOCHS, UNIT_STEPS, UNIT_SECONDS, UNIT_LOG };
    static const char form[] = "epoch, {epochs: E}, {steps: K}, {seconds: s} or {log: K}";
    static const struct rule positive = { .min = 0, .max = INFINITY, .above = true };
    static const struct rule count = { .min = 1, .max = 1e12 };
    char name[64];
    if (!node)
        return;
    if (node->kind == NODE_SCALAR && !strcmp(node->text, "epoch")) {
        *unit = UNIT_EPOCHS;
        *every = 1;
        return;
    }
    for (int i = 0; node->kind == NODE_MAP && node->count == 1 && names[i]; i++) {
        if (strcmp(node->keys[0]->text, names[i]))
            continue;
        uint64_t whole = 0;
        double real = 0;
        snprintf(name, sizeof name, "%.40s.%s", path, names[i]);
        const bool good = units[i] == UNIT_STEPS || units[i] == UNIT_LOG
                              ? read_whole(reading, node->values[0], name, &count, &whole)
                              : read_real(reading, node->values[0], name, &positive, &real);
        if (good) {
            *unit = units[i];
            *every = whole ? (double)whole : real;
        }
        return;
    }
    if (node->kind == NODE_MAP && node->count)
        diagnostics_add(reading->found, SEVERITY_ERROR, node->keys[node->count > 1], "%s must be %s, not {%s: ...}",
                        path, form, node->keys[node->count > 1]->text);
    else
        read_refuse(reading, node, path, form, NULL);
}

struct instance *read_plugin(struct reading *reading, enum iso_kind kind, const char *path, const char *initial)
{
    const struct node *node = node_at(reading->settings->tree->root, path);
    if (!node || node_is_null(node)) {
        /* Where the default fails, the section that could have named another is shown. */
        const bool model = !strncmp(path, "model.", 6);
        node = node_scalar(reading->settings->tree, initial, true, read_place(reading, model ? "model" : path));
        if (!node) {
            diagnostics_add(reading->found, SEVERITY_ERROR, NULL, "out of memory");
            return NULL;
        }
    }
    return instance_read(reading->plugins, kind, node, reading->folder, NULL, NULL, reading->found);
}
