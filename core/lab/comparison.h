/* Experiments side by side: settings that differ, trials in common, means over seeds at the same swept values. */
#ifndef LAB_COMPARISON_H
#define LAB_COMPARISON_H

#include "base/memory.h"
#include "lab/summary.h"

struct compared {
    const char *folder;
    struct lab_experiment *experiment;
    struct summary *summary;
    size_t trials, done, diverged, failed; /* places in its plan */
    char *numerics;                        /* those of its trials, a line each */
    size_t best; /* row of the summary with the lowest mean validation loss; SIZE_MAX: none */
};

/* A setting that is not the same in all: values[i] is JSON, NULL where experiment i does not set it. */
struct compared_setting {
    const char *path;
    const char **values;
};

/* The same keys in the first experiment and another one. */
struct compared_keys {
    size_t common, ended; /* ended in both */
    size_t equal;         /* of these, all measured values equal to the bit */
    double largest;       /* difference |a - b| / max(1, |a|, |b|) of a loss; 0: none */
    const char *key;      /* where that is */
};

/* A point, by the values of all paths that any experiment sweeps. */
struct compared_row {
    const char **values;  /* as tables show them, "" for none */
    size_t *at;           /* of each experiment: row of its summary, or SIZE_MAX */
};

struct comparison {
    struct arena *arena;
    size_t count;
    struct compared *experiments;
    size_t setting_count, row_count, path_count;
    struct compared_setting *settings;
    struct compared_keys *keys; /* of experiments 1 ... count - 1 with experiment 0 */
    struct compared_row *rows;
    const char **paths;
};

/* metrics: columns to average (count 0: the first of validation, test and training loss that all have). */
struct comparison *comparison_new(const char *const *folders, size_t count, const char *const *metrics,
                                  size_t metric_count, struct iso_error *err);
void comparison_free(struct comparison *comparison);

#endif
