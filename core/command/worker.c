/* isoflop worker (hidden): the process that `isoflop run` trains in. */
#include <unistd.h>

#include "command/command.h"
#include "lab/worker.h"

static int run(int argc, char **argv, struct command_outcome *outcome)
{
    (void)argv;
    if (argc > 1 || isatty(STDIN_FILENO)) {
        iso_fail(&outcome->error, "isoflop worker is started by `isoflop run`, not by hand");
        return STATUS_WRONG;
    }
    return worker_run(&outcome->error) ? STATUS_FAILED : STATUS_DONE;
}

const struct command command_worker = {
    .name = "worker",
    .arguments = "",
    .summary = "trains what `isoflop run` sends",
    .help = "",
    .run = run,
    .hidden = true,
};
