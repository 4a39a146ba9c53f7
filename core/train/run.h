/* A trial while it runs: what the loop of trial.c, its set-up (run.c) and its measurements (points.c) share. */
#ifndef TRAIN_RUN_H
#define TRAIN_RUN_H

#include "train/checkpoint.h"
#include "train/histogram.h"
#include "train/objective.h"

/* Seconds of training alone: stopped while a point is measured or a checkpoint written. */
struct stopwatch {
    double total, since;
    bool running;
};
void stopwatch_start(struct stopwatch *watch);
void stopwatch_stop(struct stopwatch *watch);
double stopwatch_read(const struct stopwatch *watch);
double stopwatch_now(void); /* seconds since some moment */

/* Step, seconds, and loss, accuracy and cross-entropy of four splits; what a point's row has before its extras. */
enum { POINT_NUMBERS = 2 + 4 * 3 };

struct run {
    const struct settings *settings;
    const struct data *data;
    const struct data_shape *shape;
    const struct trial_listener *listener;
    struct trial_result *result;

    struct ledger ledger;
    struct horizon horizon;
    struct network *network;
    struct objective objective;
    struct batch *evaluation; /* where what is measured is gathered: the caller's */
    struct agenda points, checkpoints;
    struct stopwatch watch;

    uint64_t step;      /* done */
    uint64_t end;
    double rate;        /* of the step being done */
    uint64_t flops_skipped; /* of the steps done: products with inputs that were left out */
    bool due, ended;    /* a point after this step; the last step is done */
    struct tally since; /* training, since the previous point */
    double shown_seconds;
    double *rows;       /* the points so far: row_width numbers each (points.c) */
    size_t row_count, row_capacity, row_width;
    bool unsaved; /* the last state could not be saved, which was noted */
    double saved, save_after; /* when a state was, by stopwatch_now, and how long until the next */
    size_t company; /* trials that are trained together with this one, it included */

    struct network_norms *norms; /* NULL: not asked for */
    struct extra *extras;
    float *histogram_values; /* room for one layer's; NULL: no histograms */
    size_t extra_count;
    struct arena *arena;

    float *best_state;  /* weights of the best point; NULL: nothing measured says which is best */
    double best_value;
    double stop_value, stop_epoch; /* the best of what early stopping looks at, and when */
    bool stop_begun;
};

/* Everything that training needs but minibatches, allocated; weights as they start. run->evaluation is to be set before
 * anything is measured. */
int run_begin(struct run *run, const struct settings *settings, const struct data *data, unsigned threads,
              uint64_t max_steps, const struct trial_listener *listener, struct trial_result *result,
              struct iso_error *err);
void run_end(struct run *run);

/* What the next step is to know: its learning rate, whether a point is due after it. */
void run_step(struct run *run, const struct batch *batch);
/* Where the norms of this step go; NULL: not asked for. */
struct network_norms *run_norms(const struct run *run);
/* After a step over that minibatch with that sum of losses: a point, checkpoints, progress; sets run->ended after the
 * last. */
int run_measure(struct run *run, const struct batch *batch, double loss, struct iso_error *err);
/* The checkpoint and point before the first step; final and best weights after the last. */
int run_measure_begin(struct run *run, struct iso_error *err);
int run_measure_end(struct run *run, struct iso_error *err);

/* Judges the points in run->rows again, without measuring or telling: what hangs on them is as it was after them. */
void run_replay(struct run *run);
/* Tells the listener all points in run->rows. */
int run_retell(struct run *run, struct iso_error *err);

#endif
