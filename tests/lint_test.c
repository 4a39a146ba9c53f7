/* Tests of the linter: each remark is made where it should be, with its place, and nowhere else. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "lab/lint.h"
#include "suite.h"

static struct plugins *plugins;

/* The messages of a recipe that starts with a sound base; no errors among them. */
static char *lint(const char *more)
{
    struct iso_error err = ERROR_NONE;
    struct diagnostics *found = diagnostics_new();
    struct text text = { 0 };
    char path[] = "/tmp/isoflop-lint-XXXXXX";
    const int file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    close(file);
    text_add_string(&text, more);
    if (!strstr(more, "dataset:"))
        text_add_string(&text, "dataset: {digits: {validation_size: 100, train_size: 1000}}\n");
    if (!strstr(more, "model:"))
        text_add_string(&text, "model: {hidden: {width: 8}}\n");
    if (!strstr(more, "schedule:"))
        text_add_string(&text, "schedule: {constant: {rate: 0.1}}\n");
    if (!strstr(more, "train:"))
        text_add_string(&text, "train: {epochs: 1}\n");
    if (!strstr(more, "seeds:"))
        text_add_string(&text, "seeds: 2\n");
    ck_assert_int_eq(file_replace(path, text.data, text.length, &err), 0);
    text_free(&text);
    struct plan *plan = plan_read(path, NULL, 0, plugins, found);
    unlink(path);
    diagnostics_text(found, &text);
    ck_assert_msg(plan != NULL, "%s", text.data ? text.data : "no plan");
    ck_assert_uint_eq(diagnostics_count(found, SEVERITY_ERROR), 0);
    plan_free(plan);
    diagnostics_free(found);
    return text_take(&text);
}

/* part NULL: nothing is said; else one warning, which has this part at LINE:COLUMN. */
static void expect(const char *recipe, const char *place, const char *part)
{
    char *text = lint(recipe);
    if (!part) {
        ck_assert_msg(!*text, "for\n%s\nsaid\n%s", recipe, text);
    } else {
        char where[64];
        snprintf(where, sizeof where, ":%s: warning: ", place);
        ck_assert_msg(strstr(text, part) && strstr(text, where), "for\n%s\nsaid\n%s", recipe, text);
        char *first = strstr(text, "warning: ");
        ck_assert_msg(!strstr(first + 1, "warning: "), "for\n%s\nsaid more:\n%s", recipe, text);
    }
    free(text);
}

START_TEST(a_sound_recipe_has_no_remarks)
{
    expect("name: sound\n", NULL, NULL);
    expect("sweep: {schedule.constant.rate: [0.1, 0.2], model.hidden.width: [8, 16]}\n"
           "figures: {f: {kind: frontier}}\n", NULL, NULL);
    expect("sweep: {model.hidden.width: [8]}\n", NULL, NULL);
    expect("sweep: {train.epochs: [1, 2]}\n", NULL, NULL);
    expect("sweep: {train.batch: [10, 20], loss: [mse, cross_entropy]}\n", NULL, NULL);
    expect("measure: {splits: [validation]}\n", NULL, NULL);
}
END_TEST

START_TEST(weak_methods_are_remarked)
{
    expect("measure: {splits: [validation, test]}\n", "1:32", "the test set is measured during training");
    expect("measure: {splits: test}\n", "1:19", "the test set is measured during training");
    expect("seeds: 1\n", "1:8", "one seed: nothing says how far");
    expect("seeds: [3]\nsweep: {train.batch: [10, 20]}\n", "1:8", "one seed: differences between trials");
    expect("seeds: 100\n", "1:8", "these are 100 seeds, 0 to 99; did you mean [100]?");
    expect("sweep:\n  model.hidden.width: [8, 16]\n", "2:3", "at one learning rate");
    expect("sweep:\n  cases: {a: {model.hidden: [8]}, b: {model.hidden: [8, 8]}}\n", "2:15", "at one learning rate");
    expect("figures: {f: {kind: frontier}}\nsweep: {schedule.constant.rate: [0.1, 0.2]}\n", "1:21",
           "networks of one size");
    static const char *const matched[] = { "cosine: {rate: 0.1}", "linear: {rate: 0.1}", "wsd: {rate: 0.1}",
                                           "one_cycle: {rate: 0.1}", "constant: {rate: 0.1}" };
    for (size_t i = 0; i < sizeof matched / sizeof matched[0]; i++) {
        char recipe[200];
        snprintf(recipe, sizeof recipe, "schedule: {%s}\nsweep: {train.epochs: [1, 2]}\n", matched[i]);
        expect(recipe, NULL, NULL);
    }
    expect("schedule: {exponential: {rate: 0.1, decay: 0.5}}\nsweep: {train.epochs: [1, 2]}\n", "1:11",
           "several lengths");
    expect("sweep: {train.batch: [10, 20, 1e1]}\n", "1:31", "this value is swept twice");
    expect("sweep: {backend: [naive, openblas]}\n", "1:9", "backend is swept, but changes no result");
    expect("sweep: {train.share_batches: [true, false], train.batch: [10, 20]}\n", "1:9", "changes no result");
    expect("loss: {mse: {output: softmax, jacobian: false}}\n", "1:7", "loss mse trains with a surrogate gradient");
    expect("sweep: {loss: [mse, {mse: {output: softmax, jacobian: false}}]}\n", "1:21", "surrogate gradient");
    expect("model: {hidden: [8], activation: {leaky_relu: {slope: 0.1, backward_slope: 0.5}}}\n", "1:34",
           "activation leaky_relu trains with a surrogate gradient");
}
END_TEST

START_TEST(lengths_that_follow_from_size_are_remarked)
{
    expect("schedule: {exponential: {rate: 0.1, decay: 0.5}}\ntrain: {flops: 1e9}\n"
           "sweep: {schedule.exponential.rate: [0.1, 0.2], model.hidden.width: [8, 16]}\n", "1:11", "several lengths");
    expect("train: {examples: {times_params: 2}}\n"
           "sweep: {schedule.constant.rate: [0.1, 0.2], model.hidden.width: [8, 16]}\n", NULL, NULL);
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
    Suite *suite = suite_create("lint");
    TCase *tests = tcase_create("lint");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_sound_recipe_has_no_remarks);
    tcase_add_test(tests, weak_methods_are_remarked);
    tcase_add_test(tests, lengths_that_follow_from_size_are_remarked);
    suite_add_tcase(suite, tests);
    const int failed = suite_failed(suite);
    plugins_free(plugins);
    return failed ? 1 : 0;
}
