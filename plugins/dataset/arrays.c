/* arrays: your own arrays, from a .npz or .safetensors file or a folder of .npy files. */
#include "array_files.h"

#include <stdlib.h>

#include <jansson.h>

struct arrays {
    const char *file, *train_inputs, *train_targets, *test_inputs, *test_targets;
    int kind;
};
enum { KIND_AUTO, KIND_LABELS, KIND_NUMBERS };

static bool ends_with(const char *text, const char *end)
{
    const size_t length = strlen(text), size = strlen(end);
    return length >= size && !strcmp(text + length - size, end);
}

/* ---- Reading ---- */

/* An array of a safetensors file: 8 bytes of length, a JSON object {name: {dtype, shape, data_offsets}}, the data. */
static int from_object(json_t *object, const struct iso_bytes *bytes, size_t start, const char *name,
                       struct array *array, struct iso_error *err)
{
    const json_t *tensor = json_object_get(object, name), *shape = json_object_get(tensor, "shape"),
                 *offsets = json_object_get(tensor, "data_offsets");
    const char *type = json_string_value(json_object_get(tensor, "dtype"));
    if (!tensor)
        return iso_fail(err, "there is no array \"%s\" in it", name);
    int known = 0;
    while (type && known < ARRAY_TYPES && strcmp(type, array_types[known].safetensors))
        known++;
    if (!type || known == ARRAY_TYPES)
        return iso_fail(err, "%s: elements of type %s are not read: save it as F32, or as integers", name,
                        type ? type : "(none)");
    array->type = (enum array_type)known;
    array->rank = json_array_size(shape);
    if (!json_is_array(shape) || array->rank > ARRAY_RANK || json_array_size(offsets) != 2)
        return iso_fail(err, "%s: its shape or data_offsets can't be read", name);
    for (size_t i = 0; i < array->rank; i++) {
        const json_int_t size = json_integer_value(json_array_get(shape, i));
        if (!json_is_integer(json_array_get(shape, i)) || size < 0)
            return iso_fail(err, "%s: its shape can't be read", name);
        array->shape[i] = (size_t)size;
    }
    const json_int_t from = json_integer_value(json_array_get(offsets, 0)),
                     to = json_integer_value(json_array_get(offsets, 1));
    if (from < 0 || to < from || (uint64_t)to > bytes->length - start)
        return iso_fail(err, "%s: its data_offsets do not lie within the file", name);
    return array_set(array, name, bytes->data + start + from, (size_t)(to - from), err);
}

static int from_safetensors(const struct iso_bytes *bytes, const char *name, struct array *array,
                            struct iso_error *err)
{
    uint64_t length = 0;
    json_error_t why;
    for (size_t i = 8; bytes->length >= 8 && i-- > 0;)
        length = length << 8 | bytes->data[i];
    if (bytes->length < 8 || length > bytes->length - 8)
        return iso_fail(err, "it is no safetensors file: its header is longer than the file");
    json_t *object = json_loadb((const char *)bytes->data + 8, (size_t)length, JSON_REJECT_DUPLICATES, &why);
    const int result = json_is_object(object) ? from_object(object, bytes, 8 + (size_t)length, name, array, err)
                                              : iso_fail(err, "the header of the safetensors file can't be read");
    json_decref(object);
    return result;
}

static int read_array(const struct arrays *arrays, const struct iso_host *host, const char *name, struct array *array,
                      struct iso_error *err)
{
    char path[5000];
    struct iso_bytes bytes = { .size = sizeof bytes };
    struct iso_error why = { .size = sizeof why };
    const bool tensors = ends_with(arrays->file, ".safetensors");
    *array = (struct array){ 0 };
    snprintf(path, sizeof path, tensors ? "%s" : "%s/%s.npy", arrays->file, name);
    if (host->file(host, path, ARRAY_BYTES, &bytes, err))
        return -1;
    if (tensors ? from_safetensors(&bytes, name, array, &why) : npy_read(&bytes, name, array, &why))
        return iso_fail(err, "%s: %s", arrays->file, why.text);
    if (!array->rank || !array->count)
        return iso_fail(err, "%s: %s is empty", arrays->file, name);
    return 0;
}

/* ---- Inputs and targets ---- */

struct filling {
    const struct array *array;
    const char *name;
};

static int fill_bytes(void *context, unsigned char *data, size_t length, struct iso_error *err)
{
    const struct filling *filling = context;
    (void)err;
    for (size_t i = 0; i < length; i++)
        data[i] = filling->array->data[array_place(filling->array, i)];
    return 0;
}

/* As float32. */
static int fill_floats(void *context, unsigned char *data, size_t length, struct iso_error *err)
{
    const struct filling *filling = context;
    float *out = (float *)(void *)data;
    for (size_t i = 0; i < length / sizeof *out; i++) {
        out[i] = (float)array_at(filling->array, i);
        if (!isfinite(out[i]))
            return iso_fail(err, "%s: element %zu is %g, which is no finite float32", filling->name, i,
                            array_at(filling->array, i));
    }
    return 0;
}

/* Elements in C's order, as they are shared between processes: 8-bit, as they stand, or float32. */
static const void *converted(const struct iso_host *host, const struct array *array, const char *name, bool eight,
                             struct iso_error *err)
{
    char block[600];
    struct iso_bytes bytes = { .size = sizeof bytes };
    struct filling filling = { array, name };
    if (eight && !array->fortran)
        return array->data;
    snprintf(block, sizeof block, "%s %s", eight ? "bytes" : "floats", name);
    if (host->block(host, block, array->count * (eight ? 1 : sizeof(float)), eight ? fill_bytes : fill_floats, &filling,
                    &bytes, err))
        return NULL;
    return bytes.data;
}

static bool are_labels(const struct arrays *arrays, const struct array *targets)
{
    const bool flat = targets->rank == 1 || (targets->rank == 2 && targets->shape[1] == 1);
    return arrays->kind == KIND_LABELS || (arrays->kind == KIND_AUTO && flat && !array_is_float(targets));
}

/* The labels as 32-bit numbers, and how many classes they need. */
static uint32_t *as_labels(const struct iso_host *host, const struct array *targets, const char *name, size_t *classes,
                           struct iso_error *err)
{
    uint32_t *labels = host->allocate(host, targets->count * sizeof *labels, err);
    for (size_t i = 0; labels && i < targets->count; i++) {
        const double value = array_at(targets, i);
        if (!(value >= 0 && value < 1e6) || value != floor(value)) {
            iso_fail(err, "%s: element %zu is %g, which is no class number (from 0, below a million); for numbers to be "
                     "predicted: kind: numbers", name, i, value);
            return NULL;
        }
        labels[i] = (uint32_t)value;
        if (labels[i] >= *classes)
            *classes = (size_t)labels[i] + 1;
    }
    return labels;
}

static int give_targets(const struct arrays *arrays, const struct iso_host *host, bool test,
                        const struct array targets[2], struct iso_table *table, struct iso_error *err)
{
    const char *const names[] = { arrays->train_targets, arrays->test_targets };
    const struct array *own = &targets[test];
    if (own->shape[0] != table->examples)
        return iso_fail(err, "%s: %zu examples, but %s has %zu", arrays->file, table->examples, names[test],
                        own->shape[0]);
    if (!are_labels(arrays, &targets[0])) {
        table->outputs = own->count / own->shape[0];
        table->targets = converted(host, own, names[test], false, err);
        return table->targets ? 0 : -1;
    }
    size_t classes = 2;
    for (int split = 0; split < 2; split++) { /* both splits' labels say how many classes there are */
        const uint32_t *labels = as_labels(host, &targets[split], names[split], &classes, err);
        if (!labels)
            return -1;
        if (split == test)
            table->labels = (const uint8_t *)labels;
    }
    if (own->count != own->shape[0])
        return iso_fail(err, "%s: %s has %zu labels an example", arrays->file, names[test], own->count / own->shape[0]);
    table->outputs = classes;
    table->label_stride = sizeof(uint32_t);
    table->label_width = 4;
    return 0;
}

static int open(void *state, const struct iso_host *host, enum iso_split split, struct iso_table *table,
                struct iso_error *err)
{
    const struct arrays *arrays = state;
    const bool test = split == ISO_SPLIT_TEST;
    const char *name = test ? arrays->test_inputs : arrays->train_inputs;
    struct array inputs[2], targets[2];
    /* All are read before a block is asked for: their content is what it is cached by. */
    if (read_array(arrays, host, arrays->train_inputs, &inputs[0], err) ||
        read_array(arrays, host, arrays->train_targets, &targets[0], err) ||
        read_array(arrays, host, arrays->test_inputs, &inputs[1], err) ||
        read_array(arrays, host, arrays->test_targets, &targets[1], err))
        return -1;
    const struct array *own = &inputs[test];
    table->examples = own->shape[0];
    table->inputs = table->row_stride = own->count / own->shape[0];
    table->scale = 1;
    const bool eight = own->type == ARRAY_U8;
    const void *elements = converted(host, own, name, eight, err);
    if (!elements)
        return -1;
    if (eight) {
        table->bytes = elements;
        table->scale = 1 / 255.0;
    } else {
        table->floats = elements;
    }
    if (own->rank == 3 || (own->rank == 4 && (own->shape[1] == 1 || own->shape[1] == 3))) {
        table->channels = own->rank == 4 ? own->shape[1] : 1;
        table->height = own->shape[own->rank - 2];
        table->width = own->shape[own->rank - 1];
    }
    return give_targets(arrays, host, test, targets, table, err);
}

static const struct iso_param params[] = {
    ISO_PATH(struct arrays, file, NULL, "a .npz or .safetensors file, or a folder of .npy files"),
    ISO_TEXT(struct arrays, train_inputs, "x_train", "array of training inputs (examples, ...); uint8 is taken / 255"),
    ISO_TEXT(struct arrays, train_targets, "y_train", "array of training labels or targets"),
    ISO_TEXT(struct arrays, test_inputs, "x_test", "array of test inputs"),
    ISO_TEXT(struct arrays, test_targets, "y_test", "array of test labels or targets"),
    ISO_CHOICE(struct arrays, kind, "auto", "auto|labels|numbers", "what the targets are; auto: one integer an example "
               "is a label"),
    { 0 }
};
static const struct iso_dataset ops = { .open = open };
ISO_PLUGIN(ops, .name = "arrays", .revision = 2, .summary = "arrays of your own: .npy, .npz, .safetensors",
           .state_size = sizeof(struct arrays), .params = params);
