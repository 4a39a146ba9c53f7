/* isoflop plot: draws an experiment's figures again from its results, or a figure of any table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/numbers.h"
#include "command/command.h"
#include "command/figures.h"
#include "command/options.h"
#include "command/terminal.h"

static const char *const formats[] = { [FIGURE_SVG] = "svg", [FIGURE_PNG] = "png", [FIGURE_PDF] = "pdf" };
#define FORMAT_COUNT (sizeof formats / sizeof *formats)

struct plot {
    const char *format, *size;                     /* both forms */
    const char *x, *y, *group, *window, *out;      /* of a table */
    bool loglog, terminal;
    struct figure_screen screen;
    enum figure_format as;
    unsigned width, height; /* points; 0: default */
};

/* "468x302" in points of 1/72 inch, "6.5x4.2in", "16x10cm", "160x100mm". */
static int read_size(struct plot *plot, struct iso_error *err)
{
    static const struct {
        const char *name;
        double points;
    } units[] = { { "", 1 }, { "pt", 1 }, { "in", 72 }, { "cm", 72 / 2.54 }, { "mm", 72 / 25.4 } };
    const char *cross = strchr(plot->size, 'x');
    double side[2] = { 0, 0 }, unit = 0;
    char text[64];
    if (cross && strlen(plot->size) < sizeof text) {
        size_t digits = strspn(cross + 1, "0123456789.");
        memcpy(text, plot->size, (size_t)(cross - plot->size));
        text[cross - plot->size] = 0;
        bool good = number_real(text, &side[0]);
        memcpy(text, cross + 1, digits);
        text[digits] = 0;
        good = good && number_real(text, &side[1]);
        for (size_t i = 0; i < sizeof units / sizeof *units && good; i++)
            if (!strcmp(cross + 1 + digits, units[i].name))
                unit = units[i].points;
    }
    double width = side[0] * unit, height = side[1] * unit;
    if (!(width >= 72 && width <= 4000 && height >= 72 && height <= 4000))
        return iso_fail(err, "--size must be WIDTHxHEIGHT in points of 1/72 inch such as 468x302, or 6.5x4.2in or "
                             "16x10cm, an inch to 55 inches each, not %s", plot->size);
    plot->width = (unsigned)(width + 0.5);
    plot->height = (unsigned)(height + 0.5);
    return 0;
}

/* The format by --format, else by the ending of --out, else SVG. */
static int read_format(struct plot *plot, struct iso_error *err)
{
    const char *dot = plot->out ? strrchr(plot->out, '.') : NULL;
    const char *name = plot->format ? plot->format : dot ? dot + 1 : "svg";
    for (size_t i = 0; i < FORMAT_COUNT; i++)
        if (!strcmp(formats[i], name)) {
            plot->as = (enum figure_format)i;
            return 0;
        }
    if (!plot->format)
        return iso_fail(err, "%s: a figure is written as .svg, .png or .pdf; name it so or give --format", plot->out);
    return iso_fail(err, "--format must be svg, png or pdf, not %s", name);
}

static int plot_experiment(const struct plot *plot, const char *folder, const char *const *names, size_t count,
                           struct iso_error *err)
{
    const struct figures_request request = { .folder = folder, .names = names, .name_count = count,
                                             .format = plot->as, .width = plot->width, .height = plot->height,
                                             .screen = plot->terminal ? &plot->screen : NULL };
    size_t drawn;
    bool unknown;
    if (plot->x || plot->y || plot->group || plot->window || plot->loglog || plot->out) {
        iso_fail(err, "--x, --y, --group, --window, --loglog and --out are for tables; %s is an experiment's folder, "
                      "whose figures its recipe describes", folder);
        return STATUS_WRONG;
    }
    if (figures_draw(&request, stdout, &drawn, &unknown, err))
        return unknown ? STATUS_WRONG : STATUS_FAILED;
    return drawn ? STATUS_DONE : STATUS_FAILED;
}

/* "results/losses.csv" gives "losses.svg" in the folder where one works. */
static char *default_out(const char *csv, enum figure_format as)
{
    const char *slash = strrchr(csv, '/'), *name = slash ? slash + 1 : csv, *dot = strrchr(name, '.');
    struct text text = { 0 };
    text_add(&text, name, dot && dot > name ? (size_t)(dot - name) : strlen(name));
    text_format(&text, ".%s", formats[as]);
    return text_take(&text);
}

static bool has_columns(const struct frame *frame, const struct plot *plot)
{
    return (!plot->x || frame_find(frame, plot->x)) && frame_find(frame, plot->y) &&
           (!plot->group || frame_find(frame, plot->group));
}

static int plot_table(const struct plot *plot, const char *csv, struct iso_error *err)
{
    int64_t window = 0;
    if (!plot->y || (!plot->x && !plot->window)) {
        iso_fail(err, "%s is a table: name its columns with --x COLUMN and --y COLUMN", csv);
        return STATUS_WRONG;
    }
    if (plot->window && (!number_int(plot->window, &window) || window < 1)) {
        iso_fail(err, "--window must be a whole number of rows, at least 1, not %s", plot->window);
        return STATUS_WRONG;
    }
    if (window && plot->loglog) {
        iso_fail(err, "--window and --loglog exclude each other: averages are not fitted");
        return STATUS_WRONG;
    }
    struct frame *frame = frame_read_csv(csv, err);
    struct figure_spec *spec = NULL;
    struct figure *figure = NULL;
    char *out = NULL;
    int status = STATUS_FAILED;
    if (!frame)
        return STATUS_WRONG;
    const struct figure_results results = { .trials = frame };
    out = plot->out ? file_join("", plot->out) : default_out(csv, plot->as);
    if (!out) {
        error_memory(err);
        goto done;
    }
    spec = figure_spec_of_columns("plot", plot->x, plot->y, plot->group, plot->loglog, (uint64_t)window, err);
    if (spec)
        figure = figure_build(spec, &results, err);
    if (!figure) {
        error_context(err, "%s", csv);
        status = has_columns(frame, plot) ? STATUS_FAILED : STATUS_WRONG;
        goto done;
    }
    if (plot->terminal) {
        status = figure_show_on(figure, &plot->screen, stdout, err) ? STATUS_FAILED : STATUS_DONE;
        goto done;
    }
    if (figure_draw(figure, out, plot->as, plot->width, plot->height, err))
        goto done;
    printf("figure: %s\n", out);
    status = STATUS_DONE;

done:
    figure_free(figure);
    figure_spec_free(spec);
    frame_free(frame);
    free(out);
    return status;
}

static int run(int argc, char **argv, struct command_outcome *outcome)
{
    struct plot plot = { 0 };
    struct iso_error *err = &outcome->error;
    const struct option options[] = {
        { .name = "--format", .value = &plot.format }, { .name = "--size", .value = &plot.size },
        { .name = "--x", .value = &plot.x },           { .name = "--y", .value = &plot.y },
        { .name = "--group", .value = &plot.group },   { .name = "--window", .value = &plot.window },
        { .name = "--out", .value = &plot.out },       { .name = "--loglog", .flag = &plot.loglog },
        { .name = "--terminal", .flag = &plot.terminal },
        { 0 },
    };
    const char **rest = memory_array((size_t)argc + 1, sizeof *rest);
    size_t count = 0;
    struct stat status;
    int result = STATUS_WRONG;
    if (!rest) {
        error_memory(err);
        return STATUS_FAILED;
    }
    if (options_read(argc, argv, options, rest, &count, 1, 1000, command_plot.arguments, err) ||
        (plot.size && read_size(&plot, err)) || read_format(&plot, err))
        goto out;
    if (plot.terminal && (plot.format || plot.size || plot.out)) {
        iso_fail(err, "--terminal shows figures and writes no file: leave --format, --size and --out out");
        goto out;
    }
    if (plot.terminal)
        plot.screen = terminal_screen();
    if (stat(rest[0], &status)) {
        error_system(err, "there is no folder or table", rest[0]);
    } else if (S_ISDIR(status.st_mode)) {
        result = plot_experiment(&plot, rest[0], rest + 1, count - 1, err);
    } else if (count > 1) {
        iso_fail(err, "%s is a table, of which one figure is drawn; what is %s?", rest[0], rest[1]);
    } else {
        result = plot_table(&plot, rest[0], err);
    }

out:
    free(rest);
    return result;
}

const struct command command_plot = {
    .name = "plot",
    .arguments = "DIR [FIGURE...] | CSV --x COLUMN --y COLUMN",
    .summary = "figures of an experiment from its results, or of any table",
    .help = "  DIR                 an experiment's folder: its recipe's figures, or those named, into DIR/figures\n"
            "  CSV                 any table with a line of names\n"
            "  --format svg|png|pdf  of the figures (default: svg)\n"
            "  --size WxH          in points of 1/72 inch (default 468x302), or such as 6.5x4.2in, 16x10cm\n"
            "  --terminal          shows them here instead of writing files: as an image by the kitty or sixel protocol where\n"
            "                      the terminal can, else as text in braille; ISOFLOP_TERMINAL=braille|kitty|sixel chooses\n"
            "  --x COLUMN          of a table: what runs along\n"
            "  --y COLUMN          of a table: what is shown\n"
            "  --group COLUMN      of a table: a line for each of its values\n"
            "  --loglog            of a table: logarithmic axes, a straight line through each group and its exponent\n"
            "  --window N          of a table: the moving average over N rows\n"
            "  --out FILE          of a table: where to (default: its name, here)\n",
    .run = run,
};
