/* Tests of core/recipe: YAML to trees, messages, overrides, ranges, JSON and YAML. */
#include <check.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/generator.h"
#include "recipe/tree.h"
#include "suite.h"

static struct diagnostics *found;

static void setup(void)
{
    found = diagnostics_new();
}

static void teardown(void)
{
    diagnostics_free(found);
}

static struct tree *parse(const char *text)
{
    return tree_parse("test.yaml", text, strlen(text), found);
}

static char *messages(void)
{
    struct text text = { 0 };
    diagnostics_text(found, &text);
    return text_take(&text);
}

/* All messages are exactly these. */
static void expect(const char *expected)
{
    char *text = messages();
    ck_assert_str_eq(text, expected);
    free(text);
    diagnostics_free(found);
    found = diagnostics_new();
}

static void expect_part(const char *part)
{
    char *text = messages();
    ck_assert_msg(strstr(text, part) != NULL, "expected \"%s\" in:\n%s", part, text);
    free(text);
    diagnostics_free(found);
    found = diagnostics_new();
}

static void expect_json(const struct node *node, const char *expected)
{
    struct text text = { 0 };
    node_json(node, &text);
    ck_assert_str_eq(text.data, expected);
    text_free(&text);
}

static const char recipe[] = "name: width-and-rate\n"
                             "dataset: {digits: {train_size: 1000, noise: 0.5}}\n"
                             "model:\n"
                             "  hidden: [64, 32]\n"
                             "  activation: [relu, {leaky_relu: {slope: .2}}]\n"
                             "schedule: exponential\n"
                             "train:\n"
                             "  batch: 50 # a comment\n"
                             "seeds: 0x10\n"
                             "sweep:\n"
                             "  train.batch: [10, 20]\n"
                             "  zip: {model.hidden.0: [1, 2]}\n"
                             "  cases: {a: {loss: mse}}\n"
                             "title: \"5\"\n";

START_TEST(trees_have_places)
{
    struct tree *tree = parse(recipe);
    ck_assert_ptr_nonnull(tree);
    const struct node *slope = node_at(tree->root, "model.activation.1.leaky_relu.slope");
    ck_assert_ptr_nonnull(slope);
    ck_assert_uint_eq(slope->line, 5);
    ck_assert_uint_eq(slope->column, 43);
    ck_assert_uint_eq(slope->width, 2);
    const struct node *key = node_key(node_get(tree->root, "train"), "batch");
    ck_assert_uint_eq(key->line, 8);
    ck_assert_uint_eq(key->column, 3);
    ck_assert_uint_eq(key->width, 5);
    ck_assert_ptr_null(node_at(tree->root, "model.activation.2"));
    ck_assert_ptr_null(node_at(tree->root, "train.batch.x"));
    double real;
    int64_t whole;
    ck_assert(node_real(slope, &real) && real == 0.2);
    ck_assert(node_int(node_get(tree->root, "seeds"), &whole) && whole == 16);
    ck_assert(!node_int(node_get(tree->root, "title"), &whole)); /* quoted: a text */
    expect("");
    diagnostics_add(found, SEVERITY_ERROR, slope, "too steep");
    diagnostics_add(found, SEVERITY_WARNING, key, "large");
    diagnostics_add(found, SEVERITY_ERROR, slope, "too steep");
    diagnostics_add(found, SEVERITY_ERROR, NULL, "no place");
    ck_assert_uint_eq(diagnostics_count(found, SEVERITY_ERROR), 2);
    tree_free(tree);
    expect("test.yaml:5:43: error: too steep\n"
           "    5 |   activation: [relu, {leaky_relu: {slope: .2}}]\n"
           "      |                                           ^~\n"
           "test.yaml:8:3: warning: large\n"
           "    8 |   batch: 50 # a comment\n"
           "      |   ^~~~~\n"
           "error: no place\n");
}
END_TEST

START_TEST(scalars_follow_the_core_schema)
{
    struct tree *tree = parse("[yes, on, true, FALSE, ~, null, '', \"true\", 1e-3, .01, 010, 0o10, 1_000, .inf, No]");
    ck_assert_ptr_nonnull(tree);
    expect_json(tree->root,
                "[\"yes\",\"on\",true,false,null,null,\"\",\"true\",0.001,0.01,10,8,\"1_000\",\".inf\",\"No\"]");
    bool flag;
    ck_assert(!node_flag(tree->root->values[0], &flag));
    ck_assert_str_eq(node_describe(tree->root->values[0]), "the text \"yes\"");
    ck_assert_str_eq(node_describe(tree->root->values[8]), "the number 1e-3");
    ck_assert_str_eq(node_describe(tree->root), "a list");
    tree_free(tree);
}
END_TEST

/* Each tests/recipes/yaml/NAME.yaml gives the messages in NAME.expected. */
START_TEST(bad_yaml_is_refused_in_words)
{
    static const char base[] = SOURCE_FOLDER "/tests/recipes/yaml";
    DIR *folder = opendir(base);
    ck_assert_ptr_nonnull(folder);
    char before[4096];
    ck_assert_ptr_nonnull(getcwd(before, sizeof before));
    ck_assert_int_eq(chdir(base), 0);
    unsigned count = 0;
    for (const struct dirent *entry; (entry = readdir(folder));) {
        const char *dot = strrchr(entry->d_name, '.');
        if (!dot || strcmp(dot, ".yaml"))
            continue;
        char golden[300];
        snprintf(golden, sizeof golden, "%.*s.expected", (int)(dot - entry->d_name), entry->d_name);
        struct iso_error err = ERROR_NONE;
        size_t length;
        tree_free(tree_read(entry->d_name, found));
        char *text = messages();
        ck_assert_uint_gt(diagnostics_count(found, SEVERITY_ERROR), 0);
        if (getenv("ISOFLOP_WRITE_EXPECTED"))
            ck_assert_int_eq(file_replace(golden, text, strlen(text), &err), 0);
        free(text);
        char *expected = file_read(golden, 100000, &length, &err);
        ck_assert_msg(expected != NULL, "%s", err.text);
        expect(expected);
        free(expected);
        count++;
    }
    closedir(folder);
    ck_assert_int_eq(chdir(before), 0);
    ck_assert_uint_ge(count, 15);
}
END_TEST

START_TEST(hostile_bytes_are_refused_with_their_place)
{
    ck_assert_ptr_null(tree_parse("t", "a: 1\nb: \0", 9, found));
    expect_part("t:2:4: error: a control character (U+0000)");
    ck_assert_ptr_null(tree_parse("t", "a: \xff", 4, found));
    expect_part("t:1:4: error: the byte 0xff is no UTF-8");
    ck_assert_ptr_null(tree_parse("t", "\xff\xfe" "a\0", 4, found));
    expect_part("no UTF-8");
    ck_assert_ptr_null(tree_parse("t", "a: \xed\xa0\x80", 6, found)); /* a surrogate */
    expect_part("no UTF-8");
    struct tree *tree = tree_parse("t", "\xef\xbb\xbfname: x", 10, found);
    ck_assert_ptr_nonnull(tree);
    ck_assert_uint_eq(tree->root->keys[0]->column, 1);
    tree_free(tree);
    tree = parse("a: \"x\\0y\"");
    tree_free(tree);
    expect_part("NUL");

    char *large = malloc(2000000);
    memset(large, '[', 2000000);
    ck_assert_ptr_null(tree_parse("t", large, 2000000, found));
    expect_part("more than 1048576 bytes");
    ck_assert_ptr_null(tree_parse("t", large, 1000000, found));
    expect_part("nested more than 64 deep");
    free(large);
    ck_assert_ptr_null(tree_parse("t", "", 0, found));
    expect_part("there is nothing here");
}
END_TEST

START_TEST(aliases_expand_within_bounds)
{
    struct tree *tree = parse("a: &x {b: [1, 2]}\nc: *x\nd: &x 3\ne: *x\n");
    ck_assert_ptr_nonnull(tree);
    expect_json(tree->root, "{\"a\":{\"b\":[1,2]},\"c\":{\"b\":[1,2]},\"d\":3,\"e\":3}");
    struct iso_error err = ERROR_NONE;
    ck_assert_int_eq(node_set(tree, "c.b.0", node_scalar(tree, "9", true, NULL), &err), 0);
    expect_json(tree->root, "{\"a\":{\"b\":[1,2]},\"c\":{\"b\":[9,2]},\"d\":3,\"e\":3}");
    tree_free(tree);

    struct text laughs = { 0 };
    text_add_string(&laughs, "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
    for (int i = 1; i < 12; i++)
        text_format(&laughs, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i, i - 1,
                    i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    ck_assert_ptr_null(tree_parse("t", laughs.data, laughs.length, found));
    expect_part("with its aliases expanded");
    text_free(&laughs);
    ck_assert_ptr_null(parse("a: &x [*x]"));
    expect_part("is inside of what &x names");
}
END_TEST

START_TEST(paths_are_set)
{
    struct tree *tree = parse(recipe);
    struct iso_error err = ERROR_NONE;
    static const struct {
        const char *path, *value, *look, *json;
    } good[] = {
        { "schedule.exponential.rate", "0.3", "schedule", "{\"exponential\":{\"rate\":0.3}}" },
        { "model.hidden.1", "7", "model.hidden", "[64,7]" },
        { "model.activation.0.relu.x", "1", "model.activation.0", "{\"relu\":{\"x\":1}}" },
        { "optimizer.sgd.momentum", "0.9", "optimizer", "{\"sgd\":{\"momentum\":0.9}}" },
        { "train.stop.patience", "3", "train", "{\"batch\":50,\"stop\":{\"patience\":3}}" },
        { "dataset", "mnist", "dataset", "{\"mnist\":{\"train_size\":1000}}" },
        { "dataset.mnist.train_size", "5", "dataset", "{\"mnist\":{\"train_size\":5}}" },
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ck_assert_msg(!node_set(tree, good[i].path, node_scalar(tree, good[i].value, true, NULL), &err), "%s",
                      err.text);
        expect_json(node_at(tree->root, good[i].look), good[i].json);
    }
    static const struct {
        const char *path, *message;
    } bad[] = {
        { "schedule.cosine.rate", "there is no schedule.cosine.rate: the schedule chosen is exponential, not cosine; "
                                  "set schedule to choose another" },
        { "dataset.train_size", "there is no dataset.train_size: the dataset chosen is mnist; did you mean "
                                "dataset.mnist.train_size?" },
        { "train.batch.size", "there is no train.batch.size: train.batch is the number 50" },
        { "model.hidden.2", "there is no model.hidden.2: model.hidden is a list of 2, counted from 0" },
        { "model.hidden.width", "there is no model.hidden.width: model.hidden is a list of 2, counted from 0" },
        { "model.activation.1.relu", "there is no model.activation.1.relu: the activation.1 chosen is leaky_relu, not "
                                     "relu; set model.activation.1 to choose another" },
        { "model.activation", NULL },
        { "model.activation.0", "there is no model.activation.0: model.activation is relu in all hidden layers; set "
                                "it to a list of one each" },
        { "train..batch", "\"train..batch\" is no path; one looks like train.batch or model.hidden.0" },
        { "", "\"\" is no path; one looks like train.batch or model.hidden.0" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        err = ERROR_NONE;
        if (!bad[i].message) { /* makes the ground for the next */
            ck_assert_int_eq(node_set(tree, bad[i].path, node_scalar(tree, "relu", true, NULL), &err), 0);
            continue;
        }
        ck_assert_int_eq(node_set(tree, bad[i].path, node_scalar(tree, "1", true, NULL), &err), -1);
        ck_assert_str_eq(err.text, bad[i].message);
    }
    tree_free(tree);
}
END_TEST

START_TEST(overrides_say_where_they_are_wrong)
{
    struct tree *tree = parse(recipe);
    ck_assert_int_eq(tree_override(tree, "train.epochs={a: [1, 2]}", found), 0);
    ck_assert_int_eq(tree_override(tree, "sweep.train.batch={from: 1, to: 2, points: 2}", found), 0);
    expect_json(node_at(tree->root, "train.epochs"), "{\"a\":[1,2]}");
    expect_json(node_get(node_get(tree->root, "sweep"), "train.batch"), "{\"from\":1,\"points\":2,\"to\":2}");
    expect("");
    ck_assert_int_eq(tree_override(tree, "train.batch=5", found), -1);
    expect("--set:1:1: error: train.batch is swept; set sweep.train.batch to change its values\n"
           "    1 | train.batch=5\n"
           "      | ^~~~~~~~~~~\n");
    ck_assert_int_eq(tree_override(tree, "model.hidden.0=5", found), -1);
    expect_part("model.hidden.0 is swept (model.hidden.0 in sweep.zip); set sweep.zip to change its values");
    ck_assert_int_eq(tree_override(tree, "loss=huber", found), -1);
    expect_part("sweep.cases");
    ck_assert_int_eq(tree_override(tree, "dataset=cifar10", found), 0);
    expect_part("--set:1:1: note: this drops what the data set chosen before took: noise\n");
    ck_assert_int_eq(tree_override(tree, "train.epochs=[1", found), -1);
    expect_part("--set:1:14: error: this is no YAML");
    ck_assert_int_eq(tree_override(tree, "train.epochs=", found), -1);
    expect_part("no value follows the =");
    ck_assert_int_eq(tree_override(tree, "train.epochs", found), -1);
    expect_part("expected PATH=VALUE");
    ck_assert_int_eq(tree_override(tree, "title=\xff", found), -1);
    expect_part("no UTF-8");
    ck_assert_int_eq(tree_override(tree, "new=ab", found), 0);
    const struct node *value = node_get(tree->root, "new");
    ck_assert_uint_eq(value->column, 5);
    ck_assert_uint_eq(value->width, 2);
    ck_assert_int_eq(tree_override(tree, "made.on.way=1", found), 0);
    ck_assert_str_eq(node_key(node_at(tree->root, "made.on"), "way")->source->name, "--set");
    ck_assert_uint_eq(node_key(tree->root, "made")->column, 13);
    tree_free(tree);
}
END_TEST

START_TEST(ranges_are_decimal)
{
    static const struct {
        const char *range;
        bool integer;
        const char *json;
    } good[] = {
        { "{from: 0.01, to: 0.1, step: 0.01}", false, "[0.01,0.02,0.03,0.04,0.05,0.06,0.07,0.08,0.09,0.1]" },
        { "{from: 0, to: 1, points: 11}", false, "[0,0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9,1]" },
        { "{from: 1, to: 0, step: -0.25}", false, "[1,0.75,0.5,0.25,0]" },
        { "{from: -.3, to: .3, step: .1}", false, "[-0.3,-0.2,-0.1,0,0.1,0.2,0.3]" },
        { "{from: 1e-3, to: 1, points: 4, scale: log}", false, "[0.001,0.01,0.1,1]" },
        { "{from: 16, to: 1024, step: 2, scale: log}", true, "[16,32,64,128,256,512,1024]" },
        { "{from: 16, to: 1024, points: 7, scale: log}", true, "[16,32,64,128,256,512,1024]" },
        { "{from: 1, to: 2, points: 3, scale: log}", false, "[1,1.41421356237,2]" },
        { "{from: 1, to: 4, points: 10, scale: log}", true, "[1,2,3,4]" },
        { "{from: 1, to: 10, step: 4}", true, "[1,5,9]" },
        { "{from: 0, to: 1, points: 4}", false, "[0,0.333333333333,0.666666666667,1]" },
        { "{from: 1e15, to: 2e15, step: 1e15}", false, "[1000000000000000,2000000000000000]" },
        { "{from: 3, to: 3, step: 1}", false, "[3]" },
        { "[a, 0.1, {b: c}]", true, "[\"a\",0.1,{\"b\":\"c\"}]" },
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct tree *tree = parse(good[i].range);
        const struct node *values = tree_values(tree, tree->root, good[i].integer, found);
        expect("");
        ck_assert_ptr_nonnull(values);
        expect_json(values, good[i].json);
        tree_free(tree);
    }
    struct tree *tree = parse("{from: 0.01, to: 0.1, step: 0.01}");
    double seventh;
    ck_assert(node_real(tree_values(tree, tree->root, false, found)->values[6], &seventh));
    ck_assert(seventh == 0.07);
    tree_free(tree);

    static const struct {
        const char *range, *message;
    } bad[] = {
        { "{from: 1, to: 2}", "the range needs points (how many) or step" },
        { "{from: 1, to: 2, points: 2, step: 1}", "give step or points, not both" },
        { "{to: 2, points: 2}", "the range has no from" },
        { "{from: a, to: 2, points: 2}", "from of a range must be a number, not the text \"a\"" },
        { "{from: 1, to: .inf, points: 2}", "to of a range must be a number" },
        { "{from: 0, to: 2, points: 2, scale: log}", "a log scale needs numbers above 0, not 0" },
        { "{from: 1, to: 2, points: 1}", "points must be a whole number from 2 to 10000, not 1" },
        { "{from: 1, to: 2, points: 2, scale: cubic}", "scale must be linear or log" },
        { "{from: 1, to: 2, step: -1}", "with step -1 it never gets from 1 to 2" },
        { "{from: 1, to: 2, step: 0}", "with step 0 it never gets" },
        { "{from: 1, to: 2, step: 0.5, scale: log}", "step is a factor" },
        { "{from: 0, to: 1e300, step: 1e-300}", "more than 10000 values" },
        { "{from: 0, to: 1, step: 1e-9}", "more than 10000 values" },
        { "{form: 1, to: 2, points: 2}", "a range has no key \"form\"; did you mean \"from\"?" },
        { "[]", "an empty list" },
        { "3", "expected a list of values or a range" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        tree = parse(bad[i].range);
        ck_assert_msg(!tree_values(tree, tree->root, false, found), "%s", bad[i].range);
        expect_part(bad[i].message);
        tree_free(tree);
    }
}
END_TEST

static void check_round_trip(const char *text)
{
    struct text json = { 0 }, yaml = { 0 }, again = { 0 }, second = { 0 };
    struct tree *tree = parse(text);
    expect("");
    node_json(tree->root, &json);
    node_yaml(tree->root, &yaml);
    struct tree *back = tree_parse("again", yaml.data, yaml.length, found);
    char *errors = messages();
    ck_assert_msg(back != NULL, "%s\n%s", yaml.data, errors);
    free(errors);
    node_json(back->root, &again);
    ck_assert_str_eq(again.data, json.data);
    node_yaml(back->root, &second);
    ck_assert_str_eq(second.data, yaml.data);
    struct tree *copy = tree_copy(tree);
    tree_free(tree);
    text_free(&again);
    node_json(copy->root, &again);
    ck_assert_str_eq(again.data, json.data);
    ck_assert_ptr_nonnull(copy->root->source);
    tree_free(copy);
    tree_free(back);
    text_free(&json);
    text_free(&yaml);
    text_free(&again);
    text_free(&second);
}

START_TEST(yaml_reads_back_the_same)
{
    check_round_trip(recipe);
    check_round_trip("a: \"x: y # z\"\nb: '- x'\nc: |\n  two\n  lines\nd: a, b\ne: \"\\u2028\\x85\\ufeff\"\nf: ---x\n"
                     "\"null\": ~\n\"1\": '1'\ng: \"\"\nh: {}\ni: []\nj: [[1, {k: [2]}]]\n'?': '!x'\n\"a b\": &x "
                     "-.5\nl: *x\n"
                     "m: é\n");
    check_round_trip("3");
    check_round_trip("[a, b]");
    struct tree *tree = parse("b: {z: 1.50, a: [.1, 1e5]}\na: x\n");
    expect_json(tree->root, "{\"a\":\"x\",\"b\":{\"a\":[0.1,100000],\"z\":1.5}}");
    struct text yaml = { 0 };
    node_yaml(tree->root, &yaml);
    ck_assert_str_eq(yaml.data, "b:\n  z: 1.50\n  a: [.1, 1e5]\na: x\n");
    text_free(&yaml);
    tree_free(tree);
}
END_TEST

/* Whatever is cut out of, or written over, a good recipe: a tree or a message, never a crash. */
START_TEST(damaged_recipes_do_no_harm)
{
    const size_t length = strlen(recipe);
    char text[sizeof recipe];
    static const char odd[] = "\n\t :-?{}[]&*!|>'\"%@`,#~\\\xff\xc3\x01" "0aZ";
    const struct iso_rng rng = generator_of("test", 3, 0);
    unsigned trees = 0;
    for (uint32_t round = 0; round < 3000; round++) {
        uint32_t bits[4];
        iso_rng_bits_block(&rng, round, 0, bits);
        memcpy(text, recipe, sizeof recipe);
        const size_t cut = round < length ? round : length;
        if (round >= length)
            for (int i = 0; i < 3; i++)
                text[bits[i] % length] = odd[(bits[i] >> 16) % (sizeof odd - 1)];
        struct tree *tree = tree_parse("damaged", text, cut, found);
        if (tree) {
            struct text out = { 0 };
            trees++;
            node_json(tree->root, &out);
            node_yaml(tree->root, &out);
            tree_override(tree, "train.batch=3", found);
            tree_override(tree, "dataset=mnist", found);
            const struct node *sweep = node_get(tree->root, "sweep");
            for (size_t i = 0; sweep && sweep->kind == NODE_MAP && i < sweep->count; i++)
                tree_values(tree, sweep->values[i], true, found);
            text_free(&out);
        } else {
            ck_assert_uint_gt(diagnostics_count(found, SEVERITY_ERROR), 0);
        }
        tree_free(tree);
        free(messages());
        diagnostics_free(found);
        found = diagnostics_new();
    }
    ck_assert_uint_gt(trees, 300);
}
END_TEST

START_TEST(long_lines_are_shown_around_the_place)
{
    struct text text = { 0 };
    text_add_string(&text, "a: [");
    for (int i = 0; i < 200; i++)
        text_format(&text, "%d, ", i + 100);
    text_add_string(&text, "here]");
    struct tree *tree = parse(text.data);
    const struct node *list = node_get(tree->root, "a");
    diagnostics_add(found, SEVERITY_ERROR, list->values[list->count - 1], "x");
    char *shown = messages();
    const char *line = strchr(shown, '\n') + 1, *carets = strchr(line, '\n') + 1;
    ck_assert_uint_lt(strlen(shown), 500);
    ck_assert_int_eq(strstr(line, "here") - line, strchr(carets, '^') - carets);
    free(shown);
    tree_free(tree);
    text_free(&text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("recipe");
    TCase *tests = tcase_create("recipe");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, trees_have_places);
    tcase_add_test(tests, scalars_follow_the_core_schema);
    tcase_add_test(tests, bad_yaml_is_refused_in_words);
    tcase_add_test(tests, hostile_bytes_are_refused_with_their_place);
    tcase_add_test(tests, aliases_expand_within_bounds);
    tcase_add_test(tests, paths_are_set);
    tcase_add_test(tests, overrides_say_where_they_are_wrong);
    tcase_add_test(tests, ranges_are_decimal);
    tcase_add_test(tests, yaml_reads_back_the_same);
    tcase_add_test(tests, damaged_recipes_do_no_harm);
    tcase_add_test(tests, long_lines_are_shown_around_the_place);
    suite_add_tcase(suite, tests);
    return suite_failed(suite) != 0;
}
