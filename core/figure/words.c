/* Words on a page: how wide they are, and how they are broken into lines. */
#include <math.h>
#include <string.h>

#include "figure/layout.h"

/* Widths of DejaVu Sans in thousandths of its size, from the space to ~. */
static const unsigned short widths[95] = {
    318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337, 636, 636, 636, 636, 636, 636,
    636, 636, 636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 698, 770, 632, 575, 775, 752, 295, 295, 656,
    557, 863, 748, 787, 603, 787, 695, 635, 611, 732, 684, 989, 685, 611, 685, 390, 337, 390, 838, 500, 500, 613,
    635, 550, 635, 615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612, 635, 635, 411, 521, 392, 634, 592, 818,
    592, 592, 525, 636, 337, 636, 838,
};

/* Of the character that begins here; 0 within one. Superscripts are narrower than others, signs wider. */
static double letter_width(const unsigned char *at)
{
    if (*at < 127)
        return *at < 32 ? 0 : widths[*at - 32];
    if (*at < 0xc0)
        return 0;
    if (*at == 0xc2 || !memcmp(at, "\xe2\x81", 2))
        return 440;
    return *at == 0xe2 ? 800 : *at > 0xe2 ? 1000 : 640;
}

double text_width(const struct canvas *canvas, const char *text, double size, bool bold)
{
    const double column = canvas_letter_width(canvas);
    double width = 0;
    for (const unsigned char *at = (const unsigned char *)text; *at; at++)
        width += column > 0 ? ((*at & 0xc0) != 0x80 ? column : 0) : letter_width(at) * size / 1000;
    return bold && column <= 0 ? width * 1.1 : width;
}

static double part_width(const struct canvas *canvas, const char *text, size_t length, double size, bool bold)
{
    /* Widths add up: that of a part is what the rest leaves. */
    return text_width(canvas, text, size, bold) - text_width(canvas, text + length, size, bold);
}

/* The longest part that fits, up to a space or behind one of "_-/,"; 0: not even the first. */
static size_t part_that_fits(const struct canvas *canvas, const char *text, double size, bool bold, double most)
{
    const size_t end = strlen(text);
    size_t fits = 0;
    for (size_t i = 1; i <= end; i++) {
        const bool place = !text[i] || text[i] == ' ' || (strchr("_-/,", text[i - 1]) && text[i - 1] != ' ');
        if (!place)
            continue;
        if (part_width(canvas, text, i, size, bold) > most)
            break;
        fits = i;
    }
    return fits;
}

char *layout_cut(struct layout *layout, const char *text, double size, bool bold, double most)
{
    const double room = most - text_width(layout->canvas, "…", size, bold);
    size_t length = strlen(text);
    if (text_width(layout->canvas, text, size, bold) <= most)
        return arena_copy(layout->arena, text, length);
    while (length && part_width(layout->canvas, text, length, size, bold) > room)
        for (length--; length && ((unsigned char)text[length] & 0xc0) == 0x80;)
            length--;
    while (length && text[length - 1] == ' ')
        length--;
    return arena_format(layout->arena, "%.*s…", (int)length, text);
}

/* Lines of at most `most` points, the last with all the rest; what is too long for its line ends in dots: *cut. */
static size_t wrap(struct layout *layout, const char *text, double size, bool bold, double most, const char **lines,
                   size_t limit, bool *cut)
{
    size_t count = 0;
    *cut = false;
    while (*text && count < limit) {
        const bool last = count + 1 == limit;
        size_t part = last ? strlen(text) : part_that_fits(layout->canvas, text, size, bold, most);
        if (!part)
            part = strcspn(text, " ");
        const char *line = arena_copy(layout->arena, text, part);
        if (line && part_width(layout->canvas, text, part, size, bold) > most) {
            line = layout_cut(layout, line, size, bold, most);
            *cut = true;
        }
        if (!line)
            return 0;
        lines[count++] = line;
        text += part;
        text += strspn(text, " ");
    }
    return count;
}

size_t layout_wrap(struct layout *layout, const char *text, double size, double most, const char **lines, size_t limit)
{
    bool cut;
    return wrap(layout, text, size, false, most, lines, limit, &cut);
}

static double widest(const struct layout *layout, const struct lines *lines, double size, bool bold)
{
    double width = 0;
    for (size_t i = 0; i < lines->count; i++)
        width = fmax(width, text_width(layout->canvas, lines->line[i], size, bold));
    return width;
}

void layout_break(struct layout *layout, const char *text, double size, bool bold, double most, size_t limit,
                  struct lines *lines)
{
    limit = limit < 1 ? 1 : limit < LINES_MOST ? limit : LINES_MOST;
    lines->count = wrap(layout, text, size, bold, most, lines->line, limit, &lines->cut);
    lines->width = widest(layout, lines, size, bold);
    /* Lines of about equal length. */
    struct lines even = *lines;
    while (lines->count > 1 && !lines->cut && (most *= 0.95) > 20) {
        even.count = wrap(layout, text, size, bold, most, even.line, lines->count, &even.cut);
        even.width = widest(layout, &even, size, bold);
        if (even.cut)
            break;
        *lines = even;
    }
}
