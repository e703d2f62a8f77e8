/* SPDX-License-Identifier: Apache-2.0 */
/* Messages between a run and its collectors: what is read, what is refused and how. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <telemetry/message.h>

#define ID "6fa459ea-ee8a-4ca4-894e-db77e160355e"

static tokperf_status parse(uint32_t kind, const char *json, struct tkp_message *message,
                            struct tokperf_error *error)
{
    return tkp_message_parse(kind, (struct tokperf_span){json, strlen(json)}, message, error);
}

static void writes_and_reads(void **state)
{
    static const struct {
        enum tkp_message_kind kind;
        const char *json; /* as it is written */
    } rows[] = {
        {TKP_MESSAGE_REGISTER, "{\"version\":1,\"capabilities\":[\"baseline_collector\","
                               "\"result_producer:telemetry\"]}"},
        {TKP_MESSAGE_REGISTER, "{\"version\":2,\"capabilities\":[]}"},
        {TKP_MESSAGE_READY, "{}"},
        {TKP_MESSAGE_FAILED, "{\"error\":\"no \\\"device\\\"\"}"},
        {TKP_MESSAGE_DISABLED, "{\"error\":\"no GPU\"}"},
        {TKP_MESSAGE_LEAVE, "{}"},
        {TKP_MESSAGE_BASELINE_ACK, "{\"phase_id\":\"" ID "\",\"kind\":\"start\",\"success\":true}"},
        {TKP_MESSAGE_BASELINE_ACK, "{\"phase_id\":\"" ID "\",\"kind\":\"end\",\"error\":\"x\"}"},
        {TKP_MESSAGE_BASELINE_ACK, "{\"phase_id\":\"" ID "\",\"kind\":\"end\"}"},
        {TKP_MESSAGE_BASELINE_ACK,
         "{\"phase_id\":\"" ID "\",\"kind\":\"end\",\"success\":true,\"error\":\"x\"}"},
        {TKP_MESSAGE_RESULT, "{\"domain\":\"server_metrics\"}"},
        {TKP_MESSAGE_RESULT, "{\"domain\":\"profile\",\"error\":\"full disk\"}"},
        {TKP_MESSAGE_BASELINE, "{\"phase_id\":\"" ID "\",\"phase\":\"warmup\",\"kind\":\"start\","
                               "\"timeout_ms\":5000}"},
        {TKP_MESSAGE_FINISH, "{\"timeout_ms\":4294967295}"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tkp_message message;
        struct tokperf_error error;
        struct tkp_buffer out;
        print_message("%s\n", rows[i].json);
        assert_int_equal(parse(rows[i].kind, rows[i].json, &message, &error), TOKPERF_OK);
        assert_int_equal(message.kind, rows[i].kind);
        tkp_buffer_init(&out, 4096);
        tkp_message_write(&message, &out);
        assert_string_equal(tkp_buffer_text(&out), rows[i].json);
        tkp_buffer_finish(&out);
    }
}

static void refuses(void **state)
{
    static const struct {
        uint32_t kind;
        const char *json, *says;
        tokperf_status status;
    } rows[] = {
        {TKP_MESSAGE_READY, "", "no JSON object", TOKPERF_E_PARSE},
        {TKP_MESSAGE_READY, "[]", "no JSON object", TOKPERF_E_PARSE},
        {TKP_MESSAGE_READY, "{} {}", "no JSON object", TOKPERF_E_PARSE},
        {TKP_MESSAGE_READY, "{\"a\":", "no JSON object", TOKPERF_E_PARSE},
        {TKP_MESSAGE_REGISTER, "{\"capabilities\":[]}", "no 'version'", TOKPERF_E_PARSE},
        {TKP_MESSAGE_REGISTER, "{\"version\":1}", "no 'capabilities'", TOKPERF_E_PARSE},
        {TKP_MESSAGE_REGISTER, "{\"version\":-1,\"capabilities\":[]}", "'version'",
         TOKPERF_E_PARSE},
        {TKP_MESSAGE_REGISTER, "{\"version\":1,\"capabilities\":[1]}", "'capabilities'",
         TOKPERF_E_PARSE},
        {TKP_MESSAGE_REGISTER, "{\"version\":1,\"capabilities\":\"x\"}", "'capabilities'",
         TOKPERF_E_PARSE},
        {TKP_MESSAGE_RESULT, "{}", "no 'domain'", TOKPERF_E_PARSE},
        {TKP_MESSAGE_FAILED, "{\"error\":3}", "'error'", TOKPERF_E_PARSE},
        {TKP_MESSAGE_FAILED, "{\"error\":\"a\\u0000b\"}", "'error'", TOKPERF_E_PARSE},
        {TKP_MESSAGE_BASELINE_ACK, "{\"kind\":\"end\",\"success\":true}", "no 'phase_id'",
         TOKPERF_E_PARSE},
        {TKP_MESSAGE_BASELINE_ACK, "{\"phase_id\":\"" ID "x\",\"kind\":\"end\"}", "'phase_id'",
         TOKPERF_E_PARSE},
        {TKP_MESSAGE_BASELINE_ACK, "{\"phase_id\":\"" ID "\",\"kind\":\"middle\"}", "'kind'",
         TOKPERF_E_PARSE},
        {TKP_MESSAGE_BASELINE_ACK, "{\"phase_id\":\"" ID "\",\"kind\":\"end\",\"success\":1}",
         "'success'", TOKPERF_E_PARSE},
        {TKP_MESSAGE_RESULT, "{\"domain\":\"weather\"}", "'domain'", TOKPERF_E_PARSE},
        {TKP_MESSAGE_FINISH, "{\"timeout_ms\":1.5}", "'timeout_ms'", TOKPERF_E_PARSE},
        {79, "{}", "unknown kind 79", TOKPERF_E_UNSUPPORTED},
        {0, "{}", "unknown kind 0", TOKPERF_E_UNSUPPORTED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tkp_message message;
        struct tokperf_error error = {0};
        print_message("%s\n", rows[i].json);
        assert_int_equal(parse(rows[i].kind, rows[i].json, &message, &error), rows[i].status);
        assert_non_null(strstr(error.message, rows[i].says));
    }
}

/* What a later version adds is passed over; what is too long is cut at a whole character. */
static void is_lenient_where_it_may_be(void **state)
{
    struct tkp_message message;
    struct tokperf_error error;
    char json[2048] = "{\"more\":[{\"error\":1}],\"error\":\"";
    (void)state;
    for (int i = 0; i < 200; i++)
        strncat(json, "\xe2\x82\xac", sizeof json - strlen(json) - 1);
    strncat(json, "\"}", sizeof json - strlen(json) - 1);
    assert_int_equal(parse(TKP_MESSAGE_FAILED, json, &message, &error), TOKPERF_OK);
    assert_int_equal(strlen(message.ack.error), 255 / 3 * 3);
    assert_int_equal(parse(TKP_MESSAGE_REGISTER,
                           "{\"capabilities\":[\"later\",\"result_producer:later\","
                           "\"result_producer:profile\"],\"version\":3}",
                           &message, &error),
                     TOKPERF_OK);
    assert_int_equal(message.capabilities, tkp_capability_result(TKP_DOMAIN_PROFILE));
}

static void is_bounded(void **state)
{
    static char json[TKP_MESSAGE_MAX_BYTES + 2];
    struct tkp_message message;
    struct tokperf_error error;
    (void)state;
    memset(json, ' ', sizeof json - 1);
    json[0] = '{';
    json[1] = '}';
    assert_int_equal(parse(TKP_MESSAGE_READY, json, &message, &error), TOKPERF_E_PARSE);
    json[TKP_MESSAGE_MAX_BYTES] = '\0';
    assert_int_equal(parse(TKP_MESSAGE_READY, json, &message, &error), TOKPERF_OK);
}

static void carries_a_configuration(void **state)
{
    static const struct tkp_collector_config config = {
        .version = TKP_COLLECTOR_PROTOCOL,
        .service = "nvml",
        .control = "ipc:///run/x/control",
        .benchmark_id = ID,
        .artifact_dir = "/tmp/a \"run\"\n",
    };
    static struct tkp_collector_config read;
    static const char *const bad[] = {
        "",
        "{}",
        "[]",
        "{\"version\":1}",
        "{\"version\":0,\"service\":\"a\",\"control\":\"\",\"events\":\"\",\"benchmark_id\":\"\","
        "\"artifact_dir\":\"\"}",
        "{\"version\":1,\"service\":7,\"control\":\"\",\"events\":\"\",\"benchmark_id\":\"\","
        "\"artifact_dir\":\"\"}",
    };
    struct tokperf_error error;
    struct tkp_buffer out;
    (void)state;
    tkp_buffer_init(&out, TKP_COLLECTOR_LINE_BYTES);
    tkp_collector_config_write(&config, &out);
    assert_int_equal(out.data[out.len - 1], '\n');
    assert_null(memchr(out.data, '\n', out.len - 1));
    struct tokperf_span line = {out.data, out.len - 1};
    assert_int_equal(tkp_collector_config_parse(line, &read, &error), TOKPERF_OK);
    assert_memory_equal(&read, &config, sizeof read);
    tkp_buffer_finish(&out);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        line = (struct tokperf_span){bad[i], strlen(bad[i])};
        assert_int_equal(tkp_collector_config_parse(line, &read, &error), TOKPERF_E_PARSE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_and_reads),           cmocka_unit_test(refuses),
        cmocka_unit_test(is_lenient_where_it_may_be), cmocka_unit_test(is_bounded),
        cmocka_unit_test(carries_a_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
