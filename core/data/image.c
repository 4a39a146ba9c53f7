/* Pictures from files, made into inputs of a network. */
#include "data/image.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "base/file.h"
#include "base/memory.h"

#define FILE_MAX ((size_t)1 << 30)
#define SIDE_MAX 32768
#define INK 0.1f        /* what is darker than this part of the lightest ink is paper */
#define DIGIT_SIDE (20.0 / 28.0)

const char *const image_fit_names[] = { "digit", "box", "whole", "none", NULL };
const char *const image_invert_names[] = { "auto", "no", "yes", NULL };

int image_make(size_t width, size_t height, size_t channels, struct image *image, struct iso_error *err)
{
    *image = (struct image){ .width = width, .height = height, .channels = channels };
    if (!width || !height || width > SIDE_MAX || height > SIDE_MAX || width * height > IMAGE_PIXELS_MAX)
        return iso_fail(err, "a picture of %zu x %zu pixels: at most %d on a side and %zu in all can be read", width,
                        height, SIDE_MAX, IMAGE_PIXELS_MAX);
    image->values = memory_array(width * height, channels * sizeof(float));
    return image->values ? 0 : error_memory(err);
}

void image_free(struct image *image)
{
    free(image->values);
    *image = (struct image){ 0 };
}

static void put(struct image *image, size_t pixel, const float rgb[3])
{
    const size_t area = image->width * image->height;
    if (image->channels == 1) /* luma of ITU-R BT.601, as libpng and others take it */
        image->values[pixel] = 0.299f * rgb[0] + 0.587f * rgb[1] + 0.114f * rgb[2];
    else
        for (size_t c = 0; c < 3; c++)
            image->values[c * area + pixel] = rgb[c];
}

/* ---- PNG ---- */

/* The paper that a picture lies on where it is transparent: white, or black where nothing would be seen on white. */
static unsigned char paper_of(const unsigned char *rgba, size_t pixels)
{
    bool any = false;
    for (const unsigned char *p = rgba; p < rgba + 4 * pixels; p += 4) {
        if (p[3] && (p[0] < 255 || p[1] < 255 || p[2] < 255))
            return 255;
        any = any || p[3];
    }
    return any ? 0 : 255;
}

static int read_png(const char *bytes, size_t length, size_t channels, struct image *image, struct iso_error *err)
{
    png_image png = { .version = PNG_IMAGE_VERSION };
    png_bytep pixels = NULL;
    int result = -1;
    if (!png_image_begin_read_from_memory(&png, bytes, length)) {
        iso_fail(err, "%s", png.message);
        goto out;
    }
    if (image_make(png.width, png.height, channels, image, err))
        goto out;
    png.format = PNG_FORMAT_RGBA;
    png.flags |= PNG_IMAGE_FLAG_16BIT_sRGB; /* samples of 16 bits mean what those of 8 bits do */
    pixels = malloc(PNG_IMAGE_SIZE(png));
    if (!pixels) {
        error_memory(err);
        goto out;
    }
    if (!png_image_finish_read(&png, NULL, pixels, 0, NULL)) {
        iso_fail(err, "%s", png.message);
        goto out;
    }
    const float paper = paper_of(pixels, image->width * image->height);
    for (size_t i = 0; i < image->width * image->height; i++) {
        const png_bytep p = pixels + 4 * i;
        const float opaque = (float)p[3] / 255.0f;
        float rgb[3];
        for (int c = 0; c < 3; c++)
            rgb[c] = (paper + ((float)p[c] - paper) * opaque) / 255.0f;
        put(image, i, rgb);
    }
    result = 0;
out:
    png_image_free(&png);
    free(pixels);
    return result;
}

int image_save(const char *path, size_t width, size_t height, size_t channels, const unsigned char *pixels,
               struct iso_error *err)
{
    png_image image = { .version = PNG_IMAGE_VERSION, .width = (png_uint_32)width, .height = (png_uint_32)height,
                        .format = channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY };
    FILE *file = fopen(path, "wb");
    if (!file)
        return error_system(err, "cannot write", path);
    const bool written = png_image_write_to_stdio(&image, file, 0, pixels, 0, NULL);
    if (fclose(file) && written)
        return error_system(err, "cannot write", path);
    return written ? 0 : iso_fail(err, "cannot write %s: %s", path, image.message);
}

/* ---- PGM and PPM (netpbm's P2, P3, P5, P6) ---- */

struct netpbm {
    const unsigned char *at, *end;
};

/* The next whole number, after white space and comments; -1: there is none. */
static long netpbm_number(struct netpbm *file)
{
    for (bool comment = false; file->at < file->end; file->at++) {
        const unsigned char c = *file->at;
        if (c == '#')
            comment = true;
        else if (c == '\n')
            comment = false;
        else if (!comment && c != ' ' && c != '\t' && c != '\r' && c != '\v' && c != '\f')
            break;
    }
    long value = -1;
    for (; file->at < file->end && *file->at >= '0' && *file->at <= '9'; file->at++)
        if ((value = (value < 0 ? 0 : value) * 10 + (*file->at - '0')) > 1000000)
            return -1;
    return value;
}

static long netpbm_sample(struct netpbm *file, bool plain, bool wide)
{
    if (plain)
        return netpbm_number(file);
    if (file->end - file->at < (wide ? 2 : 1))
        return -1;
    const long high = *file->at++;
    return wide ? high << 8 | *file->at++ : high;
}

static int read_netpbm(const char *bytes, size_t length, size_t channels, struct image *image, struct iso_error *err)
{
    struct netpbm file = { (const unsigned char *)bytes + 2, (const unsigned char *)bytes + length };
    const bool plain = bytes[1] < '5', colour = bytes[1] == '3' || bytes[1] == '6';
    const long width = netpbm_number(&file), height = netpbm_number(&file), white = netpbm_number(&file);
    if (width < 1 || height < 1 || white < 1 || white > 65535)
        return iso_fail(err, "its header does not state a width, a height and a largest value up to 65535");
    if (!plain && (file.at >= file.end || !strchr(" \t\r\n\v\f", *file.at++)))
        return iso_fail(err, "it is cut short");
    if (image_make((size_t)width, (size_t)height, channels, image, err))
        return -1;
    for (size_t i = 0; i < image->width * image->height; i++) {
        float rgb[3];
        for (int c = 0; c < 3; c++) {
            const long value = c && !colour ? -1 : netpbm_sample(&file, plain, white > 255);
            if (c && !colour)
                rgb[c] = rgb[0];
            else if (value < 0 || value > white)
                return iso_fail(err, "it is cut short or damaged at pixel %zu of %zu", i, image->width * image->height);
            else
                rgb[c] = (float)value / (float)white;
        }
        put(image, i, rgb);
    }
    return 0;
}

int image_read(const char *path, size_t channels, struct image *image, struct iso_error *err)
{
    size_t length;
    *image = (struct image){ 0 };
    char *bytes = file_read(path, FILE_MAX, &length, err);
    if (!bytes)
        return -1;
    int result;
    if (length > 8 && memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0)
        result = read_png(bytes, length, channels, image, err);
    else if (length > 2 && bytes[0] == 'P' && strchr("2356", bytes[1]))
        result = read_netpbm(bytes, length, channels, image, err);
    else
        result = iso_fail(err, "it is neither PNG nor PGM nor PPM");
    free(bytes);
    if (result) {
        image_free(image);
        return error_context(err, "%s", path);
    }
    return 0;
}

/* ---- Preparing ---- */

static int by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return x < y ? -1 : x > y;
}

/* The shade of the paper: the median of the outermost pixels. */
static float frame_of(const struct image *image, float *scratch)
{
    const size_t w = image->width, h = image->height;
    size_t n = 0;
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x += y == 0 || y == h - 1 || w == 1 ? 1 : w - 1)
            scratch[n++] = image->values[y * w + x];
    qsort(scratch, n, sizeof *scratch, by_value);
    return scratch[n / 2];
}

struct place {
    size_t left, top, right, bottom; /* of the ink, inclusive */
    double x, y;                     /* centre of mass, in pixels from the left and upper edge */
};

static bool find_ink(const struct image *image, struct place *ink)
{
    double sum = 0;
    float most = 0;
    *ink = (struct place){ .left = image->width, .top = image->height };
    for (size_t i = 0; i < image->width * image->height; i++)
        most = image->values[i] > most ? image->values[i] : most;
    for (size_t y = 0; y < image->height; y++) {
        for (size_t x = 0; x < image->width; x++) {
            const float value = image->values[y * image->width + x];
            if (!(value > INK * most))
                continue;
            ink->left = x < ink->left ? x : ink->left;
            ink->right = x > ink->right ? x : ink->right;
            ink->top = y < ink->top ? y : ink->top;
            ink->bottom = y;
            ink->x += ((double)x + 0.5) * (double)value;
            ink->y += ((double)y + 0.5) * (double)value;
            sum += (double)value;
        }
    }
    if (!(sum > 0))
        return false;
    ink->x /= sum;
    ink->y /= sum;
    return true;
}

/* One axis of resampling: a pixel of `to` is the mean over what lies within `reach` of its centre in `from`. */
struct axis {
    double scale, from, to; /* pixels of `to` a pixel of `from`; points that fall together */
    double reach;           /* pixels of `from` */
};

/* Shrinking takes areas. So does growing into squares; else it is linear interpolation, which takes half a pixel. */
static struct axis make_axis(double scale, double from, double to, bool squares)
{
    return (struct axis){ scale, from, to, scale < 1 || squares ? 0.5 / scale : 0.5 };
}

/* Where pixel i of `to` begins in `from`. Of linear interpolation the outermost pixels reach to the edge. */
static double covered(const struct axis *axis, size_t i, size_t size, size_t *first, size_t *last)
{
    double centre = ((double)i + 0.5 - axis->to) / axis->scale + axis->from;
    if (axis->scale > 1 && centre > 0 && centre < (double)size)
        centre = fmin(fmax(centre, axis->reach), (double)size - axis->reach);
    const double low = centre - axis->reach, high = centre + axis->reach;
    *first = low <= 0 ? 0 : (size_t)low;
    *last = high <= 0 ? 0 : high >= (double)size ? size : (size_t)ceil(high);
    return low;
}

static double overlap(double low, double width, size_t k)
{
    const double a = low > (double)k ? low : (double)k;
    const double b = low + width < (double)k + 1 ? low + width : (double)k + 1;
    return b > a ? b - a : 0;
}

/* What lies outside of `from` is 0. */
static void resample(const struct image *from, const struct axis *across, const struct axis *down, struct image *to)
{
    const double width = 2 * across->reach, height = 2 * down->reach;
    for (size_t c = 0; c < to->channels; c++) {
        const float *plane = from->values + c * from->width * from->height;
        for (size_t j = 0; j < to->height; j++) {
            size_t top, bottom, left, right;
            const double low_y = covered(down, j, from->height, &top, &bottom);
            for (size_t i = 0; i < to->width; i++) {
                const double low_x = covered(across, i, from->width, &left, &right);
                double sum = 0;
                for (size_t y = top; y < bottom; y++) {
                    double row = 0;
                    for (size_t x = left; x < right; x++)
                        row += overlap(low_x, width, x) * (double)plane[y * from->width + x];
                    sum += row * overlap(low_y, height, y);
                }
                to->values[(c * to->height + j) * to->width + i] = (float)(sum / (width * height));
            }
        }
    }
}

static void scale_whole(const struct image *from, bool margin, bool squares, struct image *to)
{
    const double x = (double)to->width / (double)from->width, y = (double)to->height / (double)from->height;
    const double scale = (x < y) == margin ? x : y;
    const struct axis across = make_axis(scale, (double)from->width / 2, (double)to->width / 2, squares);
    const struct axis down = make_axis(scale, (double)from->height / 2, (double)to->height / 2, squares);
    resample(from, &across, &down, to);
}

static void fit_digit(const struct image *from, const struct place *ink, struct image *to)
{
    const double width = (double)(ink->right - ink->left + 1), height = (double)(ink->bottom - ink->top + 1);
    const double x = DIGIT_SIDE * (double)to->width / width, y = DIGIT_SIDE * (double)to->height / height;
    const double scale = x < y ? x : y;
    const struct axis across = make_axis(scale, ink->x, (double)to->width / 2, false);
    const struct axis down = make_axis(scale, ink->y, (double)to->height / 2, false);
    resample(from, &across, &down, to);
}

static bool fit_box(const struct image *from, struct image *to)
{
    struct place ink;
    scale_whole(from, true, false, to);
    if (!find_ink(to, &ink))
        return false;
    const size_t w = ink.right - ink.left + 1, h = ink.bottom - ink.top + 1;
    const size_t left = (to->width - w) / 2, top = (to->height - h) / 2;
    /* Rows and pixels in the order in which none is overwritten before it is moved. */
    for (size_t k = 0; k < h; k++) {
        const size_t row = top <= ink.top ? k : h - 1 - k;
        memmove(to->values + (top + row) * to->width + left, to->values + (ink.top + row) * to->width + ink.left,
                w * sizeof(float));
    }
    for (size_t y = 0; y < to->height; y++)
        for (size_t x = 0; x < to->width; x++)
            if (y < top || y >= top + h || x < left || x >= left + w)
                to->values[y * to->width + x] = 0;
    return true;
}

/* Light ink on black: the frame's shade becomes 0, the farthest from it 1. */
static void clean(struct image *image, float paper)
{
    const size_t n = image->width * image->height;
    float most = 0;
    for (size_t i = 0; i < n; i++) {
        const float value = image->values[i] - paper;
        image->values[i] = value > 0 ? value : 0;
        most = image->values[i] > most ? image->values[i] : most;
    }
    for (size_t i = 0; most > 0 && i < n; i++)
        image->values[i] /= most;
}

int image_prepare(const struct image *from, enum image_fit fit, enum image_invert invert, struct image *to,
                  bool *blank, struct iso_error *err)
{
    const size_t n = from->width * from->height;
    struct image ink = *from;
    struct place place;
    bool found = true;
    memset(to->values, 0, to->width * to->height * to->channels * sizeof(float));
    if (!(ink.values = memory_array(2 * n, from->channels * sizeof(float))))
        return error_memory(err);
    memcpy(ink.values, from->values, n * from->channels * sizeof(float));
    const float paper = from->channels == 1 ? frame_of(from, ink.values + n) : 0;
    const bool inverted = invert == IMAGE_INVERT_YES || (invert == IMAGE_INVERT_AUTO && paper > 0.5f);
    for (size_t i = 0; inverted && i < n * from->channels; i++)
        ink.values[i] = 1 - ink.values[i];
    if (from->channels == 1 && fit != IMAGE_AS_IS)
        clean(&ink, inverted ? 1 - paper : paper);
    if (fit == IMAGE_AS_IS)
        memcpy(to->values, ink.values, n * from->channels * sizeof(float));
    else if (fit == IMAGE_WHOLE || fit == IMAGE_SQUARES)
        scale_whole(&ink, from->channels == 1, fit == IMAGE_SQUARES, to);
    else if (fit == IMAGE_BOX)
        found = fit_box(&ink, to);
    else if ((found = find_ink(&ink, &place)))
        fit_digit(&ink, &place, to);
    free(ink.values);
    *blank = !found;
    return 0;
}
