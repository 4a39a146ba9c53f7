/* Building a network, and passing forward and backward through it. */
#include "network/layer.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <isoflop/parts.h>

#include "base/generator.h"
#include "base/memory.h"

/* ---- Building ---- */

static float *floats(size_t rows, size_t columns)
{
    if (columns && rows > SIZE_MAX / sizeof(float) / columns)
        return NULL;
    return memory_aligned(rows * columns * sizeof(float));
}

static int build_activation(struct layer *layer, const struct instance *activation, double dropout, size_t index,
                            const struct network_spec *spec, size_t rows)
{
    layer->activation = &activation->plugin->ops.activation;
    layer->activation_state = activation->state;
    const bool by_sums = spec->clip > 0 && spec->clip_gradient_zero;
    layer->values = layer->sums;
    if ((!layer->activation->from_output || by_sums) && !(layer->values = floats(rows, layer->outputs)))
        return -1;
    if (dropout > 0) {
        layer->mask = floats(spec->batch, layer->outputs);
        layer->dropped = floats(spec->batch, layer->outputs);
        if (!layer->mask || !layer->dropped)
            return -1;
        layer->dropout = generator_of("dropout", spec->seed_dropout, (uint32_t)index);
        layer->drop_below = (uint32_t)(dropout * 0x1p32);
        layer->kept_scale = (float)(1 / (1 - dropout));
    }
    if (spec->watch_units && !(layer->alive = memory_array(layer->outputs + 1, 1)))
        return -1;
    return 0;
}

static int build_training(struct network *network, struct layer *layer, const struct network_spec *spec)
{
    const struct iso_optimizer *optimizer = network->optimizer;
    if (!(layer->delta = floats(spec->batch, layer->outputs)) || !(layer->bias_gradient = floats(1, layer->outputs)))
        return -1;
    const size_t slot_length = optimizer->whole ? layer->inputs * layer->outputs : layer->length;
    for (unsigned k = 0; k < optimizer->slots; k++)
        if (!(layer->slots[k] = floats(1, slot_length)) ||
            (layer->bias && !(layer->bias_slots[k] = floats(1, layer->outputs))))
            return -1;
    if ((spec->watch || spec->clip_norm > 0 || optimizer->whole) && !(layer->gradient = floats(1, layer->length)))
        return -1;
    if (spec->watch && !(layer->before = floats(1, layer->length)))
        return -1;
    return 0;
}

static int build_layer(struct network *network, const struct network_spec *spec, size_t l, size_t rows,
                       struct iso_error *err)
{
    struct layer *layer = &network->layers[l];
    layer->inputs = l ? spec->outputs[l - 1] : spec->inputs;
    layer->outputs = spec->outputs[l];
    const bool hidden = l + 1 < spec->layers;
    layer->clipped = spec->clip > 0 && (hidden || spec->clip_output);

    const struct iso_dense dense = { .size = sizeof dense, .inputs = layer->inputs, .outputs = layer->outputs,
                                     .batch = rows, .threads = spec->threads ? spec->threads : 1,
                                     .sparse_inputs = l == 0 && spec->sparse_inputs };
    layer->dense = network->backend->prepare(spec->backend->state, &spec->backend->host, &dense, err);
    if (!layer->dense)
        return error_context(err, "backend %s, layer %zu", spec->backend->plugin->descriptor.name, l);
    layer->length = network->backend->weights_length(layer->dense);
    layer->weights = floats(1, layer->length);
    layer->sums = floats(rows, layer->outputs);
    if (!layer->weights || !layer->sums || (spec->has_bias && !(layer->bias = floats(1, layer->outputs))))
        return error_memory(err);
    for (size_t o = 0; layer->bias && o < layer->outputs; o++)
        layer->bias[o] = (float)spec->bias;
    if (hidden && build_activation(layer, spec->activation[l], spec->dropout ? spec->dropout[l] : 0, l, spec, rows))
        return error_memory(err);
    if (network->optimizer && build_training(network, layer, spec))
        return error_memory(err);

    const struct iso_layer shape = { .size = sizeof shape, .fan_in = layer->inputs, .fan_out = layer->outputs,
                                     .index = l, .depth = spec->layers };
    const struct iso_rng rng = generator_of("init", spec->seed_init, (uint32_t)l);
    const struct instance *initializer = spec->initializer;
    if (!initializer)
        return 0;
    if (initializer->plugin->ops.initializer.fill(initializer->state, &initializer->host, &shape, &rng,
                                                  network->canonical, err))
        return error_context(err, "initializer %s, layer %zu", initializer->plugin->descriptor.name, l);
    network_import(network, l, network->canonical);
    return 0;
}

struct network *network_new(const struct network_spec *spec, struct iso_error *err)
{
    const size_t rows = spec->batch > NETWORK_EVALUATION_ROWS ? spec->batch : NETWORK_EVALUATION_ROWS;
    struct network *network = calloc(1, sizeof *network + spec->layers * sizeof network->layers[0]);
    if (!network) {
        error_memory(err);
        return NULL;
    }
    network->count = spec->layers;
    network->backend = &spec->backend->plugin->ops.backend;
    network->backend_state = spec->backend->state;
    network->clip = (float)spec->clip;
    network->clip_gradient_zero = spec->clip_gradient_zero;
    network->clip_norm = spec->clip_norm;
    if (spec->optimizer) {
        const struct iso_optimizer *optimizer = &spec->optimizer->plugin->ops.optimizer;
        if (optimizer->slots > NETWORK_SLOTS_MAX) {
            iso_fail(err, "optimizer %s keeps %u numbers a weight; at most %d are possible",
                     spec->optimizer->plugin->descriptor.name, optimizer->slots, NETWORK_SLOTS_MAX);
            goto failed;
        }
        network->optimizer = optimizer;
        network->optimizer_state = spec->optimizer->state;
        network->fused = optimizer->plain_descent && optimizer->plain_descent(spec->optimizer->state) &&
                         network->backend->descend && !(spec->clip_norm > 0);
    }

    size_t widest = 0;
    for (size_t l = 0; l < spec->layers; l++) {
        const size_t inputs = l ? spec->outputs[l - 1] : spec->inputs, outputs = spec->outputs[l];
        assert(inputs && outputs);
        if (inputs > SIZE_MAX / sizeof(float) / 2 / outputs) {
            iso_fail(err, "a layer of %zu x %zu weights does not fit in memory", outputs, inputs);
            goto failed;
        }
        if (inputs * outputs > network->canonical_length)
            network->canonical_length = inputs * outputs;
        if (outputs > widest)
            widest = outputs;
    }
    const bool whole = network->optimizer && network->optimizer->whole;
    network->canonical = floats(whole ? 2 : 1, network->canonical_length);
    if (!network->canonical || (spec->watch_units && !(network->slopes = floats(2 * spec->batch, widest)))) {
        error_memory(err);
        goto failed;
    }
    for (size_t l = 0; l < spec->layers; l++)
        if (build_layer(network, spec, l, rows, err))
            goto failed;
    if (!whole) { /* only the initializer needed it */
        free(network->canonical);
        network->canonical = NULL;
    }
    return network;
failed:
    network_free(network);
    return NULL;
}

void network_free(struct network *network)
{
    if (!network)
        return;
    for (size_t l = 0; l < network->count; l++) {
        struct layer *layer = &network->layers[l];
        if (layer->dense && network->backend->release)
            network->backend->release(layer->dense);
        for (unsigned k = 0; k < NETWORK_SLOTS_MAX; k++) {
            free(layer->slots[k]);
            free(layer->bias_slots[k]);
        }
        if (layer->values != layer->sums)
            free(layer->values);
        free(layer->weights);
        free(layer->bias);
        free(layer->sums);
        free(layer->mask);
        free(layer->dropped);
        free(layer->delta);
        free(layer->bias_gradient);
        free(layer->gradient);
        free(layer->before);
        free(layer->alive);
    }
    free(network->canonical);
    free(network->slopes);
    free(network);
}

/* ---- Forward ---- */

struct finish {
    const struct layer *layer;
    float clip;
};

ISO_VECTOR void add_bias_loop(float *restrict z, size_t stride, size_t rows, size_t columns,
                              const float *restrict bias)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            z[r * stride + c] += bias[c];
}

ISO_VECTORS(add_bias, add_bias_loop, (float *z, size_t stride, size_t rows, size_t columns, const float *bias),
            (z, stride, rows, columns, bias))

/* z = clip(sum + b), then f(z), over a tile of a product while it is in the cache. */
static void finish_tile(void *context, const struct iso_tile *tile)
{
    enum { AT_ONCE = 4096 }; /* floats: some rows that lie one after another are passed to f in one call */
    const struct finish *finish = context;
    const struct layer *layer = finish->layer;
    const bool contiguous = tile->columns == layer->outputs && tile->stride == layer->outputs;
    size_t group = contiguous ? AT_ONCE / tile->columns : 1;
    if (group == 0)
        group = 1;
    for (size_t row = 0; row < tile->rows; row += group) {
        if (group > tile->rows - row)
            group = tile->rows - row;
        float *z = tile->y + row * tile->stride;
        if (layer->bias)
            add_bias(z, tile->stride, group, tile->columns, layer->bias + tile->column);
        const size_t n = group * tile->columns;
        if (layer->clipped)
            for (size_t i = 0; i < n; i++)
                z[i] = z[i] > finish->clip ? finish->clip : z[i] < -finish->clip ? -finish->clip : z[i];
        if (layer->activation)
            layer->activation->forward(layer->activation_state, n, z,
                                       layer->values + (tile->row + row) * layer->outputs + tile->column);
    }
}

/* Inverted dropout: what is kept grows by 1 / (1 - p), so that evaluation needs no change. */
static void drop(struct layer *layer, size_t rows, uint64_t first_example)
{
    for (size_t r = 0; r < rows; r++) {
        float *mask = layer->mask + r * layer->outputs;
        for (size_t o = 0; o < layer->outputs; o += 4) {
            uint32_t bits[4];
            iso_rng_bits_block(&layer->dropout, first_example + r, (uint32_t)(o / 4), bits);
            for (size_t k = 0; k < 4 && o + k < layer->outputs; k++)
                mask[o + k] = bits[k] < layer->drop_below ? 0 : layer->kept_scale;
        }
    }
    for (size_t i = 0; i < rows * layer->outputs; i++)
        layer->dropped[i] = layer->values[i] * layer->mask[i];
}

static struct iso_inputs inputs_of(const struct network *network, size_t l, const struct network_input *input,
                                   bool training)
{
    struct iso_inputs inputs = { .size = sizeof inputs, .rows = input->rows, .active = network->layers[l].inputs };
    if (l == 0) {
        inputs.x = input->x;
        inputs.stride = input->stride;
        inputs.index = input->index;
        if (input->index)
            inputs.active = input->active;
    } else {
        const struct layer *below = &network->layers[l - 1];
        inputs.x = training && below->mask ? below->dropped : below->values;
        inputs.stride = below->outputs;
    }
    return inputs;
}

struct iso_inputs layer_inputs(const struct network *network, size_t l, const struct network_input *input)
{
    return inputs_of(network, l, input, true);
}

const float *network_forward(struct network *network, const struct network_input *input, bool training,
                             uint64_t first_example)
{
    for (size_t l = 0; l < network->count; l++) {
        struct layer *layer = &network->layers[l];
        const struct iso_inputs inputs = inputs_of(network, l, input, training);
        struct finish finish = { .layer = layer, .clip = network->clip };
        network->backend->forward(layer->dense, &inputs, layer->weights, layer->sums, layer->outputs, finish_tile,
                                  &finish);
        if (training && layer->mask)
            drop(layer, input->rows, first_example);
    }
    return network->layers[network->count - 1].sums;
}

/* ---- Backward ---- */

float *network_output_gradient(struct network *network)
{
    return network->layers[network->count - 1].delta;
}

/* Where the clip acts, the sums do not move: their gradient is 0. */
static void stop_at_clip(const struct network *network, const struct layer *layer, size_t rows)
{
    if (!layer->clipped || !network->clip_gradient_zero)
        return;
    for (size_t i = 0; i < rows * layer->outputs; i++)
        if (fabsf(layer->sums[i]) >= network->clip)
            layer->delta[i] = 0;
}

static void note_alive(struct network *network, struct layer *layer, size_t n)
{
    float *ones = network->slopes, *slopes = network->slopes + n;
    for (size_t i = 0; i < n; i++)
        ones[i] = 1;
    layer->activation->backward(layer->activation_state, n, layer->sums, layer->values, ones, slopes);
    for (size_t i = 0; i < n; i++)
        if (!(slopes[i] == 0))
            layer->alive[i % layer->outputs] = 1;
    layer->alive[layer->outputs] = 1;
}

void network_backward(struct network *network, size_t rows)
{
    stop_at_clip(network, &network->layers[network->count - 1], rows);
    for (size_t l = network->count - 1; l > 0; l--) {
        const struct layer *layer = &network->layers[l];
        struct layer *below = &network->layers[l - 1];
        const size_t n = rows * below->outputs;
        network->backend->input_gradient(layer->dense, rows, layer->delta, layer->outputs, layer->weights,
                                         below->delta, below->outputs);
        if (below->mask)
            for (size_t i = 0; i < n; i++)
                below->delta[i] *= below->mask[i];
        below->activation->backward(below->activation_state, n, below->sums, below->values, below->delta,
                                    below->delta);
        stop_at_clip(network, below, rows);
        if (below->alive)
            note_alive(network, below, n);
    }
}

double network_dead_units(struct network *network, size_t l)
{
    struct layer *layer = &network->layers[l];
    if (!layer->alive || !layer->alive[layer->outputs])
        return NAN;
    size_t dead = 0;
    for (size_t o = 0; o < layer->outputs; o++)
        dead += !layer->alive[o];
    memset(layer->alive, 0, layer->outputs + 1);
    return (double)dead / (double)layer->outputs;
}

/* ---- Weights ---- */

size_t network_layers(const struct network *network)
{
    return network->count;
}

size_t network_inputs(const struct network *network, size_t layer)
{
    return network->layers[layer].inputs;
}

size_t network_outputs(const struct network *network, size_t layer)
{
    return network->layers[layer].outputs;
}

void network_export(const struct network *network, size_t layer, float *weights)
{
    network->backend->export(network->layers[layer].dense, network->layers[layer].weights, weights);
}

void network_export_gradient(const struct network *network, size_t l, float *gradient)
{
    const struct layer *layer = &network->layers[l];
    network->backend->export(layer->dense, layer->gradient, gradient);
}

const float *network_values(const struct network *network, size_t l)
{
    return network->layers[l].values;
}

void network_import(struct network *network, size_t layer, const float *weights)
{
    network->backend->import(network->layers[layer].dense, weights, network->layers[layer].weights);
}

float *network_bias(struct network *network, size_t layer)
{
    return network->layers[layer].bias;
}

size_t network_state_length(const struct network *network)
{
    size_t length = 0;
    for (size_t l = 0; l < network->count; l++)
        length += network->layers[l].length + (network->layers[l].bias ? network->layers[l].outputs : 0);
    return length;
}

void network_state_save(const struct network *network, float *state)
{
    for (size_t l = 0; l < network->count; l++) {
        const struct layer *layer = &network->layers[l];
        memcpy(state, layer->weights, layer->length * sizeof *state);
        state += layer->length;
        if (layer->bias) {
            memcpy(state, layer->bias, layer->outputs * sizeof *state);
            state += layer->outputs;
        }
    }
}

void network_state_restore(struct network *network, const float *state)
{
    for (size_t l = 0; l < network->count; l++) {
        struct layer *layer = &network->layers[l];
        memcpy(layer->weights, state, layer->length * sizeof *state);
        state += layer->length;
        if (layer->bias) {
            memcpy(layer->bias, state, layer->outputs * sizeof *state);
            state += layer->outputs;
        }
    }
}

void network_visit(struct network *network, network_visitor *visitor, void *context)
{
    const struct iso_optimizer *optimizer = network->optimizer;
    char name[64];
    for (size_t l = 0; l < network->count; l++) {
        struct layer *layer = &network->layers[l];
        const size_t slot_length = optimizer->whole ? layer->inputs * layer->outputs : layer->length;
        snprintf(name, sizeof name, "layers.%zu.weight", l);
        visitor(context, name, layer->weights, layer->length, sizeof(float));
        if (layer->bias) {
            snprintf(name, sizeof name, "layers.%zu.bias", l);
            visitor(context, name, layer->bias, layer->outputs, sizeof(float));
        }
        for (unsigned k = 0; k < optimizer->slots; k++) {
            snprintf(name, sizeof name, "layers.%zu.weight.slot.%u", l, k);
            visitor(context, name, layer->slots[k], slot_length, sizeof(float));
            if (layer->bias) {
                snprintf(name, sizeof name, "layers.%zu.bias.slot.%u", l, k);
                visitor(context, name, layer->bias_slots[k], layer->outputs, sizeof(float));
            }
        }
        if (layer->alive) {
            snprintf(name, sizeof name, "layers.%zu.alive", l);
            visitor(context, name, layer->alive, layer->outputs + 1, 1);
        }
    }
}

const char *network_kernel(const struct network *network)
{
    return network->backend->kernel(network->backend_state);
}
