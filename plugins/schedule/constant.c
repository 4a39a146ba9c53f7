/* constant: the same rate at every step. */
#include <isoflop/parts.h>

struct constant { double rate; };

static double rate(const void *state, uint64_t step, uint64_t steps, uint64_t steps_per_epoch)
{
    (void)step, (void)steps, (void)steps_per_epoch;
    return ((const struct constant *)state)->rate;
}

static const struct iso_param params[] = { ISO_LEARNING_RATE(struct constant, "learning rate"), { 0 } };
static const struct iso_schedule ops = { .rate = rate };
ISO_PLUGIN(ops, .name = "constant", .revision = 1, .summary = "rate", .state_size = sizeof(struct constant),
           .params = params);
