/* Provenance: version, build, compiler, flags, processor, host. */
#include "lab/provenance.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif

#include "config.h"

#ifndef BUILD_FLAGS
#define BUILD_FLAGS "unknown"
#endif

void provenance_checksum(const char *path, char out[HASH_TEXT])
{
    out[0] = '\0';
    int file = open(path, O_RDONLY | O_CLOEXEC);
    struct hash *hash = file < 0 ? NULL : hash_new();
    char *block = malloc(1 << 16);
    ssize_t got = -1;
    while (hash && block && (got = read(file, block, 1 << 16)) > 0)
        hash_add(hash, block, (size_t)got);
    if (hash && got == 0)
        hash_end(hash, out);
    else
        hash_free(hash);
    free(block);
    if (file >= 0)
        close(file);
}

void provenance_time(char out[32])
{
    time_t now = time(NULL);
    struct tm parts;
    if (!gmtime_r(&now, &parts) || !strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &parts))
        out[0] = '\0';
}

static void read_instruction_set(char *out, size_t size)
{
    const char *level = "generic";
#if defined __x86_64__ && defined __GNUC__
    __builtin_cpu_init();
    level = "x86-64";
    if (__builtin_cpu_supports("ssse3") && __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt"))
        level = "x86-64-v2";
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2"))
        level = "x86-64-v3";
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")
        && __builtin_cpu_supports("avx512dq"))
        level = "x86-64-v4";
#elif defined __aarch64__
    level = "aarch64";
#endif
    snprintf(out, size, "%s", level);
}

static void read_cpu(char *out, size_t size)
{
    snprintf(out, size, "unknown");
    FILE *file = fopen("/proc/cpuinfo", "re");
    char line[512];
    while (file && fgets(line, sizeof line, file)) {
        char *colon = strchr(line, ':');
        if (colon && (strncmp(line, "model name", 10) == 0 || strncmp(line, "Model", 5) == 0)) {
            colon += strspn(colon, ": \t");
            colon[strcspn(colon, "\n")] = '\0';
            snprintf(out, size, "%.*s", (int)size - 1, colon);
            break;
        }
    }
    if (file)
        fclose(file);
}

int provenance_read(struct provenance *provenance, struct iso_error *err)
{
    *provenance = (struct provenance){ .process = (long)getpid() };
    snprintf(provenance->version, sizeof provenance->version, "%s", PACKAGE_VERSION);
    provenance_checksum("/proc/self/exe", provenance->build);
#if defined __clang__
    snprintf(provenance->compiler, sizeof provenance->compiler, "%s", __VERSION__);
#elif defined __GNUC__
    snprintf(provenance->compiler, sizeof provenance->compiler, "gcc %s", __VERSION__);
#else
    snprintf(provenance->compiler, sizeof provenance->compiler, "unknown");
#endif
    snprintf(provenance->flags, sizeof provenance->flags, "%s", BUILD_FLAGS);
#ifdef __GLIBC__
    snprintf(provenance->libm, sizeof provenance->libm, "glibc %s", gnu_get_libc_version());
#else
    snprintf(provenance->libm, sizeof provenance->libm, "unknown");
#endif
    read_instruction_set(provenance->instruction_set, sizeof provenance->instruction_set);
    read_cpu(provenance->cpu, sizeof provenance->cpu);
    struct utsname names;
    if (uname(&names) < 0)
        return error_system(err, "cannot read the host's name", "(uname)");
    snprintf(provenance->host, sizeof provenance->host, "%.255s", names.nodename);
    snprintf(provenance->system, sizeof provenance->system, "%.60s %.60s %.60s", names.sysname, names.release,
             names.machine);
    return 0;
}
