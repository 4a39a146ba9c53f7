/* What the files of a run share: its state, and what the pool of workers calls. */
#ifndef LAB_RUN_INSIDE_H
#define LAB_RUN_INSIDE_H

#include "lab/pool.h"
#include "lab/run.h"
#include "lab/store.h"

/* What the run keeps of a trial (of the first place in the plan that has its key). */
struct job {
    size_t index; /* in the plan */
    size_t points;
    size_t group; /* jobs of one group follow one another, and are trained together */
    bool apart;   /* ... but this one by itself, since that failed */
    unsigned killed; /* times that its worker was, since it last saved a state */
    bool saved;   /* it has a state on disk */
    double before; /* FLOP that were trained before the state it goes on from */
    bool again;   /* it is done already, and trained again for what is measured or kept */
    bool differs; /* ... and this time a point has another value */
    struct text held; /* points of such a trial, until it ends */
    char *wanted;
};

struct run {
    const struct plan *plan;
    const struct run_options *options;
    const struct run_listener *listener;
    struct run_counts *counts;
    struct store *store; /* NULL: --smoke */
    struct store_trial *states;
    struct job *jobs;
    size_t job_count, next;
    size_t *returned, returned_count; /* jobs to be handed out once more */
    size_t *ended, ended_count;       /* jobs that are done, with states to be removed once that is durable */
    struct provenance provenance;
    volatile sig_atomic_t stop;
    char *unwritten; /* why a file could not be written, which ends the run; NULL */
};

/* Puts the jobs in the order in which they are trained, in groups of those that share minibatches (run_groups.c). */
int run_group(struct run *run, struct iso_error *err);
/* What the pool asks and tells of a run (run_events.c). */
struct pool_events run_events(struct run *run);
void run_tell(const struct run *run, enum run_event_kind kind, const struct job *job, const char *text);
/* Of a trial. */
unsigned run_threads(const struct run *run);
int run_remove_states(const struct run *run, const struct plan_trial *trial, struct iso_error *err);
/* Trials whose end is durable need no state any more. */
int run_forget_states(struct run *run, struct iso_error *err);

#endif
