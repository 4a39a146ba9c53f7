/* What datasets ask of isoflop: files found, decompressed and checked; decoded blocks shared. */
#ifndef DATA_HOST_H
#define DATA_HOST_H

#include "data/cache.h"
#include "plugin/plugin.h"

/* The SHA-256 over the checksums of the files read so far, in order; false where none was read. */
bool data_host_checksum(const struct instance *instance, char sha256[HASH_TEXT]);

/* Reads one file of a data set's table from a place, checked against the table; `cached` is to be released. */
struct place;
int data_read_file(struct cache *cache, const struct plugin *plugin, const struct iso_data_file *file,
                   const struct place *place, struct cached *cached, struct iso_error *err);

#endif
