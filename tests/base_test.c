/* Tests of core/base: memory, text, numbers, hash, generator, files, frames. */
#include <check.h>
#include <fcntl.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/frame.h"
#include "base/generator.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/numbers.h"
#include "base/statistics.h"
#include "base/text.h"
#include "suite.h"

static char folder[] = "/tmp/isoflop-base-XXXXXX";

static char *in_folder(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

START_TEST(memory_is_checked)
{
    ck_assert_ptr_null(memory_array(SIZE_MAX / 2, 4));
    void *none = memory_array(0, 4);
    ck_assert_ptr_nonnull(none);
    free(none);
    int *items = NULL;
    size_t capacity = 0;
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(memory_grow(&items, &capacity, (size_t)i + 1, sizeof *items), 0);
        items[i] = i;
    }
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(items[i], i);
    const size_t before = capacity;
    ck_assert_int_eq(memory_grow(&items, &capacity, SIZE_MAX / 2, sizeof *items), -1);
    ck_assert_uint_eq(capacity, before);
    free(items);
    void *aligned = memory_aligned(100);
    ck_assert_uint_eq((uintptr_t)aligned % 64, 0);
    free(aligned);
}
END_TEST

START_TEST(arena_gives_zeroed_separate_memory)
{
    struct arena *arena = arena_new();
    unsigned char *pieces[300];
    for (size_t i = 0; i < 300; i++) {
        const size_t size = i % 50 == 49 ? 20000 : 1 + i * 7 % 200;
        pieces[i] = arena_zero(arena, size, 1);
        ck_assert_uint_eq((uintptr_t)pieces[i] % 16, 0);
        for (size_t k = 0; k < size; k++)
            ck_assert_uint_eq(pieces[i][k], 0);
        memset(pieces[i], (int)(i % 255 + 1), size);
    }
    for (size_t i = 0; i < 300; i++)
        ck_assert_uint_eq(pieces[i][0], i % 255 + 1);
    ck_assert_ptr_null(arena_zero(arena, SIZE_MAX / 4, 8));
    ck_assert_str_eq(arena_copy(arena, "abcdef", 3), "abc");
    ck_assert_str_eq(arena_format(arena, "%s-%d", "x", 12), "x-12");
    arena_free(arena);
    arena_free(NULL);
}
END_TEST

START_TEST(text_grows_and_suggests)
{
    struct text text = { 0 };
    char *empty = text_take(&text);
    ck_assert_str_eq(empty, "");
    free(empty);
    for (int i = 0; i < 100; i++)
        text_format(&text, "%d,", i);
    ck_assert_uint_eq(text.length, 290);
    char *all = text_take(&text);
    ck_assert_ptr_nonnull(strstr(all, "98,99,"));
    free(all);

    text_add_json(&text, "a\"b\\\n\x01");
    ck_assert_str_eq(text.data, "\"a\\\"b\\\\\\n\\u0001\"");
    text_free(&text);

    static const struct {
        const char *word, *found;
    } cases[] = { { "hubr", "huber" },         { "cross-entropy", "cross_entropy" }, { "MSE", "mse" },
                  { "learning_rate", "rate" }, { "raet", "rate" },                   { "zebra", NULL },
                  { "", NULL },                { "x", NULL } };
    static const char *const candidates[] = { "cross_entropy", "huber", "mse", "rate" };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char expected[64] = "";
        if (cases[i].found)
            snprintf(expected, sizeof expected, "; did you mean \"%s\"?", cases[i].found);
        text_add_string(&text, "");
        text_suggest(&text, cases[i].word, candidates, 4);
        ck_assert_str_eq(text.data, expected);
        text_free(&text);
    }
}
END_TEST

START_TEST(errors_keep_the_first_and_gather_contexts)
{
    struct iso_error err = ERROR_NONE;
    ck_assert_int_eq(iso_fail(&err, "no %s", "luck"), -1);
    iso_fail(&err, "later");
    ck_assert_int_eq(error_context(&err, "trial %d", 3), -1);
    ck_assert_str_eq(err.text, "trial 3: no luck");
    struct iso_error full = ERROR_NONE;
    memset(full.text, 'x', sizeof full.text - 1);
    error_context(&full, "context");
    ck_assert_uint_eq(strlen(full.text), sizeof full.text - 1);
    ck_assert_int_eq(strncmp(full.text, "context: xxx", 12), 0);
    ck_assert_int_eq(error_context(NULL, "nobody asks"), -1);
}
END_TEST

START_TEST(numbers_follow_the_core_schema)
{
    static const struct {
        const char *text;
        double value;
    } good[] = { { "0", 0 },      { "-12", -12 },  { "+1", 1 },        { "1e-3", 1e-3 },     { ".01", 0.01 },
                 { "1.", 1 },
                 { "0x1F", 31 },  { "0o17", 15 },  { "1E+2", 100 },    { "-.inf", -INFINITY }, { "+.INF", INFINITY },
                 { "012", 12 },   { "0.1", 0.1 } };
    static const char *const bad[] = { "",    "-",   ".",    "1e",   "1e+",  "1_000", " 1",   "1 ",   "0x",  "0xG",
                                       "1e999", "inf", "nan", "e5", "--1", "1.2.3", "0o8", "-0x1", "+.nan", "1d3" };
    double value;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ck_assert_msg(number_real(good[i].text, &value), "%s", good[i].text);
        ck_assert_double_eq(value, good[i].value);
    }
    ck_assert(number_real(".NaN", &value) && isnan(value));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!number_real(bad[i], &value), "\"%s\" is no number", bad[i]);

    int64_t whole;
    ck_assert(number_int("1e5", &whole) && whole == 100000);
    ck_assert(number_int("9223372036854775807", &whole) && whole == INT64_MAX);
    ck_assert(number_int("-9223372036854775808", &whole) && whole == INT64_MIN);
    ck_assert(!number_int("9223372036854775808", &whole));
    ck_assert(!number_int("0xffffffffffffffff", &whole));
    ck_assert(!number_int("1.5", &whole) && !number_int("1e300", &whole) && !number_int(".inf", &whole));
}
END_TEST

START_TEST(numbers_are_written_shortest_and_exact)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = { { 0.1, "0.1" },       { 60000, "60000" },   { 1e-6, "1e-06" },     { 0.07, "0.07" },
                  { 1e21, "1e+21" },    { -2.5, "-2.5" },     { INFINITY, ".inf" },  { -INFINITY, "-.inf" },
                  { NAN, ".nan" },      { 1.0 / 3, "0.3333333333333333" },           { 0, "0" },
                  { 0.1 + 0.2, "0.30000000000000004" } };
    char text[NUMBER_TEXT];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        number_text(cases[i].value, text);
        ck_assert_str_eq(text, cases[i].text);
    }
    const struct iso_rng rng = generator_of("test", 1, 0);
    for (uint32_t i = 0; i < 20000; i++) {
        uint32_t bits[4];
        iso_rng_bits_block(&rng, i, 0, bits);
        uint64_t word = (uint64_t)bits[0] << 32 | bits[1];
        double value, again;
        memcpy(&value, &word, sizeof value);
        if (!isfinite(value))
            continue;
        number_text(value, text);
        ck_assert(number_real(text, &again));
        ck_assert_mem_eq(&again, &value, sizeof value);
    }
    number_export_float((double)0.1f, text);
    ck_assert_str_eq(text, "0.100000001");
    number_export_double(0.1, text);
    ck_assert_str_eq(text, "0.10000000000000001");
    number_export_double(NAN, text);
    ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(hashes_match_published_values)
{
    char out[HASH_TEXT];
    ck_assert_int_eq(hash_of("abc", 3, out), 0); /* FIPS 180-4 */
    ck_assert_str_eq(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    struct hash *hash = hash_new();
    hash_add(hash, "a", 1);
    hash_add(hash, "", 0);
    hash_add(hash, "bc", 2);
    char pieces[HASH_TEXT];
    hash_end(hash, pieces);
    ck_assert_str_eq(pieces, out);
    ck_assert_uint_eq(hash_crc32c(0, "123456789", 9), 0xE3069283); /* RFC 3720's check value */
    ck_assert_uint_eq(hash_crc32c(hash_crc32c(0, "1234", 4), "56789", 5), 0xE3069283);
    unsigned char zeros[32] = { 0 };
    ck_assert_uint_eq(hash_crc32c(0, zeros, 32), 0x8A9136AA);
}
END_TEST

START_TEST(generator_is_philox)
{
    const struct iso_rng rng = generator_of("init", 5, 7);
    ck_assert_uint_eq(rng.stream[0], 7);
    /* Known answers of Random123: 10 rounds, all bits 0 and all bits 1. */
    uint32_t out[4];
    const uint32_t zero_key[2] = { 0 }, zero[4] = { 0 };
    rng.block(zero_key, zero, out);
    static const uint32_t first[4] = { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 };
    ck_assert_mem_eq(out, first, sizeof out);
    const uint32_t ones_key[2] = { ~0u, ~0u }, ones[4] = { ~0u, ~0u, ~0u, ~0u };
    rng.block(ones_key, ones, out);
    static const uint32_t second[4] = { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd };
    ck_assert_mem_eq(out, second, sizeof out);

    char digest[HASH_TEXT], key[HASH_TEXT];
    hash_of("init:5", 6, digest);
    snprintf(key, sizeof key, "%08x%08x", rng.key[0], rng.key[1]);
    ck_assert_int_eq(strncmp(digest, key, 16), 0);
    const struct iso_rng other = generator_of("order", 5, 7);
    ck_assert(other.key[0] != rng.key[0] || other.key[1] != rng.key[1]);
}
END_TEST

START_TEST(permutations_are_uniform)
{
    enum { N = 5, DRAWS = 60000 };
    unsigned seen[N][N] = { 0 };
    for (uint32_t draw = 0; draw < DRAWS; draw++) {
        const struct iso_rng rng = generator_of("order", 1, draw);
        uint32_t order[N];
        bool present[N] = { false };
        generator_permute(&rng, order, N);
        for (unsigned i = 0; i < N; i++) {
            ck_assert_uint_lt(order[i], N);
            ck_assert(!present[order[i]]);
            present[order[i]] = true;
            seen[i][order[i]]++;
        }
    }
    /* chi-square over 25 cells has 16 degrees of freedom; 39.3 is exceeded once in a thousand */
    double chi = 0;
    for (unsigned i = 0; i < N; i++)
        for (unsigned k = 0; k < N; k++)
            chi += pow((double)seen[i][k] - DRAWS / N, 2) / (DRAWS / (double)N);
    ck_assert_double_lt(chi, 39.3);
    const struct iso_rng rng = generator_of("order", 1, 0);
    uint32_t a[1000], b[1000];
    generator_permute(&rng, a, 1000);
    generator_permute(&rng, b, 1000);
    ck_assert_mem_eq(a, b, sizeof a);
    generator_permute(&rng, a, 0);
}
END_TEST

START_TEST(files_are_replaced_whole)
{
    struct iso_error err = ERROR_NONE;
    size_t length;
    char *deep = strdup(in_folder("a/b//c/"));
    ck_assert_int_eq(file_make_folder(deep, &err), 0);
    ck_assert_int_eq(file_make_folder(deep, &err), 0);
    free(deep);
    char *path = file_join(folder, "a/b/c/file");
    ck_assert_int_eq(file_replace(path, "first", 5, &err), 0);
    ck_assert_int_eq(file_replace(path, "second one", 10, &err), 0);
    char *data = file_read(path, 100, &length, &err);
    ck_assert_str_eq(data, "second one");
    ck_assert_uint_eq(length, 10);
    free(data);
    ck_assert_ptr_null(file_read(path, 9, &length, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "more than 9 bytes"));
    err = ERROR_NONE;
    ck_assert_ptr_null(file_read(folder, 9, &length, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "folder"));
    err = ERROR_NONE;
    ck_assert_ptr_null(file_read("/nowhere/at/all", 9, &length, &err));
    ck_assert_str_eq(err.text, "cannot read /nowhere/at/all: No such file or directory");
    err = ERROR_NONE;
    ck_assert_int_eq(file_make_folder(path, &err), -1);
    ck_assert_int_eq(file_replace("/nowhere/at/all", "", 0, &err), -1);

    char *above = file_folder(path);
    ck_assert_int_eq(strcmp(above + strlen(above) - 2, "/c"), 0);
    free(above);
    free(path);
    char *plain = file_folder("file"), *root = file_folder("/file"), *absolute = file_join("x", "/y");
    ck_assert_str_eq(plain, ".");
    ck_assert_str_eq(root, "/");
    ck_assert_str_eq(absolute, "/y");
    free(plain);
    free(root);
    free(absolute);
}
END_TEST

static struct frame *read_csv(const char *content, struct iso_error *err)
{
    char *path = in_folder("table.csv");
    struct iso_error other = ERROR_NONE;
    ck_assert_int_eq(file_replace(path, content, strlen(content), &other), 0);
    *err = ERROR_NONE;
    return frame_read_csv(path, err);
}

static char *written(const struct frame *frame, int (*write)(const struct frame *, FILE *))
{
    char *data = NULL;
    size_t length;
    FILE *out = open_memstream(&data, &length);
    ck_assert_int_eq(write(frame, out), 0);
    fclose(out);
    return data;
}

START_TEST(frames_survive_csv)
{
    struct frame *frame = frame_new(2);
    frame_add_column(frame, "trial", COLUMN_INTEGER);
    frame_add_column(frame, "loss", COLUMN_DOUBLE);
    frame_add_column(frame, "model,hidden", COLUMN_TEXT);
    frame_find(frame, "trial")->numbers[0] = 1;
    frame_find(frame, "trial")->numbers[1] = 1e15;
    frame_find(frame, "loss")->numbers[1] = 0.25;
    ck_assert_int_eq(column_set_text(frame_find(frame, "model,hidden"), 0, "[500, \"x\"]\nsecond"), 0);
    ck_assert_ptr_null(frame_find(frame, "nothing"));

    char *csv = written(frame, frame_write_csv);
    ck_assert_str_eq(csv, "trial,loss,\"model,hidden\"\n1,,\"[500, \"\"x\"\"]\nsecond\"\n1000000000000000,0.25,\n");
    char *json = written(frame, frame_write_jsonl);
    ck_assert_str_eq(json, "{\"trial\":1,\"loss\":null,\"model,hidden\":\"[500, \\\"x\\\"]\\nsecond\"}\n"
                           "{\"trial\":1000000000000000,\"loss\":0.25,\"model,hidden\":null}\n");
    struct iso_error err;
    struct frame *again = read_csv(csv, &err);
    ck_assert_msg(again != NULL, "%s", err.text);
    ck_assert_int_eq(again->column[0].kind, COLUMN_INTEGER);
    char *second = written(again, frame_write_csv);
    ck_assert_str_eq(second, csv);
    free(csv);
    free(second);
    free(json);
    frame_free(frame);
    frame_free(again);
}
END_TEST

START_TEST(whole_numbers_stay_exact)
{
    struct frame *frame = frame_new(3);
    frame_add_column(frame, "dropped", COLUMN_TEXT);
    struct column *column = frame_add_column(frame, "flops", COLUMN_INTEGER);
    ck_assert_int_eq(column_set_whole(frame, column, 0, INT64_C(9007199254740993)), 0);
    ck_assert_int_eq(column_set_whole(frame, column, 1, 7), 0);
    ck_assert_int_eq(column_set_whole(frame, column, 2, INT64_MAX), 0);
    frame_remove_column(frame, 0);
    char *csv = written(frame, frame_write_csv), *json = written(frame, frame_write_json);
    ck_assert_str_eq(csv, "flops\n9007199254740993\n7\n9223372036854775807\n");
    ck_assert_str_eq(json, "[{\"flops\":9007199254740993},\n {\"flops\":7},\n {\"flops\":9223372036854775807}]\n");
    free(csv);
    free(json);
    frame_free(frame);
}
END_TEST

START_TEST(student_quantiles_match_published_values)
{
    static const struct { double probability, degrees, t; } table[] = {
        { 0.975, 1, 12.706204736432095 }, { 0.975, 2, 4.302652729911275 },  { 0.975, 3, 3.182446305283708 },
        { 0.975, 4, 2.7764451051977987 }, { 0.975, 9, 2.2621571627409915 }, { 0.975, 30, 2.042272456301238 },
        { 0.975, 1000, 1.9623390808264078 }, { 0.95, 1, 6.313751514675043 }, { 0.995, 3, 5.840909309733355 },
        { 0.9995, 5, 6.868826626057551 }, { 0.75, 1, 1 }, { 0.5, 7, 0 } };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        ck_assert_double_eq_tol(student_quantile(table[i].probability, table[i].degrees), table[i].t,
                                1e-9 * (1 + table[i].t));
        ck_assert_double_eq_tol(student_quantile(1 - table[i].probability, table[i].degrees), -table[i].t,
                                1e-9 * (1 + table[i].t));
    }
    ck_assert_double_nan(student_quantile(0.975, 0));
    ck_assert_double_nan(student_quantile(1, 3));
    struct moments moments = { 0 };
    ck_assert_double_nan(moments_mean(&moments));
    const double values[] = { 1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16 };
    for (size_t i = 0; i < 4; i++)
        moments_add(&moments, values[i]);
    ck_assert_double_eq_tol(moments_mean(&moments), 1e9 + 10, 1e-6);
    ck_assert_double_eq_tol(moments_sd(&moments), sqrt(30), 1e-6);
    ck_assert_double_eq_tol(moments_error(&moments), sqrt(7.5), 1e-6);
}
END_TEST

START_TEST(csv_is_checked)
{
    struct iso_error err;
    struct frame *frame = read_csv("a,b\r\n1,nan\r\n\r\n-3,.5", &err);
    ck_assert_msg(frame != NULL, "%s", err.text);
    ck_assert_uint_eq(frame->rows, 2);
    ck_assert_int_eq(frame->column[0].kind, COLUMN_INTEGER);
    ck_assert_int_eq(frame->column[1].kind, COLUMN_DOUBLE);
    ck_assert(isnan(frame->column[1].numbers[0]));
    ck_assert_double_eq(frame->column[1].numbers[1], 0.5);
    frame_free(frame);
    /* As spreadsheets and other programs write them. */
    static const char *const others[] = { "a;b\n1;NA\n-3;,5\n", "a\tb\n1\tN/A\n-3\t.5\n",
                                          " a , \"b\" \n 1 , null\n-3 , .5\n" };
    for (size_t i = 0; i < 3; i++) {
        frame = read_csv(others[i], &err);
        ck_assert_msg(frame != NULL, "%s", err.text);
        ck_assert_str_eq(frame->column[0].name, "a");
        ck_assert_str_eq(frame->column[1].name, "b");
        ck_assert_double_eq(frame->column[0].numbers[1], -3);
        ck_assert_int_eq(frame->column[1].kind, i ? COLUMN_DOUBLE : COLUMN_TEXT); /* ",5" is no number */
        ck_assert(!i || (isnan(frame->column[1].numbers[0]) && frame->column[1].numbers[1] == 0.5));
        frame_free(frame);
    }
    static const struct {
        const char *content, *message;
    } bad[] = { { "", "is empty" },
                { "a,b\n1,2\n3\n", ":3: 1 fields, where the header has 2" },
                { "a,a\n1,2\n", "two columns are called \"a\"" },
                { "a,b\n\"1,2\n", ":2: a quoted field is never closed" },
                { "a,b\n\"1\"x,2\n", ":2: text after a closing quote" } };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_ptr_null(read_csv(bad[i].content, &err));
        ck_assert_msg(strstr(err.text, bad[i].message) != NULL, "%s", err.text);
    }
}
END_TEST

int main(void)
{
    if (!mkdtemp(folder)) {
        perror(folder);
        return 99;
    }
    Suite *suite = suite_create("base");
    TCase *tests = tcase_create("base");
    tcase_add_test(tests, memory_is_checked);
    tcase_add_test(tests, arena_gives_zeroed_separate_memory);
    tcase_add_test(tests, text_grows_and_suggests);
    tcase_add_test(tests, errors_keep_the_first_and_gather_contexts);
    tcase_add_test(tests, numbers_follow_the_core_schema);
    tcase_add_test(tests, numbers_are_written_shortest_and_exact);
    tcase_add_test(tests, hashes_match_published_values);
    tcase_add_test(tests, generator_is_philox);
    tcase_add_test(tests, permutations_are_uniform);
    tcase_add_test(tests, files_are_replaced_whole);
    tcase_add_test(tests, frames_survive_csv);
    tcase_add_test(tests, whole_numbers_stay_exact);
    tcase_add_test(tests, student_quantiles_match_published_values);
    tcase_add_test(tests, csv_is_checked);
    suite_add_tcase(suite, tests);
    const int failed = suite_failed(suite);
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command) || failed ? 1 : 0;
}
