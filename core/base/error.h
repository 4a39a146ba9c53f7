/* Errors: struct iso_error of the plugin ABI, used throughout. Functions return 0 or -1 (or a pointer or NULL) with
 * `struct iso_error *err` last; the first error wins; each layer may put its cause before it. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <isoflop/plugin.h>

#define ERROR_NONE ((struct iso_error){ .size = sizeof(struct iso_error) })

/* "CONTEXT: what it said". Returns -1. */
#if defined __GNUC__
__attribute__((format(printf, 2, 3)))
#endif
int error_context(struct iso_error *err, const char *format, ...);
int error_memory(struct iso_error *err); /* "out of memory" */
/* "WHAT PATH: No such file or directory", from errno. */
int error_system(struct iso_error *err, const char *what, const char *path);

#endif
