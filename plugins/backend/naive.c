/* naive: dense layers by plain loops in a fixed order, the reference that other backends are tested against.
 *
 * Weights are stored canonically, (outputs, inputs). Each element of a result is one sum that starts at 0 and takes its
 * products in ascending order by fused multiply-add, s = fma(a, b, s):
 *     y[r][o]  = sum over inputs i    x[r][i] * W[o][i]
 *     dx[r][i] = sum over outputs o   dy[r][o] * W[o][i]
 *     g[o][i]  = sum over rows r      dy[r][o] * x[r][i]
 *     descent: W[o][i] = W[o][i] - rate * g[o][i], the product rounded before the difference.
 * Every element is a sum of its own, so any split of the work over tiles or threads gives the same bits, and leaving out
 * inputs that are zero changes none of them.
 */
#include <math.h>
#include <string.h>

#include <isoflop/plugin.h>

struct layer {
    size_t inputs, outputs;
    float *gradient; /* one row of a gradient */
};

static const char *kernel(const void *state)
{
    (void)state;
    return "loops";
}

static void *prepare(void *state, const struct iso_host *host, const struct iso_dense *dense, struct iso_error *err)
{
    (void)state;
    if (dense->inputs == 0 || dense->outputs == 0 || dense->inputs > SIZE_MAX / sizeof(float) / dense->outputs) {
        iso_fail(err, "a layer of %zu inputs and %zu outputs is none", dense->inputs, dense->outputs);
        return NULL;
    }
    struct layer *layer = host->allocate(host, sizeof *layer, err);
    if (!layer)
        return NULL;
    layer->inputs = dense->inputs;
    layer->outputs = dense->outputs;
    layer->gradient = host->allocate(host, dense->inputs * sizeof(float), err);
    return layer->gradient ? layer : NULL;
}

static size_t weights_length(const void *layer_)
{
    const struct layer *layer = layer_;
    return layer->inputs * layer->outputs;
}

static void import(const void *layer, const float *canonical, float *weights)
{
    memcpy(weights, canonical, weights_length(layer) * sizeof *weights);
}

static void export(const void *layer, const float *weights, float *canonical)
{
    memcpy(canonical, weights, weights_length(layer) * sizeof *weights);
}

/* The input that column c of the given inputs is. */
static size_t input_of(const struct iso_inputs *inputs, size_t c)
{
    return inputs->index ? inputs->index[c] : c;
}

static void forward(void *layer_, const struct iso_inputs *inputs, const float *weights, float *y, size_t y_stride,
                    iso_epilogue *epilogue, void *context)
{
    const struct layer *layer = layer_;
    for (size_t r = 0; r < inputs->rows; r++) {
        const float *x = inputs->x + r * inputs->stride;
        for (size_t o = 0; o < layer->outputs; o++) {
            const float *w = weights + o * layer->inputs;
            float sum = 0;
            for (size_t c = 0; c < inputs->active; c++)
                sum = fmaf(x[c], w[input_of(inputs, c)], sum);
            y[r * y_stride + o] = sum;
        }
        const struct iso_tile tile = { .size = sizeof tile, .row = r, .rows = 1, .columns = layer->outputs,
                                       .y = y + r * y_stride, .stride = y_stride };
        epilogue(context, &tile);
    }
}

static void input_gradient(void *layer_, size_t rows, const float *dy, size_t dy_stride, const float *weights,
                           float *dx, size_t dx_stride)
{
    const struct layer *layer = layer_;
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < layer->inputs; i++) {
            float sum = 0;
            for (size_t o = 0; o < layer->outputs; o++)
                sum = fmaf(dy[r * dy_stride + o], weights[o * layer->inputs + i], sum);
            dx[r * dx_stride + i] = sum;
        }
}

/* Row o of the gradient, for all inputs. */
static void gradient_row(const struct layer *layer, const struct iso_inputs *inputs, const float *dy,
                         size_t dy_stride, size_t o)
{
    memset(layer->gradient, 0, layer->inputs * sizeof *layer->gradient);
    for (size_t c = 0; c < inputs->active; c++) {
        float sum = 0;
        for (size_t r = 0; r < inputs->rows; r++)
            sum = fmaf(dy[r * dy_stride + o], inputs->x[r * inputs->stride + c], sum);
        layer->gradient[input_of(inputs, c)] = sum;
    }
}

static void weight_gradient(void *layer_, const struct iso_inputs *inputs, const float *dy, size_t dy_stride,
                            float *weights, iso_panel *panel, void *context)
{
    const struct layer *layer = layer_;
    for (size_t o = 0; o < layer->outputs; o++) {
        gradient_row(layer, inputs, dy, dy_stride, o);
        panel(context, o * layer->inputs, layer->inputs, weights + o * layer->inputs, layer->gradient);
    }
}

static void descend(void *layer_, const struct iso_inputs *inputs, const float *dy, size_t dy_stride, float *weights,
                    float rate)
{
    const struct layer *layer = layer_;
    for (size_t o = 0; o < layer->outputs; o++) {
        gradient_row(layer, inputs, dy, dy_stride, o);
        for (size_t i = 0; i < layer->inputs; i++)
            weights[o * layer->inputs + i] -= rate * layer->gradient[i];
    }
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
    .descend = descend,
    .sparse_inputs = true,
    .any_threads = true,
};
ISO_PLUGIN(ops, .name = "naive", .revision = 1, .summary = "dense layers by plain loops, the reference of the tests");
