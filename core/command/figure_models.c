/* Trained models for figures: from an experiment's checkpoints and data. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command/figures.h"
#include "lab/inspect.h"
#include "train/answers.h"

/* What was opened last. */
struct figure_models {
    char *folder;
    const char *recipe_folder; /* of its paths */
    const struct frame *trials;
    struct plugins *plugins;
    char *path; /* of the checkpoint */
    struct model *model;
    struct data *data;
    bool answered;
    enum data_split split;
    struct answers answers;
};

static const char *const split_names[] = { [DATA_TRAIN] = "train", [DATA_VALIDATION] = "validation",
                                           [DATA_TEST] = "test" };

static void close_model(struct figure_models *models)
{
    answers_free(&models->answers);
    models->answered = false;
    data_close(models->data);
    models->data = NULL;
    model_free(models->model);
    models->model = NULL;
    free(models->path);
    models->path = NULL;
}

/* The checkpoint that is wished for, or the best or final one; NULL in *path: there is none. */
static int find_checkpoint(const struct figure_models *models, const struct figure_wish *wish, char **path,
                           const char **name, struct iso_error *err)
{
    static const char *const usual[] = { "best", "final", NULL };
    const char *const one[] = { wish->checkpoint, NULL }, *const *names = wish->checkpoint ? one : usual;
    const struct column *key = frame_find(models->trials, "key");
    *path = NULL;
    for (size_t i = 0; key && key->texts && key->texts[wish->row] && names[i]; i++) {
        struct text text = { 0 };
        text_format(&text, "%s/checkpoints/%s/%s.safetensors", models->folder, key->texts[wish->row], names[i]);
        *path = text_take(&text);
        *name = names[i];
        if (!*path)
            return error_memory(err);
        if (!access(*path, R_OK))
            return 0;
        free(*path);
        *path = NULL;
    }
    return 0;
}

static int copy_shape(const struct settings *settings, size_t inputs, size_t outputs, struct arena *arena,
                      struct figure_model *shown, struct iso_error *err)
{
    size_t count = settings->hidden_count, *sizes = arena_zero(arena, count + 2, sizeof *sizes);
    const char **activations = arena_zero(arena, count + 1, sizeof *activations);
    const char *loss = settings->loss->plugin->descriptor.name;
    if (!sizes || !activations || !(shown->loss = arena_copy(arena, loss, strlen(loss))))
        return error_memory(err);
    sizes[0] = inputs;
    sizes[count + 1] = outputs;
    for (size_t i = 0; i < count; i++) {
        const char *name = settings->activation[i]->plugin->descriptor.name;
        sizes[i + 1] = settings->hidden[i];
        if (!(activations[i] = arena_copy(arena, name, strlen(name))))
            return error_memory(err);
    }
    shown->layers = count + 1;
    shown->sizes = sizes;
    shown->activations = activations;
    shown->bias = settings->bias != BIAS_NONE;
    return 0;
}

/* The shape of a trial without a checkpoint: from its recipe and data. */
static int shape_of_recipe(const struct figure_models *models, const char *key, struct arena *arena,
                           struct figure_model *shown, struct iso_error *err)
{
    struct text text = { 0 };
    struct diagnostics *found = diagnostics_new();
    struct tree *tree = NULL;
    struct settings *settings = NULL;
    struct data *data = NULL;
    int status = -1;
    if (!found || lab_show_trial(models->folder, key, models->plugins, &text, err)) {
        if (!found)
            error_memory(err);
        goto out;
    }
    tree = tree_parse("the trial's recipe", text.data, text.length, found);
    if (tree && !tree_override(tree, "seeds=0", found)) {
        settings = settings_read(tree, models->plugins, found);
        tree = NULL;
    }
    if (!settings) {
        iso_fail(err, "the trial's recipe can't be read back here: are its plugins there?");
        goto out;
    }
    if (!(data = data_open(settings->dataset, &settings->data, settings->seed, err)))
        goto out;
    const struct data_shape *shape = data_shape(data);
    shown->height = shape->height;
    shown->width = shape->width;
    shown->channels = shape->channels;
    status = copy_shape(settings, shape->inputs, shape->outputs, arena, shown, err);
out:
    data_close(data);
    settings_free(settings);
    tree_free(tree);
    diagnostics_free(found);
    text_free(&text);
    return status;
}

static int open_answers(struct figure_models *models, const struct figure_wish *wish, struct iso_error *err)
{
    enum data_split split = DATA_SPLITS;
    if (!models->data && !(models->data = model_open_data(models->model, NULL, err)))
        return -1;
    for (int i = 0; wish->split && i < DATA_SPLITS; i++)
        if (!strcmp(wish->split, split_names[i]))
            split = (enum data_split)i;
    if (split == DATA_SPLITS)
        split = data_count(models->data, DATA_VALIDATION) ? DATA_VALIDATION : DATA_TEST;
    if (models->answered && models->split == split)
        return 0;
    answers_free(&models->answers);
    models->split = split;
    models->answered = !model_answers(models->model, models->data, split, &models->answers, err);
    return models->answered ? 0 : -1;
}

static int open_checkpoint(struct figure_models *models, char *path, struct iso_error *err)
{
    if (models->path && !strcmp(models->path, path)) {
        free(path);
        return 0;
    }
    close_model(models);
    models->path = path;
    models->model = model_load_for(path, models->recipe_folder, models->plugins, err);
    return models->model ? 0 : -1;
}

static int open_model(void *context, const struct figure_wish *wish, struct arena *arena, struct figure_model *shown,
                      struct iso_error *err)
{
    struct figure_models *models = context;
    const struct column *key = frame_find(models->trials, "key");
    const char *name = "";
    char *path;
    *shown = (struct figure_model){ 0 };
    if (!models->plugins && !(models->plugins = plugins_new(NULL, err)))
        return -1;
    if (find_checkpoint(models, wish, &path, &name, err))
        return -1;
    if (!path && wish->need == NEED_SHAPE && key && key->texts && key->texts[wish->row])
        return shape_of_recipe(models, key->texts[wish->row], arena, shown, err);
    if (!path)
        return iso_fail(err, "this trial has no %s checkpoint to show; the line `checkpoint: [%s]` in the recipe keeps "
                             "one, when it is run again", wish->checkpoint ? wish->checkpoint : "best or final",
                        wish->checkpoint ? wish->checkpoint : "final");
    if (open_checkpoint(models, path, err))
        return -1;
    const struct settings *settings = model_settings(models->model);
    const size_t layers = model_layers(models->model);
    struct image picture = { 0 };
    struct iso_error none = ERROR_NONE;
    if (copy_shape(settings, model_size(models->model, 0), model_size(models->model, layers), arena, shown, err))
        return -1;
    if (!model_picture(models->model, &picture, &none)) {
        shown->height = picture.height;
        shown->width = picture.width;
        shown->channels = picture.channels;
    }
    image_free(&picture);
    shown->weights = model_weights(models->model, 0);
    shown->classes = model_outputs(models->model);
    shown->class_names = model_class_names(models->model);
    if (wish->need == NEED_ANSWERS) {
        if (open_answers(models, wish, err))
            return -1;
        const struct answers *answers = &models->answers;
        shown->count = answers->count;
        shown->labels = answers->labels;
        shown->predicted = answers->predicted;
        shown->truth = answers->truth;
        shown->sure = answers->sure;
    }
    if (wish->need == NEED_SHAPE)
        return 0;
    shown->what = arena_format(arena, "Weights: %s, step %llu%s%s", name, (unsigned long long)model_step(models->model),
                               wish->need == NEED_ANSWERS ? "; examples: " : "",
                               wish->need == NEED_ANSWERS ? split_names[models->split] : "");
    return shown->what ? 0 : error_memory(err);
}

static int pictures(void *context, const size_t *which, size_t count, float *x, struct iso_error *err)
{
    const struct figure_models *models = context;
    const struct data_shape *shape = data_shape(models->data);
    for (size_t i = 0; i < count; i++) {
        const uint32_t position = (uint32_t)which[i];
        int32_t label;
        if (which[i] >= data_count(models->data, models->split))
            return iso_fail(err, "there is no example %zu", which[i]);
        data_gather(models->data, models->split, model_settings(models->model)->seed_examples, 0, &position, 1,
                    x + i * shape->inputs, shape->inputs, &label, NULL);
    }
    return 0;
}

struct figure_models *figure_models_new(const char *folder, const char *recipe_folder, const struct frame *trials)
{
    struct figure_models *models = memory_array(1, sizeof *models);
    if (models && !(models->folder = strdup(folder))) {
        free(models);
        return NULL;
    }
    if (models) {
        models->recipe_folder = recipe_folder;
        models->trials = trials;
    }
    return models;
}

struct figure_source figure_models_source(struct figure_models *models)
{
    return (struct figure_source){ models, open_model, pictures };
}

void figure_models_free(struct figure_models *models)
{
    if (!models)
        return;
    close_model(models);
    plugins_free(models->plugins);
    free(models->folder);
    free(models);
}
