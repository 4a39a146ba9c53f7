/* Tests of the laboratory: sweeps, seeds, plans, messages, the store, its frames, means over seeds. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/numbers.h"
#include "lab/database.h"
#include "lab/inspect.h"
#include "lab/message.h"
#include "lab/results.h"
#include "lab/store.h"
#include "lab/summary.h"
#include "lab/sweep.h"
#include "suite.h"

static struct plugins *plugins;
static char folder[] = "/tmp/isoflop-lab-XXXXXX";

static char *in_folder(const char *name)
{
    char *path = file_join(folder, name);
    ck_assert_ptr_nonnull(path);
    return path;
}

static const char small[] =
    "name: small\n"
    "dataset: {digits: {train_size: 60, validation_size: 20, test_size: 20}}\n"
    "model: {hidden: {width: 4, depth: 1}}\n"
    "schedule: {constant: {rate: 0.1}}\n"
    "train: {epochs: 1, batch: 20}\n";

/* The plan of `small` and more; NULL where it is wrong, with its messages in *messages. */
static struct plan *plan_of(const char *more, bool prepared, const char *const *overrides, size_t count,
                            char **messages)
{
    struct iso_error err = ERROR_NONE;
    struct text text = { 0 };
    struct diagnostics *found = diagnostics_new();
    char *path = in_folder("recipe.yaml");
    text_format(&text, "%s%s", small, more);
    ck_assert_int_eq(file_replace(path, text.data, text.length, &err), 0);
    text_free(&text);
    struct plan *plan = prepared ? plan_prepare(path, overrides, count, plugins, found)
                                 : plan_read(path, overrides, count, plugins, found);
    diagnostics_text(found, &text);
    if (messages)
        *messages = text_take(&text);
    else
        ck_assert_msg(plan != NULL, "%s", text.data ? text.data : "no plan");
    text_free(&text);
    diagnostics_free(found);
    free(path);
    return plan;
}

/* Each trial as "value,value;seed", joined by spaces. */
static char *spell(const struct plan *plan)
{
    struct text text = { 0 };
    for (size_t i = 0; i < plan->count; i++) {
        text_add_string(&text, i ? " " : "");
        for (size_t p = 0; p < plan->path_count; p++) {
            text_add_string(&text, p ? "," : "");
            if (!plan->trials[i].swept[p])
                text_add_string(&text, "-");
            else if (plan->trials[i].swept[p]->kind == NODE_SCALAR)
                text_add_string(&text, plan->trials[i].swept[p]->text);
            else
                node_json(plan->trials[i].swept[p], &text);
        }
        text_format(&text, ";%llu", (unsigned long long)plan->trials[i].seed);
        ck_assert_uint_eq(plan->trials[i].place, i + 1);
    }
    return text_take(&text);
}

static void check_spelling(const char *more, const char *wanted)
{
    struct plan *plan = plan_of(more, false, NULL, 0, NULL);
    char *got = spell(plan);
    ck_assert_str_eq(got, wanted);
    free(got);
    plan_free(plan);
}

/* ---- Plans ---- */

START_TEST(points_come_in_the_order_of_the_recipe)
{
    check_spelling("", ";0");
    check_spelling("seeds: 3\n", ";0 ;1 ;2");
    check_spelling("seeds: [7, 3]\n", ";7 ;3");
    check_spelling("seeds: 2\nsweep: {train.batch: [5, 10], schedule.constant.rate: [0.1, 1]}\n",
                   "5,0.1;0 5,0.1;1 5,1;0 5,1;1 10,0.1;0 10,0.1;1 10,1;0 10,1;1");
    check_spelling("sweep: {model.hidden.width: {from: 4, to: 64, points: 3, scale: log}}\n", "4;0 16;0 64;0");
    check_spelling("sweep: {schedule.constant.rate: {from: 0.01, to: 0.03, step: 0.01}}\n", "0.01;0 0.02;0 0.03;0");
    check_spelling("sweep: {model.hidden.width: {from: 1, to: 2, points: 5}}\n", "1;0 2;0");
    check_spelling("sweep: {model.activation: [relu, {leaky_relu: {slope: 0.2}}]}\n",
                   "relu;0 {\"leaky_relu\":{\"slope\":0.2}};0");
    check_spelling("sweep: {model.hidden: [[8], [8, 4]]}\n", "[8];0 [8,4];0");
}
END_TEST

START_TEST(zip_cases_and_sample)
{
    check_spelling("sweep: {zip: {train.batch: [5, 10], schedule.constant.rate: [0.1, 1]}, model.hidden.width: [4, 8]}\n",
                   "5,0.1,4;0 5,0.1,8;0 10,1,4;0 10,1,8;0");
    check_spelling("sweep: {cases: {plain: {}, wide: {model.hidden.width: 8}, both: {train.batch: 5, "
                   "model.hidden.width: 16}}}\n", "plain,-,-;0 wide,8,-;0 both,16,5;0");
    /* A longer sample begins with the shorter; another path changes nothing; values lie where they should. */
    struct plan *few = plan_of("sweep: {sample: {count: 5, schedule.constant.rate: {log_uniform: [0.01, 1]}}}\n", false,
                               NULL, 0, NULL);
    struct plan *many = plan_of("sweep: {sample: {count: 40, train.batch: {uniform: [2, 9]}, schedule.constant.rate: "
                                "{log_uniform: [0.01, 1]}, loss: {choice: [cross_entropy, mse]}}}\n", false, NULL, 0,
                                NULL);
    ck_assert_uint_eq(few->count, 5);
    ck_assert_uint_eq(many->count, 40);
    size_t low = 0, mse = 0;
    for (size_t i = 0; i < many->count; i++) {
        double rate;
        int64_t batch;
        ck_assert(node_real(many->trials[i].swept[1], &rate) && rate >= 0.01 && rate <= 1);
        ck_assert(node_int(many->trials[i].swept[0], &batch) && batch >= 2 && batch <= 9);
        low += rate < 0.1;
        mse += strcmp(many->trials[i].swept[2]->text, "mse") == 0;
        if (i < few->count)
            ck_assert_str_eq(few->trials[i].swept[0]->text, many->trials[i].swept[1]->text);
    }
    ck_assert(low > 8 && low < 32 && mse > 8 && mse < 32);
    plan_free(few);
    plan_free(many);
}
END_TEST

START_TEST(seeds_of_streams)
{
    struct plan *plan = plan_of("seeds: {init: 2, order: [1, 5]}\n", false, NULL, 0, NULL);
    ck_assert_uint_eq(plan->count, 4);
    struct diagnostics *found = diagnostics_new();
    struct settings *settings = plan_settings(plan, 3, plugins, found);
    ck_assert_ptr_nonnull(settings);
    ck_assert_uint_eq(settings->seed_init, 1);
    ck_assert_uint_eq(settings->seed_order, 5);
    settings_free(settings);
    diagnostics_free(found);
    plan_free(plan);
    check_spelling("seeds: {init: 3, order: [9]}\n", ";0 ;1 ;2");
}
END_TEST

START_TEST(mistakes_in_sweeps_are_shown)
{
    static const struct { const char *more, *words; } cases[] = {
        { "sweep: {model.hiden.width: [4]}\n", "did you mean \"hidden\"" },
        { "sweep: {schedule.exponential.rate: [1]}\n", "constant" },
        { "sweep: {train.batch: 5}\n", "needs a list of values or a range" },
        { "sweep: {train.batch: []}\n", "nothing to sweep over" },
        { "sweep: {seeds: [1, 2]}\n", "seeds are no part of a sweep" },
        { "sweep: {title: [a, b]}\n", "belongs to the whole experiment" },
        { "sweep: {zip: {train.batch: [1, 2], schedule.constant.rate: [1]}}\n", "must be of one length" },
        { "sweep: {train.batch: [1], zip: {train.batch: [2]}}\n", "swept twice" },
        { "sweep: {cases: {a: 3}}\n", "case a needs a mapping" },
        { "sweep: {sample: {train.batch: {uniform: [1, 2]}}}\n", "needs `count`" },
        { "sweep: {sample: {count: 2, train.batch: {uniform: [3, 2]}}}\n", "the lower one first" },
        { "sweep: {sample: {count: 2, train.batch: {uniforn: [1, 2]}}}\n", "log_uniform" },
        { "sweep: {train.batch: {from: 1, to: 2000, points: 2000}, schedule.constant.rate: {from: 1, to: 2, points: "
          "2000}}\n", "more than 1000000" },
        { "sweep: {train.batch: [5, x]}\n", "train.batch" },
        { "seeds: 0\n", "seeds must be" },
        { "seeds: [1, 1]\n", "there twice" },
        { "seeds: {innit: 3}\n", "did you mean \"init\"" },
        { "seeds: [-1]\n", "whole number from 0" },
        { "laws: {a: b}\n", "fits no laws yet" },
        { "figures: {A b: {kind: curve}}\n", "becomes a file" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *messages = NULL;
        struct plan *plan = plan_of(cases[i].more, false, NULL, 0, &messages);
        ck_assert_msg(plan == NULL, "no mistake found in %s", cases[i].more);
        ck_assert_msg(strstr(messages, cases[i].words) != NULL, "%s gives %s", cases[i].more, messages);
        ck_assert_msg(strstr(messages, "recipe.yaml:6:") || strstr(messages, "recipe.yaml:7:"), "no place: %s", messages);
        free(messages);
        plan_free(plan);
    }
}
END_TEST

START_TEST(a_wrong_swept_path_is_one_message)
{
    char *messages = NULL;
    struct plan *plan = plan_of("sweep: {model.hiden.width: [4, 8, 16]}\n", false, NULL, 0, &messages);
    ck_assert_ptr_null(plan);
    const char *first = strstr(messages, "\"hiden\"");
    ck_assert_msg(first && !strstr(first + 1, "no key \"hiden\""), "more than one: %s", messages);
    free(messages);
}
END_TEST

START_TEST(keys_hang_on_what_is_trained)
{
    struct plan *plan = plan_of("seeds: 2\n", true, NULL, 0, NULL);
    ck_assert_uint_eq(strlen(plan->trials[0].key), 64);
    ck_assert_str_ne(plan->trials[0].key, plan->trials[1].key);
    ck_assert_uint_eq(plan->trials[0].size.params, 784 * 4 + 4 + 4 * 10 + 10);
    ck_assert_uint_eq(plan->trials[0].size.steps, 3);
    const char *const other[] = { "title=Another", "backend=naive", "measure.splits=[]" };
    struct plan *same = plan_of("seeds: 1\n", true, other, 3, NULL);
    ck_assert_str_eq(plan->trials[0].key, same->trials[0].key);
    const char *const changed[] = { "train.batch=30" };
    struct plan *differs = plan_of("", true, changed, 1, NULL);
    ck_assert_str_ne(plan->trials[0].key, differs->trials[0].key);
    plan_free(plan);
    plan_free(same);
    plan_free(differs);
}
END_TEST

/* ---- Messages ---- */

START_TEST(messages_arrive_or_are_refused)
{
    const struct extra extras[] = { { "layers.0.gradient_norm", 0.25 }, { "x", NAN } };
    const struct point sent = { .step = 7, .epoch = 0.5, .train = { 1, 2, 3 }, .extra_count = 2, .extras = extras };
    struct iso_error err = ERROR_NONE;
    struct text text = { 0 };
    struct message_inbox inbox = { 0 };
    enum message_kind kind;
    const char *data;
    size_t length;
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    message_put_point(&text, &sent);
    ck_assert_int_eq(message_send(ends[1], MESSAGE_POINT, text.data, text.length, &err), 0);
    ck_assert_int_eq(message_send(ends[1], MESSAGE_STOPPED, "", 0, &err), 0);
    ck_assert_int_eq(message_next(&inbox, &kind, &data, &length), 0);
    ck_assert_int_eq(message_fill(&inbox, ends[0], &err), 1);
    ck_assert_int_eq(message_next(&inbox, &kind, &data, &length), 1);
    ck_assert_int_eq(kind, MESSAGE_POINT);
    struct arena *arena = arena_new();
    struct point got;
    ck_assert_int_eq(message_get_point(data, length, &got, arena), 0);
    ck_assert(got.step == 7 && got.epoch == 0.5 && got.train.cross_entropy == 3 && got.extra_count == 2);
    ck_assert_str_eq(got.extras[0].name, "layers.0.gradient_norm");
    ck_assert(got.extras[0].value == 0.25 && isnan(got.extras[1].value));
    /* Every shorter form is damaged. */
    for (size_t cut = 0; cut < text.length; cut++)
        ck_assert_int_eq(message_get_point(text.data, cut, &got, arena), -1);
    ck_assert_int_eq(message_next(&inbox, &kind, &data, &length), 1);
    ck_assert_int_eq(kind, MESSAGE_STOPPED);
    ck_assert_int_eq(message_next(&inbox, &kind, &data, &length), 0);

    /* One wrong bit, and a length that is none. */
    ck_assert_int_eq(message_send(ends[1], MESSAGE_POINT, text.data, text.length, &err), 0);
    ck_assert_int_eq(message_fill(&inbox, ends[0], &err), 1);
    inbox.data[inbox.used - 3] ^= 4;
    ck_assert_int_eq(message_next(&inbox, &kind, &data, &length), -1);
    memset(inbox.data, 0xff, inbox.used);
    ck_assert_int_eq(message_next(&inbox, &kind, &data, &length), -1);
    close(ends[1]);
    inbox.taken = inbox.used;
    ck_assert_int_eq(message_fill(&inbox, ends[0], &err), 0);
    close(ends[0]);
    message_inbox_free(&inbox);
    arena_free(arena);
    text_free(&text);
}
END_TEST

/* ---- The store ---- */

static const struct measured none = { NAN, NAN, NAN };

static struct point point_at(uint64_t step, double loss)
{
    return (struct point){ .step = step, .epoch = (double)step / 3, .examples = step * 20, .rate = 0.1,
                           .flops = { 100 * step, 90 * step, 60 * step, 10 * step },
                           .train = { loss, 0.5, loss }, .train_eval = none, .validation = { loss + 1, 0.25, loss + 1 },
                           .test = none };
}

static void train(struct store *store, struct store_trial *trial, double loss, enum trial_status status)
{
    struct iso_error err = ERROR_NONE;
    ck_assert_int_eq(store_start(store, trial, &err), 0);
    for (size_t i = 0; i < 2; i++) {
        const struct point point = point_at(3 * i, loss);
        ck_assert_int_eq(store_point(store, trial, i, &point, &err), 0);
    }
    const struct trial_result result = { .status = status, .stop_reason = status == TRIAL_DONE ? "epochs" : "diverged",
                                         .last = point_at(3, loss), .diverged_step = 5, .final_test = { loss, 0.9, loss },
                                         .has_best = true, .best_step = 3, .best_validation = { loss + 1, 0.25, NAN },
                                         .best_test = { loss, 0.9, NAN }, .seconds = 0.5,
                                         .backend = "naive", .kernel = "loops",
                                         .size = { .params = 3190 } };
    ck_assert_int_eq(store_done(store, trial, &result, "{}", &err), 0);
}

static double number_at(const struct frame *frame, const char *column, size_t row)
{
    const struct column *found = frame_find(frame, column);
    ck_assert_msg(found && found->numbers, "no column %s of numbers", column);
    return found->numbers[row];
}

static const char *text_at(const struct frame *frame, const char *column, size_t row)
{
    const struct column *found = frame_find(frame, column);
    ck_assert_msg(found && found->texts, "no column %s of texts", column);
    return found->texts[row];
}

START_TEST(results_are_kept_and_read_back)
{
    struct iso_error err = ERROR_NONE;
    struct provenance provenance;
    char *out = in_folder("store");
    struct plan *plan = plan_of("seeds: 2\nsweep: {schedule.constant.rate: [0.1, 0.3], model.activation: [relu, "
                                "{leaky_relu: {slope: 0.2}}]}\n", true, NULL, 0, NULL);
    struct store_trial states[8];
    bool changed;
    struct store *store = store_create(out, &err);
    ck_assert_msg(store != NULL, "%s", err.text);
    ck_assert_int_eq(store_enter(store, plan, "recipe", NULL, 0, states, &changed, &err), 0);
    ck_assert(changed);
    ck_assert_int_eq(provenance_read(&provenance, &err), 0);
    const struct store_run run = { "isoflop run", 2, 1 };
    ck_assert_int_eq(store_run_begin(store, &run, &provenance, &err), 0);
    train(store, &states[0], 0.1, TRIAL_DONE);
    train(store, &states[1], 0.3, TRIAL_DONE);
    train(store, &states[2], 0.7, TRIAL_DIVERGED);
    ck_assert_int_eq(store_start(store, &states[3], &err), 0);
    ck_assert_int_eq(store_failed(store, &states[3], "it broke", &err), 0);
    ck_assert_int_eq(store_start(store, &states[4], &err), 0);

    /* Nothing is seen before it is committed; half a second is the most that this takes. */
    struct lab_status *status = lab_status(out, &err);
    ck_assert_msg(status != NULL, "%s", err.text);
    ck_assert_uint_eq(status->pending, 8);
    lab_status_free(status);
    ck_assert(store_waits(store) >= 0 && store_waits(store) <= 0.5);
    ck_assert_int_eq(store_commit(store, true, &err), 0);
    ck_assert(store_waits(store) < 0);
    status = lab_status(out, &err);
    ck_assert(status->pending == 3 && status->active == 1 && status->done == 2 && status->diverged == 1
              && status->failed == 1 && status->open->rows == 2);
    lab_status_free(status);
    ck_assert_int_eq(store_run_end(store, "stopped", &err), 0);
    ck_assert_int_eq(store_close(store, &err), 0);
    char *wal = file_join(out, "results.db-wal");
    struct stat facts;
    ck_assert_int_ne(stat(wal, &facts), 0);
    free(wal);

    struct frame *trials = lab_frame(out, LAB_TRIALS, &err), *points = lab_frame(out, LAB_POINTS, &err);
    ck_assert_msg(trials && points, "%s", err.text);
    ck_assert_uint_eq(trials->rows, 8);
    ck_assert_uint_eq(points->rows, 6);
    ck_assert_str_eq(text_at(trials, "status", 2), "diverged");
    ck_assert_str_eq(text_at(trials, "status", 4), "running");
    ck_assert_str_eq(text_at(trials, "model.activation", 0), "relu");
    ck_assert_str_eq(text_at(trials, "model.activation", 2), "{\"leaky_relu\":{\"slope\":0.2}}");
    ck_assert(number_at(trials, "schedule.constant.rate", 7) == 0.3);
    ck_assert(frame_find(trials, "schedule.constant.rate")->kind == COLUMN_SETTING);
    ck_assert(number_at(trials, "train.loss", 1) == 0.3 && number_at(trials, "test.accuracy", 1) == 0.9);
    /* A diverged trial has no final values, but its best and its points. */
    ck_assert(isnan(number_at(trials, "train.loss", 2)) && isnan(number_at(trials, "test.loss", 2)));
    ck_assert(number_at(trials, "best.validation.loss", 2) == 1.7 && number_at(trials, "diverged.step", 2) == 5);
    ck_assert(number_at(points, "trial", 4) == 3 && number_at(points, "train.loss", 5) == 0.7);
    ck_assert_ptr_null(frame_find(points, "train_eval.loss"));
    frame_free(points);

    struct summary *summary = summary_new(trials, (const char *const[]){ "test.loss" }, 1, &err);
    ck_assert_uint_eq(summary->count, 4);
    ck_assert(summary->rows[0].done == 2 && summary->rows[1].diverged == 1 && summary->rows[1].failed == 1);
    ck_assert(fabs(summary->rows[0].mean[0] - 0.2) < 1e-15 && fabs(summary->rows[0].sd[0] - sqrt(0.02)) < 1e-15);
    ck_assert(isnan(summary->rows[1].mean[0]));
    ck_assert(summary->rows[0].best && !summary->rows[1].best);
    char shown[64];
    summary_number(summary->rows[0].mean[0], summary->rows[0].sd[0], shown);
    ck_assert_str_eq(shown, "0.20 ± 0.14");
    summary_free(summary);

    /* The same again: what was done is known, what ran was interrupted. */
    store = store_create(out, &err);
    memset(states, 0, sizeof states);
    ck_assert_int_eq(store_enter(store, plan, "recipe", NULL, 0, states, &changed, &err), 0);
    ck_assert(!changed && states[0].status == TRIAL_DONE && states[2].status == TRIAL_DIVERGED
              && states[3].status == TRIAL_FAILED && states[4].status == TRIAL_RUNNING);
    const struct point as_before = point_at(3, 0.1), another = point_at(3, 0.2);
    ck_assert_int_eq(store_agrees(store, &states[0], 1, &as_before, &err), 1);
    ck_assert_int_eq(store_agrees(store, &states[0], 1, &another, &err), 0);

    /* Another recipe over the same keys keeps them; then there are trials left over. */
    struct plan *fewer = plan_of("", true, NULL, 0, NULL);
    ck_assert_int_eq(store_enter(store, fewer, "other", NULL, 0, states, &changed, &err), 0);
    ck_assert(changed && states[0].status == TRIAL_DONE);
    ck_assert_int_eq(store_close(store, &err), 0);
    status = lab_status(out, &err);
    ck_assert(status->planned == 1 && status->done == 1 && status->left_over == 7 && !status->running);
    lab_status_free(status);
    struct text text = { 0 };
    ck_assert_int_eq(lab_show(out, &text, &err), 0);
    ck_assert_ptr_nonnull(strstr(text.data, provenance.compiler));
    text_free(&text);
    plan_free(fewer);
    plan_free(plan);
    free(out);
}
END_TEST

START_TEST(a_folder_has_one_writer)
{
    struct iso_error err = ERROR_NONE;
    char *out = in_folder("locked");
    struct store *store = store_create(out, &err);
    ck_assert_ptr_nonnull(store);
    const pid_t child = fork();
    if (!child) {
        struct iso_error refusal = ERROR_NONE;
        _exit(store_create(out, &refusal) == NULL && strstr(refusal.text, "is being written by another isoflop") ? 0 : 1);
    }
    int how;
    ck_assert_int_eq(waitpid(child, &how, 0), child);
    ck_assert(WIFEXITED(how) && WEXITSTATUS(how) == 0);
    ck_assert_int_eq(store_close(store, &err), 0);
    store = store_create(out, &err);
    ck_assert_ptr_nonnull(store);
    ck_assert_int_eq(store_close(store, &err), 0);
    free(out);
}
END_TEST

START_TEST(other_files_are_refused_in_words)
{
    struct iso_error err = ERROR_NONE;
    char *out = in_folder("strange"), *path;
    ck_assert_ptr_null(lab_frame(out, LAB_TRIALS, &err));
    ck_assert_msg(strstr(err.text, "holds no experiment") != NULL, "%s", err.text);
    err = ERROR_NONE;
    ck_assert_int_eq(file_make_folder(out, &err), 0);
    path = file_join(out, "results.db");
    ck_assert_int_eq(file_replace(path, "this is no database, but long enough to be looked at............", 64, &err), 0);
    ck_assert_ptr_null(lab_frame(out, LAB_TRIALS, &err));
    ck_assert_msg(strstr(err.text, "no results store") != NULL, "%s", err.text);
    err = ERROR_NONE;
    ck_assert_ptr_null(store_create(out, &err));
    ck_assert_msg(strstr(err.text, "no results store") != NULL, "%s", err.text);
    free(path);
    free(out);
}
END_TEST

/* A store of an older or newer schema is refused by readers and writers, and left as it is. */
START_TEST(other_versions_are_refused_in_words)
{
    static const struct { const char *sql, *words; } cases[] = {
        { "PRAGMA user_version = 0", "has schema version 0, this isoflop writes" },
        { "PRAGMA user_version = 99", "use the newer isoflop that wrote it" },
        { "PRAGMA application_id = 7", "no results store" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct iso_error err = ERROR_NONE;
        char *out = in_folder("version");
        struct store *store = store_create(out, &err);
        ck_assert_msg(store && !store_close(store, &err), "%s", err.text);
        sqlite3 *database = database_open(out, true, &err);
        ck_assert_int_eq(database_run(database, cases[i].sql, &err), 0);
        ck_assert_int_eq(database_close(database, true, &err), 0);
        ck_assert_ptr_null(lab_frame(out, LAB_TRIALS, &err));
        ck_assert_msg(strstr(err.text, cases[i].words) != NULL, "%s", err.text);
        err = ERROR_NONE;
        ck_assert_ptr_null(store_create(out, &err));
        ck_assert_msg(strstr(err.text, cases[i].words) != NULL, "%s", err.text);
        char *path = file_join(out, DATABASE_FILE);
        ck_assert_int_eq(unlink(path), 0);
        free(path);
        free(out);
    }
}
END_TEST

/* By the magic numbers of statfs(2), as their file systems' sources state them. */
START_TEST(journals_by_file_system)
{
    static const unsigned long local[] = { 0xef53 /* ext4 */, 0x58465342 /* XFS */, 0x9123683e /* Btrfs */,
                                           0x01021994 /* tmpfs */, 0x794c7630 /* overlay */, 0x2fc12fc1 /* ZFS */ };
    static const unsigned long remote[] = { 0x6969 /* NFS */, 0x0bd00bd0 /* Lustre */, 0xff534d42 /* CIFS */,
                                            0xfe534d42 /* SMB2 */, 0x65735546 /* FUSE */, 0x47504653 /* GPFS */,
                                            0x19830326 /* BeeGFS */, 0x00c36400 /* Ceph */, 0x01021997 /* 9P */ };
    for (size_t i = 0; i < sizeof local / sizeof *local; i++)
        ck_assert_msg(database_wal_fits(local[i]), "%lx", local[i]);
    for (size_t i = 0; i < sizeof remote / sizeof *remote; i++) {
        ck_assert_msg(!database_wal_fits(remote[i]), "%lx", remote[i]);
        ck_assert(!database_wal_fits(remote[i] | ~0xfffffffful)); /* f_type is signed, and long */
    }
}
END_TEST

int main(void)
{
    struct iso_error err = ERROR_NONE;
    if (!mkdtemp(folder)) {
        perror("mkdtemp");
        return 1;
    }
    char *cache = file_join(folder, "cache");
    if (!cache || setenv("XDG_CACHE_HOME", cache, 1))
        return 1;
    plugins = plugins_new(NULL, &err);
    if (!plugins) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    Suite *suite = suite_create("lab");
    TCase *plans = tcase_create("plans"), *stores = tcase_create("stores");
    tcase_add_test(plans, points_come_in_the_order_of_the_recipe);
    tcase_add_test(plans, zip_cases_and_sample);
    tcase_add_test(plans, seeds_of_streams);
    tcase_add_test(plans, mistakes_in_sweeps_are_shown);
    tcase_add_test(plans, a_wrong_swept_path_is_one_message);
    tcase_add_test(plans, keys_hang_on_what_is_trained);
    tcase_add_test(stores, messages_arrive_or_are_refused);
    tcase_add_test(stores, results_are_kept_and_read_back);
    tcase_add_test(stores, a_folder_has_one_writer);
    tcase_add_test(stores, other_files_are_refused_in_words);
    tcase_add_test(stores, other_versions_are_refused_in_words);
    tcase_add_test(stores, journals_by_file_system);
    suite_add_tcase(suite, plans);
    suite_add_tcase(suite, stores);
    const int failed = suite_failed(suite);
    plugins_free(plugins);
    struct text command = { 0 };
    text_format(&command, "rm -rf '%s'", folder);
    if (system(command.data))
        perror("rm");
    text_free(&command);
    free(cache);
    return failed ? 1 : 0;
}
