/* What tests of trials share: settings from a recipe's text, and a listener that keeps what a trial tells. */
#ifndef TESTS_TRIAL_TOOLS_H
#define TESTS_TRIAL_TOOLS_H

#include "train/trial.h"

#define MODEL "model: {hidden: [16, 12], activation: tanh, initializer: xavier}\n"
#define DATA "dataset: {digits: {train_size: 130, validation_size: 60, test_size: 70}}\n"
#define RATE "schedule: {exponential: {rate: 0.1, decay: 0.9}}\n"

extern struct plugins *plugins;

/* Runs the suite with plugins opened and a cache of its own; what main returns. */
struct Suite;
int trial_tools_main(struct Suite *suite);

/* Settings of a recipe's text; what it leaves out of the sections above is added. */
struct settings *settings_of(const char *recipe);
struct data *data_of(const struct settings *settings);

enum { POINTS_MAX = 200, EXTRAS_MAX = 12, FILES_MAX = 8 };
struct told_file {
    char name[32];
    char *bytes;
    size_t length;
};
struct told {
    struct point points[POINTS_MAX];
    size_t count;
    struct extra extras[POINTS_MAX][EXTRAS_MAX]; /* without names */
    struct told_file files[FILES_MAX];
    size_t file_count;
    uint64_t interrupt_at, asked;
    struct trial_result result;
};
int run_into(struct told *told, const struct settings *settings, uint64_t max_steps, struct iso_error *err);
struct told *run_recipe(const char *recipe); /* which must not fail */
void forget(struct told *told);
const struct told_file *file_named(const struct told *told, const char *name);

#endif
