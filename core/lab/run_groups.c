/* In what order a run's trials are trained, and which of them together: those that share minibatches, a few at a
 * time. */
#include "lab/run_inside.h"

#include <stdlib.h>
#include <string.h>

/* Gathering is shared by no more than a few: with 16 it is a sixteenth for each, and a crash costs little. Their weights
 * are to stay in the caches together; of large networks the products take so long that gathering does not matter. */
enum { GROUP_TRIALS = 16, GROUP_PARAMS = 1 << 20 };
/* Groups for each worker, so that none is left alone with a long one at the end. */
#define GROUPS_A_JOB 2

/* A job on its way to its group. */
struct place {
    const char *share;
    uint64_t params;
    double flops;
    double weight, of_group; /* its own and its group's: the heaviest come first */
    size_t position, first; /* where it stood; where the first of its group did */
};

static int compare_shares(const void *a, const void *b)
{
    const struct place *left = a, *right = b;
    const int order = strcmp(left->share, right->share);
    if (order)
        return order;
    if (left->weight != right->weight)
        return left->weight > right->weight ? -1 : 1;
    return (left->position > right->position) - (left->position < right->position);
}

static int compare_groups(const void *a, const void *b)
{
    const struct place *left = a, *right = b;
    if (left->of_group != right->of_group)
        return left->of_group > right->of_group ? -1 : 1;
    return left->first != right->first ? (left->first > right->first ? 1 : -1)
                                       : (left->position > right->position) - (left->position < right->position);
}

/* Gives the places from `from` on, which follow one another, to one group: as many as may be; returns how many. */
static size_t fill(struct place *places, size_t from, size_t count, double most_flops)
{
    uint64_t params = 0;
    double flops = 0, weight = 0;
    size_t end = from;
    do {
        params += places[end].params;
        weight += places[end].weight;
        flops += places[end++].flops;
    } while (end < count && end - from < GROUP_TRIALS && places[end].share[0] &&
             strcmp(places[end].share, places[from].share) == 0 && params + places[end].params <= GROUP_PARAMS &&
             flops + places[end].flops <= most_flops);
    for (size_t i = from; i < end; i++) {
        places[i].first = places[from].position;
        places[i].of_group = weight;
    }
    return end - from;
}

int run_group(struct run *run, struct iso_error *err)
{
    const struct run_options *options = run->options;
    const size_t count = run->job_count;
    struct place *places = memory_array(count + 1, sizeof *places);
    struct job *sorted = memory_array(count + 1, sizeof *sorted);
    /* The longest first, so that no worker is left alone with a long one at the end. Results don't hang on it. */
    const bool longest_first = options->jobs > 1 || options->cluster;
    double flops = 0;
    if (!places || !sorted) {
        free(places);
        free(sorted);
        return error_memory(err);
    }
    for (size_t i = 0; i < count; i++) {
        const struct plan_trial *trial = &run->plan->trials[run->jobs[i].index];
        places[i] = (struct place){ .share = options->cluster ? "" : trial->share, .params = trial->size.params,
                                    .flops = (double)trial->size.flops.all, .position = i };
        places[i].weight = longest_first ? places[i].flops : 0;
        flops += places[i].flops;
    }
    const double most = options->jobs > 1 ? flops * (1 + 1e-9) / GROUPS_A_JOB / options->jobs : flops;
    qsort(places, count, sizeof *places, compare_shares);
    for (size_t i = 0; i < count;)
        i += fill(places, i, count, most);
    qsort(places, count, sizeof *places, compare_groups);
    for (size_t i = 0; i < count; i++) {
        sorted[i] = run->jobs[places[i].position];
        sorted[i].group = places[i].first;
    }
    free(places);
    free(run->jobs);
    run->jobs = sorted;
    return 0;
}
