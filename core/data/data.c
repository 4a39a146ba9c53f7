/* Opening a data set: its splits, in the order of the options (data.h). */
#include "data/data.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/generator.h"
#include "base/memory.h"
#include "data/split.h"
#include "recipe/utf8.h"

static const char *name_of(const struct data *data)
{
    return data->instance->plugin->descriptor.name;
}

/* ---- Tables ---- */

static int check_table(const struct data *data, const struct iso_table *table, struct iso_error *err)
{
    const char *name = name_of(data);
    const bool endless = !table->examples;
    if (!table->inputs || !table->outputs || table->inputs > INT32_MAX || table->outputs > INT32_MAX)
        return iso_fail(err, "data set %s: %zu inputs and %zu outputs", name, table->inputs, table->outputs);
    if (endless && (!data->ops->draw || table->bytes || table->floats))
        return iso_fail(err, "data set %s has no examples", name);
    if (!endless && !table->bytes == !table->floats)
        return iso_fail(err, "data set %s gives its features not as exactly one of bytes and floats", name);
    if (!endless && (table->row_stride < table->inputs || table->examples > UINT32_MAX))
        return iso_fail(err, "data set %s: %zu examples, %zu elements apart, of %zu inputs", name, table->examples,
                        table->row_stride, table->inputs);
    if (!endless && !table->labels == !table->targets)
        return iso_fail(err, "data set %s gives not exactly one of labels and targets", name);
    if (table->labels && ((table->label_width != 1 && table->label_width != 2 && table->label_width != 4) ||
                          table->label_stride < (size_t)table->label_width))
        return iso_fail(err, "data set %s: labels of %d bytes, %zu bytes apart", name, table->label_width,
                        table->label_stride);
    if (!isfinite(table->scale) || !(table->scale > 0) || !isfinite(table->offset))
        return iso_fail(err, "data set %s: scale %g, offset %g", name, table->scale, table->offset);
    if (table->height && table->width && table->channels &&
        (table->inputs % table->height || table->inputs / table->height % table->width ||
         table->inputs / table->height / table->width != table->channels))
        return iso_fail(err, "data set %s: images of %zu x %zu x %zu are not %zu inputs", name, table->height,
                        table->width, table->channels, table->inputs);
    return 0;
}

static int32_t label_at(const struct iso_table *table, size_t row)
{
    const uint8_t *at = table->labels + row * table->label_stride;
    uint32_t label = 0;
    for (int byte = table->label_width - 1; byte >= 0; byte--)
        label = label << 8 | at[byte];
    return label > INT32_MAX ? -1 : (int32_t)label;
}

/* ---- Classes ---- */

static int read_classes(struct data *data, const struct iso_table *table, struct iso_error *err)
{
    const struct data_options *options = &data->options;
    const size_t count = options->class_count ? options->class_count : table->outputs;
    data->shape.outputs = count;
    if (options->class_count) {
        if (!data->shape.classification)
            return iso_fail(err, "data set %s has targets rather than classes: `classes` can't be given",
                            name_of(data));
        data->class_of = memory_array(table->outputs, sizeof *data->class_of);
        if (!data->class_of)
            return error_memory(err);
        for (size_t i = 0; i < table->outputs; i++)
            data->class_of[i] = -1;
        for (size_t i = 0; i < count; i++) {
            if ((uint64_t)options->classes[i] >= table->outputs)
                return iso_fail(err, "data set %s has the classes 0 to %zu, but `classes` names %" PRId64,
                                name_of(data), table->outputs - 1, options->classes[i]);
            data->class_of[options->classes[i]] = (int32_t)i;
        }
    }
    if (!table->class_names)
        return 0;
    data->names = memory_array(count, sizeof *data->names);
    if (!data->names)
        return error_memory(err);
    for (size_t i = 0; i < count; i++)
        data->names[i] = table->class_names[options->class_count ? (size_t)options->classes[i] : i];
    data->shape.class_names = data->names;
    for (size_t i = 0; i < count; i++)
        if (!utf8_printable(data->names[i])) {
            struct text name = { 0 };
            text_add_json(&name, data->names[i] ? data->names[i] : "");
            iso_fail(err, "data set %s: class %zu is called %.200s, which is no line of text in UTF-8", name_of(data), i,
                     name.data ? name.data : "");
            text_free(&name);
            return -1;
        }
    return 0;
}

/* ---- Splits of a finite data set ---- */

/* The rows of a table whose class is kept, permuted where `permute`. */
static uint32_t *choose_rows(const struct data *data, const struct iso_table *table, const struct iso_rng *permute,
                             size_t *count, struct iso_error *err)
{
    uint32_t *kept = memory_array(table->examples, sizeof *kept), *order = NULL;
    size_t n = 0;
    if (!kept)
        goto memory;
    for (size_t row = 0; row < table->examples; row++) {
        if (table->labels) {
            const int32_t label = label_at(table, row);
            if (label < 0 || (size_t)label >= data->table_outputs) {
                free(kept);
                iso_fail(err, "data set %s: the label of example %zu is not below %zu", name_of(data), row,
                         data->table_outputs);
                return NULL;
            }
            if (data->class_of && data->class_of[label] < 0)
                continue;
        }
        kept[n++] = (uint32_t)row;
    }
    *count = n;
    if (!permute)
        return kept;
    order = memory_array(n, sizeof *order);
    if (!order)
        goto memory;
    generator_permute(permute, order, n);
    for (size_t i = 0; i < n; i++)
        order[i] = kept[order[i]];
    free(kept);
    return order;
memory:
    free(kept);
    error_memory(err);
    return NULL;
}

/* Positions first ... first + count of `rows` become a split. */
static int make_split(struct data *data, enum data_split which, const struct iso_table *table, const uint32_t *rows,
                      size_t first, size_t count, struct iso_error *err)
{
    struct split *split = &data->split[which];
    *split = (struct split){ .count = count,
                             .bytes = table->bytes,
                             .floats = table->floats,
                             .stride = table->row_stride,
                             .targets = table->targets };
    bool in_order = true;
    for (size_t k = 0; k < count && in_order; k++)
        in_order = rows[first + k] == k;
    if (!in_order) {
        split->rows = memory_array(count, sizeof *split->rows);
        if (!split->rows)
            return error_memory(err);
        memcpy(split->rows, rows + first, count * sizeof *rows);
    }
    if (!table->labels)
        return 0;
    split->labels = memory_array(count, sizeof *split->labels);
    if (!split->labels)
        return error_memory(err);
    for (size_t k = 0; k < count; k++) {
        const int32_t label = label_at(table, rows[first + k]);
        split->labels[k] = data->class_of ? data->class_of[label] : label;
    }
    return 0;
}

static int open_finite(struct data *data, const struct iso_table *train, uint64_t subset_seed, struct iso_error *err)
{
    const struct data_options *options = &data->options;
    int result = -1;
    uint32_t *rows = NULL, *test_rows = NULL;
    size_t count, test_count;
    struct iso_table test = { .size = sizeof test, .scale = 1 };
    const struct iso_rng permute = generator_of("subset", subset_seed, 0),
                         permute_test = generator_of("subset", subset_seed, 1);
    const bool permuted = options->has_train_size || options->validation_size || options->label_noise > 0;
    if (options->epoch_size)
        return iso_fail(err, "epoch_size is for data without end; an epoch of %s is all its training examples",
                        name_of(data));
    rows = choose_rows(data, train, permuted ? &permute : NULL, &count, err);
    if (!rows)
        return -1;
    if (options->validation_size + (options->has_train_size ? options->train_size : 1) > count) {
        iso_fail(err, "data set %s has %zu training examples%s, too few for validation_size: %" PRIu64, name_of(data),
                 count, options->class_count ? " of these classes" : "", options->validation_size);
        if (options->has_train_size && err) {
            const size_t length = strlen(err->text);
            snprintf(err->text + length, sizeof err->text - length, " and train_size: %" PRIu64, options->train_size);
        }
        goto out;
    }
    const size_t rest = count - (size_t)options->validation_size;
    const size_t train_size = options->has_train_size ? (size_t)options->train_size : rest;
    if (make_split(data, DATA_TRAIN, train, rows, 0, train_size, err) ||
        make_split(data, DATA_VALIDATION, train, rows, rest, (size_t)options->validation_size, err))
        goto out;

    if (data->ops->open(data->instance->state, &data->instance->host, ISO_SPLIT_TEST, &test, err) ||
        check_table(data, &test, err))
        goto out;
    if (test.inputs != train->inputs || test.outputs != train->outputs || !test.labels != !train->labels ||
        !test.bytes != !train->bytes || test.scale != train->scale || test.offset != train->offset) {
        iso_fail(err, "data set %s: its test examples (%zu inputs, %zu outputs) are not like its training examples "
                 "(%zu inputs, %zu outputs)", name_of(data), test.inputs, test.outputs, train->inputs, train->outputs);
        goto out;
    }
    test_rows = choose_rows(data, &test, options->has_test_size ? &permute_test : NULL, &test_count, err);
    if (!test_rows)
        goto out;
    if (!test_count || (options->has_test_size && options->test_size > test_count)) {
        iso_fail(err, "data set %s has %zu test examples%s, too few for test_size: %" PRIu64, name_of(data), test_count,
                 options->class_count ? " of these classes" : "", options->has_test_size ? options->test_size : 1);
        goto out;
    }
    if (make_split(data, DATA_TEST, &test, test_rows, 0, options->has_test_size ? (size_t)options->test_size : test_count,
                   err))
        goto out;
    if (options->label_noise > 0)
        data_noise_labels(data, subset_seed);
    result = 0;
out:
    free(rows);
    free(test_rows);
    return result;
}

/* ---- Splits of a data set without end ---- */

static int open_endless(struct data *data, uint64_t subset_seed, struct iso_error *err)
{
    const struct data_options *options = &data->options;
    data->shape.endless = !options->has_train_size;
    data->fresh = !options->has_train_size;
    data->scratch = scratch_new(data);
    if (!data->scratch)
        return error_memory(err);
    if (options->has_train_size && options->epoch_size)
        return iso_fail(err, "train_size and epoch_size can't both be given: with a train_size an epoch is all "
                        "training examples");
    if (draw_split(data, DATA_TEST, 0, INDEX_TEST, options->has_test_size ? (size_t)options->test_size : TEST_SIZE,
                   err))
        return -1;
    if (options->validation_size &&
        draw_split(data, DATA_VALIDATION, 0, INDEX_VALIDATION, (size_t)options->validation_size, err))
        return -1;
    if (data->fresh) {
        data->split[DATA_TRAIN].count = options->epoch_size ? (size_t)options->epoch_size : DATA_EPOCH_SIZE;
        return 0;
    }
    if (draw_split(data, DATA_TRAIN, subset_seed, 0, (size_t)options->train_size, err))
        return -1;
    if (options->label_noise > 0)
        data_noise_labels(data, subset_seed);
    return 0;
}

/* ---- All ---- */

static int describe(struct data *data, const struct iso_table *table, struct iso_error *err)
{
    data->bytes = table->examples ? table->bytes != NULL : data->ops->storage == ISO_STORED_BYTES;
    data->scale = table->scale;
    data->offset = table->offset;
    data->table_outputs = table->outputs;
    data->shape = (struct data_shape){ .inputs = table->inputs,
                                       .classification = table->examples ? table->labels != NULL
                                                                         : !data->ops->regression };
    if (table->height && table->width && table->channels) {
        data->shape.height = table->height;
        data->shape.width = table->width;
        data->shape.channels = table->channels;
        data->shape.white = data->bytes ? 255 : 1;
    }
    if (!table->examples && data->ops->storage != ISO_STORED_BYTES && data->ops->storage != ISO_STORED_FLOATS)
        return iso_fail(err, "data set %s stores its features in a way that this isoflop does not know (%d)",
                        name_of(data), data->ops->storage);
    if (read_classes(data, table, err))
        return -1;
    if (data->options.label_noise > 0 && (!data->shape.classification || data->shape.outputs < 2))
        return iso_fail(err, "label_noise needs at least two classes, which %s does not have", name_of(data));
    return 0;
}

static void measure_targets(struct data *data)
{
    double low = INFINITY, high = -INFINITY;
    for (int which = 0; which < DATA_SPLITS; which++) {
        const struct split *split = &data->split[which];
        for (size_t k = 0; split->targets && k < split->count; k++) {
            const float *row = split->targets + (split->rows ? split->rows[k] : k) * data->shape.outputs;
            for (size_t j = 0; j < data->shape.outputs; j++) {
                low = fmin(low, (double)row[j]);
                high = fmax(high, (double)row[j]);
            }
        }
    }
    data->shape.target_min = low;
    data->shape.target_max = high;
}

static int take_checksum(struct data *data, struct iso_error *err)
{
    const struct instance *instance = data->instance;
    if (data_host_checksum(instance, data->checksum))
        return 0;
    struct text text = { 0 };
    instance_json(instance, &text);
    char *json = text_take(&text);
    if (!json)
        return error_memory(err);
    hash_of(json, strlen(json), data->checksum);
    free(json);
    return 0;
}

struct data *data_open(struct instance *dataset, const struct data_options *options, uint64_t trial_seed,
                       struct iso_error *err)
{
    struct data *data = calloc(1, sizeof *data);
    if (!data) {
        error_memory(err);
        return NULL;
    }
    data->instance = dataset;
    data->ops = &dataset->plugin->ops.dataset;
    data->options = *options;
    const uint64_t subset_seed = options->subset_by_trial ? trial_seed : options->subset_seed;
    struct iso_table table = { .size = sizeof table, .scale = 1 };
    if (data->ops->open(dataset->state, &dataset->host, ISO_SPLIT_TRAIN, &table, err) ||
        check_table(data, &table, err) || describe(data, &table, err) ||
        (table.examples ? open_finite(data, &table, subset_seed, err) : open_endless(data, subset_seed, err)) ||
        data_set_normalisation(data, err) || take_checksum(data, err)) {
        data_close(data);
        return NULL;
    }
    measure_targets(data);
    return data;
}

void data_close(struct data *data)
{
    if (!data)
        return;
    for (int which = 0; which < DATA_SPLITS; which++) {
        free(data->split[which].rows);
        free(data->split[which].labels);
    }
    free(data->names);
    free(data->class_of);
    free(data->factor);
    free(data->shift);
    scratch_free(data->scratch);
    free(data);
}

const struct data_shape *data_shape(const struct data *data)
{
    return &data->shape;
}

size_t data_count(const struct data *data, enum data_split split)
{
    return data->split[split].count;
}

const char *data_checksum(const struct data *data)
{
    return data->checksum;
}

void data_normalisation(const struct data *data, const float **factor, const float **shift)
{
    *factor = data->factor;
    *shift = data->shift;
}
