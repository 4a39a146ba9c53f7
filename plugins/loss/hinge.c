/* hinge, for several classes: with violations v_j = max(0, margin + z_j - z_label) of the other classes, their sum
 * (Weston and Watkins, ESANN 1999) or, with over: worst, the largest (Crammer and Singer, JMLR 2001); squared:
 * v_j^2 in place of v_j. FLOP an output: difference, sum, maximum, sum; two sums. */
#include <isoflop/parts.h>

struct hinge {
    double margin;
    int over;
    bool squared;
};
enum { ALL, WORST };

static void value(const void *state, size_t rows, size_t outputs, const float *raw, const struct iso_targets *targets,
                  bool training, float *values, float *gradient)
{
    const struct hinge *hinge = state;
    (void)training;
    for (size_t i = 0; i < rows; i++, raw += outputs) {
        const size_t label = (size_t)targets->labels[i];
        float *g = gradient ? gradient + i * outputs : NULL;
        double sum = 0, pull = 0;
        size_t worst = label; /* none */
        for (size_t j = 0; j < outputs && hinge->over == WORST; j++)
            if (j != label && (worst == label || raw[j] > raw[worst]))
                worst = j;
        for (size_t j = 0; j < outputs; j++) {
            double violation = hinge->margin + ((double)raw[j] - (double)raw[label]);
            if (violation <= 0 || j == label || (hinge->over == WORST && j != worst))
                violation = 0;
            const double slope = violation == 0 ? 0 : hinge->squared ? 2 * violation : 1;
            sum += hinge->squared ? violation * violation : violation;
            pull += slope;
            if (g)
                g[j] = (float)slope;
        }
        if (g)
            g[label] = (float)-pull;
        values[i] = (float)sum;
    }
}

static const struct iso_param params[] = {
    ISO_REAL(struct hinge, margin, "1", 0, 1e6, "by how much the label's output must exceed the others",
             .try_max = "10"),
    ISO_CHOICE(struct hinge, over, "all", "all|worst", "sum over all other classes, or only the worst"),
    ISO_FLAG(struct hinge, squared, "false", "square the violations"),
    { 0 }
};
static const struct iso_loss ops = {
    .targets = ISO_TARGET_LABELS, .flops_value = 4, .flops_gradient = 2, .value = value
};
ISO_PLUGIN(ops, .name = "hinge", .revision = 1, .summary = "sum over other classes of max(0, margin + z_j - z_label)",
           .state_size = sizeof(struct hinge), .params = params);
