/* step: rate * decay^floor(t / every), t the whole epochs (or steps) done. */
#include <isoflop/parts.h>

struct step {
    double rate, decay;
    int64_t every;
    int per;
};

static double rate(const void *state, uint64_t step, uint64_t steps, uint64_t steps_per_epoch)
{
    const struct step *s = state;
    const uint64_t t = iso_time(s->per, step, steps_per_epoch);
    (void)steps;
    return s->rate * pow(s->decay, (double)(t / (uint64_t)s->every));
}

static const struct iso_param params[] = {
    ISO_LEARNING_RATE(struct step, "learning rate at first"),
    ISO_REAL(struct step, decay, "0.1", 0, 1, "factor at each fall"),
    ISO_INT(struct step, every, NULL, 1, 1e15, "epochs (or steps) from one fall to the next", .try_min = "2",
            .try_max = "7"),
    ISO_CHOICE(struct step, per, "epoch", ISO_PER, "unit of every"),
    { 0 }
};
static const struct iso_schedule ops = { .rate = rate };
ISO_PLUGIN(ops, .name = "step", .revision = 1, .summary = "rate * decay^floor(epoch / every)",
           .state_size = sizeof(struct step), .params = params);
