/* A listener that keeps what a trial tells, and the two last states that it saved. */
#ifndef TESTS_KEEPER_H
#define TESTS_KEEPER_H

#include "trial_tools.h"

/* What a trial tells, and the two last states that it saved, as their files would be. */
struct keeper {
    struct told *told;
    void *states[2];
    size_t lengths[2];
    const char *numerics;
    char notes[2000];
    bool full; /* states can't be saved */
};

void keeper_begin(struct keeper *keeper);
void keeper_end(struct keeper *keeper);
/* For one training until the interruption or the end, into keeper->told, whose points are forgotten first: a trial tells
 * all again when it goes on. interrupt_at: the question whether to stop that gets a yes; 0: none does. */
struct trial_listener keeper_listener(struct keeper *keeper, uint64_t interrupt_at);
/* Everything but seconds; of points also but extras. */
void check_point(const struct point *a, const struct point *b);
void check_same(const struct told *a, const struct told *b);

#endif
