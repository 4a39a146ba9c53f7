/* Text that grows. A failure to allocate is remembered: text_take then gives NULL, so that writers need not check each
 * call. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct text {
    char *data; /* NULL while empty, else ends with 0 */
    size_t length, capacity;
    bool failed;
};

void text_add(struct text *text, const char *data, size_t length);
void text_add_string(struct text *text, const char *string);
void text_vformat(struct text *text, const char *format, va_list arguments);
#if defined __GNUC__
__attribute__((format(printf, 2, 3)))
#endif
void text_format(struct text *text, const char *format, ...);
/* Hands over the data (to be freed), "" if nothing was added, NULL if an allocation failed; text is empty after. */
char *text_take(struct text *text);
void text_free(struct text *text);

/* Adds a text as a JSON string, quotes included. */
void text_add_json(struct text *text, const char *string);

/* Adds the candidate nearest to `word` as `; did you mean "..."?`, if one is near enough. */
void text_suggest(struct text *text, const char *word, const char *const *candidates, size_t count);

#endif
