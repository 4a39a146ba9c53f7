/* Gathering minibatches: rows picked, converted to float32 and normalised. Hot. */
#include "data/split.h"

#include <string.h>

#include <isoflop/parts.h>

#include "base/generator.h"

/* With the widest vectors that the processor has. */
ISO_VECTOR void scale_bytes_loop(const uint8_t *restrict in, size_t n, float factor, float *restrict x)
{
    for (size_t j = 0; j < n; j++)
        x[j] = (float)in[j] * factor;
}

ISO_VECTOR void convert_bytes_loop(const uint8_t *restrict in, size_t n, const float *restrict factor,
                                   const float *restrict shift, float *restrict x)
{
    for (size_t j = 0; j < n; j++)
        x[j] = (float)in[j] * factor[j] + shift[j];
}

ISO_VECTOR void convert_floats_loop(const float *restrict in, size_t n, const float *restrict factor,
                                    const float *restrict shift, float *restrict x)
{
    for (size_t j = 0; j < n; j++)
        x[j] = in[j] * factor[j] + shift[j];
}

ISO_VECTORS(scale_bytes, scale_bytes_loop, (const uint8_t *in, size_t n, float factor, float *x), (in, n, factor, x))
ISO_VECTORS(convert_bytes, convert_bytes_loop,
            (const uint8_t *in, size_t n, const float *factor, const float *shift, float *x),
            (in, n, factor, shift, x))
ISO_VECTORS(convert_floats, convert_floats_loop,
            (const float *in, size_t n, const float *factor, const float *shift, float *x), (in, n, factor, shift, x))

/* Shuffled rows lie anywhere: all lines of one that will be read soon are fetched while others are converted. */
ISO_VECTOR void fetch_ahead(const struct data *data, const struct split *split, size_t position)
{
#if defined __GNUC__
    enum { LINE = 64 };
    const size_t row = split->rows ? split->rows[position] : position;
    const char *first = split->bytes ? (const char *)(split->bytes + row * split->stride)
                                     : (const char *)(split->floats + row * split->stride);
    const size_t length = data->shape.inputs * (split->bytes ? 1 : sizeof(float));
    for (size_t offset = 0; offset < length; offset += LINE)
        __builtin_prefetch(first + offset);
    if (split->labels)
        __builtin_prefetch(split->labels + position);
#else
    (void)data, (void)split, (void)position;
#endif
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
    enum { AHEAD = 4 };
    const struct split *split = &data->split[which];
    const size_t outputs = data->shape.outputs;
    if (which == DATA_TRAIN && data->fresh) {
        gather_fresh(data, seed, epoch, positions, n, x, x_stride, labels, targets);
        return;
    }
    for (size_t k = 0; k < n; k++) {
        const size_t position = positions[k], row = split->rows ? split->rows[position] : position;
        if (k + AHEAD < n)
            fetch_ahead(data, split, positions[k + AHEAD]);
        convert(data, split->bytes ? split->bytes + row * split->stride : NULL,
                split->floats ? split->floats + row * split->stride : NULL, x + k * x_stride);
        if (split->labels && labels)
            labels[k] = split->labels[position];
        if (split->targets && targets)
            memcpy(targets + k * outputs, split->targets + row * outputs, outputs * sizeof *targets);
    }
}
