/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of a request: a head, most of it made once per target, and the rendered body with its
 * holes filled. They are a pure function of the run's seed and the request, so that a partial write
 * or a retry makes them again instead of keeping them. Owned by one thread.
 */
#ifndef TKP_WORKER_MESSAGE_H
#define TKP_WORKER_MESSAGE_H

#include <base/buffer.h>
#include <base/rng.h>
#include <sys/uio.h>
#include <worker/worker.h>

enum { TKP_MESSAGE_MAX_PARTS = 2 + 2 * TKP_RENDERED_MAX_HOLES };

struct tkp_message {
    struct tkp_buffer *fixed; /* per target: header lines that never change */
    const struct tkp_target *targets;
    uint32_t target_count;
    uint64_t run_seed;
    struct tkp_buffer session_line;                                   /* "X-Correlation-ID: " */
    bool has_request_id, has_session, has_affinity, has_content_type; /* of the user */
    /* of the request made last */
    struct tkp_buffer head;
    struct iovec parts[TKP_MESSAGE_MAX_PARTS];
    uint32_t part_count;
    uint64_t total_bytes;
    char fillings[TKP_RENDERED_MAX_HOLES][64];
};

/* Refuses user headers that would break the framing. framing: TOKPERF_FRAMING_* of the answers that
 * are asked for. */
tokperf_status tkp_message_init(struct tkp_message *m, const struct tkp_worker_shared *shared,
                                uint32_t framing, struct tokperf_error *error) TOKPERF_MUST_USE;
void tkp_message_finish(struct tkp_message *m); /* accepts a zeroed one */

/* The bits of TOKPERF_HOLE_SALT for a conversation: new for each run, the same for all its turns.
 */
static inline uint64_t tkp_message_salt(uint64_t run_seed, uint64_t draw)
{
    return tkp_rng_bits(run_seed, TKP_RNG_SALT, draw);
}

struct tkp_message_key {
    uint32_t target, turn;
    uint64_t draw;
};
/* Makes head and parts; they borrow m and rendered. false without memory. */
bool tkp_message_make(struct tkp_message *m, const struct tkp_message_key *key,
                      const struct tkp_rendered *rendered);
/* Writes from sent_bytes on to a socket; returns bytes written, or -1 with errno. */
ssize_t tkp_message_send(const struct tkp_message *m, int fd, uint64_t sent_bytes);

#endif
