/* isoflop/plugin.h: the plugin ABI of isoflop, and all that a plugin needs.
 *
 * A plugin is a shared object that exports one constant data symbol, `isoflop_plugin`, made by ISO_PLUGIN. It imports
 * nothing from isoflop: what it may ask of the program comes as a `struct iso_host`. Each kind of plugin (activation,
 * loss, ...) fills one struct of functions and facts, its `ops`; ISO_PLUGIN finds the kind from the type of that
 * struct. A complete plugin:
 *
 *     #include <isoflop/plugin.h>
 *     static void forward(const void *state, size_t n, const float *x, float *y) { ... }
 *     static void backward(const void *state, size_t n, const float *x, const float *y, const float *dy, float *dx)
 *     { ... }
 *     static const struct iso_activation ops = { .flops_forward = 2, .flops_backward = 2, .forward = forward,
 *                                                .backward = backward };
 *     ISO_PLUGIN(ops, .name = "square", .revision = 1, .summary = "x^2");
 *
 * Rules for all kinds
 *  - Arrays are float32, row-major and contiguous unless a stride (in elements) is given. Sizes are in elements.
 *  - `state` points to state_size bytes that isoflop allocates, zeroes and fills from the recipe by the parameter
 *    table; it is NULL for a plugin with state_size 0. Only setup and teardown may change it.
 *    Functions that take it as const may be called from several threads at once, the others from one at a time.
 *  - Functions keep no hidden state of their own, print nothing, never exit, and leave rounding and flush-to-zero as
 *    they found them. Pointers handed over in a call, `host` and `err` among them, are valid during that call only.
 *  - An array may start at any float: alignment is promised only where a comment says so.
 *  - Functions without a `host` are hot: no allocation, no failure.
 *  - Functions that can fail return 0 or -1 and describe the failure with iso_fail(err, ...).
 *  - An optional function or field is left out (NULL, 0) where it does not apply; each comment says which are.
 *
 * Compatibility: isoflop copies min(size), ops by min(ops_size) and steps over the parameter table by param_size, so
 * that a plugin built against this header loads in later versions whose structs have grown at the end. A change of
 * meaning raises ISO_ABI. Structs handed over in a call begin with their size; enums grow at the end. A struct that the
 * plugin hands over to be filled (iso_bytes, iso_rng) gets its size from the plugin:
 * `struct iso_bytes bytes = { .size = sizeof bytes };`; isoflop writes no more than that.
 */
#ifndef ISOFLOP_PLUGIN_H
#define ISOFLOP_PLUGIN_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <isoflop/rng.h>

#define ISO_ABI 1

enum iso_kind {
    ISO_ACTIVATION = 1,
    ISO_LOSS,
    ISO_INITIALIZER,
    ISO_SCHEDULE,
    ISO_OPTIMIZER,
    ISO_DATASET,
    ISO_BACKEND,
    ISO_LAW
};

/* ---- Errors ------------------------------------------------------------------------------------------------------ */

/* An error in words: what went wrong and what to do about it, without a final newline. Empty text means none. */
struct iso_error {
    size_t size;
    char text[4000];
};

/* Describes a failure, printf-like, and returns -1. The first error wins: where err holds one already, nothing
 * changes. err may be NULL. */
#if defined __GNUC__
__attribute__((format(printf, 2, 3), unused))
#endif
static inline int iso_fail(struct iso_error *err, const char *format, ...)
{
    if (err && !err->text[0]) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(err->text, sizeof err->text, format, arguments);
        va_end(arguments);
    }
    return -1;
}

/* ---- Parameters -------------------------------------------------------------------------------------------------- */

enum iso_type {
    ISO_TYPE_REAL = 1, /* double */
    ISO_TYPE_INT,      /* int64_t */
    ISO_TYPE_FLAG,     /* bool */
    ISO_TYPE_CHOICE,   /* int: index into `choices` */
    ISO_TYPE_TEXT,     /* const char * */
    ISO_TYPE_PATH,     /* const char *: absolute, or made so relative to the recipe's folder */
    ISO_TYPE_REALS,    /* struct iso_reals */
    ISO_TYPE_INTS      /* struct iso_ints */
};

/* Lists: count values, memory of isoflop's that lives as long as the state. */
struct iso_reals {
    size_t count;
    const double *values;
};
struct iso_ints {
    size_t count;
    const int64_t *values;
};

/* One parameter of a plugin. A table of them ends with { 0 }. */
struct iso_param {
    const char *name;    /* [a-z][a-z0-9_]*, as in the recipe */
    int type;            /* enum iso_type */
    size_t offset;       /* of the field in the state */
    const char *initial; /* default as a recipe would write it ("0.01", "true", "[1, 2]"), or the name of an earlier
                            parameter of the same type; NULL: required */
    double min, max;     /* bounds of a number, of each number of a list, or of a text's length; both included;
                            -INFINITY and INFINITY for none */
    const char *help;    /* one line, unit included */
    const char *choices; /* for a choice: the words, separated by "|" */
    const char *try_min; /* the smallest and largest values that conformance tries, as a recipe would write them; */
    const char *try_max; /* left out: min and max where they are finite, else the default. Of a required parameter
                            try_min is tried in place of the default. */
};

/* Entries of a parameter table: ISO_REAL(struct state, field, default, min, max, help [, .try_max = "..."]).
 * The field's type is checked when the plugin is compiled. */
#define ISO_OFFSET(state, field, type_) _Generic(((state *)0)->field, type_: offsetof(state, field))
#define ISO_NUMBER(state, field, type_, code, initial_, min_, max_, ...)                                              \
    { .name = #field, .type = code, .offset = ISO_OFFSET(state, field, type_), .initial = initial_, .min = min_,      \
      .max = max_, .help = __VA_ARGS__ }
#define ISO_WORD(state, field, type_, code, initial_, ...)                                                            \
    { .name = #field, .type = code, .offset = ISO_OFFSET(state, field, type_), .initial = initial_, .min = 0,         \
      .max = 4096, .help = __VA_ARGS__ }
#define ISO_REAL(state, field, initial, min, max, ...)                                                                \
    ISO_NUMBER(state, field, double, ISO_TYPE_REAL, initial, min, max, __VA_ARGS__)
#define ISO_INT(state, field, initial, min, max, ...)                                                                 \
    ISO_NUMBER(state, field, int64_t, ISO_TYPE_INT, initial, min, max, __VA_ARGS__)
#define ISO_REALS(state, field, initial, min, max, ...)                                                               \
    ISO_NUMBER(state, field, struct iso_reals, ISO_TYPE_REALS, initial, min, max, __VA_ARGS__)
#define ISO_INTS(state, field, initial, min, max, ...)                                                                \
    ISO_NUMBER(state, field, struct iso_ints, ISO_TYPE_INTS, initial, min, max, __VA_ARGS__)
#define ISO_FLAG(state, field, initial, ...) ISO_WORD(state, field, bool, ISO_TYPE_FLAG, initial, __VA_ARGS__)
#define ISO_TEXT(state, field, initial, ...) ISO_WORD(state, field, const char *, ISO_TYPE_TEXT, initial, __VA_ARGS__)
#define ISO_PATH(state, field, initial, ...) ISO_WORD(state, field, const char *, ISO_TYPE_PATH, initial, __VA_ARGS__)
/* ISO_CHOICE(struct state, field, "softmax", "identity|softmax|sigmoid", help): the field is an int, 0 = identity. */
#define ISO_CHOICE(state, field, initial_, choices_, ...)                                                             \
    { .name = #field, .type = ISO_TYPE_CHOICE, .offset = ISO_OFFSET(state, field, int), .initial = initial_,          \
      .choices = choices_, .help = __VA_ARGS__ }

/* ---- What a plugin may ask of isoflop ---------------------------------------------------------------------------- */

/* Bytes that isoflop lends, read-only; alive as long as the plugin's instance. */
struct iso_bytes {
    size_t size;
    const unsigned char *data;
    size_t length;
};

struct iso_host {
    size_t size;
    void *core; /* isoflop's own */

    /* `bytes` zeroed bytes, aligned to 64, alive as long as the instance. NULL and an error where there are none. */
    void *(*allocate)(const struct iso_host *host, size_t bytes, struct iso_error *err);

    /* Finds, reads and decompresses a file: for a dataset, `name` is one of its `files` (looked for in the data
     * folders, plain or compressed, alone or in its archive) or the value of a path parameter, plain or compressed, to
     * which "/MEMBER" may be added where it is an archive (tar, zip). More than `limit` decompressed bytes are an error.
     * The content counts as data of the trial: its SHA-256 is part of the key. */
    int (*file)(const struct iso_host *host, const char *name, size_t limit, struct iso_bytes *bytes,
                struct iso_error *err);

    /* Decoded data of exactly `length` bytes, shared between processes and kept in the cache: `fill` is called only
     * where the cache does not hold them. What they depend on must be the plugin (its name, revision and parameters),
     * the files read so far and `name`. */
    int (*block)(const struct iso_host *host, const char *name, size_t length,
                 int (*fill)(void *context, unsigned char *data, size_t length, struct iso_error *err), void *context,
                 struct iso_bytes *bytes, struct iso_error *err);

    /* A generator for a purpose of the plugin's own, the same in every trial and process. */
    int (*generator)(const struct iso_host *host, const char *purpose, uint64_t seed, struct iso_rng *rng,
                     struct iso_error *err);
};

/* ---- Kinds ------------------------------------------------------------------------------------------------------- */

/* activation: y = f(x), element by element: splitting a call gives the same bits as the whole. */
struct iso_activation {
    double flops_forward;  /* FLOP an element; exp and the like count one */
    double flops_backward; /* the product with dy included */
    /* y may be x. */
    void (*forward)(const void *state, size_t n, const float *x, float *y);
    /* dx = dy * f'(x), where y = f(x). dx may be dy. */
    void (*backward)(const void *state, size_t n, const float *x, const float *y, const float *dy, float *dx);
    /* True: backward reads y alone, never x. isoflop then keeps one array for both and passes it as x and y. */
    bool from_output;
    /* Optional. Where parameters ask for a surrogate gradient: its name in a few words, else NULL; and its slope at x,
     * against which conformance then checks backward. */
    const char *(*surrogate)(const void *state);
    double (*surrogate_slope)(const void *state, double x);
};

/* What a loss compares raw outputs with. */
struct iso_targets {
    size_t size;
    const int32_t *labels; /* rows: class numbers from 0; NULL where there are none */
    const float *dense;    /* rows x outputs; NULL unless the loss asks for them or the data set has only these */
};

enum iso_target_kind {
    ISO_TARGET_LABELS = 1, /* labels; a data set without labels is refused */
    ISO_TARGET_DENSE       /* dense targets; isoflop makes one-hot rows from labels */
};

/* loss: value per example and gradient with respect to the raw outputs, unreduced (isoflop sums or averages). */
struct iso_loss {
    int targets;           /* enum iso_target_kind */
    double flops_value;    /* FLOP an output and example, of the value alone */
    double flops_gradient; /* FLOP an output and example, of the gradient given the value's intermediate results */
    /* raw: rows x outputs. value: rows. gradient: rows x outputs, NULL where only values are wanted. `training` turns
     * on what acts in training only (label smoothing, class weights), in value and gradient alike. A row's results
     * depend on that row alone. */
    void (*value)(const void *state, size_t rows, size_t outputs, const float *raw, const struct iso_targets *targets,
                  bool training, float *value, float *gradient);
    /* What is shown for raw outputs, such as probabilities; shown may be raw. NULL: the raw outputs themselves. */
    void (*predict)(const void *state, size_t rows, size_t outputs, const float *raw, float *shown);
    /* Optional: correct[i] = 1 where row i counts as right, else 0. NULL: with labels, the largest raw output is the
     * class (the first of equals); without labels there is no accuracy. */
    void (*correct)(const void *state, size_t rows, size_t outputs, const float *raw,
                    const struct iso_targets *targets, unsigned char *correct);
    /* Optional: true where `training` changes the value, so that isoflop takes the reported loss by itself. */
    bool (*training_differs)(const void *state);
    /* Optional: refuses, once before training, a number of outputs that does not go with the parameters (a list of
     * class weights of another length, say). */
    int (*fits)(const void *state, size_t outputs, struct iso_error *err);
    /* Optional, as for activations: the surrogate gradient's name or NULL, and the gradient of one example in
     * double. */
    const char *(*surrogate)(const void *state);
    void (*surrogate_gradient)(const void *state, size_t outputs, const double *raw, int32_t label,
                               const double *dense, double *gradient);
    /* Optional: where the parameters make sense for classes alone, why, and what to take else ("output: softmax gives
     * probabilities of classes; take output: identity"), so that data whose targets are numbers are refused; else
     * NULL. */
    const char *(*classes_only)(const void *state);
    /* Optional, where they differ: the range of dense targets. Data with others are refused. */
    double target_min, target_max;
};

/* A layer of weights, as its initializer sees it. */
struct iso_layer {
    size_t size;
    size_t fan_in, fan_out;
    size_t index; /* from 0, the layer next to the inputs */
    size_t depth; /* layers of weights in all */
};

/* initializer: weights (fan_out, fan_in), row-major. Before scaling, a weight depends on (seed, layer, i, j) alone,
 * which iso_rng_*_at gives for free: networks of different sizes start from the same numbers. */
struct iso_initializer {
    int (*fill)(const void *state, const struct iso_host *host, const struct iso_layer *layer,
                const struct iso_rng *rng, float *weights, struct iso_error *err);
    /* Optional: the standard deviation (about zero) of the weights that fill gives, which conformance checks. */
    double (*deviation)(const void *state, const struct iso_layer *layer);
    /* True: a weight depends on others of its layer (orthogonal matrices, say), so that weights of layers of different
     * sizes are not the same numbers up to a factor. */
    bool unpaired;
};

/* schedule: learning rate of a step, a pure function. step counts from 0; steps is the number of steps planned in all,
 * at least 1; an epoch has steps_per_epoch of them, at least 1. The rate is finite and not negative for any step, also
 * from `steps` on. isoflop applies warm-up itself. */
struct iso_schedule {
    double (*rate)(const void *state, uint64_t step, uint64_t steps, uint64_t steps_per_epoch);
};

/* optimizer: changes weights by their (reduced) gradient. Element by element unless `whole`. At rate 0, with which
 * warm-up begins, weights stay as they are. */
struct iso_optimizer {
    unsigned slots;         /* floats it keeps for each weight, zero at first */
    double flops_update;    /* FLOP a weight */
    bool whole;             /* true: update sees a layer's weights, or its biases, in one call (canonical order) */
    /* slots[k]: n floats, slot k of these weights. step counts from 0. gradients may be changed. */
    void (*update)(const void *state, size_t n, uint64_t step, double rate, bool is_bias, float *weights,
                   float *gradients, float *const *slots);
    /* Optional: true where update is weights -= rate * gradients with these parameters, so that a backend may fuse
     * it into the product that gives the gradients. */
    bool (*plain_descent)(const void *state);
};

/* ---- dataset ---- */

enum iso_split { ISO_SPLIT_TRAIN = 0, ISO_SPLIT_TEST };

/* Examples of one split as one table, or the shape of the examples of a data set without end. Exactly one of bytes and
 * floats is set, unless without end; value = scale * stored + offset. */
struct iso_table {
    size_t size;
    size_t examples; /* 0: without end */
    size_t inputs, outputs;
    const uint8_t *bytes;
    const float *floats;
    size_t row_stride; /* elements from one example to the next, at least inputs */
    double scale, offset;
    const uint8_t *labels; /* little-endian unsigned integers of label_width bytes, each below outputs; or NULL */
    size_t label_stride;   /* bytes from one label to the next */
    int label_width;       /* 1, 2 or 4 */
    const float *targets;  /* examples x outputs, where there are no labels; else NULL */
    const char *const *class_names; /* outputs names, or NULL */
    size_t height, width, channels; /* of an image whose inputs are (channel, row, column); 0 where it is none */
};

/* A file that a dataset is made of. A table of them ends with { 0 }. */
struct iso_data_file {
    const char *name;    /* as published, without a compression suffix */
    const char *archive; /* the archive that holds it, or NULL */
    const char *member;  /* its path in the archive, or NULL */
    const char *url;     /* its address below each of `mirrors` (of the archive where there is one) */
    const char *sha256;  /* of the decompressed content, 64 hexadecimal digits */
    uint64_t length;     /* of the decompressed content, in bytes */
    int split;           /* enum iso_split */
};

/* What drawn examples are written to: n contiguous rows of 8-bit or float features, and labels or targets. */
struct iso_drawn {
    size_t size;
    uint8_t *bytes;   /* set for a table that is stored as 8-bit */
    float *floats;    /* set for one stored as float */
    int32_t *labels;  /* set where `outputs` are classes */
    float *targets;   /* n x outputs, set for a regression */
};

enum iso_storage { ISO_STORED_BYTES = 1, ISO_STORED_FLOATS };

struct iso_dataset {
    /* Finite: gives a split. Without end: gives the shape (examples 0, bytes and floats NULL), the same for both
     * splits. */
    int (*open)(void *state, const struct iso_host *host, enum iso_split split, struct iso_table *table,
                struct iso_error *err);
    /* Without end only. Example index[k] depends on (seed, index[k]) and the parameters alone: its random numbers
     * are row i = index[k] of rng, which isoflop keys by the seed. */
    void (*draw)(const void *state, const struct iso_rng *rng, size_t n, const uint64_t *index,
                 const struct iso_drawn *out);
    int storage;     /* enum iso_storage: how draw writes features */
    bool regression; /* targets rather than labels */
    /* For `isoflop data`: the published files (NULL where there are none), folder names that may hold them (the first
     * is the one made), addresses to fetch from, the Debian package that has them; each list ends with NULL. */
    const struct iso_data_file *files;
    const char *const *folders;
    const char *const *mirrors;
    const char *package;
    const char *package_folder;
    const char *license; /* licence and source, one line */
};

/* ---- backend ---- */

/* A dense layer as a backend is asked to prepare for it. */
struct iso_dense {
    size_t size;
    size_t inputs, outputs;
    size_t batch;     /* the largest number of rows in a call */
    unsigned threads; /* it may use */
    bool sparse_inputs; /* calls may name the inputs that are not all zero */
};

/* Inputs of a layer for one minibatch. Where index is not NULL, x holds only `active` columns: column c is input
 * index[c], ascending; every other input is zero in all rows. Otherwise active is the number of inputs. */
struct iso_inputs {
    size_t size;
    size_t rows;
    const float *x;
    size_t stride;
    size_t active;
    const uint32_t *index;
};

/* A finished part of a product's result: rows x columns at y, of which y[0] is element (row, column). */
struct iso_tile {
    size_t size;
    size_t row, column;
    size_t rows, columns;
    float *y;
    size_t stride;
};

/* Called once for each element of y, when its sum is complete: adds biases, applies the activation. With more than one
 * thread, for different tiles from several threads at once; so is iso_panel. */
typedef void iso_epilogue(void *context, const struct iso_tile *tile);

/* Called once for each panel of weights when its gradient is complete: offset, in floats, from the start of the layer's
 * weights as the backend stores them, so that an optimizer's slots can be kept in the same layout. Padding is passed
 * too: weight and gradient are zero there. The panels of a call cover all weights, each once. */
typedef void iso_panel(void *context, size_t offset, size_t n, float *weights, float *gradients);

/* backend: how a dense layer, y = x W^T, is computed. It owns the layout of the weights, which start at a multiple of
 * 64 bytes. `layer` is what prepare gave: one thread uses it at a time; its memory is the instance's (host->allocate).
 * Rows of a call may be fewer than dense->batch. Results do not alias what they are computed from. */
struct iso_backend {
    /* Name of the kernel in use, such as "Haswell" or "avx512". */
    const char *(*kernel)(const void *state);
    void *(*prepare)(void *state, const struct iso_host *host, const struct iso_dense *dense, struct iso_error *err);
    /* Optional: the layer is not used any more; gives back what prepare took besides the host's memory. */
    void (*release)(void *layer);
    /* Floats that the layer's weights take, padding included. Padding is zero and stays so. */
    size_t (*weights_length)(const void *layer);
    /* Between the backend's layout and canonical (outputs, inputs), row-major. */
    void (*import)(const void *layer, const float *canonical, float *weights);
    void (*export)(const void *layer, const float *weights, float *canonical);
    /* y (rows x outputs, stride) = x W^T, then the epilogue on each tile. */
    void (*forward)(void *layer, const struct iso_inputs *inputs, const float *weights, float *y, size_t y_stride,
                    iso_epilogue *epilogue, void *context);
    /* dx (rows x inputs) = dy W. */
    void (*input_gradient)(void *layer, size_t rows, const float *dy, size_t dy_stride, const float *weights,
                           float *dx, size_t dx_stride);
    /* The gradient of the weights, dy^T x, handed over panel by panel. */
    void (*weight_gradient)(void *layer, const struct iso_inputs *inputs, const float *dy, size_t dy_stride,
                            float *weights, iso_panel *panel, void *context);
    /* Optional: W -= rate * dy^T x. */
    void (*descend)(void *layer, const struct iso_inputs *inputs, const float *dy, size_t dy_stride, float *weights,
                    float rate);
    bool sparse_inputs; /* takes inputs with an index list */
    bool any_threads;   /* the same bits for any number of threads */
    /* Optional: true where isoflop should look, in every minibatch, for inputs that are zero in all rows, and leave them
     * out of what the first layer gets. */
    bool (*skips_zeros)(const void *state);
};

/* ---- law ---- */

/* A parameter of a law. A table of them ends with { 0 }. */
struct iso_law_parameter {
    const char *name;
    bool logarithmic;     /* the search runs over log(value) */
    bool linear;          /* the law is linear in it, given the others */
    double min, max;
    const double *starts; /* start_count values to start a search from */
    size_t start_count;
    const char *help;
};

/* law: a formula for the loss, to be fitted. */
struct iso_law {
    const char *const *inputs; /* names of columns, such as "N", "D"; ends with NULL */
    const struct iso_law_parameter *parameters;
    /* value[r] for n rows, and gradient[r * parameters + p] unless NULL. x: n x inputs. */
    void (*value)(const void *state, size_t n, const double *x, const double *parameters, double *value,
                  double *gradient);
    const char *formula; /* plain text, in the names of inputs and parameters */
};

/* ---- The descriptor ---------------------------------------------------------------------------------------------- */

struct iso_plugin {
    int abi;         /* ISO_ABI: first for ever */
    size_t size;     /* of this struct: second for ever */
    int kind;        /* enum iso_kind */
    size_t ops_size;
    size_t param_size;
    const void *ops;
    const struct iso_param *params; /* ends with { 0 }; NULL: none */
    const char *name;               /* [a-z0-9_]+, the file's name */
    const char *summary;            /* one line, the formula where there is one */
    int revision;                   /* raised when results change; from 1 */
    size_t state_size;
    /* Optional: after the state was filled, before any other call; and, where setup did not fail, before the state is
     * freed. setup may compute further fields of the state, and refuse a combination of parameters. */
    int (*setup)(void *state, const struct iso_host *host, struct iso_error *err);
    void (*teardown)(void *state);
    size_t entry_size; /* of an entry of the tables that ops points to: iso_data_file, iso_law_parameter; else 0 */
};

#if defined __GNUC__
#define ISO_EXPORT __attribute__((visibility("default")))
#else
#define ISO_EXPORT
#endif

#define ISO_KIND_OF(ops)                                                                                              \
    _Generic((ops), struct iso_activation: ISO_ACTIVATION, struct iso_loss: ISO_LOSS,                                 \
             struct iso_initializer: ISO_INITIALIZER, struct iso_schedule: ISO_SCHEDULE,                              \
             struct iso_optimizer: ISO_OPTIMIZER, struct iso_dataset: ISO_DATASET, struct iso_backend: ISO_BACKEND,   \
             struct iso_law: ISO_LAW)

#define ISO_ENTRY_SIZE(ops)                                                                                           \
    _Generic((ops), struct iso_dataset: sizeof(struct iso_data_file),                                                 \
             struct iso_law: sizeof(struct iso_law_parameter), default: 0)

/* ISO_PLUGIN(ops, .name = ..., .revision = 1, .summary = ..., .state_size = ..., .params = ...); */
#define ISO_PLUGIN(ops_, ...)                                                                                         \
    extern ISO_EXPORT const struct iso_plugin isoflop_plugin;                                                         \
    ISO_EXPORT const struct iso_plugin isoflop_plugin = {                                                             \
        .abi = ISO_ABI, .size = sizeof(struct iso_plugin), .kind = ISO_KIND_OF(ops_), .ops_size = sizeof(ops_),       \
        .param_size = sizeof(struct iso_param), .entry_size = ISO_ENTRY_SIZE(ops_), .ops = &(ops_), __VA_ARGS__ }

#endif
