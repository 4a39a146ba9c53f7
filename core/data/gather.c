/* Gathering minibatches: rows picked, converted to float32 and normalised. Hot. */
#include "data/split.h"

#include <string.h>

#include "base/generator.h"

/* Inner loops of a fixed length, which compilers turn into vector code without being told. */
#define LANES 16

static void scale_bytes(const uint8_t *restrict in, size_t n, float factor, float *restrict x)
{
    size_t j = 0;
    for (; j + LANES <= n; j += LANES)
        for (size_t lane = 0; lane < LANES; lane++)
            x[j + lane] = (float)in[j + lane] * factor;
    for (; j < n; j++)
        x[j] = (float)in[j] * factor;
}

static void convert_bytes(const uint8_t *restrict in, size_t n, const float *restrict factor,
                          const float *restrict shift, float *restrict x)
{
    size_t j = 0;
    for (; j + LANES <= n; j += LANES)
        for (size_t lane = 0; lane < LANES; lane++)
            x[j + lane] = (float)in[j + lane] * factor[j + lane] + shift[j + lane];
    for (; j < n; j++)
        x[j] = (float)in[j] * factor[j] + shift[j];
}

static void convert_floats(const float *restrict in, size_t n, const float *restrict factor,
                           const float *restrict shift, float *restrict x)
{
    size_t j = 0;
    for (; j + LANES <= n; j += LANES)
        for (size_t lane = 0; lane < LANES; lane++)
            x[j + lane] = in[j + lane] * factor[j + lane] + shift[j + lane];
    for (; j < n; j++)
        x[j] = in[j] * factor[j] + shift[j];
}

static void convert(const struct data *data, const uint8_t *bytes, const float *floats, float *x)
{
    const size_t inputs = data->shape.inputs;
    switch (data->conversion) {
    case CONVERT_BYTES_SCALE:
        scale_bytes(bytes, inputs, data->factor[0], x);
        break;
    case CONVERT_BYTES:
        convert_bytes(bytes, inputs, data->factor, data->shift, x);
        break;
    case CONVERT_FLOATS_COPY:
        memcpy(x, floats, inputs * sizeof *x);
        break;
    case CONVERT_FLOATS:
        convert_floats(floats, inputs, data->factor, data->shift, x);
        break;
    }
}

/* A label replaced by another class, each equally likely, with the probability of label_noise. */
static int32_t noisy(const struct data *data, const struct iso_rng *noise, uint64_t example, int32_t label)
{
    uint32_t bits[4];
    iso_rng_bits_block(noise, example, 0, bits);
    if (!(iso_rng_unit(bits[0]) < data->options.label_noise))
        return label;
    const uint64_t classes = data->shape.outputs;
    const uint64_t distance = 1 + (((uint64_t)bits[1] * (classes - 1)) >> 32);
    return (int32_t)(((uint64_t)label + distance) % classes);
}

void data_noise_labels(struct data *data, uint64_t seed)
{
    struct split *split = &data->split[DATA_TRAIN];
    const struct iso_rng noise = generator_of("noise", seed, 0);
    for (size_t k = 0; k < split->count; k++)
        split->labels[k] = noisy(data, &noise, split->rows ? split->rows[k] : k, split->labels[k]);
}

/* Examples without end: each is a function of (seed, epoch, position) alone. */
static void gather_fresh(const struct data *data, uint64_t seed, uint64_t epoch, const uint32_t *positions, size_t n,
                         float *x, size_t x_stride, int32_t *labels, float *targets)
{
    const size_t inputs = data->shape.inputs, outputs = data->shape.outputs;
    const struct iso_rng examples = draw_generator(seed), noise = generator_of("noise", seed, 0);
    struct scratch *scratch = data->scratch;
    for (size_t start = 0; start < n; start += DRAW_ROWS) {
        const size_t rows = n - start < DRAW_ROWS ? n - start : DRAW_ROWS;
        for (size_t k = 0; k < rows; k++)
            scratch->index[k] = epoch * data->split[DATA_TRAIN].count + positions[start + k];
        draw_examples(data, &examples, rows, scratch);
        for (size_t k = 0; k < rows; k++) {
            convert(data, scratch->features + k * inputs, (const float *)(const void *)scratch->features + k * inputs,
                    x + (start + k) * x_stride);
            if (!data->ops->regression && labels)
                labels[start + k] = data->options.label_noise > 0
                                        ? noisy(data, &noise, scratch->index[k], scratch->labels[k])
                                        : scratch->labels[k];
        }
        if (data->ops->regression && targets)
            memcpy(targets + start * outputs, scratch->targets, rows * outputs * sizeof *targets);
    }
}

void data_gather(const struct data *data, enum data_split which, uint64_t seed, uint64_t epoch,
                 const uint32_t *positions, size_t n, float *x, size_t x_stride, int32_t *labels, float *targets)
{
    const struct split *split = &data->split[which];
    const size_t outputs = data->shape.outputs;
    if (which == DATA_TRAIN && data->fresh) {
        gather_fresh(data, seed, epoch, positions, n, x, x_stride, labels, targets);
        return;
    }
    for (size_t k = 0; k < n; k++) {
        const size_t position = positions[k], row = split->rows ? split->rows[position] : position;
#if defined __GNUC__
        /* Shuffled rows lie anywhere: start to fetch the one after next. */
        if (k + 2 < n) {
            const size_t ahead = split->rows ? split->rows[positions[k + 2]] : positions[k + 2];
            if (split->bytes)
                __builtin_prefetch(split->bytes + ahead * split->stride);
            else
                __builtin_prefetch(split->floats + ahead * split->stride);
        }
#endif
        convert(data, split->bytes ? split->bytes + row * split->stride : NULL,
                split->floats ? split->floats + row * split->stride : NULL, x + k * x_stride);
        if (split->labels && labels)
            labels[k] = split->labels[position];
        if (split->targets && targets)
            memcpy(targets + k * outputs, split->targets + row * outputs, outputs * sizeof *targets);
    }
}
