/* Conformance: the settings of parameters that are tried, and the checks of the plugin's kind at each. */
#include "plugin/conformance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/checking.h"
#include "plugin/internal.h"

static void check_kind(struct check *check)
{
    switch ((enum iso_kind)check->plugin->descriptor.kind) {
    case ISO_ACTIVATION:
        check_activation(check);
        break;
    case ISO_LOSS:
        check_loss(check);
        break;
    case ISO_INITIALIZER:
        check_initializer(check);
        break;
    case ISO_SCHEDULE:
        check_schedule(check);
        break;
    case ISO_OPTIMIZER:
        check_optimizer(check);
        break;
    case ISO_DATASET:
        check_dataset(check);
        break;
    case ISO_BACKEND:
        check_backend(check);
        break;
    case ISO_LAW:
        check_law(check);
        break;
    }
}

static size_t sample_kind(struct check *check, float out[CHECK_SAMPLE])
{
    switch ((enum iso_kind)check->plugin->descriptor.kind) {
    case ISO_ACTIVATION:
        return sample_activation(check, out);
    case ISO_LOSS:
        return sample_loss(check, out);
    case ISO_INITIALIZER:
        return sample_initializer(check, out);
    case ISO_SCHEDULE:
        return sample_schedule(check, out);
    case ISO_OPTIMIZER:
        return sample_optimizer(check, out);
    default:
        return 0;
    }
}

/* The values given by hand and those of required parameters, and then one more. */
struct setting {
    const char **pairs;
    size_t count; /* of entries, two a parameter */
};

static const char *given(const char *const *pairs, const char *name)
{
    for (; pairs && pairs[0] && pairs[1]; pairs += 2)
        if (!strcmp(pairs[0], name))
            return pairs[1];
    return NULL;
}

static void set(struct setting *setting, const char *name, const char *value)
{
    for (size_t i = 0; i < setting->count; i += 2)
        if (!strcmp(setting->pairs[i], name)) {
            setting->pairs[i + 1] = value;
            return;
        }
    setting->pairs[setting->count++] = name;
    setting->pairs[setting->count++] = value;
    setting->pairs[setting->count] = NULL;
}

struct making {
    const struct plugin *plugin;
    const char *const *pairs;
    const struct plugin_host *host;
    struct instance *instance;
    struct iso_error refusal;
};

static void run_making(void *context)
{
    struct making *making = context;
    making->instance = instance_new(making->plugin, making->pairs, making->host, &making->refusal);
}

static void run_freeing(void *context)
{
    instance_free(context);
}

/* A recipe may use a plugin several times, with other parameters each: none changes what another one gives. */
static void check_instances(struct check *check, const struct setting *base, const struct plugin_host *host)
{
    struct making making = { check->plugin, base->pairs, host, NULL, ERROR_NONE };
    float before[CHECK_SAMPLE], after[CHECK_SAMPLE];
    const size_t n = sample_kind(check, before);
    if (!n || !check_call_free(check, "setup", run_making, &making) || !making.instance)
        return;
    if (sample_kind(check, after) == n && check_differ(before, after, n) < n)
        check_fail(check, "setup", "instances", "changes what another instance of the plugin gives, which has other "
                                                "parameters: what it computes belongs into the state, not into static "
                                                "variables");
    check_call_free(check, "teardown", run_freeing, making.instance);
}

/* Checks at one setting. A setting that setup refuses is no failure where one parameter was moved alone, for only the
 * plugin knows which values go together; at the defaults it is one. */
static int check_setting(struct check *check, const struct setting *base, const struct setting *setting,
                         const char *name, const char *value, const struct plugin_host *host, struct iso_error *err)
{
    struct making making = { check->plugin, setting->pairs, host, NULL, ERROR_NONE };
    const size_t bytes = check->plugin->descriptor.state_size;
    char *label = name ? arena_format(check->told, "%s: %s", name, value) : arena_copy(check->told, "", 0);
    int status = -1;
    check->setting = label ? label : "";
    check->defaults = !name;
    check->broken = false;
    check->hint = NULL;
    check->circumstance = NULL;
    if (check->watch)
        snprintf(check->watch->setting, sizeof check->watch->setting, "%s", check->setting);
    if (!check_call_free(check, "setup", run_making, &making))
        return 0;
    struct instance *instance = making.instance;
    const struct iso_error refusal = making.refusal;
    check->instance = instance;
    if (!instance) {
        if (name)
            check_skip(check, label, "its setup refuses this value alone: %s", refusal.text);
        else
            check_fail(check, "setup", "defaults", "fails at the defaults: %s", refusal.text);
        return 0;
    }
    check->state = memory_array(bytes + 1, 1);
    if (!check->state) {
        error_memory(err);
        goto out;
    }
    if (bytes)
        memcpy(check->state, instance->state, bytes);
    check->report->settings++;
    check_kind(check);
    if (name && !check->broken)
        check_instances(check, base, host);
    status = 0;
out:
    check_release(check, NULL);
    free(check->state);
    check->state = NULL;
    const bool broken = check->broken;
    check->broken = false;
    check_call_free(check, "teardown", run_freeing, instance);
    check->broken = check->broken || broken;
    return status;
}

int conformance_run(const struct plugin *plugin, const char *const *pairs, const struct plugin_host *host,
                    struct conformance_watch *watch, struct conformance *result, struct iso_error *err)
{
    struct check check = { .plugin = plugin, .report = result, .watch = watch, .setting = "", .told = arena_new() };
    struct setting base = { 0 };
    const char *values[PLUGIN_TRIES];
    int status = -1;
    *result = (struct conformance){ 0 };
    base.pairs = memory_array(2 * plugin->param_count + 3, sizeof *base.pairs);
    if (!check.told || !base.pairs) {
        error_memory(err);
        goto out;
    }
    for (size_t k = 0; k < plugin->param_count; k++) {
        const struct iso_param *param = &plugin->params[k];
        const char *value = given(pairs, param->name);
        if (!value && !param->initial && plugin_tries(param, check.told, values) > 0)
            value = values[0];
        if (!value && !param->initial) {
            check_skip(&check, param->name, "parameter \"%s\" has neither default, try_min nor minimum: give it "
                                            "a value with --set %s=VALUE", param->name, param->name);
            status = 0;
            goto out;
        }
        if (value)
            set(&base, param->name, value);
    }
    if (check_setting(&check, &base, &base, NULL, NULL, host, err))
        goto out;
    /* What fails at the defaults would fail again at each setting, and a plugin that crashed is not to be trusted. */
    for (size_t k = 0; k < plugin->param_count && !check.broken && !result->failures; k++) {
        const struct iso_param *param = &plugin->params[k];
        const size_t count = plugin_tries(param, check.told, values);
        for (size_t i = 0; i < count && !check.broken; i++) {
            struct setting setting = { memory_array(2 * plugin->param_count + 3, sizeof *base.pairs), base.count };
            if (!setting.pairs || !values[i]) {
                free(setting.pairs);
                error_memory(err);
                goto out;
            }
            memcpy(setting.pairs, base.pairs, base.count * sizeof *base.pairs);
            set(&setting, param->name, values[i]);
            const int failed = check_setting(&check, &base, &setting, param->name, values[i], host, err);
            free(setting.pairs);
            if (failed)
                goto out;
        }
    }
    status = 0;
out:
    if (status || result->lines.failed)
        status = error_memory(err);
    free(base.pairs);
    free(check.told_keys);
    arena_free(check.told);
    return status;
}

void conformance_free(struct conformance *result)
{
    text_free(&result->lines);
}
