/* SPDX-License-Identifier: Apache-2.0 */
/* From body bytes to stamps, counts and outcome, with the time of each read given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_endpoint.h"

#include <stdlib.h>
#include <string.h>
#include <worker/reply.h>
#include <worker/row_text.h>

struct fixture {
    struct tkp_spill_pool spills;
    struct tkp_chunk_pool chunks;
    struct tkp_reply_context context;
    struct tkp_reply reply;
    struct tkp_row row;
    struct tkp_row_error error;
    char scratch[16];
    _Alignas(16) uint64_t state[2];
};

static void begin(struct fixture *f, uint32_t framing)
{
    memset(f, 0, sizeof *f);
    tkp_spill_pool_init(&f->spills, 256u << 20);
    tkp_chunk_pool_init(&f->chunks);
    tkp_reply_context_init(&f->context, &fake_endpoint_instance, f->scratch, &f->spills,
                           &f->chunks);
    f->row.first_chunk_tokens = -1;
    f->row.error = &f->error;
    f->row.flags = framing == TOKPERF_FRAMING_WHOLE ? 0 : TKP_ROW_STREAMED;
    f->reply.row = &f->row;
    f->reply.state = f->state;
    tkp_reply_begin(&f->context, &f->reply, framing);
}

/* From memory of the exact size, which is gone afterwards. */
static void take(struct fixture *f, const char *text, uint64_t now_ns)
{
    size_t len = strlen(text);
    char *copy = malloc(len);
    assert_non_null(copy);
    memcpy(copy, text, len);
    tkp_reply_take(&f->context, &f->reply, copy, len, now_ns);
    free(copy);
}

static void end(struct fixture *f, uint32_t why, uint64_t now_ns)
{
    tkp_reply_end(&f->context, &f->reply, why, now_ns);
    tkp_reply_finish(&f->context, &f->reply);
}

static void finish(struct fixture *f)
{
    tkp_chunk_times_clear(&f->reply.times, &f->chunks);
    tkp_spill_give(&f->spills, f->reply.text);
    tkp_spill_pool_finish(&f->spills);
    tkp_chunk_pool_finish(&f->chunks);
}

static void stamps_only_content(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, TOKPERF_FRAMING_SSE);
    take(&f, "data: role\n\ndata: t:\n\n", 100);
    take(&f, "data: u:3\n\n", 150);
    take(&f, "data: r:hm\n\n", 200);
    take(&f, "data: r:so\n", 250);
    take(&f, "\n", 260);
    take(&f, "data: t:abc\n\ndata: c:{}\n\n", 300);
    take(&f, "data: f:stop\n\ndata: u:9\n\ndata: [DONE]\n\n", 400);
    end(&f, TOKPERF_END_COMPLETE, 450);
    assert_int_equal(f.row.outcome, TKP_OUTCOME_OK);
    assert_int_equal(f.row.first_token_ns, 200);
    assert_int_equal(f.row.second_token_ns, 260);
    assert_int_equal(f.row.first_output_token_ns, 300);
    assert_int_equal(f.row.last_token_ns, 300);
    assert_int_equal(f.row.chunk_count, 4);
    assert_int_equal(f.row.coalesced_count, 1);
    assert_int_equal(f.row.text_bytes, 9);
    assert_int_equal(f.row.usage.completion_tokens, 9);
    assert_int_equal(f.row.first_chunk_tokens, -1);
    assert_string_equal(f.row.finish_reason, "stop");
    const uint64_t *times;
    struct tkp_chunk_source source = tkp_chunk_times_source(&f.reply.times, &f.chunks);
    assert_int_equal(source.next(source.context, &times), 4);
    assert_true(times[0] == 200 && times[1] == 260 && times[2] == 300 && times[3] == 300);
    assert_int_equal(source.next(source.context, &times), 0);
    finish(&f);
}

static void keeps_the_count_of_the_first_chunk(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, TOKPERF_FRAMING_SSE);
    take(&f, "data: u:1\n\n", 5);
    take(&f, "data: tu:hello\n\ndata: u:9\n\n", 10);
    assert_int_equal(f.row.first_chunk_tokens, 7);
    assert_int_equal(f.row.usage.completion_tokens, 9);
    end(&f, TOKPERF_END_CUT, 20);
    assert_int_equal(f.row.outcome, TKP_OUTCOME_TRUNCATED);
    assert_string_equal(f.error.type, "cut");
    finish(&f);
}

static void an_answer_can_be_complete_before_its_body_ends(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, TOKPERF_FRAMING_SSE);
    take(&f, "data: t:a\n\ndata: [COMPLETE]\n\ndata: bad\n\n", 10);
    assert_int_equal(f.row.outcome, TKP_OUTCOME_OK);
    assert_int_equal(f.row.chunk_count, 1);
    take(&f, "data: t:late\n\n", 20);
    assert_int_equal(f.row.chunk_count, 1);
    end(&f, TOKPERF_END_CUT, 30);
    assert_int_equal(f.row.outcome, TKP_OUTCOME_OK);
    assert_string_equal(f.error.message, "");
    finish(&f);
    begin(&f, TOKPERF_FRAMING_NDJSON);
    take(&f, "[COMPLETE]\nt:late\n", 10);
    assert_int_equal(f.row.outcome, TKP_OUTCOME_EMPTY);
    end(&f, TOKPERF_END_COMPLETE, 30);
    finish(&f);
}

static void a_follow_up_continues_the_answer(void **state)
{
    (void)state;
    struct fixture f;
    struct tkp_follow_request asked;
    begin(&f, TOKPERF_FRAMING_SSE);
    take(&f, "data: t:a\n\ndata: [FOLLOW1]\n\n", 10);
    tkp_reply_end(&f.context, &f.reply, TOKPERF_END_COMPLETE, 20);
    assert_int_equal(f.row.outcome, TKP_OUTCOME_NONE);
    assert_true(f.reply.follows);
    memcpy(&asked, f.reply.asked->data, sizeof asked);
    assert_int_equal(asked.delay_ns, 1000000); /* no less than 1 ms */
    assert_int_equal(asked.method_len, 3);
    assert_memory_equal(f.reply.asked->data + sizeof asked, "GET/next", 8);
    take(&f, "data: t:late\n\n", 25);
    tkp_reply_pause(&f.context, &f.reply);
    tkp_reply_continue(&f.context, &f.reply, TOKPERF_FRAMING_WHOLE);
    take(&f, "role", 30); /* no content of its own */
    end(&f, TOKPERF_END_COMPLETE, 40);
    assert_int_equal(f.row.outcome, TKP_OUTCOME_TRUNCATED); /* the state is of the stream still */
    assert_int_equal(f.row.chunk_count, 1);
    finish(&f);
}

static void a_follow_up_is_asked_for_properly(void **state)
{
    (void)state;
    static const char *const bodies[] = {"data: [FOLLOW2]\n\n", "data: [FOLLOW3]\n\n"};
    for (size_t i = 0; i < 2; i++) {
        struct fixture f;
        begin(&f, TOKPERF_FRAMING_SSE);
        take(&f, bodies[i], 10);
        end(&f, TOKPERF_END_COMPLETE, 20);
        assert_int_equal(f.row.outcome, TKP_OUTCOME_CLIENT_ERROR);
        assert_string_equal(tkp_row_error_type(&f.row), "follow_up");
        assert_false(f.reply.follows);
        finish(&f);
    }
}

/* As the HTTP parser does. */
static void note_kind(struct tkp_row *row, const char *note)
{
    memcpy(row->error->message, note, strlen(note) + 1);
}

static void an_answer_of_another_kind_says_what_came(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        uint32_t framing;
        const char *type, *message;
    } rows[] = {
        {"<html>", TOKPERF_FRAMING_SSE, "content_type",
         "the answer is not what was asked for; its content type is text/html"},
        {"bad", TOKPERF_FRAMING_WHOLE, "response", "bad event; its content type is text/html"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture f;
        begin(&f, rows[i].framing);
        note_kind(&f.row, "its content type is text/html");
        take(&f, rows[i].body, 10);
        end(&f, TOKPERF_END_COMPLETE, 20);
        assert_int_equal(f.row.outcome, TKP_OUTCOME_PARSE_ERROR);
        assert_string_equal(f.error.type, rows[i].type);
        assert_string_equal(f.error.message, rows[i].message);
        finish(&f);
    }
    struct fixture f; /* what it can read it reads */
    begin(&f, TOKPERF_FRAMING_WHOLE);
    note_kind(&f.row, "its content type is text/plain");
    take(&f, "t:a", 10);
    end(&f, TOKPERF_END_COMPLETE, 20);
    assert_int_equal(f.row.outcome, TKP_OUTCOME_OK);
    assert_string_equal(f.error.message, "");
    finish(&f);
}

/* A body whose end comes with its first bytes is not copied; one in parts is joined. */
static void a_whole_body_is_taken_where_it_lies(void **state)
{
    (void)state;
    static const char *const firsts[] = {"", "t:a"};
    for (size_t i = 0; i < sizeof firsts / sizeof firsts[0]; i++) {
        struct fixture f;
        char last[] = "t:xy";
        begin(&f, TOKPERF_FRAMING_WHOLE);
        if (firsts[i][0])
            take(&f, firsts[i], 10);
        tkp_reply_take_last(&f.context, &f.reply, last, 4, 20);
        assert_int_equal(f.reply.whole != NULL, i == 1);
        assert_int_equal(f.row.outcome, TKP_OUTCOME_NONE);
        assert_int_equal(f.row.text_bytes, i ? 0 : 2);
        end(&f, TOKPERF_END_COMPLETE, 30);
        assert_int_equal(f.row.outcome, TKP_OUTCOME_OK);
        assert_int_equal(f.row.text_bytes, i ? 5 : 2);
        finish(&f);
    }
}

struct outcome_case {
    const char *body;
    uint32_t framing, end;
    enum tkp_outcome outcome;
    const char *type, *message;
};

static const struct outcome_case outcome_cases[] = {
    {"data: t:a\n\ndata: [DONE]\n\n", TOKPERF_FRAMING_SSE, TOKPERF_END_COMPLETE, TKP_OUTCOME_OK, "",
     ""},
    {"data: t:a\n\ndata: [DONE]", TOKPERF_FRAMING_SSE, TOKPERF_END_CUT, TKP_OUTCOME_OK, "", ""},
    {"data: t:a\n\ndata: bad", TOKPERF_FRAMING_SSE, TOKPERF_END_CUT, TKP_OUTCOME_TRUNCATED, "cut",
     "the connection ended in the middle of the answer"},
    {"data: t:a\n\n", TOKPERF_FRAMING_SSE, TOKPERF_END_CLOSED, TKP_OUTCOME_TRUNCATED, "unfinished",
     "the answer ended without its last event or a finish reason"},
    {"", TOKPERF_FRAMING_SSE, TOKPERF_END_COMPLETE, TKP_OUTCOME_EMPTY, "",
     "the answer is complete and has no content"},
    {"", TOKPERF_FRAMING_SSE, TOKPERF_END_CUT, TKP_OUTCOME_TRUNCATED, "cut",
     "the connection ended in the middle of the answer"},
    {"data: role\n\ndata: [DONE]\n\n", TOKPERF_FRAMING_SSE, TOKPERF_END_COMPLETE, TKP_OUTCOME_EMPTY,
     "", "the answer is complete and has no content"},
    {"data: t:a\n\ndata: e:no\n\ndata: bad\n\n", TOKPERF_FRAMING_SSE, TOKPERF_END_COMPLETE,
     TKP_OUTCOME_STREAM_ERROR, "server_error", "no"},
    {"data: t:a\n\ndata: bad\n\ndata: e:no\n\n", TOKPERF_FRAMING_SSE, TOKPERF_END_COMPLETE,
     TKP_OUTCOME_PARSE_ERROR, "response", "bad event"},
    {"t:a", TOKPERF_FRAMING_WHOLE, TOKPERF_END_COMPLETE, TKP_OUTCOME_OK, "", ""},
    {"t:a", TOKPERF_FRAMING_WHOLE, TOKPERF_END_CUT, TKP_OUTCOME_TRUNCATED, "cut",
     "the connection ended in the middle of the answer"},
    {"bad", TOKPERF_FRAMING_WHOLE, TOKPERF_END_COMPLETE, TKP_OUTCOME_PARSE_ERROR, "response",
     "bad event"},
    {"", TOKPERF_FRAMING_WHOLE, TOKPERF_END_COMPLETE, TKP_OUTCOME_EMPTY, "",
     "the answer is complete and has no content"},
    {"t:a\nt:b\n[DONE]", TOKPERF_FRAMING_NDJSON, TOKPERF_END_COMPLETE, TKP_OUTCOME_OK, "", ""},
    {"t:a\nbad", TOKPERF_FRAMING_NDJSON, TOKPERF_END_COMPLETE, TKP_OUTCOME_PARSE_ERROR, "response",
     "bad event"},
    {"t:ab", TOKPERF_FRAMING_BYTES, TOKPERF_END_CLOSED, TKP_OUTCOME_TRUNCATED, "unfinished",
     "the answer ended without its last event or a finish reason"},
};

static void decides_the_outcome(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof outcome_cases / sizeof outcome_cases[0]; i++) {
        const struct outcome_case *c = &outcome_cases[i];
        struct fixture f;
        begin(&f, c->framing);
        if (c->body[0])
            take(&f, c->body, 10);
        end(&f, c->end, 20);
        if (f.row.outcome != c->outcome)
            fail_msg("'%s' ended as %s", c->body, tkp_outcome_name(f.row.outcome));
        assert_string_equal(f.error.type, c->type);
        assert_string_equal(f.error.message, c->message);
        finish(&f);
    }
}

static void keeps_the_live_answer(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, TOKPERF_FRAMING_SSE);
    f.reply.keeps_text = true;
    take(&f, "data: r:thought\n\ndata: t:caf\\n \n\ndata: j:\\u00e9\\n\n\ndata: [DONE]\n\n", 10);
    end(&f, TOKPERF_END_COMPLETE, 20);
    assert_int_equal(f.row.outcome, TKP_OUTCOME_OK);
    assert_int_equal(f.reply.text->len, 9);
    assert_memory_equal(f.reply.text->data, "caf\\n \xc3\xa9\n", 9);
    finish(&f);
}

static void bounds_the_live_answer(void **state)
{
    (void)state;
    struct fixture f;
    char *event = calloc(1, 70000);
    assert_non_null(event);
    memset(event, 'x', 65536);
    memcpy(event, "data: t:", 8);
    memcpy(event + 65536, "\n\n", 2);
    begin(&f, TOKPERF_FRAMING_SSE);
    f.reply.keeps_text = true;
    for (int i = 0; i < 66; i++)
        take(&f, event, 10);
    end(&f, TOKPERF_END_COMPLETE, 20);
    assert_int_equal(f.row.outcome, TKP_OUTCOME_CLIENT_ERROR);
    assert_string_equal(f.error.type, "answer_too_long");
    finish(&f);
    free(event);
}

struct error_case {
    int32_t status;
    const char *body, *note, *type, *message;
};

static const struct error_case error_cases[] = {
    {500, "{\"error\":{\"message\":\"no \\\"luck\\\"\",\"type\":\"server_error\",\"code\":1}}", "",
     "server_error", "no \"luck\""},
    {500, "{\"error\":{\"code\":[1,{\"message\":\"inner\"}],\"message\":\"outer\"}}", "", "",
     "outer"},
    {404, "{\"object\":\"error\",\"message\":\"gone\",\"type\":\"NotFound\"}", "", "NotFound",
     "gone"},
    {422, "{\"detail\":\"bad\"}", "", "", "bad"},
    {500, "{\"error\":\"text\"}", "", "", "text"},
    {500, "{\"error\":null}", "", "", "{\"error\":null}"},
    {502, "<html>\n<b>Bad</b> Gateway</html>", "", "", "Bad Gateway"},
    {500, "{\"error\":{\"message\":\"cut", "", "", "{\"error\":{\"message\":\"cut"},
    {500, "", "", "", ""},
    {429, "{\"error\":{\"message\":\"slow down\"}}", "7", "", "Retry-After: 7; slow down"},
    {503, "", "30", "", "Retry-After: 30"},
    {302, "moved", "http://b/", "", "redirected to http://b/, which is not followed"},
};

static void explains_http_errors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof error_cases / sizeof error_cases[0]; i++) {
        const struct error_case *c = &error_cases[i];
        struct tkp_row_error error = {0};
        struct tkp_row row = {
            .http_status = c->status, .outcome = TKP_OUTCOME_HTTP_ERROR, .error = &error};
        tkp_row_set_http_error(&row, (struct tokperf_span){c->body, strlen(c->body)}, c->note);
        assert_string_equal(error.message, c->message);
        assert_string_equal(error.type, c->type);
        assert_int_equal(row.flags & TKP_ROW_MESSAGE_TRUNCATED, 0);
    }
}

static void cuts_texts_at_characters(void **state)
{
    (void)state;
    struct tkp_row_error error = {0};
    struct tkp_row row = {.error = &error};
    char text[400];
    memset(text, 'a', sizeof text);
    memcpy(text + 254, "\xe2\x82\xac", 3);
    tkp_row_set_message(&row, (struct tokperf_span){text, sizeof text});
    assert_int_equal(strlen(error.message), 254);
    assert_int_equal(row.flags, TKP_ROW_MESSAGE_TRUNCATED);
    memcpy(text + 21, "\xf0\x9f\x98\x80", 4);
    tkp_row_set_finish_reason(&row, (struct tokperf_span){text, sizeof text});
    assert_int_equal(strlen(row.finish_reason), 21);
    tkp_row_set_message(&row, TOKPERF_SPAN("short"));
    assert_int_equal(row.flags, TKP_ROW_FINISH_TRUNCATED);
    tkp_row_end_text(&row, TKP_OUTCOME_TIMEOUT, "idle", "first");
    tkp_row_end_text(&row, TKP_OUTCOME_OK, "", "second");
    assert_int_equal(row.outcome, TKP_OUTCOME_TIMEOUT);
    assert_string_equal(error.message, "first");
}

static void chunk_times_fill_pages(void **state)
{
    (void)state;
    struct tkp_chunk_pool pool;
    struct tkp_chunk_times times = {0};
    tkp_chunk_pool_init(&pool);
    for (uint64_t round = 0; round < 2; round++) {
        for (uint64_t i = 0; i < 10000; i++)
            assert_true(tkp_chunk_times_add(&times, &pool, i * 3 + round));
        struct tkp_chunk_source source = tkp_chunk_times_source(&times, &pool);
        const uint64_t *piece;
        for (int pass = 0; pass < 2; pass++) {
            uint64_t seen = 0;
            source.rewind(source.context);
            for (uint32_t n; (n = source.next(source.context, &piece)); seen += n)
                for (uint32_t i = 0; i < n; i++)
                    assert_int_equal(piece[i], (seen + i) * 3 + round);
            assert_int_equal(seen, 10000);
        }
        tkp_chunk_times_clear(&times, &pool);
    }
    tkp_chunk_pool_finish(&pool);
}

static void chunk_times_span_long_silences(void **state)
{
    (void)state;
    static const uint64_t gaps[] = {0, 1, UINT32_MAX, (uint64_t)UINT32_MAX + 1, UINT64_C(1) << 40,
                                    7};
    struct tkp_chunk_pool pool;
    struct tkp_chunk_times times = {0};
    uint64_t at_ns = 5, expected_ns = 5;
    tkp_chunk_pool_init(&pool);
    for (size_t i = 0; i < sizeof gaps / sizeof gaps[0]; i++)
        assert_true(tkp_chunk_times_add(&times, &pool, at_ns += gaps[i]));
    struct tkp_chunk_source source = tkp_chunk_times_source(&times, &pool);
    const uint64_t *piece;
    size_t seen = 0;
    for (uint32_t n; (n = source.next(source.context, &piece));)
        for (uint32_t i = 0; i < n; i++)
            assert_true(piece[i] == (expected_ns += gaps[seen++]));
    assert_int_equal(seen, sizeof gaps / sizeof gaps[0]);
    tkp_chunk_times_clear(&times, &pool);
    tkp_chunk_pool_finish(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stamps_only_content),
        cmocka_unit_test(an_answer_can_be_complete_before_its_body_ends),
        cmocka_unit_test(an_answer_of_another_kind_says_what_came),
        cmocka_unit_test(a_follow_up_continues_the_answer),
        cmocka_unit_test(a_follow_up_is_asked_for_properly),
        cmocka_unit_test(keeps_the_count_of_the_first_chunk),
        cmocka_unit_test(a_whole_body_is_taken_where_it_lies),
        cmocka_unit_test(decides_the_outcome),
        cmocka_unit_test(keeps_the_live_answer),
        cmocka_unit_test(bounds_the_live_answer),
        cmocka_unit_test(explains_http_errors),
        cmocka_unit_test(cuts_texts_at_characters),
        cmocka_unit_test(chunk_times_fill_pages),
        cmocka_unit_test(chunk_times_span_long_silences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
