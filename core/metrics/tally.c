/* SPDX-License-Identifier: Apache-2.0 */
/* Counts by name. One thread. */
#include <metrics/tally.h>

#include <base/text.h>

#include <stdlib.h>
#include <string.h>

enum { CANCELLED_CODE = 499 }; /* AIPerf's, from nginx: the client closed the request */
static const char other_messages[] = "(other messages)";

static int32_t code_of(const struct tkp_row *row)
{
    if (row->outcome == TKP_OUTCOME_CANCELLED)
        return CANCELLED_CODE;
    return row->outcome == TKP_OUTCOME_HTTP_ERROR ? row->http_status : 0;
}

static void count_error(struct tkp_tally *tally, const struct tkp_row *row, int32_t code,
                        const char *message, uint32_t room)
{
    struct tkp_tally_error *e = tally->errors, *end = e + tally->error_count;
    while (e < end &&
           (e->outcome != row->outcome || e->code != code || strcmp(e->message, message) != 0))
        e++;
    if (e < end) {
        e->count++;
    } else if (tally->error_count < room) {
        *e = (struct tkp_tally_error){.count = 1, .outcome = row->outcome, .code = code};
        tkp_text_copy(e->message, sizeof e->message, tkp_span(message));
        tally->error_count++;
    } else {
        /* One group per outcome is left for these. */
        count_error(tally, row, 0, other_messages, TKP_TALLY_ERRORS + TKP_OUTCOME_COUNT);
    }
}

static void count_finish(struct tkp_tally *tally, const char *name, uint32_t room)
{
    struct tkp_tally_finish *f = tally->finishes, *end = f + tally->finish_count;
    while (f < end && strcmp(f->name, name) != 0)
        f++;
    if (f < end) {
        f->count++;
    } else if (tally->finish_count < room) {
        *f = (struct tkp_tally_finish){.count = 1};
        tkp_text_copy(f->name, sizeof f->name, tkp_span(name));
        tally->finish_count++;
    } else {
        count_finish(tally, "(other)", TKP_TALLY_FINISHES + 1);
    }
}

void tkp_tally_row(struct tkp_tally *tally, const struct tkp_row *row)
{
    if (row->outcome == TKP_OUTCOME_OK)
        count_finish(tally, row->finish_reason[0] ? row->finish_reason : "(none)",
                     TKP_TALLY_FINISHES);
    else if (row->outcome != TKP_OUTCOME_NONE)
        count_error(tally, row, code_of(row), tkp_row_error_message(row), TKP_TALLY_ERRORS);
}

static int compare_errors(const void *a, const void *b)
{
    const struct tokperf_error_count *const *x = a, *const *y = b;
    return ((*x)->count < (*y)->count) - ((*x)->count > (*y)->count);
}

static int compare_finishes(const void *a, const void *b)
{
    const struct tokperf_count *const *x = a, *const *y = b;
    return ((*x)->count < (*y)->count) - ((*x)->count > (*y)->count);
}

static bool list_errors(const struct tkp_tally *tally, struct tkp_arena *arena,
                        struct tokperf_phase *result)
{
    const struct tokperf_error_count **list =
        tkp_arena_alloc(arena, tally->error_count * sizeof(void *));
    struct tokperf_error_count *groups =
        tkp_arena_alloc(arena, tally->error_count * sizeof *groups);
    if (!list || !groups)
        return false;
    for (uint32_t i = 0; i < tally->error_count; i++) {
        const struct tkp_tally_error *e = &tally->errors[i];
        groups[i] = (struct tokperf_error_count){
            .struct_size = sizeof groups[i],
            .code = e->code,
            .count = e->count,
            .type = tkp_span(tkp_outcome_name((enum tkp_outcome)e->outcome)),
            .message = tkp_arena_span(arena, tkp_span(e->message)),
        };
        if (!groups[i].message.data)
            return false;
        list[i] = &groups[i];
    }
    qsort(list, tally->error_count, sizeof(void *), compare_errors);
    result->error_count = tally->error_count;
    result->errors = list;
    return true;
}

bool tkp_tally_result(const struct tkp_tally *tally, struct tkp_arena *arena,
                      struct tokperf_phase *result)
{
    const struct tokperf_count **list =
        tkp_arena_alloc(arena, tally->finish_count * sizeof(void *));
    struct tokperf_count *counts = tkp_arena_alloc(arena, tally->finish_count * sizeof *counts);
    if (!list || !counts)
        return false;
    for (uint32_t i = 0; i < tally->finish_count; i++) {
        const struct tkp_tally_finish *f = &tally->finishes[i];
        counts[i] = (struct tokperf_count){
            .struct_size = sizeof counts[i],
            .count = f->count,
            .name = tkp_arena_span(arena, tkp_span(f->name)),
        };
        if (!counts[i].name.data)
            return false;
        list[i] = &counts[i];
    }
    qsort(list, tally->finish_count, sizeof(void *), compare_finishes);
    result->finish_reason_count = tally->finish_count;
    result->finish_reasons = list;
    return list_errors(tally, arena, result);
}
