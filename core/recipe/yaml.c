/* YAML to trees, over libyaml's events. libyaml takes duplicate keys, unknown anchors and endless nesting without a
 * word, so these are looked after here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/file.h"
#include "recipe/source.h"
#include "recipe/utf8.h"

#define FILE_MAX ((size_t)1 << 20)
#define DEPTH_MAX 64
#define NODES_MAX 65536 /* aliases expanded */
#define KEYS_MAX 2048
#define KEY_LENGTH_MAX 150 /* written as JSON it still is a simple key for YAML, which has at most 1024 characters */
#define ANCHORS_MAX 256

struct anchor {
    char *name;
    struct node *node;
    bool open; /* its node is still being read */
};

struct reader {
    yaml_parser_t parser;
    struct tree *tree;
    struct source *source;
    struct diagnostics *found;
    unsigned column_shift; /* of the first line */
    size_t nodes;
    struct anchor anchors[ANCHORS_MAX];
    size_t anchor_count;
};

/* A place in the text, for messages and nodes. */
static struct node place(const struct reader *reader, const yaml_mark_t *start, const yaml_mark_t *end)
{
    struct node node = { .source = reader->source, .line = (unsigned)start->line + 1, .width = 1 };
    node.column = (unsigned)start->column + 1 + (start->line ? 0 : reader->column_shift);
    if (end && end->line == start->line && end->column > start->column)
        node.width = (unsigned)(end->column - start->column);
    return node;
}

static int fault(struct reader *reader, const struct node *where, const char *message)
{
    return diagnostics_add(reader->found, SEVERITY_ERROR, where, "%s", message);
}

/* What libyaml says of a syntax error, with what most often is behind it. */
static void syntax_error(struct reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    const char *problem = parser->problem ? parser->problem : "it can't be read", *tip = "", *line, *end;
    if (parser->error == YAML_MEMORY_ERROR) {
        fault(reader, NULL, "out of memory");
        return;
    }
    struct node where = place(reader, &parser->problem_mark, NULL);
    if (utf8_line(reader->source->text, reader->source->length, where.line, &line, &end)) {
        for (unsigned i = 1; i < where.column && line < end; i++)
            line += utf8_length(line, end);
        if (line < end && *line == '\t') {
            fault(reader, &where, "a tab can't be used here; indent with spaces");
            return;
        }
    }
    if (strstr(problem, "mapping values are not allowed"))
        tip = "; a text that holds a colon and a space needs quotes, and a key starts a line of its own";
    else if (strstr(problem, "could not find expected ':'"))
        tip = "; a key is followed by a colon and a space";
    else if (strstr(problem, "did not find expected key"))
        tip = "; look at the indentation of this line and of those above";
    else if (strstr(problem, "cannot start any token"))
        tip = "; a text that starts with this character needs quotes";
    else if (strstr(problem, "',' or"))
        tip = "; is a bracket, brace or comma missing?";
    const bool text_left = utf8_line(reader->source->text, reader->source->length, where.line, &line, &end) &&
        line < end;
    if (parser->context && !text_left) { /* the end came too early: show where it began */
        where = place(reader, &parser->context_mark, NULL);
        diagnostics_add(reader->found, SEVERITY_ERROR, &where, "this is no YAML: the text ends %s that starts here; %s",
                        parser->context,
                        strstr(parser->context, "quoted") ? "is the closing quote missing?" : "is its end missing?");
    } else if (parser->context && parser->context_mark.line != parser->problem_mark.line) {
        diagnostics_add(reader->found, SEVERITY_ERROR, &where, "this is no YAML: %s (%s that starts in line %zu)%s",
                        problem, parser->context, parser->context_mark.line + 1, tip);
    } else if (parser->context) {
        diagnostics_add(reader->found, SEVERITY_ERROR, &where, "this is no YAML: %s (%s)%s", problem, parser->context,
                        tip);
    } else {
        diagnostics_add(reader->found, SEVERITY_ERROR, &where, "this is no YAML: %s%s", problem, tip);
    }
}

static int next_event(struct reader *reader, yaml_event_t *event)
{
    if (yaml_parser_parse(&reader->parser, event))
        return 0;
    syntax_error(reader);
    return -1;
}

/* Counts nodes against the bound. */
static int count_node(struct reader *reader, const struct node *where)
{
    if (++reader->nodes > NODES_MAX)
        return diagnostics_add(reader->found, SEVERITY_ERROR, where,
                               "with its aliases expanded, this has more than %d values; write less", NODES_MAX);
    return 0;
}

static int add_anchor(struct reader *reader, const yaml_char_t *name, struct node *node, size_t *index)
{
    *index = SIZE_MAX;
    if (!name)
        return 0;
    for (size_t i = 0; i < reader->anchor_count; i++)
        if (!strcmp(reader->anchors[i].name, (const char *)name))
            *index = i;
    if (*index == SIZE_MAX) {
        if (reader->anchor_count == ANCHORS_MAX)
            return diagnostics_add(reader->found, SEVERITY_ERROR, node, "there are more than %d anchors", ANCHORS_MAX);
        char *copy = arena_copy(reader->tree->arena, (const char *)name, strlen((const char *)name));
        if (!copy)
            return fault(reader, NULL, "out of memory");
        reader->anchors[reader->anchor_count] = (struct anchor){ .name = copy };
        *index = reader->anchor_count++;
    }
    reader->anchors[*index].node = node;
    reader->anchors[*index].open = true;
    return 0;
}

static int copy_counted(struct reader *reader, const struct node *node, const struct node *where)
{
    if (count_node(reader, where))
        return -1;
    for (size_t i = 0; i < node->count; i++)
        if ((node->kind == NODE_MAP && count_node(reader, where)) || copy_counted(reader, node->values[i], where))
            return -1;
    return 0;
}

/* Depth of a node's own children; the sum with where it is put is bounded. */
static unsigned height(const struct node *node)
{
    unsigned most = 0;
    for (size_t i = 0; i < node->count; i++) {
        const unsigned h = height(node->values[i]) + 1;
        most = h > most ? h : most;
    }
    return most;
}

/* *node is NULL after a mistake that leaves no value but lets reading go on. */
static int read_alias(struct reader *reader, const yaml_event_t *event, unsigned depth, struct node **node)
{
    const char *name = (const char *)event->data.alias.anchor;
    const struct node where = place(reader, &event->start_mark, &event->end_mark);
    *node = NULL;
    for (size_t i = 0; i < reader->anchor_count; i++) {
        const struct anchor *anchor = &reader->anchors[i];
        if (strcmp(anchor->name, name))
            continue;
        if (anchor->open)
            return diagnostics_add(reader->found, SEVERITY_ERROR, &where, "*%s is inside of what &%s names", name,
                                   name);
        if (depth + height(anchor->node) > DEPTH_MAX)
            return diagnostics_add(reader->found, SEVERITY_ERROR, &where, "nested more than %d deep", DEPTH_MAX);
        if (copy_counted(reader, anchor->node, &where))
            return -1;
        *node = node_copy(reader->tree, anchor->node);
        return *node ? 0 : fault(reader, NULL, "out of memory");
    }
    struct text text = { 0 };
    const char *names[ANCHORS_MAX];
    for (size_t i = 0; i < reader->anchor_count; i++)
        names[i] = reader->anchors[i].name;
    text_format(&text, "*%s names no anchor; &%s is to come before it", name, name);
    text_suggest(&text, name, names, reader->anchor_count);
    fault(reader, &where, text.failed ? "out of memory" : text.data);
    text_free(&text);
    return 0;
}

static void refuse_tag(struct reader *reader, const yaml_char_t *tag, const struct node *where)
{
    static const char yaml[] = "tag:yaml.org,2002:";
    const char *text = (const char *)tag;
    const bool core = text && !strncmp(text, yaml, sizeof yaml - 1);
    if (tag)
        diagnostics_add(reader->found, SEVERITY_ERROR, where, "a recipe has no tags; leave %s%s out", core ? "!!" : "",
                        core ? text + sizeof yaml - 1 : text);
}

static int read_node(struct reader *reader, const yaml_event_t *event, unsigned depth, struct node **node);

static struct node *read_scalar(struct reader *reader, const yaml_event_t *event, const struct node *where)
{
    const char *value = (const char *)event->data.scalar.value;
    const bool quoted_tag = event->data.scalar.tag != NULL;
    refuse_tag(reader, event->data.scalar.tag, where);
    if (strlen(value) != event->data.scalar.length)
        fault(reader, where, "a text can't hold NUL (\\0)");
    struct node *node =
        node_scalar(reader->tree, value, event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !quoted_tag, where);
    if (!node)
        fault(reader, NULL, "out of memory");
    return node;
}

/* A mapping's key: 0, -1, or 1 where the entry is to be passed over. */
static int read_key(struct reader *reader, const yaml_event_t *event, const struct node *map, unsigned depth,
                    struct node **key)
{
    if (read_node(reader, event, depth, key))
        return -1;
    if (!*key)
        return 1;
    if ((*key)->kind != NODE_SCALAR) {
        diagnostics_add(reader->found, SEVERITY_ERROR, *key, "a key must be a word, not %s", node_describe(*key));
        return 1;
    }
    if (!(*key)->text[0]) {
        diagnostics_add(reader->found, SEVERITY_ERROR, *key, "a key is missing before the colon");
        return 1;
    }
    if (strlen((*key)->text) > KEY_LENGTH_MAX) {
        diagnostics_add(reader->found, SEVERITY_ERROR, *key, "a key of more than %d characters", KEY_LENGTH_MAX);
        return 1;
    }
    if ((*key)->plain && !strcmp((*key)->text, "<<")) {
        diagnostics_add(reader->found, SEVERITY_ERROR, *key,
                        "merge keys (<<) are no part of YAML 1.2; write the keys out");
        return 1;
    }
    const struct node *first = node_key(map, (*key)->text);
    if (first) {
        diagnostics_add(reader->found, SEVERITY_ERROR, *key, "the key \"%s\" is given twice, first in line %u",
                        (*key)->text, first->line);
        return 1;
    }
    return 0;
}

static int read_children(struct reader *reader, struct node *node, unsigned depth)
{
    for (;;) {
        yaml_event_t event;
        if (next_event(reader, &event))
            return -1;
        struct node *key = NULL, *value = NULL;
        const bool ended = event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT;
        int failed = 0, skipped = 0;
        if (!ended && node->kind == NODE_MAP) {
            failed = skipped = read_key(reader, &event, node, depth, &key);
            yaml_event_delete(&event);
            if (failed < 0 || next_event(reader, &event))
                return -1;
        }
        failed = ended ? 0 : read_node(reader, &event, depth, &value);
        yaml_event_delete(&event);
        if (failed)
            return -1;
        if (ended)
            return 0;
        if (skipped || !value)
            continue;
        if (node->kind == NODE_MAP && node->count == KEYS_MAX)
            return diagnostics_add(reader->found, SEVERITY_ERROR, key, "a mapping of more than %d keys", KEYS_MAX);
        if (node_add(reader->tree, node, key, value))
            return fault(reader, NULL, "out of memory");
    }
}

static int read_node(struct reader *reader, const yaml_event_t *event, unsigned depth, struct node **node)
{
    const struct node where = place(reader, &event->start_mark, &event->end_mark);
    const yaml_char_t *anchor = NULL;
    size_t index;
    *node = NULL;
    if (depth > DEPTH_MAX)
        return diagnostics_add(reader->found, SEVERITY_ERROR, &where, "nested more than %d deep", DEPTH_MAX);
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return read_alias(reader, event, depth, node);
    case YAML_SCALAR_EVENT:
        if (count_node(reader, &where))
            return -1;
        *node = read_scalar(reader, event, &where);
        anchor = event->data.scalar.anchor;
        break;
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT: {
        const bool map = event->type == YAML_MAPPING_START_EVENT;
        if (count_node(reader, &where))
            return -1;
        refuse_tag(reader, map ? event->data.mapping_start.tag : event->data.sequence_start.tag, &where);
        anchor = map ? event->data.mapping_start.anchor : event->data.sequence_start.anchor;
        *node = node_new(reader->tree, map ? NODE_MAP : NODE_LIST, &where);
        if (!*node)
            return fault(reader, NULL, "out of memory");
        break;
    }
    default:
        return diagnostics_add(reader->found, SEVERITY_ERROR, &where, "this is no YAML: a value is missing");
    }
    if (!*node || add_anchor(reader, anchor, *node, &index))
        return -1;
    if ((*node)->kind != NODE_SCALAR && read_children(reader, *node, depth + 1))
        return -1;
    if (index != SIZE_MAX)
        reader->anchors[index].open = false;
    return 0;
}

/* Bytes that YAML does not allow, found before libyaml, which has no place for them. */
static int check_characters(const struct source *source, struct diagnostics *found)
{
    const char *at = source->text, *end = at + source->length;
    struct node where = { .source = source, .line = 1, .column = 1, .width = 1 };
    while (at < end) {
        size_t length = utf8_break(at, end);
        if (length) {
            where.line++;
            where.column = 0;
        } else {
            const long code = utf8_decode(at, end, &length);
            if (code < 0)
                return diagnostics_add(found, SEVERITY_ERROR, &where,
                                       "the byte 0x%02x is no UTF-8; save the file as UTF-8",
                                       (unsigned)(unsigned char)*at);
            if (code != '\t' && (code < 0x20 || (code > 0x7E && code < 0xA0) || code == 0xFEFF || code == 0xFFFE ||
                                 code == 0xFFFF))
                return diagnostics_add(found, SEVERITY_ERROR, &where, "a control character (U+%04lX); a recipe is text",
                                       (unsigned long)code);
        }
        where.column++;
        at += length;
    }
    return 0;
}

static struct node *read_document(struct reader *reader)
{
    struct node *root = NULL;
    yaml_event_t event;
    bool started = false, ended = false;
    while (!ended) {
        if (next_event(reader, &event))
            return NULL;
        int failed = 0;
        if (event.type == YAML_STREAM_END_EVENT) {
            ended = true;
        } else if (event.type == YAML_DOCUMENT_START_EVENT) {
            const struct node where = place(reader, &event.start_mark, &event.end_mark);
            if (started)
                failed = fault(reader, &where, "a second document starts here; a recipe is one document");
            started = true;
        } else if (event.type != YAML_STREAM_START_EVENT && event.type != YAML_DOCUMENT_END_EVENT) {
            failed = read_node(reader, &event, 0, &root);
        }
        yaml_event_delete(&event);
        if (failed)
            return NULL;
    }
    if (!root) {
        const struct node where = { .source = reader->source, .line = 1, .column = 1 + reader->column_shift,
                                    .width = 1 };
        fault(reader, &where, "there is nothing here; expected keys such as `dataset:` and `model:`");
    }
    return root;
}

struct node *yaml_read(struct tree *tree, struct source *source, size_t offset, struct diagnostics *found)
{
    if (check_characters(source, found))
        return NULL;
    struct reader *reader = memory_array(1, sizeof *reader);
    if (!reader || !yaml_parser_initialize(&reader->parser)) {
        free(reader);
        diagnostics_add(found, SEVERITY_ERROR, NULL, "out of memory");
        return NULL;
    }
    reader->tree = tree;
    reader->source = source;
    reader->found = found;
    for (size_t i = 0; i < offset;) {
        i += utf8_length(source->text + i, source->text + source->length);
        reader->column_shift++;
    }
    yaml_parser_set_encoding(&reader->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader->parser, (const unsigned char *)source->text + offset,
                                 source->length - offset);
    struct node *root = read_document(reader);
    yaml_parser_delete(&reader->parser);
    free(reader);
    return root;
}

/* ---- Trees ---- */

static struct tree *parse(const char *name, const char *folder, const char *text, size_t length,
                          struct diagnostics *found)
{
    struct tree *tree = tree_new(folder), *result = NULL;
    if (length >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) { /* a byte order mark */
        text += 3;
        length -= 3;
    }
    struct source *source = source_new(name, text, length);
    if (!tree || !source || tree_hold(tree, source)) {
        diagnostics_add(found, SEVERITY_ERROR, NULL, "out of memory");
        goto out;
    }
    tree->root = yaml_read(tree, source, 0, found);
    if (!tree->root)
        goto out;
    result = tree;
    tree = NULL;
out:
    source_release(source);
    tree_free(tree);
    return result;
}

struct tree *tree_parse(const char *name, const char *text, size_t length, struct diagnostics *found)
{
    if (length > FILE_MAX) {
        diagnostics_add(found, SEVERITY_ERROR, NULL, "%s has more than %zu bytes; a recipe is short", name, FILE_MAX);
        return NULL;
    }
    return parse(name, ".", text, length, found);
}

struct tree *tree_read(const char *path, struct diagnostics *found)
{
    struct iso_error err = ERROR_NONE;
    struct tree *tree = NULL;
    size_t length;
    char *text = file_read(path, FILE_MAX, &length, &err), *folder = file_folder(path);
    if (!text || !folder) {
        if (text)
            error_memory(&err);
        diagnostics_add(found, SEVERITY_ERROR, NULL, "%s", err.text);
    } else {
        tree = parse(path, folder, text, length, found);
    }
    free(folder);
    free(text);
    return tree;
}
