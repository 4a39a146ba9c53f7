/* Fetching a file over HTTP (libcurl, where isoflop was built with it). */
#ifndef DATA_FETCH_H
#define DATA_FETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct fetch_watch {
    void *context;
    /* Told now and then; total 0: not known. Returns true to stop. May be NULL. */
    bool (*progress)(void *context, uint64_t done, uint64_t total);
};

/* Fetches `url` (http or https only, at most `limit` bytes) into the file `part`, going on where a former attempt
 * stopped, if the server can; *resumed says whether bytes of a former attempt were kept. What has come is kept also on
 * failure. */
int fetch_file(const char *url, const char *part, uint64_t limit, const struct fetch_watch *watch, bool *resumed,
               struct iso_error *err);

#endif
