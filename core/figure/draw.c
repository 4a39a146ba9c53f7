/* Draws on pages of PLplot: the only file that sees it.
 *
 * PLplot asks on standard input for what it misses and calls exit() where it fails. Here it misses nothing: its output
 * is open before it starts and lies in memory, and its device is named, after looking whether it is there. Should it
 * still want to exit, control comes back by longjmp, and its stream is left behind. */
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <plplot.h>

#include "base/file.h"
#include "figure/braille.h"
#include "recipe/utf8.h"

#define WIDTH_DEFAULT 468 /* 6.5 inches: the text of a page */
#define HEIGHT_DEFAULT 302
#define SIZE_LARGEST 4000
#define PNG_DENSITY 200 /* pixels an inch */
#define SVG_UNITS 10    /* an SVG is drawn in tenths of points */

struct canvas {
    struct braille *braille; /* drawn by characters; NULL: by PLplot */
    double unit; /* of the device, to a point */
    bool raise;  /* superscripts by raised small text, else by characters that the font has */
    struct colour colour;
    double width; /* of lines as last set; negative: not yet */
    bool fresh;   /* no colour set yet */
    double height;           /* of the page, points */
    struct pictures *pictures; /* of an SVG; NULL: pictures are drawn by their pixels */
};

/* The <image/> elements of an SVG. */
struct pictures {
    char **element;
    size_t count, capacity;
};

static void pictures_free(struct pictures *pictures)
{
    for (size_t i = 0; i < pictures->count; i++)
        free(pictures->element[i]);
    free(pictures->element);
}

static jmp_buf way_out;
static char complaint[200];

static int leave(const char *message)
{
    snprintf(complaint, sizeof complaint, "%s", message ? message : "");
    longjmp(way_out, 1);
}

/* PLplot's own handler writes to standard error. */
static void keep_quiet(const char *message)
{
    snprintf(complaint, sizeof complaint, "%s", message ? message : "");
}

static void set_colour(struct canvas *canvas, struct colour colour)
{
    const struct colour *now = &canvas->colour;
    if (!canvas->fresh && now->red == colour.red && now->green == colour.green && now->blue == colour.blue &&
        now->opacity == colour.opacity)
        return;
    canvas->fresh = false;
    canvas->colour = colour;
    plscol0a(1, colour.red, colour.green, colour.blue, colour.opacity);
    plcol0(1);
}

static void set_width(struct canvas *canvas, double width)
{
    if (canvas->width == width)
        return;
    canvas->width = width;
    plwidth(width * canvas->unit);
}

void canvas_line(struct canvas *canvas, size_t count, const double *x, const double *y, struct colour colour,
                 double width)
{
    if (canvas->braille) {
        braille_line(canvas->braille, count, x, y, colour);
        return;
    }
    set_colour(canvas, colour);
    set_width(canvas, width);
    plline((PLINT)count, x, y);
}

void canvas_fill(struct canvas *canvas, size_t count, const double *x, const double *y, struct colour colour)
{
    if (canvas->braille) {
        braille_fill(canvas->braille, count, x, y, colour);
        return;
    }
    set_colour(canvas, colour);
    set_width(canvas, 0); /* PLplot draws the edge of what it fills */
    plfill((PLINT)count, x, y);
}

/* PLplot raises what stands between #u and #d; # itself is ##. The fonts of the cairo devices are here, those of an
 * SVG's reader are not known. */
static char *escape(const char *text, bool raise)
{
    static const char *const raised[] = { "⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹", "⁻" };
    static const char *const plain[] = { "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "−" };
    struct text out = { 0 };
    bool up = false;
    while (*text) {
        size_t i = 0;
        while (i < 11 && (!raise || strncmp(text, raised[i], strlen(raised[i]))))
            i++;
        if ((i < 11) != up) {
            up = !up;
            text_add_string(&out, up ? "#u" : "#d");
        }
        if (i < 11) {
            text_add_string(&out, plain[i]);
            text += strlen(raised[i]);
        } else { /* PLplot gives up on what is no UTF-8 */
            size_t length = 1;
            long code = utf8_decode(text, text + strlen(text), &length);
            if (code < 32)
                text_add_string(&out, code < 0 ? "�" : " ");
            else
                text_add(&out, text, length);
            if (code == '#')
                text_add(&out, text, 1);
            text += length;
        }
    }
    if (up)
        text_add_string(&out, "#d");
    return text_take(&out);
}

double canvas_letters(const struct canvas *canvas)
{
    return canvas->braille ? 0.95 * BRAILLE_ROW : 0;
}

double canvas_letter_width(const struct canvas *canvas)
{
    return canvas->braille ? BRAILLE_COLUMN : 0;
}

void canvas_text(struct canvas *canvas, double x, double y, double size, enum anchor anchor, bool up, bool bold,
                 struct colour colour, const char *text)
{
    static const double justify[] = { 0, 0.5, 1 };
    if (canvas->braille) {
        braille_text(canvas->braille, x, y, anchor, up, bold, colour, text);
        return;
    }
    char *escaped = escape(text, canvas->raise);
    if (!escaped)
        return;
    set_colour(canvas, colour);
    plsfont(PL_FCI_SANS, PL_FCI_UPRIGHT, bold ? PL_FCI_BOLD : PL_FCI_MEDIUM);
    /* PLplot's millimetres of 96 to the inch, on a page that it takes for one of 72. */
    plschr(size * canvas->unit * 25.4 / 96, 1);
    plptex(x, y, up ? 0 : 1, up ? 1 : 0, justify[anchor], escaped);
    free(escaped);
}

/* One pixel after another; neighbours of a row that are alike at once. */
static void draw_pixels(struct canvas *canvas, double x, double y, double width, double height,
                        const struct figure_tile *tile)
{
    const double step_x = width / (double)tile->width, step_y = height / (double)tile->height;
    for (size_t row = 0; row < tile->height; row++)
        for (size_t first = 0, end; first < tile->width; first = end) {
            const unsigned char *pixel = tile->pixels + (row * tile->width + first) * tile->channels;
            for (end = first + 1; end < tile->width && !memcmp(pixel, pixel + (end - first) * tile->channels,
                                                               tile->channels);)
                end++;
            const bool grey = tile->channels != 3;
            struct colour colour = { pixel[0], pixel[grey ? 0 : 1], pixel[grey ? 0 : 2], 1 };
            double left = x + step_x * (double)first, right = x + step_x * (double)end;
            double top = y + height - step_y * (double)row, bottom = top - step_y;
            canvas_fill(canvas, 4, (double[]){ left, right, right, left }, (double[]){ bottom, bottom, top, top },
                        colour);
        }
}

void canvas_image(struct canvas *canvas, double x, double y, double width, double height,
                  const struct figure_tile *tile)
{
    struct pictures *pictures = canvas->pictures;
    struct text element = { 0 };
    if (canvas->braille) {
        braille_image(canvas->braille, x, y, width, height, tile);
        return;
    }
    if (!pictures) {
        draw_pixels(canvas, x, y, width, height, tile);
        return;
    }
    text_format(&element, "<image x=\"%ld\" y=\"%ld\" width=\"%ld\" height=\"%ld\" preserveAspectRatio=\"none\" "
                          "style=\"image-rendering:pixelated\" href=\"data:image/png;base64,",
                lround(10 * x), lround(10 * (canvas->height - y - height)), lround(10 * width), lround(10 * height));
    bool good = !image_add_png(&element, tile);
    text_add_string(&element, "\"/>\n");
    char *taken = text_take(&element);
    if (!good || !taken ||
        memory_grow(&pictures->element, &pictures->capacity, pictures->count + 1, sizeof *pictures->element)) {
        free(taken); /* without memory a picture is missing */
        return;
    }
    pictures->element[pictures->count++] = taken;
    canvas_fill(canvas, 4, (double[]){ x, x + width, x + width, x }, (double[]){ y, y, y + height, y + height },
                SVG_PICTURE_COLOUR);
}

int figure_lay_out_characters(const struct figure *figure, struct braille *braille, double width, double height,
                              struct iso_error *err)
{
    struct canvas canvas = { .braille = braille, .unit = 1, .height = height };
    return figure_lay_out(figure, &canvas, width, height, err);
}

static bool device_is_there(const char *device)
{
    const char *menu[64], *names[64], **menus = menu, **devices = names;
    int count = 64;
    plgDevs(&menus, &devices, &count);
    for (int i = 0; i < count; i++)
        if (devices[i] && !strcmp(devices[i], device))
            return true;
    return false;
}

struct page {
    const struct figure *figure;
    const char *device;
    double width, height;
    FILE *file;
    struct pictures *pictures; /* of an SVG; else NULL */
    struct iso_error *err;
};

static int draw_page(const struct page *page, double unit)
{
    PLINT stream = 0;
    struct canvas canvas = { .unit = unit, .raise = !strcmp(page->device, "svg"), .width = -1, .fresh = true,
                             .height = page->height, .pictures = page->pictures };
    plmkstrm(&stream);
    plsdev(page->device);
    plsfile(page->file);
    plspage(0, 0, (PLINT)lround(page->width * unit), (PLINT)lround(page->height * unit), 0, 0);
    plscol0a(0, 255, 255, 255, 1);
    plscolbga(255, 255, 255, 1);
    plinit();
    pladv(0);
    plvpor(0, 1, 0, 1);
    plwind(0, page->width, 0, page->height);
    int status = figure_lay_out(page->figure, &canvas, page->width, page->height, page->err);
    plend1();
    return status;
}

static void describe_axis(struct text *text, const struct figure_axis *axis)
{
    bool unit = axis->unit && axis->unit[0];
    text_format(text, "%s%s%s%s", axis->title ? axis->title : "", unit ? " (" : "", unit ? axis->unit : "",
                unit ? ")" : "");
}

static void describe_series(struct text *text, const struct figure *figure)
{
    size_t listed = 0;
    for (size_t i = 0; i < figure->series_count; i++)
        if (figure->series[i].label)
            text_format(text, "%s%s", listed++ ? "; " : ": ", figure->series[i].label);
}

char *figure_describe(const struct figure *figure)
{
    struct text text = { 0 };
    if (figure->tile_count) {
        text_format(&text, "%zu pictures.", figure->tile_count);
    } else if (figure->layer_count) {
        text_add_string(&text, "A network drawn, layer by layer: ");
        for (size_t i = 0; i < figure->layer_count; i++)
            text_format(&text, "%s%s, %zu units", i ? "; " : "", figure->layers[i].name, figure->layers[i].units);
        text_add_string(&text, ".");
    } else {
        bool coloured = figure->cell_count && figure->colour_bar;
        if (coloured) {
            describe_axis(&text, &figure->scale);
            text_add_string(&text, " in colours, ");
        }
        describe_axis(&text, &figure->y);
        text_add_string(&text, " against ");
        describe_axis(&text, &figure->x);
        if (figure->legend_title && !coloured)
            text_format(&text, ", by %s", figure->legend_title);
        describe_series(&text, figure);
        text_add_string(&text, ".");
        for (size_t i = 0; i < figure->panel_count; i++) {
            text_format(&text, " Panel %zu: %s", i + 1, figure->panels[i]->panel_title);
            describe_series(&text, figure->panels[i]);
            text_add_string(&text, ".");
        }
    }
    if (figure->band)
        text_format(&text, " Bands: %s.", figure->band);
    if (figure->caption)
        text_format(&text, " %s", figure->caption);
    return text_take(&text);
}

/* The device's output, to be freed; NULL and words. */
static char *render(const struct page *asked, double unit, size_t *length)
{
    char *memory = NULL;
    struct page page = *asked;
    page.file = open_memstream(&memory, length); /* PLplot closes it */
    if (!page.file) {
        error_memory(page.err);
        return NULL;
    }
    complaint[0] = 0;
    plsexit(leave);
    plsabort(keep_quiet);
    if (setjmp(way_out)) {
        iso_fail(asked->err, "PLplot failed: %s", complaint[0] ? complaint : "no reason given");
        return NULL; /* PLplot may still hold the stream: it is left to it */
    }
    if (!device_is_there(page.device)) {
        fclose(page.file);
        free(memory);
        iso_fail(asked->err, "PLplot has no driver %s (Debian: apt-get install plplot-driver-cairo)", page.device);
        return NULL;
    }
    int status = draw_page(&page, unit);
    if (!status && memory && *length)
        return memory;
    if (!status)
        iso_fail(asked->err, "PLplot drew nothing%s%s", complaint[0] ? ": " : "", complaint);
    free(memory);
    return NULL;
}

static const char *const devices[] = { [FIGURE_SVG] = "svg", [FIGURE_PNG] = "pngcairo", [FIGURE_PDF] = "pdfcairo" };

static char *render_svg(struct page *page, const char *id, size_t *length)
{
    struct pictures pictures = { 0 };
    const struct figure *figure = page->figure;
    char *tidy = NULL, *description = figure_describe(figure);
    page->pictures = &pictures;
    char *drawn = description ? render(page, SVG_UNITS, length) : NULL;
    const struct svg_words words = { .width = (unsigned)page->width, .height = (unsigned)page->height,
                                     .title = figure->title ? figure->title : figure->name,
                                     .description = description, .id = id,
                                     .pictures = (const char *const *)pictures.element,
                                     .picture_count = pictures.count };
    if (!description)
        error_memory(page->err);
    if (drawn)
        tidy = svg_tidy(drawn, *length, &words, page->err);
    if (tidy)
        *length = strlen(tidy);
    free(drawn);
    free(description);
    pictures_free(&pictures);
    return tidy;
}

/* Cairo writes the time into a PDF; equal figures give equal bytes. The date keeps its length: the table of offsets at
 * the end counts bytes. */
static void forget_date(char *pdf, size_t length)
{
    static const char name[] = "/CreationDate (D:", never[] = "19700101000000";
    const size_t size = sizeof name - 1, digits = sizeof never - 1;
    for (char *at = pdf; (at = memchr(at, '/', length - (size_t)(at - pdf))); at++)
        if (length - (size_t)(at - pdf) > size + digits && !memcmp(at, name, size) &&
            strspn(at + size, "0123456789") >= digits)
            memcpy(at + size, never, digits);
}

char *figure_render(const struct figure *figure, enum figure_format format, unsigned width, unsigned height,
                    const char *id, size_t *length, struct iso_error *err)
{
    struct page page = { .figure = figure, .device = devices[format], .width = width ? width : WIDTH_DEFAULT,
                         .height = height ? height : HEIGHT_DEFAULT, .err = err };
    char *drawn = NULL;
    if (page.width > SIZE_LARGEST || page.height > SIZE_LARGEST) {
        iso_fail(err, "%g x %g points are too large for a figure; at most %d", page.width, page.height, SIZE_LARGEST);
        return NULL;
    }
    if (format == FIGURE_SVG)
        drawn = render_svg(&page, id, length);
    else
        drawn = render(&page, format == FIGURE_PNG ? PNG_DENSITY / 72.0 : 1, length);
    if (drawn && format == FIGURE_PDF)
        forget_date(drawn, *length);
    return drawn;
}

int figure_draw(const struct figure *figure, const char *path, enum figure_format format, unsigned width,
                unsigned height, struct iso_error *err)
{
    size_t length = 0;
    char *drawn = figure_render(figure, format, width, height, NULL, &length, err);
    int status = drawn ? file_replace(path, drawn, length, err) : -1;
    free(drawn);
    return status;
}
