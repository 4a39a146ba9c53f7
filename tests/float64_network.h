/* A multilayer perceptron in float64, written from the formulas alone: what core/network is tested against. It is itself
 * tested by finite differences of its loss. */
#ifndef TESTS_FLOAT64_NETWORK_H
#define TESTS_FLOAT64_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum f64_activation { F64_IDENTITY, F64_SIGMOID, F64_TANH, F64_RELU, F64_LEAKY_RELU };
enum f64_loss { F64_CROSS_ENTROPY, F64_MSE }; /* mse of softmax outputs, mean over outputs, true gradient */

enum { F64_LAYERS_MAX = 6 };

struct f64_network {
    size_t layers;
    size_t sizes[F64_LAYERS_MAX + 1]; /* inputs, then outputs of each layer */
    enum f64_activation activation;
    enum f64_loss loss;
    bool mean, has_bias, clip_zero, clip_output;
    double clip; /* 0: none */
    double *weights[F64_LAYERS_MAX], *bias[F64_LAYERS_MAX];
    double *weight_gradient[F64_LAYERS_MAX], *bias_gradient[F64_LAYERS_MAX];
    const double *mask[F64_LAYERS_MAX]; /* of hidden layers, rows x outputs; NULL: none */
};

void f64_make(struct f64_network *network);
void f64_free(struct f64_network *network);
/* Raw outputs of one row (of `row`, for the masks). */
void f64_forward(const struct f64_network *network, const float *x, size_t row, double *raw);
/* The reduced loss; gradients are set where `backward`. */
double f64_loss(struct f64_network *network, const float *x, const int32_t *labels, size_t rows, bool backward);
void f64_descend(struct f64_network *network, double rate);

#endif
