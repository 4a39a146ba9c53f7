/* Opening a plugin's file and verifying its descriptor and parameter table. The only place that sees dlfcn.h. Files
 * are never closed: what they exported may be in use, and debuggers keep their symbols. */
#include <dlfcn.h>
#include <limits.h>
#include <stdalign.h>
#include <string.h>

#include "plugin/internal.h"
#include "recipe/utf8.h"

#if defined __SSE2__
#include <xmmintrin.h>
#endif

enum { STATE_MAX = 1 << 24, PARAMS_MAX = 1000, STRUCT_MAX = 1 << 16, CHOICE_WORD_MAX = 63, CHOICES_MAX = 64 };

/* The control word of floating point, exception flags left out. Loading a file that was linked with -ffast-math sets
 * flush-to-zero in it. */
unsigned plugin_float_mode(void)
{
#if defined __SSE2__
    return _mm_getcsr() & ~(unsigned)_MM_EXCEPT_MASK;
#else
    return 0;
#endif
}

void plugin_set_float_mode(unsigned mode)
{
#if defined __SSE2__
    _mm_setcsr(mode);
#else
    (void)mode;
#endif
}

/* dlerror's words without the file's name, which messages here begin with. */
static const char *reason_of(const char *file)
{
    const char *reason = dlerror();
    const size_t length = strlen(file);
    if (reason && !strncmp(reason, file, length) && !strncmp(reason + length, ": ", 2))
        reason += length + 2;
    return reason ? reason : "no reason given";
}

const void *module_load(const char *file, const char *symbol, struct iso_error *err)
{
    const unsigned before = plugin_float_mode();
    void *handle = dlopen(file, RTLD_NOW | RTLD_GLOBAL);
    plugin_set_float_mode(before);
    if (!handle) {
        iso_fail(err, "%s can not be loaded: %s", file, reason_of(file));
        return NULL;
    }
    const void *found = dlsym(handle, symbol);
    if (!found)
        iso_fail(err, "%s exports no %s: it belongs to another isoflop", file, symbol);
    return found;
}

static const struct iso_plugin *open_symbol(struct plugin *plugin, struct arena *arena, struct iso_error *err)
{
    const unsigned before = plugin_float_mode();
    if (plugin_check_object(plugin->file, err))
        return NULL;
    void *handle = dlopen(plugin->file, RTLD_NOW | RTLD_LOCAL);
    if (plugin_float_mode() != before) {
        plugin_set_float_mode(before);
        plugin->warning = arena_format(arena,
                                       "%s changes the floating-point mode of the thread that loads it (linked with "
                                       "-ffast-math?); isoflop has restored it", plugin->file);
    }
    if (!handle) {
        iso_fail(err, "can not be loaded: %s", reason_of(plugin->file));
        return NULL;
    }
    const struct iso_plugin *theirs = dlsym(handle, "isoflop_plugin");
    if (!theirs)
        iso_fail(err, "exports no isoflop_plugin: it is no plugin of isoflop (plugins end with ISO_PLUGIN(...))");
    return theirs;
}

/* ---- Parameters ---- */

const char *const plugin_data_options[] = { "classes",     "subset_seed", "train_size", "validation_size", "test_size",
                                            "label_noise", "normalise",   "epoch_size", NULL };

static bool param_name_valid(const char *name)
{
    return plugin_name_valid(name) && name[0] >= 'a' && name[0] <= 'z' && strlen(name) < 64;
}

static bool is_data_option(const char *name)
{
    for (size_t i = 0; plugin_data_options[i]; i++)
        if (!strcmp(plugin_data_options[i], name))
            return true;
    return false;
}

#define WORD "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."

static int verify_choices(const struct iso_param *param, struct iso_error *err)
{
    size_t count = 0, length, other_length;
    if (!param->choices)
        return iso_fail(err, "has no choices");
    for (const char *word; (word = value_choice(param->choices, count, &length)); count++) {
        if (length == 0 || length > CHOICE_WORD_MAX || count == CHOICES_MAX)
            return iso_fail(err, "has choices \"%.200s\", which must be up to %d words of up to %d letters, separated "
                                 "by |", param->choices, CHOICES_MAX, CHOICE_WORD_MAX);
        if (length && strspn(word, WORD) < length)
            return iso_fail(err, "has the choice \"%.*s\": choices are made of letters, digits, _, - and .",
                            (int)length, word);
        for (size_t i = 0; i < count; i++) {
            const char *other = value_choice(param->choices, i, &other_length);
            if (other_length == length && !memcmp(other, word, length))
                return iso_fail(err, "has the choice \"%.*s\" twice", (int)length, word);
        }
    }
    return 0;
}

static int verify_text(const struct iso_param *param, const char *what, const char *text, struct arena *arena,
                       struct iso_error *err)
{
    alignas(max_align_t) unsigned char field[64];
    struct iso_error reason = ERROR_NONE;
    if (text && value_parse(param, text, "/", arena, field, &reason))
        return iso_fail(err, "has the %s \"%.100s\", but %s", what, text, reason.text);
    return 0;
}

/* The parts of the state that two parameters take must not meet. */
static int verify_place(const struct plugin *plugin, const struct iso_param *param, struct iso_error *err)
{
    const size_t size = value_size(param->type), state_size = plugin->descriptor.state_size;
    if (size > state_size || param->offset > state_size - size)
        return iso_fail(err, "lies at byte %zu, beyond the end of the state of %zu bytes (state_size)", param->offset,
                        state_size);
    if (param->offset % value_alignment(param->type))
        return iso_fail(err, "lies at byte %zu, where a %s can not lie (it needs a multiple of %zu)", param->offset,
                        plugin_type_name(param->type), value_alignment(param->type));
    for (const struct iso_param *other = plugin->params; other < param; other++)
        if (param->offset < other->offset + value_size(other->type) && other->offset < param->offset + size)
            return iso_fail(err, "lies at byte %zu, over parameter \"%s\"", param->offset, other->name);
    return 0;
}

/* A default that is another parameter's value must be one that this one may have. */
static int verify_reference(const struct iso_param *param, const struct iso_param *other, struct iso_error *err)
{
    if (param->type == ISO_TYPE_CHOICE && strcmp(param->choices, other->choices))
        return iso_fail(err, "has the default \"%s\", a parameter with other choices", other->name);
    if (param->type != ISO_TYPE_CHOICE && param->type != ISO_TYPE_FLAG &&
        (other->min < param->min || other->max > param->max))
        return iso_fail(err, "has the default \"%s\", a parameter from %g to %g, but is itself from %g to %g",
                        other->name, other->min, other->max, param->min, param->max);
    return 0;
}

static int verify_param(const struct plugin *plugin, const struct iso_param *param, struct arena *arena,
                        struct iso_error *err)
{
    if (!param_name_valid(param->name))
        return iso_fail(err, "has a name that is not made of a-z, 0-9 and _, a letter first");
    for (const struct iso_param *other = plugin->params; other < param; other++)
        if (!strcmp(other->name, param->name))
            return iso_fail(err, "is there twice");
    if (!value_size(param->type))
        return iso_fail(err, "has type %d, which this isoflop does not know", param->type);
    if (plugin->descriptor.kind == ISO_DATASET && is_data_option(param->name))
        return iso_fail(err, "has the name of an option that isoflop takes for every dataset: choose another");
    if (!utf8_printable(param->help))
        return iso_fail(err, "has no help, which is one line of text");
    if (!(param->min <= param->max))
        return iso_fail(err, "has a minimum of %g above its maximum of %g", param->min, param->max);
    if (verify_place(plugin, param, err) || (param->type == ISO_TYPE_CHOICE && verify_choices(param, err)))
        return -1;
    const struct iso_param *other = value_reference(plugin->params, param);
    if (other ? verify_reference(param, other, err) : verify_text(param, "default", param->initial, arena, err))
        return -1;
    return verify_text(param, "try_min", param->try_min, arena, err) ||
                   verify_text(param, "try_max", param->try_max, arena, err)
               ? -1
               : 0;
}

/* Copies the table, stepping by the plugin's own size of an entry, and verifies it. */
static int copy_params(struct plugin *plugin, struct arena *arena, struct iso_error *err)
{
    const struct iso_plugin *head = &plugin->descriptor;
    const unsigned char *theirs = (const unsigned char *)head->params;
    size_t count = 0;
    if (!theirs)
        return 0;
    if (head->param_size < PARAM_SIZE_FIRST || head->param_size > STRUCT_MAX ||
        head->param_size % alignof(struct iso_param))
        return iso_fail(err, "says that a parameter's entry takes %zu bytes, which can not be (param_size)",
                        head->param_size);
    const size_t step = head->param_size, size = step < sizeof(struct iso_param) ? step : sizeof(struct iso_param);
    for (; count <= PARAMS_MAX; count++) {
        const char *name;
        memcpy(&name, theirs + count * step + offsetof(struct iso_param, name), sizeof name);
        if (!name)
            break;
    }
    if (count > PARAMS_MAX)
        return iso_fail(err, "has a parameter table without end: it must end with { 0 }");
    plugin->params = arena_zero(arena, count + 1, sizeof *plugin->params);
    if (!plugin->params)
        return error_memory(err);
    plugin->param_count = count;
    for (size_t k = 0; k < count; k++)
        memcpy(&plugin->params[k], theirs + k * step, size);
    for (size_t k = 0; k < count; k++) {
        struct iso_error reason = ERROR_NONE;
        if (verify_param(plugin, &plugin->params[k], arena, &reason))
            return iso_fail(err, "parameter \"%.64s\" %s", plugin->params[k].name, reason.text);
    }
    return 0;
}

/* ---- The descriptor ---- */

static int copy_descriptor(struct plugin *plugin, const struct iso_plugin *theirs, struct iso_error *err)
{
    if (theirs->abi != ISO_ABI)
        return iso_fail(err, "built for plugin ABI %d, this isoflop speaks %d: rebuild it%s", theirs->abi, ISO_ABI,
                        theirs->abi > ISO_ABI ? " against this version's headers, or update isoflop" : "");
    if (theirs->size < PLUGIN_SIZE_FIRST || theirs->size > STRUCT_MAX)
        return iso_fail(err, "says that its descriptor takes %zu bytes, which can not be: it takes at least %zu",
                        theirs->size, PLUGIN_SIZE_FIRST);
    const size_t size = theirs->size < sizeof *theirs ? theirs->size : sizeof *theirs;
    memcpy(&plugin->descriptor, theirs, size);
    return 0;
}

static const size_t ops_size[] = {
    [ISO_ACTIVATION] = sizeof(struct iso_activation),   [ISO_LOSS] = sizeof(struct iso_loss),
    [ISO_INITIALIZER] = sizeof(struct iso_initializer), [ISO_SCHEDULE] = sizeof(struct iso_schedule),
    [ISO_OPTIMIZER] = sizeof(struct iso_optimizer),     [ISO_DATASET] = sizeof(struct iso_dataset),
    [ISO_BACKEND] = sizeof(struct iso_backend),         [ISO_LAW] = sizeof(struct iso_law),
};

static int verify_head(struct plugin *plugin, enum iso_kind expected, const char *file_name, struct iso_error *err)
{
    const struct iso_plugin *head = &plugin->descriptor;
    const int kinds = (int)(sizeof ops_size / sizeof *ops_size);
    if (head->kind <= 0 || head->kind >= kinds)
        return iso_fail(err, "is of kind %d, which this isoflop does not know: update isoflop", head->kind);
    if (!head->name || !plugin_name_valid(head->name))
        return iso_fail(err, "calls itself \"%.100s\": a name is made of a-z, 0-9 and _",
                        head->name ? head->name : "");
    if (strcmp(head->name, file_name))
        return iso_fail(err, "calls itself \"%.100s\", but a plugin is found by its file's name: rename the file to "
                             "%.100s.so, or the plugin to \"%.100s\"", head->name, head->name, file_name);
    if (expected && head->kind != (int)expected)
        return iso_fail(err, "is of kind %s, but lies in the folder of kind %s",
                        plugin_kind_name((enum iso_kind)head->kind), plugin_kind_name(expected));
    if (!utf8_printable(head->summary))
        return iso_fail(err, "has no summary, which is one line of text");
    if (head->revision < 1)
        return iso_fail(err, "has revision %d: revisions count from 1", head->revision);
    if (head->state_size > STATE_MAX)
        return iso_fail(err, "wants a state of %zu bytes, more than %d", head->state_size, STATE_MAX);
    if (!head->ops || head->ops_size == 0 || head->ops_size > STRUCT_MAX)
        return iso_fail(err, "has no functions (ops, ops_size)");
    const size_t full = ops_size[head->kind];
    memcpy(&plugin->ops, head->ops, head->ops_size < full ? head->ops_size : full);
    plugin->descriptor.ops = &plugin->ops;
    return 0;
}

/* The kind that the folder of a file is named for (its .libs folder's parent too), else 0. */
static enum iso_kind folder_kind(const char *file)
{
    char folder[256];
    const char *end = strrchr(file, '/');
    for (int i = 0; i < 2 && end && end > file; i++) {
        const char *start = end;
        while (start > file && start[-1] != '/')
            start--;
        const size_t length = (size_t)(end - start);
        if (length == 0 || length >= sizeof folder)
            break;
        memcpy(folder, start, length);
        folder[length] = 0;
        if (strcmp(folder, ".libs"))
            return plugin_kind_of(folder);
        end = start > file ? start - 1 : NULL;
    }
    return (enum iso_kind)0;
}

struct plugin *plugin_load(struct arena *arena, const char *file, enum iso_kind kind, struct iso_error *err)
{
    struct plugin *plugin = arena_zero(arena, 1, sizeof *plugin);
    const char *base = strrchr(file, '/');
    const struct iso_plugin *theirs;
    struct iso_error reason = ERROR_NONE;
    base = base ? base + 1 : file;
    const size_t length = strlen(base);
    if (!plugin || !(plugin->file = arena_copy(arena, file, strlen(file)))) {
        error_memory(err);
        return NULL;
    }
    char *name = length > 3 && !strcmp(base + length - 3, ".so") ? arena_copy(arena, base, length - 3) : NULL;
    if (!name || !plugin_name_valid(name))
        iso_fail(&reason, "a plugin's file is called NAME.so, NAME made of a-z, 0-9 and _");
    else if ((theirs = open_symbol(plugin, arena, &reason)) && !copy_descriptor(plugin, theirs, &reason) &&
             !verify_head(plugin, kind ? kind : folder_kind(file), name, &reason) &&
             !copy_params(plugin, arena, &reason) && !plugin_verify_ops(plugin, arena, &reason)) {
        plugin->descriptor.params = plugin->params;
        return plugin;
    }
    iso_fail(err, "%s: %s", file, reason.text);
    return NULL;
}
