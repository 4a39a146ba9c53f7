/* Names and units of the columns of results. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "figure/quantity.h"

static const struct {
    const char *column;
    struct quantity quantity;
} known[] = {
    { "params", { "Parameters", NULL, "parameters", .after = true, .count = true } },
    { "params_weights", { "Weights", NULL, "weights", .after = true, .count = true } },
    { "params_hidden", { "Hidden parameters", NULL, "hidden parameters", .after = true, .count = true } },
    { "flops", { "Training compute", "FLOP", "FLOP", .after = true, .count = true, .progress = true } },
    { "flops_matmul", { "Training compute, matrix products", "FLOP", "FLOP", .after = true, .count = true,
                        .progress = true } },
    { "flops_6nd", { "Training compute, 6ND", "FLOP", "FLOP", .after = true, .count = true, .progress = true } },
    { "flops_report", { "Training compute, as the report counts", "FLOP", "FLOP", .after = true, .count = true,
                        .progress = true } },
    { "step", { "Step", NULL, "step", .count = true, .progress = true } },
    { "steps", { "Steps", NULL, "steps", .after = true, .count = true } },
    { "epoch", { "Epoch", NULL, "epoch", .progress = true } },
    { "epochs", { "Epochs", NULL, "epochs", .after = true } },
    { "examples", { "Training examples", NULL, "examples", .after = true, .count = true, .progress = true } },
    { "seconds", { "Training time", "s", "s", .after = true, .progress = true } },
    { "rate", { "Learning rate", NULL, "rate", .progress = true } },
    { "trial", { "Trial", NULL, "trial", .after = false } },
    { "seed", { "Seed", NULL, "seed", .after = false } },
    { "case", { "Case", NULL, "", .after = false } },
    { "best.step", { "Step of the best", NULL, "best at step", .count = true } },
};

/* The last part of a recipe path. */
static const struct {
    const char *last;
    struct quantity quantity;
} parts[] = {
    { "width", { "Width", NULL, "width", .after = false } },
    { "depth", { "Hidden layers", NULL, "hidden layers", .after = true } },
    { "hidden", { "Hidden layers", NULL, "", .after = false } },
    { "rate", { "Learning rate", NULL, "rate", .after = false } },
    { "batch", { "Batch size", NULL, "batch", .after = false } },
    { "train_size", { "Training examples", NULL, "examples", .after = true, .count = true } },
    { "epoch_size", { "Examples an epoch", NULL, "examples an epoch", .after = true, .count = true } },
    { "epochs", { "Epochs", NULL, "epochs", .after = true } },
    { "examples", { "Training examples", NULL, "examples", .after = true, .count = true } },
    { "flops", { "Training compute", "FLOP", "FLOP", .after = true, .count = true } },
    { "dataset", { "Data", NULL, "", .after = false } },
    { "activation", { "Activation", NULL, "", .after = false } },
    { "initializer", { "Initial weights", NULL, "", .after = false } },
    { "loss", { "Loss", NULL, "", .after = false } },
    { "optimizer", { "Optimizer", NULL, "", .after = false } },
    { "schedule", { "Schedule", NULL, "", .after = false } },
};

static const struct {
    const char *prefix, *title;
} splits[] = {
    { "train.", "Training" },
    { "train_eval.", "Training-set" },
    { "validation.", "Validation" },
    { "test.", "Test" },
};

/* "validation.loss", "best.test.accuracy" and the like. False: it is none. */
static bool measured(struct arena *arena, const char *column, const char *loss_unit, struct quantity *quantity)
{
    bool best = !strncmp(column, "best.", 5);
    const char *rest = column + (best ? 5 : 0);
    for (size_t i = 0; i < sizeof splits / sizeof *splits; i++) {
        size_t length = strlen(splits[i].prefix);
        if (strncmp(rest, splits[i].prefix, length))
            continue;
        const char *what = rest + length;
        const char *split = splits[i].title;
        const char *lead = best ? "Best " : "";
        char *title = NULL;
        if (best)
            title = arena_format(arena, "%c%s", tolower((unsigned char)split[0]), split + 1);
        if (title)
            split = title;
        *quantity = (struct quantity){ .brief = "" };
        if (!strcmp(what, "loss")) {
            quantity->title = arena_format(arena, "%s%s loss", lead, split);
            quantity->unit = loss_unit;
        } else if (!strcmp(what, "cross_entropy")) {
            quantity->title = arena_format(arena, "%s%s cross-entropy", lead, split);
            quantity->unit = "nats";
        } else if (!strcmp(what, "accuracy")) {
            quantity->title = arena_format(arena, "%s%s accuracy", lead, split);
            quantity->more_is_better = true;
        } else {
            return false;
        }
        return true;
    }
    return false;
}

/* "gradient_norm" to "Gradient norm". */
static char *in_words(struct arena *arena, const char *name, size_t length, bool capital)
{
    char *words = arena_copy(arena, name, length);
    if (!words)
        return NULL;
    for (char *at = words; *at; at++)
        if (*at == '_')
            *at = ' ';
    if (capital && length > 1) /* n is not N */
        words[0] = (char)toupper((unsigned char)words[0]);
    return words;
}

bool quantity_of(struct arena *arena, const char *column, const char *loss_unit, struct quantity *quantity)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(known[i].column, column)) {
            *quantity = known[i].quantity;
            return true;
        }
    if (measured(arena, column, loss_unit, quantity))
        return quantity->title;
    const char *last = strrchr(column, '.');
    last = last ? last + 1 : column;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strcmp(parts[i].last, last)) {
            *quantity = parts[i].quantity;
            return true;
        }
    *quantity = (struct quantity){ 0 };
    unsigned layer;
    int used = 0;
    if (sscanf(column, "layers.%u.%n", &layer, &used) == 1 && used && column[used]) {
        char *words = in_words(arena, column + used, strlen(column + used), true);
        quantity->title = words ? arena_format(arena, "%s, layer %u", words, layer) : NULL;
        quantity->brief = "";
        return quantity->title;
    }
    if (sscanf(column, "model.hidden.%u%n", &layer, &used) == 1 && !column[used]) {
        quantity->title = arena_format(arena, "Width of hidden layer %u", layer);
        quantity->brief = arena_format(arena, "width %u:", layer);
        return quantity->title && quantity->brief;
    }
    /* A path's last part says what it is, unless that is but a place in a list. */
    if (last > column && *last && strspn(last, "0123456789") == strlen(last)) {
        const char *from = last - 1;
        while (from > column && from[-1] != '.')
            from--;
        char *words = in_words(arena, from, (size_t)(last - 1 - from), true);
        quantity->title = words ? arena_format(arena, "%s %s", words, last) : NULL;
    } else {
        quantity->title = in_words(arena, *last ? last : column, strlen(*last ? last : column), true);
    }
    quantity->brief = in_words(arena, *last ? last : column, strlen(*last ? last : column), false);
    return quantity->title && quantity->brief;
}

static const char *const raised[10] = { "⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹" };

char *quantity_power(struct arena *arena, int exponent)
{
    char text[64] = "10";
    char digits[16];
    snprintf(digits, sizeof digits, "%d", abs(exponent));
    if (exponent < 0)
        strcat(text, "⁻");
    for (const char *digit = digits; *digit; digit++)
        strcat(text, raised[*digit - '0']);
    return arena_format(arena, "%s", text);
}

/* The value in `digits` significant digits without trailing zeros. */
static char *plain(struct arena *arena, double value, int digits, const char *suffix)
{
    char text[64];
    int exponent = value != 0 ? (int)floor(log10(fabs(value))) : 0;
    int decimals = digits - 1 - exponent;
    snprintf(text, sizeof text, "%.*f", decimals > 0 ? decimals < 20 ? decimals : 20 : 0, value);
    if (strchr(text, '.')) {
        size_t length = strlen(text);
        while (text[length - 1] == '0')
            text[--length] = 0;
        if (text[length - 1] == '.')
            text[--length] = 0;
    }
    const char *minus = text[0] == '-' ? "−" : "";
    return arena_format(arena, "%s%s%s", minus, text + (text[0] == '-'), suffix);
}

char *quantity_text(struct arena *arena, double value, bool count, int digits)
{
    static const struct {
        double unit;
        const char *suffix;
    } units[] = { { 1e9, "B" }, { 1e6, "M" }, { 1e3, "k" } };
    double size = fabs(value);
    if (isnan(value))
        return arena_format(arena, "none");
    if (isinf(value))
        return arena_format(arena, value < 0 ? "−∞" : "∞");
    if (count && size >= 1e4 && size < 1e12)
        for (size_t i = 0; i < sizeof units / sizeof *units; i++)
            if (size >= units[i].unit * 0.9995)
                return plain(arena, value / units[i].unit, digits, units[i].suffix);
    const bool whole = value == floor(value);
    if (size == 0 || (size >= 1e-3 && size < (whole ? 1e5 : 1e4))) {
        return plain(arena, value, whole && digits < 6 ? 6 : digits, "");
    }
    int exponent = (int)floor(log10(size));
    double mantissa = value / pow(10, exponent);
    if (fabs(mantissa) >= 9.9995) {
        mantissa /= 10;
        exponent++;
    }
    char *power = quantity_power(arena, exponent);
    if (!power || fabs(fabs(mantissa) - 1) < 0.5 * pow(10, 1 - digits))
        return value < 0 && power ? arena_format(arena, "−%s", power) : power;
    char *lead = plain(arena, mantissa, digits, "×");
    return lead ? arena_format(arena, "%s%s", lead, power) : NULL;
}
