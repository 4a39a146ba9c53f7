/* Merging checkpoints: files by trial, compared where they must be equal. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "lab/merge_inside.h"
#include "train/checkpoint.h"

#define ENDING ".safetensors"

/* "best.safetensors"; not what a trial goes on from while it runs. */
static bool is_checkpoint(const char *name)
{
    const size_t length = strlen(name), ending = sizeof ENDING - 1;
    return length > ending && strcmp(name + length - ending, ENDING) == 0 && strncmp(name, "resume", 6) != 0
           && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") == length - ending;
}

/* Copies a plain file whole: into a name beside `to` that file_clean knows, synced, renamed. */
static int copy_file(const char *from, const char *to, struct iso_error *err)
{
    char block[1 << 16];
    struct text name = { 0 };
    struct stat facts;
    int status = -1, out = -1, in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t got = -1;
    text_format(&name, "%s.%ld.tmp", to, (long)getpid());
    if (name.failed) {
        error_memory(err);
        goto out;
    }
    if (in < 0 || fstat(in, &facts) || !S_ISREG(facts.st_mode)) {
        error_system(err, "cannot read", from);
        goto out;
    }
    out = open(name.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    while (out >= 0 && (got = read(in, block, sizeof block)) != 0)
        if ((got < 0 && errno != EINTR) || (got > 0 && file_write(out, block, (size_t)got)))
            break;
    if (out < 0 || got != 0 || fsync(out) || rename(name.data, to))
        error_system(err, "cannot write", to);
    else
        status = 0;
out:
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    if (status && name.data && out >= 0)
        unlink(name.data);
    text_free(&name);
    return status;
}

/* Metadata hold the recipe, whose name and measurements are no part of a key: weights and step are what must agree. */
static bool same_weights(const char *a, const char *b)
{
    struct iso_error ignored = ERROR_NONE;
    struct checkpoint *x = checkpoint_read(a, &ignored), *y = x ? checkpoint_read(b, &ignored) : NULL;
    bool same = y && x->count == y->count && x->step == y->step;
    for (size_t i = 0; same && i < x->count; i++) {
        const struct checkpoint_layer *p = &x->layers[i], *q = &y->layers[i];
        same = p->inputs == q->inputs && p->outputs == q->outputs && !p->bias == !q->bias
               && memcmp(p->weight, q->weight, p->inputs * p->outputs * sizeof(float)) == 0
               && (!p->bias || memcmp(p->bias, q->bias, p->outputs * sizeof(float)) == 0);
    }
    checkpoint_free(x);
    checkpoint_free(y);
    return same;
}

static int one_file(struct merge *merge, const char *key, const char *from, const char *to, enum merge_how how, bool copy,
                    struct iso_error *err)
{
    struct stat facts;
    char ours[HASH_TEXT], theirs[HASH_TEXT];
    const bool there = !lstat(to, &facts);
    if (lstat(from, &facts) || !S_ISREG(facts.st_mode) || (there && how == MERGE_CLOSE))
        return 0;
    if (there) {
        provenance_checksum(to, ours);
        provenance_checksum(from, theirs);
        if (strcmp(ours, theirs) == 0 && ours[0])
            return 0;
        if (how == MERGE_EQUAL && same_weights(from, to))
            return 0;
        if (how == MERGE_EQUAL) {
            merge->conflict = true;
            return iso_fail(err, "trial %.16s: the checkpoints %s and %s differ, at equal numerics and results: one of "
                            "them is damaged; nothing was merged", key, from, to);
        }
    }
    if (!copy)
        return 0;
    merge->report->checkpoints++;
    return copy_file(from, to, err);
}

static int one_trial(struct merge *merge, const char *key, const char *from, bool copy, struct iso_error *err)
{
    database_bind_text(merge->how_get, 1, key);
    sqlite3_bind_int64(merge->how_get, 2, (int64_t)merge->number);
    const enum merge_how how = sqlite3_step(merge->how_get) == SQLITE_ROW
                                   ? (enum merge_how)sqlite3_column_int(merge->how_get, 0) : MERGE_KEPT;
    sqlite3_reset(merge->how_get);
    if (how == MERGE_KEPT)
        return 0;
    struct text to = { 0 };
    text_format(&to, "%s/checkpoints/%s", merge->options->folder, key);
    DIR *folder = opendir(from);
    int status = to.failed ? error_memory(err) : !folder ? error_system(err, "cannot read", from) : 0;
    if (!status && copy)
        file_clean(to.data, 0);
    for (const struct dirent *entry; !status && (entry = readdir(folder));) {
        if (!is_checkpoint(entry->d_name))
            continue;
        char *source = file_join(from, entry->d_name), *target = file_join(to.data, entry->d_name);
        if (!source || !target)
            status = error_memory(err);
        else if ((copy && file_make_folder(to.data, err))
                 || one_file(merge, key, source, target, how, copy, err))
            status = -1;
        free(source);
        free(target);
    }
    if (folder)
        closedir(folder);
    text_free(&to);
    return status;
}

int merge_files(struct merge *merge, bool copy, struct iso_error *err)
{
    char *path = file_join(merge->name, "checkpoints");
    DIR *folder = path ? opendir(path) : NULL;
    int status = path ? 0 : error_memory(err);
    if (path && !folder && errno != ENOENT)
        status = error_system(err, "cannot read", path);
    for (const struct dirent *entry; folder && !status && (entry = readdir(folder));) {
        if (!merge_is_hash(entry->d_name))
            continue;
        char *trial = file_join(path, entry->d_name);
        status = trial ? one_trial(merge, entry->d_name, trial, copy, err) : error_memory(err);
        free(trial);
    }
    if (folder)
        closedir(folder);
    free(path);
    return status;
}
