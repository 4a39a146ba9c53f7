/* Measures the errors of isoflop/vecmath.h over every float32 argument, against the C library's float64. Takes minutes
 * a function, so it is run by hand:
 *     make tests/bench/vecmath_exhaustive && tests/bench/vecmath_exhaustive [FUNCTION|all [STRIDE]]
 * With a stride of s it takes every s-th bit pattern. tests/vecmath_test.c runs a sample of the same comparison. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vecmath_compare.h"

int main(int argc, char **argv)
{
    const char *wanted = argc > 1 ? argv[1] : "all";
    const unsigned long stride = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
    int status = EXIT_SUCCESS;
    for (size_t f = 0; f < sizeof compared / sizeof *compared; f++) {
        if (strcmp(wanted, "all") != 0 && strcmp(wanted, compared[f].name) != 0)
            continue;
        const struct worst worst = compare_function(&compared[f], 0, stride ? stride : 1);
        printf("%-8s %.3f ulp at %a (got %a, exact %a), %lu arguments, bound %.2f\n", compared[f].name, worst.error,
               (double)worst.x, (double)worst.got, worst.exact, worst.count, compared[f].bound);
        fflush(stdout);
        if (!(worst.error <= compared[f].bound))
            status = EXIT_FAILURE;
    }
    return status;
}
