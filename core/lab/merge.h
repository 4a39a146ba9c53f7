/* Joining stores: shards of one experiment, or several experiments, into one folder. */
#ifndef LAB_MERGE_H
#define LAB_MERGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define MERGE_TOLERANCE 0.01

struct merge_options {
    const char *folder; /* that is merged into: made where there is none */
    const char *const *sources;
    size_t source_count;
    double tolerance; /* of losses at other numerics: |a - b| <= tolerance * max(1, |a|, |b|) */
    void *context;
    void (*note)(void *context, const char *line); /* something worth knowing */
};

struct merge_report {
    size_t added;       /* trials new to the folder, unfinished ones included */
    size_t taken;       /* ended or failed in a source, where the folder knew them as unfinished */
    size_t equal;       /* ended in both, equal to the bit */
    size_t close;       /* ended in both at other numerics, within the tolerance: the folder's were kept */
    size_t checkpoints; /* files copied */
};

/* All or nothing: one transaction; sources are opened read-only. Trials are joined by key. One that ended in both must be
 * equal to the bit where its numerics are, except for times, and within the tolerance elsewhere; else nothing is merged
 * and the error says which trial and which number. Merging again changes nothing. -1 and an error; *conflict: the
 * sources disagree, rather than being unfit. */
int merge_stores(const struct merge_options *options, struct merge_report *report, bool *conflict,
                 struct iso_error *err);

#endif
