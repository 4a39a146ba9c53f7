/* What the terminal on standard output can show. */
#ifndef COMMAND_TERMINAL_H
#define COMMAND_TERMINAL_H

#include "figure/figure.h"

/* Characters into files and pipes; images where the terminal says that it can (kitty by the environment, sixel by its
 * answer to a query); ISOFLOP_TERMINAL=braille, kitty or sixel overrides what was found. */
struct figure_screen terminal_screen(void);

#endif
