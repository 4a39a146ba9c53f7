/* Commands: each file of this folder is one. main.c finds them here, prints what they return, exits. */
#ifndef COMMAND_COMMAND_H
#define COMMAND_COMMAND_H

#include "base/error.h"
#include "recipe/tree.h"

enum { STATUS_DONE = 0, STATUS_FAILED = 1, STATUS_WRONG = 2 };

/* What a command leaves for main.c to print on standard error. */
struct command_outcome {
    struct diagnostics *found; /* messages with places */
    struct iso_error error;
};

struct command {
    const char *name;      /* "run", "plot", ... */
    const char *arguments; /* "RECIPE [--out DIR] ..." */
    const char *summary;   /* one line */
    const char *help;      /* the options, a line each, as `isoflop help NAME` prints them */
    int (*run)(int argc, char **argv, struct command_outcome *outcome); /* argv[0]: the command's name */
    bool hidden;
};

extern const struct command command_run, command_plan, command_check, command_status, command_table, command_show,
    command_export, command_compare, command_merge, command_select, command_plot, command_report, command_eval,
    command_predict, command_draw, command_data, command_plugins, command_new, command_help, command_worker, command_complete;

/* All of them, ends with NULL (list.c). --plugin-path is taken by main.c for all commands: it is put before
 * ISOFLOP_PLUGIN_PATH, so that plugins_new(NULL) and spawned workers know it too. */
extern const struct command *const commands[];
const struct command *command_find(const char *name); /* NULL: there is none */
void command_fail_unknown(const char *name, struct iso_error *err);
/* "usage: isoflop NAME ARGUMENTS", summary and options. */
void command_page(const struct command *command, struct text *out);

#endif
