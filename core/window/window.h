/* The window in which digits are drawn: a module, opened when it is asked for, as it alone needs SDL. It imports nothing
 * from the program; what it needs of a model comes through a struct of functions. */
#ifndef WINDOW_WINDOW_H
#define WINDOW_WINDOW_H

#include "data/image.h"

#define WINDOW_MODULE "isoflop_window"
#define WINDOW_SYMBOL "isoflop_window"
#define WINDOW_VERSION 1

/* What the window shows of a drawing. */
struct window_view {
    struct image input; /* what the network sees */
    size_t outputs;
    float *shown;             /* outputs probabilities, or whatever the loss shows */
    const char *const *names; /* of the outputs; NULL: they are numbered */
    const char *title;        /* of the model */
    enum image_fit fit;
    bool blank;               /* nothing is drawn: the rest says nothing */
};

struct window_host {
    void *context;
    struct window_view *view;
    /* Fills the view for a drawing (side x side, with as many channels as the network's inputs). -1: an error. */
    int (*look)(void *context, const struct image *drawing, struct iso_error *err);
    /* A picture from a file, as a drawing of this side, or another model, whose view replaces the old one: the kind is
     * found from the content. 1: *drawing was filled; 0: the model is another; -1: an error, nothing has changed. */
    int (*open)(void *context, const char *file, struct image *drawing, struct iso_error *err);
    int (*save_png)(void *context, const char *file, size_t width, size_t height, const unsigned char *rgb,
                    struct iso_error *err);
};

struct window {
    unsigned version;
    /* Runs until the window is closed; with a screenshot, draws one frame into this PNG file without opening a window.
     * picture: a file to start with, or NULL. */
    int (*run)(const struct window_host *host, const char *picture, const char *screenshot, struct iso_error *err);
};

#endif
