/* The plan of an experiment: a recipe expanded into trials, in order. */
#ifndef LAB_PLAN_H
#define LAB_PLAN_H

#include "train/trial.h"

struct plan_trial {
    size_t place;                 /* from 1 */
    struct settings *settings;    /* NULL until plan_settings */
    struct node **swept;          /* values of plan.paths, in the plan's arena */
    uint64_t seed;
};

struct plan {
    struct tree *tree;            /* the recipe with overrides, before expansion */
    char *name, *title;
    size_t path_count;
    char **paths;                 /* swept paths, columns of tables */
    size_t count;
    struct plan_trial *trials;    /* ordered: sweep points in order of the recipe, seeds innermost */
    struct figure_spec **figures;
    size_t figure_count;
};

/* Reads, overrides, expands and checks a recipe, all mistakes at once, lint included (warnings). NULL where there was
 * an error in `found`. */
struct plan *plan_read(const char *path, const char *const *overrides, size_t override_count, struct plugins *plugins,
                       struct diagnostics *found);
void plan_free(struct plan *plan);

#endif
