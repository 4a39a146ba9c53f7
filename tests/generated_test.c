/* The generated datasets teacher_student, sparse_parity and power_law: functions of (seed, index) alone, with the
 * properties that their formulas promise. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/generator.h"
#include "base/hash.h"
#include "plugin/plugin.h"
#include "suite.h"

static struct plugins *plugins;

/* A drawn block and what it was drawn from. */
struct block {
    struct instance *instance;
    struct iso_table table;
    size_t n;
    uint8_t *bytes; /* n x inputs, or NULL */
    float *floats;
    int32_t *labels; /* n, or NULL */
    float *targets;  /* n x outputs, or NULL */
};

static void draw(const struct block *block, uint64_t seed, size_t first_row, size_t n, const uint64_t *index)
{
    const struct iso_rng rng = generator_of("examples", seed, 0);
    struct iso_drawn out = { .size = sizeof out };
    if (block->bytes)
        out.bytes = block->bytes + first_row * block->table.inputs;
    if (block->floats)
        out.floats = block->floats + first_row * block->table.inputs;
    if (block->labels)
        out.labels = block->labels + first_row;
    if (block->targets)
        out.targets = block->targets + first_row * block->table.outputs;
    block->instance->plugin->ops.dataset.draw(block->instance->state, &rng, n, index, &out);
}

static struct instance *instance_with(const char *name, const char *const *pairs)
{
    struct iso_error err = { .size = sizeof err };
    const struct plugin *plugin = plugins_find(plugins, ISO_DATASET, name, &err);
    ck_assert_msg(plugin, "%s", err.text);
    struct instance *instance = instance_new(plugin, pairs, NULL, &err);
    ck_assert_msg(instance, "%s", err.text);
    return instance;
}

/* Examples 0 ... n - 1 of a seed, the last drawn first where backwards, in blocks of up to `most`. */
static struct block drawn(const char *name, const char *const *pairs, uint64_t seed, size_t n, size_t most,
                          bool backwards)
{
    struct block block = { .instance = instance_with(name, pairs), .table = { .size = sizeof block.table }, .n = n };
    struct iso_error err = { .size = sizeof err };
    const struct iso_dataset *ops = &block.instance->plugin->ops.dataset;
    ck_assert_int_eq(ops->open(block.instance->state, &block.instance->host, ISO_SPLIT_TRAIN, &block.table, &err), 0);
    ck_assert_uint_eq(block.table.examples, 0);
    if (ops->storage == ISO_STORED_BYTES)
        block.bytes = malloc(n * block.table.inputs);
    else
        block.floats = malloc(n * block.table.inputs * sizeof(float));
    if (ops->regression)
        block.targets = malloc(n * block.table.outputs * sizeof(float));
    else
        block.labels = malloc(n * sizeof(int32_t));
    uint64_t *index = malloc(n * sizeof *index);
    ck_assert(index && (block.bytes || block.floats) && (block.targets || block.labels));
    for (size_t k = 0; k < n; k++)
        index[k] = k;
    for (size_t done = 0; done < n;) {
        const size_t size = n - done < most ? n - done : most, from = backwards ? n - done - size : done;
        draw(&block, seed, from, size, index + from);
        done += size;
    }
    free(index);
    return block;
}

static void release(struct block *block)
{
    instance_free(block->instance);
    free(block->bytes);
    free(block->floats);
    free(block->labels);
    free(block->targets);
}

static void checksum_of(const struct block *block, char checksum[HASH_TEXT])
{
    struct hash *hash = hash_new();
    ck_assert(hash);
    if (block->bytes)
        hash_add(hash, block->bytes, block->n * block->table.inputs);
    if (block->floats)
        hash_add(hash, block->floats, block->n * block->table.inputs * sizeof(float));
    if (block->labels)
        hash_add(hash, block->labels, block->n * sizeof(int32_t));
    if (block->targets)
        hash_add(hash, block->targets, block->n * block->table.outputs * sizeof(float));
    hash_end(hash, checksum);
}

static const char *const noisy_teacher[] = { "noise", "0.5", "outputs", "3", "dimension", "7", NULL };

/* Bits are a promise (on little-endian machines, for the sake of the sum): where one changes, the plugin's revision
 * must. And the same sum comes out in any order and blocks. */
START_TEST(golden_and_pure)
{
    static const struct {
        const char *name;
        const char *const *pairs;
        const char *checksum;
    } cases[] = {
        { "teacher_student", NULL, "d68774418d7521520d268690f95994dbea5088b8f88994229d153dd2900bb1f2" },
        { "teacher_student", noisy_teacher, "6ed36e1565ff6548781583046b3abd844e9a10beb84a4b1a1e920d763245c35d" },
        { "sparse_parity", NULL, "2981fc5ef1d55b2e11f4cd03adc7622b900202844974af873a303a7fdf6b94f9" },
        { "power_law", NULL, "8cdb3c4d89e701b063dfe7905b8e4197fa81fa67c53f8676810211380ea0d65d" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char whole[HASH_TEXT], parts[HASH_TEXT], other[HASH_TEXT];
        struct block block = drawn(cases[i].name, cases[i].pairs, 1, 100, 100, false);
        checksum_of(&block, whole);
        release(&block);
        block = drawn(cases[i].name, cases[i].pairs, 1, 100, 7, true);
        checksum_of(&block, parts);
        release(&block);
        block = drawn(cases[i].name, cases[i].pairs, 2, 100, 100, false);
        checksum_of(&block, other);
        release(&block);
        ck_assert_str_eq(whole, parts);
        ck_assert_str_ne(whole, other);
        ck_assert_str_eq(whole, cases[i].checksum);
    }
}
END_TEST

static void moments(const float *values, size_t n, size_t stride, double *mean, double *variance)
{
    double sum = 0, squares = 0;
    for (size_t k = 0; k < n; k++) {
        sum += values[k * stride];
        squares += (double)values[k * stride] * values[k * stride];
    }
    *mean = sum / (double)n;
    *variance = squares / (double)n - *mean * *mean;
}

/* Removes from v its part along each of count orthonormal axes. */
static void project_out(double *v, const double *axes, size_t count, size_t length)
{
    for (size_t a = 0; a < count; a++) {
        double along = 0;
        for (size_t i = 0; i < length; i++)
            along += v[i] * axes[a * length + i];
        for (size_t i = 0; i < length; i++)
            v[i] -= along * axes[a * length + i];
    }
}

static double length_of(const double *v, size_t length)
{
    double sum = 0;
    for (size_t i = 0; i < length; i++)
        sum += v[i] * v[i];
    return sqrt(sum);
}

/* Inputs span exactly `dimension` axes, with variance 1 on average; targets have mean 0 and variance 1. */
START_TEST(teacher_statistics)
{
    enum { N = 20000, D = 5, I = 12 };
    struct block block = drawn("teacher_student", (const char *const[]){ "inputs", "12", "dimension", "5", "outputs",
                                                                          "2", NULL }, 3, N, N, false);
    ck_assert_uint_eq(block.table.inputs, I);
    ck_assert_uint_eq(block.table.outputs, 2);
    double axes[D * I], total = 0, mean, variance;
    for (size_t a = 0; a < D; a++) {
        for (size_t i = 0; i < I; i++)
            axes[a * I + i] = block.floats[a * I + i];
        project_out(axes + a * I, axes, a, I);
        const double length = length_of(axes + a * I, I);
        ck_assert_double_gt(length, 1e-2); /* another axis */
        for (size_t i = 0; i < I; i++)
            axes[a * I + i] /= length;
    }
    for (size_t k = D; k < N; k++) {
        double v[I];
        for (size_t i = 0; i < I; i++)
            v[i] = block.floats[k * I + i];
        project_out(v, axes, D, I);
        ck_assert_double_lt(length_of(v, I), 1e-4);
    }
    for (size_t i = 0; i < I; i++) {
        moments(block.floats + i, N, I, &mean, &variance);
        ck_assert_double_eq_tol(mean, 0, 0.05);
        total += variance;
    }
    ck_assert_double_eq_tol(total / I, 1, 0.02);
    for (size_t j = 0; j < 2; j++) {
        moments(block.targets + j, N, 2, &mean, &variance);
        ck_assert_double_eq_tol(mean, 0, 0.08);
        ck_assert_double_eq_tol(variance, 1, 0.12);
    }
    release(&block);
}
END_TEST

/* Noise is added to the same targets, with the deviation asked for; another teacher_seed is another teacher. */
START_TEST(teacher_noise_and_seed)
{
    enum { N = 20000 };
    struct block clean = drawn("teacher_student", NULL, 3, N, N, false);
    struct block noisy = drawn("teacher_student", (const char *const[]){ "noise", "0.5", NULL }, 3, N, N, false);
    struct block other = drawn("teacher_student", (const char *const[]){ "teacher_seed", "1", NULL }, 3, N, N, false);
    ck_assert_mem_eq(clean.floats, noisy.floats, N * clean.table.inputs * sizeof(float));
    double noise = 0, product = 0;
    for (size_t k = 0; k < N; k++) {
        const double difference = (double)noisy.targets[k] - clean.targets[k];
        noise += difference * difference;
        product += (double)clean.targets[k] * other.targets[k];
    }
    ck_assert_double_eq_tol(noise / N, 0.25, 0.01);
    ck_assert_double_lt(fabs(product / N), 0.9);
    release(&clean);
    release(&noisy);
    release(&other);
}
END_TEST

/* One control bit; random bits even; tasks by Zipf's law; and for a task exactly one subset explains all labels. */
START_TEST(parity_is_that_of_a_subset)
{
    enum { N = 40000, TASKS = 6, BITS = 12 };
    struct block block = drawn("sparse_parity", (const char *const[]){ "tasks", "6", "bits", "12", "alpha", "0.4",
                                                                        NULL }, 3, N, N, false);
    ck_assert_uint_eq(block.table.inputs, TASKS + BITS);
    double count[TASKS] = { 0 }, set = 0, odd = 0, weight[TASKS], all = 0;
    unsigned char possible[TASKS][BITS][BITS][BITS];
    memset(possible, 1, sizeof possible);
    for (size_t k = 0; k < N; k++) {
        const uint8_t *control = block.bytes + k * (TASKS + BITS), *bit = control + TASKS;
        size_t task = TASKS;
        for (size_t i = 0; i < TASKS; i++) {
            ck_assert_uint_le(control[i], 1);
            if (control[i]) {
                ck_assert_uint_eq(task, TASKS);
                task = i;
            }
        }
        ck_assert_uint_lt(task, TASKS);
        count[task]++;
        odd += block.labels[k];
        for (size_t i = 0; i < BITS; i++) {
            ck_assert_uint_le(bit[i], 1);
            set += bit[i];
        }
        for (size_t a = 0; a < BITS; a++)
            for (size_t b = a + 1; b < BITS; b++)
                for (size_t c = b + 1; c < BITS; c++)
                    possible[task][a][b][c] &= (bit[a] ^ bit[b] ^ bit[c]) == block.labels[k];
    }
    ck_assert_double_eq_tol(set / ((double)N * BITS), 0.5, 0.005);
    ck_assert_double_eq_tol(odd / N, 0.5, 0.015);
    for (size_t i = 0; i < TASKS; i++)
        all += weight[i] = pow((double)(i + 1), -1.4);
    for (size_t i = 0; i < TASKS; i++) {
        ck_assert_double_eq_tol(count[i] / N, weight[i] / all, 0.012);
        size_t subsets = 0;
        for (size_t a = 0; a < BITS; a++)
            for (size_t b = a + 1; b < BITS; b++)
                for (size_t c = b + 1; c < BITS; c++)
                    subsets += possible[i][a][b][c];
        ck_assert_uint_eq(subsets, 1);
    }
    release(&block);
}
END_TEST

/* The best map of rank N, s_i x_i for the first N modes, has the loss that the formula says. s_i is taken from the
 * data, by regression. */
START_TEST(power_law_has_its_known_answer)
{
    enum { N = 100000, MODES = 12 };
    const double alpha = 0.7, amplitude = 2, noise = 0.3;
    struct block block = drawn("power_law", (const char *const[]){ "modes", "12", "alpha", "0.7", "amplitude", "2",
                                                                    "noise", "0.3", NULL }, 3, N, N, false);
    double slope[MODES], left[MODES], before = INFINITY;
    for (size_t i = 0; i < MODES; i++) {
        double xx = 0, xy = 0, yy = 0;
        for (size_t k = 0; k < N; k++) {
            const double x = block.floats[k * MODES + i], y = block.targets[k * MODES + i];
            xx += x * x;
            xy += x * y;
            yy += y * y;
        }
        ck_assert_double_eq_tol(xx / N, 1, 0.025);
        slope[i] = xy / xx;
        left[i] = (yy - slope[i] * xy) / N;
        ck_assert_double_lt(slope[i], before);
        before = slope[i];
    }
    for (size_t width = 1; width <= MODES; width++) {
        double loss = 0;
        for (size_t i = 0; i < MODES; i++)
            loss += (left[i] + (i < width ? 0 : slope[i] * slope[i])) / MODES;
        const double known = noise * noise + amplitude * pow((double)width, -alpha);
        ck_assert_double_eq_tol(loss, known, 0.015 * known);
    }
    release(&block);
}
END_TEST

static void refused(const char *name, const char *const *pairs, const char *words)
{
    struct iso_error err = { .size = sizeof err };
    const struct plugin *plugin = plugins_find(plugins, ISO_DATASET, name, &err);
    ck_assert_msg(plugin, "%s", err.text);
    ck_assert_ptr_null(instance_new(plugin, pairs, NULL, &err));
    ck_assert_msg(strstr(err.text, words), "\"%s\" is not in: %s", words, err.text);
}

START_TEST(impossible_combinations)
{
    refused("sparse_parity", (const char *const[]){ "bits", "3", "subset", "4", NULL }, "does not fit into 3 bits");
    refused("teacher_student", (const char *const[]){ "inputs", "3", NULL }, "does not fit into 3 inputs");
    refused("teacher_student", (const char *const[]){ "hidden", "[4, 4, 4, 4, 4, 4, 4, 4, 4]", NULL },
            "at most 8 are possible");
}
END_TEST

static void open_plugins(void)
{
    struct iso_error err = { .size = sizeof err };
    plugins = plugins_new(NULL, &err);
    ck_assert_msg(plugins, "%s", err.text);
}

static void close_plugins(void)
{
    plugins_free(plugins);
}

int main(void)
{
    Suite *suite = suite_create("generated");
    TCase *tests = tcase_create("generated");
    tcase_set_timeout(tests, 120);
    tcase_add_unchecked_fixture(tests, open_plugins, close_plugins);
    tcase_add_test(tests, golden_and_pure);
    tcase_add_test(tests, teacher_statistics);
    tcase_add_test(tests, teacher_noise_and_seed);
    tcase_add_test(tests, parity_is_that_of_a_subset);
    tcase_add_test(tests, power_law_has_its_known_answer);
    tcase_add_test(tests, impossible_combinations);
    suite_add_tcase(suite, tests);
    return suite_failed(suite) != 0;
}
