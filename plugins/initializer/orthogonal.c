/* orthogonal: gain times a random matrix with orthonormal rows, or columns where there are more rows than columns
 * (Saxe et al., "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks", ICLR 2014):
 * the rows of a normal matrix by Gram-Schmidt in double, each orthogonalised twice, without which rounding would
 * leave angles ("twice is enough", Kahan). Its distribution is the uniform one over such matrices. */
#include <stdlib.h>

#include <isoflop/parts.h>

struct orthogonal { double gain; };

static double deviation(const void *state, const struct iso_layer *layer)
{
    const size_t longer = layer->fan_in > layer->fan_out ? layer->fan_in : layer->fan_out;
    return ((const struct orthogonal *)state)->gain / sqrt((double)longer);
}

/* Four partial sums: vector code in an order that is written down. */
static double inner(size_t n, const double *a, const double *b)
{
    double sum[4] = { 0, 0, 0, 0 };
    size_t j = 0;
    for (; j + 4 <= n; j += 4)
        for (size_t k = 0; k < 4; k++)
            sum[k] += a[j + k] * b[j + k];
    for (; j < n; j++)
        sum[0] += a[j] * b[j];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

static void orthonormalise(size_t rows, size_t columns, double *q)
{
    for (size_t i = 0; i < rows; i++) {
        double *row = q + i * columns;
        for (int pass = 0; pass < 2; pass++)
            for (size_t h = 0; h < i; h++) {
                const double *other = q + h * columns, part = inner(columns, row, other);
                ISO_ELEMENTWISE
                for (size_t j = 0; j < columns; j++)
                    row[j] -= part * other[j];
            }
        const double scale = 1 / sqrt(inner(columns, row, row));
        for (size_t j = 0; j < columns; j++)
            row[j] *= scale;
    }
}

static int fill(const void *state, const struct iso_host *host, const struct iso_layer *layer,
                const struct iso_rng *rng, float *weights, struct iso_error *err)
{
    const double gain = ((const struct orthogonal *)state)->gain;
    const bool wide = layer->fan_in >= layer->fan_out;
    const size_t rows = wide ? layer->fan_out : layer->fan_in, columns = wide ? layer->fan_in : layer->fan_out;
    (void)host;
    double *q = rows <= SIZE_MAX / sizeof *q / columns ? malloc(rows * columns * sizeof *q) : NULL;
    if (!q)
        return iso_fail(err, "out of memory for an orthogonal matrix of %zu x %zu", rows, columns);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j += 4) {
            double z[4];
            iso_rng_normals_block(rng, i, (uint32_t)(j / 4), z);
            for (size_t k = 0; k < 4 && j + k < columns; k++)
                q[i * columns + j + k] = z[k];
        }
    orthonormalise(rows, columns, q);
    for (size_t i = 0; i < layer->fan_out; i++)
        for (size_t j = 0; j < layer->fan_in; j++)
            weights[i * layer->fan_in + j] = (float)(gain * (wide ? q[i * columns + j] : q[j * columns + i]));
    free(q);
    return 0;
}

static const struct iso_param params[] = {
    ISO_REAL(struct orthogonal, gain, "1", 0, 1e6, "factor", .try_max = "100"), { 0 }
};
static const struct iso_initializer ops = { .fill = fill, .deviation = deviation, .unpaired = true };
ISO_PLUGIN(ops, .name = "orthogonal", .revision = 1, .summary = "gain times random orthonormal rows (or columns)",
           .state_size = sizeof(struct orthogonal), .params = params);
