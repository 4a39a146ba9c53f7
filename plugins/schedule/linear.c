/* linear: from rate to final in a straight line over the training. */
#include <isoflop/parts.h>

struct linear {
    double rate, final;
    int per;
};

static double rate(const void *state, uint64_t step, uint64_t steps, uint64_t steps_per_epoch)
{
    const struct linear *s = state;
    return iso_ramp(s->rate, s->final, iso_progress(s->per, step, steps, steps_per_epoch));
}

static const struct iso_param params[] = {
    ISO_LEARNING_RATE(struct linear, "learning rate at first"),
    ISO_REAL(struct linear, final, "0", 0, 1e6, "learning rate at the end", .try_max = "10"),
    ISO_CHOICE(struct linear, per, "step", ISO_PER, "whether the rate changes at every step or once an epoch"),
    { 0 }
};
static const struct iso_schedule ops = { .rate = rate };
ISO_PLUGIN(ops, .name = "linear", .revision = 1, .summary = "from rate to final in a straight line",
           .state_size = sizeof(struct linear), .params = params);
