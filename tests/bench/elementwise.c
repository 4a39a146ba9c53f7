/* Activations against a copy of the same array.
 *
 *     elementwise [--csv] [--rounds N] [NAME...]
 *
 * For each activation, forward and backward (in its own array, as in training: y and dx are arrays apart from x and dy),
 * of 3,200 floats, which is a minibatch of 50 on 64 units and stays in the first-level cache, and of 1,048,576, which do
 * not stay in the second. Each round times memcpy of the array and then each function; a ratio is the median of the
 * ratios round by round. Without names: relu, leaky_relu, sigmoid, tanh, gelu (both forms), silu. Plugins are those of
 * ISOFLOP_PLUGIN_PATH.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/generator.h"
#include "base/memory.h"
#include "base/numbers.h"
#include "plugin/plugin.h"

enum { ROUNDS = 15, ROUNDS_MAX = 1000, FUNCTIONS_MAX = 64 };
static const size_t sizes[] = { 3200, 1 << 20 };

struct function {
    struct instance *instance;
    char name[120];
    bool backward;
};

struct arrays {
    size_t n;
    float *x, *y, *dy, *dx;
};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* A call that the compiler can't leave out. */
static void *(*volatile copy)(void *, const void *, size_t) = memcpy;

static void call(const struct function *function, const struct arrays *a)
{
    if (!function) {
        copy(a->y, a->x, a->n * sizeof *a->x);
        return;
    }
    const struct iso_activation *ops = &function->instance->plugin->ops.activation;
    const void *state = function->instance->state;
    if (function->backward)
        ops->backward(state, a->n, ops->from_output ? a->y : a->x, a->y, a->dy, a->dx);
    else
        ops->forward(state, a->n, a->x, a->y);
}

/* Nanoseconds of one call, over about two milliseconds of them. */
static double measure(const struct function *function, const struct arrays *a)
{
    const size_t calls = a->n > 100000 ? 8 : 4000;
    call(function, a);
    const double start = now();
    for (size_t i = 0; i < calls; i++)
        call(function, a);
    return 1e9 * (now() - start) / (double)calls;
}

static int compare(const void *a, const void *b)
{
    const double p = *(const double *)a, q = *(const double *)b;
    return (p > q) - (p < q);
}

static double median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, compare);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static int make_arrays(struct arrays *a, size_t n)
{
    const struct iso_rng rng = generator_of("elementwise", 0, 0);
    *a = (struct arrays){ n, memory_aligned(n * sizeof *a->x), memory_aligned(n * sizeof *a->x),
                          memory_aligned(n * sizeof *a->x), memory_aligned(n * sizeof *a->x) };
    if (!a->x || !a->y || !a->dy || !a->dx)
        return -1;
    for (size_t i = 0; i < n; i++) {
        a->x[i] = (float)(2 * iso_rng_normal_at(&rng, i, 0));
        a->dy[i] = (float)iso_rng_normal_at(&rng, i, 1);
    }
    return 0;
}

static void free_arrays(struct arrays *a)
{
    free(a->x);
    free(a->y);
    free(a->dy);
    free(a->dx);
}

static void print(const struct function *function, size_t n, double time, double memcpy_time, double ratio, bool csv)
{
    const char *direction = function->backward ? "backward" : "forward";
    if (csv)
        printf("%s,%s,%zu,%.6g,%.6g,%.4g\n", function->name, direction, n, time, memcpy_time, ratio);
    else
        printf("%-12s %-9s %9zu %12.0f %9.2f %12.0f %8.2f\n", function->name, direction, n, time,
               time / (double)n, memcpy_time, ratio);
}

static int run_size(const struct function *functions, size_t count, size_t n, size_t rounds, bool csv)
{
    struct arrays a;
    double(*times)[ROUNDS_MAX] = memory_array(count, sizeof *times);
    double(*ratios)[ROUNDS_MAX] = memory_array(count, sizeof *ratios);
    double copies[ROUNDS_MAX];
    int status = -1;
    if (make_arrays(&a, n) || !times || !ratios)
        goto out;
    for (size_t round = 0; round < rounds; round++) {
        copies[round] = measure(NULL, &a);
        for (size_t k = 0; k < count; k++) {
            const struct function forward = { functions[k].instance, "", false };
            call(&forward, &a);
            times[k][round] = measure(&functions[k], &a);
            ratios[k][round] = times[k][round] / copies[round];
        }
    }
    const double copied = median(copies, rounds);
    for (size_t k = 0; k < count; k++)
        print(&functions[k], n, median(times[k], rounds), copied, median(ratios[k], rounds), csv);
    status = 0;
out:
    free_arrays(&a);
    free(times);
    free(ratios);
    return status;
}

/* NAME or NAME:PARAMETER=VALUE, forward and backward. */
static int add(struct plugins *plugins, const char *word, struct function *functions, size_t *count,
               struct iso_error *err)
{
    char text[80], *parameter, *value;
    if (*count + 2 > FUNCTIONS_MAX || strlen(word) >= sizeof text)
        return iso_fail(err, "too many names, or one too long");
    snprintf(text, sizeof text, "%s", word);
    if ((parameter = strchr(text, ':')))
        *parameter++ = 0;
    if ((value = parameter ? strchr(parameter, '=') : NULL))
        *value++ = 0;
    const char *const pairs[] = { value ? parameter : NULL, value, NULL };
    const struct plugin *plugin = plugins_find(plugins, ISO_ACTIVATION, text, err);
    for (int backward = 0; plugin && backward < 2; backward++) {
        struct function *function = &functions[*count];
        if (!(function->instance = instance_new(plugin, pairs, NULL, err)))
            return -1;
        snprintf(function->name, sizeof function->name, "%.59s%s%.59s", text, value ? " " : "", value ? value : "");
        function->backward = backward;
        (*count)++;
    }
    return plugin ? 0 : -1;
}

int main(int argc, char **argv)
{
    static const char *const usual[] = { "relu", "leaky_relu", "sigmoid", "tanh", "gelu", "gelu:form=tanh", "silu" };
    static struct function functions[FUNCTIONS_MAX];
    struct iso_error err = ERROR_NONE;
    struct plugins *plugins = plugins_new(NULL, &err);
    size_t count = 0, rounds = ROUNDS;
    bool csv = false;
    int status = plugins ? 0 : -1;
    bool named = false;
    for (int i = 1; i < argc && !status; i++) {
        int64_t number;
        if (!strcmp(argv[i], "--csv")) {
            csv = true;
        } else if (!strcmp(argv[i], "--rounds") && i + 1 < argc && number_int(argv[i + 1], &number) && number > 0 &&
                   number <= ROUNDS_MAX) {
            rounds = (size_t)number;
            i++;
        } else {
            named = true;
            status = add(plugins, argv[i], functions, &count, &err);
        }
    }
    for (size_t k = 0; !status && !named && k < sizeof usual / sizeof *usual; k++)
        status = add(plugins, usual[k], functions, &count, &err);
    if (!status)
        printf(csv ? "activation,direction,floats,nanoseconds,memcpy_nanoseconds,ratio\n"
                   : "activation   direction    floats  nanoseconds  ns/float   memcpy (ns)    ratio\n");
    for (size_t s = 0; !status && s < sizeof sizes / sizeof *sizes; s++)
        if (run_size(functions, count, sizes[s], rounds, csv))
            status = iso_fail(&err, "out of memory");
    if (status)
        fprintf(stderr, "elementwise: %s\n", err.text);
    for (size_t k = 0; k < count; k++)
        instance_free(functions[k].instance);
    plugins_free(plugins);
    return status ? EXIT_FAILURE : EXIT_SUCCESS;
}
