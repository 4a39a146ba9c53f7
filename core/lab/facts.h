/* What a trial's result hangs on besides its recipe and the program: processor, plugins' files, kernel, data. Hosts that train
 * for one run must agree in all of it. */
#ifndef LAB_FACTS_H
#define LAB_FACTS_H

#include "lab/plan.h"
#include "lab/provenance.h"

/* A trial by which a host can be judged. */
struct sample {
    char *recipe; /* resolved, JSON */
    char *folder; /* that its relative paths start from */
    char *facts;  /* lines "NAME: VALUE" */
};

struct samples {
    size_t count, capacity;
    struct sample *items;
};

/* The facts of a trial with that key and data. */
int facts_add(const struct settings *settings, const char *data_checksum, const char *key,
              const struct provenance *provenance, struct text *out, struct iso_error *err);
/* Trials of the plan that between them have every plugin and data set in it (up to 1,024 choices of them). */
int samples_make(struct samples *samples, const struct plan *plan, struct plugins *plugins,
                 const struct provenance *provenance, struct iso_error *err);
void samples_free(struct samples *samples);
/* Whether this host has the same facts. -1 and an error in words where it has not. */
int sample_check(const struct sample *sample, struct plugins *plugins, const struct provenance *provenance,
                 struct iso_error *err);

/* The settings of a resolved recipe given as JSON. */
struct settings *settings_of_json(const char *recipe, const char *folder, struct plugins *plugins,
                                  struct iso_error *err);

#endif
