/* Bringing published data sets to this machine: fetched or given by hand, checked, placed whole. */
#include "data/get.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "data/cache.h"
#include "data/fetch.h"
#include "data/host.h"
#include "data/locate.h"
#include "data/unpack.h"

#define ARCHIVE_SLACK (64 << 20) /* an archive's bytes besides the data set's own */

/* ---- Where ---- */

char *data_home(const struct plugin *plugin, struct iso_error *err)
{
    const struct iso_dataset *dataset = &plugin->ops.dataset;
    char *home = locate_home(err);
    char *folder = home ? file_join(home, dataset->folders ? dataset->folders[0] : plugin->descriptor.name) : NULL;
    if (home && !folder)
        error_memory(err);
    free(home);
    return folder;
}

size_t data_file_count(const struct plugin *plugin)
{
    return locate_count(&plugin->ops.dataset);
}

static enum data_file_state look_at(struct cache *cache, const struct plugin *plugin, const struct iso_data_file *file,
                                    const struct place *place, bool check)
{
    char sha256[HASH_TEXT];
    struct cached cached;
    if (cache_recall(cache, place->path, place->member, sha256))
        return !strcmp(sha256, file->sha256) ? DATA_FILE_CHECKED : DATA_FILE_WRONG;
    if (!check)
        return DATA_FILE_THERE;
    if (data_read_file(cache, plugin, file, place, &cached, NULL))
        return DATA_FILE_WRONG;
    cached_release(&cached);
    return DATA_FILE_CHECKED;
}

enum data_file_state data_file_where(const struct plugin *plugin, size_t k, bool check, char **path)
{
    const struct iso_data_file *file = &plugin->ops.dataset.files[k];
    struct cache *cache = cache_open();
    struct places places = { 0 };
    enum data_file_state state = DATA_FILE_MISSING;
    *path = NULL;
    if (cache && !locate_file(&plugin->ops.dataset, file, &places, NULL)) {
        /* A good one anywhere counts, as it does when the data set is read. */
        for (size_t i = 0; i < places.count && state != DATA_FILE_CHECKED && state != DATA_FILE_THERE; i++) {
            state = look_at(cache, plugin, file, &places.place[i], check);
            free(*path);
            *path = strdup(places.place[i].path);
        }
    }
    places_free(&places);
    cache_close(cache);
    return state;
}

#if defined __GNUC__
__attribute__((format(printf, 2, 3)))
#endif
static void say(const struct data_watch *watch, const char *format, ...)
{
    if (!watch || !watch->say)
        return;
    struct text text = { 0 };
    va_list arguments;
    va_start(arguments, format);
    text_vformat(&text, format, arguments);
    va_end(arguments);
    char *line = text_take(&text);
    if (line)
        watch->say(watch->context, line);
    free(line);
}

/* ---- Checking ---- */

/* A walk through an archive that marks the data set's files found in it, by their content. */
struct search {
    const struct plugin *plugin;
    const char *folder; /* where to place them; NULL: only look */
    const struct data_watch *watch;
    unsigned char *found; /* by place in the table */
    size_t count;
};

static const struct iso_data_file *by_content(const struct iso_dataset *dataset, const unsigned char *data,
                                              size_t length)
{
    char sha256[HASH_TEXT] = "";
    for (const struct iso_data_file *file = dataset->files; file->name; file++) {
        if (file->length != length)
            continue;
        if (!sha256[0])
            hash_of(data, length, sha256);
        if (!strcmp(file->sha256, sha256))
            return file;
    }
    return NULL;
}

static size_t longest(const struct iso_dataset *dataset)
{
    uint64_t most = 0;
    for (const struct iso_data_file *file = dataset->files; file->name; file++)
        if (file->length > most)
            most = file->length;
    return (size_t)most;
}

static uint64_t total(const struct iso_dataset *dataset)
{
    uint64_t sum = 0;
    for (const struct iso_data_file *file = dataset->files; file->name; file++)
        sum += file->length;
    return sum;
}

static size_t search_wanted(void *context, const char *name, uint64_t size)
{
    (void)name;
    const struct search *search = context;
    for (const struct iso_data_file *file = search->plugin->ops.dataset.files; file->name; file++)
        if (file->length == size)
            return (size_t)size;
    return 0;
}

static int search_member(void *context, const char *name, unsigned char *data, size_t length, struct iso_error *err)
{
    (void)name;
    struct search *search = context;
    const struct iso_dataset *dataset = &search->plugin->ops.dataset;
    const struct iso_data_file *file = by_content(dataset, data, length);
    int result = 0;
    if (file && search->folder) {
        char *path = file_join(search->folder, file->name);
        result = path ? file_replace(path, data, length, err) : error_memory(err);
        if (!result)
            say(search->watch, "%s: placed in %s", file->name, search->folder);
        free(path);
    }
    free(data);
    if (file && !result && !search->found[file - dataset->files]) {
        search->found[file - dataset->files] = 1;
        search->count++;
    }
    return result;
}

static int search_archive(struct search *search, const char *path, struct iso_error *err)
{
    const struct unpack_walk walk = { search, search_wanted, search_member };
    return unpack_archive(path, 4 * total(&search->plugin->ops.dataset) + ARCHIVE_SLACK, &walk, err);
}

/* Whether a fetched file or archive is what was published. */
static int check_fetched(const struct plugin *plugin, const struct iso_data_file *file, const char *path,
                         struct iso_error *err)
{
    const struct iso_dataset *dataset = &plugin->ops.dataset;
    if (!file->archive) {
        size_t length;
        unsigned char *data = unpack_file(path, (size_t)file->length, &length, err);
        if (!data)
            return -1;
        const bool good = by_content(dataset, data, length) == file;
        free(data);
        return good ? 0 : iso_fail(err, "what came is not the published %s (its SHA-256 differs)", file->name);
    }
    unsigned char *found = calloc(locate_count(dataset) + 1, 1);
    if (!found)
        return error_memory(err);
    struct search search = { .plugin = plugin, .found = found };
    int result = search_archive(&search, path, err);
    for (size_t k = 0; !result && dataset->files[k].name; k++)
        if (dataset->files[k].archive && !strcmp(dataset->files[k].archive, file->archive) && !found[k])
            result = iso_fail(err, "what came has no published %s in it", dataset->files[k].name);
    free(found);
    return result;
}

/* ---- Fetching ---- */

struct fetching {
    const struct plugin *plugin;
    const struct iso_data_file *file;
    const char *name; /* of the file fetched */
    char *part, *path;
    const struct data_watch *watch;
};

static bool relay(void *context, uint64_t done, uint64_t all)
{
    const struct fetching *fetching = context;
    return fetching->watch->progress(fetching->watch->context, fetching->name, done, all);
}

static int fetch_from(const struct fetching *fetching, const char *base, const char *sub, struct iso_error *err)
{
    const struct iso_data_file *file = fetching->file;
    const struct fetch_watch watch = { (void *)(uintptr_t)fetching,
                                       fetching->watch && fetching->watch->progress ? relay : NULL };
    const uint64_t limit = file->archive ? total(&fetching->plugin->ops.dataset) + ARCHIVE_SLACK
                                         : file->length + file->length / 16 + 65536;
    const size_t length = strlen(base);
    struct text text = { 0 };
    text_format(&text, "%s%s%s%s", base, length && base[length - 1] == '/' ? "" : "/", sub, file->url);
    char *url = text_take(&text);
    if (!url)
        return error_memory(err);
    int result = -1;
    bool resumed = true;
    /* A part that was gone on with and turns out wrong may have been another file's: once more, from the start. */
    for (int attempt = 0; attempt < 2 && result && resumed; attempt++) {
        struct iso_error why = ERROR_NONE;
        const bool came = !fetch_file(url, fetching->part, limit, &watch, &resumed, &why);
        result = came ? check_fetched(fetching->plugin, file, fetching->part, &why) : -1;
        if (!result)
            break;
        if (came)
            unlink(fetching->part);
        if (!came || !resumed || attempt == 1) {
            iso_fail(err, "%s: %s", url, why.text);
            break;
        }
    }
    free(url);
    return result;
}

/* From the first address that has it. */
static int fetch_one(const struct fetching *fetching, const char *mirror, struct iso_error *err)
{
    const struct iso_dataset *dataset = &fetching->plugin->ops.dataset;
    const char *const given[] = { mirror, mirror, NULL };
    const char *const *bases = mirror ? given : dataset->mirrors;
    struct text all = { 0 };
    int result = -1;
    for (size_t i = 0; bases && bases[i] && result; i++) {
        struct iso_error why = ERROR_NONE;
        char sub[256] = "";
        if (mirror && i == 0)
            snprintf(sub, sizeof sub, "%s/", dataset->folders[0]);
        result = fetch_from(fetching, bases[i], sub, &why);
        if (result)
            text_format(&all, "\n  %s", why.text);
        if (result && strstr(why.text, "interrupted"))
            break;
    }
    if (!result) {
        if (rename(fetching->part, fetching->path))
            result = error_system(err, "cannot write", fetching->path);
        else
            say(fetching->watch, "%s: fetched, checked, placed in %s", fetching->name, fetching->path);
    } else {
        struct stat status;
        const bool kept = !stat(fetching->part, &status) && status.st_size > 0;
        if (!kept)
            unlink(fetching->part);
        char *reasons = text_take(&all);
        iso_fail(err, "%s could not be fetched:%s\n  %s isoflop data get %s --from PATH takes files fetched by other "
                 "means", fetching->name, reasons ? reasons : "",
                 kept ? "What has come so far is kept, and gone on with next time;" : "Is there a network here?",
                 fetching->plugin->descriptor.name);
        free(reasons);
    }
    text_free(&all);
    return result;
}

/* Whether all files that come with file k's address are here, checked. */
static bool all_here(const struct plugin *plugin, size_t k)
{
    const struct iso_data_file *files = plugin->ops.dataset.files;
    for (size_t i = 0; files[i].name; i++) {
        if (i != k && !(files[k].archive && files[i].archive && !strcmp(files[i].archive, files[k].archive)))
            continue;
        char *path;
        const enum data_file_state state = data_file_where(plugin, i, true, &path);
        free(path);
        if (state != DATA_FILE_CHECKED)
            return false;
    }
    return true;
}

int data_fetch(const struct plugin *plugin, const char *mirror, const struct data_watch *watch, struct iso_error *err)
{
    const struct iso_dataset *dataset = &plugin->ops.dataset;
    int result = -1;
    char *folder = NULL;
    if (!dataset->files)
        return iso_fail(err, "%s has no files to fetch: it is made by the program or read from files that the recipe "
                        "names", plugin->descriptor.name);
    if (!(folder = data_home(plugin, err)) || file_make_folder(folder, err))
        goto out;
    for (size_t k = 0; dataset->files[k].name; k++) {
        const struct iso_data_file *file = &dataset->files[k];
        if (k && file->archive && dataset->files[k - 1].archive &&
            !strcmp(file->archive, dataset->files[k - 1].archive))
            continue; /* came with the one before */
        if (all_here(plugin, k)) {
            char *path;
            data_file_where(plugin, k, false, &path);
            say(watch, "%s: is here already (%s)", file->archive ? file->archive : file->name, path ? path : "");
            free(path);
            continue;
        }
        if (!file->url) {
            iso_fail(err, "%s is not published at an address of its own: get it by hand, then "
                     "isoflop data get %s --from PATH", file->name, plugin->descriptor.name);
            goto out;
        }
        const char *slash = strrchr(file->url, '/');
        struct fetching fetching = { .plugin = plugin, .file = file, .name = slash ? slash + 1 : file->url,
                                     .watch = watch };
        struct text text = { 0 };
        fetching.path = file_join(folder, fetching.name);
        text_format(&text, "%s.part", fetching.path ? fetching.path : "");
        fetching.part = text_take(&text);
        const int one = fetching.path && fetching.part ? fetch_one(&fetching, mirror, err) : error_memory(err);
        free(fetching.path);
        free(fetching.part);
        if (one)
            goto out;
    }
    result = 0;
out:
    free(folder);
    return result;
}

/* ---- Files given by hand ---- */

/* Places a file, as it is, if its content is that of one of the data set's. */
static int import_file(struct search *search, const char *path, struct iso_error *err)
{
    const struct iso_dataset *dataset = &search->plugin->ops.dataset;
    size_t length;
    unsigned char *data = unpack_file(path, longest(dataset), &length, err);
    if (!data)
        return -1;
    const struct iso_data_file *file = by_content(dataset, data, length);
    free(data);
    if (!file)
        return iso_fail(err, "%s: its content is not that of a published file of %s (its SHA-256 differs)", path,
                        search->plugin->descriptor.name);
    int result = -1;
    const char *suffix = unpack_suffix(path, err);
    struct text text = { 0 };
    text_format(&text, "%s/%s%s", search->folder, file->name, suffix ? suffix : "");
    char *target = text_take(&text);
    char *raw = suffix ? file_read(path, longest(dataset) * 2 + 65536, &length, err) : NULL;
    if (raw && target && !file_replace(target, raw, length, err)) {
        say(search->watch, "%s: checked, placed in %s", file->name, target);
        if (!search->found[file - dataset->files])
            search->count++;
        search->found[file - dataset->files] = 1;
        result = 0;
    }
    free(raw);
    free(target);
    return result;
}

static int import_any(struct search *search, const char *path, struct iso_error *err)
{
    const size_t before = search->count;
    if (!unpack_is_archive(path))
        return import_file(search, path, err);
    if (search_archive(search, path, err))
        return -1;
    if (search->count == before)
        return iso_fail(err, "%s: no published file of %s is in it", path, search->plugin->descriptor.name);
    return 0;
}

/* Looks for each file in a folder by the names that it may have. */
static int import_folder(struct search *search, const char *folder, struct iso_error *err)
{
    const struct iso_dataset *dataset = &search->plugin->ops.dataset;
    struct iso_error wrong = ERROR_NONE;
    for (size_t k = 0; dataset->files[k].name; k++) {
        struct places places = { 0 };
        const int result = locate_below(dataset, &dataset->files[k], folder, &places, err);
        for (size_t i = 0; !result && i < places.count && !search->found[k]; i++)
            import_any(search, places.place[i].path, &wrong); /* told where no other place has the file */
        places_free(&places);
        if (result)
            return -1;
    }
    struct text text = { 0 };
    for (size_t k = 0; dataset->files[k].name; k++)
        if (!search->found[k])
            text_format(&text, "%s%s", text.length ? ", " : "", dataset->files[k].name);
    char *missing = text_take(&text);
    int result = 0;
    if (!missing)
        result = error_memory(err);
    else if (missing[0])
        result = iso_fail(err, "%s: no published %s found there%s%s", folder, missing, wrong.text[0] ? "\n  " : "",
                          wrong.text);
    free(missing);
    return result;
}

int data_import(const struct plugin *plugin, const char *from, const struct data_watch *watch, struct iso_error *err)
{
    const struct iso_dataset *dataset = &plugin->ops.dataset;
    struct stat status;
    int result = -1;
    char *folder = NULL;
    if (!dataset->files)
        return iso_fail(err, "%s has no files to import: it is made by the program or read from files that the recipe "
                        "names", plugin->descriptor.name);
    if (stat(from, &status))
        return error_system(err, "cannot read", from);
    struct search search = { .plugin = plugin, .watch = watch, .found = calloc(locate_count(dataset) + 1, 1) };
    if (!search.found)
        return error_memory(err);
    if (!(folder = data_home(plugin, err)) || file_make_folder(folder, err))
        goto out;
    search.folder = folder;
    result = S_ISDIR(status.st_mode) ? import_folder(&search, from, err) : import_any(&search, from, err);
    for (size_t k = 0; !result && dataset->files[k].name; k++) {
        char *path;
        if (!search.found[k] && data_file_where(plugin, k, false, &path) == DATA_FILE_MISSING)
            say(watch, "%s: still missing", dataset->files[k].name);
        else if (!search.found[k])
            free(path);
    }
out:
    free(search.found);
    free(folder);
    return result;
}
