/* What the module isoflop_mpi.so gives: messages between the processes of one MPI job, and nothing of isoflop. The
 * program itself is not linked with MPI; mpi_engine.c alone sees mpi.h. One thread at a time. */
#ifndef LAB_MPI_ENGINE_H
#define LAB_MPI_ENGINE_H

#include <stddef.h>

#define MPI_ENGINE_ABI 1
#define MPI_ENGINE_MODULE "isoflop_mpi"  /* the file's name without .so, ... */
#define MPI_ENGINE_SYMBOL "isoflop_mpi"  /* ... and the struct in it */

/* Functions give 0, or -1 and words in why[size]. */
struct mpi_engine {
    unsigned abi;
    /* Joins the job; then this process's rank, and how many there are. */
    int (*begin)(int *rank, int *count, char *why, size_t size);
    /* Begins to send a message, without waiting until it has arrived. Takes over `data`, which malloc gave. Messages
     * between two ranks arrive in order. */
    int (*send)(int to, void *data, size_t length, char *why, size_t size);
    /* The next message that has come, from any rank: 1, and *data is to be freed; 0: there is none. */
    int (*receive)(int *from, void **data, size_t *length, char *why, size_t size);
    size_t (*unsent)(void); /* bytes of messages that are still being sent */
    /* Leaves the job; waits for the others to do so. */
    int (*end)(char *why, size_t size);
};

#endif
