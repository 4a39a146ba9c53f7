/* States of trials on disk. */
#include "lab/saved.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"

#define LIMIT ((size_t)1 << 36) /* bytes of a state */

enum { AGES = 2 };
static const char *const names[AGES] = { "resume.safetensors", "resume.previous.safetensors" };

int saved_write(const char *folder, const void *data, size_t length, struct iso_error *err)
{
    char *now = file_join(folder, names[0]), *before = file_join(folder, names[1]);
    int status = -1;
    if (!now || !before)
        error_memory(err);
    else if (!file_make_folder(folder, err)) {
        /* What was the last one becomes the one before only here: both names hold a whole state, or one does. */
        if (rename(now, before) && errno != ENOENT)
            error_system(err, "cannot write", before);
        else
            status = file_replace(now, data, length, err);
    }
    free(now);
    free(before);
    return status;
}

void *saved_read(const char *folder, unsigned age, size_t *length, struct iso_error *err)
{
    char *path = file_join(folder, names[age]);
    void *bytes = NULL;
    if (!path)
        error_memory(err);
    else if (access(path, F_OK) == 0)
        bytes = file_read(path, LIMIT, length, err);
    free(path);
    return bytes;
}

int saved_remove(const char *folder, struct iso_error *err)
{
    int status = 0;
    for (int age = AGES - 1; age >= 0; age--) {
        char *path = file_join(folder, names[age]);
        if (!path)
            status = error_memory(err);
        else if (unlink(path) && errno != ENOENT)
            status = error_system(err, "cannot remove", path);
        free(path);
    }
    file_clean(folder, 0);
    rmdir(folder);
    return status;
}
