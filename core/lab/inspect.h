/* Looking into an experiment's folder: states of its trials, provenance, one trial. */
#ifndef LAB_INSPECT_H
#define LAB_INSPECT_H

#include <stdint.h>

#include "base/text.h"
#include "lab/plan.h"
#include "lab/results.h"

struct sqlite3;
/* The experiment of an open store (core/lab alone). */
struct lab_experiment *lab_read_experiment(struct sqlite3 *database, const char *folder, struct iso_error *err);

struct lab_status {
    char *name, *title;
    bool running;       /* a run is writing now, by `holder` */
    char holder[400];
    uint64_t planned;   /* distinct trials of the recipe as it now stands */
    uint64_t pending, active, done, diverged, failed;
    uint64_t left_over; /* trials of earlier recipes */
    double seconds;     /* trained in all */
    struct frame *open; /* trials that run or failed: place, key, status, step, epoch, loss, error */
};
struct lab_status *lab_status(const char *folder, struct iso_error *err);
void lab_status_free(struct lab_status *status);

/* Provenance of the experiment, as lines of text. */
int lab_show(const char *folder, struct text *out, struct iso_error *err);
/* One trial, by the beginning of its key or by its place in the plan: what is known of it as comments, then its recipe,
 * which can be run by itself from anywhere. */
int lab_show_trial(const char *folder, const char *key, struct plugins *plugins, struct text *out,
                   struct iso_error *err);
/* The stored status of each trial of a plan, by key; PENDING where the folder knows nothing of it, or lacks a measurement
 * or checkpoint that is asked for now. 1: there is no store in the folder. */
int lab_states(const char *folder, const struct plan *plan, enum trial_status *states, struct iso_error *err);

#endif
