/* From the best point of a sweep to a recipe of the final model. */
#ifndef LAB_REFIT_H
#define LAB_REFIT_H

#include "base/text.h"
#include "lab/selection.h"
#include "plugin/plugin.h"

/* A recipe that trains the selection's best point again on all the data that the sweep trained or validated on:
 * validation_size 0 (a train_size grows by it), as many epochs as the best weights took on average, where the trials say
 * so, else the same budget; new seeds, no sweep, the final checkpoint. Comments say where each number comes from. */
int refit_recipe(const struct selection *selection, const char *folder, struct plugins *plugins, struct text *out,
                 struct iso_error *err);

#endif
