/* The loss over rows, and the sums that measured losses and accuracies are made of. */
#ifndef TRAIN_OBJECTIVE_H
#define TRAIN_OBJECTIVE_H

#include "train/batch.h"

/* Sums over examples, in double. */
struct tally {
    uint64_t examples, correct;
    double loss, cross_entropy;
};

struct objective {
    const struct iso_loss *loss;
    const void *state;
    size_t outputs;
    bool classification, counts_correct;
    bool differs;  /* training changes the value: the reported one is taken apart */
    bool mean;     /* over the rows of a minibatch; else their sum */
    float *values; /* a row each */
    float *exponentials;
    unsigned char *correct;
};

/* Refuses a loss of classes for data whose targets are numbers. 0, or -1 and an error with a way out. */
int objective_check_targets(const struct settings *settings, bool classification, struct iso_error *err);
/* Refuses data that the loss can't be used with: numbers for a loss of classes, a number of outputs that it can't have.
 * 0, or -1 and an error with a way out. */
int objective_check(const struct settings *settings, const struct data_shape *shape, struct iso_error *err);
/* The same, and room for so many rows. */
int objective_make(struct objective *objective, const struct settings *settings, const struct data_shape *shape,
                   size_t rows, struct iso_error *err);
void objective_free(struct objective *objective);
bool objective_wants_dense(const struct settings *settings);

/* Adds the loss of a minibatch, without what acts in training only, and whether its rows are right, to the tally;
 * writes the gradient of the reduced training loss with respect to the raw outputs. Returns the sum of the losses. */
double objective_train(struct objective *objective, const float *raw, const struct batch *batch, float *gradient,
                       struct tally *tally);
/* The same without a gradient. */
double objective_evaluate(struct objective *objective, const float *raw, const struct batch *batch,
                          struct tally *tally);
/* Means; NaN where nothing was counted. */
struct measured objective_measured(const struct objective *objective, const struct tally *tally);

/* Loss and accuracy of a network on the first `count` examples of a split, in large minibatches. */
struct measured objective_measure(struct objective *objective, struct network *network, struct batch *batch,
                                  const struct data *data, enum data_split split, uint64_t seed, size_t count);
extern const struct measured measured_nothing; /* all NaN */

#endif
