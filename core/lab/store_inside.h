/* What the files of the store share; for them alone. */
#ifndef LAB_STORE_INSIDE_H
#define LAB_STORE_INSIDE_H

#include <time.h>

#include "lab/database.h"
#include "lab/store.h"

enum statement {
    START, FORGET, POINT, DONE, FAILED, PENDING, NUMERICS_ADD, NUMERICS_FIND, RUN_BEGIN, RUN_HOST, RUN_END, PART, AGREES,
    TRIAL_FIND, TRIAL_ADD, PLACE_ADD, STATEMENTS
};

struct store {
    sqlite3 *database;
    sqlite3_stmt *statements[STATEMENTS];
    char *folder;
    int lock;
    int64_t experiment, run;
    int64_t here;              /* the run, or its row of the host that trains the trial in question */
    int64_t *hosts;            /* rows of the other hosts by rank, 0: none yet */
    size_t host_capacity;
    const struct provenance *provenance;
    bool open;                 /* a transaction is */
    struct timespec opened;
};

/* The prepared statement; NULL and an error. */
sqlite3_stmt *store_get(struct store *store, enum statement which, struct iso_error *err);
/* Opens the transaction that the next writes belong to. */
int store_begin(struct store *store, struct iso_error *err);
/* Runs a statement whose values are bound. */
int store_put(struct store *store, enum statement which, struct iso_error *err);

#endif
