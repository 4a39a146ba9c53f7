/* Running a suite of Check's. */
#ifndef TESTS_SUITE_H
#define TESTS_SUITE_H

#include <check.h>

/* How many of its tests failed; all are run, and told as CK_VERBOSITY says. */
static inline int suite_failed(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed;
}

#endif
