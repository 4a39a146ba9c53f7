/* Work in a process of its own. The pipe that only the child holds open tells when it has ended. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "base/apart.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined __linux__
#include <sys/prctl.h>
#endif

enum { POLLS_A_SECOND = 5, FINISHED = 77 };

void *apart_shared(size_t bytes)
{
    void *shared = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return shared == MAP_FAILED ? NULL : shared;
}

void apart_shared_free(void *shared, size_t bytes)
{
    if (shared)
        munmap(shared, bytes);
}

/* Its exit status alone would not tell the work's return from a call of exit: `finished` is in shared memory. */
static void child(void (*work)(void *), void *context, int said, volatile bool *finished)
{
#if defined __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* work that never returns would outlive a parent that was killed */
#endif
    const int empty = open("/dev/null", O_RDONLY);
    if (empty >= 0)
        dup2(empty, STDIN_FILENO);
    dup2(said, STDOUT_FILENO);
    dup2(said, STDERR_FILENO);
    work(context);
    fflush(NULL);
    *finished = true;
    _exit(FINISHED);
}

/* Whether the child got stuck. The pipe is at its end when the child is. */
static bool wait_for_end(int pipe, const volatile size_t *pulse, double seconds)
{
    struct pollfd end = { .fd = pipe, .events = POLLIN };
    size_t last = *pulse;
    for (double still = 0; still < seconds;) {
        const int ready = poll(&end, 1, 1000 / POLLS_A_SECOND);
        if (ready > 0)
            return false;
        still = *pulse == last ? still + 1.0 / POLLS_A_SECOND : 0;
        last = *pulse;
    }
    return true;
}

static void read_said(int file, struct apart_end *end)
{
    const off_t length = lseek(file, 0, SEEK_END);
    const ssize_t got = pread(file, end->said, sizeof end->said - 1, 0);
    size_t count = got > 0 ? (size_t)got : 0;
    end->said_length = length > 0 ? (size_t)length : 0;
    while (count > 0 && end->said[count - 1] == '\n')
        count--;
    end->said[count] = 0;
}

int apart_run(void (*work)(void *context), void *context, const volatile size_t *pulse, double seconds,
              struct apart_end *end, struct iso_error *err)
{
    int ends[2] = { -1, -1 }, ended = 0, status = -1;
    FILE *said = tmpfile();
    volatile bool *finished = apart_shared(sizeof *finished);
    *end = (struct apart_end){ 0 };
    if (!said || !finished || pipe(ends)) {
        iso_fail(err, "there can be no process to try it in: %s", strerror(errno));
        goto out;
    }
    fflush(NULL);
    const pid_t pid = fork();
    if (pid < 0) {
        iso_fail(err, "there can be no process to try it in: %s", strerror(errno));
        goto out;
    }
    if (pid == 0) {
        close(ends[0]);
        child(work, context, fileno(said), finished);
    }
    close(ends[1]);
    ends[1] = -1;
    end->late = wait_for_end(ends[0], pulse, seconds);
    if (end->late)
        kill(pid, SIGKILL);
    while (waitpid(pid, &ended, 0) < 0 && errno == EINTR)
        continue;
    end->finished = *finished;
    end->signal = WIFSIGNALED(ended) ? WTERMSIG(ended) : 0;
    end->exit_status = WIFEXITED(ended) ? WEXITSTATUS(ended) : 0;
    read_said(fileno(said), end);
    status = 0;
out:
    for (int i = 0; i < 2; i++)
        if (ends[i] >= 0)
            close(ends[i]);
    if (said)
        fclose(said);
    apart_shared_free((void *)(uintptr_t)finished, sizeof *finished);
    return status;
}
