/* isoflop export: the tables of trials and points, in plan order, every value in full precision. */
#include <stdlib.h>

#include "command/command.h"
#include "command/arguments.h"
#include "lab/results.h"

static int run(int argc, char **argv, struct command_outcome *outcome)
{
    static const char *const tables[] = { "trials", "points", "histograms", NULL }, *const formats[] = { "csv", "jsonl", NULL };
    struct option_list without = { 0 };
    const char *table_name = NULL, *format_name = NULL, *folder = NULL;
    const struct option options[] = {
        { .name = "--table", .value = &table_name },
        { .name = "--format", .value = &format_name },
        { .name = "--without", .list = &without },
        { 0 },
    };
    struct iso_error *err = &outcome->error;
    struct frame *frame = NULL;
    int table = 0, format = 0, status = STATUS_WRONG;
    if (arguments_read(argc, argv, options, &folder, 1, 1, command_export.arguments, err)
        || argument_choice("--table", table_name, tables, &table, err)
        || argument_choice("--format", format_name, formats, &format, err))
        goto out;
    frame = table == 2 ? lab_histograms(folder, err) : lab_frame(folder, table == 0 ? LAB_TRIALS : LAB_POINTS, err);
    if (!frame)
        goto out;
    for (size_t i = 0; i < without.count; i++) {
        const struct column *column = frame_find(frame, without.values[i]);
        if (column)
            frame_remove_column(frame, (size_t)(column - frame->column));
    }
    status = STATUS_DONE;
    if ((format == 0 ? frame_write_csv(frame, stdout) : frame_write_jsonl(frame, stdout)) || fflush(stdout)) {
        iso_fail(&outcome->error, "cannot write the table to standard output");
        status = STATUS_FAILED;
    }
out:
    frame_free(frame);
    free(without.values);
    return status;
}

const struct command command_export = {
    .name = "export",
    .arguments = "DIR [--table trials|points|histograms] [--format csv|jsonl] [--without COLUMN]...",
    .summary = "every trial, or every measurement, of an experiment",
    .help = "  --table TABLE      trials (default): one row a trial; points: one row a measurement;\n"
            "                     histograms: one row for each that was kept\n"
            "  --format FORMAT    csv (default) or jsonl\n"
            "  --without COLUMN   leaves a column out; without `seconds`, equal runs give equal bytes\n",
    .run = run,
};
