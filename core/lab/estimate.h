/* What a plan will take: time from steps measured on this machine now, operations, disk. */
#ifndef LAB_ESTIMATE_H
#define LAB_ESTIMATE_H

#include "lab/plan.h"

struct estimate_totals {
    size_t distinct, done, failed, left; /* trials; done: diverged ones, too */
    uint64_t params_least, params_most;
    double flops, flops_matmul, flops_6nd; /* of what is left */
    double parts[LEDGER_PARTS];            /* of flops, by part */
    double seconds;      /* of what is left, one after the other; NaN: not measured */
    double seconds_jobs; /* with so many jobs */
    double bytes;
};

struct estimate {
    enum trial_status *states; /* of each trial in the folder's store; NULL: there is none */
    double *seconds;           /* of each trial; NaN: not measured */
    struct estimate_totals totals;
};

/* timed: trains some steps of the smallest and the largest trial in a worker, and throws them away. */
struct estimate *estimate_new(const struct plan *plan, struct plugins *plugins, const char *folder, unsigned jobs,
                              bool timed, struct iso_error *err);
void estimate_free(struct estimate *estimate);

#endif
