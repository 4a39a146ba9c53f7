/* Instances: a plugin with its parameters, filled from a recipe or from texts, and what isoflop lends it. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/generator.h"
#include "plugin/internal.h"

struct holder {
    struct instance instance; /* first: an instance is found again from its holder and back */
    struct arena *arena;      /* of texts and lists that the state points to */
    void *context;            /* of the plugin_host */
    unsigned char *values;    /* the state before setup, and the defaults of its parameters, for instance_json */
    unsigned char *defaults;
    void **blocks; /* lent by allocate */
    size_t block_count, block_capacity;
    bool is_set_up;
};

/* ---- What isoflop lends ---- */

static struct holder *holder_of(const struct iso_host *host)
{
    return host->core;
}

static void *host_allocate(const struct iso_host *host, size_t bytes, struct iso_error *err)
{
    struct holder *holder = holder_of(host);
    void *block = NULL;
    if (memory_grow(&holder->blocks, &holder->block_capacity, holder->block_count + 1, sizeof *holder->blocks) ||
        !(block = memory_aligned(bytes ? bytes : 1))) {
        error_memory(err);
        return NULL;
    }
    return holder->blocks[holder->block_count++] = block;
}

static int refuse_file(const struct iso_host *host, const char *name, size_t limit, struct iso_bytes *bytes,
                       struct iso_error *err)
{
    (void)limit;
    (void)bytes;
    return iso_fail(err, "%s asked for the file \"%s\", but files are lent to data sets only",
                    holder_of(host)->instance.plugin->descriptor.name, name);
}

static int refuse_block(const struct iso_host *host, const char *name, size_t length,
                        int (*fill)(void *, unsigned char *, size_t, struct iso_error *), void *context,
                        struct iso_bytes *bytes, struct iso_error *err)
{
    (void)length;
    (void)fill;
    (void)context;
    (void)bytes;
    return iso_fail(err, "%s asked for the cached data \"%s\", but these are lent to data sets only",
                    holder_of(host)->instance.plugin->descriptor.name, name);
}

static int host_generator(const struct iso_host *host, const char *purpose, uint64_t seed, struct iso_rng *rng,
                          struct iso_error *err)
{
    const struct plugin *plugin = holder_of(host)->instance.plugin;
    struct text text = { 0 };
    text_format(&text, "%s/%s/%s", plugin_kind_name((enum iso_kind)plugin->descriptor.kind), plugin->descriptor.name,
                purpose);
    char *full = text_take(&text);
    if (!full)
        return error_memory(err);
    struct iso_rng made = generator_of(full, seed, 0);
    free(full);
    made.size = rng->size && rng->size < sizeof made ? rng->size : sizeof made;
    memcpy(rng, &made, made.size);
    return 0;
}

void *instance_context(const struct iso_host *host)
{
    return holder_of(host)->context;
}

const struct instance *instance_of(const struct iso_host *host)
{
    return &holder_of(host)->instance;
}

/* ---- Making ---- */

static struct holder *holder_new(const struct plugin *plugin, const struct plugin_host *host, struct iso_error *err)
{
    struct holder *holder = memory_array(1, sizeof *holder);
    const size_t bytes = plugin->descriptor.state_size;
    if (holder) {
        holder->instance.plugin = plugin;
        holder->arena = arena_new();
        if (bytes) {
            holder->instance.state = memory_aligned(bytes);
            holder->values = memory_aligned(bytes);
            holder->defaults = memory_aligned(bytes);
        }
    }
    if (!holder || !holder->arena || (bytes && !(holder->instance.state && holder->values && holder->defaults))) {
        if (holder)
            instance_free(&holder->instance);
        error_memory(err);
        return NULL;
    }
    holder->context = host ? host->context : NULL;
    holder->instance.host = (struct iso_host){ .size = sizeof(struct iso_host),
                                               .core = holder,
                                               .allocate = host_allocate,
                                               .file = host && host->file ? host->file : refuse_file,
                                               .block = host && host->block ? host->block : refuse_block,
                                               .generator = host_generator };
    return holder;
}

void instance_free(struct instance *instance)
{
    struct holder *holder = (struct holder *)(void *)instance;
    if (!holder)
        return;
    if (holder->is_set_up && instance->plugin->descriptor.teardown)
        instance->plugin->descriptor.teardown(instance->state);
    while (holder->block_count > 0)
        free(holder->blocks[--holder->block_count]);
    free(holder->blocks);
    arena_free(holder->arena);
    free(instance->state);
    free(holder->values);
    free(holder->defaults);
    free(holder);
}

/* The default of parameter k, given those before it. 0 and false where there is none. */
static int default_of(struct holder *holder, size_t k, const char *folder, bool *has, struct iso_error *err)
{
    const struct iso_param *params = holder->instance.plugin->params, *param = &params[k];
    const struct iso_param *earlier = value_reference(params, param);
    *has = param->initial != NULL;
    if (earlier)
        memcpy(holder->defaults + param->offset, holder->values + earlier->offset, value_size(param->type));
    else if (param->initial)
        return value_parse(param, param->initial, folder, holder->arena, holder->defaults + param->offset, err);
    return 0;
}

/* Fills the state: given[k] is the recipe's value of parameter k, or NULL. All mistakes are told, missing values only
 * if `complete`: where a name was misspelt, it may be just that parameter that is missing. */
static int fill(struct holder *holder, const struct node *const *given, bool complete, const char *folder,
                int (*tell)(void *context, const struct node *where, const char *text), void *context)
{
    const struct plugin *plugin = holder->instance.plugin;
    int status = 0;
    for (size_t k = 0; k < plugin->param_count; k++) {
        const struct iso_param *param = &plugin->params[k];
        unsigned char *field = holder->values + param->offset;
        struct iso_error err = ERROR_NONE;
        const struct node *where = given[k];
        bool has;
        if (default_of(holder, k, folder, &has, &err)) {
            /* Tables were verified when the plugin was opened; what is left is memory. */
        } else if (given[k]) {
            value_read(param, given[k], folder, holder->arena, field, &where, &err);
        } else if (has) {
            memcpy(field, holder->defaults + param->offset, value_size(param->type));
        } else if (complete) {
            iso_fail(&err, "is missing and has no default (%s)", param->help);
        }
        if (err.text[0]) {
            struct text text = { 0 };
            text_format(&text, "%s.%s %s", plugin->descriptor.name, param->name, err.text);
            status = tell(context, where, text.data ? text.data : "out of memory");
            text_free(&text);
            /* Later defaults may name this parameter: with a harmless value, only its own mistake is told. */
            if (has)
                memcpy(field, holder->defaults + param->offset, value_size(param->type));
        }
    }
    if (status || !complete)
        return -1;
    if (plugin->descriptor.state_size)
        memcpy(holder->instance.state, holder->values, plugin->descriptor.state_size);
    if (plugin->descriptor.setup) {
        struct iso_error err = ERROR_NONE;
        if (plugin->descriptor.setup(holder->instance.state, &holder->instance.host, &err)) {
            struct text text = { 0 };
            text_format(&text, "%s %s: %s", plugin_kind_name((enum iso_kind)plugin->descriptor.kind),
                        plugin->descriptor.name, err.text[0] ? err.text : "its setup failed and did not say why");
            status = tell(context, NULL, text.data ? text.data : "out of memory");
            text_free(&text);
        } else {
            holder->is_set_up = true;
        }
    } else {
        holder->is_set_up = true;
    }
    return status;
}

/* ---- From a recipe ---- */

struct place {
    struct diagnostics *found;
    const struct node *node;
};

static int tell_place(void *context, const struct node *where, const char *text)
{
    const struct place *place = context;
    return diagnostics_add(place->found, SEVERITY_ERROR, where ? where : place->node, "%s", text);
}

static bool listed(const char *const *names, const char *name)
{
    for (; names && *names; names++)
        if (!strcmp(*names, name))
            return true;
    return false;
}

/* The parameters' mapping of a plugin's value, or NULL for a bare name. */
static int split_value(enum iso_kind kind, const struct node *node, const char **name, const struct node **place,
                       const struct node **parameters, struct diagnostics *found)
{
    const char *word = plugin_kind_name(kind);
    if (node->kind == NODE_SCALAR && *node->text && !node_is_null(node)) {
        *name = node->text;
        return 0;
    }
    if (node->kind != NODE_MAP || node->count == 0)
        return diagnostics_add(found, SEVERITY_ERROR, node,
                               "expected the name of %s %s, or {NAME: {PARAMETER: VALUE}}, not %s",
                               strchr("aeiou", word[0]) ? "an" : "a", word, node_describe(node));
    if (node->count > 1)
        return diagnostics_add(found, SEVERITY_ERROR, node->keys[1],
                               "one %s is expected, but here are %zu, \"%s\" and \"%s\"; parameters stand below the "
                               "name: {NAME: {PARAMETER: VALUE}}",
                               word, node->count, node->keys[0]->text, node->keys[1]->text);
    *name = node->keys[0]->text;
    *place = node->keys[0];
    if (node_is_null(node->values[0]))
        return 0;
    *parameters = node->values[0];
    if ((*parameters)->kind != NODE_MAP)
        return diagnostics_add(found, SEVERITY_ERROR, *parameters,
                               "the parameters of %s %s must be a mapping, {PARAMETER: VALUE}, not %s", word, *name,
                               node_describe(*parameters));
    return 0;
}

static int tell_unknown(const struct plugin *plugin, const struct node *key, const char *const *reserved,
                        struct diagnostics *found)
{
    size_t count = 0, reserved_count = 0;
    while (reserved && reserved[reserved_count])
        reserved_count++;
    const char **names = memory_array(plugin->param_count + reserved_count + 1, sizeof *names);
    struct text text = { 0 };
    text_format(&text, "%s %s has no parameter \"%.100s\"", plugin_kind_name((enum iso_kind)plugin->descriptor.kind),
                plugin->descriptor.name, key->text);
    for (size_t k = 0; names && k < plugin->param_count; k++)
        names[count++] = plugin->params[k].name;
    for (size_t k = 0; names && k < reserved_count; k++)
        names[count++] = reserved[k];
    const size_t before = text.length;
    if (names)
        text_suggest(&text, key->text, names, count);
    if (text.length == before) {
        text_add_string(&text, count ? "; it has " : "; it takes none");
        for (size_t k = 0; k < count; k++)
            text_format(&text, "%s%s", k ? ", " : "", names[k]);
    }
    diagnostics_add(found, SEVERITY_ERROR, key, "%s", text.data ? text.data : "out of memory");
    text_free(&text);
    free(names);
    return -1;
}

struct instance *instance_read(struct plugins *plugins, enum iso_kind kind, const struct node *node,
                               const char *folder, const char *const *reserved, const struct plugin_host *host,
                               struct diagnostics *found)
{
    const struct node *parameters = NULL, *at = node;
    const char *name = "";
    struct iso_error err = ERROR_NONE;
    struct holder *holder = NULL;
    const struct node **given = NULL;
    int status = -1;
    if (split_value(kind, node, &name, &at, &parameters, found))
        return NULL;
    const struct plugin *plugin = plugins_find(plugins, kind, name, &err);
    if (!plugin) {
        diagnostics_add(found, SEVERITY_ERROR, at, "%s", err.text);
        return NULL;
    }
    if (plugin->warning)
        diagnostics_add(found, SEVERITY_WARNING, at, "%s", plugin->warning);
    given = memory_array(plugin->param_count + 1, sizeof *given);
    holder = holder_new(plugin, host, &err);
    if (!given || !holder) {
        error_memory(&err);
        diagnostics_add(found, SEVERITY_ERROR, at, "%s", err.text);
        goto out;
    }
    status = 0;
    for (size_t k = 0; k < plugin->param_count; k++)
        if (listed(reserved, plugin->params[k].name))
            status = diagnostics_add(found, SEVERITY_ERROR, at,
                                     "%s has a parameter \"%s\", a name that isoflop keeps for itself: it must be "
                                     "renamed", plugin->file, plugin->params[k].name);
    for (size_t i = 0; parameters && i < parameters->count; i++) {
        size_t k = 0;
        if (listed(reserved, parameters->keys[i]->text))
            continue;
        while (k < plugin->param_count && strcmp(plugin->params[k].name, parameters->keys[i]->text))
            k++;
        if (k == plugin->param_count)
            status = tell_unknown(plugin, parameters->keys[i], reserved, found);
        else
            given[k] = parameters->values[i];
    }
    struct place place = { found, at };
    if (fill(holder, given, status == 0, folder, tell_place, &place))
        status = -1;
out:
    free(given);
    if (status && holder) {
        instance_free(&holder->instance);
        holder = NULL;
    }
    return holder ? &holder->instance : NULL;
}

/* ---- From texts ---- */

static int tell_error(void *context, const struct node *where, const char *text)
{
    (void)where;
    return iso_fail(context, "%s", text);
}

struct instance *instance_new(const struct plugin *plugin, const char *const *pairs, const struct plugin_host *host,
                              struct iso_error *err)
{
    struct holder *holder = holder_new(plugin, host, err);
    const struct node **given = memory_array(plugin->param_count + 1, sizeof *given);
    struct diagnostics *found = diagnostics_new();
    struct text document = { 0 };
    struct tree *tree = NULL;
    int status = -1;
    if (!holder || !given || !found) {
        error_memory(err);
        goto out;
    }
    for (; pairs && pairs[0] && pairs[1]; pairs += 2)
        text_format(&document, "%s: %s\n", pairs[0], pairs[1]);
    if (document.failed) {
        error_memory(err);
        goto out;
    }
    if (document.length && !(tree = tree_parse("parameters", document.data, document.length, found))) {
        iso_fail(err, "parameters of %s are not readable: %s", plugin->descriptor.name, document.data);
        goto out;
    }
    status = 0;
    for (size_t i = 0; tree && tree->root && tree->root->kind == NODE_MAP && i < tree->root->count; i++) {
        size_t k = 0;
        while (k < plugin->param_count && strcmp(plugin->params[k].name, tree->root->keys[i]->text))
            k++;
        if (k == plugin->param_count)
            status = iso_fail(err, "%s %s has no parameter \"%s\"",
                              plugin_kind_name((enum iso_kind)plugin->descriptor.kind), plugin->descriptor.name,
                              tree->root->keys[i]->text);
        else
            given[k] = tree->root->values[i];
    }
    if (!status)
        status = fill(holder, given, true, NULL, tell_error, err);
out:
    tree_free(tree);
    text_free(&document);
    diagnostics_free(found);
    free(given);
    if (status && holder) {
        instance_free(&holder->instance);
        holder = NULL;
    }
    return holder ? &holder->instance : NULL;
}

/* ---- Looking at one ---- */

static int compare_params(const void *a, const void *b)
{
    const struct iso_param *const *p = a, *const *q = b;
    return strcmp((*p)->name, (*q)->name);
}

void instance_json(const struct instance *instance, struct text *out)
{
    const struct holder *holder = (const struct holder *)(const void *)instance;
    const struct plugin *plugin = instance->plugin;
    const struct iso_param **sorted = memory_array(plugin->param_count + 1, sizeof *sorted);
    bool first = true;
    if (!sorted) {
        out->failed = true;
        return;
    }
    for (size_t k = 0; k < plugin->param_count; k++)
        sorted[k] = &plugin->params[k];
    qsort(sorted, plugin->param_count, sizeof *sorted, compare_params);
    text_format(out, "{\"kind\":\"%s\",\"name\":\"%s\",\"parameters\":{",
                plugin_kind_name((enum iso_kind)plugin->descriptor.kind), plugin->descriptor.name);
    for (size_t k = 0; k < plugin->param_count; k++) {
        const struct iso_param *param = sorted[k];
        const void *value = holder->values + param->offset;
        if (param->type == ISO_TYPE_PATH ||
            (param->initial && value_equal(param->type, value, holder->defaults + param->offset)))
            continue;
        text_format(out, "%s\"%s\":", first ? "" : ",", param->name);
        value_json(param, value, out);
        first = false;
    }
    text_format(out, "},\"revision\":%d}", plugin->descriptor.revision);
    free(sorted);
}

const char *instance_surrogate(const struct instance *instance)
{
    const struct plugin *plugin = instance->plugin;
    switch (plugin->descriptor.kind) {
    case ISO_ACTIVATION:
        return plugin->ops.activation.surrogate ? plugin->ops.activation.surrogate(instance->state) : NULL;
    case ISO_LOSS:
        return plugin->ops.loss.surrogate ? plugin->ops.loss.surrogate(instance->state) : NULL;
    default:
        return NULL;
    }
}
