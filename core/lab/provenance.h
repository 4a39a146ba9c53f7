/* Where results come from: the program, its build, the machine. */
#ifndef LAB_PROVENANCE_H
#define LAB_PROVENANCE_H

#include "base/error.h"
#include "base/hash.h"

struct provenance {
    char version[32];
    char build[HASH_TEXT];    /* SHA-256 of the program's file */
    char compiler[128];
    char flags[512];
    char instruction_set[64]; /* the highest level that the processor has, such as "x86-64-v3" */
    char libm[64];
    char cpu[128];
    char host[256];
    char system[256];         /* kernel */
    long process;
};

int provenance_read(struct provenance *provenance, struct iso_error *err);
/* The file's SHA-256; "" where it can't be read. */
void provenance_checksum(const char *path, char out[HASH_TEXT]);
/* The time now, UTC: "2026-01-31T12:00:00Z". */
void provenance_time(char out[32]);

#endif
