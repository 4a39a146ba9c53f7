/* The plugin host: what it finds, what it refuses and in which words, how it fills parameters. The fixtures in
 * tests/fixtures are wrong on purpose. */
#include "config.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixtures/all_types.h"
#include "plugin/conformance.h"
#include "plugin/plugin.h"
#include "suite.h"

static char fixtures[3000]; /* the folder of built fixtures */

static struct plugins *new_plugins(const char *path)
{
    struct iso_error err = ERROR_NONE;
    struct plugins *plugins = plugins_new(path, &err);
    ck_assert_msg(plugins != NULL, "%s", err.text);
    return plugins;
}

static const struct plugin *open_fixture(struct plugins *plugins, const char *name, struct iso_error *err)
{
    char file[4000];
    snprintf(file, sizeof file, "%s/%s.so", fixtures, name);
    return plugins_open(plugins, file, err);
}

static void assert_words(const char *text, const char *words)
{
    ck_assert_msg(text && strstr(text, words), "expected \"%s\" in: %s", words, text ? text : "nothing");
}

/* ---- Refused when opened ---- */

static const struct {
    const char *name, *words;
} refused[] = {
    { "no_symbol", "exports no isoflop_plugin" },
    { "old_abi", "built for plugin ABI 0, this isoflop speaks 1: rebuild it" },
    { "future_abi", "built for plugin ABI 2, this isoflop speaks 1: rebuild it" },
    { "short_size", "says that its descriptor takes 40 bytes" },
    { "unknown_kind", "is of kind 99, which this isoflop does not know" },
    { "wrong_name", "calls itself \"other\", but a plugin is found by its file's name" },
    { "wrong_offset", "parameter \"slope\" lies at byte 8, beyond the end of the state of 8 bytes" },
    { "shared_field", "parameter \"other\" lies at byte 0, over parameter \"slope\"" },
    { "wrong_default", "parameter \"slope\" has the default \"2\", but must be between 0 and 1, not 2" },
    { "no_function", "has no function backward" },
    { "is_not_there", "can not be loaded" },
};

START_TEST(refuses)
{
    struct plugins *plugins = new_plugins(NULL);
    struct iso_error err = ERROR_NONE;
    ck_assert_ptr_null(open_fixture(plugins, refused[_i].name, &err));
    assert_words(err.text, refused[_i].words);
    assert_words(err.text, refused[_i].name); /* names the file */
    plugins_free(plugins);
}
END_TEST

START_TEST(refuses_what_is_no_object)
{
    struct plugins *plugins = new_plugins(NULL);
    char folder[] = "/tmp/isoflop-plugin-XXXXXX", file[64];
    struct iso_error err = ERROR_NONE;
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/text.so", folder);
    FILE *stream = fopen(file, "w");
    fputs("no object\n", stream);
    fclose(stream);
    ck_assert_ptr_null(plugins_open(plugins, file, &err));
    assert_words(err.text, "text.so: can not be loaded: ");
    unlink(file);
    rmdir(folder);
    plugins_free(plugins);
}
END_TEST

START_TEST(restores_float_mode)
{
    struct plugins *plugins = new_plugins(NULL);
    struct iso_error err = ERROR_NONE;
    volatile double small = 0x1p-1022;
    const struct plugin *plugin = open_fixture(plugins, "float_mode", &err);
    ck_assert_msg(plugin != NULL, "%s", err.text);
    ck_assert(small / 4 > 0);
#if defined __SSE2__
    assert_words(plugin->warning, "float_mode.so changes the floating-point mode");
#endif
    plugins_free(plugins);
}
END_TEST

/* ---- Refused by conformance ---- */

static const struct {
    const char *name, *words;
} nonconforming[] = {
    { "wrong_gradient", "backward: is not the derivative of forward: at x = " },
    { "writes_past", "forward: reads or writes outside of y" },
    { "hidden_state", "forward: keeps something between calls" },
    { "unequal_split", "gives other bits than a call for all" },
    { "reads_input", "backward: reads x, though from_output says that it does not" },
    { "crashes", "forward: crashes" },
    { "shared_scratch", "forward: gives other results when several threads call it at once" },
    { "wrong_loss", "value: the gradient is not the derivative of the value: example " },
    { "wrong_variance", "fill: does not give the deviation that it states" },
    { "unpaired_weights", "fill: layers of different sizes do not start from the same numbers" },
    { "impure_schedule", "rate: is not a pure function: at step " },
    { "not_plain", "update: says that it is plain descent, but is not" },
    { "changing_dataset", "is another one" },
    { "wrong_backend", "forward: y(0, 0), with 1 added by the epilogue, expected " },
};

START_TEST(does_not_conform)
{
    struct plugins *plugins = new_plugins(NULL);
    struct iso_error err = ERROR_NONE;
    struct conformance result;
    const struct plugin *plugin = open_fixture(plugins, nonconforming[_i].name, &err);
    ck_assert_msg(plugin != NULL, "%s", err.text);
    ck_assert_msg(!conformance_run(plugin, NULL, NULL, NULL, &result, &err), "%s", err.text);
    ck_assert_msg(result.failures > 0, "%s was found to conform", nonconforming[_i].name);
    assert_words(result.lines.data, nonconforming[_i].words);
    if (!strstr(result.lines.data, "crashes") && !strstr(result.lines.data, "writes") &&
        !strstr(result.lines.data, "threads"))
        ck_assert_msg(strstr(result.lines.data, "expected") || strstr(result.lines.data, "another"), "%s",
                      result.lines.data);
    conformance_free(&result);
    plugins_free(plugins);
}
END_TEST

static void assert_conforms(const struct plugin *plugin)
{
    struct iso_error err = ERROR_NONE;
    struct conformance result;
    ck_assert_msg(!conformance_run(plugin, NULL, NULL, NULL, &result, &err), "%s", err.text);
    ck_assert_msg(result.failures == 0 && result.checks > 0, "%s", result.lines.data);
    conformance_free(&result);
}

START_TEST(loads_what_has_grown)
{
    struct plugins *plugins = new_plugins(NULL);
    struct iso_error err = ERROR_NONE;
    const struct plugin *plugin = open_fixture(plugins, "grown", &err);
    ck_assert_msg(plugin != NULL, "%s", err.text);
    ck_assert_uint_eq(plugin->param_count, 2);
    ck_assert_str_eq(plugin->params[1].name, "shift");
    ck_assert_str_eq(plugin->params[1].initial, "0.5");
    assert_conforms(plugin);
    plugins_free(plugins);
}
END_TEST

/* A binary of ABI 1 as it was first laid down; see tests/fixtures/README.md. */
START_TEST(loads_the_first_abi)
{
#if defined __x86_64__ && defined __linux__
    struct plugins *plugins = new_plugins(NULL);
    struct iso_error err = ERROR_NONE;
    const char *const pairs[] = { "low", "-2", NULL };
    const float x[3] = { -3, 0.25f, 3 };
    float y[3];
    const struct plugin *plugin = plugins_open(plugins, SOURCE_FOLDER "/tests/fixtures/abi1_x86_64.so", &err);
    ck_assert_msg(plugin != NULL, "%s", err.text);
    ck_assert_uint_eq(plugin->param_count, 2);
    assert_conforms(plugin);
    struct instance *instance = instance_new(plugin, pairs, NULL, &err);
    ck_assert_msg(instance != NULL, "%s", err.text);
    plugin->ops.activation.forward(instance->state, 3, x, y);
    ck_assert(y[0] == -2 && y[1] == 0.25f && y[2] == 1);
    instance_free(instance);
    plugins_free(plugins);
#else
    printf("skipped: the binary fixture is for x86-64 Linux\n");
#endif
}
END_TEST

/* ---- Finding ---- */

static char found_in[64]; /* a folder with activation/all_types.so, a shadowing relu.so and a file that is no object */

static void make_folder(void)
{
    char from[4000], to[256];
    snprintf(found_in, sizeof found_in, "/tmp/isoflop-path-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(found_in));
    snprintf(to, sizeof to, "%s/activation", found_in);
    ck_assert_int_eq(mkdir(to, 0777), 0);
    static const char *const names[] = { "all_types", "wrong_offset", "wrong_variance" };
    for (size_t i = 0; i < 3; i++) {
        snprintf(from, sizeof from, "%s/%s.so", fixtures, names[i]);
        snprintf(to, sizeof to, "%s/activation/%s.so", found_in, names[i]);
        ck_assert_int_eq(symlink(from, to), 0);
    }
}

static void remove_folder(void)
{
    static const char *const names[] = { "activation/all_types.so", "activation/wrong_offset.so",
                                         "activation/wrong_variance.so", "activation", "" };
    char path[256];
    for (size_t i = 0; i < 5; i++) {
        snprintf(path, sizeof path, "%s/%s", found_in, names[i]);
        remove(path);
    }
}

static void collect(void *context, const char *line)
{
    text_format(context, "%s\n", line);
}

START_TEST(finds_along_the_path)
{
    struct plugins *plugins = new_plugins(found_in);
    struct iso_error err = ERROR_NONE;
    struct text warnings = { 0 };
    size_t count;
    const struct plugin *plugin = plugins_find(plugins, ISO_ACTIVATION, "all_types", &err);
    ck_assert_msg(plugin != NULL, "%s", err.text);
    ck_assert_ptr_eq(plugins_find(plugins, ISO_ACTIVATION, "all_types", &err), plugin);
    ck_assert_msg(plugins_find(plugins, ISO_ACTIVATION, "leaky_relu", &err) != NULL, "%s", err.text);
    const struct plugin **all = plugins_all(plugins, ISO_ACTIVATION, &count, collect, &warnings, &err);
    bool seen = false;
    for (size_t i = 0; i < count; i++) {
        seen = seen || all[i] == plugin;
        ck_assert(i == 0 || strcmp(all[i - 1]->descriptor.name, all[i]->descriptor.name) < 0);
    }
    ck_assert(seen);
    assert_words(warnings.data, "wrong_offset.so: parameter");
    assert_words(warnings.data, "is of kind initializer, but lies in the folder of kind activation");
    text_free(&warnings);
    free(all);
    plugins_free(plugins);
}
END_TEST

START_TEST(tells_what_is_not_there)
{
    struct plugins *plugins = new_plugins(found_in);
    struct iso_error err = ERROR_NONE;
    ck_assert_ptr_null(plugins_find(plugins, ISO_ACTIVATION, "leaky_rlu", &err));
    assert_words(err.text, "no activation is called \"leaky_rlu\"; there are all_types, ");
    assert_words(err.text, "(searched: ");
    assert_words(err.text, found_in);
    assert_words(err.text, "did you mean \"leaky_relu\"?");
    err = ERROR_NONE;
    ck_assert_ptr_null(plugins_find(plugins, ISO_ACTIVATION, "../activation/all_types", &err));
    assert_words(err.text, "can not be the name of a plugin");
    err = ERROR_NONE;
    ck_assert_ptr_null(plugins_find(plugins, ISO_ACTIVATION, "wrong_offset", &err));
    assert_words(err.text, "beyond the end of the state");
#ifndef HAVE_ONEDNN
    err = ERROR_NONE;
    ck_assert_ptr_null(plugins_find(plugins, ISO_BACKEND, "onednn", &err));
    assert_words(err.text, "built without backend onednn");
    assert_words(err.text, "apt-get install libdnnl-dev");
#endif
    plugins_free(plugins);
}
END_TEST

/* ---- Parameters ---- */

/* Reads {activation: TEXT}'s value; NULL and messages in `found`. */
static struct instance *read_value(struct plugins *plugins, const char *text, struct diagnostics *found,
                                   struct tree **tree)
{
    char recipe[1000];
    snprintf(recipe, sizeof recipe, "activation: %s\n", text);
    *tree = tree_parse("recipe.yaml", recipe, strlen(recipe), found);
    ck_assert_ptr_nonnull(*tree);
    static const char *const reserved[] = { "kept", NULL };
    return instance_read(plugins, ISO_ACTIVATION, node_get((*tree)->root, "activation"), "/folder", reserved, NULL,
                         found);
}

static const struct {
    const char *value, *words;
} mistakes[] = {
    { "{leaky_relu: {slop: 0.2}}",
      "recipe.yaml:1:27: error: activation leaky_relu has no parameter \"slop\"; did you mean \"slope\"?" },
    { "{leaky_relu: {slope: 40}}", "recipe.yaml:1:34: error: leaky_relu.slope must be between 0 and 1, not 40 (" },
    { "{leaky_relu: {slope: much}}", "leaky_relu.slope must be a number between 0 and 1, not " },
    { "{relu: {slope: 1}}", "activation relu has no parameter \"slope\"; it has kept" },
    { "leaky_rlu", "recipe.yaml:1:13: error: no activation is called \"leaky_rlu\"" },
    { "[relu]", "expected the name of an activation, or {NAME: {PARAMETER: VALUE}}, not a list" },
    { "{relu: {}, tanh: {}}", "one activation is expected, but here are 2, \"relu\" and \"tanh\"" },
    { "{leaky_relu: 0.2}", "the parameters of activation leaky_relu must be a mapping" },
    { "{all_types: {mode: cubc}}", "all_types.mode must be one of constant, linear, cubic, not \"cubc\" (how it bends; "
                                   "default linear); did you mean \"cubic\"?" },
    { "{all_types: {count: 2.5}}", "all_types.count must be a whole number between 1 and 1000000, not" },
    { "{all_types: {fast: 3}}", "all_types.fast must be true or false, not" },
    { "{all_types: {factors: 0.5}}", "all_types.factors must be a list of numbers between 0 and 1, not" },
    { "{all_types: {factors: [0.5, 7]}}", "recipe.yaml:1:41: error: all_types.factors must be between 0 and 1, not 7" },
    { "{all_types: {low: .inf}}", "all_types.low must be a finite number, not" },
    { "{all_types: {low: 3, high: 2}}", "activation all_types: low (3) must not be above high (2)" },
};

START_TEST(tells_mistakes)
{
    struct plugins *plugins = new_plugins(found_in);
    struct diagnostics *found = diagnostics_new();
    struct tree *tree;
    struct text text = { 0 };
    ck_assert_ptr_null(read_value(plugins, mistakes[_i].value, found, &tree));
    diagnostics_text(found, &text);
    assert_words(text.data, mistakes[_i].words);
    ck_assert_uint_eq(diagnostics_count(found, SEVERITY_ERROR), 1);
    text_free(&text);
    tree_free(tree);
    diagnostics_free(found);
    plugins_free(plugins);
}
END_TEST

START_TEST(tells_all_mistakes)
{
    struct plugins *plugins = new_plugins(found_in);
    struct diagnostics *found = diagnostics_new();
    struct tree *tree;
    ck_assert_ptr_null(read_value(plugins, "{all_types: {count: 0, mode: 3, fast: x, sizes: [1, a]}}", found, &tree));
    ck_assert_uint_eq(diagnostics_count(found, SEVERITY_ERROR), 4);
    tree_free(tree);
    diagnostics_free(found);
    plugins_free(plugins);
}
END_TEST

START_TEST(fills_parameters)
{
    struct plugins *plugins = new_plugins(found_in);
    struct diagnostics *found = diagnostics_new();
    struct tree *tree;
    struct text text = { 0 };
    struct instance *instance = read_value(plugins, "all_types", found, &tree);
    ck_assert_ptr_nonnull(instance);
    const struct all_types *state = instance->state;
    ck_assert(state->low == 0 && state->high == 0 && state->width == 0 && state->count == 3 && state->fast);
    ck_assert_int_eq(state->mode, 1);
    ck_assert_str_eq(state->label, "a: b");
    ck_assert_uint_eq(state->factors.count, 2);
    ck_assert(state->factors.values[0] == 0.5 && state->factors.values[1] == 1e-3);
    ck_assert_uint_eq(state->sizes.count, 0);
    instance_json(instance, &text);
    ck_assert_str_eq(text.data, "{\"kind\":\"activation\",\"name\":\"all_types\",\"parameters\":{},\"revision\":3}");
    text_free(&text);
    instance_free(instance);
    tree_free(tree);

    /* A default that names an earlier parameter takes its value; what equals its default is left out of the key. */
    instance = read_value(plugins,
                          "{all_types: {low: 2, count: 1e3, fast: false, mode: cubic, label: \"say \\\"x\\\"\", "
                          "file: data/x.csv, factors: [1], sizes: [7, 8], kept: 3}}", found, &tree);
    ck_assert_ptr_nonnull(instance);
    state = instance->state;
    ck_assert(state->low == 2 && state->high == 2 && state->count == 1000 && !state->fast);
    ck_assert_str_eq(state->file, "/folder/data/x.csv");
    ck_assert_int_eq((int)state->sizes.values[1], 8);
    instance_json(instance, &text);
    ck_assert_str_eq(text.data, "{\"kind\":\"activation\",\"name\":\"all_types\",\"parameters\":{\"count\":1000,"
                                "\"factors\":[1],\"fast\":false,\"label\":\"say \\\"x\\\"\",\"low\":2,"
                                "\"mode\":\"cubic\",\"sizes\":[7,8]},\"revision\":3}");
    text_free(&text);
    instance_free(instance);
    tree_free(tree);
    ck_assert_uint_eq(diagnostics_count(found, SEVERITY_ERROR), 0);
    diagnostics_free(found);
    plugins_free(plugins);
}
END_TEST

START_TEST(lends_a_host)
{
    struct plugins *plugins = new_plugins(found_in);
    struct iso_error err = ERROR_NONE;
    struct iso_bytes bytes = { .size = sizeof bytes };
    struct iso_rng one = { .size = sizeof one }, two = { .size = sizeof two }, other = { .size = sizeof other };
    const struct plugin *plugin = plugins_find(plugins, ISO_ACTIVATION, "all_types", &err);
    struct instance *instance = instance_new(plugin, NULL, NULL, &err);
    ck_assert_msg(instance != NULL, "%s", err.text);
    const struct iso_host *host = &instance->host;
    const unsigned char *block = host->allocate(host, 1000, &err);
    ck_assert_ptr_nonnull(block);
    ck_assert_uint_eq((uintptr_t)block % 64, 0);
    for (size_t i = 0; i < 1000; i++)
        ck_assert_uint_eq(block[i], 0);
    ck_assert_int_eq(host->file(host, "x", 10, &bytes, &err), -1);
    assert_words(err.text, "all_types asked for the file \"x\"");
    err = ERROR_NONE;
    ck_assert_int_eq(host->generator(host, "a", 1, &one, &err), 0);
    ck_assert_int_eq(host->generator(host, "a", 1, &two, &err), 0);
    ck_assert_int_eq(host->generator(host, "b", 1, &other, &err), 0);
    ck_assert_uint_eq(iso_rng_bits_at(&one, 3, 5), iso_rng_bits_at(&two, 3, 5));
    ck_assert_uint_ne(iso_rng_bits_at(&one, 3, 5), iso_rng_bits_at(&other, 3, 5));
    ck_assert_ptr_eq(instance_of(host), instance);
    instance_free(instance);
    plugins_free(plugins);
}
END_TEST

#define COUNT(array) ((int)(sizeof (array) / sizeof *(array)))

int main(void)
{
    const char *folder = getenv("builddir");
    snprintf(fixtures, sizeof fixtures, "%s/tests/fixtures/.libs", folder ? folder : ".");
    Suite *suite = suite_create("plugin");
    TCase *opening = tcase_create("opening"), *conforming = tcase_create("conformance"), *path = tcase_create("path");
    TCase *parameters = tcase_create("parameters");
    tcase_add_loop_test(opening, refuses, 0, COUNT(refused));
    tcase_add_test(opening, refuses_what_is_no_object);
    tcase_add_test(opening, restores_float_mode);
    tcase_add_loop_test(conforming, does_not_conform, 0, COUNT(nonconforming));
    tcase_add_test(conforming, loads_what_has_grown);
    tcase_add_test(conforming, loads_the_first_abi);
    tcase_add_unchecked_fixture(path, make_folder, remove_folder);
    tcase_add_test(path, finds_along_the_path);
    tcase_add_test(path, tells_what_is_not_there);
    tcase_add_unchecked_fixture(parameters, make_folder, remove_folder);
    tcase_add_loop_test(parameters, tells_mistakes, 0, COUNT(mistakes));
    tcase_add_test(parameters, tells_all_mistakes);
    tcase_add_test(parameters, fills_parameters);
    tcase_add_test(parameters, lends_a_host);
    tcase_set_timeout(conforming, 120);
    suite_add_tcase(suite, opening);
    suite_add_tcase(suite, conforming);
    suite_add_tcase(suite, path);
    suite_add_tcase(suite, parameters);
    return suite_failed(suite) != 0;
}
