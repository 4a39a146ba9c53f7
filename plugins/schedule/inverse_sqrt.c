/* inverse_sqrt: rate while t < hold, then rate * sqrt(hold / t), t the whole epochs (or steps) done. */
#include <isoflop/parts.h>

struct inverse_sqrt {
    double rate, hold;
    int per;
};

static double rate(const void *state, uint64_t step, uint64_t steps, uint64_t steps_per_epoch)
{
    const struct inverse_sqrt *s = state;
    const double t = (double)iso_time(s->per, step, steps_per_epoch);
    (void)steps;
    return t > s->hold ? s->rate * sqrt(s->hold / t) : s->rate;
}

static const struct iso_param params[] = {
    ISO_LEARNING_RATE(struct inverse_sqrt, "learning rate at first"),
    ISO_REAL(struct inverse_sqrt, hold, "1", 1e-3, 1e15, "steps (or epochs) before the rate falls", .try_max = "100"),
    ISO_CHOICE(struct inverse_sqrt, per, "step", ISO_PER, "unit of hold"),
    { 0 }
};
static const struct iso_schedule ops = { .rate = rate };
ISO_PLUGIN(ops, .name = "inverse_sqrt", .revision = 1, .summary = "rate * sqrt(hold / steps done) from hold on",
           .state_size = sizeof(struct inverse_sqrt), .params = params);
