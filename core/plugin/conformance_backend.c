/* Conformance of backends: every product against float64, over odd sizes and batches; layout, tiles and panels. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/checking.h"

/* One layer under test, with its data. X and dY have rows of x_stride and y_stride, wider than what they hold. */
struct layer {
    struct check *check;
    const struct iso_backend *ops;
    void *handle;
    size_t inputs, outputs, batch, rows;
    size_t x_stride, y_stride, length;
    float *x, *dy, *canonical, *weights, *y, *dx, *back;
    uint32_t *index; /* of the inputs that are not all zero; NULL: dense */
    size_t active;
    struct iso_inputs in;
    unsigned char *seen; /* times that an element of y, or a weight, was handed over */
    float *gradients;    /* as panels gave them, in the backend's layout */
    float rate;          /* != 0: the panel callback descends */
    const char *wrong;   /* what a callback found */
    struct iso_error err;
    unsigned threads;
};

static void run_prepare(void *context)
{
    struct layer *layer = context;
    const struct iso_dense dense = { sizeof dense, layer->inputs, layer->outputs, layer->batch, layer->threads,
                                     layer->index != NULL };
    const struct instance *instance = layer->check->instance;
    layer->handle = layer->ops->prepare(instance->state, &instance->host, &dense, &layer->err);
    if (layer->handle)
        layer->length = layer->ops->weights_length(layer->handle);
}

static void run_release(void *context)
{
    struct layer *layer = context;
    layer->ops->release(layer->handle);
}

static void run_import(void *context)
{
    struct layer *layer = context;
    layer->ops->import(layer->handle, layer->canonical, layer->weights);
}

static void run_export(void *context)
{
    struct layer *layer = context;
    layer->ops->export(layer->handle, layer->gradients ? layer->gradients : layer->weights, layer->back);
}

/* Adds 1 to each element, as a bias would, and marks it. */
static void epilogue(void *context, const struct iso_tile *tile)
{
    struct layer *layer = context;
    if (tile->row + tile->rows > layer->rows || tile->column + tile->columns > layer->outputs) {
        layer->wrong = "a tile lies outside of y";
        return;
    }
    if (tile->y != layer->y + tile->row * layer->y_stride + tile->column || tile->stride != layer->y_stride) {
        layer->wrong = "a tile's y or stride does not go with its row and column";
        return;
    }
    for (size_t i = 0; i < tile->rows; i++)
        for (size_t j = 0; j < tile->columns; j++) {
            tile->y[i * tile->stride + j] += 1;
            layer->seen[(tile->row + i) * layer->outputs + tile->column + j]++;
        }
}

static void run_forward(void *context)
{
    struct layer *layer = context;
    layer->ops->forward(layer->handle, &layer->in, layer->weights, layer->y, layer->y_stride, epilogue, layer);
}

static void run_input_gradient(void *context)
{
    struct layer *layer = context;
    layer->ops->input_gradient(layer->handle, layer->rows, layer->dy, layer->y_stride, layer->weights, layer->dx,
                               layer->x_stride);
}

static void panel(void *context, size_t offset, size_t n, float *weights, float *gradients)
{
    struct layer *layer = context;
    if (offset > layer->length || n > layer->length - offset) {
        layer->wrong = "a panel lies outside of the weights";
        return;
    }
    if (weights != layer->weights + offset) {
        layer->wrong = "a panel's weights do not go with its offset";
        return;
    }
    for (size_t i = 0; i < n; i++) {
        layer->seen[offset + i]++;
        layer->gradients[offset + i] = gradients[i];
        weights[i] -= layer->rate * gradients[i];
    }
}

static void run_weight_gradient(void *context)
{
    struct layer *layer = context;
    layer->ops->weight_gradient(layer->handle, &layer->in, layer->dy, layer->y_stride, layer->weights, panel, layer);
}

static void run_descend(void *context)
{
    struct layer *layer = context;
    layer->ops->descend(layer->handle, &layer->in, layer->dy, layer->y_stride, layer->weights, layer->rate);
}

#define SIZES "with %zu inputs, %zu outputs, %zu rows%s"
#define SIZES_OF(layer) (layer)->inputs, (layer)->outputs, (layer)->rows, (layer)->index ? ", sparse inputs" : ""

static double x_at(const struct layer *layer, size_t row, size_t column)
{
    return (double)layer->x[row * layer->x_stride + column];
}

static double dy_at(const struct layer *layer, size_t row, size_t column)
{
    return (double)layer->dy[row * layer->y_stride + column];
}

/* Sums of k products in float32 in any order: k eps of the sum of magnitudes at worst, its root in practice. */
static bool close_to(double got, double expected, double magnitude, size_t k)
{
    return fabs(got - expected) <= 0x1p-24 * (8 + 3 * sqrt((double)k)) * magnitude;
}

/* Elements between the rows' ends and the stride were 77 and stay so. */
static bool check_gaps(struct layer *layer, const char *function, const float *array, size_t columns, size_t stride)
{
    for (size_t i = 0; i < layer->rows; i++)
        for (size_t j = columns; j < stride; j++)
            if (array[i * stride + j] != 77) {
                check_fail(layer->check, function, "stride", "writes between the rows (at row %zu, column %zu of a "
                                                             "result with %zu columns) " SIZES, i, j, columns,
                           SIZES_OF(layer));
                return false;
            }
    return true;
}

static bool check_seen(struct layer *layer, const char *function, const char *what, size_t n)
{
    if (layer->wrong) {
        check_fail(layer->check, function, "callback", "%s " SIZES, layer->wrong, SIZES_OF(layer));
        return false;
    }
    for (size_t k = 0; k < n; k++)
        if (layer->seen[k] != 1) {
            check_fail(layer->check, function, "once", "hands %s %zu over %u times: expected once " SIZES, what, k,
                       layer->seen[k], SIZES_OF(layer));
            return false;
        }
    return true;
}

static bool make_layer(struct check *check, struct layer *layer)
{
    const size_t x_total = layer->batch * layer->x_stride, y_total = layer->batch * layer->y_stride;
    layer->check = check;
    layer->ops = &check->plugin->ops.backend;
    layer->err = ERROR_NONE;
    if (!check_call_free(check, "prepare", run_prepare, layer))
        return false;
    if (!layer->handle) {
        check_fail(check, "prepare", "fails", "fails " SIZES ": %s", SIZES_OF(layer),
                   layer->err.text[0] ? layer->err.text : "it did not say why");
        return false;
    }
    if (layer->length < layer->inputs * layer->outputs ||
        layer->length > 64 * (layer->inputs + 64) * (layer->outputs + 64)) {
        check_fail(check, "weights_length", "length", "gives %zu floats for %zu weights", layer->length,
                   layer->inputs * layer->outputs);
        return false;
    }
    layer->x = check_floats(check, "x", x_total);
    layer->dy = check_floats(check, "dy", y_total);
    layer->canonical = check_floats(check, "canonical", layer->inputs * layer->outputs);
    layer->back = check_floats(check, "canonical", layer->inputs * layer->outputs);
    layer->weights = check_aligned_floats(check, "weights", layer->length);
    layer->y = check_floats(check, "y", y_total);
    layer->dx = check_floats(check, "dx", x_total);
    if (check->broken)
        return false;
    for (size_t k = 0; k < x_total; k++)
        layer->x[k] = k % layer->x_stride < layer->inputs ? (float)check_normal(50, k, 0) : 77;
    for (size_t k = 0; k < y_total; k++)
        layer->dy[k] = k % layer->y_stride < layer->outputs ? (float)check_normal(51, k, 0) : 77;
    for (size_t k = 0; k < layer->inputs * layer->outputs; k++)
        layer->canonical[k] = (float)check_normal(52, k, 0);
    return true;
}

/* The inputs of a call: all, or the active columns alone, compacted. */
static bool make_inputs(struct layer *layer)
{
    struct check *check = layer->check;
    layer->in = (struct iso_inputs){ sizeof layer->in, layer->rows, layer->x, layer->x_stride, layer->inputs, NULL };
    if (!layer->index)
        return true;
    float *compact = check_floats(check, "x", layer->rows * layer->active);
    if (!compact)
        return false;
    for (size_t i = 0; i < layer->rows; i++) {
        size_t c = 0;
        for (size_t j = 0; j < layer->inputs; j++)
            if (c < layer->active && layer->index[c] == j)
                compact[i * layer->active + c++] = layer->x[i * layer->x_stride + j];
            else
                layer->x[i * layer->x_stride + j] = 0;
    }
    check_freeze(check, compact, true);
    layer->in.x = compact;
    layer->in.stride = layer->active;
    layer->in.active = layer->active;
    layer->in.index = layer->index;
    return true;
}

static bool check_import(struct layer *layer)
{
    struct check *check = layer->check;
    const size_t n = layer->inputs * layer->outputs;
    for (size_t k = 0; k < layer->length; k++)
        layer->weights[k] = 77;
    check_freeze(check, layer->canonical, true);
    if (!check_call(check, "import", run_import, layer))
        return false;
    size_t zeros = 0;
    for (size_t k = 0; k < layer->length; k++)
        zeros += layer->weights[k] == 0;
    if (zeros != layer->length - n) {
        check_fail(check, "import", "padding", "leaves %zu zeros in %zu floats that hold %zu weights: expected padding "
                                               "to be zero, and nothing else " SIZES, zeros, layer->length, n,
                   SIZES_OF(layer));
        return false;
    }
    if (!check_call(check, "export", run_export, layer))
        return false;
    const size_t k = check_differ(layer->canonical, layer->back, n);
    if (k < n)
        check_fail(check, "export", "round trip", "does not give back what was imported: weight (%zu, %zu), expected "
                                                  "%.9g, got %.9g " SIZES, k / layer->inputs, k % layer->inputs,
                   (double)layer->canonical[k], (double)layer->back[k], SIZES_OF(layer));
    return k == n;
}

static bool check_forward(struct layer *layer)
{
    struct check *check = layer->check;
    for (size_t k = 0; k < layer->batch * layer->y_stride; k++)
        layer->y[k] = 77;
    layer->seen = check_array(check, "seen", layer->rows * layer->outputs, 1);
    if (!layer->seen || !check_call(check, "forward", run_forward, layer) ||
        !check_seen(layer, "forward", "element", layer->rows * layer->outputs) ||
        !check_gaps(layer, "forward", layer->y, layer->outputs, layer->y_stride))
        return false;
    for (size_t i = 0; i < layer->rows; i++)
        for (size_t o = 0; o < layer->outputs; o++) {
            double sum = 1, magnitude = 1;
            for (size_t j = 0; j < layer->inputs; j++) {
                const double product = x_at(layer, i, j) * (double)layer->canonical[o * layer->inputs + j];
                sum += product;
                magnitude += fabs(product);
            }
            const double got = (double)layer->y[i * layer->y_stride + o];
            if (!close_to(got, sum, magnitude, layer->inputs)) {
                check_fail(check, "forward", "product", "y(%zu, %zu), with 1 added by the epilogue, expected %.9g, got "
                                                        "%.9g " SIZES, i, o, sum, got, SIZES_OF(layer));
                return false;
            }
        }
    return true;
}

static bool check_input_gradient(struct layer *layer)
{
    struct check *check = layer->check;
    for (size_t k = 0; k < layer->batch * layer->x_stride; k++)
        layer->dx[k] = 77;
    if (!check_call(check, "input_gradient", run_input_gradient, layer) ||
        !check_gaps(layer, "input_gradient", layer->dx, layer->inputs, layer->x_stride))
        return false;
    for (size_t i = 0; i < layer->rows; i++)
        for (size_t j = 0; j < layer->inputs; j++) {
            double sum = 0, magnitude = 1e-30;
            for (size_t o = 0; o < layer->outputs; o++) {
                const double product = dy_at(layer, i, o) * (double)layer->canonical[o * layer->inputs + j];
                sum += product;
                magnitude += fabs(product);
            }
            const double got = (double)layer->dx[i * layer->x_stride + j];
            if (!close_to(got, sum, magnitude, layer->outputs)) {
                check_fail(check, "input_gradient", "product", "dx(%zu, %zu), expected %.9g, got %.9g " SIZES, i, j,
                           sum, got, SIZES_OF(layer));
                return false;
            }
        }
    return true;
}

/* layer->back against scale * dY^T X + base * W, W the canonical weights. */
static bool check_weights(struct layer *layer, const char *function, double base, double scale)
{
    for (size_t o = 0; o < layer->outputs; o++)
        for (size_t j = 0; j < layer->inputs; j++) {
            const size_t k = o * layer->inputs + j;
            double sum = base * (double)layer->canonical[k], magnitude = fabs(sum) + 1e-30;
            for (size_t i = 0; i < layer->rows; i++) {
                const double product = scale * dy_at(layer, i, o) * x_at(layer, i, j);
                sum += product;
                magnitude += fabs(product);
            }
            if (!close_to((double)layer->back[k], sum, magnitude, layer->rows)) {
                check_fail(layer->check, function, "product", "%s (%zu, %zu), expected %.9g, got %.9g " SIZES,
                           base == 0 ? "gradient of weight" : "weight", o, j, sum, (double)layer->back[k],
                           SIZES_OF(layer));
                return false;
            }
        }
    return true;
}

static bool check_padding(struct layer *layer, const char *function, const unsigned char *is_padding)
{
    for (size_t k = 0; k < layer->length; k++)
        if (is_padding[k] && layer->weights[k] != 0) {
            check_fail(layer->check, function, "padding", "padding at float %zu of %zu is not zero any more " SIZES, k,
                       layer->length, SIZES_OF(layer));
            return false;
        }
    return true;
}

static bool check_weight_gradient(struct layer *layer, const unsigned char *is_padding)
{
    struct check *check = layer->check;
    float *gradients = check_floats(check, "gradients", layer->length);
    layer->seen = check_array(check, "seen", layer->length, 1);
    if (!gradients || !layer->seen)
        return false;
    layer->gradients = gradients;
    layer->rate = 0.25f;
    if (!check_call(check, "weight_gradient", run_weight_gradient, layer) ||
        !check_seen(layer, "weight_gradient", "weight", layer->length) ||
        !check_call(check, "export", run_export, layer) || !check_weights(layer, "weight_gradient", 0, 1))
        return false;
    layer->gradients = NULL;
    return check_padding(layer, "weight_gradient", is_padding) && check_call(check, "export", run_export, layer) &&
           check_weights(layer, "weight_gradient", 1, -0.25);
}

static bool check_descend(struct layer *layer, const unsigned char *is_padding)
{
    struct check *check = layer->check;
    layer->rate = 0.125f;
    return check_call(check, "import", run_import, layer) && check_call(check, "descend", run_descend, layer) &&
           check_padding(layer, "descend", is_padding) && check_call(check, "export", run_export, layer) &&
           check_weights(layer, "descend", 1, -0.125);
}

struct size {
    size_t inputs, outputs, batch, rows;
    unsigned threads;
    bool sparse;
};

/* The results of a forward product and of a descent, for comparing bits. */
static bool check_size(struct check *check, const struct size *size, float *result)
{
    struct layer layer = { .inputs = size->inputs,
                           .outputs = size->outputs,
                           .batch = size->batch,
                           .rows = size->rows,
                           .threads = size->threads,
                           .x_stride = size->inputs + size->inputs % 3,
                           .y_stride = size->outputs + size->outputs % 4 };
    bool good = false;
    if (size->sparse) {
        layer.index = check_array(check, "index", size->inputs, sizeof *layer.index);
        for (size_t j = 0; layer.index && j < size->inputs; j++)
            if (check_uniform(53, j, 0, 0, 1) < 0.6)
                layer.index[layer.active++] = (uint32_t)j;
    }
    if (check->broken || !make_layer(check, &layer) || !make_inputs(&layer) || !check_import(&layer))
        return false;
    unsigned char *is_padding = check_array(check, "padding", layer.length, 1);
    if (!is_padding)
        return false;
    for (size_t k = 0; k < layer.length; k++)
        is_padding[k] = layer.weights[k] == 0;
    check_freeze(check, layer.weights, true);
    check_freeze(check, layer.dy, true);
    check_freeze(check, layer.x, true);
    good = check_forward(&layer) && check_input_gradient(&layer);
    check_freeze(check, layer.weights, false);
    good = good && check_weight_gradient(&layer, is_padding) &&
           (!layer.ops->descend || check_descend(&layer, is_padding));
    if (good && result)
        for (size_t i = 0; i < layer.rows; i++)
            memcpy(result + i * layer.outputs, layer.y + i * layer.y_stride, layer.outputs * sizeof *result);
    if (layer.ops->release && !check->broken)
        good = check_call(check, "release", run_release, &layer) && good;
    return good;
}

static void check_threads(struct check *check)
{
    const struct size one = { 129, 67, 50, 50, 1, false };
    struct size several = one;
    enum { TOTAL = 67 * 50 };
    float *first = check_floats(check, "y", TOTAL), *other = check_floats(check, "y", TOTAL);
    if (!first || !other || !check_size(check, &one, first))
        return;
    for (several.threads = 1; several.threads <= 3; several.threads++) {
        if (!check_size(check, &several, other))
            return;
        const size_t k = check_differ(first, other, TOTAL);
        if (k < TOTAL && (check->plugin->ops.backend.any_threads || several.threads == 1)) {
            check_fail(check, "forward", "threads", "%u threads give other bits than 1%s: y(%zu, %zu), expected %.9g, "
                                                    "got %.9g", several.threads,
                       several.threads > 1 ? ", though any_threads says that they do not" : " the time before",
                       k / 67, k % 67, (double)first[k], (double)other[k]);
            return;
        }
    }
}

/* Sizes that are tried: 1 to 70, 127, 128, 129, 925. */
enum { NARROW = 70, WIDTHS = NARROW + 4 };

static size_t width_at(size_t k)
{
    static const size_t wide[] = { 127, 128, 129, 925 };
    return k < NARROW ? k + 1 : wide[k - NARROW];
}

/* Case k: every pair of sizes in turn where `all`, else a sample of them, which is kept quick. */
static struct size size_at(size_t k, bool all)
{
    enum { BATCH = 600, QUICK = 1000000 };
    static const size_t batches[] = { 1, 2, 3, 5, 6, 7, 13, 14, 15, 28, 29, 50, 64, 100 };
    enum { BATCHES = sizeof batches / sizeof *batches };
    struct size size = { .threads = k % 5 == 4 ? 2 : 1 };
    size.inputs = width_at(all ? k / WIDTHS : (size_t)check_uniform(54, k, 0, 0, WIDTHS));
    size.outputs = width_at(all ? k % WIDTHS : (size_t)check_uniform(54, k, 1, 0, WIDTHS));
    size.batch = k % 4 && !all ? batches[(size_t)check_uniform(54, k, 2, 0, BATCHES)]
                               : 1 + (size_t)check_uniform(54, k, 2, 0, BATCH);
    if (!all && size.inputs * size.outputs * size.batch > QUICK)
        size.batch = 1 + QUICK / (size.inputs * size.outputs);
    size.rows = k % 3 ? size.batch : 1 + (size_t)check_uniform(54, k, 3, 0, (double)size.batch);
    return size;
}

/* A sample of sizes; with ISOFLOP_CONFORMANCE=full, all. */
void check_backend(struct check *check)
{
    static const struct size pinned[] = {
        { 784, 10, 50, 50, 1, false },  { 925, 10, 50, 31, 1, false }, { 70, 925, 3, 3, 1, false },
        { 129, 127, 600, 600, 1, false }, { 10, 925, 50, 50, 1, false }, { 64, 64, 600, 599, 2, false },
    };
    enum { RANDOM = 60, PINNED = sizeof pinned / sizeof *pinned };
    const struct iso_backend *ops = &check->plugin->ops.backend;
    const char *wanted = getenv("ISOFLOP_CONFORMANCE"), *kernel = ops->kernel(check->instance->state);
    const bool all = wanted && !strcmp(wanted, "full");
    if (!kernel || !*kernel)
        check_fail(check, "kernel", "name", "gives no name of the kernel in use");
    for (size_t k = 0; k < PINNED + (all ? WIDTHS * WIDTHS : RANDOM) && !check->broken; k++) {
        struct size size = k < PINNED ? pinned[k] : size_at(k - PINNED, all);
        if (!check_size(check, &size, NULL))
            return;
        check_release(check, NULL);
        size.sparse = true;
        if (ops->sparse_inputs && k % 2 && !check_size(check, &size, NULL))
            return;
        check_release(check, NULL);
    }
    check_threads(check);
}
