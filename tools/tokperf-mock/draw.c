/* SPDX-License-Identifier: Apache-2.0 */
/* Counter-based random draws over the splitmix64 finaliser (Steele, Lea, Flood 2014). */
#include "draw.h"

#include <math.h>

static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15U;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
}

uint64_t tkp_mock_draw_bits(uint64_t seed, uint64_t number, uint64_t lane)
{
    return mix(mix(mix(seed) ^ number) ^ lane);
}

double tkp_mock_draw_unit(uint64_t seed, uint64_t number, uint64_t lane)
{
    return (double)(tkp_mock_draw_bits(seed, number, lane) >> 11) * 0x1p-53;
}

double tkp_mock_draw_factor(uint64_t seed, uint64_t number, uint64_t lane, double cv)
{
    if (cv <= 0) {
        return 1;
    }
    /* Box-Muller; 1 - u keeps the logarithm's argument above zero. */
    double radius = sqrt(-2 * log(1 - tkp_mock_draw_unit(seed, number, 2 * lane)));
    double normal =
        radius * cos(6.283185307179586 * tkp_mock_draw_unit(seed, number, 2 * lane + 1));
    double variance = log1p(cv * cv);
    return exp(sqrt(variance) * normal - variance / 2);
}
