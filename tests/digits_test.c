/* The dataset digits: examples are functions of (seed, index) alone, and look as promised. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/generator.h"
#include "base/hash.h"
#include "plugin/plugin.h"
#include "suite.h"

enum { PIXELS = 784, MANY = 5000 };

static struct plugins *plugins;

static struct instance *digits_with(const char *const *pairs)
{
    struct iso_error err = { .size = sizeof err };
    const struct plugin *plugin = plugins_find(plugins, ISO_DATASET, "digits", &err);
    ck_assert_msg(plugin, "%s", err.text);
    struct instance *instance = instance_new(plugin, pairs, NULL, &err);
    ck_assert_msg(instance, "%s", err.text);
    return instance;
}

static void draw(const struct instance *instance, uint64_t seed, size_t n, const uint64_t *index, uint8_t *pixels,
                 int32_t *labels)
{
    const struct iso_rng rng = generator_of("examples", seed, 0);
    const struct iso_drawn drawn = { .size = sizeof drawn, .bytes = pixels, .labels = labels };
    instance->plugin->ops.dataset.draw(instance->state, &rng, n, index, &drawn);
}

/* Examples first ... first + n - 1 of a seed, with parameters; to be freed. */
static uint8_t *drawn_with(const char *const *pairs, uint64_t seed, uint64_t first, size_t n, int32_t *labels)
{
    struct instance *instance = digits_with(pairs);
    uint8_t *pixels = malloc(n * PIXELS);
    uint64_t *index = malloc(n * sizeof *index);
    ck_assert(pixels && index);
    for (size_t k = 0; k < n; k++)
        index[k] = first + k;
    draw(instance, seed, n, index, pixels, labels);
    free(index);
    instance_free(instance);
    return pixels;
}

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

START_TEST(shape)
{
    struct instance *instance = digits_with(NULL);
    const struct iso_dataset *ops = &instance->plugin->ops.dataset;
    struct iso_error err = { .size = sizeof err };
    for (int split = ISO_SPLIT_TRAIN; split <= ISO_SPLIT_TEST; split++) {
        struct iso_table table = { .size = sizeof table };
        ck_assert_int_eq(ops->open(instance->state, &instance->host, (enum iso_split)split, &table, &err), 0);
        ck_assert_uint_eq(table.examples, 0);
        ck_assert_uint_eq(table.inputs, PIXELS);
        ck_assert_uint_eq(table.outputs, 10);
        ck_assert_uint_eq(table.height * table.width * table.channels, PIXELS);
        ck_assert_double_eq(table.scale * 255, 1);
        for (int digit = 0; digit < 10; digit++)
            ck_assert_int_eq(table.class_names[digit][0], '0' + digit);
    }
    ck_assert_int_eq(ops->storage, ISO_STORED_BYTES);
    ck_assert(!ops->regression);
    instance_free(instance);
}
END_TEST

/* Twice, backwards, in blocks of any size, and from another instance: the same bytes. Neighbours and other seeds:
 * others. */
START_TEST(pure)
{
    enum { N = 203 };
    int32_t labels[N], again[N];
    uint8_t *whole = drawn_with(NULL, 7, 1000000007, N, labels);
    uint8_t *other = malloc(N * PIXELS);
    ck_assert(other);
    struct instance *instance = digits_with(NULL);
    uint64_t index[N];
    for (size_t k = 0; k < N; k++)
        index[k] = 1000000007 + k;
    for (size_t from = 0, size = 1; from < N; from += size, size = size % 17 + 3) {
        const size_t n = size < N - from ? size : N - from;
        draw(instance, 7, n, index + from, other + from * PIXELS, again + from);
    }
    ck_assert_mem_eq(whole, other, N * PIXELS);
    ck_assert_mem_eq(labels, again, sizeof labels);
    memset(other, 0xa5, N * PIXELS);
    for (size_t k = N; k-- > 0;)
        draw(instance, 7, 1, index + k, other + k * PIXELS, again + k);
    ck_assert_mem_eq(whole, other, N * PIXELS);
    ck_assert_mem_eq(labels, again, sizeof labels);

    for (size_t k = 1; k < N; k++)
        ck_assert_mem_ne(whole + k * PIXELS, whole + (k - 1) * PIXELS, PIXELS);
    draw(instance, 8, N, index, other, again);
    for (size_t k = 0; k < N; k++)
        ck_assert_mem_ne(whole + k * PIXELS, other + k * PIXELS, PIXELS);
    /* All 64 bits of the index count. */
    const uint64_t far[2] = { 5, 5 + (UINT64_C(1) << 32) };
    draw(instance, 7, 2, far, other, again);
    ck_assert_mem_ne(other, other + PIXELS, PIXELS);
    instance_free(instance);
    free(other);
    free(whole);
}
END_TEST

/* The bits are a promise, on every machine and compiler: where this changes, the plugin's revision must. */
START_TEST(golden)
{
    static const struct {
        const char *pairs[5];
        const char *checksum;
    } cases[] = {
        { { NULL }, "e5bea6e2fb44b47e8c715aaf1bc71d1e3d4de27be923198b758f631f93998f3e" },
        { { "distortion", "0", "noise", "0", NULL },
          "45f797ed9c2d380869600744e2387b5b775aadcf52022f4e2f366c8f54a5029e" },
        { { "distortion", "2", "noise", "1", NULL },
          "8ec691ca25d6a1f4e50ef3192181d95ecfeb6a254ff3f84db0b71ba046141a93" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int32_t labels[256];
        uint8_t *pixels = drawn_with(cases[i].pairs, 1, 0, 256, labels), all[256 * (PIXELS + 1)];
        memcpy(all, pixels, 256 * PIXELS);
        for (size_t k = 0; k < 256; k++)
            all[256 * PIXELS + k] = (uint8_t)labels[k];
        char checksum[HASH_TEXT];
        ck_assert_int_eq(hash_of(all, sizeof all, checksum), 0);
        ck_assert_str_eq(checksum, cases[i].checksum);
        free(pixels);
    }
}
END_TEST

/* Every digit as often as the others: chi-squared of 9 degrees of freedom, below its quantile at 1 - 1e-6. */
START_TEST(labels_even)
{
    int32_t *labels = malloc(MANY * sizeof *labels);
    ck_assert(labels);
    uint8_t *pixels = drawn_with(NULL, 3, 0, MANY, labels);
    double count[10] = { 0 }, chi2 = 0;
    for (size_t k = 0; k < MANY; k++) {
        ck_assert_int_ge(labels[k], 0);
        ck_assert_int_lt(labels[k], 10);
        count[labels[k]]++;
    }
    for (int digit = 0; digit < 10; digit++)
        chi2 += (count[digit] - MANY / 10.0) * (count[digit] - MANY / 10.0) / (MANY / 10.0);
    ck_assert_double_lt(chi2, 47);
    free(pixels);
    free(labels);
}
END_TEST

/* Without noise: ink on a blank ground, full range, mostly away from the frame. */
START_TEST(clean_ink)
{
    int32_t *labels = malloc(MANY * sizeof *labels);
    ck_assert(labels);
    uint8_t *pixels = drawn_with((const char *const[]){ "noise", "0", NULL }, 3, 0, MANY, labels);
    size_t blank = 0, frame = 0;
    uint8_t most = 0;
    double ink = 0;
    for (size_t k = 0; k < MANY; k++) {
        uint8_t darkest = 0;
        for (size_t i = 0; i < PIXELS; i++) {
            const uint8_t pixel = pixels[k * PIXELS + i];
            const size_t row = i / 28, column = i % 28;
            darkest = pixel > darkest ? pixel : darkest;
            ink += pixel;
            blank += pixel == 0;
            frame += pixel > 100 && (row == 0 || row == 27 || column == 0 || column == 27);
        }
        ck_assert_uint_ge(darkest, 100);
        most = darkest > most ? darkest : most;
    }
    ck_assert_uint_ge(most, 250);
    const double mean = ink / (255.0 * MANY * PIXELS);
    ck_assert_double_gt(mean, 0.09); /* MNIST has 0.13 */
    ck_assert_double_lt(mean, 0.16);
    ck_assert_double_gt((double)blank / (MANY * PIXELS), 0.6);
    ck_assert_double_lt((double)frame / MANY, 1.5); /* pixels an image; 0.9 were seen */
    free(pixels);
    free(labels);
}
END_TEST

/* Noise moves the blank ground by its standard deviation, half of which is cut off at 0. */
START_TEST(noise_level)
{
    enum { N = 500 };
    int32_t labels[N];
    uint8_t *clean = drawn_with((const char *const[]){ "noise", "0", NULL }, 3, 0, N, labels);
    uint8_t *noisy = drawn_with((const char *const[]){ "noise", "0.1", NULL }, 3, 0, N, labels);
    double sum = 0, count = 0;
    for (size_t i = 0; i < (size_t)N * PIXELS; i++)
        if (clean[i] == 0) {
            sum += (double)noisy[i] * noisy[i];
            count++;
        }
    /* E[max(x, 0)^2] is half the variance. */
    ck_assert_double_eq_tol(sum / count, 0.5 * 25.5 * 25.5, 0.02 * 0.5 * 25.5 * 25.5);
    free(noisy);
    free(clean);
}
END_TEST

/* The mean images of the classes tell most undistorted digits apart, and fewer of the distorted ones: labels belong to
 * what is drawn, and distortion makes the task harder. */
static double nearest_mean(const char *distortion)
{
    const char *const pairs[] = { "distortion", distortion, NULL };
    static int32_t labels[MANY];
    static double mean[10][PIXELS];
    double count[10] = { 0 };
    memset(mean, 0, sizeof mean);
    uint8_t *pixels = drawn_with(pairs, 3, 0, MANY, labels);
    for (size_t k = 0; k < MANY / 2; k++) {
        count[labels[k]]++;
        for (size_t i = 0; i < PIXELS; i++)
            mean[labels[k]][i] += pixels[k * PIXELS + i];
    }
    size_t right = 0;
    for (size_t k = MANY / 2; k < MANY; k++) {
        int best = 0;
        double least = 0;
        for (int digit = 0; digit < 10; digit++) {
            double distance2 = 0;
            for (size_t i = 0; i < PIXELS; i++) {
                const double difference = pixels[k * PIXELS + i] - mean[digit][i] / count[digit];
                distance2 += difference * difference;
            }
            if (digit == 0 || distance2 < least) {
                best = digit;
                least = distance2;
            }
        }
        right += best == labels[k];
    }
    free(pixels);
    return (double)right / (MANY / 2.0);
}

START_TEST(recognisable)
{
    const double bare = nearest_mean("0"), usual = nearest_mean("1"), strong = nearest_mean("2");
    ck_assert_double_gt(bare, 0.8);
    ck_assert_double_gt(usual, 0.35);
    ck_assert_double_lt(usual, bare - 0.1);
    ck_assert_double_lt(strong, usual - 0.05);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("digits");
    TCase *tests = tcase_create("digits");
    tcase_set_timeout(tests, 120);
    tcase_add_unchecked_fixture(tests, open_plugins, close_plugins);
    tcase_add_test(tests, shape);
    tcase_add_test(tests, pure);
    tcase_add_test(tests, golden);
    tcase_add_test(tests, labels_even);
    tcase_add_test(tests, clean_ink);
    tcase_add_test(tests, noise_level);
    tcase_add_test(tests, recognisable);
    suite_add_tcase(suite, tests);
    return suite_failed(suite) != 0;
}
