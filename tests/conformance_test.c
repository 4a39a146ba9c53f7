/* Conformance of every plugin that was built. The lists of what was built come from the Makefile, so that a plugin that
 * is not found fails the test. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/data.h"
#include "plugin/conformance.h"
#include "suite.h"

/* BUILT_KIND: the .la files of the kind, separated by spaces. */
static const char *const built[] = { [ISO_ACTIVATION] = BUILT_ACTIVATION, [ISO_LOSS] = BUILT_LOSS,
                                     [ISO_INITIALIZER] = BUILT_INITIALIZER, [ISO_SCHEDULE] = BUILT_SCHEDULE,
                                     [ISO_OPTIMIZER] = BUILT_OPTIMIZER, [ISO_DATASET] = BUILT_DATASET,
                                     [ISO_BACKEND] = BUILT_BACKEND };

static struct plugins *plugins;

/* Files for the datasets csv and arrays, whose `file` has no default: 60 rows, two inputs and a label. */
static char folder[] = "/tmp/isoflop-conformance-XXXXXX";
static char table[64];
static const char *const arrays[] = { "x_train.npy", "y_train.npy", "x_test.npy", "y_test.npy" };

static FILE *open_file(const char *name, char path[64])
{
    snprintf(path, 64, "%s/%s", folder, name);
    FILE *stream = fopen(path, "wb");
    ck_assert_ptr_nonnull(stream);
    return stream;
}

/* Version 1.0 of the format: magic, length of the header, header, values. */
static void write_array(const char *name, bool labels, bool test)
{
    char path[64], header[128];
    FILE *stream = open_file(name, path);
    const int length = snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }\n",
                                labels ? "<i4" : "<f4", labels ? "(60,)" : "(60, 2)");
    const unsigned char start[10] = { 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (unsigned char)length, 0 };
    fwrite(start, 1, sizeof start, stream);
    fwrite(header, 1, (size_t)length, stream);
    for (int32_t i = 0; i < 60; i++) {
        const float inputs[2] = { (float)i + 0.5f, (float)(test ? 200 + i : 100 - i) };
        const int32_t label = i % 3;
        fwrite(labels ? (const void *)&label : inputs, labels ? sizeof label : sizeof inputs, 1, stream);
    }
    ck_assert_int_eq(fclose(stream), 0);
}

static void write_table(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    for (int i = 0; i < 4; i++)
        write_array(arrays[i], i % 2, i >= 2);
    FILE *stream = open_file("table.csv", table);
    fputs("a,b,label\n", stream);
    for (int i = 0; i < 60; i++)
        fprintf(stream, "%d.5,%d,%d\n", i, 100 - i, i % 3);
    ck_assert_int_eq(fclose(stream), 0);
}

static void remove_table(void)
{
    char path[64];
    remove(table);
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, arrays[i]);
        remove(path);
    }
    remove(folder);
}

static void conform(enum iso_kind kind, const char *name)
{
    const char *const csv[] = { "file", table, NULL }, *const own[] = { "file", folder, NULL };
    const char *const *pairs = kind != ISO_DATASET ? NULL : !strcmp(name, "csv") ? csv : !strcmp(name, "arrays") ? own
                                                                                                             : NULL;
    struct iso_error err = ERROR_NONE;
    struct conformance result;
    struct plugin_host *host = data_host_new(&err);
    ck_assert_msg(host != NULL, "%s", err.text);
    const struct plugin *plugin = plugins_find(plugins, kind, name, &err);
    ck_assert_msg(plugin != NULL, "%s", err.text);
    ck_assert_ptr_null(plugin->warning);
    ck_assert_msg(!conformance_run(plugin, pairs, host, NULL, &result, &err), "%s", err.text);
    ck_assert_msg(result.failures == 0, "%s: %s", plugin->file, result.lines.data);
    if (result.skips)
        printf("%s/%s: %s", plugin_kind_name(kind), name, result.lines.data);
    else
        ck_assert_msg(result.checks > 3 * result.settings && result.settings > 0, "%s: nothing was checked", plugin->file);
    printf("%s/%s: %zu checks at %zu settings\n", plugin_kind_name(kind), name, result.checks, result.settings);
    conformance_free(&result);
    data_host_free(host);
}

START_TEST(every_plugin)
{
    const enum iso_kind kind = (enum iso_kind)_i;
    struct iso_error err = ERROR_NONE;
    size_t found = 0, expected = 0;
    char *list = strdup(built[kind]), *rest = NULL;
    for (const char *file = strtok_r(list, " ", &rest); file; file = strtok_r(NULL, " ", &rest)) {
        const char *base = strrchr(file, '/') + 1;
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(base, "."), base);
        conform(kind, name);
        expected++;
    }
    free(list);
    ck_assert_msg(expected > 0, "no %s was built", plugin_kind_name(kind));
    free(plugins_all(plugins, kind, &found, NULL, NULL, &err));
    ck_assert_uint_eq(found, expected);
}
END_TEST

int main(void)
{
    struct iso_error err = ERROR_NONE;
    Suite *suite = suite_create("conformance");
    TCase *all = tcase_create("every plugin built");
    tcase_add_unchecked_fixture(all, write_table, remove_table);
    tcase_set_timeout(all, 600);
    tcase_add_loop_test(all, every_plugin, ISO_ACTIVATION, ISO_BACKEND + 1);
    suite_add_tcase(suite, all);
    if (!(plugins = plugins_new(NULL, &err))) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    const int failed = suite_failed(suite);
    plugins_free(plugins);
    return failed != 0;
}
