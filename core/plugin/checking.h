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
    struct arena *told;   /* what was told already, for all settings: each failure of a kind is told once */
    char **told_keys;
    size_t told_count, told_capacity;
    struct guard *guards; /* arrays in use */
    unsigned char *state; /* as it was after setup */
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

/* Random numbers for inputs: the same in every run. */
double check_uniform(unsigned purpose, uint64_t i, uint32_t j, double low, double high);
double check_normal(unsigned purpose, uint64_t i, uint32_t j);

/* Whether a gradient agrees with values of a function in single precision, by one-sided second-order differences:
 * kinks need no declaration. f: values at x - h, x - h/2, x, x + h/2, x + h. scale: magnitude of what the values were
 * computed from. *low and *high: what would be accepted. */
bool check_slope(const float f[5], double h, double scale, double gradient, double *low, double *high);

void check_activation(struct check *check);
void check_loss(struct check *check);
void check_initializer(struct check *check);
void check_schedule(struct check *check);
void check_optimizer(struct check *check);
void check_dataset(struct check *check);
void check_backend(struct check *check);
void check_law(struct check *check);

#endif
