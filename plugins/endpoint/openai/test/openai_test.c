/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The openai plugin, driven through its vtables as the host does: each case gives events and
 * expects a transcript of what was emitted, or gives a conversation and expects a body.
 */
#include "format_test.h"
#include "transcript.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define DELTA(text) "{\"choices\":[{\"index\":0,\"delta\":" text ",\"finish_reason\":null}]}"
#define STOP        "{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}"

enum { MAX_EVENTS = 8 };

struct parse_case {
    const char *name;
    const char *events[MAX_EVENTS]; /* "error|{...}" is one of that SSE type */
    const char *expected;           /* transcript, the verdict at its end */
    uint32_t framing;               /* SSE when 0 */
};

static const struct parse_case parse_cases[] = {
    {"a stream of OpenAI: role chunk, content, usage-only chunk, [DONE]",
     {DELTA("{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}"),
      DELTA("{\"content\":\"Hello\"}"), DELTA("{\"content\":\" world\"}"), STOP,
      "{\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2,\"total_tokens\":11,"
      "\"prompt_tokens_details\":{\"cached_tokens\":4,\"audio_tokens\":0},"
      "\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,"
      "\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}",
      "[DONE]"},
     "out:Hello\nout: world\nfinish:stop\n"
     "usage: prompt=9 completion=2 total=11 reasoning=0 cached=4 prompt_audio=0 "
     "completion_audio=0 accepted=0 rejected=0\nok\n",
     0},
    {"null and empty content are not content; escapes stay as they are",
     {DELTA("{\"content\":null}"), DELTA("{\"content\":\"\"}"),
      DELTA("{\"content\":\"a\\n\\\"b\"}"), " [DONE] "},
     "out:a\\n\\\"b\nok\n",
     0},
    {"reasoning_content, then reasoning, then content",
     {DELTA("{\"reasoning_content\":\"think\",\"content\":null}"),
      DELTA("{\"reasoning\":\"more\"}"), DELTA("{\"content\":\"say\"}"), STOP},
     "reason:think\nreason:more\nout:say\nfinish:stop\nok\n",
     0},
    {"the same reasoning under both names counts once, beside content",
     {DELTA("{\"reasoning\":\"x\",\"reasoning_content\":\"x\",\"content\":\"y\"}"),
      DELTA("{\"reasoning\":\"x\",\"reasoning_content\":\"z\"}"), STOP},
     "reason:x\nout:y\nreason:x\nreason:z\nfinish:stop\nok\n",
     0},
    {"parallel tool calls by index, with prose",
     {DELTA("{\"content\":\"Let me see.\",\"tool_calls\":[{\"index\":0,\"id\":\"c0\",\"type\":"
            "\"function\",\"function\":{\"name\":\"get_weather\",\"arguments\":\"\"}}]}"),
      DELTA("{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"city\\\":\"}},"
            "{\"function\":{\"arguments\":\"{}\",\"name\":\"get_time\"},\"index\":1}]}"),
      DELTA("{\"tool_calls\":[{\"index\":0,\"id\":\"only an id\"}]}"),
      "{\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_calls\"}]}", "[DONE]"},
     "out:Let me see.\ntool 0:get_weather()\ntool 0:({\\\"city\\\":)\ntool 1:get_time({})\n"
     "finish:tool_calls\nok\n",
     0},
    {"legacy function_call, and arguments that are an object",
     {DELTA("{\"function_call\":{\"name\":\"f\",\"arguments\":\"{\"}}"),
      DELTA("{\"tool_calls\":[{\"index\":2,\"function\":{\"name\":\"g\",\"arguments\":{\"a\": "
            "1}}}]}"),
      STOP},
     "tool 0:f({)\nraw tool 2:g({\"a\": 1})\nfinish:stop\nok\n",
     0},
    {"usage null is nothing; usage on the last content chunk counts; finish_reason \"\" is nothing",
     {"{\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"\"}],\"usage\":null}",
      "{\"choices\":[{\"delta\":{\"content\":\"b\"},\"finish_reason\":\"length\"}],"
      "\"usage\":{\"input_tokens\":3,\"output_tokens\":2}}"},
     "out:a\nout:b\nfinish:length\nusage: prompt=3 completion=2\nok\n",
     0},
    {"usage under DeepSeek's, SGLang's, Mistral's, Anthropic's and Gemini's names",
     {"{\"usage\":{\"prompt_tokens\":10,\"prompt_cache_hit_tokens\":6,\"prompt_cache_miss_tokens\":"
      "4,"
      "\"reasoning_tokens\":5,\"prompt_audio_seconds\":1.5,\"cache_creation_input_tokens\":2,"
      "\"toolUsePromptTokenCount\":7,\"extra\":{\"deep\":[1,{}]}}}",
      "{\"usage\":{\"cache_read_input_tokens\":1,\"output_tokens_details\":{\"reasoning_tokens\":8}"
      "}}",
      "[DONE]"},
     "usage: prompt=10 reasoning=5 cached=6 written=2 missed=4 tool_use=7 audio_ms=1500\n"
     "usage: reasoning=8 cached=1\nok\n",
     0},
    {"one count under two names: the larger, in either order",
     {"{\"usage\":{\"prompt_tokens\":5,\"input_tokens\":0,\"output_tokens\":0,"
      "\"completion_tokens\":4}}",
      "[DONE]"},
     "usage: prompt=5 completion=4\nok\n",
     0},
    {"counts that are no counts are left out",
     {"{\"usage\":{\"prompt_tokens\":\"9\",\"completion_tokens\":-1,\"total_tokens\":1e300,"
      "\"prompt_tokens_details\":null}}",
      "{\"usage\":{}}", "[DONE]"},
     "ok\n",
     0},
    {"Moonshot states usage inside the choice",
     {"{\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\",\"usage\":{\"prompt_tokens\":1}}]}"},
     "finish:stop\nusage: prompt=1\nok\n",
     0},
    {"an unknown or null object is fine; what follows [DONE] is not read",
     {"{\"object\":null,\"choices\":[{\"delta\":{\"content\":\"a\"}}]}",
      "{\"object\":\"acme.chunk\",\"choices\":null}", "[DONE]", "{broken"},
     "out:a\nok\n",
     0},
    {"the stream ends without [DONE] or finish_reason",
     {DELTA("{\"content\":\"half\"}")},
     "out:half\ntruncated\n",
     0},
    {"a stream that says nothing at all", {NULL}, "truncated\n", 0},
    {"an error object inside the stream",
     {DELTA("{\"content\":\"a\"}"),
      "{\"error\":{\"message\":\"out of \\\"memory\\\"\",\"type\":\"server_error\",\"param\":null,"
      "\"code\":500}}",
      "[DONE]"},
     "out:a\nerror code=500 type=server_error message=out of \"memory\"\nok\n",
     0},
    {"an error that is a sentence, with TGI's error_type",
     {"{\"error\":\"Request failed\",\"error_type\":\"generation\"}"},
     "error code= type=generation message=Request failed\ntruncated\n",
     0},
    {"object error, as older vLLM",
     {"{\"object\":\"error\",\"message\":\"too long\",\"type\":\"BadRequestError\",\"code\":400}"},
     "error code=400 type=BadRequestError message=too long\ntruncated\n",
     0},
    {"an event of type error, with JSON and with text",
     {"error|{\"message\":\"gone\",\"code\":\"E1\"}", "error|upstream died"},
     "error code=E1 type= message=gone\nerror code= type= message=upstream died\ntruncated\n",
     0},
    {"error null, false and \"\" are no error",
     {"{\"error\":null}", "{\"error\":false}", "{\"error\":\"\"}", "[DONE]"},
     "ok\n",
     0},
    {"an error inside a choice, as OpenRouter",
     {"{\"choices\":[{\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\",\"error\":{\"code\":"
      "502,\"message\":\"upstream\"}}]}"},
     "finish:error\nerror code=502 type= message=upstream\nok\n",
     0},
    {"content in parts, as Mistral's reasoning models",
     {DELTA("{\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"hm\"}"
            "]},"
            "{\"type\":\"text\",\"text\":\"so\"},7]}"),
      STOP},
     "reason:hm\nout:so\nfinish:stop\nok\n",
     0},
    {"a refusal is output; spoken output is content without tokens",
     {DELTA("{\"refusal\":\"No.\",\"audio\":{\"id\":\"a\",\"data\":\"UklG\"}}"), STOP},
     "out:No.\nother:UklG\nfinish:stop\nok\n",
     0},
    {"a text completion stream",
     {"{\"object\":\"text_completion\",\"choices\":[{\"index\":0,\"text\":\"once\",\"logprobs\":"
      "null,"
      "\"finish_reason\":null}]}",
      "{\"choices\":[{\"index\":0,\"text\":\"\",\"finish_reason\":\"length\"}]}", "[DONE]"},
     "out:once\nfinish:length\nok\n",
     0},
    {"n > 1: the text of every choice",
     {"{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}},{\"index\":1,\"delta\":{"
      "\"content\":"
      "\"b\"}}]}",
      STOP},
     "out:a\nout:b\nfinish:stop\nok\n",
     0},
    {"a last chunk that repeats the whole message",
     {DELTA("{\"content\":\"a\"}"),
      "{\"choices\":[{\"message\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}"},
     "out:a\nfinish:stop\nok\n",
     0},
    {"escaped keys are the same keys",
     {"{\"choi\\u0063es\":[{\"d\\u0065lta\":{\"cont\\u0065nt\":\"a\"}}]}", "[DONE]"},
     "out:a\nok\n",
     0},
    {"blank events are nothing", {"  ", "[DONE]"}, "ok\n", 0},
    {"a whole answer",
     {"{\"id\":\"x\",\"object\":\"chat.completion\",\"choices\":[{\"index\":0,\"message\":{"
      "\"role\":"
      "\"assistant\",\"content\":\"Hi\",\"reasoning\":\"r\",\"tool_calls\":[{\"id\":\"1\","
      "\"function\":"
      "{\"name\":\"a\",\"arguments\":\"{}\"}},{\"id\":\"2\",\"function\":{\"name\":\"b\","
      "\"arguments\":"
      "\"{}\"}}]},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1}}"},
     "out:Hi\nreason:r\ntool 0:a({})\ntool 1:b({})\nfinish:stop\nusage: prompt=1\nok\n",
     TOKPERF_FRAMING_WHOLE},
    {"a whole answer with an error object",
     {"{\"error\":{\"message\":\"no\",\"code\":null}}"},
     "error code= type= message=no\nok\n",
     TOKPERF_FRAMING_WHOLE},
    {"a whole answer that is cut",
     {"{\"choices\":[{\"message\":{\"content\":\"Hi\"}"},
     "out:Hi\nparse: the body is not a JSON answer: byte 39: the text ends before its JSON value "
     "does\ntruncated\n",
     TOKPERF_FRAMING_WHOLE},
    {"an array",
     {"[1,2]"},
     "parse: the event is not a JSON answer: byte 0: an object is expected, not an array\n"
     "truncated\n",
     0},
    {"a syntax error says where",
     {"{\"choices\":[{\"delta\":{\"content\":tru}}]}"},
     "parse: the event is not a JSON answer: byte 35: only true, false and null may stand without "
     "quotes\ntruncated\n",
     0},
    {"two values in one event",
     {"{}{}"},
     "parse: the event is not a JSON answer: byte 2: something follows the JSON value\ntruncated\n",
     0},
    {"wrong types everywhere are passed over",
     {"{\"choices\":{\"a\":[]},\"usage\":[1],\"object\":{}}",
      "{\"choices\":[1,[],{\"delta\":[{}],\"finish_reason\":{\"a\":[]},\"text\":{\"b\":1}},null]}",
      DELTA("{\"content\":{\"x\":[]},\"tool_calls\":{\"x\":1},\"reasoning\":[1,{}],"
            "\"function_call\":3,\"audio\":[]}"),
      DELTA("{\"tool_calls\":[1,[],{\"index\":\"a\",\"function\":[]},{\"function\":{\"name\":[],"
            "\"arguments\":[]}}]}"),
      "[DONE]"},
     "ok\n",
     0},
};

static void test_parse(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof parse_cases / sizeof parse_cases[0]; i++) {
        const struct parse_case *c = &parse_cases[i];
        struct transcript transcript = {0};
        transcript_begin(&transcript, "chat", c->framing != 0 ? c->framing : TOKPERF_FRAMING_SSE);
        for (size_t k = 0; k < MAX_EVENTS && c->events[k] != NULL; k++)
            transcript_event(&transcript, c->events[k]);
        transcript_end(&transcript);
        if (strcmp(transcript.text, c->expected) != 0)
            print_error("case: %s\n", c->name);
        assert_string_equal(transcript.text, c->expected);
    }
}

/* Every prefix of a rich answer ends in a parse error, never in a crash or a read past the end. */
static void test_every_prefix(void **unused)
{
    (void)unused;
    static const char whole[] =
        "{\"choices\":[{\"delta\":{\"content\":[{\"thinking\":[{\"text\":\"a\"}]}],\"tool_calls\":"
        "[{\"index\":1,\"function\":{\"name\":\"n\",\"arguments\":{\"a\":[1]}}}]}}],\"usage\":{"
        "\"prompt_tokens_details\":{\"cached_tokens\":1}},\"error\":{\"message\":\"\\u00e9\"}}";
    for (size_t len = 1; len < sizeof whole - 1; len++) {
        struct transcript transcript = {0};
        transcript_begin(&transcript, "chat", TOKPERF_FRAMING_SSE);
        char *exact = malloc(len); /* so that a sanitizer sees a read past it */
        assert_non_null(exact);
        memcpy(exact, whole, len);
        assert_int_equal(transcript_bytes(&transcript, exact, len), TOKPERF_E_PARSE);
        free(exact);
        transcript_end(&transcript);
    }
}

static void test_long_error_is_cut(void **unused)
{
    (void)unused;
    char event[4000];
    size_t used = (size_t)snprintf(event, sizeof event, "{\"error\":{\"message\":\"");
    while (used < 3000)
        used += (size_t)snprintf(event + used, sizeof event - used, "\\u00e9\\\\");
    snprintf(event + used, sizeof event - used, "\"}}");
    struct transcript transcript = {0};
    transcript_begin(&transcript, "chat", TOKPERF_FRAMING_SSE);
    transcript_event(&transcript, event);
    transcript_end(&transcript);
    assert_non_null(strstr(transcript.text, "message=\xc3\xa9\\\xc3\xa9\\"));
    assert_true(strlen(transcript.text) < 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_every_prefix),
        cmocka_unit_test(test_long_error_is_cut),
        cmocka_unit_test(test_format_options),
        cmocka_unit_test(test_format_contents),
        cmocka_unit_test(test_format_history),
        cmocka_unit_test(test_format_extra),
        cmocka_unit_test(test_format_completions),
        cmocka_unit_test(test_format_refusals),
        cmocka_unit_test(test_format_salt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
