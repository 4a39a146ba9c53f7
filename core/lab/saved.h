/* States of trials on disk: FOLDER/resume.safetensors, the last one, and resume.previous.safetensors, the one before,
 * in the trial's folder of checkpoints while it is not done. At every moment one of them is whole. */
#ifndef LAB_SAVED_H
#define LAB_SAVED_H

#include <stddef.h>

#include "base/error.h"

int saved_write(const char *folder, const void *data, size_t length, struct iso_error *err);
/* The last (age 0) or the one before (1), to be freed. NULL: there is none; or it can't be read, then with an error. */
void *saved_read(const char *folder, unsigned age, size_t *length, struct iso_error *err);
/* Removes both, and the folder where nothing else is in it. */
int saved_remove(const char *folder, struct iso_error *err);

#endif
