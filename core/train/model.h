/* A trained model read back from a checkpoint: for eval, predict and draw. */
#ifndef TRAIN_MODEL_H
#define TRAIN_MODEL_H

#include "data/image.h"
#include "train/trial.h"

struct model;
/* Reads and checks a safetensors file. NULL and an error in words. The plugins outlive the model. */
struct model *model_load(const char *path, struct plugins *plugins, struct iso_error *err);
/* The same, with the folder that paths in its recipe are relative to; NULL: the one where isoflop works. */
struct model *model_load_for(const char *path, const char *folder, struct plugins *plugins, struct iso_error *err);
void model_free(struct model *model);
const struct settings *model_settings(const struct model *model);
uint64_t model_step(const struct model *model);               /* steps trained */
const char *const *model_class_names(const struct model *model); /* NULL: it has none */

/* The data the model was trained on, or another data set: `dataset` as a --set would give it, such as
 * "fashion_mnist"; NULL: its own. To be closed before the model is freed. */
struct data *model_open_data(struct model *model, const char *dataset, struct iso_error *err);
/* Loss and accuracy on a split of a data set, whose inputs and outputs must fit the model. Inputs are normalised as
 * they were in training, whatever the data set's own normalisation is. */
int model_evaluate(struct model *model, const struct data *data, enum data_split split, struct measured *measured,
                   struct iso_error *err);

/* Hands on what the loss shows of the outputs (probabilities, for most) for every example of a split with classes, some
 * rows at a time: labels, and rows x outputs. What the function returns other than 0 ends it. */
typedef int model_visitor(void *context, size_t first, size_t rows, const int32_t *labels, const float *shown);
int model_each(struct model *model, const struct data *data, enum data_split split, model_visitor *visitor,
               void *context, struct iso_error *err);
/* Sizes, from the inputs on: layers + 1 of them. */
size_t model_layers(const struct model *model);
size_t model_size(const struct model *model, size_t index);
/* (outputs, inputs) of a layer from 0; valid as long as the model. */
const float *model_weights(const struct model *model, size_t layer);
bool model_has_bias(const struct model *model);

/* A black picture of the size that the model takes. An error where it was not trained on images. What its file leaves
 * out of image, normalisation and names of the classes is taken from its data set, so that this comes before
 * model_class_names and model_predict. */
int model_picture(struct model *model, struct image *picture, struct iso_error *err);
/* How pictures are brought to that size for it: as MNIST was made where it was trained on digits. */
enum image_fit model_fit(const struct model *model);
size_t model_outputs(const struct model *model);
/* What the loss shows of the outputs (probabilities, for most) for such a picture: model_outputs numbers. */
int model_predict(struct model *model, const struct image *picture, float *shown, struct iso_error *err);

#endif
