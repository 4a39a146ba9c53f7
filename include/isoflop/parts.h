/* isoflop/parts.h: what many plugins of a kind share, as inline code. A plugin may do without it.
 *
 * Compile with vector code on (see isoflop/vecmath.h) and -fno-math-errno, without which sqrtf is a call.
 */
#ifndef ISOFLOP_PARTS_H
#define ISOFLOP_PARTS_H

#include <math.h>
#include <string.h>

#include <isoflop/plugin.h>
#include <isoflop/vecmath.h>

/* ---- Loops over elements ----
 * ISO_ELEMENTWISE before a `for` says that no iteration reads what another writes. This holds for the arrays of an
 * activation or optimizer, which are either the same or apart; the compiler, which can't know, would otherwise test for
 * overlap when the function runs, and fall back to one element at a time where y is x. */
#if defined __clang__
#define ISO_ELEMENTWISE _Pragma("clang loop vectorize(assume_safety) interleave(enable)")
#elif defined __GNUC__
#define ISO_ELEMENTWISE _Pragma("GCC ivdep")
#else
#define ISO_ELEMENTWISE
#endif

/* ---- Instruction sets ----
 * A plugin is compiled for every processor of its kind, which on x86-64 means vectors of four floats. ISO_VECTORS makes,
 * from one ISO_VECTOR function `loop`, a function that runs it with vectors of 16 or 8 where the processor has them: the
 * same operations, so the same bits (with -ffp-contract=off, which `pkg-config --cflags isoflop` has).
 * ISO_ACTIVATION_LOOPS(forward_loop, backward_loop) gives `forward` and `backward` in this way, ISO_OPTIMIZER_LOOP
 * (update_loop) an optimizer's `update`. */
#if defined __x86_64__ && defined __GNUC__
#if defined __clang__
#define ISO_TARGET_512 "avx512f,avx512vl,avx512bw,avx512dq"
#else
#define ISO_TARGET_512 "avx512f,avx512vl,avx512bw,avx512dq,prefer-vector-width=512"
#endif
#define ISO_VECTORS(function, loop, parameters, arguments)                                                            \
    __attribute__((target(ISO_TARGET_512))) static void function##_512 parameters { loop arguments; }                 \
    __attribute__((target("avx2"))) static void function##_256 parameters { loop arguments; }                         \
    static void function##_128 parameters { loop arguments; }                                                         \
    static void function parameters                                                                                   \
    {                                                                                                                 \
        if (__builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&                               \
            __builtin_cpu_supports("avx512dq"))                                                                       \
            function##_512 arguments;                                                                                 \
        else if (__builtin_cpu_supports("avx2"))                                                                      \
            function##_256 arguments;                                                                                 \
        else                                                                                                          \
            function##_128 arguments;                                                                                 \
    }
#else
#define ISO_VECTORS(function, loop, parameters, arguments) static void function parameters { loop arguments; }
#endif

#define ISO_ACTIVATION_LOOPS(forward_loop, backward_loop)                                                             \
    ISO_VECTORS(forward, forward_loop, (const void *state, size_t n, const float *x, float *y), (state, n, x, y))     \
    ISO_VECTORS(backward, backward_loop,                                                                              \
                (const void *state, size_t n, const float *x, const float *y, const float *dy, float *dx),            \
                (state, n, x, y, dy, dx))

#define ISO_OPTIMIZER_LOOP(update_loop)                                                                               \
    ISO_VECTORS(update, update_loop,                                                                                  \
                (const void *state, size_t n, uint64_t step, double rate, bool is_bias, float *weights,               \
                 float *gradients, float *const *slots),                                                              \
                (state, n, step, rate, is_bias, weights, gradients, slots))

/* ---- Schedules ----
 * `per` is a choice ISO_PER: whether the rate changes once an epoch or at every step. */
#define ISO_PER "epoch|step"
enum iso_per { ISO_PER_EPOCH, ISO_PER_STEP };

/* The parameter `rate` of a state. It has no default: no value suits more than one experiment. */
#define ISO_LEARNING_RATE(state, help)                                                                                \
    ISO_REAL(state, rate, NULL, 0, 1e6, help, .try_min = "0.01", .try_max = "10")

/* Whole epochs, or steps, before this step. */
static inline uint64_t iso_time(int per, uint64_t step, uint64_t steps_per_epoch)
{
    return per == ISO_PER_EPOCH ? step / steps_per_epoch : step;
}

/* The part of the planned training that is done before this step, or before its epoch: 0 ... 1. */
static inline double iso_progress(int per, uint64_t step, uint64_t steps, uint64_t steps_per_epoch)
{
    const uint64_t done = per == ISO_PER_EPOCH ? step - step % steps_per_epoch : step;
    return done < steps ? (double)done / (double)steps : 1;
}

/* From `start` (at 0) to `end` (at 1), straight or along half a cosine wave; exact at both ends. */
static inline double iso_ramp(double start, double end, double progress)
{
    return start * (1 - progress) + end * progress;
}

static inline double iso_cosine_ramp(double start, double end, double progress)
{
    return iso_ramp(start, end, (1 - cos(3.14159265358979323846 * progress)) / 2);
}

/* ---- Initializers ----
 * Weight (i, j) is a scaled number (i, j) of the generator, so that layers of different sizes are paired. */
static inline void iso_fill_normal(const struct iso_rng *rng, const struct iso_layer *layer, double deviation,
                                   float *weights)
{
    for (size_t i = 0; i < layer->fan_out; i++)
        for (size_t j = 0; j < layer->fan_in; j += 4) {
            double z[4];
            iso_rng_normals_block(rng, i, (uint32_t)(j / 4), z);
            for (size_t k = 0; k < 4 && j + k < layer->fan_in; k++)
                weights[i * layer->fan_in + j + k] = (float)(deviation * z[k]);
        }
}

static inline void iso_fill_uniform(const struct iso_rng *rng, const struct iso_layer *layer, double low, double high,
                                    float *weights)
{
    for (size_t i = 0; i < layer->fan_out; i++)
        for (size_t j = 0; j < layer->fan_in; j += 4) {
            double u[4];
            iso_rng_uniforms_block(rng, i, (uint32_t)(j / 4), u);
            for (size_t k = 0; k < 4 && j + k < layer->fan_in; k++)
                weights[i * layer->fan_in + j + k] = (float)(low + (high - low) * u[k]);
        }
}

#define ISO_DISTRIBUTIONS "normal|uniform"
enum iso_distribution { ISO_NORMAL, ISO_UNIFORM };

/* Mean zero and this standard deviation; the uniform distribution reaches sqrt(3) of them. */
static inline void iso_fill(int distribution, const struct iso_rng *rng, const struct iso_layer *layer,
                            double deviation, float *weights)
{
    const double limit = sqrt(3.0) * deviation;
    if (distribution == ISO_NORMAL)
        iso_fill_normal(rng, layer, deviation, weights);
    else
        iso_fill_uniform(rng, layer, -limit, limit, weights);
}

/* ---- Optimizers ----
 * Weight decay d acts on weights, not on biases. Coupled: the gradient is g + d w. Decoupled: w loses rate * d * w
 * beside the step. Neither hangs on how gradients are reduced over a batch. */
#define ISO_DECAYS "coupled|decoupled"
#define ISO_DECAYS_HELP "weight decay as part of the gradient, or beside it, times the rate"
enum iso_decay_kind { ISO_DECAY_COUPLED, ISO_DECAY_DECOUPLED };

struct iso_decay {
    float coupled; /* what is added to g for each unit of w */
    float keep;    /* the part of w that the step starts from */
};

static inline struct iso_decay iso_decay_of(double weight_decay, int kind, double rate, bool is_bias)
{
    struct iso_decay decay = { .coupled = 0, .keep = 1 };
    if (!is_bias && kind == ISO_DECAY_COUPLED)
        decay.coupled = (float)weight_decay;
    else if (!is_bias)
        decay.keep = (float)(1 - rate * weight_decay);
    return decay;
}

#define ISO_WEIGHT_DECAY(state, initial_, help)                                                                       \
    ISO_REAL(state, weight_decay, initial_, 0, 1e3, "of weights, not of biases" help, .try_max = "0.1")
#define ISO_EPSILON(state, initial_)                                                                                  \
    ISO_REAL(state, epsilon, initial_, 1e-20, 1, "keeps the quotient finite where the gradient is 0")
#define ISO_BETA(state, field, initial_, help)                                                                        \
    ISO_REAL(state, field, initial_, 0, 0.9999999, help, .try_max = "0.9999")

/* The update of adam and adamw; m and v are its slots. */
ISO_VECTOR void iso_adam(size_t n, uint64_t step, double rate, double beta1, double beta2, double epsilon_,
                         struct iso_decay decay, float *weights, const float *gradients, float *m, float *v)
{
    const double t = (double)step + 1;
    const float keep1 = (float)beta1, fresh1 = (float)(1 - beta1), keep2 = (float)beta2, fresh2 = (float)(1 - beta2);
    const float lr = (float)(rate / (1 - pow(beta1, t))), scale = (float)(1 / sqrt(1 - pow(beta2, t)));
    const float epsilon = (float)epsilon_;
    ISO_ELEMENTWISE
    for (size_t i = 0; i < n; i++) {
        const float g = gradients[i] + decay.coupled * weights[i];
        const float mean = keep1 * m[i] + fresh1 * g, square = keep2 * v[i] + fresh2 * (g * g);
        m[i] = mean;
        v[i] = square;
        weights[i] = decay.keep * weights[i] - lr * (mean / (sqrtf(square) * scale + epsilon));
    }
}

/* ---- Losses ----
 * Rows are worked on in blocks of up to ISO_BLOCK outputs, which fit on the stack; sums are in double, in order. */
#define ISO_BLOCK ((size_t)64)

static inline size_t iso_block_length(size_t outputs, size_t start)
{
    return outputs - start < ISO_BLOCK ? outputs - start : ISO_BLOCK;
}

static inline float iso_row_max(size_t outputs, const float *raw)
{
    float high = raw[0];
    for (size_t j = 1; j < outputs; j++)
        high = raw[j] > high ? raw[j] : high;
    return high;
}

/* Output functions, a choice ISO_OUTPUTS. */
#define ISO_OUTPUTS "identity|softmax|sigmoid"
enum iso_output_kind { ISO_OUTPUT_IDENTITY, ISO_OUTPUT_SOFTMAX, ISO_OUTPUT_SIGMOID };

/* What a row's outputs have in common: softmax(z)_j = e^(z_j - high) / sum. */
struct iso_output {
    int kind;
    float high;
    double sum;
};

/* o[k] = output start + k of the row. Returns how many there are. */
static inline size_t iso_output_block(const struct iso_output *output, size_t outputs, const float *raw, size_t start,
                                      float o[ISO_BLOCK])
{
    const size_t n = iso_block_length(outputs, start);
    const float *z = raw + start, high = output->high, scale = (float)(1 / output->sum);
    if (output->kind == ISO_OUTPUT_SOFTMAX)
        for (size_t k = 0; k < n; k++)
            o[k] = iso_exp(z[k] - high) * scale;
    else if (output->kind == ISO_OUTPUT_SIGMOID)
        for (size_t k = 0; k < n; k++)
            o[k] = iso_sigmoid(z[k]);
    else
        memcpy(o, z, n * sizeof *o);
    return n;
}

static inline struct iso_output iso_output_begin(int kind, size_t outputs, const float *raw)
{
    struct iso_output output = { .kind = kind, .high = 0, .sum = 1 };
    if (kind != ISO_OUTPUT_SOFTMAX)
        return output;
    output.high = iso_row_max(outputs, raw);
    double sum = 0;
    for (size_t start = 0; start < outputs; start += ISO_BLOCK) {
        float e[ISO_BLOCK];
        const size_t n = iso_output_block(&output, outputs, raw, start, e);
        for (size_t k = 0; k < n; k++)
            sum += (double)e[k];
    }
    output.sum = sum;
    return output;
}

/* The outputs of rows; shown may be raw. */
static inline void iso_outputs(int kind, size_t rows, size_t outputs, const float *raw, float *shown)
{
    for (size_t i = 0; i < rows; i++, raw += outputs, shown += outputs) {
        const struct iso_output output = iso_output_begin(kind, outputs, raw);
        for (size_t start = 0; start < outputs; start += ISO_BLOCK) {
            float o[ISO_BLOCK];
            memcpy(shown + start, o, iso_output_block(&output, outputs, raw, start, o) * sizeof *o);
        }
    }
}

/* Turns the gradient with respect to a row's outputs into that with respect to its raw outputs, in place:
 * sigmoid: o (1 - o) g; softmax: o (g - sum of o g). */
static inline void iso_output_gradient(const struct iso_output *output, size_t outputs, const float *raw,
                                       float *gradient)
{
    float o[ISO_BLOCK];
    double inner = 0;
    if (output->kind == ISO_OUTPUT_IDENTITY)
        return;
    for (size_t start = 0; output->kind == ISO_OUTPUT_SOFTMAX && start < outputs; start += ISO_BLOCK) {
        const size_t n = iso_output_block(output, outputs, raw, start, o);
        for (size_t k = 0; k < n; k++)
            inner += (double)o[k] * (double)gradient[start + k];
    }
    for (size_t start = 0; start < outputs; start += ISO_BLOCK) {
        const size_t n = iso_output_block(output, outputs, raw, start, o);
        float *g = gradient + start;
        for (size_t k = 0; k < n; k++)
            g[k] = output->kind == ISO_OUTPUT_SOFTMAX ? o[k] * (g[k] - (float)inner) : o[k] * (1 - o[k]) * g[k];
    }
}

/* A loss that is the mean over outputs of cost(o - y), with its derivative `slope`, and its gradient through the output
 * function. */
typedef double iso_residual(double parameter, double residual);
static inline void iso_regression(int kind, size_t rows, size_t outputs, const float *raw, const float *dense,
                                  iso_residual *cost, iso_residual *slope, double parameter, float *value,
                                  float *gradient)
{
    for (size_t i = 0; i < rows; i++) {
        const float *z = raw + i * outputs, *y = dense + i * outputs;
        const struct iso_output output = iso_output_begin(kind, outputs, z);
        double sum = 0;
        for (size_t start = 0; start < outputs; start += ISO_BLOCK) {
            float o[ISO_BLOCK];
            const size_t n = iso_output_block(&output, outputs, z, start, o);
            for (size_t k = 0; k < n; k++) {
                const double residual = (double)o[k] - (double)y[start + k];
                sum += cost(parameter, residual);
                if (gradient)
                    gradient[i * outputs + start + k] = (float)(slope(parameter, residual) / (double)outputs);
            }
        }
        value[i] = (float)(sum / (double)outputs);
        if (gradient)
            iso_output_gradient(&output, outputs, z, gradient + i * outputs);
    }
}

/* A softmax of one output is always 1. */
static inline int iso_output_fits(int kind, size_t outputs, struct iso_error *err)
{
    if (kind != ISO_OUTPUT_SOFTMAX || outputs > 1)
        return 0;
    return iso_fail(err, "output: softmax of one output is always 1; take output: identity (or sigmoid)");
}

/* A softmax of regression targets. */
static inline const char *iso_output_classes_only(int kind)
{
    return kind == ISO_OUTPUT_SOFTMAX ? "output: softmax gives probabilities of classes; take output: identity" : NULL;
}

/* A list of class weights is empty or has one for each output. */
static inline int iso_class_weights_fit(const struct iso_reals *weights, size_t outputs, struct iso_error *err)
{
    if (weights->count == 0 || weights->count == outputs)
        return 0;
    return iso_fail(err, "class_weights has %zu values for %zu classes: give one for each class", weights->count,
                    outputs);
}

#endif
