/* @NAME@: descent along a running mean of gradients. Put your formula here, in update and the summary.
 *
 * Outside of isoflop's tree, build and try it with
 *     cc -shared -fPIC -O2 -ffp-contract=off $(pkg-config --cflags isoflop) -o @NAME@.so @NAME@.c -lm
 *     isoflop check ./@NAME@.so
 * and put @NAME@.so into DIR/optimizer/ for `isoflop run RECIPE --plugin-path DIR`. In isoflop's tree, this file is
 * plugins/optimizer/@NAME@.c, and Makefile.am gets one line in optimizer_LTLIBRARIES: plugins/optimizer/@NAME@.la
 * What each function must do is said in <isoflop/plugin.h>. */
#include <isoflop/plugin.h>

struct parameters {
    double momentum;
    double weight_decay;
};

/* Changes n weights by their gradients. slots[k] is float k that is kept for each of them, zero at first. Element by
 * element: a split call must give the same bits (else say .whole = true). Weight decay is for weights, not biases. */
static void update(const void *state, size_t n, uint64_t step, double rate, bool is_bias, float *weights,
                   float *gradients, float *const *slots)
{
    const struct parameters *p = state;
    const float momentum = (float)p->momentum, lr = (float)rate, decay = is_bias ? 0 : (float)p->weight_decay;
    float *mean = slots[0];
    (void)step;
    for (size_t i = 0; i < n; i++) {
        mean[i] = momentum * mean[i] + (1 - momentum) * (gradients[i] + decay * weights[i]);
        weights[i] -= lr * mean[i];
    }
}

static const struct iso_param params[] = {
    ISO_REAL(struct parameters, momentum, "0.9", 0, 1, "part of the mean that is kept each step", .try_max = "0.99"),
    ISO_REAL(struct parameters, weight_decay, "0", 0, 1e3, "each step adds this times the weight to its gradient",
             .try_max = "0.1"),
    { 0 }
};

static const struct iso_optimizer ops = { .slots = 1, .flops_update = 6, .update = update };

ISO_PLUGIN(ops, .name = "@NAME@", .revision = 1, .summary = "w - rate * m, m the running mean of gradients",
           .state_size = sizeof(struct parameters), .params = params);
