/* Normalisation: x = raw * factor + shift, raw in the stored units. */
#include "data/split.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"

/* Sums over the training examples, one pair a group: an image's channel, else an input. */
struct sums {
    size_t groups, per_group; /* inputs of a group */
    double *mean, *square;    /* mean and mean square of raw values */
};

static int add_split(const struct data *data, struct sums *sums, struct iso_error *err)
{
    const struct split *split = &data->split[DATA_TRAIN];
    const size_t inputs = data->shape.inputs;
    uint64_t *whole = memory_array(2 * sums->groups, sizeof *whole);
    if (!whole)
        return error_memory(err);
    for (size_t k = 0; k < split->count; k++) {
        const size_t row = split->rows ? split->rows[k] : k;
        for (size_t j = 0; j < inputs; j++) {
            const size_t group = j / sums->per_group;
            if (split->bytes) { /* exact: 2^64 / 255^2 values */
                const uint64_t value = split->bytes[row * split->stride + j];
                whole[2 * group] += value;
                whole[2 * group + 1] += value * value;
            } else {
                const double value = (double)split->floats[row * split->stride + j];
                sums->mean[group] += value;
                sums->square[group] += value * value;
            }
        }
    }
    const double count = (double)split->count * (double)sums->per_group;
    for (size_t group = 0; group < sums->groups; group++) {
        if (split->bytes) {
            sums->mean[group] = (double)whole[2 * group];
            sums->square[group] = (double)whole[2 * group + 1];
        }
        sums->mean[group] /= count;
        sums->square[group] /= count;
    }
    free(whole);
    return 0;
}

/* Second moment about the mean: of floats in a second pass, for accuracy. */
static void deviations(const struct data *data, struct sums *sums)
{
    const struct split *split = &data->split[DATA_TRAIN];
    for (size_t group = 0; group < sums->groups; group++) {
        double variance = sums->square[group] - sums->mean[group] * sums->mean[group];
        if (!split->bytes) {
            variance = 0;
            for (size_t k = 0; k < split->count; k++) {
                const size_t row = split->rows ? split->rows[k] : k;
                const float *x = split->floats + row * split->stride + group * sums->per_group;
                for (size_t j = 0; j < sums->per_group; j++)
                    variance += ((double)x[j] - sums->mean[group]) * ((double)x[j] - sums->mean[group]);
            }
            variance /= (double)split->count * (double)sums->per_group;
        }
        sums->square[group] = variance > 0 ? sqrt(variance) : 0;
    }
}

static int standardise(struct data *data, struct iso_error *err)
{
    int result = -1;
    const size_t inputs = data->shape.inputs, channels = data->shape.channels;
    struct sums sums = { .groups = inputs, .per_group = 1 };
    if (channels && inputs % channels == 0)
        sums = (struct sums){ .groups = channels, .per_group = inputs / channels };
    sums.mean = memory_array(sums.groups, sizeof *sums.mean);
    sums.square = memory_array(sums.groups, sizeof *sums.square);
    struct split shown = data->split[DATA_TRAIN];
    if (!sums.mean || !sums.square) {
        error_memory(err);
        goto out;
    }
    /* Fresh examples have no set to take the mean of: one of their own, the same for all trials, stands for it. */
    if (data->fresh && draw_split(data, DATA_TRAIN, 0, INDEX_STATISTICS, STATISTICS_SIZE, err))
        goto out;
    if (!add_split(data, &sums, err)) {
        deviations(data, &sums);
        for (size_t j = 0; j < inputs; j++) {
            const size_t group = j / sums.per_group;
            /* An input that never changes carries nothing: it becomes 0. */
            const double deviation = sums.square[group] > 0 ? sums.square[group] : 1;
            data->factor[j] = (float)(1 / deviation);
            data->shift[j] = (float)(-sums.mean[group] / deviation);
        }
        result = 0;
    }
    if (data->fresh) {
        free(data->split[DATA_TRAIN].labels);
        data->split[DATA_TRAIN] = shown;
    }
out:
    free(sums.mean);
    free(sums.square);
    return result;
}

int data_set_normalisation(struct data *data, struct iso_error *err)
{
    const size_t inputs = data->shape.inputs;
    data->factor = memory_array(inputs, sizeof *data->factor);
    data->shift = memory_array(inputs, sizeof *data->shift);
    if (!data->factor || !data->shift)
        return error_memory(err);
    const bool unit = data->options.normalise == NORMALISE_UNIT;
    const double factor = unit ? data->scale : 1, shift = unit ? data->offset : 0;
    for (size_t j = 0; j < inputs; j++) {
        data->factor[j] = (float)factor;
        data->shift[j] = (float)shift;
    }
    if (data->options.normalise == NORMALISE_STANDARD) {
        data->conversion = data->bytes ? CONVERT_BYTES : CONVERT_FLOATS;
        return standardise(data, err);
    }
    if (data->bytes)
        data->conversion = data->shift[0] == 0 ? CONVERT_BYTES_SCALE : CONVERT_BYTES;
    else
        data->conversion = data->factor[0] == 1 && data->shift[0] == 0 ? CONVERT_FLOATS_COPY : CONVERT_FLOATS;
    return 0;
}
