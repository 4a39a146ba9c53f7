/* The hooks that datasets are given: host->file and host->block. */
#include "data/host.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/data.h"
#include "data/locate.h"
#include "data/unpack.h"

/* A file that was read: its content's checksum, by the name it was asked for. */
struct reading {
    char *name;
    size_t region;
};

struct data_host {
    struct plugin_host host;
    struct cache *cache;
    size_t region_count, region_capacity;
    struct cached *regions; /* lent until the host is freed */
    size_t reading_count, reading_capacity;
    struct reading *readings;
};

static struct data_host *context_of(const struct iso_host *host)
{
    return instance_context(host);
}

/* Lends bytes out: takes `cached` over. */
static int lend(struct data_host *own, struct cached *cached, struct iso_bytes *bytes, struct iso_error *err)
{
    if (memory_grow(&own->regions, &own->region_capacity, own->region_count + 1, sizeof *own->regions)) {
        cached_release(cached);
        return error_memory(err);
    }
    own->regions[own->region_count++] = *cached;
    bytes->data = cached->data;
    bytes->length = cached->length;
    return 0;
}

/* ---- Files ---- */

/* Members of an archive that are files of the data set go to the cache in one walk, for each walk decompresses all. */
struct walk {
    struct cache *cache;
    const struct iso_dataset *dataset;
    const struct iso_data_file *file; /* the one that was asked for */
    const char *path;
    struct cached *cached;
    bool found;
};

static const struct iso_data_file *member_file(const struct walk *walk, const char *name)
{
    for (const struct iso_data_file *file = walk->dataset->files; file->name; file++)
        if (file->archive && !strcmp(file->archive, walk->file->archive) &&
            !strcmp(name, file->member ? file->member : file->name))
            return file;
    return NULL;
}

static size_t member_wanted(void *context, const char *name, uint64_t size)
{
    (void)size;
    const struct iso_data_file *file = member_file(context, name);
    return file ? (size_t)file->length : 0;
}

static int member_keep(void *context, const char *name, unsigned char *data, size_t length, struct iso_error *err)
{
    (void)err;
    struct walk *walk = context;
    struct cached cached;
    cache_keep(walk->cache, CACHE_DATA, NULL, data, length, &cached);
    cache_remember(walk->cache, walk->path, name, cached.sha256);
    if (member_file(walk, name) == walk->file && !walk->found) {
        walk->found = true;
        *walk->cached = cached;
    } else {
        cached_release(&cached);
    }
    return 0;
}

static int read_member(struct cache *cache, const struct plugin *plugin, const struct iso_data_file *file,
                       const struct place *place, struct cached *cached, struct iso_error *err)
{
    struct walk walk = { cache, &plugin->ops.dataset, file, place->path, cached, false };
    /* Room for the data set, the archive's own headers and a few further members. */
    uint64_t limit = 64 << 20;
    for (const struct iso_data_file *one = plugin->ops.dataset.files; one->name; one++)
        limit += one->length;
    const struct unpack_walk steps = { &walk, member_wanted, member_keep };
    if (unpack_archive(place->path, limit, &steps, err)) {
        if (walk.found)
            cached_release(cached);
        return -1;
    }
    return walk.found ? 0 : iso_fail(err, "%s: there is no %s in it", place->path, place->member);
}

/* The content of a file, decompressed; from the cache where it was read before. */
static int read_content(struct cache *cache, const char *path, size_t limit, struct cached *cached,
                        struct iso_error *err)
{
    size_t length;
    unsigned char *data = unpack_file(path, limit, &length, err);
    if (!data)
        return -1;
    cache_keep(cache, CACHE_DATA, NULL, data, length, cached);
    cache_remember(cache, path, NULL, cached->sha256);
    return 0;
}

static bool recalled(struct cache *cache, const char *path, const char *member, size_t limit, struct cached *cached)
{
    char sha256[HASH_TEXT];
    if (!cache_recall(cache, path, member, sha256) || !cache_find(cache, CACHE_DATA, sha256, cached))
        return false;
    if (cached->length <= limit)
        return true;
    cached_release(cached);
    return false;
}

int data_read_file(struct cache *cache, const struct plugin *plugin, const struct iso_data_file *file,
                   const struct place *place, struct cached *cached, struct iso_error *err)
{
    const size_t limit = (size_t)file->length;
    if (!recalled(cache, place->path, place->member, limit, cached)) {
        const int lock = cache_lock(cache, place->path);
        int result = 0;
        /* Another process may have read it while this one waited. */
        if (!recalled(cache, place->path, place->member, limit, cached))
            result = place->member ? read_member(cache, plugin, file, place, cached, err)
                                   : read_content(cache, place->path, limit, cached, err);
        cache_unlock(lock);
        if (result)
            return -1;
    }
    if (cached->length == file->length && (!file->sha256 || !strcmp(cached->sha256, file->sha256)))
        return 0;
    if (cached->length != file->length)
        iso_fail(err, "%s: it has %zu bytes of content, but %s has %llu", place->path, cached->length, file->name,
                 (unsigned long long)file->length);
    else
        iso_fail(err, "%s: its content is not that of the published %s (SHA-256 %s, not %s)", place->path, file->name,
                 cached->sha256, file->sha256);
    cached_release(cached);
    return -1;
}

/* A file of the data set's table: the first place whose content is the published one. */
static int read_published(struct data_host *own, const struct plugin *plugin, const struct iso_data_file *file,
                          struct cached *cached, struct iso_error *err)
{
    struct places places = { 0 };
    struct iso_error wrong = ERROR_NONE;
    int result = locate_file(&plugin->ops.dataset, file, &places, err);
    bool found = false;
    for (size_t i = 0; !result && !found && i < places.count; i++)
        found = !data_read_file(own->cache, plugin, file, &places.place[i], cached, &wrong);
    if (!result && !found) {
        if (places.count)
            iso_fail(err, "the data set %s can't be read: %s\n  `isoflop data get %s` fetches the published file",
                     plugin->descriptor.name, wrong.text, plugin->descriptor.name);
        else
            locate_missing(plugin, file, err);
        result = -1;
    }
    places_free(&places);
    return result;
}

/* A file that a parameter names: FILE, FILE with a compression's suffix, or ARCHIVE/MEMBER. */
static int place_own(const char *name, struct place *place, struct iso_error *err)
{
    place->member = NULL;
    if ((place->path = locate_path(name)))
        return 0;
    const char *slash = strrchr(name, '/');
    if (slash && slash[1]) {
        char *archive = strndup(name, (size_t)(slash - name));
        if (archive && unpack_is_archive(archive)) {
            *place = (struct place){ archive, slash + 1 };
            return 0;
        }
        free(archive);
    }
    return iso_fail(err, "there is no file %s (nor one with .gz, .xz, .zst or .bz2 added)", name);
}

struct member_walk {
    struct cache *cache;
    const struct place *place;
    size_t limit;
    struct cached *cached;
    bool found;
};

static size_t own_wanted(void *context, const char *name, uint64_t size)
{
    (void)size;
    const struct member_walk *walk = context;
    return !walk->found && !strcmp(name, walk->place->member) ? walk->limit : 0;
}

static int own_keep(void *context, const char *name, unsigned char *data, size_t length, struct iso_error *err)
{
    (void)err;
    struct member_walk *walk = context;
    cache_keep(walk->cache, CACHE_DATA, NULL, data, length, walk->cached);
    cache_remember(walk->cache, walk->place->path, name, walk->cached->sha256);
    walk->found = true;
    return 0;
}

static int read_own_member(struct cache *cache, const struct place *place, size_t limit, struct cached *cached,
                           struct iso_error *err)
{
    struct member_walk walk = { cache, place, limit, cached, false };
    const struct unpack_walk steps = { &walk, own_wanted, own_keep };
    const uint64_t others = UINT64_C(1) << 40; /* members beside it are passed over */
    if (!unpack_archive(place->path, others, &steps, err) && walk.found)
        return 0;
    if (walk.found)
        cached_release(cached);
    return iso_fail(err, "%s: there is no %s in it", place->path, place->member);
}

static int read_own(struct data_host *own, const char *name, size_t limit, struct cached *cached, struct iso_error *err)
{
    struct place place;
    int result = 0;
    if (place_own(name, &place, err))
        return -1;
    if (!recalled(own->cache, place.path, place.member, limit, cached)) {
        const int lock = cache_lock(own->cache, place.path);
        if (!recalled(own->cache, place.path, place.member, limit, cached))
            result = place.member ? read_own_member(own->cache, &place, limit, cached, err)
                                  : read_content(own->cache, place.path, limit, cached, err);
        cache_unlock(lock);
    }
    free(place.path);
    return result;
}

static int host_file(const struct iso_host *host, const char *name, size_t limit, struct iso_bytes *bytes,
                     struct iso_error *err)
{
    struct data_host *own = context_of(host);
    const struct plugin *plugin = instance_of(host)->plugin;
    for (size_t i = 0; i < own->reading_count; i++) {
        const struct cached *region = &own->regions[own->readings[i].region];
        if (!strcmp(own->readings[i].name, name) && region->length <= limit) {
            bytes->data = region->data;
            bytes->length = region->length;
            return 0;
        }
    }
    const struct iso_data_file *file = plugin->ops.dataset.files;
    while (file && file->name && strcmp(file->name, name))
        file++;
    struct cached cached;
    if (file && file->name) {
        if (file->length > limit)
            return iso_fail(err, "%s: it has %llu bytes, more than the %zu expected", name,
                            (unsigned long long)file->length, limit);
        if (read_published(own, plugin, file, &cached, err))
            return -1;
    } else if (read_own(own, name, limit, &cached, err)) {
        return -1;
    }
    if (lend(own, &cached, bytes, err))
        return -1;
    char *copy = strdup(name);
    if (!copy ||
        memory_grow(&own->readings, &own->reading_capacity, own->reading_count + 1, sizeof *own->readings)) {
        free(copy);
        return error_memory(err);
    }
    own->readings[own->reading_count++] = (struct reading){ copy, own->region_count - 1 };
    return 0;
}

static bool files_checksum(const struct data_host *own, char sha256[HASH_TEXT])
{
    struct text text = { 0 };
    for (size_t i = 0; i < own->reading_count; i++)
        text_format(&text, "%s\n", own->regions[own->readings[i].region].sha256);
    char *sums = text_take(&text);
    if (sums)
        hash_of(sums, strlen(sums), sha256);
    free(sums);
    return sums && own->reading_count;
}

bool data_host_checksum(const struct instance *instance, char sha256[HASH_TEXT])
{
    return instance->host.file == host_file && files_checksum(context_of(&instance->host), sha256);
}

/* ---- Blocks ---- */

static int host_block(const struct iso_host *host, const char *name, size_t length,
                      int (*fill)(void *context, unsigned char *data, size_t length, struct iso_error *err),
                      void *context, struct iso_bytes *bytes, struct iso_error *err)
{
    struct data_host *own = context_of(host);
    struct text text = { 0 };
    char files[HASH_TEXT], key[HASH_TEXT];
    if (!length)
        return iso_fail(err, "a block of decoded data can't be empty");
    instance_json(instance_of(host), &text);
    text_format(&text, "\n%s\n%s\n%zu", files_checksum(own, files) ? files : "", name, length);
    char *what = text_take(&text);
    if (!what)
        return error_memory(err);
    hash_of(what, strlen(what), key);
    free(what);

    struct cached cached;
    if (!cache_find(own->cache, CACHE_BLOCKS, key, &cached) || cached.length != length) {
        cached_release(&cached);
        const int lock = cache_lock(own->cache, key);
        if (!cache_find(own->cache, CACHE_BLOCKS, key, &cached) || cached.length != length) {
            cached_release(&cached);
            unsigned char *data = memory_aligned(length);
            const int result = data ? fill(context, data, length, err) : error_memory(err);
            if (result) {
                free(data);
                cache_unlock(lock);
                return -1;
            }
            cache_keep(own->cache, CACHE_BLOCKS, key, data, length, &cached);
        }
        cache_unlock(lock);
    }
    return lend(own, &cached, bytes, err);
}

struct plugin_host *data_host_new(struct iso_error *err)
{
    struct data_host *own = calloc(1, sizeof *own);
    if (own)
        own->cache = cache_open();
    if (!own || !own->cache) {
        free(own);
        error_memory(err);
        return NULL;
    }
    own->host = (struct plugin_host){ .file = host_file, .block = host_block, .context = own };
    return &own->host;
}

void data_host_free(struct plugin_host *host)
{
    if (!host)
        return;
    struct data_host *own = host->context;
    for (size_t i = 0; i < own->region_count; i++)
        cached_release(&own->regions[i]);
    for (size_t i = 0; i < own->reading_count; i++)
        free(own->readings[i].name);
    free(own->regions);
    free(own->readings);
    cache_close(own->cache);
    free(own);
}
