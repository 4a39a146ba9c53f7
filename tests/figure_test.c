/* Figures: what they show, by value. */
#include "figure/build.h"
#include "figure/gather.h"
#include "figure/ticks.h"
#include "figure_tools.h"
#include "train/histogram.h"

/* ---- What is asked for ---- */

START_TEST(mistakes_are_named)
{
    static const struct {
        const char *yaml, *words;
    } cases[] = {
        { "{kind: spiral, x: a, y: b}",
          "no kind of figure is called \"spiral\"; there are curve, moving_average, loglog, frontier, isoflop" },
        { "{kind: heatmap, x: a, y: b}", "figure test needs value" },
        { "{kind: heatmap, x: a, value: b}", "figure test needs y: the other swept path" },
        { "{kind: heatmap, x: a, y: b, value: c, others: separate}", "others must be best or mean" },
        { "{kind: isoflop, budgets: [1e12, -1]}", "budgets must be 1 to 24 numbers of FLOP" },
        { "{kind: confusion, x: a}", "confusion has no option \"x\"; it takes kind, trial, checkpoint, split" },
        { "{kind: examples, count: 0}", "count must be a whole number of pictures, 1 to 1000" },
        { "{kind: filters, checkpoint: last}", "checkpoint must be one of best, final, init" },
        { "{kind: bars, x: a}", "figure test needs y" },
        { "{kind: curv, x: a, y: b}", "did you mean \"curve\"?" },
        { "{x: a, y: b}", "figure test needs a kind: curve, moving_average, loglog, frontier" },
        { "{kind: curve, x: a, y: b, gruop: c}", "curve has no option \"gruop\"; did you mean \"group\"?" },
        { "{kind: curve, x: a, y: b, window: 3}", "curve has no option \"window\"" },
        { "{kind: curve, y: b}", "figure test needs x" },
        { "{kind: loglog, x: b}", "figure test needs y" },
        { "{kind: curve, x: a, y: b, band: sx}", "band must be one of sd, se, minmax, quantiles, none" },
        { "{kind: curve, x: a, y: b, axes: [log]}", "axes must be one of linear, log-log, log-linear, linear-log" },
        { "{kind: frontier, compute: flop}", "compute must be one of flops, flops_matmul, flops_6nd, flops_report" },
        { "{kind: moving_average, y: b, window: 0}", "window must be a whole number of measurements" },
        { "{kind: moving_average, y: b, multiplier: 0}", "multiplier must not be 0" },
        { "{kind: curve, x: a, y: b, x_range: [2, 1]}", "x_range must be two numbers, the lower first" },
        { "{kind: loglog, x: a, y: b, y_range: [0, 1]}", "y_range must be above 0 on a logarithmic axis" },
        { "{kind: frontier, bootstrap: -1}", "bootstrap must be a whole number of resamples" },
        { "{kind: frontier, extend: 0.5}", "extend must be a factor of 1 to 1e6" },
        { "{kind: curve, x: a, y: b, lines: maybe}", "lines must be true or false" },
        { "[curve]", "figure test must be a mapping" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *messages = messages_of(cases[i].yaml);
        ck_assert_msg(strstr(messages, cases[i].words) != NULL, "%s\nlacks\n%s", messages, cases[i].words);
        ck_assert_msg(strstr(messages, "figure:1:") != NULL, "no place: %s", messages);
        free(messages);
    }
    /* All at once. */
    char *messages = messages_of("{kind: curve, band: x, axes: y, typo: 1}");
    size_t errors = 0;
    for (const char *at = messages; (at = strstr(at, ": error: ")); at++)
        errors++;
    ck_assert_uint_eq(errors, 5);
    free(messages);
}
END_TEST

/* ---- Curves ---- */

START_TEST(curve_by_group_with_bands)
{
    struct figure *figure = figure_of("{kind: curve, x: schedule.exponential.rate, y: validation.loss, "
                                      "group: model.hidden.width, axes: log-linear}", trials, NULL);
    ck_assert_str_eq(figure->x.title, "Learning rate");
    ck_assert_str_eq(figure->y.title, "Validation loss");
    ck_assert_str_eq(figure->y.unit, "nats");
    ck_assert(figure->x.logarithmic && !figure->y.logarithmic);
    ck_assert_str_eq(figure->legend_title, "Width");
    ck_assert_str_eq(figure->title, "A title");
    ck_assert_uint_eq(figure->series_count, 2);
    const struct figure_series *narrow = &figure->series[0], *wide = &figure->series[1];
    ck_assert_str_eq(narrow->label, "16"); /* by value, not as found */
    ck_assert_str_eq(wide->label, "64");
    ck_assert_str_eq(wide->direct, "width 64");
    ck_assert_uint_eq(wide->count, 2);
    NEAR(wide->x[0], 0.1);
    NEAR(wide->x[1], 0.3);
    NEAR(wide->y[0], 0.5);
    NEAR(wide->y[1], 0.3);
    NEAR(wide->low[0], 0.4); /* sd of 0.4, 0.5, 0.6 with n - 1 is 0.1 */
    NEAR(wide->high[0], 0.6);
    NEAR(wide->high[1], 0.3);
    ck_assert_ptr_null(narrow->low); /* no spread, no band */
    ck_assert_str_eq(figure->band, "mean ± sd of 3 seeds");
    ck_assert(narrow->shade < wide->shade); /* ordered: along the scale of colours */
    ck_assert(narrow->marker != wide->marker);
    ck_assert(figure->x.low < 0.1 && figure->x.high > 0.3);
    figure_free(figure);
}
END_TEST

START_TEST(other_bands)
{
    static const struct {
        const char *band;
        double low, middle, high;
    } cases[] = { { "se", 0.5 - 0.1 / 1.7320508075688772, 0.5, 0.5 + 0.1 / 1.7320508075688772 },
                  { "minmax", 0.4, 0.5, 0.6 },
                  { "quantiles", 0.45, 0.5, 0.55 } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char yaml[200];
        snprintf(yaml, sizeof yaml, "{kind: curve, x: schedule.exponential.rate, y: validation.loss, "
                                    "group: model.hidden.width, band: %s}", cases[i].band);
        struct figure *figure = figure_of(yaml, trials, NULL);
        const struct figure_series *wide = &figure->series[1];
        NEAR(wide->low[0], cases[i].low);
        NEAR(wide->y[0], cases[i].middle);
        NEAR(wide->high[0], cases[i].high);
        figure_free(figure);
    }
    struct figure *figure = figure_of("{kind: curve, x: schedule.exponential.rate, y: validation.loss, "
                                      "group: model.hidden.width, band: none}", trials, NULL);
    ck_assert_ptr_null(figure->series[1].low);
    ck_assert_ptr_null(figure->band);
    ck_assert_ptr_nonnull(strstr(figure->caption, "Mean of 3 seeds."));
    figure_free(figure);
}
END_TEST

/* What else was swept is not averaged over in silence. */
START_TEST(other_sweeps)
{
    struct figure *figure = figure_of("{kind: curve, x: params, y: validation.loss}", trials, NULL);
    ck_assert_uint_eq(figure->series_count, 2); /* a line each rate; width follows from params */
    ck_assert_str_eq(figure->series[0].label, "rate 0.1");
    ck_assert_uint_eq(figure->series[0].count, 2);
    figure_free(figure);
    figure = figure_of("{kind: curve, x: params, y: validation.loss, others: best}", trials, NULL);
    ck_assert_uint_eq(figure->series_count, 1);
    NEAR(figure->series[0].y[0], 0.7);
    NEAR(figure->series[0].y[1], 0.3);
    ck_assert_ptr_nonnull(strstr(figure->caption, "best learning rate"));
    figure_free(figure);
    figure = figure_of("{kind: curve, x: params, y: validation.loss, others: mean}", trials, NULL);
    ck_assert_uint_eq(figure->series_count, 1);
    NEAR(figure->series[0].y[1], 0.4);
    ck_assert_ptr_nonnull(strstr(figure->caption, "Averaged over learning rate too."));
    figure_free(figure);
}
END_TEST

START_TEST(diverged_trials)
{
    static const char csv[] =
        "trial,key,status,seed,schedule.exponential.rate,params,validation.loss,validation.accuracy\n"
        "1,a,done,0,0.1,10,0.4,0.9\n2,b,done,1,0.1,10,0.6,0.8\n3,c,done,2,0.1,10,0.5,0.7\n"
        "4,d,done,0,0.3,10,0.2,0.9\n5,e,done,1,0.3,10,0.3,0.8\n6,f,diverged,2,0.3,10,,\n"
        "7,g,diverged,0,1,10,,\n8,h,diverged,1,1,10,,\n9,i,diverged,2,1,10,,\n";
    struct figure *figure = figure_of("{kind: curve, x: schedule.exponential.rate, y: validation.loss}", csv, NULL);
    const struct figure_series *series = &figure->series[0];
    ck_assert_uint_eq(series->count, 2); /* no line to the rate at which all diverged */
    NEAR(series->y[0], 0.5);
    NEAR(series->y[1], 0.3); /* the median of 0.2, 0.3 and the worst */
    NEAR(series->low[1], 0.25);
    ck_assert_double_infinite(series->high[1]);
    ck_assert_str_eq(figure->band, "median and quartiles of 3 seeds");
    ck_assert_uint_eq(figure->mark_count, 2);
    NEAR(figure->marks[0].x, 0.3);
    ck_assert_uint_eq(figure->marks[0].diverged, 1);
    ck_assert_uint_eq(figure->marks[0].trials, 3);
    NEAR(figure->marks[1].x, 1);
    ck_assert_uint_eq(figure->marks[1].diverged, 3);
    ck_assert_int_eq(figure->marks[1].edge, EDGE_TOP);
    ck_assert(figure->x.high >= 1); /* marks are within the frame */
    ck_assert_ptr_nonnull(strstr(figure->caption, "4 of 9 trials diverged"));
    figure_free(figure);
    /* Of an accuracy the worst is the lowest. */
    figure = figure_of("{kind: curve, x: schedule.exponential.rate, y: validation.accuracy}", csv, NULL);
    NEAR(figure->series[0].y[1], 0.8);
    ck_assert_double_infinite(figure->series[0].low[1]);
    ck_assert_int_eq(figure->marks[0].edge, EDGE_BOTTOM);
    figure_free(figure);
}
END_TEST

START_TEST(curve_along_training)
{
    struct figure *figure = figure_of("{kind: curve, x: epoch, y: validation.loss, axes: log-log}", two, two_points);
    const struct figure_series *series = &figure->series[0];
    ck_assert_uint_eq(series->count, 3);
    NEAR(series->x[0], 1);
    NEAR(series->y[0], 1.1);
    NEAR(series->y[1], 0.8); /* median of 0.6, 0.8 and the one that diverged before */
    ck_assert_uint_eq(figure->mark_count, 1);
    NEAR(figure->marks[0].x, 1); /* where it was last seen */
    ck_assert_ptr_nonnull(strstr(figure->caption, "Step 0 is left out of the logarithmic axis."));
    figure_free(figure);
    /* Empty values, such as the training loss at step 0, are no points. */
    figure = figure_of("{kind: curve, x: step, y: [train.loss, validation.loss]}", two, two_points);
    ck_assert_uint_eq(figure->series_count, 2);
    ck_assert_str_eq(figure->y.title, "Loss");
    ck_assert_str_eq(figure->series[0].label, "training");
    ck_assert_str_eq(figure->series[1].label, "validation");
    ck_assert_uint_eq(figure->series[0].count, 3);
    ck_assert_uint_eq(figure->series[1].count, 4);
    figure_free(figure);
}
END_TEST

/* Seeds that were measured at other steps each have a line each. */
START_TEST(seeds_that_do_not_match)
{
    struct figure *figure = figure_of("{kind: curve, x: seconds, y: validation.loss}",
                                      "trial,key,status,seed,params\n1,a,done,0,100\n2,b,done,1,100\n",
                                      "trial,step,seconds,validation.loss\n1,10,1,2\n1,20,2,1\n2,11,1,3\n2,23,2,2\n");
    ck_assert_uint_eq(figure->series_count, 2);
    ck_assert_ptr_nonnull(strstr(figure->caption, "A line for each trial"));
    figure_free(figure);
}
END_TEST

START_TEST(categories)
{
    struct figure *figure = figure_of("{kind: curve, x: model.activation, y: validation.accuracy}",
                                      "trial,key,status,seed,model.activation,params,validation.accuracy\n"
                                      "1,a,done,0,tanh,9,0.8\n2,b,done,1,tanh,9,0.9\n3,c,done,0,relu,9,0.95\n", NULL);
    ck_assert_uint_eq(figure->x.value_count, 2);
    ck_assert_str_eq(figure->x.names[0], "tanh");
    ck_assert_str_eq(figure->x.names[1], "relu");
    ck_assert(!figure->series[0].line); /* nothing lies between tanh and relu */
    NEAR(figure->series[0].y[0], 0.85);
    ck_assert_str_eq(figure->band, "mean ± sd of 1–2 seeds");
    figure_free(figure);
}
END_TEST

/* ---- Moving averages ---- */

START_TEST(moving_average)
{
    struct figure *figure = figure_of("{kind: moving_average, x: step, y: validation.loss, window: 3}",
                                      "trial,key,status,seed,params\n1,a,done,0,9\n",
                                      "trial,step,validation.loss\n1,0,1\n1,10,4\n1,20,7\n1,30,1\n1,50,1\n");
    const struct figure_series *series = &figure->series[0];
    static const double x[] = { 10, 20, 35 }, y[] = { 4, 4, 3 };
    ck_assert_uint_eq(series->count, 3);
    for (size_t i = 0; i < 3; i++) {
        NEAR(series->x[i], x[i]);
        NEAR(series->y[i], y[i]);
    }
    figure_free(figure);
    /* Without x measurements are counted; start and multiplier give x its units. */
    figure = figure_of("{kind: moving_average, y: loss, window: 2, start: 100, multiplier: 10}",
                       "loss\n1\n3\n5\n", NULL);
    ck_assert_uint_eq(figure->series[0].count, 2);
    NEAR(figure->series[0].x[0], 105);
    NEAR(figure->series[0].x[1], 115);
    NEAR(figure->series[0].y[0], 2);
    NEAR(figure->series[0].y[1], 4);
    figure_free(figure);
    refused("{kind: moving_average, y: loss, window: 4}", "loss\n1\n3\n5\n", NULL,
            "the window of 4 measurements is longer than the longest series, which has 3");
}
END_TEST

/* A column of empty values before others, as the one of step 0, and averages over seeds. */
START_TEST(moving_average_of_seeds)
{
    struct figure *figure = figure_of("{kind: moving_average, x: epoch, y: train.loss, window: 2}", two, two_points);
    const struct figure_series *series = &figure->series[0];
    ck_assert_uint_eq(series->count, 2);
    NEAR(series->x[0], 1.5);
    NEAR(series->y[0], 1.4); /* 1.2 and 1.4 and the one that diverged */
    figure_free(figure);
}
END_TEST

/* ---- Straight lines ---- */

START_TEST(power_law)
{
    struct text csv = { 0 };
    text_add_string(&csv, "name,n,loss\n");
    for (int i = 0; i < 6; i++)
        text_format(&csv, "a,%g,%.17g\nb,%g,%.17g\n", pow(10, i), 3 * pow(pow(10, i), -0.34), pow(10, i),
                    2 * pow(pow(10, i), 0.5));
    struct figure *figure = figure_of("{kind: loglog, x: n, y: loss, group: name}", csv.data, NULL);
    ck_assert_uint_eq(figure->series_count, 4);
    ck_assert_str_eq(figure->series[0].label, "a: −0.34000 ± 0.00000");
    ck_assert_int_eq(figure->series[1].role, ROLE_FIT);
    NEAR(figure->series[1].y[0], 3);
    NEAR(figure->series[1].y[1], 3 * pow(1e5, -0.34));
    ck_assert_ptr_null(figure->series[1].label);
    ck_assert_str_eq(figure->series[3].label ? figure->series[3].label : "none", "none");
    ck_assert(figure->x.logarithmic && figure->y.logarithmic);
    ck_assert(!figure->series[0].line && figure->series[0].marker != MARKER_NONE);
    figure_free(figure);
    text_free(&csv);
    /* By hand: x = 0, 1, 2, 3 and y = 1, 2, 4, 4 give slope 1.1, residuals -0.1 -0.2 0.7 -0.4,
     * error sqrt(0.7 / 2 / 5). */
    static const double x[] = { 0, 1, 2, 3 }, y[] = { 1, 2, 4, 4 };
    double intercept, slope, error;
    ck_assert(build_straight_line(4, x, y, &intercept, &slope, &error));
    NEAR(slope, 1.1);
    NEAR(intercept, 1.1);
    NEAR(error, sqrt(0.7 / 2 / 5));
    ck_assert(build_straight_line(2, x, y, &intercept, &slope, &error));
    ck_assert_double_nan(error);
    static const double one[] = { 5, 5, 5 };
    ck_assert(!build_straight_line(3, one, y, &intercept, &slope, &error));
}
END_TEST

START_TEST(zeros_on_logarithmic_axes)
{
    struct figure *figure = figure_of("{kind: loglog, x: n, y: loss}", "n,loss\n0,5\n1,4\n2,0\n4,2\n8,-1\n", NULL);
    ck_assert_uint_eq(figure->series[0].count, 2);
    ck_assert_ptr_nonnull(strstr(figure->caption, "3 values of zero or below left out of logarithmic axes."));
    figure_free(figure);
    refused("{kind: loglog, x: n, y: loss}", "n,loss\n0,5\n-1,4\n", NULL, "logarithmic axes show only values above 0");
}
END_TEST

/* ---- The frontier ---- */

START_TEST(frontier)
{
    struct text csv = { 0 };
    text_add_string(&csv, "trial,step,flops,validation.loss\n");
    for (int trial = 1; trial <= 6; trial++)
        for (int step = 0; step <= 16; step++) {
            double size = 100 << (trial - 1) / 2, flops = step * size;
            double loss = 20 / size + 30 / (1 + flops / pow(size, 0.5)) + (trial % 2 ? 0.01 : -0.01);
            text_format(&csv, "%d,%d,%.17g,%.17g\n", trial, step, flops, loss);
        }
    struct figure *figure = figure_of("{kind: frontier}", sizes, csv.data);
    ck_assert_str_eq(figure->x.unit, "FLOP");
    ck_assert_str_eq(figure->legend_title, "Parameters");
    ck_assert_str_eq(figure->series[0].label, "100");
    ck_assert(figure->series[0].shade < figure->series[1].shade && figure->series[1].shade < figure->series[2].shade);
    double mean = 20. / 100 + 30 / (1 + 100 / 10.);
    NEAR(figure->series[0].y[0], mean); /* of the seeds, not their best */
    size_t checked = 0, ends = 0;
    double before = INFINITY;
    for (size_t i = 0; i < figure->series_count; i++) {
        const struct figure_series *envelope = &figure->series[i];
        if (envelope->role != ROLE_ENVELOPE && envelope->role != ROLE_ENVELOPE_END)
            continue;
        ends += envelope->role == ROLE_ENVELOPE_END;
        ck_assert(envelope->dashed == (envelope->role == ROLE_ENVELOPE_END));
        for (size_t k = 0; k < envelope->count; k++, checked++) {
            ck_assert(i < 4 || envelope->y[k] <= before + 1e-12 || k == 0);
            before = envelope->y[k];
            for (size_t m = 0; m < 3; m++) /* on or below each line at its measurements */
                for (size_t n = 0; n < figure->series[m].count; n++)
                    if (fabs(figure->series[m].x[n] - envelope->x[k]) < 1e-9)
                        ck_assert_double_le(envelope->y[k], figure->series[m].y[n] + 1e-9);
        }
    }
    ck_assert_uint_gt(checked, 300);
    ck_assert_uint_ge(ends, 1);
    ck_assert_ptr_nonnull(strstr(figure->caption, "Step 0 is left out"));
    ck_assert_ptr_nonnull(strstr(figure->caption, "Mean of 2 seeds."));
    figure_free(figure);
    text_free(&csv);
}
END_TEST

START_TEST(frontier_of_final_points)
{
    struct figure *figure = figure_of("{kind: frontier, y: best.validation.loss, compute: flops_6nd}",
                                      "trial,key,status,seed,params,flops_6nd,best.validation.loss\n"
                                      "1,a,done,0,100,10,3\n2,b,done,0,200,20,2\n3,c,done,0,400,40,2.5\n"
                                      "4,d,done,0,800,80,1\n", NULL);
    const struct figure_series *last = &figure->series[figure->series_count - 3]; /* before the law and its extension */
    static const double x[] = { 10, 20, 20, 80, 80 }, y[] = { 3, 3, 2, 2, 1 };
    ck_assert_int_eq(last->role, ROLE_ENVELOPE);
    ck_assert_uint_eq(last->count, 5);
    for (size_t i = 0; i < 5; i++) {
        NEAR(last->x[i], x[i]);
        NEAR(last->y[i], y[i]);
    }
    ck_assert(!figure->series[0].line);
    ck_assert_int_eq(last[-1].role, ROLE_ENVELOPE_END); /* the smallest and the largest, marked */
    ck_assert_uint_eq(last[-1].count, 2);
    figure_free(figure);
}
END_TEST

/* Trials of five sizes whose envelope is a power law: L = 2 C^-0.3 times a bump that is least where a size's turn is;
 * seed s of three is off by a factor of exp(0.02 (s - 1)). */
static char *power_points(const char *suffix, bool same_seeds)
{
    struct text csv = { 0 };
    text_format(&csv, "trial,step,%s,validation.loss\n", suffix);
    for (int trial = 1; trial <= 15; trial++)
        for (int step = 1; step <= 80; step++) {
            int size = (trial - 1) / 3, seed = (trial - 1) % 3;
            double c = pow(10, 2 + step / 10.), turn = log(c) - log(10) * (4 + size);
            double loss = 2 * pow(c, -0.3) * exp(0.02 * turn * turn + (same_seeds ? 0 : 0.02 * (seed - 1)));
            text_format(&csv, "%d,%d,%.17g,%.17g\n", trial, step, c, loss);
        }
    return text_take(&csv);
}

static const char five[] = "trial,key,status,seed,params\n"
                           "1,a,done,0,10\n2,b,done,1,10\n3,c,done,2,10\n4,d,done,0,20\n5,e,done,1,20\n6,f,done,2,20\n"
                           "7,g,done,0,40\n8,h,done,1,40\n9,i,done,2,40\n10,j,done,0,80\n11,k,done,1,80\n"
                           "12,l,done,2,80\n13,m,done,0,160\n14,n,done,1,160\n15,o,done,2,160\n";

static const struct figure_series *law_of(const struct figure *figure, bool dashed)
{
    for (size_t i = 0; i < figure->series_count; i++)
        if (figure->series[i].role == ROLE_LAW && figure->series[i].dashed == dashed)
            return &figure->series[i];
    return NULL;
}

START_TEST(law_of_the_frontier)
{
    static const char *const axes[] = { "log-log", "linear", "log-linear" };
    char *points = power_points("flops", false), *same = power_points("flops", true);
    for (size_t i = 0; i < 3; i++) {
        char yaml[200];
        snprintf(yaml, sizeof yaml, "{kind: frontier, extend: 4, axes: %s}", axes[i]);
        struct figure *figure = figure_of(yaml, five, points);
        ck_assert_uint_eq(figure->law_count, 1);
        const struct figure_law *law = &figure->laws[0];
        ck_assert_double_eq_tol(law->exponent, -0.3, i == 1 ? 0.03 : 0.003); /* the turns' last bit of the bump */
        ck_assert(law->low <= law->exponent && law->exponent <= law->high);
        /* Every size has the same seeds, which move all of it together: the exponent hardly moves, its height does. */
        ck_assert_double_lt(law->high - law->low, 0.01);
        const struct figure_series *line = law_of(figure, false), *beyond = law_of(figure, true);
        ck_assert(line && beyond && line->low);
        ck_assert_double_eq_tol(line->high[0] / line->low[0], exp(0.04), 0.01);
        /* Fitted between the turns of the sizes at the ends, extended beyond the last compute, 10^10. */
        ck_assert(i == 1 || (line->x[0] > 3e4 && line->x[line->count - 1] < 3e8));
        ck_assert_double_eq_tol(beyond->x[beyond->count - 1] / 4e10, 1, 1e-6);
        ck_assert(figure->x.high >= 4e10);
        ck_assert_ptr_nonnull(strstr(line->label, "power law: exponent −0.3"));
        ck_assert_ptr_nonnull(strstr(figure->caption, "95 % of 200 resamples of the 3 seeds"));
        struct figure *again = figure_of(yaml, five, points);
        ck_assert_double_eq(law->low, again->laws[0].low); /* the resamples are seeded */
        figure_free(again);
        figure_free(figure);
    }
    struct figure *figure = figure_of("{kind: frontier, fit: false}", five, points);
    ck_assert_ptr_null(law_of(figure, false));
    figure_free(figure);
    figure = figure_of("{kind: frontier, bootstrap: 0, extend: 1}", five, points);
    ck_assert(law_of(figure, false) && !law_of(figure, false)->low && !law_of(figure, true));
    ck_assert_double_nan(figure->laws[0].low);
    figure_free(figure);
    figure = figure_of("{kind: frontier}", five, same); /* seeds that agree: an interval of no width */
    ck_assert_double_eq_tol(figure->laws[0].high, figure->laws[0].low, 1e-9);
    figure_free(figure);
    free(points);
    points = power_points("flops_report", false);
    figure = figure_of("{kind: frontier, compute: flops_report}", five, points);
    ck_assert_double_eq_tol(figure->laws[0].exponent, -0.3, 0.003);
    ck_assert_ptr_nonnull(strstr(figure->x.title, "as the report counts"));
    figure_free(figure);
    free(points);
    free(same);
}
END_TEST

/* ---- Isoflop, tables of colours, bars, points, panels ---- */

/* L = 1 + (ln N - ln N*)^2 / 10, with N* = C^0.5, exactly a parabola. */
START_TEST(isoflop)
{
    struct text csv = { 0 };
    text_add_string(&csv, "trial,key,status,seed,train.flops,params,validation.loss\n");
    int trial = 0;
    for (int budget = 4; budget <= 8; budget += 2)
        for (int size = 0; size < 5; size++)
            for (int seed = 0; seed < 2; seed++) {
                double n = pow(10, 1 + size), u = log(n) - 0.5 * budget * log(10);
                text_format(&csv, "%d,k%d,done,%d,%g,%g,%.17g\n", trial + 1, trial, seed, pow(10, budget), n,
                            1 + u * u / 10 + (seed ? 0.1 : -0.1));
                trial++;
            }
    struct figure *figure = figure_of("{kind: isoflop}", csv.data, NULL);
    ck_assert_uint_eq(figure->series_count, 7); /* points and a parabola each, and the best */
    ck_assert_str_eq(figure->series[0].label, "10⁴");
    ck_assert_str_eq(figure->x.title, "Parameters");
    ck_assert_str_eq(figure->y.title, "Validation loss");
    const struct figure_series *best = &figure->series[6];
    ck_assert_uint_eq(best->count, 3);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_double_eq_tol(best->x[i] / pow(10, 2 + (double)i), 1, 1e-6);
        NEAR(best->y[i], 1);
    }
    ck_assert_uint_eq(figure->law_count, 4);
    NEAR(figure->laws[3].exponent, 0.5);
    ck_assert_str_eq(figure->laws[3].formula, "best params = a train.flops^b");
    figure_free(figure);
    text_free(&csv);
    /* The best outside of what was tried is not claimed. */
    figure = figure_of("{kind: isoflop, y: validation.loss}",
                       "trial,key,status,seed,train.flops,params,validation.loss\n1,a,done,0,1000,1,3\n"
                       "2,b,done,0,1000,10,2\n3,c,done,0,1000,100,1.5\n4,d,done,0,5000,1,3\n5,e,done,0,5000,10,2\n"
                       "6,f,done,0,5000,100,3\n", NULL);
    ck_assert_ptr_nonnull(strstr(figure->caption, "1 of 2 budgets has no best size within those tried."));
    figure_free(figure);
    refused("{kind: isoflop}", two, two_points, "no compute was spent by three sizes or more");
}
END_TEST

/* At a budget along training the loss is read between measurements. */
START_TEST(isoflop_along_training)
{
    struct text csv = { 0 };
    text_add_string(&csv, "trial,step,flops,validation.loss\n");
    for (int trial = 1; trial <= 6; trial++)
        for (int step = 0; step <= 10; step++)
            text_format(&csv, "%d,%d,%g,%.17g\n", trial, step, step ? pow(2, step) : 0.,
                        10 - step + ((trial - 1) / 2 == 1 ? 0 : 0.5));
    struct figure *figure = figure_of("{kind: isoflop, budgets: [24, 64]}", sizes, csv.data);
    ck_assert_uint_eq(figure->series[0].count, 3);
    NEAR(figure->series[0].y[1], 10 - log2(24)); /* linear in log compute */
    NEAR(figure->series[2].y[0], 4.5);
    ck_assert_double_eq_tol(figure->series[4].x[0], 200, 1e-6);
    figure_free(figure);
    text_free(&csv);
    static const double x[] = { 1000, 1001, 1002, 1003 }, y[] = { 4, 1, 0, 1 };
    double fit[3];
    ck_assert(build_parabola(4, x, y, fit));
    ck_assert_double_eq_tol(-fit[1] / (2 * fit[2]), 1002, 1e-6);
    ck_assert(!build_parabola(2, x, y, fit));
}
END_TEST

START_TEST(heatmap)
{
    struct figure *figure = figure_of("{kind: heatmap, x: schedule.exponential.rate, y: model.hidden.width, "
                                      "value: validation.loss}", grid, NULL);
    ck_assert_uint_eq(figure->cell_count, 4);
    ck_assert_str_eq(figure->x.names[0], "0.1");
    ck_assert_str_eq(figure->y.names[1], "16");
    ck_assert_str_eq(figure->scale.title, "Validation loss");
    ck_assert_str_eq(figure->scale.unit, "nats");
    const struct figure_cell *cells = figure->cells;
    NEAR(cells[0].value, 3);
    ck_assert_str_eq(cells[0].text, "3.00");
    ck_assert_double_nan(cells[1].value); /* the median of 1 and a diverged seed */
    ck_assert(cells[1].diverged == 1 && cells[1].trials == 2);
    ck_assert(cells[3].diverged == 2 && cells[3].trials == 2);
    ck_assert_uint_eq(figure->mark_count, 0);
    ck_assert_ptr_nonnull(strstr(figure->caption, "A cross: every seed diverged"));
    figure_free(figure);
    refused("{kind: heatmap, x: seed, y: params, value: loss}", grid, NULL, "no column \"loss\"");
}
END_TEST

START_TEST(bars)
{
    struct figure *figure = figure_of("{kind: bars, x: model.hidden.width, y: validation.loss, "
                                      "group: schedule.exponential.rate}", grid, NULL);
    ck_assert_uint_eq(figure->cell_count, 2); /* medians of diverged seeds are not there */
    NEAR(figure->cells[0].y0, 0);
    NEAR(figure->cells[0].y1, 3);
    NEAR(figure->cells[1].y1, 0.6);
    ck_assert(figure->y.low <= 0);
    ck_assert_uint_gt(figure->mark_count, 0);
    ck_assert_str_eq(figure->series[0].label, "0.1");
    figure_free(figure);
    figure = figure_of("{kind: bars, x: name, y: loss}", "name,loss\nb,1\nb,3\na,2\n", NULL);
    ck_assert_str_eq(figure->x.names[0], "b"); /* as found */
    ck_assert_uint_eq(figure->cell_count, 2);
    ck_assert(figure->series[0].low != NULL);
    ck_assert_str_eq(figure->band, "mean ± sd of 1–2 rows");
    figure_free(figure);
}
END_TEST

START_TEST(scatter)
{
    struct figure *figure = figure_of("{kind: scatter, x: params, y: validation.loss, group: model.hidden.width}",
                                      trials, NULL);
    ck_assert_uint_eq(figure->series_count, 2);
    ck_assert_uint_eq(figure->series[1].count, 6); /* each trial for itself */
    ck_assert(!figure->series[0].line && !figure->series[0].low && !figure->band);
    ck_assert(!figure->caption || !strstr(figure->caption, "Averaged"));
    figure_free(figure);
}
END_TEST

START_TEST(small_multiples)
{
    struct figure *figure = figure_of("{kind: curve, x: schedule.exponential.rate, y: validation.loss, "
                                      "multiples: model.hidden.width}", trials, NULL);
    ck_assert_uint_eq(figure->panel_count, 2);
    ck_assert_str_eq(figure->panels[0]->panel_title, "width 16");
    ck_assert_uint_eq(figure->panels[0]->series_count, 1);
    NEAR(figure->panels[0]->series[0].y[0], 0.8);
    NEAR(figure->panels[1]->series[0].y[0], 0.5);
    ck_assert_double_eq(figure->panels[0]->y.low, figure->panels[1]->y.low); /* equal axes */
    ck_assert_double_eq(figure->panels[0]->y.high, figure->y.high);
    figure_free(figure);
    /* A panel without data says so; the others are drawn. */
    figure = figure_of("{kind: heatmap, x: schedule.exponential.rate, y: seed, value: validation.loss, "
                       "multiples: model.hidden.width}", grid, NULL);
    ck_assert_uint_eq(figure->panel_count, 2);
    figure_free(figure);
    figure = figure_of("{kind: loglog, x: params, y: validation.loss, multiples: status}", grid, NULL);
    ck_assert_str_eq(figure->panels[1]->panel_title, "status diverged");
    ck_assert_ptr_nonnull(strstr(figure->panels[1]->missing, "diverged"));
    figure_free(figure);
    refused("{kind: curve, x: params, y: validation.loss, multiples: nothing}", trials, NULL,
            "multiples: the table of trials has no column \"nothing\"");
}
END_TEST

/* ---- Histograms ---- */

START_TEST(histogram_bins)
{
    static const float values[] = { -1, -0.5f, 0, 0.25f, 0.25f, 1, NAN, INFINITY };
    double out[HISTOGRAM_VALUES], sum = 0;
    histogram_of(values, 8, out);
    NEAR(out[0], -4); /* 64 bins of 2^-5 from -1 would end before 1 */
    for (size_t i = 2; i < HISTOGRAM_VALUES; i++)
        sum += out[i];
    NEAR(sum, 6); /* finite ones */
    ck_assert_double_le(ldexp(out[1], (int)out[0]), -1);
    NEAR(out[2], 1);
    static const float equal[] = { 3, 3, 3 };
    histogram_of(equal, 3, out);
    NEAR(out[2], 3);
    ck_assert(ldexp(out[1], (int)out[0]) <= 3 && ldexp(out[1] + 1, (int)out[0]) > 3);
    static const float extremes[] = { -3.4e38f, 3.4e38f, 1e-45f };
    histogram_of(extremes, 3, out);
    ck_assert_double_ge(out[0], 120);
    histogram_of(values, 0, out);
    ck_assert_double_nan(out[0]);
}
END_TEST

START_TEST(histogram)
{
    static const char bins[] = "trial,step,epoch,layer,of,bins\n"
                               "1,0,0,0,weights,\"[0,-1,1,3]\"\n1,9,1,0,weights,\"[0,0,4]\"\n"
                               "2,0,0,0,weights,\"[1,-1,2,2]\"\n1,0,0,1,weights,\"[0,0,1,1]\"\n"
                               "1,0,0,0,gradients,\"[0,0,1]\"\n3,0,0,0,weights,\"[0,50,1]\"\n"
                               "1,5,0,0,weights,\"[nonsense\"\n1,6,0,0,weights,\"[1e9,0,1]\"\n"
                               "1,7,0,0,weights,\"[0,0,-1]\"\n";
    static const char few[] = "trial,key,status,seed,model.hidden.width,params,validation.loss\n"
                              "1,a,done,0,8,100,1\n2,b,done,1,8,100,2\n3,c,done,0,16,200,3\n";
    struct figure_spec *spec = spec_of("{kind: histogram}");
    struct frame *trial_frame = table(few), *bin_frame = table(bins);
    struct figure_results results = { .trials = trial_frame, .histograms = bin_frame };
    struct iso_error err = ERROR_NONE;
    struct figure *figure = figure_build(spec, &results, &err);
    ck_assert_msg(figure != NULL, "%s", err.text);
    ck_assert_uint_eq(figure->panel_count, 2); /* layers */
    const struct figure *panel = figure->panels[0];
    ck_assert_uint_eq(panel->series_count, 2); /* damaged ones are left out */
    /* Two seeds at step 0: {-1: 1, 0: 3} of width 1 and {-2: 2, 0: 2} of width 2 are {-2: 3, 0: 5} of width 2. */
    const struct figure_series *first = &panel->series[0];
    NEAR(first->x[0], -2);
    NEAR(first->y[1], 3. / 8 / 2);
    NEAR(first->y[3], 5. / 8 / 2);
    NEAR(first->x[first->count - 1], 2);
    ck_assert_str_eq(panel->series[1].label, "9");
    ck_assert_ptr_nonnull(strstr(figure->caption, "over all seeds of that setting"));
    figure_free(figure);
    figure_spec_free(spec);
    spec = spec_of("{kind: histogram, of: activations}");
    ck_assert_ptr_null(figure_build(spec, &results, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "measure: {also: [histograms]}"));
    figure_spec_free(spec);
    frame_free(trial_frame);
    frame_free(bin_frame);
}
END_TEST

/* ---- In words ---- */

START_TEST(nothing_to_draw)
{
    refused("{kind: curve, x: rate, y: loss}", "trial,key,status,seed,rate,params,loss\n1,a,diverged,0,1,9,\n", NULL,
            "diverged");
    refused("{kind: curve, x: rate, y: loss}", "trial,key,status,seed,rate,params,loss\n1,a,pending,0,1,9,\n", NULL,
            "no trial has finished (1 to go, 0 failed)");
    refused("{kind: curve, x: rate, y: los}", "rate,loss\n1,2\n2,3\n", NULL, "did you mean \"loss\"?");
    refused("{kind: curve, x: rate, y: loss}", "rate,loss\n1,2\n", NULL, "but one point");
    refused("{kind: curve, x: rate, y: loss}", "rate,loss\n", NULL, "");
    refused("{kind: curve, x: rate, y: loss}", "rate,loss\n1,1e308\n2,-1e308\n", NULL, "beyond 1e300");
    refused("{kind: curve, x: rate, y: loss}", "rate,loss\n1,high\n2,low\n", NULL, "holds texts, not numbers");
    refused("{kind: frontier, size: name}", "name,flops,validation.loss\na,1,2\nb,2,1\n", NULL, "holds texts");
    refused("{kind: curve, x: epoch, y: best.validation.loss}",
            "trial,key,status,seed,params,best.validation.loss\n1,a,done,0,9,1\n", "trial,step,epoch\n1,1,1\n",
            "epoch");
}
END_TEST

/* ---- Ticks and words on axes ---- */

static void ticks_are(struct figure_axis axis, double room, const char *wanted)
{
    struct arena *arena = arena_new();
    struct ticks ticks;
    struct text text = { 0 };
    ck_assert(ticks_of(arena, &axis, room, &ticks));
    for (size_t i = 0; i < ticks.count; i++)
        if (ticks.tick[i].label)
            text_format(&text, "%s%s", text.length ? " " : "", ticks.tick[i].label);
    if (ticks.power)
        text_format(&text, " power %d", ticks.power);
    ck_assert_str_eq(text.data, wanted);
    text_free(&text);
    arena_free(arena);
}

START_TEST(ticks)
{
    ticks_are((struct figure_axis){ .low = 0, .high = 10 }, 6, "0 2 4 6 8 10");
    ticks_are((struct figure_axis){ .low = -0.31, .high = 0.3 }, 5, "−0.2 0.0 0.2");
    ticks_are((struct figure_axis){ .low = 0, .high = 1.1e14 }, 6, "0.0 0.2 0.4 0.6 0.8 1.0 power 14");
    ticks_are((struct figure_axis){ .low = 0.912, .high = 0.958 }, 5, "0.92 0.93 0.94 0.95");
    ticks_are((struct figure_axis){ .low = 0.8e-3, .high = 1.2, .logarithmic = true }, 8, "10⁻³ 10⁻² 10⁻¹ 10⁰");
    ticks_are((struct figure_axis){ .low = 1e-10, .high = 1e10, .logarithmic = true }, 5, "10⁻⁸ 10⁻⁴ 10⁰ 10⁴ 10⁸");
    ticks_are((struct figure_axis){ .low = 0.04, .high = 0.6, .logarithmic = true }, 8, "0.05 0.1 0.2 0.3 0.5");
    ticks_are((struct figure_axis){ .low = 1.5e5, .high = 1.2e6, .logarithmic = true }, 6, "2×10⁵ 3×10⁵ 5×10⁵ 10⁶");
    ticks_are((struct figure_axis){ .low = 0.21, .high = 0.29, .logarithmic = true }, 5, "0.22 0.24 0.26 0.28");
    static const double widths[] = { 16, 64, 1024 };
    ticks_are((struct figure_axis){ .low = 12, .high = 1400, .logarithmic = true, .value_count = 3, .values = widths },
              8, "16 64 1024");
}
END_TEST

START_TEST(values_in_words)
{
    static const struct {
        double value;
        bool count;
        const char *text;
    } cases[] = { { 64, false, "64" },           { 1024, true, "1024" },    { 50890, true, "50.9k" },
                  { 1234567, true, "1.23M" },    { 2e9, true, "2B" },       { 0.1, false, "0.1" },
                  { 0.0316, false, "0.0316" },   { 1e-5, false, "10⁻⁵" },   { 3e-5, false, "3×10⁻⁵" },
                  { -2, false, "−2" },           { 6.02e23, true, "6.02×10²³" }, { 60000, true, "60k" },
                  { 0, false, "0" },             { 99999, false, "99999" } };
    struct arena *arena = arena_new();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_str_eq(quantity_text(arena, cases[i].value, cases[i].count, 3), cases[i].text);
    static const struct {
        const char *column, *title, *unit;
    } columns[] = { { "validation.loss", "Validation loss", "nats" },
                    { "best.test.accuracy", "Best test accuracy", NULL },
                    { "validation.cross_entropy", "Validation cross-entropy", "nats" },
                    { "flops_6nd", "Training compute, 6ND", "FLOP" },
                    { "schedule.exponential.rate", "Learning rate", NULL },
                    { "schedule.exponential.decay", "Decay", NULL },
                    { "layers.2.gradient_norm", "Gradient norm, layer 2", NULL },
                    { "model.hidden.1", "Width of hidden layer 1", NULL },
                    { "dataset.mnist.classes.0", "Classes 0", NULL },
                    { "my_column", "My column", NULL } };
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        struct quantity quantity;
        ck_assert(quantity_of(arena, columns[i].column, "nats", &quantity));
        ck_assert_str_eq(quantity.title, columns[i].title);
        ck_assert_str_eq(quantity.unit ? quantity.unit : "", columns[i].unit ? columns[i].unit : "");
    }
    arena_free(arena);
}
END_TEST

START_TEST(quantiles)
{
    static const double sorted[] = { 1, 2, 4, 8 };
    NEAR(gather_quantile(sorted, 4, 0, 0, 0.5), 3);
    NEAR(gather_quantile(sorted, 4, 0, 0, 0.25), 1.75);
    NEAR(gather_quantile(sorted, 4, 0, 1, 0.5), 4);
    NEAR(gather_quantile(sorted, 4, 1, 0, 0.5), 2);
    ck_assert_double_infinite(gather_quantile(sorted, 1, 0, 1, 0.5));
    ck_assert_double_nan(gather_quantile(sorted, 0, 0, 0, 0.5));
}
END_TEST

START_TEST(default_figures)
{
    struct frame *trial_frame = table(sizes), *point_frame = table("trial,step,epoch,flops,train.loss\n1,1,1,1,2\n");
    struct figure_results results = { .trials = trial_frame, .points = point_frame };
    struct iso_error err = ERROR_NONE;
    size_t count;
    struct figure_spec **specs = figure_defaults(&results, &count, &err);
    ck_assert_uint_eq(count, 2);
    ck_assert_str_eq(figure_spec_name(specs[0]), "loss");
    ck_assert_str_eq(specs[0]->y[0], "train.loss");
    ck_assert_str_eq(specs[0]->group, "model.hidden.width");
    ck_assert_str_eq(figure_spec_name(specs[1]), "frontier");
    for (size_t i = 0; i < count; i++)
        figure_spec_free(specs[i]);
    free(specs);
    frame_free(trial_frame);
    frame_free(point_frame);
}
END_TEST

int main(void)
{
    const struct named_test tests[] = {
        { "mistakes", mistakes_are_named },
        { "curve", curve_by_group_with_bands },
        { "bands", other_bands },
        { "others", other_sweeps },
        { "diverged", diverged_trials },
        { "along", curve_along_training },
        { "seeds", seeds_that_do_not_match },
        { "categories", categories },
        { "moving average", moving_average },
        { "moving average of seeds", moving_average_of_seeds },
        { "power law", power_law },
        { "zeros", zeros_on_logarithmic_axes },
        { "frontier", frontier },
        { "histogram bins", histogram_bins },
        { "histogram", histogram },
        { "isoflop", isoflop },
        { "isoflop along training", isoflop_along_training },
        { "heatmap", heatmap },
        { "bars", bars },
        { "scatter", scatter },
        { "small multiples", small_multiples },
        { "law of the frontier", law_of_the_frontier },
        { "frontier of final points", frontier_of_final_points },
        { "nothing", nothing_to_draw },
        { "ticks", ticks },
        { "values", values_in_words },
        { "quantiles", quantiles },
        { "defaults", default_figures },
    };
    return run_tests("figure", tests, sizeof tests / sizeof *tests);
}
