/* Minibatches: which examples a step sees, and their rows gathered for the network. */
#ifndef TRAIN_BATCH_H
#define TRAIN_BATCH_H

#include "network/network.h"
#include "train/horizon.h"
#include "train/nonzero.h"

struct batch {
    struct network_input input;
    uint64_t first_example; /* shown in training before these */
    int32_t *labels;        /* NULL: no classes */
    float *targets;         /* the data's own, or one-hot rows of labels where the loss wants these; NULL */
    bool one_hot;
    float *x;
    size_t outputs, capacity;
    uint32_t *positions;    /* capacity of them, for whoever gathers */
    float *factor, *shift;  /* of each input, applied when it is gathered; NULL: none */
    size_t inputs, stride;
    struct nonzero *nonzero; /* NULL: inputs that are all zero are not left out */
};

/* Rows of a training step, at most. */
size_t batch_rows(const struct settings *settings, const struct horizon *horizon);
/* Whether inputs that are zero in a whole minibatch are left out: what the backend wants. */
bool batch_is_sparse(const struct settings *settings);
/* Room for `rows` examples. dense: the loss wants dense targets. sparse: inputs that are zero in all rows are left out. */
int batch_make(struct batch *batch, const struct data_shape *shape, bool dense, bool sparse, size_t rows,
               struct iso_error *err);
void batch_free(struct batch *batch);
/* Examples positions[0 ... rows - 1] of a split. */
void batch_gather(struct batch *batch, const struct data *data, enum data_split split, uint64_t seed, uint64_t epoch,
                  const uint32_t *positions, size_t rows);

/* The order of the training examples: a function of seed, epoch and their number alone; or the data's own. */
struct order {
    uint32_t *positions;
    size_t examples;
    bool shuffle, begun;
    uint64_t seed, epoch;
};
int order_make(struct order *order, size_t examples, bool shuffle, uint64_t seed, struct iso_error *err);
void order_free(struct order *order);
/* The minibatch of a step (from 0). */
void batch_of_step(struct batch *batch, struct order *order, const struct horizon *horizon, const struct data *data,
                   uint64_t seed, uint64_t step);

#endif
