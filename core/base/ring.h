/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A single-producer single-consumer ring of pointers, power-of-two capacity. One thread pushes, one
 * pops; neither blocks.
 */
#ifndef TKP_BASE_RING_H
#define TKP_BASE_RING_H

#include <stdbool.h>
#include <stdint.h>
#include <tokperf/base.h>

struct tkp_ring;
/* capacity is rounded up to a power of two. NULL without memory. */
struct tkp_ring *tkp_ring_create(uint32_t capacity);
void tkp_ring_destroy(struct tkp_ring *r);
bool tkp_ring_push(struct tkp_ring *r, void *item); /* producer; false when full */
void *tkp_ring_pop(struct tkp_ring *r);             /* consumer; NULL when empty */
/* Producer: how many are in it; the consumer may be taking them meanwhile. */
uint32_t tkp_ring_count(const struct tkp_ring *r);

#endif
