/* A small team of threads that the layers of one backend share. */
#ifndef NATIVE_TEAM_H
#define NATIVE_TEAM_H

#include <isoflop/plugin.h>

#pragma GCC visibility push(hidden) /* a plugin exports one symbol */

enum { TEAM_MAX = 64 }; /* threads, the caller's counted */

/* A part of some work: the share of thread `thread` of `threads`. */
typedef void team_work(void *context, unsigned thread, unsigned threads);

struct team;

/* In the host's memory; it has no thread yet. */
struct team *team_new(const struct iso_host *host, struct iso_error *err);
void team_free(struct team *team);

/* A layer that will use up to `threads` threads comes, or goes: the last one that goes ends the threads. */
int team_join(struct team *team, unsigned threads, struct iso_error *err);
void team_leave(struct team *team);

/* Runs all shares, the caller being thread 0, in the caller's rounding and flush-to-zero. Where the team is at work for
 * somebody else already, the caller does everything alone. */
void team_run(struct team *team, unsigned threads, team_work *work, void *context);

#pragma GCC visibility pop

#endif
