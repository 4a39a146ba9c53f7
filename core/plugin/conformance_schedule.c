/* Conformance of schedules: a pure function of the step, finite and not negative everywhere. */
#include <math.h>
#include <string.h>

#include "plugin/checking.h"

enum { PROBES = 400 };

struct call {
    const struct iso_schedule *ops;
    const void *state;
    uint64_t step, steps, steps_per_epoch;
    double rate;
};

static void run_rate(void *context)
{
    struct call *call = context;
    call->rate = call->ops->rate(call->state, call->step, call->steps, call->steps_per_epoch);
}

/* Every step of short runs, evenly spaced ones of long runs, and some from the end on. */
static size_t probes(uint64_t steps, uint64_t *out)
{
    const uint64_t inner = steps < PROBES - 8 ? steps : PROBES - 8;
    size_t count = 0;
    for (uint64_t i = 0; i < inner; i++)
        out[count++] = inner == steps ? i : i * (steps / inner);
    out[count++] = steps - 1;
    out[count++] = steps;
    out[count++] = steps + 1;
    out[count++] = 2 * steps;
    out[count++] = 1000000007;
    out[count++] = (uint64_t)1 << 40;
    return count;
}

void check_schedule(struct check *check)
{
    static const uint64_t runs[][2] = { { 1, 1 },        { 2, 1 },          { 2, 5 },   { 7, 3 }, { 100, 10 },
                                        { 1000, 1000 },  { 1000000, 2345 }, { 12, 12 }, { 5, 1 }, { 1000, 7 },
                                        { 24000, 1200 } };
    uint64_t steps[PROBES];
    double rates[PROBES];
    for (size_t r = 0; r < sizeof runs / sizeof *runs; r++) {
        const size_t count = probes(runs[r][0], steps);
        struct call call = { .ops = &check->plugin->ops.schedule,
                             .state = check->instance->state,
                             .steps = runs[r][0],
                             .steps_per_epoch = runs[r][1] };
        for (size_t i = 0; i < count; i++) {
            call.step = steps[i];
            if (!check_call(check, "rate", run_rate, &call))
                return;
            rates[i] = call.rate;
            if (!isfinite(rates[i]) || rates[i] < 0) {
                check_fail(check, "rate", "range", "at step %llu of %llu (%llu an epoch), expected a finite number, "
                                                   "not negative, got %g", (unsigned long long)steps[i],
                           (unsigned long long)call.steps, (unsigned long long)call.steps_per_epoch, rates[i]);
                return;
            }
        }
        for (size_t i = count; i-- > 0;) {
            call.step = steps[i];
            if (!check_call(check, "rate", run_rate, &call))
                return;
            if (memcmp(&call.rate, &rates[i], sizeof call.rate)) {
                check_fail(check, "rate", "pure", "is not a pure function: at step %llu of %llu (%llu an epoch), "
                                                  "expected %.17g as in the call before, got %.17g",
                           (unsigned long long)steps[i], (unsigned long long)call.steps,
                           (unsigned long long)call.steps_per_epoch, rates[i], call.rate);
                return;
            }
        }
    }
}

size_t sample_schedule(struct check *check, float out[CHECK_SAMPLE])
{
    struct call call = { .ops = &check->plugin->ops.schedule,
                         .state = check->instance->state,
                         .steps = 10 * CHECK_SAMPLE,
                         .steps_per_epoch = 20 };
    for (size_t i = 0; i < CHECK_SAMPLE; i++) {
        call.step = 10 * i;
        if (!check_call(check, "rate", run_rate, &call))
            return 0;
        out[i] = (float)call.rate;
    }
    return CHECK_SAMPLE;
}
