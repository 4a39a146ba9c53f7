/* Files and folders. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>

#include "base/error.h"

/* The whole file, at most `limit` bytes, with a 0 added; to be freed. */
char *file_read(const char *path, size_t limit, size_t *length, struct iso_error *err);
/* Writes all of it to an open file or pipe, however often that takes. 0, or -1 and errno. */
int file_write(int file, const void *bytes, size_t length);
/* Writes to a temporary name beside `path`, syncs, renames: readers see the old content or the new, never a part. */
int file_replace(const char *path, const void *data, size_t length, struct iso_error *err);
/* Removes what file_replace left in a folder in processes that were killed, where it is older than so many seconds: 0
 * where nobody else may be writing there. */
void file_clean(const char *folder, double seconds);
/* Makes a folder and those above it. */
int file_make_folder(const char *path, struct iso_error *err);
/* "FOLDER/NAME", or NAME where it is absolute or folder is empty; NULL: out of memory. To be freed. */
char *file_join(const char *folder, const char *name);
char *file_folder(const char *path); /* what is before the last slash, "." where there is none; to be freed */
/* The path from the root: relative ones start from where the process is. NULL: out of memory. To be freed. */
char *file_absolute(const char *path);
/* The folder for cached data: XDG_CACHE_HOME/isoflop or ~/.cache/isoflop. NULL and an error where neither is set. */
char *file_cache_folder(struct iso_error *err);

#endif
