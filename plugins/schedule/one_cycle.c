/* one_cycle: up from start * rate to rate during the first part `rise` of the training, then down to final * rate
 * (Smith and Topin, "Super-convergence", 2019), along half cosine waves or straight. */
#include <isoflop/parts.h>

struct one_cycle {
    double rate, rise, start, final;
    int shape, per;
};
enum { COSINE, LINEAR };

static double rate(const void *state, uint64_t step, uint64_t steps, uint64_t steps_per_epoch)
{
    const struct one_cycle *s = state;
    const double done = iso_progress(s->per, step, steps, steps_per_epoch);
    const bool up = done < s->rise;
    const double from = up ? s->start * s->rate : s->rate, to = up ? s->rate : s->final * s->rate;
    const double part = up ? done / s->rise : s->rise < 1 ? (done - s->rise) / (1 - s->rise) : 0;
    return s->shape == COSINE ? iso_cosine_ramp(from, to, part) : iso_ramp(from, to, part);
}

static const struct iso_param params[] = {
    ISO_LEARNING_RATE(struct one_cycle, "highest learning rate"),
    ISO_REAL(struct one_cycle, rise, "0.3", 0, 1, "part of the training in which the rate rises"),
    ISO_REAL(struct one_cycle, start, "0.04", 0, 1, "first learning rate, as a part of the highest"),
    ISO_REAL(struct one_cycle, final, "4e-6", 0, 1, "last learning rate, as a part of the highest"),
    ISO_CHOICE(struct one_cycle, shape, "cosine", "cosine|linear", "of both halves"),
    ISO_CHOICE(struct one_cycle, per, "step", ISO_PER, "whether the rate changes at every step or once an epoch"),
    { 0 }
};
static const struct iso_schedule ops = { .rate = rate };
ISO_PLUGIN(ops, .name = "one_cycle", .revision = 1,
           .summary = "up to rate in the first part of the training, then down",
           .state_size = sizeof(struct one_cycle), .params = params);
