/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * tokperf SDK, kind "endpoint": the dialect of an API. It renders request bodies and parses
 * response bytes. It does no I/O and states no time: sockets, HTTP framing, event-stream framing
 * and time stamps are the core's.
 *
 * Life of a request: format() once (while the dataset is prepared when the conversation is known by
 * then, else on the worker right before the send); then, on the worker that owns the socket,
 * begin(), event() for each event as it arrives, finish() once for each exchange (one, unless
 * finish() asks for a follow-up). After an http_error, a timeout or a cancellation finish() is not
 * called.
 */
#ifndef TOKPERF_ENDPOINT_H
#define TOKPERF_ENDPOINT_H

#include <tokperf/conversation.h>
#include <tokperf/host.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How a response is cut into events. */
enum {
    TOKPERF_FRAMING_WHOLE = 1,  /* one event: the whole body (at most 64 MiB) */
    TOKPERF_FRAMING_SSE = 2,    /* WHATWG event stream: one event per dispatched message */
    TOKPERF_FRAMING_NDJSON = 3, /* one event per non-empty line */
    TOKPERF_FRAMING_BYTES = 4   /* one event per read, as the bytes come */
};

enum {
    TOKPERF_ENDPOINT_STREAMS = 1u << 0,         /* can be asked to stream */
    TOKPERF_ENDPOINT_PRODUCES_TOKENS = 1u << 1, /* token metrics apply to its output */
    TOKPERF_ENDPOINT_TOKENIZES_INPUT = 1u << 2, /* token metrics apply to its input */
    TOKPERF_ENDPOINT_CARRIES_SALT = 1u << 3     /* heeds TOKPERF_REQUEST_SALT_* */
};

/* What describe() fills; zeroed by the caller; fixed size. */
struct tokperf_endpoint_info {
    uint32_t flags;          /* TOKPERF_ENDPOINT_* */
    uint32_t inputs;         /* TOKPERF_INPUT_* it can send */
    uint32_t stream_framing; /* framing of an answer that was asked to stream */
    uint32_t whole_framing;  /* framing of any other answer */
    char path[256];          /* appended to the base URL unless the user gives another; empty:
                                the URL is used as it is */
    char title[64];          /* headline of the metrics table: "LLM Metrics" */
    char stream_path[64];    /* instead of path when a stream is asked for; empty: the same */
    uint64_t reserved[8];
};

enum {
    TOKPERF_REQUEST_STREAM = 1u << 0,            /* the user asked for streaming */
    TOKPERF_REQUEST_PER_CHUNK_USAGE = 1u << 1,   /* ask for a usage count on every chunk */
    TOKPERF_REQUEST_LEGACY_MAX_TOKENS = 1u << 2, /* name the limit max_tokens everywhere */
    /* --cache-bust, for endpoints with TOKPERF_ENDPOINT_CARRIES_SALT: a marker that no prompt cache
     * knows, "[rid:" TOKPERF_HOLE_SALT "]", goes in front of the first user message's text, an
     * empty line behind it, ... */
    TOKPERF_REQUEST_SALT_PREFIX = 1u << 3,
    TOKPERF_REQUEST_SALT_SUFFIX = 1u << 4, /* ... or behind that text, an empty line before it; */
    TOKPERF_REQUEST_SALT_SYSTEM = 1u << 5  /* of the system message instead, where there is one */
};

/* What to render: the conversation so far and which turn to send. */
struct tokperf_request {
    uint32_t struct_size;
    uint32_t flags;      /* TOKPERF_REQUEST_* */
    uint32_t turn_count; /* turns given; the last one is the turn to send */
    uint32_t extra_count;
    const struct tokperf_turn *const *turns;
    struct tokperf_span model;          /* of this request, already resolved */
    const struct tokperf_member *extra; /* --extra-inputs and the row's extra, merged, no key twice:
                                           they win over the members the endpoint makes itself */
};

/* Places in the request that the core fills at each send with bytes of a fixed width. */
enum {
    TOKPERF_HOLE_REQUEST_ID = 1,   /* 36: the UUID that X-Request-ID carries */
    TOKPERF_HOLE_TRACE_PARENT = 2, /* 55: a W3C traceparent */
    TOKPERF_HOLE_SALT = 3          /* 16 hexadecimal digits, new for each run and conversation */
};

/* Where format() puts the request. Calls may come in any order; bytes are copied. */
struct tokperf_request_sink {
    uint32_t struct_size;
    uint32_t reserved;
    void *context;
    void (*method)(void *context, struct tokperf_span method); /* POST unless called */
    void (*path)(void *context, struct tokperf_span path);     /* describe()'s unless called */
    void (*header)(void *context, struct tokperf_span name, struct tokperf_span value);
    void (*content_type)(void *context, struct tokperf_span type); /* application/json */
    void (*body)(void *context, const char *data, uint64_t len);   /* appends */
    void (*hole)(void *context, uint32_t hole);                    /* appends a hole to the body */
};

/* One event of a response. */
struct tokperf_event {
    uint32_t struct_size;
    uint32_t framing;         /* how it was cut */
    struct tokperf_span data; /* SSE: data lines joined with \n; else the bytes */
    struct tokperf_span name; /* SSE event type; empty when none was given */
};

enum {
    TOKPERF_TEXT_OUTPUT = 1,    /* what the model says */
    TOKPERF_TEXT_REASONING = 2, /* what it thinks */
    TOKPERF_TEXT_OTHER = 3      /* content that is not text (a vector, a score): counts as content,
                                   has no tokens */
};
enum {
    TOKPERF_ENCODING_RAW = 0, /* UTF-8 as it is */
    TOKPERF_ENCODING_JSON = 1 /* the bytes between the quotes of a JSON string; unescaped later, and
                                 only if somebody needs the text */
};

/* Server-side counts, -1 when the server did not state them. Fixed size. */
struct tokperf_usage {
    int64_t prompt_tokens;
    int64_t completion_tokens;
    int64_t total_tokens;
    int64_t reasoning_tokens;
    int64_t prompt_cache_read_tokens;
    int64_t prompt_cache_write_tokens;
    int64_t prompt_cache_miss_tokens;
    int64_t prompt_audio_tokens;
    int64_t completion_audio_tokens;
    int64_t accepted_prediction_tokens;
    int64_t rejected_prediction_tokens;
    int64_t tool_use_prompt_tokens;
    int64_t prompt_audio_ms;
    int64_t reserved[3]; /* -1 */
};

/* What an endpoint says about an event. Spans may borrow the event's bytes. An event with any
 * non-empty text or tool call is a content chunk and is stamped as such. */
struct tokperf_emit {
    uint32_t struct_size;
    uint32_t reserved;
    void *context;
    void (*text)(void *context, uint32_t kind, struct tokperf_span text, uint32_t encoding);
    /* Part of a tool call: name and arguments may each be empty. */
    void (*tool_call)(void *context, uint32_t index, struct tokperf_span name,
                      struct tokperf_span arguments, uint32_t encoding);
    void (*usage)(void *context, const struct tokperf_usage *usage); /* the last one counts */
    void (*finish_reason)(void *context, struct tokperf_span reason);
    /* The server reports a failure inside a 2xx answer: the outcome becomes stream_error. */
    void (*error)(void *context, struct tokperf_span code, struct tokperf_span type,
                  struct tokperf_span message);
    /* From event(): the answer's own protocol has said its last ("[DONE]", "done": true). finish()
     * follows at once with TOKPERF_END_COMPLETE, and what the server still sends is dropped: the
     * outcome does not wait for an HTTP body that is not ended. Test with TOKPERF_HAS(). */
    void (*complete)(void *context);
    /* From finish(), which then returns TOKPERF_VERDICT_FOLLOW_UP: one more exchange of the same
     * request, as when a job is polled. After delay_ns (at least 1 ms) method and path go out
     * without a body; the path follows the base URL as describe()'s does. The answer is read with
     * whole_framing into the same state, without begin(), and ends with finish(). The request is
     * one to the user: it ends with its last answer, and its timeout holds for all of it. At most
     * 100000 times a request. Test with TOKPERF_HAS(). */
    void (*follow_up)(void *context, struct tokperf_span method, struct tokperf_span path,
                      uint64_t delay_ns);
};

/* Why the response ended. */
enum {
    TOKPERF_END_COMPLETE = 1, /* its framing says that all of it came */
    TOKPERF_END_CLOSED = 2,   /* delimited by the connection's end, which came */
    TOKPERF_END_CUT = 3       /* the connection ended before the framing did */
};
enum {
    TOKPERF_VERDICT_OK = 1,
    TOKPERF_VERDICT_TRUNCATED = 2, /* the answer lacks its proper end */
    TOKPERF_VERDICT_FOLLOW_UP = 3  /* not yet: emit->follow_up() has said what comes */
};

struct tokperf_endpoint_vtable {
    TOKPERF_VTABLE_HEAD
    uint32_t state_bytes;   /* per request in flight, aligned to 16, zeroed before begin(), no
                               destructor */
    uint32_t scratch_bytes; /* per worker, aligned to 16, zeroed once; passed to event() and
                               finish() */
    /* [any] Constant for one instance. Does not block. */
    tokperf_status (*describe)(const void *self, struct tokperf_endpoint_info *info,
                               struct tokperf_error *error);
    /* [any] Renders the last turn of request. Neither blocks nor allocates. */
    tokperf_status (*format)(const void *self, const struct tokperf_request *request,
                             const struct tokperf_request_sink *sink, struct tokperf_error *error);
    /* [worker] All three: no blocking, no allocation. */
    void (*begin)(const void *self, void *state, uint32_t framing);
    /* TOKPERF_E_PARSE (with error) makes the outcome parse_error; the rest of the response is read
     * and dropped. */
    tokperf_status (*event)(const void *self, void *state, void *scratch,
                            const struct tokperf_event *event, const struct tokperf_emit *emit,
                            struct tokperf_error *error);
    /* Returns TOKPERF_VERDICT_*; may still emit. */
    uint32_t (*finish)(const void *self, void *state, void *scratch, uint32_t end,
                       const struct tokperf_emit *emit);
};

#ifdef __cplusplus
}
#endif
#endif
