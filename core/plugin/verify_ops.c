/* Verifying what a plugin of each kind must give: its functions and facts. Tables that ops points to are copied to this
 * version's size of an entry. */
#include <ctype.h>
#include <math.h>
#include <stdalign.h>
#include <string.h>

#include "plugin/internal.h"

enum { SLOTS_MAX = 16, ENTRIES_MAX = 4096, ENTRY_MAX = 1 << 16 };

static int need(bool there, const char *what, struct iso_error *err)
{
    return there ? 0 : iso_fail(err, "has no %s", what);
}

static int flops(double value, const char *what, struct iso_error *err)
{
    return isfinite(value) && value >= 0 ? 0 : iso_fail(err, "has %s = %g: FLOP are counted from 0", what, value);
}

static int verify_activation(const struct iso_activation *ops, struct iso_error *err)
{
    if (need(ops->forward, "function forward", err) || need(ops->backward, "function backward", err) ||
        flops(ops->flops_forward, "flops_forward", err) || flops(ops->flops_backward, "flops_backward", err))
        return -1;
    if (!ops->surrogate != !ops->surrogate_slope)
        return iso_fail(err, "has one of surrogate and surrogate_slope: they go together");
    return 0;
}

static int verify_loss(const struct iso_loss *ops, struct iso_error *err)
{
    if (need(ops->value, "function value", err) || flops(ops->flops_value, "flops_value", err) ||
        flops(ops->flops_gradient, "flops_gradient", err))
        return -1;
    if (ops->targets != ISO_TARGET_LABELS && ops->targets != ISO_TARGET_DENSE)
        return iso_fail(err, "wants targets of a kind (%d) that this isoflop does not know", ops->targets);
    if (!ops->surrogate != !ops->surrogate_gradient)
        return iso_fail(err, "has one of surrogate and surrogate_gradient: they go together");
    if (!(ops->target_min <= ops->target_max))
        return iso_fail(err, "has a target_min of %g above its target_max of %g", ops->target_min, ops->target_max);
    return 0;
}

static int verify_optimizer(const struct iso_optimizer *ops, struct iso_error *err)
{
    if (need(ops->update, "function update", err) || flops(ops->flops_update, "flops_update", err))
        return -1;
    if (ops->slots > SLOTS_MAX)
        return iso_fail(err, "wants %u slots a weight, more than %d", ops->slots, SLOTS_MAX);
    return 0;
}

/* Copies a table of entries that start with a pointer and end with a NULL one, from the plugin's size of an entry. */
static void *copy_table(const void *theirs, size_t step, size_t size, size_t alignment, struct arena *arena,
                        struct iso_error *err)
{
    size_t count = 0;
    const void *first;
    if (step < sizeof first || step > ENTRY_MAX || step % alignment) {
        iso_fail(err, "says that an entry of its table takes %zu bytes, which can not be (entry_size)", step);
        return NULL;
    }
    for (; count <= ENTRIES_MAX; count++) {
        memcpy(&first, (const unsigned char *)theirs + count * step, sizeof first);
        if (!first)
            break;
    }
    unsigned char *ours = count <= ENTRIES_MAX ? arena_zero(arena, count + 1, size) : NULL;
    if (count > ENTRIES_MAX)
        iso_fail(err, "has a table without end: it must end with { 0 }");
    else if (!ours)
        error_memory(err);
    for (size_t i = 0; ours && i < count; i++)
        memcpy(ours + i * size, (const unsigned char *)theirs + i * step, step < size ? step : size);
    return ours;
}

static int verify_file(const struct iso_data_file *file, struct iso_error *err)
{
    size_t digits = 0;
    while (file->sha256 && (isdigit((unsigned char)file->sha256[digits]) ||
                            (file->sha256[digits] >= 'a' && file->sha256[digits] <= 'f')))
        digits++;
    if (digits != 64 || file->sha256[digits])
        return iso_fail(err, "file \"%.100s\" has a sha256 that is not 64 lower-case hexadecimal digits", file->name);
    if (!*file->name || strstr(file->name, "..") || file->name[0] == '/' ||
        (file->archive && (strchr(file->archive, '/') || !*file->archive)))
        return iso_fail(err, "file \"%.100s\" has a name that leads out of the data set's folder", file->name);
    if (!file->archive != !file->member)
        return iso_fail(err, "file \"%.100s\" has one of archive and member: they go together", file->name);
    if (file->split != ISO_SPLIT_TRAIN && file->split != ISO_SPLIT_TEST)
        return iso_fail(err, "file \"%.100s\" is of a split (%d) that this isoflop does not know", file->name,
                        file->split);
    if (file->length == 0)
        return iso_fail(err, "file \"%.100s\" has no length", file->name);
    return 0;
}

static int verify_dataset(struct plugin *plugin, struct arena *arena, struct iso_error *err)
{
    struct iso_dataset *ops = &plugin->ops.dataset;
    if (need(ops->open, "function open", err))
        return -1;
    if (ops->draw && ops->storage != ISO_STORED_BYTES && ops->storage != ISO_STORED_FLOATS)
        return iso_fail(err, "draws features in a storage (%d) that this isoflop does not know", ops->storage);
    if (!ops->files)
        return 0;
    const struct iso_data_file *files = copy_table(ops->files, plugin->descriptor.entry_size, sizeof *files,
                                                   alignof(struct iso_data_file), arena, err);
    ops->files = files;
    if (!files || need(ops->folders && ops->folders[0], "folders, though it has files", err))
        return -1;
    for (size_t i = 0; ops->folders[i]; i++)
        if (!*ops->folders[i] || ops->folders[i][0] == '/' || strstr(ops->folders[i], ".."))
            return iso_fail(err, "has the folder \"%.100s\", which leads out of the data folders", ops->folders[i]);
    for (; files->name; files++)
        if (verify_file(files, err))
            return -1;
    return 0;
}

static int verify_backend(const struct iso_backend *ops, struct iso_error *err)
{
    return need(ops->kernel, "function kernel", err) || need(ops->prepare, "function prepare", err) ||
                   need(ops->weights_length, "function weights_length", err) ||
                   need(ops->import, "function import", err) || need(ops->export, "function export", err) ||
                   need(ops->forward, "function forward", err) ||
                   need(ops->input_gradient, "function input_gradient", err) ||
                   need(ops->weight_gradient, "function weight_gradient", err)
               ? -1
               : 0;
}

static int verify_law(struct plugin *plugin, struct arena *arena, struct iso_error *err)
{
    struct iso_law *ops = &plugin->ops.law;
    if (need(ops->value, "function value", err) || need(ops->inputs && ops->inputs[0], "inputs", err) ||
        need(ops->parameters, "parameters", err) || need(ops->formula && *ops->formula, "formula", err))
        return -1;
    const struct iso_law_parameter *parameters = copy_table(ops->parameters, plugin->descriptor.entry_size,
                                                            sizeof *parameters, alignof(struct iso_law_parameter),
                                                            arena, err);
    ops->parameters = parameters;
    if (!parameters || need(parameters->name, "parameters", err))
        return -1;
    for (; parameters->name; parameters++) {
        if (!(parameters->min <= parameters->max))
            return iso_fail(err, "law parameter \"%.64s\" has a minimum of %g above its maximum of %g",
                            parameters->name, parameters->min, parameters->max);
        if (parameters->logarithmic && !(parameters->min >= 0))
            return iso_fail(err, "law parameter \"%.64s\" is logarithmic, but its minimum of %g is negative",
                            parameters->name, parameters->min);
        if (!parameters->starts != !parameters->start_count)
            return iso_fail(err, "law parameter \"%.64s\" has starts that do not go with start_count",
                            parameters->name);
        for (size_t i = 0; i < parameters->start_count; i++)
            if (!(parameters->starts[i] >= parameters->min && parameters->starts[i] <= parameters->max))
                return iso_fail(err, "law parameter \"%.64s\" starts at %g, outside of its bounds", parameters->name,
                                parameters->starts[i]);
    }
    return 0;
}

int plugin_verify_ops(struct plugin *plugin, struct arena *arena, struct iso_error *err)
{
    switch ((enum iso_kind)plugin->descriptor.kind) {
    case ISO_ACTIVATION:
        return verify_activation(&plugin->ops.activation, err);
    case ISO_LOSS:
        return verify_loss(&plugin->ops.loss, err);
    case ISO_INITIALIZER:
        return need(plugin->ops.initializer.fill, "function fill", err);
    case ISO_SCHEDULE:
        return need(plugin->ops.schedule.rate, "function rate", err);
    case ISO_OPTIMIZER:
        return verify_optimizer(&plugin->ops.optimizer, err);
    case ISO_DATASET:
        return verify_dataset(plugin, arena, err);
    case ISO_BACKEND:
        return verify_backend(&plugin->ops.backend, err);
    case ISO_LAW:
        return verify_law(plugin, arena, err);
    }
    return iso_fail(err, "is of a kind that this isoflop does not know");
}
