/* Files of trials (checkpoints, states to go on from) between hosts that share no disk: sent in parts, each a message
 * of its own, and in place under their names once they are whole. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "lab/cluster_inside.h"

#define PART ((size_t)1 << 20) /* bytes of a file in one message */
#define UNSENT_LIMIT ((size_t)64 << 20) /* bytes that wait for rank 0, before this rank waits for it */

static const char ending[] = ".safetensors";

static bool is_state(const char *name)
{
    return strncmp(name, "resume.", 7) == 0;
}

/* Names that trials write: no way out of their folder. */
static bool is_plain(const char *name)
{
    const size_t length = strlen(name);
    return length > sizeof ending && length < 100 && name[0] != '.' &&
           name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-")] == '\0' &&
           strcmp(name + length - (sizeof ending - 1), ending) == 0;
}

static bool is_key(const char *key)
{
    return strlen(key) == HASH_TEXT - 1 && strspn(key, "0123456789abcdef") == HASH_TEXT - 1;
}

static int send_file(const struct cluster *cluster, unsigned to, const char *path, const char *key, const char *name,
                     struct iso_error *err)
{
    struct stat facts;
    int file = open(path, O_RDONLY | O_CLOEXEC), status = -1;
    char *part = malloc(PART);
    if (file < 0 || !part || fstat(file, &facts)) {
        part ? error_system(err, "cannot read", path) : error_memory(err);
        goto out;
    }
    uint64_t at = 0;
    do {
        const ssize_t got = pread(file, part, PART, (off_t)at);
        if (got < 0 || (got == 0 && at < (uint64_t)facts.st_size)) {
            error_system(err, "cannot read", path);
            goto out;
        }
        struct text content = { 0 }, frame = { 0 };
        message_put_text(&content, key);
        message_put_text(&content, name);
        message_put_number(&content, at);
        message_put_number(&content, (uint64_t)facts.st_size);
        text_add(&content, part, (size_t)got);
        message_frame(&frame, (enum message_kind)CLUSTER_FILE, content.data, content.length);
        frame.failed = frame.failed || content.failed;
        text_free(&content);
        if (cluster_send(cluster, to, &frame, err))
            goto out;
        /* Rank 0 reads whatever it is doing, the others may be waiting for it. */
        while (cluster->rank && cluster->engine->unsent() > UNSENT_LIMIT)
            cluster_sleep(CLUSTER_BUSY_SECONDS);
        at += (uint64_t)got;
    } while (at < (uint64_t)facts.st_size);
    status = 0;
out:
    if (file >= 0)
        close(file);
    free(part);
    return status;
}

int cluster_send_files(const struct cluster *cluster, unsigned to, const char *folder, const char *key,
                       enum cluster_files which, struct iso_error *err)
{
    int status = 0;
    char *below = file_join(folder, key);
    DIR *list = below ? opendir(below) : NULL;
    const struct dirent *entry;
    while (!status && list && (entry = readdir(list))) {
        if (!is_plain(entry->d_name) || (which == CLUSTER_STATES && !is_state(entry->d_name))
            || (which == CLUSTER_RESULTS && is_state(entry->d_name)))
            continue;
        char *path = file_join(below, entry->d_name);
        status = path ? send_file(cluster, to, path, key, entry->d_name, err) : error_memory(err);
        free(path);
    }
    if (list)
        closedir(list);
    status = below ? status : error_memory(err);
    free(below);
    return status;
}

/* Adds a part to the file that arrives; the last one puts it in place. */
static int add_part(const char *folder, const char *name, uint64_t at, uint64_t total,
                    const struct message_cursor *part, struct iso_error *err)
{
    struct stat facts;
    struct text arriving = { 0 };
    char *path = file_join(folder, name);
    text_format(&arriving, "%s/%s.arriving.tmp", folder, name);
    int file = -1, status = -1;
    if (!path || arriving.failed) {
        error_memory(err);
        goto out;
    }
    if (file_make_folder(folder, err))
        goto out;
    file = open(arriving.data, O_WRONLY | O_CREAT | O_CLOEXEC | (at ? 0 : O_TRUNC), 0666);
    if (file < 0 || fstat(file, &facts)) {
        error_system(err, "cannot write", arriving.data);
    } else if ((uint64_t)facts.st_size != at) {
        iso_fail(err, "a part of %s was lost on its way", path);
    } else if (lseek(file, (off_t)at, SEEK_SET) < 0 || file_write(file, part->at, part->left)
               || (at + part->left == total && (fsync(file) || rename(arriving.data, path)))) {
        error_system(err, "cannot write", path);
    } else {
        status = 0;
    }
out:
    if (file >= 0)
        close(file);
    text_free(&arriving);
    free(path);
    return status;
}

int cluster_take_file(const char *folder, const char *data, size_t length, struct iso_error *err)
{
    struct message_cursor cursor = { data, length, false };
    const char *key = message_get_text(&cursor), *name = message_get_text(&cursor);
    const uint64_t at = message_get_number(&cursor), total = message_get_number(&cursor);
    if (cursor.damaged || !is_key(key) || !is_plain(name) || at > total || cursor.left > total - at)
        return 1;
    char *below = file_join(folder, key);
    const int status = below ? add_part(below, name, at, total, &cursor, err) : error_memory(err);
    free(below);
    return status;
}

void cluster_remove_files(const char *folder, const char *key)
{
    char *below = file_join(folder, key);
    DIR *list = below ? opendir(below) : NULL;
    const struct dirent *entry;
    while (list && (entry = readdir(list)))
        unlinkat(dirfd(list), entry->d_name, 0);
    if (list)
        closedir(list);
    if (below)
        rmdir(below);
    free(below);
}
