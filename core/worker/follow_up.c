/* SPDX-License-Identifier: Apache-2.0 */
/* What a request of several exchanges keeps between them lies in a spill. */
#include <worker/follow_up.h>

#include <base/text.h>
#include <string.h>
#include <worker/row_text.h>

/* At the begin of the slot's spill; the bytes of method and path follow. */
struct follow_up {
    struct tkp_rendered rendered;                            /* of the next exchange */
    uint64_t connect_start_ns, connect_end_ns, tls_start_ns; /* of the first exchange */
    uint64_t send_start_ns, send_end_ns, first_byte_ns;
    uint64_t sent_bytes, received_bytes; /* of the exchanges that are over */
    uint32_t flags;                      /* of the first */
    uint32_t count;
    bool waits;
};

static struct follow_up *of(const struct tkp_slot *slot)
{
    return (struct follow_up *)(void *)slot->follow_up->data;
}

/* Takes the finished exchange's stamps and bytes out of the row. */
static void put_away(struct tkp_slot *slot)
{
    struct follow_up *f = of(slot);
    struct tkp_row *row = &slot->row;
    if (!f->count) {
        f->connect_start_ns = row->connect_start_ns;
        f->connect_end_ns = row->connect_end_ns;
        f->tls_start_ns = row->tls_start_ns;
        f->send_start_ns = row->send_start_ns;
        f->send_end_ns = row->send_end_ns;
        f->first_byte_ns = row->first_byte_ns;
        f->flags = row->flags;
    }
    f->sent_bytes += row->sent_bytes;
    f->received_bytes += row->received_bytes;
    row->connect_start_ns = row->connect_end_ns = row->tls_start_ns = 0;
    row->send_start_ns = row->send_end_ns = row->first_byte_ns = 0;
    row->sent_bytes = row->received_bytes = 0;
    row->flags &= ~(uint32_t)TKP_ROW_REUSED;
}

static bool begin(struct tkp_worker *w, struct tkp_slot *slot)
{
    const struct follow_up empty = {0};
    return slot->follow_up ||
           tkp_spill_append(&w->spills, &slot->follow_up, (const char *)&empty, sizeof empty);
}

/* The request that the plugin asked for, as what to send. */
static bool keep_request(struct tkp_worker *w, struct tkp_slot *slot, uint64_t *delay_ns)
{
    struct tkp_follow_request asked;
    const char *bytes = slot->reply.asked->data;
    memcpy(&asked, bytes, sizeof asked);
    *delay_ns = asked.delay_ns;
    slot->follow_up->len = sizeof(struct follow_up);
    if (!tkp_spill_append(&w->spills, &slot->follow_up, bytes + sizeof asked,
                          (size_t)asked.method_len + asked.path_len))
        return false;
    struct follow_up *f = of(slot); /* it may have moved */
    const char *method = (const char *)(f + 1);
    f->rendered = (struct tkp_rendered){
        .method = {method, asked.method_len},
        .path = {method + asked.method_len, asked.path_len},
        .input_tokens = -1,
        .output_tokens = -1,
    };
    return true;
}

bool tkp_follow_up_plan(struct tkp_worker *w, struct tkp_slot *slot)
{
    if (!slot->reply.follows || slot->row.outcome != TKP_OUTCOME_NONE)
        return false;
    uint64_t delay_ns;
    slot->reply.follows = false;
    if (!begin(w, slot) || !keep_request(w, slot, &delay_ns)) {
        tkp_row_end_text(&slot->row, TKP_OUTCOME_CLIENT_ERROR, "memory",
                         "there is no memory for a follow-up request");
        return false;
    }
    if (of(slot)->count == TKP_FOLLOW_UPS_MAX) {
        tkp_row_end_text(&slot->row, TKP_OUTCOME_CLIENT_ERROR, "follow_ups",
                         "the endpoint plugin asks for more than 100000 follow-up requests");
        return false;
    }
    put_away(slot);
    of(slot)->count++;
    of(slot)->waits = true;
    slot->connect_again_ns = tkp_clock_after_ns(w->now_ns, delay_ns);
    return true;
}

bool tkp_follow_up_waits(const struct tkp_slot *slot)
{
    return slot->follow_up && of(slot)->waits;
}

void tkp_follow_up_begin(struct tkp_slot *slot)
{
    of(slot)->waits = false;
    slot->rendered = &of(slot)->rendered;
}

void tkp_follow_up_finish(struct tkp_worker *w, struct tkp_slot *slot)
{
    struct tkp_row *row = &slot->row;
    if (!slot->follow_up)
        return;
    const struct follow_up *f = of(slot);
    const uint32_t shared = TKP_ROW_REUSED;
    if (f->count) {
        row->connect_start_ns = f->connect_start_ns;
        row->connect_end_ns = f->connect_end_ns;
        row->tls_start_ns = f->tls_start_ns;
        row->send_start_ns = f->send_start_ns;
        row->send_end_ns = f->send_end_ns;
        row->first_byte_ns = f->first_byte_ns;
        row->flags = (row->flags & ~shared) | (f->flags & shared);
    }
    row->sent_bytes += f->sent_bytes;
    row->received_bytes += f->received_bytes;
    tkp_spill_give(&w->spills, slot->follow_up);
    slot->follow_up = NULL;
}
