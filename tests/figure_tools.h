/* What the tests of figures share: small tables, and figures made of them. */
#ifndef TESTS_FIGURE_TOOLS_H
#define TESTS_FIGURE_TOOLS_H

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "figure/spec.h"
#include "suite.h"

static char folder[] = "/tmp/isoflop-figure-XXXXXX";

static inline struct frame *table(const char *csv)
{
    char path[64];
    struct iso_error err = ERROR_NONE;
    snprintf(path, sizeof path, "%s/table.csv", folder);
    ck_assert_int_eq(file_replace(path, csv, strlen(csv), &err), 0);
    struct frame *frame = frame_read_csv(path, &err);
    ck_assert_msg(frame != NULL, "%s", err.text);
    return frame;
}

static inline struct figure_spec *spec_of(const char *yaml)
{
    struct diagnostics *found = diagnostics_new();
    struct tree *tree = tree_parse("figure", yaml, strlen(yaml), found);
    struct figure_spec *spec = tree ? figure_spec_read("test", tree->root, found) : NULL;
    struct text text = { 0 };
    diagnostics_text(found, &text);
    ck_assert_msg(spec != NULL, "%s", text.data);
    text_free(&text);
    tree_free(tree);
    diagnostics_free(found);
    return spec;
}

/* The messages that a description of a figure gets. */
static inline char *messages_of(const char *yaml)
{
    struct diagnostics *found = diagnostics_new();
    struct tree *tree = tree_parse("figure", yaml, strlen(yaml), found);
    struct figure_spec *spec = figure_spec_read("test", tree->root, found);
    struct text text = { 0 };
    ck_assert_ptr_null(spec);
    diagnostics_text(found, &text);
    tree_free(tree);
    diagnostics_free(found);
    return text_take(&text);
}

static inline struct figure *figure_of(const char *yaml, const char *trials, const char *points)
{
    struct figure_spec *spec = spec_of(yaml);
    struct frame *trial_frame = table(trials), *point_frame = points ? table(points) : NULL;
    struct figure_results results = { .title = "A title", .loss_unit = "nats", .trials = trial_frame,
                                      .points = point_frame };
    struct iso_error err = ERROR_NONE;
    struct figure *figure = figure_build(spec, &results, &err);
    ck_assert_msg(figure != NULL, "%s", err.text);
    frame_free(trial_frame); /* a figure stands alone: it copies what it shows */
    frame_free(point_frame);
    figure_spec_free(spec);
    return figure;
}

static inline void refused(const char *yaml, const char *trials, const char *points, const char *words)
{
    struct figure_spec *spec = spec_of(yaml);
    struct frame *trial_frame = table(trials), *point_frame = points ? table(points) : NULL;
    struct figure_results results = { .trials = trial_frame, .points = point_frame };
    struct iso_error err = ERROR_NONE;
    ck_assert_ptr_null(figure_build(spec, &results, &err));
    ck_assert_msg(strstr(err.text, words) != NULL, "\"%s\" lacks \"%s\"", err.text, words);
    frame_free(trial_frame);
    frame_free(point_frame);
    figure_spec_free(spec);
}

#define NEAR(a, b) ck_assert_double_eq_tol(a, b, 1e-9)

/* A sweep of widths and rates with three seeds; trials along which one diverges; three sizes. */
static const char trials[] =
    "trial,key,status,seed,model.hidden.width,schedule.exponential.rate,params,flops,validation.loss\n"
    "1,a,done,0,64,0.1,50890,100,0.4\n2,b,done,1,64,0.1,50890,100,0.6\n3,c,done,2,64,0.1,50890,100,0.5\n"
    "4,d,done,0,64,0.3,50890,100,0.3\n5,e,done,1,64,0.3,50890,100,0.3\n6,f,done,2,64,0.3,50890,100,0.3\n"
    "7,g,done,0,16,0.1,12730,50,0.8\n8,h,done,1,16,0.1,12730,50,0.8\n9,i,done,2,16,0.1,12730,50,0.8\n"
    "10,j,done,0,16,0.3,12730,50,0.7\n11,k,done,1,16,0.3,12730,50,0.7\n12,l,done,2,16,0.3,12730,50,0.7\n";

static const char two[] = "trial,key,status,seed,model.hidden.width,params\n"
                          "1,a,done,0,8,100\n2,b,done,1,8,100\n3,c,diverged,2,8,100\n";

static const char two_points[] =
    "trial,step,epoch,flops,train.loss,validation.loss\n"
    "1,0,0,0,,2.2\n1,10,1,50,1.4,1.0\n1,20,2,100,1,0.6\n1,30,3,150,0.7,0.5\n"
    "2,0,0,0,,2.4\n2,10,1,50,1.6,1.2\n2,20,2,100,1.2,0.8\n2,30,3,150,0.9,0.7\n"
    "3,0,0,0,,2.3\n3,10,1,50,1.5,1.1\n";

static const char sizes[] = "trial,key,status,seed,model.hidden.width,params\n"
                            "1,a,done,0,8,100\n2,b,done,1,8,100\n3,c,done,0,16,200\n4,d,done,1,16,200\n"
                            "5,e,done,0,32,400\n6,f,done,1,32,400\n";

static const char grid[] =
    "trial,key,status,seed,model.hidden.width,schedule.exponential.rate,train.batch,params,validation.loss\n"
    "1,a,done,0,8,0.1,10,100,2\n2,b,done,1,8,0.1,10,100,4\n3,c,done,0,8,1,10,100,1\n4,d,diverged,1,8,1,10,100,\n"
    "5,e,done,0,16,0.1,10,200,0.5\n6,f,done,1,16,0.1,10,200,0.7\n7,g,diverged,0,16,1,10,200,\n"
    "8,h,diverged,1,16,1,10,200,\n";

/* Runs the tests of one program in a folder of its own. */
struct named_test {
    const char *name;
    const TTest *test;
};

static inline int run_tests(const char *suite_name, const struct named_test *tests, size_t count)
{
    if (!mkdtemp(folder))
        return 1;
    Suite *suite = suite_create(suite_name);
    for (size_t i = 0; i < count; i++) {
        TCase *tests_of = tcase_create(tests[i].name);
        tcase_set_timeout(tests_of, 120);
        tcase_add_test(tests_of, tests[i].test);
        suite_add_tcase(suite, tests_of);
    }
    const int failed = suite_failed(suite);
    char path[64];
    static const char *const left[] = { "table.csv", "drawn" };
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, left[i]);
        unlink(path);
    }
    rmdir(folder);
    return failed ? 1 : 0;
}

#endif
