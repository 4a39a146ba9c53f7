/* Inputs that are zero in all rows of a minibatch, left out of it: on pictures of digits a third of the pixels. Products
 * with them add nothing, so that leaving them out changes no result (as long as weights are finite). */
#ifndef TRAIN_NONZERO_H
#define TRAIN_NONZERO_H

#include "network/network.h"

struct nonzero {
    size_t inputs;
    uint32_t *any;   /* for each input, bits that are set in any row; rounded up to whole vectors, as rows are */
    uint32_t *index; /* of the inputs that are not zero in all rows */
    struct { uint32_t from, to, length; } *runs; /* inputs that follow one another, and where they go */
    float *x;        /* rows of these inputs alone */
};

/* For minibatches of up to `rows` rows, `stride` floats apart: a multiple of 16. */
int nonzero_make(struct nonzero *nonzero, size_t inputs, size_t rows, size_t stride, struct iso_error *err);
void nonzero_free(struct nonzero *nonzero);

/* Makes *input the rows without the inputs that are all zero, where these are an eighth of all or more; else leaves it.
 * The floats between the inputs' end and the stride are zero. */
void nonzero_pack(struct nonzero *nonzero, struct network_input *input);

#endif
