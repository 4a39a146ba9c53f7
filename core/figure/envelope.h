/* The envelope of a frontier's lines, and the law through it with its bootstrap. */
#ifndef FIGURE_ENVELOPE_H
#define FIGURE_ENVELOPE_H

#include "figure/build.h"

/* A line of a frontier, in the coordinates in which the axes are straight. */
struct strand {
    size_t count, group, line; /* line: into gathered.lines */
    bool joined;               /* measured along a trial; else its points stand alone */
    double *x, *y;
    size_t *cell; /* of each point, in the line */
};

#define ENVELOPE_GRID 600 /* places of x at which the envelope is looked up */

struct reach {
    double y;     /* the best value at this x; NaN: none */
    size_t group; /* whose size it is */
};

/* Places of x from low to high, ENVELOPE_GRID of them; first and last: those with an envelope, up to its last gain. */
struct envelope {
    double low, high, sign; /* sign -1: more is better */
    size_t sizes, first, last;
    bool steps; /* its points stand alone: what was reached with at most so much compute */
    struct reach at[ENVELOPE_GRID];
};

/* The best of all strands at each place; joined ones run straight between their points. From then on what was reached
 * with less compute still stands. */
void envelope_find(struct envelope *envelope, const struct strand *strands, size_t count);
double envelope_x(const struct envelope *envelope, size_t place);
/* Whether the best size at a place is the smallest or largest of three or more. */
bool envelope_is_end(const struct envelope *envelope, size_t place);

/* Fits a power law y = a x^b through the envelope, and y = E + a x^b where the figure asks for it, and adds them to the
 * figure: line, band over resamples of the seeds, extension, numbers. 0 where there is nothing to fit, too. */
int envelope_law(struct build *build, const struct envelope *envelope, const struct strand *strands, size_t count);

#endif
