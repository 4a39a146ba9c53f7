/* Text that grows, JSON strings, and suggestions for misspelt words. */
#include "base/text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* Room for `more` bytes and the final 0. */
static bool reserve(struct text *text, size_t more)
{
    if (text->failed || more > SIZE_MAX - 1 - text->length ||
        memory_grow(&text->data, &text->capacity, text->length + more + 1, 1)) {
        text->failed = true;
        return false;
    }
    return true;
}

void text_add(struct text *text, const char *data, size_t length)
{
    if (!reserve(text, length))
        return;
    if (length)
        memcpy(text->data + text->length, data, length);
    text->length += length;
    text->data[text->length] = 0;
}

void text_add_string(struct text *text, const char *string)
{
    text_add(text, string, strlen(string));
}

void text_vformat(struct text *text, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    const int length = vsnprintf(NULL, 0, format, arguments);
    if (length < 0) {
        text->failed = true;
    } else if (reserve(text, (size_t)length)) {
        vsnprintf(text->data + text->length, (size_t)length + 1, format, again);
        text->length += (size_t)length;
    }
    va_end(again);
}

void text_format(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    text_vformat(text, format, arguments);
    va_end(arguments);
}

char *text_take(struct text *text)
{
    if (!text->failed && !text->data)
        reserve(text, 0);
    if (text->failed) {
        text_free(text);
        return NULL;
    }
    char *data = text->data;
    data[text->length] = 0;
    *text = (struct text){ 0 };
    return data;
}

void text_free(struct text *text)
{
    free(text->data);
    *text = (struct text){ 0 };
}

/* Characters beyond ASCII that YAML or programs read as line ends, controls or nothing: bytes, to be escaped. */
static size_t odd_character(const char *c, unsigned *code)
{
    const unsigned char *b = (const unsigned char *)c;
    if (b[0] == 0xC2 && b[1] >= 0x80 && b[1] < 0xA0) {
        *code = b[1]; /* C1 controls, next line among them */
        return 2;
    }
    if (b[0] == 0xE2 && b[1] == 0x80 && (b[2] == 0xA8 || b[2] == 0xA9)) {
        *code = 0x2000u + (b[2] & 0x3Fu); /* line and paragraph separators */
        return 3;
    }
    if (b[0] == 0xEF && ((b[1] == 0xBB && b[2] == 0xBF) || (b[1] == 0xBF && b[2] >= 0xBE))) {
        *code = 0xF000u | (b[1] & 0x3Fu) << 6 | (b[2] & 0x3Fu); /* byte order mark, U+FFFE, U+FFFF */
        return 3;
    }
    return 0;
}

void text_add_json(struct text *text, const char *string)
{
    text_add(text, "\"", 1);
    for (const char *c = string; *c; c++) {
        unsigned code;
        const size_t odd = odd_character(c, &code);
        if (odd) {
            text_format(text, "\\u%04x", code);
            c += odd - 1;
            continue;
        }
        switch (*c) {
        case '"': text_add_string(text, "\\\""); break;
        case '\\': text_add_string(text, "\\\\"); break;
        case '\b': text_add_string(text, "\\b"); break;
        case '\f': text_add_string(text, "\\f"); break;
        case '\n': text_add_string(text, "\\n"); break;
        case '\r': text_add_string(text, "\\r"); break;
        case '\t': text_add_string(text, "\\t"); break;
        default:
            if ((unsigned char)*c < 0x20 || *c == 0x7f)
                text_format(text, "\\u%04x", (unsigned)(unsigned char)*c);
            else
                text_add(text, c, 1);
        }
    }
    text_add(text, "\"", 1);
}

#define SUGGEST_LENGTH 64

static char folded(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return c == '-' || c == ' ' ? '_' : c;
}

/* Optimal string alignment distance: insertions, deletions, substitutions, swaps of neighbours. Case does not count. */
static size_t distance(const char *a, size_t n, const char *b, size_t m)
{
    size_t row[3][SUGGEST_LENGTH + 1];
    for (size_t j = 0; j <= m; j++)
        row[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *now = row[i % 3], *before = row[(i + 2) % 3], *earlier = row[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= m; j++) {
            const char p = folded(a[i - 1]), q = folded(b[j - 1]);
            size_t best = before[j - 1] + (p != q);
            if (before[j] + 1 < best)
                best = before[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && p == folded(b[j - 2]) && folded(a[i - 2]) == q && earlier[j - 2] + 1 < best)
                best = earlier[j - 2] + 1;
            now[j] = best;
        }
    }
    return row[n % 3][m];
}

/* Is `part` one or several of the words that underscores separate in `whole`, as "rate" is of "learning_rate"? */
static bool holds_word(const char *whole, size_t n, const char *part, size_t m)
{
    if (m < 3 || m >= n)
        return false;
    for (size_t start = 0; start + m <= n; start++) {
        size_t same = 0;
        while (same < m && folded(whole[start + same]) == folded(part[same]))
            same++;
        if (same == m && (start == 0 || folded(whole[start - 1]) == '_') &&
            (start + m == n || folded(whole[start + m]) == '_'))
            return true;
    }
    return false;
}

void text_suggest(struct text *text, const char *word, const char *const *candidates, size_t count)
{
    const size_t n = strlen(word);
    if (!n || n > SUGGEST_LENGTH)
        return;
    const char *nearest = NULL;
    size_t least = n / 3 > 1 ? n / 3 : 1;
    if (n < 2)
        least = 0;
    for (size_t i = 0; i < count; i++) {
        const size_t m = strlen(candidates[i]);
        if (!m || m > SUGGEST_LENGTH)
            continue;
        size_t d = distance(word, n, candidates[i], m);
        if (d > least && (holds_word(word, n, candidates[i], m) || holds_word(candidates[i], m, word, n)))
            d = least;
        if (d < least || (d == least && !nearest)) {
            least = d;
            nearest = candidates[i];
        }
    }
    if (nearest)
        text_format(text, "; did you mean \"%s\"?", nearest);
}
