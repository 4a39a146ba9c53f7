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

#define LINES_MOST 6
struct lines {
    const char *line[LINES_MOST];
    size_t count;
    double width; /* of the widest, points */
    bool cut;     /* some end in dots */
};

struct entry {
    const struct figure_series *series; /* NULL: a word about all */
    enum entry_kind what;
    struct lines words;
    double y; /* where it belongs, beside a line */
};

/* Where the legend's entries stand. */
enum legend_place { LEGEND_RIGHT, LEGEND_INSIDE, LEGEND_BELOW };

struct layout {
    const struct figure *figure;
    struct canvas *canvas;
    struct arena *arena; /* of texts made here */
    double width, height;
    struct frame_box box;
    double size, small, large; /* of letters: labels and ticks, notes, titles */
    double letters;            /* of the legend */
    double above;              /* between the frame and a title of y above it: panels' titles */
    struct lines title, x_title, y_title;
    struct ticks x, y, scale;
    struct lines *x_names, *y_names; /* of an axis of categories, for each tick */
    bool upright;              /* the names of x are too long to stand side by side */
    bool direct;               /* names stand beside the ends of lines */
    struct entry entries[LEGEND_MAX];
    size_t entry_count;
    struct lines legend_title;
    enum legend_place legend;
    struct frame_box legend_box; /* of one that stands inside or below */
    struct entry notes[3];     /* band and marks, above the frame where no legend is */
    size_t note_count;
    const char **caption;
    size_t caption_count;
    bool no_x_labels, no_y_labels; /* a panel within others */
    bool by_legend;                /* no names at the ends of lines, no notes */
    struct iso_error *err;
};

/* words.c */
/* Breaks a text at spaces into lines of at most `most` points, the last of which holds the rest. */
size_t layout_wrap(struct layout *layout, const char *text, double size, double most, const char **lines, size_t limit);
/* The same into lines of about equal length. */
void layout_break(struct layout *layout, const char *text, double size, bool bold, double most, size_t limit,
                  struct lines *lines);
char *layout_cut(struct layout *layout, const char *text, double size, bool bold, double most); /* "a long na…" */

/* layout.c */
void layout_rule(struct layout *layout, double x0, double y0, double x1, double y1, struct colour colour, double width);
double layout_step(const struct layout *layout, double size); /* from a line to the next */
/* "Training compute (10¹⁴ FLOP)" */
const char *layout_axis_title(const struct layout *layout, const struct figure_axis *axis, int power);
double layout_x(const struct layout *layout, double at);
double layout_y(const struct layout *layout, double at);
void layout_words(struct layout *layout); /* title, caption */
void layout_titles(struct layout *layout); /* of the axes */
/* Lines one above the other about y. */
void layout_lines(struct layout *layout, const struct lines *lines, double x, double y, double size,
                  enum anchor anchor, bool bold, struct colour colour);
/* Grid, axes and what is in the frame, for a box that is placed. */
int layout_frame(struct layout *layout);

/* place.c: how much room everything takes. */
int place_words(struct layout *layout);             /* the lines of title and caption */
double place_head(const struct layout *layout);     /* of the title, with the page's upper margin */
double place_foot(const struct layout *layout);     /* of the caption, with the page's lower margin */
void place_axis_titles(struct layout *layout);      /* the lines of x_title and y_title, for the ticks at hand */
double place_x_title(const struct layout *layout);  /* how high it is; and how wide that of y */
double place_y_title(const struct layout *layout);
double place_widest(const struct layout *layout, const struct ticks *ticks); /* of the labels */
/* Breaks the names of x for a slot so wide each; gives how high they are. Of y: how wide. */
double place_x_names(struct layout *layout, double each, double most);
double place_y_names(struct layout *layout, double each, double most);
/* Of the page's width, what a frame keeps beside a legend: on a wide page, where height is dear, less. */
#define PLACE_SHARE(layout) ((layout)->width < 400 ? 0.55 : 0.45)
int place_frame(struct layout *layout); /* the whole of a figure of one frame */

/* legend.c */
/* Entries, notes, the scale's ticks: for a legend at layout->legend of layout->letters. */
int legend_list(struct layout *layout);
bool legend_is_cut(const struct layout *layout); /* some entries are but counted */
double legend_margin(const struct layout *layout);
/* Room for the entries alone: of one column, or in rows of `width` (how high). */
double legend_width(const struct layout *layout);
double legend_height(const struct layout *layout);
double legend_rows(const struct layout *layout, double width);
/* A corner of the frame where the entries hide nothing: legend_box; false: there is none. */
bool legend_fits_inside(struct layout *layout);
void legend_draw(struct layout *layout);
double legend_note_height(const struct layout *layout); /* above the frame */
void legend_notes(struct layout *layout);

/* panels.c, sheet.c: whole pages. */
int layout_panels(struct layout *layout);
int layout_sheet(struct layout *layout);
int layout_diagram(struct layout *layout);

#endif
