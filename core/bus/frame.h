/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What travels on the bus, as docs/bus.md specifies it. A published message has two parts: the name
 * of its topic, which subscribers filter by, and a batch: a head and frames one behind the other.
 * Little endian, as the platform is. A frame of an unknown kind or a later version is skipped by
 * its length. Pure functions. [any]
 */
#ifndef TKP_BUS_FRAME_H
#define TKP_BUS_FRAME_H

#include <base/buffer.h>
#include <stdbool.h>

enum tkp_topic {
    TKP_TOPIC_SESSION = 0,
    TKP_TOPIC_PHASE,
    TKP_TOPIC_SAMPLE,
    TKP_TOPIC_SNAPSHOT,
    TKP_TOPIC_COUNT
};

enum tkp_frame_kind {
    TKP_FRAME_SESSION_STARTED = 1, /* JSON */
    TKP_FRAME_SESSION_ENDED = 2,   /* JSON; the topic's last */
    TKP_FRAME_PHASE_BEGUN = 16,    /* JSON */
    TKP_FRAME_PHASE_ENDED = 17,    /* JSON */
    TKP_FRAME_ISSUED = 32,         /* struct tkp_sample_issued (sample.h), as the three below */
    TKP_FRAME_FIRST_TOKEN = 33,
    TKP_FRAME_ERROR = 34, /* before the COMPLETE of the same request */
    TKP_FRAME_COMPLETE = 35,
    TKP_FRAME_SNAPSHOT = 48 /* JSON, the document of final_snapshot.json */
};

enum {
    TKP_BATCH_VERSION = 1,
    TKP_FRAME_VERSION = 1, /* of every kind that is known here */
    TKP_BATCH_MAX_BYTES = 16 * 1024 * 1024
};

#define TKP_BATCH_MAGIC "TKPB"
struct tkp_batch_head {
    char magic[4];
    uint16_t version;
    uint16_t topic;    /* enum tkp_topic */
    uint64_t sequence; /* of the first frame in its topic, from 0; the others follow */
    uint32_t frame_count;
    uint32_t length_bytes; /* of the frames */
};
_Static_assert(sizeof(struct tkp_batch_head) == 24, "no padding");

struct tkp_frame_head {
    uint16_t kind; /* enum tkp_frame_kind */
    uint16_t version;
    uint32_t length_bytes; /* of the payload, which follows */
};
_Static_assert(sizeof(struct tkp_frame_head) == 8, "no padding");

const char *tkp_topic_name(enum tkp_topic topic); /* "session" ... */
/* "session.started" ...; NULL: unknown. */
const char *tkp_frame_kind_name(uint32_t kind);
/* TKP_TOPIC_COUNT: no such topic. */
enum tkp_topic tkp_topic_find(struct tokperf_span name);

/* Appends a frame. */
void tkp_frame_put(struct tkp_buffer *out, enum tkp_frame_kind kind, const void *payload,
                   size_t len);

/* Reading a batch that may come from anywhere. */
struct tkp_frame {
    uint32_t kind, version;
    uint64_t sequence;
    struct tokperf_span payload; /* not aligned */
};
struct tkp_frame_reader {
    struct tkp_batch_head head;
    const char *at, *end;
    uint32_t index;
};
/* TOKPERF_E_PARSE: says what is wrong with the head. */
tokperf_status tkp_frame_reader_init(struct tkp_frame_reader *reader, struct tokperf_span batch,
                                     struct tokperf_error *error) TOKPERF_MUST_USE;
/* TOKPERF_E_NOT_FOUND behind the last one. */
tokperf_status tkp_frame_reader_next(struct tkp_frame_reader *reader, struct tkp_frame *frame,
                                     struct tokperf_error *error) TOKPERF_MUST_USE;

#endif
