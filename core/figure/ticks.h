/* Where an axis has ticks and what stands beside them. */
#ifndef FIGURE_TICKS_H
#define FIGURE_TICKS_H

#include "figure/figure.h"

struct tick {
    double at;         /* in the axis' quantity */
    const char *label; /* NULL: none */
    bool major;
};

struct ticks {
    size_t count;
    struct tick *tick;
    int power; /* labels are in units of ten to this power, which the axis' title gives; 0: as they are */
};

/* Ticks of an axis that has room for about `room` labels (of `width` characters each, at the least 2). In the arena;
 * false: out of memory. */
bool ticks_of(struct arena *arena, const struct figure_axis *axis, double room, struct ticks *ticks);
/* Place of a value along an axis: 0 at low, 1 at high. */
double axis_place(const struct figure_axis *axis, double value);

#endif
