/* Results of an experiment's folder, as frames: what export, table, figures and fits read. */
#ifndef LAB_RESULTS_H
#define LAB_RESULTS_H

#include "base/frame.h"
#include "recipe/tree.h"

enum lab_table { LAB_TRIALS, LAB_POINTS };

/* One row a trial, or a point, in plan order: the columns of `isoflop export`. Also while a run is writing. NULL and an
 * error in words where `folder` is no experiment. */
struct frame *lab_frame(const char *folder, enum lab_table which, struct iso_error *err);

/* One row a histogram that `measure.also: [histograms]` kept: trial, step, epoch, layer, of (weights, gradients,
 * activations), bins (a JSON list: see train/histogram.h). */
struct frame *lab_histograms(const char *folder, struct iso_error *err);

/* The experiment that a folder holds, as last run. */
struct lab_experiment {
    char *name, *title;
    struct tree *tree; /* the recipe with its overrides, `figures` and `sweep` included */
    size_t path_count;
    char **paths;      /* swept paths */
    char *started;     /* UTC, "2026-01-31T12:00:00Z" */
};
struct lab_experiment *lab_experiment(const char *folder, struct iso_error *err);
void lab_experiment_free(struct lab_experiment *experiment);

#endif
