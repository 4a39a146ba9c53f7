/* The horizon of a trial: how many steps its budgets allow, and the learning rate along them. */
#ifndef TRAIN_HORIZON_H
#define TRAIN_HORIZON_H

#include "train/ledger.h"

struct horizon {
    uint64_t steps;              /* in all, at least 1 */
    uint64_t steps_per_epoch;
    uint64_t examples_per_epoch; /* shown: fewer than there are with drop_last */
    uint64_t batch;
    const char *reason;          /* the budget that ends first: "epochs", ... */
};

/* Epochs end with the first step that completes them, whole or fractional; examples with the first step that has shown
 * them all; flops and flops_6nd with the last whole step whose exact cost fits, and one that is too small for a single
 * step is an error. */
int horizon_make(struct horizon *horizon, const struct settings *settings, const struct ledger *ledger,
                 uint64_t train_examples, struct iso_error *err);
/* Examples shown in the first `steps` steps. */
uint64_t horizon_examples(const struct horizon *horizon, uint64_t steps);
double horizon_epoch(const struct horizon *horizon, uint64_t steps);
/* Learning rate of a step, warm-up included: linear from 0 over the first K steps, so that step K is the first to have
 * the schedule's own rate. */
double horizon_rate(const struct horizon *horizon, const struct settings *settings, uint64_t step);

/* When something recurs: points, checkpoints. */
struct agenda {
    enum unit unit;
    double every;          /* steps (EPOCHS, STEPS), or seconds */
    uint64_t *steps;       /* LOG: count distinct ones, ascending */
    size_t count, next;
    double last_seconds;
};

/* The geometric grid of UNIT_LOG: round(steps^(k / (K - 1))) for k = 0 ... K - 1. */
int agenda_make(struct agenda *agenda, enum unit unit, double every, const struct horizon *horizon,
                struct iso_error *err);
void agenda_free(struct agenda *agenda);
/* Is it due after `step` steps (from 1), so many seconds into training? To be asked once a step, in order. */
bool agenda_due(struct agenda *agenda, uint64_t step, double seconds);
/* As after the steps until `step`; last_seconds is the caller's. */
void agenda_go_on(struct agenda *agenda, uint64_t step);

#endif
