/* Pictures from files, made into inputs of a network. */
#ifndef DATA_IMAGE_H
#define DATA_IMAGE_H

#include "data/data.h"

struct image {
    size_t width, height, channels; /* 1: grey, 3: red, green, blue */
    float *values;                  /* channels planes of height rows of width, 0 (black) to 1 (white) */
};
#define IMAGE_PIXELS_MAX ((size_t)1 << 26)

/* A PNG, PGM or PPM file, with 1 or 3 channels whatever it holds; what is transparent lies on white,
 * or on black where nothing would be seen on white. */
int image_read(const char *path, size_t channels, struct image *image, struct iso_error *err);
/* Writes 8-bit rows of grey (1 channel) or RGB (3) as PNG. */
int image_save(const char *path, size_t width, size_t height, size_t channels, const unsigned char *pixels,
               struct iso_error *err);
/* A black picture. */
int image_make(size_t width, size_t height, size_t channels, struct image *image, struct iso_error *err);
void image_free(struct image *image);

/* How a picture is brought to the network's size. */
enum image_fit {
    IMAGE_DIGIT, /* as MNIST was made: the ink's bounding box scaled to 20/28 of the side, its centre of mass in the
                  * middle (LeCun, Cortes and Burges, The MNIST database of handwritten digits) */
    IMAGE_BOX,   /* the whole picture scaled, then the ink's bounding box moved to the middle: the report's way */
    IMAGE_WHOLE, /* the whole picture scaled: grey ones with a margin where the shapes differ, others cut */
    IMAGE_AS_IS, /* a picture of the network's size, untouched */
    IMAGE_SQUARES /* the whole picture, its pixels as squares: scaled back, those of a size of which `to` is a multiple
                   * are what they were */
};
enum image_invert { IMAGE_INVERT_AUTO, IMAGE_INVERT_NO, IMAGE_INVERT_YES }; /* auto: a grey one with a light frame */
extern const char *const image_fit_names[], *const image_invert_names[]; /* end with NULL; squares are nobody's choice */

/* Brings `from` into `to`, which has its size and as many channels. Grey pictures become light ink on black, with the
 * frame's own shade as black, unless they are used as they are. *blank: there is no ink on the picture, which the first
 * two fits need; `to` is black. */
int image_prepare(const struct image *from, enum image_fit fit, enum image_invert invert, struct image *to,
                  bool *blank, struct iso_error *err);

#endif
