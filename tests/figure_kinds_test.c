/* Figures of sweeps: frontiers, isoflop profiles, tables, panels, histograms; what they show, by value. */
#include "figure/build.h"
#include "figure/power_law.h"
#include "figure_tools.h"
#include "train/histogram.h"

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

/* Losses that rise far above where they begin don't press the rest together; a diverged trial's rise neither. */
START_TEST(transients)
{
    static const char ends[] = "trial,key,status,seed,model.hidden.width,params\n"
                               "1,a,done,0,8,100\n2,b,done,0,16,200\n3,c,done,0,32,400\n4,d,diverged,0,64,800\n";
    static const char points[] = "trial,step,epoch,flops,validation.loss\n"
                                 "1,0,0,0,2.3\n1,1,1,10,2.2\n1,2,2,20,1.5\n2,0,0,0,2.4\n2,1,1,20,90\n2,2,2,40,1.2\n"
                                 "3,0,0,0,2.3\n3,1,1,40,2.1\n3,2,2,80,1.1\n4,0,0,0,2.5\n4,1,1,80,1e30\n";
    struct figure *figure = figure_of("{kind: frontier}", ends, points);
    ck_assert(figure->y.high > 2.2 && figure->y.high < 3);
    ck_assert_ptr_nonnull(strstr(figure->caption, "Losses above 2.2 are cut off."));
    figure_free(figure);
    figure = figure_of("{kind: frontier, y_range: [1, 100]}", ends, points);
    NEAR(figure->y.high, 100);
    ck_assert_ptr_null(strstr(figure->caption, "cut off"));
    figure_free(figure);
    figure = figure_of("{kind: curve, x: epoch, y: validation.loss, group: model.hidden.width}", ends, points);
    ck_assert(figure->y.high > 90 && figure->y.high < 100);
    ck_assert(figure->series[3].lost && !figure->series[2].lost);
    figure_free(figure);
    figure = figure_of("{kind: curve, x: epoch, y: validation.loss, multiples: model.hidden.width}", ends, points);
    ck_assert(figure->y.high > 90 && figure->y.high < 100); /* the panel of the diverged one has the others' range */
    ck_assert(figure->panels[3]->all_lost);
    figure_free(figure);
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

/* Trials measured at step 0 and at their ends: the same envelope, on either kind of axes. */
START_TEST(frontier_of_ends_alone)
{
    static const char *const kinds[] = { "{kind: frontier}", "{kind: frontier, axes: linear}" };
    static const double x[] = { 10, 20, 20, 80, 80 }, y[] = { 3, 3, 2, 2, 1 };
    for (size_t kind = 0; kind < 2; kind++) {
        struct figure *figure = figure_of(kinds[kind],
                                          "trial,key,status,seed,params\n1,a,done,0,100\n2,b,done,0,200\n3,c,done,0,400\n"
                                          "4,d,done,0,800\n",
                                          "trial,step,flops,validation.loss\n1,0,0,4\n1,5,10,3\n2,0,0,5\n2,5,20,2\n"
                                          "3,0,0,6\n3,5,40,2.5\n4,0,0,7\n4,5,80,1\n");
        const struct figure_series *envelope = figure->series;
        while (envelope < figure->series + figure->series_count && envelope->role != ROLE_ENVELOPE)
            envelope++;
        ck_assert(envelope < figure->series + figure->series_count);
        ck_assert_uint_eq(envelope->count, 5);
        for (size_t i = 0; i < 5; i++) {
            NEAR(envelope->x[i], x[i]);
            NEAR(envelope->y[i], y[i]);
        }
        ck_assert(!figure->series[0].line);
        ck_assert_uint_eq(figure->series[0].count, 1);
        figure_free(figure);
    }
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

/* Points scattered about E + a x^b; what SciPy's least_squares, from 60 starts, finds in them. */
START_TEST(power_law_with_floor)
{
    static const struct {
        double floor, factor, exponent, scatter;
        bool weighted;
        double found_floor, found_intercept, found_slope, squares;
    } cases[] = {
        { 0.05, 300, -0.4, 0.02, false, 0.049747604, 5.7920277, -0.40333615, 0.005816463267 },
        { 0, 50, -0.3, 0.03, false, 0.00017817041, 4.0223102, -0.30482559, 0.01315676852 },
        { 0.2, 1e4, -0.5, 0.05, true, 0.1932954, 8.7135881, -0.47429756, 0.002138563806 },
        { 0.3, 1e-4, 0.35, 0.02, false, 0.30759466, -9.2809609, 0.35214777, 0.005800167749 },
    };
    double x[40], y[40], weight[40], squares = 0;
    struct power_law law;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        for (int i = 0; i < 40; i++) {
            x[i] = log(10) * (9 + 4. * i / 39);
            y[i] = log(cases[c].floor + cases[c].factor * exp(cases[c].exponent * x[i])) +
                   cases[c].scatter * sin(37. * i + i * i);
            weight[i] = cases[c].weighted ? 1. / (1 + i) : 1;
        }
        ck_assert(power_law_fit_floor(40, x, y, weight, &law));
        ck_assert_double_eq_tol(law.floor, cases[c].found_floor, 1e-7);
        ck_assert_double_eq_tol(law.intercept, cases[c].found_intercept, 1e-6);
        ck_assert_double_eq_tol(law.slope, cases[c].found_slope, 1e-7);
        squares = 0;
        for (int i = 0; i < 40; i++)
            squares += weight[i] * pow(y[i] - power_law_at(&law, x[i]), 2);
        ck_assert_double_eq_tol(squares, cases[c].squares, 1e-9);
    }
    /* Of points on a line in logarithms, and of ones that bend the other way, the best floor is none. */
    for (int bend = 0; bend < 2; bend++) {
        for (int i = 0; i < 40; i++) {
            y[i] = 3 - 0.3 * x[i] - bend * 0.01 * x[i] * x[i];
            weight[i] = 1;
        }
        struct power_law plain;
        ck_assert(power_law_fit_floor(40, x, y, weight, &law) && power_law_fit(40, x, y, weight, &plain));
        ck_assert_double_lt(law.floor, 1e-6 * exp(y[39]));
        ck_assert_double_eq_tol(law.slope, plain.slope, 1e-5);
    }
    ck_assert(!power_law_fit_floor(3, x, y, weight, &law));
    for (int i = 0; i < 40; i++)
        x[i] = 1;
    ck_assert(!power_law_fit_floor(40, x, y, weight, &law) && !power_law_fit(40, x, y, weight, &law));
}
END_TEST

/* The points of power_points, with a floor of 0.01 added to their loss, which falls to 0.0035 without. */
START_TEST(frontier_with_floor)
{
    struct text csv = { 0 };
    text_add_string(&csv, "trial,step,flops,validation.loss\n");
    for (int trial = 1; trial <= 15; trial++)
        for (int step = 1; step <= 80; step++) {
            int size = (trial - 1) / 3, seed = (trial - 1) % 3;
            double c = pow(10, 2 + step / 10.), turn = log(c) - log(10) * (4 + size);
            double loss = 0.01 + 2 * pow(c, -0.3) * exp(0.02 * turn * turn + 0.02 * (seed - 1));
            text_format(&csv, "%d,%d,%.17g,%.17g\n", trial, step, c, loss);
        }
    struct figure *figure = figure_of("{kind: frontier, floor: free, extend: 100}", five, csv.data);
    ck_assert_uint_eq(figure->law_count, 2);
    const struct figure_law *plain = &figure->laws[0], *floored = &figure->laws[1];
    ck_assert_str_eq(plain->of, "E = 0");
    ck_assert_str_eq(floored->of, "E free");
    ck_assert_str_eq(plain->formula, "validation.loss = a flops^b, the envelope");
    ck_assert_ptr_nonnull(strstr(floored->formula, "validation.loss = E + a flops^b, the envelope; E = 0.010"));
    ck_assert_double_eq_tol(floored->floor, 0.01, 2e-4);
    ck_assert(floored->floor_low <= floored->floor && floored->floor <= floored->floor_high);
    ck_assert_double_lt(floored->floor_high - floored->floor_low, 1e-3);
    ck_assert_double_eq_tol(floored->exponent, -0.3, 0.003);
    ck_assert(floored->low <= floored->exponent && floored->exponent <= floored->high);
    ck_assert_double_gt(plain->exponent, -0.28); /* too flat without it */
    const struct figure_series *end = NULL, *label = NULL;
    for (size_t i = 0; i < figure->series_count; i++)
        if (figure->series[i].role == ROLE_LAW && figure->series[i].colour == 2)
            *(figure->series[i].dashed ? &end : &label) = &figure->series[i];
    ck_assert(end && label && end->low);
    ck_assert_ptr_nonnull(strstr(label->label, "power law, E = 0.010"));
    double x = end->x[end->count - 1];
    ck_assert_double_eq_tol(x / 1e12, 1, 1e-6);
    ck_assert_double_eq_tol(end->y[end->count - 1], 0.01 + 2 * pow(x, -0.3), 4e-4);
    ck_assert_ptr_nonnull(strstr(figure->caption, "with E = 0 and with E free, are fitted to the envelope"));
    figure_free(figure);
    figure = figure_of("{kind: frontier}", five, csv.data);
    ck_assert(figure->law_count == 1 && !figure->laws[0].floored && !figure->laws[0].of);
    figure_free(figure);
    text_free(&csv);
    /* Final points: a law through three has no floor to find. */
    figure = figure_of("{kind: frontier, floor: free}",
                       "trial,status,seed,params,flops,validation.loss\n"
                       "1,done,0,1,1,1\n2,done,0,2,10,0.5\n3,done,0,4,100,0.3\n", NULL);
    ck_assert_uint_eq(figure->law_count, 1);
    ck_assert_ptr_nonnull(strstr(figure->caption, "E is not fitted: that takes four points."));
    figure_free(figure);
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
    figure = figure_of("{kind: bars, x: schedule.exponential.rate, y: validation.loss, "
                       "multiples: model.hidden.width}", grid, NULL);
    const char *told = strstr(figure->caption, "of 8 trials diverged");
    ck_assert_ptr_nonnull(told);
    ck_assert_msg(!strstr(told + 1, "of 8 trials"), "%s", figure->caption); /* once for all panels */
    figure_free(figure);
    /* Panels share a legend, but no exponent. */
    figure = figure_of("{kind: loglog, x: params, y: validation.loss, multiples: schedule.exponential.rate, "
                       "others: mean}", trials, NULL);
    ck_assert_uint_eq(figure->law_count, 2);
    ck_assert_str_eq(figure->panels[0]->series[0].label, "power law");
    ck_assert_ptr_nonnull(strstr(figure->caption, "Exponents: rate 0.1 −0.339; rate 0.3 −0.611."));
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

int main(void)
{
    const struct named_test tests[] = {
        { "frontier", frontier },
        { "histogram bins", histogram_bins },
        { "histogram", histogram },
        { "isoflop", isoflop },
        { "isoflop along training", isoflop_along_training },
        { "heatmap", heatmap },
        { "bars", bars },
        { "scatter", scatter },
        { "small multiples", small_multiples },
        { "transients", transients },
        { "law of the frontier", law_of_the_frontier },
        { "power law with a floor", power_law_with_floor },
        { "frontier with a floor", frontier_with_floor },
        { "frontier of final points", frontier_of_final_points },
        { "frontier of ends alone", frontier_of_ends_alone },
    };
    return run_tests("figure kinds", tests, sizeof tests / sizeof *tests);
}
