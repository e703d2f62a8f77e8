/* SPDX-License-Identifier: Apache-2.0 */
/* A turn with everything that it points to, in an arena. */
#ifndef TKP_DATASET_TURN_COPY_H
#define TKP_DATASET_TURN_COPY_H

#include <base/arena.h>
#include <tokperf/conversation.h>

/* NULL at the arena's bound or without memory. */
const struct tokperf_turn *tkp_turn_copy(struct tkp_arena *arena, const struct tokperf_turn *from);

#endif
