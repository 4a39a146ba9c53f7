/* The commands, in the order that `isoflop help` shows them. A new command is its file and one line here. */
#include "command/command.h"

#include <string.h>

#include "base/text.h"

const struct command *const commands[] = {
    &command_run,
    &command_plan,
    &command_check,
    &command_status,
    &command_table,
    &command_show,
    &command_export,
    &command_compare,
    &command_merge,
    &command_select,
    &command_plot,
    &command_report,
    &command_eval,
    &command_predict,
    &command_draw,
    &command_data,
    &command_plugins,
    &command_new,
    &command_help,
    &command_worker,
    &command_complete,
    NULL,
};

const struct command *command_find(const char *name)
{
    for (const struct command *const *command = commands; *command; command++)
        if (!strcmp((*command)->name, name))
            return *command;
    return NULL;
}

void command_fail_unknown(const char *name, struct iso_error *err)
{
    const char *names[64];
    size_t count = 0;
    struct text text = { 0 };
    for (const struct command *const *command = commands; *command && count < 64; command++)
        if (!(*command)->hidden)
            names[count++] = (*command)->name;
    text_format(&text, "there is no command \"%.100s\"", name);
    text_suggest(&text, name, names, count);
    text_add_string(&text, " (`isoflop help` lists them)");
    iso_fail(err, "%s", text.data ? text.data : "out of memory");
    text_free(&text);
}
