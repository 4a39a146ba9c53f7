/* Tests of the plugin arrays: .npy, .npz and .safetensors, good and hostile. */
#include <math.h>

#include "data_files.h"
#include "suite.h"

enum { N = 5, INPUTS = 4 };
static struct plugins *plugins;

/* A .npy file in memory. */
struct npy {
    unsigned char data[4096];
    size_t length;
};

static struct npy npy(const char *descr, const char *shape, const char *order, const void *data, size_t bytes)
{
    struct npy made = { .length = 0 };
    char header[200];
    const int length = snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }\n", descr,
                                order, shape);
    memcpy(made.data, "\x93NUMPY\x01\x00", 8);
    made.data[8] = (unsigned char)length;
    memcpy(made.data + 10, header, (size_t)length);
    memcpy(made.data + 10 + length, data, bytes);
    made.length = 10 + (size_t)length + bytes;
    return made;
}

static const float x[N * INPUTS] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, -20.5f };
static const int64_t y[N] = { 0, 3, 1, 2, 3 };

static struct opened open_arrays(const char *file, const char *kind)
{
    struct opened opened = { .err = ERROR_NONE };
    const char *const pairs[] = { "file", file, "kind", kind, NULL };
    const struct data_options options = { 0 };
    const struct plugin *plugin = plugins_find(plugins, ISO_DATASET, "arrays", &opened.err);
    ck_assert_msg(plugin != NULL, "%s", opened.err.text);
    opened.host = data_host_new(&opened.err);
    opened.instance = instance_new(plugin, pairs, opened.host, &opened.err);
    ck_assert_msg(opened.instance != NULL, "%s", opened.err.text);
    opened.data = data_open(opened.instance, &options, 0, &opened.err);
    return opened;
}

static void write_folder(const struct npy *inputs, const struct npy *targets)
{
    write_file(at("own/x_train.npy"), inputs->data, inputs->length);
    write_file(at("own/y_train.npy"), targets->data, targets->length);
    write_file(at("own/x_test.npy"), inputs->data, inputs->length);
    write_file(at("own/y_test.npy"), targets->data, targets->length);
}

/* Inputs times `scale` are x, labels y. */
static void check_content(struct opened opened, float scale)
{
    const uint32_t positions[N] = { 0, 1, 2, 3, 4 };
    float got[N * INPUTS];
    int32_t labels[N];
    ck_assert_msg(opened.data != NULL, "%s", opened.err.text);
    ck_assert_uint_eq(data_shape(opened.data)->inputs, INPUTS);
    ck_assert_uint_eq(data_shape(opened.data)->outputs, 4);
    for (int split = DATA_TRAIN; split <= DATA_TEST; split += 2) {
        ck_assert_uint_eq(data_count(opened.data, (enum data_split)split), N);
        data_gather(opened.data, (enum data_split)split, 0, 0, positions, N, got, INPUTS, labels, NULL);
        for (size_t i = 0; i < N * INPUTS; i++)
            ck_assert_float_eq_tol(got[i] * scale, x[i], 1e-5f);
        for (size_t i = 0; i < N; i++)
            ck_assert_int_eq(labels[i], (int)y[i]);
    }
    shut(&opened);
}

START_TEST(folder_of_npy)
{
    double wide[N * INPUTS];
    for (size_t i = 0; i < N * INPUTS; i++)
        wide[i] = (double)x[i];
    const struct npy labels = npy("<i8", "(5,)", "False", y, sizeof y);
    struct npy inputs = npy("<f4", "(5, 4)", "False", x, sizeof x);
    write_folder(&inputs, &labels);
    check_content(open_arrays(at("own"), "auto"), 1);
    inputs = npy("<f8", "(5, 2, 2)", "False", wide, sizeof wide);
    write_folder(&inputs, &labels);
    struct opened image = open_arrays(at("own"), "auto");
    ck_assert_msg(image.data != NULL, "%s", image.err.text);
    ck_assert_uint_eq(data_shape(image.data)->height, 2);
    check_content(image, 1);
}
END_TEST

/* x in other types and orders: float64 and float32 with the most significant byte first, float16, Fortran's order. */
START_TEST(orders_and_types)
{
    const struct npy labels = npy(">i2", "(5,)", "False", "\0\0\0\3\0\1\0\2\0\3", 10);
    unsigned char single[4 * N * INPUTS], twice[8 * N * INPUTS], half[2 * N * INPUTS], column[N * INPUTS];
    float by_column[N * INPUTS];
    struct npy inputs;
    for (size_t i = 0; i < N * INPUTS; i++) {
        const double value = (double)x[i], size = fabs(value);
        const int power = (int)floor(log2(size));
        uint32_t bits;
        uint64_t wide;
        memcpy(&bits, &x[i], sizeof bits);
        memcpy(&wide, &value, sizeof wide);
        for (size_t byte = 0; byte < 8; byte++)
            twice[8 * i + byte] = (unsigned char)(wide >> (56 - 8 * byte));
        for (size_t byte = 0; byte < 4; byte++)
            single[4 * i + byte] = (unsigned char)(bits >> (24 - 8 * byte));
        const unsigned bits16 = (value < 0 ? 0x8000u : 0) | (unsigned)(power + 15) << 10 |
                                (unsigned)(ldexp(size, 10 - power) - 1024);
        half[2 * i] = (unsigned char)bits16;
        half[2 * i + 1] = (unsigned char)(bits16 >> 8);
        by_column[i % INPUTS * N + i / INPUTS] = x[i];
        column[i % INPUTS * N + i / INPUTS] = (unsigned char)i;
    }
    const struct npy stored[] = {
        npy(">f4", "(5, 4)", "False", single, sizeof single),
        npy(">f8", "(5, 4)", "False", twice, sizeof twice),
        npy("<f2", "(5, 4)", "False", half, sizeof half),
        npy("<f4", "(5, 4)", "True", by_column, sizeof by_column),
    };
    for (size_t i = 0; i < sizeof stored / sizeof *stored; i++) {
        write_folder(&stored[i], &labels);
        check_content(open_arrays(at("own"), "auto"), 1);
    }

    const uint32_t last = 4;
    float row[INPUTS];
    int32_t label;
    inputs = npy("|u1", "(5, 4)", "True", column, sizeof column);
    write_folder(&inputs, &labels);
    struct opened opened = open_arrays(at("own"), "auto");
    ck_assert_msg(opened.data != NULL, "%s", opened.err.text);
    data_gather(opened.data, DATA_TRAIN, 0, 0, &last, 1, row, INPUTS, &label, NULL);
    for (size_t j = 0; j < INPUTS; j++)
        ck_assert_float_eq_tol(row[j] * 255, (float)(4 * INPUTS + j), 1e-4f);
    shut(&opened);
    /* Booleans are 0 and 1, not parts of 255. */
    for (size_t i = 0; i < N * INPUTS; i++)
        column[i] = i % 3 == 1;
    inputs = npy("|b1", "(5, 4)", "False", column, sizeof column);
    write_folder(&inputs, &labels);
    opened = open_arrays(at("own"), "auto");
    ck_assert_msg(opened.data != NULL, "%s", opened.err.text);
    data_gather(opened.data, DATA_TRAIN, 0, 0, &last, 1, row, INPUTS, &label, NULL);
    ck_assert(row[0] == 1 && row[1] == 0 && row[2] == 0 && row[3] == 1);
    shut(&opened);
}
END_TEST

START_TEST(bytes_are_scaled)
{
    unsigned char bytes[N * INPUTS], got = 0;
    for (size_t i = 0; i < N * INPUTS; i++)
        bytes[i] = x[i] > 0 ? (unsigned char)x[i] : 255;
    const struct npy inputs = npy("|u1", "(5, 4)", "False", bytes, sizeof bytes),
                     labels = npy("<i8", "(5,)", "False", y, sizeof y);
    write_folder(&inputs, &labels);
    struct opened opened = open_arrays(at("own"), "auto");
    ck_assert_msg(opened.data != NULL, "%s", opened.err.text);
    const uint32_t last = 4;
    float row[INPUTS];
    int32_t label;
    data_gather(opened.data, DATA_TRAIN, 0, 0, &last, 1, row, INPUTS, &label, NULL);
    got = (unsigned char)(row[0] * 255 + 0.5f);
    ck_assert_uint_eq(got, 17);
    ck_assert_float_eq_tol(row[3], 1, 1e-6f);
    shut(&opened);
}
END_TEST

START_TEST(npz)
{
    const struct npy inputs = npy("<f4", "(5, 4)", "False", x, sizeof x),
                     labels = npy("<i8", "(5,)", "False", y, sizeof y);
    static const char *const names[] = { "x_train.npy", "y_train.npy", "x_test.npy", "y_test.npy" };
    for (int method = 0; method < 2; method++) {
        struct archive *archive = archive_write_new();
        archive_write_set_format_zip(archive);
        ck_assert_int_eq(archive_write_set_options(archive, method ? "compression=deflate" : "compression=store"),
                         ARCHIVE_OK);
        ck_assert_int_eq(archive_write_open_filename(archive, at("own.npz")), ARCHIVE_OK);
        for (int i = 0; i < 4; i++) {
            const struct npy *one = i % 2 ? &labels : &inputs;
            struct archive_entry *entry = archive_entry_new();
            archive_entry_set_pathname(entry, names[i]);
            archive_entry_set_filetype(entry, AE_IFREG);
            archive_entry_set_size(entry, (la_int64_t)one->length);
            archive_write_header(archive, entry);
            archive_write_data(archive, one->data, one->length);
            archive_entry_free(entry);
        }
        archive_write_close(archive);
        archive_write_free(archive);
        check_content(open_arrays(at("own.npz"), "auto"), 1);
    }
    write_file(at("own.npz"), "PK\x03\x04 and no more", 16);
    struct opened opened = open_arrays(at("own.npz"), "auto");
    ck_assert_ptr_null(opened.data);
    shut(&opened);
}
END_TEST

/* A safetensors file with the four arrays, the header as given. */
static void write_tensors(const char *header)
{
    unsigned char file[4096] = { 0 };
    const size_t length = strlen(header);
    file[0] = (unsigned char)length;
    file[1] = (unsigned char)(length >> 8);
    memcpy(file + 8, header, length);
    memcpy(file + 8 + length, x, sizeof x);
    memcpy(file + 8 + length + sizeof x, y, sizeof y);
    write_file(at("own.safetensors"), file, 8 + length + sizeof x + sizeof y);
}

#define X_AT "{\"dtype\":\"F32\",\"shape\":[5,4],\"data_offsets\":[0,80]}"
#define X_HALVES "{\"dtype\":\"BF16\",\"shape\":[5,8],\"data_offsets\":[0,80]}"
#define Y_AT "{\"dtype\":\"I64\",\"shape\":[5],\"data_offsets\":[80,120]}"

START_TEST(safetensors)
{
    write_tensors("{\"x_train\":" X_AT ",\"y_train\":" Y_AT ",\"x_test\":" X_AT ",\"y_test\":" Y_AT "}");
    check_content(open_arrays(at("own.safetensors"), "auto"), 1);
    /* The upper half of a float32 is a bfloat16: of 1 ... 19 and -20.5 it is exact, and the lower half is 0. */
    write_tensors("{\"x_train\":" X_HALVES ",\"y_train\":" Y_AT ",\"x_test\":" X_HALVES ",\"y_test\":" Y_AT "}");
    struct opened halves = open_arrays(at("own.safetensors"), "auto");
    ck_assert_msg(halves.data != NULL, "%s", halves.err.text);
    const uint32_t last = 4;
    float row[2 * INPUTS];
    int32_t label;
    data_gather(halves.data, DATA_TRAIN, 0, 0, &last, 1, row, 2 * INPUTS, &label, NULL);
    ck_assert(row[0] == 0 && row[1] == 17 && row[6] == 0 && row[7] == -20.5f);
    shut(&halves);
    static const char *const bad[][2] = {
        { "{\"dtype\":\"F32\",\"shape\":[5,4],\"data_offsets\":[0,100]}", "asks for" },
        { "{\"dtype\":\"F32\",\"shape\":[5,4],\"data_offsets\":[60,140]}", "within the file" },
        { "{\"dtype\":\"F32\",\"shape\":[5,4],\"data_offsets\":[80,0]}", "within the file" },
        { "{\"dtype\":\"F32\",\"shape\":[5,4],\"data_offsets\":[-80,0]}", "within the file" },
        { "{\"dtype\":\"F32\",\"shape\":[5,-4],\"data_offsets\":[0,80]}", "shape" },
        { "{\"dtype\":\"F32\",\"shape\":[9223372036854775807,9223372036854775807],\"data_offsets\":[0,80]}", "too large" },
        { "{\"dtype\":\"F32\",\"shape\":[4611686018427387909,4],\"data_offsets\":[0,80]}", "too large" },
        { "{\"dtype\":\"F8_E4M3\",\"shape\":[5,16],\"data_offsets\":[0,80]}", "F8_E4M3" },
        { "{\"dtype\":\"F32\",\"shape\":[0,4],\"data_offsets\":[0,0]}", "empty" },
        { "{\"shape\":[5,4],\"data_offsets\":[0,80]}", "(none)" },
        { "3", "(none)" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char header[1000];
        snprintf(header, sizeof header, "{\"x_train\":%s,\"y_train\":" Y_AT ",\"x_test\":" X_AT ",\"y_test\":" Y_AT "}",
                 bad[i][0]);
        write_tensors(header);
        struct opened opened = open_arrays(at("own.safetensors"), "auto");
        ck_assert_msg(opened.data == NULL, "case %zu was taken", i);
        ck_assert_msg(strstr(opened.err.text, bad[i][1]) != NULL, "case %zu: %s", i, opened.err.text);
        shut(&opened);
    }
    write_file(at("own.safetensors"), "\xff\xff\xff\xff\xff\xff\xff\xff{}", 10);
    struct opened opened = open_arrays(at("own.safetensors"), "auto");
    ck_assert_ptr_null(opened.data);
    shut(&opened);
}
END_TEST

static void refused(const struct npy *inputs, const struct npy *targets, const char *words)
{
    write_folder(inputs, targets);
    struct opened opened = open_arrays(at("own"), "labels");
    ck_assert_msg(opened.data == NULL, "not refused, though %s", words);
    ck_assert_msg(strstr(opened.err.text, words) != NULL, "expected \"%s\" in: %s", words, opened.err.text);
    shut(&opened);
}

START_TEST(hostile_npy)
{
    const struct npy good = npy("<f4", "(5, 4)", "False", x, sizeof x),
                     labels = npy("<i8", "(5,)", "False", y, sizeof y);
    struct npy bad = npy(">c8", "(5, 2)", "False", x, sizeof x);
    refused(&bad, &labels, "'>c8' are not read");
    bad = npy("f4", "(5, 4)", "False", x, sizeof x);
    refused(&bad, &labels, "'f4' are not read");
    bad = npy("<f4", "(5, 5)", "False", x, sizeof x);
    refused(&bad, &labels, "asks for 100 bytes, but there are 80");
    bad = npy("<f4", "(5, 4)", "False", x, sizeof x - 1);
    refused(&bad, &labels, "asks for");
    bad = npy("<f4", "(5, 4", "False", x, 0);
    refused(&bad, &labels, "shape can't be read");
    bad = npy("<f4", "(1,1,1,1,1,1,1,5,4)", "False", x, sizeof x);
    refused(&bad, &labels, "more than 8 axes");
    bad = npy("<f4", "(99999999999999, 99999999999999)", "False", x, sizeof x);
    refused(&bad, &labels, "too large");
    bad = npy("<f4", "()", "False", x, 4);
    refused(&bad, &labels, "empty");
    bad = good, bad.data[9] = 0x7f;
    refused(&bad, &labels, "longer than the file");
    bad = good, bad.data[6] = 9;
    refused(&bad, &labels, "version 9");
    bad = good, bad.data[0] = 'x';
    refused(&bad, &labels, "no .npy");
    bad = good, bad.length = 5;
    refused(&bad, &labels, "no .npy");
    const float infinite[N * INPUTS] = { [7] = 1.0f / 0.0f };
    bad = npy("<f4", "(5, 4)", "False", infinite, sizeof infinite);
    refused(&bad, &labels, "element 7 is inf, which is no finite float32");
    const int64_t wrong[N] = { 0, 1, -1 };
    bad = npy("<i8", "(5,)", "False", wrong, sizeof wrong);
    refused(&good, &bad, "element 2 is -1");
    bad = npy("<i8", "(4,)", "False", y, 32);
    refused(&good, &bad, "5 examples, but y_train has 4");
}
END_TEST

START_TEST(numbers_to_predict)
{
    const struct npy inputs = npy("<f4", "(5, 4)", "False", x, sizeof x),
                     targets = npy("<f4", "(5, 2)", "False", x + 10, 40);
    write_folder(&inputs, &targets);
    struct opened opened = open_arrays(at("own"), "auto");
    ck_assert_msg(opened.data != NULL, "%s", opened.err.text);
    ck_assert(!data_shape(opened.data)->classification);
    const uint32_t third = 2;
    float row[INPUTS], target[2];
    data_gather(opened.data, DATA_TEST, 0, 0, &third, 1, row, INPUTS, NULL, target);
    ck_assert_float_eq(target[0], x[14]);
    ck_assert_float_eq(target[1], x[15]);
    shut(&opened);
}
END_TEST

int main(void)
{
    struct iso_error err = ERROR_NONE;
    if (!mkdtemp(root))
        return 1;
    setenv("XDG_CACHE_HOME", at("cache"), 1);
    plugins = plugins_new(NULL, &err);
    Suite *suite = suite_create("arrays");
    TCase *tests = tcase_create("arrays");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, folder_of_npy);
    tcase_add_test(tests, orders_and_types);
    tcase_add_test(tests, bytes_are_scaled);
    tcase_add_test(tests, npz);
    tcase_add_test(tests, safetensors);
    tcase_add_test(tests, hostile_npy);
    tcase_add_test(tests, numbers_to_predict);
    suite_add_tcase(suite, tests);
    const int failed = suite_failed(suite);
    plugins_free(plugins);
    char command[100];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    return system(command) || failed;
}
