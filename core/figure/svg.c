/* Rewrites the SVG that PLplot's driver writes into a small and friendly one: coordinates as whole tenths of points
 * with y downwards, lines of one look in one path with relative steps, circles as circles, texts as UTF-8 with set
 * superscripts and a list of fonts, no clipping; and a title and a description for those who can't see it. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "figure/canvas.h"
#include "recipe/utf8.h"

#define CIRCLE 24 /* corners, as paint.c draws it */
#define FONTS "'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"

struct tidier {
    const char *at, *end;
    struct text out;
    double height; /* of the page, in its units */
    double *points; /* x, y, x, y, ... of the shape being read */
    size_t point_count, capacity;
    char look[160];   /* of the path that is open in `out`; "": none is */
    long x, y;        /* where that path ended */
    const struct svg_words *words;
    size_t pictures;  /* written so far */
    bool bad;
};

/* ---- Reading ---- */

/* The next tag as its name and the text of its attributes; false at the end. */
static bool next_tag(struct tidier *tidier, const char **tag, size_t *length)
{
    const char *open = tidier->at < tidier->end ? memchr(tidier->at, '<', (size_t)(tidier->end - tidier->at)) : NULL;
    const char *close = open ? memchr(open, '>', (size_t)(tidier->end - open)) : NULL;
    if (!close)
        return false;
    *tag = open + 1;
    *length = (size_t)(close - open - 1);
    tidier->at = close + 1;
    return true;
}

/* An attribute's value; false: there is none. */
static bool attribute(const char *tag, size_t length, const char *name, const char **value, size_t *size)
{
    size_t name_length = strlen(name);
    for (size_t i = 1; i + name_length + 2 < length; i++) {
        if ((tag[i - 1] != ' ' && tag[i - 1] != '\n') || strncmp(tag + i, name, name_length) ||
            strncmp(tag + i + name_length, "=\"", 2))
            continue;
        *value = tag + i + name_length + 2;
        const char *quote = memchr(*value, '"', (size_t)(tag + length - *value));
        *size = quote ? (size_t)(quote - *value) : 0;
        return quote;
    }
    return false;
}

static double number(const char *tag, size_t length, const char *name, double otherwise)
{
    const char *value;
    size_t size;
    return attribute(tag, length, name, &value, &size) ? strtod(value, NULL) : otherwise;
}

static void word(const char *tag, size_t length, const char *name, char *out, size_t room)
{
    const char *value;
    size_t size;
    out[0] = 0;
    if (attribute(tag, length, name, &value, &size) && size < room) {
        memcpy(out, value, size);
        out[size] = 0;
    }
}

static bool is(const char *tag, size_t length, const char *name)
{
    size_t name_length = strlen(name);
    return length >= name_length && !strncmp(tag, name, name_length) &&
           (length == name_length || tag[name_length] == ' ' || tag[name_length] == '\n' || tag[name_length] == '/');
}

static void read_points(struct tidier *tidier, const char *value, size_t size)
{
    const char *end = value + size;
    tidier->point_count = 0;
    while (value < end) {
        char *after;
        double read = strtod(value, &after);
        if (after == value || after > end)
            break;
        if (memory_grow(&tidier->points, &tidier->capacity, tidier->point_count + 1, sizeof *tidier->points)) {
            tidier->out.failed = true;
            return;
        }
        tidier->points[tidier->point_count] = tidier->point_count % 2 ? tidier->height - read : read;
        tidier->point_count++;
        for (value = after; value < end && (*value == ',' || *value == ' ' || *value == '\n');)
            value++;
    }
    tidier->bad = tidier->bad || tidier->point_count % 2 || value < end;
    tidier->point_count /= 2;
}

/* ---- Writing ---- */

static void close_path(struct tidier *tidier)
{
    if (tidier->look[0])
        text_format(&tidier->out, "\"%s/>\n", tidier->look);
    tidier->look[0] = 0;
}

static void opacity(char *out, size_t room, const char *what, double value)
{
    out[0] = 0;
    if (value < 1)
        snprintf(out, room, " %s-opacity=\"%g\"", what, value);
}

/* A number after another: the sign of a negative one parts them. */
static void step(struct text *out, long value, bool first)
{
    text_format(out, "%s%ld", first || value < 0 ? "" : " ", value);
}

static void write_line(struct tidier *tidier, const char *tag, size_t length)
{
    char look[sizeof tidier->look], stroke[16], see_through[40];
    word(tag, length, "stroke", stroke, sizeof stroke);
    double faint = number(tag, length, "stroke-opacity", 1);
    opacity(see_through, sizeof see_through, "stroke", faint);
    snprintf(look, sizeof look, " stroke=\"%s\" stroke-width=\"%g\"%s", stroke, number(tag, length, "stroke-width", 10),
             see_through);
    long x = lround(tidier->points[0]), y = lround(tidier->points[1]);
    bool same = !strcmp(look, tidier->look), joined = same && x == tidier->x && y == tidier->y;
    /* Lines that shine through are one shape each, or their crossings would change. */
    if (!same || (faint < 1 && !joined)) {
        close_path(tidier);
        text_add_string(&tidier->out, "<path d=\"");
        memcpy(tidier->look, look, sizeof look);
        joined = false;
    }
    if (!joined) {
        text_format(&tidier->out, "M%ld %ld", x, y);
        tidier->x = x;
        tidier->y = y;
    }
    text_add_string(&tidier->out, "l");
    bool first = true;
    for (size_t i = 1; i < tidier->point_count; i++) {
        x = lround(tidier->points[2 * i]);
        y = lround(tidier->points[2 * i + 1]);
        if (x == tidier->x && y == tidier->y && !(first && i + 1 == tidier->point_count))
            continue;
        step(&tidier->out, x - tidier->x, first);
        step(&tidier->out, y - tidier->y, false);
        tidier->x = x;
        tidier->y = y;
        first = false;
    }
}

/* Whether the shape is what paint.c draws as a circle. */
static bool is_circle(const struct tidier *tidier, double *x, double *y, double *radius)
{
    size_t count = tidier->point_count;
    const double *points = tidier->points;
    if (count != CIRCLE + 1)
        return false;
    *x = *y = *radius = 0;
    for (size_t i = 0; i < CIRCLE; i++) {
        *x += points[2 * i] / CIRCLE;
        *y += points[2 * i + 1] / CIRCLE;
    }
    for (size_t i = 0; i < CIRCLE; i++)
        *radius += hypot(points[2 * i] - *x, points[2 * i + 1] - *y) / CIRCLE;
    for (size_t i = 0; i < CIRCLE; i++)
        if (fabs(hypot(points[2 * i] - *x, points[2 * i + 1] - *y) - *radius) > 0.3)
            return false;
    return true;
}

static void write_fill(struct tidier *tidier, const char *tag, size_t length)
{
    char fill[16], see_through[40];
    double x, y, radius;
    close_path(tidier);
    word(tag, length, "fill", fill, sizeof fill);
    if (!strcasecmp(fill, SVG_PICTURE_FILL) && tidier->pictures < tidier->words->picture_count) {
        text_add_string(&tidier->out, tidier->words->pictures[tidier->pictures++]);
        return;
    }
    opacity(see_through, sizeof see_through, "fill", number(tag, length, "fill-opacity", 1));
    if (is_circle(tidier, &x, &y, &radius)) {
        text_format(&tidier->out, "<circle cx=\"%ld\" cy=\"%ld\" r=\"%ld\" fill=\"%s\"%s/>\n", lround(x), lround(y),
                    lround(radius), fill, see_through);
        return;
    }
    long last_x = lround(tidier->points[0]), last_y = lround(tidier->points[1]);
    text_format(&tidier->out, "<path d=\"M%ld %ldl", last_x, last_y);
    bool first = true;
    for (size_t i = 1; i + 1 < tidier->point_count; i++) {
        long now_x = lround(tidier->points[2 * i]), now_y = lround(tidier->points[2 * i + 1]);
        if (now_x == last_x && now_y == last_y)
            continue;
        step(&tidier->out, now_x - last_x, first);
        step(&tidier->out, now_y - last_y, false);
        last_x = now_x;
        last_y = now_y;
        first = false;
    }
    text_format(&tidier->out, "z\" fill=\"%s\"%s/>\n", fill, see_through);
}

/* What XML can't hold becomes a space or the sign for an unreadable character; lines stay lines, as in a recipe. */
void svg_escape(struct text *out, const char *text)
{
    const char *end = text + strlen(text);
    while (*text) {
        size_t length = 1;
        const long code = utf8_decode(text, end, &length);
        const char *entity = code == '&' ? "&amp;" : code == '<' ? "&lt;" : code == '>' ? "&gt;"
                             : code == '"' ? "&quot;"
                             : code < 0 || code == 0xfffe || code == 0xffff ? "�"
                             : code < 32 && code != '\n' && code != '\t' ? " " : NULL;
        if (entity)
            text_add_string(out, entity);
        else
            text_add(out, text, length);
        text += length;
    }
}

static void write_character(struct text *out, unsigned long code)
{
    char utf8[5] = { 0 };
    if (code < 0x80) {
        utf8[0] = (char)code;
    } else if (code < 0x800) {
        utf8[0] = (char)(0xc0 | code >> 6);
        utf8[1] = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        utf8[0] = (char)(0xe0 | code >> 12);
        utf8[1] = (char)(0x80 | (code >> 6 & 0x3f));
        utf8[2] = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x110000) {
        utf8[0] = (char)(0xf0 | code >> 18);
        utf8[1] = (char)(0x80 | (code >> 12 & 0x3f));
        utf8[2] = (char)(0x80 | (code >> 6 & 0x3f));
        utf8[3] = (char)(0x80 | (code & 0x3f));
    }
    svg_escape(out, utf8);
}

/* The characters up to the next tag: PLplot writes each as &#x..; */
static void write_characters(struct tidier *tidier)
{
    while (tidier->at < tidier->end && *tidier->at != '<') {
        char *after;
        if (tidier->end - tidier->at < 4 || strncmp(tidier->at, "&#x", 3)) {
            if (*tidier->at != '\n')
                tidier->bad = true;
            tidier->at++;
            continue;
        }
        unsigned long code = strtoul(tidier->at + 3, &after, 16);
        if (after >= tidier->end || *after != ';') {
            tidier->bad = true;
            return;
        }
        tidier->at = after + 1;
        write_character(&tidier->out, code);
    }
}

/* PLplot nests a <tspan> for each change of level; here raised ones stand between plain ones. */
static void write_text(struct tidier *tidier, const char *tag, size_t length)
{
    char fill[16], anchor[16], weight[16] = "";
    const char *value;
    size_t size;
    double matrix[6] = { 0 };
    close_path(tidier);
    word(tag, length, "fill", fill, sizeof fill);
    word(tag, length, "text-anchor", anchor, sizeof anchor);
    double letters = number(tag, length, "font-size", 100);
    if (!attribute(tag, length, "transform", &value, &size) ||
        sscanf(value, "matrix(%lf %lf %lf %lf %lf %lf)", &matrix[0], &matrix[1], &matrix[2], &matrix[3], &matrix[4],
               &matrix[5]) != 6) {
        tidier->bad = true;
        return;
    }
    bool up = fabs(matrix[0]) < 0.5;
    /* The middle of the capitals, 0.72 of the size high, stands where it was asked for. */
    double x = matrix[4] + (up ? 0.36 * letters : 0);
    double y = tidier->height - matrix[5] + (up ? 0 : 0.36 * letters);
    text_format(&tidier->out, "<text x=\"%ld\" y=\"%ld\" font-size=\"%g\"", lround(x), lround(y), letters);
    if (strcmp(anchor, "start"))
        text_format(&tidier->out, " text-anchor=\"%s\"", anchor);
    if (up)
        text_format(&tidier->out, " transform=\"rotate(-90 %ld %ld)\"", lround(x), lround(y));
    text_format(&tidier->out, " fill=\"%s\"", fill);
    bool open = false, raised = false, first = true;
    while (next_tag(tidier, &tag, &length) && !is(tag, length, "/text")) {
        if (is(tag, length, "/tspan"))
            continue;
        if (!is(tag, length, "tspan")) {
            tidier->bad = true;
            return;
        }
        if (first) {
            word(tag, length, "font-weight", weight, sizeof weight);
            if (!strcmp(weight, "bold"))
                text_add_string(&tidier->out, " font-weight=\"bold\"");
            text_add_string(&tidier->out, ">");
            first = false;
        }
        double change = number(tag, length, "dy", 0);
        if (change != 0) {
            if (open)
                text_add_string(&tidier->out, "</tspan>");
            raised = change < 0;
            text_format(&tidier->out, "<tspan dy=\"%ld\"", lround((raised ? -0.4 : 0.4) * letters));
            if (raised)
                text_format(&tidier->out, " font-size=\"%ld\">", lround(0.72 * letters));
            else /* some readers drop a space at its begin */
                text_add_string(&tidier->out, " xml:space=\"preserve\">");
            open = true;
        }
        write_characters(tidier);
    }
    if (first)
        text_add_string(&tidier->out, ">");
    text_format(&tidier->out, "%s</text>\n", open ? "</tspan>" : "");
}

static void write_shapes(struct tidier *tidier)
{
    const char *tag, *value;
    size_t length, size;
    bool page = true;
    while (next_tag(tidier, &tag, &length)) {
        if (is(tag, length, "polyline") ||
            (is(tag, length, "polygon") && attribute(tag, length, "fill", &value, &size))) {
            char fill[16];
            if (!attribute(tag, length, "points", &value, &size)) {
                tidier->bad = true;
                return;
            }
            read_points(tidier, value, size);
            if (tidier->bad || tidier->out.failed || !tidier->point_count)
                return;
            word(tag, length, "fill", fill, sizeof fill);
            if (strcmp(fill, "none"))
                write_fill(tidier, tag, length);
            else
                write_line(tidier, tag, length);
        } else if (is(tag, length, "text")) {
            write_text(tidier, tag, length);
        } else if (is(tag, length, "rect") && page) {
            page = false; /* the paper, which is written anew */
        } else if (!is(tag, length, "g") && !is(tag, length, "/g") && !is(tag, length, "clipPath") &&
                   !is(tag, length, "/clipPath") && !is(tag, length, "polygon") && !is(tag, length, "svg") &&
                   !is(tag, length, "/svg") && tag[0] != '?' && tag[0] != '!') {
            tidier->bad = true;
        }
        if (tidier->bad)
            return;
    }
    close_path(tidier);
}

char *svg_tidy(const char *svg, size_t length, const struct svg_words *words, struct iso_error *err)
{
    struct tidier tidier = { .at = svg, .end = svg + length, .height = 10.0 * words->height, .words = words };
    const char *id = words->id ? words->id : "", *dash = words->id ? "-" : "";
    text_format(&tidier.out,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%upt\" height=\"%upt\" viewBox=\"0 0 %u0 %u0\" "
                "role=\"img\" aria-labelledby=\"%s%stitle %s%sdesc\" font-family=\"%s\" fill=\"none\" "
                "stroke-linejoin=\"round\">\n<title id=\"%s%stitle\">",
                words->width, words->height, words->width, words->height, id, dash, id, dash, FONTS, id, dash);
    svg_escape(&tidier.out, words->title);
    text_format(&tidier.out, "</title>\n<desc id=\"%s%sdesc\">", id, dash);
    svg_escape(&tidier.out, words->description);
    text_format(&tidier.out, "</desc>\n<path d=\"M0 0h%u0v%u0h-%u0z\" fill=\"#FFFFFF\"/>\n", words->width,
                words->height, words->width);
    write_shapes(&tidier);
    text_add_string(&tidier.out, "</svg>\n");
    free(tidier.points);
    if (tidier.bad) {
        text_free(&tidier.out);
        iso_fail(err, "PLplot wrote an SVG that isoflop does not understand (it knows that of PLplot 5.15)");
        return NULL;
    }
    char *out = text_take(&tidier.out);
    if (!out)
        error_memory(err);
    return out;
}
