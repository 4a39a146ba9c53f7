/* A multilayer perceptron in float64, one example at a time. */
#include "float64_network.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH_MAX = 1024 };

void f64_make(struct f64_network *n)
{
    for (size_t l = 0; l < n->layers; l++) {
        const size_t weights = n->sizes[l] * n->sizes[l + 1];
        n->weights[l] = calloc(weights, sizeof(double));
        n->weight_gradient[l] = calloc(weights, sizeof(double));
        n->bias[l] = calloc(n->sizes[l + 1], sizeof(double));
        n->bias_gradient[l] = calloc(n->sizes[l + 1], sizeof(double));
    }
}

void f64_free(struct f64_network *n)
{
    for (size_t l = 0; l < n->layers; l++) {
        free(n->weights[l]);
        free(n->weight_gradient[l]);
        free(n->bias[l]);
        free(n->bias_gradient[l]);
    }
}

static double f(enum f64_activation kind, double z)
{
    switch (kind) {
    case F64_SIGMOID: return 1 / (1 + exp(-z));
    case F64_TANH: return tanh(z);
    case F64_RELU: return z > 0 ? z : 0;
    case F64_LEAKY_RELU: return z > 0 ? z : (double)0.01f * z;
    case F64_IDENTITY: break;
    }
    return z;
}

static double slope(enum f64_activation kind, double z)
{
    switch (kind) {
    case F64_SIGMOID: return f(kind, z) * (1 - f(kind, z));
    case F64_TANH: return 1 - tanh(z) * tanh(z);
    case F64_RELU: return z > 0 ? 1 : 0;
    case F64_LEAKY_RELU: return z > 0 ? 1 : (double)0.01f;
    case F64_IDENTITY: break;
    }
    return 1;
}

struct trace {
    double z[F64_LAYERS_MAX][WIDTH_MAX], h[F64_LAYERS_MAX + 1][WIDTH_MAX];
    bool at_clip[F64_LAYERS_MAX][WIDTH_MAX];
};

static void forward(const struct f64_network *n, const float *x, size_t row, struct trace *t)
{
    for (size_t i = 0; i < n->sizes[0]; i++)
        t->h[0][i] = (double)x[i];
    for (size_t l = 0; l < n->layers; l++) {
        const bool hidden = l + 1 < n->layers, clips = n->clip > 0 && (hidden || n->clip_output);
        for (size_t o = 0; o < n->sizes[l + 1]; o++) {
            double z = n->has_bias ? n->bias[l][o] : 0;
            for (size_t i = 0; i < n->sizes[l]; i++)
                z += n->weights[l][o * n->sizes[l] + i] * t->h[l][i];
            t->at_clip[l][o] = clips && fabs(z) >= n->clip;
            if (clips)
                z = fmin(fmax(z, -n->clip), n->clip);
            t->z[l][o] = z;
            t->h[l + 1][o] = hidden ? f(n->activation, z) : z;
            if (hidden && n->mask[l])
                t->h[l + 1][o] *= n->mask[l][row * n->sizes[l + 1] + o];
        }
    }
}

void f64_forward(const struct f64_network *n, const float *x, size_t row, double *raw)
{
    struct trace *t = malloc(sizeof *t);
    forward(n, x, row, t);
    memcpy(raw, t->h[n->layers], n->sizes[n->layers] * sizeof *raw);
    free(t);
}

/* Value of one example, and the gradient with respect to its raw outputs. */
static double example_loss(const struct f64_network *n, const double *raw, int32_t label, double *gradient)
{
    const size_t outputs = n->sizes[n->layers];
    double p[WIDTH_MAX], sum = 0, high = raw[0], value = 0, dot = 0;
    for (size_t o = 1; o < outputs; o++)
        high = fmax(high, raw[o]);
    for (size_t o = 0; o < outputs; o++)
        sum += p[o] = exp(raw[o] - high);
    for (size_t o = 0; o < outputs; o++)
        p[o] /= sum;
    if (n->loss == F64_CROSS_ENTROPY) {
        for (size_t o = 0; o < outputs; o++)
            gradient[o] = p[o] - (o == (size_t)label);
        return log(sum) + high - raw[label];
    }
    double d[WIDTH_MAX];
    for (size_t o = 0; o < outputs; o++) {
        const double residual = p[o] - (o == (size_t)label);
        value += residual * residual / (double)outputs;
        d[o] = 2 * residual / (double)outputs;
        dot += d[o] * p[o];
    }
    for (size_t o = 0; o < outputs; o++)
        gradient[o] = p[o] * (d[o] - dot);
    return value;
}

double f64_loss(struct f64_network *n, const float *x, const int32_t *labels, size_t rows, bool backward)
{
    struct trace *t = malloc(sizeof *t);
    double total = 0, d[WIDTH_MAX], below[WIDTH_MAX];
    const double scale = n->mean ? 1 / (double)rows : 1;
    for (size_t l = 0; backward && l < n->layers; l++) {
        memset(n->weight_gradient[l], 0, n->sizes[l] * n->sizes[l + 1] * sizeof(double));
        memset(n->bias_gradient[l], 0, n->sizes[l + 1] * sizeof(double));
    }
    for (size_t r = 0; r < rows; r++) {
        forward(n, x + r * n->sizes[0], r, t);
        total += scale * example_loss(n, t->h[n->layers], labels[r], d);
        for (size_t o = 0; o < n->sizes[n->layers]; o++)
            d[o] *= scale;
        for (size_t l = n->layers; backward && l-- > 0;) {
            const size_t inputs = n->sizes[l], outputs = n->sizes[l + 1];
            for (size_t o = 0; o < outputs; o++)
                if (n->clip_zero && t->at_clip[l][o])
                    d[o] = 0;
            for (size_t i = 0; i < inputs; i++)
                below[i] = 0;
            for (size_t o = 0; o < outputs; o++) {
                n->bias_gradient[l][o] += d[o];
                for (size_t i = 0; i < inputs; i++) {
                    n->weight_gradient[l][o * inputs + i] += d[o] * t->h[l][i];
                    below[i] += d[o] * n->weights[l][o * inputs + i];
                }
            }
            for (size_t i = 0; l > 0 && i < inputs; i++)
                d[i] = below[i] * slope(n->activation, t->z[l - 1][i]) *
                       (n->mask[l - 1] ? n->mask[l - 1][r * inputs + i] : 1);
        }
    }
    free(t);
    return total;
}

void f64_descend(struct f64_network *n, double rate)
{
    for (size_t l = 0; l < n->layers; l++) {
        for (size_t i = 0; i < n->sizes[l] * n->sizes[l + 1]; i++)
            n->weights[l][i] -= rate * n->weight_gradient[l][i];
        for (size_t o = 0; n->has_bias && o < n->sizes[l + 1]; o++)
            n->bias[l][o] -= rate * n->bias_gradient[l][o];
    }
}
