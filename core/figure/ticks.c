/* Ticks: round numbers, decades, categories or a sweep's own values. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "figure/quantity.h"
#include "figure/ticks.h"

#define TICKS_MAX 400

double axis_place(const struct figure_axis *axis, double value)
{
    if (axis->logarithmic)
        return (log(value) - log(axis->low)) / (log(axis->high) - log(axis->low));
    return (value - axis->low) / (axis->high - axis->low);
}

static void add(struct ticks *ticks, const struct figure_axis *axis, double at, const char *label, bool major)
{
    double place = axis_place(axis, at);
    if (ticks->count < TICKS_MAX && place > -1e-9 && place < 1 + 1e-9)
        ticks->tick[ticks->count++] = (struct tick){ at, label, major };
}

/* A number with a fixed count of decimals, so that the labels of an axis are alike. */
static char *fixed(struct arena *arena, double value, int decimals)
{
    char text[400];
    snprintf(text, sizeof text, "%.*f", decimals < 0 ? 0 : decimals > 15 ? 15 : decimals, fabs(value));
    bool zero = strspn(text, "0.") == strlen(text);
    return arena_format(arena, "%s%s", value < 0 && !zero ? "−" : "", text);
}

/* Steps of 1, 2, 2.5 or 5 times a power of ten, with 4 or 5 minor ones between. */
static bool linear(struct arena *arena, const struct figure_axis *axis, double room, struct ticks *ticks)
{
    static const struct {
        double step;
        int minor, decimals;
    } steps[] = { { 1, 5, 0 }, { 2, 4, 0 }, { 2.5, 5, 1 }, { 5, 5, 0 }, { 10, 5, -1 } };
    double width = axis->high - axis->low, largest = fmax(fabs(axis->low), fabs(axis->high));
    double rough = width / fmax(room, 2);
    int exponent = (int)floor(log10(rough));
    size_t choice = 0;
    while (choice < 4 && steps[choice].step * pow(10, exponent) < rough * (1 - 1e-9))
        choice++;
    double step = steps[choice].step * pow(10, exponent);
    int decimals = steps[choice].decimals - exponent;
    if (largest >= 1e5 || largest < 1e-3) {
        ticks->power = (int)floor(log10(largest));
        decimals += ticks->power;
    }
    double minor = step / steps[choice].minor;
    double unit = pow(10, ticks->power);
    const double first = ceil(axis->low / minor - 1e-6);
    for (int k = 0; k < TICKS_MAX && (first + k) * minor <= axis->high + 1e-6 * minor; k++) {
        const double i = first + k;
        bool major = fabs(fmod(i, steps[choice].minor)) < 0.5;
        char *label = major ? fixed(arena, i * minor / unit, decimals) : NULL;
        if (major && !label)
            return false;
        add(ticks, axis, i * minor, label, major);
    }
    return true;
}

/* All labels of an axis alike: 0.05, 0.1, 0.2, or outside everyday sizes 5×10⁻⁵, 10⁻⁴. */
static char *log_label(struct arena *arena, int digit, int exponent, bool everyday)
{
    if (everyday)
        return fixed(arena, digit * pow(10, exponent), -exponent);
    char *power = quantity_power(arena, exponent);
    return power && digit > 1 ? arena_format(arena, "%d×%s", digit, power) : power;
}

/* Powers of ten where the range holds two or more, else round multiples of them. */
static bool decades(struct arena *arena, const struct figure_axis *axis, double room, struct ticks *ticks)
{
    static const unsigned digits[] = { 1u << 1, 1u << 1 | 1u << 3, 1u << 1 | 1u << 2 | 1u << 5,
                                       1u << 1 | 1u << 2 | 1u << 3 | 1u << 5, 0x17e };
    double first = log10(axis->low), last = log10(axis->high);
    int lowest = (int)floor(first + 1e-9), highest = (int)ceil(last - 1e-9);
    int powers = (int)floor(last + 1e-9) - (int)ceil(first - 1e-9) + 1;
    if (powers >= 3 || (powers == 2 && last - first > 1.7)) {
        static const int strides[] = { 1, 2, 3, 5, 10, 20, 30, 50, 100, 200 };
        size_t choice = 0;
        while (choice + 1 < sizeof strides / sizeof *strides && powers / strides[choice] > fmax(room, 2))
            choice++;
        const int stride = strides[choice];
        for (int e = lowest; e <= highest; e++) {
            bool major = e % stride == 0;
            char *label = major ? quantity_power(arena, e) : NULL;
            if (major && !label)
                return false;
            add(ticks, axis, pow(10, e), label, major);
            for (int digit = 2; digit < 10 && stride == 1; digit++)
                add(ticks, axis, digit * pow(10, e), NULL, false);
        }
        return true;
    }
    if (last - first < 0.45) { /* as good as linear */
        struct figure_axis flat = *axis;
        flat.logarithmic = false;
        return linear(arena, &flat, room, ticks);
    }
    /* The finest set of digits that has room, judged by the narrowest gap; labels with powers are wider. */
    bool everyday = axis->low > 0.5e-4 && axis->high < 2e4;
    size_t choice = 0;
    for (size_t i = 1; i < sizeof digits / sizeof *digits; i++) {
        double smallest = 1, before = 1;
        for (unsigned digit = 2; digit <= 10; digit++)
            if (digit == 10 || digits[i] >> digit & 1) {
                smallest = fmin(smallest, log10(digit / before));
                before = digit;
            }
        if (smallest / (last - first) * room >= (everyday ? 0.6 : 1.1))
            choice = i;
    }
    for (int e = lowest; e < highest + 1; e++)
        for (int digit = 1; digit < 10; digit++) {
            bool major = digits[choice] >> digit & 1;
            char *label = major ? log_label(arena, digit, e, everyday) : NULL;
            if (major && !label)
                return false;
            add(ticks, axis, digit * pow(10, e), label, major);
        }
    return true;
}

/* The axis' own values, if each has room; false: not. */
static bool own_values(struct arena *arena, const struct figure_axis *axis, double room, struct ticks *ticks)
{
    double narrowest = 1;
    if (!axis->value_count || axis->low > axis->values[0])
        return false;
    for (size_t i = 1; i < axis->value_count; i++)
        narrowest = fmin(narrowest, axis_place(axis, axis->values[i]) - axis_place(axis, axis->values[i - 1]));
    if (!axis->names && narrowest * room < 0.75)
        return false;
    for (size_t i = 0; i < axis->value_count; i++) {
        const char *label = axis->names ? axis->names[i] : quantity_text(arena, axis->values[i], false, 6);
        if (!label)
            return false;
        add(ticks, axis, axis->values[i], label, true);
    }
    return true;
}

bool ticks_of(struct arena *arena, const struct figure_axis *axis, double room, struct ticks *ticks)
{
    *ticks = (struct ticks){ .tick = arena_zero(arena, TICKS_MAX, sizeof *ticks->tick) };
    if (!ticks->tick)
        return false;
    if (own_values(arena, axis, room, ticks))
        return true;
    ticks->count = 0;
    return axis->logarithmic ? decades(arena, axis, room, ticks) : linear(arena, axis, room, ticks);
}
