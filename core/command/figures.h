/* Figures of an experiment, from its stored results: shared by `run` and `plot`. */
#ifndef COMMAND_FIGURES_H
#define COMMAND_FIGURES_H

#include <stdio.h>

#include "figure/figure.h"
#include "lab/results.h"

/* Trained models of an experiment, read when a figure asks for one (figure_models.c), with the folder that paths
 * in its recipe are relative to. Both and the trials outlive it. NULL: out of memory. */
struct figure_models;
struct figure_models *figure_models_new(const char *folder, const char *recipe_folder, const struct frame *trials);
struct figure_source figure_models_source(struct figure_models *models);
void figure_models_free(struct figure_models *models);

/* An experiment's results and the figures that its recipe asks for, or the default ones. */
struct figure_set {
    struct lab_experiment *experiment;
    struct frame *trials, *points, *histograms;
    struct figure_models *models;
    struct figure_source source;
    struct figure_results results;
    struct figure_spec **specs;
    size_t count;
};
struct figure_set *figure_set_open(const char *folder, struct iso_error *err);
void figure_set_close(struct figure_set *set);

struct figures_request {
    const char *folder;        /* of the experiment */
    const char *const *names;  /* figures of its recipe; name_count 0: all, or the defaults where it has none */
    size_t name_count;
    enum figure_format format;
    unsigned width, height;    /* 0: default */
    const struct figure_screen *screen; /* shown there, no files; NULL: files */
};

/* Draws into FOLDER/figures and writes a line to `out` for each: the file, or why there is nothing to draw. -1 where a
 * name is unknown (*unknown) or a file can't be written; the others are drawn then. *drawn: files made. */
int figures_draw(const struct figures_request *request, FILE *out, size_t *drawn, bool *unknown, struct iso_error *err);

/* Writes a figure to a terminal, or as plain characters. */
int figure_show_on(const struct figure *figure, const struct figure_screen *screen, FILE *out, struct iso_error *err);

#endif
