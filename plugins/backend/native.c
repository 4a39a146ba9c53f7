/* native: dense layers by kernels of isoflop's own, made for networks that stay in the cache.
 *
 * A layer's weights are kept in panels: panel p holds, for each input i, the weights of that input to the outputs of
 * one tile, two vectors wide. The last panel is one vector wide where that is enough. With L floats a vector and I
 * inputs:
 *
 *     W[o][i]  is float  p * 2L * I + i * width + o % 2L,   p = o / 2L,  width = 2L, or L in a narrow last panel
 *
 * All products read these panels as they are, nothing is packed in a step:
 *
 *     forward           y  tile (rows, panel)    = x rows  *  panel
 *     weight gradients  g  tile (inputs, panel)  = x columns  *  dy columns of the panel
 *     input gradients   dx tile (rows, strip)    = dy rows  *  a strip of inputs of the panels, transposed
 *
 * (dy's columns and the strip are copied into the first-level cache just before.) Every element of a result is one sum
 * that starts at 0 and takes its products in ascending order by fused multiply-add, as in the backend naive: the same
 * bits with any instruction set and any number of threads, which share panels and strips out among them.
 */
#include <string.h>

#include "native_kernel.h"
#include "native_team.h"

enum {
    DEPTH = 256,     /* terms that all tiles of a panel take before the next: panel and rows stay in the L1 cache */
    CHUNK = 8,       /* tiles of a gradient that are handed over at once: they and what they update stay in the cache */
    ALONE = 1 << 22, /* multiply-adds of a product below which more threads give little, or cost on a busy machine */
};

struct state {
    int kernel_choice;
    bool skip_zeros;
    const struct native_kernel *kernel;
    struct team *team;
};

/* What a thread works with, in memory of its own. */
struct desk {
    float *copy;     /* DEPTH rows, two vectors wide: of dy, or of a strip */
    float *edge;     /* a tile that does not fit into the result */
    float *gradient; /* of a chunk of a panel */
};

struct layer {
    const struct native_kernel *kernel;
    struct team *team;
    size_t inputs, outputs;
    size_t full;       /* floats of a row of a full panel: two vectors */
    size_t panels;
    unsigned threads;
    uint32_t *every;   /* 0, 1, 2, ...: an index list that leaves nothing out */
    struct desk *desk; /* one a thread */
};

/* ---- The cutting of matrices into panels, tiles and shares ---- */

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t divide_up(size_t n, size_t by)
{
    return n / by + (n % by != 0);
}

/* `count` things cut into `parts` parts as equal as can be: the first thing of part k. */
static size_t cut(size_t count, size_t parts, size_t k)
{
    return count / parts * k + smaller(k, count % parts);
}

/* Columns from `first` on, of `count`, that a panel or strip holds, and its width in vectors. */
struct columns {
    size_t first, count, vectors;
};

static struct columns columns_of(const struct layer *layer, size_t count, size_t p)
{
    const size_t first = p * layer->full, left = smaller(count - first, layer->full);
    return (struct columns){ first, left, left > layer->kernel->lanes ? 2 : 1 };
}

static size_t panel_start(const struct layer *layer, size_t p)
{
    return p * layer->full * layer->inputs;
}

/* Computes the parts first to end of one panel of a product. */
struct product;
typedef void panel_work(const struct product *product, const struct desk *desk, size_t panel, size_t first,
                        size_t end);

/* A product to be computed. */
struct product {
    const struct layer *layer;
    panel_work *work;
    size_t panels, parts; /* parts of each panel */
    size_t rows, active;
    const float *x, *dy;
    size_t x_stride, dy_stride;
    const uint32_t *index;
    const float *read;    /* weights */
    float *weights;       /* the same, where they change */
    float rate;
    float *result;
    size_t stride;
    iso_epilogue *epilogue;
    iso_panel *panel;
    void *context;
};

/* The share of a thread in panels x parts, panel by panel. */
static void do_share(void *product_, unsigned thread, unsigned threads)
{
    const struct product *product = product_;
    const size_t all = product->panels * product->parts, end = cut(all, threads, thread + 1);
    for (size_t k = cut(all, threads, thread), next; k < end; k = next) {
        const size_t panel = k / product->parts, start = panel * product->parts;
        next = smaller(end, start + product->parts);
        product->work(product, &product->layer->desk[thread], panel, k - start, next - start);
    }
}

static void run(const struct product *product)
{
    const struct layer *layer = product->layer;
    const bool alone = layer->threads == 1 || product->rows * product->active < ALONE / layer->outputs;
    team_run(layer->team, alone ? 1 : layer->threads, do_share, (void *)product);
}

/* ---- Forward, and the input gradient: rows times a panel ---- */

/* Rows first to end of result[columns] = a * panel for `depth` terms; or goes on from what is there. */
static void multiply_rows(const struct product *product, const struct desk *desk, const struct columns *columns,
                          size_t first, size_t end, const float *a, size_t a_stride, const float *panel,
                          const uint32_t *index, size_t depth, bool go_on)
{
    const struct native_kernel *kernel = product->layer->kernel;
    const size_t width = columns->vectors * kernel->lanes, bytes = columns->count * sizeof(float);
    for (size_t part = first; part < end; part++) {
        const size_t row = cut(product->rows, product->parts, part);
        const size_t rows = cut(product->rows, product->parts, part + 1) - row;
        float *c = product->result + row * product->stride + columns->first;
        if (columns->count == width) {
            kernel->multiply(rows, columns->vectors, depth, a + row * a_stride, a_stride, panel, index, c,
                             product->stride, go_on);
            continue;
        }
        for (size_t m = 0; go_on && m < rows; m++)
            memcpy(desk->edge + m * width, c + m * product->stride, bytes);
        kernel->multiply(rows, columns->vectors, depth, a + row * a_stride, a_stride, panel, index, desk->edge, width,
                         go_on);
        for (size_t m = 0; m < rows; m++)
            memcpy(c + m * product->stride, desk->edge + m * width, bytes);
    }
}

static void forward_panel(const struct product *product, const struct desk *desk, size_t p, size_t first, size_t end)
{
    const struct layer *layer = product->layer;
    const struct columns columns = columns_of(layer, layer->outputs, p);
    const float *panel = product->read + panel_start(layer, p);
    const size_t blocks = product->active ? divide_up(product->active, DEPTH) : 1;
    for (size_t block = 0; block < blocks; block++) {
        const size_t k = cut(product->active, blocks, block), depth = cut(product->active, blocks, block + 1) - k;
        multiply_rows(product, desk, &columns, first, end, product->x + k, product->x_stride, panel,
                      product->index + k, depth, block > 0);
    }
    const size_t row = cut(product->rows, product->parts, first);
    const struct iso_tile tile = { .size = sizeof tile, .row = row, .column = columns.first,
                                   .rows = cut(product->rows, product->parts, end) - row, .columns = columns.count,
                                   .y = product->result + row * product->stride + columns.first,
                                   .stride = product->stride };
    product->epilogue(product->context, &tile);
}

static void forward(void *layer_, const struct iso_inputs *inputs, const float *weights, float *y, size_t y_stride,
                    iso_epilogue *epilogue, void *context)
{
    const struct layer *layer = layer_;
    run(&(struct product){ .layer = layer, .work = forward_panel, .panels = layer->panels,
                           .parts = divide_up(inputs->rows, layer->kernel->rows), .rows = inputs->rows,
                           .active = inputs->active, .x = inputs->x, .x_stride = inputs->stride,
                           .index = inputs->index ? inputs->index : layer->every, .read = weights, .result = y,
                           .stride = y_stride, .epilogue = epilogue, .context = context });
}

/* strip[o][i] = W[first output + o][first input + i] for `depth` outputs and the inputs of `columns`. */
static void fill_strip(const struct layer *layer, const float *weights, const struct columns *columns, size_t first,
                       size_t depth, float *strip)
{
    const size_t lanes = layer->kernel->lanes, width = columns->vectors * lanes;
    for (size_t o = first; o < first + depth; o += lanes) {
        const size_t p = o / layer->full, row = columns_of(layer, layer->outputs, p).vectors * lanes;
        const float *from = weights + panel_start(layer, p) + columns->first * row + o % layer->full;
        for (size_t i = 0; i < columns->count; i += lanes)
            layer->kernel->transpose(smaller(lanes, columns->count - i), from + i * row, row,
                                     strip + (o - first) * width + i, width);
    }
}

static void input_gradient_strip(const struct product *product, const struct desk *desk, size_t p, size_t first,
                                 size_t end)
{
    const struct layer *layer = product->layer;
    const struct columns columns = columns_of(layer, layer->inputs, p);
    for (size_t k = 0; k < layer->outputs; k += DEPTH) {
        const size_t depth = smaller(layer->outputs - k, DEPTH);
        fill_strip(layer, product->read, &columns, k, depth, desk->copy);
        multiply_rows(product, desk, &columns, first, end, product->dy + k, product->dy_stride, desk->copy,
                      layer->every, depth, k > 0);
    }
}

static void input_gradient(void *layer_, size_t rows, const float *dy, size_t dy_stride, const float *weights,
                           float *dx, size_t dx_stride)
{
    const struct layer *layer = layer_;
    run(&(struct product){ .layer = layer, .work = input_gradient_strip,
                           .panels = divide_up(layer->inputs, layer->full),
                           .parts = divide_up(rows, layer->kernel->rows), .rows = rows, .active = layer->inputs,
                           .dy = dy, .dy_stride = dy_stride, .read = weights, .result = dx, .stride = dx_stride });
}

/* ---- Weight gradients: columns of x times columns of dy ---- */

/* Rows row to row + count of dy's columns, one after another, padding zero. */
static void copy_columns(const struct product *product, const struct columns *columns, size_t row, size_t count,
                         float *copy)
{
    const size_t width = columns->vectors * product->layer->kernel->lanes;
    for (size_t r = 0; r < count; r++) {
        memcpy(copy + r * width, product->dy + (row + r) * product->dy_stride + columns->first,
               columns->count * sizeof *copy);
        memset(copy + r * width + columns->count, 0, (width - columns->count) * sizeof *copy);
    }
}

/* The gradient of some columns of x in one panel: into desk->gradient, whose first row is input `start`; or, in the
 * last block of rows, straight into the weights `descended`. dy's columns stay copied from one chunk of a panel to the
 * next where they are one block. */
static void gradient_chunk(const struct product *product, const struct desk *desk, const struct columns *columns,
                           size_t column, size_t count, size_t start, float *descended, bool first)
{
    const struct native_kernel *kernel = product->layer->kernel;
    const size_t blocks = divide_up(product->rows, DEPTH), tiles = divide_up(count, kernel->rows);
    for (size_t block = 0; block < blocks; block++) {
        const size_t row = cut(product->rows, blocks, block), depth = cut(product->rows, blocks, block + 1) - row;
        if (first || blocks > 1)
            copy_columns(product, columns, row, depth, desk->copy);
        for (size_t tile = 0; tile < tiles; tile++) {
            const size_t c = column + cut(count, tiles, tile), height = column + cut(count, tiles, tile + 1) - c;
            const float *x = product->x + row * product->x_stride + c;
            kernel->gradient(height, columns->vectors, depth, x, product->x_stride, desk->copy, product->index + c,
                             start, desk->gradient, block > 0, block + 1 == blocks ? descended : NULL, product->rate);
        }
    }
}

/* Chunks first to end of a panel. A chunk is some of the given columns, and the inputs up to the next chunk. */
static void gradient_panel(const struct product *product, const struct desk *desk, size_t p, size_t first, size_t end)
{
    const struct layer *layer = product->layer;
    const struct columns columns = columns_of(layer, layer->outputs, p);
    const size_t width = columns.vectors * layer->kernel->lanes;
    float *weights = product->weights + panel_start(layer, p);
    for (size_t chunk = first; chunk < end; chunk++) {
        const size_t column = cut(product->active, product->parts, chunk);
        const size_t next = cut(product->active, product->parts, chunk + 1);
        const size_t start = chunk ? product->index[column] : 0;
        const size_t stop = chunk + 1 < product->parts ? product->index[next] : layer->inputs;
        if (product->panel && (next - column < stop - start || product->rows == 0))
            memset(desk->gradient, 0, (stop - start) * width * sizeof(float));
        gradient_chunk(product, desk, &columns, column, next - column, start, product->panel ? NULL : weights,
                       chunk == first);
        if (product->panel)
            product->panel(product->context, panel_start(layer, p) + start * width, (stop - start) * width,
                           weights + start * width, desk->gradient);
    }
}

static void update(const struct layer *layer, const struct iso_inputs *inputs, const float *dy, size_t dy_stride,
                   float *weights, float rate, iso_panel *panel, void *context)
{
    const size_t chunks = divide_up(inputs->active, CHUNK * layer->kernel->rows);
    run(&(struct product){ .layer = layer, .work = gradient_panel, .panels = layer->panels,
                           .parts = chunks ? chunks : 1, .rows = inputs->rows, .active = inputs->active,
                           .x = inputs->x, .x_stride = inputs->stride,
                           .index = inputs->index ? inputs->index : layer->every, .dy = dy, .dy_stride = dy_stride,
                           .weights = weights, .rate = rate, .panel = panel, .context = context });
}

static void weight_gradient(void *layer, const struct iso_inputs *inputs, const float *dy, size_t dy_stride,
                            float *weights, iso_panel *panel, void *context)
{
    update(layer, inputs, dy, dy_stride, weights, 0, panel, context);
}

static void descend(void *layer, const struct iso_inputs *inputs, const float *dy, size_t dy_stride, float *weights,
                    float rate)
{
    update(layer, inputs, dy, dy_stride, weights, rate, NULL, NULL);
}

/* ---- Layers ---- */

static int make_desk(const struct layer *layer, const struct iso_host *host, bool sparse, struct desk *desk,
                     struct iso_error *err)
{
    const size_t row = layer->full * sizeof(float), tile = layer->kernel->rows;
    /* A chunk of sparse inputs may span any number of inputs. */
    const size_t span = sparse ? layer->inputs : smaller(layer->inputs, CHUNK * tile);
    desk->copy = host->allocate(host, DEPTH * row, err);
    desk->edge = host->allocate(host, tile * row, err);
    desk->gradient = host->allocate(host, span * row, err);
    return desk->copy && desk->edge && desk->gradient ? 0 : -1;
}

static void *prepare(void *state_, const struct iso_host *host, const struct iso_dense *dense, struct iso_error *err)
{
    const struct state *state = state_;
    const size_t most = UINT32_MAX;
    if (dense->inputs == 0 || dense->outputs == 0 || dense->inputs > most || dense->outputs > most ||
        dense->inputs > SIZE_MAX / sizeof(float) / 2 / (dense->outputs + 2 * state->kernel->lanes)) {
        iso_fail(err, "native takes layers of 1 to %zu inputs and outputs that fit in memory, not %zu x %zu", most,
                 dense->inputs, dense->outputs);
        return NULL;
    }
    struct layer *layer = host->allocate(host, sizeof *layer, err);
    if (!layer)
        return NULL;
    layer->kernel = state->kernel;
    layer->team = state->team;
    layer->inputs = dense->inputs;
    layer->outputs = dense->outputs;
    layer->full = 2 * state->kernel->lanes;
    layer->panels = divide_up(dense->outputs, layer->full);
    layer->threads = dense->threads < TEAM_MAX ? dense->threads ? dense->threads : 1 : TEAM_MAX;
    const size_t longest = dense->inputs > dense->outputs ? dense->inputs : dense->outputs;
    layer->every = host->allocate(host, longest * sizeof *layer->every, err);
    layer->desk = host->allocate(host, layer->threads * sizeof *layer->desk, err);
    if (!layer->every || !layer->desk)
        return NULL;
    for (size_t k = 0; k < longest; k++)
        layer->every[k] = (uint32_t)k;
    for (unsigned t = 0; t < layer->threads; t++)
        if (make_desk(layer, host, dense->sparse_inputs, &layer->desk[t], err))
            return NULL;
    return team_join(layer->team, layer->threads, err) ? NULL : layer;
}

static void release(void *layer)
{
    team_leave(((struct layer *)layer)->team);
}

static size_t weights_length(const void *layer_)
{
    const struct layer *layer = layer_;
    return panel_start(layer, layer->panels - 1) +
           columns_of(layer, layer->outputs, layer->panels - 1).vectors * layer->kernel->lanes * layer->inputs;
}

/* Where the weight from input 0 to an output is, and the floats from there to that from the next input. */
static size_t place(const struct layer *layer, size_t output, size_t *step)
{
    const size_t p = output / layer->full;
    *step = columns_of(layer, layer->outputs, p).vectors * layer->kernel->lanes;
    return panel_start(layer, p) + output % layer->full;
}

static void import(const void *layer_, const float *canonical, float *weights)
{
    const struct layer *layer = layer_;
    memset(weights, 0, weights_length(layer) * sizeof *weights);
    for (size_t o = 0, step; o < layer->outputs; o++) {
        float *to = weights + place(layer, o, &step);
        for (size_t i = 0; i < layer->inputs; i++)
            to[i * step] = canonical[o * layer->inputs + i];
    }
}

static void export(const void *layer_, const float *weights, float *canonical)
{
    const struct layer *layer = layer_;
    for (size_t o = 0, step; o < layer->outputs; o++) {
        const float *from = weights + place(layer, o, &step);
        for (size_t i = 0; i < layer->inputs; i++)
            canonical[o * layer->inputs + i] = from[i * step];
    }
}

/* ---- The plugin ---- */

/* The words of the parameter `kernel`, the best kernel first. */
enum { BEST, AVX512, AVX2, PORTABLE };
static const char *const kernel_names[] = { "best", "avx512", "avx2", "portable" };

/* NULL: this processor or build does not have its instructions. */
static const struct native_kernel *find_kernel(int choice)
{
#if defined NATIVE_X86
    __builtin_cpu_init();
    if (choice == AVX512 && __builtin_cpu_supports("avx512f"))
        return &native_avx512;
    if (choice == AVX2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return &native_avx2;
#endif
    return choice == PORTABLE ? &native_portable : NULL;
}

static int setup(void *state_, const struct iso_host *host, struct iso_error *err)
{
    struct state *state = state_;
    int choice = state->kernel_choice == BEST ? AVX512 : state->kernel_choice;
    while (!(state->kernel = find_kernel(choice)) && state->kernel_choice == BEST)
        choice++;
    if (!state->kernel)
        return iso_fail(err, "this processor, or this build of isoflop, does not have the instructions of the kernel "
                             "%s; kernel: best takes the best that there is", kernel_names[choice]);
    state->team = team_new(host, err);
    return state->team ? 0 : -1;
}

static void teardown(void *state)
{
    team_free(((struct state *)state)->team);
}

static const char *kernel(const void *state)
{
    return ((const struct state *)state)->kernel->name;
}

static bool skips_zeros(const void *state)
{
    return ((const struct state *)state)->skip_zeros;
}

static const struct iso_param params[] = {
    { .name = "kernel", .type = ISO_TYPE_CHOICE, .offset = ISO_OFFSET(struct state, kernel_choice, int),
      .initial = "best", .choices = "best|avx512|avx2|portable",
      .help = "instruction set; all give the same bits (portable is slow where the compiler found no FMA)" },
    ISO_FLAG(struct state, skip_zeros, "true",
             "leave out, in the first layer, inputs that are zero in all of a minibatch (changes no result)"),
    { 0 },
};
static const struct iso_backend ops = {
    .kernel = kernel,
    .prepare = prepare,
    .release = release,
    .weights_length = weights_length,
    .import = import,
    .export = export,
    .forward = forward,
    .input_gradient = input_gradient,
    .weight_gradient = weight_gradient,
    .descend = descend,
    .sparse_inputs = true,
    .any_threads = true,
    .skips_zeros = skips_zeros,
};
ISO_PLUGIN(ops, .name = "native", .revision = 1,
           .summary = "dense layers by isoflop's own kernels (AVX-512, AVX2, portable), on any number of threads",
           .state_size = sizeof(struct state), .params = params, .setup = setup, .teardown = teardown);
