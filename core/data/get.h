/* Bringing published data sets to this machine, and telling which are here. */
#ifndef DATA_GET_H
#define DATA_GET_H

#include <stdbool.h>
#include <stdint.h>

#include "plugin/plugin.h"

/* What data_get tells meanwhile. Functions may be NULL. */
struct data_watch {
    void *context;
    void (*say)(void *context, const char *line);
    /* total 0: not known. Returns true to stop. */
    bool (*progress)(void *context, const char *name, uint64_t done, uint64_t total);
};

/* The folder that data_get fills: XDG_DATA_HOME/isoflop/NAME, else ~/.local/share/isoflop/NAME. To be freed. */
char *data_home(const struct plugin *plugin, struct iso_error *err);
/* Fetches what is not here yet, checks it and places it in data_home. mirror: an address in place of the published ones
 * (below it, or below its sub-folder NAME); NULL: those. */
int data_fetch(const struct plugin *plugin, const char *mirror, const struct data_watch *watch, struct iso_error *err);
/* Takes over files given by hand: a folder, a file (whatever its name: its content tells which it is) or an archive. */
int data_import(const struct plugin *plugin, const char *from, const struct data_watch *watch, struct iso_error *err);

enum data_file_state {
    DATA_FILE_MISSING,
    DATA_FILE_THERE,   /* not read yet */
    DATA_FILE_CHECKED, /* its content is the published one */
    DATA_FILE_WRONG    /* it is not */
};
/* The state of file k of the table, and its path (to be freed; NULL where it is missing). check: reads it if it was not
 * read before. */
enum data_file_state data_file_where(const struct plugin *plugin, size_t k, bool check, char **path);
size_t data_file_count(const struct plugin *plugin);

#endif
