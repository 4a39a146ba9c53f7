/* Figures for terminals: characters, or images by the kitty and sixel protocols. */
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "figure/braille.h"

/* kitty's graphics protocol: a PNG in base64, in pieces of at most 4096. */
static void write_kitty(const char *png, size_t length, size_t columns, struct text *out)
{
    enum { PIECE = 4096 };
    struct text code = { 0 };
    image_add_base64(&code, png, length);
    for (size_t at = 0; at < code.length; at += PIECE) {
        size_t left = code.length - at, size = left < PIECE ? left : PIECE;
        text_add_string(out, "\033_G");
        if (!at)
            text_format(out, "f=100,a=T,c=%zu,", columns);
        text_format(out, "m=%d;", left > PIECE);
        text_add(out, code.data + at, size);
        text_add_string(out, "\033\\");
    }
    out->failed = out->failed || code.failed;
    text_add_string(out, "\n");
    text_free(&code);
}

/* Sixel (DEC VT340): six rows at a time, a line of characters for each colour in them. Colours are a cube of 6 x 6 x 6. */
static void write_band(const unsigned char *index, size_t width, size_t height, size_t top, struct text *out)
{
    bool used[216] = { false };
    size_t rows = height - top < 6 ? height - top : 6;
    for (size_t i = 0; i < rows * width; i++)
        used[index[top * width + i]] = true;
    for (unsigned colour = 0; colour < 216; colour++) {
        if (!used[colour])
            continue;
        text_format(out, "#%u", colour);
        for (size_t x = 0; x < width;) {
            unsigned char bits = 0, next;
            size_t run = 0;
            do {
                next = 0;
                for (size_t r = 0; r < rows && x + run < width; r++)
                    next = (unsigned char)(next | (index[(top + r) * width + x + run] == colour) << r);
                if (!run)
                    bits = next;
            } while (next == bits && x + ++run < width);
            char character = (char)(63 + bits);
            if (run > 3)
                text_format(out, "!%zu%c", run, character);
            for (size_t k = 0; run <= 3 && k < run; k++)
                text_add(out, &character, 1);
            x += run;
        }
        text_add_string(out, "$");
    }
    text_add_string(out, "-");
}

static int write_sixel(const char *png, size_t length, struct text *out, struct iso_error *err)
{
    png_image image = { .version = PNG_IMAGE_VERSION };
    if (!png_image_begin_read_from_memory(&image, png, length))
        return iso_fail(err, "the drawn PNG can't be read: %s", image.message);
    image.format = PNG_FORMAT_RGB;
    const png_color paper = { 255, 255, 255 };
    const size_t width = image.width, height = image.height;
    unsigned char *pixels = memory_array(width * height, 3), *index = memory_array(width * height, 1);
    int status = 0;
    if (!pixels || !index) {
        png_image_free(&image);
        status = error_memory(err);
        goto out;
    }
    if (!png_image_finish_read(&image, &paper, pixels, 0, NULL)) {
        status = iso_fail(err, "the drawn PNG can't be read: %s", image.message);
        goto out;
    }
    for (size_t i = 0; i < width * height; i++)
        index[i] = (unsigned char)((pixels[3 * i] + 25) / 51 * 36 + (pixels[3 * i + 1] + 25) / 51 * 6 +
                                   (pixels[3 * i + 2] + 25) / 51);
    text_format(out, "\033Pq\"1;1;%zu;%zu", width, height);
    for (unsigned c = 0; c < 216; c++)
        text_format(out, "#%u;2;%u;%u;%u", c, c / 36 * 20, c / 6 % 6 * 20, c % 6 * 20);
    for (size_t top = 0; top < height; top += 6)
        write_band(index, width, height, top, out);
    text_add_string(out, "\033\\\n");
out:
    free(pixels);
    free(index);
    return status;
}

static int write_characters(const struct figure *figure, const struct figure_screen *screen, struct text *out,
                            struct iso_error *err)
{
    struct braille *braille = braille_new(screen->columns, screen->rows);
    if (!braille)
        return error_memory(err);
    int status = figure_lay_out_characters(figure, braille, BRAILLE_COLUMN * (double)screen->columns,
                                           BRAILLE_ROW * (double)screen->rows, err);
    if (!status)
        braille_write(braille, screen->colours, out);
    braille_free(braille);
    return status;
}

char *figure_show(const struct figure *figure, const struct figure_screen *screen, size_t *length,
                  struct iso_error *err)
{
    struct text out = { 0 };
    char *png = NULL;
    int status = 0;
    if (screen->way != SCREEN_CHARACTERS)
        status = (png = figure_render(figure, FIGURE_PNG, 340, 220, NULL, length, err)) ? 0 : -1;
    if (!status && screen->way == SCREEN_KITTY)
        write_kitty(png, *length, screen->columns < 100 ? screen->columns : 100, &out);
    else if (!status && screen->way == SCREEN_SIXEL)
        status = write_sixel(png, *length, &out, err);
    else if (!status)
        status = write_characters(figure, screen, &out, err);
    free(png);
    *length = out.length;
    if (status) {
        text_free(&out);
        return NULL;
    }
    char *shown = text_take(&out);
    if (!shown)
        error_memory(err);
    return shown;
}
