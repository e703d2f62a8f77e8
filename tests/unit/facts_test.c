/* SPDX-License-Identifier: Apache-2.0 */
/* Facts of the record log: what is written reads back equal; damage is refused with a sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <report/facts.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct tokperf_span span(const char *text)
{
    return (struct tokperf_span){text, strlen(text)};
}

static void assert_run_equal(const struct tkp_run_facts *a, const struct tkp_run_facts *b)
{
    assert_string_equal(a->benchmark_id, b->benchmark_id);
    assert_string_equal(a->version, b->version);
    assert_string_equal(a->model, b->model);
    assert_string_equal(a->endpoint_type, b->endpoint_type);
    assert_string_equal(a->title, b->title);
    assert_string_equal(a->cli_command, b->cli_command);
    assert_string_equal(a->config_yaml, b->config_yaml);
    assert_string_equal(a->receive_clock, b->receive_clock);
    assert_string_equal(a->transport, b->transport);
    assert_string_equal(a->tokenizer, b->tokenizer);
    assert_true(a->endpoint_flags == b->endpoint_flags);
    assert_true(a->seed == b->seed);
    assert_true(a->id_seed == b->id_seed);
    assert_true(a->start_realtime_ns == b->start_realtime_ns);
    assert_true(a->monotonic_to_realtime_ns == b->monotonic_to_realtime_ns);
    assert_true(a->dataset_size == b->dataset_size);
    assert_string_equal(a->governors, b->governors);
}

static void run_facts_read_back(void **state)
{
    (void)state;
    static const struct tkp_run_facts samples[] = {
        {.benchmark_id = "b54b6a8e-0f7c-4f4b-8a51-3d6b1d2a9c11",
         .version = "0.1.0",
         .model = "org/Model \"quoted\" \\ \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
         .endpoint_type = "chat",
         .title = "LLM Metrics",
         .cli_command = "tokperf profile --api-key <redacted>",
         .config_yaml = "benchmark:\n  model: \"a\\tb\"\n\x01\x7f\r\n",
         .receive_clock = "kernel",
         .transport = "native",
         .tokenizer = "{\"crc32c\":4294967295}",
         .endpoint_flags = UINT64_C(1) << 63 | 5,
         .seed = UINT64_MAX,
         .start_realtime_ns = UINT64_C(1790000000123456789),
         .monotonic_to_realtime_ns = INT64_MIN,
         .dataset_size = 12345678901,
         .governors = "performance, powersave"},
        {.benchmark_id = "",
         .version = "",
         .model = "",
         .endpoint_type = "",
         .title = "",
         .cli_command = "",
         .config_yaml = "",
         .receive_clock = "",
         .transport = "",
         .tokenizer = "",
         .seed = UINT64_C(1) << 63,
         .monotonic_to_realtime_ns = -1,
         .governors = ""},
    };
    for (size_t i = 0; i < COUNT(samples); i++) {
        struct tkp_buffer json;
        struct tkp_arena arena;
        struct tkp_run_facts read;
        struct tokperf_error error;
        tkp_buffer_init(&json, 1 << 16);
        tkp_arena_init(&arena, 0);
        tkp_run_facts_write(&samples[i], &json);
        assert_int_equal(tkp_run_facts_parse(tkp_buffer_span(&json), &arena, &read, &error),
                         TOKPERF_OK);
        assert_run_equal(&read, &samples[i]);
        tkp_arena_finish(&arena);
        tkp_buffer_finish(&json);
    }
}

static void notes_read_back(void **state)
{
    (void)state;
    static const struct tkp_phase_note phases[] = {
        {0},
        {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
        {UINT64_MAX, UINT64_MAX, 1, UINT64_MAX - 1, 0, UINT64_MAX, 3, UINT64_MAX, 4, 0, UINT64_MAX,
         1, 0, 2, UINT64_MAX, 5}};
    static const struct tkp_stop_note stops[] = {{0}, {UINT64_C(1790000000123456789), 1, 1, 1}};
    struct tokperf_error error;
    struct tkp_buffer json;
    tkp_buffer_init(&json, 4096);
    for (size_t i = 0; i < COUNT(phases); i++) {
        struct tkp_phase_note read;
        tkp_buffer_clear(&json);
        tkp_phase_note_write(&phases[i], &json);
        assert_int_equal(tkp_phase_note_parse(tkp_buffer_span(&json), &read, &error), TOKPERF_OK);
        assert_memory_equal(&read, &phases[i], sizeof read);
    }
    for (size_t i = 0; i < COUNT(stops); i++) {
        struct tkp_stop_note read;
        tkp_buffer_clear(&json);
        tkp_stop_note_write(&stops[i], &json);
        assert_int_equal(tkp_stop_note_parse(tkp_buffer_span(&json), &read, &error), TOKPERF_OK);
        assert_memory_equal(&read, &stops[i], sizeof read);
    }
    tkp_buffer_finish(&json);
}

/* The keys are part of the file format: a log outlives the program that wrote it. */
static void keys_are_frozen(void **state)
{
    (void)state;
    static const struct tkp_run_facts facts = {.benchmark_id = "b",
                                               .version = "v",
                                               .model = "m",
                                               .endpoint_type = "e",
                                               .title = "t",
                                               .cli_command = "c",
                                               .config_yaml = "y",
                                               .receive_clock = "r",
                                               .endpoint_flags = 1,
                                               .seed = 2,
                                               .id_seed = 5,
                                               .start_realtime_ns = 3,
                                               .monotonic_to_realtime_ns = -4,
                                               .tokenizer = "{\"bytes\":1}",
                                               .transport = "n",
                                               .dataset_size = 5,
                                               .governors = "g",
                                               .calibrated_requests_per_s = 6,
                                               .calibrated_streams = 7,
                                               .calibrated_events_per_s = 8};
    static const struct tkp_phase_note phase = {1, 2,  3,  4,  5,  6,  7,  8,
                                                9, 10, 11, 12, 13, 14, 15, 16};
    static const struct tkp_stop_note stop = {7, 1, 1, 1};
    struct tkp_buffer json;
    tkp_buffer_init(&json, 4096);
    tkp_run_facts_write(&facts, &json);
    assert_string_equal(
        tkp_buffer_text(&json),
        "{\"benchmark_id\":\"b\",\"version\":\"v\",\"model\":\"m\",\"endpoint_type\":\"e\","
        "\"title\":\"t\",\"cli_command\":\"c\",\"config_yaml\":\"y\",\"receive_clock\":\"r\","
        "\"endpoint_flags\":1,\"seed\":2,\"start_realtime_ns\":3,\"monotonic_to_realtime_ns\":-4,"
        "\"dataset_size\":5,\"governors\":\"g\",\"calibrated_requests_per_s\":6,"
        "\"calibrated_streams\":7,\"calibrated_events_per_s\":8,\"id_seed\":5,"
        "\"tokenizer\":\"{\\\"bytes\\\":1}\",\"transport\":\"n\"}");
    tkp_buffer_clear(&json);
    tkp_phase_note_write(&phase, &json);
    assert_string_equal(
        tkp_buffer_text(&json),
        "{\"phase\":1,\"unsent_turns\":2,\"record_waits\":3,\"record_wait_ns\":4,"
        "\"loop_lag_p99_ns\":5,\"plugin_call_max_ns\":6,\"read_delay_p99_ns\":7,"
        "\"unstamped_reads\":8,\"clock_steps\":9,\"cpu_ticks\":10,\"steal_ticks\":11,"
        "\"cpus\":12,\"load_milli\":13,\"worker_cpu_ns\":14,\"length_ns\":15,\"not_sent\":16}");
    tkp_buffer_clear(&json);
    tkp_stop_note_write(&stop, &json);
    assert_string_equal(tkp_buffer_text(&json),
                        "{\"end_realtime_ns\":7,\"interrupted\":1,\"ended_early\":1,"
                        "\"interrupted_late\":1}");
    tkp_buffer_finish(&json);
}

static void unknown_keys_are_passed_over(void **state)
{
    (void)state;
    struct tkp_phase_note note;
    struct tokperf_error error;
    assert_int_equal(tkp_phase_note_parse(span("{\"later\":{\"a\":[1,{\"phase\":9}]},\"phase\":3,"
                                               "\"more\":null,\"unsent_turns\":4,\"x\":\"y\"}"),
                                          &note, &error),
                     TOKPERF_OK);
    assert_true(note.phase == 3 && note.unsent_turns == 4 && note.record_waits == 0);
}

static void absent_members_have_defaults(void **state)
{
    (void)state;
    struct tkp_run_facts facts;
    struct tkp_arena arena;
    struct tokperf_error error;
    tkp_arena_init(&arena, 0);
    assert_int_equal(tkp_run_facts_parse(span("{\"seed\":7}"), &arena, &facts, &error), TOKPERF_OK);
    assert_true(facts.seed == 7);
    assert_string_equal(facts.model, "");
    assert_string_equal(facts.config_yaml, "");
    assert_string_equal(facts.receive_clock, "process");
    assert_string_equal(facts.transport, "");
    assert_string_equal(facts.governors, "");
    tkp_arena_finish(&arena);
}

static void damage_is_refused(void **state)
{
    (void)state;
    static const char *const damaged[] = {
        "",
        "[]",
        "7",
        "{",
        "{\"seed\":1",
        "{\"seed\"",
        "{\"seed\":}",
        "{\"seed\":1,}",
        "{\"seed\":\"1\"}",
        "{\"seed\":1.5}",
        "{\"seed\":1e3}",
        "{\"seed\":18446744073709551616}",
        "{\"seed\":null}",
        "{\"model\":1}",
        "{\"model\":null}",
        "{\"model\":[\"a\"]}",
        "{\"model\":\"a}",
        "{\"other\":tru}",
        "{seed:1}",
        "{\"seed\":1}}",
        "{\"seed\":1} x",
    };
    for (size_t i = 0; i < COUNT(damaged); i++) {
        struct tkp_run_facts facts;
        struct tkp_arena arena;
        struct tokperf_error error = {0};
        tkp_arena_init(&arena, 0);
        tokperf_status status = tkp_run_facts_parse(span(damaged[i]), &arena, &facts, &error);
        if (status != TOKPERF_E_PARSE)
            print_message("accepted: %s\n", damaged[i]);
        assert_int_equal(status, TOKPERF_E_PARSE);
        assert_non_null(strstr(error.message, "damaged"));
        tkp_arena_finish(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(run_facts_read_back),
        cmocka_unit_test(notes_read_back),
        cmocka_unit_test(keys_are_frozen),
        cmocka_unit_test(unknown_keys_are_passed_over),
        cmocka_unit_test(absent_members_have_defaults),
        cmocka_unit_test(damage_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
