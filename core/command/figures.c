/* Draws an experiment's figures into its folder. */
#include "command/figures.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "lab/results.h"

#define LEFT_SECONDS 60.0 /* a part of a figure that is so old is of nobody who draws now */

static const char *const endings[] = { [FIGURE_SVG] = "svg", [FIGURE_PNG] = "png", [FIGURE_PDF] = "pdf" };

/* The figures of the recipe, or the default ones. */
static struct figure_spec **read_specs(const struct lab_experiment *experiment, const struct figure_results *results,
                                       size_t *count, struct iso_error *err)
{
    const struct node *figures = node_get(experiment->tree->root, "figures");
    *count = 0;
    if (!figures || figures->kind != NODE_MAP || !figures->count)
        return figure_defaults(results, count, err);
    struct diagnostics *found = diagnostics_new();
    struct figure_spec **specs = memory_array(figures->count, sizeof *specs);
    for (size_t i = 0; found && specs && i < figures->count; i++) {
        struct figure_spec *spec = figure_spec_read(figures->keys[i]->text, figures->values[i], found);
        if (spec)
            specs[(*count)++] = spec;
    }
    if (!found || !specs) {
        error_memory(err);
    } else if (diagnostics_count(found, SEVERITY_ERROR)) {
        struct text text = { 0 };
        diagnostics_text(found, &text);
        iso_fail(err, "the stored recipe has a wrong figure: %s", text.data ? text.data : "");
        text_free(&text);
    }
    bool wrong = !found || !specs || diagnostics_count(found, SEVERITY_ERROR);
    diagnostics_free(found);
    if (!wrong)
        return specs;
    while (*count)
        figure_spec_free(specs[--*count]);
    free(specs);
    return NULL;
}

static bool is_asked_for(const struct figures_request *request, const char *name)
{
    for (size_t i = 0; i < request->name_count; i++)
        if (strcmp(request->names[i], name) == 0)
            return true;
    return !request->name_count;
}

static int check_names(const struct figures_request *request, struct figure_spec *const *specs, size_t count,
                       struct iso_error *err)
{
    for (size_t i = 0; i < request->name_count; i++) {
        bool known = false;
        struct text text = { 0 };
        for (size_t k = 0; k < count; k++) {
            known = known || strcmp(figure_spec_name(specs[k]), request->names[i]) == 0;
            text_format(&text, "%s%s", k ? ", " : "", figure_spec_name(specs[k]));
        }
        if (!known)
            iso_fail(err, "there is no figure \"%s\"; there are %s", request->names[i], text.data ? text.data : "none");
        text_free(&text);
        if (!known)
            return -1;
    }
    return 0;
}

int figure_show_on(const struct figure *figure, const struct figure_screen *screen, FILE *out, struct iso_error *err)
{
    size_t length;
    char *shown = figure_show(figure, screen, &length, err);
    int status = shown ? 0 : -1;
    if (shown && (fwrite(shown, 1, length, out) != length || fflush(out)))
        status = iso_fail(err, "cannot write to standard output");
    free(shown);
    return status;
}

static int draw(const struct figures_request *request, const struct figure *figure, FILE *out, struct iso_error *err)
{
    if (request->screen)
        return figure_show_on(figure, request->screen, out, err);
    struct text text = { 0 };
    text_format(&text, "%s/figures", request->folder);
    int status = text.failed ? error_memory(err) : file_make_folder(text.data, err);
    if (!status)
        file_clean(text.data, LEFT_SECONDS);
    text_format(&text, "/%s.%s", figure->name, endings[request->format]);
    if (!status)
        status = text.failed ? error_memory(err)
                             : figure_draw(figure, text.data, request->format, request->width, request->height, err);
    if (!status)
        fprintf(out, "figure: %s\n", text.data);
    text_free(&text);
    return status;
}

/* One that can't be built or drawn says so in words; the others are drawn. */
static void draw_each(const struct figures_request *request, const struct figure_set *set, FILE *out, size_t *drawn,
                      size_t *failed)
{
    for (size_t i = 0; i < set->count; i++) {
        const char *name = figure_spec_name(set->specs[i]);
        struct iso_error why = ERROR_NONE;
        if (!is_asked_for(request, name))
            continue;
        struct figure *figure = figure_build(set->specs[i], &set->results, &why);
        const bool good = figure && !draw(request, figure, out, &why);
        *drawn += good;
        *failed += figure && !good;
        if (!good)
            fprintf(out, "figure %s: %s\n", name, why.text);
        figure_free(figure);
    }
}

/* The unit of the losses, where one holds for all trials. */
static const char *loss_unit(const struct lab_experiment *experiment)
{
    const struct node *loss = node_get(experiment->tree->root, "loss");
    for (size_t p = 0; p < experiment->path_count; p++)
        if (strcmp(experiment->paths[p], "loss") == 0)
            return NULL;
    const char *name = !loss ? "cross_entropy" : loss->kind == NODE_MAP && loss->count ? loss->keys[0]->text
                       : loss->kind == NODE_SCALAR ? loss->text : "";
    return strcmp(name, "cross_entropy") == 0 ? "nats" : NULL;
}

void figure_set_close(struct figure_set *set)
{
    if (!set)
        return;
    for (size_t i = 0; i < set->count; i++)
        figure_spec_free(set->specs[i]);
    free(set->specs);
    figure_models_free(set->models);
    frame_free(set->histograms);
    frame_free(set->points);
    frame_free(set->trials);
    lab_experiment_free(set->experiment);
    free(set);
}

struct figure_set *figure_set_open(const char *folder, struct iso_error *err)
{
    struct figure_set *set = memory_array(1, sizeof *set);
    if (!set) {
        error_memory(err);
        return NULL;
    }
    if ((set->experiment = lab_experiment(folder, err)) && (set->trials = lab_frame(folder, LAB_TRIALS, err)) &&
        (set->points = lab_frame(folder, LAB_POINTS, err)) && (set->histograms = lab_histograms(folder, err))) {
        if (!(set->models = figure_models_new(folder, set->experiment->tree->folder, set->trials))) {
            error_memory(err);
            goto failed;
        }
        set->source = figure_models_source(set->models);
        set->results = (struct figure_results){ .title = set->experiment->title,
                                                .loss_unit = loss_unit(set->experiment), .trials = set->trials,
                                                .points = set->points, .histograms = set->histograms,
                                                .source = &set->source };
        set->specs = read_specs(set->experiment, &set->results, &set->count, err);
    }
    if (set->specs)
        return set;
failed:
    figure_set_close(set);
    return NULL;
}

int figures_draw(const struct figures_request *request, FILE *out, size_t *drawn, bool *unknown, struct iso_error *err)
{
    struct figure_set *set = figure_set_open(request->folder, err);
    int status = -1;
    *drawn = 0;
    *unknown = false;
    if (!set || (*unknown = check_names(request, set->specs, set->count, err)))
        goto out;
    size_t failed = 0;
    draw_each(request, set, out, drawn, &failed);
    status = failed ? iso_fail(err, "%zu figure%s could not be drawn", failed, failed == 1 ? "" : "s") : 0;
out:
    figure_set_close(set);
    return status;
}
