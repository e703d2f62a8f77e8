/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What --export-level raw keeps of a request in flight: its head and body, and the bytes of the
 * answer with the time of each read. At its end all of it goes behind the row in the record log
 * (record/kept_text.h), without the run's secrets. Memory is the worker's pool of spills, and
 * bounded; what goes past a bound is left out and said so. Owned by one thread.
 */
#ifndef TKP_WORKER_RAW_H
#define TKP_WORKER_RAW_H

#include <worker/spill.h>

struct tkp_worker;
struct tkp_slot;

enum { TKP_RAW_MAX_BODY_BYTES = 16 * 1024 * 1024 /* of a request, and of an answer */ };

struct tkp_raw {
    struct tkp_raw *next; /* in the pool */
    struct tkp_spill *head, *body, *answer;
    struct tkp_spill *pieces; /* struct piece of raw.c */
    uint32_t flags;           /* enum tkp_kept_raw_flags */
};

struct tkp_raw_pool {
    struct tkp_raw *free;
};

/* The request is about to be sent: keeps head and body in slot->raw, which is NULL without memory.
 */
void tkp_raw_begin(struct tkp_worker *w, struct tkp_slot *slot);
/* Bytes of the answer's body, before anybody writes to them; read at slot->arrival_ns. */
void tkp_raw_take(struct tkp_worker *w, struct tkp_slot *slot, const char *data, size_t len);
/* The request is over: appends it to slot->reply.kept and gives slot->raw back. */
void tkp_raw_end(struct tkp_worker *w, struct tkp_slot *slot);
/* Gives back what a slot holds; accepts NULL. */
void tkp_raw_give(struct tkp_worker *w, struct tkp_raw *raw);
void tkp_raw_pool_finish(struct tkp_raw_pool *pool);

#endif
