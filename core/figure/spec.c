/* Reads the entries of a recipe's `figures:`. One table says which options each kind takes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "figure/spec.h"

const char *const figure_kinds[KIND_COUNT] = { "curve", "moving_average", "loglog", "frontier" };
static const char *const bands[] = { "sd", "se", "minmax", "quantiles", "none", NULL };
static const char *const others[] = { "separate", "best", "mean", NULL };
static const char *const tables[] = { "auto", "trials", "points", NULL };
static const char *const axes[] = { "linear", "log-log", "log-linear", "linear-log", NULL };
static const char *const computes[] = { "flops", "flops_matmul", "flops_6nd", "flops_report", NULL };

enum { CURVE = 1u << KIND_CURVE, MOVING = 1u << KIND_MOVING_AVERAGE, LOGLOG = 1u << KIND_LOGLOG,
       FRONTIER = 1u << KIND_FRONTIER, ANY = CURVE | MOVING | LOGLOG | FRONTIER };

enum option { OPTION_KIND, OPTION_X, OPTION_Y, OPTION_GROUP, OPTION_BAND, OPTION_AXES, OPTION_LINES, OPTION_POINTS,
              OPTION_OTHERS, OPTION_TABLE, OPTION_WINDOW, OPTION_START, OPTION_MULTIPLIER, OPTION_FIT, OPTION_BOOTSTRAP, OPTION_EXTEND,
              OPTION_COMPUTE,
              OPTION_SIZE, OPTION_TITLE, OPTION_CAPTION, OPTION_X_LABEL, OPTION_Y_LABEL, OPTION_X_RANGE,
              OPTION_Y_RANGE, OPTION_COUNT };
static const struct {
    const char *name;
    unsigned kinds;
} options[OPTION_COUNT] = {
    [OPTION_KIND] = { "kind", ANY },
    [OPTION_X] = { "x", CURVE | MOVING | LOGLOG },
    [OPTION_Y] = { "y", ANY },
    [OPTION_GROUP] = { "group", CURVE | MOVING | LOGLOG },
    [OPTION_BAND] = { "band", CURVE | MOVING | LOGLOG },
    [OPTION_AXES] = { "axes", CURVE | MOVING | FRONTIER },
    [OPTION_LINES] = { "lines", ANY },
    [OPTION_POINTS] = { "points", ANY },
    [OPTION_OTHERS] = { "others", CURVE | MOVING | LOGLOG },
    [OPTION_TABLE] = { "table", CURVE | MOVING | LOGLOG },
    [OPTION_WINDOW] = { "window", MOVING },
    [OPTION_START] = { "start", MOVING },
    [OPTION_MULTIPLIER] = { "multiplier", MOVING },
    [OPTION_FIT] = { "fit", LOGLOG | FRONTIER },
    [OPTION_BOOTSTRAP] = { "bootstrap", FRONTIER },
    [OPTION_EXTEND] = { "extend", FRONTIER },
    [OPTION_COMPUTE] = { "compute", FRONTIER },
    [OPTION_SIZE] = { "size", FRONTIER },
    [OPTION_TITLE] = { "title", ANY },
    [OPTION_CAPTION] = { "caption", ANY },
    [OPTION_X_LABEL] = { "x_label", ANY },
    [OPTION_Y_LABEL] = { "y_label", ANY },
    [OPTION_X_RANGE] = { "x_range", ANY },
    [OPTION_Y_RANGE] = { "y_range", ANY },
};

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

static double read_real(struct reader *reader, const char *option, const struct node *node)
{
    double value = 0;
    if (!node_real(node, &value) || !isfinite(value)) {
        text_format(&reader->text, "figure %s: %s must be a number, not %s", reader->spec->name, option,
                    node_describe(node));
        refuse(reader, node);
    }
    return value;
}

static void read_range(struct reader *reader, const char *option, const struct node *node, double *low, double *high)
{
    double a, b;
    if (node->kind == NODE_LIST && node->count == 2 && node_real(node->values[0], &a) &&
        node_real(node->values[1], &b) && isfinite(a) && isfinite(b) && a < b) {
        *low = a;
        *high = b;
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
    if (node->kind == NODE_LIST && (spec->kind == KIND_FRONTIER || spec->kind == KIND_LOGLOG || !count)) {
        text_format(&reader->text, "figure %s: y must be the name of one column, not %s", spec->name,
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
        spec->y[i] = read_text(reader, "y", node->kind == NODE_LIST ? node->values[i] : node, false);
    spec->y_count = count;
}

static void read_option(struct reader *reader, enum option option, const struct node *node)
{
    struct figure_spec *spec = reader->spec;
    const char *name = options[option].name;
    int64_t whole;
    switch (option) {
    case OPTION_KIND:
    case OPTION_COUNT:
        break;
    case OPTION_X:
        spec->x = read_text(reader, name, node, false);
        break;
    case OPTION_Y:
        read_y(reader, node);
        break;
    case OPTION_GROUP:
    case OPTION_SIZE:
        spec->group = read_text(reader, name, node, false);
        break;
    case OPTION_BAND:
        spec->band = (enum band)read_choice(reader, name, node, bands);
        spec->band_given = true;
        break;
    case OPTION_AXES: {
        int choice = read_choice(reader, name, node, axes);
        spec->x_log = choice == 1 || choice == 2;
        spec->y_log = choice == 1 || choice == 3;
        break;
    }
    case OPTION_LINES:
        spec->lines = read_flag(reader, name, node);
        break;
    case OPTION_POINTS:
        spec->points = read_flag(reader, name, node);
        break;
    case OPTION_OTHERS:
        spec->others = (enum others)read_choice(reader, name, node, others);
        break;
    case OPTION_TABLE:
        spec->table = (enum source_table)read_choice(reader, name, node, tables);
        break;
    case OPTION_WINDOW:
        if (!node_int(node, &whole) || whole < 1) {
            text_format(&reader->text, "figure %s: window must be a whole number of measurements, at least 1, not %s",
                        spec->name, node_describe(node));
            refuse(reader, node);
        } else {
            spec->window = (uint64_t)whole;
        }
        break;
    case OPTION_START:
        spec->start = read_real(reader, name, node);
        break;
    case OPTION_MULTIPLIER:
        spec->multiplier = read_real(reader, name, node);
        break;
    case OPTION_FIT:
        spec->fit = read_flag(reader, name, node);
        break;
    case OPTION_BOOTSTRAP:
        if (!node_int(node, &whole) || whole < 0 || whole > 100000) {
            text_format(&reader->text, "figure %s: bootstrap must be a whole number of resamples, at most 100000 (0: "
                                       "none), not %s", spec->name, node_describe(node));
            refuse(reader, node);
        } else {
            spec->bootstrap = (uint64_t)whole;
        }
        break;
    case OPTION_EXTEND:
        spec->extend = read_real(reader, name, node);
        if (!(spec->extend >= 1 && spec->extend <= 1e6)) {
            text_format(&reader->text, "figure %s: extend must be a factor of 1 to 1e6 by which a law goes beyond the "
                                       "data, not %s", spec->name, node_describe(node));
            refuse(reader, node);
        }
        break;
    case OPTION_COMPUTE:
        spec->x = computes[read_choice(reader, name, node, computes)];
        break;
    case OPTION_TITLE:
        spec->title = read_text(reader, name, node, true);
        break;
    case OPTION_CAPTION:
        spec->caption = read_text(reader, name, node, true);
        break;
    case OPTION_X_LABEL:
        spec->x_label = read_text(reader, name, node, true);
        break;
    case OPTION_Y_LABEL:
        spec->y_label = read_text(reader, name, node, true);
        break;
    case OPTION_X_RANGE:
        read_range(reader, name, node, &spec->x_low, &spec->x_high);
        break;
    case OPTION_Y_RANGE:
        read_range(reader, name, node, &spec->y_low, &spec->y_high);
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
            read_option(reader, (enum option)i, value);
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
    spec->x_low = spec->x_high = spec->y_low = spec->y_high = NAN;
    spec->x_log = spec->y_log = spec->kind == KIND_LOGLOG || spec->kind == KIND_FRONTIER;
    spec->bootstrap = 200;
    if (spec->kind == KIND_FRONTIER) {
        spec->x = "flops";
        spec->group = "params";
        spec->band = BAND_NONE;
    }
    if (spec->kind == KIND_MOVING_AVERAGE)
        spec->window = 10;
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
    if (!spec->x && spec->kind != KIND_MOVING_AVERAGE && !node_get(node, "x")) {
        text_format(&reader->text, "figure %s needs x: a swept path, params, flops, epoch or another column of "
                                   "`isoflop export`", spec->name);
        refuse(reader, node);
    }
    if (!spec->y_count && spec->kind != KIND_FRONTIER && !node_get(node, "y")) {
        text_format(&reader->text, "figure %s needs y: the column to show, such as validation.loss", spec->name);
        refuse(reader, node);
    }
    const struct node *multiplier = node_get(node, "multiplier");
    if (multiplier && spec->multiplier == 0) {
        text_format(&reader->text, "figure %s: multiplier must not be 0: all points would stand at one x", spec->name);
        refuse(reader, multiplier);
    }
    const struct node *range = node_get(node, "x_range");
    if (range && spec->x_log && spec->x_low <= 0) {
        text_format(&reader->text, "figure %s: x_range must be above 0 on a logarithmic axis", spec->name);
        refuse(reader, range);
    }
    range = node_get(node, "y_range");
    if (range && spec->y_log && spec->y_low <= 0) {
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
