/* Numbers as text: read strictly, written in their shortest exact form, never by the locale. */
#ifndef BASE_NUMBERS_H
#define BASE_NUMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NUMBER_TEXT 40

/* The whole text as a number of YAML 1.2's core schema (1e-3, .01, -.inf, .nan, 0x1F). False: it is none. */
bool number_real(const char *text, double *value);
bool number_int(const char *text, int64_t *value); /* a real that is whole, such as 1e5, too */
/* Shortest text that reads back as the same double: "0.1", "60000", "1e-06", ".inf", ".nan". */
void number_text(double value, char out[NUMBER_TEXT]);
/* %.9g and %.17g for exported float32 and double, empty for NaN. */
void number_export_float(double value, char out[NUMBER_TEXT]);
void number_export_double(double value, char out[NUMBER_TEXT]);

#endif
