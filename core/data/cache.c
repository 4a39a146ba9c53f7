/* The cache of decompressed and decoded data. A failure to cache is no failure: data then stay in private memory. */
#include "data/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

struct cache {
    char *folder; /* NULL: none that can be written */
    bool made;    /* with its parts: when it is first used, as most trials share data that are open already */
};

static const char *const group_names[] = { "data", "blocks" };

struct cache *cache_open(void)
{
    struct cache *cache = calloc(1, sizeof *cache);
    if (cache)
        cache->folder = file_cache_folder(NULL);
    return cache;
}

static bool is_usable(struct cache *cache)
{
    static const char *const parts[] = { "data", "blocks", "index", "lock" };
    for (size_t i = 0; !cache->made && cache->folder && i < sizeof parts / sizeof *parts; i++) {
        char *path = file_join(cache->folder, parts[i]);
        if (!path || file_make_folder(path, NULL)) {
            free(cache->folder);
            cache->folder = NULL;
        }
        free(path);
    }
    cache->made = true;
    return cache->folder != NULL;
}

void cache_close(struct cache *cache)
{
    if (!cache)
        return;
    free(cache->folder);
    free(cache);
}

void cached_release(struct cached *cached)
{
    if (cached->mapped)
        munmap(cached->data, cached->length);
    else
        free(cached->data);
    *cached = (struct cached){ 0 };
}

/* FOLDER/PART/NAME SUFFIX, or NULL. */
static char *path_of(const struct cache *cache, const char *part, const char *name, const char *suffix)
{
    struct text text = { 0 };
    text_format(&text, "%s/%s/%s%s", cache->folder, part, name, suffix);
    return text_take(&text);
}

/* ---- Records ---- */

/* What was recorded of an entry. */
struct sum {
    char sha256[HASH_TEXT];
    uint64_t length, inode;
    int64_t seconds;
    long nanoseconds;
};

static bool is_sha256(const char *text)
{
    return strspn(text, "0123456789abcdef") == HASH_TEXT - 1 && !text[HASH_TEXT - 1];
}

static bool sum_read(const char *path, struct sum *sum)
{
    size_t length;
    char *text = file_read(path, 1000, &length, NULL);
    const bool good = text && sscanf(text, "isoflop 1 %64s %" SCNu64 " %" SCNu64 " %" SCNd64 " %ld", sum->sha256,
                                     &sum->length, &sum->inode, &sum->seconds, &sum->nanoseconds) == 5 &&
                      is_sha256(sum->sha256);
    free(text);
    return good;
}

static void sum_write(const char *path, const char *sha256, const struct stat *status)
{
    char line[256];
    const int length =
        snprintf(line, sizeof line, "isoflop 1 %s %" PRIu64 " %" PRIu64 " %" PRId64 " %ld\n", sha256,
                 (uint64_t)status->st_size, (uint64_t)status->st_ino, (int64_t)status->st_mtim.tv_sec,
                 (long)status->st_mtim.tv_nsec);
    if (length > 0 && (size_t)length < sizeof line)
        file_replace(path, line, (size_t)length, NULL);
}

/* ---- Entries ---- */

static unsigned char *map(int file, size_t length)
{
    void *data = mmap(NULL, length, PROT_READ, MAP_SHARED, file, 0);
    return data == MAP_FAILED ? NULL : data;
}

bool cache_find(struct cache *cache, enum cache_group group, const char *name, struct cached *cached)
{
    bool found = false;
    int file = -1;
    char *path = NULL, *record = NULL;
    *cached = (struct cached){ 0 };
    if (!is_usable(cache))
        return false;
    path = path_of(cache, group_names[group], name, "");
    record = path_of(cache, group_names[group], name, ".sum");
    if (!path || !record)
        goto out;
    struct stat status;
    file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &status) || !S_ISREG(status.st_mode) || status.st_size <= 0 ||
        (uintmax_t)status.st_size > SIZE_MAX)
        goto out;
    struct sum sum;
    const bool recorded = sum_read(record, &sum);
    if (!recorded && group != CACHE_DATA)
        goto out;
    if (recorded && sum.length != (uint64_t)status.st_size)
        goto out;
    const size_t length = (size_t)status.st_size;
    unsigned char *data = map(file, length);
    if (!data)
        goto out;
    *cached = (struct cached){ .data = data, .length = length, .mapped = true };
    found = recorded && sum.inode == (uint64_t)status.st_ino && sum.seconds == (int64_t)status.st_mtim.tv_sec &&
            sum.nanoseconds == (long)status.st_mtim.tv_nsec && (group != CACHE_DATA || !strcmp(sum.sha256, name));
    if (found) {
        memcpy(cached->sha256, sum.sha256, HASH_TEXT);
    } else {
        const char *expected = group == CACHE_DATA ? name : sum.sha256;
        hash_of(data, length, cached->sha256);
        found = !strcmp(cached->sha256, expected);
        if (found)
            sum_write(record, cached->sha256, &status);
        else
            cached_release(cached);
    }
out:
    if (file >= 0)
        close(file);
    free(path);
    free(record);
    return found;
}

/* Removes what processes that died while writing have left. */
static void sweep(const char *folder)
{
    DIR *list = opendir(folder);
    if (!list)
        return;
    const time_t now = time(NULL);
    for (struct dirent *entry; (entry = readdir(list));) {
        struct stat status;
        if (!strncmp(entry->d_name, "new-", 4) && !fstatat(dirfd(list), entry->d_name, &status, 0) &&
            now - status.st_mtime > 3600)
            unlinkat(dirfd(list), entry->d_name, 0);
    }
    closedir(list);
}

static bool write_all(int file, const unsigned char *data, size_t length)
{
    while (length) {
        const ssize_t put = write(file, data, length < 1 << 24 ? length : 1 << 24);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        data += put;
        length -= (size_t)put;
    }
    return true;
}

void cache_keep(struct cache *cache, enum cache_group group, const char *name, unsigned char *data, size_t length,
                struct cached *cached)
{
    char *folder = NULL, *path = NULL, *record = NULL, *fresh = NULL;
    int file = -1;
    *cached = (struct cached){ .data = data, .length = length };
    hash_of(data, length, cached->sha256);
    if (!is_usable(cache) || !length)
        return;
    if (!name)
        name = cached->sha256;
    folder = path_of(cache, group_names[group], "", "");
    path = path_of(cache, group_names[group], name, "");
    record = path_of(cache, group_names[group], name, ".sum");
    fresh = path_of(cache, group_names[group], "new-XXXXXX", "");
    if (!folder || !path || !record || !fresh)
        goto out;
    sweep(folder);
    file = mkstemp(fresh);
    if (file < 0)
        goto out;
    struct stat status;
    unsigned char *mapped = NULL;
    if (write_all(file, data, length) && !fsync(file) && !fchmod(file, 0444) && !fstat(file, &status))
        mapped = map(file, length);
    if (!mapped || rename(fresh, path)) {
        if (mapped)
            munmap(mapped, length);
        unlink(fresh);
        goto out;
    }
    sum_write(record, cached->sha256, &status);
    free(data);
    cached->data = mapped;
    cached->mapped = true;
out:
    if (file >= 0)
        close(file);
    free(folder);
    free(path);
    free(record);
    free(fresh);
}

/* ---- Sources ---- */

/* One line that tells whether a file is the same as before. */
static bool identity(const char *path, char *line, size_t size, struct stat *status)
{
    if (stat(path, status))
        return false;
    snprintf(line, size, "isoflop 1 %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRId64 ".%09ld %" PRId64 ".%09ld ",
             (uint64_t)status->st_dev, (uint64_t)status->st_ino, (uint64_t)status->st_size,
             (int64_t)status->st_mtim.tv_sec, (long)status->st_mtim.tv_nsec, (int64_t)status->st_ctim.tv_sec,
             (long)status->st_ctim.tv_nsec);
    return true;
}

static char *index_path(const struct cache *cache, const char *path, const char *member)
{
    struct text text = { 0 };
    char name[HASH_TEXT];
    char here[4096];
    /* A relative path means another file in another folder. */
    if (path[0] != '/' && getcwd(here, sizeof here))
        text_format(&text, "%s/", here);
    text_format(&text, "%s%s%s", path, member ? "\n" : "", member ? member : "");
    char *source = text_take(&text);
    if (!source)
        return NULL;
    hash_of(source, strlen(source), name);
    free(source);
    return path_of(cache, "index", name, "");
}

bool cache_recall(struct cache *cache, const char *path, const char *member, char sha256[HASH_TEXT])
{
    char line[256];
    struct stat status;
    if (!is_usable(cache) || !identity(path, line, sizeof line, &status))
        return false;
    char *record = index_path(cache, path, member);
    size_t length;
    char *text = record ? file_read(record, 1000, &length, NULL) : NULL;
    const size_t start = strlen(line);
    bool same = text && length >= start + HASH_TEXT - 1 && !memcmp(text, line, start);
    if (same) {
        memcpy(sha256, text + start, HASH_TEXT - 1);
        sha256[HASH_TEXT - 1] = 0;
        same = is_sha256(sha256);
    }
    free(text);
    free(record);
    return same;
}

void cache_remember(struct cache *cache, const char *path, const char *member, const char *sha256)
{
    char line[256];
    struct stat status;
    if (!is_usable(cache) || !identity(path, line, sizeof line, &status))
        return;
    /* A file that was changed just now may change again within the resolution of its time. */
    if (time(NULL) - status.st_mtime < 2 || time(NULL) - status.st_ctime < 2)
        return;
    char *record = index_path(cache, path, member);
    if (record) {
        const size_t start = strlen(line);
        snprintf(line + start, sizeof line - start, "%s\n", sha256);
        file_replace(record, line, strlen(line), NULL);
    }
    free(record);
}

/* ---- Locks ---- */

int cache_lock(struct cache *cache, const char *name)
{
    if (!is_usable(cache))
        return -1;
    char digest[HASH_TEXT];
    hash_of(name, strlen(name), digest);
    digest[2] = 0; /* a few lock files that stay, rather than one for each entry */
    char *path = path_of(cache, "lock", digest, "");
    const int file = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666) : -1;
    free(path);
    struct flock range = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    /* Where there are no locks (some network file systems), work may be done twice: entries are renamed whole. */
    while (file >= 0 && fcntl(file, F_SETLKW, &range) && errno == EINTR)
        ;
    return file;
}

void cache_unlock(int lock)
{
    if (lock >= 0)
        close(lock);
}
