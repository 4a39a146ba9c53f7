/* exponential: rate * decay^t, t the whole epochs (or steps) done. */
#include <isoflop/parts.h>

struct exponential {
    double rate, decay;
    int per;
};

static double rate(const void *state, uint64_t step, uint64_t steps, uint64_t steps_per_epoch)
{
    const struct exponential *e = state;
    (void)steps;
    return e->rate * pow(e->decay, (double)iso_time(e->per, step, steps_per_epoch));
}

static const struct iso_param params[] = {
    ISO_LEARNING_RATE(struct exponential, "learning rate at first"),
    ISO_REAL(struct exponential, decay, NULL, 0, 1, "factor from one epoch (or step) to the next", .try_min = "0.9"),
    ISO_CHOICE(struct exponential, per, "epoch", ISO_PER, "what decay is applied once for each of"),
    { 0 }
};
static const struct iso_schedule ops = { .rate = rate };
ISO_PLUGIN(ops, .name = "exponential", .revision = 1, .summary = "rate * decay^epoch",
           .state_size = sizeof(struct exponential), .params = params);
