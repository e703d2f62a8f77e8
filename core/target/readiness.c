/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readiness by the list of models, by one short inference, or by both.
 */
#include <target/readiness.h>

#include <base/clock.h>
#include <base/error.h>
#include <base/json_scan.h>
#include <base/text.h>
#include <poll.h>
#include <string.h>
#include <target/http_probe.h>
#include <tokperf/endpoint.h>

enum { MODELS_TIMEOUT_S = 30, PROBE_MAX_BODY_BYTES = 64 * 1024, POLL_STEP_MS = 20 };

static const char models_path[] = "/v1/models";

/* The id of the first object in "data", or of the one that is wanted (NULL: any); false when the
 * answer has none. */
static bool find_id(struct tokperf_span answer, const char *wanted, struct tkp_arena *arena,
                    const char **id)
{
    struct tokperf_json scan;
    tkp_json_open(&scan, answer.data, answer.len);
    uint32_t token, list_depth = 0;
    while ((token = tkp_json_next(&scan)) > TOKPERF_JSON_ERROR) {
        if (token != TOKPERF_JSON_KEY)
            continue;
        if (scan.depth == 1 && tkp_json_equals(scan.text, scan.escaped, TOKPERF_SPAN("data"))) {
            list_depth = 3; /* object, array, object */
            continue;
        }
        if (scan.depth != list_depth ||
            !tkp_json_equals(scan.text, scan.escaped, TOKPERF_SPAN("id")))
            continue;
        if (tkp_json_next(&scan) != TOKPERF_JSON_STRING)
            return false;
        char *copy = tkp_arena_alloc(arena, 3 * scan.text.len + 1);
        uint64_t len;
        if (!copy || tkp_json_unescape(scan.text, copy, 3 * scan.text.len, &len) != TOKPERF_OK)
            return false;
        *id = copy;
        if (!wanted || strcmp(copy, wanted) == 0)
            return len > 0;
    }
    return false;
}

/* wanted: the model that has to be listed, or NULL for the first. */
static tokperf_status get_models(const struct tkp_plan *plan, const struct tkp_url *url,
                                 const char *wanted, const struct tkp_flag *cancel,
                                 uint64_t timeout_ns, struct tkp_arena *arena, const char **model,
                                 struct tokperf_error *error)
{
    struct tkp_buffer answer;
    tkp_buffer_init(&answer, TKP_PROBE_MAX_BYTES);
    struct tkp_probe probe = {
        .plan = plan,
        .url = url,
        .path = tkp_url_path(url, models_path, arena),
        .timeout_ns = timeout_ns,
        .cancel = cancel,
    };
    long http_status = 0;
    tokperf_status status = tkp_probe_send(&probe, &http_status, &answer, error);
    if (status == TOKPERF_OK && http_status != 200)
        status = tkp_fail(error, TOKPERF_E_NOT_FOUND, "GET %s of %s answers with HTTP status %ld",
                          models_path, url->text, http_status);
    else if (status == TOKPERF_OK && !find_id(tkp_buffer_span(&answer), wanted, arena, model))
        status = tkp_fail(error, TOKPERF_E_PARSE, "GET %s of %s names no model%s%s%s", models_path,
                          url->text, wanted ? " '" : "", wanted ? wanted : "", wanted ? "'" : "");
    tkp_buffer_finish(&answer);
    return status;
}

tokperf_status tkp_readiness_first_model(const struct tkp_plan *plan, const struct tkp_url *url,
                                         const struct tkp_flag *cancel, struct tkp_arena *arena,
                                         const char **model, struct tokperf_error *error)
{
    uint64_t timeout_ns = MODELS_TIMEOUT_S * TKP_NS_PER_S;
    tokperf_status status = get_models(plan, url, NULL, cancel, timeout_ns, arena, model, error);
    if (status == TOKPERF_OK || status == TOKPERF_E_CANCELLED)
        return status;
    tkp_error_prefix(error, "no --model was given and the server cannot be asked for one");
    return TOKPERF_E_TIMEOUT;
}

static void append_body(void *context, const char *data, uint64_t len)
{
    tkp_buffer_append(context, data, len);
}
static void ignore_span(void *context, struct tokperf_span span)
{
    (void)context, (void)span;
}
static void ignore_header(void *context, struct tokperf_span name, struct tokperf_span value)
{
    (void)context, (void)name, (void)value;
}
static void fill_hole(void *context, uint32_t hole)
{
    static const char zeros[64] = "0000000000000000000000000000000000000000000000000000000";
    tkp_buffer_append(context, zeros, tkp_hole_width(hole));
}

/* Renders "Hi" with one output token by the run's own endpoint; INVALID when that cannot send it,
 * which no waiting changes. */
static tokperf_status render_probe(const struct tkp_plan *plan, const struct tkp_instance *endpoint,
                                   const char *model, struct tkp_buffer *body,
                                   struct tokperf_error *error)
{
    const struct tokperf_endpoint_vtable *vtable = endpoint->vtable;
    struct tokperf_content content = {
        .struct_size = sizeof content, .input = TOKPERF_INPUT_TEXT, .value = TOKPERF_SPAN("Hi")};
    const struct tokperf_content *contents[] = {&content};
    struct tokperf_turn turn = {.struct_size = sizeof turn,
                                .content_count = 1,
                                .contents = contents,
                                .max_tokens = 1,
                                .input_tokens = -1,
                                .delay_ns = -1};
    const struct tokperf_turn *turns[] = {&turn};
    struct tokperf_request request = {
        .struct_size = sizeof request,
        .flags = plan->legacy_max_tokens ? TOKPERF_REQUEST_LEGACY_MAX_TOKENS : 0,
        .turn_count = 1,
        .turns = turns,
        .model = tkp_span(model),
    };
    struct tokperf_request_sink sink = {.struct_size = sizeof sink,
                                        .context = body,
                                        .method = ignore_span,
                                        .path = ignore_span,
                                        .header = ignore_header,
                                        .content_type = ignore_span,
                                        .body = append_body,
                                        .hole = fill_hole};
    tkp_crash_note = endpoint->plugin_id;
    tokperf_status status = vtable->format(endpoint->self, &request, &sink, error);
    tkp_crash_note = NULL;
    if (status == TOKPERF_OK)
        return TOKPERF_OK;
    tkp_error_prefix(error, "no request can be made up to see whether the server is ready; use "
                            "--wait-for-model-mode models, or do not wait");
    return TOKPERF_E_INVALID;
}

static tokperf_status try_inference(const struct tkp_plan *plan, const struct tkp_url *url,
                                    const struct tkp_instance *endpoint, const char *model,
                                    const struct tkp_flag *cancel, uint64_t timeout_ns,
                                    struct tkp_arena *arena, struct tokperf_error *error)
{
    const struct tokperf_endpoint_vtable *vtable = endpoint->vtable;
    struct tokperf_endpoint_info info = {0};
    struct tkp_buffer body, answer;
    tkp_buffer_init(&body, PROBE_MAX_BODY_BYTES);
    tkp_buffer_init(&answer, TKP_PROBE_MAX_BYTES);
    tokperf_status status = vtable->describe(endpoint->self, &info, error);
    if (status == TOKPERF_OK)
        status = render_probe(plan, endpoint, model, &body, error);
    long http_status = 0;
    const char *path = plan->endpoint_path ? plan->endpoint_path : info.path;
    struct tkp_probe probe = {.plan = plan,
                              .url = url,
                              .path = tkp_url_path(url, path, arena),
                              .body = tkp_buffer_span(&body),
                              .timeout_ns = timeout_ns,
                              .cancel = cancel};
    if (status == TOKPERF_OK)
        status = tkp_probe_send(&probe, &http_status, &answer, error);
    if (status == TOKPERF_OK && (http_status < 200 || http_status > 299))
        status = tkp_fail(error, TOKPERF_E_NOT_FOUND, "POST %s of %s answers with HTTP status %ld",
                          path, url->text, http_status);
    tkp_buffer_finish(&body);
    tkp_buffer_finish(&answer);
    return status;
}

static uint64_t left_ns(uint64_t deadline_ns)
{
    uint64_t now_ns = tkp_clock_now_ns();
    return now_ns < deadline_ns ? deadline_ns - now_ns : 0;
}

static tokperf_status look_once(const struct tkp_plan *plan, const struct tkp_url *url,
                                const struct tkp_instance *endpoint, const char *model,
                                const struct tkp_flag *cancel, uint64_t deadline_ns,
                                struct tokperf_error *error)
{
    struct tkp_arena arena;
    tkp_arena_init(&arena, 0);
    const char *first = model; /* or what the server lists */
    tokperf_status status = TOKPERF_OK;
    if (plan->wait_mode != TKP_WAIT_INFERENCE || !model)
        status = get_models(plan, url, model, cancel, left_ns(deadline_ns), &arena, &first, error);
    if (status == TOKPERF_OK && first && plan->wait_mode != TKP_WAIT_MODELS)
        status =
            try_inference(plan, url, endpoint, first, cancel, left_ns(deadline_ns), &arena, error);
    tkp_arena_finish(&arena);
    return status;
}

/* Waits until the time or until cancelled. */
static void pause_until(uint64_t until_ns, const struct tkp_flag *cancel)
{
    while (tkp_clock_now_ns() < until_ns && !tkp_flag_is_raised(cancel))
        poll(NULL, 0, POLL_STEP_MS);
}

tokperf_status tkp_readiness_wait(const struct tkp_plan *plan, const struct tkp_url *url,
                                  const struct tkp_instance *endpoint, const char *model,
                                  const struct tkp_flag *cancel, struct tokperf_error *error)
{
    if (!plan->wait_timeout_ns)
        return TOKPERF_OK;
    uint64_t deadline_ns = tkp_clock_after_ns(tkp_clock_now_ns(), plan->wait_timeout_ns);
    do {
        tokperf_status status = look_once(plan, url, endpoint, model, cancel, deadline_ns, error);
        if (status == TOKPERF_OK || status == TOKPERF_E_CANCELLED || status == TOKPERF_E_INVALID)
            return status;
        if (tkp_flag_is_raised(cancel))
            return tkp_fail(error, TOKPERF_E_CANCELLED, "interrupted while waiting for the server");
        uint64_t next_ns = tkp_clock_after_ns(tkp_clock_now_ns(), plan->wait_interval_ns);
        if (next_ns >= deadline_ns)
            break;
        pause_until(next_ns, cancel);
    } while (left_ns(deadline_ns)); /* the pause may have gone past it */
    tkp_error_prefix(error, "the server was not ready within --wait-for-model-timeout %.6g s",
                     (double)plan->wait_timeout_ns / (double)TKP_NS_PER_S);
    return TOKPERF_E_TIMEOUT;
}
