/* The live window: a drawing on the left, what the network says of it on the right. */
#include "window/window.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <SDL.h>
#include <SDL_ttf.h>
#include <fontconfig/fontconfig.h>

#include "window/canvas.h"

#define FRAME_MILLISECONDS 16
#define BRUSH_SMALLEST 4.0f /* radius in pixels of the canvas */
#define BRUSH_LARGEST 60.0f
#define ROWS_MOST 20 /* outputs with a bar of their own */

static const SDL_Color paper = { 250, 250, 248, 255 }, text_colour = { 32, 32, 32, 255 }, faint = { 110, 110, 110, 255 },
                       track = { 226, 226, 222, 255 }, bar = { 86, 140, 190, 255 }, best_bar = { 213, 94, 0, 255 },
                       light = { 200, 200, 200, 255 };
static const char *const fit_words[] = {
    [IMAGE_DIGIT] = "centred by mass, as in MNIST",
    [IMAGE_BOX] = "box centred, the report's way",
    [IMAGE_WHOLE] = "the whole, scaled",
    [IMAGE_AS_IS] = "",
};
static const char *const help_lines[] = {
    "left button: draw     right button, or E: erase",
    "wheel, or + and -: size of the brush",
    "U or Ctrl-Z: undo     R or Ctrl-Y: redo     C: clear",
    "F: how the drawing is brought to the network's size",
    "drop a picture or a model on the window to open it",
    "H or F1: this help     Q or Esc: quit",
};

struct screen {
    const struct window_host *host;
    struct canvas canvas;
    SDL_Window *window; /* NULL: a picture of it is made */
    SDL_Surface *surface;
    SDL_Renderer *renderer;
    SDL_Texture *drawing, *input;
    char font_file[4096];
    TTF_Font *fonts[2]; /* plain, large */
    int font_size;
    SDL_Rect board; /* where the canvas is shown */
    float brush;
    float mouse_x, mouse_y; /* in pixels of the canvas */
    bool inside, stroking, eraser, help, changed, quit;
    char message[4000];
};

/* ---- Text ---- */

static int find_font(struct screen *screen, struct iso_error *err)
{
    FcPattern *wanted = FcInit() ? FcNameParse((const FcChar8 *)"DejaVu Sans,Noto Sans,Liberation Sans,sans") : NULL;
    FcChar8 *file = NULL;
    FcResult result;
    int status = -1;
    if (wanted) {
        FcConfigSubstitute(NULL, wanted, FcMatchPattern);
        FcDefaultSubstitute(wanted);
        FcPattern *found = FcFontMatch(NULL, wanted, &result);
        if (found && FcPatternGetString(found, FC_FILE, 0, &file) == FcResultMatch &&
            snprintf(screen->font_file, sizeof screen->font_file, "%s", (char *)file) <
                (int)sizeof screen->font_file)
            status = 0;
        if (found)
            FcPatternDestroy(found);
        FcPatternDestroy(wanted);
    }
    FcFini();
    return status ? iso_fail(err, "no font was found (Debian: apt-get install fonts-dejavu-core)") : 0;
}

static int open_fonts(struct screen *screen, int size, struct iso_error *err)
{
    if (size == screen->font_size)
        return 0;
    for (int i = 0; i < 2; i++) {
        TTF_Font *font = TTF_OpenFont(screen->font_file, i ? size * 2 : size);
        if (!font)
            return iso_fail(err, "the font %s can't be opened: %s", screen->font_file, TTF_GetError());
        if (screen->fonts[i])
            TTF_CloseFont(screen->fonts[i]);
        screen->fonts[i] = font;
    }
    screen->font_size = size;
    return 0;
}

enum align { LEFT, CENTRE, RIGHT };

/* Draws a line of text no wider than `room` (0: any), its height's middle at y; the width that it took. */
static int put_text(struct screen *screen, const char *text, int font, SDL_Color colour, int x, int y, enum align align,
                    int room)
{
    SDL_Surface *surface = *text ? TTF_RenderUTF8_Blended(screen->fonts[font], text, colour) : NULL;
    SDL_Texture *texture = surface ? SDL_CreateTextureFromSurface(screen->renderer, surface) : NULL;
    int width = 0;
    if (texture) {
        double scale = room > 0 && surface->w > room ? (double)room / surface->w : 1;
        width = (int)(surface->w * scale);
        const int height = (int)(surface->h * scale);
        const SDL_Rect to = { align == LEFT ? x : align == RIGHT ? x - width : x - width / 2, y - height / 2, width,
                              height };
        SDL_SetTextureScaleMode(texture, SDL_ScaleModeLinear); /* pictures show their pixels, letters don't */
        SDL_RenderCopy(screen->renderer, texture, NULL, &to);
    }
    SDL_DestroyTexture(texture);
    SDL_FreeSurface(surface);
    return width;
}

static void fill(struct screen *screen, SDL_Color colour, SDL_Rect rect)
{
    SDL_SetRenderDrawColor(screen->renderer, colour.r, colour.g, colour.b, colour.a);
    SDL_RenderFillRect(screen->renderer, &rect);
}

/* ---- Pictures ---- */

static void put_picture(struct screen *screen, SDL_Texture **texture, size_t side_x, size_t side_y, size_t channels,
                        const float *values, SDL_Rect to)
{
    int width = 0, height = 0;
    if (*texture)
        SDL_QueryTexture(*texture, NULL, NULL, &width, &height);
    if (!*texture || width != (int)side_x || height != (int)side_y) {
        SDL_DestroyTexture(*texture);
        *texture = SDL_CreateTexture(screen->renderer, SDL_PIXELFORMAT_RGB24, SDL_TEXTUREACCESS_STREAMING, (int)side_x,
                                     (int)side_y);
    }
    void *pixels;
    int pitch;
    if (!*texture || SDL_LockTexture(*texture, NULL, &pixels, &pitch))
        return;
    for (size_t y = 0; y < side_y; y++) {
        unsigned char *row = (unsigned char *)pixels + y * (size_t)pitch;
        for (size_t x = 0; x < side_x; x++)
            for (size_t c = 0; c < 3; c++) {
                const float value = values[((channels == 3 ? c : 0) * side_y + y) * side_x + x];
                row[3 * x + c] = (unsigned char)(fminf(1, fmaxf(0, value)) * 255.0f + 0.5f);
            }
    }
    SDL_UnlockTexture(*texture);
    SDL_RenderCopy(screen->renderer, *texture, NULL, &to);
}

static void put_brush(struct screen *screen)
{
    const double scale = (double)screen->board.w / CANVAS_SIDE;
    SDL_Point ring[65];
    for (int i = 0; i <= 64; i++) {
        const double angle = i * 6.283185307179586 / 64;
        ring[i].x = screen->board.x + (int)(scale * ((double)screen->mouse_x + (double)screen->brush * cos(angle)));
        ring[i].y = screen->board.y + (int)(scale * ((double)screen->mouse_y + (double)screen->brush * sin(angle)));
    }
    const SDL_Color colour = screen->eraser ? best_bar : bar;
    SDL_SetRenderDrawColor(screen->renderer, colour.r, colour.g, colour.b, 255);
    SDL_RenderDrawLines(screen->renderer, ring, 65);
}

/* ---- The frame ---- */

static void name_output(const struct window_view *view, size_t output, char name[64])
{
    if (view->names)
        snprintf(name, 64, "%s", view->names[output]);
    else
        snprintf(name, 64, "%zu", output);
}

static size_t best_of(const struct window_view *view)
{
    size_t best = 0;
    for (size_t i = 1; i < view->outputs; i++)
        if (view->shown[i] > view->shown[best])
            best = i;
    return best;
}

static void put_bars(struct screen *screen, SDL_Rect area)
{
    const struct window_view *view = screen->host->view;
    const size_t rows = view->outputs < ROWS_MOST ? view->outputs : ROWS_MOST, best = view->blank ? 0 : best_of(view);
    const int pitch = area.h / (int)rows, number = screen->font_size * 5;
    int label = screen->font_size;
    char words[64];
    for (size_t i = 0; i < rows; i++) {
        int width = 0;
        name_output(view, i, words);
        TTF_SizeUTF8(screen->fonts[0], words, &width, NULL);
        label = width > label ? width : label;
    }
    label = label > area.w / 3 ? area.w / 3 : label;
    for (size_t i = 0; i < rows; i++) {
        const int y = area.y + (int)i * pitch + pitch / 2, left = area.x + label + screen->font_size / 2;
        const bool chosen = !view->blank && i == best;
        SDL_Rect rect = { left, y - pitch * 3 / 10, area.w - (left - area.x) - number, pitch * 6 / 10 };
        name_output(view, i, words);
        put_text(screen, words, 0, chosen ? best_bar : text_colour, area.x + label, y, RIGHT, label);
        fill(screen, track, rect);
        if (view->blank)
            continue;
        const float part = fminf(1, fmaxf(0, view->shown[i]));
        rect.w = (int)((float)rect.w * part + 0.5f);
        if (rect.w > 0)
            fill(screen, chosen ? best_bar : bar, rect);
        snprintf(words, sizeof words, "%.1f %%", 100.0 * (double)view->shown[i]);
        put_text(screen, words, 0, chosen ? best_bar : text_colour, area.x + area.w, y, RIGHT, number);
    }
}

static void put_verdict(struct screen *screen, int x, int y, int room)
{
    const struct window_view *view = screen->host->view;
    char words[160], name[64];
    if (view->blank) {
        put_text(screen, view->input.channels == 1 ? "Draw on the left" : "Drop a picture on the left", 1, faint, x, y,
                 LEFT, room);
        return;
    }
    name_output(view, best_of(view), name);
    snprintf(words, sizeof words, "This is: %s", name);
    put_text(screen, words, 1, text_colour, x, y, LEFT, room);
}

static void put_input(struct screen *screen, SDL_Rect area)
{
    const struct window_view *view = screen->host->view;
    const int side = area.h - screen->font_size;
    const SDL_Rect to = { area.x, area.y, side, side };
    fill(screen, (SDL_Color){ 0, 0, 0, 255 }, to);
    if (!view->blank)
        put_picture(screen, &screen->input, view->input.width, view->input.height, view->input.channels,
                    view->input.values, to);
    char words[64];
    const int x = area.x + side + screen->font_size, room = area.w - side - screen->font_size;
    snprintf(words, sizeof words, "What the network sees (%zu x %zu)", view->input.width, view->input.height);
    put_text(screen, words, 0, text_colour, x, area.y + side / 2 - screen->font_size, LEFT, room);
    put_text(screen, fit_words[view->fit], 0, faint, x, area.y + side / 2 + screen->font_size * 3 / 4, LEFT, room);
}

static void put_foot(struct screen *screen, int x, int y, int room)
{
    char words[320];
    if (screen->message[0]) {
        put_text(screen, screen->message, 0, best_bar, x, y, LEFT, room);
        return;
    }
    snprintf(words, sizeof words, "%.250s     %s     H: help", screen->host->view->title,
             screen->eraser ? "eraser" : "brush");
    put_text(screen, words, 0, faint, x, y, LEFT, room);
}

static void put_help(struct screen *screen, int width, int height)
{
    const int lines = (int)(sizeof help_lines / sizeof *help_lines), pitch = screen->font_size * 2;
    const SDL_Rect box = { width / 2 - screen->font_size * 17, height / 2 - pitch * (lines + 1) / 2,
                           screen->font_size * 34, pitch * (lines + 1) };
    fill(screen, text_colour, box);
    for (int i = 0; i < lines; i++)
        put_text(screen, help_lines[i], 0, paper, width / 2, box.y + pitch * (i + 1), CENTRE,
                 box.w - screen->font_size * 2);
}

static int put_frame(struct screen *screen, struct iso_error *err)
{
    const struct window_view *view = screen->host->view;
    int width, height;
    SDL_GetRendererOutputSize(screen->renderer, &width, &height);
    const int unit = height * 2 < width ? height / 32 : width / 64;
    if (open_fonts(screen, unit < 8 ? 8 : unit, err))
        return -1;
    const int margin = screen->font_size, foot = screen->font_size * 2;
    int side = height - 2 * margin - foot;
    side = side > width * 55 / 100 ? width * 55 / 100 : side;
    side = side < 28 ? 28 : side;
    screen->board = (SDL_Rect){ margin, margin + (height - 2 * margin - foot - side) / 2, side, side };
    const int left = 2 * margin + side + margin, room = width - left - margin;

    fill(screen, paper, (SDL_Rect){ 0, 0, width, height });
    put_picture(screen, &screen->drawing, CANVAS_SIDE, CANVAS_SIDE, screen->canvas.channels, screen->canvas.drawing,
                screen->board);
    if (view->blank && !screen->stroking)
        put_text(screen, view->input.channels == 1 ? "Draw a digit here" : "Drop a picture here", 1, light,
                 screen->board.x + side / 2, screen->board.y + side / 2, CENTRE, side - margin);
    if (room > 4 * screen->font_size) {
        const int top = screen->board.y, verdict = screen->font_size * 3, picture = side / 5;
        put_verdict(screen, left, top + verdict / 2, room);
        put_bars(screen, (SDL_Rect){ left, top + verdict, room, side - verdict - picture - margin });
        put_input(screen, (SDL_Rect){ left, top + side - picture + screen->font_size, room, picture });
    }
    if (screen->inside)
        put_brush(screen);
    put_foot(screen, margin, height - foot * 2 / 3, width - 2 * margin);
    if (screen->help)
        put_help(screen, width, height);
    SDL_RenderPresent(screen->renderer);
    return 0;
}

/* ---- What is done ---- */

static int look(struct screen *screen, struct iso_error *err)
{
    const struct image drawing = { .width = CANVAS_SIDE, .height = CANVAS_SIDE, .channels = screen->canvas.channels,
                                   .values = screen->canvas.drawing };
    return screen->host->look(screen->host->context, &drawing, err);
}

/* A picture becomes the ground of the drawing; another model may want another number of channels. */
static int open_file(struct screen *screen, const char *file, struct iso_error *err)
{
    const struct window_view *view = screen->host->view;
    struct image drawing = { .width = CANVAS_SIDE, .height = CANVAS_SIDE, .channels = screen->canvas.channels };
    drawing.values = calloc(drawing.channels * CANVAS_SIDE * CANVAS_SIDE, sizeof(float));
    if (!drawing.values)
        return iso_fail(err, "out of memory");
    const int kind = screen->host->open(screen->host->context, file, &drawing, err);
    if (kind == 1)
        canvas_ground(&screen->canvas, drawing.values);
    free(drawing.values);
    if (kind == 0 && view->input.channels != screen->canvas.channels) {
        struct canvas other;
        if (canvas_make(&other, view->input.channels))
            return iso_fail(err, "out of memory");
        canvas_free(&screen->canvas);
        screen->canvas = other;
    }
    screen->changed = true;
    return kind < 0 ? -1 : 0;
}

static void grow_brush(struct screen *screen, float factor)
{
    screen->brush = fminf(BRUSH_LARGEST, fmaxf(BRUSH_SMALLEST, screen->brush * factor));
}

static void next_fit(struct screen *screen)
{
    struct window_view *view = screen->host->view;
    if (view->input.channels == 1)
        view->fit = view->fit == IMAGE_DIGIT ? IMAGE_BOX : view->fit == IMAGE_BOX ? IMAGE_WHOLE : IMAGE_DIGIT;
}

static void key(struct screen *screen, const SDL_Keysym *pressed)
{
    const bool control = pressed->mod & KMOD_CTRL;
    switch (pressed->sym) {
    case SDLK_q: case SDLK_ESCAPE: screen->quit = true; break;
    case SDLK_u: canvas_undo(&screen->canvas); break;
    case SDLK_r: canvas_redo(&screen->canvas); break;
    case SDLK_z:
        if (control)
            canvas_undo(&screen->canvas);
        break;
    case SDLK_y:
        if (control)
            canvas_redo(&screen->canvas);
        break;
    case SDLK_c: canvas_clear(&screen->canvas); break;
    case SDLK_e: screen->eraser = !screen->eraser; break;
    case SDLK_f: next_fit(screen); break;
    case SDLK_PLUS: case SDLK_EQUALS: case SDLK_KP_PLUS: grow_brush(screen, 1.15f); break;
    case SDLK_MINUS: case SDLK_KP_MINUS: grow_brush(screen, 1 / 1.15f); break;
    case SDLK_h: case SDLK_F1: screen->help = !screen->help; break;
    default: return;
    }
    screen->changed = true;
}

/* From the window's points to pixels of the canvas; high-density screens have more pixels than points. */
static void move_to(struct screen *screen, int x, int y)
{
    int points_w, points_h, width, height;
    SDL_GetWindowSize(screen->window, &points_w, &points_h);
    SDL_GetRendererOutputSize(screen->renderer, &width, &height);
    const float px = (float)x * (float)width / (float)(points_w > 0 ? points_w : 1);
    const float py = (float)y * (float)height / (float)(points_h > 0 ? points_h : 1);
    screen->mouse_x = (px - (float)screen->board.x) * CANVAS_SIDE / (float)screen->board.w;
    screen->mouse_y = (py - (float)screen->board.y) * CANVAS_SIDE / (float)screen->board.h;
    screen->inside = screen->mouse_x >= 0 && screen->mouse_x < CANVAS_SIDE && screen->mouse_y >= 0 &&
                     screen->mouse_y < CANVAS_SIDE;
}

static void handle(struct screen *screen, const SDL_Event *event)
{
    struct iso_error problem = { .size = sizeof problem };
    switch (event->type) {
    case SDL_QUIT: screen->quit = true; return;
    case SDL_WINDOWEVENT:
        screen->inside = screen->inside && event->window.event != SDL_WINDOWEVENT_LEAVE;
        screen->changed = true;
        return;
    case SDL_KEYDOWN:
        screen->message[0] = 0;
        key(screen, &event->key.keysym);
        return;
    case SDL_MOUSEWHEEL: /* 0: it was turned sideways */
        if (event->wheel.y)
            grow_brush(screen, event->wheel.y > 0 ? 1.15f : 1 / 1.15f);
        break;
    case SDL_MOUSEBUTTONDOWN:
        move_to(screen, event->button.x, event->button.y);
        screen->message[0] = 0;
        if (screen->inside && (event->button.button == SDL_BUTTON_LEFT || event->button.button == SDL_BUTTON_RIGHT)) {
            canvas_begin(&screen->canvas, screen->mouse_x, screen->mouse_y, screen->brush,
                         screen->eraser || event->button.button == SDL_BUTTON_RIGHT);
            screen->stroking = true;
        }
        break;
    case SDL_MOUSEMOTION:
        move_to(screen, event->motion.x, event->motion.y);
        if (screen->stroking)
            canvas_extend(&screen->canvas, screen->mouse_x, screen->mouse_y);
        break;
    case SDL_MOUSEBUTTONUP: screen->stroking = false; break;
    case SDL_DROPFILE:
        screen->message[0] = 0;
        if (open_file(screen, event->drop.file, &problem))
            snprintf(screen->message, sizeof screen->message, "%s", problem.text);
        SDL_free(event->drop.file);
        break;
    default: return;
    }
    if (screen->canvas.failed)
        snprintf(screen->message, sizeof screen->message, "out of memory: the stroke is not whole");
    screen->changed = true;
}

/* Waits for something to happen, takes all that has, draws one frame: at most one each 16 ms. */
static int loop(struct screen *screen, struct iso_error *err)
{
    SDL_Event event;
    while (!screen->quit) {
        if (screen->changed && (look(screen, err) || put_frame(screen, err)))
            return -1;
        const Uint32 drawn = SDL_GetTicks();
        screen->changed = false;
        if (SDL_WaitEvent(&event))
            do
                handle(screen, &event);
            while (SDL_PollEvent(&event));
        const Uint32 passed = SDL_GetTicks() - drawn;
        if (screen->changed && passed < FRAME_MILLISECONDS)
            SDL_Delay(FRAME_MILLISECONDS - passed);
    }
    return 0;
}

static int save(struct screen *screen, const char *file, struct iso_error *err)
{
    const int width = screen->surface->w, height = screen->surface->h;
    unsigned char *rgb = malloc((size_t)width * (size_t)height * 3);
    if (!rgb)
        return iso_fail(err, "out of memory");
    int status = SDL_RenderReadPixels(screen->renderer, NULL, SDL_PIXELFORMAT_RGB24, rgb, width * 3)
                     ? iso_fail(err, "the window's pixels can't be read: %s", SDL_GetError())
                     : screen->host->save_png(screen->host->context, file, (size_t)width, (size_t)height, rgb, err);
    free(rgb);
    return status;
}

/* Where there is no display, SDL takes a driver that shows nothing to anyone, unless it is told which to take. */
static bool sees_someone(void)
{
    const char *driver = SDL_GetCurrentVideoDriver();
    return getenv("SDL_VIDEODRIVER") || (driver && strcmp(driver, "offscreen") != 0 && strcmp(driver, "dummy") != 0 &&
                                         strcmp(driver, "evdev") != 0);
}

static int open_screen(struct screen *screen, bool shown, struct iso_error *err)
{
    const int width = 960, height = 600;
    if (TTF_Init())
        return iso_fail(err, "SDL_ttf does not start: %s", TTF_GetError());
    if (find_font(screen, err))
        return -1;
    if (!shown) {
        screen->surface = SDL_CreateRGBSurfaceWithFormat(0, width, height, 24, SDL_PIXELFORMAT_RGB24);
        screen->renderer = screen->surface ? SDL_CreateSoftwareRenderer(screen->surface) : NULL;
    } else {
        SDL_SetHint(SDL_HINT_RENDER_SCALE_QUALITY, "0");
        SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
        if (SDL_Init(SDL_INIT_VIDEO) || !sees_someone())
            return iso_fail(err, "no window can be opened: there is no display%s%s (--screenshot FILE needs none)",
                            *SDL_GetError() ? ": " : "", SDL_GetError());
        screen->window = SDL_CreateWindow("isoflop", SDL_WINDOWPOS_CENTERED, SDL_WINDOWPOS_CENTERED, width, height,
                                          SDL_WINDOW_RESIZABLE | SDL_WINDOW_ALLOW_HIGHDPI);
        if (screen->window) {
            SDL_SetWindowMinimumSize(screen->window, 480, 300);
            screen->renderer = SDL_CreateRenderer(screen->window, -1, 0);
            if (!screen->renderer)
                screen->renderer = SDL_CreateRenderer(screen->window, -1, SDL_RENDERER_SOFTWARE);
        }
    }
    if (!screen->renderer)
        return iso_fail(err, "no window can be drawn: %s", SDL_GetError());
    return 0;
}

static void close_screen(struct screen *screen)
{
    for (int i = 0; i < 2; i++)
        if (screen->fonts[i])
            TTF_CloseFont(screen->fonts[i]);
    SDL_DestroyTexture(screen->drawing);
    SDL_DestroyTexture(screen->input);
    if (screen->renderer)
        SDL_DestroyRenderer(screen->renderer);
    if (screen->window)
        SDL_DestroyWindow(screen->window);
    SDL_FreeSurface(screen->surface);
    if (TTF_WasInit())
        TTF_Quit();
    SDL_Quit();
    canvas_free(&screen->canvas);
}

static int run(const struct window_host *host, const char *picture, const char *screenshot, struct iso_error *err)
{
    struct screen screen = { .host = host, .brush = 0.045f * CANVAS_SIDE, .changed = true };
    int status = canvas_make(&screen.canvas, host->view->input.channels) ? iso_fail(err, "out of memory")
                                                                         : open_screen(&screen, !screenshot, err);
    if (!status && picture)
        status = open_file(&screen, picture, err);
    if (!status && screenshot)
        status = look(&screen, err) || put_frame(&screen, err) || save(&screen, screenshot, err) ? -1 : 0;
    else if (!status)
        status = loop(&screen, err);
    close_screen(&screen);
    return status;
}

extern ISO_EXPORT const struct window isoflop_window;
ISO_EXPORT const struct window isoflop_window = { .version = WINDOW_VERSION, .run = run };
