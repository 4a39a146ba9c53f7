/* Numbers as text. The locale of the calling thread is set aside while the C library reads and writes them. */
#include "base/numbers.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The C library has "C" at hand: newlocale neither allocates nor fails for it. */
static locale_t c_locale(void)
{
    return uselocale(newlocale(LC_ALL_MASK, "C", (locale_t)0));
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

/* What follows an optional sign: digits, or a decimal number with optional exponent. */
static bool is_decimal(const char *text, bool *whole)
{
    size_t before = 0, after = 0;
    *whole = true;
    while (digit(*text))
        text++, before++;
    if (*text == '.') {
        *whole = false;
        text++;
        while (digit(*text))
            text++, after++;
    }
    if (!before && !after)
        return false;
    if (*text == 'e' || *text == 'E') {
        *whole = false;
        text++;
        if (*text == '+' || *text == '-')
            text++;
        if (!digit(*text))
            return false;
        while (digit(*text))
            text++;
    }
    return *text == 0;
}

static bool prefixed(const char *text, unsigned long long *value)
{
    const bool hex = text[0] == '0' && text[1] == 'x', octal = text[0] == '0' && text[1] == 'o';
    if (!hex && !octal)
        return false;
    const char *digits = hex ? "0123456789abcdefABCDEF" : "01234567";
    if (!text[2] || text[2 + strspn(text + 2, digits)])
        return false;
    errno = 0;
    *value = strtoull(text + 2, NULL, hex ? 16 : 8);
    return errno == 0;
}

static bool one_of(const char *text, const char *a, const char *b, const char *c)
{
    return !strcmp(text, a) || !strcmp(text, b) || !strcmp(text, c);
}

bool number_real(const char *text, double *value)
{
    unsigned long long bits;
    if (prefixed(text, &bits)) {
        *value = (double)bits;
        return true;
    }
    if (one_of(text, ".nan", ".NaN", ".NAN")) {
        *value = NAN;
        return true;
    }
    const char *unsigned_part = *text == '+' || *text == '-' ? text + 1 : text;
    if (one_of(unsigned_part, ".inf", ".Inf", ".INF")) {
        *value = *text == '-' ? -INFINITY : INFINITY;
        return true;
    }
    bool whole;
    if (!is_decimal(unsigned_part, &whole))
        return false;
    const locale_t before = c_locale();
    const double number = strtod(text, NULL);
    uselocale(before);
    if (!isfinite(number))
        return false; /* too large for a double, such as 1e999 */
    *value = number;
    return true;
}

bool number_int(const char *text, int64_t *value)
{
    unsigned long long bits;
    if (prefixed(text, &bits)) {
        if (bits > INT64_MAX)
            return false;
        *value = (int64_t)bits;
        return true;
    }
    bool whole;
    if (!is_decimal(*text == '+' || *text == '-' ? text + 1 : text, &whole))
        return false;
    if (whole) {
        errno = 0;
        const long long number = strtoll(text, NULL, 10);
        if (errno)
            return false;
        *value = number;
        return true;
    }
    double number;
    if (!number_real(text, &number) || number != floor(number) || fabs(number) > 0x1p53)
        return false;
    *value = (int64_t)number;
    return true;
}

static void write_number(char out[NUMBER_TEXT], const char *format, int precision, double value)
{
    const locale_t before = c_locale();
    snprintf(out, NUMBER_TEXT, format, precision, value);
    uselocale(before);
}

void number_text(double value, char out[NUMBER_TEXT])
{
    if (isnan(value)) {
        strcpy(out, ".nan");
    } else if (isinf(value)) {
        strcpy(out, value < 0 ? "-.inf" : ".inf");
    } else if (value == floor(value) && fabs(value) < 1e15) {
        write_number(out, "%.*f", 0, value);
    } else {
        for (int digits = 1; digits <= 17; digits++) {
            double again;
            write_number(out, "%.*g", digits, value);
            if (number_real(out, &again) && again == value)
                return;
        }
    }
}

void number_export_float(double value, char out[NUMBER_TEXT])
{
    out[0] = 0;
    if (!isnan(value))
        write_number(out, "%.*g", 9, value);
}

void number_export_double(double value, char out[NUMBER_TEXT])
{
    out[0] = 0;
    if (!isnan(value))
        write_number(out, "%.*g", 17, value);
}
