/* Shows a run live on standard error: in place on a terminal, a line an event elsewhere. */
#ifndef COMMAND_PROGRESS_H
#define COMMAND_PROGRESS_H

#include "lab/run.h"

struct progress;
/* command: what was typed, for how to run a trial that failed by itself. */
struct progress *progress_new(const struct plan *plan, const char *command, unsigned jobs, struct iso_error *err);
void progress_free(struct progress *progress); /* leaves the terminal clean */
double progress_seconds(const struct progress *progress); /* since the run began */
struct run_listener progress_listener(struct progress *progress);

/* "3 min 20 s" */
void progress_duration(double seconds, char out[48]);
/* "1.25 GFLOP" with the unit given after the prefix. */
void progress_quantity(double value, const char *unit, char out[48]);
/* "model.hidden.width 64, seed 1" */
void progress_label(const struct plan *plan, const struct plan_trial *trial, struct text *out);

#endif
