/* Reads the usage of commands. Its grammar: words apart by spaces; [WORD] may be left out, WORD... may be repeated;
 * `--name` starts an option, whose value follows unless a bracket or the end does; alternatives are apart by " | ",
 * lower-case words stand for themselves. */
#include "command/usage.h"

#include <ctype.h>
#include <string.h>

#include "base/text.h"

/* The next word of a usage, without its brackets and dots. */
struct word {
    const char *start;
    size_t length;
    bool closed;   /* a bracket ends right after it */
    bool repeated; /* "..." follows it or its bracket */
    bool bar;      /* " | ", between alternatives */
};

static bool next_word(const char **text, struct word *word)
{
    const char *p = *text + strspn(*text, " [");
    *word = (struct word){ .start = p };
    if (!*p || *p == '\n')
        return false;
    for (int depth = 0; *p && *p != ' ' && *p != '\n'; p++) { /* KIND[/NAME] keeps its brackets */
        depth += *p == '[';
        if (*p == ']' && depth-- == 0)
            break;
        if (!strncmp(p, "...", 3))
            break;
        word->length++;
    }
    word->bar = word->length == 1 && *word->start == '|';
    for (; *p == ']' || *p == '.'; p++) {
        word->closed = word->closed || *p == ']';
        word->repeated = word->repeated || *p == '.';
    }
    *text = p;
    return true;
}

static bool is_option(const struct word *word)
{
    return word->length > 2 && word->start[0] == '-' && word->start[1] == '-';
}

/* ---- Options ---- */

struct options {
    struct usage_option *items;
    size_t count, capacity;
    struct arena *arena;
    bool failed;
};

static void add_option(struct options *options, const struct word *name, const struct word *value)
{
    char *text = value ? arena_copy(options->arena, value->start, value->length) : NULL;
    size_t i = 0;
    if (value && !text)
        options->failed = true;
    while (i < options->count && (strncmp(options->items[i].name, name->start, name->length) ||
                                  options->items[i].name[name->length]))
        i++;
    if (i < options->count) {
        if (text && (!options->items[i].value || strchr(text, '|')))
            options->items[i].value = text;
        return;
    }
    if (options->count + 1 >= options->capacity) {
        const size_t capacity = 2 * options->capacity + 16;
        struct usage_option *more = arena_zero(options->arena, capacity, sizeof *more);
        if (more && options->count)
            memcpy(more, options->items, options->count * sizeof *more);
        options->items = more ? more : options->items;
        options->capacity = more ? capacity : options->capacity;
        options->failed = options->failed || !more;
    }
    char *copy = options->failed ? NULL : arena_copy(options->arena, name->start, name->length);
    if (copy)
        options->items[options->count++] = (struct usage_option){ copy, text };
    else
        options->failed = true;
}

/* Options in one text; where the line is one of help, `text` is its left column. */
static void read_options(struct options *options, const char *text)
{
    struct word word, value;
    while (!options->failed && next_word(&text, &word)) {
        if (!is_option(&word))
            continue;
        const char *rest = text;
        const bool valued = !word.closed && next_word(&rest, &value) && !is_option(&value) && !value.bar;
        add_option(options, &word, valued ? &value : NULL);
        text = valued ? rest : text;
    }
}

const struct usage_option *usage_options(const struct command *command, struct arena *arena)
{
    struct options options = { .arena = arena };
    read_options(&options, command->arguments);
    for (const char *line = command->help ? command->help : ""; *line;) {
        const size_t length = strcspn(line, "\n"), indent = strspn(line, " ");
        if (indent && indent < length) {
            const char *start = line + indent, *gap = strstr(start, "  ");
            const size_t column = gap && gap < line + length ? (size_t)(gap - start) : length - indent;
            char *left = arena_copy(arena, start, column);
            if (left)
                read_options(&options, left);
            options.failed = options.failed || !left;
        }
        line += length + (line[length] == '\n');
    }
    if (options.failed)
        return NULL;
    return options.items ? options.items : arena_zero(arena, 1, sizeof *options.items);
}

/* ---- Positional arguments ---- */

/* A word that stands for itself: "list"; of A|B, one of them. */
static bool matches(const struct word *word, const char *given)
{
    for (const char *p = word->start, *end = p + word->length; p < end;) {
        const size_t length = strcspn(p, "| ]\n"), rest = (size_t)(end - p), part = length < rest ? length : rest;
        if (isupper((unsigned char)*p) || (strlen(given) == part && !strncmp(p, given, part)))
            return true;
        p += part + 1;
    }
    return false;
}

const char *const *usage_positional(const struct command *command, const char *const *given, size_t count,
                                    struct arena *arena)
{
    const char *text = command->arguments;
    const char **found = arena_zero(arena, strlen(text) / 2 + 2, sizeof *found);
    size_t alternatives = 0;
    bool more = found != NULL;
    while (more) {
        struct word word, last = { 0 };
        size_t at = 0;
        bool fits = true, done = false;
        while ((more = next_word(&text, &word)) && !word.bar) {
            if (is_option(&word)) {
                const char *rest = text;
                struct word value;
                if (!word.closed && next_word(&rest, &value) && !is_option(&value) && !value.bar)
                    text = rest;
                continue;
            }
            if (at < count)
                fits = fits && matches(&word, given[at]);
            else if (at == count) {
                last = word;
                done = true;
            }
            if (at < count && word.repeated) /* stays */
                last = word;
            at++;
        }
        if (fits && (done || last.repeated)) {
            char *copy = arena_copy(arena, last.start, last.length);
            if (!copy)
                return NULL;
            found[alternatives++] = copy;
        }
    }
    return found;
}
