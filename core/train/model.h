/* A trained model read back from a checkpoint: for eval and predict. */
#ifndef TRAIN_MODEL_H
#define TRAIN_MODEL_H

#include "train/trial.h"

struct model;
/* Reads and checks a safetensors file. NULL and an error in words. */
struct model *model_load(const char *path, struct plugins *plugins, struct iso_error *err);
void model_free(struct model *model);
const struct settings *model_settings(const struct model *model);
/* Loss and accuracy on a split of a data set (inputs must fit the model). */
int model_evaluate(struct model *model, const struct data *data, enum data_split split, struct measured *measured,
                   struct iso_error *err);

#endif
