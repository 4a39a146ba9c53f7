/* Facts that hosts must agree in. */
#include "lab/facts.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/numbers.h"
#include "base/text.h"

#define WORDS_LOOKED_AT 1024

struct settings *settings_of_json(const char *recipe, const char *folder, struct plugins *plugins,
                                  struct iso_error *err)
{
    struct settings *settings = NULL;
    struct diagnostics *found = diagnostics_new();
    struct tree *tree = found ? tree_parse("recipe", recipe, strlen(recipe), found) : NULL;
    if (tree) {
        tree->folder = arena_copy(tree->arena, folder, strlen(folder));
        settings = settings_read(tree, plugins, found);
    }
    if (!settings) {
        struct text text = { 0 };
        if (found)
            diagnostics_text(found, &text);
        iso_fail(err, "%s", text.data ? text.data : "out of memory");
        text_free(&text);
    }
    diagnostics_free(found);
    return settings;
}

static void add_part(const struct instance *instance, struct text *out)
{
    if (!instance)
        return;
    const struct plugin *plugin = instance->plugin;
    char sum[HASH_TEXT];
    provenance_checksum(plugin->file, sum);
    text_format(out, "plugin %s/%s: %s\n", plugin_kind_name((enum iso_kind)plugin->descriptor.kind),
                plugin->descriptor.name, sum);
}

int facts_add(const struct settings *settings, const char *data_checksum, const char *key,
              const struct provenance *provenance, struct text *out, struct iso_error *err)
{
    const struct plugin *backend = settings->backend->plugin;
    text_format(out, "instruction set: %s\nlibm: %s\n", provenance->instruction_set, provenance->libm);
    const struct instance *parts[] = { settings->dataset, settings->initializer, settings->loss, settings->optimizer,
                                       settings->schedule, settings->backend };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        add_part(parts[i], out);
    for (size_t i = 0; i < settings->hidden_count; i++)
        if (!i || settings->activation[i] != settings->activation[i - 1])
            add_part(settings->activation[i], out);
    text_format(out, "kernel of backend/%s: %s\n", backend->descriptor.name,
                backend->ops.backend.kernel(settings->backend->state));
    text_format(out, "data of dataset/%s: %s\n", settings->dataset->plugin->descriptor.name, data_checksum);
    text_format(out, "key: %s\n", key);
    return out->failed ? error_memory(err) : 0;
}

/* ---- Rank 0: samples ---- */

/* Whether a sample has this line. */
static bool is_known(const struct samples *samples, const char *line, size_t length)
{
    for (size_t i = 0; i < samples->count; i++)
        for (const char *at = samples->items[i].facts; *at; at += strcspn(at, "\n") + 1)
            if (strcspn(at, "\n") == length && memcmp(at, line, length) == 0)
                return true;
    return false;
}

/* The key is each trial's own. */
static bool tells_more(const struct samples *samples, const char *facts)
{
    for (const char *at = facts; *at; at += strcspn(at, "\n") + 1)
        if (strncmp(at, "key:", 4) != 0 && !is_known(samples, at, strcspn(at, "\n")))
            return true;
    return false;
}

static const struct data *data_of(const struct plan *plan, const struct settings *settings)
{
    struct text text = { 0 };
    const struct data *data = NULL;
    node_json(node_get(settings->tree->root, "dataset"), &text);
    for (size_t i = 0; text.data && !data && i < plan->data_count; i++)
        if (strcmp(plan->data[i].json, text.data) == 0)
            data = plan->data[i].data;
    text_free(&text);
    return data;
}

static int add_sample(struct samples *samples, const struct plan *plan, const struct settings *settings,
                      const char *key, const struct provenance *provenance, struct iso_error *err)
{
    const struct data *data = data_of(plan, settings);
    struct text facts = { 0 }, recipe = { 0 };
    if (!data)
        return error_memory(err);
    const int status = facts_add(settings, data_checksum(data), key, provenance, &facts, err);
    if (status || !tells_more(samples, facts.data)) {
        text_free(&facts);
        return status;
    }
    if (memory_grow(&samples->items, &samples->capacity, samples->count + 1, sizeof *samples->items)) {
        text_free(&facts);
        return error_memory(err);
    }
    node_json(settings->tree->root, &recipe);
    struct sample *sample = &samples->items[samples->count++];
    *sample = (struct sample){ .recipe = text_take(&recipe), .facts = text_take(&facts),
                               .folder = strdup(settings->tree->folder ? settings->tree->folder : ".") };
    return sample->recipe && sample->facts && sample->folder ? 0 : error_memory(err);
}

/* The swept values of a trial without those that are numbers, which choose neither plugins nor files. */
static char *swept_words(const struct plan *plan, const struct plan_trial *trial)
{
    struct text words = { 0 };
    for (size_t p = 0; p < plan->path_count; p++) {
        const struct node *value = trial->swept[p];
        double number;
        if (value && !(value->kind == NODE_SCALAR && number_real(value->text, &number)))
            node_json(value, &words);
        text_add_string(&words, ",");
    }
    return text_take(&words);
}

/* Texts, each once. */
struct words {
    size_t count, capacity;
    char **items;
};

/* Takes over a text, NULL included: 1, or 0 where it is there already, or -1. */
static int words_add(struct words *words, char *text)
{
    for (size_t i = 0; text && i < words->count; i++)
        if (strcmp(words->items[i], text) == 0) {
            free(text);
            return 0;
        }
    if (!text || memory_grow(&words->items, &words->capacity, words->count + 1, sizeof *words->items)) {
        free(text);
        return -1;
    }
    words->items[words->count++] = text;
    return 1;
}

int samples_make(struct samples *samples, const struct plan *plan, struct plugins *plugins,
                 const struct provenance *provenance, struct iso_error *err)
{
    struct words words = { 0 };
    size_t last = SIZE_MAX;
    int status = 0;
    for (size_t i = 0; !status && i < plan->count && words.count < WORDS_LOOKED_AT; i++) {
        if (plan->trials[i].point == last)
            continue;
        last = plan->trials[i].point;
        const int added = words_add(&words, swept_words(plan, &plan->trials[i]));
        if (added < 0)
            status = error_memory(err);
        if (added <= 0)
            continue;
        struct diagnostics *found = diagnostics_new();
        struct settings *settings = found ? plan_settings(plan, i, plugins, found) : NULL;
        status = settings ? add_sample(samples, plan, settings, plan->trials[i].key, provenance, err)
                          : error_memory(err);
        settings_free(settings);
        diagnostics_free(found);
    }
    for (size_t i = 0; i < words.count; i++)
        free(words.items[i]);
    free(words.items);
    return status;
}

void samples_free(struct samples *samples)
{
    for (size_t i = 0; i < samples->count; i++) {
        free(samples->items[i].recipe);
        free(samples->items[i].folder);
        free(samples->items[i].facts);
    }
    free(samples->items);
    *samples = (struct samples){ 0 };
}

/* ---- The other ranks: are they like rank 0? ---- */

static const char *advice(const char *name)
{
    if (strncmp(name, "kernel", 6) == 0 || strncmp(name, "instruction", 11) == 0)
        return "results would differ in their last bits; choose hosts with the same processor";
    if (strncmp(name, "data", 4) == 0)
        return "results would differ; give all hosts the same data files";
    return "results could differ; install the same isoflop, libraries and plugins on all hosts";
}

/* The first line in which two lists of facts differ, in words. */
static int compare(const char *wanted, const char *here, struct iso_error *err)
{
    while (*wanted || *here) {
        const size_t length = strcspn(wanted, "\n"), length_here = strcspn(here, "\n");
        if (length != length_here || memcmp(wanted, here, length) != 0) {
            const size_t name = strcspn(wanted, ":\n");
            const char *value = wanted + name, *value_here = here + strcspn(here, ":\n");
            value += strspn(value, ": ");
            value_here += strspn(value_here, ": ");
            return iso_fail(err, "%.*s is %.*s here, but %.*s on rank 0: %s", (int)name, wanted,
                            (int)strcspn(value_here, "\n"), value_here, (int)strcspn(value, "\n"), value,
                            advice(wanted));
        }
        wanted += length + (wanted[length] == '\n');
        here += length_here + (here[length_here] == '\n');
    }
    return 0;
}

int sample_check(const struct sample *sample, struct plugins *plugins, const struct provenance *provenance,
                 struct iso_error *err)
{
    struct settings *settings = settings_of_json(sample->recipe, sample->folder, plugins, err);
    struct data *data = settings ? data_open(settings->dataset, &settings->data, settings->seed, err) : NULL;
    struct text facts = { 0 }, json = { 0 };
    char key[HASH_TEXT];
    int status = -1;
    if (!data)
        goto out;
    if (settings_key_json(settings, data_checksum(data), &json) || hash_of(json.data, json.length, key))
        error_memory(err);
    else if (!facts_add(settings, data_checksum(data), key, provenance, &facts, err))
        status = compare(sample->facts, facts.data, err);
out:
    data_close(data);
    settings_free(settings);
    text_free(&facts);
    text_free(&json);
    return status;
}
