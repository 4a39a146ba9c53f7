/* Messages with places. They keep copies of what they show, as trees may be gone when they are printed. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recipe/tree.h"
#include "recipe/utf8.h"

#define KEPT_MAX 1000
#define SHOWN_WIDTH 140 /* characters of a source line */

struct message {
    enum severity severity;
    char *text;
    char *name;   /* of the source; NULL: no place */
    size_t file;  /* order in which sources first appeared */
    unsigned line, column;
    char *shown;  /* the source line, or the part around the place */
    char *marked; /* the line with the caret */
    size_t order;
};

struct diagnostics {
    struct message *messages;
    size_t count, capacity;
    size_t total[SEVERITY_NOTE + 1];
    bool failed; /* out of memory */
};

struct diagnostics *diagnostics_new(void)
{
    return memory_array(1, sizeof(struct diagnostics));
}

static void message_clear(struct message *message)
{
    free(message->text);
    free(message->name);
    free(message->shown);
    free(message->marked);
}

void diagnostics_free(struct diagnostics *found)
{
    if (!found)
        return;
    for (size_t i = 0; i < found->count; i++)
        message_clear(&found->messages[i]);
    free(found->messages);
    free(found);
}

/* The part of a source line around a place, and the line of carets under it. */
static void show_line(struct message *message, const struct node *where)
{
    const char *line, *end;
    if (!utf8_line(where->source->text, where->source->length, where->line, &line, &end) || line == end)
        return;
    unsigned first = 1;
    if (where->column > SHOWN_WIDTH * 2 / 3)
        first = where->column - SHOWN_WIDTH / 2;
    struct text shown = { 0 }, marked = { 0 };
    if (first > 1)
        text_add_string(&shown, "... ");
    for (unsigned i = 1; i < first && line < end; i++)
        line += utf8_length(line, end);
    for (unsigned i = 0; i < SHOWN_WIDTH && line < end; i++) {
        const size_t length = utf8_length(line, end);
        if (length == 1 && ((unsigned char)*line < 0x20 || (unsigned char)*line > 0x7e))
            text_add(&shown, *line == '\t' ? " " : "?", 1);
        else
            text_add(&shown, line, length);
        line += length;
    }
    if (line < end)
        text_add_string(&shown, " ...");
    unsigned at = where->column - first + (first > 1 ? 4 : 0), width = where->width ? where->width : 1;
    if (width > SHOWN_WIDTH - (where->column - first))
        width = SHOWN_WIDTH - (where->column - first);
    for (unsigned i = 0; i < at; i++)
        text_add(&marked, " ", 1);
    text_add(&marked, "^", 1);
    for (unsigned i = 1; i < width; i++)
        text_add(&marked, "~", 1);
    message->shown = text_take(&shown);
    message->marked = text_take(&marked);
}

static bool same(const struct message *a, const struct message *b)
{
    return a->severity == b->severity && a->line == b->line && a->column == b->column && !a->name == !b->name &&
           (!a->name || !strcmp(a->name, b->name)) && !strcmp(a->text, b->text);
}

int diagnostics_add(struct diagnostics *found, enum severity severity, const struct node *where, const char *format,
                    ...)
{
    if (!found)
        return -1;
    struct message message = { .severity = severity, .order = found->count };
    struct text text = { 0 };
    va_list arguments;
    va_start(arguments, format);
    text_vformat(&text, format, arguments);
    va_end(arguments);
    message.text = text_take(&text);
    if (message.text && where && where->source && where->line) {
        message.name = strdup(where->source->name);
        message.line = where->line;
        message.column = where->column;
    }
    if (!message.text || (where && where->source && where->line && !message.name)) {
        message_clear(&message);
        found->failed = true;
        found->total[severity]++;
        return -1;
    }
    size_t files = 0;
    for (size_t i = 0; i < found->count; i++) {
        const struct message *other = &found->messages[i];
        if (same(other, &message)) {
            message_clear(&message);
            return -1;
        }
        if (other->name && message.name && !strcmp(other->name, message.name))
            message.file = other->file;
        if (other->file > files)
            files = other->file;
    }
    if (message.name && !message.file)
        message.file = files + 1;
    found->total[severity]++;
    if (found->count >= KEPT_MAX) {
        message_clear(&message);
        return -1;
    }
    if (memory_grow(&found->messages, &found->capacity, found->count + 1, sizeof *found->messages)) {
        message_clear(&message);
        found->failed = true;
        return -1;
    }
    if (message.name)
        show_line(&message, where);
    found->messages[found->count++] = message;
    return -1;
}

size_t diagnostics_count(const struct diagnostics *found, enum severity severity)
{
    return found->total[severity];
}

/* Those without a place come last. */
static int by_place(const void *a, const void *b)
{
    const struct message *x = *(const struct message *const *)a, *y = *(const struct message *const *)b;
    if (!x->name != !y->name)
        return x->name ? -1 : 1;
    if (x->file != y->file)
        return x->file < y->file ? -1 : 1;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    if (x->column != y->column)
        return x->column < y->column ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

void diagnostics_text(const struct diagnostics *found, struct text *out)
{
    static const char *const names[] = { "error", "warning", "note" };
    const struct message **sorted = memory_array(found->count, sizeof *sorted);
    for (size_t i = 0; sorted && i < found->count; i++)
        sorted[i] = &found->messages[i];
    if (sorted && found->count)
        qsort(sorted, found->count, sizeof *sorted, by_place);
    for (size_t i = 0; i < found->count; i++) {
        const struct message *message = sorted ? sorted[i] : &found->messages[i];
        if (message->name)
            text_format(out, "%s:%u:%u: ", message->name, message->line, message->column);
        text_format(out, "%s: %s\n", names[message->severity], message->text);
        if (message->shown && message->marked)
            text_format(out, "%5u | %s\n      | %s\n", message->line, message->shown, message->marked);
    }
    size_t total = 0;
    for (size_t i = 0; i <= SEVERITY_NOTE; i++)
        total += found->total[i];
    if (total > found->count && !found->failed)
        text_format(out, "error: and %zu more messages\n", total - found->count);
    if (found->failed)
        text_add_string(out, "error: out of memory\n");
    free(sorted);
}
