/* @NAME@: L = E + A / N^alpha. Put your formula here, in value, the tables and formula.
 *
 * Outside of isoflop's tree, build and try it with
 *     cc -shared -fPIC -O2 -ffp-contract=off $(pkg-config --cflags isoflop) -o @NAME@.so @NAME@.c -lm
 *     isoflop check ./@NAME@.so
 * and put @NAME@.so into DIR/law/ for `isoflop run RECIPE --plugin-path DIR`. In isoflop's tree, this file is
 * plugins/law/@NAME@.c, and Makefile.am gets one line in law_LTLIBRARIES: plugins/law/@NAME@.la
 * What each function must do is said in <isoflop/plugin.h>. */
#include <math.h>

#include <isoflop/plugin.h>

enum { E, A, ALPHA, PARAMETERS };

/* value[r] for n rows of inputs x, here one column N; gradient[r * PARAMETERS + p] unless it is NULL. */
static void value(const void *state, size_t n, const double *x, const double *p, double *values, double *gradient)
{
    (void)state;
    for (size_t r = 0; r < n; r++) {
        const double power = exp(-p[ALPHA] * log(x[r])); /* N^-alpha */
        values[r] = p[E] + p[A] * power;
        if (gradient) {
            gradient[r * PARAMETERS + E] = 1;
            gradient[r * PARAMETERS + A] = power;
            gradient[r * PARAMETERS + ALPHA] = -p[A] * power * log(x[r]);
        }
    }
}

static const char *const inputs[] = { "N", NULL };
static const double starts_alpha[] = { 0.1, 0.3, 0.5, 1 };
static const struct iso_law_parameter parameters[] = {
    [E] = { .name = "E", .linear = true, .min = 0, .max = INFINITY, .help = "irreducible loss" },
    [A] = { .name = "A", .linear = true, .min = 0, .max = INFINITY, .help = "coefficient of N" },
    [ALPHA] = { .name = "alpha", .min = 0, .max = 3, .starts = starts_alpha, .start_count = 4,
                .help = "exponent of N" },
    [PARAMETERS] = { 0 }
};

static const struct iso_law ops = {
    .inputs = inputs, .parameters = parameters, .value = value, .formula = "E + A / N^alpha"
};

ISO_PLUGIN(ops, .name = "@NAME@", .revision = 1, .summary = "L = E + A / N^alpha");
