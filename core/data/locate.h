/* Where the files of published data sets may lie: the folders of ISOFLOP_DATA, XDG_DATA_HOME/isoflop (else
 * ~/.local/share/isoflop), the system's package. In each: a sub-folder of one of the data set's names, or the folder
 * itself if it has such a name. */
#ifndef DATA_LOCATE_H
#define DATA_LOCATE_H

#include <stdbool.h>
#include <stddef.h>

#include "plugin/plugin.h"

struct place {
    char *path;         /* of the file or archive */
    const char *member; /* NULL: the file itself */
};

struct places {
    size_t count, capacity;
    struct place *place;
};
void places_free(struct places *places);

/* Files that are there and may hold `file`, in the order in which to try them. */
int locate_file(const struct iso_dataset *dataset, const struct iso_data_file *file, struct places *places,
                struct iso_error *err);
/* The same in one given folder, and its sub-folders of the data set's names: for files given by hand. */
int locate_below(const struct iso_dataset *dataset, const struct iso_data_file *file, const char *folder,
                 struct places *places, struct iso_error *err);
/* The folders that are looked at, whether there or not. */
int locate_folders(const struct iso_dataset *dataset, struct places *folders, struct iso_error *err);
/* A path parameter's file: itself, or with a compression's suffix. To be freed; NULL: there is none. */
char *locate_path(const char *path);
/* The folder of the user's own data: XDG_DATA_HOME/isoflop, else ~/.local/share/isoflop. To be freed. */
char *locate_home(struct iso_error *err);
/* Number of entries of a data set's table of files. */
size_t locate_count(const struct iso_dataset *dataset);
/* Says that a file is not there: which files, their addresses, the folders, the package. Returns -1. */
int locate_missing(const struct plugin *plugin, const struct iso_data_file *file, struct iso_error *err);

#endif
