/* Running an experiment: what is left of a plan is trained by worker processes and kept in the store. */
#ifndef LAB_RUN_H
#define LAB_RUN_H

#include <signal.h>

#include "lab/plan.h"

struct cluster;

struct run_options {
    const char *folder;           /* of the experiment */
    const char *recipe;           /* the recipe's text, as given */
    const char *const *overrides; /* as given by --set and --backend */
    size_t override_count;
    const char *command;          /* as typed, for provenance */
    unsigned jobs;
    unsigned threads;             /* of a trial; 0: those of `jobs` that have no trial of their own */
    const char *trial;            /* the beginning of one trial's key: that alone; NULL: all */
    bool retry, fail_fast, smoke;
    double trial_timeout;         /* seconds; 0: any */
    double save_seconds;          /* between states that a running trial goes on from; 0: none */
    size_t shard, shards;         /* the I-th (from 1) of N parts of the plan; 0, 0: all */
    const volatile sig_atomic_t *stop;
    int wake;
    struct cluster *cluster;      /* rank 0 of a run on many hosts; NULL: here alone */
};

enum run_event_kind {
    RUN_BEGINS,   /* counts are known */
    RUN_STARTED,  /* a trial */
    RUN_PROGRESS,
    RUN_RESUMED,  /* it goes on after `step` of `steps` */
    RUN_ENDED,    /* done or diverged */
    RUN_FAILED,   /* text: why */
    RUN_STOPPED,
    RUN_PRINTED,  /* text: a line that a worker printed */
    RUN_NOTE      /* text: something worth knowing about a trial, or about the run */
};

struct run_counts {
    size_t planned;        /* distinct trials of the plan (of its part) */
    size_t before;         /* of these, done before this run */
    size_t failed_before;  /* failed before, left alone without --retry */
    size_t to_train;
    size_t done, diverged, failed, stopped, running;
    size_t saved;          /* of the stopped ones, those that go on from where they were */
    double flops, flops_to_train; /* trained by this run in trials that ended; all it has to train */
};

struct run_event {
    enum run_event_kind kind;
    const struct plan_trial *trial; /* NULL: about none */
    const struct run_counts *counts;
    uint64_t step, steps;
    double epoch, loss, rate;
    const struct trial_result *result; /* RUN_ENDED */
    const char *text;
};

struct run_listener {
    void *context;
    void (*event)(void *context, const struct run_event *event);
    void (*tick)(void *context, double *seconds); /* called in each turn; may lower *seconds to be called again */
};

/* 0 where the run came to its end, trials that failed included; -1 where it could not (the store, no worker). *changed:
 * the folder's experiment is another than before. */
int run_plan(const struct plan *plan, struct plugins *plugins, const struct run_options *options,
             const struct run_listener *listener, struct run_counts *counts, bool *changed, struct iso_error *err);

#endif
