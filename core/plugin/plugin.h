/* Plugins: finding them along the search path, opening and verifying them, filling their parameters. The only place
 * that sees dlfcn.h. Plugins are never closed. */
#ifndef PLUGIN_PLUGIN_H
#define PLUGIN_PLUGIN_H

#include <isoflop/plugin.h>

#include "base/text.h"
#include "recipe/tree.h"

/* A verified plugin: the core's own copy of its descriptor, with ops at this version's full size. */
struct plugin {
    struct iso_plugin descriptor; /* ops points to the union below */
    char *file;
    bool found;    /* by its name: the first of the search path */
    char *warning; /* what was amiss but did not keep it from being used, a whole line; or NULL */
    size_t param_count;
    struct iso_param *params; /* a copy at this version's stride */
    union {
        struct iso_activation activation;
        struct iso_loss loss;
        struct iso_initializer initializer;
        struct iso_schedule schedule;
        struct iso_optimizer optimizer;
        struct iso_dataset dataset;
        struct iso_backend backend;
        struct iso_law law;
    } ops;
};

/* The plugins of a process: a search path and those opened so far. */
struct plugins;
/* path: folders separated by ':' before those of ISOFLOP_PLUGIN_PATH and the installed one; NULL: none. */
struct plugins *plugins_new(const char *path, struct iso_error *err);
void plugins_free(struct plugins *plugins);
/* The plugin of a kind and name, opened at first use. NULL and an error that says what there is and where it was
 * searched, with a suggestion. */
const struct plugin *plugins_find(struct plugins *plugins, enum iso_kind kind, const char *name, struct iso_error *err);
/* Every plugin along the path, sorted by kind and name (kind 0: all kinds). A file that is no good plugin gives one
 * warning line through warn, as does one that is used but did something amiss. The list is to be freed; the plugins are
 * not. */
const struct plugin **plugins_all(struct plugins *plugins, enum iso_kind kind, size_t *count,
                                  void (*warn)(void *context, const char *line), void *context, struct iso_error *err);
/* A file by its path, for conformance. */
const struct plugin *plugins_open(struct plugins *plugins, const char *file, struct iso_error *err);

/* A module of the program itself: NAME.so in a folder of the path, opened when needed, with its symbols seen by what it
 * opens in turn. The address of `symbol` in it. NULL and an error: *there tells whether a file was found. */
const void *plugins_module(struct plugins *plugins, const char *name, const char *symbol, bool *there,
                           struct iso_error *err);

const char *plugin_kind_name(enum iso_kind kind);      /* "activation" */
enum iso_kind plugin_kind_of(const char *name);        /* 0: no such kind */
/* Names of a kind's plugins along the path, sorted, without opening any; to be freed with plugins_names_free. */
char **plugins_names(struct plugins *plugins, enum iso_kind kind, size_t *count, struct iso_error *err);
void plugins_names_free(char **names, size_t count);
const char *plugin_type_name(int type);                /* of a parameter: "real", "choice", ... */
const struct iso_param *plugin_default_of(const struct plugin *plugin, const struct iso_param *param); /* the earlier
                                                          parameter that its default names, or NULL */
char *plugin_kind_path(const struct plugin *plugin);   /* "activation/relu", to be freed */

/* Options that isoflop itself takes for every dataset, which no parameter of one may be called; ends with NULL. */
extern const char *const plugin_data_options[];

/* Values of a parameter that conformance tries: try_min and try_max, or bounds, each choice, both flags. */
enum { PLUGIN_TRIES = 64 };
size_t plugin_tries(const struct iso_param *param, struct arena *arena, const char *values[PLUGIN_TRIES]);

/* What the core lends to an instance; NULL functions are replaced by ones that refuse in words. */
struct plugin_host {
    int (*file)(const struct iso_host *, const char *, size_t, struct iso_bytes *, struct iso_error *);
    int (*block)(const struct iso_host *, const char *, size_t,
                 int (*)(void *, unsigned char *, size_t, struct iso_error *), void *, struct iso_bytes *,
                 struct iso_error *);
    void *context; /* found again as instance_context(host) */
};

/* A plugin with its parameters. */
struct instance {
    const struct plugin *plugin;
    void *state; /* filled; NULL where state_size is 0 */
    struct iso_host host;
};

/* Checks a recipe's value for a plugin (`relu`, or `{leaky_relu: {slope: 0.2}}`): all mistakes go to `found`, each at
 * its place. `folder`: that relative paths of path parameters start from. NULL where there was a mistake.
 * `reserved` (may be NULL, ends with NULL) names keys of the mapping that are the core's own and are passed over. */
struct instance *instance_read(struct plugins *plugins, enum iso_kind kind, const struct node *node,
                               const char *folder, const char *const *reserved, const struct plugin_host *host,
                               struct diagnostics *found);
/* With text values, as conformance and tests make them: "name" or NULL-terminated pairs. */
struct instance *instance_new(const struct plugin *plugin, const char *const *pairs, const struct plugin_host *host,
                              struct iso_error *err);
void instance_free(struct instance *instance);
void *instance_context(const struct iso_host *host);            /* plugin_host.context */
const struct instance *instance_of(const struct iso_host *host); /* the instance that the host was lent to */
/* {"kind", "name", "revision", parameters that differ from their defaults}, canonical, for keys; for files the content
 * is the data set's matter, so paths are left out. */
void instance_json(const struct instance *instance, struct text *out);
/* NULL, or the name of the surrogate gradient that its parameters ask for. */
const char *instance_surrogate(const struct instance *instance);

#endif
