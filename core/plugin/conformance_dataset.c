/* Conformance of datasets: tables that hold what they say, the same examples each time; for data without end, example i
 * a function of (seed, i) alone. Published files that are not here are a skip. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/checking.h"
#include "recipe/utf8.h"

enum { DRAWN = 64, DRAWN_ALIKE = 48 }; /* there may be few different examples, but not one */

struct open_call {
    const struct iso_dataset *ops;
    const struct instance *instance;
    enum iso_split split;
    struct iso_table table;
    struct iso_error err;
    int status;
};

static void run_open(void *context)
{
    struct open_call *call = context;
    call->status = call->ops->open(call->instance->state, &call->instance->host, call->split, &call->table,
                                   &call->err);
}

struct draw_call {
    const struct iso_dataset *ops;
    const void *state;
    struct iso_rng rng;
    size_t n;
    const uint64_t *index;
    struct iso_drawn out;
};

static void run_draw(void *context)
{
    struct draw_call *call = context;
    call->ops->draw(call->state, &call->rng, call->n, call->index, &call->out);
}

static const char *split_name(enum iso_split split)
{
    return split == ISO_SPLIT_TRAIN ? "training" : "test";
}

/* Whether one of the data set's published files can not be had; its error then. */
static bool files_absent(const struct check *check, struct iso_error *err)
{
    const struct iso_host *host = &check->instance->host;
    for (const struct iso_data_file *file = check->plugin->ops.dataset.files; file && file->name; file++) {
        struct iso_bytes bytes = { .size = sizeof bytes };
        check_pulse(check);
        if (host->file(host, file->name, file->length, &bytes, err))
            return true;
    }
    return false;
}

/* 0, or -1 after a failure or skip was told. */
static int open_split(struct check *check, enum iso_split split, struct iso_table *table)
{
    struct open_call call = { .ops = &check->plugin->ops.dataset,
                              .instance = check->instance,
                              .split = split,
                              .table = { .size = sizeof call.table, .scale = 1 },
                              .err = ERROR_NONE };
    struct iso_error absent = ERROR_NONE;
    if (!check_call_free(check, "open", run_open, &call))
        return -1;
    *table = call.table;
    if (!call.status)
        return 0;
    if (!call.err.text[0])
        check_fail(check, "open", "words", "fails for the %s split without saying why", split_name(split));
    else if (files_absent(check, &absent))
        check_skip(check, "data", "its data are not here: %.*s", (int)strcspn(absent.text, "\n"), absent.text);
    else if (!check->defaults) /* values that do not go with the others', as setup may refuse them */
        check_skip(check, check->setting, "it refuses this value alone: %s", call.err.text);
    else
        check_fail(check, "open", "fails", "fails for the %s split: %s", split_name(split), call.err.text);
    return -1;
}

static uint32_t label_at(const struct iso_table *table, size_t i)
{
    const uint8_t *bytes = table->labels + i * table->label_stride;
    uint32_t label = 0;
    for (int k = table->label_width - 1; k >= 0; k--)
        label = label << 8 | bytes[k];
    return label;
}

static bool check_shape(struct check *check, const struct iso_table *table, enum iso_split split)
{
    const char *name = split_name(split);
    const bool endless = table->examples == 0, drawn = check->plugin->ops.dataset.draw != NULL;
    const size_t failures = check->report->failures;
    if (table->inputs < 1 || table->outputs < 1 || table->inputs > INT32_MAX || table->outputs > INT32_MAX)
        check_fail(check, "open", "shape", "the %s split has %zu inputs and %zu outputs: expected 1 to %ld of each",
                   name, table->inputs, table->outputs, (long)INT32_MAX);
    if (table->examples > UINT32_MAX)
        check_fail(check, "open", "examples", "the %s split has %zu examples: expected at most %lu", name,
                   table->examples, (unsigned long)UINT32_MAX);
    if (!isfinite(table->scale) || !isfinite(table->offset) || table->scale == 0)
        check_fail(check, "open", "scale", "the %s split has scale %g and offset %g: expected finite numbers, the "
                                           "scale not 0", name, table->scale, table->offset);
    if (endless && (!drawn || table->bytes || table->floats))
        check_fail(check, "open", "endless", "the %s split has no examples: %s", name,
                   drawn ? "data without end has no bytes or floats" : "data without end needs draw");
    if (!endless && !table->bytes == !table->floats)
        check_fail(check, "open", "features", "the %s split has %s of bytes and floats: expected one", name,
                   table->bytes ? "both" : "none");
    if (!endless && table->row_stride < table->inputs)
        check_fail(check, "open", "stride", "the %s split has a row_stride of %zu for %zu inputs", name,
                   table->row_stride, table->inputs);
    if (!endless && !table->labels == !table->targets)
        check_fail(check, "open", "targets", "the %s split has %s of labels and targets: expected one", name,
                   table->labels ? "both" : "none");
    if (table->labels && (table->label_width != 1 && table->label_width != 2 && table->label_width != 4))
        check_fail(check, "open", "label_width", "the %s split has labels of %d bytes: expected 1, 2 or 4", name,
                   table->label_width);
    if (table->labels && table->label_stride < (size_t)table->label_width)
        check_fail(check, "open", "label_stride", "the %s split has labels of %d bytes every %zu bytes", name,
                   table->label_width, table->label_stride);
    if ((table->height || table->width || table->channels) &&
        table->height * table->width * table->channels != table->inputs)
        check_fail(check, "open", "image", "the %s split has images of %zu x %zu x %zu for %zu inputs", name,
                   table->height, table->width, table->channels, table->inputs);
    for (size_t k = 0; table->class_names && k < table->outputs; k++)
        if (!utf8_printable(table->class_names[k]))
            check_fail(check, "open", "class_names", "class %zu of %zu has no name, a line of text in UTF-8", k,
                       table->outputs);
    return check->report->failures == failures;
}

/* A table's examples, read where a crash is caught: it may state more than there are. */
struct reading {
    struct check *check;
    const struct iso_table *table;
    enum iso_split split;
    uint64_t *digests; /* one an example */
    bool again; /* compare with them, else set them */
    const char *when; /* this is */
};

static void check_contents(struct check *check, const struct iso_table *table, enum iso_split split)
{
    for (size_t i = 0; i < table->examples; i++) {
        for (size_t j = 0; table->floats && j < table->inputs; j++)
            if (!isfinite(table->floats[i * table->row_stride + j])) {
                check_fail(check, "open", "finite", "%s example %zu, input %zu: expected a finite number, got %g",
                           split_name(split), i, j, (double)table->floats[i * table->row_stride + j]);
                return;
            }
        for (size_t j = 0; table->targets && j < table->outputs; j++)
            if (!isfinite(table->targets[i * table->outputs + j])) {
                check_fail(check, "open", "finite", "%s example %zu, target %zu: expected a finite number, got %g",
                           split_name(split), i, j, (double)table->targets[i * table->outputs + j]);
                return;
            }
        if (table->labels && label_at(table, i) >= table->outputs) {
            check_fail(check, "open", "labels", "%s example %zu: expected a label below %zu, got %u",
                       split_name(split), i, table->outputs, label_at(table, i));
            return;
        }
    }
}

static uint64_t mix(uint64_t digest, const void *data, size_t bytes)
{
    const unsigned char *at = data;
    for (size_t i = 0; i < bytes; i++)
        digest = (digest ^ at[i]) * UINT64_C(0x100000001b3); /* FNV-1a */
    return digest;
}

static uint64_t digest_of(const struct iso_table *table, size_t i)
{
    const uint32_t label = table->labels ? label_at(table, i) : 0;
    uint64_t digest = mix(UINT64_C(0xcbf29ce484222325), &label, sizeof label);
    if (table->targets)
        digest = mix(digest, table->targets + i * table->outputs, table->outputs * sizeof *table->targets);
    return table->bytes ? mix(digest, table->bytes + i * table->row_stride, table->inputs)
                        : mix(digest, table->floats + i * table->row_stride, table->inputs * sizeof *table->floats);
}

static void run_reading(void *context)
{
    const struct reading *reading = context;
    const struct iso_table *table = reading->table;
    if (!reading->again)
        check_contents(reading->check, table, reading->split);
    for (size_t i = 0; i < table->examples; i++) {
        const uint64_t digest = digest_of(table, i);
        if (!reading->again) {
            reading->digests[i] = digest;
        } else if (digest != reading->digests[i]) {
            check_fail(reading->check, "open", "again", "%s example %zu is another one %s", split_name(reading->split),
                       i, reading->when);
            return;
        }
    }
}

static bool read_examples(struct reading reading)
{
    struct text text = { 0 };
    text_format(&text, "when the %zu examples that its %s table states are read", reading.table->examples,
                split_name(reading.split));
    reading.check->circumstance = text.data;
    const bool good = check_call_free(reading.check, "open", run_reading, &reading);
    reading.check->circumstance = NULL;
    text_free(&text);
    return good;
}

static bool same_shape(const struct iso_table *a, const struct iso_table *b)
{
    return a->inputs == b->inputs && a->outputs == b->outputs && !a->bytes == !b->bytes && !a->labels == !b->labels;
}

/* Reads a split, and once more when it was opened again, which must give the same examples. */
static bool check_split(struct check *check, const struct iso_table *table, enum iso_split split, uint64_t *digests)
{
    struct iso_table again;
    if (!read_examples((struct reading){ check, table, split, digests, false, "" }) ||
        open_split(check, split, &again))
        return false;
    if (table->examples != again.examples || !same_shape(table, &again)) {
        check_fail(check, "open", "again", "the %s split opened again has another shape: expected %zu examples of %zu "
                                           "inputs, got %zu of %zu", split_name(split), table->examples,
                   table->inputs, again.examples, again.inputs);
        return false;
    }
    return read_examples((struct reading){ check, &again, split, digests, true, "when the data are opened again" });
}

/* Room for n drawn examples in guarded arrays. */
static bool make_drawn(struct check *check, const struct iso_table *shape, size_t n, struct iso_drawn *out)
{
    const struct iso_dataset *ops = &check->plugin->ops.dataset;
    *out = (struct iso_drawn){ .size = sizeof *out };
    if (ops->storage == ISO_STORED_BYTES)
        out->bytes = check_array(check, "bytes", n * shape->inputs, 1);
    else
        out->floats = check_floats(check, "floats", n * shape->inputs);
    if (ops->regression)
        out->targets = check_floats(check, "targets", n * shape->outputs);
    else
        out->labels = check_array(check, "labels", n, sizeof *out->labels);
    for (size_t k = 0; out->floats && k < n * shape->inputs; k++)
        out->floats[k] = NAN;
    for (size_t k = 0; out->targets && k < n * shape->outputs; k++)
        out->targets[k] = NAN;
    for (size_t k = 0; out->labels && k < n; k++)
        out->labels[k] = -1;
    return !check->broken;
}

/* Example a of one drawing against example b of another. */
static bool same_example(const struct iso_table *shape, const struct iso_drawn *p, size_t a, const struct iso_drawn *q,
                         size_t b)
{
    const size_t inputs = shape->inputs, outputs = shape->outputs;
    return (p->bytes ? !memcmp(p->bytes + a * inputs, q->bytes + b * inputs, inputs)
                     : !memcmp(p->floats + a * inputs, q->floats + b * inputs, inputs * sizeof *p->floats)) &&
           (p->labels ? p->labels[a] == q->labels[b]
                      : !memcmp(p->targets + a * outputs, q->targets + b * outputs, outputs * sizeof *p->targets));
}

static bool check_drawn(struct check *check, const struct iso_table *shape, const struct iso_drawn *out,
                        const uint64_t *index)
{
    for (size_t k = 0; k < DRAWN; k++) {
        for (size_t j = 0; out->floats && j < shape->inputs; j++)
            if (!isfinite(out->floats[k * shape->inputs + j])) {
                check_fail(check, "draw", "finite", "example %llu, input %zu: expected a finite number, got %g",
                           (unsigned long long)index[k], j, (double)out->floats[k * shape->inputs + j]);
                return false;
            }
        for (size_t j = 0; out->targets && j < shape->outputs; j++)
            if (!isfinite(out->targets[k * shape->outputs + j])) {
                check_fail(check, "draw", "finite", "example %llu, target %zu: expected a finite number, got %g",
                           (unsigned long long)index[k], j, (double)out->targets[k * shape->outputs + j]);
                return false;
            }
        if (out->labels && (out->labels[k] < 0 || (size_t)out->labels[k] >= shape->outputs)) {
            check_fail(check, "draw", "labels", "example %llu: expected a label below %zu, got %d",
                       (unsigned long long)index[k], shape->outputs, (int)out->labels[k]);
            return false;
        }
    }
    return true;
}

/* A thread's call, and what it gives alone. */
struct threaded {
    struct draw_call call;
    const struct iso_table *shape;
    struct iso_drawn alone;
};

static void run_threaded(void *context)
{
    run_draw(&((struct threaded *)context)->call);
}

static bool same_threaded(void *context)
{
    const struct threaded *threaded = context;
    for (size_t k = 0; k < threaded->call.n; k++)
        if (!same_example(threaded->shape, &threaded->call.out, k, &threaded->alone, k))
            return false;
    return true;
}

/* Each thread draws examples of its own. */
static bool check_parallel(struct check *check, const struct iso_table *shape, const struct draw_call *whole,
                           const uint64_t *index)
{
    struct threaded threaded[CHECK_THREADS];
    void *contexts[CHECK_THREADS];
    const size_t n = DRAWN / CHECK_THREADS;
    for (size_t k = 0; k < CHECK_THREADS; k++) {
        threaded[k] = (struct threaded){ .call = *whole, .shape = shape };
        threaded[k].call.n = n;
        threaded[k].call.index = index + k * n;
        contexts[k] = &threaded[k];
        if (!make_drawn(check, shape, n, &threaded[k].alone) || !make_drawn(check, shape, n, &threaded[k].call.out))
            return false;
        struct draw_call alone = threaded[k].call;
        alone.out = threaded[k].alone;
        if (!check_call(check, "draw", run_draw, &alone))
            return false;
    }
    return check_at_once(check, "draw", run_threaded, same_threaded, contexts);
}

static size_t count_same(const struct iso_table *shape, const struct iso_drawn *p, const struct iso_drawn *q)
{
    size_t equal = 0;
    for (size_t k = 0; k < DRAWN; k++)
        equal += same_example(shape, p, k, q, k);
    return equal;
}

/* Validation and test examples are those of high numbers: a number that is cut to 32 bits makes them training
 * examples. */
static void check_high(struct check *check, const struct iso_table *shape, struct draw_call call, uint64_t *index,
                       const struct iso_drawn *first)
{
    static const int bits[] = { 32, 40, 53, 61, 62 };
    const struct guard *mark = check->guards;
    for (size_t b = 0; b < sizeof bits / sizeof *bits; b++) {
        struct iso_drawn high;
        if (!make_drawn(check, shape, DRAWN, &high))
            return;
        for (size_t k = 0; k < DRAWN; k++)
            index[k] ^= UINT64_C(1) << bits[b];
        call.out = high;
        const bool good = check_call(check, "draw", run_draw, &call);
        for (size_t k = 0; k < DRAWN; k++)
            index[k] ^= UINT64_C(1) << bits[b];
        if (!good)
            return;
        const size_t equal = count_same(shape, first, &high);
        if (equal > DRAWN_ALIKE) {
            check_fail(check, "draw", "high", "example i + 2^%d is example i for %zu of %d: expected others, for "
                                              "validation and test examples have high numbers (all 64 bits of index "
                                              "count)", bits[b], equal, DRAWN);
            return;
        }
        check_release(check, mark);
    }
}

static void check_draw(struct check *check, const struct iso_table *shape)
{
    const struct iso_dataset *ops = &check->plugin->ops.dataset;
    uint64_t *index = check_array(check, "index", DRAWN, sizeof *index);
    uint64_t *backward = check_array(check, "index", DRAWN, sizeof *backward);
    uint64_t *one = check_array(check, "index", 1, sizeof *one);
    struct draw_call call = { .ops = ops, .state = check->instance->state, .n = DRAWN, .index = index };
    struct iso_drawn first, other;
    if (check->broken || !make_drawn(check, shape, DRAWN, &first))
        return;
    for (size_t k = 0; k < DRAWN; k++)
        index[k] = k < 8 ? k : k < 16 ? ((uint64_t)1 << 40) + k : (uint64_t)check_uniform(30, k, 0, 0, 1e6);
    index[DRAWN - 1] = index[20]; /* twice in one call */
    for (size_t k = 0; k < DRAWN; k++)
        backward[k] = index[DRAWN - 1 - k];
    call.rng = generator_of("examples", 5, 0);
    call.out = first;
    if (!check_call(check, "draw", run_draw, &call) || !check_drawn(check, shape, &first, index))
        return;
    if (!same_example(shape, &first, 20, &first, DRAWN - 1)) {
        check_fail(check, "draw", "index", "example %llu, drawn twice in one call, is another one the second time",
                   (unsigned long long)index[20]);
        return;
    }
    call.index = backward;
    if (!make_drawn(check, shape, DRAWN, &other))
        return;
    call.out = other;
    if (!check_call(check, "draw", run_draw, &call))
        return;
    for (size_t k = 0; k < DRAWN; k++)
        if (!same_example(shape, &first, k, &other, DRAWN - 1 - k)) {
            check_fail(check, "draw", "index", "example %llu is another one when drawn in another order: it must be a "
                                               "function of the seed and its number alone",
                       (unsigned long long)index[k]);
            return;
        }
    for (size_t k = 0; k < DRAWN; k += 7) {
        const struct guard *mark = check->guards;
        *one = index[k];
        call.index = one;
        call.n = 1;
        if (!make_drawn(check, shape, 1, &other))
            return;
        call.out = other;
        if (!check_call(check, "draw", run_draw, &call))
            return;
        if (!same_example(shape, &first, k, &other, 0)) {
            check_fail(check, "draw", "index", "example %llu is another one when drawn alone: it must be a function "
                                               "of the seed and its number alone", (unsigned long long)index[k]);
            return;
        }
        check_release(check, mark);
    }
    call.index = index;
    call.n = DRAWN;
    check_high(check, shape, call, index, &first);
    if (!check_parallel(check, shape, &call, index) || !make_drawn(check, shape, DRAWN, &other))
        return;
    call = (struct draw_call){ ops, call.state, generator_of("examples", 6, 0), DRAWN, index, other };
    if (!check_call(check, "draw", run_draw, &call))
        return;
    const size_t equal = count_same(shape, &first, &other);
    if (equal > DRAWN_ALIKE)
        check_fail(check, "draw", "seed", "%zu of %d examples are the same for another seed: expected random numbers "
                                          "from `rng`", equal, DRAWN);
}

/* Of fewer examples, all that there are (a truth table, say) may well be both. */
enum { LEAK_LEAST = 100 };

static void check_finite(struct check *check, const struct iso_table tables[2], uint64_t *const digests[2])
{
    size_t equal = 0;
    if (!check_split(check, &tables[0], ISO_SPLIT_TRAIN, digests[0]) ||
        !check_split(check, &tables[1], ISO_SPLIT_TEST, digests[1]) ||
        !read_examples((struct reading){ check, &tables[0], ISO_SPLIT_TRAIN, digests[0], true,
                                         "when the test split was opened: are both in one array?" }))
        return;
    for (size_t i = 0; i < tables[0].examples && i < tables[1].examples; i++)
        equal += digests[0][i] == digests[1][i];
    if (equal == tables[1].examples && equal >= LEAK_LEAST)
        check_fail(check, "open", "leak", "the test split holds the first %zu training examples: expected examples of "
                                          "its own", equal);
}

void check_dataset(struct check *check)
{
    struct iso_table tables[2];
    struct iso_error absent = ERROR_NONE;
    files_absent(check, &absent); /* decodes them, which takes its time, before open is called */
    for (int split = ISO_SPLIT_TRAIN; split <= ISO_SPLIT_TEST; split++)
        if (open_split(check, (enum iso_split)split, &tables[split]) ||
            !check_shape(check, &tables[split], (enum iso_split)split))
            return;
    if (!same_shape(&tables[0], &tables[1]) || !tables[0].examples != !tables[1].examples) {
        check_fail(check, "open", "splits", "the splits differ in shape: %zu inputs and %zu outputs for training, %zu "
                                            "and %zu for test", tables[0].inputs, tables[0].outputs, tables[1].inputs,
                   tables[1].outputs);
    } else if (tables[0].examples) {
        uint64_t *digests[2] = { memory_array(tables[0].examples, sizeof *digests[0]),
                                 memory_array(tables[1].examples, sizeof *digests[1]) };
        if (digests[0] && digests[1])
            check_finite(check, tables, digests);
        else
            check_fail(check, "conformance", "memory", "out of memory");
        free(digests[0]);
        free(digests[1]);
    } else {
        if (check->plugin->descriptor.state_size)
            memcpy(check->state, check->instance->state, check->plugin->descriptor.state_size);
        check_draw(check, &tables[0]);
    }
}
