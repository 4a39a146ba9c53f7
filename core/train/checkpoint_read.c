/* Reading checkpoints: files from anywhere. */
#include "train/checkpoint.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/numbers.h"

enum { HEADER_MAX = 100 << 20, LAYERS_MAX = SETTINGS_HIDDEN_MAX + 1, DEPTH_MAX = 8 };

/* A tensor as the header states it, checked. */
struct tensor {
    size_t dimensions, shape[2];
    uint64_t begin, end; /* bytes of the data */
};

struct reading {
    const char *name;
    struct iso_error *err;
    const unsigned char *data;
    uint64_t data_length;
    size_t count;
    struct tensor weight[LAYERS_MAX], bias[LAYERS_MAX]; /* dimensions 0: not there */
};

/* jansson nests by recursion: what nests deeper than any safetensors header is refused before it is parsed. */
static bool nests_too_deep(const char *text, size_t length)
{
    size_t depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < length; i++) {
        const char c = text[i];
        if (quoted) {
            if (c == '\\')
                i++;
            else if (c == '"')
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            if (++depth > DEPTH_MAX)
                return true;
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return false;
}

static json_t *parse_json(const char *text, size_t length, const char *what, struct reading *reading)
{
    json_error_t error;
    if (nests_too_deep(text, length)) {
        iso_fail(reading->err, "%s: the %s nests deeper than %d levels", reading->name, what, DEPTH_MAX);
        return NULL;
    }
    json_t *json = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (!json)
        iso_fail(reading->err, "%s: the %s is no JSON: %s", reading->name, what, error.text);
    return json;
}

/* A whole number from 0; false: it is none. */
static bool whole(const json_t *json, uint64_t *value)
{
    if (!json_is_integer(json) || json_integer_value(json) < 0)
        return false;
    *value = (uint64_t)json_integer_value(json);
    return true;
}

/* "layers.I.weight" or "layers.I.bias". */
static struct tensor *tensor_named(struct reading *reading, const char *name)
{
    static const char prefix[] = "layers.";
    if (strncmp(name, prefix, sizeof prefix - 1) != 0)
        return NULL;
    const char *digit = name + sizeof prefix - 1;
    size_t layer = 0;
    if (*digit < '0' || *digit > '9' || (*digit == '0' && digit[1] != '.'))
        return NULL;
    for (; *digit >= '0' && *digit <= '9'; digit++)
        if ((layer = layer * 10 + (size_t)(*digit - '0')) >= LAYERS_MAX)
            return NULL;
    if (layer >= reading->count)
        reading->count = layer + 1;
    return strcmp(digit, ".weight") == 0 ? &reading->weight[layer]
           : strcmp(digit, ".bias") == 0 ? &reading->bias[layer]
                                         : NULL;
}

static int read_tensor(struct reading *reading, const char *name, const json_t *json)
{
    struct tensor *tensor = tensor_named(reading, name);
    if (!tensor)
        return iso_fail(reading->err, "%s: tensor \"%.100s\" is none of layers.I.weight and layers.I.bias, "
                        "I from 0 to %d", reading->name, name, LAYERS_MAX - 1);
    const json_t *dtype = json_object_get(json, "dtype"), *shape = json_object_get(json, "shape");
    const json_t *offsets = json_object_get(json, "data_offsets");
    if (!json_is_string(dtype) || strcmp(json_string_value(dtype), "F32") != 0)
        return iso_fail(reading->err, "%s: tensor %s is not of dtype F32", reading->name, name);
    tensor->dimensions = json_array_size(shape); /* 0 for what is no array */
    const bool weight = tensor >= reading->weight && tensor < reading->weight + LAYERS_MAX;
    if (tensor->dimensions != (weight ? 2 : 1))
        return iso_fail(reading->err, "%s: tensor %s must have %s", reading->name, name,
                        weight ? "two dimensions, (outputs, inputs)" : "one dimension, (outputs)");
    uint64_t elements = 1;
    for (size_t d = 0; d < tensor->dimensions; d++) {
        uint64_t n;
        if (!whole(json_array_get(shape, d), &n) || n == 0 || n > INT32_MAX || elements > UINT64_MAX / 4 / n)
            return iso_fail(reading->err, "%s: tensor %s has an impossible shape", reading->name, name);
        tensor->shape[d] = (size_t)n;
        elements *= n;
    }
    if (json_array_size(offsets) != 2 || !whole(json_array_get(offsets, 0), &tensor->begin) ||
        !whole(json_array_get(offsets, 1), &tensor->end) || tensor->begin > tensor->end ||
        tensor->end > reading->data_length)
        return iso_fail(reading->err, "%s: the data_offsets of tensor %s do not lie within the file's %" PRIu64
                        " bytes of data", reading->name, name, reading->data_length);
    if (tensor->end - tensor->begin != elements * 4)
        return iso_fail(reading->err, "%s: tensor %s has %" PRIu64 " bytes, its shape needs %" PRIu64, reading->name,
                        name, tensor->end - tensor->begin, elements * 4);
    return 0;
}

static int by_begin(const void *a, const void *b)
{
    const uint64_t x = (*(const struct tensor *const *)a)->begin, y = (*(const struct tensor *const *)b)->begin;
    return x < y ? -1 : x > y;
}

/* Layers follow each other, and tensors fill the data. */
static int check_layers(struct reading *reading)
{
    struct tensor *all[2 * LAYERS_MAX];
    size_t n = 0;
    if (reading->count == 0)
        return iso_fail(reading->err, "%s: there is no tensor layers.0.weight", reading->name);
    const bool has_bias = reading->bias[0].dimensions > 0;
    for (size_t l = 0; l < reading->count; l++) {
        struct tensor *weight = &reading->weight[l], *bias = &reading->bias[l];
        if (!weight->dimensions)
            return iso_fail(reading->err, "%s: there is no tensor layers.%zu.weight", reading->name, l);
        if ((bias->dimensions > 0) != has_bias)
            return iso_fail(reading->err, "%s: some layers have a bias and others none", reading->name);
        if (bias->dimensions && bias->shape[0] != weight->shape[0])
            return iso_fail(reading->err, "%s: layers.%zu.bias has %zu elements, and the layer %zu outputs",
                            reading->name, l, bias->shape[0], weight->shape[0]);
        if (l > 0 && weight->shape[1] != weight[-1].shape[0])
            return iso_fail(reading->err, "%s: layer %zu takes %zu inputs, and layer %zu gives %zu outputs",
                            reading->name, l, weight->shape[1], l - 1, weight[-1].shape[0]);
        all[n++] = weight;
        if (bias->dimensions)
            all[n++] = bias;
    }
    qsort(all, n, sizeof all[0], by_begin);
    uint64_t end = 0;
    for (size_t i = 0; i < n; i++) {
        if (all[i]->begin != end)
            return iso_fail(reading->err, "%s: tensors %s", reading->name,
                            all[i]->begin < end ? "overlap" : "leave a gap between them");
        end = all[i]->end;
    }
    if (end != reading->data_length)
        return iso_fail(reading->err, "%s: %" PRIu64 " bytes follow the last tensor", reading->name,
                        reading->data_length - end);
    return 0;
}

static void copy_floats(float *to, const unsigned char *from, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const unsigned char *b = from + 4 * i;
        const uint32_t bits = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
        memcpy(&to[i], &bits, sizeof bits);
    }
}

static int copy_layers(struct reading *reading, struct checkpoint *checkpoint)
{
    checkpoint->count = reading->count;
    checkpoint->layers = arena_zero(checkpoint->arena, reading->count, sizeof *checkpoint->layers);
    for (size_t l = 0; checkpoint->layers && l < reading->count; l++) {
        struct checkpoint_layer *layer = &checkpoint->layers[l];
        const struct tensor *weight = &reading->weight[l], *bias = &reading->bias[l];
        layer->outputs = weight->shape[0];
        layer->inputs = weight->shape[1];
        layer->weight = arena_zero(checkpoint->arena, layer->outputs * layer->inputs, sizeof(float));
        if (bias->dimensions)
            layer->bias = arena_zero(checkpoint->arena, layer->outputs, sizeof(float));
        if (!layer->weight || (bias->dimensions && !layer->bias))
            return error_memory(reading->err);
        copy_floats(layer->weight, reading->data + weight->begin, layer->outputs * layer->inputs);
        if (layer->bias)
            copy_floats(layer->bias, reading->data + bias->begin, layer->outputs);
    }
    return checkpoint->layers ? 0 : error_memory(reading->err);
}

/* A number for all inputs, or a list of one each. */
static int read_numbers(struct reading *reading, struct arena *arena, const json_t *json, size_t n, const float **out)
{
    float *values = arena_zero(arena, n, sizeof *values);
    if (!values)
        return error_memory(reading->err);
    if (!json_is_number(json) && json_array_size(json) != n)
        return iso_fail(reading->err, "%s: its normalisation must have a number, or a list of %zu, as factor and shift",
                        reading->name, n);
    for (size_t i = 0; i < n; i++) {
        const json_t *each = json_is_number(json) ? json : json_array_get(json, i);
        if (!json_is_number(each))
            return iso_fail(reading->err, "%s: its normalisation holds something else than numbers", reading->name);
        values[i] = (float)json_number_value(each);
    }
    *out = values;
    return 0;
}

static int read_classes(struct reading *reading, struct checkpoint *checkpoint, const char *text)
{
    json_t *json = parse_json(text, strlen(text), "list of classes", reading);
    const size_t outputs = checkpoint->layers[checkpoint->count - 1].outputs;
    int status = -1;
    if (!json)
        return -1;
    if (json_array_size(json) != outputs) {
        iso_fail(reading->err, "%s: it names %zu classes for %zu outputs", reading->name, json_array_size(json),
                 outputs);
        goto out;
    }
    checkpoint->class_names = arena_zero(checkpoint->arena, outputs, sizeof *checkpoint->class_names);
    for (size_t o = 0; checkpoint->class_names && o < outputs; o++) {
        const char *name = json_string_value(json_array_get(json, o));
        if (!name) {
            iso_fail(reading->err, "%s: the name of class %zu is no text", reading->name, o);
            goto out;
        }
        if (!(checkpoint->class_names[o] = arena_copy(checkpoint->arena, name, strlen(name)))) {
            error_memory(reading->err);
            goto out;
        }
    }
    status = checkpoint->class_names ? 0 : error_memory(reading->err);
out:
    json_decref(json);
    return status;
}

static int read_image(struct reading *reading, struct checkpoint *checkpoint, const char *text)
{
    json_t *json = parse_json(text, strlen(text), "description of images", reading);
    if (!json)
        return -1;
    const json_t *white = json_object_get(json, "white");
    const size_t inputs = checkpoint->layers[0].inputs;
    uint64_t height, width, channels;
    checkpoint->white = json_number_value(white);
    const bool good = whole(json_object_get(json, "height"), &height) &&
                      whole(json_object_get(json, "width"), &width) &&
                      whole(json_object_get(json, "channels"), &channels) && height && width &&
                      (channels == 1 || channels == 3) && height <= inputs && width <= inputs / height &&
                      height * width * channels == inputs && checkpoint->white > 0;
    json_decref(json);
    if (!good)
        return iso_fail(reading->err, "%s: its images are not %zu inputs of 1 or 3 channels", reading->name, inputs);
    checkpoint->height = (size_t)height;
    checkpoint->width = (size_t)width;
    checkpoint->channels = (size_t)channels;
    return 0;
}

static int read_metadata(struct reading *reading, struct checkpoint *checkpoint, const json_t *metadata)
{
    const char *key;
    json_t *value;
    if (metadata && !json_is_object(metadata))
        return iso_fail(reading->err, "%s: its __metadata__ is no object", reading->name);
    json_object_foreach ((json_t *)metadata, key, value)
        if (!json_is_string(value) || strlen(json_string_value(value)) != json_string_length(value))
            return iso_fail(reading->err, "%s: \"%.100s\" of its __metadata__ is no text", reading->name, key);
    const char *recipe = json_string_value(json_object_get(metadata, "recipe"));
    const char *classes = json_string_value(json_object_get(metadata, "classes"));
    const char *step = json_string_value(json_object_get(metadata, "step"));
    const char *normalisation = json_string_value(json_object_get(metadata, "normalisation"));
    const char *image = json_string_value(json_object_get(metadata, "image"));
    int64_t steps;
    if (step && number_int(step, &steps) && steps >= 0)
        checkpoint->step = (uint64_t)steps;
    if (recipe && !(checkpoint->recipe = arena_copy(checkpoint->arena, recipe, strlen(recipe))))
        return error_memory(reading->err);
    if ((classes && read_classes(reading, checkpoint, classes)) || (image && read_image(reading, checkpoint, image)))
        return -1;
    if (normalisation) {
        json_t *json = parse_json(normalisation, strlen(normalisation), "normalisation", reading);
        const size_t inputs = checkpoint->layers[0].inputs;
        const int status = !json || read_numbers(reading, checkpoint->arena, json_object_get(json, "factor"), inputs,
                                                 &checkpoint->factor) ||
                           read_numbers(reading, checkpoint->arena, json_object_get(json, "shift"), inputs,
                                        &checkpoint->shift);
        json_decref(json);
        if (status)
            return -1;
    }
    return 0;
}

static int parse(struct reading *reading, struct checkpoint *checkpoint, const char *file, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)file;
    uint64_t header_length = 0;
    if (length < 8)
        return iso_fail(reading->err, "%s is no safetensors file: it has %zu bytes", reading->name, length);
    for (int k = 0; k < 8; k++)
        header_length |= (uint64_t)bytes[k] << 8 * k;
    if (header_length > length - 8 || header_length > HEADER_MAX || header_length < 2 || bytes[8] != '{')
        return iso_fail(reading->err, "%s is no safetensors file, or it is cut short: its header does not fit in its "
                        "%zu bytes", reading->name, length);
    reading->data = bytes + 8 + header_length;
    reading->data_length = length - 8 - header_length;

    json_t *header = parse_json(file + 8, (size_t)header_length, "header", reading), *value;
    const char *name;
    int status = -1;
    if (!header)
        return -1;
    json_object_foreach (header, name, value)
        if (strcmp(name, "__metadata__") != 0 && read_tensor(reading, name, value))
            goto out;
    if (check_layers(reading) || copy_layers(reading, checkpoint))
        goto out;
    status = read_metadata(reading, checkpoint, json_object_get(header, "__metadata__"));
out:
    json_decref(header);
    return status;
}

struct checkpoint *checkpoint_parse(const char *name, const char *bytes, size_t length, struct iso_error *err)
{
    struct checkpoint *checkpoint = calloc(1, sizeof *checkpoint);
    struct reading *reading = calloc(1, sizeof *reading);
    int status = -1;
    if (checkpoint && reading && (checkpoint->arena = arena_new())) {
        reading->name = name;
        reading->err = err;
        status = parse(reading, checkpoint, bytes, length);
    } else {
        error_memory(err);
    }
    free(reading);
    if (status) {
        checkpoint_free(checkpoint);
        return NULL;
    }
    return checkpoint;
}

struct checkpoint *checkpoint_read(const char *path, struct iso_error *err)
{
    size_t length;
    char *bytes = file_read(path, (size_t)1 << 34, &length, err);
    struct checkpoint *checkpoint = bytes ? checkpoint_parse(path, bytes, length, err) : NULL;
    free(bytes);
    return checkpoint;
}

void checkpoint_free(struct checkpoint *checkpoint)
{
    if (!checkpoint)
        return;
    arena_free(checkpoint->arena);
    free(checkpoint);
}

int checkpoint_load(const struct checkpoint *checkpoint, struct network *network, struct iso_error *err)
{
    if (checkpoint->count != network_layers(network))
        return iso_fail(err, "it has %zu layers of weights, and the model %zu", checkpoint->count,
                        network_layers(network));
    for (size_t l = 0; l < checkpoint->count; l++) {
        const struct checkpoint_layer *layer = &checkpoint->layers[l];
        float *bias = network_bias(network, l);
        if (layer->inputs != network_inputs(network, l) || layer->outputs != network_outputs(network, l))
            return iso_fail(err, "its layer %zu is %zu x %zu (outputs x inputs), and the model's %zu x %zu", l,
                            layer->outputs, layer->inputs, network_outputs(network, l), network_inputs(network, l));
        if (!layer->bias != !bias)
            return iso_fail(err, "it has %s, and the model %s", layer->bias ? "biases" : "no biases",
                            bias ? "has some" : "has none");
        network_import(network, l, layer->weight);
        if (bias)
            memcpy(bias, layer->bias, layer->outputs * sizeof *bias);
    }
    return 0;
}
