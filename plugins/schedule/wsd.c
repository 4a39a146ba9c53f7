/* wsd: warm-up, stable, decay (Hu et al., "MiniCPM", 2024). Up from 0 in a straight line during the first part
 * `warmup` (or by train.warmup, which works with every schedule), constant, and during the last part `decay` down
 * to final: straight, along half a cosine wave, or as 1 - sqrt(part of the decay done). */
#include <isoflop/parts.h>

struct wsd {
    double rate, warmup, decay, final;
    int shape, per;
};
enum { LINEAR, COSINE, SQRT };

static double rate(const void *state, uint64_t step, uint64_t steps, uint64_t steps_per_epoch)
{
    const struct wsd *s = state;
    const double done = iso_progress(s->per, step, steps, steps_per_epoch), begin = 1 - s->decay;
    if (done < s->warmup)
        return s->rate * (done / s->warmup);
    if (done >= 1)
        return s->decay > 0 ? s->final : s->rate;
    if (done <= begin)
        return s->rate;
    const double part = (done - begin) / s->decay;
    return s->shape == COSINE ? iso_cosine_ramp(s->rate, s->final, part)
                              : iso_ramp(s->rate, s->final, s->shape == SQRT ? sqrt(part) : part);
}

static int setup(void *state, const struct iso_host *host, struct iso_error *err)
{
    const struct wsd *s = state;
    (void)host;
    return s->warmup + s->decay <= 1 ? 0 : iso_fail(err, "warmup (%g) and decay (%g) are more than the whole training",
                                                    s->warmup, s->decay);
}

static const struct iso_param params[] = {
    ISO_LEARNING_RATE(struct wsd, "learning rate of the stable phase"),
    ISO_REAL(struct wsd, warmup, "0", 0, 1, "part of the training in which the rate rises from 0", .try_max = "0.5"),
    ISO_REAL(struct wsd, decay, "0.2", 0, 1, "last part of the training, in which the rate falls"),
    ISO_REAL(struct wsd, final, "0", 0, 1e6, "learning rate at the end", .try_max = "10"),
    ISO_CHOICE(struct wsd, shape, "linear", "linear|cosine|sqrt", "of the fall"),
    ISO_CHOICE(struct wsd, per, "step", ISO_PER, "whether the rate changes at every step or once an epoch"),
    { 0 }
};
static const struct iso_schedule ops = { .rate = rate };
ISO_PLUGIN(ops, .name = "wsd", .revision = 1, .summary = "warm-up, constant rate, decay to final in the last part",
           .state_size = sizeof(struct wsd), .params = params, .setup = setup);
