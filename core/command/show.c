/* isoflop show: provenance of an experiment; one trial and its recipe. */
#include <stdio.h>

#include "command/command.h"
#include "command/arguments.h"
#include "lab/inspect.h"

static int run(int argc, char **argv, struct command_outcome *outcome)
{
    const char *arguments[2] = { NULL, NULL };
    struct text text = { 0 };
    static const struct option none[] = { { 0 } };
    int status = STATUS_DONE;
    if (arguments_read(argc, argv, none, arguments, 1, 2, command_show.arguments, &outcome->error))
        return STATUS_WRONG;
    struct plugins *plugins = arguments[1] ? plugins_new(NULL, &outcome->error) : NULL;
    if (arguments[1] ? !plugins || lab_show_trial(arguments[0], arguments[1], plugins, &text, &outcome->error)
                     : lab_show(arguments[0], &text, &outcome->error)) {
        status = STATUS_WRONG;
    } else if (fputs(text.data ? text.data : "", stdout) == EOF || fflush(stdout)) {
        iso_fail(&outcome->error, "cannot write to standard output");
        status = STATUS_FAILED;
    }
    text_free(&text);
    plugins_free(plugins);
    return status;
}

const struct command command_show = {
    .name = "show",
    .arguments = "DIR [KEY]",
    .summary = "provenance of an experiment, or one trial with its recipe",
    .help = "  KEY   the beginning of a trial's key, or its place in the plan: what is known of it, as comments, and its\n"
            "        resolved recipe, which can be run by itself from anywhere\n",
    .run = run,
};
