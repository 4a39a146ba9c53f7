/* The worker's side: a process that trains the trials it is handed, one after the other. */
#ifndef LAB_WORKER_H
#define LAB_WORKER_H

#include "base/error.h"

/* Reads trials from standard input and answers on standard output, until the input ends. Takes both over: what plugins
 * print goes to standard error. Ends at once when the process that started it is gone. */
int worker_run(struct iso_error *err);

#endif
