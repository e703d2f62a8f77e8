/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tokens.tkr, written and read by the means of the record log. Joining keeps the answers' tokens of
 * each conversation that is between two turns: as many as were in flight at once.
 */
#include <record/token_counts.h>

#include <base/error.h>
#include <record/log.h>
#include <record/varint.h>
#include <stdlib.h>
#include <string.h>

enum {
    ENTRY_MAX_BYTES = 2 * TKP_VARINT_MAX_BYTES,
    BLOCK_MAX_ENTRIES = 4096,
    FIRST_SUMS = 64,      /* a power of two */
    MAX_TOKENS = 1 << 30, /* of one answer: far above what its text can have */
    MAX_SUMS = 1 << 24
};

/* What the answers of a conversation so far have, by its draw. */
struct sum {
    uint64_t draw;
    int64_t tokens; /* -1: not known */
    bool taken;
};

struct tkp_token_counts {
    struct tkp_log_reader *reader;
    char *tokenizer;
    struct tkp_cursor in; /* of the current block */
    bool damaged;         /* nothing behind it can be told which row it belongs to */
    struct sum *sums;     /* open addressing, linear */
    uint32_t sum_room, sum_count;
};

/* ---- writing ---- */

static void append_block(struct tkp_log_writer *writer, const struct tkp_token_count *counts,
                         uint32_t count)
{
    unsigned char block[BLOCK_MAX_ENTRIES * ENTRY_MAX_BYTES], *p = block;
    for (uint32_t i = 0; i < count; i++) {
        p = tkp_varint_put(p, tkp_zigzag((uint64_t)counts[i].output));
        p = tkp_varint_put(p, tkp_zigzag((uint64_t)counts[i].reasoning));
    }
    tkp_log_append(writer, TKP_LOG_TOKENS, block, (uint32_t)(p - block));
}

void tkp_token_counts_append(struct tkp_log_writer *writer, const struct tkp_token_count *counts,
                             uint32_t count)
{
    for (uint32_t done = 0; done < count; done += BLOCK_MAX_ENTRIES) {
        uint32_t more = count - done < BLOCK_MAX_ENTRIES ? count - done : BLOCK_MAX_ENTRIES;
        append_block(writer, counts + done, more);
    }
}

/* ---- reading ---- */

tokperf_status tkp_token_counts_open(const char *path, struct tkp_token_counts **counts,
                                     struct tokperf_error *error)
{
    struct tkp_log_entry entry;
    struct tkp_token_counts *c = calloc(1, sizeof *c);
    *counts = NULL;
    if (!c)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for token counts");
    tokperf_status status = tkp_log_open(path, &c->reader, error);
    if (status == TOKPERF_OK)
        status = tkp_log_next(c->reader, &entry, error);
    if (status == TOKPERF_OK && entry.kind != TKP_LOG_RUN)
        status =
            tkp_fail(error, TOKPERF_E_PARSE, "'%s' does not begin with the tokenizer's name", path);
    if (status == TOKPERF_OK) {
        c->tokenizer = strndup(entry.payload.data, entry.payload.len);
        if (!c->tokenizer)
            status = tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for token counts");
    }
    if (status != TOKPERF_OK) {
        tkp_token_counts_close(c);
        return status;
    }
    *counts = c;
    return TOKPERF_OK;
}

void tkp_token_counts_close(struct tkp_token_counts *counts)
{
    if (!counts)
        return;
    tkp_log_reader_close(counts->reader);
    free(counts->tokenizer);
    free(counts->sums);
    free(counts);
}

void tkp_token_counts_rewind(struct tkp_token_counts *counts)
{
    tkp_log_rewind(counts->reader);
    counts->in = (struct tkp_cursor){0};
    counts->damaged = false;
    if (counts->sums)
        memset(counts->sums, 0, counts->sum_room * sizeof *counts->sums);
    counts->sum_count = 0;
}

const char *tkp_token_counts_tokenizer(const struct tkp_token_counts *counts)
{
    return counts->tokenizer;
}

bool tkp_token_counts_next(struct tkp_token_counts *counts, struct tkp_token_count *count)
{
    struct tkp_log_entry entry;
    struct tkp_cursor *in = &counts->in;
    if (counts->damaged)
        return false;
    while (in->at == in->end) {
        if (tkp_log_next(counts->reader, &entry, NULL) != TOKPERF_OK)
            return false;
        const unsigned char *data = (const unsigned char *)entry.payload.data;
        if (entry.kind == TKP_LOG_TOKENS)
            *in = (struct tkp_cursor){data, data + entry.payload.len, false};
    }
    count->output = (int64_t)tkp_zigzag_undo(tkp_varint_get(in));
    count->reasoning = (int64_t)tkp_zigzag_undo(tkp_varint_get(in));
    bool possible = count->output >= -1 && count->output <= MAX_TOKENS && count->reasoning >= -1 &&
                    count->reasoning <= MAX_TOKENS;
    counts->damaged = in->bad || !possible;
    return !counts->damaged;
}

/* ---- joining ---- */

/* The place of a draw, or the free one where it belongs. */
static struct sum *find_sum(struct sum *sums, uint32_t room, uint64_t draw)
{
    uint64_t at = draw * UINT64_C(0x9e3779b97f4a7c15) >> 32;
    for (;; at++) {
        struct sum *sum = &sums[at & (room - 1)];
        if (!sum->taken || sum->draw == draw)
            return sum;
    }
}

static bool grow(struct tkp_token_counts *c)
{
    uint32_t room = c->sum_room ? c->sum_room * 2 : FIRST_SUMS;
    struct sum *sums = room <= MAX_SUMS ? calloc(room, sizeof *sums) : NULL;
    if (!sums)
        return false;
    for (uint32_t i = 0; i < c->sum_room; i++)
        if (c->sums[i].taken)
            *find_sum(sums, room, c->sums[i].draw) = c->sums[i];
    free(c->sums);
    c->sums = sums;
    c->sum_room = room;
    return true;
}

/* Takes a sum out; those behind it move up to where they are found. */
static void drop_sum(struct tkp_token_counts *c, struct sum *sum)
{
    uint32_t at = (uint32_t)(sum - c->sums);
    c->sums[at].taken = false;
    c->sum_count--;
    for (at = (at + 1) & (c->sum_room - 1); c->sums[at].taken; at = (at + 1) & (c->sum_room - 1)) {
        struct sum moved = c->sums[at];
        c->sums[at].taken = false;
        *find_sum(c->sums, c->sum_room, moved.draw) = moved;
    }
}

/* The tokens of the conversation's answers before this row; adds its own for the rows to come. */
static int64_t answers_before(struct tkp_token_counts *c, const struct tkp_row *row)
{
    if (2 * c->sum_count >= c->sum_room && !grow(c))
        return -1;
    struct sum *sum = find_sum(c->sums, c->sum_room, row->draw);
    int64_t before = sum->taken ? sum->tokens : row->turn_index ? -1 : 0;
    if (!sum->taken) {
        *sum = (struct sum){row->draw, 0, true};
        c->sum_count++;
    }
    sum->tokens = before < 0 || row->counted_output < 0 ? -1 : before + row->counted_output;
    if (row->flags & TKP_ROW_LAST_TURN)
        drop_sum(c, sum);
    return before;
}

void tkp_token_counts_join(struct tkp_token_counts *counts, struct tkp_row *row)
{
    struct tkp_token_count count;
    if (tkp_token_counts_next(counts, &count)) {
        row->counted_output = count.output;
        row->counted_reasoning = count.reasoning;
    } else if (row->kept_bytes) {
        row->counted_output = TKP_ROW_COUNT_PENDING;
    }
    if (!(row->flags & TKP_ROW_LIVE_HISTORY) || row->counted_input < 0)
        return;
    int64_t before = answers_before(counts, row);
    row->counted_input = before < 0 ? -1 : row->counted_input + before;
}
