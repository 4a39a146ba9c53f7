/* What network.c and update.c share. */
#ifndef NETWORK_LAYER_H
#define NETWORK_LAYER_H

#include "network/network.h"

enum { NETWORK_SLOTS_MAX = 16 };

struct layer {
    size_t inputs, outputs;
    const struct iso_activation *activation; /* NULL: the output layer */
    const void *activation_state;
    bool clipped;

    void *dense; /* the backend's */
    size_t length;
    float *weights; /* in the backend's layout */
    float *bias;    /* NULL: none */

    float *sums;    /* z; the same array as values where f' needs no more than f */
    float *values;  /* f(z) */
    float *mask;    /* 0 or 1 / (1 - p) each; NULL: no dropout */
    float *dropped; /* f(z) * mask */
    float *delta;   /* d */
    struct iso_rng dropout;
    uint32_t drop_below; /* an element whose bits are below is dropped */
    float kept_scale;

    float *slots[NETWORK_SLOTS_MAX], *bias_slots[NETWORK_SLOTS_MAX];
    float *bias_gradient;
    float *gradient;      /* where it has to be kept; NULL */
    float *before;        /* weights before an update, where norms are asked for; NULL */
    unsigned char *alive; /* of each unit, then whether any was looked at; NULL: not counted */
};

struct network {
    const struct iso_backend *backend;
    const void *backend_state;
    const struct iso_optimizer *optimizer; /* NULL: none */
    const void *optimizer_state;
    bool fused;  /* plain descent, done by the backend within the product */
    double clip_norm;
    float clip;
    bool clip_gradient_zero;
    float *canonical;          /* of the largest layer, twice: weights and gradient; NULL where not needed */
    size_t canonical_length;
    float *slopes;             /* rows x the largest layer, for dead units; NULL */
    size_t count;
    struct layer layers[];
};

/* h(l): what layer l was given in the last forward pass in training. */
struct iso_inputs layer_inputs(const struct network *network, size_t l, const struct network_input *input);

#endif
