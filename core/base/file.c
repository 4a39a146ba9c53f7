/* Files and folders. */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"

char *file_read(const char *path, size_t limit, size_t *length, struct iso_error *err)
{
    char *data = NULL, *result = NULL;
    size_t capacity = 0, used = 0;
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (file < 0 || fstat(file, &status)) {
        error_system(err, "cannot read", path);
        goto out;
    }
    if (S_ISDIR(status.st_mode)) {
        iso_fail(err, "cannot read %s: it is a folder", path);
        goto out;
    }
    /* The size is a hint alone: pipes have none, and files may grow. */
    if (status.st_size > 0 && (uintmax_t)status.st_size <= limit &&
        memory_grow(&data, &capacity, (size_t)status.st_size + 2, 1)) {
        error_memory(err);
        goto out;
    }
    for (;;) {
        if (capacity - used < 2 && memory_grow(&data, &capacity, used + 65536, 1)) {
            error_memory(err);
            goto out;
        }
        const ssize_t got = read(file, data + used, capacity - used - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            error_system(err, "cannot read", path);
            goto out;
        }
        if (got == 0)
            break;
        used += (size_t)got;
        if (used > limit) {
            iso_fail(err, "cannot read %s: it has more than %zu bytes", path, limit);
            goto out;
        }
    }
    data[used] = 0;
    *length = used;
    result = data;
    data = NULL;
out:
    free(data);
    if (file >= 0)
        close(file);
    return result;
}

int file_write(int file, const void *bytes, size_t length)
{
    const char *data = bytes;
    while (length) {
        const ssize_t put = write(file, data, length);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return -1;
        data += put;
        length -= (size_t)put;
    }
    return 0;
}

int file_replace(const char *path, const void *data, size_t length, struct iso_error *err)
{
    int result = -1, file = -1;
    const size_t size = strlen(path) + 48;
    char *folder = file_folder(path), *temporary = malloc(size);
    if (!folder || !temporary) {
        error_memory(err);
        goto out;
    }
    /* Not mkstemp: the file should have the permissions that the user's umask gives. */
    for (unsigned attempt = 0; file < 0 && attempt < 1000; attempt++) {
        snprintf(temporary, size, "%s.%ld-%u.tmp", path, (long)getpid(), attempt);
        file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (file < 0 && errno != EEXIST)
            break;
    }
    if (file < 0) {
        error_system(err, "cannot write", path);
        goto out;
    }
    const bool written = !file_write(file, data, length) && !fsync(file);
    const int number = errno;
    const bool closed = !close(file);
    if (!written)
        errno = number;
    if (!written || !closed || rename(temporary, path)) {
        error_system(err, "cannot write", path);
        unlink(temporary);
        goto out;
    }
    /* The rename itself is durable once the folder is. Some file systems cannot sync a folder: no harm to readers. */
    const int above = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (above >= 0) {
        fsync(above);
        close(above);
    }
    result = 0;
out:
    free(temporary);
    free(folder);
    return result;
}

void file_clean(const char *folder, double seconds)
{
    static const char ending[] = ".tmp";
    DIR *list = *folder ? opendir(folder) : NULL;
    const struct dirent *entry;
    const time_t now = time(NULL);
    while (list && (entry = readdir(list))) {
        const size_t length = strlen(entry->d_name);
        struct stat facts;
        if (length >= sizeof ending && strcmp(entry->d_name + length - (sizeof ending - 1), ending) == 0 &&
            (seconds <= 0 || (!fstatat(dirfd(list), entry->d_name, &facts, AT_SYMLINK_NOFOLLOW) &&
                              difftime(now, facts.st_mtime) > seconds)))
            unlinkat(dirfd(list), entry->d_name, 0);
    }
    if (list)
        closedir(list);
}

static int make_one(const char *path, struct iso_error *err)
{
    struct stat status;
    if (!mkdir(path, 0777))
        return 0;
    const int number = errno; /* what is there can't be made, for whatever reason comes first */
    if (!stat(path, &status)) {
        if (S_ISDIR(status.st_mode))
            return 0;
        return iso_fail(err, "cannot make the folder %s: a file of that name is there", path);
    }
    errno = number;
    return error_system(err, "cannot make the folder", path);
}

int file_make_folder(const char *path, struct iso_error *err)
{
    struct stat status;
    if (!stat(path, &status) && S_ISDIR(status.st_mode))
        return 0;
    char *part = strdup(path);
    if (!part)
        return error_memory(err);
    int result = 0;
    for (char *c = part + 1; part[0] && *c && !result; c++) {
        if (*c == '/' && c[-1] != '/') {
            *c = 0;
            result = make_one(part, err);
            *c = '/';
        }
    }
    if (!result)
        result = make_one(part, err);
    free(part);
    return result;
}

char *file_join(const char *folder, const char *name)
{
    if (!folder || !folder[0] || name[0] == '/')
        return strdup(name);
    const size_t length = strlen(folder), size = length + strlen(name) + 2;
    char *path = malloc(size);
    if (path)
        snprintf(path, size, "%s%s%s", folder, folder[length - 1] == '/' ? "" : "/", name);
    return path;
}

char *file_absolute(const char *path)
{
    char here[4096];
    while (path[0] == '.' && path[1] == '/')
        path += 2 + strspn(path + 2, "/");
    if (path[0] == '/' || !getcwd(here, sizeof here))
        return strdup(path);
    return !*path || !strcmp(path, ".") ? strdup(here) : file_join(here, path);
}

char *file_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return strdup(".");
    if (slash == path)
        return strdup("/");
    return strndup(path, (size_t)(slash - path));
}

char *file_cache_folder(struct iso_error *err)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char *folder = NULL;
    if (cache && cache[0]) {
        folder = file_join(cache, "isoflop");
    } else if (home && home[0]) {
        folder = file_join(home, ".cache/isoflop");
    } else {
        iso_fail(err, "there is no place for cached data: set XDG_CACHE_HOME or HOME");
        return NULL;
    }
    if (!folder)
        error_memory(err);
    return folder;
}
