/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is written: the resolved configuration reads back as the same plan, no secret is in any of
 * it, generated files are fresh, help fits, and the option table keeps its promises.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <base/files.h>
#include <base/text.h>
#include <config/document.h>
#include <resolve_case.h>

static void assert_same_text(const char *a, const char *b)
{
    assert_int_equal(a == NULL, b == NULL);
    if (a && b)
        assert_string_equal(a, b);
}

static void assert_same_phase(const struct tkp_phase_plan *a, const struct tkp_phase_plan *b)
{
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->is_warmup, b->is_warmup);
    assert_int_equal(a->request_count, b->request_count);
    assert_int_equal(a->session_count, b->session_count);
    assert_true(a->duration_ns == b->duration_ns && a->grace_ns == b->grace_ns);
    assert_int_equal(a->arrival, b->arrival);
    assert_int_equal(a->concurrency, b->concurrency);
    assert_true(a->rate_per_s == b->rate_per_s);
    assert_int_equal(a->concurrency_ramp_ns, b->concurrency_ramp_ns);
    assert_int_equal(a->rate_ramp_ns, b->rate_ramp_ns);
}

/* Everything but what was redacted. */
static void assert_same_plan(const struct tkp_plan *a, const struct tkp_plan *b)
{
    assert_same_text(a->model, b->model);
    assert_same_text(a->endpoint_path, b->endpoint_path);
    assert_same_text(a->input_file, b->input_file);
    assert_same_text(a->input_format, b->input_format);
    assert_same_text(a->artifact_dir, b->artifact_dir);
    assert_int_equal(a->url_count, b->url_count);
    assert_int_equal(a->header_count, b->header_count);
    assert_int_equal(a->extra_count, b->extra_count);
    for (uint32_t i = 0; i < a->extra_count; i++) {
        assert_true(tkp_span_equal(a->extra[i].key, b->extra[i].key));
        assert_true(tkp_span_equal(a->extra[i].json, b->extra[i].json));
    }
    for (uint32_t i = 0; i < a->header_count; i++)
        assert_string_equal(a->headers[i].value, b->headers[i].value);
    assert_int_equal(a->phase_count, b->phase_count);
    for (uint32_t i = 0; i < a->phase_count; i++)
        assert_same_phase(&a->phases[i], &b->phases[i]);
    assert_int_equal(a->seed, b->seed);
    assert_int_equal(a->request_timeout_ns, b->request_timeout_ns);
    assert_int_equal(a->idle_timeout_ns, b->idle_timeout_ns);
    assert_true(a->failed_request_threshold == b->failed_request_threshold);
    assert_true(a->osl_mean == b->osl_mean && a->isl_stddev == b->isl_stddev);
    assert_int_equal(a->setting_count, b->setting_count);
    for (uint32_t i = 0; i < a->setting_count; i++)
        assert_string_equal(a->settings[i].value, b->settings[i].value);
    assert_memory_equal(&a->limits, &b->limits, sizeof a->limits);
    assert_string_equal(a->host_root, b->host_root);
    assert_int_equal(a->http_trace, b->http_trace);
    assert_string_equal(a->input_config_json, b->input_config_json);
    assert_string_equal(a->config_yaml, b->config_yaml);
}

static void reads_back_as_the_same_plan(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "--random-seed|1",
        "--concurrency|8|--request-count|200|--streaming|--url|mock:?ttft=20&itl=5",
        "--request-rate|2.5|--benchmark-duration|1.000000001|--benchmark-grace-period|inf|"
        "--request-rate-ramp-duration|0.25",
        "--request-rate|5|--arrival-pattern|constant|--concurrency|3|--warmup-duration|2|"
        "--warmup-arrival-pattern|concurrency_burst|--failed-request-threshold|0.5",
        "--concurrency|8|--concurrency-ramp-duration|2|--num-warmup-sessions|3|"
        "--warmup-concurrency-ramp-duration|0|--num-sessions|9|--request-count|5",
        "--warmup-request-rate|3|--warmup-request-count|1|--warmup-request-rate-ramp-duration|1ms",
        "--input-file|a b.jsonl|--custom-dataset-type|multi_turn|--osl|5|--osl-stddev|1",
        "--input-file|x|--dataset-sampling-strategy|random",
        "--isl|100|--isl-stddev|2.5|--session-turns-mean|3|--session-turn-delay-mean|10",
        "--extra-inputs|{\"a\":1e5,\"b\":[],\"c\":{},\"d\":[[1,[2]],{\"x\":[{\"y\":null}]}],"
        "\"e\":\"yes\",\"f\":\"- x: #\",\"h\":\"0x1\",\"0\":\"null\",\"g\":-0.10}",
        "--extra-inputs|a:${HOME} $${X} $|--extra-inputs|b:\"\\u0085\\u2028\\ufeff\\n\\t\\\"\\\\\"",
        "-H|X-A: ${X}|-H|X-B:\xc3\xa9 \xf0\x9f\x98\x80|-m|org/model:tag",
        "--goodput|a:0.1 b:1e-7|--exporter|json|--exporter|x|--output-artifact-dir|/tmp/x y|"
        "--overwrite|--ui|simple|-vv|--strict|--no-gpu-telemetry|--no-server-metrics",
        "--set|json.a=1|--set|json.a=2|--set|json.c=|--set|x.b=true|--plugin|a,b.so|--registry|r",
        "--spin|on|--no-cpu-affinity|--source-address|127.0.0.2,::1|--source-address|10.0.0.1",
        "--export-level|summary|--workers-max|7|--connection-reuse-strategy|never",
        "--wait-for-model-timeout|5|--wait-for-model-mode|both|--url|h1,h2:5/v1|--url|unix:/s",
        "--use-server-token-count|--per-chunk-usage|--streaming|--use-legacy-max-tokens",
        "--connect-timeout-seconds|250ms|--verdict-retry-pct|0.3|--endpoint|/x?y=1",
        "--url|https://h|--cacert|ca.pem|--cert|c.pem|--tls-min-version|1.3|--ip-version|6",
        "--url|https://h,http://[::1]:7|--insecure|--resolve|h:443:1.2.3.4,[::1]|--resolve|"
        "[::1]:7:[::2]|--connection-reuse-strategy|sticky-user-sessions",
        "--tcp-keepalive-seconds|0|--tcp-user-timeout-seconds|1.5",
        "--transport|curl|--proxy|socks5h://[::1]:1080",
        "--url|https://h|--http-version|2|--proxy|http://h:3128|--receive-clock|process",
        "--http-version|2-prior-knowledge|--transport|auto",
        "--verdict-host-root|/host|--verdict-steal-suspect-pct|2|--export-http-trace",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tkp_plan first, second;
        resolve(&(struct resolve_case){.arguments = rows[i]}, &first);
        resolve(&(struct resolve_case){.file = first.config_yaml}, &second);
        assert_same_plan(&first, &second);
        tkp_plan_finish(&second);
        tkp_plan_finish(&first);
    }
}

/* Each secret has "hunter" in it, and nothing else has. */
static void no_secret_of_a_query_is_written(void **state)
{
    (void)state;
    static const char *const flags[] = {"--endpoint", "--reset-kv-cache-path",
                                        "--server-profiler-start-path",
                                        "--server-profiler-stop-path"};
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        struct tkp_plan plan;
        char arguments[128];
        snprintf(arguments, sizeof arguments, "%s|/p?api_key=hunter2", flags[i]);
        resolve(&(struct resolve_case){.arguments = arguments}, &plan);
        assert_null(strstr(plan.cli_command, "hunter"));
        assert_null(strstr(plan.config_yaml, "hunter"));
        assert_null(strstr(plan.input_config_json, "hunter"));
        tkp_plan_finish(&plan);
    }
}

static void no_secret_is_written(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "--api-key|hunter2",
        "--api-key=hunter2",
        "-H|Authorization: Bearer hunter2",
        "--header=x-api-key: hunter2",
        "-H|{\"X-Ok\": \"1\", \"Cookie\": \"hunter2\"}",
        "--url|http://hunter:hunter2@h/p,http://hunter:hunter2@h2",
        "--extra-inputs|api_key:hunter2",
        "--extra-inputs|{\"deep\": [{\"client_secret\": \"hunter2\", \"n\": 1}]}",
        "--extra-inputs|deep:{\"x\":{\"password\":[\"hunter2\"]}}",
        "--set|acme.api_key=hunter2",
        "--proxy|http://hunter:hunter,2@h:3128",
        "--collector|watch --api-key hunter2 -v",
        "--collector|watch '--token' 'hunter2 \"hunter2' -v",
        "--collector=watch --password=hunter2 -H 'Authorization: Bearer hunter2'",
        "--collector|API_KEY=hunter2 watch",
        "--collector|watch http://hunter:hunter2@h/?token=hunter2",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tkp_plan plan, again;
        struct tokperf_error error;
        resolve(&(struct resolve_case){.arguments = rows[i]}, &plan);
        assert_null(strstr(plan.cli_command, "hunter"));
        assert_null(strstr(plan.config_yaml, "hunter"));
        assert_null(strstr(plan.input_config_json, "hunter"));
        assert_non_null(strstr(plan.cli_command, "<redacted>"));
        assert_non_null(strstr(plan.config_yaml, "<redacted>"));
        struct resolve_case back = {.file = plan.config_yaml};
        assert_int_equal(resolve_case_run(&back, &again, &error), TOKPERF_E_INVALID);
        assert_non_null(strstr(error.message, "the value is redacted; give the real one"));
        tkp_plan_finish(&again);
        tkp_plan_finish(&plan);
    }
}

static void no_secret_is_in_an_error(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "--api-key|hunter\n2", "--api-kee=hunter2",         "-H|Bearer hunter2",
        "-H|X: hunter\r2",     "--url|ftp://hunter:2@h",    "--extra-inputs|{\"key\": hunter2}",
        "--set|hunter2",       "-H|{\"Cookie\": \"hunter2", "--url|http://a:hunter@h:x/",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tkp_plan plan;
        struct tokperf_error error;
        struct resolve_case given = {.arguments = rows[i]};
        assert_int_equal(resolve_case_run(&given, &plan, &error), TOKPERF_E_INVALID);
        if (strstr(error.message, "hunter"))
            print_error("%s\n", error.message);
        assert_null(strstr(error.message, "hunter"));
        tkp_plan_finish(&plan);
    }
}

static void the_command_can_be_run_again(void **state)
{
    (void)state;
    struct tkp_plan plan;
    resolve(&(struct resolve_case){.arguments = "-m|it's|--extra-inputs|stop:[\"a b\"]|-H|X-A: 1|"
                                                "--streaming|--ui=none|-v"},
            &plan);
    assert_string_equal(plan.cli_command,
                        "tokperf profile -m 'it'\\''s' --extra-inputs 'stop:[\"a b\"]' -H 'X-A: 1' "
                        "--streaming --ui none -v");
    tkp_plan_finish(&plan);
}

static void assert_file_is(const char *name, void (*write)(struct tkp_buffer *))
{
    char path[512];
    struct tkp_buffer made, there;
    struct tokperf_error error;
    snprintf(path, sizeof path, "%s/../../docs/%s", TKP_TEST_DATA, name);
    tkp_buffer_init(&made, TKP_DOCUMENT_MAX_BYTES);
    tkp_buffer_init(&there, TKP_DOCUMENT_MAX_BYTES);
    write(&made);
    assert_false(made.failed);
    assert_int_equal(tkp_files_read(path, TKP_DOCUMENT_MAX_BYTES, 0, &there, &error), TOKPERF_OK);
    if (strcmp(tkp_buffer_text(&made), tkp_buffer_text(&there)) != 0)
        fail_msg("docs/%s is stale: see core/config/document.h for how it is made", name);
    tkp_buffer_finish(&made);
    tkp_buffer_finish(&there);
}

static void generated_files_are_fresh(void **state)
{
    (void)state;
    assert_file_is("cli.md", tkp_document_markdown);
    assert_file_is("config.schema.json", tkp_document_schema);
}

static void help_fits(void **state)
{
    (void)state;
    struct tkp_buffer out;
    tkp_buffer_init(&out, TKP_DOCUMENT_MAX_BYTES);
    tkp_document_overview(&out);
    tkp_document_help(&out);
    for (const char *line = tkp_buffer_text(&out); *line;) {
        size_t len = strcspn(line, "\n");
        assert_in_range(len, 0, 100);
        line += len + (line[len] == '\n');
    }
    const struct tkp_option *row;
    for (size_t i = 0; (row = tkp_options_at(i)); i++)
        if (row->flag)
            assert_non_null(strstr(tkp_buffer_text(&out), row->flag));
    tkp_buffer_finish(&out);
}

static void the_table_is_sound(void **state)
{
    (void)state;
    unsigned seen[TKP_OPT_COUNT] = {0};
    const struct tkp_option *row;
    size_t count = 0;
    for (; (row = tkp_options_at(count)); count++) {
        seen[row->id]++;
        assert_true(row->help && row->help[0] && row->type && (row->path || row->flag));
        if (row->path)
            assert_ptr_equal(tkp_options_by_path(row->path), row);
        if (row->flag)
            assert_ptr_equal(tkp_options_by_flag(row->flag), row);
        for (size_t a = 0; row->aliases[a]; a++)
            assert_ptr_equal(tkp_options_by_flag(row->aliases[a]), row);
        assert_int_equal(row->type == TKP_TYPE_CHOICE, row->choices != NULL);
    }
    assert_int_equal(count, TKP_OPT_COUNT);
    for (unsigned id = 0; id < TKP_OPT_COUNT; id++)
        assert_int_equal(seen[id], 1);
    struct tkp_option_flags_list flags;
    tkp_options_flags(&flags);
    size_t listed = 0;
    while (flags.names[listed])
        listed++;
    assert_true(listed < TKP_OPTION_MAX_FLAGS && listed >= count - 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_back_as_the_same_plan),
        cmocka_unit_test(no_secret_of_a_query_is_written),
        cmocka_unit_test(no_secret_is_written),
        cmocka_unit_test(no_secret_is_in_an_error),
        cmocka_unit_test(the_command_can_be_run_again),
        cmocka_unit_test(generated_files_are_fresh),
        cmocka_unit_test(help_fits),
        cmocka_unit_test(the_table_is_sound),
    };
    return cmocka_run_group_tests(tests, resolve_case_enter, resolve_case_leave);
}
