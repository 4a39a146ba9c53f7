/* The settings of one trial: a resolved recipe, every value typed and checked, every plugin opened. */
#ifndef TRAIN_SETTINGS_H
#define TRAIN_SETTINGS_H

#include "base/hash.h"
#include "data/data.h"
#include "plugin/plugin.h"
#include "recipe/tree.h"

enum bias_kind { BIAS_ZEROS, BIAS_NONE, BIAS_CONSTANT };
enum unit { UNIT_NONE, UNIT_EPOCHS, UNIT_STEPS, UNIT_SECONDS, UNIT_LOG };
enum reduction { REDUCTION_MEAN, REDUCTION_SUM };
#define SETTINGS_HIDDEN_MAX 128

/* A number measured in training that best and stop may look at, by name such as "validation.loss". */
enum quantity { QUANTITY_VALIDATION_LOSS, QUANTITY_VALIDATION_ACCURACY, QUANTITY_TRAIN_LOSS, QUANTITY_TRAIN_ACCURACY,
                QUANTITY_TEST_LOSS, QUANTITY_TEST_ACCURACY, QUANTITY_COUNT };
extern const char *const quantity_names[QUANTITY_COUNT];

struct settings {
    struct tree *tree; /* the resolved recipe of this trial, owned */
    struct arena *arena;

    struct plugin_host *data_host;
    struct instance *dataset;
    struct data_options data;

    /* model */
    size_t hidden_count;
    size_t hidden[SETTINGS_HIDDEN_MAX];
    struct instance *activation[SETTINGS_HIDDEN_MAX];  /* one each; may be the same instance */
    struct instance *activations[SETTINGS_HIDDEN_MAX]; /* those that were opened, owned */
    struct instance *initializer;
    enum bias_kind bias;
    double bias_constant;
    double clip; /* 0: none */
    bool clip_gradient_zero, clip_output;
    double dropout[SETTINGS_HIDDEN_MAX]; /* 0: none */
    char *from; /* warm start, absolute; NULL */
    char from_checksum[HASH_TEXT]; /* SHA-256 of that file */

    struct instance *loss, *optimizer, *schedule, *backend;

    /* train */
    bool has_epochs, has_steps, has_examples, has_flops, has_flops_6nd;
    double epochs;
    uint64_t steps, examples, flops, flops_6nd;
    /* of {times_params: K}, instead of the numbers above; 0: none */
    double steps_per_param, examples_per_param, flops_per_param, flops_6nd_per_param;
    uint64_t batch;
    enum reduction reduction;
    bool shuffle, drop_last, share_batches;
    double warmup_fraction;
    uint64_t warmup_steps; /* where warmup: {steps: K} */
    double clip_norm;      /* 0: none */
    uint64_t stop_patience; /* epochs; 0: no early stopping */
    enum quantity stop_by;
    double stop_min_change;
    bool stop_diverged; /* true: a loss that is not finite ends the trial */
    enum quantity best;
    bool best_given;

    /* seeds */
    uint64_t seed, seed_init, seed_order, seed_dropout, seed_examples;

    /* measure */
    enum unit every_unit;
    double every;  /* EPOCHS, STEPS, SECONDS: how many; LOG: at most so many steps */
    bool measure_split[DATA_SPLITS]; /* during training; test at the end is always measured */
    bool measure_zero;               /* a point at step 0 */
    bool train_eval;
    uint64_t train_eval_examples; /* 0: all */
    bool also_gradient_norm, also_weight_norm, also_update_ratio, also_dead_units, also_histograms;

    /* checkpoint */
    bool checkpoint_init, checkpoint_best, checkpoint_final;
    enum unit checkpoint_unit; /* of {every: ...}; UNIT_NONE: none */
    double checkpoint_every;
};

/* Reads a resolved recipe: the whole recipe's sections except `sweep`, `laws`, `figures`, `name` and `title`, which are
 * the experiment's; `seeds` is the trial's own by now: one number, or {init: 5, order: 1} with any of the streams (the
 * others are 0). Takes the tree over, also on failure. NULL and all mistakes in `found`. */
struct settings *settings_read(struct tree *tree, struct plugins *plugins, struct diagnostics *found);
void settings_free(struct settings *settings);
/* The JSON that the trial's key is the SHA-256 of, given the checksum of its data (design: what is in it and
 * what is not). */
int settings_key_json(const struct settings *settings, const char *data_checksum, struct text *out);
/* The JSON of what trials have in common that may be trained together (train.share_batches): data, minibatches, order,
 * and what these are prepared for. Nothing is added where the trial shares with none. */
int settings_share_json(const struct settings *settings, bool endless, struct text *out);

#endif
