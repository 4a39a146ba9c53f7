/* Data sets made up for the tests of core/data: a table in memory, and one without end whose features are the index. */
#ifndef TESTS_DATA_TOY_H
#define TESTS_DATA_TOY_H

#include <stdlib.h>
#include <string.h>

#include "data/data.h"

enum { TOY_TRAIN = 60, TOY_TEST = 25, TOY_INPUTS = 19, TOY_CLASSES = 5 };

struct toy_state {
    int64_t bad; /* 1: a label out of range; 2: a stride that is too short; 3: no labels and no targets */
};

static const struct iso_param toy_params[] = { ISO_INT(struct toy_state, bad, "0", 0, 9, "what is wrong"), { 0 } };

/* Pixel j of example i; bytes of every value occur. Labels go round. */
static inline uint8_t toy_pixel(size_t split, size_t i, size_t j)
{
    return (uint8_t)(i * 37 + j * 11 + split * 101);
}

static inline int toy_open(void *state, const struct iso_host *host, enum iso_split split, struct iso_table *table,
                           struct iso_error *err)
{
    const struct toy_state *toy = state;
    const size_t n = split == ISO_SPLIT_TRAIN ? TOY_TRAIN : TOY_TEST;
    uint8_t *bytes = host->allocate(host, n * TOY_INPUTS, err), *labels = host->allocate(host, n, err);
    if (!bytes || !labels)
        return -1;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < TOY_INPUTS; j++)
            bytes[i * TOY_INPUTS + j] = toy_pixel(split, i, j);
        labels[i] = (uint8_t)(i % TOY_CLASSES);
    }
    if (toy->bad == 1)
        labels[n - 1] = TOY_CLASSES;
    static const char *const names[] = { "a", "b", "c", "d", "e" };
    table->examples = n;
    table->inputs = TOY_INPUTS;
    table->outputs = TOY_CLASSES;
    table->bytes = bytes;
    table->row_stride = toy->bad == 2 ? (size_t)TOY_INPUTS - 1 : (size_t)TOY_INPUTS;
    table->scale = 1 / 255.0;
    table->labels = toy->bad == 3 ? NULL : labels;
    table->label_stride = 1;
    table->label_width = 1;
    table->class_names = names;
    return 0;
}

static const struct plugin toy_plugin = {
    .descriptor = { .abi = ISO_ABI, .kind = ISO_DATASET, .name = "toy", .revision = 1, .summary = "a table",
                    .state_size = sizeof(struct toy_state), .params = toy_params },
    .param_count = 1, .params = (struct iso_param *)(uintptr_t)toy_params,
    .ops.dataset = { .open = toy_open }
};

/* Without end: the features are the bytes of the index and of the key, the label the index modulo the classes. */
static inline int endless_open(void *state, const struct iso_host *host, enum iso_split split, struct iso_table *table,
                               struct iso_error *err)
{
    (void)state, (void)host, (void)split, (void)err;
    table->inputs = 12;
    table->outputs = TOY_CLASSES;
    table->scale = 1 / 255.0;
    return 0;
}

static inline void endless_draw(const void *state, const struct iso_rng *rng, size_t n, const uint64_t *index,
                                const struct iso_drawn *out)
{
    (void)state;
    for (size_t k = 0; k < n; k++) {
        memcpy(out->bytes + 12 * k, &index[k], 8);
        memcpy(out->bytes + 12 * k + 8, &rng->key[0], 4);
        out->labels[k] = (int32_t)(index[k] % TOY_CLASSES);
    }
}

static const struct plugin endless_plugin = {
    .descriptor = { .abi = ISO_ABI, .kind = ISO_DATASET, .name = "endless", .revision = 1, .summary = "without end" },
    .ops.dataset = { .open = endless_open, .draw = endless_draw, .storage = ISO_STORED_BYTES }
};

#endif
