/* multi_step: rate * decay^k, k of the values of at reached after t whole epochs (or steps). */
#include <isoflop/parts.h>

struct multi_step {
    double rate, decay;
    struct iso_ints at;
    int per;
};

static double rate(const void *state, uint64_t step, uint64_t steps, uint64_t steps_per_epoch)
{
    const struct multi_step *s = state;
    const uint64_t t = iso_time(s->per, step, steps_per_epoch);
    double reached = 0;
    (void)steps;
    for (size_t k = 0; k < s->at.count; k++)
        reached += (uint64_t)s->at.values[k] <= t;
    return s->rate * pow(s->decay, reached);
}

static const struct iso_param params[] = {
    ISO_LEARNING_RATE(struct multi_step, "learning rate at first"),
    ISO_INTS(struct multi_step, at, NULL, 0, 1e15, "epochs (or steps) after which the rate falls", .try_min = "[1]",
             .try_max = "[1, 2, 5]"),
    ISO_REAL(struct multi_step, decay, "0.1", 0, 1, "factor at each fall"),
    ISO_CHOICE(struct multi_step, per, "epoch", ISO_PER, "unit of at"),
    { 0 }
};
static const struct iso_schedule ops = { .rate = rate };
ISO_PLUGIN(ops, .name = "multi_step", .revision = 1, .summary = "rate * decay^(values of at reached)",
           .state_size = sizeof(struct multi_step), .params = params);
