/* Decompression by libarchive. */
#include "data/unpack.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <archive.h>
#include <archive_entry.h>

#include "base/memory.h"

#define PIECE 65536

const char *const unpack_suffixes[] = { "", ".gz", ".xz", ".zst", ".bz2", NULL };

/* Compressions of which libarchive's own code knows how to undo; others would run programs. */
static const struct {
    int code;
    const char *suffix;
} filters[] = {
    { ARCHIVE_FILTER_NONE, "" },       { ARCHIVE_FILTER_GZIP, ".gz" }, { ARCHIVE_FILTER_XZ, ".xz" },
    { ARCHIVE_FILTER_ZSTD, ".zst" },   { ARCHIVE_FILTER_BZIP2, ".bz2" },
};

static int regular(const char *path, uint64_t *size, struct iso_error *err)
{
    struct stat status;
    if (stat(path, &status))
        return error_system(err, "cannot read", path);
    if (!S_ISREG(status.st_mode))
        return iso_fail(err, "cannot read %s: it is no regular file", path);
    *size = (uint64_t)status.st_size;
    return 0;
}

static int complain(struct archive *archive, const char *path, struct iso_error *err)
{
    const char *why = archive_error_string(archive);
    return iso_fail(err, "cannot read %s: %s", path, why ? why : "it is damaged");
}

/* Opens a file as raw content (one compressed stream) or as an archive. */
static struct archive *open_archive(const char *path, bool raw, struct iso_error *err)
{
    struct archive *archive = archive_read_new();
    if (!archive) {
        error_memory(err);
        return NULL;
    }
    archive_read_support_filter_gzip(archive);
    archive_read_support_filter_xz(archive);
    archive_read_support_filter_zstd(archive);
    archive_read_support_filter_bzip2(archive);
    if (raw) {
        archive_read_support_format_raw(archive);
    } else {
        archive_read_support_format_tar(archive);
        archive_read_support_format_zip(archive);
    }
    if (archive_read_open_filename(archive, path, PIECE) != ARCHIVE_OK) {
        complain(archive, path, err);
        archive_read_free(archive);
        return NULL;
    }
    /* The last "filter" is the file itself. Compression within compression is how a small file becomes endless work. */
    if (archive_filter_count(archive) > 2) {
        iso_fail(err, "cannot read %s: it is compressed more than once", path);
        archive_read_free(archive);
        return NULL;
    }
    return archive;
}

/* The data of the current entry, at most `limit` bytes. */
static unsigned char *read_entry(struct archive *archive, const char *path, size_t limit, size_t *length,
                                 struct iso_error *err)
{
    unsigned char *data = NULL;
    size_t capacity = 0, used = 0;
    for (;;) {
        /* One byte above the limit is asked for, to learn whether there is more. */
        size_t room = limit - used < PIECE ? limit - used + 1 : PIECE;
        if (memory_grow(&data, &capacity, used + room, 1)) {
            error_memory(err);
            break;
        }
        if (capacity - used > room && limit >= used)
            room = capacity - used <= limit - used ? capacity - used : limit - used + 1;
        const la_ssize_t got = archive_read_data(archive, data + used, room);
        if (got == ARCHIVE_RETRY)
            continue;
        if (got < 0) {
            complain(archive, path, err);
            break;
        }
        if (got == 0) {
            *length = used;
            return data;
        }
        if ((size_t)got > limit - used) {
            iso_fail(err, "cannot read %s: it has more than the %zu bytes expected", path, limit);
            break;
        }
        used += (size_t)got;
    }
    free(data);
    return NULL;
}

unsigned char *unpack_file(const char *path, size_t limit, size_t *length, struct iso_error *err)
{
    uint64_t size;
    if (regular(path, &size, err))
        return NULL;
    if (!size) { /* libarchive takes an empty file for no archive */
        *length = 0;
        unsigned char *none = malloc(1);
        if (!none)
            error_memory(err);
        return none;
    }
    if (limit > SIZE_MAX / 2)
        limit = SIZE_MAX / 2;
    unsigned char *data = NULL;
    struct archive *archive = open_archive(path, true, err);
    if (!archive)
        return NULL;
    struct archive_entry *entry;
    const int status = archive_read_next_header(archive, &entry);
    if (status == ARCHIVE_EOF) {
        *length = 0;
        data = malloc(1);
        if (!data)
            error_memory(err);
    } else if (status < ARCHIVE_WARN) {
        complain(archive, path, err);
    } else {
        data = read_entry(archive, path, limit, length, err);
    }
    archive_read_free(archive);
    return data;
}

const char *unpack_suffix(const char *path, struct iso_error *err)
{
    uint64_t size;
    if (regular(path, &size, err))
        return NULL;
    if (!size)
        return "";
    struct archive *archive = open_archive(path, true, err);
    if (!archive)
        return NULL;
    struct archive_entry *entry;
    const char *suffix = NULL;
    /* Compression is known once the header was asked for. */
    if (archive_read_next_header(archive, &entry) < ARCHIVE_WARN) {
        complain(archive, path, err);
    } else {
        const int code = archive_filter_code(archive, 0);
        for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
            if (filters[i].code == code)
                suffix = filters[i].suffix;
        if (!suffix)
            iso_fail(err, "cannot read %s: its compression is none of gzip, xz, zstd, bzip2", path);
    }
    archive_read_free(archive);
    return suffix;
}

bool unpack_is_archive(const char *path)
{
    uint64_t size;
    struct archive_entry *entry;
    struct archive *archive = regular(path, &size, NULL) || !size ? NULL : open_archive(path, false, NULL);
    if (!archive)
        return false;
    const int status = archive_read_next_header(archive, &entry);
    archive_read_free(archive);
    return status == ARCHIVE_OK || status == ARCHIVE_WARN;
}

int unpack_archive(const char *path, uint64_t limit, const struct unpack_walk *walk, struct iso_error *err)
{
    uint64_t size;
    if (regular(path, &size, err))
        return -1;
    struct archive *archive = open_archive(path, false, err);
    if (!archive)
        return -1;
    int result = -1;
    for (;;) {
        struct archive_entry *entry;
        const int status = archive_read_next_header(archive, &entry);
        if (status == ARCHIVE_EOF) {
            result = 0;
            break;
        }
        if (status < ARCHIVE_WARN) {
            complain(archive, path, err);
            break;
        }
        const uint64_t used = (uint64_t)archive_filter_bytes(archive, 0);
        const int64_t stated = archive_entry_size_is_set(entry) ? archive_entry_size(entry) : 0;
        if (used > limit || stated < 0 || (uint64_t)stated > limit - used) {
            iso_fail(err, "cannot read %s: it has more than the %llu bytes expected", path, (unsigned long long)limit);
            break;
        }
        const char *name = archive_entry_pathname(entry);
        if (!name || archive_entry_filetype(entry) != AE_IFREG)
            continue;
        if (name[0] == '.' && name[1] == '/')
            name += 2;
        char *own = strdup(name); /* reading may change the entry */
        if (!own) {
            error_memory(err);
            break;
        }
        const size_t member_limit = walk->wanted(walk->context, own, (uint64_t)stated);
        if (member_limit) {
            size_t length = 0;
            unsigned char *data = read_entry(archive, path, member_limit, &length, err);
            if (!data || walk->member(walk->context, own, data, length, err)) {
                error_context(err, "%s", own);
                free(own);
                break;
            }
        }
        free(own);
    }
    archive_read_free(archive);
    return result;
}
