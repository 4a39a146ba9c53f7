/* What the files of a run on many hosts share; for them alone. */
#ifndef LAB_CLUSTER_INSIDE_H
#define LAB_CLUSTER_INSIDE_H

#include <time.h>

#include "lab/cluster.h"
#include "lab/message.h"
#include "lab/mpi_engine.h"

/* Frames between ranks, besides those of pools and workers (enum message_kind). A frame about a trial begins with its
 * number, eight bytes; so do MESSAGE_TRIAL, MESSAGE_POINT, ... here. */
enum {
    /* from rank 0 */
    CLUSTER_WELCOME = 64, /* what is trained, and how: see put_welcome */
    CLUSTER_STOP,         /* end politely (1) or at once (2): one byte */
    CLUSTER_FILE,         /* either way: a part of a trial's file, see cluster_files.c */
    CLUSTER_END,          /* all is over; one byte: a rank was lost, so that leaving in good order would wait for ever */
    /* to rank 0 */
    CLUSTER_HOST,         /* host, cpu, system: texts; process: number */
    CLUSTER_REFUSED,      /* why this rank does not train, or no longer, in words */
    CLUSTER_APART,        /* this rank does not see rank 0's folder of results: files are to be sent */
    CLUSTER_WANT,         /* so many more trials: 32 bits */
    CLUSTER_PRINTED,      /* a line that a worker printed */
    CLUSTER_ALIVE,        /* nothing else to say */
    CLUSTER_LEFT          /* the last frame, after CLUSTER_END; a message of its own */
};

#define CLUSTER_BUSY_SECONDS 0.001 /* between two looks for messages, when some have come of late, ... */
#define CLUSTER_IDLE_SECONDS 0.01  /* ... and when not */
#define CLUSTER_ALIVE_SECONDS 5.0  /* a rank that trains says something at least as often */

struct cluster {
    const struct mpi_engine *engine;
    struct plugins *plugins; /* the module's search path */
    unsigned rank, count;
    char *command;
    struct cluster_host at;  /* the host that the event is about, where at.host */
    unsigned lost;           /* ranks that are: the job can't be left in good order */
};

/* The whole of `frames` as one message; emptied. */
int cluster_send(const struct cluster *cluster, unsigned to, struct text *frames, struct iso_error *err);
/* A single frame. */
int cluster_tell(const struct cluster *cluster, unsigned to, int kind, const void *data, size_t length,
                 struct iso_error *err);
/* The next message that has come: 1, and *data is to be freed; 0: there is none. */
int cluster_receive(const struct cluster *cluster, unsigned *from, void **data, size_t *length, struct iso_error *err);
/* ---- Files of trials, where hosts share no disk: FOLDER/KEY/NAME.safetensors ---- */

enum cluster_files { CLUSTER_ALL, CLUSTER_STATES, CLUSTER_RESULTS }; /* states: what a trial goes on from */
int cluster_send_files(const struct cluster *cluster, unsigned to, const char *folder, const char *key,
                       enum cluster_files which, struct iso_error *err);
/* The content of a CLUSTER_FILE frame. 1: it makes no sense. */
int cluster_take_file(const char *folder, const char *data, size_t length, struct iso_error *err);
void cluster_remove_files(const char *folder, const char *key);

/* Sets the variables by which libraries choose their kernels: "NAME=VALUE", ends with NULL; unsets all others. */
void cluster_take_environment(char *const *variables);
void cluster_sleep(double seconds);
double cluster_since(const struct timespec *from);
/* MPI_Finalize and the like; frees all. */
void cluster_end(struct cluster *cluster, bool orderly);

#endif
