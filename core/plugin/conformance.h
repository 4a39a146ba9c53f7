/* Conformance: whether a plugin does what the ABI says of its kind. Runs it at the defaults of its parameters and at
 * try_min and try_max of each. */
#ifndef PLUGIN_CONFORMANCE_H
#define PLUGIN_CONFORMANCE_H

#include "plugin/plugin.h"

struct conformance {
    size_t checks;   /* calls whose results were looked at */
    size_t settings; /* of parameters that were tried */
    size_t failures, skips;
    struct text lines; /* one a failure: which function, at which input, expected and got; one a skip */
};

/* What is going on, for somebody who watches from another process: a plugin may crash, exit or not return. */
struct conformance_watch {
    size_t calls;      /* grows with each */
    char function[64]; /* being called; "" between calls */
    char setting[200]; /* at which, "slope: 0.2"; "" for defaults */
    size_t failures;   /* so far, and all lines so far */
    char lines[1 << 17];
};

/* pairs: values for parameters that have no default (or to try another one), as for instance_new; may be NULL. host:
 * what datasets are lent. watch: is kept up to date; may be NULL. 0: it ran, see `result` (to be freed with
 * conformance_free), -1: it could not run. */
int conformance_run(const struct plugin *plugin, const char *const *pairs, const struct plugin_host *host,
                    struct conformance_watch *watch, struct conformance *result, struct iso_error *err);
void conformance_free(struct conformance *result);

#endif
