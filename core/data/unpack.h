/* Decompression: .gz, .xz, .zst, .bz2 and archives, by libarchive. Files are hostile: nothing is taken on trust. */
#ifndef DATA_UNPACK_H
#define DATA_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Suffixes of compressed files, "" first for plain ones; ends with NULL. */
extern const char *const unpack_suffixes[];

/* The content of a plain or compressed file, at most `limit` bytes, else an error; to be freed. What it is compressed
 * with is told by its content. */
unsigned char *unpack_file(const char *path, size_t limit, size_t *length, struct iso_error *err);

/* The suffix that goes with a file's compression, "" for a plain file. NULL and an error where it can't be read. */
const char *unpack_suffix(const char *path, struct iso_error *err);

/* True where the file's content is an archive (tar, zip, compressed or not). */
bool unpack_is_archive(const char *path);

/* Walks the regular files of an archive. `wanted` gives the limit of a member's bytes, 0 to pass it over (size: as the
 * archive states it, 0 where it does not); `member` gets the content of a wanted one and takes it over (free), and
 * returns -1 to stop with an error. More than `limit` bytes in all are an error. */
struct unpack_walk {
    void *context;
    size_t (*wanted)(void *context, const char *name, uint64_t size);
    int (*member)(void *context, const char *name, unsigned char *data, size_t length, struct iso_error *err);
};
int unpack_archive(const char *path, uint64_t limit, const struct unpack_walk *walk, struct iso_error *err);

#endif
