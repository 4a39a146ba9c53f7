/* Figures: what is shown, as plain data, apart from how it is drawn.
 *
 *   recipe's `figures:` --figure_spec_read--> spec --figure_build(frames)--> figure (series, axes)
 *                     figure --figure_draw--> file
 *
 * Texts are UTF-8. Powers are written with superscript digits (10⁻²); the drawing turns them into raised text. */
#ifndef FIGURE_FIGURE_H
#define FIGURE_FIGURE_H

#include "base/frame.h"
#include "base/memory.h"
#include "recipe/tree.h"

/* ---- What is asked for ---- */

struct figure_spec; /* spec.h */
/* From one entry of `figures:` (name and mapping); mistakes, with their places, go to `found`. NULL where there was
 * one. */
struct figure_spec *figure_spec_read(const char *name, const struct node *node, struct diagnostics *found);
/* For a table of one's own: `group` may be NULL, window 0 (no moving average). Either loglog or a window. */
struct figure_spec *figure_spec_of_columns(const char *name, const char *x, const char *y, const char *group,
                                           bool loglog, uint64_t window, struct iso_error *err);
void figure_spec_free(struct figure_spec *spec);
const char *figure_spec_name(const struct figure_spec *spec);

/* ---- The results that a figure is made from ---- */

/* A trained model, for figures that show one: from whoever can read checkpoints and data. */
enum figure_need { NEED_SHAPE, NEED_WEIGHTS, NEED_ANSWERS };
struct figure_wish {
    enum figure_need need;
    size_t row;             /* of the trials */
    const char *checkpoint; /* "best", "final" or "init"; NULL: best where there is one */
    const char *split;      /* "validation", "test" or "train"; NULL: validation where there is one, else test */
};
struct figure_model {
    const char *what;               /* "Final weights, validation examples"; NULL */
    size_t layers;                  /* of weights */
    const size_t *sizes;            /* layers + 1, from the inputs */
    const char *const *activations; /* layers - 1 names */
    const char *loss;
    bool bias;
    size_t height, width, channels; /* of images; 0: the inputs are none */
    const float *weights;           /* of the first layer, (outputs, inputs); where they are needed */
    size_t classes;
    const char *const *class_names; /* NULL: numbers */
    size_t count;                   /* of the examples; where answers are needed */
    const int32_t *labels;
    const uint32_t *predicted;
    const double *truth, *sure;     /* what the model gave the true and the predicted class; NaN: no probability */
};
struct figure_source {
    void *context;
    /* Texts and arrays hold as long as the source, or lie in the arena. Fails in words, with the way out. */
    int (*open)(void *context, const struct figure_wish *wish, struct arena *arena, struct figure_model *model,
                struct iso_error *err);
    /* Inputs of examples of the model that was opened last, as rows of planes. */
    int (*pictures)(void *context, const size_t *which, size_t count, float *x, struct iso_error *err);
};

struct figure_results {
    const char *title;          /* of the experiment; NULL: none */
    const char *loss_unit;      /* "nats" where every trial's loss is cross-entropy; NULL: none is written */
    const struct frame *trials; /* one row a trial: the columns of `export --table trials`; or any table */
    const struct frame *points; /* one row a point: `export --table points`; NULL: there are none */
    const struct frame *histograms; /* trial, step, layer, of, bins; NULL: there are none */
    const struct figure_source *source; /* of trained models; NULL: there is none */
};

/* The figures of a recipe that names none: loss over epochs, grouped by what was swept, and the frontier where there
 * are several sizes. Gives an array of *count specs, to be freed with each of them. */
struct figure_spec **figure_defaults(const struct figure_results *results, size_t *count, struct iso_error *err);

/* ---- What is shown ---- */

/* Shades end before the scale's palest colours, which white paper swallows. */
#define FIGURE_SHADE_HIGHEST 0.84

enum figure_marker {
    MARKER_NONE,
    MARKER_CIRCLE,
    MARKER_SQUARE,
    MARKER_TRIANGLE,
    MARKER_DIAMOND,
    MARKER_TRIANGLE_DOWN,
    MARKER_PLUS,
    MARKER_CROSS,
    MARKER_STAR
};
#define MARKER_COUNT 8 /* besides none */

enum figure_role {
    ROLE_DATA,     /* measured: coloured by group */
    ROLE_BACKDROP, /* measured, thin: one of many lines */
    ROLE_FIT,      /* a fitted law, drawn over its data in the same colour */
    ROLE_ENVELOPE, /* in ink, above the lines */
    ROLE_ENVELOPE_END, /* the part of an envelope that the range of sizes cuts off: dashed */
    ROLE_WHISKERS, /* error bars on bars, in ink */
    ROLE_LAW       /* a law through an envelope, in a colour of its own */
};

struct figure_axis {
    const char *title; /* "Validation loss" */
    const char *unit;  /* "nats"; NULL: none */
    bool logarithmic;
    double low, high;      /* the range shown */
    size_t value_count;    /* ticks at just these values if they fit, such as swept widths; 0: round numbers */
    const double *values;  /* ascending */
    const char **names;    /* of the values 0, 1, ..., value_count - 1 of an axis of categories; else NULL */
};

struct figure_series {
    const char *label;  /* in a legend: "64"; NULL: not in it */
    const char *direct; /* standing alone beside the line: "width 64" */
    enum figure_role role;
    size_t count;
    const double *x, *y;      /* a NaN in y breaks the line */
    const double *low, *high; /* the band, infinite where it leaves the frame; NULL: none */
    bool line;
    enum figure_marker marker;
    size_t every; /* a marker at each so many points; 0: at each */
    bool dashed;
    double shade;  /* 0 to 1: place on the scale of colours for ordered quantities; NaN: `colour` counts */
    size_t colour; /* index into the set of colours for categories */
    bool lost;     /* runs along a trial that diverged: how high it rose before is left to the frame's edge */
};

enum figure_edge { EDGE_TOP, EDGE_BOTTOM };

/* A diverged trial, or several of one place: shown at the frame's edge. */
struct figure_mark {
    double x;
    enum figure_edge edge;
    size_t diverged, trials; /* how many of how many */
    double shade;
    size_t colour;
};

/* A filled rectangle: a bar, or one place of a table of colours. */
struct figure_cell {
    double x0, x1, y0, y1;
    double value;  /* on the figure's scale; NaN: none, then shade and colour count */
    double shade;
    size_t colour;
    size_t diverged, trials; /* how many of how many diverged here: a cross where all did, else a dot; 0 of a bar */
    const char *text;        /* in it; NULL: none */
};

/* A picture with words below it: one of a sheet. */
struct figure_tile {
    size_t width, height, channels; /* 1 or 3 */
    const unsigned char *pixels;    /* rows of height x width x channels */
    const char *words[2];           /* NULL: none */
    bool wrong;                     /* the second line is a mistake */
};

/* One layer of a network that is drawn. */
struct figure_layer {
    const char *name;     /* "input", "hidden 1", "output" */
    size_t units;
    const char *words[3]; /* below it; NULL: none */
    const char *between;  /* on the way from the layer before; NULL: none */
};

/* A fitted law, in numbers: what the figure's line through the data says. */
struct figure_law {
    const char *of;      /* what it is of: "width 64"; NULL: of all */
    const char *formula; /* "validation.loss = a flops^b" */
    double factor, exponent;
    bool floored;        /* with a floor E, which has an interval of 95 %; NaN: none */
    double floor, floor_low, floor_high;
    double error;        /* the exponent's standard error; NaN: none */
    double low, high;    /* its interval of 95 %; NaN: none */
    const char *how;     /* where error and interval come from */
};

/* Every text and array lives in the arena. */
struct figure {
    struct arena *arena;
    const char *name, *kind;
    const char *title; /* above the frame; NULL: none */
    struct figure_axis x, y;
    size_t series_count;
    struct figure_series *series; /* in the order of the legend */
    size_t mark_count;
    struct figure_mark *marks;
    const char *legend_title; /* "Width"; NULL: none */
    bool colour_bar;          /* a scale beside the frame instead of entries in the legend */
    struct figure_axis scale; /* what `shade` stands for */
    size_t cell_count;
    struct figure_cell *cells; /* behind the series */
    bool dodge;                /* series at names stand side by side */
    /* In place of axes and series: a grid of figures that share their axes, a sheet of pictures, or layers. */
    size_t panel_count;
    struct figure **panels;
    const char *panel_title;   /* above a panel: "depth 2" */
    const char *missing;       /* of a panel: why it is empty */
    bool all_lost;             /* every line diverged: its range says little */
    size_t tile_count;
    struct figure_tile *tiles;
    bool diverging;            /* the scale runs from blue over white at 0 to red */
    size_t layer_count;
    struct figure_layer *layers;
    size_t law_count;
    struct figure_law *laws;
    const char *band;         /* what the bands are: "mean ± sd of 5 seeds"; NULL: there is none */
    const char *caption;      /* what a reader must know: left out, diverged, averaged; NULL: nothing */
};

/* NULL and an error in words where there is nothing to draw (no such column, no data, all diverged, ...). */
struct figure *figure_build(const struct figure_spec *spec, const struct figure_results *results,
                            struct iso_error *err);
void figure_free(struct figure *figure);

/* ---- Drawing ---- */

enum figure_format { FIGURE_SVG, FIGURE_PNG, FIGURE_PDF };
/* The bytes of a file, to be freed; ids of an SVG begin with `id` where several stand in one page (NULL: alone). */
char *figure_render(const struct figure *figure, enum figure_format format, unsigned width, unsigned height,
                    const char *id, size_t *length, struct iso_error *err);
/* For a terminal: characters, or an image by the kitty or sixel protocol. To be freed. */
enum screen_way { SCREEN_CHARACTERS, SCREEN_KITTY, SCREEN_SIXEL };
struct figure_screen {
    enum screen_way way;
    size_t columns, rows; /* characters */
    bool colours;
};
char *figure_show(const struct figure *figure, const struct figure_screen *screen, size_t *length,
                  struct iso_error *err);
/* In words, for those who can't see it; to be freed. NULL: out of memory. */
char *figure_describe(const struct figure *figure);
/* Writes a figure to a file, whole or not at all; width and height in points of 1/72 inch (0: default). */
int figure_draw(const struct figure *figure, const char *path, enum figure_format format, unsigned width,
                unsigned height, struct iso_error *err);

#endif
