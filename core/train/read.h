/* What the files that read settings share: values of a recipe, checked, with messages at their place. */
#ifndef TRAIN_READ_H
#define TRAIN_READ_H

#include "train/settings.h"

struct reading {
    struct settings *settings;
    struct plugins *plugins;
    struct diagnostics *found;
    const char *folder;
    const struct node *best_at; /* where the best checkpoint is asked for */
    bool hidden_known;          /* the hidden layers were read without mistakes */
};

/* What a number must be. */
struct rule {
    double min, max;
    bool above;       /* min itself is refused */
    const char *help; /* in parentheses at the end of a message: meaning, default, other forms; or NULL */
};

/* The mapping `section` of `map`; NULL where it is missing, empty or none (then with a message). */
const struct node *read_section(struct reading *reading, const struct node *map, const char *section, const char *path);
/* The key of a section, or where the recipe starts: the place of what is missing. */
const struct node *read_place(const struct reading *reading, const char *section);
/* "PATH must be WHAT, not SUCH (HELP)". Returns -1. */
int read_refuse(struct reading *reading, const struct node *node, const char *path, const char *what, const char *help);
/* Values at `node`, which is called `path` in messages. Where node is NULL, *value stays. False: it was
 * wrong. */
bool read_real(struct reading *reading, const struct node *node, const char *path, const struct rule *rule,
               double *value);
bool read_whole(struct reading *reading, const struct node *node, const char *path, const struct rule *rule,
                uint64_t *value);
bool read_flag(struct reading *reading, const struct node *node, const char *path, bool *value);
/* One of the words that settings_keys has for `path`: its index. */
bool read_word(struct reading *reading, const struct node *node, const char *path, int *value);
/* Keys of a section that settings_keys does not have below `path`; where they belong elsewhere, says where. */
void read_keys(struct reading *reading, const struct node *map, const char *path);
/* `epoch`, {epochs: E}, {steps: K}, {seconds: s}, {log: K}. */
void read_every(struct reading *reading, const struct node *node, const char *path, enum unit *unit, double *every);

/* A plugin at `path` of the recipe; `initial`: its name where none is given. NULL and messages. */
struct instance *read_plugin(struct reading *reading, enum iso_kind kind, const char *path, const char *initial);

/* The sections (settings_model.c, settings_train.c, settings_measure.c). */
void read_model(struct reading *reading);
void read_train(struct reading *reading);
void read_measure(struct reading *reading);    /* and checkpoint; after read_train */
void read_seeds(struct reading *reading);

#endif
