/* isoflop draw: a window in which digits are drawn, and what a model says of them. The window is a module. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "command/arguments.h"
#include "command/command.h"
#include "train/model.h"
#include "window/window.h"

#define ARGUMENTS "MODEL [--image FILE] [--screenshot FILE]"

struct drawing {
    struct plugins *plugins;
    struct model *model;
    struct window_view view;
    char title[256];
};

/* Makes `model` the one that is looked through; the old one stays where there is no memory or it takes no pictures. */
static int take_model(struct drawing *drawing, struct model *model, const char *file, struct iso_error *err)
{
    struct image input;
    float *shown = memory_array(model_outputs(model), sizeof *shown);
    if (!shown)
        return error_memory(err);
    if (model_picture(model, &input, err)) {
        free(shown);
        return error_context(err, "%s", file);
    }
    model_free(drawing->model);
    image_free(&drawing->view.input);
    free(drawing->view.shown);
    drawing->model = model;
    const char *name = strrchr(file, '/');
    snprintf(drawing->title, sizeof drawing->title, "%s, trained for %llu steps", name ? name + 1 : file,
             (unsigned long long)model_step(model));
    drawing->view = (struct window_view){ .input = input, .outputs = model_outputs(model), .shown = shown,
                                          .names = model_class_names(model), .title = drawing->title,
                                          .fit = model_fit(model), .blank = true };
    return 0;
}

static int look(void *context, const struct image *picture, struct iso_error *err)
{
    struct drawing *drawing = context;
    struct window_view *view = &drawing->view;
    bool ink = false;
    for (size_t i = 0; i < picture->width * picture->height * picture->channels && !ink; i++)
        ink = picture->values[i] > 0;
    view->blank = !ink;
    if (!ink)
        return 0;
    if (image_prepare(picture, view->fit, IMAGE_INVERT_NO, &view->input, &view->blank, err))
        return -1;
    return view->blank ? 0 : model_predict(drawing->model, &view->input, view->shown, err);
}

static bool is_picture(const char *file)
{
    const char *dot = strrchr(file, '.');
    return !dot || strcmp(dot, ".safetensors") != 0;
}

static int open_file(void *context, const char *file, struct image *picture, struct iso_error *err)
{
    struct drawing *drawing = context;
    struct image image;
    bool blank;
    if (!is_picture(file)) {
        struct model *model = model_load(file, drawing->plugins, err);
        if (model && take_model(drawing, model, file, err)) {
            model_free(model);
            model = NULL;
        }
        return model ? 0 : -1;
    }
    if (image_read(file, picture->channels, &image, err))
        return -1;
    const int status = image_prepare(&image, IMAGE_SQUARES, IMAGE_INVERT_AUTO, picture, &blank, err);
    image_free(&image);
    return status ? -1 : 1;
}

static int save_png(void *context, const char *file, size_t width, size_t height, const unsigned char *rgb,
                    struct iso_error *err)
{
    (void)context;
    return image_save(file, width, height, 3, rgb, err);
}

static const struct window *find_window(struct plugins *plugins, struct iso_error *err)
{
    bool there;
    const struct window *window = plugins_module(plugins, WINDOW_MODULE, WINDOW_SYMBOL, &there, err);
    if (!there)
        error_context(err, "this isoflop was built without its window (configure it with SDL2, SDL2_ttf and fontconfig; "
                      "Debian: apt-get install libsdl2-dev libsdl2-ttf-dev libfontconfig-dev); "
                      "`isoflop predict` needs none");
    if (window && window->version != WINDOW_VERSION) {
        iso_fail(err, "the window belongs to another isoflop: install both again");
        window = NULL;
    }
    return window;
}

/* The last word, for whoever ran the window from a script. */
static void print_verdict(const struct window_view *view)
{
    size_t best = 0;
    if (view->blank)
        return;
    for (size_t i = 1; i < view->outputs; i++)
        best = view->shown[i] > view->shown[best] ? i : best;
    if (view->names)
        printf("%s %.4f\n", view->names[best], (double)view->shown[best]);
    else
        printf("%zu %.4f\n", best, (double)view->shown[best]);
}

static int run(int argc, char **argv, struct command_outcome *outcome)
{
    const char *model_file[1] = { NULL }, *image = NULL, *screenshot = NULL;
    struct iso_error *err = &outcome->error;
    struct drawing drawing = { 0 };
    const struct window *window;
    struct model *model;
    int status = STATUS_WRONG;
    const struct option known[] = { { "--image", .value = &image }, { "--screenshot", .value = &screenshot }, { 0 } };
    if (arguments_read(argc, argv, known, model_file, 1, 1, ARGUMENTS, err))
        return STATUS_WRONG;
    if (!(drawing.plugins = plugins_new(NULL, err)) || !(model = model_load(model_file[0], drawing.plugins, err)))
        goto out;
    if (take_model(&drawing, model, model_file[0], err)) {
        model_free(model);
        goto out;
    }
    status = STATUS_FAILED;
    if (!(window = find_window(drawing.plugins, err)))
        goto out;
    const struct window_host host = { &drawing, &drawing.view, look, open_file, save_png };
    if (!window->run(&host, image, screenshot, err)) {
        print_verdict(&drawing.view);
        status = STATUS_DONE;
    }
out:
    free(drawing.view.shown);
    image_free(&drawing.view.input);
    model_free(drawing.model);
    plugins_free(drawing.plugins);
    return status;
}

const struct command command_draw = {
    .name = "draw",
    .arguments = ARGUMENTS,
    .summary = "draw digits in a window and see what a model says",
    .help = "  MODEL              a checkpoint, such as results/NAME/checkpoints/KEY/final.safetensors\n"
            "  --image FILE       start with a picture (PNG, PGM or PPM)\n"
            "  --screenshot FILE  write the first frame as PNG, without opening a window\n"
            "In the window: left button draws, right erases, wheel: brush, U: undo, C: clear, F: fit, H: help.\n"
            "What was last predicted is printed when it is closed.\n",
    .run = run,
};
