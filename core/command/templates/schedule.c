/* @NAME@: rate / (1 + step / half). Put your formula here, in rate and the summary.
 *
 * Outside of isoflop's tree, build and try it with
 *     cc -shared -fPIC -O2 -ffp-contract=off $(pkg-config --cflags isoflop) -o @NAME@.so @NAME@.c -lm
 *     isoflop check ./@NAME@.so
 * and put @NAME@.so into DIR/schedule/ for `isoflop run RECIPE --plugin-path DIR`. In isoflop's tree, this file is
 * plugins/schedule/@NAME@.c, and Makefile.am gets one line in schedule_LTLIBRARIES: plugins/schedule/@NAME@.la
 * What each function must do is said in <isoflop/plugin.h>. */
#include <isoflop/plugin.h>

struct parameters {
    double rate;
    double half;
};

/* The learning rate of a step, counted from 0, of `steps` planned in all; steps_per_epoch in an epoch. A pure function,
 * finite and not negative for any step, also from `steps` on. Warm-up is isoflop's. */
static double rate(const void *state, uint64_t step, uint64_t steps, uint64_t steps_per_epoch)
{
    const struct parameters *p = state;
    (void)steps, (void)steps_per_epoch;
    return p->rate / (1 + (double)step / p->half);
}

static const struct iso_param params[] = {
    /* A parameter without a default (NULL) must be given in the recipe; try_min is what `isoflop check` takes. */
    ISO_REAL(struct parameters, rate, NULL, 0, 1e6, "learning rate at first", .try_min = "0.1", .try_max = "10"),
    ISO_REAL(struct parameters, half, "1000", 1, 1e12, "steps after which the rate has halved"),
    { 0 }
};

static const struct iso_schedule ops = { .rate = rate };

ISO_PLUGIN(ops, .name = "@NAME@", .revision = 1, .summary = "rate / (1 + step / half)",
           .state_size = sizeof(struct parameters), .params = params);
