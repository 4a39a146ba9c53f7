/* Figures: what they show, by value. */
#include "figure/build.h"
#include "figure/gather.h"
#include "figure/ticks.h"
#include "figure_tools.h"

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
        { "{kind: frontier, floor: fre}", "floor must be one of zero, free, not the text \"fre\"; did you mean \"free\"" },
        { "{kind: loglog, x: a, y: b, floor: free}", "loglog has no option \"floor\"" },
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
    /* Settings drawn at random: hardly two lines share an x, and the best is taken where some do. */
    figure = figure_of("{kind: loglog, x: params, y: validation.loss, others: best, fit: false}",
                       "trial,key,status,seed,model.hidden.width,schedule.constant.rate,params,validation.loss\n"
                       "1,a,done,0,16,0.1,200,0.7\n2,b,done,0,8,0.3,100,0.9\n3,c,done,0,32,0.2,400,0.5\n"
                       "4,d,done,0,16,0.5,200,0.6\n5,e,diverged,0,64,0.9,800,\n", NULL);
    ck_assert_uint_eq(figure->series_count, 1);
    ck_assert_uint_eq(figure->series[0].count, 3);
    static const double x[] = { 100, 200, 400 }, y[] = { 0.9, 0.6, 0.5 };
    for (size_t i = 0; i < 3; i++) {
        NEAR(figure->series[0].x[i], x[i]);
        NEAR(figure->series[0].y[i], y[i]);
    }
    ck_assert_uint_eq(figure->mark_count, 1); /* where nothing else was tried */
    NEAR(figure->marks[0].x, 800);
    figure_free(figure);
    /* Along training the marks of the line that is kept stay, those of others go. */
    static const char ends[] = "trial,key,status,seed,schedule.constant.rate,params\n1,a,diverged,0,1,9\n"
                               "2,b,diverged,1,1,9\n3,c,done,0,0.1,9\n4,d,diverged,1,0.1,9\n5,e,done,2,0.1,9\n";
    static const char points[] = "trial,step,epoch,validation.loss\n1,0,0,2\n1,1,1,3\n2,0,0,2\n3,0,0,2\n3,1,1,1\n"
                                 "3,2,2,0.5\n4,0,0,2\n4,1,1,1.2\n5,0,0,2\n5,1,1,1\n5,2,2,0.7\n";
    figure = figure_of("{kind: curve, x: epoch, y: validation.loss, others: best}", ends, points);
    ck_assert_uint_eq(figure->series_count, 1);
    NEAR(figure->series[0].y[2], 0.7); /* the median of 0.5, 0.7 and the one that diverged */
    ck_assert_uint_eq(figure->mark_count, 1);
    NEAR(figure->marks[0].x, 1);
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

START_TEST(values_of_recipes)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        { "", "none" }, { "tanh", "tanh" }, { "[]", "none" }, { "[500,150]", "500, 150" },
        { "[\"relu\",\"tanh\"]", "relu, tanh" }, { "{\"leaky_relu\":{\"slope\":0.02}}", "leaky_relu (slope 0.02)" },
        { "{\"mnist\":{\"train_size\":100,\"normalise\":\"none\"}}", "mnist (train_size 100, normalise none)" },
        { "[\"gelu\",{\"leaky_relu\":{\"slope\":0.02}}]", "gelu, leaky_relu (slope 0.02)" },
        { "{\"patience\":3}", "patience 3" }, { "{\"native\":{}}", "native" }, { "[no list", "[no list" },
    };
    struct arena *arena = arena_new();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_str_eq(build_tidy(arena, cases[i].text), cases[i].words);
    arena_free(arena);
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
    figure = figure_of("{kind: curve, x: model.activation, y: loss}",
                       "trial,key,status,seed,model.activation,params,loss\n"
                       "1,a,done,0,\"{\"\"celu\"\":{\"\"alpha\"\":2}}\",9,0.8\n2,b,done,0,relu,9,0.9\n", NULL);
    ck_assert_str_eq(figure->x.names[0], "celu (alpha 2)");
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
    ck_assert_str_eq(figure->series[0].label, "a: −0.340 ± 0.000");
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
    ticks_are((struct figure_axis){ .low = 1e-10, .high = 1e10, .logarithmic = true }, 5, "10⁻¹⁰ 10⁻⁵ 10⁰ 10⁵ 10¹⁰");
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
        { "values of recipes", values_of_recipes },
        { "categories", categories },
        { "moving average", moving_average },
        { "moving average of seeds", moving_average_of_seeds },
        { "power law", power_law },
        { "zeros", zeros_on_logarithmic_axes },
        { "nothing", nothing_to_draw },
        { "ticks", ticks },
        { "values", values_in_words },
        { "quantiles", quantiles },
        { "defaults", default_figures },
    };
    return run_tests("figure", tests, sizeof tests / sizeof *tests);
}
