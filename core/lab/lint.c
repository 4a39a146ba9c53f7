/* Lints the method of a plan. */
#include "lab/lint.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Points whose settings are looked at: enough to see each value of a swept part, few enough to be quick. */
#define POINTS_EXAMINED 40
#define PAIRS_COMPARED 6
#define SEEDS_MANY 30

static int warn(struct diagnostics *found, const struct node *where, const char *text)
{
    return diagnostics_add(found, SEVERITY_WARNING, where, "%s", text);
}

static size_t seed_count(const struct plan *plan)
{
    return plan->point_count ? plan->count / plan->point_count : 0;
}

/* ---- Swept paths ---- */

static const struct node *value_of(const struct plan *plan, size_t point, size_t path)
{
    return plan->trials[point * seed_count(plan)].swept[path];
}

static bool same_value(const struct node *a, const struct node *b)
{
    if (a == b)
        return true;
    struct text x = { 0 }, y = { 0 };
    node_json(a, &x);
    node_json(b, &y);
    const bool same = x.data && y.data && !strcmp(x.data, y.data);
    text_free(&x);
    text_free(&y);
    return same;
}

/* Does a swept path take more than one value? */
static bool varies(const struct plan *plan, size_t path)
{
    for (size_t point = 1; point < plan->point_count; point++)
        if (!same_value(value_of(plan, 0, path), value_of(plan, point, path)))
            return true;
    return false;
}

static bool is_size(const char *path)
{
    return !strcmp(path, "model") || !strcmp(path, "model.hidden") || !strncmp(path, "model.hidden.", 13);
}

static bool is_rate(const char *path)
{
    const char *dot = strrchr(path, '.');
    return !strcmp(path, "schedule") || (!strncmp(path, "schedule.", 9) && dot && !strcmp(dot, ".rate"));
}

static bool is_horizon(const char *path)
{
    static const char *const budgets[] = { "epochs", "steps", "examples", "flops", "flops_6nd" };
    if (strncmp(path, "train.", 6))
        return false;
    for (size_t i = 0; i < sizeof budgets / sizeof *budgets; i++) {
        const size_t length = strlen(budgets[i]);
        if (!strncmp(path + 6, budgets[i], length) && (!path[6 + length] || path[6 + length] == '.'))
            return true;
    }
    return false;
}

/* The first path of a sort that varies; path_count: none does. */
static size_t varying(const struct plan *plan, bool (*is_such)(const char *path))
{
    for (size_t p = 0; p < plan->path_count; p++)
        if (is_such(plan->paths[p]) && varies(plan, p))
            return p;
    return plan->path_count;
}

/* ---- What the recipe alone shows ---- */

static void lint_test(const struct plan *plan, struct diagnostics *found)
{
    static const char text[] = "the test set is measured during training: what is chosen by looking at it can't be "
                               "judged by it; leave it out, it is measured once at the end";
    const struct node *splits = node_at(plan->tree->root, "measure.splits");
    if (splits && splits->kind == NODE_SCALAR && !strcmp(splits->text, "test"))
        warn(found, splits, text);
    for (size_t i = 0; splits && splits->kind == NODE_LIST && i < splits->count; i++)
        if (splits->values[i]->kind == NODE_SCALAR && !strcmp(splits->values[i]->text, "test"))
            warn(found, splits->values[i], text);
}

static void lint_seeds(const struct plan *plan, struct diagnostics *found)
{
    const struct node *root = plan->tree->root, *seeds = node_get(root, "seeds");
    int64_t number;
    if (seed_count(plan) == 1)
        warn(found, seeds ? seeds : root,
             plan->point_count > 1
                 ? "one seed: differences between trials can't be told from chance; `seeds: 5` gives error bars"
                 : "one seed: nothing says how far another would be from it; `seeds: 5` gives error bars");
    else if (node_int(seeds, &number) && number >= SEEDS_MANY)
        diagnostics_add(found, SEVERITY_WARNING, seeds, "these are %lld seeds, 0 to %lld; did you mean [%lld]?",
                        (long long)number, (long long)number - 1, (long long)number);
}

static void lint_rate(const struct plan *plan, struct diagnostics *found)
{
    const size_t size = varying(plan, is_size);
    if (size < plan->path_count && varying(plan, is_rate) == plan->path_count)
        warn(found, plan->keys[size],
             "networks of several sizes are compared at one learning rate, which suits some of them better than "
             "others; sweep the schedule's rate, too");
}

static void lint_frontier(const struct plan *plan, struct diagnostics *found)
{
    const struct node *figures = node_get(plan->tree->root, "figures");
    if (varying(plan, is_size) < plan->path_count)
        return;
    for (size_t i = 0; figures && figures->kind == NODE_MAP && i < figures->count; i++) {
        const struct node *kind = node_get(figures->values[i], "kind");
        if (kind && kind->kind == NODE_SCALAR && !strcmp(kind->text, "frontier"))
            warn(found, kind,
                 "a frontier of networks of one size is no frontier, but its learning curve; sweep model.hidden.width");
    }
}

/* Values of one sweep that are the same, such as 0.1 and 1e-1, train the same trials again. */
static void lint_twice(const struct plan *plan, struct diagnostics *found)
{
    const struct node *sweep = node_get(plan->tree->root, "sweep");
    for (size_t k = 0; sweep && sweep->kind == NODE_MAP && k < sweep->count; k++) {
        const struct node *list = sweep->values[k];
        for (size_t i = 1; list->kind == NODE_LIST && i < list->count && i < 200; i++)
            for (size_t j = 0; j < i; j++)
                if (same_value(list->values[i], list->values[j])) {
                    warn(found, list->values[i], "this value is swept twice");
                    break;
                }
    }
}

/* ---- What settings show ---- */

static struct settings *settings_of_point(const struct plan *plan, size_t point, struct plugins *plugins)
{
    struct diagnostics *ignored = diagnostics_new();
    struct settings *settings = ignored ? plan_settings(plan, point * seed_count(plan), plugins, ignored) : NULL;
    diagnostics_free(ignored);
    return settings;
}

static void lint_surrogate(const struct instance *instance, const char *kind, const struct node *where,
                           struct diagnostics *found)
{
    const char *surrogate = instance ? instance_surrogate(instance) : NULL;
    if (surrogate)
        diagnostics_add(found, SEVERITY_WARNING, where,
                        "%s %s trains with a surrogate gradient (%s), not with the derivative of its value", kind,
                        instance->plugin->descriptor.name, surrogate);
}

static void lint_surrogates(const struct settings *settings, struct diagnostics *found)
{
    const struct node *root = settings->tree->root, *activation = node_at(root, "model.activation");
    lint_surrogate(settings->loss, "loss", node_get(root, "loss"), found);
    for (size_t i = 0; i < settings->hidden_count; i++) {
        const bool list = activation && activation->kind == NODE_LIST && i < activation->count;
        lint_surrogate(settings->activation[i], "activation", list ? activation->values[i] : activation, found);
    }
}

/* The rate at the end of so many steps, as a part of the largest. */
static double fall(const struct instance *schedule, uint64_t steps)
{
    double rate = 0, most = 0;
    for (uint64_t step = 0; step < steps; step++) {
        rate = schedule->plugin->ops.schedule.rate(schedule->state, step, steps, 500);
        most = fmax(most, rate);
    }
    return most > 0 ? rate / most : 0;
}

/* Trials of several lengths are compared fairly where each ends with its rate fallen equally far, or not at all. */
static void lint_horizon(const struct plan *plan, const struct settings *settings, struct diagnostics *found)
{
    const struct node *root = settings->tree->root, *schedule = node_get(root, "schedule");
    const bool by_size = settings->has_flops || settings->has_flops_6nd || settings->examples_per_param > 0 ||
                         settings->steps_per_param > 0;
    size_t path = varying(plan, is_horizon);
    if (path == plan->path_count && by_size)
        path = varying(plan, is_size);
    if (path == plan->path_count)
        return;
    if (fabs(fall(settings->schedule, 1000) - fall(settings->schedule, 4000)) > 0.02)
        diagnostics_add(found, SEVERITY_WARNING, schedule,
                        "trials are of several lengths (%s), but %s falls at the same pace in all: the short ones end "
                        "with a high rate, the long ones hardly learn at the end; take a schedule that ends with the "
                        "trial, such as cosine", plan->paths[path], settings->schedule->plugin->descriptor.name);
}

static void lint_points(const struct plan *plan, struct plugins *plugins, struct diagnostics *found)
{
    const size_t examined = plan->point_count < POINTS_EXAMINED ? plan->point_count : POINTS_EXAMINED;
    for (size_t i = 0; i < examined; i++) {
        struct settings *settings = settings_of_point(plan, i * plan->point_count / examined, plugins);
        if (settings) {
            lint_surrogates(settings, found);
            lint_horizon(plan, settings, found);
        }
        settings_free(settings);
    }
}

/* ---- Swept keys that change nothing ---- */

/* Do two points differ in this path alone? */
static bool differ_in(const struct plan *plan, size_t a, size_t b, size_t path)
{
    for (size_t p = 0; p < plan->path_count; p++)
        if (same_value(value_of(plan, a, p), value_of(plan, b, p)) == (p == path))
            return false;
    return true;
}

static char *key_json(const struct plan *plan, size_t point, struct plugins *plugins)
{
    struct settings *settings = settings_of_point(plan, point, plugins);
    struct text text = { 0 };
    if (settings)
        settings_key_json(settings, "", &text);
    settings_free(settings);
    return text_take(&text);
}

static void lint_idle(const struct plan *plan, size_t path, struct plugins *plugins, struct diagnostics *found)
{
    const size_t most = plan->point_count < 500 ? plan->point_count : 500;
    unsigned pairs = 0;
    bool same = true;
    for (size_t a = 0; a < most && same && pairs < PAIRS_COMPARED; a++) {
        size_t b = a + 1;
        while (b < most && !differ_in(plan, a, b, path))
            b++;
        if (b == most)
            continue;
        char *x = key_json(plan, a, plugins), *y = key_json(plan, b, plugins);
        same = x && y && *x && !strcmp(x, y);
        free(x);
        free(y);
        pairs++;
    }
    if (pairs && same)
        diagnostics_add(found, SEVERITY_WARNING, plan->keys[path],
                        "%s is swept, but changes no result: its values train the same trials", plan->paths[path]);
}

void lint_plan(const struct plan *plan, struct plugins *plugins, struct diagnostics *found)
{
    if (!plan->count)
        return;
    lint_test(plan, found);
    lint_seeds(plan, found);
    lint_rate(plan, found);
    lint_frontier(plan, found);
    lint_twice(plan, found);
    lint_points(plan, plugins, found);
    for (size_t p = 0; p < plan->path_count; p++)
        if (strcmp(plan->paths[p], "case"))
            lint_idle(plan, p, plugins, found);
}
