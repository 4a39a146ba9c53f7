/* What the conformance checks of all kinds share: guarded arrays, calls that may crash, and reports. */
#ifndef PLUGIN_CHECKING_H
#define PLUGIN_CHECKING_H

#include "base/generator.h"
#include "base/memory.h"
#include "plugin/conformance.h"

struct guard;

/* The checking of one instance. */
struct check {
    const struct plugin *plugin;
    const struct instance *instance;
    const char *setting; /* "slope: 0.2", "" for defaults */
    bool defaults;       /* the first setting, at which conformance also looks at what parameters may spoil */
    struct conformance *report;
    struct conformance_watch *watch; /* or NULL */
    struct arena *told;   /* what was told already, for all settings: each failure of a kind is told once */
    char **told_keys;
    size_t told_count, told_capacity;
    struct guard *guards; /* arrays in use */
    unsigned char *state; /* as it was after setup */
    const char *circumstance; /* of the call, for the words of a crash: "when called without ..."; or NULL */
    const char *hint;     /* added to what fails: what it may hang on; or NULL */
    bool broken;          /* crashed, or out of memory: nothing more can be told */
};

/* An array with unreadable pages on both sides, ending right before the second, zeroed. NULL only after a failure was
 * told. Freed by check_release. */
void *check_array(struct check *check, const char *name, size_t count, size_t size);
static inline float *check_floats(struct check *check, const char *name, size_t n)
{
    return check_array(check, name, n, sizeof(float));
}
/* The same, starting at a multiple of 64 bytes. What is between its end and the unreadable page is watched too. */
float *check_aligned_floats(struct check *check, const char *name, size_t n);
/* Makes an array read-only, or writable again. */
void check_freeze(struct check *check, const void *array, bool frozen);
/* Frees the arrays made since `mark` was check->guards; NULL: all. */
void check_release(struct check *check, const struct guard *mark);

/* Calls run(context). False where it crashed, wrote outside of its arrays, changed the state (unless `changes_state`)
 * or the floating-point mode: then told. */
bool check_call(struct check *check, const char *function, void (*run)(void *), void *context);
bool check_call_free(struct check *check, const char *function, void (*run)(void *), void *context);

/* Calls run(contexts[k]) from CHECK_THREADS threads at once, CHECK_REPEATS times each; same(contexts[k]) says after each
 * whether the results are those of a call alone. False: told that they were not. */
enum { CHECK_THREADS = 4, CHECK_REPEATS = 40 };
bool check_at_once(struct check *check, const char *function, void (*run)(void *), bool (*same)(void *),
                   void *const contexts[CHECK_THREADS]);

/* Tells somebody who watches that it gets on. */
void check_pulse(const struct check *check);

/* Tells a failure, "FUNCTION: TEXT", once for each (function, property). */
#if defined __GNUC__
__attribute__((format(printf, 4, 5)))
#endif
void check_fail(struct check *check, const char *function, const char *property, const char *format, ...);
#if defined __GNUC__
__attribute__((format(printf, 3, 4)))
#endif
void check_skip(struct check *check, const char *property, const char *format, ...);

/* Bits of two arrays: the first place where they differ, or n. NaN equals NaN of the same bits. */
size_t check_differ(const float *a, const float *b, size_t n);

/* What an array holds before a call that is to fill it: a function that adds to it, or leaves some of it out, then
 * gives other results than from CHECK_OTHER_JUNK. */
#define CHECK_JUNK 1000.0f
#define CHECK_OTHER_JUNK (-3.0f)
void check_fill(float *array, size_t n, float value);
/* `expected` is what run(context) wrote to `out`, n floats called `name`, over CHECK_JUNK. False: over CHECK_OTHER_JUNK
 * it gives something else, which was told; or a call failed. */
bool check_overwrites(struct check *check, const char *function, const char *name, void (*run)(void *), void *context,
                      float *out, const float *expected, size_t n);

/* FLOP as stated for one element (or output, or weight): some where it `works`, and no more than one can need. */
void check_flops(struct check *check, const char *field, double flops, bool works, const char *of);

/* Random numbers for inputs: the same in every run. */
double check_uniform(unsigned purpose, uint64_t i, uint32_t j, double low, double high);
double check_normal(unsigned purpose, uint64_t i, uint32_t j);

/* Whether a gradient at x agrees with values of a function in single precision, by one-sided second-order differences:
 * kinks need no declaration. f[s]: values at x - h, x - h/2, x, x + h/2, x + h with h = steps[s]; the first step is the
 * largest, the others are for where the function bends much in it. scale: magnitude of what the values were computed
 * from. *low and *high: what would be accepted at the first step. */
bool check_derivative(const float (*f)[5], const double *steps, size_t count, double x, double scale, double gradient,
                      double *low, double *high);

/* Some results of the instance, to see whether they change: how many, at most CHECK_SAMPLE; 0 where a call failed. */
enum { CHECK_SAMPLE = 64 };
size_t sample_activation(struct check *check, float out[CHECK_SAMPLE]);
size_t sample_loss(struct check *check, float out[CHECK_SAMPLE]);
size_t sample_initializer(struct check *check, float out[CHECK_SAMPLE]);
size_t sample_schedule(struct check *check, float out[CHECK_SAMPLE]);
size_t sample_optimizer(struct check *check, float out[CHECK_SAMPLE]);

void check_activation(struct check *check);
void check_loss(struct check *check);
void check_initializer(struct check *check);
void check_schedule(struct check *check);
void check_optimizer(struct check *check);
void check_dataset(struct check *check);
void check_backend(struct check *check);
void check_law(struct check *check);

#endif
