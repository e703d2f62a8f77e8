/* SPDX-License-Identifier: Apache-2.0 */
/* One inference answer as a sequence of pieces, each with the time at which it is due. No I/O: the
 * connection asks for the next piece when it is due and sends it. */
#ifndef TKP_MOCK_ANSWER_H
#define TKP_MOCK_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "faults.h"
#include "http_response.h"
#include "inference.h"
#include "options.h"
#include "render.h"

/* Scratch memory for rendering; an event loop owns one for all of its answers. */
struct tkp_mock_workspace {
    struct tkp_mock_buffer json;
    struct tkp_mock_buffer body;
};

void tkp_mock_workspace_init(struct tkp_mock_workspace *workspace);
void tkp_mock_workspace_finish(struct tkp_mock_workspace *workspace);

/* What happens after a piece was sent. */
enum tkp_mock_then {
    TKP_MOCK_THEN_MORE,  /* another piece follows at answer->due_ns */
    TKP_MOCK_THEN_DONE,  /* the answer is whole; the connection is kept if keep_alive says so */
    TKP_MOCK_THEN_CLOSE, /* the connection ends */
    TKP_MOCK_THEN_RESET, /* the connection is reset */
    TKP_MOCK_THEN_STALL, /* nothing follows, ever */
};

struct tkp_mock_piece {
    enum tkp_mock_then then;
    bool content;    /* it carries output tokens */
    uint64_t tokens; /* how many */
    bool stamped;
    size_t stamp_at; /* where in the output buffer the send time goes */
};

enum tkp_mock_stage {
    TKP_MOCK_STAGE_HEAD,
    TKP_MOCK_STAGE_CHUNKS,
    TKP_MOCK_STAGE_TAIL,
};

/* Embedded in its connection. `prefix` is kept from answer to answer, the rest is set by begin. */
struct tkp_mock_answer {
    struct tkp_mock_reply reply;
    struct tkp_mock_buffer prefix;
    enum tkp_mock_fault fault;
    enum tkp_mock_framing framing;
    enum tkp_mock_stage stage;
    bool streamed;
    bool keep_alive;
    bool http10;
    int status;        /* of the response's head */
    uint64_t due_ns;   /* of the next piece */
    uint64_t next;     /* next content chunk */
    uint64_t events;   /* events rendered so far */
    uint64_t fault_at; /* the chunk before which a fault of the body strikes */
};

/* Everything that an answer depends on. */
struct tkp_mock_question {
    const struct tkp_mock_options *options;
    const struct tkp_mock_inference *inference; /* its model is copied */
    uint64_t number;
    uint64_t arrival_ns;
    uint64_t created_s;
    enum tkp_mock_api api;
    bool keep_alive;
    bool http10;
    enum tkp_mock_fault fault;
};

void tkp_mock_answer_init(struct tkp_mock_answer *answer);
void tkp_mock_answer_finish(struct tkp_mock_answer *answer);
/* Starts an answer; its first piece is due at answer->due_ns. */
void tkp_mock_answer_begin(struct tkp_mock_answer *answer,
                           const struct tkp_mock_question *question);
/* Appends the next piece to out. Not to be called after a piece that said anything but MORE. */
struct tkp_mock_piece tkp_mock_answer_next(struct tkp_mock_answer *answer,
                                           struct tkp_mock_workspace *workspace,
                                           struct tkp_mock_buffer *out);

#endif
