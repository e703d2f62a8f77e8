/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One response, played. Each event is copied to end right before a protected page, so that a plugin
 * which reads past the end of what it was given crashes here and not at a user's.
 */
#include <cli/plugins_check_replay.h>

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <worker/event_stream.h>
#include <worker/lines.h>

enum { EVENT_CAPACITY = 4 * 1024 * 1024, POOL_BYTES = 64 * 1024 * 1024 };

/* len bytes, zeroed, that end where a page begins which nobody may touch. */
static char *guarded(struct tkp_check_player *player, size_t part, uint64_t len)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t data = (size_t)((len + page - 1) / page) * page;
    char *map = mmap(NULL, data + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        return NULL;
    player->maps[part] = map;
    player->map_bytes[part] = data + page;
    if (mprotect(map + data, page, PROT_NONE) != 0)
        return NULL;
    return map + data - len;
}

/* Memory for a struct of the plugin's: aligned to 16, which the SDK promises, and to no more, so
 * that a plugin that needs more is seen here. */
static char *guarded_struct(struct tkp_check_player *player, size_t part, uint64_t len)
{
    uint64_t aligned = len / 32 * 32 + 16;
    return guarded(player, part, aligned < len ? aligned + 32 : aligned);
}

bool tkp_check_player_init(struct tkp_check_player *player,
                           const struct tokperf_endpoint_vtable *vtable, const void *self)
{
    *player = (struct tkp_check_player){.vtable = vtable, .self = self};
    player->event_capacity = EVENT_CAPACITY;
    player->state = guarded_struct(player, 0, vtable->state_bytes);
    player->scratch = guarded_struct(player, 1, vtable->scratch_bytes);
    player->event = guarded(player, 2, EVENT_CAPACITY);
    return player->state != NULL && player->scratch != NULL && player->event != NULL;
}

void tkp_check_player_finish(struct tkp_check_player *player)
{
    for (size_t i = 0; i < 3; i++)
        if (player->maps[i] != NULL)
            (void)munmap(player->maps[i], player->map_bytes[i]);
}

struct play {
    struct tkp_check_player *player;
    const struct tkp_check_response *response;
    struct tkp_check_emissions *emissions;
    bool ended; /* event() said parse error: the rest is dropped */
    const char *wrong;
};

/* unfinished: the bytes ended before the event did. That it cannot be parsed then says no more than
 * that, and finish() decides, as on a worker. */
static void give_event(struct play *p, struct tokperf_span data, struct tokperf_span name,
                       bool unfinished)
{
    struct tkp_check_player *player = p->player;
    struct tokperf_error error = {0};
    if (p->ended || p->wrong != NULL || p->emissions->completed)
        return; /* what comes behind an answer that is complete is dropped */
    if (data.len > player->event_capacity) {
        p->wrong = "an event is longer than this check can hold (4 MiB)";
        return;
    }
    char *at = player->event + player->event_capacity - data.len;
    if (data.len > 0)
        memcpy(at, data.data, data.len);
    const struct tokperf_event event = {sizeof event, p->response->framing, {at, data.len}, name};
    tokperf_status status = player->vtable->event(player->self, player->state, player->scratch,
                                                  &event, &p->emissions->emit, &error);
    error.message[sizeof error.message - 1] = '\0';
    if (status == TOKPERF_E_PARSE && unfinished)
        return;
    if (status == TOKPERF_E_PARSE) {
        tkp_check_emissions_parse_error(p->emissions, error.message);
        p->ended = true;
    } else if (status != TOKPERF_OK) {
        p->wrong = "event() returned a status other than TOKPERF_OK and TOKPERF_E_PARSE";
    }
}

/* Pieces, one after the other; copied, because the framer may write into them. */
struct framer {
    struct tkp_spill_pool pool;
    struct tkp_event_stream stream;
    struct tkp_lines lines;
    struct tkp_spill *whole;
};

static void piece_of_stream(struct play *p, struct framer *f, char *at, char *end)
{
    struct tkp_stream_event event;
    enum tkp_event_step step;
    while ((step = tkp_event_stream_next(&f->stream, &at, end, &event)) == TKP_EVENT_READY)
        give_event(p, event.data, event.name, false);
    if (step != TKP_EVENT_MORE)
        p->wrong = "the event stream has an event that is too long";
}

static void piece_of_lines(struct play *p, struct framer *f, char *at, char *end)
{
    struct tokperf_span line;
    enum tkp_event_step step;
    while ((step = tkp_lines_next(&f->lines, &at, end, &line)) == TKP_EVENT_READY)
        give_event(p, line, (struct tokperf_span){NULL, 0}, false);
    if (step != TKP_EVENT_MORE)
        p->wrong = "the response has a line that is too long";
}

static void piece(struct play *p, struct framer *f, char *at, size_t len)
{
    if (p->response->framing == TOKPERF_FRAMING_SSE)
        piece_of_stream(p, f, at, at + len);
    else if (p->response->framing == TOKPERF_FRAMING_NDJSON)
        piece_of_lines(p, f, at, at + len);
    else if (p->response->framing == TOKPERF_FRAMING_BYTES)
        give_event(p, (struct tokperf_span){at, len}, (struct tokperf_span){NULL, 0}, false);
    else if (!tkp_spill_append(&f->pool, &f->whole, at, len))
        p->wrong = "the response is too long";
}

static void last_piece(struct play *p, struct framer *f)
{
    const struct tokperf_span none = {NULL, 0};
    bool is_cut = p->response->end == TOKPERF_END_CUT;
    struct tkp_stream_event event;
    struct tokperf_span line;
    if (p->response->framing == TOKPERF_FRAMING_SSE) {
        if (tkp_event_stream_last(&f->stream, &event) == TKP_EVENT_READY)
            give_event(p, event.data, event.name, true);
    } else if (p->response->framing == TOKPERF_FRAMING_NDJSON) {
        if (tkp_lines_last(&f->lines, &line) == TKP_EVENT_READY)
            give_event(p, line, none, is_cut);
    } else if (p->response->framing == TOKPERF_FRAMING_WHOLE && f->whole != NULL) {
        give_event(p, (struct tokperf_span){f->whole->data, f->whole->len}, none, is_cut);
    }
}

static void play_pieces(struct play *p, struct framer *f, char *copy)
{
    const struct tkp_check_response *r = p->response;
    if (r->by_byte) {
        for (uint64_t i = 0; i < r->bytes.len; i++)
            piece(p, f, copy + i, 1);
    } else if (r->first_bytes > 0 && r->first_bytes < r->bytes.len) {
        piece(p, f, copy, r->first_bytes);
        piece(p, f, copy + r->first_bytes, r->bytes.len - r->first_bytes);
    } else if (r->bytes.len > 0) {
        piece(p, f, copy, r->bytes.len);
    }
    last_piece(p, f);
}

/* One body and the verdict on it. */
static uint32_t play_body(struct play *p)
{
    struct tkp_check_player *player = p->player;
    struct framer f = {0};
    struct tkp_buffer copy;
    uint32_t verdict = 0;
    tkp_buffer_init(&copy, POOL_BYTES);
    tkp_buffer_append(&copy, p->response->bytes.data, p->response->bytes.len);
    tkp_spill_pool_init(&f.pool, POOL_BYTES);
    tkp_event_stream_begin(&f.stream, &f.pool);
    tkp_lines_begin(&f.lines, &f.pool);
    if (copy.failed)
        p->wrong = "the response is too long";
    else
        play_pieces(p, &f, copy.data);
    if (!p->ended && p->wrong == NULL) {
        verdict = player->vtable->finish(
            player->self, player->state, player->scratch,
            p->emissions->completed ? TOKPERF_END_COMPLETE : p->response->end, &p->emissions->emit);
        tkp_check_emissions_verdict(p->emissions, verdict);
    }
    tkp_event_stream_finish(&f.stream);
    tkp_lines_finish(&f.lines);
    tkp_spill_give(&f.pool, f.whole);
    tkp_spill_pool_finish(&f.pool);
    tkp_buffer_finish(&copy);
    return verdict;
}

const char *tkp_check_play(struct tkp_check_player *player,
                           const struct tkp_check_response *response,
                           struct tkp_check_emissions *emissions)
{
    struct play p = {player, response, emissions, false, NULL};
    tkp_check_emissions_clear(emissions);
    memset(player->state, 0, player->vtable->state_bytes);
    player->vtable->begin(player->self, player->state, response->framing);
    uint32_t verdict = play_body(&p);
    for (uint32_t i = 0;
         verdict == TOKPERF_VERDICT_FOLLOW_UP && i < response->follow_up_count && p.wrong == NULL;
         i++) {
        const struct tkp_check_response next = {.bytes = response->follow_ups[i],
                                                .framing = response->follow_framing,
                                                .end = TOKPERF_END_COMPLETE};
        p.response = &next;
        verdict = play_body(&p);
    }
    return p.wrong != NULL ? p.wrong : emissions->broken_rule;
}
