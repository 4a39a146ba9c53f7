/* What the files of the pool share: its state, and how a worker is started. */
#ifndef LAB_POOL_INSIDE_H
#define LAB_POOL_INSIDE_H

#include <poll.h>
#include <sys/types.h>
#include <time.h>

#include "lab/pool.h"

#define LINE_LIMIT 2000
#define LINES_LIMIT 500 /* that a worker may print about what it was given */

struct hand {
    pid_t process; /* 0: none */
    int in, out, log;
    struct message_inbox inbox;
    bool ready, timed_out;
    bool damaged;  /* it sent a message that makes no sense */
    bool leaving;  /* it was told to stop, and ends */
    size_t *tasks; /* that it trains */
    size_t task_count, task_capacity;
    size_t given;  /* tasks that it was given at once */
    struct timespec started;
    char line[LINE_LIMIT], last[LINE_LIMIT]; /* the line that grows, and the last whole one that says something */
    size_t line_length;
    size_t lines; /* that were passed on since it was given its tasks */
};

struct pool {
    const struct pool_options *options;
    const struct pool_events *events;
    struct hand *hands;
    struct pollfd *files;
    char **environment;
    unsigned start_failures;
    bool dry; /* no task is left */
    double seconds; /* until events.turn wants to be called again */
};

/* The environment, with libraries told to use one thread: trials run side by side. To be freed; NULL: no memory. */
char **pool_environment(void);
/* Starts a worker with that environment. */
int pool_start(const struct pool *pool, struct hand *hand, struct iso_error *err);
void pool_close(int *file); /* where it is open */

#endif
