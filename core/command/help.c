/* isoflop help [COMMAND] */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "command/command.h"
#include "command/options.h"

static const char introduction[] =
    "isoflop: a laboratory for neural scaling laws in multilayer perceptrons\n"
    "\n"
    "usage: isoflop [--plugin-path PATH] COMMAND [ARGUMENT]...\n"
    "\n";
static const char conclusion[] =
    "\n"
    "`isoflop help COMMAND` or `isoflop COMMAND --help` tells more about one; `isoflop --version` says which this is.\n"
    "--plugin-path PATH: folders with plugins, separated by ':', before those of ISOFLOP_PLUGIN_PATH and the installed\n"
    "ones. ISOFLOP_DATA: folders with data sets. Exit status: 0 done, 1 it ran and something failed, 2 the command or\n"
    "the recipe is wrong.\n";

void command_page(const struct command *command, struct text *out)
{
    text_format(out, "usage: isoflop %s%s%s\n\n%s\n", command->name, *command->arguments ? " " : "",
                command->arguments, command->summary);
    if (command->help && *command->help)
        text_format(out, "\n%s%s", command->help, command->help[strlen(command->help) - 1] == '\n' ? "" : "\n");
}

static int run(int argc, char **argv, struct command_outcome *outcome)
{
    const struct option options[] = { { 0 } };
    const char *rest[64];
    size_t count;
    struct text page = { 0 };
    if (argc > 64 || options_read(argc, argv, options, rest, &count, 0, 1, command_help.arguments, &outcome->error))
        return STATUS_WRONG;
    if (count) {
        const struct command *command = command_find(rest[0]);
        if (!command) {
            command_fail_unknown(rest[0], &outcome->error);
            return STATUS_WRONG;
        }
        command_page(command, &page);
    } else {
        text_add_string(&page, introduction);
        for (const struct command *const *command = commands; *command; command++)
            if (!(*command)->hidden)
                text_format(&page, "  %-10s %s\n", (*command)->name, (*command)->summary);
        text_add_string(&page, conclusion);
    }
    if (page.failed) {
        text_free(&page);
        error_memory(&outcome->error);
        return STATUS_FAILED;
    }
    fputs(page.data, stdout);
    text_free(&page);
    return STATUS_DONE;
}

const struct command command_help = { .name = "help",
                                      .arguments = "[COMMAND]",
                                      .summary = "list the commands, or explain one",
                                      .help = "",
                                      .run = run };
