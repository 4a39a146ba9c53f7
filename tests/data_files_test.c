/* Tests of core/data and the plugin mnist: IDX files plain and compressed, hostile ones, and changed ones. */
#include "data_files.h"

#include "base/hash.h"
#include "data/unpack.h"
#include "suite.h"

static struct plugins *plugins;

/* ---- IDX ---- */

enum { N = 30, TESTS = 12, H = 3, W = 4 };

static void word(unsigned char *at_, unsigned long value)
{
    for (int i = 0; i < 4; i++)
        at_[i] = (unsigned char)(value >> (24 - 8 * i));
}

struct idx {
    unsigned char images[16 + N * H * W], labels[8 + N];
    size_t image_length, label_length;
};

static struct idx idx_make(size_t n, unsigned start)
{
    struct idx idx = { .image_length = 16 + n * H * W, .label_length = 8 + n };
    word(idx.images, 2051), word(idx.images + 4, n), word(idx.images + 8, H), word(idx.images + 12, W);
    word(idx.labels, 2049), word(idx.labels + 4, n);
    for (size_t i = 0; i < n * H * W; i++)
        idx.images[16 + i] = (unsigned char)(start + i * 7);
    for (size_t i = 0; i < n; i++)
        idx.labels[8 + i] = (unsigned char)(i % 7);
    return idx;
}

static void idx_write(const char *folder, const struct idx *train, const struct idx *test)
{
    char path[600];
    snprintf(path, sizeof path, "%s/train-images-idx3-ubyte", folder);
    write_file(path, train->images, train->image_length);
    snprintf(path, sizeof path, "%s/train-labels-idx1-ubyte", folder);
    write_file(path, train->labels, train->label_length);
    snprintf(path, sizeof path, "%s/t10k-images-idx3-ubyte", folder);
    write_file(path, test->images, test->image_length);
    snprintf(path, sizeof path, "%s/t10k-labels-idx1-ubyte", folder);
    write_file(path, test->labels, test->label_length);
}

static struct opened open_mnist(const char *folder)
{
    struct opened opened = { .err = ERROR_NONE };
    const char *const pairs[] = { "folder", folder, NULL };
    const struct data_options options = { 0 };
    const struct plugin *plugin = plugins_find(plugins, ISO_DATASET, "mnist", &opened.err);
    ck_assert_msg(plugin != NULL, "%s", opened.err.text);
    opened.host = data_host_new(&opened.err);
    opened.instance = instance_new(plugin, pairs, opened.host, &opened.err);
    ck_assert_msg(opened.instance != NULL, "%s", opened.err.text);
    opened.data = data_open(opened.instance, &options, 0, &opened.err);
    return opened;
}

static void check_content(const struct opened *opened, const struct idx *train)
{
    uint32_t position[N];
    float x[N * H * W];
    int32_t labels[N];
    ck_assert_msg(opened->data != NULL, "%s", opened->err.text);
    ck_assert_uint_eq(data_count(opened->data, DATA_TRAIN), N);
    ck_assert_uint_eq(data_count(opened->data, DATA_TEST), TESTS);
    ck_assert_uint_eq(data_shape(opened->data)->outputs, 7);
    ck_assert_uint_eq(data_shape(opened->data)->height, H);
    for (uint32_t k = 0; k < N; k++)
        position[k] = k;
    data_gather(opened->data, DATA_TRAIN, 0, 0, position, N, x, H * W, labels, NULL);
    for (size_t i = 0; i < N * H * W; i++)
        ck_assert_float_eq_tol(x[i], (float)train->images[16 + i] / 255.0f, 1e-7f);
    for (size_t k = 0; k < N; k++)
        ck_assert_int_eq(labels[k], train->labels[8 + k]);
}

START_TEST(own_files_plain_and_compressed)
{
    const struct idx train = idx_make(N, 3), test = idx_make(TESTS, 9);
    static const int filters[] = { ARCHIVE_FILTER_NONE, ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_XZ, ARCHIVE_FILTER_ZSTD,
                                   ARCHIVE_FILTER_BZIP2 };
    char checksum[HASH_TEXT] = "";
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        clean("own");
        idx_write(at("own"), &train, &test);
        if (i) {
            char path[300];
            snprintf(path, sizeof path, "%s/own/train-images-idx3-ubyte%s", root, unpack_suffixes[i]);
            ck_assert_int_eq(unlink(at("own/train-images-idx3-ubyte")), 0);
            pack_one(path, filters[i], train.images, train.image_length);
            struct iso_error err = ERROR_NONE;
            ck_assert_str_eq(unpack_suffix(path, &err), unpack_suffixes[i]);
        }
        struct opened mnist = open_mnist(at("own"));
        check_content(&mnist, &train);
        if (i)
            ck_assert_str_eq(checksum, data_checksum(mnist.data)); /* of the content, not of the file */
        snprintf(checksum, sizeof checksum, "%s", data_checksum(mnist.data));
        shut(&mnist);
    }
}
END_TEST

static void refused(const struct idx *train, const struct idx *test, const char *words)
{
    clean("own");
    idx_write(at("own"), train, test);
    struct opened mnist = open_mnist(at("own"));
    ck_assert_msg(mnist.data == NULL, "not refused, though %s", words);
    ck_assert_msg(strstr(mnist.err.text, words) != NULL, "expected \"%s\" in: %s", words, mnist.err.text);
    shut(&mnist);
}

START_TEST(hostile_idx)
{
    const struct idx good = idx_make(N, 3), test = idx_make(TESTS, 9);
    struct idx bad = good;
    word(bad.images, 2049);
    refused(&bad, &test, "it starts with 2049, not with 2051");
    bad = good, word(bad.labels, 0x80000801);
    refused(&bad, &test, "not with 2049");
    bad = good, bad.image_length--;
    refused(&bad, &test, "do not go with");
    bad = good, bad.image_length = 12;
    refused(&bad, &test, "too few");
    bad = good, bad.image_length = 0;
    refused(&bad, &test, "too few");
    bad = good, word(bad.images + 4, N - 1);
    refused(&bad, &test, "do not go with");
    /* products that wrap around: 2^32 - 1 images of 2^32 - 1 x 2^32 - 1, and of 2^16 x 2^16 */
    bad = good, word(bad.images + 4, 0xffffffff), word(bad.images + 8, 0xffffffff), word(bad.images + 12, 0xffffffff);
    refused(&bad, &test, "4294967295 images of");
    bad = good, word(bad.images + 8, 0x10000), word(bad.images + 12, 0x10000);
    refused(&bad, &test, "images of");
    bad = good, word(bad.images + 4, 0);
    refused(&bad, &test, "0 images");
    bad = good, word(bad.images + 8, 0);
    refused(&bad, &test, "x 4 pixels");
    bad = good, bad.label_length--, word(bad.labels + 4, N - 1);
    refused(&bad, &test, "has 30 images");
    bad = good, word(bad.labels + 4, 0xfffffff8);
    refused(&bad, &test, "do not go with");
    bad = test, word(bad.images + 8, W), word(bad.images + 12, 5), word(bad.images + 4, 7), bad.image_length = 16 + 140,
    word(bad.labels + 4, 7), bad.label_length = 15;
    refused(&good, &bad, "not like its training examples");
}
END_TEST

START_TEST(hostile_compression)
{
    const struct idx good = idx_make(N, 3);
    struct iso_error err = ERROR_NONE;
    size_t length;
    /* cut off, at each length */
    pack_one(at("whole.gz"), ARCHIVE_FILTER_GZIP, good.images, good.image_length);
    char *gz = file_read(at("whole.gz"), 10000, &length, &err);
    ck_assert_ptr_nonnull(gz);
    for (size_t cut = 12; cut + 9 < length; cut += 5) {
        size_t got = 0;
        write_file(at("cut.gz"), gz, cut);
        err = ERROR_NONE;
        unsigned char *data = unpack_file(at("cut.gz"), 10000, &got, &err);
        ck_assert_msg(data == NULL, "%zu of %zu bytes were taken for all", cut, length);
        ck_assert_ptr_nonnull(strstr(err.text, "cut.gz"));
    }
    free(gz);
    /* a bomb: 64 MiB of zeros in a few kB, and one within a layer more */
    const size_t bytes = (size_t)64 << 20;
    unsigned char *zeros = calloc(bytes, 1);
    pack_one(at("bomb.gz"), ARCHIVE_FILTER_GZIP, zeros, bytes);
    err = ERROR_NONE;
    ck_assert_ptr_null(unpack_file(at("bomb.gz"), 1000, &length, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "more than the 1000 bytes"));
    char *bomb = file_read(at("bomb.gz"), 1 << 20, &length, &err);
    pack_one(at("twice.gz"), ARCHIVE_FILTER_GZIP, (unsigned char *)bomb, length);
    err = ERROR_NONE;
    ck_assert_ptr_null(unpack_file(at("twice.gz"), bytes, &length, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "more than once"));
    free(bomb);
    /* exactly the limit is fine, a byte less is not */
    unsigned char *data = unpack_file(at("whole.gz"), good.image_length, &length, &err);
    ck_assert_ptr_nonnull(data);
    ck_assert_uint_eq(length, good.image_length);
    ck_assert_mem_eq(data, good.images, length);
    free(data);
    ck_assert_ptr_null(unpack_file(at("whole.gz"), good.image_length - 1, &length, NULL));
    ck_assert_ptr_null(unpack_file(root, 1000, &length, NULL)); /* a folder */
    free(zeros);
}
END_TEST

START_TEST(changed_sources_are_read_again)
{
    clean("cache"), clean("own");
    const struct idx first = idx_make(N, 3), second = idx_make(N, 77), test = idx_make(TESTS, 9);
    for (int round = 0; round < 2; round++) {
        const struct idx *train = round ? &second : &first;
        idx_write(at("own"), train, &test);
        struct opened mnist = open_mnist(at("own"));
        check_content(&mnist, train);
        shut(&mnist);
    }
}
END_TEST

int main(void)
{
    if (!mkdtemp(root))
        return 1;
    setenv("XDG_CACHE_HOME", at("cache"), 1);
    setenv("XDG_DATA_HOME", at("home"), 1);
    setenv("ISOFLOP_DATA", at("data"), 1);
    struct iso_error err = ERROR_NONE;
    plugins = plugins_new(NULL, &err);
    Suite *suite = suite_create("data files");
    TCase *tests = tcase_create("files");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, own_files_plain_and_compressed);
    tcase_add_test(tests, hostile_idx);
    tcase_add_test(tests, hostile_compression);
    tcase_add_test(tests, changed_sources_are_read_again);
    suite_add_tcase(suite, tests);
    const int failed = suite_failed(suite);
    plugins_free(plugins);
    char command[100];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    return system(command) || failed;
}
