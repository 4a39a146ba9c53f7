/* A run on many hosts: `mpirun -n N isoflop run ...`. Rank 0 plans, keeps the store and hands out trials, the longest
 * first, to whoever asks; the other ranks train what they are given, in worker processes of their own, and send back
 * what their pools tell. Rank 0 trains, too: its part in it costs little. Messages are frames with lengths and
 * checksums (lab/message.h), carried by MPI, which the module isoflop_mpi.so brings (lab/mpi_engine.h). */
#ifndef LAB_CLUSTER_H
#define LAB_CLUSTER_H

#include "lab/facts.h"
#include "lab/pool.h"

struct cluster;

/* Joins the job that this process was started in by mpirun, srun or the like. *cluster: NULL where it was started
 * alone. On failure *speaks tells whether this is the one of the job's processes that should say so. command: as typed;
 * it must be the same on all ranks. */
int cluster_join(struct cluster **cluster, const char *command, bool *speaks, struct iso_error *err);
unsigned cluster_rank(const struct cluster *cluster);
unsigned cluster_count(const struct cluster *cluster);
/* Rank 0: tells the others that all is over, waits for their end, leaves the job. NULL is allowed. */
void cluster_leave(struct cluster *cluster);

/* ---- Rank 0 ---- */

/* What the other ranks have to know. */
struct cluster_run {
    const char *build;   /* of the program: see struct provenance */
    const char *folder;  /* of the experiment, which this process holds the lock of; NULL: nothing is kept */
    struct samples samples;
};

/* As pool_run, with the other ranks' workers besides this one's. */
int cluster_run(struct cluster *cluster, const struct cluster_run *run, const struct pool_options *options,
                const struct pool_events *events, struct iso_error *err);

/* Where the trial is trained that an event or `describe` is about; NULL: here. Holds during that call. */
struct cluster_host {
    unsigned rank;
    const char *host, *cpu, *system;
    long process;
};
const struct cluster_host *cluster_host(const struct cluster *cluster);

/* ---- The other ranks ---- */

/* Trains what rank 0 sends until it says that all is over, or *stop is set; leaves the job. stop, wake: as in struct
 * pool_options. Freed in any case. */
int cluster_serve(struct cluster *cluster, const volatile sig_atomic_t *stop, int wake, struct iso_error *err);

#endif
