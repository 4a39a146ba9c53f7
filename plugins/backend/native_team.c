/* A team of threads. Whoever waits spins for some microseconds, since a step's next product comes soon, then sleeps. */
#include "native_team.h"

#include <fenv.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

enum { SPINS = 4000 };

struct member {
    struct team *team;
    unsigned number, round; /* number from 1; the round it starts after */
    pthread_t thread;
};

struct team {
    pthread_mutex_t lock;        /* of going to sleep */
    pthread_cond_t wake, done;
    unsigned users, members;     /* layers that use the team; threads that run, the callers' not counted */
    struct member member[TEAM_MAX];

    atomic_flag taken;           /* somebody runs work, joins or leaves */
    atomic_uint round;           /* raised when there is work */
    atomic_uint working;         /* members that are not done with it */
    atomic_bool stopped;
    unsigned threads;            /* that have a share of it */
    team_work *work;
    void *context;
    fenv_t mode;                 /* the caller's rounding and flush-to-zero */
};

struct team *team_new(const struct iso_host *host, struct iso_error *err)
{
    struct team *team = host->allocate(host, sizeof *team, err);
    if (!team)
        return NULL;
    pthread_mutex_init(&team->lock, NULL);
    pthread_cond_init(&team->wake, NULL);
    pthread_cond_init(&team->done, NULL);
    atomic_flag_clear(&team->taken);
    return team;
}

void team_free(struct team *team)
{
    pthread_cond_destroy(&team->done);
    pthread_cond_destroy(&team->wake);
    pthread_mutex_destroy(&team->lock);
}

/* Returns when *value differs from `number`, or equals it where `equal`. */
static void wait_for(struct team *team, pthread_cond_t *change, atomic_uint *value, unsigned number, bool equal)
{
    for (int spin = 0; spin < SPINS; spin++) {
        if ((atomic_load(value) == number) == equal)
            return;
#if defined __x86_64__ || defined __i386__
        __builtin_ia32_pause();
#endif
    }
    pthread_mutex_lock(&team->lock);
    while ((atomic_load(value) == number) != equal)
        pthread_cond_wait(change, &team->lock);
    pthread_mutex_unlock(&team->lock);
}

/* Wakes whoever sleeps. Sleepers hold the lock from their last look at the value until they sleep: none misses this. */
static void tell(struct team *team, pthread_cond_t *change)
{
    pthread_mutex_lock(&team->lock);
    pthread_cond_broadcast(change);
    pthread_mutex_unlock(&team->lock);
}

static void *serve(void *member_)
{
    const struct member *member = member_;
    struct team *team = member->team;
    for (unsigned round = member->round;; round++) {
        wait_for(team, &team->wake, &team->round, round, false);
        if (atomic_load(&team->stopped))
            return NULL;
        if (member->number < team->threads) {
            fesetenv(&team->mode);
            team->work(team->context, member->number, team->threads);
        }
        if (atomic_fetch_sub(&team->working, 1) == 1)
            tell(team, &team->done);
    }
}

/* With the team taken: nobody else starts work or changes its members. */
static void take(struct team *team)
{
    while (atomic_flag_test_and_set(&team->taken))
        sched_yield();
}

static void stop(struct team *team)
{
    atomic_store(&team->stopped, true);
    atomic_fetch_add(&team->round, 1);
    tell(team, &team->wake);
    for (unsigned k = 0; k < team->members; k++)
        pthread_join(team->member[k].thread, NULL);
    team->members = 0;
    atomic_store(&team->stopped, false);
}

int team_join(struct team *team, unsigned threads, struct iso_error *err)
{
    int status = 0;
    take(team);
    while (team->members + 1 < threads && team->members + 1 < TEAM_MAX) {
        struct member *member = &team->member[team->members];
        *member = (struct member){ .team = team, .number = team->members + 1, .round = atomic_load(&team->round) };
        const int number = pthread_create(&member->thread, NULL, serve, member);
        if (number) {
            status = iso_fail(err, "no thread can be started besides %u (%s); fewer threads may do (--threads)",
                              team->members + 1, strerror(number));
            break;
        }
        team->members++;
    }
    if (status == 0)
        team->users++;
    else if (team->users == 0)
        stop(team);
    atomic_flag_clear(&team->taken);
    return status;
}

void team_leave(struct team *team)
{
    take(team);
    if (--team->users == 0)
        stop(team);
    atomic_flag_clear(&team->taken);
}

void team_run(struct team *team, unsigned threads, team_work *work, void *context)
{
    if (threads == 1 || atomic_flag_test_and_set(&team->taken)) {
        work(context, 0, 1);
        return;
    }
    team->threads = threads < team->members + 1 ? threads : team->members + 1;
    team->work = work;
    team->context = context;
    fegetenv(&team->mode);
    atomic_store(&team->working, team->members);
    atomic_fetch_add(&team->round, 1);
    tell(team, &team->wake);
    work(context, 0, team->threads);
    wait_for(team, &team->done, &team->working, 0, true);
    atomic_flag_clear(&team->taken);
}
