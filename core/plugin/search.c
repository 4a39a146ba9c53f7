/* The search path: finding plugins by kind and name, listing what is there. */
#include "config.h"
#include "plugin/plugin.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "plugin/internal.h"

struct plugins {
    struct arena *arena;
    char **folders;
    size_t folder_count, folder_capacity;
    struct plugin **opened;
    size_t opened_count, opened_capacity;
};

/* A file that may be a plugin, found in a folder of the path. */
struct candidate {
    enum iso_kind kind;
    char *name; /* without .so */
    char *file;
};

struct candidates {
    size_t count, capacity;
    struct candidate *items;
};

static const char *const kind_names[] = { NULL,        "activation", "loss",    "initializer", "schedule",
                                          "optimizer", "dataset",    "backend", "law" };
enum { KINDS = sizeof kind_names / sizeof *kind_names };

const char *plugin_kind_name(enum iso_kind kind)
{
    return (int)kind > 0 && (int)kind < KINDS ? kind_names[kind] : "unknown";
}

enum iso_kind plugin_kind_of(const char *name)
{
    for (int kind = 1; kind < KINDS; kind++)
        if (!strcmp(name, kind_names[kind]))
            return (enum iso_kind)kind;
    return (enum iso_kind)0;
}

bool plugin_name_valid(const char *name)
{
    return *name && !name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")];
}

char *plugin_kind_path(const struct plugin *plugin)
{
    struct text text = { 0 };
    text_format(&text, "%s/%s", plugin_kind_name((enum iso_kind)plugin->descriptor.kind), plugin->descriptor.name);
    return text_take(&text);
}

/* Appends the folders of a list separated by ':'; empty ones and those there already are passed over. */
static int add_folders(struct plugins *plugins, const char *list)
{
    while (list && *list) {
        const size_t length = strcspn(list, ":");
        bool known = length == 0;
        for (size_t i = 0; i < plugins->folder_count && !known; i++)
            known = strlen(plugins->folders[i]) == length && !memcmp(plugins->folders[i], list, length);
        if (!known) {
            if (memory_grow(&plugins->folders, &plugins->folder_capacity, plugins->folder_count + 1,
                            sizeof *plugins->folders))
                return -1;
            char *folder = arena_copy(plugins->arena, list, length);
            if (!folder)
                return -1;
            plugins->folders[plugins->folder_count++] = folder;
        }
        list += length + (list[length] == ':');
    }
    return 0;
}

struct plugins *plugins_new(const char *path, struct iso_error *err)
{
    struct plugins *plugins = memory_array(1, sizeof *plugins);
    if (plugins && (plugins->arena = arena_new()) && !add_folders(plugins, path) &&
        !add_folders(plugins, getenv("ISOFLOP_PLUGIN_PATH")) && !add_folders(plugins, PLUGIN_FOLDER))
        return plugins;
    plugins_free(plugins);
    error_memory(err);
    return NULL;
}

void plugins_free(struct plugins *plugins)
{
    if (!plugins)
        return;
    arena_free(plugins->arena);
    free(plugins->folders);
    free(plugins->opened);
    free(plugins);
}

static void candidates_free(struct candidates *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].name);
        free(list->items[i].file);
    }
    free(list->items);
}

static int candidate_compare(const void *a, const void *b)
{
    const struct candidate *p = a, *q = b;
    return p->kind != q->kind ? (p->kind < q->kind ? -1 : 1) : strcmp(p->name, q->name);
}

/* Adds the NAME.so of one folder; names that an earlier folder has are shadowed by it. */
static int scan_folder(struct candidates *list, const char *folder, enum iso_kind kind, struct iso_error *err)
{
    int status = 0;
    DIR *dir = opendir(folder);
    if (!dir)
        return 0; /* a folder need not have every kind */
    for (const struct dirent *entry; !status && (entry = readdir(dir)) != NULL;) {
        const size_t length = strlen(entry->d_name);
        if (length < 4 || strcmp(entry->d_name + length - 3, ".so"))
            continue;
        struct text name = { 0 }, file = { 0 };
        text_add(&name, entry->d_name, length - 3);
        text_format(&file, "%s/%s", folder, entry->d_name);
        struct candidate found = { kind, text_take(&name), text_take(&file) };
        bool shadowed = false;
        for (size_t i = 0; found.name && i < list->count && !shadowed; i++)
            shadowed = list->items[i].kind == kind && !strcmp(list->items[i].name, found.name);
        if (!found.name || !found.file ||
            (!shadowed && memory_grow(&list->items, &list->capacity, list->count + 1, sizeof *list->items)))
            status = error_memory(err);
        else if (!shadowed)
            list->items[list->count++] = found;
        if (status || shadowed) {
            free(found.name);
            free(found.file);
        }
    }
    closedir(dir);
    return status;
}

/* All files along the path that may be plugins of a kind (0: of all), sorted by kind and name; none is opened. */
static int scan(const struct plugins *plugins, enum iso_kind kind, struct candidates *list, struct iso_error *err)
{
    for (int k = 1; k < KINDS; k++) {
        if (kind && kind != (enum iso_kind)k)
            continue;
        for (size_t i = 0; i < plugins->folder_count; i++) {
            struct text plain = { 0 }, built = { 0 };
            text_format(&plain, "%s/%s", plugins->folders[i], kind_names[k]);
            text_format(&built, "%s/%s/.libs", plugins->folders[i], kind_names[k]);
            char *paths[2] = { text_take(&plain), text_take(&built) };
            int status = paths[0] && paths[1] ? 0 : error_memory(err);
            for (int j = 0; j < 2 && !status; j++)
                status = scan_folder(list, paths[j], (enum iso_kind)k, err);
            free(paths[0]);
            free(paths[1]);
            if (status)
                return -1;
        }
    }
    if (list->count)
        qsort(list->items, list->count, sizeof *list->items, candidate_compare);
    return 0;
}

static struct plugin *open_once(struct plugins *plugins, const char *file, enum iso_kind kind, struct iso_error *err)
{
    for (size_t i = 0; i < plugins->opened_count; i++)
        if (!strcmp(plugins->opened[i]->file, file))
            return plugins->opened[i];
    if (memory_grow(&plugins->opened, &plugins->opened_capacity, plugins->opened_count + 1,
                    sizeof *plugins->opened)) {
        error_memory(err);
        return NULL;
    }
    struct plugin *plugin = plugin_load(plugins->arena, file, kind, err);
    if (plugin)
        plugins->opened[plugins->opened_count++] = plugin;
    return plugin;
}

const struct plugin *plugins_open(struct plugins *plugins, const char *file, struct iso_error *err)
{
    if (strchr(file, '/'))
        return open_once(plugins, file, (enum iso_kind)0, err);
    /* dlopen would look for a bare name among the system's libraries. */
    char *path = file_join(".", file);
    if (!path) {
        error_memory(err);
        return NULL;
    }
    const struct plugin *plugin = open_once(plugins, path, (enum iso_kind)0, err);
    free(path);
    return plugin;
}

char **plugins_names(struct plugins *plugins, enum iso_kind kind, size_t *count, struct iso_error *err)
{
    struct candidates list = { 0 };
    char **names = NULL;
    *count = 0;
    if (!scan(plugins, kind, &list, err) && !(names = memory_array(list.count + 1, sizeof *names)))
        error_memory(err);
    for (size_t i = 0; names && i < list.count; i++) {
        names[(*count)++] = list.items[i].name;
        list.items[i].name = NULL;
    }
    candidates_free(&list);
    return names;
}

void plugins_names_free(char **names, size_t count)
{
    for (size_t i = 0; names && i < count; i++)
        free(names[i]);
    free(names);
}

/* Plugins over libraries that configure may not have found, and how to get them. */
static const char *way_to_get(enum iso_kind kind, const char *name)
{
#ifndef HAVE_ONEDNN
    if (kind == ISO_BACKEND && !strcmp(name, "onednn"))
        return "oneDNN (Debian: apt-get install libdnnl-dev)";
#endif
    (void)kind, (void)name;
    return NULL;
}

static void add_searched(const struct plugins *plugins, struct text *text)
{
    text_add_string(text, " (searched: ");
    for (size_t i = 0; i < plugins->folder_count; i++)
        text_format(text, "%s%s", i ? ", " : "", plugins->folders[i]);
    text_add_string(text, ")");
}

/* "no loss is called "hubr"; there are cross_entropy, huber, mse (searched: ...); did you mean "huber"?" */
static void fail_unknown(const struct plugins *plugins, enum iso_kind kind, const char *name, struct iso_error *err)
{
    struct candidates list = { 0 };
    struct text text = { 0 };
    const char **names = NULL;
    if (scan(plugins, kind, &list, err))
        goto out;
    text_format(&text, "no %s is called \"%.100s\"; %s", plugin_kind_name(kind), name,
                list.count > 1 ? "there are " : list.count ? "there is only " : "none at all was found");
    names = memory_array(list.count + 1, sizeof *names);
    if (!names) {
        error_memory(err);
        goto out;
    }
    for (size_t i = 0; i < list.count; i++) {
        names[i] = list.items[i].name;
        text_format(&text, "%s%s", i ? ", " : "", names[i]);
    }
    add_searched(plugins, &text);
    if (!list.count)
        text_add_string(&text, "; before `make install`, in the built tree: export ISOFLOP_PLUGIN_PATH=plugins");
    const size_t before = text.length;
    text_suggest(&text, name, names, list.count);
    if (list.count && text.length == before)
        text_add_string(&text, "; folders of other plugins are given by --plugin-path");
    iso_fail(err, "%s", text.data ? text.data : "out of memory");
out:
    free(names);
    text_free(&text);
    candidates_free(&list);
}

/* The file NAME.so in FOLDER/KIND, or below it as libtool builds it; kind "": in the folder itself. To be freed; NULL
 * with *failed false: there is none. */
static char *find_file(const char *folder, const char *kind, const char *name, bool *failed)
{
    static const char *const below[] = { "", "/.libs" };
    for (size_t i = 0; i < sizeof below / sizeof *below; i++) {
        struct text text = { 0 };
        struct stat status;
        text_format(&text, "%s%s%s%s/%s.so", folder, *kind ? "/" : "", kind, below[i], name);
        char *file = text_take(&text);
        *failed = !file;
        if (!file || !stat(file, &status))
            return file;
        free(file);
    }
    return NULL;
}

const struct plugin *plugins_find(struct plugins *plugins, enum iso_kind kind, const char *name, struct iso_error *err)
{
    if (!plugin_name_valid(name)) {
        iso_fail(err, "\"%.100s\" can not be the name of a plugin, which is made of a-z, 0-9 and _; the search path "
                      "is given by --plugin-path", name);
        return NULL;
    }
    for (size_t i = 0; i < plugins->opened_count; i++) {
        const struct plugin *plugin = plugins->opened[i];
        if (plugin->found && (enum iso_kind)plugin->descriptor.kind == kind && !strcmp(plugin->descriptor.name, name))
            return plugin;
    }
    for (size_t i = 0; i < plugins->folder_count; i++) {
        bool failed;
        char *file = find_file(plugins->folders[i], plugin_kind_name(kind), name, &failed);
        if (failed)
            error_memory(err);
        struct plugin *plugin = file ? open_once(plugins, file, kind, err) : NULL;
        if (plugin)
            plugin->found = true;
        free(file);
        if (file || failed)
            return plugin;
    }
    const char *library = way_to_get(kind, name);
    if (library)
        iso_fail(err, "this isoflop was built without %s %s, which needs %s: install it, then run configure and make "
                      "again", plugin_kind_name(kind), name, library);
    else
        fail_unknown(plugins, kind, name, err);
    return NULL;
}

const void *plugins_module(struct plugins *plugins, const char *name, const char *symbol, bool *there,
                           struct iso_error *err)
{
    *there = false;
    for (size_t i = 0; i < plugins->folder_count; i++) {
        bool failed;
        char *file = find_file(plugins->folders[i], "", name, &failed);
        if (failed)
            error_memory(err);
        *there = file != NULL;
        const void *found = file ? module_load(file, symbol, err) : NULL;
        free(file);
        if (*there || failed)
            return found;
    }
    struct text text = { 0 };
    add_searched(plugins, &text);
    iso_fail(err, "there is no file %s.so%s", name, text.data ? text.data : "");
    text_free(&text);
    return NULL;
}

const struct plugin **plugins_all(struct plugins *plugins, enum iso_kind kind, size_t *count,
                                  void (*warn)(void *context, const char *line), void *context, struct iso_error *err)
{
    struct candidates list = { 0 };
    const struct plugin **all = NULL;
    *count = 0;
    if (scan(plugins, kind, &list, err))
        goto out;
    all = memory_array(list.count + 1, sizeof *all);
    if (!all) {
        error_memory(err);
        goto out;
    }
    for (size_t i = 0; i < list.count; i++) {
        struct iso_error refusal = ERROR_NONE;
        const struct plugin *plugin = open_once(plugins, list.items[i].file, list.items[i].kind, &refusal);
        if (plugin)
            all[(*count)++] = plugin;
        if (warn && !plugin)
            warn(context, refusal.text);
        else if (warn && plugin->warning)
            warn(context, plugin->warning);
    }
out:
    candidates_free(&list);
    return all;
}
