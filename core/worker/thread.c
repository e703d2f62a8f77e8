/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's thread: its loop, and what it owns from start to stop. */
#include <worker/thread.h>

#include <base/error.h>
#include <base/thread.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <worker/conversation.h>
#include <worker/curl_transport.h>
#include <worker/request.h>

/* Of all buffers for bytes that outlive a read: a stated bound, far above what answers need. */
#define MAX_SPILL_BYTES ((size_t)4 << 30)

/* A due send is waited for without sleeping for its last stretch: what a sleep is late by at the
 * 99th percentile. */
#define SPIN_NS (50 * TKP_NS_PER_US)
/* Of that, without looking at events for the last: about what the look takes at its longest. */
#define CLOCK_ONLY_NS (1 * TKP_NS_PER_US)

/* Turns that are due at once are sent in parts, so that answers are read in between. */
enum {
    TURNS_A_LOOK = 16, /* at events */
    TURNS_AN_EVENT = 2
};

_Static_assert((size_t)TKP_WORKER_READ_BYTES >= (size_t)TKP_TLS_PLAIN_BYTES,
               "a read of TLS fits the buffer of reads");

static struct tkp_slot *slot_of(struct tkp_timer *timer)
{
    return (struct tkp_slot *)(void *)timer; /* its first member */
}

/* Whether a timer stands for the next turn of a conversation, and not for a deadline. */
static bool is_turn(struct tkp_timer *timer)
{
    return slot_of(timer)->state == TKP_SLOT_PAUSE;
}

/* A deadline has passed when nothing came until then. After the process has stood still, what came
 * meanwhile is not seen yet: the clock alone does not tell. */
static struct tkp_timer *take_due(struct tkp_worker *w)
{
    struct tkp_timer *timer = tkp_loop_next_timer(&w->loop);
    if (timer && !is_turn(timer) && timer->at_ns > w->looked_ns)
        return NULL;
    return tkp_loop_take_due(&w->loop, w->now_ns);
}

static void run_timers(struct tkp_worker *w)
{
    struct tkp_timer *timer;
    int turns = 0;
    while (turns < TURNS_A_LOOK && (timer = take_due(w))) {
        struct tkp_slot *slot = slot_of(timer);
        turns += is_turn(timer);
        if (slot->state == TKP_SLOT_ACTIVE)
            tkp_request_timer(w, slot);
        else
            tkp_conversation_timer(w, slot);
        tkp_issue_after_event(w);
    }
}

/* Begins a phase that main has published. */
static void look_at_main(struct tkp_worker *w)
{
    if (!tkp_flag_is_raised(&w->begin))
        return;
    tkp_flag_lower(&w->begin);
    tkp_issue_begin_phase(w, w->next_phase);
}

/* Turns whose time came while events were handled are sent between two events. Deadlines wait for
 * the last of the events, which may keep them. */
static void run_due_turns(struct tkp_worker *w)
{
    struct tkp_timer *timer;
    for (int turns = 0; turns < TURNS_AN_EVENT && (timer = tkp_loop_next_timer(&w->loop)) &&
                        timer->at_ns <= w->now_ns && is_turn(timer);
         turns++) {
        tkp_conversation_timer(w, slot_of(tkp_loop_take_due(&w->loop, w->now_ns)));
        tkp_issue_after_event(w);
    }
}

/* What a server said on connections between two requests comes first: an answer that stands before
 * it in the batch frees a slot, whose next request would go out on one that the server has closed,
 * or take for its answer what lies there. */
static void look_at_unused(struct tkp_worker *w, int count)
{
    for (int i = 0; i < count; i++) {
        struct tkp_connection *connection = w->loop.events[i].data.ptr;
        if (connection &&
            (connection->state == TKP_CONNECTION_IDLE || connection->state == TKP_CONNECTION_KEPT))
            tkp_request_ready(w, connection, w->loop.events[i].events);
    }
}

/* Returns whether the worker was woken. */
static bool handle_events(struct tkp_worker *w, int count)
{
    bool woken = false;
    if (count > 1)
        look_at_unused(w, count);
    for (int i = 0; i < count; i++) {
        struct tkp_connection *connection = w->loop.events[i].data.ptr;
        if (!connection) {
            woken = true;
            continue;
        }
        tkp_request_ready(w, connection, w->loop.events[i].events);
        tkp_issue_after_event(w);
        run_due_turns(w);
    }
    return woken;
}

static uint64_t next_wake_ns(struct tkp_worker *w)
{
    uint64_t at_ns = tkp_loop_next_timer_ns(&w->loop);
    uint64_t issue_ns = tkp_issue_next_ns(w);
    uint64_t flush_ns = tkp_block_flush(w->channel, w->now_ns, false);
    if (issue_ns < at_ns)
        at_ns = issue_ns;
    uint64_t curl_ns = w->curl ? tkp_curl_next_ns(w->curl) : TKP_NEVER_NS;
    if (curl_ns < at_ns)
        at_ns = curl_ns;
    return flush_ns < at_ns ? flush_ns : at_ns;
}

/* ---- waiting ---- */

/* When the next request is to be sent, as far as its time is known: the schedule's, or the turn of
 * a conversation. */
static uint64_t next_send_ns(const struct tkp_worker *w)
{
    uint64_t at_ns = tkp_issue_next_send_ns(w);
    struct tkp_timer *timer = tkp_loop_next_timer(&w->loop);
    return timer && timer->at_ns < at_ns && is_turn(timer) ? timer->at_ns : at_ns;
}

/* Looks at events and clock until one of them has something. */
static int spin(struct tkp_worker *w, uint64_t deadline_ns)
{
    uint64_t begin_ns = w->now_ns;
    int count = 0;
    while (!count && w->now_ns < deadline_ns) {
        if (deadline_ns - w->now_ns > CLOCK_ONLY_NS)
            count = tkp_loop_wait(&w->loop, w->now_ns, w->now_ns);
        w->now_ns = tkp_clock_now_ns();
    }
    tkp_gauge_add(&w->stats.spun_ns, w->now_ns - begin_ns);
    return count;
}

/* Waits for events or until something is due. */
static int wait(struct tkp_worker *w)
{
    uint64_t deadline_ns = next_wake_ns(w);
    uint64_t send_ns = w->shared->spins ? next_send_ns(w) : TKP_NEVER_NS;
    uint64_t spin_from_ns = send_ns == TKP_NEVER_NS ? TKP_NEVER_NS : send_ns - SPIN_NS;
    if (spin_from_ns <= w->now_ns && deadline_ns > w->now_ns)
        return spin(w, deadline_ns);
    if (spin_from_ns < deadline_ns && spin_from_ns > w->now_ns)
        deadline_ns = spin_from_ns;
    return tkp_loop_wait(&w->loop, w->now_ns, deadline_ns);
}

/* Of the loop, from wait to wait: of each phase that is there. */
static void note_turn(struct tkp_worker *w, uint64_t turn_ns)
{
    (void)tkp_histogram_count(&w->issue->turns_ns, turn_ns); /* for its quantile */
    if (w->older)
        (void)tkp_histogram_count(&w->older->turns_ns, turn_ns);
}

static void *run(void *context)
{
    struct tkp_worker *w = context;
    bool woken = true;
    prctl(PR_SET_NAME, "tokperf-worker");
    prctl(PR_SET_TIMERSLACK, 1UL); /* ns: the default of 50 us would add to every send */
    uint64_t turn_ns = w->now_ns = tkp_clock_now_ns();
    while (!tkp_flag_is_raised(&w->quit)) {
        if (woken)
            look_at_main(w);
        run_timers(w);
        if (w->curl)
            tkp_curl_run_timers(w);
        tkp_issue_step(w, woken);
        tkp_connections_recycle(&w->connections);
        if (w->curl)
            tkp_curl_recycle(w->curl);
        w->now_ns = tkp_clock_now_ns();
        note_turn(w, w->now_ns - turn_ns);
        w->looked_ns = w->now_ns;
        int count = wait(w);
        turn_ns = w->now_ns = tkp_clock_now_ns();
        tkp_arrivals_look(&w->arrivals, w->now_ns);
        woken = handle_events(w, count);
    }
    return NULL;
}

tokperf_status tkp_worker_start(struct tkp_worker *w, struct tokperf_error *error)
{
    if (tkp_thread_create_quiet(&w->thread, run, w) != 0)
        return tkp_fail(error, TOKPERF_E_IO,
                        "cannot start worker thread %u; lower --workers-max or raise the limit of "
                        "processes (ulimit -u)",
                        w->index);
    w->has_thread = true;
    if (w->shared->cpus)
        tkp_thread_pin(w->thread, w->shared->cpus[w->index]);
    return TOKPERF_OK;
}

void tkp_worker_stop(struct tkp_worker *w)
{
    if (!w->has_thread)
        return;
    tkp_flag_raise(&w->quit);
    tkp_loop_wake(&w->loop);
    pthread_join(w->thread, NULL);
    w->has_thread = false;
}

static tokperf_status init_plugin(struct tkp_worker *w, struct tokperf_error *error)
{
    const struct tkp_instance *endpoint = w->shared->endpoint;
    const struct tokperf_endpoint_vtable *vtable = endpoint->vtable;
    tokperf_status status = vtable->describe(endpoint->self, &w->endpoint, error);
    if (status != TOKPERF_OK)
        return status;
    w->scratch = calloc(1, vtable->scratch_bytes ? vtable->scratch_bytes : 1);
    if (!w->scratch)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for a worker's plugin scratch");
    tkp_reply_context_init(&w->reply, endpoint, w->scratch, &w->spills, &w->chunks);
    w->reply.announcer = &w->announcer;
    w->reply.logs_text =
        w->shared->plan->tokenizer && w->endpoint.flags & TOKPERF_ENDPOINT_PRODUCES_TOKENS;
    w->keeps_raw = w->shared->plan->export_level == TKP_EXPORT_RAW;
    tkp_slot_pool_init(&w->slots, &w->loop, vtable->state_bytes);
    return TOKPERF_OK;
}

tokperf_status tkp_worker_init(struct tkp_worker *w, struct tokperf_error *error)
{
    const struct tkp_plan *plan = w->shared->plan;
    tkp_spill_pool_init(&w->spills, MAX_SPILL_BYTES);
    tkp_chunk_pool_init(&w->chunks);
    tkp_row_error_pool_init(&w->errors);
    tkp_issue_init(w);
    tkp_arrivals_init(&w->arrivals, w->shared->kernel_clock, &w->stats.clock_steps);
    tokperf_status status = tkp_loop_init(&w->loop, error);
    if (status == TOKPERF_OK)
        status = init_plugin(w, error);
    if (status != TOKPERF_OK)
        return status;
    bool streaming = plan->streaming && w->endpoint.flags & TOKPERF_ENDPOINT_STREAMS;
    status =
        tkp_message_init(&w->message, w->shared,
                         streaming ? w->endpoint.stream_framing : w->endpoint.whole_framing, error);
    if (status != TOKPERF_OK)
        return status;
    w->read_buffer = malloc(TKP_WORKER_READ_BYTES);
    w->renderer = tkp_renderer_create(w->shared->dataset);
    if (!w->read_buffer || !w->renderer ||
        !tkp_connections_init(&w->connections, &w->loop, w->shared->targets, plan->url_count))
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for worker %u", w->index);
    if (w->shared->tls) {
        w->tls = tkp_tls_worker_create(w->shared->tls, plan->url_count, w->shared->kernel_clock,
                                       &w->spills);
        if (!w->tls)
            return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for TLS of worker %u", w->index);
    }
    w->connections.stamps = w->shared->kernel_clock;
    w->connections.keepalive_s = (uint32_t)(plan->tcp_keepalive_ns / TKP_NS_PER_S);
    w->connections.user_timeout_ms = (uint32_t)(plan->tcp_user_timeout_ns / TKP_NS_PER_MS);
    tkp_connections_set_sources(&w->connections, plan->sources, plan->source_count, w->index);
    return plan->uses_curl ? tkp_curl_create(w, &w->curl, error) : TOKPERF_OK;
}

/* What a conversation that was in flight still holds. */
static void let_go(struct tkp_worker *w, struct tkp_slot *slot)
{
    if (slot->transfer)
        tkp_curl_end(w, slot);
    tkp_http_response_finish(&slot->http);
    tkp_reply_finish(&w->reply, &slot->reply);
    tkp_spill_give(&w->spills, slot->reply.text);
    tkp_spill_give(&w->spills, slot->reply.kept);
    tkp_spill_give(&w->spills, slot->follow_up);
    tkp_raw_give(w, slot->raw);
    tkp_spill_give(&w->spills, slot->history_ends);
    tkp_spill_give(&w->spills, slot->live);
}

void tkp_worker_finish(struct tkp_worker *w)
{
    struct tkp_slot *slot;
    for (uint32_t i = 0; (slot = tkp_slot_pool_at(&w->slots, i)); i++)
        if (slot->state != TKP_SLOT_FREE)
            let_go(w, slot);
    tkp_curl_destroy(w->curl);
    tkp_slot_pool_finish(&w->slots);
    tkp_raw_pool_finish(&w->raws);
    tkp_connections_finish(&w->connections);
    tkp_tls_worker_destroy(w->tls);
    tkp_renderer_destroy(w->renderer);
    tkp_message_finish(&w->message);
    tkp_spill_pool_finish(&w->spills);
    tkp_chunk_pool_finish(&w->chunks);
    tkp_row_error_pool_finish(&w->errors);
    tkp_issue_finish(w);
    free(w->read_buffer);
    free(w->scratch);
    tkp_loop_finish(&w->loop);
}
