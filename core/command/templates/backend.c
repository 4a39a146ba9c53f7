/* @NAME@: dense layers by plain loops over canonical weights. Put your kernels here.
 *
 * Outside of isoflop's tree, build and try it with
 *     cc -shared -fPIC -O2 -ffp-contract=off $(pkg-config --cflags isoflop) -o @NAME@.so @NAME@.c -lm
 *     isoflop check ./@NAME@.so
 * and put @NAME@.so into DIR/backend/ for `isoflop run RECIPE --plugin-path DIR`. In isoflop's tree, this file is
 * plugins/backend/@NAME@.c, and Makefile.am gets one line in backend_LTLIBRARIES: plugins/backend/@NAME@.la
 * What each function must do is said in <isoflop/plugin.h>. */
#include <string.h>

#include <isoflop/plugin.h>

struct layer {
    size_t inputs, outputs;
    float *gradient; /* of all weights; a faster backend hands over panels while they are in the cache */
};

static const char *kernel(const void *state)
{
    (void)state;
    return "loops";
}

/* Once for each layer, before training. Memory from host->allocate lives as long as the backend. */
static void *prepare(void *state, const struct iso_host *host, const struct iso_dense *dense, struct iso_error *err)
{
    struct layer *layer = host->allocate(host, sizeof *layer, err);
    (void)state;
    if (!layer)
        return NULL;
    layer->inputs = dense->inputs;
    layer->outputs = dense->outputs;
    layer->gradient = host->allocate(host, layer->inputs * layer->outputs * sizeof(float), err);
    return layer->gradient ? layer : NULL;
}

/* The layout of weights is the backend's own; import and export turn it from and into (outputs, inputs). */
static size_t weights_length(const void *layer)
{
    const struct layer *l = layer;
    return l->inputs * l->outputs;
}

static void import(const void *layer, const float *canonical, float *weights)
{
    memcpy(weights, canonical, weights_length(layer) * sizeof *weights);
}

static void export(const void *layer, const float *weights, float *canonical)
{
    memcpy(canonical, weights, weights_length(layer) * sizeof *weights);
}

/* y = x W^T, then the epilogue (bias and activation), once for each element. */
static void forward(void *layer, const struct iso_inputs *in, const float *weights, float *y, size_t y_stride,
                    iso_epilogue *epilogue, void *context)
{
    const struct layer *l = layer;
    const struct iso_tile all = { sizeof all, 0, 0, in->rows, l->outputs, y, y_stride };
    for (size_t r = 0; r < in->rows; r++)
        for (size_t o = 0; o < l->outputs; o++) {
            float sum = 0;
            for (size_t i = 0; i < l->inputs; i++)
                sum += in->x[r * in->stride + i] * weights[o * l->inputs + i];
            y[r * y_stride + o] = sum;
        }
    epilogue(context, &all);
}

/* dx = dy W */
static void input_gradient(void *layer, size_t rows, const float *dy, size_t dy_stride, const float *weights,
                           float *dx, size_t dx_stride)
{
    const struct layer *l = layer;
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < l->inputs; i++) {
            float sum = 0;
            for (size_t o = 0; o < l->outputs; o++)
                sum += dy[r * dy_stride + o] * weights[o * l->inputs + i];
            dx[r * dx_stride + i] = sum;
        }
}

/* dy^T x, handed over to the panel callback, which updates the weights. */
static void weight_gradient(void *layer, const struct iso_inputs *in, const float *dy, size_t dy_stride,
                            float *weights, iso_panel *panel, void *context)
{
    const struct layer *l = layer;
    for (size_t o = 0; o < l->outputs; o++)
        for (size_t i = 0; i < l->inputs; i++) {
            float sum = 0;
            for (size_t r = 0; r < in->rows; r++)
                sum += dy[r * dy_stride + o] * in->x[r * in->stride + i];
            l->gradient[o * l->inputs + i] = sum;
        }
    panel(context, 0, weights_length(layer), weights, l->gradient);
}

static const struct iso_backend ops = {
    .kernel = kernel,
    .prepare = prepare,
    .weights_length = weights_length,
    .import = import,
    .export = export,
    .forward = forward,
    .input_gradient = input_gradient,
    .weight_gradient = weight_gradient,
    .any_threads = true, /* it uses one thread, whatever it may use */
};

ISO_PLUGIN(ops, .name = "@NAME@", .revision = 1, .summary = "dense layers by plain loops");
