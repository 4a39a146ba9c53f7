/* The `sweep` and `seeds` sections of a recipe, as lists of values. */
#ifndef LAB_SWEEP_H
#define LAB_SWEEP_H

#include "plugin/plugin.h"

#define SWEEP_TRIALS_MAX 1000000

/* All points of the sweep, in order: the first key of the recipe varies slowest. Everything lives in the tree's
 * arena. */
struct sweep {
    size_t path_count;
    char **paths;         /* "case" for the names of cases, which is no path */
    struct node **keys;   /* where each was written */
    size_t count;         /* points; 1 where nothing is swept */
    struct node **values; /* count x path_count; NULL: not set in this point */
};

/* 0, or -1 and messages. */
int sweep_read(struct sweep *sweep, struct tree *tree, struct plugins *plugins, struct diagnostics *found);

/* One replicate: what `seeds` of its trials is, and the number that tables show. */
struct replicate {
    struct node *node;
    uint64_t seed;
};
/* `seeds: 5` is 0 ... 4; a list is itself; {init: 5, order: [1]} every combination. Nothing: seed 0. */
int seeds_read(struct replicate **replicates, size_t *count, struct tree *tree, struct diagnostics *found);

#endif
