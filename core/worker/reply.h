/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of a 2xx answer: cuts it into events, gives them to the endpoint plugin and turns what
 * it emits into the row's stamps, counts and outcome. Knows neither sockets nor clocks: the caller
 * gives the time of each read. Owned by one thread.
 */
#ifndef TKP_WORKER_REPLY_H
#define TKP_WORKER_REPLY_H

#include <plugin/loader.h>
#include <tokperf/endpoint.h>
#include <worker/announce.h>
#include <worker/chunk_times.h>
#include <worker/lines.h>

enum {
    TKP_REPLY_MAX_WHOLE_BYTES = 64 * 1024 * 1024,
    TKP_REPLY_MAX_TEXT_BYTES = 4 * 1024 * 1024 /* of a live answer, kept for later turns */
};

struct tkp_reply;

/* What all replies of a worker share. */
struct tkp_reply_context {
    const struct tokperf_endpoint_vtable *vtable;
    const void *self;
    void *scratch;
    const char *plugin; /* for the crash note */
    struct tkp_spill_pool *spills;
    struct tkp_chunk_pool *chunks;
    struct tokperf_emit emit;
    struct tokperf_error error;
    struct tkp_reply *current;             /* in a call of the plugin */
    uint64_t now_ns;                       /* time of the read being worked on */
    const struct tkp_announcer *announcer; /* of first tokens; NULL: of none */
    bool logs_text;                        /* texts of answers are gathered for the record log */
};

/* At the begin of the spill with what finish() asked for; the bytes of method and path follow. */
struct tkp_follow_request {
    uint64_t delay_ns;
    uint32_t method_len, path_len;
};

struct tkp_reply {
    struct tkp_row *row;
    void *state; /* the plugin's, of vtable->state_bytes */
    struct tkp_chunk_times times;
    struct tkp_spill *text; /* the live answers of the conversation so far, this one while
                               keeps_text; whoever owns the reply gives it back */
    uint64_t text_end; /* once this one is complete: its text ends here in `text`, and an array of
                          its tool calls follows, or nothing */
    struct tkp_spill *kept; /* with logs_text: what is to be logged (kept.h); whoever owns the reply
                               gives it back */

    struct tkp_spill *asked; /* by finish(): a struct tkp_follow_request; or NULL */
    bool follows;            /* the body ended with the verdict that it be done */
    bool keeps_text;

    /* private */
    uint8_t framing;                         /* TOKPERF_FRAMING_* */
    bool seen_bytes, seen_content;           /* of the whole answer */
    bool completed;                          /* the plugin said so before the framing did */
    bool has_content, has_output, has_usage; /* of the event being worked on */
    struct tkp_spill *whole;
    struct tkp_spill *calls; /* parts of its tool calls (tool_calls.h), while keeps_text */
    union {
        struct tkp_event_stream events;
        struct tkp_lines lines;
    } reader;
};

/* scratch: of vtable->scratch_bytes, zeroed. */
void tkp_reply_context_init(struct tkp_reply_context *c, const struct tkp_instance *endpoint,
                            void *scratch, struct tkp_spill_pool *spills,
                            struct tkp_chunk_pool *chunks);

/* Begins the body of an answer; row, state and keeps_text are set, times is empty. With
 * TKP_ROW_STREAMED in row->flags content is stamped. Until the row has its outcome, its error
 * message may hold a note on what kind of answer came ("its content type is text/html"), which an
 * outcome that it explains will show. */
void tkp_reply_begin(struct tkp_reply_context *c, struct tkp_reply *reply, uint32_t framing);
/* Begins the body of a follow-up's answer: what the plugin knows stays. */
void tkp_reply_continue(struct tkp_reply_context *c, struct tkp_reply *reply, uint32_t framing);
/* The next bytes of the body, read at now_ns; they are written to. A failure, and an answer that
 * the plugin calls complete, end the row's outcome; later bytes are dropped. */
void tkp_reply_take(struct tkp_reply_context *c, struct tkp_reply *reply, char *data, size_t len,
                    uint64_t now_ns);
/* The same, of bytes that nothing follows: a whole body is not copied then. */
void tkp_reply_take_last(struct tkp_reply_context *c, struct tkp_reply *reply, char *data,
                         size_t len, uint64_t now_ns);
/* The body ended: TOKPERF_END_*. Decides the row's outcome if nothing has, or sets follows. */
void tkp_reply_end(struct tkp_reply_context *c, struct tkp_reply *reply, uint32_t end,
                   uint64_t now_ns);
/* Between two exchanges of a request: gives back what the body needed. */
void tkp_reply_pause(struct tkp_reply_context *c, struct tkp_reply *reply);
/* Gives back what it holds but for times, text and kept; accepts one that never began. */
void tkp_reply_finish(struct tkp_reply_context *c, struct tkp_reply *reply);

#endif
