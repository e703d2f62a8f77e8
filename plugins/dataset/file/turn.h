/* SPDX-License-Identifier: Apache-2.0 */
/* A row, or one turn of a row, as the dataset sink takes it. */
#ifndef FILE_TURN_H
#define FILE_TURN_H

#include "fields.h"

/* Builds a turn in the reading's memory, which holds until the next call. index counts the sent
 * turns of the conversation before it. */
tokperf_status turn_build(struct reading *reading, const struct fields *fields, uint64_t index,
                          struct tokperf_turn *turn);
/* Hands it on; `at` is its place for the message of a refusal. */
tokperf_status turn_send(struct reading *reading, const struct tokperf_turn *turn, const char *at);

#endif
