/* main.c: finds the command, prints errors, exits. Nothing else does either. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/command.h"

/* Puts a folder list before those of ISOFLOP_PLUGIN_PATH. */
static int add_plugin_path(const char *path, struct iso_error *err)
{
    const char *before = getenv("ISOFLOP_PLUGIN_PATH");
    struct text text = { 0 };
    text_format(&text, "%s%s%s", path, before && *before ? ":" : "", before ? before : "");
    const int status = text.failed || setenv("ISOFLOP_PLUGIN_PATH", text.data, 1) ? error_memory(err) : 0;
    text_free(&text);
    return status;
}

/* Takes --plugin-path out of argv, wherever it stands before a `--`. The last one given is searched first. */
static int take_plugin_path(int *argc, char **argv, struct iso_error *err)
{
    static const char name[] = "--plugin-path";
    const size_t length = sizeof name - 1;
    int kept = 0, status = 0;
    for (int i = 0; i < *argc; i++) {
        if (!strcmp(argv[i], "--")) {
            while (i < *argc)
                argv[kept++] = argv[i++];
        } else if (!strcmp(argv[i], name)) {
            if (i + 1 == *argc)
                return iso_fail(err, "option --plugin-path needs a value: folders separated by ':'");
            status = add_plugin_path(argv[++i], err);
        } else if (!strncmp(argv[i], name, length) && argv[i][length] == '=') {
            status = add_plugin_path(argv[i] + length + 1, err);
        } else {
            argv[kept++] = argv[i];
        }
        if (status)
            return status;
    }
    argv[kept] = NULL;
    *argc = kept;
    return 0;
}

static bool wants_page(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
            return true;
    return false;
}

static int dispatch(int argc, char **argv, struct command_outcome *outcome)
{
    static char help[] = "help";
    if (take_plugin_path(&argc, argv, &outcome->error))
        return STATUS_WRONG;
    const char *word = argc > 1 ? argv[1] : "";
    if (!strcmp(word, "--version")) {
        printf("isoflop %s\n", PACKAGE_VERSION);
        return STATUS_DONE;
    }
    if (!strcmp(word, "--help") || !strcmp(word, "-h"))
        argv[1] = help;
    if (argc < 2) {
        iso_fail(&outcome->error, "usage: isoflop COMMAND [ARGUMENT]... (`isoflop help` lists the commands)");
        return STATUS_WRONG;
    }
    const struct command *command = command_find(argv[1]);
    if (!command) {
        command_fail_unknown(argv[1], &outcome->error);
        return STATUS_WRONG;
    }
    if (!wants_page(argc - 1, argv + 1))
        return command->run(argc - 1, argv + 1, outcome);
    struct text page = { 0 };
    command_page(command, &page);
    fputs(page.data ? page.data : "", stdout);
    text_free(&page);
    return STATUS_DONE;
}

static void print_outcome(const struct command_outcome *outcome)
{
    struct text text = { 0 };
    if (outcome->found)
        diagnostics_text(outcome->found, &text);
    if (text.data)
        fputs(text.data, stderr);
    if (outcome->error.text[0])
        fprintf(stderr, "isoflop: %s\n", outcome->error.text);
    text_free(&text);
}

int main(int argc, char **argv)
{
    struct command_outcome outcome = { .error = ERROR_NONE };
    /* Characters as the user's terminal has them, numbers never by the locale. */
    setlocale(LC_CTYPE, "");
    /* OpenBLAS starts a thread for each core when it is loaded, and they spin; a trial is trained by one. */
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
    int status = dispatch(argc, argv, &outcome);
    if (fflush(stdout) || ferror(stdout)) {
        iso_fail(&outcome.error, "standard output can not be written: %s", strerror(errno));
        status = status ? status : STATUS_FAILED;
    }
    print_outcome(&outcome);
    diagnostics_free(outcome.found);
    return status;
}
