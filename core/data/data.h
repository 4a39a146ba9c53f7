/* Data sets as trials see them: found, read, split, subset, normalised; the same for every dataset plugin. The only
 * place that opens data files. A `struct data` is immutable after data_open. */
#ifndef DATA_DATA_H
#define DATA_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plugin/plugin.h"

enum data_split { DATA_TRAIN, DATA_VALIDATION, DATA_TEST, DATA_SPLITS };
enum data_normalise { NORMALISE_UNIT, NORMALISE_STANDARD, NORMALISE_NONE };

/* The options that the core gives every dataset (plugin_data_options: reserved names beside the plugin's parameters).
 * Applied in this order: keep classes (renumbered from 0 in the order listed); permute by the subset seed if a size or
 * noise is given; last validation_size of the training split to validation; first train_size of the rest; test_size (of
 * test examples permuted likewise where it is given); label noise on training labels, a function of the subset seed and
 * the example's place in the file.
 *
 * Data without end: with a train_size, examples 0 ... train_size - 1 of the subset seed are the training set, drawn once
 * into the shared cache; else training examples are drawn when they are gathered, by the trial's seed and
 * epoch * epoch_size + position. Validation (validation_size, default none) and test (test_size, default 10,000) have
 * ranges of indices of their own and are the same for all trials. */
struct data_options {
    size_t class_count; /* 0: all */
    const int64_t *classes;
    bool subset_by_trial;  /* subset_seed: trial */
    uint64_t subset_seed;
    bool has_train_size, has_test_size;
    uint64_t train_size, validation_size, test_size;
    double label_noise; /* fraction of training labels replaced by another class, uniformly */
    enum data_normalise normalise;
    uint64_t epoch_size; /* examples an epoch of a data set without end; 0: DATA_EPOCH_SIZE */
};
#define DATA_EPOCH_SIZE 60000

/* Reads the options from a recipe's dataset mapping (or name); mistakes go to `found`. */
int data_options_read(struct data_options *options, const struct node *dataset, struct arena *arena,
                      struct diagnostics *found);

struct data_shape {
    size_t inputs, outputs;
    bool classification;
    const char *const *class_names; /* outputs names, or NULL */
    size_t height, width, channels; /* 0: no image */
    double white;                   /* of images: the stored value of full intensity */
    double target_min, target_max;  /* of a regression, over the splits that are not drawn afresh */
    bool endless;
};

struct data;
/* Where decoded data are shared: see data_host. trial_seed matters where subset_by_trial. */
struct data *data_open(struct instance *dataset, const struct data_options *options, uint64_t trial_seed,
                       struct iso_error *err);
void data_close(struct data *data);
const struct data_shape *data_shape(const struct data *data);
/* Examples of a split; for training without end: epoch_size. */
size_t data_count(const struct data *data, enum data_split split);
/* SHA-256 over the checksums of the decompressed files read (or for generated data the plugin, its revision and
 * parameters), for keys and provenance. */
const char *data_checksum(const struct data *data);
/* What a checkpoint keeps to prepare new inputs: arrays of `inputs` factors and shifts, x = raw * factor + shift, raw
 * in the stored units (0 ... 255 for 8-bit). unit: the data set's own scale (8-bit / 255); none: raw values; standard:
 * mean 0 and deviation 1 over the training examples, of each channel of images, else of each input. */
void data_normalisation(const struct data *data, const float **factor, const float **shift);

/* Writes n examples, positions[k] of the split (for training without end: of epoch `epoch`, which gives fresh examples;
 * else epoch does not matter), normalised, as rows of x. labels (n) where classification, else targets (n x outputs).
 * Hot: no allocation. seed: of the trial's "examples" stream, for data without end. */
void data_gather(const struct data *data, enum data_split split, uint64_t seed, uint64_t epoch,
                 const uint32_t *positions, size_t n, float *x, size_t x_stride, int32_t *labels, float *targets);

/* The hooks for instance_read of a dataset: find files, cache, checksum. `context` must outlive the instance;
 * data_host_free frees it. */
struct plugin_host *data_host_new(struct iso_error *err);
void data_host_free(struct plugin_host *host);

#endif
