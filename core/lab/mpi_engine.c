/* The module isoflop_mpi: messages by MPI. The only file that sees mpi.h. */
#include "lab/mpi_engine.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <mpi.h>

/* A message on its way. */
struct parcel {
    struct parcel *next;
    MPI_Request request;
    void *data;
    size_t length;
};

static struct sigaction pipe_before; /* what SIGPIPE did */
static struct parcel *outbox;
static size_t outbox_bytes;

static int fail(int code, const char *what, char *why, size_t size)
{
    char words[MPI_MAX_ERROR_STRING] = "";
    int length = 0;
    MPI_Error_string(code, words, &length);
    snprintf(why, size, "MPI can not %s: %s", what, words);
    return -1;
}

static int begin(int *rank, int *count, char *why, size_t size)
{
    /* Nobody here waits inside MPI. Open MPI on a host with more ranks than processors would give up the processor at
     * each look for messages, to whoever else is busy: 10,000 short trials took five times as long. */
    setenv("OMPI_MCA_mpi_yield_when_idle", "0", 0);
    setenv("OMPI_MCA_mpi_oversubscribe", "0", 1);
    /* The launcher's side of a connection may be gone or busy: an error to the library, not this process's end. */
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    sigaction(SIGPIPE, &ignore, &pipe_before);
    int code = MPI_Init(NULL, NULL);
    if (code == MPI_SUCCESS)
        code = MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    if (code == MPI_SUCCESS)
        code = MPI_Comm_rank(MPI_COMM_WORLD, rank);
    if (code == MPI_SUCCESS)
        code = MPI_Comm_size(MPI_COMM_WORLD, count);
    return code == MPI_SUCCESS ? 0 : fail(code, "start", why, size);
}

/* Frees the messages that have gone out. */
static int settle(char *why, size_t size)
{
    for (struct parcel **at = &outbox; *at;) {
        struct parcel *parcel = *at;
        int gone = 0;
        const int code = MPI_Test(&parcel->request, &gone, MPI_STATUS_IGNORE);
        if (code != MPI_SUCCESS)
            return fail(code, "send", why, size);
        if (!gone) {
            at = &parcel->next;
            continue;
        }
        *at = parcel->next;
        outbox_bytes -= parcel->length;
        free(parcel->data);
        free(parcel);
    }
    return 0;
}

static int send_message(int to, void *data, size_t length, char *why, size_t size)
{
    struct parcel *parcel = malloc(sizeof *parcel);
    if (!parcel || length > INT_MAX) {
        snprintf(why, size, parcel ? "a message of %zu bytes is too long" : "out of memory", length);
        free(parcel);
        free(data);
        return -1;
    }
    *parcel = (struct parcel){ .data = data, .length = length };
    const int code = MPI_Isend(data, (int)length, MPI_BYTE, to, 0, MPI_COMM_WORLD, &parcel->request);
    if (code != MPI_SUCCESS) {
        free(parcel);
        free(data);
        return fail(code, "send", why, size);
    }
    struct parcel **last = &outbox;
    while (*last)
        last = &(*last)->next;
    *last = parcel;
    outbox_bytes += length;
    return settle(why, size);
}

static int receive(int *from, void **data, size_t *length, char *why, size_t size)
{
    MPI_Status status;
    int there = 0, bytes = 0;
    if (outbox && settle(why, size))
        return -1;
    /* A look that finds nothing may be what fetches the messages that have come meanwhile: only the second one tells. */
    int code = MPI_Iprobe(MPI_ANY_SOURCE, 0, MPI_COMM_WORLD, &there, &status);
    if (code == MPI_SUCCESS && !there)
        code = MPI_Iprobe(MPI_ANY_SOURCE, 0, MPI_COMM_WORLD, &there, &status);
    if (code == MPI_SUCCESS && !there)
        return 0;
    if (code == MPI_SUCCESS)
        code = MPI_Get_count(&status, MPI_BYTE, &bytes);
    if (code != MPI_SUCCESS || bytes < 0)
        return fail(code, "receive", why, size);
    *data = malloc(bytes ? (size_t)bytes : 1);
    if (!*data) {
        snprintf(why, size, "out of memory");
        return -1;
    }
    *from = status.MPI_SOURCE;
    *length = (size_t)bytes;
    code = MPI_Recv(*data, bytes, MPI_BYTE, *from, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    if (code == MPI_SUCCESS)
        return 1;
    free(*data);
    return fail(code, "receive", why, size);
}

static size_t unsent(void)
{
    char why[1];
    settle(why, sizeof why); /* what fails here fails again in the next call that can say so */
    return outbox_bytes;
}

static int end(char *why, size_t size)
{
    int code = MPI_SUCCESS;
    while (outbox) {
        struct parcel *parcel = outbox;
        outbox = parcel->next;
        if (code == MPI_SUCCESS)
            code = MPI_Wait(&parcel->request, MPI_STATUS_IGNORE);
        free(parcel->data);
        free(parcel);
    }
    if (code == MPI_SUCCESS)
        code = MPI_Finalize();
    sigaction(SIGPIPE, &pipe_before, NULL);
    return code == MPI_SUCCESS ? 0 : fail(code, "end", why, size);
}

extern const struct mpi_engine isoflop_mpi;
const struct mpi_engine isoflop_mpi = {
    .abi = MPI_ENGINE_ABI, .begin = begin, .send = send_message, .receive = receive, .unsent = unsent, .end = end,
};
