/* Minibatches. */
#include "train/batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/generator.h"
#include "base/memory.h"

size_t batch_rows(const struct settings *settings, const struct horizon *horizon)
{
    return (size_t)(settings->batch < horizon->examples_per_epoch ? settings->batch : horizon->examples_per_epoch);
}

bool batch_is_sparse(const struct settings *settings)
{
    const struct iso_backend *backend = &settings->backend->plugin->ops.backend;
    return backend->sparse_inputs && backend->skips_zeros && backend->skips_zeros(settings->backend->state);
}

int batch_make(struct batch *batch, const struct data_shape *shape, bool dense, bool sparse, size_t rows,
               struct iso_error *err)
{
    enum { VECTOR = 16 }; /* floats: rows start where vectors do */
    *batch = (struct batch){ .inputs = shape->inputs, .outputs = shape->outputs, .capacity = rows,
                              .one_hot = dense && shape->classification };
    const size_t stride = (shape->inputs + VECTOR - 1) / VECTOR * VECTOR;
    if (rows > SIZE_MAX / sizeof(float) / stride || rows > SIZE_MAX / sizeof(float) / shape->outputs)
        return iso_fail(err, "a minibatch of %zu rows of %zu inputs does not fit in memory", rows, shape->inputs);
    batch->stride = batch->input.stride = stride;
    batch->x = memory_aligned((rows * stride + VECTOR) * sizeof(float));
    batch->input.x = batch->x;
    batch->positions = memory_array(rows, sizeof *batch->positions);
    if (shape->classification)
        batch->labels = memory_array(rows, sizeof *batch->labels);
    if (dense || !shape->classification)
        batch->targets = memory_aligned(rows * shape->outputs * sizeof(float));
    if (!batch->x || !batch->positions || (shape->classification && !batch->labels) ||
        ((dense || !shape->classification) && !batch->targets)) {
        batch_free(batch);
        return error_memory(err);
    }
    if (sparse && (!(batch->nonzero = memory_array(1, sizeof *batch->nonzero)) ||
                   nonzero_make(batch->nonzero, shape->inputs, rows, stride, err))) {
        batch_free(batch);
        return error_memory(err);
    }
    return 0;
}

void batch_free(struct batch *batch)
{
    if (batch->nonzero)
        nonzero_free(batch->nonzero);
    free(batch->nonzero);
    free(batch->x);
    free(batch->positions);
    free(batch->labels);
    free(batch->targets);
    free(batch->factor);
    free(batch->shift);
    *batch = (struct batch){ 0 };
}

void batch_gather(struct batch *batch, const struct data *data, enum data_split split, uint64_t seed, uint64_t epoch,
                  const uint32_t *positions, size_t rows)
{
    batch->input = (struct network_input){ .x = batch->x, .stride = batch->stride, .rows = rows };
    data_gather(data, split, seed, epoch, positions, rows, batch->x, batch->stride, batch->labels,
                batch->one_hot ? NULL : batch->targets);
    for (size_t r = 0; batch->factor && r < rows; r++) {
        float *x = batch->x + r * batch->stride;
        for (size_t i = 0; i < batch->inputs; i++)
            x[i] = x[i] * batch->factor[i] + batch->shift[i];
    }
    if (batch->nonzero)
        nonzero_pack(batch->nonzero, &batch->input);
    if (!batch->one_hot)
        return;
    memset(batch->targets, 0, rows * batch->outputs * sizeof *batch->targets);
    for (size_t r = 0; r < rows; r++)
        batch->targets[r * batch->outputs + (size_t)batch->labels[r]] = 1;
}

int order_make(struct order *order, size_t examples, bool shuffle, uint64_t seed, struct iso_error *err)
{
    *order = (struct order){ .examples = examples, .shuffle = shuffle, .seed = seed };
    order->positions = memory_array(examples, sizeof *order->positions);
    if (!order->positions)
        return error_memory(err);
    for (size_t i = 0; i < examples; i++)
        order->positions[i] = (uint32_t)i;
    return 0;
}

void order_free(struct order *order)
{
    free(order->positions);
    order->positions = NULL;
}

void batch_of_step(struct batch *batch, struct order *order, const struct horizon *horizon, const struct data *data,
                   uint64_t seed, uint64_t step)
{
    const uint64_t epoch = step / horizon->steps_per_epoch;
    if (order->shuffle && (!order->begun || order->epoch != epoch)) {
        const struct iso_rng rng = generator_of("order", order->seed, (uint32_t)epoch);
        generator_permute(&rng, order->positions, order->examples);
        order->begun = true;
        order->epoch = epoch;
    }
    const uint64_t first = step % horizon->steps_per_epoch * horizon->batch, left = horizon->examples_per_epoch - first;
    batch->first_example = horizon_examples(horizon, step);
    batch_gather(batch, data, DATA_TRAIN, seed, epoch, order->positions + first,
                 (size_t)(left < horizon->batch ? left : horizon->batch));
}
