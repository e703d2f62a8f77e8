/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing doubles: cmocka's own assertion compares floats. */
#ifndef NEAR_H
#define NEAR_H

#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#define assert_near(value, expected, slack) near_check(value, expected, slack, __FILE__, __LINE__)

static inline void near_check(double value, double expected, double slack, const char *file,
                              int line)
{
    if (fabs(value - expected) <= slack)
        return;
    print_error("%.17g is not %.17g within %.3g\n", value, expected, slack);
    _fail(file, line);
}

#endif
