/* isoflop merge: joins the stores of shards, or of several experiments, into one folder. */
#include "lab/merge.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/numbers.h"
#include "command/arguments.h"
#include "command/command.h"

static void note(void *context, const char *line)
{
    (void)context;
    fprintf(stderr, "%s\n", line);
}

static int run(int argc, char **argv, struct command_outcome *outcome)
{
    struct iso_error *err = &outcome->error;
    const char *tolerance = NULL, **folders = memory_array((size_t)argc + 1, sizeof *folders);
    const struct option known[] = { { .name = "--tolerance", .value = &tolerance }, { 0 } };
    struct merge_options options = { .tolerance = MERGE_TOLERANCE, .note = note };
    struct merge_report report;
    bool conflict = false;
    size_t count = 0;
    int status = STATUS_WRONG;
    if (!folders) {
        error_memory(err);
        return STATUS_FAILED;
    }
    if (options_read(argc, argv, known, folders, &count, 2, (size_t)argc, command_merge.arguments, err))
        goto out;
    if (tolerance && (!number_real(tolerance, &options.tolerance) || !(options.tolerance >= 0)
                      || options.tolerance > 1e6)) {
        iso_fail(err, "--tolerance needs a number from 0, such as %g, not %s", MERGE_TOLERANCE, tolerance);
        goto out;
    }
    options.folder = folders[0];
    options.sources = folders + 1;
    options.source_count = count - 1;
    if (merge_stores(&options, &report, &conflict, err)) {
        status = conflict ? STATUS_FAILED : STATUS_WRONG;
        goto out;
    }
    printf("%s: %zu trials added, %zu taken over where unfinished, %zu equal to the bit, %zu at other numerics kept; "
           "%zu checkpoints copied\n", options.folder, report.added, report.taken, report.equal, report.close,
           report.checkpoints);
    status = STATUS_DONE;
out:
    free(folders);
    return status;
}

const struct command command_merge = {
    .name = "merge",
    .arguments = "OUT DIR... [--tolerance T]",
    .summary = "join the stores of shards, or of several experiments, into one folder",
    .help = "  OUT             the folder to merge into; made where there is none\n"
            "  DIR             stores to take from: read, never written\n"
            "  --tolerance T   of losses at other numerics: |a - b| <= T max(1, |a|, |b|) (default: 0.01)\n"
            "A trial that ended in both must be equal to the bit where program build, backend, kernel, instruction set\n"
            "and libm are equal (times apart), else within the tolerance: then OUT's is kept and both are listed. If not,\n"
            "nothing is merged. Merging again changes nothing. Unfinished trials are left to `isoflop run`.\n",
    .run = run,
};
