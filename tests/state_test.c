/* Tests of states: a trial that is interrupted goes on to the same bits; what is damaged or another's is refused. */
#include <check.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train/state.h"
#include "keeper.h"

static int train(struct keeper *keeper, const struct settings *settings, uint64_t interrupt_at, struct iso_error *err)
{
    struct data *data = data_of(settings);
    const struct trial_listener listener = keeper_listener(keeper, interrupt_at);
    struct trial trial = { .settings = settings, .threads = 1, .listener = &listener, .err = err };
    const int status = trial_run(&trial, data);
    keeper->told->result = trial.result;
    data_close(data);
    return status;
}

/* Recipes that between them use all that a state has to hold. 130 examples. */
static const char *const recipes[] = {
    "train: {epochs: 4, batch: 20}\ncheckpoint: [init, best, final]\n",
    "train: {epochs: 4, batch: 20, warmup: 0.5, clip_norm: 0.5}\noptimizer: {momentum: {momentum: 0.9}}\n"
    "checkpoint: [best, final]\n",
    "train: {epochs: 4, batch: 20}\noptimizer: adam\nschedule: {constant: {rate: 0.01}}\ncheckpoint: [best, final]\n",
    "train: {epochs: 4, batch: 20}\noptimizer: lion\nschedule: {cosine: {rate: 0.001}}\ncheckpoint: [final]\n"
    "backend: naive\n",
    "train: {steps: 25, batch: 20}\noptimizer: {adamw: {weight_decay: 0.1}}\nschedule: {constant: {rate: 0.01}}\n"
    "model: {hidden: [16, 12], dropout: 0.3, bias: none}\nmeasure: {every: {log: 7}}\ncheckpoint: [init, final]\n",
    "train: {steps: 26, batch: 20}\noptimizer: rmsprop\nschedule: {constant: {rate: 0.001}}\n"
    "measure: {every: {steps: 3}, train_eval: true, also: [gradient_norm, weight_norm, update_ratio, dead_units]}\n"
    "model: {hidden: [16, 12], activation: relu}\ncheckpoint: [{every: {steps: 9}}, final]\n",
    "train: {epochs: 30, batch: 20, stop: {patience: 1, min_change: 0.05}}\ncheckpoint: [best]\n"
    "schedule: {constant: {rate: 0.5}}\n",
    "train: {epochs: 3, batch: 20, stop: {diverged: false}}\nschedule: {constant: {rate: 1000000}}\nloss: mse\n",
    "train: {epochs: 3, batch: 20, shuffle: false, drop_last: true, reduction: sum}\n"
    "schedule: {exponential: {rate: 0.01, decay: 0.5}}\ncheckpoint: [final]\n",
    "train: {steps: 24, batch: 7}\ncheckpoint: [final]\n"
    "dataset: {teacher_student: {epoch_size: 50, validation_size: 40, test_size: 40}}\nloss: {mse: {output: identity}}\n"
    "schedule: {constant: {rate: 0.01}}\n",
    "train: {epochs: 4, batch: 20}\nmeasure: {splits: [test]}\noptimizer: adagrad\nbackend: native\n",
    "train: {epochs: 4.5, batch: 20, best: train.loss}\nmeasure: {every: {epochs: 0.5}}\ncheckpoint: [best]\n",
};
enum { RECIPES = sizeof recipes / sizeof recipes[0] };

START_TEST(goes_on_to_the_same_bits)
{
    struct settings *settings = settings_of(recipes[_i]);
    struct keeper whole, parts;
    struct iso_error err = ERROR_NONE;
    keeper_begin(&whole);
    ck_assert_msg(train(&whole, settings, 0, &err) == 0, "%s", err.text);
    const uint64_t steps = whole.told->result.last.step ? whole.told->asked + 1 : 0;
    ck_assert_uint_ge(steps, 7);
    /* Interrupted once, after each step. */
    for (uint64_t at = 1; at < steps; at++) {
        keeper_begin(&parts);
        err = ERROR_NONE;
        ck_assert_int_eq(train(&parts, settings, at, &err), -1);
        ck_assert_msg(strstr(err.text, "interrupted") != NULL, "%s", err.text);
        ck_assert_ptr_nonnull(parts.states[0]);
        err = ERROR_NONE;
        ck_assert_msg(train(&parts, settings, 0, &err) == 0, "%s", err.text);
        char words[64];
        snprintf(words, sizeof words, "goes on from step %llu of ", (unsigned long long)at);
        ck_assert_msg(strncmp(parts.notes, words, strlen(words)) == 0, "%s, not %s", parts.notes, words);
        check_same(whole.told, parts.told);
        keeper_end(&parts);
    }
    /* Interrupted after every third step. */
    int status;
    keeper_begin(&parts);
    do {
        err = ERROR_NONE;
        status = train(&parts, settings, 3, &err);
    } while (status && strstr(err.text, "interrupted"));
    ck_assert_msg(status == 0, "%s", err.text);
    check_same(whole.told, parts.told);
    keeper_end(&parts);
    keeper_end(&whole);
    settings_free(settings);
}
END_TEST

/* Points by the clock fall where they do; none is lost or told twice, and time goes on. */
START_TEST(points_by_the_clock)
{
    struct settings *settings = settings_of("train: {epochs: 40, batch: 20}\nmeasure: {every: {seconds: 0.002}}\n");
    struct keeper keeper;
    struct iso_error err = ERROR_NONE;
    keeper_begin(&keeper);
    ck_assert_int_eq(train(&keeper, settings, 200, &err), -1);
    const size_t before = keeper.told->count;
    const struct point last = keeper.told->points[before - 1];
    err = ERROR_NONE;
    ck_assert_msg(train(&keeper, settings, 0, &err) == 0, "%s", err.text);
    ck_assert_uint_gt(keeper.told->count, before);
    check_point(&keeper.told->points[before - 1], &last);
    for (size_t i = 1; i < keeper.told->count; i++) {
        ck_assert_uint_gt(keeper.told->points[i].step, keeper.told->points[i - 1].step);
        ck_assert(keeper.told->points[i].seconds >= keeper.told->points[i - 1].seconds);
    }
    keeper_end(&keeper);
    settings_free(settings);
}
END_TEST

/* Every flipped byte and every shorter file is noticed; the state before is gone on from, or nothing. */
START_TEST(damaged_states)
{
    const char *recipe = "train: {epochs: 4, batch: 20}\nmodel: {hidden: [2]}\ncheckpoint: [final]\n";
    struct settings *settings = settings_of(recipe);
    struct data *data = data_of(settings);
    struct keeper whole, keeper;
    struct iso_error err = ERROR_NONE;
    keeper_begin(&whole);
    ck_assert_int_eq(train(&whole, settings, 0, &err), 0);
    keeper_begin(&keeper);
    ck_assert_int_eq(train(&keeper, settings, 5, &err), -1);

    const struct trial_listener listener = { .context = &keeper, .numerics = keeper_listener(&keeper, 0).numerics };
    struct trial_result result;
    struct run run;
    err = ERROR_NONE;
    ck_assert_int_eq(run_begin(&run, settings, data, 1, 0, &listener, &result, &err), 0);
    unsigned char *bytes = keeper.states[0];
    const size_t length = keeper.lengths[0];
    for (size_t cut = 0; cut < length; cut += cut < 200 || cut + 200 > length ? 1 : 97) {
        unsigned char *copy = malloc(cut + 1); /* not one byte may be read beyond */
        memcpy(copy, bytes, cut);
        err = ERROR_NONE;
        ck_assert_int_eq(state_read(&run, copy, cut, &err), -1);
        ck_assert_msg(strstr(err.text, "damaged") != NULL, "%s", err.text);
        free(copy);
    }
    for (size_t at = 0; at < length; at += at < 200 || at + 200 > length ? 1 : 97) {
        bytes[at] ^= 4;
        err = ERROR_NONE;
        ck_assert_int_eq(state_read(&run, bytes, length, &err), -1);
        bytes[at] ^= 4;
    }
    err = ERROR_NONE;
    ck_assert_msg(state_read(&run, bytes, length, &err) == 0, "%s", err.text);
    run_end(&run);
    data_close(data);

    /* The newest damaged: from the one before. Both: from nothing. Numerics of others: from nothing. */
    for (int damage = 0; damage < 3; damage++) {
        struct keeper parts;
        keeper_begin(&parts);
        for (int k = 0; k < 2; k++) {
            err = ERROR_NONE;
            ck_assert_int_eq(train(&parts, settings, 5, &err), -1);
        }
        ((char *)parts.states[0])[parts.lengths[0] / 2] ^= 1;
        if (damage == 1)
            parts.lengths[1] -= 100;
        if (damage == 2) {
            ((char *)parts.states[0])[parts.lengths[0] / 2] ^= 1;
            parts.numerics = "build 2 x86-64-v3";
        }
        err = ERROR_NONE;
        ck_assert_msg(train(&parts, settings, 0, &err) == 0, "%s", err.text);
        check_same(whole.told, parts.told);
        ck_assert_msg(strstr(parts.notes, damage == 2 ? "other numerics" : "damaged") != NULL, "%s", parts.notes);
        ck_assert_msg(!strstr(parts.notes, "goes on from step ") == (damage > 0), "%s", parts.notes);
        keeper_end(&parts);
    }
    keeper_end(&keeper);
    keeper_end(&whole);
    settings_free(settings);
}
END_TEST

static void seal(unsigned char *bytes, size_t length)
{
    char checksum[HASH_TEXT];
    hash_of(bytes, length - 64, checksum);
    memcpy(bytes + length - 64, checksum, 64);
}

/* Files that were made with care, checksum and all. */
START_TEST(hostile_states)
{
    const char *recipe = "train: {epochs: 4, batch: 20}\nmodel: {hidden: [2]}\n";
    struct settings *settings = settings_of(recipe);
    struct data *data = data_of(settings);
    struct keeper keeper;
    struct iso_error err = ERROR_NONE;
    keeper_begin(&keeper);
    ck_assert_int_eq(train(&keeper, settings, 16, &err), -1); /* points at 0, 7, 14 */
    const size_t length = keeper.lengths[0];
    uint64_t header = 0;
    memcpy(&header, keeper.states[0], 8);
    const size_t body = 8 + (size_t)header;
    static const uint64_t steps[] = { 0, 13, 28, 29, UINT64_MAX };
    static const double rows[] = { -1, 0.5, NAN, 14, INFINITY, 1e300 };
    const size_t cases = sizeof steps / sizeof *steps + sizeof rows / sizeof *rows + 3;
    for (size_t c = 0; c < cases; c++) {
        const struct trial_listener listener = { .context = &keeper, .numerics = keeper_listener(&keeper, 0).numerics };
        struct trial_result result;
        struct run run;
        unsigned char *bytes = malloc(length);
        memcpy(bytes, keeper.states[0], length);
        if (c < 5)
            memcpy(bytes + body, &steps[c], 8);
        else if (c < 11)
            memcpy(bytes + body + 8 + 14 * 8, &rows[c - 5], 8); /* the second point's step */
        else if (c == 11)
            memset(strstr((char *)bytes + 8, "\"points\":\"") + 10, '9', 1); /* nine points */
        else if (c == 12)
            memset(strstr((char *)bytes + 8, "\"points\":\"") + 10, '9', 120); /* no end of digits */
        else
            memset(bytes, 0xff, 8); /* a header beyond all bounds */
        seal(bytes, length);
        err = ERROR_NONE;
        ck_assert_int_eq(run_begin(&run, settings, data, 1, 0, &listener, &result, &err), 0);
        ck_assert_msg(state_read(&run, bytes, length, &err) == -1, "case %zu was taken", c);
        ck_assert(err.text[0]);
        run_end(&run);
        free(bytes);
    }
    keeper_end(&keeper);
    data_close(data);
    settings_free(settings);
}
END_TEST

/* Other measurements under the same key begin anew; a state that can't be saved costs nothing but itself. */
START_TEST(other_measurements_and_full_disks)
{
    struct settings *settings = settings_of("train: {epochs: 2, batch: 20}\n");
    struct settings *other = settings_of("train: {epochs: 2, batch: 20}\nmeasure: {train_eval: true}\n");
    struct settings *seed = settings_of("train: {epochs: 2, batch: 20}\nseeds: 5\n");
    struct keeper keeper;
    struct iso_error err = ERROR_NONE;
    keeper_begin(&keeper);
    ck_assert_int_eq(train(&keeper, settings, 5, &err), -1);
    err = ERROR_NONE;
    ck_assert_int_eq(train(&keeper, other, 0, &err), 0);
    ck_assert_msg(strstr(keeper.notes, "other measurements") != NULL, "%s", keeper.notes);
    ck_assert_int_eq(train(&keeper, seed, 0, &err), 0);
    ck_assert_msg(strstr(keeper.notes, "can't be used") != NULL, "%s", keeper.notes);
    keeper.full = true;
    ck_assert_int_eq(train(&keeper, settings, 5, &err), -1);
    ck_assert_msg(strstr(keeper.notes, "could not be saved") && strstr(keeper.notes, "no space left"), "%s",
                  keeper.notes);
    keeper_end(&keeper);
    settings_free(settings);
    settings_free(other);
    settings_free(seed);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("state");
    TCase *tests = tcase_create("state");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, goes_on_to_the_same_bits, 0, RECIPES);
    tcase_add_test(tests, points_by_the_clock);
    tcase_add_test(tests, damaged_states);
    tcase_add_test(tests, hostile_states);
    tcase_add_test(tests, other_measurements_and_full_disks);
    suite_add_tcase(suite, tests);
    return trial_tools_main(suite);
}
