/* Work that may crash, end the program or never return, done in a process of its own. */
#ifndef BASE_APART_H
#define BASE_APART_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* Zeroed memory that this process and those that it makes later see alike; NULL: there is none. */
void *apart_shared(size_t bytes);
void apart_shared_free(void *shared, size_t bytes);

struct apart_end {
    bool finished;  /* the work returned; else one of the following ended it */
    bool late;      /* it stood still for too long */
    int signal;     /* that ended it, or 0 */
    int exit_status; /* with which it ended the process, unless there was a signal */
    char said[400]; /* the start of what came on standard output and error, without a final newline */
    size_t said_length; /* bytes in all */
};

/* Runs work(context) in a child process, whose standard input is empty and whose output is caught. *pulse, in shared
 * memory, changes as long as the work gets on: where it stands still for `seconds`, the process is killed. 0: see
 * `end`; -1: there could be no such process. */
int apart_run(void (*work)(void *context), void *context, const volatile size_t *pulse, double seconds,
              struct apart_end *end, struct iso_error *err);

#endif
