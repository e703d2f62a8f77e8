/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a streamed answer, piece by piece: role, chunks, tail, and the faults between. */
#ifndef TKP_MOCK_ANSWER_STREAM_H
#define TKP_MOCK_ANSWER_STREAM_H

#include <stddef.h>

#include "answer.h"

/* Renders the body bytes of the next piece into workspace->body; stamp_at counts from its start.
 * Nothing is framed for HTTP yet. */
struct tkp_mock_piece tkp_mock_answer_stream_next(struct tkp_mock_answer *answer,
                                                  struct tkp_mock_workspace *workspace);
/* Bytes of the whole body of an answer that has just begun, found by rendering it once; a fault
 * that breaks the announced length does not count. */
size_t tkp_mock_answer_stream_measure(const struct tkp_mock_answer *answer,
                                      struct tkp_mock_workspace *workspace);

/* Appends what a server says when it fails inside of an answer. */
void tkp_mock_answer_failure(const struct tkp_mock_answer *answer, struct tkp_mock_buffer *json);

#endif
