/* Tests of a trial's settings: every key of a recipe, messages of bad ones, the key. */
#include <check.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/generator.h"
#include "train/settings.h"
#include "suite.h"

static struct diagnostics *found;
static struct plugins *plugins;

static void setup(void)
{
    found = diagnostics_new();
}

static void teardown(void)
{
    diagnostics_free(found);
}

/* Messages without what hangs on the machine and on which plugins there are: "; there are ... (searched: ...)". */
static char *messages(void)
{
    struct text all = { 0 }, text = { 0 };
    diagnostics_text(found, &all);
    char *at = all.data ? all.data : "", *searched;
    while ((searched = strstr(at, " (searched: "))) {
        char *end = searched + strcspn(searched, "\n"), *list = NULL, *next = at;
        while ((next = strstr(next, "there are ")) && next < searched)
            list = next++;
        if (list)
            text_add(&text, at, (size_t)(list - at) + strlen("there are "));
        else
            text_add(&text, at, (size_t)(searched - at));
        text_add_string(&text, "... (searched: ...)");
        at = end;
    }
    text_add_string(&text, at);
    text_free(&all);
    return text_take(&text);
}

static struct settings *settings_of(const char *text)
{
    struct tree *tree = tree_parse("test.yaml", text, strlen(text), found);
    return tree ? settings_read(tree, plugins, found) : NULL;
}

static struct settings *read_good(const char *text)
{
    struct settings *settings = settings_of(text);
    char *said = messages();
    ck_assert_str_eq(said, "");
    ck_assert_ptr_nonnull(settings);
    free(said);
    return settings;
}

static const char minimal[] = "dataset: digits\n"
                              "model: {hidden: [64]}\n"
                              "schedule: {constant: {rate: 0.1}}\n"
                              "train: {epochs: 2}\n";

static const char full[] = "name: full\n"
                           "title: Everything\n"
                           "dataset: {digits: {train_size: 1000, validation_size: 100, classes: [3, 5]}}\n"
                           "model:\n"
                           "  hidden: {width: 64, depth: 2}\n"
                           "  activation: [relu, {leaky_relu: {slope: 0.2}}]\n"
                           "  initializer: xavier\n"
                           "  bias: {constant: 0.1}\n"
                           "  clip: {at: 500, gradient: zero, output: false}\n"
                           "  dropout: [0.5, 0]\n"
                           "loss: {cross_entropy: {label_smoothing: 0.1}}\n"
                           "optimizer: sgd\n"
                           "schedule: {exponential: {rate: 0.3, decay: 0.9}}\n"
                           "backend: naive\n"
                           "train:\n"
                           "  epochs: 2.5\n"
                           "  steps: {times_params: 0.5}\n"
                           "  examples: 1e5\n"
                           "  flops: 1e18\n"
                           "  flops_6nd: 12000\n"
                           "  batch: 20\n"
                           "  reduction: sum\n"
                           "  shuffle: false\n"
                           "  drop_last: true\n"
                           "  share_batches: true\n"
                           "  warmup: {steps: 40}\n"
                           "  clip_norm: 1.5\n"
                           "  stop: {patience: 5, by: validation.accuracy, min_change: 1e-3, diverged: false}\n"
                           "  best: train.loss\n"
                           "seeds: {init: 5, order: 1}\n"
                           "measure:\n"
                           "  every: {steps: 7}\n"
                           "  splits: [validation, test]\n"
                           "  train_eval: 500\n"
                           "  also: [gradient_norm, dead_units]\n"
                           "checkpoint: [init, best, {every: epoch}]\n";

START_TEST(defaults_are_the_documented_ones)
{
    struct settings *s = read_good(minimal);
    ck_assert_uint_eq(s->hidden_count, 1);
    ck_assert_uint_eq(s->hidden[0], 64);
    ck_assert_str_eq(s->activation[0]->plugin->descriptor.name, "relu");
    ck_assert_str_eq(s->initializer->plugin->descriptor.name, "he");
    ck_assert_str_eq(s->loss->plugin->descriptor.name, "cross_entropy");
    ck_assert_str_eq(s->optimizer->plugin->descriptor.name, "sgd");
    const char *backend = s->backend->plugin->descriptor.name; /* auto */
    ck_assert_msg(!strcmp(backend, "native") || !strcmp(backend, "openblas"), "%s", backend);
    ck_assert_int_eq(s->bias, BIAS_ZEROS);
    ck_assert(s->clip == 0 && s->dropout[0] == 0 && !s->from && s->clip_norm == 0);
    ck_assert(s->has_epochs && s->epochs == 2 && !s->has_steps && !s->has_examples && !s->has_flops &&
              !s->has_flops_6nd);
    ck_assert_uint_eq(s->batch, 50);
    ck_assert_int_eq(s->reduction, REDUCTION_MEAN);
    ck_assert(s->shuffle && !s->drop_last && !s->share_batches && s->warmup_fraction == 0 && s->warmup_steps == 0);
    ck_assert(s->stop_patience == 0 && s->stop_diverged && !s->best_given && s->best == QUANTITY_VALIDATION_LOSS);
    ck_assert(s->seed == 0 && s->seed_init == 0);
    ck_assert(s->every_unit == UNIT_EPOCHS && s->every == 1 && s->measure_zero && !s->train_eval);
    ck_assert(!s->measure_split[DATA_VALIDATION] && !s->measure_split[DATA_TEST]);
    ck_assert(!s->checkpoint_init && !s->checkpoint_best && !s->checkpoint_final && s->checkpoint_unit == UNIT_NONE);
    settings_free(s);
}
END_TEST

START_TEST(backend_auto_is_a_plugin)
{
    static const char *const ways[] = { "backend: auto\n", "backend: {auto: {}}\n", "backend: {auto: }\n", "backend:\n", "" };
    char text[400];
    struct settings *plain = read_good(minimal);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        snprintf(text, sizeof text, "%s%s", minimal, ways[i]);
        struct settings *s = read_good(text);
        ck_assert_ptr_eq(s->backend->plugin, plain->backend->plugin);
        settings_free(s);
    }
    settings_free(plain);
    snprintf(text, sizeof text, "%sbackend: {auto: {kernel: avx2}}\n", minimal);
    ck_assert_ptr_null(settings_of(text));
    char *said = messages();
    ck_assert_msg(strstr(said, "test.yaml:5:17: error: backend auto takes no parameters") != NULL, "%s", said);
    free(said);
}
END_TEST

START_TEST(every_key_is_read)
{
    struct settings *s = read_good(full);
    ck_assert(s->data.has_train_size && s->data.train_size == 1000 && s->data.validation_size == 100);
    ck_assert_uint_eq(s->data.class_count, 2);
    ck_assert_uint_eq(s->hidden_count, 2);
    ck_assert(s->hidden[0] == 64 && s->hidden[1] == 64);
    ck_assert_str_eq(s->activation[1]->plugin->descriptor.name, "leaky_relu");
    ck_assert(s->bias == BIAS_CONSTANT && s->bias_constant == 0.1);
    ck_assert(s->clip == 500 && s->clip_gradient_zero && !s->clip_output);
    ck_assert(s->dropout[0] == 0.5 && s->dropout[1] == 0);
    ck_assert(s->epochs == 2.5 && s->has_steps && s->steps_per_param == 0.5 && s->has_examples &&
              s->examples == 100000);
    ck_assert(s->examples_per_param == 0 && s->flops == UINT64_C(1000000000000000000) && s->flops_6nd == 12000);
    ck_assert(s->batch == 20 && s->reduction == REDUCTION_SUM && !s->shuffle && s->drop_last && s->share_batches);
    ck_assert(s->warmup_steps == 40 && s->clip_norm == 1.5);
    ck_assert(s->stop_patience == 5 && s->stop_by == QUANTITY_VALIDATION_ACCURACY && s->stop_min_change == 1e-3);
    ck_assert(!s->stop_diverged && s->best_given && s->best == QUANTITY_TRAIN_LOSS);
    ck_assert(s->seed == 0 && s->seed_init == 5 && s->seed_order == 1 && s->seed_dropout == 0);
    ck_assert(s->every_unit == UNIT_STEPS && s->every == 7);
    ck_assert(s->measure_split[DATA_VALIDATION] && s->measure_split[DATA_TEST]);
    ck_assert(s->train_eval && s->train_eval_examples == 500);
    ck_assert(s->also_gradient_norm && s->also_dead_units && !s->also_weight_norm && !s->also_update_ratio);
    ck_assert(s->checkpoint_init && s->checkpoint_best && !s->checkpoint_final && s->checkpoint_unit == UNIT_EPOCHS);
    settings_free(s);

    s = read_good("dataset: {digits: {validation_size: 5}}\nmodel: {hidden: [], clip: 3, bias: none}\nseeds: 7\n"
                  "schedule: {constant: {rate: 0.1}}\ntrain: {flops: 1e9, warmup: 0.25}\n"
                  "measure: {train_eval: true}\n");
    ck_assert(s->hidden_count == 0 && s->clip == 3 && s->clip_output && !s->clip_gradient_zero && s->bias == BIAS_NONE);
    ck_assert(s->seed == 7 && s->seed_examples == 7 && s->warmup_fraction == 0.25);
    ck_assert(s->train_eval && s->train_eval_examples == 0 && s->measure_split[DATA_VALIDATION]);
    settings_free(s);
}
END_TEST

/* Each tests/recipes/bad/NAME.yaml gives the messages in NAME.expected. */
START_TEST(bad_recipes_are_refused_in_words)
{
    static const char base[] = SOURCE_FOLDER "/tests/recipes/bad";
    char before[4096];
    DIR *folder = opendir(base);
    ck_assert_ptr_nonnull(folder);
    ck_assert_ptr_nonnull(getcwd(before, sizeof before));
    ck_assert_int_eq(chdir(base), 0);
    unsigned count = 0;
    for (const struct dirent *entry; (entry = readdir(folder));) {
        const char *dot = strrchr(entry->d_name, '.');
        if (!dot || strcmp(dot, ".yaml"))
            continue;
        char golden[300];
        size_t length;
        struct iso_error err = ERROR_NONE;
        snprintf(golden, sizeof golden, "%.*s.expected", (int)(dot - entry->d_name), entry->d_name);
        struct tree *tree = tree_read(entry->d_name, found);
        ck_assert_ptr_nonnull(tree);
        struct settings *settings = settings_read(tree, plugins, found);
        ck_assert_uint_gt(diagnostics_count(found, SEVERITY_ERROR), 0);
        settings_free(settings);
        if (!strcmp(entry->d_name, "ten_mistakes.yaml"))
            ck_assert_uint_eq(diagnostics_count(found, SEVERITY_ERROR), 10);
        char *text = messages();
        if (getenv("ISOFLOP_WRITE_EXPECTED"))
            ck_assert_int_eq(file_replace(golden, text, strlen(text), &err), 0);
        char *expected = file_read(golden, 100000, &length, &err);
        ck_assert_msg(expected != NULL, "%s", err.text);
        ck_assert_str_eq(text, expected);
        free(expected);
        free(text);
        diagnostics_free(found);
        found = diagnostics_new();
        count++;
    }
    closedir(folder);
    ck_assert_int_eq(chdir(before), 0);
    ck_assert_uint_ge(count, 12);
}
END_TEST

/* The JSON behind the key of `text` with one line changed or added. */
static char *key_of(const char *text, const char *change)
{
    struct tree *tree = tree_parse("test.yaml", text, strlen(text), found);
    ck_assert_ptr_nonnull(tree);
    if (change)
        ck_assert_int_eq(tree_override(tree, change, found), 0);
    struct settings *settings = settings_read(tree, plugins, found);
    char *said = messages();
    ck_assert_msg(settings != NULL, "%s: %s", change ? change : "", said);
    free(said);
    struct text json = { 0 };
    ck_assert_int_eq(settings_key_json(settings, "abc", &json), 0);
    settings_free(settings);
    return text_take(&json);
}

START_TEST(keys_hold_what_results_depend_on)
{
    char *plain = key_of(minimal, NULL), *rich = key_of(full, NULL);
    struct tree *json = tree_parse("key", rich, strlen(rich), found); /* JSON is YAML */
    ck_assert_ptr_nonnull(json);
    struct text again = { 0 };
    node_json(json->root, &again);
    ck_assert_str_eq(again.data, rich); /* canonical */
    text_free(&again);
    tree_free(json);
    static const char *const same[] = {
        "name=other", "title=other", "checkpoint=[init]", "backend=naive", "train.share_batches=true", "train.batch=50",
        "train.epochs=2.0", "model.hidden={width: 64, depth: 1}", "model.activation=[relu]",
        "model.activation={relu: {}}",
        "optimizer=sgd", "schedule.constant.rate=1e-1", "measure.train_eval=true", "measure.every=epoch",
        "model.dropout=0",
        "seeds={init: 0, order: 0}", "measure.also=[weight_norm]", "train.stop={diverged: true}", "seeds=0",
        "measure.splits=[test]", "model.bias=zeros", "train.warmup=0", "train.best=validation.loss" };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        /* the last needs validation examples, and validation examples change the key */
        if (!strcmp(same[i], "train.best=validation.loss"))
            continue;
        char *key = key_of(minimal, same[i]);
        ck_assert_msg(!strcmp(key, plain), "%s changed the key:\n%s\n%s", same[i], plain, key);
        free(key);
    }
    static const char *const different[] = {
        "train.batch=51", "train.epochs=3", "train.steps=5", "train.examples={times_params: 20}", "train.examples=20",
        "train.flops={times_params: 2e6}", "train.flops_6nd={times_params: 2e6}",
        "model.hidden=[65]", "model.hidden=[64, 64]", "model.hidden=[]", "model.activation=tanh",
        "model.initializer=xavier",
        "model.bias=none", "model.bias={constant: 0.5}", "model.clip=3", "model.clip={at: 3, gradient: zero}",
        "model.clip={at: 3, output: false}", "model.dropout=0.1", "loss=mse",
        "loss={cross_entropy: {label_smoothing: 0.1}}",
        "schedule.constant.rate=0.2", "schedule={exponential: {rate: 0.1, decay: 0.5}}", "train.reduction=sum",
        "train.shuffle=false", "train.drop_last=true", "train.warmup=0.5", "train.warmup={steps: 5}",
        "train.clip_norm=1",
        "train.stop={diverged: false}", "train.stop={patience: 5, by: train.loss}", "train.best=train.loss", "seeds=1",
        "seeds={init: 1}", "seeds={order: 1}", "measure.every={steps: 5}", "measure.every={epochs: 2}",
        "dataset={digits: {train_size: 5}}", "dataset={digits: {validation_size: 5}}",
        "dataset={digits: {test_size: 5}}",
        "dataset={digits: {classes: [1, 2]}}", "dataset={digits: {label_noise: 0.5}}",
        "dataset={digits: {normalise: none}}",
        "dataset={digits: {epoch_size: 5}}", "dataset={digits: {subset_seed: 5}}",
        "dataset={digits: {subset_seed: trial}}",
        "dataset=mnist", "train.flops=1e9", "train.flops_6nd=1e9" };
    enum { COUNT = sizeof different / sizeof *different };
    char *keys[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        keys[i] = key_of(minimal, different[i]);
        ck_assert_msg(strcmp(keys[i], plain) != 0, "%s did not change the key", different[i]);
        for (size_t k = 0; k < i; k++)
            ck_assert_msg(strcmp(keys[i], keys[k]) != 0, "%s and %s", different[i], different[k]);
    }
    for (size_t i = 0; i < COUNT; i++)
        free(keys[i]);
    free(plain);
    free(rich);
}
END_TEST

START_TEST(warm_starts_are_known_by_their_content)
{
    struct iso_error err = ERROR_NONE;
    char path[] = "/tmp/isoflop-settings-XXXXXX", change[64];
    const int file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    close(file);
    snprintf(change, sizeof change, "model.from=%s", path);
    ck_assert_int_eq(file_replace(path, "one", 3, &err), 0);
    char *one = key_of(minimal, change);
    ck_assert_int_eq(file_replace(path, "two", 3, &err), 0);
    char *two = key_of(minimal, change);
    ck_assert_str_ne(one, two);
    ck_assert_ptr_null(strstr(one, path));
    unlink(path);
    free(one);
    free(two);
}
END_TEST

START_TEST(options_of_data_sets_are_the_same_in_all_layers)
{
    size_t reserved = 0, options = 0;
    for (; plugin_data_options[reserved]; reserved++) {
        size_t k = 0;
        while (tree_data_options[k] && strcmp(tree_data_options[k], plugin_data_options[reserved]))
            k++;
        ck_assert_msg(tree_data_options[k] != NULL, "%s", plugin_data_options[reserved]);
    }
    while (tree_data_options[options])
        options++;
    ck_assert_uint_eq(options, reserved);
}
END_TEST

/* Whatever happens to a good recipe: settings or messages, never a crash. */
START_TEST(damaged_recipes_do_no_harm)
{
    static const char *const odd[] = { "\n", " ", ":", "-", "{", "}", "[", "]", "~", "0", "9", "1e9", ".nan", "-1",
                                       "null",
                                       "true", "relu", "\"", "{a: b}", "[1, 2]", "&x ", "*x", ".inf", "1e999" };
    const size_t length = strlen(full);
    const struct iso_rng rng = generator_of("test", 5, 0);
    unsigned good = 0, bad = 0;
    for (uint32_t round = 0; round < 1500; round++) {
        uint32_t bits[4];
        struct text text = { 0 };
        iso_rng_bits_block(&rng, round, 0, bits);
        const size_t at = bits[0] % length, cut = bits[1] % 3 ? bits[1] % 12 : 0;
        const size_t from = at + cut < length ? at + cut : length;
        text_add(&text, full, at);
        if (bits[2] % 4)
            text_add_string(&text, odd[bits[2] / 4 % (sizeof odd / sizeof *odd)]);
        text_add(&text, full + from, bits[3] % 4 ? length - from : (length - from) / 2);
        struct tree *tree = tree_parse("damaged", text.data, text.length, found);
        struct settings *settings = tree ? settings_read(tree, plugins, found) : NULL;
        if (settings)
            good++;
        else
            bad++;
        ck_assert(settings || diagnostics_count(found, SEVERITY_ERROR) > 0);
        if (settings) {
            struct text json = { 0 };
            settings_key_json(settings, "abc", &json);
            text_free(&json);
        }
        settings_free(settings);
        text_free(&text);
        free(messages());
        diagnostics_free(found);
        found = diagnostics_new();
    }
    ck_assert_uint_gt(good, 50);
    ck_assert_uint_gt(bad, 500);
}
END_TEST

int main(void)
{
    struct iso_error err = ERROR_NONE;
    plugins = plugins_new(NULL, &err);
    if (!plugins) {
        fprintf(stderr, "%s\n", err.text);
        return 99;
    }
    Suite *suite = suite_create("settings");
    TCase *tests = tcase_create("settings");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, defaults_are_the_documented_ones);
    tcase_add_test(tests, backend_auto_is_a_plugin);
    tcase_add_test(tests, every_key_is_read);
    tcase_add_test(tests, bad_recipes_are_refused_in_words);
    tcase_add_test(tests, keys_hold_what_results_depend_on);
    tcase_add_test(tests, warm_starts_are_known_by_their_content);
    tcase_add_test(tests, options_of_data_sets_are_the_same_in_all_layers);
    tcase_add_test(tests, damaged_recipes_do_no_harm);
    suite_add_tcase(suite, tests);
    const int failed = suite_failed(suite);
    plugins_free(plugins);
    return failed ? 1 : 0;
}
