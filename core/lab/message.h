/* Messages between the parent and its workers, and between the ranks of a run on many hosts: frames in pipes or MPI
 * messages, with length and CRC-32C. Both ends are one program, so values travel in the machine's own form. */
#ifndef LAB_MESSAGE_H
#define LAB_MESSAGE_H

#include "base/text.h"
#include "train/trial.h"

/* All but MESSAGE_READY begin with the number of the task that they are about. */
enum message_kind {
    MESSAGE_READY = 1, /* worker: may be given a trial */
    MESSAGE_TRIAL,     /* parent: a struct message_trial */
    MESSAGE_POINT,     /* worker: a point */
    MESSAGE_PROGRESS,  /* worker: a struct message_progress */
    MESSAGE_DONE,      /* worker: a result */
    MESSAGE_FAILED,    /* worker: why, in words */
    MESSAGE_UNWRITTEN, /* worker: the same, where a checkpoint could not be written */
    MESSAGE_STOPPED,   /* worker: the trial was interrupted */
    MESSAGE_SAVED,     /* worker: the trial has a state on disk */
    MESSAGE_RESUMED,   /* worker: a struct message_progress: where the trial goes on from */
    MESSAGE_NOTE       /* worker: something worth knowing about the trial, in words */
};
#define MESSAGE_LIMIT ((size_t)64 << 20)

struct message_trial {
    const char *recipe;      /* resolved, JSON */
    const char *folder;      /* that its relative paths start from */
    const char *checkpoints; /* folder of this trial's checkpoints; "": none are kept */
    const char *key;
    unsigned threads;
    uint64_t max_steps; /* 0: all */
    double save_seconds; /* between states that the trial goes on from; 0: none */
    bool together; /* with the one that comes next */
};

struct message_progress {
    uint64_t step, steps;
    double epoch, loss, rate;
};

/* Values one after the other: numbers as they are, texts with their length and a 0. */
void message_put_text(struct text *out, const char *text);
void message_put_number(struct text *out, uint64_t number);
struct message_cursor {
    const char *at;
    size_t left;
    bool damaged; /* something was not there; it reads as 0 or "" */
};
void message_get(struct message_cursor *cursor, void *into, size_t length);
const char *message_get_text(struct message_cursor *cursor); /* lies in the data */
uint64_t message_get_number(struct message_cursor *cursor);
int message_ended(const struct message_cursor *cursor); /* -1: damaged, or something is left over */

void message_put_trial(struct text *out, const struct message_trial *trial);
void message_put_point(struct text *out, const struct point *point);
void message_put_result(struct text *out, const struct trial_result *result);
/* Texts of what is got lie in `data`, extras in `arena`. -1: damaged. */
int message_get_trial(const char *data, size_t length, struct message_trial *trial);
int message_get_point(const char *data, size_t length, struct point *point, struct arena *arena);
int message_get_result(const char *data, size_t length, struct trial_result *result, struct arena *arena);

/* Appends one frame. Too long a content counts as a failure of the text. */
void message_frame(struct text *out, enum message_kind kind, const void *data, size_t length);
/* Writes one frame, whole. */
int message_send(int file, enum message_kind kind, const void *data, size_t length, struct iso_error *err);

/* Frames read so far. */
struct message_inbox {
    char *data;
    size_t used, capacity, taken;
};
/* Reads once what there is: 1, 0 at the end, -1 and an error. */
int message_fill(struct message_inbox *inbox, int file, struct iso_error *err);
/* Adds bytes that came otherwise. 0 or -1: out of memory. */
int message_add(struct message_inbox *inbox, const void *data, size_t length);
/* The next whole frame: 1, 0 where it is not there yet, -1 where it is damaged. The data hold until the next call of
 * message_fill or message_add. */
int message_next(struct message_inbox *inbox, enum message_kind *kind, const char **data, size_t *length);
void message_inbox_free(struct message_inbox *inbox);

#endif
