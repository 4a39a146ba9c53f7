/* teacher_student: a regression on the outputs of a random teacher network, over inputs of a chosen intrinsic
 * dimension, without end. After Sharma and Kaplan, "Scaling laws from the data manifold dimension", Journal of Machine
 * Learning Research 23, 2022, where students' loss falls with their number of parameters N about as N^(-4 / dimension).
 *
 *     z ~ U(-sqrt 3, sqrt 3)^dimension
 *     x = sqrt(inputs / dimension) Q z                    Q: inputs x dimension, random orthonormal columns
 *     h_0 = z,   h_l = max(W_l h_l-1 + b_l, 0)            W ~ N(0, 2 / fan-in),   b ~ N(0, 1 / 4)
 *     y = (V h_L - mean) / deviation + noise e            V ~ N(0, 1 / fan-in),   e ~ N(0, 1)
 *
 * x has variance 1 on average. The teacher hangs on teacher_seed and its shape alone; mean and deviation are those of
 * its outputs over 4,096 inputs of its own, so that a student that always answers 0 has a mean squared error
 * (loss {mse: {output: identity}}) of 1 + noise^2. */
#include <isoflop/plugin.h>

#include <math.h>
#include <string.h>

enum { WIDTH_MAX = 1024, LAYERS_MAX = 9, SAMPLES = 4096 };

struct layer {
    size_t in, out;
    float *weights; /* in x out: a unit's weights are a column */
    float *biases;
};

struct teacher {
    int64_t inputs, dimension, outputs, teacher_seed;
    struct iso_ints hidden;
    double noise;
    struct layer layers[LAYERS_MAX];
    size_t depth;
    float *embedding; /* dimension x inputs */
    float *mean, *over_deviation;
};

/* y = x W + b, summed in the order of the inputs, whatever the machine. */
static void apply(const struct layer *layer, const float *restrict x, float *restrict y)
{
    memcpy(y, layer->biases, layer->out * sizeof *y);
    for (size_t i = 0; i < layer->in; i++) {
        const float *restrict weights = layer->weights + i * layer->out;
        const float value = x[i];
        for (size_t j = 0; j < layer->out; j++)
            y[j] += value * weights[j];
    }
}

/* The teacher's outputs before they are standardised. */
static void teach(const struct teacher *teacher, const float *z, float *y)
{
    float hidden[2][WIDTH_MAX];
    const float *x = z;
    for (size_t l = 0; l + 1 < teacher->depth; l++) {
        float *next = hidden[l % 2];
        apply(&teacher->layers[l], x, next);
        for (size_t j = 0; j < teacher->layers[l].out; j++)
            next[j] = next[j] > 0 ? next[j] : 0;
        x = next;
    }
    apply(&teacher->layers[teacher->depth - 1], x, y);
}

/* z of example i: the first numbers of its row. */
static void draw_latent(const struct teacher *teacher, const struct iso_rng *rng, uint64_t i, float *z)
{
    double uniform[4] = { 0 };
    for (size_t k = 0; k < (size_t)teacher->dimension; k++) {
        if (k % 4 == 0)
            iso_rng_uniforms_block(rng, i, (uint32_t)(k / 4), uniform);
        z[k] = (float)(0x1.bb67ae8584caap+0 * (2 * uniform[k % 4] - 1)); /* sqrt 3 */
    }
}

static float *floats(const struct iso_host *host, size_t n, struct iso_error *err)
{
    return host->allocate(host, n * sizeof(float), err);
}

static int make_layers(struct teacher *teacher, const struct iso_host *host, const struct iso_rng *rng,
                       struct iso_error *err)
{
    teacher->depth = teacher->hidden.count + 1;
    for (size_t l = 0; l < teacher->depth; l++) {
        struct layer *layer = &teacher->layers[l];
        const bool last = l + 1 == teacher->depth;
        layer->in = l ? teacher->layers[l - 1].out : (size_t)teacher->dimension;
        layer->out = (size_t)(last ? teacher->outputs : teacher->hidden.values[l]);
        if (!(layer->weights = floats(host, layer->in * layer->out, err)) ||
            !(layer->biases = floats(host, layer->out, err)))
            return -1;
        const double scale = sqrt((last ? 1.0 : 2.0) / (double)layer->in);
        for (size_t i = 0; i < layer->in; i++)
            for (size_t j = 0; j < layer->out; j++)
                layer->weights[i * layer->out + j] =
                    (float)(scale * iso_rng_normal_at(rng, (uint64_t)l << 32 | i, (uint32_t)j));
        if (last)
            break;
        for (size_t j = 0; j < layer->out; j++)
            layer->biases[j] = (float)(0.5 * iso_rng_normal_at(rng, (uint64_t)l << 32 | layer->in, (uint32_t)j));
    }
    return 0;
}

/* Q by Gram and Schmidt's method (modified) from a normal matrix, scaled for x. */
static int make_embedding(struct teacher *teacher, const struct iso_host *host, const struct iso_rng *rng,
                          struct iso_error *err)
{
    const size_t inputs = (size_t)teacher->inputs, dimension = (size_t)teacher->dimension;
    double *columns = host->allocate(host, inputs * dimension * sizeof *columns, err);
    if (!columns || !(teacher->embedding = floats(host, inputs * dimension, err)))
        return -1;
    for (size_t k = 0; k < dimension; k++) {
        double *column = columns + k * inputs, length2 = 0;
        for (size_t i = 0; i < inputs; i++)
            column[i] = iso_rng_normal_at(rng, k, (uint32_t)i);
        for (size_t other = 0; other < k; other++) {
            const double *axis = columns + other * inputs;
            double along = 0;
            for (size_t i = 0; i < inputs; i++)
                along += axis[i] * column[i];
            for (size_t i = 0; i < inputs; i++)
                column[i] -= along * axis[i];
        }
        for (size_t i = 0; i < inputs; i++)
            length2 += column[i] * column[i];
        const double over_length = 1 / sqrt(length2);
        for (size_t i = 0; i < inputs; i++)
            column[i] *= over_length;
    }
    const double scale = sqrt((double)inputs / (double)dimension);
    for (size_t i = 0; i < inputs * dimension; i++)
        teacher->embedding[i] = (float)(scale * columns[i]);
    return 0;
}

static int standardise(struct teacher *teacher, const struct iso_host *host, const struct iso_rng *rng,
                       struct iso_error *err)
{
    const size_t outputs = (size_t)teacher->outputs;
    float *z = floats(host, (size_t)teacher->dimension, err);
    float *y = z ? floats(host, outputs * SAMPLES, err) : NULL;
    if (!y || !(teacher->mean = floats(host, outputs, err)) ||
        !(teacher->over_deviation = floats(host, outputs, err)))
        return -1;
    for (size_t k = 0; k < SAMPLES; k++) {
        draw_latent(teacher, rng, k, z);
        teach(teacher, z, y + k * outputs);
    }
    for (size_t j = 0; j < outputs; j++) {
        double sum = 0, squares = 0;
        for (size_t k = 0; k < SAMPLES; k++)
            sum += y[k * outputs + j];
        const double mean = sum / SAMPLES;
        for (size_t k = 0; k < SAMPLES; k++)
            squares += (y[k * outputs + j] - mean) * (y[k * outputs + j] - mean);
        if (!(squares > 0))
            return iso_fail(err, "output %zu of this teacher is constant, as no unit of a layer is active: take wider "
                            "hidden layers or another teacher_seed", j + 1);
        teacher->mean[j] = (float)mean;
        teacher->over_deviation[j] = (float)sqrt(SAMPLES / squares);
    }
    return 0;
}

static int setup(void *state, const struct iso_host *host, struct iso_error *err)
{
    struct teacher *teacher = state;
    const uint64_t seed = (uint64_t)teacher->teacher_seed;
    struct iso_rng weights = { .size = sizeof weights }, embedding = { .size = sizeof embedding };
    struct iso_rng samples = { .size = sizeof samples };
    if (teacher->dimension > teacher->inputs)
        return iso_fail(err, "an intrinsic dimension of %lld does not fit into %lld inputs: lower dimension or raise "
                        "inputs", (long long)teacher->dimension, (long long)teacher->inputs);
    if (teacher->hidden.count + 1 > LAYERS_MAX)
        return iso_fail(err, "the teacher has %zu hidden layers; at most %d are possible", teacher->hidden.count,
                        LAYERS_MAX - 1);
    if (host->generator(host, "teacher", seed, &weights, err) ||
        host->generator(host, "embedding", seed, &embedding, err) ||
        host->generator(host, "samples", seed, &samples, err) ||
        make_layers(teacher, host, &weights, err) || make_embedding(teacher, host, &embedding, err))
        return -1;
    return standardise(teacher, host, &samples, err);
}

static int open_split(void *state, const struct iso_host *host, enum iso_split split, struct iso_table *table,
                      struct iso_error *err)
{
    const struct teacher *teacher = state;
    (void)host;
    (void)split;
    (void)err;
    table->inputs = table->row_stride = (size_t)teacher->inputs;
    table->outputs = (size_t)teacher->outputs;
    table->scale = 1;
    return 0;
}

/* Rows hold z, then, from number NOISE on, the targets' noise. */
#define NOISE 0x80000000u

static void draw(const void *state, const struct iso_rng *rng, size_t n, const uint64_t *index,
                 const struct iso_drawn *out)
{
    const struct teacher *teacher = state;
    const size_t inputs = (size_t)teacher->inputs, dimension = (size_t)teacher->dimension;
    const size_t outputs = (size_t)teacher->outputs;
    float z[WIDTH_MAX];
    for (size_t k = 0; k < n; k++) {
        float *restrict x = out->floats + k * inputs, *y = out->targets + k * outputs;
        draw_latent(teacher, rng, index[k], z);
        memset(x, 0, inputs * sizeof *x);
        for (size_t d = 0; d < dimension; d++) {
            const float *restrict axis = teacher->embedding + d * inputs;
            for (size_t i = 0; i < inputs; i++)
                x[i] += z[d] * axis[i];
        }
        teach(teacher, z, y);
        for (size_t j = 0; j < outputs; j++) {
            y[j] = (y[j] - teacher->mean[j]) * teacher->over_deviation[j];
            if (teacher->noise > 0)
                y[j] += (float)(teacher->noise * iso_rng_normal_at(rng, index[k], NOISE + (uint32_t)j));
        }
    }
}

static const struct iso_param params[] = {
    ISO_INT(struct teacher, inputs, "20", 1, 4096, "inputs of the student", .try_min = "4", .try_max = "100"),
    ISO_INT(struct teacher, dimension, "4", 1, WIDTH_MAX, "intrinsic dimension of the inputs, at most `inputs`",
            .try_max = "20"),
    ISO_INT(struct teacher, outputs, "1", 1, WIDTH_MAX, "outputs of the teacher", .try_max = "10"),
    ISO_INTS(struct teacher, hidden, "[96, 96]", 1, WIDTH_MAX, "units of the teacher's hidden layers, at most 8 layers",
             .try_min = "[8]", .try_max = "[64, 64, 64]"),
    ISO_REAL(struct teacher, noise, "0", 0, 100, "standard deviation of the noise of targets; theirs is 1",
             .try_max = "1"),
    ISO_INT(struct teacher, teacher_seed, "0", 0, 9007199254740991, "which teacher", .try_max = "1"),
    { 0 }
};
static const struct iso_dataset ops = {
    .open = open_split, .draw = draw, .storage = ISO_STORED_FLOATS, .regression = true,
    .license = "generated by isoflop itself"
};
ISO_PLUGIN(ops, .name = "teacher_student", .revision = 1,
           .summary = "a random network's outputs to regress on, over inputs of a given intrinsic dimension",
           .state_size = sizeof(struct teacher), .params = params, .setup = setup);
