/* SPDX-License-Identifier: Apache-2.0 */
/* Random draws that are functions of (seed, request number, lane): no state, any order. */
#ifndef TKP_MOCK_DRAW_H
#define TKP_MOCK_DRAW_H

#include <stdint.h>

/* 64 mixed bits. */
uint64_t tkp_mock_draw_bits(uint64_t seed, uint64_t number, uint64_t lane);
/* Uniform in [0, 1). */
double tkp_mock_draw_unit(uint64_t seed, uint64_t number, uint64_t lane);
/* Log-normal with mean 1 and the given coefficient of variation; exactly 1 for cv 0. */
double tkp_mock_draw_factor(uint64_t seed, uint64_t number, uint64_t lane, double cv);

#endif
