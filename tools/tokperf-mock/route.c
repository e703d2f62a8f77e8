/* SPDX-License-Identifier: Apache-2.0 */
/* Routes: a table of paths, and one function each. Runs on the connection's loop. */
#include "route.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#include "draw.h"
#include "exchange.h"
#include "inference.h"
#include "loop.h"
#include "render.h"

struct route {
    const char *path;
    const char *method;
    const char *allow; /* header line for other methods */
    enum tkp_mock_counter requests;
    bool needs_key;
    void (*answer)(struct tkp_mock_connection *connection,
                   const struct tkp_mock_http_request *request);
};

enum { DROP_LANE = 0x2000 }; /* apart from the lanes of schedule and faults */

static const struct tkp_mock_options *options_of(const struct tkp_mock_connection *connection)
{
    return connection->loop->shared->options;
}

static uint64_t wall_clock_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec;
}

static void reply(struct tkp_mock_connection *connection, int status, const char *type,
                  const char *extra, struct tkp_mock_buffer *body)
{
    if (body->failed) { /* without memory there is no answer; the next one may have it */
        body->failed = false;
        tkp_mock_exchange_drop(connection, true);
        return;
    }
    struct tkp_mock_head head = {.status = status,
                                 .content_type = type,
                                 .extra = extra,
                                 .framing = TKP_MOCK_FRAMING_LENGTH,
                                 .body_bytes = body->len,
                                 .keep_alive = connection->keep_alive,
                                 .http10 = connection->answer.http10};
    tkp_mock_exchange_reply(connection, &head, (struct tkp_mock_slice){body->data, body->len});
}

void tkp_mock_route_error(struct tkp_mock_connection *connection, int status, const char *message,
                          const char *param, const char *extra)
{
    struct tkp_mock_buffer *json = &connection->loop->workspace.json;
    json->len = 0;
    tkp_mock_render_error(status, message, param, json);
    reply(connection, status, "application/json", extra, json);
}

static bool is_ready(struct tkp_mock_connection *connection)
{
    const struct tkp_mock_shared *shared = connection->loop->shared;
    uint64_t delay_ns = shared->options->models_delay_ms * 1000000U;
    if (tkp_mock_now_ns() - shared->start_ns >= delay_ns) {
        return true;
    }
    tkp_mock_route_error(connection, 503, "The model is still loading.", NULL, "");
    return false;
}

static void answer_models(struct tkp_mock_connection *connection,
                          const struct tkp_mock_http_request *request)
{
    (void)request;
    struct tkp_mock_buffer *json = &connection->loop->workspace.json;
    if (is_ready(connection)) {
        json->len = 0;
        tkp_mock_render_models(options_of(connection), wall_clock_s(), json);
        reply(connection, 200, "application/json", "", json);
    }
}

static void answer_health(struct tkp_mock_connection *connection,
                          const struct tkp_mock_http_request *request)
{
    (void)request;
    struct tkp_mock_buffer *json = &connection->loop->workspace.json;
    if (is_ready(connection)) {
        json->len = 0;
        tkp_mock_buffer_add_text(json, "{\"status\":\"ok\"}");
        reply(connection, 200, "application/json", "", json);
    }
}

static void answer_metrics(struct tkp_mock_connection *connection,
                           const struct tkp_mock_http_request *request)
{
    (void)request;
    const struct tkp_mock_shared *shared = connection->loop->shared;
    struct tkp_mock_buffer *text = &connection->loop->workspace.json;
    text->len = 0;
    tkp_mock_counters_render(shared->counters, shared->counter_sets, text);
    reply(connection, 200, "text/plain; version=0.0.4; charset=utf-8", "", text);
}

/* Cache resets and profilers, of which there is nothing here to do. */
static void answer_control(struct tkp_mock_connection *connection,
                           const struct tkp_mock_http_request *request)
{
    (void)request;
    struct tkp_mock_buffer *json = &connection->loop->workspace.json;
    json->len = 0;
    reply(connection, 200, "application/json", "", json);
}

static void infer(struct tkp_mock_connection *connection,
                  const struct tkp_mock_http_request *request, enum tkp_mock_api api)
{
    struct tkp_mock_loop *loop = connection->loop;
    const struct tkp_mock_options *options = loop->shared->options;
    struct tkp_mock_inference inference;
    char error[256];
    const char *param;
    if (!tkp_mock_inference_read(&inference, api, request->body.data, request->body.len, error,
                                 sizeof error, &param)) {
        tkp_mock_route_error(connection, 400, error, param, "");
        return;
    }
    uint64_t number =
        atomic_fetch_add_explicit(&loop->shared->next_number, 1, memory_order_relaxed);
    struct tkp_mock_fault_case which = {.seed = options->seed,
                                        .number = number,
                                        .streamed = inference.stream,
                                        .reused = connection->requests > 1};
    enum tkp_mock_fault fault = tkp_mock_fault_pick(options->fault_rates, &which);
    tkp_mock_counters_fault(&loop->counters, fault);
    if (fault == TKP_MOCK_FAULT_CLOSE_IDLE) {
        tkp_mock_exchange_drop(connection,
                               tkp_mock_draw_bits(options->seed, number, DROP_LANE) & 1);
        return;
    }
    tkp_mock_counters_add(&loop->counters, TKP_MOCK_COUNTER_PROMPT_TOKENS,
                          (int64_t)inference.prompt_tokens);
    tkp_mock_answer_begin(&connection->answer,
                          &(struct tkp_mock_question){.options = options,
                                                      .inference = &inference,
                                                      .number = number,
                                                      .arrival_ns = connection->read_ns,
                                                      .created_s = wall_clock_s(),
                                                      .api = api,
                                                      .keep_alive = connection->keep_alive,
                                                      .http10 = request->http10,
                                                      .fault = fault});
    tkp_mock_stamp_log_begin(&loop->stamps, &connection->stamps, request->request_id,
                             connection->read_ns);
    if (inference.stream) {
        tkp_mock_counters_add(&loop->counters, TKP_MOCK_COUNTER_STREAMED, 1);
    }
    tkp_mock_exchange_infer(connection);
}

static void answer_chat(struct tkp_mock_connection *connection,
                        const struct tkp_mock_http_request *request)
{
    infer(connection, request, TKP_MOCK_API_CHAT);
}

static void answer_completions(struct tkp_mock_connection *connection,
                               const struct tkp_mock_http_request *request)
{
    infer(connection, request, TKP_MOCK_API_COMPLETIONS);
}

static void answer_embeddings(struct tkp_mock_connection *connection,
                              const struct tkp_mock_http_request *request)
{
    infer(connection, request, TKP_MOCK_API_EMBEDDINGS);
}

static void answer_ollama_chat(struct tkp_mock_connection *connection,
                               const struct tkp_mock_http_request *request)
{
    infer(connection, request, TKP_MOCK_API_OLLAMA_CHAT);
}

static void answer_ollama_generate(struct tkp_mock_connection *connection,
                                   const struct tkp_mock_http_request *request)
{
    infer(connection, request, TKP_MOCK_API_OLLAMA_GENERATE);
}

static void answer_tgi(struct tkp_mock_connection *connection,
                       const struct tkp_mock_http_request *request)
{
    infer(connection, request, TKP_MOCK_API_TGI);
}

static void answer_tgi_stream(struct tkp_mock_connection *connection,
                              const struct tkp_mock_http_request *request)
{
    infer(connection, request, TKP_MOCK_API_TGI_STREAM);
}

static const struct route routes[] = {
    {"/v1/chat/completions", "POST", "allow: POST\r\n", TKP_MOCK_COUNTER_REQUESTS_CHAT, true,
     answer_chat},
    {"/v1/completions", "POST", "allow: POST\r\n", TKP_MOCK_COUNTER_REQUESTS_COMPLETIONS, true,
     answer_completions},
    {"/v1/embeddings", "POST", "allow: POST\r\n", TKP_MOCK_COUNTER_REQUESTS_EMBEDDINGS, true,
     answer_embeddings},
    {"/api/chat", "POST", "allow: POST\r\n", TKP_MOCK_COUNTER_REQUESTS_OLLAMA, true,
     answer_ollama_chat},
    {"/api/generate", "POST", "allow: POST\r\n", TKP_MOCK_COUNTER_REQUESTS_OLLAMA, true,
     answer_ollama_generate},
    {"/generate", "POST", "allow: POST\r\n", TKP_MOCK_COUNTER_REQUESTS_TGI, true, answer_tgi},
    {"/generate_stream", "POST", "allow: POST\r\n", TKP_MOCK_COUNTER_REQUESTS_TGI, true,
     answer_tgi_stream},
    {"/reset_prefix_cache", "POST", "allow: POST\r\n", TKP_MOCK_COUNTER_REQUESTS_CONTROL, true,
     answer_control},
    {"/flush_cache", "POST", "allow: POST\r\n", TKP_MOCK_COUNTER_REQUESTS_CONTROL, true,
     answer_control},
    {"/start_profile", "POST", "allow: POST\r\n", TKP_MOCK_COUNTER_REQUESTS_CONTROL, true,
     answer_control},
    {"/stop_profile", "POST", "allow: POST\r\n", TKP_MOCK_COUNTER_REQUESTS_CONTROL, true,
     answer_control},
    {"/v1/models", "GET", "allow: GET\r\n", TKP_MOCK_COUNTER_REQUESTS_MODELS, true, answer_models},
    {"/health", "GET", "allow: GET\r\n", TKP_MOCK_COUNTER_REQUESTS_HEALTH, false, answer_health},
    {"/metrics", "GET", "allow: GET\r\n", TKP_MOCK_COUNTER_REQUESTS_METRICS, false, answer_metrics},
};

static bool is(struct tkp_mock_slice slice, const char *text)
{
    return slice.len == strlen(text) && memcmp(slice.data, text, slice.len) == 0;
}

static bool has_key(const char *key, struct tkp_mock_slice authorization)
{
    static const char scheme[] = "Bearer ";
    size_t len = sizeof scheme - 1;
    return key == NULL || (authorization.len == len + strlen(key) &&
                           strncasecmp(authorization.data, scheme, len) == 0 &&
                           memcmp(authorization.data + len, key, authorization.len - len) == 0);
}

void tkp_mock_route_request(struct tkp_mock_connection *connection,
                            const struct tkp_mock_http_request *request)
{
    const struct route *route = NULL;
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        if (is(request->path, routes[i].path)) {
            route = &routes[i];
        }
    }
    connection->answer.http10 = request->http10;
    tkp_mock_counters_add(&connection->loop->counters,
                          route == NULL ? TKP_MOCK_COUNTER_REQUESTS_OTHER : route->requests, 1);
    if (route == NULL) {
        tkp_mock_route_error(connection, 404, "There is nothing at this path.", NULL, "");
    } else if (!is(request->method, route->method)) {
        tkp_mock_route_error(connection, 405, "This path has another method.", NULL, route->allow);
    } else if (route->needs_key &&
               !has_key(options_of(connection)->api_key, request->authorization)) {
        tkp_mock_route_error(connection, 401, "The API key is missing or wrong.", NULL,
                             "www-authenticate: Bearer\r\n");
    } else {
        route->answer(connection, request);
    }
}
