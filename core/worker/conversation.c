/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A conversation on its slot: its turns in order, each rendered ahead or with the live answers, its
 * requests recorded. What starts is put into the run queue, so that nothing here recurses.
 */
#include <worker/conversation.h>

#include <string.h>
#include <worker/kept.h>
#include <worker/request.h>
#include <worker/row_text.h>
#include <worker/start.h>

/* ---- what to send ---- */

static struct tkp_answer_end history_end(const struct tkp_slot *slot, uint32_t turn)
{
    struct tkp_answer_end end;
    memcpy(&end, slot->history_ends->data + turn * sizeof end, sizeof end);
    return end;
}

/* The live answers of the turns before this one; they borrow the slot's history. */
static const struct tkp_answer *list_answers(struct tkp_worker *w, const struct tkp_slot *slot,
                                             struct tkp_spill **list)
{
    uint64_t begin = 0;
    for (uint32_t turn = 0; turn < slot->turn; turn++) {
        struct tkp_answer answer = {0};
        struct tkp_answer_end end = history_end(slot, turn);
        if (end.calls > begin) {
            const char *data = slot->reply.text->data;
            answer.text = (struct tokperf_span){data + begin, end.text - begin};
            answer.tool_calls = (struct tokperf_span){data + end.text, end.calls - end.text};
        }
        begin = end.calls;
        if (!tkp_spill_append(&w->spills, list, (const char *)&answer, sizeof answer))
            return NULL;
    }
    return (const struct tkp_answer *)(const void *)(*list)->data;
}

/* Appends a span's bytes and makes the span point to where they will lie. */
static void move_span(struct tkp_spill *to, struct tokperf_span *span)
{
    if (span->len)
        memcpy(to->data + to->len, span->data, span->len);
    span->data = to->data + to->len;
    to->len += span->len;
}

/* The renderer's result is gone at its next call: the slot keeps a copy until the answer is there.
 */
static bool keep_rendered(struct tkp_worker *w, struct tkp_slot *slot, struct tkp_rendered *r)
{
    uint64_t bytes = sizeof *r + r->method.len + r->path.len + r->content_type.len +
                     r->headers.len + r->body.len;
    slot->live = tkp_spill_take(&w->spills);
    if (!slot->live || !tkp_spill_reserve(&w->spills, slot->live, bytes))
        return false;
    slot->live->len = sizeof *r;
    move_span(slot->live, &r->method);
    move_span(slot->live, &r->path);
    move_span(slot->live, &r->content_type);
    move_span(slot->live, &r->headers);
    move_span(slot->live, &r->body);
    memcpy(slot->live->data, r, sizeof *r);
    slot->rendered = (const struct tkp_rendered *)(const void *)slot->live->data;
    return true;
}

static bool render_live(struct tkp_worker *w, struct tkp_slot *slot)
{
    struct tkp_rendered rendered;
    struct tkp_spill *list = NULL;
    const struct tkp_answer *answers = slot->turn ? list_answers(w, slot, &list) : NULL;
    tokperf_status status = TOKPERF_E_NO_MEMORY;
    w->reply.error.message[0] = '\0';
    if (answers || !slot->turn)
        status = tkp_renderer_render(w->renderer, slot->event.row, slot->turn, answers, slot->turn,
                                     &rendered, &w->reply.error);
    tkp_spill_give(&w->spills, list);
    if (status == TOKPERF_OK && keep_rendered(w, slot, &rendered))
        return true;
    tkp_row_end_text(&slot->row, TKP_OUTCOME_CLIENT_ERROR, "render",
                     w->reply.error.message[0] ? w->reply.error.message
                                               : "there is no memory to render the turn");
    return false;
}

static bool has_salt(const struct tkp_rendered *rendered)
{
    for (uint32_t i = 0; i < rendered->hole_count; i++)
        if (rendered->holes[i].kind == TOKPERF_HOLE_SALT)
            return true;
    return false;
}

bool tkp_conversation_render(struct tkp_worker *w, struct tkp_slot *slot)
{
    slot->rendered = tkp_dataset_rendered(w->shared->dataset, slot->event.row, slot->turn);
    if (!slot->rendered && !render_live(w, slot))
        return false;
    slot->row.prompt_hash = slot->rendered->prompt_hash;
    if (slot->rendered->hole_count && has_salt(slot->rendered)) /* prompts that differ by it */
        slot->row.prompt_hash ^= tkp_message_salt(w->shared->run_seed, slot->event.draw);
    slot->row.input_tokens_asked = slot->rendered->input_tokens;
    slot->row.output_tokens_asked = slot->rendered->output_tokens;
    if (w->shared->plan->tokenizer)
        slot->row.counted_input =
            tkp_dataset_prompt_tokens(w->shared->dataset, slot->event.row, slot->turn);
    return true;
}

/* ---- the life of a conversation ---- */

void tkp_conversation_begin(struct tkp_worker *w, struct tkp_slot *slot,
                            const struct tkp_arrival_event *event, uint64_t intended_ns,
                            uint64_t ready_ns)
{
    slot->event = *event;
    slot->turn = 0;
    tkp_issue_of(w, slot)->unfinished += event->turns > 1;
    slot->intended_ns = intended_ns;
    slot->ready_ns = ready_ns;
    slot->needs_answers = tkp_dataset_conversation(w->shared->dataset, event->row)->needs_answers;
    tkp_request_start(w, slot);
}

static void drop_spill(struct tkp_worker *w, struct tkp_spill **spill)
{
    tkp_spill_give(&w->spills, *spill);
    *spill = NULL;
}

static void end_conversation(struct tkp_worker *w, struct tkp_slot *slot, uint64_t freed_ns)
{
    drop_spill(w, &slot->reply.text);
    drop_spill(w, &slot->history_ends);
    tkp_request_drop_kept(w, slot);
    const struct tkp_issue *issue = tkp_issue_of(w, slot);
    bool idle = issue->exhausted || tkp_issue_is_over(issue, w->now_ns); /* nothing would follow */
    if (slot->connect_failed && !idle && slot->holds_cap) {
        slot->state = TKP_SLOT_BACKOFF;
        tkp_loop_set_timer(&w->loop, &slot->timer, tkp_clock_after_ns(freed_ns, slot->backoff_ns));
        return;
    }
    tkp_start_slot_freed(w, slot, freed_ns);
}

/* Its next turn is not sent. */
static void cut_short(struct tkp_worker *w, struct tkp_slot *slot)
{
    tkp_issue_of(w, slot)->unfinished--;
    end_conversation(w, slot, w->now_ns);
}

static void schedule_turn(struct tkp_worker *w, struct tkp_slot *slot)
{
    slot->turn++;
    if (slot->intended_ns <= w->now_ns) {
        slot->state = TKP_SLOT_NEXT_TURN;
        tkp_slot_queue_push(&tkp_issue_of(w, slot)->run, slot);
        return;
    }
    slot->state = TKP_SLOT_PAUSE;
    tkp_loop_set_timer(&w->loop, &slot->timer, slot->intended_ns);
}

/* The row is handed over. */
static void recorded(struct tkp_worker *w, struct tkp_slot *slot)
{
    tkp_chunk_times_clear(&slot->reply.times, &w->chunks);
    tkp_row_error_give(&w->errors, &slot->row);
    drop_spill(w, &slot->reply.kept);
    if (slot->more_turns)
        schedule_turn(w, slot);
    else
        end_conversation(w, slot, w->now_ns);
}

static bool put_row(struct tkp_worker *w, struct tkp_slot *slot)
{
    struct tkp_chunk_source source = tkp_chunk_times_source(&slot->reply.times, &w->chunks);
    return tkp_block_put(w->channel, &slot->row, slot->reply.times.count ? &source : NULL,
                         tkp_kept_texts(slot->reply.kept).data, w->now_ns);
}

/* Whether the next turn is to be sent; sets its intended time. */
static bool plan_next_turn(struct tkp_worker *w, struct tkp_slot *slot)
{
    if (slot->row.outcome != TKP_OUTCOME_OK || slot->turn + 1 >= slot->event.turns)
        return false;
    uint64_t delay_ns = tkp_dataset_delay_ns(w->shared->dataset, slot->event.row, slot->turn + 1);
    /* now, not its end: draining a complete answer is no lateness of the next turn */
    slot->intended_ns = slot->ready_ns = tkp_clock_after_ns(w->now_ns, delay_ns);
    return !tkp_issue_is_over(tkp_issue_of(w, slot), slot->intended_ns);
}

static bool keep_answer(struct tkp_worker *w, struct tkp_slot *slot)
{
    struct tkp_answer_end end = {slot->reply.text_end,
                                 slot->reply.text ? slot->reply.text->len : 0};
    return !slot->needs_answers ||
           tkp_spill_append(&w->spills, &slot->history_ends, (const char *)&end, sizeof end);
}

void tkp_conversation_request_ended(struct tkp_worker *w, struct tkp_slot *slot)
{
    struct tkp_row *row = &slot->row;
    drop_spill(w, &slot->live);
    if (row->outcome != TKP_OUTCOME_OK || row->flags & TKP_ROW_TEXT_LOST)
        drop_spill(w, &slot->reply.kept);
    if (slot->raw)
        tkp_raw_end(w, slot);
    row->kept_bytes = tkp_kept_texts(slot->reply.kept).len;
    if (slot->needs_answers)
        row->flags |= TKP_ROW_LIVE_HISTORY;
    slot->more_turns = plan_next_turn(w, slot) && keep_answer(w, slot);
    uint32_t turns_left = slot->event.turns - slot->turn - 1;
    if (!slot->more_turns) {
        row->flags |= TKP_ROW_LAST_TURN;
        tkp_issue_of(w, slot)->unfinished -= turns_left != 0;
    }
    if (tkp_outcome_is_error(row->outcome))
        tkp_gauge_add(&tkp_part_of(w, slot)->unsent_turns, turns_left);
    if (!w->unrecorded.first && put_row(w, slot)) {
        recorded(w, slot);
        return;
    }
    slot->state = TKP_SLOT_UNRECORDED;
    slot->waiting_since_ns = w->now_ns;
    tkp_gauge_add(&tkp_part_of(w, slot)->record_wait_count, 1);
    tkp_slot_queue_push(&w->unrecorded, slot);
}

void tkp_conversation_record_waiting(struct tkp_worker *w)
{
    struct tkp_slot *slot;
    while ((slot = w->unrecorded.first) && put_row(w, slot)) {
        uint64_t waited_ns = w->now_ns - slot->waiting_since_ns;
        tkp_slot_queue_pop(&w->unrecorded);
        tkp_gauge_add(&tkp_part_of(w, slot)->record_waits_ns, waited_ns);
        recorded(w, slot);
    }
}

void tkp_conversation_next_turn(struct tkp_worker *w, struct tkp_slot *slot)
{
    struct tkp_issue *issue = tkp_issue_of(w, slot);
    if (tkp_issue_is_over(issue, w->now_ns)) {
        cut_short(w, slot);
        return;
    }
    issue->unfinished -= slot->turn + 1 == slot->event.turns;
    tkp_request_start(w, slot);
}

void tkp_conversation_timer(struct tkp_worker *w, struct tkp_slot *slot)
{
    if (slot->state == TKP_SLOT_PAUSE) {
        slot->state = TKP_SLOT_NEXT_TURN;
        tkp_slot_queue_push(&tkp_issue_of(w, slot)->run, slot);
    } else if (slot->state == TKP_SLOT_BACKOFF) {
        tkp_start_slot_freed(w, slot, slot->timer.at_ns);
    }
}

void tkp_conversation_cancel(struct tkp_worker *w, struct tkp_slot *slot)
{
    switch ((enum tkp_slot_state)slot->state) {
    case TKP_SLOT_ACTIVE:
        tkp_request_cancel(w, slot);
        break;
    case TKP_SLOT_PAUSE:
        cut_short(w, slot);
        break;
    case TKP_SLOT_BACKOFF:
        tkp_start_slot_freed(w, slot, w->now_ns);
        break;
    case TKP_SLOT_FREE:
    case TKP_SLOT_NEXT_TURN: /* the run queue ends these */
    case TKP_SLOT_NEXT_CONVERSATION:
    case TKP_SLOT_UNRECORDED:
        break;
    }
}
