/* Trees as text: canonical JSON, and YAML that reads back the same. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"
#include "recipe/tree.h"

static int by_key(const void *a, const void *b)
{
    const struct node *const *x = a, *const *y = b;
    return strcmp((*x)->text, (*y)->text);
}

/* A plain scalar that is no text: null, true, false, a number in its shortest exact form. */
static bool add_typed(const struct node *node, struct text *out)
{
    bool flag;
    int64_t whole;
    double real;
    if (node_is_null(node)) {
        text_add_string(out, "null");
    } else if (node_flag(node, &flag)) {
        text_add_string(out, flag ? "true" : "false");
    } else if (node_int(node, &whole)) {
        text_format(out, "%" PRId64, whole);
    } else if (node_real(node, &real)) {
        char number[NUMBER_TEXT];
        number_text(real, number);
        if (strpbrk(number, "fa")) /* .inf, .nan: JSON has no such numbers */
            text_add_json(out, number);
        else
            text_add_string(out, number);
    } else {
        return false;
    }
    return true;
}

void node_json(const struct node *node, struct text *out)
{
    if (!node) {
        text_add_string(out, "null");
        return;
    }
    if (node->kind == NODE_SCALAR) {
        if (!add_typed(node, out))
            text_add_json(out, node->text);
        return;
    }
    if (node->kind == NODE_LIST) {
        text_add_string(out, "[");
        for (size_t i = 0; i < node->count; i++) {
            if (i)
                text_add_string(out, ",");
            node_json(node->values[i], out);
        }
        text_add_string(out, "]");
        return;
    }
    struct node **keys = memory_array(node->count, sizeof *keys);
    if (!keys) {
        out->failed = true;
        return;
    }
    if (node->count) {
        memcpy(keys, node->keys, node->count * sizeof *keys);
        qsort(keys, node->count, sizeof *keys, by_key);
    }
    text_add_string(out, "{");
    for (size_t i = 0; i < node->count; i++) {
        if (i)
            text_add_string(out, ",");
        text_add_json(out, keys[i]->text);
        text_add_string(out, ":");
        node_json(node_get(node, keys[i]->text), out);
    }
    text_add_string(out, "}");
    free(keys);
}

/* ---- YAML ---- */

/* May a text stand without quotes, in any context? Fewer may here than YAML allows. */
static bool safe_plain(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+-";
    const size_t length = strlen(text);
    if (!length || text[0] == ' ' || text[length - 1] == ' ')
        return false;
    if (text[0] == '-' && !(text[1] >= '0' && text[1] <= '9') && text[1] != '.')
        return false;
    if (!strncmp(text, "---", 3) || !strncmp(text, "...", 3))
        return false;
    for (const char *c = text; *c; c++)
        if (!strchr(letters, *c) && *c != ' ')
            return false;
    return true;
}

static void yaml_scalar(const struct node *node, struct text *out)
{
    double real;
    bool flag;
    const bool typed = node->plain && (node_is_null(node) || node_flag(node, &flag) || node_real(node, &real));
    if (typed && !node->text[0]) {
        text_add_string(out, "null");
        return;
    }
    struct node plain = *node; /* would it be a text without quotes? */
    plain.plain = true;
    const bool text_if_plain = !node_is_null(&plain) && !node_flag(&plain, &flag) && !node_real(&plain, &real);
    if ((typed && (safe_plain(node->text) || !strcmp(node->text, "~"))) || (text_if_plain && safe_plain(node->text)))
        text_add_string(out, node->text);
    else
        text_add_json(out, node->text); /* a JSON string is a double-quoted YAML one */
}

static void yaml_key(const struct node *key, struct text *out)
{
    if (safe_plain(key->text))
        text_add_string(out, key->text);
    else
        text_add_json(out, key->text);
}

static void yaml_flow(const struct node *node, struct text *out)
{
    if (node->kind == NODE_SCALAR) {
        yaml_scalar(node, out);
        return;
    }
    const bool map = node->kind == NODE_MAP;
    text_add_string(out, map ? "{" : "[");
    for (size_t i = 0; i < node->count; i++) {
        if (i)
            text_add_string(out, ", ");
        if (map) {
            yaml_key(node->keys[i], out);
            text_add_string(out, ": ");
        }
        yaml_flow(node->values[i], out);
    }
    text_add_string(out, map ? "}" : "]");
}

/* Block style for the upper levels; what holds scalars alone stands in one line. */
static void yaml_block(const struct node *node, unsigned indent, struct text *out)
{
    for (size_t i = 0; i < node->count; i++) {
        const struct node *value = node->values[i];
        bool simple = value->kind != NODE_MAP || !value->count || indent >= 4;
        if (value->kind == NODE_MAP && indent) {
            simple = true;
            for (size_t k = 0; k < value->count; k++)
                simple = simple && value->values[k]->kind == NODE_SCALAR;
        }
        text_format(out, "%*s", (int)indent, "");
        yaml_key(node->keys[i], out);
        text_add_string(out, ":");
        if (simple) {
            text_add_string(out, " ");
            yaml_flow(value, out);
            text_add_string(out, "\n");
        } else {
            text_add_string(out, "\n");
            yaml_block(value, indent + 2, out);
        }
    }
}

void node_yaml(const struct node *node, struct text *out)
{
    if (node && node->kind == NODE_MAP && node->count) {
        yaml_block(node, 0, out);
        return;
    }
    if (node)
        yaml_flow(node, out);
    text_add_string(out, "\n");
}
