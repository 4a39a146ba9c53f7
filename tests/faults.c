/* Preloaded into isoflop by tests (LD_PRELOAD): makes system calls on the files of one folder fail, or kills the
 * process at one of them. Linux; calls the kernel itself, so that it needs no other library.
 *
 *     FAULTS_FOLDER  calls on files whose path holds this text are counted; without it nothing is done
 *     FAULTS_WHO     "parent" or "worker": in whose process; both without it
 *     FAULTS_AT      the call, from 1, that is struck; 0 or none: calls are only counted
 *     FAULTS_DO      "kill" (SIGKILL before the call; of a write, half is written), "kill-group", "short" (a write
 *                    writes one byte less), "ENOSPC", "EDQUOT", "EIO", "EROFS"
 *     FAULTS_ONCE    a file that is made when it strikes; nothing is struck while it is there
 *     FAULTS_ALWAYS  every call from FAULTS_AT on is struck, not it alone
 *     FAULTS_COUNT   a file that takes the number of calls of the last process
 *     FAULTS_CLOCK   seconds by which the clock of the day jumps to and fro, more at each look
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum kind { WRITE, OTHER };

static long calls;

static bool is_worker(void)
{
    static int worker = -1;
    if (worker < 0) {
        char line[256] = "";
        int file = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/cmdline", O_RDONLY | O_CLOEXEC, 0);
        ssize_t got = file < 0 ? 0 : read(file, line, sizeof line - 1);
        if (file >= 0)
            close(file);
        const char *second = got > 0 ? line + strlen(line) + 1 : line;
        worker = got > 0 && second < line + got && strcmp(second, "worker") == 0;
    }
    return worker == 1;
}

static bool is_meant(const char *path)
{
    const char *folder = getenv("FAULTS_FOLDER"), *who = getenv("FAULTS_WHO");
    return folder && strstr(path, folder) && (!who || is_worker() == (strcmp(who, "worker") == 0));
}

static void note_count(void)
{
    const char *path = getenv("FAULTS_COUNT");
    char text[32];
    if (!path)
        return;
    const int file = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    const int length = snprintf(text, sizeof text, "%ld\n", calls);
    if (file < 0)
        return;
    syscall(SYS_pwrite64, file, text, length, 0);
    close(file);
}

static bool is_struck(void)
{
    const char *at = getenv("FAULTS_AT"), *once = getenv("FAULTS_ONCE");
    const long number = at ? atol(at) : 0;
    calls++;
    note_count();
    if (!number || calls < number || (calls > number && !getenv("FAULTS_ALWAYS")))
        return false;
    if (!once)
        return true;
    const int file = (int)syscall(SYS_openat, AT_FDCWD, once, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file >= 0)
        close(file);
    return file >= 0;
}

/* 0: go on; else errno, or -1: write less. half: what to do of a write before the process is killed. */
static int strike(const char *path, enum kind kind, int descriptor, const void *data, size_t length, off_t offset)
{
    static const struct { const char *name; int number; } errors[] = {
        { "ENOSPC", ENOSPC }, { "EDQUOT", EDQUOT }, { "EIO", EIO }, { "EROFS", EROFS } };
    const char *what = getenv("FAULTS_DO");
    if (!what || !is_meant(path) || !is_struck())
        return 0;
    if (strncmp(what, "kill", 4) == 0) {
        if (kind == WRITE && offset >= 0)
            syscall(SYS_pwrite64, descriptor, data, length / 2, offset);
        else if (kind == WRITE)
            syscall(SYS_write, descriptor, data, length / 2);
        kill(strcmp(what, "kill-group") == 0 ? 0 : getpid(), SIGKILL);
    }
    if (strcmp(what, "short") == 0)
        return kind == WRITE && length > 1 ? -1 : 0;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (strcmp(what, errors[i].name) == 0)
            return errors[i].number;
    return 0;
}

static int strike_file(int descriptor, enum kind kind, const void *data, size_t length, off_t offset)
{
    char link[48], path[4096];
    if (!getenv("FAULTS_FOLDER"))
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    const ssize_t got = readlink(link, path, sizeof path - 1);
    if (got <= 0)
        return 0;
    path[got] = '\0';
    return strike(path, kind, descriptor, data, length, offset);
}

/* Relative names are taken to be below the folder that the process works in. */
static int strike_path(const char *name)
{
    char path[8192] = "";
    if (!getenv("FAULTS_FOLDER"))
        return 0;
    if (name[0] != '/' && getcwd(path, 4000))
        strcat(path, "/");
    strncat(path, name, 4000);
    return strike(path, OTHER, -1, NULL, 0, -1);
}

#define FAIL_IF_STRUCK(struck)                                                                                        \
    do {                                                                                                              \
        const int number_ = (struck);                                                                                 \
        if (number_ > 0) {                                                                                            \
            errno = number_;                                                                                          \
            return -1;                                                                                                \
        }                                                                                                             \
    } while (0)

ssize_t write(int file, const void *data, size_t length)
{
    const int number = strike_file(file, WRITE, data, length, -1);
    FAIL_IF_STRUCK(number);
    return syscall(SYS_write, file, data, number < 0 ? length - 1 : length);
}

ssize_t pwrite64(int file, const void *data, size_t length, off64_t offset)
{
    const int number = strike_file(file, WRITE, data, length, offset);
    FAIL_IF_STRUCK(number);
    return syscall(SYS_pwrite64, file, data, number < 0 ? length - 1 : length, offset);
}

ssize_t pwrite(int file, const void *data, size_t length, off_t offset)
{
    return pwrite64(file, data, length, offset);
}

int fsync(int file)
{
    FAIL_IF_STRUCK(strike_file(file, OTHER, NULL, 0, -1));
    return (int)syscall(SYS_fsync, file);
}

int fdatasync(int file)
{
    FAIL_IF_STRUCK(strike_file(file, OTHER, NULL, 0, -1));
    return (int)syscall(SYS_fdatasync, file);
}

int ftruncate64(int file, off64_t length)
{
    FAIL_IF_STRUCK(strike_file(file, OTHER, NULL, 0, -1));
    return (int)syscall(SYS_ftruncate, file, length);
}

int ftruncate(int file, off_t length)
{
    return ftruncate64(file, length);
}

int rename(const char *from, const char *to)
{
    FAIL_IF_STRUCK(strike_path(to));
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int unlink(const char *path)
{
    FAIL_IF_STRUCK(strike_path(path));
    return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int rmdir(const char *path)
{
    FAIL_IF_STRUCK(strike_path(path));
    return (int)syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
}

int mkdir(const char *path, mode_t mode)
{
    FAIL_IF_STRUCK(strike_path(path));
    return (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

static int open_file(const char *path, int flags, mode_t mode)
{
    if (flags & O_CREAT)
        FAIL_IF_STRUCK(strike_path(path));
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return open_file(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return open_file(path, flags, mode);
}

/* ---- The clock of the day ---- */

static long jump(void)
{
    static long looks;
    const char *seconds = getenv("FAULTS_CLOCK");
    looks++;
    return seconds ? atol(seconds) * looks * (looks % 2 ? 1 : -1) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    const long result = syscall(SYS_clock_gettime, clock, now);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += jump();
    return (int)result;
}

time_t time(time_t *now)
{
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (now)
        *now = exact.tv_sec;
    return exact.tv_sec;
}

int gettimeofday(struct timeval *now, void *zone)
{
    struct timespec exact;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}
