/* SPDX-License-Identifier: Apache-2.0 */
/* Every refusal of a configuration: one sentence with the place, the value and what to do. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <resolve_case.h>

struct row {
    const char *given, *message;
};

static void check(const struct resolve_case *given, const char *message)
{
    struct tkp_plan plan;
    struct tokperf_error error;
    tokperf_status status = resolve_case_run(given, &plan, &error);
    tkp_plan_finish(&plan);
    if (status != TOKPERF_E_INVALID || strcmp(error.message, message) != 0)
        print_error("%s%s\n", given->arguments ? given->arguments : "",
                    given->file ? given->file : "");
    assert_string_equal(error.message, message);
    assert_int_equal(status, TOKPERF_E_INVALID);
}

static void flags(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"--concurency|4", "--concurency: unknown option; did you mean '--concurrency'?"},
        {"--api-kye=sk-1", "--api-kye: unknown option; did you mean '--api-key'?"},
        {"--zzz", "--zzz: unknown option; 'tokperf help profile' lists them"},
        {"extra", "unexpected argument 'extra': options begin with --"},
        {"-", "unexpected argument '-': options begin with --"},
        {"--model", "--model: needs a value: NAME"},
        {"-m", "-m: needs a value: NAME"},
        {"--model|--streaming", "--model: needs a value: NAME"},
        {"--ui", "--ui: needs a value: none|simple"},
        {"--model=", "--model: needs a value, found an empty one"},
        {"--model|a,b", "--model: 'a,b' names several models: run once for each"},
        {"--model|a\nb", "--model: the value has a control character (byte 0x0a)"},
        {"--model|\xff", "--model: the value is not UTF-8"},
        {"--streaming=maybe", "--streaming: 'maybe' is neither true nor false"},
        {"--no-gpu-telemetry=true", "--no-gpu-telemetry: takes no value"},
        {"-v=1", "-v: takes no value"},
        {"--log-level|info|-v", "-v: given twice, first by --log-level"},
        {"--concurrency|1|--concurrency|2", "--concurrency: given twice, first by --concurrency"},
        {"--num-prompts|1|--num-dataset-entries|2",
         "--num-dataset-entries: given twice, first by --num-prompts"},
        {"-f|a|-f|b", "-f: given twice"},
        {"--tokenizer-threads|1",
         "--tokenizer-threads: there is nothing to count without --tokenizer"},
        {"--num-prefix-prompts|2", "--num-prefix-prompts: needs --prefix-prompt-length"},
        {"--prefix-prompt-length|2", "--prefix-prompt-length: needs --num-prefix-prompts"},
        {"-f|/nonexistent.yaml", "cannot open '/nonexistent.yaml': No such file or directory"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check(&(struct resolve_case){.arguments = rows[i].given}, rows[i].message);
}

#define NOT_A_RULE(given)                                                                          \
    "--resolve: '" given "' is not HOST:PORT:ADDRESS with one to 4 addresses; write for instance " \
    "example.org:443:127.0.0.1,[::1]"

static void connections(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"--ip-version|5", "--ip-version: '5' is not one of auto, 4, 6"},
        {"--ip-version|4|--url|unix:/s", "--ip-version: every --url is a unix socket, which has "
                                         "neither names nor TCP; leave it out"},
        {"--tcp-keepalive-seconds|1.5",
         "--tcp-keepalive-seconds: '1.5' is not a whole number of seconds"},
        {"--resolve|h:80", NOT_A_RULE("h:80")},
        {"--resolve|h:80:", NOT_A_RULE("h:80:")},
        {"--resolve|h:80:name", NOT_A_RULE("h:80:name")},
        {"--resolve|h:80:1.2.3.4,", NOT_A_RULE("h:80:1.2.3.4,")},
        {"--resolve|h:80:1.2.3.4,[1.2.3.4]", NOT_A_RULE("h:80:1.2.3.4,[1.2.3.4]")},
        {"--resolve|h:0:1.2.3.4", NOT_A_RULE("h:0:1.2.3.4")},
        {"--resolve|h:65536:1.2.3.4", NOT_A_RULE("h:65536:1.2.3.4")},
        {"--resolve|:80:1.2.3.4", NOT_A_RULE(":80:1.2.3.4")},
        {"--resolve|[::1:80:1.2.3.4", NOT_A_RULE("[::1:80:1.2.3.4")},
        {"--resolve|h:80:1.1.1.1,1.1.1.2,1.1.1.3,1.1.1.4,1.1.1.5",
         NOT_A_RULE("h:80:1.1.1.1,1.1.1.2,1.1.1.3,1.1.1.4,1.1.1.5")},
        {"--url|h:81|--resolve|h:80:1.2.3.4", "--resolve: no --url has the host and port of "
                                              "'h:80:1.2.3.4'; correct it or leave it out"},
        {"--cacert|ca.pem", "--cacert: no --url is https; leave it out"},
        {"--url|unix:/s|--tls-min-version|1.3",
         "--tls-min-version: no --url is https; leave it out"},
        {"--url|https://h|--cacert|ca.pem|--insecure",
         "--cacert: nothing is verified by it with --insecure; leave one of them out"},
        {"--url|https://h|--key|k.pem", "--key: a key without its certificate; give --cert too"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check(&(struct resolve_case){.arguments = rows[i].given}, rows[i].message);
}

static void values(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"--concurrency|0", "--concurrency: '0' is out of range: expected 1..1000000"},
        {"--concurrency|99999999999999999999",
         "--concurrency: '99999999999999999999' is out of range: expected 1..1000000"},
        {"--concurrency|four", "--concurrency: 'four' is not a whole number"},
        {"--concurrency|1.5", "--concurrency: '1.5' is not a whole number"},
        {"--concurrency|1,2",
         "--concurrency: '1,2' is a list: sweeps are not supported, run once for each value"},
        {"--isl|nan", "--isl: 'nan' is not a number"},
        {"--isl|-5", "--isl: '-5' is out of range: expected 1..10000000 tokens"},
        {"--request-rate|0",
         "--request-rate: '0' is out of range: expected 0.001..1000000 conversations/s"},
        {"--benchmark-duration|5d", "--benchmark-duration: '5d' is not a duration: expected "
                                    "seconds, or a number with ms, s, m or h"},
        {"--benchmark-duration|-1",
         "--benchmark-duration: '-1' is out of range: expected 0.001..31536000 s"},
        {"--benchmark-duration|0",
         "--benchmark-duration: '0' is out of range: expected 0.001..31536000 s"},
        {"--benchmark-duration|inf", "--benchmark-duration: 'inf' is not a duration: expected "
                                     "seconds, or a number with ms, s, m or h"},
        {"--failed-request-threshold|2",
         "--failed-request-threshold: '2' is out of range: expected 0..1"},
        {"--arrival-pattern|poison", "--arrival-pattern: 'poison' is not one of concurrency_burst, "
                                     "constant, poisson, concurrency; did you mean 'poisson'?"},
        {"--export-level|all", "--export-level: 'all' is not one of summary, records, raw"},
        {"--random-seed|9007199254740993", "--random-seed: '9007199254740993' is out of range: "
                                           "expected 0..9007199254740991"},
        {"--profile-export-prefix|run", "--profile-export-prefix: 'run' is the name of one of the "
                                        "run's own files; choose another"},
        {"--profile-export-prefix|inputs",
         "--profile-export-prefix: 'inputs' is the name of one of "
         "the run's own files; choose another"},
        {"--profile-export-prefix|config",
         "--profile-export-prefix: 'config' is the name of one of "
         "the run's own files; choose another"},
        {"--profile-export-prefix|records", "--profile-export-prefix: 'records' is the name of one "
                                            "of the run's own files; choose another"},
        {"--profile-export-prefix|a/b", "--profile-export-prefix: 'a/b' is not a plain file name; "
                                        "give directories with --output-artifact-dir"},
        {"--source-address|localhost", "--source-address: 'localhost' is no IPv4 or IPv6 address; "
                                       "give one that this machine has, "
                                       "for instance 127.0.0.2"},
        {"--source-address|127.0.0.2|--source-address|1.2.3",
         "--source-address: '1.2.3' is no IPv4 or IPv6 address; give one that this machine has, "
         "for "
         "instance 127.0.0.2"},
        {"--source-address|127.0.0.2|--url|h,unix:/s",
         "--source-address: a unix socket (unix:/s) is not reached from an address; leave it out"},
        {"--spin|maybe", "--spin: 'maybe' is not one of auto, on, off"},
        {"--no-cpu-affinity=false", "--no-cpu-affinity: takes no value"},
        {"--exporter|json,json", "--exporter: 'json' is given twice"},
        {"--endpoint|/v1/a b", "--endpoint: '/v1/a b' has a byte that must be percent-encoded"},
        {"--url|ftp://host",
         "--url: 'ftp://host' has a scheme that is not http or https; a URL "
         "looks like http://host:8000, https://host, host:8000, unix:/path or mock:"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check(&(struct resolve_case){.arguments = rows[i].given}, rows[i].message);
}

static void members(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"--header|Bearer sk-1", "--header: the value is not of the form 'Name: value'"},
        {"--header|Bearer sk-1: x",
         "--header: what stands before the ':' is not the name of a header"},
        {"-H|X-A: a\r\nX-B: b",
         "-H: the value has a control character (byte 0x0d); a header is one "
         "line"},
        {"-H|content-length: 5",
         "-H: the header 'content-length' is set by tokperf itself; leave it out"},
        {"-H|{\"A\": [1]}", "-H: the value of 'A' must be text"},
        {"-H|{\"A\": \"x\"",
         "-H: not a JSON object: the text ends before its JSON value does at byte 9"},
        {"--extra-inputs|{\"a\": 1} x",
         "--extra-inputs: not a JSON object: something follows the JSON value at byte 9"},
        {"--extra-inputs|nothing",
         "--extra-inputs: the value is not of the form key:value or a JSON object"},
        {"--extra-inputs|:1", "--extra-inputs: a value without a name before it"},
        {"--goodput|", "--goodput: needs tag:value, found nothing"},
        {"--goodput|ttft", "--goodput: the value is not of the form \"tag:value tag:value\""},
        {"--goodput|ttft:fast", "--goodput: 'fast' is not a number"},
        {"--goodput|T-X:1",
         "--goodput: 'T-X' is not a metric's tag, as in time_to_first_token:200"},
        {"--set|json.indent", "--set: the value is not of the form NAME.KEY=VALUE"},
        {"--set|indent=2", "--set: 'indent' is not of the form NAME.KEY, as in json.indent=2"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check(&(struct resolve_case){.arguments = rows[i].given}, rows[i].message);
}

static void combinations(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"--request-rate-ramp-duration|5",
         "--request-rate-ramp-duration: there is no request rate to raise: give a request rate"},
        {"--request-rate|5|--concurrency-ramp-duration|5",
         "--concurrency-ramp-duration: there is no concurrency to raise: give a concurrency"},
        {"--arrival-pattern|constant",
         "--arrival-pattern: 'constant' needs a request rate: give --request-rate"},
        {"--arrival-pattern|concurrency_burst|--request-rate|3",
         "--arrival-pattern: 'concurrency_burst' takes no request rate; leave --request-rate out, "
         "or use poisson or constant"},
        {"--benchmark-grace-period|3", "--benchmark-grace-period: applies after a duration only: "
                                       "give a duration, or leave it out"},
        {"--warmup-concurrency|3",
         "--warmup-concurrency: there is no warm-up without a rule when to stop it: give "
         "--warmup-request-count, --num-warmup-sessions or --warmup-duration"},
        {"--warmup-request-count|3|--warmup-grace-period|1",
         "--warmup-grace-period: applies after a duration only: give a duration, or leave it out"},
        {"--warmup-request-count|3|--warmup-arrival-pattern|poisson",
         "--warmup-arrival-pattern: 'poisson' needs a request rate: give --warmup-request-rate"},
        {"--per-chunk-usage|--streaming",
         "--per-chunk-usage: needs --endpoint-type chat, --streaming and --use-server-token-count"},
        {"--use-legacy-max-tokens|--endpoint-type|completions",
         "--use-legacy-max-tokens: --endpoint-type completions sends max_tokens anyway; leave it "
         "out"},
        {"--use-legacy-max-tokens|--endpoint-type|ollama",
         "--use-legacy-max-tokens: --endpoint-type ollama does not send max_completion_tokens; "
         "leave it out"},
        {"--request-timeout-seconds|5|--idle-timeout-seconds|6",
         "--idle-timeout-seconds: '6' is longer than the request timeout and would never apply; "
         "raise --request-timeout-seconds"},
        {"--wait-for-model-mode|both", "--wait-for-model-mode: needs --wait-for-model-timeout"},
        {"--input-file|x|--isl|5",
         "--isl: applies to synthetic conversations only, not to the input file x"},
        {"--input-file|x|--session-turns-mean|5",
         "--session-turns-mean: applies to synthetic conversations only, not to the input file x"},
        {"--custom-dataset-type|single_turn", "--custom-dataset-type: needs --input-file"},
        {"--osl-stddev|5", "--osl-stddev: needs --osl"},
        {"--input-file|x|--custom-dataset-type|raw_payload|--osl|5",
         "--osl: the bodies of format raw_payload are sent as they are; leave it out"},
        {"--overwrite", "--overwrite: needs --output-artifact-dir; a directory that tokperf names "
                        "is always new"},
        {"--export-level|summary|--exporter|jsonl",
         "--exporter: 'jsonl' writes every request, which --export-level summary leaves out"},
        {"--api-key|k|-H|authorization: x",
         "--api-key: there is an Authorization header already; give one credential"},
        {"--api-key|k|--url|http://a:b@h",
         "--api-key: the URL has user-info already; give one credential"},
        {"--url|http://a:b@h,http://h2",
         "--url: the URLs have different user-info; all must have the same or none"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check(&(struct resolve_case){.arguments = rows[i].given}, rows[i].message);
}

static void bounds(void **state)
{
    (void)state;
    size_t capacity = 2 << 20, used = 0;
    char *file = malloc(capacity);
    assert_non_null(file);
    used += (size_t)snprintf(file, capacity, "benchmark:\n  endpoint:\n    url: [");
    for (int i = 0; i < 1025; i++)
        used += (size_t)snprintf(file + used, capacity - used, "h%d,", i);
    snprintf(file + used, capacity - used, "]\n");
    struct resolve_case given = {.file = file};
    struct tkp_plan plan;
    struct tokperf_error error;
    assert_int_equal(resolve_case_run(&given, &plan, &error), TOKPERF_E_INVALID);
    assert_non_null(strstr(error.message, "benchmark.endpoint.url: more than 1024 values"));
    tkp_plan_finish(&plan);

    used = (size_t)snprintf(file, capacity, "benchmark:\n  endpoint:\n    extra:\n      a: \"");
    memset(file + used, 'x', (1 << 20) - 100);
    snprintf(file + used + (1 << 20) - 100, 16, "\"\n");
    assert_int_equal(resolve_case_run(&given, &plan, &error), TOKPERF_E_INVALID);
    assert_non_null(strstr(error.message, "the resolved configuration is larger than 1 MiB"));
    tkp_plan_finish(&plan);
    free(file);
}

static void variables(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"TOKPERF_MODLE=x", "TOKPERF_MODLE: unknown variable; did you mean 'TOKPERF_MODEL'?"},
        {"TOKPERF_QQ=x", "TOKPERF_QQ: unknown variable; unset it or see docs/cli.md for the names"},
        {"TOKPERF_PHASES__PROFILING__CONCURRENCY=0",
         "TOKPERF_PHASES__PROFILING__CONCURRENCY: '0' is out of range: expected 1..1000000"},
        {"TOKPERF_GPU_TELEMETRY__ENABLED=true",
         "TOKPERF_GPU_TELEMETRY__ENABLED: there is no GPU collector in this version; leave it out "
         "or say false"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *environment[] = {"HOME=/", rows[i].given, NULL};
        check(&(struct resolve_case){.environment = environment}, rows[i].message);
    }
}

static void files(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"", "run.yaml:1:1: expected a mapping with 'benchmark:', found nothing"},
        {"- 1\n", "run.yaml:1:1: expected a mapping with 'benchmark:', found a list"},
        {"benchmrk: {}\n", "run.yaml:1:1: unknown key 'benchmrk'; did you mean 'benchmark'?"},
        {"model: m\n", "run.yaml:1:1: unknown key 'model'; it belongs below 'benchmark'"},
        {"schemaVersion: 3\n", "run.yaml:1:16: schemaVersion: expected \"2.0\", found 3"},
        {"benchmark: 5\n", "run.yaml:1:12: benchmark: expected a mapping, found text"},
        {"benchmark:\n  endpoint:\n    ulr: x\n",
         "run.yaml:3:5: unknown key 'ulr' in benchmark.endpoint; did you mean 'url'?"},
        {"benchmark:\n  endpont: {}\n",
         "run.yaml:2:3: unknown key 'endpont' in benchmark; did you mean 'endpoint'?"},
        {"benchmark:\n  random_seed: 1\n",
         "run.yaml:2:3: unknown key 'random_seed' in benchmark; it stands beside 'benchmark', not "
         "below it"},
        {"benchmark:\n  endpoint: x\n",
         "run.yaml:2:13: benchmark.endpoint: expected a mapping, found text"},
        {"benchmark:\n  model:\n", "run.yaml:2:9: benchmark.model: expected a value, found "
                                   "nothing"},
        {"benchmark:\n  model: [a, b]\n",
         "run.yaml:2:10: benchmark.model: expected one value, found a list"},
        {"benchmark:\n  tokenizer: {threads: 1}\n",
         "run.yaml:2:24: benchmark.tokenizer.threads: there is nothing to count without "
         "--tokenizer"},
        {"benchmark:\n  endpoint: {url: []}\n",
         "run.yaml:2:19: benchmark.endpoint.url: the list is empty"},
        {"benchmark:\n  endpoint: {url: a, urls: b}\n",
         "run.yaml:2:28: benchmark.endpoint.urls: given twice, first at run.yaml:2:19: "
         "benchmark.endpoint.url"},
        {"benchmark:\n  endpoint: {streaming: 1}\n",
         "run.yaml:2:25: benchmark.endpoint.streaming: '1' is neither true nor false"},
        {"benchmark:\n  endpoint:\n    headers: {\"X Y\": 1}\n",
         "run.yaml:3:22: benchmark.endpoint.headers.X Y: what stands before the ':' is not the "
         "name "
         "of a header"},
        {"benchmark:\n  endpoint: {headers: [a]}\n",
         "run.yaml:2:23: benchmark.endpoint.headers: expected a mapping, found a list"},
        {"benchmark:\n  model: ${NOT_THERE}\n",
         "run.yaml:2:10: benchmark.model: the variable NOT_THERE is not set; set it, or write "
         "${NOT_THERE:default}"},
        {"benchmark:\n  model: a${x\n",
         "run.yaml:2:10: benchmark.model: '${' without NAME} or NAME:default} behind it; write $${ "
         "for the text ${"},
        {"benchmark:\n  dataset: {prompts: {isl: {mean: 5}, osl: {men: 1}}}\n",
         "run.yaml:2:45: unknown key 'men' in benchmark.dataset.prompts.osl; did you mean 'mean'?"},
        {"plugins: {json: 5}\n", "run.yaml:1:17: plugins.json: expected a mapping of options, "
                                 "found text"},
        {"plugins: {json: {a: {b: 1}}}\n",
         "run.yaml:1:21: plugins.json.a: expected one value or a list of them, found a mapping"},
        {"a: 1\na: 2\n", "run.yaml:2:1: the key 'a' is there twice"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check(&(struct resolve_case){.file = rows[i].given}, rows[i].message);
}

static void phases(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"benchmark:\n  phases:\n    - type: concurrency\n      concurency: 4\n",
         "run.yaml:4:7: unknown key 'concurency' in benchmark.phases[0]; did you mean "
         "'concurrency'?"},
        {"benchmark:\n  phases: {profiling: {concurrency: 0}}\n",
         "run.yaml:2:37: benchmark.phases.profiling.concurrency: '0' is out of range: expected "
         "1..1000000"},
        {"benchmark:\n  phases: {profiling: {concurrency: [1, 2]}}\n",
         "run.yaml:2:37: benchmark.phases.profiling.concurrency: expected one value (sweeps are "
         "not supported, run once for each), found a list"},
        {"benchmark:\n  phases: 5\n",
         "run.yaml:2:11: benchmark.phases: expected a list or mapping, found text"},
        {"benchmark:\n  phases: [5]\n",
         "run.yaml:2:12: benchmark.phases[0]: expected a mapping, found text"},
        {"benchmark:\n  phases: [{name: warmup, requests: 1, failed_request_threshold: 1}]\n",
         "run.yaml:2:40: unknown key 'failed_request_threshold' in benchmark.phases[0]; known are "
         "requests, sessions, duration, grace_period, concurrency, rate, type, concurrency_ramp, "
         "rate_ramp, seamless, exclude_from_results, name, kind"},
        {"benchmark:\n  phases: [{type: gamma}]\n",
         "run.yaml:2:19: benchmark.phases[0].type: 'gamma' is not one of concurrency_burst, "
         "constant, poisson, concurrency"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check(&(struct resolve_case){.file = rows[i].given}, rows[i].message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags),        cmocka_unit_test(values),    cmocka_unit_test(members),
        cmocka_unit_test(combinations), cmocka_unit_test(variables), cmocka_unit_test(files),
        cmocka_unit_test(phases),       cmocka_unit_test(bounds),    cmocka_unit_test(connections),
    };
    return cmocka_run_group_tests(tests, resolve_case_enter, resolve_case_leave);
}
