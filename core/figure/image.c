/* Pictures as PNG, in the text that an SVG holds them in. */
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "figure/canvas.h"

void image_add_base64(struct text *out, const void *bytes, size_t length)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *at = bytes;
    for (size_t i = 0; i < length; i += 3) {
        size_t left = length - i;
        unsigned long three = (unsigned long)at[i] << 16 | (left > 1 ? (unsigned long)at[i + 1] << 8 : 0) |
                              (left > 2 ? at[i + 2] : 0);
        char four[4] = { digits[three >> 18 & 63], digits[three >> 12 & 63],
                         left > 1 ? digits[three >> 6 & 63] : '=', left > 2 ? digits[three & 63] : '=' };
        text_add(out, four, 4);
    }
}

int image_add_png(struct text *out, const struct figure_tile *tile)
{
    png_image image = { .version = PNG_IMAGE_VERSION, .width = (png_uint_32)tile->width,
                        .height = (png_uint_32)tile->height,
                        .format = tile->channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY };
    png_alloc_size_t length = PNG_IMAGE_PNG_SIZE_MAX(image);
    void *png = malloc(length);
    int status = png && png_image_write_to_memory(&image, png, &length, 0, tile->pixels, 0, NULL) ? 0 : -1;
    if (!status)
        image_add_base64(out, png, length);
    free(png);
    return status;
}
