/* Files and folders made up for the tests of core/data. */
#ifndef TESTS_DATA_FILES_H
#define TESTS_DATA_FILES_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "base/file.h"
#include "data/data.h"

static char root[] = "/tmp/isoflop-files-XXXXXX";

static inline const char *at(const char *name)
{
    static char paths[8][256];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, 256, "%s/%s", root, name);
    return path;
}

static inline void write_file(const char *path, const void *data, size_t length)
{
    struct iso_error err = ERROR_NONE;
    char *folder = file_folder(path);
    ck_assert_msg(!file_make_folder(folder, &err) && !file_replace(path, data, length, &err), "%s", err.text);
    free(folder);
}

static inline void clean(const char *name)
{
    char command[300];
    snprintf(command, sizeof command, "rm -rf '%s'", at(name));
    ck_assert_int_eq(system(command), 0);
}

/* Compresses: filter 0 (none) ... ; members where names are given, else the raw content. */
static inline void pack(const char *path, int filter, bool tar, size_t count, const char *const *names,
                 const unsigned char *const *data, const size_t *lengths)
{
    struct archive *archive = archive_write_new();
    ck_assert_int_eq(archive_write_add_filter(archive, filter), ARCHIVE_OK);
    ck_assert_int_eq(tar ? archive_write_set_format_ustar(archive) : archive_write_set_format_raw(archive), ARCHIVE_OK);
    ck_assert_int_eq(archive_write_open_filename(archive, path), ARCHIVE_OK);
    for (size_t i = 0; i < count; i++) {
        struct archive_entry *entry = archive_entry_new();
        archive_entry_set_pathname(entry, names ? names[i] : "data");
        archive_entry_set_filetype(entry, AE_IFREG);
        archive_entry_set_perm(entry, 0644);
        archive_entry_set_size(entry, (la_int64_t)lengths[i]);
        ck_assert_int_eq(archive_write_header(archive, entry), ARCHIVE_OK);
        ck_assert_int_eq((int)archive_write_data(archive, data[i], lengths[i]), (int)lengths[i]);
        archive_entry_free(entry);
    }
    ck_assert_int_eq(archive_write_close(archive), ARCHIVE_OK);
    archive_write_free(archive);
}

static inline void pack_one(const char *path, int filter, const unsigned char *data, size_t length)
{
    pack(path, filter, false, 1, NULL, &data, &length);
}

/* A data set with what it needs. */
struct opened {
    struct plugin_host *host;
    struct instance *instance;
    struct data *data;
    struct iso_error err;
};

static inline void shut(struct opened *opened)
{
    data_close(opened->data);
    instance_free(opened->instance);
    data_host_free(opened->host);
}

#endif
