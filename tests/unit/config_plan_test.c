/* SPDX-License-Identifier: Apache-2.0 */
/* What a plan holds: defaults, precedence, derived values, and that its document reads back. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <base/clock.h>
#include <base/text.h>
#include <resolve_case.h>

static const struct tkp_phase_plan *profiling(const struct tkp_plan *plan)
{
    return &plan->phases[plan->phase_count - 1];
}

static void defaults(void **state)
{
    (void)state;
    struct tkp_plan plan;
    resolve(&(struct resolve_case){0}, &plan);
    assert_null(plan.model);
    assert_int_equal(plan.url_count, 1);
    assert_string_equal(plan.urls[0].text, "http://localhost:8000");
    assert_string_equal(plan.endpoint_type, "chat");
    assert_false(plan.streaming);
    assert_int_equal(plan.header_count, 0);
    assert_int_equal(plan.request_timeout_ns, 21600 * TKP_NS_PER_S);
    assert_int_equal(plan.idle_timeout_ns, plan.request_timeout_ns);
    assert_int_equal(plan.reuse, TKP_REUSE_POOLED);
    assert_int_equal(plan.wait_timeout_ns, 0);
    assert_string_equal(plan.dataset, "synthetic");
    assert_int_equal(plan.sampling, TKP_SAMPLING_SEQUENTIAL);
    assert_int_equal(plan.dataset_entries, 100);
    assert_true(plan.isl_mean == 550 && plan.osl_mean < 0 && plan.turns_mean == 1);
    assert_int_equal(plan.phase_count, 1);
    assert_int_equal(profiling(&plan)->arrival, TKP_ARRIVAL_CLOSED);
    assert_int_equal(profiling(&plan)->concurrency, 1);
    assert_int_equal(profiling(&plan)->request_count, 10);
    assert_true(profiling(&plan)->grace_ns == TKP_NEVER_NS);
    assert_true(plan.seed_was_drawn);
    assert_true(plan.failed_request_threshold > 1);
    assert_int_equal(plan.workers, 1);
    assert_int_equal(plan.exporter_count, 4);
    assert_string_equal(plan.export_prefix, "profile_export");
    assert_int_equal(plan.export_level, TKP_EXPORT_RECORDS);
    assert_int_equal(plan.log_level, TKP_LOG_WARNING);
    assert_true(plan.limits.retry_pct == 0.1 && plan.limits.client_lag_invalid_ms == 10);
    assert_true(plan.limits.steal_suspect_pct == 1 && plan.limits.steal_invalid_pct == 5);
    assert_string_equal(plan.host_root, "/");
    assert_int_equal(plan.spin, TKP_SPIN_AUTO);
    assert_true(plan.cpu_affinity);
    assert_int_equal(plan.source_count, 0);
    assert_int_equal(plan.receive_clock, TKP_RECEIVE_CLOCK_AUTO);
    assert_false(plan.http_trace);
    assert_string_equal(plan.cli_command, "tokperf profile");
    tkp_plan_finish(&plan);
}

static void a_later_layer_wins(void **state)
{
    (void)state;
    static const char *const environment[] = {"TOKPERF_MODEL=from-environment",
                                              "TOKPERF_PHASES__PROFILING__CONCURRENCY=3",
                                              "TOKPERF_ENDPOINT__HEADERS=X-B: environment",
                                              "TOKPERF_PLUGIN_PATH=/x",
                                              "TOKPERF_NO_DEFAULT_PLUGINS=1",
                                              "TOKPERF_DATASET__PROMPTS__ISL=7",
                                              NULL};
    static const char file[] = "random_seed: 5\n"
                               "benchmark:\n"
                               "  model: from-file\n"
                               "  endpoint:\n"
                               "    urls: [h1, h2]\n"
                               "    streaming: true\n"
                               "    headers: {X-A: file, X-B: file}\n"
                               "  phases: {profiling: {requests: 0x10, concurrency: 2}}\n"
                               "plugins: {json: {indent: 2, list: [a, b]}}\n";
    struct tkp_plan plan;
    resolve(
        &(struct resolve_case){.arguments =
                                   "--concurrency|4|--url|h3|-H|x-a: flag|--streaming=false|--set|"
                                   "json.indent=3|--set|com.acme:json.key=v",
                               .environment = environment,
                               .file = file},
        &plan);
    assert_string_equal(plan.model, "from-environment");
    assert_int_equal(profiling(&plan)->concurrency, 4);
    assert_int_equal(profiling(&plan)->request_count, 16);
    assert_int_equal(plan.seed, 5);
    assert_false(plan.seed_was_drawn);
    assert_false(plan.streaming);
    assert_true(plan.isl_mean == 7);
    assert_int_equal(plan.url_count, 1);
    assert_string_equal(plan.urls[0].text, "http://h3");
    assert_int_equal(plan.header_count, 2);
    assert_string_equal(plan.headers[0].name, "X-B");
    assert_string_equal(plan.headers[0].value, "environment");
    assert_string_equal(plan.headers[1].value, "flag");
    assert_int_equal(plan.setting_count, 4);
    assert_string_equal(plan.settings[0].value, "a");
    assert_string_equal(plan.settings[1].value, "b");
    assert_string_equal(plan.settings[2].origin, "--set");
    assert_string_equal(plan.settings[2].value, "3");
    assert_string_equal(plan.settings[3].component, "com.acme:json");
    assert_string_equal(plan.settings[3].key, "key");
    tkp_plan_finish(&plan);
}

static void sources_are_addresses(void **state)
{
    (void)state;
    static const char file[] = "benchmark:\n"
                               "  endpoint: {source_addresses: [127.0.0.2, \"::1\"]}\n"
                               "  runtime: {spin: \"on\", cpu_affinity: false}\n";
    struct tkp_plan plan;
    resolve(&(struct resolve_case){.file = file}, &plan);
    assert_int_equal(plan.source_count, 2);
    assert_string_equal(plan.sources[0].text, "127.0.0.2");
    assert_int_equal(plan.sources[0].address.ss_family, AF_INET);
    assert_int_equal(plan.sources[1].address.ss_family, AF_INET6);
    assert_true(plan.sources[0].length < plan.sources[1].length);
    assert_int_equal(plan.spin, TKP_SPIN_ON);
    assert_false(plan.cpu_affinity);
    tkp_plan_finish(&plan);
}

static void connections_have_names_and_tls(void **state)
{
    (void)state;
    static const char file[] =
        "benchmark:\n"
        "  endpoint:\n"
        "    urls: [https://API.test, \"http://[::1]:7\"]\n"
        "    resolve: [\"Api.Test:443:1.2.3.4,[::1],::2\", \"[::1]:7:5.6.7.8\"]\n"
        "    connection_reuse: sticky-user-sessions\n"
        "    ip_version: 4\n"
        "    tcp_keepalive: 0\n"
        "    tls: {ca_file: ca.pem, cert_file: c.pem, min_version: 1.3}\n";
    struct tkp_plan plan;
    resolve(&(struct resolve_case){.file = file, .arguments = "--tcp-user-timeout-seconds|2.5"},
            &plan);
    assert_int_equal(plan.reuse, TKP_REUSE_STICKY);
    assert_int_equal(plan.ip_version, TKP_IP_VERSION_4);
    assert_int_equal(plan.resolve_rule_count, 2);
    assert_string_equal(plan.resolve_rules[0].host, "api.test");
    assert_int_equal(plan.resolve_rules[0].count, 3);
    assert_int_equal(plan.resolve_rules[0].addresses[0].ss_family, AF_INET);
    assert_int_equal(plan.resolve_rules[0].addresses[2].ss_family, AF_INET6);
    const struct sockaddr_in *v4 =
        (const struct sockaddr_in *)(const void *)&plan.resolve_rules[1].addresses[0];
    assert_true(v4->sin_port == htons(7) && v4->sin_addr.s_addr == htonl(0x05060708));
    assert_true(plan.tcp_keepalive_ns == 0 && plan.tcp_user_timeout_ns == 2500000000);
    assert_string_equal(plan.tls.ca_file, "ca.pem");
    assert_string_equal(plan.tls.key_file, "c.pem"); /* in the certificate's file */
    assert_int_equal(plan.tls.min_version, TKP_TLS_VERSION_1_3);
    assert_false(plan.tls.insecure);
    tkp_plan_finish(&plan);
}

static void transports(void **state)
{
    static const struct {
        const char *arguments;
        bool uses_curl;
        const char *reason;
    } rows[] = {
        {"--url|h", false, "nothing asked for needs libcurl"},
        {"--url|https://h", false, "nothing asked for needs libcurl"},
        {"--transport|native", false, "--transport asks for it"},
        {"--transport|curl", true, "--transport asks for it"},
        {"--transport-type|curl", true, "--transport-type asks for it"},
        {"--http-version|2-prior-knowledge", true, "--http-version needs it"},
        {"--url|https://h|--http-version|2", true, "--http-version needs it"},
        {"-x|http://h:3128", true, "-x needs it"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tkp_plan plan;
        resolve(&(struct resolve_case){.arguments = rows[i].arguments}, &plan);
        assert_int_equal(plan.uses_curl, rows[i].uses_curl);
        assert_string_equal(plan.transport_reason, rows[i].reason);
        tkp_plan_finish(&plan);
    }
}

static void loads(void **state)
{
    (void)state;
    static const struct {
        const char *arguments;
        enum tkp_arrival arrival;
        uint64_t concurrency, requests, sessions;
        double rate, duration_s, grace_s;
    } rows[] = {
        {"--concurrency|8", TKP_ARRIVAL_CLOSED, 8, 16, 0, 0, 0, -1},
        {"--request-rate|5", TKP_ARRIVAL_POISSON, 0, 10, 0, 5, 0, -1},
        {"--request-rate|5|--concurrency|20", TKP_ARRIVAL_POISSON, 20, 40, 0, 5, 0, -1},
        {"--request-rate|5|--request-rate-mode|CONSTANT", TKP_ARRIVAL_CONSTANT, 0, 10, 0, 5, 0, -1},
        {"--arrival-pattern|concurrency_burst|--num-requests|3", TKP_ARRIVAL_CLOSED, 1, 3, 0, 0, 0,
         -1},
        {"--benchmark-duration|1.5", TKP_ARRIVAL_CLOSED, 1, 0, 0, 0, 1.5, 30},
        {"--benchmark-duration|5m|--benchmark-grace-period|inf", TKP_ARRIVAL_CLOSED, 1, 0, 0, 0,
         300, -1},
        {"--conversation-num|7", TKP_ARRIVAL_CLOSED, 1, 0, 7, 0, 0, -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tkp_plan plan;
        resolve(&(struct resolve_case){.arguments = rows[i].arguments}, &plan);
        const struct tkp_phase_plan *p = profiling(&plan);
        uint64_t grace_ns = rows[i].grace_s < 0 ? TKP_NEVER_NS : (uint64_t)(rows[i].grace_s * 1e9);
        assert_int_equal(p->arrival, rows[i].arrival);
        assert_int_equal(p->concurrency, rows[i].concurrency);
        assert_int_equal(p->request_count, rows[i].requests);
        assert_int_equal(p->session_count, rows[i].sessions);
        assert_true(p->rate_per_s == rows[i].rate);
        assert_int_equal(p->duration_ns, (uint64_t)(rows[i].duration_s * 1e9));
        assert_true(p->grace_ns == grace_ns);
        tkp_plan_finish(&plan);
    }
}

static void warmup_inherits(void **state)
{
    (void)state;
    static const struct {
        const char *arguments;
        enum tkp_arrival arrival;
        uint64_t concurrency;
        double rate, ramp_s;
    } rows[] = {
        {"--concurrency|8|--concurrency-ramp-duration|2", TKP_ARRIVAL_CLOSED, 8, 0, 2},
        {"--concurrency|8|--warmup-concurrency|2", TKP_ARRIVAL_CLOSED, 2, 0, 0},
        {"--request-rate|5|--arrival-pattern|constant", TKP_ARRIVAL_CONSTANT, 0, 5, 0},
        {"--request-rate|5|--warmup-request-rate|1", TKP_ARRIVAL_POISSON, 0, 1, 0},
        {"--warmup-request-rate|3", TKP_ARRIVAL_POISSON, 1, 3, 0},
        {"--request-rate|5|--warmup-arrival-pattern|concurrency", TKP_ARRIVAL_CLOSED, 1, 0, 0},
        {"--concurrency|8|--concurrency-ramp-duration|2|--warmup-concurrency-ramp-duration|0",
         TKP_ARRIVAL_CLOSED, 8, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char arguments[256];
        struct tkp_plan plan;
        snprintf(arguments, sizeof arguments, "%s|--warmup-duration|2", rows[i].arguments);
        resolve(&(struct resolve_case){.arguments = arguments}, &plan);
        const struct tkp_phase_plan *p = &plan.phases[0];
        assert_int_equal(plan.phase_count, 2);
        assert_true(p->is_warmup);
        assert_false(plan.phases[1].is_warmup);
        assert_int_equal(p->arrival, rows[i].arrival);
        assert_int_equal(p->concurrency, rows[i].concurrency);
        assert_true(p->rate_per_s == rows[i].rate);
        assert_int_equal(p->concurrency_ramp_ns, (uint64_t)(rows[i].ramp_s * 1e9));
        assert_int_equal(p->duration_ns, 2 * TKP_NS_PER_S);
        assert_true(p->grace_ns == TKP_NEVER_NS);
        tkp_plan_finish(&plan);
    }
}

static void extra_inputs_are_typed(void **state)
{
    (void)state;
    static const char *const environment[] = {"N=0.5", NULL};
    static const char file[] = "benchmark:\n"
                               "  endpoint:\n"
                               "    extra:\n"
                               "      a: 1\n"
                               "      b: \"1\"\n"
                               "      c: [x, true, ~]\n"
                               "      d: +7\n"
                               "      e: ${N}\n"
                               "      f: 0x10\n"
                               "      g: {h: 1.50}\n"
                               "      z: $${N}\n";
    static const struct {
        const char *key, *json;
    } rows[] = {
        {"b", "\"1\""},    {"c", "[\"x\",true,null]"}, {"d", "7"},           {"e", "0.5"},
        {"f", "16"},       {"g", "{\"h\":1.50}"},      {"z", "\"${N}\""},    {"a", "\"two\""},
        {"t", "0.7"},      {"stop", "[\"a:b\"]"},      {"u", "\"a \\\"b\""}, {"v", "{\"x\":1}"},
        {"empty", "\"\""},
    };
    struct tkp_plan plan;
    resolve(
        &(struct resolve_case){
            .arguments = "--extra-inputs|a:two|--extra-inputs|t:0.7|--extra-inputs|"
                         "stop:[\"a:b\"]|--extra-inputs|u:a \"b|--extra-inputs|{\"v\": {\"x\": "
                         "1}, \"empty\": \"\"}",
            .environment = environment,
            .file = file},
        &plan);
    assert_int_equal(plan.extra_count, sizeof rows / sizeof rows[0]);
    for (uint32_t i = 0; i < plan.extra_count; i++) {
        assert_true(tkp_span_is(plan.extra[i].key, rows[i].key));
        assert_true(tkp_span_is(plan.extra[i].json, rows[i].json));
    }
    tkp_plan_finish(&plan);
}

static void credentials_become_headers(void **state)
{
    (void)state;
    static const struct {
        const char *arguments, *value;
    } rows[] = {
        {"--api-key|sk-1", "Bearer sk-1"},
        {"--url|http://user:p%40ss@h,http://user:p%40ss@h2", "Basic dXNlcjpwQHNz"},
        {"-H|{\"Authorization\": \"Token x\"}", "Token x"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tkp_plan plan;
        resolve(&(struct resolve_case){.arguments = rows[i].arguments}, &plan);
        assert_int_equal(plan.header_count, 1);
        assert_string_equal(plan.headers[0].name, "Authorization");
        assert_string_equal(plan.headers[0].value, rows[i].value);
        assert_true(plan.headers[0].secret);
        tkp_plan_finish(&plan);
    }
}

static void files_take_either_spelling(void **state)
{
    (void)state;
    static const char file[] =
        "schemaVersion: \"2.0\"\n"
        "benchmark:\n"
        "  endpoint: {connectionReuse: never, url: h}\n"
        "  dataset: {prompts: {isl: 5, osl: {mean: 9, stddev: 1}}, turns: 2}\n"
        "  slos: {request_latency: 250, goodput: 1.5}\n"
        "  phases:\n"
        "    - {kind: warmup, requests: 2}\n"
        "    - {type: poisson, rate: 2, duration: 1m, gracePeriod: 5}\n";
    struct tkp_plan plan;
    resolve(&(struct resolve_case){.arguments = "--goodput|request_latency:9 x:1", .file = file},
            &plan);
    assert_int_equal(plan.reuse, TKP_REUSE_NEVER);
    assert_true(plan.isl_mean == 5 && plan.osl_mean == 9 && plan.turns_mean == 2);
    assert_int_equal(plan.phase_count, 2);
    assert_int_equal(plan.phases[0].request_count, 2);
    assert_int_equal(plan.phases[1].grace_ns, 5 * TKP_NS_PER_S);
    assert_int_equal(plan.slo_count, 3);
    assert_string_equal(plan.slos[1].tag, "request_latency");
    assert_true(plan.slos[1].threshold == 9);
    tkp_plan_finish(&plan);
}

static void verbosity_and_exporters(void **state)
{
    (void)state;
    struct tkp_plan plan;
    resolve(&(struct resolve_case){.arguments = "-v|--export-level|summary"}, &plan);
    assert_int_equal(plan.log_level, TKP_LOG_INFO);
    assert_int_equal(plan.exporter_count, 3);
    tkp_plan_finish(&plan);
    resolve(&(struct resolve_case){.arguments = "-v|-v|--exporter|json|--exporter|mine"}, &plan);
    assert_int_equal(plan.log_level, TKP_LOG_DEBUG);
    assert_int_equal(plan.exporter_count, 2);
    assert_string_equal(plan.exporters[1], "mine");
    tkp_plan_finish(&plan);
    resolve(&(struct resolve_case){.arguments = "-vv|--no-gpu-telemetry|--no-server-metrics"},
            &plan);
    assert_int_equal(plan.log_level, TKP_LOG_DEBUG);
    assert_true(plan.no_gpu_telemetry && plan.no_server_metrics);
    tkp_plan_finish(&plan);
}

/* The same command twice is two collectors: NAME and NAME-2. */
static void collectors_may_be_alike(void **state)
{
    (void)state;
    struct tkp_plan plan;
    resolve(&(struct resolve_case){.arguments = "--collector|watch -v|--collector|watch -v"},
            &plan);
    assert_int_equal(plan.collector_count, 2);
    assert_string_equal(plan.collectors[1], "watch -v");
    tkp_plan_finish(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(a_later_layer_wins),
        cmocka_unit_test(sources_are_addresses),
        cmocka_unit_test(connections_have_names_and_tls),
        cmocka_unit_test(transports),
        cmocka_unit_test(loads),
        cmocka_unit_test(warmup_inherits),
        cmocka_unit_test(extra_inputs_are_typed),
        cmocka_unit_test(credentials_become_headers),
        cmocka_unit_test(files_take_either_spelling),
        cmocka_unit_test(verbosity_and_exporters),
        cmocka_unit_test(collectors_may_be_alike),
    };
    return cmocka_run_group_tests(tests, resolve_case_enter, resolve_case_leave);
}
