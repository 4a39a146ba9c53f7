/* The plan of an experiment: a recipe expanded into trials, in order. */
#ifndef LAB_PLAN_H
#define LAB_PLAN_H

#include "base/hash.h"
#include "train/ledger.h"

/* Whose key, share and size are known after plan_prepare. */
struct plan_trial {
    size_t place;          /* from 1 */
    size_t point;          /* of the sweep, from 0 */
    struct node **swept;   /* plan.path_count values; NULL: this point leaves the recipe's own */
    struct node *seeds;    /* one seed: a number, or {init: ..., order: ...} */
    uint64_t seed;         /* as tables show it */
    char key[HASH_TEXT];   /* "" before plan_prepare */
    char share[HASH_TEXT]; /* the same for trials that may be trained together; "": it is trained alone */
    struct trial_size size;
    uint64_t parts[LEDGER_PARTS]; /* FLOP by part, planned */
};

struct figure_spec;
struct data;

/* A data set that trials of the plan share, open as long as the plan. */
struct plan_data {
    char *json; /* of the recipe's `dataset` */
    struct settings *settings;
    struct data *data;
};

struct plan {
    struct tree *tree;   /* the recipe with overrides, before expansion */
    struct tree *base;   /* the same without sweep, laws and figures: what trials are copies of */
    char *name, *title;  /* in tree's arena */
    size_t path_count;
    char **paths;        /* swept paths, columns of tables; "case" where there are cases */
    struct node **keys;  /* where each path was written */
    size_t point_count;
    size_t count;
    struct plan_trial *trials; /* ordered: sweep points in order of the recipe, seeds innermost */
    struct figure_spec **figures;
    size_t figure_count;
    struct plan_data *data;
    size_t data_count, data_capacity;
};

/* Reads, overrides, expands and checks a recipe, all mistakes at once, lint included (warnings). Opens no data. NULL
 * where there was an error in `found`. */
struct plan *plan_read(const char *path, const char *const *overrides, size_t override_count, struct plugins *plugins,
                       struct diagnostics *found);
/* The same, and opens each data set for sizes and keys; data that can't be opened are errors, too. */
struct plan *plan_prepare(const char *path, const char *const *overrides, size_t override_count,
                          struct plugins *plugins, struct diagnostics *found);
/* The same as plan_read from a tree, which it takes over, also on failure. */
struct plan *plan_of_tree(struct tree *tree, struct plugins *plugins, struct diagnostics *found);
void plan_free(struct plan *plan);

/* The recipe of one trial (index from 0) resolved: no sweep, one seed. To be freed before the plan. NULL and messages
 * where a swept path does not fit. */
struct tree *plan_trial_tree(const struct plan *plan, size_t index, struct diagnostics *found);
/* The same, checked: to be freed with settings_free before the plan. */
struct settings *plan_settings(const struct plan *plan, size_t index, struct plugins *plugins,
                               struct diagnostics *found);
/* Canonical JSON of what the trial measures and keeps, which is no part of its key. */
int plan_wanted_json(const struct tree *trial, struct text *out);

#endif
