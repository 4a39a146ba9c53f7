/* The keys of a recipe, in one table: what settings are read by, what --set completes. */
#include <string.h>

#include "train/keys.h"

#define WORDS(...) (const char *const[]) { __VA_ARGS__, NULL }
#define FLAG WORDS("true", "false")

const struct settings_key settings_keys[] = {
    { "name", NULL },
    { "title", NULL },
    { "dataset", NULL },
    { "model", NULL },
    { "model.hidden", NULL },
    { "model.hidden.width", NULL },
    { "model.hidden.depth", NULL },
    { "model.activation", NULL },
    { "model.initializer", NULL },
    { "model.bias", WORDS("zeros", "none") },
    { "model.bias.constant", NULL },
    { "model.clip", NULL },
    { "model.clip.at", NULL },
    { "model.clip.gradient", WORDS("pass", "zero") },
    { "model.clip.output", FLAG },
    { "model.dropout", NULL },
    { "model.from", NULL },
    { "loss", NULL },
    { "optimizer", NULL },
    { "schedule", NULL },
    { "backend", NULL },
    { "train", NULL },
    { "train.epochs", NULL },
    { "train.steps", NULL },
    { "train.steps.times_params", NULL },
    { "train.examples", NULL },
    { "train.examples.times_params", NULL },
    { "train.flops", NULL },
    { "train.flops.times_params", NULL },
    { "train.flops_6nd", NULL },
    { "train.flops_6nd.times_params", NULL },
    { "train.batch", NULL },
    { "train.reduction", WORDS("mean", "sum") },
    { "train.shuffle", FLAG },
    { "train.drop_last", FLAG },
    { "train.share_batches", FLAG },
    { "train.warmup", NULL },
    { "train.warmup.steps", NULL },
    { "train.clip_norm", NULL },
    { "train.stop", NULL },
    { "train.stop.patience", NULL },
    { "train.stop.by", WORDS("validation.loss", "validation.accuracy", "train.loss", "train.accuracy") },
    { "train.stop.min_change", NULL },
    { "train.stop.diverged", FLAG },
    { "train.best", WORDS("validation.loss", "validation.accuracy", "train.loss", "train.accuracy") },
    { "seeds", NULL },
    { "seeds.init", NULL },
    { "seeds.order", NULL },
    { "seeds.dropout", NULL },
    { "seeds.examples", NULL },
    { "sweep", NULL },
    { "measure", NULL },
    { "measure.every", WORDS("epoch") },
    { "measure.every.epochs", NULL },
    { "measure.every.steps", NULL },
    { "measure.every.seconds", NULL },
    { "measure.every.log", NULL },
    { "measure.splits", WORDS("validation", "test") },
    { "measure.train_eval", FLAG },
    { "measure.also", WORDS("gradient_norm", "weight_norm", "update_ratio", "dead_units",
                             "histograms") },
    { "checkpoint", WORDS("init", "best", "final") },
    { "checkpoint.every", WORDS("epoch") },
    { "checkpoint.every.epochs", NULL },
    { "checkpoint.every.steps", NULL },
    { "checkpoint.every.seconds", NULL },
    { "checkpoint.every.log", NULL },
    { "laws", NULL },
    { "figures", NULL },
    { NULL, NULL },
};

const struct settings_key *settings_key_find(const char *path)
{
    const struct settings_key *key = settings_keys;
    while (key->path && strcmp(key->path, path))
        key++;
    return key->path ? key : NULL;
}

const char *settings_key_below(const struct settings_key *key, const char *section)
{
    const size_t length = strlen(section);
    const char *rest = key->path;
    if (length) {
        if (strncmp(rest, section, length) || rest[length] != '.')
            return NULL;
        rest += length + 1;
    }
    return strchr(rest, '.') ? NULL : rest;
}
