/* Draws with characters, two by four dots each (Unicode's braille patterns, U+2800 to U+28FF). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "figure/braille.h"
#include "recipe/utf8.h"

#define NONE 0 /* the terminal's own colour; others are 1 + the number of 256 */

struct place {
    unsigned char dots;
    unsigned char glyph[5]; /* a word's character, UTF-8 with a 0; "": none */
    bool bold, half;        /* half: the upper half block, of a picture */
    unsigned short front, back;
};

struct braille {
    size_t columns, rows;
    double height; /* points */
    struct place *place;
};

struct braille *braille_new(size_t columns, size_t rows)
{
    struct braille *braille = memory_array(1, sizeof *braille);
    if (!braille || !(braille->place = memory_array(columns * rows, sizeof *braille->place))) {
        free(braille);
        return NULL;
    }
    braille->columns = columns;
    braille->rows = rows;
    braille->height = BRAILLE_ROW * (double)rows;
    return braille;
}

void braille_free(struct braille *braille)
{
    if (braille)
        free(braille->place);
    free(braille);
}

static struct place *place_at(struct braille *braille, long column, long row)
{
    bool inside = column >= 0 && row >= 0 && column < (long)braille->columns && row < (long)braille->rows;
    return inside ? &braille->place[(size_t)row * braille->columns + (size_t)column] : NULL;
}

static double luminance(struct colour colour)
{
    return (0.2126 * colour.red + 0.7152 * colour.green + 0.0722 * colour.blue) / 255;
}

static bool is_grey(struct colour colour)
{
    return abs(colour.red - colour.green) < 12 && abs(colour.green - colour.blue) < 12;
}

static unsigned short number_of(struct colour colour)
{
    static const int levels[] = { 0, 95, 135, 175, 215, 255 };
    const int parts[] = { colour.red, colour.green, colour.blue };
    int number = 0;
    if (is_grey(colour) && colour.red > 3 && colour.red < 247)
        return (unsigned short)(1 + 232 + (colour.red - 3) * 24 / 250);
    for (int i = 0; i < 3; i++) {
        int best = 0;
        for (int k = 1; k < 6; k++)
            if (abs(levels[k] - parts[i]) < abs(levels[best] - parts[i]))
                best = k;
        number = 6 * number + best;
    }
    return (unsigned short)(1 + 16 + number);
}

/* Ink is the terminal's own colour, light or dark; dark colours are raised until they show on black, too. */
static unsigned short front_of(struct colour colour)
{
    if (is_grey(colour))
        return NONE;
    const double missing = fmax(0, 0.35 - luminance(colour)) * 255 * 1.2;
    colour.red = (unsigned char)fmin(255, colour.red + missing);
    colour.green = (unsigned char)fmin(255, colour.green + missing);
    colour.blue = (unsigned char)fmin(255, colour.blue + missing);
    return number_of(colour);
}

static void set_dot(struct braille *braille, long x, long y, unsigned short front)
{
    static const unsigned char bits[4][2] = { { 0x01, 0x08 }, { 0x02, 0x10 }, { 0x04, 0x20 }, { 0x40, 0x80 } };
    struct place *place = x >= 0 && y >= 0 ? place_at(braille, x / 2, y / 4) : NULL;
    if (!place)
        return;
    place->dots |= bits[y % 4][x % 2];
    if (front != NONE || place->front == NONE)
        place->front = front;
}

void braille_line(struct braille *braille, size_t count, const double *x, const double *y, struct colour colour)
{
    const double dot = BRAILLE_COLUMN / 2;
    unsigned short front = front_of(colour);
    if (is_grey(colour) && luminance(colour) > 0.6) /* the grid */
        return;
    for (size_t i = 1; i < count; i++) {
        double x0 = x[i - 1] / dot, y0 = (braille->height - y[i - 1]) / dot, x1 = x[i] / dot;
        double y1 = (braille->height - y[i]) / dot, steps = ceil(fmax(fabs(x1 - x0), fabs(y1 - y0)));
        for (double k = 0; k <= steps && steps < 1e5; k++) {
            double part = steps > 0 ? k / steps : 0;
            set_dot(braille, (long)floor(x0 + part * (x1 - x0)), (long)floor(y0 + part * (y1 - y0)), front);
        }
    }
}

static bool inside(size_t count, const double *x, const double *y, double at_x, double at_y)
{
    bool odd = false;
    for (size_t i = 0, k = count - 1; i < count; k = i++)
        if ((y[i] > at_y) != (y[k] > at_y) && at_x < (x[k] - x[i]) * (at_y - y[i]) / (y[k] - y[i]) + x[i])
            odd = !odd;
    return odd;
}

/* Cells that the area covers become coloured. */
static void fill_cells(struct braille *braille, size_t count, const double *x, const double *y, const double box[4],
                       struct colour colour)
{
    static const unsigned char shades[] = { 0x44, 0x55, 0x5f, 0x7f, 0xff };
    const long last = (long)((braille->height - box[2]) / BRAILLE_ROW);
    for (long row = (long)((braille->height - box[3]) / BRAILLE_ROW); row <= last; row++)
        for (long column = (long)(box[0] / BRAILLE_COLUMN); column <= (long)(box[1] / BRAILLE_COLUMN); column++) {
            struct place *place = place_at(braille, column, row);
            if (place && inside(count, x, y, ((double)column + 0.5) * BRAILLE_COLUMN,
                                braille->height - ((double)row + 0.5) * BRAILLE_ROW)) {
                place->back = number_of(colour);
                place->dots = shades[(int)fmin(4, luminance(colour) * 5)]; /* shown where there are no colours */
                place->front = place->back;
            }
        }
}

static void fill_dots(struct braille *braille, size_t count, const double *x, const double *y, const double box[4],
                      struct colour colour)
{
    const double dot = BRAILLE_COLUMN / 2;
    unsigned short front = front_of(colour);
    bool any = false;
    for (long row = (long)((braille->height - box[3]) / dot); row <= (long)((braille->height - box[2]) / dot); row++)
        for (long column = (long)(box[0] / dot); column <= (long)(box[1] / dot); column++) {
            if (colour.opacity < 0.5 && (column + 2 * row) % 4) /* a band: sparse */
                continue;
            if (!inside(count, x, y, ((double)column + 0.5) * dot, braille->height - ((double)row + 0.5) * dot))
                continue;
            set_dot(braille, column, row, front);
            any = true;
        }
    if (!any && colour.opacity >= 0.5)
        set_dot(braille, (long)((box[0] + box[1]) / 2 / dot), (long)((braille->height - (box[2] + box[3]) / 2) / dot),
                front);
}

void braille_fill(struct braille *braille, size_t count, const double *x, const double *y, struct colour colour)
{
    double box[4] = { INFINITY, -INFINITY, INFINITY, -INFINITY };
    if (luminance(colour) > 0.97 || count < 3) /* paper */
        return;
    for (size_t i = 0; i < count; i++) {
        box[0] = fmin(box[0], x[i]), box[1] = fmax(box[1], x[i]);
        box[2] = fmin(box[2], y[i]), box[3] = fmax(box[3], y[i]);
    }
    if (!(box[0] > -1e4 && box[1] < 1e4 && box[2] > -1e4 && box[3] < 1e4))
        return;
    if (colour.opacity >= 0.5 && count == 4 && box[1] - box[0] >= BRAILLE_COLUMN && box[3] - box[2] >= 0.3 * BRAILLE_ROW)
        fill_cells(braille, count, x, y, box, colour);
    else
        fill_dots(braille, count, x, y, box, colour);
}

/* Characters of a text. Of combining and wide ones nothing is known here: each takes a place. */
static size_t length_of(const char *text)
{
    size_t length = 0;
    for (; *text; text++)
        length += ((unsigned char)*text & 0xc0) != 0x80;
    return length;
}

void braille_text(struct braille *braille, double x, double y, enum anchor anchor, bool up, bool bold,
                  struct colour colour, const char *text)
{
    long length = (long)length_of(text);
    long column = (long)(anchor == ANCHOR_START ? ceil(x / BRAILLE_COLUMN) : floor(x / BRAILLE_COLUMN));
    long row = (long)floor((braille->height - y) / BRAILLE_ROW);
    long back = anchor == ANCHOR_START ? 0 : anchor == ANCHOR_MIDDLE ? length / 2 : length - 1;
    const char *end = text + strlen(text);
    column -= up ? 0 : back;
    row += up ? (anchor == ANCHOR_START ? 0 : anchor == ANCHOR_MIDDLE ? -(length / 2) : 0) : 0;
    for (size_t size; text < end; text += size) {
        long code = utf8_decode(text, end, &size);
        struct place *place = place_at(braille, column, row);
        up ? row++ : column++; /* upright words read downwards here */
        if (!place)
            continue;
        memset(place->glyph, 0, sizeof place->glyph);
        if (code < 32 || (code >= 127 && code < 160) || size > 4) /* nothing that a terminal would obey */
            place->glyph[0] = '?';
        else
            memcpy(place->glyph, text, size);
        place->bold = bold;
        place->dots = 0;
        place->front = place->back != NONE ? number_of(colour) : front_of(colour);
    }
}

static struct colour pixel_at(const struct figure_tile *tile, double part_x, double part_y)
{
    size_t column = (size_t)(fmin(fmax(part_x, 0), 0.999) * (double)tile->width);
    size_t row = (size_t)(fmin(fmax(part_y, 0), 0.999) * (double)tile->height);
    const unsigned char *pixel = tile->pixels + (row * tile->width + column) * tile->channels;
    return (struct colour){ pixel[0], pixel[tile->channels == 3 ? 1 : 0], pixel[tile->channels == 3 ? 2 : 0], 1 };
}

/* Two pixels to a character. */
void braille_image(struct braille *braille, double x, double y, double width, double height,
                   const struct figure_tile *tile)
{
    long first = (long)round(x / BRAILLE_COLUMN), top = (long)round((braille->height - y - height) / BRAILLE_ROW);
    long columns = (long)fmax(1, round(width / BRAILLE_COLUMN)), rows = (long)fmax(1, round(height / BRAILLE_ROW));
    for (long row = 0; row < rows; row++)
        for (long column = 0; column < columns; column++) {
            struct place *place = place_at(braille, first + column, top + row);
            double at_x = ((double)column + 0.5) / (double)columns, step = 1 / (2 * (double)rows);
            if (!place)
                continue;
            struct colour upper = pixel_at(tile, at_x, (2 * (double)row + 0.5) * step);
            struct colour lower = pixel_at(tile, at_x, (2 * (double)row + 1.5) * step);
            *place = (struct place){ .half = true, .front = number_of(upper), .back = number_of(lower) };
            place->dots = (unsigned char)((luminance(upper) > 0.5 ? 0x1b : 0) | (luminance(lower) > 0.5 ? 0xe4 : 0));
        }
}

static void write_place(const struct place *place, bool colours, struct text *out)
{
    if (place->glyph[0]) {
        text_add_string(out, (const char *)place->glyph);
    } else if (place->half && colours) {
        text_add_string(out, "▀");
    } else if (!place->dots || (place->back != NONE && colours)) {
        text_add_string(out, " ");
    } else {
        const char utf8[] = { (char)0xe2, (char)(0xa0 | place->dots >> 6), (char)(0x80 | (place->dots & 0x3f)), 0 };
        text_add_string(out, utf8);
    }
}

void braille_write(const struct braille *braille, bool colours, struct text *out)
{
    for (size_t row = 0; row < braille->rows; row++) {
        const struct place *places = braille->place + row * braille->columns;
        size_t end = braille->columns;
        unsigned front = NONE, back = NONE;
        bool bold = false;
        while (end && !places[end - 1].dots && !places[end - 1].glyph[0] && !places[end - 1].half)
            end--;
        for (size_t i = 0; i < end; i++) {
            const struct place *place = &places[i];
            if (colours && (place->front != front || place->back != back || place->bold != bold)) {
                text_add_string(out, "\033[0");
                if (place->bold)
                    text_add_string(out, ";1");
                if (place->front != NONE)
                    text_format(out, ";38;5;%u", place->front - 1u);
                if (place->back != NONE)
                    text_format(out, ";48;5;%u", place->back - 1u);
                text_add_string(out, "m");
                front = place->front, back = place->back, bold = place->bold;
            }
            write_place(place, colours, out);
        }
        text_add_string(out, front != NONE || back != NONE || bold ? "\033[0m\n" : "\n");
    }
}
