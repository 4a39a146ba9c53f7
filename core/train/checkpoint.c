/* Writing checkpoints. Numbers are little-endian, whatever the machine. */
#include "train/checkpoint.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/memory.h"
#include "base/numbers.h"

static void put_floats(unsigned char *to, const float *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        for (int k = 0; k < 4; k++)
            to[4 * i + (size_t)k] = (unsigned char)(bits >> 8 * k);
    }
}

/* One number where all are equal, else a list. */
static void add_numbers(struct text *text, const float *values, size_t n)
{
    char number[NUMBER_TEXT];
    size_t distinct = 1;
    for (size_t i = 1; i < n && distinct == 1; i++)
        if (values[i] != values[0])
            distinct = n;
    if (distinct > 1)
        text_add_string(text, "[");
    for (size_t i = 0; i < distinct; i++) {
        number_export_float((double)values[i], number);
        text_format(text, "%s%s", i ? "," : "", number);
    }
    if (distinct > 1)
        text_add_string(text, "]");
}

/* Takes text over. */
static int set_text(json_t *object, const char *key, struct text *text)
{
    char *data = text_take(text);
    json_t *value = data ? json_string(data) : NULL;
    free(data);
    return value ? json_object_set_new(object, key, value) : -1;
}

/* The trial's recipe, but for whether it was trained together with others, which changes nothing. */
static int add_recipe(json_t *object, const struct settings *settings)
{
    struct text text = { 0 };
    struct tree *tree = tree_copy(settings->tree);
    if (!tree)
        return -1;
    node_remove(node_get(tree->root, "train"), "share_batches");
    node_yaml(tree->root, &text);
    tree_free(tree);
    return set_text(object, "recipe", &text);
}

static json_t *metadata(const struct settings *settings, const struct data *data, uint64_t step)
{
    const struct data_shape *shape = data_shape(data);
    json_t *object = json_object();
    struct text text = { 0 };
    if (!object || json_object_set_new(object, "format", json_string("isoflop")))
        goto failed;
    text_format(&text, "%" PRIu64, step);
    if (set_text(object, "step", &text))
        goto failed;
    if (add_recipe(object, settings))
        goto failed;
    const float *factor, *shift;
    data_normalisation(data, &factor, &shift);
    if (factor && shift) {
        text_add_string(&text, "{\"factor\":");
        add_numbers(&text, factor, shape->inputs);
        text_add_string(&text, ",\"shift\":");
        add_numbers(&text, shift, shape->inputs);
        text_add_string(&text, "}");
        if (set_text(object, "normalisation", &text))
            goto failed;
    }
    if (shape->height) {
        text_format(&text, "{\"height\":%zu,\"width\":%zu,\"channels\":%zu,\"white\":%g}", shape->height, shape->width,
                    shape->channels, shape->white);
        if (set_text(object, "image", &text))
            goto failed;
    }
    if (shape->class_names) {
        json_t *names = json_array();
        for (size_t o = 0; names && o < shape->outputs; o++)
            if (json_array_append_new(names, json_string(shape->class_names[o]))) {
                json_decref(names);
                names = NULL;
            }
        char *encoded = names ? json_dumps(names, JSON_COMPACT) : NULL;
        json_decref(names);
        const int set = encoded ? json_object_set_new(object, "classes", json_string(encoded)) : -1;
        free(encoded);
        if (set)
            goto failed;
    }
    return object;
failed:
    text_free(&text);
    json_decref(object);
    return NULL;
}

static int describe(json_t *header, size_t layer, const char *what, size_t outputs, size_t inputs, size_t *offset)
{
    char name[64];
    snprintf(name, sizeof name, "layers.%zu.%s", layer, what);
    const size_t begin = *offset;
    *offset += outputs * (inputs ? inputs : 1) * sizeof(float);
    json_t *shape = inputs ? json_pack("[I,I]", (json_int_t)outputs, (json_int_t)inputs)
                           : json_pack("[I]", (json_int_t)outputs);
    return json_object_set_new(header, name, json_pack("{s:s,s:o,s:[I,I]}", "dtype", "F32", "shape", shape,
                                                       "data_offsets", (json_int_t)begin, (json_int_t)*offset));
}

void *checkpoint_write(const struct network *network, const struct settings *settings, const struct data *data,
                       uint64_t step, size_t *length, struct iso_error *err)
{
    const size_t layers = network_layers(network);
    const bool has_bias = settings->bias != BIAS_NONE;
    unsigned char *bytes = NULL;
    char *text = NULL;
    float *weights = NULL;
    size_t offset = 0, largest = 0;
    json_t *header = json_object(), *facts = metadata(settings, data, step);
    if (!header || !facts || json_object_set_new(header, "__metadata__", facts)) {
        iso_fail(err, "a checkpoint's metadata can't be written: no memory, or text that is not UTF-8");
        goto out;
    }
    for (size_t l = 0; l < layers; l++) {
        const size_t inputs = network_inputs(network, l), outputs = network_outputs(network, l);
        if (describe(header, l, "weight", outputs, inputs, &offset) ||
            (has_bias && describe(header, l, "bias", outputs, 0, &offset)))
            goto no_memory;
        if (inputs * outputs > largest)
            largest = inputs * outputs;
    }
    text = json_dumps(header, JSON_COMPACT);
    weights = memory_array(largest, sizeof *weights);
    if (!text || !weights)
        goto no_memory;
    /* The header is padded with spaces so that tensors start at a multiple of 8 bytes. */
    const size_t text_length = strlen(text), header_length = (text_length + 7) / 8 * 8;
    *length = 8 + header_length + offset;
    bytes = malloc(*length);
    if (!bytes)
        goto no_memory;
    for (int k = 0; k < 8; k++)
        bytes[k] = (unsigned char)((uint64_t)header_length >> 8 * k);
    memcpy(bytes + 8, text, text_length);
    memset(bytes + 8 + text_length, ' ', header_length - text_length);
    unsigned char *to = bytes + 8 + header_length;
    for (size_t l = 0; l < layers; l++) {
        const size_t outputs = network_outputs(network, l), n = network_inputs(network, l) * outputs;
        network_export(network, l, weights);
        put_floats(to, weights, n);
        to += n * sizeof(float);
        if (has_bias) {
            put_floats(to, network_bias((struct network *)network, l), outputs);
            to += outputs * sizeof(float);
        }
    }
    goto out;
no_memory:
    error_memory(err);
out:
    free(weights);
    free(text);
    json_decref(header);
    return bytes;
}
