/* Inside of core/data: a data set as data_open lays it out. */
#ifndef DATA_SPLIT_H
#define DATA_SPLIT_H

#include "data/data.h"
#include "data/host.h"

/* Indices of examples without end. The seed of a trial draws its training examples from 0 upward; what all trials share
 * is drawn with seed 0 (training sets of a given size: with the subset seed) from ranges of their own, so that no
 * example is in two of them. */
#define INDEX_VALIDATION (UINT64_C(1) << 61)
#define INDEX_TEST (UINT64_C(1) << 62)
#define INDEX_STATISTICS (UINT64_C(3) << 61) /* those that `normalise: standard` takes its mean and deviation from */
/* Where only some classes are kept, example i is the first of i, i + TRY, i + 2 TRY, ... that is of such a class. */
#define INDEX_TRY (UINT64_C(1) << 40)
#define INDEX_TRIES (UINT64_C(1) << 20)

#define TEST_SIZE 10000 /* of data without end, by default */
#define STATISTICS_SIZE 10000
#define DRAW_ROWS 64 /* examples drawn at a time */

/* One split: position k is row first + k of the table, or rows[k]. */
struct split {
    size_t count;
    const uint8_t *bytes; /* one of the two, unless examples are drawn when gathered */
    const float *floats;
    size_t stride;
    uint32_t *rows; /* owned; NULL: in order */
    int32_t *labels; /* owned, by position; NULL: regression */
    const float *targets; /* by row */
};

enum conversion {
    CONVERT_BYTES_SCALE, /* x = byte * factor[0] */
    CONVERT_BYTES,       /* x = byte * factor[j] + shift[j] */
    CONVERT_FLOATS_COPY, /* x = value */
    CONVERT_FLOATS
};

struct data {
    struct instance *instance;
    const struct iso_dataset *ops;
    struct data_options options;
    struct data_shape shape;
    const char **names; /* owned: class names of the classes kept */
    bool bytes;         /* features are stored as 8-bit */
    double scale, offset;
    size_t table_outputs; /* before `classes` */
    int32_t *class_of;    /* owned: new number of each class of the table, -1: left out; NULL: all kept */
    struct split split[DATA_SPLITS];
    bool fresh; /* training examples are drawn when gathered */
    enum conversion conversion;
    float *factor, *shift; /* owned, by input */
    char checksum[HASH_TEXT];
    struct scratch *scratch; /* for drawing; owned */
};

/* Drawn examples, DRAW_ROWS at a time. */
struct scratch {
    uint64_t index[DRAW_ROWS];
    unsigned char *features; /* rows x inputs, 8-bit or float */
    int32_t labels[DRAW_ROWS];
    float *targets; /* rows x outputs of a regression */
};

/* draw.c */
struct scratch *scratch_new(const struct data *data); /* NULL: out of memory */
void scratch_free(struct scratch *scratch);
/* Draws n (at most DRAW_ROWS) examples by scratch->index into scratch, with labels renumbered. False: of a kept class
 * none came up. */
bool draw_examples(const struct data *data, const struct iso_rng *rng, size_t n, struct scratch *scratch);
/* Draws `count` examples from index `first` on into a shared block, and makes it the split. */
int draw_split(struct data *data, enum data_split split, uint64_t seed, uint64_t first, size_t count,
               struct iso_error *err);
struct iso_rng draw_generator(uint64_t seed);

/* gather.c: label noise on the training split. */
void data_noise_labels(struct data *data, uint64_t seed);

/* normalise.c: factors and shifts, from the training examples where `standard`. */
int data_set_normalisation(struct data *data, struct iso_error *err);

#endif
