/* The bare products of training steps: what an epoch would take if nothing but its matrix products were done.
 *
 *     products BACKEND BATCH STEPS INPUTS SIZE...
 *
 * For a network of these sizes, each step multiplies as training does: forward over each layer, the gradient of each
 * layer's inputs but the first's, and the fused descent (or, with `--gradients` first, the gradients handed over panel
 * by panel to nothing). Operands lie in memory once and for all: nothing is gathered, added, measured or drawn.
 * Prints `backend,kernel,seconds,cpu,flops`: seconds of all steps by the clock, and of the processor.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/generator.h"
#include "base/memory.h"
#include "plugin/plugin.h"
#include "train/arithmetic.h"

enum { LAYERS_MAX = 32 };

struct layer {
    size_t inputs, outputs;
    void *dense;
    float *x, *y, *dy, *weights;
};

static double now(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Small values of both signs. */
static float *fill(size_t n, uint64_t seed)
{
    const struct iso_rng rng = generator_of("products", seed, 0);
    float *values = memory_aligned(n * sizeof *values);
    for (size_t i = 0; values && i < n; i++)
        values[i] = (float)(0.1 * iso_rng_uniform_at(&rng, i, 0) - 0.05);
    return values;
}

static void no_epilogue(void *context, const struct iso_tile *tile)
{
    (void)context;
    (void)tile;
}

static void no_panel(void *context, size_t offset, size_t n, float *weights, float *gradients)
{
    (void)context;
    (void)offset;
    (void)n;
    (void)weights;
    (void)gradients;
}

static int build(struct layer *layers, size_t count, const struct instance *backend, size_t batch,
                 struct iso_error *err)
{
    const struct iso_backend *ops = &backend->plugin->ops.backend;
    for (size_t l = 0; l < count; l++) {
        struct layer *layer = &layers[l];
        const struct iso_dense dense = { .size = sizeof dense, .inputs = layer->inputs, .outputs = layer->outputs,
                                         .batch = batch, .threads = 1 };
        if (!(layer->dense = ops->prepare(backend->state, &backend->host, &dense, err)))
            return -1;
        const size_t length = layer->inputs * layer->outputs;
        float *canonical = fill(length, l);
        layer->weights = memory_aligned(ops->weights_length(layer->dense) * sizeof(float));
        layer->x = l ? layers[l - 1].y : fill(batch * layer->inputs, 100);
        layer->y = memory_aligned(batch * layer->outputs * sizeof(float));
        layer->dy = fill(batch * layer->outputs, 200 + l);
        if (!canonical || !layer->weights || !layer->x || !layer->y || !layer->dy)
            return iso_fail(err, "out of memory");
        ops->import(layer->dense, canonical, layer->weights);
        free(canonical);
    }
    return 0;
}

static void step(const struct iso_backend *ops, struct layer *layers, size_t count, size_t batch, bool gradients)
{
    for (size_t l = 0; l < count; l++) {
        const struct layer *layer = &layers[l];
        const struct iso_inputs in = { .size = sizeof in, .rows = batch, .x = layer->x, .stride = layer->inputs,
                                       .active = layer->inputs };
        ops->forward(layer->dense, &in, layer->weights, layer->y, layer->outputs, no_epilogue, NULL);
    }
    for (size_t l = count; l-- > 1;)
        ops->input_gradient(layers[l].dense, batch, layers[l].dy, layers[l].outputs, layers[l].weights,
                            layers[l - 1].dy, layers[l].inputs);
    for (size_t l = 0; l < count; l++) {
        const struct layer *layer = &layers[l];
        const struct iso_inputs in = { .size = sizeof in, .rows = batch, .x = layer->x, .stride = layer->inputs,
                                       .active = layer->inputs };
        /* A rate that keeps the weights where they are: the products' time does not hang on it. */
        if (gradients || !ops->descend)
            ops->weight_gradient(layer->dense, &in, layer->dy, layer->outputs, layer->weights, no_panel, NULL);
        else
            ops->descend(layer->dense, &in, layer->dy, layer->outputs, layer->weights, 1e-9f);
    }
}

static int measure(const char *name, size_t batch, uint64_t steps, struct layer *layers, size_t count, bool gradients,
                   struct iso_error *err)
{
    int status = -1;
    struct instance *backend = NULL;
    struct plugins *plugins = plugins_new(NULL, err);
    const struct plugin *plugin = plugins ? plugins_find(plugins, ISO_BACKEND, name, err) : NULL;
    if (!plugin || !(backend = instance_new(plugin, NULL, NULL, err)) || build(layers, count, backend, batch, err))
        goto out;
    const struct iso_backend *ops = &plugin->ops.backend;
    uint64_t flops = 0;
    for (size_t l = 0; l < count; l++)
        flops += (l ? 6u : 4u) * layers[l].inputs * layers[l].outputs * batch;
    const struct arithmetic before = arithmetic_set();
    for (uint64_t s = 0; s < steps / 10 + 1; s++) /* warms up */
        step(ops, layers, count, batch, gradients);
    const double start = now(CLOCK_MONOTONIC), start_cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    for (uint64_t s = 0; s < steps; s++)
        step(ops, layers, count, batch, gradients);
    const double seconds = now(CLOCK_MONOTONIC) - start, cpu = now(CLOCK_PROCESS_CPUTIME_ID) - start_cpu;
    arithmetic_restore(before);
    printf("backend,kernel,seconds,cpu,flops\n%s,%s,%.6f,%.6f,%" PRIu64 "\n", name, ops->kernel(backend->state),
           seconds, cpu, flops * steps);
    status = 0;
out:
    for (size_t l = 0; l < count; l++) {
        if (layers[l].dense && plugin->ops.backend.release)
            plugin->ops.backend.release(layers[l].dense);
        free(layers[l].weights);
        free(layers[l].y);
        free(layers[l].dy);
    }
    free(layers[0].x);
    instance_free(backend);
    plugins_free(plugins);
    return status;
}

int main(int count, char **arguments)
{
    struct iso_error err = ERROR_NONE;
    struct layer layers[LAYERS_MAX] = { 0 };
    const bool gradients = count > 1 && !strcmp(arguments[1], "--gradients");
    char **word = arguments + 1 + gradients;
    const size_t words = (size_t)(count - 1 - gradients);
    if (words < 5 || words - 4 > LAYERS_MAX) {
        fprintf(stderr, "usage: products [--gradients] BACKEND BATCH STEPS INPUTS SIZE...\n");
        return 2;
    }
    for (size_t k = 1; k < words; k++)
        if (strtoul(word[k], NULL, 10) == 0) {
            fprintf(stderr, "products: \"%s\" is not a positive number\n", word[k]);
            return 2;
        }
    for (size_t l = 0; l < words - 4; l++)
        layers[l] = (struct layer){ .inputs = strtoul(word[3 + l], NULL, 10),
                                    .outputs = strtoul(word[4 + l], NULL, 10) };
    if (measure(word[0], strtoul(word[1], NULL, 10), strtoul(word[2], NULL, 10), layers, words - 4, gradients, &err)) {
        fprintf(stderr, "products: %s\n", err.text);
        return 1;
    }
    return 0;
}
