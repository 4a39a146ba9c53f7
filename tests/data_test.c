/* Tests of core/data: options, splits, subsets, noise, normalisation, data without end. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/generator.h"
#include "data_toy.h"
#include "suite.h"

static char cache[] = "/tmp/isoflop-data-XXXXXX";

/* A data set with what it needs. */
struct opened {
    struct plugin_host *host;
    struct instance *instance;
    struct data *data;
    struct iso_error err;
};

static struct opened open_with(const struct plugin *plugin, const char *const *pairs, const struct data_options *options,
                               uint64_t trial)
{
    struct opened opened = { .err = ERROR_NONE };
    opened.host = data_host_new(&opened.err);
    ck_assert_ptr_nonnull(opened.host);
    opened.instance = instance_new(plugin, pairs, opened.host, &opened.err);
    ck_assert_msg(opened.instance != NULL, "%s", opened.err.text);
    opened.data = data_open(opened.instance, options, trial, &opened.err);
    return opened;
}

static struct opened open_good(const struct plugin *plugin, const struct data_options *options, uint64_t trial)
{
    struct opened opened = open_with(plugin, NULL, options, trial);
    ck_assert_msg(opened.data != NULL, "%s", opened.err.text);
    return opened;
}

static void shut(struct opened *opened)
{
    data_close(opened->data);
    instance_free(opened->instance);
    data_host_free(opened->host);
}

/* All examples of a split. */
struct examples {
    size_t n, inputs;
    float *x;
    int32_t *labels;
};

static struct examples take(const struct opened *opened, enum data_split split, uint64_t seed, uint64_t epoch)
{
    struct examples all = { data_count(opened->data, split), data_shape(opened->data)->inputs, NULL, NULL };
    uint32_t *positions = calloc(all.n + 1, sizeof *positions);
    all.x = calloc(all.n * all.inputs + 1, sizeof *all.x);
    all.labels = calloc(all.n + 1, sizeof *all.labels);
    for (size_t k = 0; k < all.n; k++)
        positions[k] = (uint32_t)k;
    data_gather(opened->data, split, seed, epoch, positions, all.n, all.x, all.inputs, all.labels, NULL);
    free(positions);
    return all;
}

static void drop(struct examples *all)
{
    free(all->x);
    free(all->labels);
}

/* Place in the file of a training example of toy, from its first pixels. */
static size_t toy_row(const float *x)
{
    for (size_t i = 0; i < TOY_TRAIN; i++)
        if ((int)lrintf(x[0] * 255) == toy_pixel(0, i, 0))
            return i;
    ck_abort_msg("no such example");
}

START_TEST(file_order_without_options)
{
    struct opened toy = open_good(&toy_plugin, &(struct data_options){ 0 }, 3);
    ck_assert_uint_eq(data_count(toy.data, DATA_TRAIN), TOY_TRAIN);
    ck_assert_uint_eq(data_count(toy.data, DATA_VALIDATION), 0);
    ck_assert_uint_eq(data_count(toy.data, DATA_TEST), TOY_TEST);
    for (int split = 0; split < DATA_SPLITS; split += 2) {
        struct examples all = take(&toy, (enum data_split)split, 0, 0);
        for (size_t i = 0; i < all.n; i++) {
            ck_assert_int_eq(all.labels[i], (int)(i % TOY_CLASSES));
            for (size_t j = 0; j < TOY_INPUTS; j++) {
                const double exact = toy_pixel(split == DATA_TEST, i, j) / 255.0;
                /* within one unit in the last place */
                ck_assert_double_le(fabs((double)all.x[i * TOY_INPUTS + j] - exact), exact * 0x1p-23);
            }
        }
        drop(&all);
    }
    shut(&toy);
}
END_TEST

START_TEST(positions_and_stride_are_followed)
{
    struct opened toy = open_good(&toy_plugin, &(struct data_options){ 0 }, 0);
    const uint32_t positions[] = { 7, 7, 59, 0 };
    float x[4 * (TOY_INPUTS + 3)];
    int32_t labels[4];
    for (size_t i = 0; i < sizeof x / sizeof *x; i++)
        x[i] = -1;
    data_gather(toy.data, DATA_TRAIN, 0, 0, positions, 4, x, TOY_INPUTS + 3, labels, NULL);
    for (size_t k = 0; k < 4; k++) {
        ck_assert_int_eq(labels[k], (int)(positions[k] % TOY_CLASSES));
        ck_assert_uint_eq(toy_row(x + k * (TOY_INPUTS + 3)), positions[k]);
        for (size_t j = TOY_INPUTS; j < TOY_INPUTS + 3; j++)
            ck_assert_float_eq(x[k * (TOY_INPUTS + 3) + j], -1);
    }
    shut(&toy);
}
END_TEST

START_TEST(smaller_sets_are_prefixes_and_validation_stays)
{
    struct opened large = open_good(&toy_plugin, &(struct data_options){ .validation_size = 12 }, 1);
    struct examples train = take(&large, DATA_TRAIN, 0, 0), validation = take(&large, DATA_VALIDATION, 0, 0);
    ck_assert_uint_eq(train.n, TOY_TRAIN - 12);
    ck_assert_uint_eq(validation.n, 12);
    /* permuted, and each example in one split only */
    bool seen[TOY_TRAIN] = { false }, moved = false;
    for (size_t k = 0; k < train.n + validation.n; k++) {
        const size_t row = toy_row(k < train.n ? train.x + k * TOY_INPUTS : validation.x + (k - train.n) * TOY_INPUTS);
        ck_assert(!seen[row]);
        seen[row] = true;
        moved = moved || row != k;
        ck_assert_int_eq(k < train.n ? train.labels[k] : validation.labels[k - train.n], (int)(row % TOY_CLASSES));
    }
    ck_assert(moved);
    for (uint64_t size = 1; size <= 48; size += 47) {
        /* the trial's seed does not matter */
        struct opened small = open_good(
            &toy_plugin, &(struct data_options){ .validation_size = 12, .has_train_size = true, .train_size = size },
            77 + size);
        struct examples some = take(&small, DATA_TRAIN, 0, 0), same = take(&small, DATA_VALIDATION, 0, 0);
        ck_assert_uint_eq(some.n, size);
        ck_assert_mem_eq(some.x, train.x, some.n * TOY_INPUTS * sizeof *some.x);
        ck_assert_mem_eq(same.x, validation.x, 12 * TOY_INPUTS * sizeof *same.x);
        drop(&some);
        drop(&same);
        shut(&small);
    }
    drop(&train);
    drop(&validation);
    shut(&large);
}
END_TEST

START_TEST(subset_seed_chooses)
{
    struct data_options options = { .has_train_size = true, .train_size = 20, .subset_seed = 1 };
    struct opened one = open_good(&toy_plugin, &options, 5);
    options.subset_seed = 2;
    struct opened two = open_good(&toy_plugin, &options, 5);
    options.subset_by_trial = true;
    struct opened trial = open_good(&toy_plugin, &options, 1);
    struct examples a = take(&one, DATA_TRAIN, 0, 0), b = take(&two, DATA_TRAIN, 0, 0), c = take(&trial, DATA_TRAIN, 0, 0);
    ck_assert_mem_ne(a.x, b.x, a.n * TOY_INPUTS * sizeof *a.x);
    ck_assert_mem_eq(a.x, c.x, a.n * TOY_INPUTS * sizeof *a.x);
    drop(&a), drop(&b), drop(&c);
    shut(&one), shut(&two), shut(&trial);
}
END_TEST

START_TEST(label_noise_changes_training_alone)
{
    const struct data_options clean = { .validation_size = 10 };
    struct data_options noise = { .validation_size = 10, .label_noise = 0.5 };
    struct opened a = open_good(&toy_plugin, &clean, 0), b = open_good(&toy_plugin, &noise, 0);
    noise.label_noise = 1;
    noise.has_train_size = true;
    noise.train_size = 20;
    struct opened all = open_good(&toy_plugin, &noise, 9);
    noise.label_noise = 0.5;
    struct opened part = open_good(&toy_plugin, &noise, 9);
    for (int split = 0; split < DATA_SPLITS; split++) {
        struct examples was = take(&a, (enum data_split)split, 0, 0), is = take(&b, (enum data_split)split, 0, 0);
        size_t changed = 0;
        for (size_t k = 0; k < was.n; k++) {
            ck_assert_int_ge(is.labels[k], 0);
            ck_assert_int_lt(is.labels[k], TOY_CLASSES);
            changed += was.labels[k] != is.labels[k];
        }
        ck_assert_mem_eq(was.x, is.x, was.n * TOY_INPUTS * sizeof *was.x);
        if (split == DATA_TRAIN) { /* 50 examples: 25 on average, deviation 3.5 */
            ck_assert_uint_ge(changed, 10);
            ck_assert_uint_le(changed, 40);
            struct examples smaller = take(&part, DATA_TRAIN, 0, 0), whole = take(&all, DATA_TRAIN, 0, 0);
            /* an example's noise does not hang on the set's size; at 1 every label is another one */
            ck_assert_mem_eq(smaller.labels, is.labels, smaller.n * sizeof *is.labels);
            for (size_t k = 0; k < whole.n; k++)
                ck_assert_int_ne(whole.labels[k], was.labels[k]);
            drop(&smaller), drop(&whole);
        } else {
            ck_assert_uint_eq(changed, 0);
        }
        drop(&was), drop(&is);
    }
    shut(&a), shut(&b), shut(&all), shut(&part);
}
END_TEST

START_TEST(classes_are_kept_and_renumbered)
{
    const int64_t classes[] = { 4, 1 };
    struct opened toy = open_good(&toy_plugin, &(struct data_options){ .class_count = 2, .classes = classes }, 0);
    ck_assert_uint_eq(data_shape(toy.data)->outputs, 2);
    ck_assert_str_eq(data_shape(toy.data)->class_names[0], "e");
    ck_assert_str_eq(data_shape(toy.data)->class_names[1], "b");
    struct examples all = take(&toy, DATA_TRAIN, 0, 0);
    ck_assert_uint_eq(all.n, TOY_TRAIN / TOY_CLASSES * 2);
    for (size_t k = 0; k < all.n; k++)
        ck_assert_int_eq(all.labels[k], toy_row(all.x + k * TOY_INPUTS) % TOY_CLASSES == 4 ? 0 : 1);
    drop(&all);
    shut(&toy);
    const int64_t none[] = { 5 };
    toy = open_with(&toy_plugin, NULL, &(struct data_options){ .class_count = 1, .classes = none }, 0);
    ck_assert_ptr_null(toy.data);
    ck_assert_ptr_nonnull(strstr(toy.err.text, "classes 0 to 4"));
    shut(&toy);
}
END_TEST

START_TEST(test_size_takes_a_part)
{
    struct opened toy = open_good(&toy_plugin, &(struct data_options){ .has_test_size = true, .test_size = 7 }, 0);
    ck_assert_uint_eq(data_count(toy.data, DATA_TEST), 7);
    struct examples train = take(&toy, DATA_TRAIN, 0, 0);
    ck_assert_uint_eq(toy_row(train.x), 0); /* training examples stay in the file's order */
    drop(&train);
    shut(&toy);
}
END_TEST

START_TEST(impossible_options_are_refused)
{
    const struct {
        const struct plugin *plugin;
        struct data_options options;
        const char *words;
    } cases[] = {
        { &toy_plugin, { .validation_size = 60 }, "60 training examples, too few for validation_size: 60" },
        { &toy_plugin, { .validation_size = 30, .has_train_size = true, .train_size = 31 }, "and train_size: 31" },
        { &toy_plugin, { .validation_size = UINT64_C(4294967295), .has_train_size = true, .train_size = 4294967295u },
          "too few" },
        { &toy_plugin, { .has_test_size = true, .test_size = 26 }, "25 test examples, too few for test_size: 26" },
        { &toy_plugin, { .epoch_size = 10 }, "epoch_size is for data without end" },
        { &endless_plugin, { .epoch_size = 10, .has_train_size = true, .train_size = 5 }, "can't both be given" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct opened toy = open_with(cases[i].plugin, NULL, &cases[i].options, 0);
        ck_assert_ptr_null(toy.data);
        ck_assert_msg(strstr(toy.err.text, cases[i].words) != NULL, "%s", toy.err.text);
        shut(&toy);
    }
}
END_TEST

START_TEST(bad_tables_are_refused)
{
    static const char *const words[] = { "label of example 59 is not below 5", "elements apart", "labels and targets" };
    for (int bad = 1; bad <= 3; bad++) {
        char digit[2] = { (char)('0' + bad), 0 };
        const char *const pairs[] = { "bad", digit, NULL };
        struct opened toy = open_with(&toy_plugin, pairs, &(struct data_options){ 0 }, 0);
        ck_assert_ptr_null(toy.data);
        ck_assert_msg(strstr(toy.err.text, words[bad - 1]) != NULL, "%s", toy.err.text);
        shut(&toy);
    }
}
END_TEST

START_TEST(normalisation)
{
    struct opened none = open_good(&toy_plugin, &(struct data_options){ .normalise = NORMALISE_NONE }, 0);
    struct examples raw = take(&none, DATA_TRAIN, 0, 0);
    ck_assert_float_eq(raw.x[TOY_INPUTS + 2], (float)toy_pixel(0, 1, 2));

    struct opened standard = open_good(
        &toy_plugin, &(struct data_options){ .normalise = NORMALISE_STANDARD, .validation_size = 15 }, 0);
    struct examples train = take(&standard, DATA_TRAIN, 0, 0), test = take(&standard, DATA_TEST, 0, 0);
    const float *factor, *shift;
    data_normalisation(standard.data, &factor, &shift);
    for (size_t j = 0; j < TOY_INPUTS; j++) {
        double mean = 0, square = 0;
        for (size_t k = 0; k < train.n; k++) {
            mean += (double)train.x[k * TOY_INPUTS + j] / (double)train.n;
            square += (double)train.x[k * TOY_INPUTS + j] * (double)train.x[k * TOY_INPUTS + j] / (double)train.n;
        }
        ck_assert_double_eq_tol(mean, 0, 1e-6);
        ck_assert_double_eq_tol(square, 1, 1e-5);
        ck_assert_float_eq(test.x[3 * TOY_INPUTS + j], (float)toy_pixel(1, 3, j) * factor[j] + shift[j]);
    }
    drop(&raw), drop(&train), drop(&test);
    shut(&none), shut(&standard);
}
END_TEST

/* Index and key of an example of `endless`. */
static uint64_t index_of(const float *x, uint32_t *key)
{
    unsigned char bytes[12];
    uint64_t index;
    for (size_t j = 0; j < 12; j++)
        bytes[j] = (unsigned char)lrintf(x[j] * 255);
    memcpy(&index, bytes, 8);
    if (key)
        memcpy(key, bytes + 8, 4);
    return index;
}

START_TEST(fresh_examples)
{
    struct opened endless = open_good(&endless_plugin, &(struct data_options){ .epoch_size = 200, .validation_size = 70 },
                                      0);
    ck_assert(data_shape(endless.data)->endless);
    ck_assert_uint_eq(data_count(endless.data, DATA_TRAIN), 200);
    ck_assert_uint_eq(data_count(endless.data, DATA_TEST), 10000);
    for (uint64_t epoch = 0; epoch < 3; epoch++) {
        for (uint64_t seed = 0; seed < 2; seed++) {
            struct examples all = take(&endless, DATA_TRAIN, seed, epoch);
            for (size_t k = 0; k < all.n; k++) {
                uint32_t key;
                ck_assert_uint_eq(index_of(all.x + k * 12, &key), epoch * 200 + k);
                ck_assert_uint_eq(key, generator_of("examples", seed, 0).key[0]);
                ck_assert_int_eq(all.labels[k], (int)((epoch * 200 + k) % TOY_CLASSES));
            }
            drop(&all);
        }
    }
    /* What is measured with lies in ranges of its own, whatever the seed. */
    struct opened other = open_good(&endless_plugin, &(struct data_options){ .validation_size = 70 }, 5);
    for (int split = DATA_VALIDATION; split <= DATA_TEST; split++) {
        struct examples all = take(&endless, (enum data_split)split, 0, 0), same = take(&other, (enum data_split)split, 8, 2);
        ck_assert_mem_eq(all.x, same.x, all.n * 12 * sizeof *all.x);
        for (size_t k = 0; k < all.n; k++)
            ck_assert_uint_eq(index_of(all.x + k * 12, NULL), (UINT64_C(1) << (split == DATA_TEST ? 62 : 61)) + k);
        drop(&all), drop(&same);
    }
    shut(&endless), shut(&other);
}
END_TEST

START_TEST(finite_sets_of_endless_data)
{
    struct examples last = { 0 };
    for (uint64_t size = 100; size <= 300; size += 100) {
        struct opened set = open_good(&endless_plugin, &(struct data_options){ .has_train_size = true, .train_size = size },
                                      size);
        ck_assert(!data_shape(set.data)->endless);
        struct examples all = take(&set, DATA_TRAIN, 4, 4);
        ck_assert_uint_eq(all.n, size);
        if (last.x)
            ck_assert_mem_eq(all.x, last.x, last.n * 12 * sizeof *all.x);
        drop(&last);
        last = all;
        shut(&set);
    }
    drop(&last);
}
END_TEST

START_TEST(classes_of_endless_data)
{
    const int64_t classes[] = { 3, 0 };
    struct opened set = open_good(&endless_plugin, &(struct data_options){ .class_count = 2, .classes = classes }, 0);
    struct examples train = take(&set, DATA_TRAIN, 0, 1), test = take(&set, DATA_TEST, 0, 0);
    for (size_t k = 0; k < 2000; k++) {
        ck_assert_uint_eq(index_of(train.x + k * 12, NULL) % TOY_CLASSES, (uint64_t)classes[train.labels[k]]);
        ck_assert_uint_eq(index_of(test.x + k * 12, NULL) % TOY_CLASSES, (uint64_t)classes[test.labels[k]]);
    }
    drop(&train), drop(&test);
    shut(&set);
}
END_TEST

START_TEST(checksum_of_generated_data)
{
    struct opened a = open_good(&endless_plugin, &(struct data_options){ 0 }, 0);
    struct opened b = open_good(&endless_plugin, &(struct data_options){ .epoch_size = 3 }, 1);
    struct opened c = open_good(&toy_plugin, &(struct data_options){ 0 }, 1);
    ck_assert_uint_eq(strlen(data_checksum(a.data)), 64);
    ck_assert_str_eq(data_checksum(a.data), data_checksum(b.data));
    ck_assert_str_ne(data_checksum(a.data), data_checksum(c.data));
    shut(&a), shut(&b), shut(&c);
}
END_TEST

static int read_text(const char *yaml, struct data_options *options, struct arena *arena, struct diagnostics *found)
{
    struct tree *tree = tree_parse("recipe", yaml, strlen(yaml), found);
    ck_assert_ptr_nonnull(tree);
    const int result = data_options_read(options, node_get(tree->root, "dataset"), arena, found);
    tree_free(tree);
    return result;
}

START_TEST(options_are_read)
{
    struct arena *arena = arena_new();
    struct diagnostics *found = diagnostics_new();
    struct data_options options;
    ck_assert_int_eq(read_text("dataset: mnist\n", &options, arena, found), 0);
    ck_assert(!options.has_train_size && !options.validation_size && options.normalise == NORMALISE_UNIT);
    ck_assert_int_eq(read_text("dataset: {mnist: {train_size: 1e3, validation_size: 5000, test_size: 7, label_noise: .25,\n"
                               "  classes: [3, 5], subset_seed: trial, normalise: standard}}\n",
                               &options, arena, found), 0);
    ck_assert(options.has_train_size && options.train_size == 1000 && options.validation_size == 5000);
    ck_assert(options.has_test_size && options.test_size == 7 && options.label_noise == 0.25);
    ck_assert(options.class_count == 2 && options.classes[0] == 3 && options.classes[1] == 5);
    ck_assert(options.subset_by_trial && options.normalise == NORMALISE_STANDARD);
    ck_assert_uint_eq(diagnostics_count(found, SEVERITY_ERROR), 0);
    ck_assert_int_eq(read_text("dataset:\n  mnist:\n    train_size: 0\n    validation_size: -1\n    test_size: many\n"
                               "    label_noise: 1.5\n    classes: [3, 3]\n    subset_seed: x\n    normalise: standart\n"
                               "    epoch_size: 4294967296\n", &options, arena, found), -1);
    ck_assert_uint_eq(diagnostics_count(found, SEVERITY_ERROR), 8);
    struct text text = { 0 };
    diagnostics_text(found, &text);
    char *messages = text_take(&text);
    ck_assert_ptr_nonnull(strstr(messages, "recipe:9:"));
    ck_assert_ptr_nonnull(strstr(messages, "did you mean \"standard\"?"));
    free(messages);
    diagnostics_free(found);
    arena_free(arena);
}
END_TEST

int main(void)
{
    if (!mkdtemp(cache))
        return 1;
    setenv("XDG_CACHE_HOME", cache, 1);
    Suite *suite = suite_create("data");
    TCase *tests = tcase_create("splits");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, file_order_without_options);
    tcase_add_test(tests, positions_and_stride_are_followed);
    tcase_add_test(tests, smaller_sets_are_prefixes_and_validation_stays);
    tcase_add_test(tests, subset_seed_chooses);
    tcase_add_test(tests, label_noise_changes_training_alone);
    tcase_add_test(tests, classes_are_kept_and_renumbered);
    tcase_add_test(tests, test_size_takes_a_part);
    tcase_add_test(tests, impossible_options_are_refused);
    tcase_add_test(tests, bad_tables_are_refused);
    tcase_add_test(tests, normalisation);
    tcase_add_test(tests, fresh_examples);
    tcase_add_test(tests, finite_sets_of_endless_data);
    tcase_add_test(tests, classes_of_endless_data);
    tcase_add_test(tests, checksum_of_generated_data);
    tcase_add_test(tests, options_are_read);
    suite_add_tcase(suite, tests);
    const int failed = suite_failed(suite);
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", cache);
    return system(command) || failed;
}
