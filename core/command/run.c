/* isoflop run: trains what a recipe describes and what is not done yet, then draws its figures. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "command/command.h"
#include "command/figures.h"
#include "command/progress.h"
#include "command/tables.h"
#include "command/arguments.h"
#include "lab/cluster.h"

#define RECIPE_LIMIT ((size_t)16 << 20)
#define TABLE_ROWS 20

struct given {
    const char *recipe, *out, *backend, *trial, *shard, *jobs_text, *threads_text, *timeout_text,
        *save_text;
    struct option_list overrides;
    uint64_t jobs, threads;
    double timeout, save_seconds;
    bool retry, fail_fast, smoke, no_figures;
};

/* ---- Signals: the first asks for an orderly end, the second for an end, the third is not asked about ---- */

static const int signals[] = { SIGHUP, SIGINT, SIGTERM };
#define SIGNALS (sizeof signals / sizeof *signals)

static struct sigaction signals_before[SIGNALS];
static volatile sig_atomic_t stop_asked;
static int wake[2] = { -1, -1 };

static void on_signal(int number)
{
    const int before = errno;
    if (stop_asked)
        signal(number, SIG_DFL);
    stop_asked = stop_asked ? 2 : 1;
    if (write(wake[1], "", 1) < 0) /* the pipe is full: the parent is awake */
        errno = before;
    errno = before;
}

static int catch_signals(struct iso_error *err)
{
    const struct sigaction action = { .sa_handler = on_signal };
    if (pipe(wake))
        return error_system(err, "cannot make", "a pipe");
    for (int i = 0; i < 2; i++) {
        fcntl(wake[i], F_SETFD, FD_CLOEXEC);
        fcntl(wake[i], F_SETFL, O_NONBLOCK);
    }
    for (size_t i = 0; i < SIGNALS; i++)
        sigaction(signals[i], &action, &signals_before[i]);
    /* nohup stays nohup. Of a command in the background of a script, the shell has SIGINT ignored, and SIGHUP not: who
     * sends it one means it. */
    for (size_t i = 0; signals_before[0].sa_handler == SIG_IGN && i < SIGNALS; i++)
        if (signals_before[i].sa_handler == SIG_IGN)
            sigaction(signals[i], &signals_before[i], NULL);
    return 0;
}

/* What comes after training may be ended at any moment: all results are kept, and figures are whole files or none. */
static void release_signals(void)
{
    for (size_t i = 0; i < SIGNALS; i++)
        sigaction(signals[i], &signals_before[i], NULL);
}

/* ---- What is asked for ---- */

static int read_shard(const char *text, struct run_options *options, struct command_outcome *outcome)
{
    if (!text)
        return STATUS_DONE;
    char *end;
    const unsigned long part = strtoul(text, &end, 10);
    const unsigned long parts = *end == '/' ? strtoul(end + 1, &end, 10) : 0;
    if (*end || !part || part > parts || parts > 1000000 || *text == '-' || *text == '+') {
        iso_fail(&outcome->error, "isoflop run: --shard needs I/N with I from 1 to N, such as 2/8, not %s", text);
        return STATUS_WRONG;
    }
    options->shard = part;
    options->shards = parts;
    return STATUS_DONE;
}

static int check_key(const char *trial, struct iso_error *err)
{
    if (!trial || *trial)
        return 0;
    return iso_fail(err, "--trial needs the beginning of a trial's key; `isoflop plan` lists the keys");
}

/* The command as it was typed, for the record, and for use in a shell. */
static char *join_words(int argc, char **argv)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,+@%";
    struct text text = { 0 };
    text_add_string(&text, "isoflop");
    for (int i = 0; i < argc; i++) {
        text_add_string(&text, " ");
        if (argv[i][0] && strspn(argv[i], plain) == strlen(argv[i])) {
            text_add_string(&text, argv[i]);
            continue;
        }
        text_add_string(&text, "'");
        for (const char *c = argv[i]; *c; c++)
            text_add(&text, *c == '\'' ? "'\\''" : c, *c == '\'' ? 4 : 1);
        text_add_string(&text, "'");
    }
    return text_take(&text);
}

static unsigned processors(void)
{
    const long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : count > 1024 ? 1024 : (unsigned)count;
}

/* ---- The end ---- */

static int write_summary(const char *folder, struct iso_error *err)
{
    const char *columns[8];
    struct frame *trials = lab_frame(folder, LAB_TRIALS, err);
    if (!trials)
        return -1;
    const size_t count = table_columns(trials, columns);
    struct summary *summary = summary_new(trials, columns, count, err);
    if (!summary)
        return -1;
    if (count && summary->count) {
        printf("\n");
        table_write(summary, TABLE_TEXT, TABLE_ROWS, stdout);
        if (summary->count > TABLE_ROWS)
            printf("... and %zu more points\n", summary->count - TABLE_ROWS);
        printf("\n");
    }
    summary_free(summary);
    printf("table: isoflop table %s    every number: isoflop export %s --table trials|points\n", folder, folder);
    return 0;
}

static void say_outcome(const struct given *given, const char *folder, const struct run_counts *counts, bool changed,
                        double seconds)
{
    const size_t ended = counts->done + counts->diverged + counts->failed;
    char duration[48], rate[48];
    progress_duration(seconds, duration);
    progress_quantity(seconds > 0 ? counts->flops / seconds : 0, "FLOP/s", rate);
    if (ended && !given->smoke)
        fprintf(stderr, "trained %zu trial%s in %s (%s): %zu done, %zu diverged, %zu failed\n", ended,
                ended == 1 ? "" : "s", duration, rate, counts->done, counts->diverged, counts->failed);
    if (given->smoke) {
        fprintf(stderr, "smoke test: %zu of %zu trials made their first steps; nothing was kept\n",
                counts->done + counts->diverged, counts->planned);
    } else if (stop_asked) {
        fprintf(stderr, "stopped: %zu of %zu trials are done and kept in %s; the same command goes on with the rest",
                counts->before + counts->done + counts->diverged, counts->planned, folder);
        if (counts->saved)
            fprintf(stderr, " (%zu of them in the middle)", counts->saved);
        fprintf(stderr, "\n");
    } else if (!counts->to_train) {
        if (counts->failed_before)
            fprintf(stderr, "nothing to train: %zu of %zu trials are done in %s, %zu failed (--retry trains them "
                    "again)\n", counts->before, counts->planned, folder, counts->failed_before);
        else
            fprintf(stderr, "nothing to do: all %zu trials are done in %s%s\n", counts->planned, folder,
                    changed ? "; the recipe is changed in what is not trained" : "");
    } else if (counts->failed) {
        fprintf(stderr, "%zu of %zu trials failed; --retry trains them again, `isoflop status %s` lists them\n",
                counts->failed, counts->planned, folder);
    }
}

/* Whether none were drawn here: of a store that was merged, or after --no-figures. */
static bool lacks_figures(const char *folder)
{
    char *path = file_join(folder, "figures");
    const bool lacks = path && access(path, F_OK);
    free(path);
    return lacks;
}

static int finish(const struct given *given, const char *folder, const struct run_counts *counts, bool changed,
                  double seconds, struct command_outcome *outcome)
{
    say_outcome(given, folder, counts, changed, seconds);
    const bool failed = counts->failed || counts->failed_before || stop_asked;
    if (given->smoke || stop_asked)
        return failed ? STATUS_FAILED : STATUS_DONE;
    if (write_summary(folder, &outcome->error))
        return STATUS_FAILED;
    const struct figures_request request = { .folder = folder, .format = FIGURE_SVG };
    size_t drawn;
    bool unknown;
    if (!given->no_figures && (counts->to_train || changed || lacks_figures(folder)) &&
        figures_draw(&request, stdout, &drawn, &unknown, &outcome->error))
        return STATUS_FAILED;
    return failed ? STATUS_FAILED : STATUS_DONE;
}

/* Warnings are read before hours of training, not after. */
static void say_remarks(struct command_outcome *outcome)
{
    struct text text = { 0 };
    diagnostics_text(outcome->found, &text);
    fputs(text.data ? text.data : "", stderr);
    text_free(&text);
    diagnostics_free(outcome->found);
    outcome->found = NULL;
}

static int train(const struct given *given, struct run_options *options, struct command_outcome *outcome)
{
    struct iso_error *err = &outcome->error;
    struct plugins *plugins = plugins_new(NULL, err);
    struct plan *plan = NULL;
    struct progress *progress = NULL;
    char *folder = NULL, *text = NULL;
    size_t length;
    int status = STATUS_WRONG;
    const unsigned rows = options->jobs * (options->cluster ? cluster_count(options->cluster) : 1);
    outcome->found = diagnostics_new();
    if (!outcome->found)
        error_memory(err);
    if (!outcome->found || !plugins || !(text = file_read(given->recipe, RECIPE_LIMIT, &length, err)))
        goto out;
    options->recipe = text;
    plan = plan_prepare(given->recipe, given->overrides.values, given->overrides.count, plugins, outcome->found);
    if (!plan)
        goto out;
    status = STATUS_FAILED;
    folder = given->out ? strdup(given->out) : file_join("results", plan->name);
    progress = folder ? progress_new(plan, options->command, rows, err) : NULL;
    if (!progress || catch_signals(err)) {
        if (!folder)
            error_memory(err);
        goto out;
    }
    options->folder = folder;
    options->stop = &stop_asked;
    options->wake = wake[0];
    say_remarks(outcome);
    const struct run_listener listener = progress_listener(progress);
    struct run_counts counts;
    bool changed;
    const int ran = run_plan(plan, plugins, options, &listener, &counts, &changed, err);
    release_signals();
    const double seconds = progress_seconds(progress);
    progress_free(progress);
    progress = NULL;
    status = ran ? STATUS_FAILED : finish(given, folder, &counts, changed, seconds, outcome);
out:
    progress_free(progress);
    free(folder);
    free(text);
    plan_free(plan);
    plugins_free(plugins);
    return status;
}

/* A rank other than 0 reads no recipe: rank 0 tells it what to train. */
static int serve(struct cluster *cluster, struct iso_error *err)
{
    if (!catch_signals(err))
        return cluster_serve(cluster, &stop_asked, wake[0], err) ? STATUS_FAILED : STATUS_DONE;
    cluster_leave(cluster);
    return STATUS_FAILED;
}

static int lead(int argc, char **argv, const char *words, struct cluster *cluster, struct command_outcome *outcome)
{
    /* Launchers give each rank its processors: one trial at a time, where nothing else is said. */
    struct given given = { .jobs = cluster ? 1 : processors(), .save_seconds = 30 };
    const struct option known[] = {
        { .name = "--out", .value = &given.out },
        { .name = "--jobs", .value = &given.jobs_text },
        { .name = "--threads", .value = &given.threads_text },
        { .name = "--backend", .value = &given.backend },
        { .name = "--set", .list = &given.overrides },
        { .name = "--trial", .value = &given.trial },
        { .name = "--retry", .flag = &given.retry },
        { .name = "--fail-fast", .flag = &given.fail_fast },
        { .name = "--trial-timeout", .value = &given.timeout_text },
        { .name = "--resume-every", .value = &given.save_text },
        { .name = "--shard", .value = &given.shard },
        { .name = "--smoke", .flag = &given.smoke },
        { .name = "--no-figures", .flag = &given.no_figures },
        { 0 },
    };
    struct iso_error *err = &outcome->error;
    char *backend = NULL;
    struct run_options options = { .cluster = cluster };
    int status = STATUS_WRONG;
    if (!arguments_read(argc, argv, known, &given.recipe, 1, 1, command_run.arguments, err)
        && !argument_count("--jobs", given.jobs_text, &given.jobs, err)
        && !argument_count("--threads", given.threads_text, &given.threads, err)
        && !argument_seconds("--trial-timeout", given.timeout_text, false, &given.timeout, err)
        && !argument_seconds("--resume-every", given.save_text, true, &given.save_seconds, err)
        && !check_key(given.trial, err)
        && !read_shard(given.shard, &options, outcome)
        && !arguments_add_backend(&given.overrides, given.backend, &backend, err)) {
        options.overrides = given.overrides.values;
        options.override_count = given.overrides.count;
        options.command = words;
        options.jobs = given.jobs > 4096 ? 4096 : (unsigned)given.jobs;
        options.threads = given.threads_text ? (unsigned)given.threads : given.jobs_text || cluster ? 1 : 0;
        options.trial = given.trial;
        options.retry = given.retry;
        options.fail_fast = given.fail_fast;
        options.smoke = given.smoke;
        options.trial_timeout = given.timeout;
        options.save_seconds = given.save_seconds;
        status = train(&given, &options, outcome);
    }
    free(backend);
    free(given.overrides.values);
    return status;
}

static int run(int argc, char **argv, struct command_outcome *outcome)
{
    struct cluster *cluster = NULL;
    struct iso_error *err = &outcome->error;
    char *words = join_words(argc, argv);
    bool speaks = true;
    int status = STATUS_WRONG;
    if (!words) {
        error_memory(err);
    } else if (cluster_join(&cluster, words, &speaks, err)) {
        if (!speaks) { /* one of the processes says it for all, and its status counts */
            *err = ERROR_NONE;
            status = STATUS_DONE;
        }
    } else if (cluster && cluster_rank(cluster)) {
        status = serve(cluster, err);
    } else {
        status = lead(argc, argv, words, cluster, outcome);
        cluster_leave(cluster);
    }
    free(words);
    return status;
}

const struct command command_run = {
    .name = "run",
    .arguments = "RECIPE [--out DIR] [--jobs N] [--threads N] [--backend NAME] [--set PATH=VALUE]... [--trial KEY]"
                 " [--retry] [--fail-fast] [--trial-timeout S] [--resume-every S] [--shard I/N] [--smoke]",
    .summary = "train what a recipe describes and is not done yet, then draw its figures",
    .help = "  --out DIR           where results go (default: results/NAME)\n"
            "  --jobs N            trials trained at a time (default: one a processor)\n"
            "  --threads N         threads of one trial, with the backend native (default: 1, or all\n"
            "                      processors where trials are fewer and the number of jobs is not given)\n"
            "  --backend NAME      how layers are computed: a backend plugin, or auto (default: the recipe's)\n"
            "  --set PATH=VALUE    overrides a value of the recipe; may be repeated\n"
            "  --trial KEY         trains the one trial whose key begins so\n"
            "  --retry             trains failed trials again\n"
            "  --fail-fast         stops at the first trial that fails\n"
            "  --trial-timeout S   ends a trial that takes longer than S seconds\n"
            "  --resume-every S    saves the state of a running trial about every S seconds, to go on from\n"
            "                      after an interruption (default: 30; 0: never)\n"
            "  --shard I/N         trains the I-th of N parts of the plan\n"
            "  --smoke             two steps of each trial; keeps nothing\n"
            "  --no-figures        draws no figures at the end\n"
            "Ctrl-C stops in good order, a second one at once; the same command goes on with what is left.\n",
    .run = run,
};
