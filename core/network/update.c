/* The optimizer's step: gradients of weights and biases, and what is done with them.
 *
 * Plain descent is left to the backend, which fuses it into the product that gives the gradient. Any other optimizer
 * that works element by element is called on each panel of the gradient while it is in the cache. One that needs a
 * layer as a whole, and a bound on the norm over all layers, have the gradients written out first. */
#include "network/layer.h"

#include <math.h>
#include <string.h>

#include <isoflop/parts.h>

struct pass {
    const struct network *network;
    struct layer *layer;
    uint64_t step;
    double rate;
};

static void update(const struct pass *pass, size_t offset, size_t n, bool is_bias, float *weights, float *gradients)
{
    const struct iso_optimizer *optimizer = pass->network->optimizer;
    float *const *from = is_bias ? pass->layer->bias_slots : pass->layer->slots;
    float *slots[NETWORK_SLOTS_MAX];
    for (unsigned k = 0; k < optimizer->slots; k++)
        slots[k] = from[k] + offset;
    optimizer->update(pass->network->optimizer_state, n, pass->step, pass->rate, is_bias, weights, gradients, slots);
}

static void update_panel(void *context, size_t offset, size_t n, float *weights, float *gradients)
{
    update(context, offset, n, false, weights, gradients);
}

static void keep_panel(void *context, size_t offset, size_t n, float *weights, float *gradients)
{
    (void)weights;
    memcpy((float *)context + offset, gradients, n * sizeof *gradients);
}

/* From gradients that were written out. */
static void update_kept(const struct pass *pass)
{
    const struct network *network = pass->network;
    struct layer *layer = pass->layer;
    if (!network->optimizer->whole) {
        update(pass, 0, layer->length, false, layer->weights, layer->gradient);
        return;
    }
    float *weights = network->canonical, *gradients = weights + network->canonical_length;
    network->backend->export(layer->dense, layer->weights, weights);
    network->backend->export(layer->dense, layer->gradient, gradients);
    update(pass, 0, layer->inputs * layer->outputs, false, weights, gradients);
    network->backend->import(layer->dense, weights, layer->weights);
}

/* db = sum of the rows of d, in order. Some columns at a time, whose sums stay in registers. */
ISO_VECTOR void sum_rows_loop(const float *restrict delta, size_t rows, size_t columns, float *restrict sums)
{
    enum { COLUMNS = 64 };
    size_t first = 0;
    for (; first + COLUMNS <= columns; first += COLUMNS) {
        float sum[COLUMNS] = { 0 };
        for (size_t r = 0; r < rows; r++)
            for (size_t k = 0; k < COLUMNS; k++)
                sum[k] += delta[r * columns + first + k];
        memcpy(sums + first, sum, sizeof sum);
    }
    memset(sums + first, 0, (columns - first) * sizeof *sums);
    for (size_t r = 0; r < rows; r++)
        for (size_t o = first; o < columns; o++)
            sums[o] += delta[r * columns + o];
}

ISO_VECTORS(sum_rows, sum_rows_loop, (const float *delta, size_t rows, size_t columns, float *sums),
            (delta, rows, columns, sums))

static double squares(const float *values, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)values[i] * (double)values[i];
    return sum;
}

static double gradient_squares(const struct layer *layer)
{
    return squares(layer->gradient, layer->length) + (layer->bias ? squares(layer->bias_gradient, layer->outputs) : 0);
}

static void scale(float *values, size_t n, float factor)
{
    for (size_t i = 0; i < n; i++)
        values[i] *= factor;
}

/* Scales all gradients so that their common norm is at most clip_norm. */
static void clip_gradients(struct network *network)
{
    double sum = 0;
    for (size_t l = 0; l < network->count; l++)
        sum += gradient_squares(&network->layers[l]);
    const double norm = sqrt(sum);
    if (!(norm > network->clip_norm))
        return;
    const float factor = (float)(network->clip_norm / norm);
    for (size_t l = 0; l < network->count; l++) {
        scale(network->layers[l].gradient, network->layers[l].length, factor);
        if (network->layers[l].bias)
            scale(network->layers[l].bias_gradient, network->layers[l].outputs, factor);
    }
}

/* |W - before| / |before|. */
static double change(const struct layer *layer)
{
    double sum = 0;
    for (size_t i = 0; i < layer->length; i++) {
        const double difference = (double)layer->weights[i] - (double)layer->before[i];
        sum += difference * difference;
    }
    return sqrt(sum / squares(layer->before, layer->length));
}

void network_update(struct network *network, const struct network_input *input, uint64_t step, double rate,
                    struct network_norms *norms)
{
    const struct iso_backend *backend = network->backend;
    const bool kept = network->optimizer->whole || network->clip_norm > 0;
    for (size_t l = 0; l < network->count; l++) {
        struct layer *layer = &network->layers[l];
        const struct iso_inputs inputs = layer_inputs(network, l, input);
        if (kept || norms)
            backend->weight_gradient(layer->dense, &inputs, layer->delta, layer->outputs, layer->weights, keep_panel,
                                     layer->gradient);
        if (layer->bias)
            sum_rows(layer->delta, input->rows, layer->outputs, layer->bias_gradient);
        if (norms) {
            norms[l].gradient = sqrt(gradient_squares(layer));
            memcpy(layer->before, layer->weights, layer->length * sizeof *layer->before);
        }
    }
    if (network->clip_norm > 0)
        clip_gradients(network);
    for (size_t l = 0; l < network->count; l++) {
        struct layer *layer = &network->layers[l];
        const struct iso_inputs inputs = layer_inputs(network, l, input);
        struct pass pass = { .network = network, .layer = layer, .step = step, .rate = rate };
        if (network->fused)
            backend->descend(layer->dense, &inputs, layer->delta, layer->outputs, layer->weights, (float)rate);
        else if (kept)
            update_kept(&pass);
        else
            backend->weight_gradient(layer->dense, &inputs, layer->delta, layer->outputs, layer->weights, update_panel,
                                     &pass);
        if (layer->bias)
            update(&pass, 0, layer->outputs, true, layer->bias, layer->bias_gradient);
        if (norms)
            norms[l].update = change(layer);
    }
}

double network_weight_norm(const struct network *network, size_t l)
{
    return sqrt(squares(network->layers[l].weights, network->layers[l].length));
}
