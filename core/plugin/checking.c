/* Guarded arrays, calls that may crash, and reports, for the conformance checks of all kinds. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "plugin/checking.h"

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "plugin/internal.h"

enum { CANARY = 0xA5, NEAR_NULL = 4096 };

struct guard {
    struct guard *next;
    const char *name;
    unsigned char *map; /* page, contents, page */
    size_t page, length;
    unsigned char *data;
    size_t bytes;
};

/* ---- Arrays ---- */

static void *guarded(struct check *check, const char *name, size_t count, size_t size, size_t alignment)
{
    struct guard *guard = memory_array(1, sizeof *guard);
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = count * size;
    const size_t inner = (bytes + alignment + page) / page * page;
    void *map = guard ? mmap(NULL, inner + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                      : MAP_FAILED;
    if (map == MAP_FAILED || (size && count > SIZE_MAX / 4 / size)) {
        free(guard);
        check->broken = true;
        check_fail(check, "conformance", "memory", "out of memory");
        return NULL;
    }
    *guard = (struct guard){ check->guards, name, map, page, inner, NULL, bytes };
    check->guards = guard;
    memset(guard->map + page, CANARY, inner);
    guard->data = guard->map + page + (inner - bytes) / alignment * alignment;
    memset(guard->data, 0, bytes);
    mprotect(guard->map, page, PROT_NONE);
    mprotect(guard->map + page + inner, page, PROT_NONE);
    return guard->data;
}

void *check_array(struct check *check, const char *name, size_t count, size_t size)
{
    /* Elements' own alignment, so that the array ends at the page whatever its length. */
    const size_t alignment = size % 8 == 0 ? 8 : size % 4 == 0 ? 4 : 1;
    return guarded(check, name, count, size, alignment);
}

float *check_aligned_floats(struct check *check, const char *name, size_t n)
{
    return guarded(check, name, n, sizeof(float), 64);
}

void check_freeze(struct check *check, const void *array, bool frozen)
{
    for (struct guard *guard = check->guards; guard; guard = guard->next)
        if (guard->data == array)
            mprotect(guard->map + guard->page, guard->length, frozen ? PROT_READ : PROT_READ | PROT_WRITE);
}

void check_release(struct check *check, const struct guard *mark)
{
    while (check->guards != mark) {
        struct guard *guard = check->guards;
        check->guards = guard->next;
        munmap(guard->map, guard->length + 2 * guard->page);
        free(guard);
    }
}

/* The array around whose edges something was written that the unreadable pages did not catch, or NULL. */
static const struct guard *spoilt(const struct check *check)
{
    for (const struct guard *guard = check->guards; guard; guard = guard->next) {
        const unsigned char *start = guard->map + guard->page, *end = start + guard->length;
        for (const unsigned char *p = start; p < guard->data; p++)
            if (*p != CANARY)
                return guard;
        for (const unsigned char *p = guard->data + guard->bytes; p < end; p++)
            if (*p != CANARY)
                return guard;
    }
    return NULL;
}

/* ---- Calls ---- */

/* Of the calling thread. */
static _Thread_local sigjmp_buf jump;
static _Thread_local volatile sig_atomic_t armed, caught;
static _Thread_local void *volatile caught_address;

static void on_signal(int number, siginfo_t *info, void *context)
{
    (void)context;
    if (!armed) { /* a thread of somebody else's: the signal comes again and ends the program */
        signal(number, SIG_DFL);
        return;
    }
    caught = number;
    caught_address = info->si_addr;
    siglongjmp(jump, 1);
}

static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL };
enum { SIGNALS = sizeof signals / sizeof *signals };

static void catch_signals(struct sigaction before[SIGNALS])
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO;
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < SIGNALS; i++)
        sigaction(signals[i], &action, &before[i]);
}

static void release_signals(const struct sigaction before[SIGNALS])
{
    for (int i = 0; i < SIGNALS; i++)
        sigaction(signals[i], &before[i], NULL);
}

/* 0, or the number of the signal that ended the call; signals are caught by then. */
static int run_caught(void (*run)(void *), void *context)
{
    volatile int number = 0;
    armed = 1;
    if (!sigsetjmp(jump, 1))
        run(context);
    else
        number = caught;
    armed = 0;
    return number;
}

static void tell_crash(struct check *check, const char *function, int number)
{
    const unsigned char *address = caught_address;
    for (const struct guard *guard = check->guards; guard && (number == SIGSEGV || number == SIGBUS);
         guard = guard->next)
        if (address >= guard->map && address < guard->map + guard->length + 2 * guard->page) {
            const bool inside = address >= guard->data && address < guard->data + guard->bytes;
            check_fail(check, function, "bounds", inside ? "writes to %s, which it may only read"
                                                         : "reads or writes outside of %s, an array of %zu bytes",
                       guard->name, guard->bytes);
            return;
        }
    const bool memory = number == SIGSEGV || number == SIGBUS;
    check_fail(check, function, "crash", "crashes (%s)%s%s",
               number == SIGFPE                         ? "arithmetic exception"
               : number == SIGILL                       ? "illegal instruction"
               : memory && (uintptr_t)address < NEAR_NULL ? "it follows a NULL pointer"
                                                        : "memory that is not its own",
               check->circumstance ? " " : "", check->circumstance ? check->circumstance : "");
}

void check_pulse(const struct check *check)
{
    if (check->watch)
        check->watch->calls++;
}

/* For somebody who watches. */
static void watch_call(const struct check *check, const char *function)
{
    if (!check->watch)
        return;
    snprintf(check->watch->function, sizeof check->watch->function, "%s", function);
    check_pulse(check);
}

bool check_call_free(struct check *check, const char *function, void (*run)(void *), void *context)
{
    const unsigned mode = plugin_float_mode();
    const size_t failures = check->report->failures;
    if (check->broken)
        return false;
    check->report->checks++;
    struct sigaction before[SIGNALS];
    watch_call(check, function);
    catch_signals(before);
    const int number = run_caught(run, context);
    release_signals(before);
    watch_call(check, "");
    if (number) {
        tell_crash(check, function, number);
        check->broken = true;
    }
    if (plugin_float_mode() != mode) {
        plugin_set_float_mode(mode);
        check_fail(check, function, "mode", "changes the floating-point mode (rounding or flush-to-zero)");
    }
    const struct guard *guard = spoilt(check);
    if (guard) {
        check_fail(check, function, "bounds", "writes outside of %s, an array of %zu bytes", guard->name,
                   guard->bytes);
        check->broken = true;
    }
    return check->report->failures == failures;
}

bool check_call(struct check *check, const char *function, void (*run)(void *), void *context)
{
    const bool good = check_call_free(check, function, run, context);
    const size_t bytes = check->plugin->descriptor.state_size;
    if (good && bytes && memcmp(check->instance->state, check->state, bytes)) {
        memcpy(check->instance->state, check->state, bytes);
        check_fail(check, function, "state", "changes the state, which only setup may fill");
        return false;
    }
    return good && !check->broken;
}

/* ---- Threads ---- */

struct worker {
    void (*run)(void *);
    bool (*same)(void *);
    void *context;
    atomic_int *waiting; /* threads that have not started yet: all begin at once */
    bool different;
    int number; /* of the signal that ended a call */
};

static void *work(void *argument)
{
    struct worker *worker = argument;
    atomic_fetch_sub(worker->waiting, 1);
    while (atomic_load(worker->waiting) > 0)
        sched_yield();
    for (int i = 0; i < CHECK_REPEATS && !worker->number && !worker->different; i++) {
        worker->number = run_caught(worker->run, worker->context);
        worker->different = !worker->number && !worker->same(worker->context);
    }
    return NULL;
}

bool check_at_once(struct check *check, const char *function, void (*run)(void *), bool (*same)(void *),
                   void *const contexts[CHECK_THREADS])
{
    struct worker workers[CHECK_THREADS];
    pthread_t threads[CHECK_THREADS];
    struct sigaction before[SIGNALS];
    atomic_int waiting = CHECK_THREADS;
    size_t started = 0;
    int number = 0;
    bool different = false;
    if (check->broken)
        return false;
    check->report->checks++;
    watch_call(check, function);
    catch_signals(before);
    for (; started < CHECK_THREADS; started++) {
        workers[started] = (struct worker){ run, same, contexts[started], &waiting, false, 0 };
        if (pthread_create(&threads[started], NULL, work, &workers[started]))
            break;
    }
    atomic_fetch_sub(&waiting, (int)(CHECK_THREADS - started));
    for (size_t i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
        number = number ? number : workers[i].number;
        different = different || workers[i].different;
    }
    release_signals(before);
    watch_call(check, "");
    if (number || different)
        check_fail(check, function, "threads",
                   "%s when several threads call it at once with the same state: it must keep nothing outside of its "
                   "arguments (no static variables)", number ? "crashes" : "gives other results");
    check->broken = check->broken || number;
    return !number && !different;
}

/* ---- Reports ---- */

static bool told_before(struct check *check, const char *function, const char *property)
{
    char *key = arena_format(check->told, "%s: %s", function, property);
    if (!key || memory_grow(&check->told_keys, &check->told_capacity, check->told_count + 1,
                            sizeof *check->told_keys))
        return false;
    for (size_t i = 0; i < check->told_count; i++)
        if (!strcmp(check->told_keys[i], key))
            return true;
    check->told_keys[check->told_count++] = key;
    return false;
}

static void watch_lines(const struct check *check)
{
    const struct conformance *report = check->report;
    if (!check->watch)
        return;
    check->watch->failures = report->failures;
    snprintf(check->watch->lines, sizeof check->watch->lines, "%s", report->lines.data ? report->lines.data : "");
}

void check_fail(struct check *check, const char *function, const char *property, const char *format, ...)
{
    struct text *lines = &check->report->lines;
    va_list arguments;
    if (told_before(check, function, property))
        return;
    check->report->failures++;
    text_format(lines, "%s: ", function);
    va_start(arguments, format);
    text_vformat(lines, format, arguments);
    va_end(arguments);
    if (check->hint)
        text_format(lines, "; %s", check->hint);
    text_format(lines, *check->setting ? " (with %s)\n" : "\n", check->setting);
    watch_lines(check);
}

void check_skip(struct check *check, const char *property, const char *format, ...)
{
    struct text *lines = &check->report->lines;
    va_list arguments;
    if (told_before(check, "skipped", property))
        return;
    check->report->skips++;
    text_add_string(lines, "skipped: ");
    va_start(arguments, format);
    text_vformat(lines, format, arguments);
    va_end(arguments);
    text_format(lines, *check->setting ? " (with %s)\n" : "\n", check->setting);
    watch_lines(check);
}

/* ---- Properties that several kinds share ---- */

void check_fill(float *array, size_t n, float value)
{
    for (size_t i = 0; i < n; i++)
        array[i] = value;
}

bool check_overwrites(struct check *check, const char *function, const char *name, void (*run)(void *), void *context,
                      float *out, const float *expected, size_t n)
{
    check_fill(out, n, CHECK_OTHER_JUNK);
    if (!check_call(check, function, run, context))
        return false;
    const size_t i = check_differ(out, expected, n);
    if (i == n)
        return true;
    const float got = out[i];
    for (int k = 0; k < 2; k++) {
        check_fill(out, n, CHECK_JUNK);
        if (!check_call(check, function, run, context))
            return false;
        const size_t other = check_differ(out, expected, n);
        if (other < n) {
            check_fail(check, function, "hidden", "keeps something between calls: the same call gives other bits: "
                                                  "element %zu of %s, expected %.9g, got %.9g", other, name,
                       (double)expected[other], (double)out[other]);
            return false;
        }
    }
    check_fail(check, function, "output", "does not set every element of %s, or adds to what is there: element %zu of "
                                          "%zu is %.9g where it was %g before the call, %.9g where it was %g", name, i,
               n, (double)expected[i], (double)CHECK_JUNK, (double)got, (double)CHECK_OTHER_JUNK);
    return false;
}

void check_flops(struct check *check, const char *field, double flops, bool works, const char *of)
{
    enum { MOST = 100000 };
    if (works && flops == 0)
        check_fail(check, field, "flops", "is 0: expected the floating-point operations of one %s (exp and the like "
                                          "count one each)", of);
    else if (flops > MOST)
        check_fail(check, field, "flops", "is %g: expected the floating-point operations of one %s, at most %d", flops,
                   of, MOST);
}

/* ---- Numbers ---- */

size_t check_differ(const float *a, const float *b, size_t n)
{
    size_t i = 0;
    while (i < n && !memcmp(&a[i], &b[i], sizeof a[i]))
        i++;
    return i;
}

double check_uniform(unsigned purpose, uint64_t i, uint32_t j, double low, double high)
{
    static struct iso_rng rng;
    if (!rng.block)
        rng = generator_of("conformance", 1, 0);
    struct iso_rng own = rng;
    own.stream[0] = purpose;
    return low + (high - low) * iso_rng_uniform_at(&own, i, j);
}

double check_normal(unsigned purpose, uint64_t i, uint32_t j)
{
    const double pi = 3.14159265358979323846;
    const double u = check_uniform(purpose, i, 2 * j, 0, 1), v = check_uniform(purpose, i, 2 * j + 1, 0, 1);
    return sqrt(-2 * log(u)) * cos(2 * pi * v);
}

/* L = 2 L(h/2) - L(h), the slope to the left to second order, and R likewise; a kink between makes them differ, and
 * what lies between them is accepted. The tolerance: rounding of the values (half an ulp each, some ulp of error) over
 * h/2, the third-order rest as far as the two first-order slopes show it, and 2e-5 of the gradient, or of 1. */
/* One-sided slopes of second order, and how far off they may be: rounding, bending, and the gradient's own. */
struct slopes {
    double left, right, tolerance;
};

static struct slopes slopes_of(const float f[5], double h, double scale, double gradient)
{
    const double left_h = ((double)f[2] - (double)f[0]) / h, left_half = ((double)f[2] - (double)f[1]) / (h / 2);
    const double right_h = ((double)f[4] - (double)f[2]) / h, right_half = ((double)f[3] - (double)f[2]) / (h / 2);
    const double magnitude = fmax(fmax(fabs((double)f[2]), scale / 2), 1e-3);
    return (struct slopes){ 2 * left_half - left_h, 2 * right_half - right_h,
                            12 * 0x1p-24 * magnitude / (h / 2) +
                                2 * h * (fabs(left_half - left_h) + fabs(right_half - right_h)) +
                                2e-5 * fmax(1, fabs(gradient)) };
}

static bool within(struct slopes slopes, double more, double gradient)
{
    return fmin(slopes.left, slopes.right) - slopes.tolerance - more <= gradient &&
           gradient <= fmax(slopes.left, slopes.right) + slopes.tolerance + more;
}

bool check_derivative(const float (*f)[5], const double *steps, size_t count, double x, double scale, double gradient,
                      double *low, double *high)
{
    const double little = 0.005 * fabs(gradient);
    struct slopes before = { 0 };
    for (size_t s = 0; s < count; s++) {
        const float *at = f[s];
        const double h = steps[s], middle = (double)at[2];
        /* A step that x + h/2 would round is no step of h/2. */
        if (s && (double)(float)(x + h / 2) - x != h / 2)
            break;
        /* How much the slope changes in a step; at half steps too, for a curve that is odd around x. */
        const double left = fabs(middle - 2 * (double)at[1] + (double)at[0]),
                     right = fabs((double)at[4] - 2 * (double)at[3] + middle),
                     bend = fmax(fabs((double)at[4] - 2 * middle + (double)at[0]), fmax(left, right)) / h;
        /* Rounding of a product such as frequency * x moves f by up to the slope times an ulp of x. */
        const double steep = fmax(fabs((double)at[4] - middle), fabs((double)at[0] - middle)) / h;
        const struct slopes here = slopes_of(at, h, scale * fmax(1, steep), gradient);
        if (!s) {
            *low = fmin(here.left, here.right) - here.tolerance;
            *high = fmax(here.left, here.right) + here.tolerance;
        } else {
            /* Where a smaller step tells the same slopes, the larger, whose rounding is less, was small enough (16/15
             * of the difference is what it was off): so it is at a kink, which bends at any step. */
            const double moved = fmax(fabs(here.left - before.left), fabs(here.right - before.right));
            if (moved <= little && !within(before, 2 * moved, gradient))
                return false;
        }
        if (within(here, 0, gradient))
            return true;
        if (bend <= fmin(little, 0.005))
            break;
        before = here;
    }
    return false;
}
