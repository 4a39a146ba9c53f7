/* A multilayer perceptron: dense layers over the chosen backend. Layers of weights count from l = 0, next to the
 * inputs, to L - 1; h(0) = x are the inputs of a minibatch, a row an example:
 *
 *     z(l)     = clip(h(l) W(l)^T + b(l))           sums
 *     h(l + 1) = dropout(f(z(l)))                   outputs of a hidden layer
 *     raw      = z(L - 1)                           what the loss sees
 *
 * and backward, from d(L - 1) = the loss's gradient with respect to raw:
 *
 *     d(l - 1) = d(l) W(l) * dropout * f'(z(l - 1))
 *     dW(l)    = d(l)^T h(l),   db(l) = sum of the rows of d(l)
 *
 * No gradient is sent to the inputs. All memory is allocated once, by network_new. */
#ifndef NETWORK_NETWORK_H
#define NETWORK_NETWORK_H

#include "plugin/plugin.h"

/* Rows that network_forward takes at least, whatever the minibatch: evaluation uses them. */
#define NETWORK_EVALUATION_ROWS 256

struct network_spec {
    size_t inputs;
    size_t layers;                       /* L, at least 1 */
    const size_t *outputs;               /* L sizes: of hidden layers, then of the raw outputs */
    struct instance *const *activation;  /* L - 1 */
    const double *dropout;               /* L - 1 probabilities; 0: none. NULL: none at all */
    struct instance *backend;
    struct instance *initializer;        /* NULL: weights start at 0, to be imported */
    struct instance *optimizer;          /* NULL: the network will only be evaluated */
    bool has_bias;
    double bias;                         /* initial value */
    double clip;                         /* bound of the sums; 0: none */
    bool clip_gradient_zero;             /* the gradient is 0 where the clip acts; else it passes */
    bool clip_output;                    /* the raw outputs are clipped as well */
    double clip_norm;                    /* bound of the gradient's norm over all layers; 0: none */
    size_t batch;                        /* rows of a training step, at most */
    unsigned threads;
    bool sparse_inputs;                  /* minibatches may name the inputs that are not all zero */
    bool watch;                          /* network_update may be asked for norms */
    bool watch_units;                    /* dead units are counted */
    uint64_t seed_init, seed_dropout;
};

struct network;

/* The sizes must be positive. The instances outlive the network. */
struct network *network_new(const struct network_spec *spec, struct iso_error *err);
void network_free(struct network *network);

/* Rows of a minibatch. */
struct network_input {
    const float *x;
    size_t stride, rows;
    /* Where index is not NULL, x holds `active` columns alone: column c is input index[c], ascending, and every other
     * input is zero in all rows. Only for a network with sparse_inputs. */
    size_t active;
    const uint32_t *index;
};

/* Raw outputs (rows x outputs, contiguous), valid until the next call. first_example: the number of examples that
 * training has shown before these, which dropout's masks depend on; used where `training`. */
const float *network_forward(struct network *network, const struct network_input *input, bool training,
                             uint64_t first_example);
/* Where the (reduced) gradient of the loss with respect to the raw outputs is written before network_backward. */
float *network_output_gradient(struct network *network);
/* The gradients of all layers' sums, after a forward pass in training over the same rows. */
void network_backward(struct network *network, size_t rows);

/* Norms of one layer in one step. */
struct network_norms {
    double gradient; /* of weights and biases, before clip_norm */
    double update;   /* norm of the weights' change over the norm of the weights */
};
/* One step of the optimizer, after network_backward over the same input. norms: L of them, or NULL; asking changes no
 * weight by a bit. */
void network_update(struct network *network, const struct network_input *input, uint64_t step, double rate,
                    struct network_norms *norms);

size_t network_layers(const struct network *network);
size_t network_inputs(const struct network *network, size_t layer);
size_t network_outputs(const struct network *network, size_t layer);
/* Weights as (outputs, inputs), row-major. */
void network_export(const struct network *network, size_t layer, float *weights);
void network_import(struct network *network, size_t layer, const float *weights);
/* The gradient of the last network_update that was asked for norms, in the same layout; needs `watch`. */
void network_export_gradient(const struct network *network, size_t layer, float *gradient);
/* Outputs f(z) of a hidden layer in the last forward pass, before dropout: rows x outputs. */
const float *network_values(const struct network *network, size_t layer);
float *network_bias(struct network *network, size_t layer); /* outputs floats; NULL: there are none */
double network_weight_norm(const struct network *network, size_t layer);

/* Weights and biases as the backend stores them, to be put aside and taken back. */
size_t network_state_length(const struct network *network); /* floats */
void network_state_save(const struct network *network, float *state);
void network_state_restore(struct network *network, const float *state);

/* Everything that training changes, as it lies in memory: weights, biases, the optimizer's numbers, which units were
 * alive. The visitor gets each array, `count` floats or bytes (size 4 or 1), in the same order for equal networks; it
 * may read them, or put back what it has read from an equal network. */
typedef void network_visitor(void *context, const char *name, void *data, size_t count, size_t size);
void network_visit(struct network *network, network_visitor *visitor, void *context);

/* Fraction of a hidden layer's units whose slope f'(z) was 0 for every example trained on since the last call; NaN
 * where there was none. */
double network_dead_units(struct network *network, size_t layer);

const char *network_kernel(const struct network *network);

#endif
