/* What the key of a trial is the hash of: everything its results depend on, once. Values equal to their default are
 * left out, so that a recipe that spells them out has the same key, and later options do not change old keys. */
#include <inttypes.h>
#include <string.h>

#include "base/numbers.h"
#include "train/trial.h"

/* Members are written in the order of their names, as canonical JSON wants. */
static void member(struct text *out, const char *name)
{
    const char last = out->length ? out->data[out->length - 1] : '{';
    text_format(out, "%s\"%s\":", last == '{' ? "" : ",", name);
}

static void add_real(struct text *out, double value)
{
    char number[NUMBER_TEXT];
    number_text(value, number);
    if (strpbrk(number, "fa"))
        text_add_json(out, number);
    else
        text_add_string(out, number);
}

static void member_real(struct text *out, const char *name, double value)
{
    member(out, name);
    add_real(out, value);
}

static void member_whole(struct text *out, const char *name, uint64_t value)
{
    member(out, name);
    text_format(out, "%" PRIu64, value);
}

static void member_word(struct text *out, const char *name, const char *value)
{
    member(out, name);
    text_add_json(out, value);
}

static void member_plugin(struct text *out, const char *name, const struct instance *instance)
{
    member(out, name);
    instance_json(instance, out);
}

static void add_data(const struct settings *settings, const char *checksum, struct text *out)
{
    static const char *const normalise[] = { "unit", "standard", "none" };
    const struct data_options *options = &settings->data;
    member(out, "data");
    text_add_string(out, "{");
    member_word(out, "checksum", checksum);
    if (options->class_count) {
        member(out, "classes");
        for (size_t i = 0; i < options->class_count; i++)
            text_format(out, "%s%" PRId64, i ? "," : "[", options->classes[i]);
        text_add_string(out, "]");
    }
    if (options->epoch_size && options->epoch_size != DATA_EPOCH_SIZE)
        member_whole(out, "epoch_size", options->epoch_size);
    if (options->label_noise > 0)
        member_real(out, "label_noise", options->label_noise);
    if (options->normalise != NORMALISE_UNIT)
        member_word(out, "normalise", normalise[options->normalise]);
    if (options->subset_by_trial)
        member_whole(out, "subset_by_trial", settings->seed);
    if (options->subset_seed)
        member_whole(out, "subset_seed", options->subset_seed);
    if (options->has_test_size)
        member_whole(out, "test_size", options->test_size);
    if (options->has_train_size)
        member_whole(out, "train_size", options->train_size);
    if (options->validation_size)
        member_whole(out, "validation_size", options->validation_size);
    text_add_string(out, "}");
}

static void add_activations(const struct settings *settings, struct text *out)
{
    member(out, "activation");
    text_add_string(out, "[");
    for (size_t i = 0; i < settings->hidden_count; i++) {
        if (i)
            text_add_string(out, ",");
        instance_json(settings->activation[i], out);
    }
    text_add_string(out, "]");
}

static void add_model(const struct settings *settings, struct text *out)
{
    bool dropout = false;
    member(out, "model");
    text_add_string(out, "{");
    add_activations(settings, out);
    if (settings->bias == BIAS_CONSTANT)
        member_real(out, "bias", settings->bias_constant);
    else if (settings->bias == BIAS_NONE)
        member_word(out, "bias", "none");
    if (settings->clip > 0) {
        member(out, "clip");
        text_add_string(out, "{");
        member_real(out, "at", settings->clip);
        if (settings->clip_gradient_zero)
            member_word(out, "gradient", "zero");
        if (!settings->clip_output)
            member_word(out, "output", "false");
        text_add_string(out, "}");
    }
    for (size_t i = 0; i < settings->hidden_count; i++)
        dropout = dropout || settings->dropout[i] > 0;
    if (dropout) {
        member(out, "dropout");
        for (size_t i = 0; i < settings->hidden_count; i++) {
            text_add_string(out, i ? "," : "[");
            add_real(out, settings->dropout[i]);
        }
        text_add_string(out, "]");
    }
    if (settings->from)
        member_word(out, "from", settings->from_checksum);
    member(out, "hidden");
    text_add_string(out, "[");
    for (size_t i = 0; i < settings->hidden_count; i++)
        text_format(out, "%s%zu", i ? "," : "", settings->hidden[i]);
    text_add_string(out, "]");
    member_plugin(out, "initializer", settings->initializer);
    text_add_string(out, "}");
}

static void add_times(struct text *out, const char *name, double times, uint64_t value)
{
    if (times > 0) {
        member(out, name);
        text_add_string(out, "{");
        member_real(out, "times_params", times);
        text_add_string(out, "}");
    } else {
        member_whole(out, name, value);
    }
}

static void add_stop(const struct settings *settings, struct text *out)
{
    if (settings->stop_diverged && !settings->stop_patience)
        return;
    member(out, "stop");
    text_add_string(out, "{");
    if (settings->stop_patience)
        member_word(out, "by", quantity_names[settings->stop_by]);
    if (!settings->stop_diverged)
        member_word(out, "diverged", "false");
    if (settings->stop_patience && settings->stop_min_change > 0)
        member_real(out, "min_change", settings->stop_min_change);
    if (settings->stop_patience)
        member_whole(out, "patience", settings->stop_patience);
    text_add_string(out, "}");
}

static void add_train(const struct settings *settings, struct text *out)
{
    member(out, "train");
    text_add_string(out, "{");
    member_whole(out, "batch", settings->batch);
    if (settings->best != QUANTITY_VALIDATION_LOSS)
        member_word(out, "best", quantity_names[settings->best]);
    if (settings->clip_norm > 0)
        member_real(out, "clip_norm", settings->clip_norm);
    if (settings->drop_last)
        member_word(out, "drop_last", "true");
    if (settings->has_epochs)
        member_real(out, "epochs", settings->epochs);
    if (settings->has_examples)
        add_times(out, "examples", settings->examples_per_param, settings->examples);
    if (settings->has_flops)
        add_times(out, "flops", settings->flops_per_param, settings->flops);
    if (settings->has_flops_6nd)
        add_times(out, "flops_6nd", settings->flops_6nd_per_param, settings->flops_6nd);
    if (settings->reduction == REDUCTION_SUM)
        member_word(out, "reduction", "sum");
    if (!settings->shuffle)
        member_word(out, "shuffle", "false");
    if (settings->has_steps)
        add_times(out, "steps", settings->steps_per_param, settings->steps);
    add_stop(settings, out);
    if (settings->warmup_fraction > 0)
        member_real(out, "warmup", settings->warmup_fraction);
    if (settings->warmup_steps)
        member_whole(out, "warmup_steps", settings->warmup_steps);
    text_add_string(out, "}");
}

/* measure.every, in which train.loss, best and stopping hang on. */
static void add_every(const struct settings *settings, struct text *out)
{
    static const char *const units[] = { "", "epochs", "steps", "seconds", "log" };
    if (settings->every_unit == UNIT_EPOCHS && settings->every == 1)
        return;
    member(out, "every");
    text_add_string(out, "{");
    member_real(out, units[settings->every_unit], settings->every);
    text_add_string(out, "}");
}

int settings_key_json(const struct settings *settings, const char *data_checksum, struct text *out)
{
    text_add_string(out, "{");
    add_data(settings, data_checksum, out);
    member_plugin(out, "dataset", settings->dataset);
    add_every(settings, out);
    member_plugin(out, "loss", settings->loss);
    add_model(settings, out);
    member_plugin(out, "optimizer", settings->optimizer);
    member_plugin(out, "schedule", settings->schedule);
    member(out, "seeds");
    text_format(out, "[%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "]", settings->seed_init, settings->seed_order,
                settings->seed_dropout, settings->seed_examples);
    add_train(settings, out);
    member_whole(out, "trainer", TRAINER_REVISION);
    text_add_string(out, "}");
    return out->failed ? -1 : 0;
}

int settings_share_json(const struct settings *settings, bool endless, struct text *out)
{
    if (!settings->share_batches)
        return 0;
    text_add_string(out, "{");
    member_plugin(out, "backend", settings->backend);
    member_whole(out, "batch", settings->batch);
    member(out, "dataset");
    node_json(node_get(settings->tree->root, "dataset"), out);
    member_word(out, "drop_last", settings->drop_last ? "true" : "false");
    if (endless)
        member_whole(out, "examples", settings->seed_examples);
    member_plugin(out, "loss", settings->loss);
    if (settings->shuffle)
        member_whole(out, "order", settings->seed_order);
    if (settings->data.subset_by_trial)
        member_whole(out, "subset", settings->seed);
    text_add_string(out, "}");
    return out->failed ? -1 : 0;
}
