/* A trained model read back from a checkpoint. */
#include "train/model.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "train/arithmetic.h"
#include "train/checkpoint.h"
#include "train/objective.h"

struct model {
    struct plugins *plugins;
    const char *folder; /* of a recipe's paths; NULL: here */
    struct checkpoint *checkpoint;
    struct settings *settings, *other; /* other: for another data set */
    struct network *network;
    size_t inputs, outputs;
};

/* Weights made elsewhere may come with a recipe that says nothing of training: whatever it says is as good. */
static int supply_training(struct tree *tree, struct diagnostics *found)
{
    const struct node *root = tree->root;
    if (root->kind != NODE_MAP)
        return 0;
    return (!node_get(root, "schedule") && tree_override(tree, "schedule={constant: {rate: 0}}", found)) ||
                   (!node_get(root, "train") && tree_override(tree, "train={steps: 1}", found))
               ? -1 : 0;
}

/* Settings from a recipe's text, with an override; NULL and the messages as one error. */
static struct settings *read_recipe(const struct model *model, const char *assignment, struct iso_error *err)
{
    const char *recipe = model->checkpoint->recipe;
    struct diagnostics *found = diagnostics_new();
    struct tree *tree = found ? tree_parse("the checkpoint's recipe", recipe, strlen(recipe), found) : NULL;
    if (tree && (supply_training(tree, found) || (assignment && tree_override(tree, assignment, found)))) {
        tree_free(tree);
        tree = NULL;
    }
    if (tree && model->folder && !(tree->folder = arena_copy(tree->arena, model->folder, strlen(model->folder)))) {
        tree_free(tree);
        tree = NULL;
    }
    if (tree) /* the weights come from the checkpoint: what they had started from need not be there any more */
        node_remove(node_get(tree->root, "model"), "from");
    struct settings *settings = tree ? settings_read(tree, model->plugins, found) : NULL;
    if (!settings) {
        struct text text = { 0 };
        if (found)
            diagnostics_text(found, &text);
        char *words = text_take(&text);
        iso_fail(err, "%s", words && *words ? words : "out of memory");
        free(words);
    }
    diagnostics_free(found);
    return settings;
}

static int build(struct model *model, struct iso_error *err)
{
    const struct checkpoint *checkpoint = model->checkpoint;
    const struct settings *settings = model->settings;
    size_t outputs[SETTINGS_HIDDEN_MAX + 1];
    if (checkpoint->count != settings->hidden_count + 1)
        return iso_fail(err, "it has %zu layers of weights, and its recipe's model %zu", checkpoint->count,
                        settings->hidden_count + 1);
    for (size_t l = 0; l < checkpoint->count; l++) {
        outputs[l] = checkpoint->layers[l].outputs;
        if (l < settings->hidden_count && outputs[l] != settings->hidden[l])
            return iso_fail(err, "its layer %zu has %zu outputs, and its recipe's model %zu", l, outputs[l],
                            settings->hidden[l]);
    }
    model->inputs = checkpoint->layers[0].inputs;
    model->outputs = outputs[checkpoint->count - 1];
    const struct network_spec spec = {
        .inputs = model->inputs,
        .layers = checkpoint->count,
        .outputs = outputs,
        .activation = settings->activation,
        .backend = settings->backend,
        .has_bias = settings->bias != BIAS_NONE,
        .clip = settings->clip,
        .clip_gradient_zero = settings->clip_gradient_zero,
        .clip_output = settings->clip_output,
        .batch = NETWORK_EVALUATION_ROWS,
        .threads = 1,
    };
    model->network = network_new(&spec, err);
    return model->network ? checkpoint_load(checkpoint, model->network, err) : -1;
}

static bool is_folder(const char *path)
{
    struct stat status;
    return !stat(path, &status) && S_ISDIR(status.st_mode);
}

struct model *model_load(const char *path, struct plugins *plugins, struct iso_error *err)
{
    return model_load_for(path, NULL, plugins, err);
}

struct model *model_load_for(const char *path, const char *folder, struct plugins *plugins, struct iso_error *err)
{
    struct model *model = calloc(1, sizeof *model);
    if (!model) {
        error_memory(err);
        return NULL;
    }
    model->plugins = plugins;
    model->folder = folder;
    if (is_folder(path)) {
        iso_fail(err, "%s is a folder; a model is a file such as %s/checkpoints/KEY/final.safetensors, which recipes keep "
                 "with `checkpoint: [final]`", path, path);
        goto failed;
    }
    if (!(model->checkpoint = checkpoint_read(path, err)))
        goto failed;
    if (!model->checkpoint->recipe) {
        iso_fail(err, "%s holds weights but no recipe, so nothing says which activation they go with: it was not "
                 "written by isoflop. Its metadata need \"recipe\", YAML such as {dataset: mnist, model: {hidden: [%zu], "
                 "activation: relu}}", path, model->checkpoint->layers[0].outputs);
        goto failed;
    }
    if (!(model->settings = read_recipe(model, NULL, err)) || build(model, err)) {
        error_context(err, "%s", path);
        goto failed;
    }
    return model;
failed:
    model_free(model);
    return NULL;
}

void model_free(struct model *model)
{
    if (!model)
        return;
    network_free(model->network);
    settings_free(model->other);
    settings_free(model->settings);
    checkpoint_free(model->checkpoint);
    free(model);
}

const struct settings *model_settings(const struct model *model)
{
    return model->settings;
}

uint64_t model_step(const struct model *model)
{
    return model->checkpoint->step;
}

const char *const *model_class_names(const struct model *model)
{
    return model->checkpoint->class_names;
}

struct data *model_open_data(struct model *model, const char *dataset, struct iso_error *err)
{
    const struct settings *settings = model->settings;
    if (dataset) {
        struct text assignment = { 0 };
        text_format(&assignment, "dataset=%s", dataset);
        char *text = text_take(&assignment);
        if (!text) {
            error_memory(err);
            return NULL;
        }
        settings_free(model->other);
        settings = model->other = read_recipe(model, text, err);
        free(text);
        if (!settings)
            return NULL;
    }
    return data_open(settings->dataset, &settings->data, settings->seed, err);
}

/* What turns inputs as the data set normalises them, x = raw * f + s, into those of training, raw * F + S:
 * x * (F / f) + (S - s * F / f). Where f is 0, x says nothing, and the input is S. */
static int adjust(const struct model *model, const struct data *data, struct batch *batch, struct iso_error *err)
{
    const struct checkpoint *checkpoint = model->checkpoint;
    const float *factor, *shift;
    bool same = true;
    data_normalisation(data, &factor, &shift);
    if (!factor || !checkpoint->factor)
        return 0;
    for (size_t i = 0; i < model->inputs && same; i++)
        same = factor[i] == checkpoint->factor[i] && shift[i] == checkpoint->shift[i];
    if (same)
        return 0;
    if (!(batch->factor = memory_array(model->inputs, sizeof(float))) ||
        !(batch->shift = memory_array(model->inputs, sizeof(float))))
        return error_memory(err);
    for (size_t i = 0; i < model->inputs; i++) {
        const double f = (double)factor[i], ratio = f != 0 ? (double)checkpoint->factor[i] / f : 0;
        batch->factor[i] = (float)ratio;
        batch->shift[i] = (float)((double)checkpoint->shift[i] - (f != 0 ? (double)shift[i] * ratio : 0));
    }
    return 0;
}

/* What looking at a split needs; all freed by looking_end, also after a failure. */
struct looking {
    struct objective objective;
    struct batch batch;
    struct arithmetic before;
};

static int looking_begin(struct looking *looking, struct model *model, const struct data *data, enum data_split split,
                         struct iso_error *err)
{
    const struct data_shape *shape = data_shape(data);
    const struct settings *settings = model->other ? model->other : model->settings;
    const char *name = settings->dataset->plugin->descriptor.name;
    *looking = (struct looking){ .before = arithmetic_set() };
    if (shape->inputs != model->inputs || shape->outputs != model->outputs)
        return iso_fail(err, "the model takes %zu inputs and gives %zu outputs; dataset %s has %zu inputs and %zu "
                        "outputs", model->inputs, model->outputs, name, shape->inputs, shape->outputs);
    if (data_count(data, split) == 0)
        return iso_fail(err, "this split of dataset %s has no examples", name);
    return objective_make(&looking->objective, settings, shape, NETWORK_EVALUATION_ROWS, err) ||
                   batch_make(&looking->batch, shape, objective_wants_dense(settings), false,
                              NETWORK_EVALUATION_ROWS, err) ||
                   adjust(model, data, &looking->batch, err)
               ? -1 : 0;
}

static void looking_end(struct looking *looking)
{
    batch_free(&looking->batch);
    objective_free(&looking->objective);
    arithmetic_restore(looking->before);
}

int model_evaluate(struct model *model, const struct data *data, enum data_split split, struct measured *measured,
                   struct iso_error *err)
{
    struct looking looking;
    const int status = looking_begin(&looking, model, data, split, err);
    if (!status)
        *measured = objective_measure(&looking.objective, model->network, &looking.batch, data, split,
                                      model->settings->seed_examples, data_count(data, split));
    looking_end(&looking);
    return status;
}

int model_each(struct model *model, const struct data *data, enum data_split split, model_visitor *visitor,
               void *context, struct iso_error *err)
{
    const struct instance *loss = model->settings->loss;
    const size_t n = data_count(data, split);
    float *shown = memory_array(NETWORK_EVALUATION_ROWS, model->outputs * sizeof *shown);
    struct looking looking;
    int status = looking_begin(&looking, model, data, split, err);
    if (!shown && !status)
        status = error_memory(err);
    for (size_t first = 0, rows; !status && first < n; first += rows) {
        struct batch *batch = &looking.batch;
        rows = n - first < NETWORK_EVALUATION_ROWS ? n - first : NETWORK_EVALUATION_ROWS;
        for (size_t r = 0; r < rows; r++)
            batch->positions[r] = (uint32_t)(first + r);
        batch_gather(batch, data, split, model->settings->seed_examples, 0, batch->positions, rows);
        memcpy(shown, network_forward(model->network, &batch->input, false, 0), rows * model->outputs * sizeof *shown);
        if (loss->plugin->ops.loss.predict)
            loss->plugin->ops.loss.predict(loss->state, rows, model->outputs, shown, shown);
        status = visitor(context, first, rows, batch->labels, shown);
    }
    looking_end(&looking);
    free(shown);
    return status;
}

size_t model_layers(const struct model *model)
{
    return model->checkpoint->count;
}

size_t model_size(const struct model *model, size_t index)
{
    return index ? model->checkpoint->layers[index - 1].outputs : model->inputs;
}

const float *model_weights(const struct model *model, size_t layer)
{
    return model->checkpoint->layers[layer].weight;
}

bool model_has_bias(const struct model *model)
{
    return model->checkpoint->layers[0].bias != NULL;
}

/* Describes images by the data set where the metadata don't. */
static int complete(struct checkpoint *checkpoint, const struct data *data, struct iso_error *err)
{
    const struct data_shape *shape = data_shape(data);
    const size_t inputs = checkpoint->layers[0].inputs, outputs = checkpoint->layers[checkpoint->count - 1].outputs;
    const float *numbers[2];
    if (shape->inputs != inputs || shape->outputs != outputs)
        return iso_fail(err, "the data set has %zu inputs and %zu outputs, the model %zu and %zu", shape->inputs,
                        shape->outputs, inputs, outputs);
    if (!checkpoint->height) {
        checkpoint->height = shape->height;
        checkpoint->width = shape->width;
        checkpoint->channels = shape->channels;
        checkpoint->white = shape->white;
    }
    data_normalisation(data, &numbers[0], &numbers[1]);
    for (int k = 0; !checkpoint->shift && numbers[0] && k < 2; k++) {
        float *copy = arena_zero(checkpoint->arena, inputs, sizeof *copy);
        if (!copy)
            return error_memory(err);
        *(k ? &checkpoint->shift : &checkpoint->factor) = memcpy(copy, numbers[k], inputs * sizeof *copy);
    }
    if (checkpoint->class_names || !shape->class_names)
        return 0;
    if (!(checkpoint->class_names = arena_zero(checkpoint->arena, outputs, sizeof *checkpoint->class_names)))
        return error_memory(err);
    for (size_t o = 0; o < outputs; o++)
        if (!(checkpoint->class_names[o] = arena_copy(checkpoint->arena, shape->class_names[o],
                                                      strlen(shape->class_names[o]))))
            return error_memory(err);
    return 0;
}

int model_picture(struct model *model, struct image *picture, struct iso_error *err)
{
    struct checkpoint *checkpoint = model->checkpoint;
    if (!checkpoint->height || !checkpoint->factor) {
        const struct settings *settings = model->settings;
        const char *missing = checkpoint->height ? "normalisation" : "image";
        struct data *data = data_open(settings->dataset, &settings->data, settings->seed, err);
        const int status = data ? complete(checkpoint, data, err) : -1;
        data_close(data);
        if (status)
            return error_context(err, "its metadata have no %s, which its data set would tell", missing);
    }
    if (!checkpoint->height)
        return iso_fail(err, "the model takes %zu inputs that are no images: it was trained on %s", model->inputs,
                        model->settings->dataset->plugin->descriptor.name);
    return image_make(checkpoint->width, checkpoint->height, checkpoint->channels, picture, err);
}

enum image_fit model_fit(const struct model *model)
{
    const char *dataset = model->settings->dataset->plugin->descriptor.name;
    return strcmp(dataset, "mnist") == 0 || strcmp(dataset, "digits") == 0 ? IMAGE_DIGIT : IMAGE_WHOLE;
}

size_t model_outputs(const struct model *model)
{
    return model->outputs;
}

int model_predict(struct model *model, const struct image *picture, float *shown, struct iso_error *err)
{
    const struct checkpoint *checkpoint = model->checkpoint;
    const struct instance *loss = model->settings->loss;
    float *x = memory_array(model->inputs, sizeof *x);
    if (!x)
        return error_memory(err);
    for (size_t i = 0; i < model->inputs; i++) {
        const double stored = (double)picture->values[i] * checkpoint->white;
        x[i] = checkpoint->factor ? (float)(stored * (double)checkpoint->factor[i] + (double)checkpoint->shift[i])
                                  : (float)stored;
    }
    const struct arithmetic before = arithmetic_set();
    const struct network_input input = { .x = x, .stride = model->inputs, .rows = 1 };
    memcpy(shown, network_forward(model->network, &input, false, 0), model->outputs * sizeof *shown);
    if (loss->plugin->ops.loss.predict)
        loss->plugin->ops.loss.predict(loss->state, 1, model->outputs, shown, shown);
    arithmetic_restore(before);
    free(x);
    return 0;
}
