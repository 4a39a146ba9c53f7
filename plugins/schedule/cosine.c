/* cosine: final + (rate - final) (1 + cos(pi u)) / 2, u the part of a cycle done; with restarts the training is
 * several cycles, each `growth` times as long as the one before (Loshchilov and Hutter, "SGDR: stochastic gradient
 * descent with warm restarts", ICLR 2017). After the last cycle the rate stays at final. */
#include <isoflop/parts.h>

struct cosine {
    double rate, final, growth;
    int64_t cycles;
    int per;
};

static double rate(const void *state, uint64_t step, uint64_t steps, uint64_t steps_per_epoch)
{
    const struct cosine *s = state;
    const double done = iso_progress(s->per, step, steps, steps_per_epoch), cycles = (double)s->cycles;
    if (done >= 1)
        return s->final;
    /* Lengths growth^c (growth - 1) / (growth^cycles - 1): with x = done / first length, floor(c) cycles are over where
     * growth^c = 1 + x (growth - 1). */
    double u = done * cycles;
    if (s->growth > 1) {
        const double total = pow(s->growth, cycles) - 1, position = 1 + done * total;
        double over = floor(log(position) / log(s->growth));
        /* log may round to either side of a whole number */
        over += pow(s->growth, over + 1) <= position;
        over -= pow(s->growth, over) > position;
        const double begin = pow(s->growth, over);
        u = (position - begin) / (begin * (s->growth - 1));
    }
    return iso_cosine_ramp(s->rate, s->final, u - floor(u));
}

static const struct iso_param params[] = {
    ISO_LEARNING_RATE(struct cosine, "learning rate at the start of each cycle"),
    ISO_REAL(struct cosine, final, "0", 0, 1e6, "learning rate at the end", .try_max = "10"),
    ISO_INT(struct cosine, cycles, "1", 1, 1000, "number of cycles; more than 1: restarts", .try_max = "8"),
    ISO_REAL(struct cosine, growth, "1", 1, 10, "length of a cycle over that of the one before", .try_max = "2"),
    ISO_CHOICE(struct cosine, per, "step", ISO_PER, "whether the rate changes at every step or once an epoch"),
    { 0 }
};
static const struct iso_schedule ops = { .rate = rate };
ISO_PLUGIN(ops, .name = "cosine", .revision = 1, .summary = "final + (rate - final) (1 + cos(pi * part done)) / 2",
           .state_size = sizeof(struct cosine), .params = params);
