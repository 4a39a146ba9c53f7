/* Values of parameters: one reader for recipes and for the defaults of parameter tables. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/numbers.h"
#include "plugin/internal.h"

enum { CHOICES_MAX = 64 };

static const struct {
    const char *name;
    size_t size, alignment;
} types[] = {
    [ISO_TYPE_REAL] = { "real", sizeof(double), _Alignof(double) },
    [ISO_TYPE_INT] = { "int", sizeof(int64_t), _Alignof(int64_t) },
    [ISO_TYPE_FLAG] = { "flag", sizeof(bool), _Alignof(bool) },
    [ISO_TYPE_CHOICE] = { "choice", sizeof(int), _Alignof(int) },
    [ISO_TYPE_TEXT] = { "text", sizeof(const char *), _Alignof(const char *) },
    [ISO_TYPE_PATH] = { "path", sizeof(const char *), _Alignof(const char *) },
    [ISO_TYPE_REALS] = { "reals", sizeof(struct iso_reals), _Alignof(struct iso_reals) },
    [ISO_TYPE_INTS] = { "ints", sizeof(struct iso_ints), _Alignof(struct iso_ints) },
};

static bool type_known(int type)
{
    return type > 0 && type < (int)(sizeof types / sizeof *types);
}

size_t value_size(int type)
{
    return type_known(type) ? types[type].size : 0;
}

size_t value_alignment(int type)
{
    return type_known(type) ? types[type].alignment : 1;
}

const char *plugin_type_name(int type)
{
    return type_known(type) ? types[type].name : "unknown";
}

const char *value_choice(const char *choices, size_t index, size_t *length)
{
    while (choices && index-- > 0) {
        choices = strchr(choices, '|');
        choices = choices ? choices + 1 : NULL;
    }
    *length = choices ? strcspn(choices, "|") : 0;
    return choices;
}

const struct iso_param *value_reference(const struct iso_param *params, const struct iso_param *param)
{
    for (const struct iso_param *earlier = params; param->initial && earlier < param; earlier++)
        if (earlier->type == param->type && !strcmp(earlier->name, param->initial))
            return earlier;
    return NULL;
}

const struct iso_param *plugin_default_of(const struct plugin *plugin, const struct iso_param *param)
{
    return value_reference(plugin->params, param);
}

void value_bounds(const struct iso_param *param, struct text *out)
{
    char low[NUMBER_TEXT], high[NUMBER_TEXT];
    number_text(param->min, low);
    number_text(param->max, high);
    if (isfinite(param->min) && isfinite(param->max))
        text_format(out, "between %s and %s", low, high);
    else if (isfinite(param->min))
        text_format(out, "at least %s", low);
    else if (isfinite(param->max))
        text_format(out, "at most %s", high);
}

/* "must be WHAT BOUNDS, not SUCH (help; default ...)" */
static int fail(const struct iso_param *param, const char *what, bool bounds, const struct node *node,
                struct iso_error *err)
{
    struct text text = { 0 };
    const bool number = param->type == ISO_TYPE_REAL || param->type == ISO_TYPE_INT ||
                        param->type == ISO_TYPE_REALS || param->type == ISO_TYPE_INTS;
    text_format(&text, "must be %s", what);
    if (bounds && number) {
        if (*what)
            text_add_string(&text, " ");
        value_bounds(param, &text);
        if (text.length && text.data[text.length - 1] == ' ')
            text.data[--text.length] = 0;
    }
    if (node->kind == NODE_SCALAR && !*what)
        text_format(&text, ", not %.100s", node->text);
    else
        text_format(&text, ", not %s", node_describe(node));
    text_format(&text, " (%s%s%s)", param->help, param->initial ? "; default " : "",
                param->initial ? param->initial : "");
    iso_fail(err, "%s", text.data ? text.data : "out of memory");
    text_free(&text);
    return -1;
}

static int read_real(const struct iso_param *param, const struct node *node, double *value, struct iso_error *err)
{
    if (!node_real(node, value))
        return fail(param, "a number", true, node, err);
    if (!isfinite(*value))
        return fail(param, "a finite number", true, node, err);
    if (!(*value >= param->min && *value <= param->max))
        return fail(param, "", true, node, err);
    return 0;
}

static int read_int(const struct iso_param *param, const struct node *node, int64_t *value, struct iso_error *err)
{
    if (!node_int(node, value))
        return fail(param, "a whole number", true, node, err);
    if (!((double)*value >= param->min && (double)*value <= param->max))
        return fail(param, "", true, node, err);
    return 0;
}

static int read_choice(const struct iso_param *param, const struct node *node, int *value, struct iso_error *err)
{
    const char *words[CHOICES_MAX];
    char copies[CHOICES_MAX][64];
    size_t count = 0, length;
    const bool scalar = node->kind == NODE_SCALAR;
    for (const char *word; count < CHOICES_MAX && (word = value_choice(param->choices, count, &length)); count++) {
        if (length >= sizeof copies[count])
            length = sizeof copies[count] - 1;
        memcpy(copies[count], word, length);
        copies[count][length] = 0;
        words[count] = copies[count];
        if (scalar && !strcmp(node->text, words[count])) {
            *value = (int)count;
            return 0;
        }
    }
    struct text text = { 0 };
    text_add_string(&text, "must be one of ");
    for (size_t i = 0; i < count; i++)
        text_format(&text, "%s%s", i ? ", " : "", words[i]);
    if (scalar)
        text_format(&text, ", not \"%.100s\"", node->text);
    else
        text_format(&text, ", not %s", node_describe(node));
    text_format(&text, " (%s%s%s)", param->help, param->initial ? "; default " : "",
                param->initial ? param->initial : "");
    if (scalar)
        text_suggest(&text, node->text, words, count);
    iso_fail(err, "%s", text.data ? text.data : "out of memory");
    text_free(&text);
    return -1;
}

/* An absolute path: relative ones start from `folder`, or from the current folder. An empty one stays so: none. */
static const char *absolute(const char *path, const char *folder, struct arena *arena)
{
    char current[4096] = "";
    if (folder && !strcmp(folder, "."))
        folder = "";
    if (path[0] == '/' || !path[0])
        return arena_copy(arena, path, strlen(path));
    if ((!folder || folder[0] != '/') && !getcwd(current, sizeof current))
        return NULL;
    return arena_format(arena, "%s%s%s/%s", current, *current && folder && *folder ? "/" : "", folder ? folder : "",
                        path);
}

static int read_word(const struct iso_param *param, const struct node *node, const char *folder, struct arena *arena,
                     const char **value, struct iso_error *err)
{
    if (node->kind != NODE_SCALAR || node_is_null(node))
        return fail(param, param->type == ISO_TYPE_PATH ? "a path" : "a text", false, node, err);
    const double length = (double)strlen(node->text);
    if (length < param->min || length > param->max) {
        char low[NUMBER_TEXT], high[NUMBER_TEXT];
        number_text(param->min, low);
        number_text(param->max, high);
        return iso_fail(err, "must be %s to %s bytes long, not %.0f (%s)", low, high, length, param->help);
    }
    *value = param->type == ISO_TYPE_PATH ? absolute(node->text, folder, arena)
                                          : arena_copy(arena, node->text, strlen(node->text));
    return *value ? 0 : error_memory(err);
}

int value_read(const struct iso_param *param, const struct node *node, const char *folder, struct arena *arena,
               void *field, const struct node **where, struct iso_error *err)
{
    *where = node;
    switch (param->type) {
    case ISO_TYPE_REAL:
        return read_real(param, node, field, err);
    case ISO_TYPE_INT:
        return read_int(param, node, field, err);
    case ISO_TYPE_FLAG:
        return node_flag(node, field) ? 0 : fail(param, "true or false", false, node, err);
    case ISO_TYPE_CHOICE:
        return read_choice(param, node, field, err);
    case ISO_TYPE_TEXT:
    case ISO_TYPE_PATH:
        return read_word(param, node, folder, arena, field, err);
    case ISO_TYPE_REALS:
    case ISO_TYPE_INTS:
        break;
    default:
        return iso_fail(err, "has a type that this isoflop does not know");
    }
    if (node->kind != NODE_LIST)
        return fail(param, "a list of numbers", true, node, err);
    const bool real = param->type == ISO_TYPE_REALS;
    double *reals = real ? arena_zero(arena, node->count + 1, sizeof *reals) : NULL;
    int64_t *ints = real ? NULL : arena_zero(arena, node->count + 1, sizeof *ints);
    if (!reals && !ints)
        return error_memory(err);
    for (size_t i = 0; i < node->count; i++) {
        *where = node->values[i];
        if (real ? read_real(param, *where, &reals[i], err) : read_int(param, *where, &ints[i], err))
            return -1;
    }
    *where = node;
    if (real)
        *(struct iso_reals *)field = (struct iso_reals){ node->count, reals };
    else
        *(struct iso_ints *)field = (struct iso_ints){ node->count, ints };
    return 0;
}

int value_parse(const struct iso_param *param, const char *text, const char *folder, struct arena *arena, void *field,
                struct iso_error *err)
{
    const struct node *where;
    if (param->type != ISO_TYPE_REALS && param->type != ISO_TYPE_INTS) {
        const size_t length = strlen(text);
        const bool word = param->type == ISO_TYPE_TEXT || param->type == ISO_TYPE_PATH;
        const struct node node = { .kind = NODE_SCALAR,
                                   .line = 1,
                                   .column = 1,
                                   .width = 1,
                                   .text = arena_copy(arena, text, length),
                                   .plain = !word };
        return node.text ? value_read(param, &node, folder, arena, field, &where, err) : error_memory(err);
    }
    struct diagnostics *found = diagnostics_new();
    struct tree *tree = found ? tree_parse(param->name, text, strlen(text), found) : NULL;
    int status;
    if (tree && tree->root)
        status = value_read(param, tree->root, folder, arena, field, &where, err);
    else
        status = found ? iso_fail(err, "must be a list of numbers such as [1, 2], not \"%.100s\"", text)
                       : error_memory(err);
    tree_free(tree);
    diagnostics_free(found);
    return status;
}

bool value_equal(int type, const void *a, const void *b)
{
    const struct iso_reals *p = a, *q = b;
    const struct iso_ints *m = a, *n = b;
    switch (type) {
    case ISO_TYPE_REAL:
        return *(const double *)a == *(const double *)b;
    case ISO_TYPE_TEXT:
    case ISO_TYPE_PATH:
        return !strcmp(*(const char *const *)a, *(const char *const *)b);
    case ISO_TYPE_REALS:
        for (size_t i = 0; p->count == q->count && i < p->count; i++)
            if (p->values[i] != q->values[i])
                return false;
        return p->count == q->count;
    case ISO_TYPE_INTS:
        return m->count == n->count && (!m->count || !memcmp(m->values, n->values, m->count * sizeof *m->values));
    default:
        return !memcmp(a, b, value_size(type));
    }
}

static void json_real(double value, struct text *out)
{
    char number[NUMBER_TEXT];
    number_text(value, number);
    text_add_string(out, number);
}

void value_json(const struct iso_param *param, const void *field, struct text *out)
{
    size_t length;
    const char *word;
    struct node node = { .kind = NODE_SCALAR };
    switch (param->type) {
    case ISO_TYPE_REAL:
        json_real(*(const double *)field, out);
        break;
    case ISO_TYPE_INT:
        text_format(out, "%lld", (long long)*(const int64_t *)field);
        break;
    case ISO_TYPE_FLAG:
        text_add_string(out, *(const bool *)field ? "true" : "false");
        break;
    case ISO_TYPE_CHOICE:
        word = value_choice(param->choices, (size_t)*(const int *)field, &length);
        text_format(out, "\"%.*s\"", (int)length, word ? word : "");
        break;
    case ISO_TYPE_TEXT:
    case ISO_TYPE_PATH:
        /* Quoted, so that node_json writes a string; it does not change the text. */
        node.text = *(char *const *)field;
        node_json(&node, out);
        break;
    case ISO_TYPE_REALS:
    case ISO_TYPE_INTS:
        text_add_string(out, "[");
        if (param->type == ISO_TYPE_REALS)
            for (size_t i = 0; i < ((const struct iso_reals *)field)->count; i++) {
                text_add_string(out, i ? "," : "");
                json_real(((const struct iso_reals *)field)->values[i], out);
            }
        else
            for (size_t i = 0; i < ((const struct iso_ints *)field)->count; i++)
                text_format(out, "%s%lld", i ? "," : "", (long long)((const struct iso_ints *)field)->values[i]);
        text_add_string(out, "]");
        break;
    default:
        text_add_string(out, "null");
        break;
    }
}

size_t plugin_tries(const struct iso_param *param, struct arena *arena, const char *values[PLUGIN_TRIES])
{
    size_t count = 0, length;
    char number[NUMBER_TEXT];
    const bool numeric = param->type == ISO_TYPE_REAL || param->type == ISO_TYPE_INT;
    if (param->type == ISO_TYPE_CHOICE)
        for (const char *word; count < PLUGIN_TRIES && (word = value_choice(param->choices, count, &length)); count++)
            values[count] = arena_copy(arena, word, length);
    if (param->type == ISO_TYPE_FLAG) {
        values[count++] = "false";
        values[count++] = "true";
    }
    if (count)
        return count;
    const double bounds[2] = { param->min, param->max };
    const char *const tries[2] = { param->try_min, param->try_max };
    for (int i = 0; i < 2; i++)
        if (tries[i]) {
            values[count++] = tries[i];
        } else if (numeric && isfinite(bounds[i])) {
            number_text(bounds[i], number);
            values[count++] = arena_copy(arena, number, strlen(number));
        }
    return count;
}
