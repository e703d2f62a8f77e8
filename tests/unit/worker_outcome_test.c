/* SPDX-License-Identifier: Apache-2.0 */
/* Each outcome that plain HTTP can produce, over a socket, with a scripted server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "scripted_server.h"
#include "worker_run.h"

#include <arpa/inet.h>
#include <base/clock.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define SSE_HEAD   "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
#define CHUNKED    SSE_HEAD "Transfer-Encoding: chunked\r\n\r\n"
#define GOOD_CHUNK "19\r\ndata: t:a\n\ndata: [DONE]\n\n\r\n"

static const struct script scripts[] = {
    {"good", {{SCRIPT_SEND, CHUNKED GOOD_CHUNK "0\r\n\r\n", 0}}, false},
    {"bytewise", {{SCRIPT_SEND_BY_BYTE, CHUNKED GOOD_CHUNK "0\r\n\r\n", 0}}, false},
    {"until_close",
     {{SCRIPT_SEND, SSE_HEAD "\r\ndata: t:a\n\ndata: [DONE]", 0}, {SCRIPT_CLOSE, 0, 0}},
     false},
    {"informed",
     {{SCRIPT_SEND, "HTTP/1.1 103 Early\r\nLink: x\r\n\r\n", 0},
      {SCRIPT_SEND, CHUNKED GOOD_CHUNK "0\r\n\r\n", 0}},
     false},
    {"whole",
     {{SCRIPT_SEND,
       "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 3\r\n\r\nt:a", 0}},
     false},
    {"error500",
     {{SCRIPT_SEND,
       "HTTP/1.1 500 E\r\nContent-Length: "
       "43\r\n\r\n{\"error\":{\"message\":\"boom\",\"type\":\"x\"}}"
       "    ",
       0}},
     false},
    {"error429",
     {{SCRIPT_SEND, "HTTP/1.1 429 E\r\nRetry-After: 9\r\nContent-Length: 0\r\n\r\n", 0}},
     false},
    {"moved",
     {{SCRIPT_SEND, "HTTP/1.1 302 F\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n", 0}},
     false},
    {"half_error",
     {{SCRIPT_SEND, "HTTP/1.1 503 E\r\nContent-Length: 99\r\n\r\nbusy", 0}, {SCRIPT_CLOSE, 0, 0}},
     false},
    {"closed", {{SCRIPT_CLOSE, 0, 0}}, false},
    {"reset", {{SCRIPT_RESET, 0, 0}}, false},
    {"half_status", {{SCRIPT_SEND, "HTTP/1.1 20", 0}, {SCRIPT_CLOSE, 0, 0}}, false},
    {"half_head", {{SCRIPT_SEND, "HTTP/1.1 200 OK\r\nContent-", 0}, {SCRIPT_CLOSE, 0, 0}}, false},
    {"short",
     {{SCRIPT_SEND, SSE_HEAD "Content-Length: 99\r\n\r\ndata: t:a\n\ndata: [DONE]\n\n", 0},
      {SCRIPT_CLOSE, 0, 0}},
     false},
    {"cut", {{SCRIPT_SEND, CHUNKED "b\r\ndata: t:a\n\n\r\n", 0}, {SCRIPT_CLOSE, 0, 0}}, false},
    {"done_cut", {{SCRIPT_SEND, CHUNKED GOOD_CHUNK, 0}, {SCRIPT_CLOSE, 0, 0}}, false},
    {"unfinished", {{SCRIPT_SEND, CHUNKED "b\r\ndata: t:a\n\n\r\n0\r\n\r\n", 0}}, false},
    {"stream_error", {{SCRIPT_SEND, CHUNKED "c\r\ndata: e:no\n\n\r\n0\r\n\r\n", 0}}, false},
    {"bad_event", {{SCRIPT_SEND, CHUNKED "b\r\ndata: bad\n\n\r\n0\r\n\r\n", 0}}, false},
    {"bad_http", {{SCRIPT_SEND, "ICY 200 OK\r\n\r\n", 0}, {SCRIPT_CLOSE, 0, 0}}, false},
    {"bad_chunk", {{SCRIPT_SEND, CHUNKED "zz\r\n", 0}, {SCRIPT_CLOSE, 0, 0}}, false},
    {"empty", {{SCRIPT_SEND, CHUNKED "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n", 0}}, false},
    {"nothing", {{SCRIPT_SEND, "HTTP/1.1 204 No\r\n\r\n", 0}}, false},
    {"silent", {{SCRIPT_WAIT, 0, 600000}}, false},
    {"stalls",
     {{SCRIPT_SEND, CHUNKED "b\r\ndata: t:a\n\n\r\n", 0}, {SCRIPT_WAIT, 0, 600000}},
     false},
    {"bad_stalls",
     {{SCRIPT_SEND, CHUNKED "b\r\ndata: bad\n\n\r\n", 0}, {SCRIPT_WAIT, 0, 600000}},
     false},
    {"stale", {{SCRIPT_CLOSE_ONCE, 0, 0}, {SCRIPT_SEND, CHUNKED GOOD_CHUNK "0\r\n\r\n", 0}}, false},
    {"hangs_up", {{SCRIPT_SEND, CHUNKED GOOD_CHUNK "0\r\n\r\n", 0}, {SCRIPT_CLOSE, 0, 0}}, false},
    {"early",
     {{SCRIPT_SEND, "HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\n\r\nlong", 0},
      {SCRIPT_WAIT, 0, 600000}}, /* a close would reset: there are bytes that it does not read */
     true},
    {"echo", {{SCRIPT_ECHO, 0, 0}}, false},
    {"slow", {{SCRIPT_WAIT, 0, 5}, {SCRIPT_SEND, CHUNKED GOOD_CHUNK "0\r\n\r\n", 0}}, false},
    {"holes", {{SCRIPT_SEND, CHUNKED GOOD_CHUNK "0\r\n\r\n", 0}}, false},
    {NULL, {{SCRIPT_END, 0, 0}}, false},
};

struct outcome_case {
    const char *script;
    enum tkp_outcome outcome;
    const char *type, *message;
    int32_t status;
    bool reused; /* the next request finds the connection idle */
};

static const struct outcome_case cases[] = {
    {"good", TKP_OUTCOME_OK, "", "", 200, true},
    {"bytewise", TKP_OUTCOME_OK, "", "", 200, true},
    {"until_close", TKP_OUTCOME_OK, "", "", 200, false},
    {"informed", TKP_OUTCOME_OK, "", "", 200, true},
    {"whole", TKP_OUTCOME_OK, "", "", 200, true},
    {"error500", TKP_OUTCOME_HTTP_ERROR, "x", "boom", 500, true},
    {"error429", TKP_OUTCOME_HTTP_ERROR, "", "Retry-After: 9", 429, true},
    {"moved", TKP_OUTCOME_HTTP_ERROR, "", "redirected to /b, which is not followed", 302, true},
    {"half_error", TKP_OUTCOME_HTTP_ERROR, "", "busy", 503, false},
    {"closed", TKP_OUTCOME_NO_RESPONSE, "closed", NULL, 0, false},
    {"reset", TKP_OUTCOME_NO_RESPONSE, "reset", NULL, 0, false},
    {"half_status", TKP_OUTCOME_NO_RESPONSE, "closed", NULL, 0, false},
    {"half_head", TKP_OUTCOME_TRUNCATED, "head", NULL, 0, false},
    {"short", TKP_OUTCOME_TRUNCATED, "content_length", NULL, 200, false},
    {"cut", TKP_OUTCOME_TRUNCATED, "cut", NULL, 200, false},
    {"done_cut", TKP_OUTCOME_OK, "", "", 200, false},
    {"unfinished", TKP_OUTCOME_TRUNCATED, "unfinished", NULL, 200, true},
    {"stream_error", TKP_OUTCOME_STREAM_ERROR, "server_error", "no", 200, true},
    {"bad_event", TKP_OUTCOME_PARSE_ERROR, "response", "bad event", 200, true},
    {"bad_http", TKP_OUTCOME_PARSE_ERROR, "http", NULL, 0, false},
    {"bad_chunk", TKP_OUTCOME_PARSE_ERROR, "http", NULL, 200, false},
    {"empty", TKP_OUTCOME_EMPTY, "", NULL, 200, true},
    {"nothing", TKP_OUTCOME_EMPTY, "", NULL, 204, true},
    {"good", TKP_OUTCOME_OK, "", "", 200, true},
};
enum { CASE_COUNT = sizeof cases / sizeof cases[0] };

static void check_case(const struct outcome_case *c, const struct tkp_row *row, bool reused)
{
    if (row->outcome != c->outcome)
        fail_msg("%s ended as %s: %s", c->script, tkp_outcome_name(row->outcome),
                 tkp_row_error_message(row));
    assert_string_equal(tkp_row_error_type(row), c->type);
    if (c->message)
        assert_string_equal(tkp_row_error_message(row), c->message);
    else
        assert_true(tkp_row_error_message(row)[0] != '\0');
    assert_int_equal(row->http_status, c->status);
    if (((row->flags & TKP_ROW_REUSED) != 0) != reused)
        fail_msg("%s: reused is not %d", c->script, reused);
    assert_true(row->ready_ns >= row->intended_ns && row->start_ns >= row->ready_ns);
    assert_true(row->send_start_ns >= row->start_ns && row->send_end_ns >= row->send_start_ns);
    assert_true(row->end_ns >= row->send_end_ns && row->sent_bytes > 100);
    assert_true(reused ? row->connect_start_ns == 0 : row->connect_end_ns > row->connect_start_ns);
    if (row->received_bytes)
        assert_true(row->first_byte_ns >= row->send_end_ns && row->first_byte_ns <= row->end_ns);
    assert_true(row->flags & TKP_ROW_LAST_TURN);
}

/* A failure on a connection that was reused would be retried: each of those comes on a new one. */
static void each_outcome_has_its_row(void **state)
{
    (void)state;
    struct scripted_server *server = scripted_server_start(scripts);
    struct fake_conversation conversations[CASE_COUNT] = {0};
    for (uint32_t i = 0; i < CASE_COUNT; i++)
        conversations[i].turns[0] = cases[i].script;
    struct worker_run *run = worker_run_create(conversations, CASE_COUNT);
    worker_run_start(run, scripted_server_port(server));
    worker_run_phase(run);
    assert_int_equal(run->row_count, CASE_COUNT);
    for (uint32_t i = 0; i < CASE_COUNT; i++) {
        const struct tkp_row *row = worker_run_row(run, i, 0);
        bool reused = i && cases[i - 1].reused;
        bool was_retried = reused && cases[i].outcome == TKP_OUTCOME_NO_RESPONSE &&
                           strcmp(cases[i].script, "half_status") != 0;
        check_case(&cases[i], row, reused && !was_retried);
        assert_int_equal(row->retries, was_retried);
        bool streamed = row->http_status / 100 == 2 && strcmp(cases[i].script, "whole") != 0;
        assert_int_equal((row->flags & TKP_ROW_STREAMED) != 0, streamed);
        assert_int_equal((row->flags & TKP_ROW_FIRST_OF_SLOT) != 0, i == 0);
    }
    worker_run_destroy(run);
    scripted_server_stop(server);
}

static void run_scripts(struct worker_run *run, struct scripted_server *server)
{
    worker_run_start(run, scripted_server_port(server));
    worker_run_phase(run);
}

static void every_wait_has_a_deadline(void **state)
{
    (void)state;
    static const struct fake_conversation silence[] = {{{"silent"}, 0}},
                                          stall[] = {{{"stalls"}, 0}};
    struct scripted_server *server = scripted_server_start(scripts);
    struct worker_run *run = worker_run_create(silence, 1);
    run->plan.first_byte_timeout_ns = 60 * TKP_NS_PER_MS;
    run->plan.idle_timeout_ns = 50 * TKP_NS_PER_MS; /* of what has begun alone */
    run_scripts(run, server);
    const struct tkp_row *row = worker_run_row(run, 0, 0);
    assert_int_equal(row->outcome, TKP_OUTCOME_TIMEOUT);
    assert_string_equal(tkp_row_error_type(row), "first_byte");
    assert_true(row->end_ns - row->send_end_ns >= run->plan.first_byte_timeout_ns);
    worker_run_destroy(run);

    run = worker_run_create(stall, 1);
    run->plan.idle_timeout_ns = 50 * TKP_NS_PER_MS;
    run_scripts(run, server);
    row = worker_run_row(run, 0, 0);
    assert_int_equal(row->outcome, TKP_OUTCOME_TIMEOUT);
    assert_string_equal(tkp_row_error_type(row), "idle");
    assert_true(row->end_ns - row->last_token_ns >= run->plan.idle_timeout_ns);
    worker_run_destroy(run);

    run = worker_run_create(silence, 1);
    run->plan.request_timeout_ns = 40 * TKP_NS_PER_MS;
    run_scripts(run, server);
    assert_string_equal(tkp_row_error_type(worker_run_row(run, 0, 0)), "total");
    worker_run_destroy(run);
    scripted_server_stop(server);
}

/* A failure is known, but the stream does not end: the connection is given up after a while, which
 * is less than the test's patience, and that less than the timeouts. */
static void a_known_failure_does_not_wait_for_ever(void **state)
{
    (void)state;
    static const struct fake_conversation conversations[] = {{{"bad_stalls"}, 0}};
    struct scripted_server *server = scripted_server_start(scripts);
    struct worker_run *run = worker_run_create(conversations, 1);
    run->plan.request_timeout_ns = 10 * WORKER_RUN_PATIENCE_S * TKP_NS_PER_S;
    run->plan.idle_timeout_ns = run->plan.request_timeout_ns;
    run_scripts(run, server);
    assert_int_equal(worker_run_row(run, 0, 0)->outcome, TKP_OUTCOME_PARSE_ERROR);
    worker_run_destroy(run);
    scripted_server_stop(server);
}

/* A full accept queue drops further SYNs: connecting hangs (Linux, backlog 0 takes one). */
static void connecting_has_a_deadline(void **state)
{
    (void)state;
    static const struct fake_conversation conversations[] = {{{"good"}, 0}};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(listener, 0), 0);
    getsockname(listener, (struct sockaddr *)&address, &len);
    int filler = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(filler, (struct sockaddr *)&address, len), 0);
    struct worker_run *run = worker_run_create(conversations, 1);
    run->plan.connect_timeout_ns = 60 * TKP_NS_PER_MS;
    worker_run_start(run, ntohs(address.sin_port));
    worker_run_phase(run);
    const struct tkp_row *row = worker_run_row(run, 0, 0);
    assert_int_equal(row->outcome, TKP_OUTCOME_TIMEOUT);
    assert_string_equal(tkp_row_error_type(row), "connect");
    assert_int_equal(tkp_gauge_get(&tkp_workers_stats(run->workers, 0)->connect_errors_in_row), 1);
    worker_run_destroy(run);
    close(filler);
    close(listener);
}

static void a_refused_connect_backs_off(void **state)
{
    (void)state;
    static const struct fake_conversation conversations[] = {{{"a"}, 0}, {{"b"}, 0}, {{"c"}, 0}};
    /* bound and not listening: refused, and nobody else gets the port meanwhile */
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof address;
    int holder = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(holder, (struct sockaddr *)&address, len), 0);
    getsockname(holder, (struct sockaddr *)&address, &len);
    struct worker_run *run = worker_run_create(conversations, 3);
    worker_run_start(run, ntohs(address.sin_port));
    worker_run_phase(run);
    const struct tkp_row *rows[3];
    for (uint32_t i = 0; i < 3; i++) {
        rows[i] = worker_run_row(run, i, 0);
        assert_int_equal(rows[i]->outcome, TKP_OUTCOME_CONNECT_ERROR);
        assert_string_equal(tkp_row_error_type(rows[i]), "refused");
    }
    assert_true(rows[1]->start_ns - rows[0]->end_ns >= 10 * TKP_NS_PER_MS);
    assert_true(rows[2]->start_ns - rows[1]->end_ns >= 20 * TKP_NS_PER_MS);
    assert_true(rows[1]->intended_ns - rows[0]->end_ns == 10 * TKP_NS_PER_MS);
    assert_int_equal(tkp_gauge_get(&tkp_workers_stats(run->workers, 0)->connect_errors_in_row), 3);
    worker_run_destroy(run);
    close(holder);
}

/* "localhost" may have an address where nobody listens before the one where the server does. */
static void the_next_address_is_tried(void **state)
{
    (void)state;
    static const struct fake_conversation conversations[] = {{{"good"}, 0}};
    struct scripted_server *server = scripted_server_start(scripts);
    struct worker_run *run = worker_run_create(conversations, 1);
    run->plan.reuse = TKP_REUSE_NEVER;
    run->phase_plan.request_count = 2;
    worker_run_start(run, scripted_server_port(server));
    struct sockaddr_in *first = (struct sockaddr_in *)(void *)&run->target.addresses[0];
    run->target.addresses[1] = run->target.addresses[0];
    run->target.address_lengths[1] = run->target.address_lengths[0];
    run->target.address_count = 2;
    first->sin_addr.s_addr = htonl(INADDR_LOOPBACK + 8);
    worker_run_phase(run);
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(worker_run_row(run, i, 0)->outcome, TKP_OUTCOME_OK);
    assert_int_equal(tkp_gauge_get(&tkp_workers_stats(run->workers, 0)->connect_errors_in_row), 0);
    worker_run_destroy(run);
    scripted_server_stop(server);
}

/* Trap 19: the descriptor limit is this machine's fault, and the message says what to do. */
static void a_descriptor_limit_is_not_the_servers_fault(void **state)
{
    (void)state;
    static const struct fake_conversation conversations[] = {{{"good"}, 0}};
    struct scripted_server *server = scripted_server_start(scripts);
    struct worker_run *run = worker_run_create(conversations, 1);
    struct rlimit before, low;
    worker_run_start(run, scripted_server_port(server));
    int next = dup(0); /* the lowest free descriptor */
    close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    low = (struct rlimit){(rlim_t)next, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    worker_run_phase(run);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    const struct tkp_row *row = worker_run_row(run, 0, 0);
    assert_int_equal(row->outcome, TKP_OUTCOME_CLIENT_ERROR);
    assert_string_equal(tkp_row_error_type(row), "EMFILE");
    assert_non_null(strstr(tkp_row_error_message(row), "ulimit -n"));
    worker_run_destroy(run);
    scripted_server_stop(server);
}

static void a_stale_connection_is_retried_once(void **state)
{
    (void)state;
    static const struct fake_conversation conversations[] = {
        {{"good"}, 0}, {{"stale"}, 0}, {{"good"}, 0}, {{"closed"}, 0}};
    struct scripted_server *server = scripted_server_start(scripts);
    struct worker_run *run = worker_run_create(conversations, 4);
    run_scripts(run, server);
    const struct tkp_row *stale = worker_run_row(run, 1, 0), *closed = worker_run_row(run, 3, 0);
    assert_int_equal(stale->outcome, TKP_OUTCOME_OK);
    assert_int_equal(stale->retries, 1);
    assert_int_equal(stale->flags & TKP_ROW_REUSED, 0);
    assert_true(stale->connect_start_ns > stale->start_ns && stale->connect_end_ns > 0);
    assert_int_equal(closed->outcome, TKP_OUTCOME_NO_RESPONSE);
    assert_int_equal(closed->retries, 1);
    assert_int_equal(tkp_gauge_get(&tkp_workers_stats(run->workers, 0)->retries), 2);
    assert_int_equal(scripted_server_requests(server), 6);
    worker_run_destroy(run);
    scripted_server_stop(server);
}

/* The close meets the next request before it is sent, while it is, or after: none is lost. */
static void a_server_that_hangs_up_loses_nothing(void **state)
{
    (void)state;
    static const struct fake_conversation conversations[] = {{{"hangs_up"}, 0}};
    struct scripted_server *server = scripted_server_start(scripts);
    struct worker_run *run = worker_run_create(conversations, 1);
    run->phase_plan.request_count = 100;
    run_scripts(run, server);
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal(worker_run_row(run, i, 0)->outcome, TKP_OUTCOME_OK);
    assert_int_equal(scripted_server_connections(server), 100);
    worker_run_destroy(run);
    scripted_server_stop(server);
}

/* 8 MiB do not fit into the socket buffers: the answer comes while the request is being sent. */
static void an_early_answer_counts(void **state)
{
    (void)state;
    size_t len = 8u << 20;
    char *text = malloc(len + 1);
    assert_non_null(text);
    memset(text, 'x', len);
    memcpy(text, "early", 5);
    text[len] = '\0';
    struct fake_conversation conversations[] = {{{text}, 0}, {{"good"}, 0}, {{text}, 0}};
    memcpy(text, "early", 5);
    struct scripted_server *server = scripted_server_start(scripts);
    struct worker_run *run = worker_run_create(conversations, 2);
    run_scripts(run, server);
    const struct tkp_row *row = worker_run_row(run, 0, 0);
    assert_int_equal(row->outcome, TKP_OUTCOME_HTTP_ERROR);
    assert_int_equal(row->http_status, 413);
    assert_string_equal(tkp_row_error_message(row), "long");
    assert_true(row->send_end_ns == 0 && row->sent_bytes < len);
    assert_int_equal(worker_run_row(run, 1, 0)->outcome, TKP_OUTCOME_OK);
    assert_int_equal(worker_run_row(run, 1, 0)->flags & TKP_ROW_REUSED, 0);
    worker_run_destroy(run);
    scripted_server_stop(server);
    free(text);
}

/* The same 8 MiB, read by the server: many partial writes, one whole request. */
static void a_long_request_is_sent_in_parts(void **state)
{
    (void)state;
    size_t len = 8u << 20;
    char *text = malloc(len + 1);
    assert_non_null(text);
    memset(text, 'x', len);
    memcpy(text, "good", 4);
    text[len] = '\0';
    struct fake_conversation conversations[] = {{{text}, 0}};
    struct scripted_server *server = scripted_server_start(scripts);
    struct worker_run *run = worker_run_create(conversations, 1);
    run_scripts(run, server);
    const struct tkp_row *row = worker_run_row(run, 0, 0);
    assert_int_equal(row->outcome, TKP_OUTCOME_OK);
    assert_true(row->sent_bytes > len && row->send_end_ns > row->send_start_ns);
    worker_run_destroy(run);
    scripted_server_stop(server);
    free(text);
}

static void check_contains(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("no '%s' in '%s'", part, text);
}

static void heads_and_holes_are_filled(void **state)
{
    (void)state;
    static const struct fake_conversation conversations[] = {{{"holes"}, 0}};
    static const struct tkp_header headers[] = {{.name = "user-agent", .value = "mine"},
                                                {.name = "X-Key", .value = "value"}};
    struct scripted_server *server = scripted_server_start(scripts);
    struct worker_run *run = worker_run_create(conversations, 1);
    run->plan.headers = headers;
    run->plan.header_count = 2;
    run_scripts(run, server);
    const char *last = scripted_server_last(server);
    check_contains(last, "POST /fake HTTP/1.1\r\nHost: 127.0.0.1:");
    check_contains(last, "\r\nAccept: text/event-stream\r\nuser-agent: mine\r\nX-Key: value\r\n");
    check_contains(last, "\r\nContent-Type: application/json\r\nX-Request-ID: ");
    assert_null(strstr(last, "tokperf/"));
    const char *id = strstr(last, "X-Request-ID: ") + 14, *body = strstr(last, "\r\n\r\n") + 4;
    assert_memory_equal(body, "holes", 5);
    assert_memory_equal(body + 5, id, 36);
    assert_true(body[41] == '-' && strspn(body + 42, "0123456789abcdef") == 18); /* salt and "00" */
    assert_memory_equal(body + 58, "00-", 3);
    assert_memory_equal(body + 110, "-01.", 5);
    worker_run_destroy(run);
    scripted_server_stop(server);
}

static void framing_headers_are_refused(void **state)
{
    (void)state;
    static const struct fake_conversation conversations[] = {{{"good"}, 0}};
    static const struct tkp_header bad[] = {{.name = "Content-Length", .value = "1"},
                                            {.name = "transfer-encoding", .value = "chunked"},
                                            {.name = "X", .value = "a\r\nb: c"},
                                            {.name = "a b", .value = "c"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct worker_run *run = worker_run_create(conversations, 1);
        struct tokperf_error error;
        worker_run_start(run, 1);
        struct tkp_workers *workers = NULL;
        run->plan.headers = &bad[i];
        run->plan.header_count = 1;
        struct tkp_worker_shared shared = {.plan = &run->plan,
                                           .dataset = run->dataset,
                                           .endpoint = &fake_endpoint_instance,
                                           .targets = &run->target,
                                           .worker_count = 1,
                                           .run_seed = 7};
        assert_int_equal(tkp_workers_start(&shared, run->channels, &workers, &error),
                         TOKPERF_E_INVALID);
        check_contains(error.message, bad[i].name);
        run->plan.header_count = 0;
        worker_run_destroy(run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_outcome_has_its_row),
        cmocka_unit_test(every_wait_has_a_deadline),
        cmocka_unit_test(a_known_failure_does_not_wait_for_ever),
        cmocka_unit_test(connecting_has_a_deadline),
        cmocka_unit_test(a_refused_connect_backs_off),
        cmocka_unit_test(the_next_address_is_tried),
        cmocka_unit_test(a_descriptor_limit_is_not_the_servers_fault),
        cmocka_unit_test(a_stale_connection_is_retried_once),
        cmocka_unit_test(a_server_that_hangs_up_loses_nothing),
        cmocka_unit_test(an_early_answer_counts),
        cmocka_unit_test(a_long_request_is_sent_in_parts),
        cmocka_unit_test(heads_and_holes_are_filled),
        cmocka_unit_test(framing_headers_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
