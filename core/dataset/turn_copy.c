/* SPDX-License-Identifier: Apache-2.0 */
/* Deep copies of turns. */
#include <dataset/turn_copy.h>

#include <stdbool.h>

static bool copy_span(struct tkp_arena *arena, struct tokperf_span *span)
{
    if (span->len == 0) {
        *span = (struct tokperf_span){"", 0};
        return true;
    }
    *span = tkp_arena_span(arena, *span);
    return span->data != NULL;
}

static bool copy_contents(struct tkp_arena *arena, struct tokperf_turn *turn)
{
    const struct tokperf_content *const *from = turn->contents;
    const struct tokperf_content **list =
        tkp_arena_alloc(arena, turn->content_count * sizeof(const struct tokperf_content *));
    struct tokperf_content *copies = tkp_arena_alloc(arena, turn->content_count * sizeof *copies);
    if (list == NULL || copies == NULL)
        return false;
    for (uint32_t i = 0; i < turn->content_count; i++) {
        copies[i] = *from[i];
        copies[i].struct_size = sizeof *copies;
        if (!copy_span(arena, &copies[i].value) || !copy_span(arena, &copies[i].name))
            return false;
        list[i] = &copies[i];
    }
    turn->contents = list;
    return true;
}

static bool copy_extra(struct tkp_arena *arena, struct tokperf_turn *turn)
{
    struct tokperf_member *copies = tkp_arena_alloc(arena, turn->extra_count * sizeof *copies);
    if (copies == NULL)
        return false;
    for (uint32_t i = 0; i < turn->extra_count; i++) {
        copies[i] = turn->extra[i];
        if (!copy_span(arena, &copies[i].key) || !copy_span(arena, &copies[i].json))
            return false;
    }
    turn->extra = copies;
    return true;
}

const struct tokperf_turn *tkp_turn_copy(struct tkp_arena *arena, const struct tokperf_turn *from)
{
    struct tokperf_turn *turn = tkp_arena_alloc(arena, sizeof *turn);
    if (turn == NULL)
        return NULL;
    *turn = *from;
    turn->struct_size = sizeof *turn;
    bool copied = copy_span(arena, &turn->role) && copy_span(arena, &turn->model) &&
                  copy_span(arena, &turn->tools) && copy_span(arena, &turn->tool_calls) &&
                  copy_span(arena, &turn->raw_payload) && copy_contents(arena, turn) &&
                  copy_extra(arena, turn);
    return copied ? turn : NULL;
}
