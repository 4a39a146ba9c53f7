/* A run on many hosts: joining the job, messages, leaving it. */
#include "lab/cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "config.h"
#include "lab/cluster_inside.h"

#define WHY 1000
#define LEAVE_SECONDS 15.0     /* that the other ranks may take to end, ... */
#define LEAVE_LOST_SECONDS 2.0 /* ... and where one of them is lost */

double cluster_since(const struct timespec *from)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - from->tv_sec) + 1e-9 * (double)(now.tv_nsec - from->tv_nsec);
}

void cluster_sleep(double seconds)
{
    nanosleep(&(struct timespec){ .tv_nsec = (long)(seconds * 1e9) }, NULL);
}

/* ---- Messages ---- */

int cluster_send(const struct cluster *cluster, unsigned to, struct text *frames, struct iso_error *err)
{
    char why[WHY] = "";
    const size_t length = frames->length;
    if (!length && !frames->failed)
        return 0;
    char *data = text_take(frames);
    if (!data)
        return error_memory(err);
    return cluster->engine->send((int)to, data, length, why, sizeof why) ? iso_fail(err, "%s", why) : 0;
}

int cluster_tell(const struct cluster *cluster, unsigned to, int kind, const void *data, size_t length,
                 struct iso_error *err)
{
    struct text frame = { 0 };
    message_frame(&frame, (enum message_kind)kind, data, length);
    return cluster_send(cluster, to, &frame, err);
}

int cluster_receive(const struct cluster *cluster, unsigned *from, void **data, size_t *length, struct iso_error *err)
{
    char why[WHY] = "";
    int rank = 0;
    const int got = cluster->engine->receive(&rank, data, length, why, sizeof why);
    *from = (unsigned)rank;
    return got < 0 ? iso_fail(err, "%s", why) : got;
}

/* ---- Joining and leaving ---- */

/* How launchers tell their processes how many they are, and which is which. */
static const struct { const char *count, *rank; } launchers[] = {
    { "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK" }, /* Open MPI */
    { "PMI_SIZE", "PMI_RANK" },                         /* MPICH, Intel MPI, srun --mpi=pmi2 */
    { "MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK" },   /* MVAPICH */
    { "SLURM_STEP_NUM_TASKS", "SLURM_PROCID" },         /* srun; not set in the batch script itself */
};

/* Processes that were started together with this one, 1 where it was started alone. */
static unsigned launched(unsigned *rank)
{
    const char *choice = getenv("ISOFLOP_MPI");
    if (choice && strcmp(choice, "no") == 0)
        return 1;
    for (size_t i = 0; i < sizeof launchers / sizeof *launchers; i++) {
        const char *count = getenv(launchers[i].count), *place = getenv(launchers[i].rank);
        const unsigned long number = count ? strtoul(count, NULL, 10) : 0;
        if (number < 2 || number > INT32_MAX)
            continue;
        *rank = place ? (unsigned)strtoul(place, NULL, 10) : 0;
        return (unsigned)number;
    }
    return 1;
}

static int open_engine(struct cluster *cluster, unsigned count, struct iso_error *err)
{
    static const char alone[] = "ISOFLOP_MPI=no in the environment makes each a run of its own, as for different "
                                "--shard I/N";
    char why[WHY] = "";
    int rank = 0, joined = 0;
    bool there = false;
    cluster->plugins = plugins_new(NULL, err);
    if (!cluster->plugins)
        return -1;
    cluster->engine = plugins_module(cluster->plugins, MPI_ENGINE_MODULE, MPI_ENGINE_SYMBOL, &there, err);
    if (!cluster->engine) {
#ifndef HAVE_MPI
        if (!there) {
            *err = ERROR_NONE;
            iso_fail(err, "this isoflop was built without MPI; to get it: apt-get install libopenmpi-dev openmpi-bin "
                          "(or another MPI), then ./configure and make again");
        }
#endif
        return error_context(err, "%u processes were started together, but can not share a run (%s)", count, alone);
    }
    if (cluster->engine->abi != MPI_ENGINE_ABI)
        return iso_fail(err, "%s.so belongs to another version of isoflop: install both anew", MPI_ENGINE_MODULE);
    if (cluster->engine->begin(&rank, &joined, why, sizeof why))
        return iso_fail(err, "%s", why);
    cluster->rank = (unsigned)rank;
    cluster->count = (unsigned)joined;
    if (joined > 1)
        return 0;
    iso_fail(err, "%u processes were started together, but MPI finds only one: the launcher belongs to another MPI than "
                  "%s.so was built with (%s)", count, MPI_ENGINE_MODULE, alone);
    cluster->engine->end(why, sizeof why);
    return -1;
}

int cluster_join(struct cluster **cluster, const char *command, bool *speaks, struct iso_error *err)
{
    unsigned rank = 0;
    const unsigned count = launched(&rank);
    *cluster = NULL;
    *speaks = rank == 0;
    if (count < 2)
        return 0;
    struct cluster *joined = memory_array(1, sizeof *joined);
    if (!joined)
        return error_memory(err);
    if (open_engine(joined, count, err) || !(joined->command = strdup(command))) {
        plugins_free(joined->plugins);
        free(joined);
        return error_memory(err);
    }
    *cluster = joined;
    return 0;
}

void cluster_end(struct cluster *cluster, bool orderly)
{
    char why[WHY];
    /* Without all the others, leaving would wait for ever. */
    if (orderly)
        cluster->engine->end(why, sizeof why);
    plugins_free(cluster->plugins);
    free(cluster->command);
    free(cluster);
}

unsigned cluster_rank(const struct cluster *cluster)
{
    return cluster->rank;
}

unsigned cluster_count(const struct cluster *cluster)
{
    return cluster->count;
}

/* Whether a message is a rank's last. */
static bool is_last(char *data, size_t length)
{
    struct message_inbox inbox = { .data = data, .used = length };
    enum message_kind kind;
    const char *content;
    return message_next(&inbox, &kind, &content, &length) > 0 && (int)kind == CLUSTER_LEFT;
}

void cluster_leave(struct cluster *cluster)
{
    if (!cluster)
        return;
    struct iso_error err = ERROR_NONE;
    double waited = 0; /* asleep: the time in which this process itself was stalled does not count */
    const char lost = cluster->lost > 0;
    unsigned left = 0;
    bool failed = false;
    for (unsigned rank = 1; rank < cluster->count && !failed; rank++)
        failed = cluster_tell(cluster, rank, CLUSTER_END, &lost, 1, &err) != 0;
    while (!failed && left + cluster->lost + 1 < cluster->count) {
        void *data;
        size_t length;
        unsigned from;
        const int got = cluster_receive(cluster, &from, &data, &length, &err);
        if (got > 0) {
            left += is_last(data, length);
            free(data);
            continue;
        }
        failed = got < 0 || waited > (lost ? LEAVE_LOST_SECONDS : LEAVE_SECONDS);
        cluster_sleep(CLUSTER_BUSY_SECONDS);
        waited += CLUSTER_BUSY_SECONDS;
    }
    cluster_end(cluster, !failed && !lost);
}
