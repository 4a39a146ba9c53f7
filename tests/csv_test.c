/* Tests of the plugins csv and mnist1d: tables as text, good and hostile. */
#include "data_files.h"
#include "suite.h"

static struct plugins *plugins;

static struct opened open_csv(const char *const *pairs)
{
    struct opened opened = { .err = ERROR_NONE };
    const struct data_options options = { 0 };
    const struct plugin *plugin = plugins_find(plugins, ISO_DATASET, "csv", &opened.err);
    ck_assert_msg(plugin != NULL, "%s", opened.err.text);
    opened.host = data_host_new(&opened.err);
    opened.instance = instance_new(plugin, pairs, opened.host, &opened.err);
    if (opened.instance)
        opened.data = data_open(opened.instance, &options, 0, &opened.err);
    return opened;
}

static void text_file(const char *name, const char *text)
{
    write_file(at(name), text, strlen(text));
}

/* All of a split: x, labels or targets. */
static size_t take(const struct opened *opened, enum data_split split, float *x, int32_t *labels, float *targets)
{
    uint32_t positions[1000];
    ck_assert_msg(opened->data != NULL, "%s", opened->err.text);
    const size_t n = data_count(opened->data, split);
    ck_assert_uint_le(n, 1000);
    for (uint32_t k = 0; k < n; k++)
        positions[k] = k;
    data_gather(opened->data, split, 0, 0, positions, n, x, data_shape(opened->data)->inputs, labels, targets);
    return n;
}

static void shapes(const struct opened *opened, size_t inputs, size_t outputs)
{
    ck_assert_msg(opened->data != NULL, "%s", opened->err.text);
    ck_assert_uint_eq(data_shape(opened->data)->inputs, inputs);
    ck_assert_uint_eq(data_shape(opened->data)->outputs, outputs);
}

START_TEST(labels_by_name)
{
    float x[20];
    int32_t labels[10];
    text_file("a.csv", "\xef\xbb\xbfheight,\"label\",width\r\n1.5,cat,-2\r\n\r\n3e-1,\"a, dog\", 4 \r\n5,cat,.5");
    text_file("b.csv", "height,label,width\n7,bird,8\n");
    const char *const pairs[] = { "file", at("a.csv"), "test", at("b.csv"), NULL };
    struct opened csv = open_csv(pairs);
    shapes(&csv, 2, 3);
    ck_assert_uint_eq(take(&csv, DATA_TRAIN, x, labels, NULL), 3);
    const float expected[] = { 1.5f, -2, 0.3f, 4, 5, 0.5f };
    for (size_t i = 0; i < 6; i++)
        ck_assert_float_eq(x[i], expected[i]);
    const char *const *names = data_shape(csv.data)->class_names;
    ck_assert_str_eq(names[labels[0]], "cat");
    ck_assert_str_eq(names[labels[1]], "a, dog");
    ck_assert_str_eq(names[labels[2]], "cat");
    ck_assert_uint_eq(take(&csv, DATA_TEST, x, labels, NULL), 1);
    ck_assert_str_eq(names[labels[0]], "bird");
    ck_assert_float_eq(x[1], 8);
    shut(&csv);
}
END_TEST

START_TEST(labels_that_are_numbers)
{
    float x[20];
    int32_t labels[12];
    char text[400] = "";
    for (int i = 0; i < 12; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%d\t%d\n", 11 - i, i);
    text_file("a.csv", text);
    const char *const pairs[] = { "file", at("a.csv"), "test", at("a.csv"), "header", "false", "delimiter", "tab",
                                  "label", "0", NULL };
    struct opened csv = open_csv(pairs);
    shapes(&csv, 1, 12);
    ck_assert_uint_eq(take(&csv, DATA_TRAIN, x, labels, NULL), 12);
    for (int i = 0; i < 12; i++) /* 10 and 11 come after 9, not after 1 */
        ck_assert_int_eq(labels[i], 11 - i);
    shut(&csv);
}
END_TEST

START_TEST(columns_of_targets)
{
    float x[20], targets[20];
    text_file("a.csv", "a;b;c;d\n1;2;3;4\n5;6;7;8\n");
    const char *const pairs[] = { "file", at("a.csv"), "test", at("a.csv"), "delimiter", ";", "targets", "d,a", NULL };
    struct opened csv = open_csv(pairs);
    shapes(&csv, 2, 2);
    ck_assert(!data_shape(csv.data)->classification);
    ck_assert_uint_eq(take(&csv, DATA_TRAIN, x, NULL, targets), 2);
    ck_assert_float_eq(x[2], 6);
    ck_assert_float_eq(x[3], 7);
    ck_assert_float_eq(targets[2], 5); /* in the order of the table */
    ck_assert_float_eq(targets[3], 8);
    shut(&csv);
}
END_TEST

START_TEST(one_file_is_parted)
{
    static float x[1000];
    int32_t labels[1000];
    char text[20000] = "x,label\n";
    size_t length = strlen(text), counts[2];
    bool seen[500] = { false };
    for (int i = 0; i < 500; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "%d,%d\n", i, i % 3);
    text_file("a.csv", text);
    const char *const pairs[] = { "file", at("a.csv"), "test_fraction", "0.3", NULL };
    struct opened csv = open_csv(pairs);
    for (int split = 0; split < 2; split++) {
        counts[split] = take(&csv, split ? DATA_TEST : DATA_TRAIN, x, labels, NULL);
        for (size_t k = 0; k < counts[split]; k++) {
            ck_assert(!seen[(int)x[k]]);
            seen[(int)x[k]] = true;
            ck_assert_int_eq(labels[k], (int)x[k] % 3);
        }
    }
    ck_assert_uint_eq(counts[0] + counts[1], 500);
    ck_assert_uint_ge(counts[1], 100); /* 150 on average, deviation 10 */
    ck_assert_uint_le(counts[1], 200);
    shut(&csv);
}
END_TEST

/* Line ends of any kind, and blanks around fields, mean nothing. */
START_TEST(written_otherwise)
{
    static const char *const texts[] = { "a,label\n1.5,x\n2.5,y\n", "a,label\r\n1.5,x\r\n2.5,y\r\n",
                                         "a,label\r1.5,x\r2.5,y", "a , label\n\n 1.5\t, x \n\n2.5,y\n\n",
                                         "\"a\",\"label\"\n\"1.5\",\"x\"\n\" 2.5 \",\"y\"\n" };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        text_file("a.csv", texts[i]);
        const char *const pairs[] = { "file", at("a.csv"), "test", at("a.csv"), NULL };
        struct opened csv = open_csv(pairs);
        ck_assert_msg(csv.data != NULL, "case %zu: %s", i, csv.err.text);
        ck_assert_uint_eq(data_count(csv.data, DATA_TRAIN), 2);
        ck_assert_str_eq(data_shape(csv.data)->class_names[1], "y");
        const uint32_t positions[2] = { 0, 1 };
        float inputs[2];
        int32_t labels[2];
        data_gather(csv.data, DATA_TRAIN, 0, 0, positions, 2, inputs, 1, labels, NULL);
        ck_assert(inputs[0] == 1.5f && inputs[1] == 2.5f && labels[0] == 0 && labels[1] == 1);
        shut(&csv);
    }
}
END_TEST

START_TEST(files_that_differ)
{
    const char *const pairs[] = { "file", at("a.csv"), "test", at("b.csv"), NULL };
    text_file("a.csv", "a,b,label\n1,2,x\n");
    text_file("b.csv", "b,a,label\n2,1,x\n");
    struct opened csv = open_csv(pairs);
    ck_assert_ptr_null(csv.data);
    ck_assert_msg(strstr(csv.err.text, "its column 1 is \"b\", that of ") != NULL, "%s", csv.err.text);
    shut(&csv);
    write_file(at("b.csv"), "a,b,label\n1,\0" "2,x\n", 17);
    csv = open_csv(pairs);
    ck_assert_ptr_null(csv.data);
    ck_assert_msg(strstr(csv.err.text, "there is a byte 0 in it") != NULL, "%s", csv.err.text);
    shut(&csv);
}
END_TEST

START_TEST(mistakes_are_told)
{
    static const struct {
        const char *text, *option, *value, *words;
    } cases[] = {
        { "a,label\n1,2\n1,2,3\n", "header", "true", "a.csv:3: 3 columns, where the first row has 2" },
        { "a,label\n1,2\nx1,2\n", "header", "true", "a.csv:3: column 1 is no number: \"x1\"" },
        { "a,label\n,2\n", "header", "true", "a.csv:2: column 1 is empty, where a number is expected" },
        { "a,label\nnan,2\n", "header", "true", "column 1 is no number" },
        { "a,label\n1e999,2\n", "header", "true", "column 1 is more than a float32 can hold: \"1e999\"" },
        { "a,label\n-1e39,2\n", "header", "true", "column 1 is more than a float32 can hold" },
        { "a,label\n0x10,2\n", "header", "true", "column 1 is no number: \"0x10\"" },
        { "a,label\n+,2\n", "header", "true", "column 1 is no number: \"+\"" },
        { "a,label\n1,2\n3,\n", "header", "true", "a.csv:3: there is no label, in column 2" },
        { "a,label\n1,2\n3,  \n", "header", "true", "a.csv:3: there is no label, in column 2" },
        { "a;label\n1;2\n", "header", "true", "has one column, \"a;label\": is its delimiter another one" },
        { "a\tlabel\n1\t2\n", "header", "true", "`delimiter: \"tab\"`" },
        { "a,label\n1,f\xfc" "nf\n2,f\xfc" "nf\n", "test_fraction", "0.5", "is no line of text in UTF-8" },
        { "a,label\n1,\"2\n3,4\n", "header", "true", "a.csv:2: a quote is not closed" },
        { "a,label\n\"1\"x,2\n", "header", "true", "no delimiter" },
        { "a,b\n1,2\n", "header", "true", "has no column \"label\"; its first is \"a\", its last \"b\"" },
        { "1,2\n3,4\n", "header", "false", "named by their number, 0 to 1" },
        { "a,b\n1,2\n", "label", "2", "has no column \"2\"" },
        { "a,label\n", "header", "true", "there are no rows" },
        { "", "header", "true", "there are no rows" },
        { "label\n1\n2\n", "header", "true", "no column is left for inputs" },
        { "a,b\n1,2\n", "targets", "a,b", "no column is left for inputs" },
        { "a,label\n1,2\n", "delimiter", "ab", "must be one character" },
        { "a,label\n1,2\n3,4\n", "test_fraction", "0", "none is left for testing" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        text_file("a.csv", cases[i].text);
        const char *const pairs[] = { "file", at("a.csv"), cases[i].option, cases[i].value, NULL };
        struct opened csv = open_csv(pairs);
        ck_assert_msg(csv.data == NULL, "case %zu was taken", i);
        ck_assert_msg(strstr(csv.err.text, cases[i].words) != NULL, "case %zu: expected \"%s\" in: %s", i,
                      cases[i].words, csv.err.text);
        shut(&csv);
    }
}
END_TEST

int main(void)
{
    struct iso_error err = ERROR_NONE;
    if (!mkdtemp(root))
        return 1;
    setenv("XDG_CACHE_HOME", at("cache"), 1);
    plugins = plugins_new(NULL, &err);
    Suite *suite = suite_create("csv");
    TCase *tests = tcase_create("csv");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, labels_by_name);
    tcase_add_test(tests, labels_that_are_numbers);
    tcase_add_test(tests, columns_of_targets);
    tcase_add_test(tests, one_file_is_parted);
    tcase_add_test(tests, written_otherwise);
    tcase_add_test(tests, files_that_differ);
    tcase_add_test(tests, mistakes_are_told);
    suite_add_tcase(suite, tests);
    const int failed = suite_failed(suite);
    plugins_free(plugins);
    char command[100];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    return system(command) || failed;
}
