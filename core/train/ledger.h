/* The FLOP ledger: what training costs, by part, from the shape of the network alone. Parts grow either with examples
 * or with steps, so any moment's count is exact.
 *
 *     forward              2 sum(W) an example                       W: weights of a layer
 *     weight gradients     2 sum(W)
 *     input gradients      2 (sum(W) - W of the first layer)         none is sent to the data
 *     bias                 2 sum(outputs): added forward, summed backward
 *     activation           what the plugin states, forward and backward; clip 2 a unit (and 1 backward where it stops
 *                          the gradient), dropout 2 a unit
 *     loss                 what the plugin states for value and gradient; the mean 1 an output
 *     update               what the plugin states, for each parameter and step; clip_norm 3 (squares, sum, scale)
 *
 * flops: all of it. flops_matmul: the first three. flops_6nd: 6 x parameters x examples. flops_report: the counter of
 * the report that the paper recipes reproduce; L layers of weights, an example:
 * outputs (inputs + sum of hidden) + (2 L - 1) outputs (last hidden). */
#ifndef TRAIN_LEDGER_H
#define TRAIN_LEDGER_H

#include "train/trial.h"

enum ledger_part {
    LEDGER_FORWARD, LEDGER_WEIGHT_GRADIENTS, LEDGER_INPUT_GRADIENTS, LEDGER_BIAS, LEDGER_ACTIVATION, LEDGER_LOSS,
    LEDGER_UPDATE, LEDGER_PARTS
};
extern const char *const ledger_part_names[LEDGER_PARTS];

struct ledger {
    uint64_t params;         /* weights and biases */
    uint64_t params_weights;
    uint64_t params_hidden;  /* weights and biases of layers between two hidden ones: neither inputs nor outputs */
    uint64_t per_example[LEDGER_PARTS], per_step[LEDGER_PARTS];
    uint64_t report_per_example;
    uint64_t first_outputs; /* of the first layer */
};

/* An error where a count does not fit in 63 bits. */
int ledger_make(struct ledger *ledger, const struct settings *settings, const struct data_shape *shape,
                struct iso_error *err);
/* After so many steps and examples. Counts beyond 63 bits stay at the largest. */
struct flops ledger_count(const struct ledger *ledger, uint64_t steps, uint64_t examples);
/* What leaving out so many inputs of the first layer saves in a step: their products forward and for the gradients. Not
 * taken from the counts above, which state what the network costs. */
uint64_t ledger_skipped(const struct ledger *ledger, uint64_t inputs, uint64_t rows);
uint64_t ledger_count_part(const struct ledger *ledger, enum ledger_part part, uint64_t steps, uint64_t examples);

#endif
