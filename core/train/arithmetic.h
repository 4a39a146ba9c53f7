/* Rounding and flush-to-zero, set for each trial and thread: to nearest, and subnormal numbers taken as zero, so that a
 * network whose units fade away neither slows down nor differs between a process that was asked for it and one that
 * was not. */
#ifndef TRAIN_ARITHMETIC_H
#define TRAIN_ARITHMETIC_H

#include <stdint.h>

struct arithmetic {
    uint64_t control;
    int rounding;
};

struct arithmetic arithmetic_set(void); /* gives what was before */
void arithmetic_restore(struct arithmetic before);

#endif
