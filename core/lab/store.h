/* The results store: OUT/results.db (SQLite), with one writer. A trial is done when its commit is durable; commits are
 * grouped, at most half a second old. The only part that sees sqlite3.h is core/lab. */
#ifndef LAB_STORE_H
#define LAB_STORE_H

#include "lab/plan.h"
#include "lab/provenance.h"

struct store;

/* Opens a folder's store to write: makes it where there is none, and takes the folder's lock, or says who holds it. */
struct store *store_create(const char *folder, struct iso_error *err);
/* Commits and leaves one plain file. 0 or -1; the store is freed in any case. */
int store_close(struct store *store, struct iso_error *err);
/* Commits what is older than half a second, or all of it. */
int store_commit(struct store *store, bool all, struct iso_error *err);
/* Seconds until store_commit has something to do; negative: nothing waits. */
double store_waits(const struct store *store);

/* What the store knows of a trial of the plan. */
struct store_trial {
    int64_t id;
    enum trial_status status; /* RUNNING: it was interrupted */
    bool wanted;              /* stored with the same measurements and checkpoints as asked for now */
    unsigned attempts;
};

/* Makes the plan the folder's experiment: as it stands already, or as a new one that leaves old trials where they are.
 * Fills states[plan->count]. *changed: it is another experiment than the last one. */
int store_enter(struct store *store, const struct plan *plan, const char *recipe, const char *const *overrides,
                size_t override_count, struct store_trial *states, bool *changed, struct iso_error *err);

/* One run of the program: who, where, with what. */
struct store_run {
    const char *command;
    unsigned jobs, threads;
};
int store_run_begin(struct store *store, const struct store_run *run, const struct provenance *provenance,
                    struct iso_error *err);
/* Notes of runs that have no end that they were killed; *killed: there were such. */
int store_end_killed(struct store *store, bool *killed, struct iso_error *err);
/* Says on which host the trials are trained that are started next: the other rank's of a run on many hosts, which
 * becomes a row of its own among the runs; host NULL: this one. */
int store_run_host(struct store *store, size_t rank, const char *host, const char *system, const char *cpu,
                   long process, struct iso_error *err);
int store_run_end(struct store *store, const char *outcome, struct iso_error *err);
/* A data set or plugin that the run uses: kind, name, revision (0: none), file ("" for none) and checksum. */
int store_run_part(struct store *store, const char *kind, const char *name, int revision, const char *file,
                   const char *checksum, struct iso_error *err);

int store_start(struct store *store, struct store_trial *trial, struct iso_error *err); /* forgets earlier points */
int store_point(struct store *store, const struct store_trial *trial, size_t number, const struct point *point,
                struct iso_error *err);
int store_done(struct store *store, struct store_trial *trial, const struct trial_result *result, const char *wanted,
               struct iso_error *err);
int store_failed(struct store *store, struct store_trial *trial, const char *why, struct iso_error *err);
int store_pending(struct store *store, struct store_trial *trial, struct iso_error *err); /* interrupted */
/* Compares a point with the stored one of the same number: 1 equal, 0 not, or there is none. -1: error. */
int store_agrees(struct store *store, const struct store_trial *trial, size_t number, const struct point *point,
                 struct iso_error *err);

#endif
