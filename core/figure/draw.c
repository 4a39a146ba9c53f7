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
#include "figure/canvas.h"
#include "recipe/utf8.h"

#define WIDTH_DEFAULT 468 /* 6.5 inches: the text of a page */
#define HEIGHT_DEFAULT 302
#define SIZE_LARGEST 4000
#define PNG_DENSITY 200 /* pixels an inch */
#define SVG_UNITS 10    /* an SVG is drawn in tenths of points */

struct canvas {
    double unit; /* of the device, to a point */
    bool raise;  /* superscripts by raised small text, else by characters that the font has */
    struct colour colour;
    double width; /* of lines as last set; negative: not yet */
    bool fresh;   /* no colour set yet */
};

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
    set_colour(canvas, colour);
    set_width(canvas, width);
    plline((PLINT)count, x, y);
}

void canvas_fill(struct canvas *canvas, size_t count, const double *x, const double *y, struct colour colour)
{
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

void canvas_text(struct canvas *canvas, double x, double y, double size, enum anchor anchor, bool up, bool bold,
                 struct colour colour, const char *text)
{
    static const double justify[] = { 0, 0.5, 1 };
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
    struct iso_error *err;
};

static int draw_page(const struct page *page, double unit)
{
    PLINT stream = 0;
    struct canvas canvas = { .unit = unit, .raise = !strcmp(page->device, "svg"), .width = -1, .fresh = true };
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

/* As one sentence, for those who can't see it. */
static char *describe(const struct figure *figure)
{
    struct text text = { 0 };
    size_t listed = 0;
    text_format(&text, "%s%s%s%s against %s%s%s%s", figure->y.title, figure->y.unit ? " (" : "",
                figure->y.unit ? figure->y.unit : "", figure->y.unit ? ")" : "", figure->x.title,
                figure->x.unit ? " (" : "", figure->x.unit ? figure->x.unit : "", figure->x.unit ? ")" : "");
    if (figure->legend_title)
        text_format(&text, ", by %s", figure->legend_title);
    for (size_t i = 0; i < figure->series_count; i++)
        if (figure->series[i].label)
            text_format(&text, "%s%s", listed++ ? "; " : ": ", figure->series[i].label);
    text_add_string(&text, ".");
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

int figure_draw(const struct figure *figure, const char *path, enum figure_format format, unsigned width,
                unsigned height, struct iso_error *err)
{
    static const char *const devices[] = { [FIGURE_SVG] = "svg", [FIGURE_PNG] = "pngcairo", [FIGURE_PDF] = "pdfcairo" };
    static const double units[] = { [FIGURE_SVG] = SVG_UNITS, [FIGURE_PNG] = PNG_DENSITY / 72.0, [FIGURE_PDF] = 1 };
    struct page page = { .figure = figure, .device = devices[format], .width = width ? width : WIDTH_DEFAULT,
                         .height = height ? height : HEIGHT_DEFAULT, .err = err };
    if (page.width > SIZE_LARGEST || page.height > SIZE_LARGEST)
        return iso_fail(err, "%g x %g points are too large for a figure; at most %d", page.width, page.height,
                        SIZE_LARGEST);
    size_t length = 0;
    char *drawn = render(&page, units[format], &length), *tidy = NULL, *description = NULL;
    int status = -1;
    if (!drawn)
        return error_context(err, "figure %s", figure->name);
    if (format != FIGURE_SVG) {
        status = file_replace(path, drawn, length, err);
    } else if (!(description = describe(figure))) {
        status = error_memory(err);
    } else {
        tidy = svg_tidy(drawn, length, (unsigned)page.width, (unsigned)page.height,
                        figure->title ? figure->title : figure->name, description, err);
        if (tidy)
            status = file_replace(path, tidy, strlen(tidy), err);
    }
    free(drawn);
    free(tidy);
    free(description);
    return status;
}
