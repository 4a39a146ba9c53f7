/* Tests of trials that are trained together: the same bits as alone, whatever becomes of the others. */
#include <check.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "keeper.h"

/* Trials of equal data, minibatches and order that differ in everything else: sizes, activations, optimizers, rates,
 * dropout, seeds, length, measurements; one that diverges, one that goes on nevertheless, one that stops early. */
static const char *const recipes[] = {
    "train: {epochs: 4, batch: 20, share_batches: true}\ncheckpoint: [init, best, final]\n",
    "train: {epochs: 2.5, batch: 20, share_batches: true}\noptimizer: adam\nschedule: {constant: {rate: 0.01}}\n"
    "model: {hidden: [33], activation: relu, dropout: 0.3}\ncheckpoint: [final]\nseeds: {init: 3, dropout: 4}\n",
    "train: {epochs: 3, batch: 20, share_batches: true, warmup: 0.5, clip_norm: 0.5}\n"
    "optimizer: {momentum: {momentum: 0.9}}\nmodel: {hidden: [5, 7, 9], activation: gelu, bias: none}\n"
    "measure: {every: {steps: 3}, train_eval: true, also: [gradient_norm, update_ratio, dead_units]}\n"
    "checkpoint: [{every: {steps: 9}}]\n",
    "train: {epochs: 3, batch: 20, share_batches: true}\nschedule: {constant: {rate: 1000000}}\ncheckpoint: [final]\n"
    "model: {hidden: [16, 16, 16, 16], activation: relu}\n",
    "train: {epochs: 30, batch: 20, share_batches: true, stop: {patience: 1, min_change: 0.05}}\n"
    "schedule: {constant: {rate: 0.5}}\ncheckpoint: [best]\n",
    "train: {steps: 3, batch: 20, share_batches: true}\ncheckpoint: [final]\nseeds: {init: 9}\n",
    "train: {steps: 5, batch: 20, share_batches: true, stop: {diverged: false}}\n"
    "schedule: {constant: {rate: 1000000}}\nmodel: {hidden: [16, 16, 16, 16], activation: relu}\n",
    "train: {epochs: 4, batch: 20, share_batches: true}\noptimizer: {adamw: {weight_decay: 0.1}}\n"
    "schedule: {cosine: {rate: 0.01}}\nmodel: {hidden: [64], activation: tanh}\ncheckpoint: [best, final]\n",
};
enum { TRIALS = sizeof recipes / sizeof recipes[0] };

struct party {
    struct settings *settings[TRIALS];
    struct keeper keepers[TRIALS];
    struct trial_listener listeners[TRIALS];
    struct trial trials[TRIALS];
    struct iso_error errors[TRIALS];
    struct data *data;
    size_t ended[TRIALS], ended_count; /* in which order they came to their end */
};

/* more: what all recipes have besides. */
static void party_begin(struct party *party, const char *more)
{
    *party = (struct party){ 0 };
    for (size_t i = 0; i < TRIALS; i++) {
        struct text recipe = { 0 };
        text_format(&recipe, "%s%s", recipes[i], more);
        party->settings[i] = settings_of(recipe.data);
        keeper_begin(&party->keepers[i]);
        text_free(&recipe);
    }
    party->data = data_of(party->settings[0]);
}

static void party_end(struct party *party)
{
    for (size_t i = 0; i < TRIALS; i++) {
        keeper_end(&party->keepers[i]);
        settings_free(party->settings[i]);
    }
    data_close(party->data);
}

static void note_ended(void *context, struct trial *trial)
{
    struct party *party = context;
    const size_t i = (size_t)(trial - party->trials);
    party->ended[party->ended_count++] = i;
    party->keepers[i].told->result = trial->result;
}

/* Trains those that are asked for, all at once; interrupt_at: of each, or NULL. */
static void train_together(struct party *party, const uint64_t *interrupt_at)
{
    party->ended_count = 0;
    for (size_t i = 0; i < TRIALS; i++) {
        party->errors[i] = ERROR_NONE;
        party->listeners[i] = keeper_listener(&party->keepers[i], interrupt_at ? interrupt_at[i] : 0);
        party->trials[i] = (struct trial){ .settings = party->settings[i], .threads = 1, .status = 1,
                                           .listener = &party->listeners[i], .err = &party->errors[i] };
    }
    trials_run(party->trials, TRIALS, party->data, note_ended, party);
    ck_assert_uint_eq(party->ended_count, TRIALS);
}

/* Each trained by itself. */
static void train_alone(struct party *party)
{
    for (size_t i = 0; i < TRIALS; i++) {
        struct iso_error err = ERROR_NONE;
        const struct trial_listener listener = keeper_listener(&party->keepers[i], 0);
        struct trial trial = { .settings = party->settings[i], .threads = 1, .listener = &listener, .err = &err };
        ck_assert_msg(trial_run(&trial, party->data) == 0, "trial %zu: %s", i, err.text);
        party->keepers[i].told->result = trial.result;
    }
}

static const char *const kinds[] = {
    "backend: native\n", "backend: openblas\n", "loss: {mse: {output: identity}}\nbackend: naive\n",
    "backend: native\n" /* fresh examples */
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static void begin_both(struct party *alone, struct party *together, int kind)
{
    struct text more = { 0 };
    text_format(&more, "%s%s", kinds[kind], kind == 3 ? "dataset: {digits: {epoch_size: 130, validation_size: 60, "
                                                        "test_size: 70}}\n" : "");
    party_begin(alone, more.data);
    party_begin(together, more.data);
    text_free(&more);
}

static void check_all(const struct party *alone, const struct party *together)
{
    for (size_t i = 0; i < TRIALS; i++) {
        const struct trial_result *a = &alone->keepers[i].told->result, *b = &together->keepers[i].told->result;
        ck_assert_msg(together->trials[i].status == 0, "trial %zu: %s", i, together->errors[i].text);
        check_same(alone->keepers[i].told, together->keepers[i].told);
        ck_assert_uint_eq(a->flops_executed, b->flops_executed);
        ck_assert(b->seconds > 0);
    }
}

START_TEST(same_bits)
{
    struct party alone, together;
    begin_both(&alone, &together, _i);
    train_alone(&alone);
    train_together(&together, NULL);
    check_all(&alone, &together);
    /* The cases are what they are meant to be, and each is told of when it ends. */
    ck_assert_int_eq(together.trials[3].result.status, TRIAL_DIVERGED);
    ck_assert_int_eq(together.trials[6].result.status, TRIAL_DIVERGED);
    ck_assert_str_eq(together.trials[4].result.stop_reason, "patience");
    ck_assert(together.ended[0] == 3 || together.ended[0] == 5);
    ck_assert(together.ended[TRIALS - 1] == 0 || together.ended[TRIALS - 1] == 4 || together.ended[TRIALS - 1] == 7);
    party_end(&alone);
    party_end(&together);
}
END_TEST

/* Interrupted, each at another step, some never: those go to their end; all go on later, from where they are. */
START_TEST(interrupted)
{
    static const uint64_t at[TRIALS] = { 3, 12, 0, 0, 5, 2, 1, 20 };
    struct party alone, together;
    begin_both(&alone, &together, _i);
    train_alone(&alone);
    train_together(&together, at);
    for (size_t i = 0; i < TRIALS; i++) {
        ck_assert_msg(together.trials[i].status == (at[i] ? -1 : 0), "trial %zu: %s", i, together.errors[i].text);
        ck_assert(!at[i] || strstr(together.errors[i].text, "interrupted"));
    }
    train_together(&together, NULL);
    check_all(&alone, &together);
    ck_assert_msg(strstr(together.keepers[1].notes, "goes on from step 12 "), "%s", together.keepers[1].notes);
    party_end(&alone);
    party_end(&together);
}
END_TEST

static int refuse_point(void *context, const struct point *point, struct iso_error *err)
{
    (void)context;
    return point->step ? iso_fail(err, "no more room") : 0;
}

/* One whose point can't be kept fails; one that can't begin, too; the others don't notice. */
START_TEST(failures)
{
    struct party alone, together;
    begin_both(&alone, &together, 0);
    train_alone(&alone);
    for (size_t i = 0; i < TRIALS; i++) {
        together.errors[i] = ERROR_NONE;
        together.listeners[i] = keeper_listener(&together.keepers[i], 0);
        together.trials[i] = (struct trial){ .settings = together.settings[i], .threads = 1, .status = 1,
                                             .listener = &together.listeners[i], .err = &together.errors[i] };
    }
    together.listeners[1].point = refuse_point;
    struct settings *stuck = settings_of("train: {flops: 9, batch: 20, share_batches: true}\nbackend: native\n");
    together.trials[0].settings = stuck;
    trials_run(together.trials, TRIALS, together.data, note_ended, &together);
    ck_assert_uint_eq(together.ended_count, TRIALS);
    ck_assert_int_eq(together.trials[0].status, -1);
    ck_assert_msg(strstr(together.errors[0].text, "train.flops"), "%s", together.errors[0].text);
    ck_assert_int_eq(together.trials[1].status, -1);
    ck_assert_msg(strstr(together.errors[1].text, "no more room"), "%s", together.errors[1].text);
    for (size_t i = 2; i < TRIALS; i++) {
        ck_assert_int_eq(together.trials[i].status, 0);
        check_same(alone.keepers[i].told, together.keepers[i].told);
    }
    settings_free(stuck);
    party_end(&alone);
    party_end(&together);
}
END_TEST

/* ---- Who may share ---- */

static char *share_of(const char *recipe, bool endless)
{
    struct settings *settings = settings_of(recipe);
    struct text text = { 0 };
    ck_assert_int_eq(settings_share_json(settings, endless, &text), 0);
    settings_free(settings);
    return text_take(&text);
}

static void check_share(const char *a, const char *b, bool endless, bool same)
{
    char *x = share_of(a, endless), *y = share_of(b, endless);
    ck_assert_msg((strcmp(x, y) == 0) == same, "%s\n%s", x, y);
    free(x);
    free(y);
}

#define SHARES "train: {epochs: 4, batch: 20, share_batches: true}\nbackend: native\n"

START_TEST(who_shares)
{
    char *none = share_of("train: {epochs: 4, batch: 20}\n", false);
    ck_assert_str_eq(none, "");
    free(none);
    check_share(SHARES, "train: {steps: 9, batch: 20, share_batches: true, warmup: 0.1}\nbackend: native\noptimizer: "
                        "adam\nmodel: {hidden: [9]}\nseeds: {init: 7, dropout: 2}\n", false, true);
    static const char *const others[] = {
        "train: {epochs: 4, batch: 21, share_batches: true}\nbackend: native\n",
        "train: {epochs: 4, batch: 20, share_batches: true, drop_last: true}\nbackend: native\n",
        "train: {epochs: 4, batch: 20, share_batches: true, shuffle: false}\nbackend: native\n",
        "train: {epochs: 4, batch: 20, share_batches: true}\nbackend: openblas\n",
        "train: {epochs: 4, batch: 20, share_batches: true}\nbackend: {native: {skip_zeros: false}}\n",
        SHARES "seeds: 1\n", SHARES "seeds: {order: 1}\n", SHARES "loss: mse\n",
        SHARES "dataset: {digits: {train_size: 131, validation_size: 60, test_size: 70}}\n",
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        check_share(SHARES, others[i], false, false);
    /* Without order, its seed says nothing; nor that of fresh examples where there are none. */
    check_share("train: {epochs: 4, batch: 20, share_batches: true, shuffle: false}\n",
                "train: {epochs: 4, batch: 20, share_batches: true, shuffle: false}\nseeds: 3\n", false, true);
    check_share(SHARES, SHARES "seeds: {examples: 2}\n", false, true);
    check_share(SHARES, SHARES "seeds: {examples: 2}\n", true, false);
    check_share("train: {epochs: 1, shuffle: false, share_batches: true}\n"
                "dataset: {digits: {train_size: 9, subset_seed: trial}}\nseeds: 1\n",
                "train: {epochs: 1, shuffle: false, share_batches: true}\n"
                "dataset: {digits: {train_size: 9, subset_seed: trial}}\nseeds: 2\n", false, false);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("together");
    TCase *cases = tcase_create("together");
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, same_bits, 0, KINDS);
    tcase_add_loop_test(cases, interrupted, 0, KINDS);
    tcase_add_test(cases, failures);
    tcase_add_test(cases, who_shares);
    suite_add_tcase(suite, cases);
    return trial_tools_main(suite);
}
