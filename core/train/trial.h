/* A trial: one training run. trial.c is the loop: forward, loss, backward, update, measure. */
#ifndef TRAIN_TRIAL_H
#define TRAIN_TRIAL_H

#include "train/settings.h"

/* Raised when results of the same settings change. Part of every key. */
#define TRAINER_REVISION 1

/* FLOP by convention; see train/ledger.h for what each counts. */
struct flops {
    uint64_t all, matmul, six_nd, report;
};

/* NaN: not measured. */
struct measured {
    double loss, accuracy, cross_entropy;
};

struct extra {
    const char *name; /* "layers.0.gradient_norm", ... */
    double value;
};

/* One measurement. */
struct point {
    uint64_t step, examples;
    double epoch, rate, seconds;
    struct flops flops;
    struct measured train, train_eval, validation, test;
    size_t extra_count;
    const struct extra *extras;
};

enum trial_status { TRIAL_PENDING, TRIAL_RUNNING, TRIAL_DONE, TRIAL_DIVERGED, TRIAL_FAILED };
extern const char *const trial_status_names[];

/* What a trial is, before and after it ran. */
struct trial_size {
    uint64_t params, params_weights, params_hidden;
    uint64_t steps, steps_per_epoch, examples; /* planned */
    struct flops flops;                        /* planned, in all */
};

struct trial_result {
    enum trial_status status; /* DONE or DIVERGED */
    const char *stop_reason;  /* "epochs", "steps", "examples", "flops", "flops_6nd", "patience", "diverged" */
    struct trial_size size;
    struct point last;        /* the last point; of a diverged trial, the last finite one */
    uint64_t flops_executed;  /* last.flops.all without the products with inputs that the backend left out */
    uint64_t diverged_step;
    struct measured final_test;
    uint64_t best_step;       /* meaningful where has_best */
    bool has_best;
    struct measured best_validation, best_test;
    double seconds;
    const char *backend, *kernel; /* that it was trained with */
};

/* What a trial tells while it runs. Functions may be NULL. */
struct trial_listener {
    void *context;
    int (*point)(void *context, const struct point *point, struct iso_error *err);
    /* A checkpoint's bytes (safetensors) by name: "init", "best", "final", "step-000123". */
    int (*checkpoint)(void *context, const char *name, const void *data, size_t length, struct iso_error *err);
    void (*progress)(void *context, uint64_t step, uint64_t steps, double epoch, double loss, double rate);
    /* True: stop as soon as possible; the trial then fails with "interrupted". */
    bool (*interrupted)(void *context);

    /* A state is what a trial goes on from after an interruption, to the same bits: see train/state.h. One is saved
     * about every save_seconds (0: never), and by an interrupted trial before it stops; so that saving takes no more
     * than a fiftieth of the time, the next waits 50 times as long as the last one took. A failure is noted, and the
     * trial goes on. */
    double save_seconds;
    int (*save)(void *context, const void *data, size_t length, struct iso_error *err);
    /* The last state that was saved (age 0) and the one before (1): to be freed by the trial. NULL: there is none. */
    void *(*load)(void *context, unsigned age, size_t *length);
    /* Program, instruction set and libm, in words: a state made by others is not gone on from. NULL: none. */
    const char *(*numerics)(void *context);
    void (*resumed)(void *context, uint64_t step, uint64_t steps); /* it goes on from a state after that step */
    void (*note)(void *context, const char *text);                 /* something worth knowing, such as a damaged state */
};

/* Sizes and planned FLOP, without training or weights. */
int trial_measure(const struct settings *settings, const struct data_shape *shape, uint64_t train_examples,
                  struct trial_size *size, struct iso_error *err);

struct trial {
    const struct settings *settings;
    unsigned threads;
    uint64_t max_steps; /* 0, or the most to train, whatever the budgets say */
    const struct trial_listener *listener; /* NULL: nobody */
    /* What came of it: 0 and the result, or -1 and why. */
    int status;
    struct trial_result result;
    struct iso_error *err;
};
/* Trains one trial; returns its status. */
int trial_run(struct trial *trial, const struct data *data);
/* Trains trials that settings_share_json says may share minibatches, side by side in one thread, each to the same bits
 * as alone. What befalls one (it ends, diverges, fails, is interrupted) does not touch the others. `ended` is told of
 * each as soon as it has come to its end; NULL: nobody is. */
void trials_run(struct trial *trials, size_t count, const struct data *data,
                void (*ended)(void *context, struct trial *trial), void *context);

#endif
