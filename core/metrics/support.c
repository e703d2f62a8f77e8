/* SPDX-License-Identifier: Apache-2.0 */
/* Support of percentiles. Pure; any thread. */
#include <metrics/support.h>

#include <float.h>
#include <math.h>
#include <stdbool.h>

#define MISS_PROBABILITY 0.01 /* 1 - the confidence */

/* The continued fraction of I_x(a, b) by Lentz's method (DLMF 8.17.22). It needs about
 * sqrt(max(a, b)) steps for x < (a + 1) / (a + b + 2). */
static double fraction(double a, double b, double x)
{
    const double tiny = DBL_MIN / DBL_EPSILON;
    const int max_steps = 1000000;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double value = d;
    for (int m = 1; m <= max_steps; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        double change = 1;
        for (int half = 0; half < 2; half++) {
            double term = half ? odd : even;
            d = 1 + term * d;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            c = 1 + term / c;
            c = fabs(c) < tiny ? tiny : c;
            change = c * d;
            value *= change;
        }
        if (fabs(change - 1) < 4 * DBL_EPSILON)
            break;
    }
    return value;
}

static double log_gamma(double x)
{
    int sign; /* lgamma() itself writes to a global */
    return lgamma_r(x, &sign);
}

double tkp_incomplete_beta(double a, double b, double x)
{
    if (x <= 0 || x >= 1)
        return x <= 0 ? 0 : 1;
    double log_front = log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log1p(-x);
    if (x < (a + 1) / (a + b + 2))
        return exp(log_front) * fraction(a, b, x) / a;
    return 1 - exp(log_front) * fraction(b, a, 1 - x) / b;
}

static bool passes(double p, uint64_t h, uint64_t t)
{
    return h && tkp_incomplete_beta((double)h, (double)t + 1, p) < MISS_PROBABILITY;
}

uint64_t tkp_support_h_min(double p, uint64_t t)
{
    uint64_t fails = 0, high = 1;
    while (!passes(p, high, t)) {
        fails = high;
        high *= 2;
    }
    while (high - fails > 1) {
        uint64_t middle = fails + (high - fails) / 2;
        if (passes(p, middle, t))
            high = middle;
        else
            fails = middle;
    }
    return high;
}

uint64_t tkp_support_needed(double p)
{
    return tkp_support_h_min(p, 1) + 1;
}

/* n >= h_min(t) + t exactly when n - t passes with t, and the more is above the bound the less
 * passes. */
uint64_t tkp_support_t(double p, uint64_t n)
{
    if (n < 2 || !passes(p, n - 1, 1))
        return 0;
    uint64_t t = 1, too_many = n;
    while (too_many - t > 1) {
        uint64_t middle = t + (too_many - t) / 2;
        if (passes(p, n - middle, middle))
            t = middle;
        else
            too_many = middle;
    }
    return t;
}
