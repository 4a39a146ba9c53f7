/* The best point of a sweep, by the mean over seeds of something measured on validation. */
#ifndef LAB_SELECTION_H
#define LAB_SELECTION_H

#include "lab/paired.h"

struct selection_edge {
    size_t key;    /* in summary->keys */
    bool smallest; /* the best point has the smallest value tried, else the largest */
    size_t values; /* different ones tried */
};

struct selection {
    struct summary *summary; /* its one metric is what is selected by */
    bool larger;             /* accuracy: the larger the better */
    size_t complete;         /* points whose seeds are all done: the only ones that are chosen from */
    size_t diverged, unfinished; /* points left out: a seed diverged or failed; else a seed is not trained yet */
    size_t best, second;     /* rows of the summary; second SIZE_MAX: there is one complete point */
    struct paired_difference difference; /* best - second, over seeds */
    size_t level;            /* other complete points that the seeds can't tell from the best */
    size_t edge_count;
    struct selection_edge *edges;
};

/* Takes the trials' frame over, also on failure. by: a column such as validation.loss; what was measured on the test set
 * is refused. */
struct selection *selection_new(struct frame *trials, const char *by, double confidence, struct iso_error *err);
void selection_free(struct selection *selection);

#endif
