/* @NAME@: two noisy rings, without end. Put your examples here, in open and draw.
 *
 * Outside of isoflop's tree, build and try it with
 *     cc -shared -fPIC -O2 -ffp-contract=off $(pkg-config --cflags isoflop) -o @NAME@.so @NAME@.c -lm
 *     isoflop check ./@NAME@.so
 * and put @NAME@.so into DIR/dataset/ for `isoflop run RECIPE --plugin-path DIR`. In isoflop's tree, this file is
 * plugins/dataset/@NAME@.c, and Makefile.am gets one line in dataset_LTLIBRARIES: plugins/dataset/@NAME@.la
 * What each function must do is said in <isoflop/plugin.h>. */
#include <math.h>

#include <isoflop/plugin.h>

struct parameters {
    double noise;
};

/* The shape of an example. A data set of files gives a table here instead, with examples, bytes or floats, and labels
 * or targets, which it reads with host->file; it has no draw. */
static int open(void *state, const struct iso_host *host, enum iso_split split, struct iso_table *table,
                struct iso_error *err)
{
    (void)state, (void)host, (void)split, (void)err;
    table->examples = 0; /* without end */
    table->inputs = 2;
    table->outputs = 2;
    table->scale = 1;
    return 0;
}

/* Examples index[0] ... index[n - 1]: each a function of the seed and its number alone, for which the random numbers of
 * row index[k] of `rng` are there. */
static void draw(const void *state, const struct iso_rng *rng, size_t n, const uint64_t *index,
                 const struct iso_drawn *out)
{
    const double noise = ((const struct parameters *)state)->noise, circle = 2 * 3.14159265358979323846;
    for (size_t k = 0; k < n; k++) {
        const int ring = iso_rng_uniform_at(rng, index[k], 0) < 0.5;
        const double angle = circle * iso_rng_uniform_at(rng, index[k], 1);
        const double radius = 1 + ring + noise * (2 * iso_rng_uniform_at(rng, index[k], 2) - 1);
        out->floats[2 * k] = (float)(radius * cos(angle));
        out->floats[2 * k + 1] = (float)(radius * sin(angle));
        out->labels[k] = ring;
    }
}

static const struct iso_param params[] = {
    ISO_REAL(struct parameters, noise, "0.4", 0, 10, "half width of a ring"),
    { 0 }
};

static const struct iso_dataset ops = { .open = open, .draw = draw, .storage = ISO_STORED_FLOATS };

ISO_PLUGIN(ops, .name = "@NAME@", .revision = 1, .summary = "two rings in the plane, without end",
           .state_size = sizeof(struct parameters), .params = params);
