/* polynomial: final + (rate - final) (1 - u)^power, u the part of the training done. */
#include <isoflop/parts.h>

struct polynomial {
    double rate, final, power;
    int per;
};

static double rate(const void *state, uint64_t step, uint64_t steps, uint64_t steps_per_epoch)
{
    const struct polynomial *s = state;
    const double rest = 1 - iso_progress(s->per, step, steps, steps_per_epoch);
    return s->final + (s->rate - s->final) * pow(rest, s->power);
}

static const struct iso_param params[] = {
    ISO_LEARNING_RATE(struct polynomial, "learning rate at first"),
    ISO_REAL(struct polynomial, final, "0", 0, 1e6, "learning rate at the end", .try_max = "10"),
    ISO_REAL(struct polynomial, power, "2", 0, 100, "1: linear; above: the rate falls most at first"),
    ISO_CHOICE(struct polynomial, per, "step", ISO_PER, "whether the rate changes at every step or once an epoch"),
    { 0 }
};
static const struct iso_schedule ops = { .rate = rate };
ISO_PLUGIN(ops, .name = "polynomial", .revision = 1, .summary = "final + (rate - final) (1 - part done)^power",
           .state_size = sizeof(struct polynomial), .params = params);
