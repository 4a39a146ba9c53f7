/* What the parts of a page's layout share: layout.c margins and axes, legend.c words beside the frame, panels.c small
 * multiples, sheet.c pictures and diagrams. */
#ifndef FIGURE_LAYOUT_H
#define FIGURE_LAYOUT_H

#include "figure/paint.h"
#include "figure/ticks.h"

#define LEGEND_MAX 64 /* more entries are counted in one line */
#define CAPTION_LINES 8

#define LAYOUT_INK (struct colour){ 25, 25, 25, 1 }
#define LAYOUT_GREY (struct colour){ 95, 95, 95, 1 }
#define LAYOUT_AXIS (struct colour){ 70, 70, 70, 1 }

enum entry_kind { ENTRY_SERIES, ENTRY_BAND, ENTRY_LOST, ENTRY_SOME_LOST, ENTRY_MORE };

struct entry {
    const struct figure_series *series; /* NULL: a word about all */
    enum entry_kind what;
    const char *lines[4];
    size_t line_count;
    double y; /* where it belongs, beside a line */
};

struct layout {
    const struct figure *figure;
    struct canvas *canvas;
    struct arena *arena; /* of texts made here */
    double width, height;
    struct frame_box box;
    double size, small, large; /* of letters: labels and ticks, notes, titles */
    struct ticks x, y, scale;
    bool upright;              /* the names of x are too long to stand side by side */
    bool direct;               /* names stand beside the ends of lines */
    struct entry entries[LEGEND_MAX];
    size_t entry_count;
    struct entry notes[3];     /* band and marks, above the frame where no legend is */
    size_t note_count;
    const char **caption;
    size_t caption_count;
    bool no_x_labels, no_y_labels; /* a panel within others */
    bool by_legend;                /* no names at the ends of lines, no notes */
    struct iso_error *err;
};


/* layout.c */
void layout_rule(struct layout *layout, double x0, double y0, double x1, double y1, struct colour colour, double width);
/* Breaks a text at spaces into lines of at most `most` points. */
size_t layout_wrap(struct layout *layout, const char *text, double size, double most, const char **lines, size_t limit);
/* "Training compute (10¹⁴ FLOP)" */
const char *layout_axis_title(const struct layout *layout, const struct figure_axis *axis, int power);
double layout_widest(const struct ticks *ticks, double size); /* of the labels */
double layout_x(const struct layout *layout, double at);
double layout_y(const struct layout *layout, double at);
/* The caption's lines; and how high they stand, with the page's lower margin. */
int layout_caption(struct layout *layout);
double layout_foot(const struct layout *layout);
void layout_words(struct layout *layout); /* title, caption */
void layout_titles(struct layout *layout); /* of the axes */
/* Grid, axes and what is in the frame, for a box that is placed. */
int layout_frame(struct layout *layout);

/* legend.c */
int legend_list(struct layout *layout); /* entries, notes, the scale's ticks */
double legend_margin(const struct layout *layout);
void legend_draw(struct layout *layout);
double legend_note_height(const struct layout *layout); /* above the frame */
void legend_notes(struct layout *layout);

/* panels.c, sheet.c: whole pages. */
int layout_panels(struct layout *layout);
int layout_sheet(struct layout *layout);
int layout_diagram(struct layout *layout);

#endif
