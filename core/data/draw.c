/* Data without end: examples drawn when they are gathered, or once into a block that all processes share. */
#include "data/split.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/generator.h"
#include "base/memory.h"

struct iso_rng draw_generator(uint64_t seed)
{
    return generator_of("examples", seed, 0);
}

struct scratch *scratch_new(const struct data *data)
{
    struct scratch *scratch = calloc(1, sizeof *scratch);
    if (!scratch)
        return NULL;
    const size_t size = data->bytes ? 1 : sizeof(float);
    scratch->features = memory_array(DRAW_ROWS, data->shape.inputs * size);
    scratch->targets = data->ops->regression ? memory_array(DRAW_ROWS, data->table_outputs * sizeof(float)) : NULL;
    if (!scratch->features || (data->ops->regression && !scratch->targets)) {
        scratch_free(scratch);
        return NULL;
    }
    return scratch;
}

void scratch_free(struct scratch *scratch)
{
    if (!scratch)
        return;
    free(scratch->features);
    free(scratch->targets);
    free(scratch);
}

static void draw_rows(const struct data *data, const struct iso_rng *rng, size_t first, size_t n,
                      struct scratch *scratch)
{
    const size_t inputs = data->shape.inputs;
    struct iso_drawn out = { .size = sizeof out };
    if (data->bytes)
        out.bytes = scratch->features + first * inputs;
    else
        out.floats = (float *)(void *)scratch->features + first * inputs;
    if (data->ops->regression)
        out.targets = scratch->targets + first * data->table_outputs;
    else
        out.labels = scratch->labels + first;
    data->ops->draw(data->instance->state, rng, n, scratch->index + first, &out);
}

/* New number of a label, -1 for one that is left out (or out of range, which conformance refuses). */
static int32_t renumbered(const struct data *data, int32_t label)
{
    if (label < 0 || (size_t)label >= data->table_outputs)
        return -1;
    return data->class_of ? data->class_of[label] : label;
}

bool draw_examples(const struct data *data, const struct iso_rng *rng, size_t n, struct scratch *scratch)
{
    draw_rows(data, rng, 0, n, scratch);
    if (data->ops->regression)
        return true;
    for (size_t k = 0; k < n; k++) {
        int32_t label = renumbered(data, scratch->labels[k]);
        for (uint64_t again = 1; label < 0 && again < INDEX_TRIES; again++) {
            scratch->index[k] += INDEX_TRY;
            draw_rows(data, rng, k, 1, scratch);
            label = renumbered(data, scratch->labels[k]);
        }
        if (label < 0) {
            scratch->labels[k] = 0;
            return false;
        }
        scratch->labels[k] = label;
    }
    return true;
}

/* ---- Blocks: features of all examples, then, from a multiple of 64 bytes on, labels (int32) or targets ---- */

struct job {
    const struct data *data;
    uint64_t seed, first;
    size_t count, answers; /* where labels or targets start */
};

static int fill(void *context, unsigned char *block, size_t length, struct iso_error *err)
{
    (void)length;
    const struct job *job = context;
    const struct data *data = job->data;
    const size_t row = data->shape.inputs * (data->bytes ? 1 : sizeof(float));
    const struct iso_rng rng = draw_generator(job->seed);
    struct scratch *scratch = scratch_new(data);
    if (!scratch)
        return error_memory(err);
    for (size_t start = 0; start < job->count; start += DRAW_ROWS) {
        const size_t n = job->count - start < DRAW_ROWS ? job->count - start : DRAW_ROWS;
        for (size_t k = 0; k < n; k++)
            scratch->index[k] = job->first + start + k;
        if (!draw_examples(data, &rng, n, scratch)) {
            scratch_free(scratch);
            return iso_fail(err, "data set %s: the classes that `classes` keeps never come up",
                            data->instance->plugin->descriptor.name);
        }
        memcpy(block + start * row, scratch->features, n * row);
        if (data->ops->regression)
            memcpy(block + job->answers + start * data->table_outputs * sizeof(float), scratch->targets,
                   n * data->table_outputs * sizeof(float));
        else
            memcpy(block + job->answers + start * sizeof(int32_t), scratch->labels, n * sizeof(int32_t));
    }
    scratch_free(scratch);
    return 0;
}

int draw_split(struct data *data, enum data_split which, uint64_t seed, uint64_t first, size_t count,
               struct iso_error *err)
{
    const size_t inputs = data->shape.inputs, size = data->bytes ? 1 : sizeof(float);
    const size_t answer = data->ops->regression ? data->table_outputs * sizeof(float) : sizeof(int32_t);
    if (count > (SIZE_MAX / 2 - 64) / (inputs * size + answer))
        return iso_fail(err, "%zu examples of %zu inputs are too many", count, inputs);
    struct job job = { data, seed, first, count, (count * inputs * size + 63) / 64 * 64 };
    struct text text = { 0 };
    text_format(&text, "drawn 1 %" PRIu64 " %" PRIu64 " %zu", seed, first, count);
    for (size_t i = 0; i < data->options.class_count; i++)
        text_format(&text, " %" PRId64, data->options.classes[i]);
    char *name = text_take(&text);
    if (!name)
        return error_memory(err);
    const struct iso_host *host = &data->instance->host;
    struct iso_bytes bytes = { .size = sizeof bytes };
    const int result = host->block(host, name, job.answers + count * answer, fill, &job, &bytes, err);
    free(name);
    if (result)
        return error_context(err, "data set %s: %zu examples, %.3g GB", data->instance->plugin->descriptor.name, count,
                             (double)(job.answers + count * answer) / 1e9);
    struct split *split = &data->split[which];
    *split = (struct split){ .count = count, .stride = inputs };
    if (data->bytes)
        split->bytes = bytes.data;
    else
        split->floats = (const float *)(const void *)bytes.data;
    if (data->ops->regression) {
        split->targets = (const float *)(const void *)(bytes.data + job.answers);
        return 0;
    }
    split->labels = memory_array(count, sizeof *split->labels);
    if (!split->labels)
        return error_memory(err);
    memcpy(split->labels, bytes.data + job.answers, count * sizeof *split->labels);
    for (size_t k = 0; k < count; k++)
        if (split->labels[k] < 0 || (size_t)split->labels[k] >= data->shape.outputs)
            return iso_fail(err, "data set %s: label %d of example %zu is out of range",
                            data->instance->plugin->descriptor.name, (int)split->labels[k], k);
    return 0;
}
