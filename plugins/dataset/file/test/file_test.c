/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file dataset, driven through its vtable with the bytes of a file: each case expects a
 * transcript of what came through the sink, or the whole sentence of the error.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <plugin/host.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tokperf/dataset.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

const struct tokperf_plugin *file_plugin(void);

static char transcript[1 << 16];
static size_t transcript_len;

static void TOKPERF_PRINTF(1, 2) add(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int n = vsnprintf(transcript + transcript_len, sizeof transcript - transcript_len, format,
                            arguments);
    va_end(arguments);
    assert_true(n >= 0 && (size_t)n < sizeof transcript - transcript_len);
    transcript_len += (size_t)n;
}

static tokperf_status on_conversation(void *context, struct tokperf_span id)
{
    (void)context;
    add("[%.*s]", (int)id.len, id.data);
    return TOKPERF_OK;
}

static tokperf_status on_turn(void *context, const struct tokperf_turn *turn)
{
    (void)context;
    add("%s%.*s", turn->is_answer ? "(context)" : "", (int)turn->role.len, turn->role.data);
    for (uint32_t i = 0; i < turn->content_count; i++) {
        const struct tokperf_content *content = turn->contents[i];
        const char *kind = content->input == TOKPERF_INPUT_TEXT    ? "text"
                           : content->input == TOKPERF_INPUT_IMAGE ? "image"
                           : content->input == TOKPERF_INPUT_AUDIO ? "audio"
                                                                   : "video";
        add(" %s%s%.*s=%.*s", kind, content->name.len > 0 ? ":" : "", (int)content->name.len,
            content->name.data, (int)content->value.len, content->value.data);
    }
    for (uint32_t i = 0; i < turn->extra_count; i++)
        add(" +%.*s=%.*s", (int)turn->extra[i].key.len, turn->extra[i].key.data,
            (int)turn->extra[i].json.len, turn->extra[i].json.data);
    if (turn->raw_payload.len > 0)
        add(" raw=%.*s", (int)turn->raw_payload.len, turn->raw_payload.data);
    if (turn->max_tokens >= 0)
        add(" osl=%" PRId64, turn->max_tokens);
    if (turn->delay_ns >= 0)
        add(" delay=%" PRId64, turn->delay_ns);
    add("\n");
    return TOKPERF_OK;
}

/* Writes the bytes to a file and lets the plugin read it; the error's path is cut to "FILE". */
static tokperf_status read_bytes(const char *bytes, size_t len, const char *format, double osl,
                                 uint64_t entries)
{
    const struct tokperf_dataset_vtable *vtable = file_plugin()->components[0]->vtable;
    const struct tokperf_config config = {.struct_size = sizeof config};
    const struct tokperf_dataset_sink sink = {sizeof sink, 0, NULL, on_conversation, on_turn};
    struct tokperf_error error = {0};
    struct tkp_host host;
    void *self = NULL;
    char path[] = "/tmp/tokperf-file-test-XXXXXX";
    const int fd = mkostemp(path, O_CLOEXEC);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    fclose(file);
    tkp_host_init(&host);
    assert_int_equal(vtable->create(&host.api, &config, &self, &error), TOKPERF_OK);
    const struct tokperf_dataset_request request = {
        .struct_size = sizeof request,
        .seed = 1,
        .entries = entries,
        .output_tokens_mean = osl,
        .path = {path, strlen(path)},
        .format = {format, strlen(format)},
    };
    transcript_len = 0;
    transcript[0] = '\0';
    const tokperf_status status = vtable->produce(self, &request, &sink, &error);
    vtable->destroy(self);
    remove(path);
    if (status != TOKPERF_OK) {
        const char *place = strncmp(error.message, path, strlen(path)) == 0
                                ? error.message + strlen(path)
                                : error.message;
        transcript_len = 0;
        add("%s%s", place == error.message ? "" : "FILE", place);
    }
    return status;
}

struct file_case {
    const char *name, *bytes, *format, *expected;
    tokperf_status status;
};

static const struct file_case cases[] = {
    {"single_turn: found out, CRLF, empty lines, no newline at the end",
     "{\"text\":\"Hi \\u00e9\\n\"}\r\n\n  \r\n{\"texts\":[\"a\",\"b\"],\"session_id\":\"s\"}", "",
     "[] text=Hi \xc3\xa9\n\n[s] text=a text=b\n", TOKPERF_OK},
    {"a byte order mark", "\xef\xbb\xbf{\"text\":\"a\"}\n", "", "[] text=a\n", TOKPERF_OK},
    {"single_turn: everything it can say",
     "{\"type\":\"single_turn\",\"text\":\"a\",\"image\":\"https://x/y\",\"audios\":[\"wav,AA\"],"
     "\"videos\":[\"data:video/mp4;base64,AA\"],\"role\":\"user\",\"output_length\":5,\"delay\":0,"
     "\"extra\":{\"top_p\": 0.5,\"\\u0061\":[1, 2]}}",
     "single_turn",
     "[]user text=a image=https://x/y audio=wav,AA video=data:video/mp4;base64,AA +top_p=0.5 "
     "+a=[1, 2] osl=5 delay=0\n",
     TOKPERF_OK},
    {"named lists, and null for absent",
     "{\"texts\":[{\"name\":\"query\",\"contents\":[\"q\"]},{\"name\":\"passages\",\"contents\":["
     "\"p\","
     "\"r\"]}],\"image\":null}",
     "single_turn", "[] text:query=q text:passages=p text:passages=r\n", TOKPERF_OK},
    {"multi_turn: system turn first, recorded answer, delays in ms",
     "{\"session_id\":\"c1\",\"turns\":[{\"role\":\"system\",\"text\":\"S\"},{\"text\":\"1\"},{"
     "\"role\":"
     "\"assistant\",\"text\":\"A\"},{\"text\":\"2\",\"delay\":1.5}]}\n{\"turns\":[{\"text\":\"x\"}]"
     "}",
     "",
     "[c1](context)system text=S\n text=1\n(context)assistant text=A\n text=2 delay=1500000\n"
     "[] text=x\n",
     TOKPERF_OK},
    {"raw_payload: found out, as it stands", "{\"messages\": [],\"x\":1}\n{\"prompt\":\"\"}", "",
     "[] raw={\"messages\": [],\"x\":1}\n[] raw={\"prompt\":\"\"}\n", TOKPERF_OK},
    {"inputs_json: found out, over several lines",
     "{\n \"data\": [\n  {\"session_id\": \"a\", \"payloads\": [{\"m\":1}, {\"m\":2}]}\n ]\n}\n",
     "", "[a] raw={\"m\":1}\n raw={\"m\":2}\n", TOKPERF_OK},
    {"an empty file", " \n\n", "", "FILE:1:1: the file is empty", TOKPERF_E_INVALID},
    {"an unknown format", "{}", "single-turn",
     "the file dataset has no format 'single-turn'; did you mean single_turn", TOKPERF_E_INVALID},
    {"a file of no known format", "{\"foo\":1}", "",
     "FILE:1:1: the first row is of no known format; say which with --custom-dataset-type "
     "(single_turn, multi_turn, raw_payload, inputs_json)",
     TOKPERF_E_INVALID},
    {"an unknown field and the closest",
     "{\"text\":\"a\"}\n{\"text\":\"\xc3\xa9\",\"otput_length\":1}", "",
     "FILE:2:13: a single_turn row has no field 'otput_length'; did you mean 'output_length'?",
     TOKPERF_E_INVALID},
    {"an unknown field with no closest", "{\"text\":\"a\",\"temperature\":1}", "",
     "FILE:1:13: a single_turn row has no field 'temperature'; members for the request body go "
     "into \"extra\"",
     TOKPERF_E_INVALID},
    {"a timestamp is never ignored", "{\"timestamp\":0,\"text\":\"a\"}", "",
     "FILE:1:2: 'timestamp': a fixed schedule cannot be replayed yet; remove it and set the load "
     "with --request-rate or --concurrency",
     TOKPERF_E_UNSUPPORTED},
    {"a field twice", "{\"text\":\"a\",\"text\":\"b\"}", "", "FILE:1:13: 'text' is there twice",
     TOKPERF_E_INVALID},
    {"text and texts", "{\"text\":\"a\",\"texts\":[\"b\"]}", "",
     "FILE:1:21: 'text' and 'texts' cannot both be there", TOKPERF_E_INVALID},
    {"the wrong type", "{\"text\":[\"a\"]}", "", "FILE:1:9: a string is expected, not an array",
     TOKPERF_E_INVALID},
    {"nothing to send", "{\"role\":\"user\",\"texts\":[]}", "",
     "FILE:1:1: there is no text, image, audio or video to send", TOKPERF_E_INVALID},
    {"a local image", "{\"text\":\"a\",\"image\":\"cat.png\"}", "",
     "FILE:1:21: an image or video is an http, https or data URL; local files are not read",
     TOKPERF_E_INVALID},
    {"audio without its format", "{\"audio\":\"AAAA\"}", "",
     "FILE:1:10: audio is written \"format,base64\", for example \"wav,UklGR...\"",
     TOKPERF_E_INVALID},
    {"an output length of 0", "{\"text\":\"a\",\"output_length\":0}", "",
     "FILE:1:29: \"output_length\" is a whole number of tokens, at least 1", TOKPERF_E_INVALID},
    {"a delay with nothing before it", "{\"text\":\"a\",\"delay\":5}", "",
     "FILE:1:21: \"delay\" waits after the previous answer; the first turn has none",
     TOKPERF_E_INVALID},
    {"a syntax error", "{\"text\":\"a\"}\n{\"text\":\"b\",}", "",
     "FILE:2:13: not valid JSON: a key in double quotes is expected here", TOKPERF_E_PARSE},
    {"two rows on a line", "{\"text\":\"a\"} {\"text\":\"b\"}", "",
     "FILE:1:14: not valid JSON: something follows the JSON value", TOKPERF_E_PARSE},
    {"a row that is no object", "{\"text\":\"a\"}\n[1]", "",
     "FILE:2:1: a single_turn row is an object; this is an array", TOKPERF_E_INVALID},
    {"a byte that is not UTF-8", "{\"text\":\"a\"}\n{\"text\":\"\xe9\"}", "",
     "FILE:2:10: byte 0xe9 is not UTF-8; save the file as UTF-8", TOKPERF_E_PARSE},
    {"a session id twice",
     "{\"text\":\"a\",\"session_id\":\"s\"}\n{\"text\":\"b\",\"session_id\":\"s\"}", "",
     "FILE:2:26: session_id \"s\" is that of an earlier row; put the turns of one conversation "
     "into "
     "one multi_turn row",
     TOKPERF_E_INVALID},
    {"a session id that would break a header", "{\"text\":\"a\",\"session_id\":\"a\\r\\nb\"}", "",
     "FILE:1:26: \"session_id\" has a control character", TOKPERF_E_INVALID},
    {"a system message late", "{\"turns\":[{\"text\":\"a\"},{\"role\":\"system\",\"text\":\"b\"}]}",
     "", "FILE:1:32: system messages come first in a conversation", TOKPERF_E_INVALID},
    {"nothing but context", "{\"turns\":[{\"role\":\"system\",\"text\":\"b\"}]}", "",
     "FILE:1:10: no turn of this conversation is sent; at least one needs role user",
     TOKPERF_E_INVALID},
    {"an unsendable single turn", "{\"text\":\"a\",\"role\":\"assistant\"}", "",
     "FILE:1:20: a single_turn row is sent, which one with this role cannot be; use multi_turn "
     "rows "
     "for context",
     TOKPERF_E_INVALID},
    {"context with a length",
     "{\"turns\":[{\"text\":\"a\"},{\"role\":\"assistant\",\"text\":\"b\","
     "\"output_length\":3},{\"text\":\"c\"}]}",
     "",
     "FILE:1:71: 'output_length' belongs to a turn that is sent; one with this role is context "
     "for "
     "the turns behind it",
     TOKPERF_E_INVALID},
    {"extra twice", "{\"text\":\"a\",\"extra\":{\"a\":1,\"\\u0061\":2}}", "",
     "FILE:1:28: 'a' is there twice", TOKPERF_E_INVALID},
    {"a type of another format", "{\"turns\":[{\"type\":\"multi_turn\",\"text\":\"a\"}]}", "",
     "FILE:1:19: 'type' is not 'single_turn', as which the row is read", TOKPERF_E_INVALID},
    {"a raw payload that is no object", "[1]", "raw_payload",
     "FILE:1:1: a request body is an object; this is an array", TOKPERF_E_INVALID},
    {"inputs_json without payloads", "{\"data\":[{\"session_id\":\"a\",\"payloads\":[]}]}", "",
     "FILE:1:39: an entry of \"data\" needs \"payloads\": [request bodies]", TOKPERF_E_INVALID},
    {"inputs_json without conversations", "{\"data\":[]}", "",
     "FILE:1:1: the file has no conversation", TOKPERF_E_INVALID},
};

static void test_files(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct file_case *c = &cases[i];
        const tokperf_status status = read_bytes(c->bytes, strlen(c->bytes), c->format, -1, 0);
        if (status != c->status || strcmp(transcript, c->expected) != 0)
            print_error("case: %s\n", c->name);
        assert_string_equal(transcript, c->expected);
        assert_int_equal(status, c->status);
    }
}

/* --osl holds for rows that state no length of their own; entries end the reading. */
static void test_request(void **unused)
{
    (void)unused;
    static const char rows[] =
        "{\"text\":\"a\"}\n{\"text\":\"b\",\"output_length\":3}\n{\"text\":\"c\"}";
    assert_int_equal(read_bytes(rows, strlen(rows), "", 8, 2), TOKPERF_OK);
    assert_string_equal(transcript, "[] text=a osl=8\n[] text=b osl=3\n");
}

static void test_long_line(void **unused)
{
    (void)unused;
    const size_t len = (16u << 20) + 2;
    char *bytes = malloc(len);
    assert_non_null(bytes);
    memset(bytes, ' ', len);
    bytes[0] = '{';
    bytes[len - 1] = '}';
    assert_int_equal(read_bytes(bytes, len, "raw_payload", -1, 0), TOKPERF_E_LIMIT);
    assert_string_equal(transcript, "FILE:1:1: the line is longer than 16 MiB");
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_request),
        cmocka_unit_test(test_long_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
