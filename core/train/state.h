/* States: what a trial that was interrupted goes on from. A safetensors file with everything that training changes, as
 * it lies in memory, and all points so far:
 *
 *     step, seconds, ...        where it is (state.c names them all); U64 or F64
 *     layers.I.weight           in the backend's layout, and so are
 *     layers.I.weight.slot.K    the optimizer's numbers; biases likewise; F32
 *     best                      weights and biases of the best point, one layer after the other; F32
 *     points                    a row each: step, seconds, losses, accuracies, extras (points.c); F64
 *     checksum                  SHA-256 of all bytes before, in hexadecimal; U8
 *
 * What follows from the step alone is not in it: the order of the examples, dropout's masks, learning rates; nor what
 * hangs on the points: the best one, early stopping. `__metadata__` says which trial it belongs to, with what is
 * measured and kept, and the numerics that it was made with. Only an equal trial on equal numerics goes on from a state:
 * so numbers are in the machine's own order, and the header must equal, byte for byte, the one that this trial would
 * write now. */
#ifndef TRAIN_STATE_H
#define TRAIN_STATE_H

#include "train/run.h"

/* The bytes of a state, to be freed; NULL and an error. */
void *state_write(struct run *run, size_t *length, struct iso_error *err);
/* Takes a run that has just begun to where the state is. -1 and an error: the bytes are damaged, or are of another
 * trial or other numerics; the run is then to be begun anew. */
int state_read(struct run *run, const void *bytes, size_t length, struct iso_error *err);

/* Saves the run's state where the time has come; `stop`: it is about to be interrupted. */
void state_save_due(struct run *run, bool stop);
/* Takes the run to the state that was saved `age` states ago: 1. 0: there is none. -1: it can't be used, which was noted,
 * and the run is to be begun anew. */
int state_go_on(struct run *run, unsigned age);

#endif
