/* Checkpoints: safetensors files of float32 tensors `layers.I.weight` (outputs, inputs) and `layers.I.bias` (outputs),
 * I from 0, and `__metadata__` with what evaluates the model again:
 *
 *     format         "isoflop"
 *     step           steps trained
 *     recipe         the resolved recipe, YAML
 *     normalisation  {"factor": f, "shift": s}: input = stored value * f + s; a number each, or a list of one an input
 *     image          {"height", "width", "channels", "white": the stored value of full intensity} where inputs are images
 *     classes        ["...", ...] where the data set names its classes
 *
 * Files made elsewhere need only the recipe, and of it dataset and model; the rest is then taken from the data set.
 * Nothing depends on the host or the time: equal models give equal bytes. Reading trusts nothing: every length, offset,
 * shape and type is checked, tensors must fill the file without overlap or gap. */
#ifndef TRAIN_CHECKPOINT_H
#define TRAIN_CHECKPOINT_H

#include "network/network.h"
#include "train/settings.h"

/* The bytes of a checkpoint, to be freed; NULL and an error where there is no memory. */
void *checkpoint_write(const struct network *network, const struct settings *settings, const struct data *data,
                       uint64_t step, size_t *length, struct iso_error *err);

struct checkpoint_layer {
    size_t inputs, outputs;
    float *weight; /* (outputs, inputs) */
    float *bias;   /* NULL: none */
};

struct checkpoint {
    struct arena *arena;
    size_t count;
    struct checkpoint_layer *layers;
    const char *recipe;         /* NULL: none of these */
    const float *factor, *shift; /* inputs of the first layer each; NULL */
    size_t height, width, channels; /* of images; 0: the inputs are none */
    double white;               /* stored value of full intensity */
    const char **class_names;   /* outputs of the last layer; NULL */
    uint64_t step;
};

/* NULL and an error that names the file. */
struct checkpoint *checkpoint_read(const char *path, struct iso_error *err);
/* The same from bytes. */
struct checkpoint *checkpoint_parse(const char *name, const char *bytes, size_t length, struct iso_error *err);
void checkpoint_free(struct checkpoint *checkpoint);
/* Copies its weights into a network of the same sizes; an error that says what differs. */
int checkpoint_load(const struct checkpoint *checkpoint, struct network *network, struct iso_error *err);

#endif
