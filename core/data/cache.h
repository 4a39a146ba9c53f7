/* The cache: decompressed and decoded data under XDG_CACHE_HOME/isoflop, mapped read-only and so shared between
 * processes.
 *
 *   data/SHA256     content of a file, named by its checksum
 *   blocks/KEY      decoded data, named by what they were made from
 *   index/HASH      what a source file (its path, device, inode, size, times) was found to hold
 *   lock/XX         locks, so that one process makes an entry while others wait
 *
 * An entry NAME has a record NAME.sum: its checksum, length, inode and time of change. Where inode, length and time are
 * as recorded, it is trusted; where not (edited, truncated, copied), its checksum is taken anew and a damaged entry is
 * made again. Entries are written under another name and renamed. Without a folder that can be written, data stay in
 * private memory. Deleting the folder is safe at any time. */
#ifndef DATA_CACHE_H
#define DATA_CACHE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/hash.h"

struct cache;
struct cache *cache_open(void); /* NULL: out of memory. A cache without a folder works, and keeps nothing. */
void cache_close(struct cache *cache);

/* Bytes, either mapped or in private memory. */
struct cached {
    unsigned char *data;
    size_t length;
    bool mapped;
    char sha256[HASH_TEXT];
};
void cached_release(struct cached *cached);

enum cache_group { CACHE_DATA, CACHE_BLOCKS };

/* True: the entry is there, whole, and `cached` maps it. */
bool cache_find(struct cache *cache, enum cache_group group, const char *name, struct cached *cached);
/* Keeps `data` (malloc'ed; taken over) as an entry (name NULL: its checksum) and maps it; where that can't be, `cached`
 * is the private memory itself. */
void cache_keep(struct cache *cache, enum cache_group group, const char *name, unsigned char *data, size_t length,
                struct cached *cached);

/* The checksum of what a file, or a member of an archive, was found to hold, if it has not changed since. */
bool cache_recall(struct cache *cache, const char *path, const char *member, char sha256[HASH_TEXT]);
void cache_remember(struct cache *cache, const char *path, const char *member, const char *sha256);

/* Waits until no other process makes the entry of that name; a number for cache_unlock. */
int cache_lock(struct cache *cache, const char *name);
void cache_unlock(int lock);

#endif
