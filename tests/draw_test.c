/* Figures: how they are drawn, against golden SVGs (tests/figures; ISOFLOP_GOLDEN=write makes them anew). */
#include <sys/wait.h>

#include "figure/canvas.h"
#include "figure/paint.h"
#include "figure_tools.h"

/* Without the points that are dropped a line moves by no more than the tolerance. */
START_TEST(thinning)
{
    enum { N = 2000 };
    static double x[N], y[N], kept_x[N], kept_y[N];
    static unsigned char keep[N];
    static size_t stack[4 * N];
    for (size_t i = 0; i < N; i++) {
        x[i] = kept_x[i] = (double)i / 5;
        y[i] = kept_y[i] = 100 / (1 + 0.01 * (double)i) + (i == 1234 ? 5 : 0);
    }
    size_t kept = paint_thin(N, kept_x, kept_y, 0.06, keep, stack);
    ck_assert_uint_lt(kept, 100);
    size_t at = 0;
    for (size_t i = 0; i < N; i++) {
        while (at + 2 < kept && kept_x[at + 1] < x[i])
            at++;
        double part = (x[i] - kept_x[at]) / (kept_x[at + 1] - kept_x[at]);
        ck_assert_double_le(fabs(kept_y[at] + part * (kept_y[at + 1] - kept_y[at]) - y[i]), 0.5);
    }
    bool peak = false;
    for (size_t i = 0; i < kept; i++)
        peak = peak || kept_x[i] == x[1234];
    ck_assert(peak);
}
END_TEST

static char *drawn(const struct figure *figure, enum figure_format format, size_t *length)
{
    char path[64];
    struct iso_error err = ERROR_NONE;
    snprintf(path, sizeof path, "%s/drawn", folder);
    ck_assert_msg(!figure_draw(figure, path, format, 0, 0, &err), "%s", err.text);
    char *data = file_read(path, 100000000, length, &err);
    ck_assert_msg(data != NULL, "%s", err.text);
    return data;
}

static void golden(const struct figure *figure, const char *name)
{
    char path[1000];
    size_t length, again_length, wanted_length;
    struct iso_error err = ERROR_NONE;
    char *svg = drawn(figure, FIGURE_SVG, &length), *again = drawn(figure, FIGURE_SVG, &again_length);
    ck_assert_uint_eq(length, again_length);
    ck_assert_int_eq(memcmp(svg, again, length), 0);
    ck_assert_ptr_nonnull(strstr(svg, "<title id=\"title\">"));
    ck_assert_ptr_null(strstr(svg, "nan"));
    snprintf(path, sizeof path, "%s/tests/figures/%s.svg", SOURCE_FOLDER, name);
    const char *write = getenv("ISOFLOP_GOLDEN");
    if (write && !strcmp(write, "write"))
        ck_assert_int_eq(file_replace(path, svg, length, &err), 0);
    char *wanted = file_read(path, 10000000, &wanted_length, &err);
    ck_assert_msg(wanted != NULL, "%s", err.text);
    ck_assert_msg(length == wanted_length && !memcmp(svg, wanted, length),
                  "%s has changed: look at it, then make it anew with ISOFLOP_GOLDEN=write", path);
    free(svg);
    free(again);
    free(wanted);
}

START_TEST(golden_drawings)
{
    struct figure *figure = figure_of("{kind: curve, x: schedule.exponential.rate, y: validation.loss, "
                                      "group: model.hidden.width, axes: log-log}", trials, NULL);
    golden(figure, "curve");
    figure_free(figure);
    figure = figure_of("{kind: moving_average, x: epoch, y: train.loss, window: 2, title: 'a < b & c'}", two,
                       two_points);
    golden(figure, "moving_average");
    figure_free(figure);
    figure = figure_of("{kind: loglog, x: params, y: validation.loss, others: best}", trials, NULL);
    golden(figure, "loglog");
    figure_free(figure);
    figure = figure_of("{kind: frontier}", two, two_points);
    golden(figure, "frontier");
    figure_free(figure);
    figure = figure_of("{kind: heatmap, x: schedule.exponential.rate, y: model.hidden.width, value: validation.loss}",
                       grid, NULL);
    golden(figure, "heatmap");
    figure_free(figure);
    figure = figure_of("{kind: bars, x: model.hidden.width, y: validation.loss, group: schedule.exponential.rate}",
                       grid, NULL);
    golden(figure, "bars");
    figure_free(figure);
    figure = figure_of("{kind: scatter, x: params, y: validation.loss, group: model.hidden.width, "
                       "multiples: schedule.exponential.rate}", trials, NULL);
    golden(figure, "multiples");
    figure_free(figure);
}
END_TEST

/* Times that a text stands in another. */
static size_t times(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, part)); at++)
        count++;
    return count;
}

START_TEST(bars_have_colours)
{
    static const char csv[] = "name,kind,loss\na,first,1\na,second,2\nb,first,3\nb,second,4\nc,first,5\n";
    struct figure *figure = figure_of("{kind: bars, x: name, y: loss, group: kind}", csv, NULL);
    size_t length;
    char *svg = drawn(figure, FIGURE_SVG, &length);
    ck_assert_uint_ge(times(svg, "fill=\"#0072B2\""), 4); /* three bars and the legend's sample */
    ck_assert_uint_ge(times(svg, "fill=\"#D55E00\""), 3);
    free(svg);
    figure_free(figure);
    figure = figure_of("{kind: bars, x: name, y: loss}", csv, NULL);
    svg = drawn(figure, FIGURE_SVG, &length);
    ck_assert_uint_ge(times(svg, "fill=\"#0072B2\""), 3);
    free(svg);
    figure_free(figure);
}
END_TEST

static double attribute(const char *tag, const char *name)
{
    const char *at = strstr(tag, name), *end = strchr(tag, '>');
    ck_assert_msg(at && at < end, "no %s", name);
    return strtod(at + strlen(name), NULL);
}

/* Letters are at least half as wide as they are high on average: a text that leaves the page by this is cut off. */
static void words_on_page(const char *svg, double width, double height)
{
    for (const char *at = svg; (at = strstr(at, "<text ")); at++) {
        const char *text = strchr(at, '>') + 1, *end = strstr(text, "</text>");
        double x = attribute(at, " x=\""), y = attribute(at, " y=\""), letters = 0;
        bool inside = false;
        for (const char *c = text; c < end; c++) {
            inside = inside || *c == '<';
            letters += !inside && ((unsigned char)*c & 0xc0) != 0x80;
            inside = inside && *c != '>';
        }
        const char *middle = strstr(at, "\"middle\""), *last = strstr(at, "text-anchor=\"end\"");
        const char *up = strstr(at, "rotate(-90");
        const double size = attribute(at, " font-size=\""), room = 0.5 * size * letters;
        const double before = middle && middle < text ? room / 2 : last && last < text ? room : 0;
        const double low = up && up < text ? 10 * height - y - before : x - before;
        const double page = 10 * (up && up < text ? height : width);
        ck_assert_msg(low >= -1 && low + room - page <= 1, "\"%.60s\" leaves a page of %g x %g", text, width, height);
        ck_assert_double_ge(size, 45); /* tenths of points */
    }
}

START_TEST(words_stay_on_the_page)
{
    static const char csv[] =
        "trial,key,status,seed,case,size,loss,an_accuracy_with_a_long_name_that_says_all_there_is_to_say_about_it\n"
        "1,a,done,0,short,1,2,0.3\n2,b,done,1,short,1,3,0.4\n"
        "3,c,done,0,a rather long name of the standard set-up as it was published in the first of the reports,2,2,0.5\n"
        "4,d,done,0,sum_instead_of_mean_and_a_rate_that_is_divided_by_the_batch_without_any_space,4,1e6,0.6\n"
        "5,e,done,0,\"{leaky_relu: {slope: 0.01, backward_slope: 0.3}}\",8,4,0.6\n"
        "6,f,done,0,last,16,5,0.7\n7,g,done,0,last,32,6,0.8\n";
    static const char *const yamls[] = {
        "{kind: bars, y: loss}", "{kind: bars, x: size, y: loss, group: case}",
        "{kind: curve, x: size, y: loss, group: case}",
        "{kind: heatmap, x: size, y: case, value: loss}", "{kind: heatmap, x: case, y: size, value: loss}",
        "{kind: scatter, x: loss, y: an_accuracy_with_a_long_name_that_says_all_there_is_to_say_about_it, group: case}",
        "{kind: scatter, x: an_accuracy_with_a_long_name_that_says_all_there_is_to_say_about_it, y: loss, "
        "multiples: case}",
        "{kind: loglog, x: size, y: loss, title: 'A title that is much longer than the page is wide: it says all that "
        "there is to say about the figure, and goes on where nobody reads any more'}",
    };
    static const unsigned sizes_of_pages[][2] = { { 468, 302 }, { 240, 160 }, { 240, 300 }, { 800, 200 },
                                                  { 300, 700 } };
    for (size_t i = 0; i < sizeof yamls / sizeof *yamls; i++) {
        struct figure *figure = figure_of(yamls[i], csv, NULL);
        for (size_t k = 0; k < sizeof sizes_of_pages / sizeof *sizes_of_pages; k++) {
            const unsigned width = sizes_of_pages[k][0], height = sizes_of_pages[k][1];
            struct iso_error err = ERROR_NONE;
            size_t length;
            char *svg = figure_render(figure, FIGURE_SVG, width, height, NULL, &length, &err);
            ck_assert_msg(svg || strstr(err.text, "too little room"), "%s", err.text);
            ck_assert_msg(svg || height < 200, "%s at %u x %u: %s", yamls[i], width, height, err.text);
            if (svg)
                words_on_page(svg, width, height);
            free(svg);
        }
        figure_free(figure);
    }
}
END_TEST

/* A legend stands in a corner of the frame that is empty; where none is, outside it. */
START_TEST(legends_hide_nothing)
{
    static const char *const corners[] = { "1,1\n2,2\n3,3\n", "1,3\n2,2\n3,1\n" };
    for (size_t i = 0; i < 3; i++) {
        struct text csv = { 0 };
        text_add_string(&csv, "a,b\n");
        for (int x = 1; x <= 40 && i == 2; x++)
            for (int y = 1; y <= 40; y++)
                text_format(&csv, "%d,%d\n", x, y);
        text_add_string(&csv, i < 2 ? corners[i] : "");
        struct figure *figure = figure_of("{kind: loglog, x: a, y: b, fit: false, lines: false}", csv.data, NULL);
        figure->series[0].label = "a name";
        size_t length;
        char *svg = drawn(figure, FIGURE_SVG, &length);
        const char *name = strstr(svg, ">a name<");
        ck_assert_ptr_nonnull(name);
        while (strncmp(name, "<text ", 6))
            name--;
        const double x = attribute(name, " x=\""), y = attribute(name, " y=\"");
        if (i == 0)
            ck_assert(x < 1500 && y < 1000);
        else if (i == 1)
            ck_assert(x > 3000 && y < 1000);
        else
            ck_assert_ptr_null(strstr(svg, "fill-opacity=\"0.85\"")); /* no paper of a legend within */
        text_free(&csv);
        free(svg);
        figure_free(figure);
    }
}
END_TEST

/* Values and names that no experiment has, but a table may. */
START_TEST(odd_tables)
{
    static const char *const tables[] = {
        "a,b\n1,1e-320\n2,1e299\n3,5\n", "a,b\n1,inf\n2,1\n3,2\n", "a,b\n1000000000000000,1\n1000000000000001,2\n",
        "a,b\n-5,0\n-4,0\n-3,0\n", "a,b\n0,1e-12\n1,2e-12\n", "a,b\n1,-inf\n2,-1e-300\n3,1e-300\n",
        "a,b\n#u<x>&\"\"#d,1\n10⁻²,2\n\xff\xfe,3\n",
    };
    static const char *const yamls[] = {
        "{kind: curve, x: a, y: b}", "{kind: curve, x: a, y: b, axes: log-log, title: '#u #d ## < & > 10⁻²'}",
        "{kind: loglog, x: a, y: b}", "{kind: moving_average, y: b, window: 2, x_range: [1.0e+15, 1000000000000001]}",
        "{kind: curve, x: b, y: b, group: a}", "{kind: scatter, x: a, y: b, axes: log-log}", "{kind: bars, x: a, y: b}",
        "{kind: heatmap, x: a, y: b, value: b}", "{kind: scatter, x: a, y: b, multiples: a}",
        "{kind: bars, x: a, y: b, axes: linear-log}",
    };
    size_t drawings = 0;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (size_t k = 0; k < sizeof yamls / sizeof *yamls; k++) {
            struct figure_spec *spec = spec_of(yamls[k]);
            struct frame *frame = table(tables[i]);
            struct figure_results results = { .trials = frame };
            struct iso_error err = ERROR_NONE;
            struct figure *figure = figure_build(spec, &results, &err);
            ck_assert(figure || err.text[0]);
            if (figure) {
                for (int format = FIGURE_SVG; format <= FIGURE_PDF; format++) {
                    size_t length;
                    char *data = drawn(figure, (enum figure_format)format, &length);
                    ck_assert(format != FIGURE_SVG || !strstr(data, "nan"));
                    free(data);
                }
                drawings++;
            }
            figure_free(figure);
            figure_spec_free(spec);
            frame_free(frame);
        }
    ck_assert_uint_ge(drawings, 10);
}
END_TEST

START_TEST(formats)
{
    struct figure *figure = figure_of("{kind: curve, x: epoch, y: validation.loss}", two, two_points);
    size_t length;
    char *data = drawn(figure, FIGURE_PNG, &length);
    static const unsigned char png[] = { 0x89, 'P', 'N', 'G' };
    ck_assert_int_eq(memcmp(data, png, sizeof png), 0);
    ck_assert_uint_eq((unsigned char)data[18] * 256u + (unsigned char)data[19], 1300); /* 6.5 inches of 200 pixels */
    free(data);
    data = drawn(figure, FIGURE_PDF, &length);
    ck_assert_int_eq(memcmp(data, "%PDF", 4), 0);
    static const char date[] = "/CreationDate (D:19700101000000"; /* of no day: equal figures, equal bytes */
    size_t at = 0;
    while (at + sizeof date < length && memcmp(data + at, date, sizeof date - 1))
        at++;
    ck_assert_uint_lt(at + sizeof date, length);
    free(data);
    struct iso_error err = ERROR_NONE;
    ck_assert_int_eq(figure_draw(figure, "/nonexistent/folder/figure.svg", FIGURE_SVG, 0, 0, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "/nonexistent/folder"));
    err = ERROR_NONE;
    ck_assert_int_eq(figure_draw(figure, "figure.svg", FIGURE_SVG, 100000, 10, &err), -1);
    err = ERROR_NONE;
    ck_assert_int_eq(figure_draw(figure, "figure.svg", FIGURE_SVG, 90, 60, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "too little room"));
    figure_free(figure);
}
END_TEST

/* Where PLplot misses its drivers, we come back with words: it does not ask, print or exit. */
START_TEST(no_driver)
{
    struct figure *figure = figure_of("{kind: curve, x: epoch, y: validation.loss}", two, two_points);
    fflush(NULL);
    pid_t child = fork();
    if (!child) {
        struct iso_error err = ERROR_NONE;
        setenv("PLPLOT_DRV_DIR", folder, 1);
        int status = figure_draw(figure, "figure.png", FIGURE_PNG, 0, 0, &err);
        _exit(status == -1 && err.text[0] ? 42 : 43);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 42);
    figure_free(figure);
}
END_TEST

START_TEST(large)
{
    struct text trial_csv = { 0 }, point_csv = { 0 };
    text_add_string(&trial_csv, "trial,key,status,seed,model.hidden.width,params\n");
    text_add_string(&point_csv, "trial,step,epoch,flops,validation.loss\n");
    for (int trial = 1; trial <= 200; trial++) {
        int width = 8 + trial / 2;
        text_format(&trial_csv, "%d,k%d,done,%d,%d,%d\n", trial, trial, trial % 2, width, 800 * width);
        for (int i = 0; i <= 1000; i++)
            text_format(&point_csv, "%d,%d,%g,%g,%.9g\n", trial, i, i / 100., 1e6 * width * i,
                        1. / width + 2 / (1 + i * sqrt(width) / 30.) * (1 + 0.03 * sin(i * 12.9898 + trial)));
    }
    struct frame *trial_frame = table(trial_csv.data), *point_frame = table(point_csv.data);
    struct figure_results results = { .trials = trial_frame, .points = point_frame };
    struct figure_spec *spec = spec_of("{kind: frontier}");
    struct iso_error err = ERROR_NONE;
    size_t length;
    struct figure *figure = figure_build(spec, &results, &err);
    ck_assert_msg(figure != NULL, "%s", err.text);
    char *svg = drawn(figure, FIGURE_SVG, &length);
    ck_assert_uint_lt(length, 1500000);
    ck_assert(figure->colour_bar);
    free(svg);
    figure_free(figure);
    figure_spec_free(spec);
    frame_free(trial_frame);
    frame_free(point_frame);
    text_free(&trial_csv);
    text_free(&point_csv);
}
END_TEST

int main(void)
{
    const struct named_test tests[] = {
        { "no driver", no_driver }, /* before PLplot has looked for its drivers */
        { "thinning", thinning },
        { "golden", golden_drawings },
        { "bars have colours", bars_have_colours },
        { "words stay on the page", words_stay_on_the_page },
        { "legends hide nothing", legends_hide_nothing },
        { "odd tables", odd_tables },
        { "formats", formats },
        { "large", large },
    };
    return run_tests("draw", tests, sizeof tests / sizeof *tests);
}
