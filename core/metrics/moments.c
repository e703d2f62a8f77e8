/* SPDX-License-Identifier: Apache-2.0 */
/* Moments that stay exact over many values. One thread. */
#include <metrics/moments.h>

#include <math.h>

void tkp_moments_add_sum(struct tkp_moments *m, double value)
{
    double sum = m->sum + value;
    m->sum_lost += fabs(m->sum) >= fabs(value) ? (m->sum - sum) + value : (value - sum) + m->sum;
    m->sum = sum;
}

void tkp_moments_add(struct tkp_moments *m, double value)
{
    if (!m->count || value < m->min)
        m->min = value;
    if (!m->count || value > m->max)
        m->max = value;
    m->count++;
    double delta = value - m->mean;
    if (delta != 0) { /* constants are many, and a division takes as long as all the rest */
        m->mean += delta / (double)m->count;
        m->m2 += delta * (value - m->mean);
    }
    tkp_moments_add_sum(m, value);
}

double tkp_moments_sum(const struct tkp_moments *m)
{
    return m->sum + m->sum_lost;
}

double tkp_moments_mean(const struct tkp_moments *m)
{
    return m->count ? tkp_moments_sum(m) / (double)m->count : 0;
}

double tkp_moments_std(const struct tkp_moments *m)
{
    return m->count ? sqrt(m->m2 / (double)m->count) : 0;
}
