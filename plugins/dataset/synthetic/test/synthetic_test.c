/* SPDX-License-Identifier: Apache-2.0 */
/* The synthetic dataset, driven through its vtable as the host does. */
#include <math.h>
#include <plugin/host.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tokperf/dataset.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

const struct tokperf_plugin *synthetic_plugin(void);

enum { MAX_TURNS = 4096 };

/* What came through the sink. */
struct produced {
    char *texts[MAX_TURNS];
    struct tokperf_turn turns[MAX_TURNS];
    size_t words[MAX_TURNS];
    size_t conversation_of[MAX_TURNS];
    size_t conversation_count, turn_count;
};

static size_t count_words(struct tokperf_span text)
{
    size_t count = 1;
    for (uint64_t i = 0; i < text.len; i++)
        count += text.data[i] == ' ';
    return count;
}

static tokperf_status on_conversation(void *context, struct tokperf_span session_id)
{
    struct produced *produced = context;
    assert_int_equal(session_id.len, 0);
    produced->conversation_count++;
    return TOKPERF_OK;
}

static tokperf_status on_turn(void *context, const struct tokperf_turn *turn)
{
    struct produced *produced = context;
    const size_t i = produced->turn_count++;
    assert_true(i < MAX_TURNS);
    assert_int_equal(turn->content_count, 1);
    const struct tokperf_span text = turn->contents[0]->value;
    produced->texts[i] = strndup(text.data, text.len);
    produced->turns[i] = *turn;
    produced->words[i] = count_words(text);
    produced->conversation_of[i] = produced->conversation_count - 1;
    return TOKPERF_OK;
}

static struct tokperf_dataset_request request_of(uint64_t entries, double isl)
{
    return (struct tokperf_dataset_request){
        .struct_size = sizeof(struct tokperf_dataset_request),
        .seed = 42,
        .entries = entries,
        .input_tokens_mean = isl,
        .output_tokens_mean = -1,
        .turns_mean = 1,
    };
}

static const struct tkp_text_counter *tokenizer; /* of the host */

static tokperf_status produce(const struct tokperf_dataset_request *request,
                              struct produced *produced, struct tokperf_error *error)
{
    const struct tokperf_dataset_vtable *vtable = synthetic_plugin()->components[0]->vtable;
    const struct tokperf_config config = {.struct_size = sizeof config};
    const struct tokperf_dataset_sink sink = {sizeof sink, 0, produced, on_conversation, on_turn};
    struct tkp_host host;
    void *self = NULL;
    tkp_host_init(&host);
    host.tokens = tokenizer;
    *produced = (struct produced){0};
    assert_int_equal(vtable->create(&host.api, &config, &self, error), TOKPERF_OK);
    const tokperf_status status = vtable->produce(self, request, &sink, error);
    vtable->destroy(self);
    return status;
}

static void release(struct produced *produced)
{
    for (size_t i = 0; i < produced->turn_count; i++)
        free(produced->texts[i]);
}

static struct produced first, second;
static struct tokperf_error error;

static void test_lengths(void **unused)
{
    (void)unused;
    const struct tokperf_dataset_request request = request_of(50, 550);
    assert_int_equal(produce(&request, &first, &error), TOKPERF_OK);
    assert_int_equal(first.conversation_count, 50);
    for (size_t i = 0; i < first.turn_count; i++) {
        assert_int_equal(first.words[i], 550);
        assert_int_equal(first.turns[i].input_tokens, 550);
        assert_int_equal(first.turns[i].max_tokens, -1);
        assert_int_equal(first.turns[i].delay_ns, -1);
    }
    release(&first);
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Every prompt differs, even of three words, and so does the first word of neighbours. */
static void test_distinct(void **unused)
{
    (void)unused;
    static const double lengths[] = {3, 4, 40};
    for (size_t k = 0; k < sizeof lengths / sizeof lengths[0]; k++) {
        const struct tokperf_dataset_request request = request_of(4000, lengths[k]);
        assert_int_equal(produce(&request, &first, &error), TOKPERF_OK);
        for (size_t i = 1; i < first.turn_count; i++)
            assert_true(
                strcspn(first.texts[i], " ") != strcspn(first.texts[i - 1], " ") ||
                strncmp(first.texts[i], first.texts[i - 1], strcspn(first.texts[i], " ") + 1) != 0);
        qsort(first.texts, first.turn_count, sizeof first.texts[0], compare_texts);
        for (size_t i = 1; i < first.turn_count; i++)
            assert_string_not_equal(first.texts[i - 1], first.texts[i]);
        release(&first);
    }
}

/* An entry is the same however many there are; another seed gives others. */
static void test_pure(void **unused)
{
    (void)unused;
    struct tokperf_dataset_request request = request_of(10, 20);
    request.input_tokens_stddev = 5;
    request.turns_mean = 2;
    request.turns_stddev = 1;
    assert_int_equal(produce(&request, &first, &error), TOKPERF_OK);
    request.entries = 30;
    assert_int_equal(produce(&request, &second, &error), TOKPERF_OK);
    for (size_t i = 0; i < first.turn_count; i++) {
        assert_string_equal(first.texts[i], second.texts[i]);
        assert_int_equal(first.conversation_of[i], second.conversation_of[i]);
    }
    release(&second);
    request.seed = 43;
    assert_int_equal(produce(&request, &second, &error), TOKPERF_OK);
    const size_t word = strcspn(first.texts[0], " ");
    assert_true(strncmp(first.texts[0], second.texts[0], word + 1) != 0);
    release(&first);
    release(&second);
}

static void test_distributions(void **unused)
{
    (void)unused;
    struct tokperf_dataset_request request = request_of(500, 20);
    request.input_tokens_stddev = 30; /* often below one: clamped */
    request.output_tokens_mean = 100;
    request.output_tokens_stddev = 10;
    request.turns_mean = 3;
    request.turns_stddev = 1;
    request.turn_delay_mean_ms = 200;
    request.turn_delay_stddev_ms = 20;
    assert_int_equal(produce(&request, &first, &error), TOKPERF_OK);
    double output_sum = 0, delay_sum = 0;
    size_t later = 0, shortest = SIZE_MAX;
    for (size_t i = 0; i < first.turn_count; i++) {
        const bool begins = i == 0 || first.conversation_of[i] != first.conversation_of[i - 1];
        output_sum += (double)first.turns[i].max_tokens;
        shortest = first.words[i] < shortest ? first.words[i] : shortest;
        assert_int_equal(first.turns[i].input_tokens, first.words[i]);
        assert_int_equal(first.turns[i].delay_ns == -1, begins);
        if (!begins) {
            delay_sum += (double)first.turns[i].delay_ns;
            later++;
        }
    }
    /* Means of 1500 and 1000 draws: ten standard errors of room. */
    assert_true(first.turn_count > 1300 && first.turn_count < 1700);
    assert_true(fabs(output_sum / (double)first.turn_count - 100) < 3);
    assert_true(fabs(delay_sum / (double)later - 200e6) < 7e6);
    assert_int_equal(shortest, 1);
    release(&first);
}

/* A tokenizer that takes words apart: a token for each begun 5 letters, and one for 7 spaces. */
static bool count_parts(void *context, struct tokperf_span text, uint64_t *tokens)
{
    uint64_t letters = 0, spaces = 0;
    (void)context;
    *tokens = 0;
    for (uint64_t i = 0; i <= text.len; i++) {
        if (i < text.len && text.data[i] != ' ') {
            letters++;
            continue;
        }
        *tokens += (letters + 4) / 5;
        *tokens += ++spaces % 7 == 0;
        letters = 0;
    }
    return true;
}

static uint64_t parts_of(const char *text)
{
    uint64_t tokens;
    (void)count_parts(NULL, (struct tokperf_span){text, strlen(text)}, &tokens);
    return tokens;
}

/* With a tokenizer every prompt has exactly the tokens asked for, however words come apart. */
static void test_exact(void **unused)
{
    (void)unused;
    static const struct tkp_text_counter parts = {NULL, count_parts};
    tokenizer = &parts;
    for (uint32_t isl = 1; isl <= 300; isl += isl < 40 ? 1 : isl / 3) {
        struct tokperf_dataset_request request = request_of(40, isl);
        request.input_tokens_stddev = isl / 5.0;
        if (produce(&request, &first, &error) != TOKPERF_OK)
            fail_msg("%u tokens: %s", isl, error.message);
        for (size_t i = 0; i < first.turn_count; i++)
            assert_int_equal(parts_of(first.texts[i]), first.turns[i].input_tokens);
        release(&first);
    }
    tokenizer = NULL;
}

/* System message, context and prefix have their own lengths; a prefix is one of the pool. */
static void test_prefixes(void **unused)
{
    (void)unused;
    enum { CONVERSATIONS = 60, MESSAGES = 4 };
    static const struct tkp_text_counter parts = {NULL, count_parts};
    for (int with = 0; with < 2; with++) {
        struct tokperf_dataset_request request = request_of(CONVERSATIONS, 30);
        request.prefix_pool = 3;
        request.prefix_tokens = 50;
        request.system_tokens = 20;
        request.context_tokens = 10;
        request.turns_mean = 2;
        tokenizer = with ? &parts : NULL;
        assert_int_equal(produce(&request, &first, &error), TOKPERF_OK);
        assert_int_equal(first.turn_count, CONVERSATIONS * MESSAGES);
        for (size_t i = 0; i < first.turn_count; i++) {
            static const uint64_t lengths[MESSAGES] = {20, 10, 80, 30};
            uint64_t tokens = with ? parts_of(first.texts[i]) : first.words[i];
            assert_int_equal(tokens, lengths[i % MESSAGES]);
            assert_int_equal(first.turns[i].is_answer, i % MESSAGES < 2);
            assert_int_equal(first.turns[i].role.len, i % MESSAGES == 0   ? 6
                                                      : i % MESSAGES == 1 ? 4
                                                                          : 0);
        }
        size_t pool = 0; /* conversations whose prompt begins as none before */
        for (size_t i = 0; i < CONVERSATIONS; i++) {
            assert_string_equal(first.texts[i * MESSAGES], first.texts[0]);
            assert_true(i == 0 || strcmp(first.texts[i * MESSAGES + 1], first.texts[1]) != 0);
            assert_int_equal(first.turns[i * MESSAGES + 2].input_tokens, 110);
            size_t k = 0;
            for (; k < i; k++)
                if (strncmp(first.texts[i * MESSAGES + 2], first.texts[k * MESSAGES + 2], 100) == 0)
                    break;
            pool += k == i;
        }
        assert_int_equal(pool, 3);
        release(&first);
    }
    tokenizer = NULL;
}

static void test_refusals(void **unused)
{
    (void)unused;
    struct tokperf_dataset_request request = request_of(0, 10);
    assert_int_equal(produce(&request, &first, &error), TOKPERF_E_INVALID);
    assert_non_null(strstr(error.message, "--num-dataset-entries"));
    request = request_of(1, 0);
    assert_int_equal(produce(&request, &first, &error), TOKPERF_E_INVALID);
    assert_non_null(strstr(error.message, "--isl"));
    request = request_of(1, 1);
    request.path = TOKPERF_SPAN("a.jsonl");
    assert_int_equal(produce(&request, &first, &error), TOKPERF_E_INVALID);
    request = request_of(1, 1);
    request.prefix_pool = 1;
    assert_int_equal(produce(&request, &first, &error), TOKPERF_E_INVALID);
    assert_non_null(strstr(error.message, "prefix"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths),  cmocka_unit_test(test_distinct),
        cmocka_unit_test(test_pure),     cmocka_unit_test(test_distributions),
        cmocka_unit_test(test_refusals), cmocka_unit_test(test_exact),
        cmocka_unit_test(test_prefixes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
