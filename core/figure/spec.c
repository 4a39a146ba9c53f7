/* Reads the entries of a recipe's `figures:`. One table says which options each kind takes. */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/statistics.h"
#include "figure/spec.h"

const char *const figure_kinds[KIND_COUNT] = { "curve",   "moving_average", "loglog",  "frontier",
                                               "isoflop", "heatmap",        "scatter", "bars",
                                               "confusion", "examples",     "filters", "architecture",
                                               "histogram" };
static const char *const bands[] = { "sd", "se", "minmax", "quantiles", "none", NULL };
static const char *const others[] = { "separate", "best", "mean", NULL };
static const char *const tables[] = { "auto", "trials", "points", NULL };
static const char *const axes[] = { "linear", "log-log", "log-linear", "linear-log", NULL };
static const char *const computes[] = { "flops", "flops_matmul", "flops_6nd", "flops_report", NULL };

static const char *const checkpoints[] = { "best", "final", "init", NULL };
static const char *const splits[] = { "validation", "test", "train", NULL };
static const char *const values[] = { "weights", "gradients", "activations", NULL };
static const char *const floors[] = { "zero", "free", NULL };
static const char *const orders[] = { "wrong", "first", NULL };

#define KIND(name) (1u << KIND_##name)
enum {
    LINES = KIND(CURVE) | KIND(MOVING_AVERAGE) | KIND(LOGLOG),
    COMPUTE = KIND(FRONTIER) | KIND(ISOFLOP),
    COLUMNS = LINES | KIND(SCATTER) | KIND(BARS),
    FRAMED = COLUMNS | COMPUTE | KIND(HEATMAP),
    ANSWERS = KIND(CONFUSION) | KIND(EXAMPLES),
    MODEL = ANSWERS | KIND(FILTERS) | KIND(ARCHITECTURE),
    ANY = FRAMED | MODEL | KIND(HISTOGRAM)
};

/* What an option's value is. Those with a type of their own go to a field of the spec. */
enum type { TYPE_KIND, TYPE_TEXT, TYPE_FLAG, TYPE_REAL, TYPE_WHOLE, TYPE_CHOICE, TYPE_WORD, TYPE_Y, TYPE_AXES, TYPE_COMPUTE,
            TYPE_RANGE, TYPE_BUDGETS };

struct option {
    const char *name;
    unsigned kinds;
    enum type type;
    size_t field;
    const char *const *words; /* of a choice */
    double low, high;         /* of a number, both allowed */
    const char *what;         /* that a number is */
};
#define FIELD(name) offsetof(struct figure_spec, name)
static const struct option options[] = {
    { "kind", ANY, TYPE_KIND, 0, NULL, 0, 0, NULL },
    { "x", COLUMNS | KIND(HEATMAP), TYPE_TEXT, FIELD(x), NULL, 0, 0, NULL },
    { "y", FRAMED & ~KIND(HEATMAP), TYPE_Y, 0, NULL, 0, 0, NULL },
    { "y", KIND(HEATMAP), TYPE_TEXT, FIELD(group), NULL, 0, 0, NULL },
    { "value", KIND(HEATMAP), TYPE_Y, 0, NULL, 0, 0, NULL },
    { "group", COLUMNS, TYPE_TEXT, FIELD(group), NULL, 0, 0, NULL },
    { "size", COMPUTE, TYPE_TEXT, FIELD(group), NULL, 0, 0, NULL },
    { "multiples", FRAMED, TYPE_TEXT, FIELD(multiples), NULL, 0, 0, NULL },
    { "band", LINES | KIND(BARS), TYPE_CHOICE, FIELD(band), bands, 0, 0, NULL },
    { "axes", ((COLUMNS | COMPUTE) & ~KIND(LOGLOG)) | KIND(HISTOGRAM), TYPE_AXES, 0, axes, 0, 0, NULL },
    { "lines", LINES | KIND(FRONTIER), TYPE_FLAG, FIELD(lines), NULL, 0, 0, NULL },
    { "points", LINES | KIND(FRONTIER), TYPE_FLAG, FIELD(points), NULL, 0, 0, NULL },
    { "others", LINES | KIND(HEATMAP) | KIND(BARS), TYPE_CHOICE, FIELD(others), others, 0, 0, NULL },
    { "table", COLUMNS, TYPE_CHOICE, FIELD(table), tables, 0, 0, NULL },
    { "window", KIND(MOVING_AVERAGE), TYPE_WHOLE, FIELD(window), NULL, 1, 1e15, "measurements, at least 1" },
    { "start", KIND(MOVING_AVERAGE), TYPE_REAL, FIELD(start), NULL, -1e300, 1e300, "a number" },
    { "multiplier", KIND(MOVING_AVERAGE), TYPE_REAL, FIELD(multiplier), NULL, -1e300, 1e300, "a number" },
    { "fit", KIND(LOGLOG) | COMPUTE, TYPE_FLAG, FIELD(fit), NULL, 0, 0, NULL },
    { "floor", KIND(FRONTIER), TYPE_CHOICE, FIELD(floor), floors, 0, 0, NULL },
    { "bootstrap", KIND(FRONTIER), TYPE_WHOLE, FIELD(bootstrap), NULL, 0, 1e5, "resamples, at most 100000 (0: none)" },
    { "extend", KIND(FRONTIER), TYPE_REAL, FIELD(extend), NULL, 1, 1e6,
      "a factor of 1 to 1e6 by which a law goes beyond the data" },
    { "compute", COMPUTE, TYPE_COMPUTE, 0, computes, 0, 0, NULL },
    { "budgets", KIND(ISOFLOP), TYPE_BUDGETS, 0, NULL, 0, 0, NULL },
    { "trial", MODEL | KIND(HISTOGRAM), TYPE_WHOLE, FIELD(trial), NULL, 1, 1e9, "its place in the plan, from 1" },
    { "checkpoint", MODEL & ~KIND(ARCHITECTURE), TYPE_WORD, FIELD(checkpoint), checkpoints, 0, 0, NULL },
    { "split", ANSWERS, TYPE_WORD, FIELD(split), splits, 0, 0, NULL },
    { "count", KIND(EXAMPLES) | KIND(FILTERS), TYPE_WHOLE, FIELD(count), NULL, 1, 1000, "pictures, 1 to 1000" },
    { "of", KIND(HISTOGRAM), TYPE_WORD, FIELD(of), values, 0, 0, NULL },
    { "steps", KIND(HISTOGRAM), TYPE_WHOLE, FIELD(steps), NULL, 1, 50, "measurements to show, 1 to 50" },
    { "order", KIND(EXAMPLES), TYPE_CHOICE, FIELD(order), orders, 0, 0, NULL },
    { "title", ANY, TYPE_TEXT, FIELD(title), NULL, 0, 0, NULL },
    { "caption", ANY, TYPE_TEXT, FIELD(caption), NULL, 0, 0, NULL },
    { "x_label", FRAMED, TYPE_TEXT, FIELD(x_label), NULL, 0, 0, NULL },
    { "y_label", FRAMED, TYPE_TEXT, FIELD(y_label), NULL, 0, 0, NULL },
    { "x_range", (COLUMNS | COMPUTE) & ~KIND(BARS), TYPE_RANGE, FIELD(x_range), NULL, 0, 0, NULL },
    { "y_range", COLUMNS | COMPUTE, TYPE_RANGE, FIELD(y_range), NULL, 0, 0, NULL },
};
#define OPTION_COUNT (sizeof options / sizeof *options)

struct reader {
    struct figure_spec *spec;
    struct diagnostics *found;
    struct text text; /* for messages */
    bool failed;
};

/* A mistake about `where`: the reader's text as far as it was written. */
static void refuse(struct reader *reader, const struct node *where)
{
    char *message = text_take(&reader->text);
    diagnostics_add(reader->found, SEVERITY_ERROR, where, "%s", message ? message : "out of memory");
    free(message);
    reader->failed = true;
}

static void list_names(struct text *text, const char *const *names)
{
    for (size_t i = 0; names[i]; i++)
        text_format(text, "%s%s", i ? ", " : "", names[i]);
}

static size_t name_count(const char *const *names)
{
    size_t count = 0;
    while (names[count])
        count++;
    return count;
}

static const char *copy(struct reader *reader, const char *text)
{
    char *own = arena_copy(reader->spec->arena, text, strlen(text));
    if (!own)
        reader->failed = true;
    return own;
}

static const char *read_text(struct reader *reader, const char *option, const struct node *node, bool may_be_empty)
{
    if (node->kind != NODE_SCALAR || node_is_null(node) || (!may_be_empty && !node->text[0])) {
        text_format(&reader->text, "figure %s: %s must be a text, not %s", reader->spec->name, option,
                    node_describe(node));
        refuse(reader, node);
        return NULL;
    }
    return copy(reader, node->text);
}

static int read_choice(struct reader *reader, const char *option, const struct node *node, const char *const *names)
{
    if (node->kind == NODE_SCALAR)
        for (size_t i = 0; names[i]; i++)
            if (!strcmp(names[i], node->text))
                return (int)i;
    text_format(&reader->text, "figure %s: %s must be one of ", reader->spec->name, option);
    list_names(&reader->text, names);
    if (node->kind == NODE_SCALAR) {
        text_format(&reader->text, ", not %s", node_describe(node));
        text_suggest(&reader->text, node->text, names, name_count(names));
    } else {
        text_format(&reader->text, ", not %s", node_describe(node));
    }
    refuse(reader, node);
    return 0;
}

static void refuse_number(struct reader *reader, const struct option *option, const struct node *node)
{
    text_format(&reader->text, "figure %s: %s must be %s%s, not %s", reader->spec->name, option->name,
                option->type == TYPE_WHOLE ? "a whole number of " : "", option->what, node_describe(node));
    refuse(reader, node);
}

static int read_flag(struct reader *reader, const char *option, const struct node *node)
{
    bool value = false;
    if (!node_flag(node, &value)) {
        text_format(&reader->text, "figure %s: %s must be true or false, not %s", reader->spec->name, option,
                    node_describe(node));
        refuse(reader, node);
    }
    return value;
}

static void read_range(struct reader *reader, const char *option, const struct node *node, double *ends)
{
    double a, b;
    if (node->kind == NODE_LIST && node->count == 2 && node_real(node->values[0], &a) &&
        node_real(node->values[1], &b) && isfinite(a) && isfinite(b) && a < b) {
        ends[0] = a;
        ends[1] = b;
        return;
    }
    text_format(&reader->text, "figure %s: %s must be two numbers, the lower first, such as [0.01, 1], not %s",
                reader->spec->name, option, node_describe(node));
    refuse(reader, node);
}

static void read_y(struct reader *reader, const struct node *node)
{
    struct figure_spec *spec = reader->spec;
    size_t count = node->kind == NODE_LIST ? node->count : 1;
    const char *name = spec->kind == KIND_HEATMAP ? "value" : "y";
    bool several = spec->kind == KIND_CURVE || spec->kind == KIND_MOVING_AVERAGE;
    if (node->kind == NODE_LIST && (!several || !count)) {
        text_format(&reader->text, "figure %s: %s must be the name of one column, not %s", spec->name, name,
                    node_describe(node));
        refuse(reader, node);
        return;
    }
    spec->y = arena_zero(spec->arena, count, sizeof *spec->y);
    if (!spec->y) {
        reader->failed = true;
        return;
    }
    for (size_t i = 0; i < count; i++)
        spec->y[i] = read_text(reader, name, node->kind == NODE_LIST ? node->values[i] : node, false);
    spec->y_count = count;
}

static void read_budgets(struct reader *reader, const struct node *node)
{
    struct figure_spec *spec = reader->spec;
    const size_t count = node->kind == NODE_LIST ? node->count : 0;
    bool good = count >= 1 && count <= 24;
    spec->budgets = arena_zero(spec->arena, count + 1, sizeof *spec->budgets);
    if (!spec->budgets) {
        reader->failed = true;
        return;
    }
    for (size_t i = 0; i < count && good; i++)
        good = node_real(node->values[i], &spec->budgets[i]) && spec->budgets[i] > 0 && spec->budgets[i] <= 1e300;
    if (!good) {
        text_format(&reader->text, "figure %s: budgets must be 1 to 24 numbers of FLOP such as [1e12, 3e12], not %s",
                    spec->name, node_describe(node));
        refuse(reader, node);
        return;
    }
    reals_sort(spec->budgets, count);
    spec->budget_count = count;
}

static void read_option(struct reader *reader, const struct option *option, const struct node *node)
{
    struct figure_spec *spec = reader->spec;
    void *field = (char *)spec + option->field;
    const bool words = option->field == FIELD(title) || option->field == FIELD(caption) ||
                       option->field == FIELD(x_label) || option->field == FIELD(y_label);
    int64_t whole;
    int choice;
    switch (option->type) {
    case TYPE_KIND:
        break;
    case TYPE_TEXT:
        *(const char **)field = read_text(reader, option->name, node, words);
        break;
    case TYPE_FLAG:
        *(int *)field = read_flag(reader, option->name, node);
        break;
    case TYPE_REAL:
        if (!node_real(node, field) || !(*(double *)field >= option->low && *(double *)field <= option->high))
            refuse_number(reader, option, node);
        break;
    case TYPE_WHOLE:
        if (!node_int(node, &whole) || (double)whole < option->low || (double)whole > option->high)
            refuse_number(reader, option, node);
        else
            *(uint64_t *)field = (uint64_t)whole;
        break;
    case TYPE_CHOICE:
        *(int *)field = read_choice(reader, option->name, node, option->words);
        break;
    case TYPE_WORD: /* one of the words, as it is */
        choice = read_choice(reader, option->name, node, option->words);
        *(const char **)field = option->words[choice];
        break;
    case TYPE_Y:
        read_y(reader, node);
        break;
    case TYPE_AXES:
        choice = read_choice(reader, option->name, node, axes);
        spec->x_log = choice == 1 || choice == 2;
        spec->y_log = choice == 1 || choice == 3;
        break;
    case TYPE_COMPUTE:
        spec->x = computes[read_choice(reader, option->name, node, computes)];
        break;
    case TYPE_RANGE:
        read_range(reader, option->name, node, field);
        break;
    case TYPE_BUDGETS:
        read_budgets(reader, node);
        break;
    }
}

static void read_key(struct reader *reader, const struct node *key, const struct node *value)
{
    const struct figure_spec *spec = reader->spec;
    const char *known[OPTION_COUNT];
    size_t count = 0;
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (!(options[i].kinds >> spec->kind & 1u))
            continue;
        if (!strcmp(options[i].name, key->text)) {
            read_option(reader, &options[i], value);
            return;
        }
        known[count++] = options[i].name;
    }
    text_format(&reader->text, "figure %s: %s has no option \"%s\"", spec->name, figure_kinds[spec->kind], key->text);
    size_t before = reader->text.length;
    text_suggest(&reader->text, key->text, known, count);
    if (reader->text.length == before) {
        text_add_string(&reader->text, "; it takes ");
        for (size_t i = 0; i < count; i++)
            text_format(&reader->text, "%s%s", i ? ", " : "", known[i]);
    }
    refuse(reader, key);
}

static int read_kind(struct reader *reader, const struct node *node)
{
    const struct node *kind = node_get(node, "kind");
    if (kind && kind->kind == NODE_SCALAR)
        for (size_t i = 0; i < KIND_COUNT; i++)
            if (!strcmp(figure_kinds[i], kind->text)) {
                reader->spec->kind = (enum figure_kind)i;
                return 0;
            }
    if (!kind)
        text_format(&reader->text, "figure %s needs a kind: ", reader->spec->name);
    else
        text_format(&reader->text, "figure %s: no kind of figure is called \"%s\"; there are ", reader->spec->name,
                    kind->kind == NODE_SCALAR ? kind->text : node_describe(kind));
    for (size_t i = 0; i < KIND_COUNT; i++)
        text_format(&reader->text, "%s%s", i ? ", " : "", figure_kinds[i]);
    if (kind && kind->kind == NODE_SCALAR)
        text_suggest(&reader->text, kind->text, figure_kinds, KIND_COUNT);
    refuse(reader, kind ? kind : node);
    return -1;
}

/* What the kind asks for besides its mapping's own keys; and the axes that it starts from. */
static void set_defaults(struct figure_spec *spec)
{
    spec->lines = spec->points = -1;
    spec->multiplier = 1;
    spec->fit = true;
    spec->x_range[0] = spec->x_range[1] = spec->y_range[0] = spec->y_range[1] = NAN;
    spec->bootstrap = 200;
    spec->window = 10;
    switch (spec->kind) {
    case KIND_LOGLOG:
        spec->x_log = spec->y_log = true;
        break;
    case KIND_FRONTIER:
    case KIND_ISOFLOP:
        spec->x = "flops";
        spec->group = "params";
        spec->x_log = true;
        spec->y_log = spec->kind == KIND_FRONTIER;
        spec->band = BAND_NONE;
        break;
    case KIND_SCATTER:
        spec->band = BAND_NONE;
        spec->others = OTHERS_MEAN; /* a point for each row, whatever else was swept */
        break;
    case KIND_HEATMAP:
        spec->band = BAND_NONE;
        spec->others = OTHERS_BEST;
        break;
    case KIND_BARS:
        spec->x = "case";
        spec->others = OTHERS_BEST;
        break;
    case KIND_EXAMPLES:
        spec->count = 40;
        break;
    case KIND_HISTOGRAM:
        spec->of = values[0];
        spec->steps = 6;
        break;
    case KIND_FILTERS:
        spec->count = 64;
        break;
    case KIND_CURVE:
    case KIND_MOVING_AVERAGE:
    case KIND_CONFUSION:
    case KIND_ARCHITECTURE:
    case KIND_COUNT:
        break;
    }
}

/* A law is drawn further where the axis is logarithmic. */
static double default_extend(const struct figure_spec *spec)
{
    return spec->x_log ? 10 : 1.25;
}

static void require(struct reader *reader, const struct node *node)
{
    struct figure_spec *spec = reader->spec;
    if (spec->extend == 0)
        spec->extend = default_extend(spec);
    if ((MODEL | KIND(HISTOGRAM)) >> spec->kind & 1u)
        return;
    if (!spec->x && spec->kind != KIND_MOVING_AVERAGE && !node_get(node, "x")) {
        text_format(&reader->text, "figure %s needs x: a swept path, params, flops, epoch or another column of "
                                   "`isoflop export`", spec->name);
        refuse(reader, node);
    }
    if (spec->kind == KIND_HEATMAP && !spec->group && !node_get(node, "y")) {
        text_format(&reader->text, "figure %s needs y: the other swept path", spec->name);
        refuse(reader, node);
    }
    if (spec->kind == KIND_HEATMAP && !spec->y_count && !node_get(node, "value")) {
        text_format(&reader->text, "figure %s needs value: the column to show, such as validation.loss", spec->name);
        refuse(reader, node);
    }
    const struct node *rest = node_get(node, "others");
    if (rest && spec->others == OTHERS_SEPARATE && (spec->kind == KIND_HEATMAP || spec->kind == KIND_BARS)) {
        text_format(&reader->text, "figure %s: others must be best or mean: a %s has one value at each place",
                    spec->name, spec->kind == KIND_BARS ? "figure of bars" : "heatmap");
        refuse(reader, rest);
    }
    if (!spec->y_count && !(COMPUTE >> spec->kind & 1u) && spec->kind != KIND_HEATMAP && !node_get(node, "y")) {
        text_format(&reader->text, "figure %s needs y: the column to show, such as validation.loss", spec->name);
        refuse(reader, node);
    }
    const struct node *multiplier = node_get(node, "multiplier");
    if (multiplier && spec->multiplier == 0) {
        text_format(&reader->text, "figure %s: multiplier must not be 0: all points would stand at one x", spec->name);
        refuse(reader, multiplier);
    }
    const struct node *range = node_get(node, "x_range");
    if (range && spec->x_log && spec->x_range[0] <= 0) {
        text_format(&reader->text, "figure %s: x_range must be above 0 on a logarithmic axis", spec->name);
        refuse(reader, range);
    }
    range = node_get(node, "y_range");
    if (range && spec->y_log && spec->y_range[0] <= 0) {
        text_format(&reader->text, "figure %s: y_range must be above 0 on a logarithmic axis", spec->name);
        refuse(reader, range);
    }
}

static struct figure_spec *spec_new(const char *name)
{
    struct arena *arena = arena_new();
    struct figure_spec *spec = arena ? arena_zero(arena, 1, sizeof *spec) : NULL;
    if (!spec || !(spec->name = arena_copy(arena, name, strlen(name)))) {
        arena_free(arena);
        return NULL;
    }
    spec->arena = arena;
    return spec;
}

/* Names become names of files. */
static bool name_is_plain(const char *name)
{
    return name[0] && name[0] != '.' && strlen(name) <= 100 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == strlen(name);
}

struct figure_spec *figure_spec_read(const char *name, const struct node *node, struct diagnostics *found)
{
    struct reader reader = { .spec = spec_new(name), .found = found };
    if (!reader.spec) {
        diagnostics_add(found, SEVERITY_ERROR, node, "out of memory");
        return NULL;
    }
    if (!name_is_plain(name)) {
        text_format(&reader.text, "\"%s\" can't name a figure: letters, digits, \"_\" and \"-\" only, as it becomes "
                                  "the name of a file", name);
        refuse(&reader, node);
    }
    if (node->kind != NODE_MAP) {
        text_format(&reader.text, "figure %s must be a mapping such as {kind: curve, x: epoch, y: validation.loss}, "
                                  "not %s", name, node_describe(node));
        refuse(&reader, node);
    } else if (!read_kind(&reader, node)) {
        set_defaults(reader.spec);
        for (size_t i = 0; i < node->count; i++)
            read_key(&reader, node->keys[i], node->values[i]);
        require(&reader, node);
    }
    text_free(&reader.text);
    if (reader.failed) {
        figure_spec_free(reader.spec);
        return NULL;
    }
    return reader.spec;
}

struct figure_spec *figure_spec_of_columns(const char *name, const char *x, const char *y, const char *group,
                                           bool loglog, uint64_t window, struct iso_error *err)
{
    struct figure_spec *spec = spec_new(name);
    if (!spec)
        goto out_of_memory;
    spec->kind = window ? KIND_MOVING_AVERAGE : loglog ? KIND_LOGLOG : KIND_CURVE;
    set_defaults(spec);
    if (loglog)
        spec->x_log = spec->y_log = true;
    spec->window = window;
    spec->y = arena_zero(spec->arena, 1, sizeof *spec->y);
    if (!spec->y || !(spec->y[0] = arena_copy(spec->arena, y, strlen(y))))
        goto out_of_memory;
    spec->y_count = 1;
    if (x && !(spec->x = arena_copy(spec->arena, x, strlen(x))))
        goto out_of_memory;
    if (group && !(spec->group = arena_copy(spec->arena, group, strlen(group))))
        goto out_of_memory;
    return spec;

out_of_memory:
    figure_spec_free(spec);
    error_memory(err);
    return NULL;
}

void figure_spec_free(struct figure_spec *spec)
{
    if (spec)
        arena_free(spec->arena);
}

const char *figure_spec_name(const struct figure_spec *spec)
{
    return spec->name;
}
