/* SPDX-License-Identifier: Apache-2.0 */
/* Request bodies of both components, byte by byte. */
#include "format_test.h"

#include "transcript.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { MAX_TURNS = 4, MAX_CONTENTS = 4 };

/* A conversation in memory that the test reuses. */
struct conversation {
    struct tokperf_content contents[MAX_TURNS][MAX_CONTENTS];
    const struct tokperf_content *lists[MAX_TURNS][MAX_CONTENTS];
    struct tokperf_turn turns[MAX_TURNS];
    const struct tokperf_turn *list[MAX_TURNS];
    uint32_t turn_count;
};

static struct tokperf_span span(const char *text)
{
    return (struct tokperf_span){text, strlen(text)};
}

static struct tokperf_turn *add_turn(struct conversation *conversation, const char *role)
{
    const uint32_t i = conversation->turn_count++;
    conversation->turns[i] = (struct tokperf_turn){.struct_size = sizeof(struct tokperf_turn),
                                                   .contents = conversation->lists[i],
                                                   .role = span(role),
                                                   .max_tokens = -1};
    conversation->list[i] = &conversation->turns[i];
    return &conversation->turns[i];
}

static void add_content(struct conversation *conversation, uint32_t input, const char *value)
{
    const uint32_t i = conversation->turn_count - 1;
    const uint32_t k = conversation->turns[i].content_count++;
    conversation->contents[i][k] = (struct tokperf_content){
        .struct_size = sizeof(struct tokperf_content), .input = input, .value = span(value)};
    conversation->lists[i][k] = &conversation->contents[i][k];
}

static struct tokperf_turn *add_text(struct conversation *conversation, const char *role,
                                     const char *text)
{
    struct tokperf_turn *turn = add_turn(conversation, role);
    add_content(conversation, TOKPERF_INPUT_TEXT, text);
    return turn;
}

static char body[8192];
static size_t body_len;

static void on_body(void *context, const char *data, uint64_t len)
{
    (void)context;
    assert_true(body_len + len < sizeof body);
    memcpy(body + body_len, data, len);
    body_len += len;
    body[body_len] = '\0';
}

static void on_hole(void *context, uint32_t hole)
{
    assert_int_equal(hole, TOKPERF_HOLE_SALT);
    on_body(context, "<salt>", 6);
}

/* Renders into `body`; a failure's sentence replaces it. */
static tokperf_status render(const char *component, const struct conversation *conversation,
                             uint32_t flags, const struct tokperf_member *extra,
                             uint32_t extra_count)
{
    const struct tokperf_endpoint_vtable *vtable = openai_test_vtable(component);
    void *self = openai_test_create(vtable);
    const struct tokperf_request request = {
        .struct_size = sizeof request,
        .flags = flags,
        .turn_count = conversation->turn_count,
        .extra_count = extra_count,
        .turns = conversation->list,
        .model = span("m"),
        .extra = extra,
    };
    const struct tokperf_request_sink sink = {
        .struct_size = sizeof sink, .body = on_body, .hole = on_hole};
    struct tokperf_error error = {0};
    body_len = 0;
    body[0] = '\0';
    const tokperf_status status = vtable->format(self, &request, &sink, &error);
    if (status != TOKPERF_OK)
        snprintf(body, sizeof body, "%s", error.message);
    vtable->destroy(self);
    return status;
}

static void expect(const char *component, const struct conversation *conversation, uint32_t flags,
                   const char *expected)
{
    assert_int_equal(render(component, conversation, flags, NULL, 0), TOKPERF_OK);
    assert_string_equal(body, expected);
}

void test_format_options(void **unused)
{
    (void)unused;
    struct conversation c = {0};
    struct tokperf_turn *turn = add_text(&c, "", "Hi \"there\"\n");
    const uint32_t stream = TOKPERF_REQUEST_STREAM;
    expect(
        "chat", &c, 0,
        "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi \\\"there\\\"\\n\"}],\"model\":\"m\","
        "\"stream\":false}");
    expect(
        "chat", &c, stream,
        "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi \\\"there\\\"\\n\"}],\"model\":\"m\","
        "\"stream\":true,\"stream_options\":{\"include_usage\":true}}");
    turn->max_tokens = 7;
    c.contents[0][0].value = span("x");
    expect("chat", &c, stream | TOKPERF_REQUEST_PER_CHUNK_USAGE,
           "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"model\":\"m\",\"stream\":true,"
           "\"stream_options\":{\"include_usage\":true,\"continuous_usage_stats\":true},"
           "\"max_completion_tokens\":7}");
    expect("chat", &c, TOKPERF_REQUEST_LEGACY_MAX_TOKENS,
           "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"model\":\"m\",\"stream\":false,"
           "\"max_tokens\":7}");
}

void test_format_contents(void **unused)
{
    (void)unused;
    struct conversation c = {0};
    add_text(&c, "user", "see");
    add_content(&c, TOKPERF_INPUT_IMAGE, "https://a/b.png");
    add_content(&c, TOKPERF_INPUT_AUDIO, "wav,UklG");
    add_content(&c, TOKPERF_INPUT_VIDEO, "data:video/mp4;base64,AA");
    expect("chat", &c, 0,
           "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"see\"},"
           "{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://a/b.png\"}},"
           "{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"UklG\",\"format\":\"wav\"}},"
           "{\"type\":\"video_url\",\"video_url\":{\"url\":\"data:video/mp4;base64,AA\"}}]}],"
           "\"model\":\"m\",\"stream\":false}");
}

void test_format_history(void **unused)
{
    (void)unused;
    struct conversation c = {0};
    add_text(&c, "system", "be brief");
    add_text(&c, "", "weather?")->tools = span("[{\"type\":\"function\"}]");
    add_turn(&c, "assistant")->tool_calls = span("[{\"id\":\"1\"}]");
    add_text(&c, "", "and now?");
    expect("chat", &c, 0,
           "{\"messages\":[{\"role\":\"system\",\"content\":\"be brief\"},"
           "{\"role\":\"user\",\"content\":\"weather?\"},"
           "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"1\"}]},"
           "{\"role\":\"user\",\"content\":\"and now?\"}],\"tools\":[{\"type\":\"function\"}],"
           "\"model\":\"m\",\"stream\":false}");
    c.turns[3].raw_payload = span("{\"as\": \"it is\"}");
    expect("chat", &c, TOKPERF_REQUEST_STREAM, "{\"as\": \"it is\"}");
}

void test_format_extra(void **unused)
{
    (void)unused;
    struct conversation c = {0};
    add_text(&c, "", "x")->max_tokens = 5;
    const struct tokperf_member extra[] = {
        {span("model"), span("\"other\"")},
        {span("stream_options"), span("{\"include_usage\":false}")},
        {span("max_completion_tokens"), span("9")},
    };
    assert_int_equal(render("chat", &c, TOKPERF_REQUEST_STREAM, extra, 3), TOKPERF_OK);
    assert_string_equal(body,
                        "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"stream\":true,"
                        "\"model\":\"other\",\"stream_options\":{\"include_usage\":false},"
                        "\"max_completion_tokens\":9}");
    /* A stream that only the extra asks for is asked for usage too, and the other way round. */
    const struct tokperf_member on = {span("stream"), span("true")};
    assert_int_equal(render("chat", &c, 0, &on, 1), TOKPERF_OK);
    assert_non_null(strstr(body, "\"stream_options\":{\"include_usage\":true}"));
    const struct tokperf_member off = {span("stream"), span("false")};
    assert_int_equal(render("chat", &c, TOKPERF_REQUEST_STREAM, &off, 1), TOKPERF_OK);
    assert_null(strstr(body, "stream_options"));
    const struct tokperf_member messages = {span("messages"), span("[]")};
    assert_int_equal(render("chat", &c, 0, &messages, 1), TOKPERF_OK);
    assert_string_equal(body, "{\"model\":\"m\",\"stream\":false,\"max_completion_tokens\":5,"
                              "\"messages\":[]}");
}

void test_format_completions(void **unused)
{
    (void)unused;
    struct conversation c = {0};
    add_text(&c, "", "once")->max_tokens = 3;
    expect("completions", &c, TOKPERF_REQUEST_STREAM,
           "{\"prompt\":\"once\",\"model\":\"m\",\"stream\":true,"
           "\"stream_options\":{\"include_usage\":true},\"max_tokens\":3}");
    add_content(&c, TOKPERF_INPUT_TEXT, "twice");
    expect("completions", &c, 0,
           "{\"prompt\":[\"once\",\"twice\"],\"model\":\"m\",\"stream\":false,\"max_tokens\":3}");
    add_text(&c, "assistant", "");
    add_text(&c, "", "say \"b\"");
    expect("completions", &c, 0,
           "{\"prompt\":\"once\\n\\ntwice\\n\\n\\n\\nsay \\\"b\\\"\",\"model\":\"m\","
           "\"stream\":false}");
}

void test_format_refusals(void **unused)
{
    (void)unused;
    struct conversation c = {0};
    assert_int_equal(render("chat", &c, 0, NULL, 0), TOKPERF_E_INVALID);
    add_turn(&c, "");
    add_content(&c, TOKPERF_INPUT_AUDIO, "no comma");
    assert_int_equal(render("chat", &c, 0, NULL, 0), TOKPERF_E_INVALID);
    assert_non_null(strstr(body, "format,base64"));
    assert_int_equal(render("completions", &c, 0, NULL, 0), TOKPERF_E_UNSUPPORTED);
}

/* Which text carries the marker: of the system message where there is one, else of the first user
 * message that has a text; always the same one, however long the conversation is by then. */
void test_format_salt(void **unused)
{
    (void)unused;
    const uint32_t prefix = TOKPERF_REQUEST_SALT_PREFIX, suffix = TOKPERF_REQUEST_SALT_SUFFIX;
    const uint32_t system = TOKPERF_REQUEST_SALT_SYSTEM;
    struct conversation c = {0};
    add_text(&c, "system", "S");
    add_turn(&c, "user");
    add_content(&c, TOKPERF_INPUT_IMAGE, "u");
    add_content(&c, TOKPERF_INPUT_TEXT, "\"A\"");
    add_content(&c, TOKPERF_INPUT_TEXT, "");
    add_text(&c, "user", "B");
    const struct {
        uint32_t flags;
        const char *part;
    } places[] = {
        {prefix | system, "\"content\":\"[rid:<salt>]\\n\\nS\"}"},
        {suffix | system, "\"content\":\"S\\n\\n[rid:<salt>]\"}"},
        {prefix, "\"text\":\"[rid:<salt>]\\n\\n\\\"A\\\"\"},{"},
        {suffix, "\"text\":\"\\n\\n[rid:<salt>]\"}]}"},
    };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        assert_int_equal(render("chat", &c, places[i].flags, NULL, 0), TOKPERF_OK);
        const char *first = strstr(body, "<salt>");
        assert_non_null(strstr(body, places[i].part));
        assert_null(strstr(first + 1, "<salt>"));
    }
    assert_int_equal(render("chat", &c, 0, NULL, 0), TOKPERF_OK);
    assert_null(strstr(body, "rid"));
    struct conversation plain = {0};
    add_text(&plain, "", "x");
    expect("completions", &plain, prefix | system,
           "{\"prompt\":\"[rid:<salt>]\\n\\nx\",\"model\":\"m\",\"stream\":false}");
    add_content(&plain, TOKPERF_INPUT_TEXT, "y");
    expect("completions", &plain, suffix,
           "{\"prompt\":[\"x\\n\\n[rid:<salt>]\",\"y\\n\\n[rid:<salt>]\"],\"model\":\"m\","
           "\"stream\":false}");
    add_text(&plain, "", "z");
    expect("completions", &plain, prefix,
           "{\"prompt\":\"[rid:<salt>]\\n\\nx\\n\\ny\\n\\nz\",\"model\":\"m\","
           "\"stream\":false}");
}
