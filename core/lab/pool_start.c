/* Starting a worker with posix_spawn: the program itself, with pipes. */
#include "lab/pool_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

extern char **environ;

char **pool_environment(void)
{
    static char blas[] = "OPENBLAS_NUM_THREADS=1", openmp[] = "OMP_NUM_THREADS=1";
    size_t count = 0, kept = 0;
    while (environ[count])
        count++;
    char **result = memory_array(count + 3, sizeof *result);
    if (!result)
        return NULL;
    for (size_t i = 0; i < count; i++)
        if (strncmp(environ[i], "OPENBLAS_NUM_THREADS=", 21) != 0 && strncmp(environ[i], "OMP_NUM_THREADS=", 16) != 0)
            result[kept++] = environ[i];
    result[kept++] = blas;
    result[kept] = openmp;
    return result;
}

/* A pipe whose ends lie above the standard files and are not handed to children. */
static int make_pipe(int ends[2])
{
    int raw[2];
    ends[0] = ends[1] = -1;
    if (pipe(raw))
        return -1;
    ends[0] = fcntl(raw[0], F_DUPFD_CLOEXEC, 3);
    ends[1] = fcntl(raw[1], F_DUPFD_CLOEXEC, 3);
    close(raw[0]);
    close(raw[1]);
    return ends[0] < 0 || ends[1] < 0 ? -1 : 0;
}

void pool_close(int *file)
{
    if (*file >= 0)
        close(*file);
    *file = -1;
}

int pool_start(const struct pool *pool, struct hand *hand, struct iso_error *err)
{
    int in[2] = { -1, -1 }, out[2] = { -1, -1 }, log[2] = { -1, -1 }, status = -1;
    char *const arguments[] = { (char[]){ "isoflop" }, (char[]){ "worker" }, NULL };
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t blocked;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    *hand = (struct hand){ .in = -1, .out = -1, .log = -1, .tasks = hand->tasks,
                           .task_capacity = hand->task_capacity };
    if (make_pipe(in) || make_pipe(out) || make_pipe(log)) {
        error_system(err, "cannot make", "a pipe to a worker");
        goto out;
    }
    /* Ctrl-C reaches the whole group: the parent decides what becomes of the workers. */
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    int code = posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    if (!code)
        code = posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    if (!code)
        code = posix_spawn_file_actions_adddup2(&actions, log[1], STDERR_FILENO);
    if (!code)
        code = posix_spawnattr_setsigmask(&attributes, &blocked);
    if (!code)
        code = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    if (!code)
        code = posix_spawn(&hand->process, "/proc/self/exe", &actions, &attributes, arguments, pool->environment);
    if (code) {
        hand->process = 0;
        errno = code;
        error_system(err, "cannot start a worker from", "/proc/self/exe");
        goto out;
    }
    hand->in = in[1];
    hand->out = out[0];
    hand->log = log[0];
    in[1] = out[0] = log[0] = -1;
    fcntl(hand->log, F_SETFL, fcntl(hand->log, F_GETFL) | O_NONBLOCK);
    status = 0;
out:
    for (int i = 0; i < 2; i++) {
        pool_close(&in[i]);
        pool_close(&out[i]);
        pool_close(&log[i]);
    }
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return status;
}
