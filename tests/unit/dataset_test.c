/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dataset: a scripted source and the real openai plugin (linked in) as the endpoint.
 */
#include <dataset/dataset.h>

#include <base/json_scan.h>
#include <base/text.h>
#include <dataset/hash.h>
#include <plugin/host.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <temp_dir.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

const struct tokperf_plugin *openai_plugin(void);

/* The linker sends every allocation of the program through these (--wrap), to be counted. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
static size_t allocations;

void *__wrap_malloc(size_t size)
{
    allocations++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    allocations++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    allocations++;
    return __real_realloc(old, size);
}

/* One call of the sink: a conversation when `id` is set, else a turn. */
struct step {
    const char *id, *role, *text, *raw;
    const struct tokperf_member *extra;
    uint32_t extra_count, input;
    int64_t max_tokens, delay_ns;
};
struct script {
    const struct step *steps;
    size_t count;
    size_t repeats; /* of the whole script, with generated ids; 0: once */
    tokperf_status status;
};

static tokperf_status send_turn(const struct tokperf_dataset_sink *sink, const struct step *step)
{
    struct tokperf_content content = {.struct_size = sizeof content,
                                      .input = step->input != 0 ? step->input : TOKPERF_INPUT_TEXT,
                                      .value = tkp_span(step->text != NULL ? step->text : "")};
    const struct tokperf_content *const contents[] = {&content};
    const struct tokperf_turn turn = {
        .struct_size = sizeof turn,
        .content_count = step->text != NULL ? 1 : 0,
        .contents = contents,
        .role = tkp_span(step->role),
        .raw_payload = tkp_span(step->raw != NULL ? step->raw : ""),
        .max_tokens = step->max_tokens > 0 ? step->max_tokens : -1,
        .input_tokens = -1,
        .delay_ns = step->delay_ns > 0 ? step->delay_ns : -1,
        .extra = step->extra,
        .extra_count = step->extra_count,
        .is_answer = strcmp(step->role, "assistant") == 0 || strcmp(step->role, "system") == 0,
    };
    return sink->turn(sink->context, &turn);
}

static tokperf_status produce(void *self, const struct tokperf_dataset_request *request,
                              const struct tokperf_dataset_sink *sink, struct tokperf_error *error)
{
    const struct script *script = self;
    (void)request;
    tokperf_status status = TOKPERF_OK;
    for (size_t r = 0; r < (script->repeats > 0 ? script->repeats : 1); r++)
        for (size_t i = 0; i < script->count && status == TOKPERF_OK; i++) {
            const struct step *step = &script->steps[i];
            status = step->id != NULL ? sink->conversation(sink->context, tkp_span(step->id))
                                      : send_turn(sink, step);
        }
    if (status != TOKPERF_OK)
        snprintf(error->message, sizeof error->message, "at a place");
    return status != TOKPERF_OK ? status : script->status;
}

static const struct tokperf_dataset_vtable source_vtable = {.struct_size = sizeof source_vtable,
                                                            .produce = produce};

/* Everything a dataset needs, with the plan's fields free to set. */
struct fixture {
    struct tkp_plan plan;
    struct script script;
    struct tkp_instance source, endpoint;
    struct tkp_host host;
    struct tkp_dataset *dataset;
    struct tokperf_error error;
};

static tokperf_status open_fixture(struct fixture *f, const char *component,
                                   const struct step *steps, size_t count)
{
    const struct tokperf_config config = {.struct_size = sizeof config};
    const size_t which = strcmp(component, "chat") == 0 ? 0 : 1;
    f->endpoint = (struct tkp_instance){.component = openai_plugin()->components[which],
                                        .vtable = openai_plugin()->components[which]->vtable,
                                        .name = component,
                                        .plugin_id = "org.tokperf.openai"};
    const struct tokperf_endpoint_vtable *vtable = f->endpoint.vtable;
    tkp_host_init(&f->host);
    assert_int_equal(vtable->create(&f->host.api, &config, &f->endpoint.self, &f->error),
                     TOKPERF_OK);
    f->script.steps = steps;
    f->script.count = count;
    f->source = (struct tkp_instance){
        .vtable = &source_vtable, .self = &f->script, .name = "scripted", .plugin_id = "test"};
    if (f->plan.sampling == 0)
        f->plan.sampling = TKP_SAMPLING_SEQUENTIAL;
    const struct tkp_dataset_inputs inputs = {&f->plan, &f->source, &f->endpoint};
    tokperf_status status = tkp_dataset_create(&inputs, &f->dataset, &f->error);
    return status == TOKPERF_OK ? tkp_dataset_render(f->dataset, "m", &f->error) : status;
}

static void close_fixture(struct fixture *f)
{
    const struct tokperf_endpoint_vtable *vtable = f->endpoint.vtable;
    tkp_dataset_destroy(f->dataset);
    vtable->destroy(f->endpoint.self);
}

#define OPEN(f, component, steps) \
    open_fixture(f, component, steps, sizeof(steps) / sizeof(steps)[0])

static void assert_body(const struct tkp_rendered *rendered, const char *expected)
{
    assert_non_null(rendered);
    assert_int_equal(rendered->body.len, strlen(expected));
    assert_memory_equal(rendered->body.data, expected, strlen(expected));
}

#define MESSAGES(list) "{\"messages\":[" list "],\"model\":\"m\",\"stream\":false}"
#define USER(text)     "{\"role\":\"user\",\"content\":\"" text "\"}"

static const struct step single[] = {{.id = ""}, {.role = "", .text = "hi", .max_tokens = 4}};

static void test_rendered_ahead(void **unused)
{
    (void)unused;
    struct fixture f = {.script.repeats = 2};
    assert_int_equal(OPEN(&f, "chat", single), TOKPERF_OK);
    assert_int_equal(tkp_dataset_size(f.dataset), 2);
    const struct tkp_conversation *conversation = tkp_dataset_conversation(f.dataset, 1);
    assert_true(tkp_span_is(conversation->session_id, "session_000001"));
    assert_int_equal(conversation->turn_count, 1);
    assert_false(conversation->needs_answers);
    const struct tkp_rendered *rendered = tkp_dataset_rendered(f.dataset, 0, 0);
    assert_body(rendered, "{\"messages\":[" USER("hi") "],\"model\":\"m\",\"stream\":false,"
                                                       "\"max_completion_tokens\":4}");
    assert_true(tkp_span_is(rendered->method, "POST"));
    assert_true(tkp_span_is(rendered->content_type, "application/json"));
    assert_int_equal(rendered->path.len, 0);
    assert_int_equal(rendered->headers.len, 0);
    assert_int_equal(rendered->output_tokens, 4);
    assert_int_equal(rendered->input_tokens, -1);
    assert_int_equal(rendered->prompt_hash, tkp_dataset_rendered(f.dataset, 1, 0)->prompt_hash);
    close_fixture(&f);
}

/* Any order of asking gives the same rows. */
static void test_sampling(void **unused)
{
    (void)unused;
    enum { ROWS = 37, PASSES = 5 };
    static const enum tkp_sampling samplings[] = {TKP_SAMPLING_SEQUENTIAL, TKP_SAMPLING_SHUFFLE,
                                                  TKP_SAMPLING_RANDOM};
    for (size_t s = 0; s < 3; s++) {
        struct fixture f = {.plan = {.sampling = samplings[s], .seed = 7}, .script.repeats = ROWS};
        assert_int_equal(OPEN(&f, "chat", single), TOKPERF_OK);
        uint64_t rows[ROWS * PASSES];
        unsigned in_order = 0, same_as_first_pass = 0, repeats = 0;
        for (uint64_t draw = ROWS * PASSES; draw-- > 0;)
            rows[draw] = tkp_dataset_row(f.dataset, draw);
        for (uint64_t pass = 0; pass < PASSES; pass++) {
            bool seen[ROWS] = {false};
            for (uint64_t i = 0; i < ROWS; i++) {
                uint64_t row = rows[pass * ROWS + i];
                assert_true(row < ROWS);
                assert_int_equal(row, tkp_dataset_row(f.dataset, pass * ROWS + i));
                repeats += seen[row];
                seen[row] = true;
                in_order += row == i;
                same_as_first_pass += pass > 0 && row == rows[i];
            }
        }
        if (samplings[s] == TKP_SAMPLING_SEQUENTIAL)
            assert_int_equal(in_order, ROWS * PASSES);
        else
            assert_true(in_order < ROWS && same_as_first_pass < ROWS);
        assert_int_equal(repeats > 0, samplings[s] == TKP_SAMPLING_RANDOM);
        close_fixture(&f);
    }
}

static const struct step talk[] = {
    {.id = "talk"},
    {.role = "system", .text = "S"},
    {.role = "", .text = "one"},
    {.role = "", .text = "two", .delay_ns = 5},
    {.role = "assistant", .text = "recorded"},
    {.role = "", .text = "three"},
};

static void test_live_answers(void **unused)
{
    (void)unused;
    struct fixture f = {0};
    assert_int_equal(OPEN(&f, "chat", talk), TOKPERF_OK);
    const struct tkp_conversation *conversation = tkp_dataset_conversation(f.dataset, 0);
    assert_int_equal(conversation->turn_count, 3);
    assert_true(conversation->needs_answers);
    assert_int_equal(tkp_dataset_delay_ns(f.dataset, 0, 1), 5);
    assert_int_equal(tkp_dataset_delay_ns(f.dataset, 0, 2), 0);
#define SYSTEM "{\"role\":\"system\",\"content\":\"S\"},"
    assert_body(tkp_dataset_rendered(f.dataset, 0, 0), MESSAGES(SYSTEM USER("one")));
    assert_null(tkp_dataset_rendered(f.dataset, 0, 1));
    assert_null(tkp_dataset_rendered(f.dataset, 0, 2));

    struct tkp_renderer *renderer = tkp_renderer_create(f.dataset);
    assert_non_null(renderer);
    struct tkp_rendered rendered;
    const struct tkp_answer answers[] = {
        {TOKPERF_SPAN("fine \"so far\""), {NULL, 0}},
        {TOKPERF_SPAN("not used: a recorded answer follows"), {NULL, 0}},
    };
    assert_int_equal(tkp_renderer_render(renderer, 0, 1, answers, 1, &rendered, &f.error),
                     TOKPERF_OK);
#define HISTORY SYSTEM USER("one") ",{\"role\":\"assistant\",\"content\":\"fine \\\"so far\\\"\"},"
    assert_body(&rendered, MESSAGES(HISTORY USER("two")));
    assert_int_equal(tkp_renderer_render(renderer, 0, 2, answers, 2, &rendered, &f.error),
                     TOKPERF_OK);
    assert_body(&rendered,
                MESSAGES(HISTORY USER(
                    "two") ",{\"role\":\"assistant\",\"content\":\"recorded\"}," USER("three")));

    /* The answer was a tool call: no text, the calls as they stand. */
    const struct tkp_answer call = {{NULL, 0}, TOKPERF_SPAN("[{\"id\":\"c\"}]")};
    assert_int_equal(tkp_renderer_render(renderer, 0, 1, &call, 1, &rendered, &f.error),
                     TOKPERF_OK);
    assert_body(&rendered,
                MESSAGES(SYSTEM USER("one") ",{\"role\":\"assistant\",\"content\":null,"
                                            "\"tool_calls\":[{\"id\":\"c\"}]}," USER("two")));
    /* An answer that was empty is still an answer. */
    const struct tkp_answer silence = {{NULL, 0}, {NULL, 0}};
    assert_int_equal(tkp_renderer_render(renderer, 0, 1, &silence, 1, &rendered, &f.error),
                     TOKPERF_OK);
    assert_body(&rendered, MESSAGES(SYSTEM USER(
                               "one") ",{\"role\":\"assistant\",\"content\":\"\"}," USER("two")));

    assert_int_equal(tkp_renderer_render(renderer, 0, 2, answers, 1, &rendered, &f.error),
                     TOKPERF_E_INTERNAL);
    assert_int_equal(tkp_renderer_render(renderer, 0, 3, answers, 3, &rendered, &f.error),
                     TOKPERF_E_INTERNAL);
    tkp_renderer_destroy(renderer);
    close_fixture(&f);
}

/* A worker renders without an allocation once its buffers have grown to the largest request. */
static void test_warm_renderer_allocates_nothing(void **unused)
{
    (void)unused;
    struct fixture f = {0};
    assert_int_equal(OPEN(&f, "chat", talk), TOKPERF_OK);
    struct tkp_renderer *renderer = tkp_renderer_create(f.dataset);
    const struct tkp_answer answers[] = {{TOKPERF_SPAN("an answer"), {NULL, 0}},
                                         {TOKPERF_SPAN("another"), {NULL, 0}}};
    struct tkp_rendered rendered;
    assert_non_null(renderer);
    size_t cold = allocations;
    assert_int_equal(tkp_renderer_render(renderer, 0, 2, answers, 2, &rendered, &f.error),
                     TOKPERF_OK);
    assert_true(allocations > cold); /* the counter counts */
    size_t warm = allocations;
    for (unsigned i = 0; i < 100; i++) {
        uint32_t turn = 1 + i % 2;
        assert_int_equal(tkp_renderer_render(renderer, 0, turn, answers, turn, &rendered, &f.error),
                         TOKPERF_OK);
    }
    assert_int_equal(allocations, warm);
    tkp_renderer_destroy(renderer);
    close_fixture(&f);
}

/* With recorded answers everywhere nothing waits for a live one. */
static void test_recorded_answers(void **unused)
{
    (void)unused;
    static const struct step steps[] = {
        {.id = "r"},
        {.role = "", .text = "one"},
        {.role = "assistant", .text = "A"},
        {.role = "", .text = "two"},
    };
    struct fixture f = {0};
    assert_int_equal(OPEN(&f, "chat", steps), TOKPERF_OK);
    assert_false(tkp_dataset_conversation(f.dataset, 0)->needs_answers);
    assert_body(tkp_dataset_rendered(f.dataset, 0, 1),
                MESSAGES(USER("one") ",{\"role\":\"assistant\",\"content\":\"A\"}," USER("two")));
    close_fixture(&f);
}

/* Row over command line over built-in. */
static void test_extra_precedence(void **unused)
{
    (void)unused;
    const struct tokperf_member row[] = {{TOKPERF_SPAN("top_p"), TOKPERF_SPAN("0.1")},
                                         {TOKPERF_SPAN("model"), TOKPERF_SPAN("\"row\"")}};
    const struct tokperf_member cli[] = {{TOKPERF_SPAN("top_p"), TOKPERF_SPAN("0.9")},
                                         {TOKPERF_SPAN("model"), TOKPERF_SPAN("\"cli\"")},
                                         {TOKPERF_SPAN("stream"), TOKPERF_SPAN("true")},
                                         {TOKPERF_SPAN("seed"), TOKPERF_SPAN("1")}};
    const struct step steps[] = {
        {.id = "a"},
        {.role = "", .text = "x", .extra = row, .extra_count = 2},
        {.id = "b"},
        {.role = "", .text = "x"},
    };
    struct fixture f = {.plan = {.extra = cli, .extra_count = 4}};
    assert_int_equal(OPEN(&f, "completions", steps), TOKPERF_OK);
    assert_body(tkp_dataset_rendered(f.dataset, 0, 0),
                "{\"prompt\":\"x\",\"stream_options\":{\"include_usage\":true},\"stream\":true,"
                "\"seed\":1,\"top_p\":0.1,\"model\":\"row\"}");
    assert_body(tkp_dataset_rendered(f.dataset, 1, 0),
                "{\"prompt\":\"x\",\"stream_options\":{\"include_usage\":true},\"top_p\":0.9,"
                "\"model\":\"cli\",\"stream\":true,\"seed\":1}");
    close_fixture(&f);
}

static void test_refusals(void **unused)
{
    (void)unused;
    static const struct step image[] = {
        {.id = ""}, {.role = "", .text = "https://x", .input = TOKPERF_INPUT_IMAGE}};
    static const struct step no_turn[] = {{.id = ""}, {.id = ""}, {.role = "", .text = "x"}};
    static const struct step only_context[] = {{.id = ""}, {.role = "system", .text = "x"}};
    static const struct step orphan[] = {{.role = "", .text = "x"}};
    static const struct step header[] = {{.id = "a\r\nb"}, {.role = "", .text = "x"}};
    static const struct step audio[] = {{.id = "bad"},
                                        {.role = "", .text = "AAAA", .input = TOKPERF_INPUT_AUDIO}};
    const struct {
        const char *component, *expected;
        const struct step *steps;
        size_t count;
        tokperf_status status;
    } cases[] = {
        {"completions",
         "conversation 1 has an image, which the endpoint \"completions\" cannot send; use an "
         "--endpoint-type that can (at a place)",
         image, 2, TOKPERF_E_UNSUPPORTED},
        {"chat", "conversation 1 has no turn to send (at a place)", no_turn, 3, TOKPERF_E_INVALID},
        {"chat", "conversation 1 has no turn to send", only_context, 2, TOKPERF_E_INVALID},
        {"chat", "the dataset added a turn before it began a conversation (at a place)", orphan, 1,
         TOKPERF_E_STATE},
        {"chat",
         "the session id of conversation 1 is longer than 256 bytes or has a control character (at "
         "a place)",
         header, 2, TOKPERF_E_INVALID},
        {"chat",
         "conversation 1 (bad), turn 1: audio content is not \"format,base64\", for example "
         "\"wav,UklGR...\"",
         audio, 2, TOKPERF_E_INVALID},
        {"chat", "the dataset has no conversation", single, 0, TOKPERF_E_INVALID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f = {0};
        assert_int_equal(open_fixture(&f, cases[i].component, cases[i].steps, cases[i].count),
                         cases[i].status);
        assert_string_equal(f.error.message, cases[i].expected);
        close_fixture(&f);
    }
}

static void test_silent_failure(void **unused)
{
    (void)unused;
    struct fixture f = {.script.status = TOKPERF_E_IO};
    assert_int_equal(OPEN(&f, "chat", single), TOKPERF_E_IO);
    assert_string_equal(f.error.message, "the dataset \"scripted\" failed without a reason (io)");
    close_fixture(&f);
}

static void test_inputs_json(void **unused)
{
    (void)unused;
    static const struct step steps[] = {
        {.id = "a\"b"},
        {.role = "", .text = "one"},
        {.role = "", .text = "two"},
        {.id = "raw"},
        {.role = "", .raw = "{\"as\": \"is\"}"},
    };
    struct fixture f = {0};
    struct temp_dir dir;
    temp_dir_make(&dir);
    assert_int_equal(OPEN(&f, "chat", steps), TOKPERF_OK);
    assert_int_equal(tkp_dataset_write_inputs(f.dataset, dir.path, &f.error), TOKPERF_OK);
    char text[4096];
    FILE *file = fopen(temp_dir_path(&dir, "inputs.json"), "re");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    /* The second turn is written without the live answer. */
    assert_string_equal(
        text,
        "{\"data\":[{\"session_id\":\"a\\\"b\",\"payloads\":[" MESSAGES(USER("one")) "," MESSAGES(
            USER("one") "," USER(
                "two")) "]},"
                        "{\"session_id\":\"raw\",\"payloads\":[{\"as\": \"is\"}]}]}\n");
    close_fixture(&f);
    temp_dir_remove(&dir);
}

static void test_hash(void **unused)
{
    (void)unused;
    static const char text[] = "a prompt of some thirty-odd bytes";
    for (size_t len = 0; len < sizeof text; len++)
        for (size_t other = 0; other < len; other++)
            assert_true(tkp_hash_bytes(text, len) != tkp_hash_bytes(text, other));
    char changed[sizeof text];
    for (size_t i = 0; i < sizeof text - 1; i++) {
        memcpy(changed, text, sizeof text);
        changed[i] ^= 1;
        assert_true(tkp_hash_bytes(text, sizeof text) != tkp_hash_bytes(changed, sizeof text));
    }
    /* Records hold it: it may not change. */
    assert_int_equal(tkp_hash_bytes("", 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rendered_ahead),
        cmocka_unit_test(test_sampling),
        cmocka_unit_test(test_live_answers),
        cmocka_unit_test(test_recorded_answers),
        cmocka_unit_test(test_warm_renderer_allocates_nothing),
        cmocka_unit_test(test_extra_precedence),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_silent_failure),
        cmocka_unit_test(test_inputs_json),
        cmocka_unit_test(test_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
