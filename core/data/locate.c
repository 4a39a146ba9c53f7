/* Where files of data sets lie. */
#include "data/locate.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "data/unpack.h"

void places_free(struct places *places)
{
    for (size_t i = 0; i < places->count; i++)
        free(places->place[i].path);
    free(places->place);
    *places = (struct places){ 0 };
}

/* Takes the path over. */
static int add(struct places *places, char *path, const char *member, struct iso_error *err)
{
    if (!path || memory_grow(&places->place, &places->capacity, places->count + 1, sizeof *places->place)) {
        free(path);
        return error_memory(err);
    }
    places->place[places->count++] = (struct place){ path, member };
    return 0;
}

static bool is_file(const char *path)
{
    struct stat status;
    return !stat(path, &status) && S_ISREG(status.st_mode);
}

static char *joined(const char *folder, const char *name, const char *suffix)
{
    struct text text = { 0 };
    const size_t length = strlen(folder);
    text_format(&text, "%s%s%s%s", folder, length && folder[length - 1] == '/' ? "" : "/", name, suffix);
    return text_take(&text);
}

size_t locate_count(const struct iso_dataset *dataset)
{
    size_t count = 0;
    while (dataset->files && dataset->files[count].name)
        count++;
    return count;
}

char *locate_home(struct iso_error *err)
{
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    char *folder = NULL;
    if (data && data[0]) {
        folder = joined(data, "isoflop", "");
    } else if (home && home[0]) {
        folder = joined(home, ".local/share/isoflop", "");
    } else {
        iso_fail(err, "there is no folder for data sets: set HOME or XDG_DATA_HOME");
        return NULL;
    }
    if (!folder)
        error_memory(err);
    return folder;
}

/* ROOT/NAME for each of the data set's folder names, and ROOT itself where it ends with one. */
static int add_root(const struct iso_dataset *dataset, const char *root, struct places *folders, struct iso_error *err)
{
    for (const char *const *name = dataset->folders; name && *name; name++)
        if (add(folders, joined(root, *name, ""), NULL, err))
            return -1;
    size_t length = strlen(root);
    while (length > 1 && root[length - 1] == '/')
        length--;
    for (const char *const *name = dataset->folders; name && *name; name++) {
        const size_t size = strlen(*name);
        if (length > size && root[length - size - 1] == '/' && !memcmp(root + length - size, *name, size))
            return add(folders, strndup(root, length), NULL, err);
    }
    return 0;
}

int locate_folders(const struct iso_dataset *dataset, struct places *folders, struct iso_error *err)
{
    const char *path = getenv("ISOFLOP_DATA");
    while (path && *path) {
        const size_t length = strcspn(path, ":");
        char *root = strndup(path, length);
        if (!root)
            return error_memory(err);
        const int result = length ? add_root(dataset, root, folders, err) : 0;
        free(root);
        if (result)
            return -1;
        path += length + (path[length] == ':');
    }
    char *home = locate_home(NULL);
    if (home && add_root(dataset, home, folders, err)) {
        free(home);
        return -1;
    }
    free(home);
    return dataset->package_folder ? add(folders, strdup(dataset->package_folder), NULL, err) : 0;
}

/* The file in a folder: plain or compressed, or in its archive there or one folder above (as unpacked archives lie). */
static int look(const struct iso_data_file *file, const char *folder, struct places *places, struct iso_error *err)
{
    for (const char *const *suffix = unpack_suffixes; *suffix; suffix++) {
        char *path = joined(folder, file->name, *suffix);
        if (!path)
            return error_memory(err);
        if (!is_file(path))
            free(path);
        else if (add(places, path, NULL, err))
            return -1;
    }
    if (!file->archive)
        return 0;
    char *path = joined(folder, file->archive, "");
    if (path && !is_file(path)) {
        free(path);
        char *above = file_folder(folder);
        path = above ? joined(above, file->archive, "") : NULL;
        free(above);
    }
    if (!path)
        return error_memory(err);
    if (!is_file(path)) {
        free(path);
        return 0;
    }
    return add(places, path, file->member ? file->member : file->name, err);
}

int locate_file(const struct iso_dataset *dataset, const struct iso_data_file *file, struct places *places,
                struct iso_error *err)
{
    struct places folders = { 0 };
    int result = locate_folders(dataset, &folders, err);
    for (size_t i = 0; i < folders.count && !result; i++)
        result = look(file, folders.place[i].path, places, err);
    places_free(&folders);
    return result;
}

int locate_below(const struct iso_dataset *dataset, const struct iso_data_file *file, const char *folder,
                 struct places *places, struct iso_error *err)
{
    struct places folders = { 0 };
    int result = look(file, folder, places, err);
    if (!result)
        result = add_root(dataset, folder, &folders, err);
    for (size_t i = 0; i < folders.count && !result; i++)
        if (strcmp(folders.place[i].path, folder))
            result = look(file, folders.place[i].path, places, err);
    places_free(&folders);
    return result;
}

char *locate_path(const char *path)
{
    for (const char *const *suffix = unpack_suffixes; *suffix; suffix++) {
        struct text text = { 0 };
        text_format(&text, "%s%s", path, *suffix);
        char *whole = text_take(&text);
        if (whole && is_file(whole))
            return whole;
        free(whole);
    }
    return NULL;
}

int locate_missing(const struct plugin *plugin, const struct iso_data_file *file, struct iso_error *err)
{
    const struct iso_dataset *dataset = &plugin->ops.dataset;
    const char *name = plugin->descriptor.name, *mirror = dataset->mirrors ? dataset->mirrors[0] : NULL;
    struct text text = { 0 };
    struct places folders = { 0 };
    text_format(&text, "the data set %s is not there: no %s was found\n", name, file->name);
    text_format(&text, "  `isoflop data get %s` fetches it, `isoflop data get %s --from PATH` takes files you have",
                name, name);
    if (dataset->package)
        text_format(&text, "; on Debian: apt-get install %s", dataset->package);
    text_add_string(&text, "\n  its files (plain, or .gz, .xz, .zst, .bz2) and where they are published:");
    const size_t count = locate_count(dataset);
    for (size_t i = 0; i < count; i++) {
        const struct iso_data_file *one = &dataset->files[i];
        text_format(&text, "\n    %s", one->name);
        if (one->archive)
            text_format(&text, " (in %s)", one->archive);
        if (mirror && one->url && !(one->archive && i && dataset->files[i - 1].archive &&
                                    !strcmp(one->archive, dataset->files[i - 1].archive)))
            text_format(&text, "  %s%s", mirror, one->url);
    }
    text_add_string(&text, "\n  folders looked at (ISOFLOP_DATA adds more):");
    if (!locate_folders(dataset, &folders, NULL))
        for (size_t i = 0; i < folders.count; i++)
            text_format(&text, "\n    %s", folders.place[i].path);
    places_free(&folders);
    char *whole = text_take(&text);
    if (!whole)
        return error_memory(err);
    iso_fail(err, "%s", whole);
    free(whole);
    return -1;
}
