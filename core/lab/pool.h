/* The parent's side: worker processes, what they send, and what is left of them when they die. */
#ifndef LAB_POOL_H
#define LAB_POOL_H

#include <signal.h>

#include "lab/message.h"

/* Tasks are known by a number. Functions that give int stop the pool with -1. */
struct pool_events {
    void *context;
    bool (*next)(void *context, size_t *task); /* the next task to train; false: none is left for now */
    /* Another one, to be trained together with that task by the same worker; false: none. NULL: all are trained alone. */
    bool (*with)(void *context, size_t task, size_t *another);
    int (*describe)(void *context, size_t task, struct message_trial *trial, struct iso_error *err);
    /* Frees what describe made, also where that failed. */
    void (*describe_end)(void *context, struct message_trial *trial);
    int (*point)(void *context, size_t task, const struct point *point, struct iso_error *err);
    void (*progress)(void *context, size_t task, const struct message_progress *progress);
    int (*done)(void *context, size_t task, const struct trial_result *result, struct iso_error *err);
    /* killed: by a signal that no program gives itself; it may do better the next time. */
    int (*failed)(void *context, size_t task, const char *why, bool killed, struct iso_error *err);
    /* Its worker crashed or took too long while it trained several: each is to be trained by itself, which shows whose
     * fault it was. NULL where `with` is. */
    int (*apart)(void *context, size_t task, const char *why, struct iso_error *err);
    /* A file could not be written: no fault of the task. NULL: as failed. */
    int (*unwritten)(void *context, size_t task, const char *why, struct iso_error *err);
    int (*stopped)(void *context, size_t task, struct iso_error *err); /* interrupted: to be trained again */
    void (*saved)(void *context, size_t task);   /* there is a state on disk that the task goes on from. May be NULL */
    void (*resumed)(void *context, size_t task, uint64_t step, uint64_t steps); /* goes on from it. May be NULL */
    void (*note)(void *context, size_t task, const char *text); /* worth knowing. May be NULL */
    void (*printed)(void *context, const char *line);                  /* by a worker, on standard error */
    void (*remark)(void *context, const char *text); /* of cluster_run: something worth knowing about other ranks */
    /* Called in each turn; lowers *seconds to when it wants to be called again (negative: whenever). */
    int (*turn)(void *context, double *seconds, struct iso_error *err);
};

/* What goes on beside the pool's own workers: tasks that are trained elsewhere, or come from there. */
struct pool_elsewhere {
    void *context;
    bool (*more)(void *context); /* tasks may still come: the pool goes on, and idle workers are kept */
    int (*turn)(void *context, double *seconds, struct iso_error *err); /* before the events'; or NULL */
};

struct pool_options {
    unsigned jobs;
    double timeout;                    /* seconds a trial may take, trials together as many times that; 0: any */
    const volatile sig_atomic_t *stop; /* 1: end politely; 2: at once */
    int wake;                          /* readable when *stop changed; -1: none */
    const struct pool_elsewhere *elsewhere; /* NULL: nothing */
};

/* Trains all tasks. All workers are gone when it returns. 0 also after a stop; -1 where it can't go on. */
int pool_run(const struct pool_options *options, const struct pool_events *events, struct iso_error *err);

#endif
