/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the request of one turn: the conversation so far, recorded and live answers in their
 * places, the extra members merged, and the endpoint plugin's format(). Used on the main thread
 * while the dataset is prepared, and by each worker for turns that need live answers. All arrays
 * have the size of the largest conversation from the start; the buffers grow to the largest request
 * and stay.
 */
#include <dataset/renderer.h>

#include <base/error.h>
#include <base/text.h>
#include <dataset/rendering.h>
#include <inttypes.h>
#include <stdlib.h>

struct tkp_renderer {
    const struct tkp_dataset *dataset;
    struct tkp_rendering rendering;
    const struct tokperf_turn **turns; /* the conversation so far */
    uint32_t turn_count;
    struct tokperf_turn *answers; /* live ones, one content each */
    struct tokperf_content *contents;
    const struct tokperf_content **content_list;
    uint32_t answer_count;
    struct tokperf_member *extra;
};

struct tkp_renderer *tkp_renderer_create(const struct tkp_dataset *dataset)
{
    struct tkp_renderer *renderer = calloc(1, sizeof *renderer);
    if (renderer == NULL)
        return NULL;
    size_t turns = dataset->store.max_total_count;
    size_t extra = (size_t)dataset->plan->extra_count + dataset->store.max_extra_count;
    renderer->dataset = dataset;
    tkp_rendering_init(&renderer->rendering);
    renderer->turns = calloc(2 * turns, sizeof(const struct tokperf_turn *));
    renderer->answers = calloc(turns, sizeof *renderer->answers);
    renderer->contents = calloc(turns, sizeof *renderer->contents);
    renderer->content_list = calloc(turns, sizeof(const struct tokperf_content *));
    renderer->extra = calloc(extra + 1, sizeof *renderer->extra);
    if (renderer->turns == NULL || renderer->answers == NULL || renderer->contents == NULL ||
        renderer->content_list == NULL || renderer->extra == NULL) {
        tkp_renderer_destroy(renderer);
        return NULL;
    }
    return renderer;
}

void tkp_renderer_destroy(struct tkp_renderer *renderer)
{
    if (renderer == NULL)
        return;
    tkp_rendering_finish(&renderer->rendering);
    free(renderer->turns);
    free(renderer->answers);
    free(renderer->contents);
    free(renderer->content_list);
    free(renderer->extra);
    free(renderer);
}

static void add_answer(struct tkp_renderer *renderer, const struct tkp_answer *answer)
{
    uint32_t i = renderer->answer_count++;
    bool has_text = answer->text.len > 0 || answer->tool_calls.len == 0;
    renderer->contents[i] = (struct tokperf_content){.struct_size = sizeof *renderer->contents,
                                                     .input = TOKPERF_INPUT_TEXT,
                                                     .value = answer->text};
    renderer->content_list[i] = &renderer->contents[i];
    renderer->answers[i] = (struct tokperf_turn){
        .struct_size = sizeof *renderer->answers,
        .content_count = has_text ? 1 : 0,
        .contents = &renderer->content_list[i],
        .role = TOKPERF_SPAN("assistant"),
        .tool_calls = answer->tool_calls,
        .max_tokens = -1,
        .input_tokens = -1,
        .delay_ns = -1,
        .is_answer = 1,
    };
    renderer->turns[renderer->turn_count++] = &renderer->answers[i];
}

/* Fills renderer->turns with the conversation up to the turn at `position`. */
static void collect_turns(struct tkp_renderer *renderer, const struct tkp_stored_turn *turns,
                          uint32_t position, const struct tkp_answer *answers,
                          uint32_t answer_count)
{
    uint32_t sent = 0;
    renderer->turn_count = 0;
    renderer->answer_count = 0;
    for (uint32_t i = 0; i < position; i++) {
        renderer->turns[renderer->turn_count++] = turns[i].turn;
        if (turns[i].turn->is_answer)
            continue;
        if (!turns[i].has_answer && sent < answer_count)
            add_answer(renderer, &answers[sent]);
        sent++;
    }
    renderer->turns[renderer->turn_count++] = turns[position].turn;
}

/* The row's members win over --extra-inputs. Returns how many there are. */
static uint32_t merge_extra(struct tkp_renderer *renderer, const struct tokperf_turn *turn)
{
    const struct tkp_plan *plan = renderer->dataset->plan;
    uint32_t count = 0;
    for (uint32_t i = 0; i < plan->extra_count; i++) {
        uint32_t k = 0;
        while (k < turn->extra_count && !tkp_span_equal(plan->extra[i].key, turn->extra[k].key))
            k++;
        if (k == turn->extra_count)
            renderer->extra[count++] = plan->extra[i];
    }
    for (uint32_t i = 0; i < turn->extra_count; i++)
        renderer->extra[count++] = turn->extra[i];
    return count;
}

/* A marker that was asked for and is not there would leave the server's cache in play. */
static tokperf_status check_salt(const struct tkp_renderer *renderer,
                                 const struct tkp_rendered *rendered, struct tokperf_error *error)
{
    const uint32_t wanted = TOKPERF_REQUEST_SALT_PREFIX | TOKPERF_REQUEST_SALT_SUFFIX;
    if ((renderer->dataset->request_flags & wanted) == 0)
        return TOKPERF_OK;
    for (uint32_t i = 0; i < rendered->hole_count; i++)
        if (rendered->holes[i].kind == TOKPERF_HOLE_SALT)
            return TOKPERF_OK;
    return tkp_fail(error, TOKPERF_E_INVALID,
                    "it has no text of its own that could carry the marker of --cache-bust: a body "
                    "that is sent as it is, messages in --extra-inputs, or no user message with "
                    "text");
}

static tokperf_status call_format(struct tkp_renderer *renderer, struct tokperf_error *error)
{
    const struct tkp_dataset *dataset = renderer->dataset;
    const struct tokperf_turn *last = renderer->turns[renderer->turn_count - 1];
    /* A raw payload is the whole conversation already. */
    uint32_t skipped = last->raw_payload.len > 0 ? renderer->turn_count - 1 : 0;
    struct tokperf_request request = {
        .struct_size = sizeof request,
        .flags = dataset->request_flags,
        .turn_count = renderer->turn_count - skipped,
        .extra_count = merge_extra(renderer, last),
        .turns = renderer->turns + skipped,
        .model = last->model.len > 0 ? last->model : dataset->model,
        .extra = renderer->extra,
    };
    const char *outer = tkp_crash_note;
    if (outer == NULL)
        tkp_crash_note = dataset->endpoint->plugin_id;
    tkp_rendering_clear(&renderer->rendering);
    tokperf_status status = dataset->vtable->format(dataset->endpoint->self, &request,
                                                    &renderer->rendering.sink, error);
    tkp_crash_note = outer;
    return status;
}

static tokperf_status render(struct tkp_renderer *renderer, uint64_t row, uint32_t turn,
                             const struct tkp_answer *answers, uint32_t answer_count,
                             struct tkp_rendered *rendered, struct tokperf_error *error)
{
    const struct tkp_store *store = &renderer->dataset->store;
    const struct tkp_stored_conversation *conversation = &store->conversations[row];
    const struct tkp_stored_turn *turns = &store->turns[conversation->first];
    uint32_t position = tkp_store_position(store, conversation, turn);
    const struct tokperf_turn *last = turns[position].turn;
    collect_turns(renderer, turns, position, answers, answer_count);
    tokperf_status status = call_format(renderer, error);
    if (status == TOKPERF_OK)
        status = tkp_rendering_take(&renderer->rendering, rendered, error);
    if (status == TOKPERF_OK)
        status = check_salt(renderer, rendered, error);
    if (status != TOKPERF_OK) {
        tkp_error_prefix(error, "conversation %" PRIu64 " (%.*s), turn %" PRIu32, row + 1,
                         (int)conversation->api.session_id.len, conversation->api.session_id.data,
                         turn + 1);
        return status;
    }
    rendered->input_tokens = last->input_tokens;
    rendered->output_tokens = last->max_tokens;
    return TOKPERF_OK;
}

tokperf_status tkp_renderer_render_without(struct tkp_renderer *renderer, uint64_t row,
                                           uint32_t turn, struct tkp_rendered *rendered,
                                           struct tokperf_error *error)
{
    return render(renderer, row, turn, NULL, 0, rendered, error);
}

tokperf_status tkp_renderer_render(struct tkp_renderer *renderer, uint64_t row, uint32_t turn,
                                   const struct tkp_answer *answers, uint32_t answer_count,
                                   struct tkp_rendered *rendered, struct tokperf_error *error)
{
    const struct tkp_store *store = &renderer->dataset->store;
    if (row >= store->conversation_count || turn >= store->conversations[row].api.turn_count ||
        answer_count < turn)
        return tkp_fail(error, TOKPERF_E_INTERNAL,
                        "turn %" PRIu32 " of row %" PRIu64 " cannot be rendered with %" PRIu32
                        " answers",
                        turn, row, answer_count);
    const struct tkp_rendered *ahead = tkp_dataset_rendered(renderer->dataset, row, turn);
    if (ahead != NULL) {
        *rendered = *ahead;
        return TOKPERF_OK;
    }
    return render(renderer, row, turn, answers, answer_count, rendered, error);
}
