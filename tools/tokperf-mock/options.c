/* SPDX-License-Identifier: Apache-2.0 */
/* The option table of tokperf-mock and what reads it. Runs once, before any thread exists. */
#include "options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "inference.h"
#include "spelling.h"

enum kind { KIND_FLAG, KIND_COUNT, KIND_REAL, KIND_TEXT, KIND_CHOICE, KIND_MODEL };

struct row {
    const char *name;
    enum kind kind;
    size_t target; /* offset in struct tkp_mock_options */
    double low;    /* range of numbers, both ends included */
    double high;
    const char *metavar; /* for KIND_CHOICE the choices, separated by | */
    const char *help;
};

#define AT(field) offsetof(struct tkp_mock_options, field)
#define FAULT_ROW(id, name, help)                            \
    {"fault-" name,                                          \
     KIND_REAL,                                              \
     AT(fault_rates) + sizeof(double) * TKP_MOCK_FAULT_##id, \
     0,                                                      \
     1,                                                      \
     "RATE",                                                 \
     "Share of requests (0 to 1): " help "."},

static const struct row rows[] = {
    {"host", KIND_TEXT, AT(host), 0, 0, "ADDRESS",
     "IPv4 address to listen on (default 127.0.0.1)."},
    {"port", KIND_COUNT, AT(port), 0, 65535, "N",
     "TCP port, 0 for a free one; the first line of output names it (default 8000)."},
    {"threads", KIND_COUNT, AT(threads), 1, 256, "N",
     "Event loops, each with its own thread and listening socket (default 1)."},
    {"ttft", KIND_REAL, AT(ttft_ms), 0, 3600000, "MS",
     "Time from a request's last byte to its first content chunk (default 20)."},
    {"itl", KIND_REAL, AT(itl_ms), 0, 3600000, "MS",
     "Time between content chunks; chunk i is due at arrival + ttft + i * itl (default 5)."},
    {"ttft-jitter", KIND_REAL, AT(ttft_jitter), 0, 10, "CV",
     "Coefficient of variation of the first chunk's time, log-normal (default 0)."},
    {"itl-jitter", KIND_REAL, AT(itl_jitter), 0, 10, "CV",
     "Coefficient of variation of each gap between chunks, log-normal (default 0)."},
    {"fast", KIND_FLAG, AT(fast), 0, 0, NULL,
     "No delays, and a stream leaves in as few writes as possible."},
    {"osl", KIND_COUNT, AT(osl_tokens), 1, TKP_MOCK_TOKENS_MAX, "N",
     "Tokens of a natural answer, which the request's max_tokens cuts and ignore_eos or "
     "min_tokens extend (default: as many as max_tokens allows, 32 without)."},
    {"tokens-per-chunk", KIND_COUNT, AT(tokens_per_chunk), 1, 4096, "N",
     "Tokens in one content or reasoning chunk (default 1)."},
    {"reasoning-tokens", KIND_COUNT, AT(reasoning_tokens), 0, TKP_MOCK_TOKENS_MAX, "N",
     "Chat answers think this many tokens first, inside of the request's limit (default 0)."},
    {"reasoning-field", KIND_CHOICE, AT(reasoning_field), 0, 0, "reasoning_content|reasoning|both",
     "Name of the field that carries the reasoning text (default reasoning_content)."},
    {"tool-calls", KIND_COUNT, AT(tool_calls), 0, 64, "N",
     "Chat answers end with this many parallel tool calls of 5 tokens each (default 0)."},
    {"tool-calls-only", KIND_FLAG, AT(tool_calls_only), 0, 0, NULL,
     "No prose before the tool calls."},
    {"seed", KIND_COUNT, AT(seed), 0, 0x1p63, "N",
     "Seed of jitter and faults; with one thread it fixes their sequence (default 0)."},
    {"api-key", KIND_TEXT, AT(api_key), 0, 0, "KEY",
     "Requests under /v1/ need 'Authorization: Bearer KEY', others get 401."},
    {"model", KIND_MODEL, AT(models), 0, 0, "NAME",
     "A name in /v1/models, repeatable; answers echo the request's (default mock-model)."},
    {"models-delay", KIND_COUNT, AT(models_delay_ms), 0, 3600000, "MS",
     "/v1/models and /health answer 503 for this long after the start (default 0)."},
    {"stamp", KIND_FLAG, AT(stamp), 0, 0, NULL,
     "Each content chunk carries its request's arrival, its intended and its actual send time "
     "(CLOCK_MONOTONIC, ns)."},
    {"stamp-log", KIND_TEXT, AT(stamp_log), 0, 0, "FILE",
     "Write a line for each finished answer to FILE: the request's X-Request-ID, its arrival, then "
     "each content chunk's send time (CLOCK_MONOTONIC, ns)."},
    TKP_MOCK_FAULTS(FAULT_ROW){
        "sse", KIND_CHOICE, AT(dialect), 0, 0,
        "lf|crlf|cr|nospace|multiline|comments|events|bom|mixed",
        "Event-stream dialect; mixed goes through all of them, event by event (default lf)."},
    {"one-byte-writes", KIND_FLAG, AT(one_byte_writes), 0, 0, NULL,
     "Every byte of an inference answer is its own write."},
    {"no-done", KIND_FLAG, AT(no_done), 0, 0, NULL, "Streams end without [DONE]."},
    {"close-delimited", KIND_FLAG, AT(close_delimited), 0, 0, NULL,
     "Inference answers state no length and end with the connection."},
    {"content-length", KIND_FLAG, AT(content_length), 0, 0, NULL,
     "Streams state their Content-Length instead of being chunked."},
    {"informational", KIND_FLAG, AT(informational), 0, 0, NULL,
     "A 100 and a 103 response precede each inference answer."},
    {"max-requests-per-connection", KIND_COUNT, AT(requests_per_connection), 0, 0x1p32, "N",
     "The Nth answer on a connection says 'connection: close' (default 0: never)."},
    {"exit-with-stdin", KIND_FLAG, AT(exit_with_stdin), 0, 0, NULL,
     "End when standard input reaches its end, so a parent's death ends the server."},
    {"help", KIND_FLAG, AT(help), 0, 0, NULL, "Print this."},
};

enum { ROWS = sizeof rows / sizeof rows[0] };

static void store(struct tkp_mock_options *options, const struct row *row, const void *value,
                  size_t bytes)
{
    memcpy((char *)options + row->target, value, bytes);
}

static const struct row *find_row(const char *name, size_t len)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (strlen(rows[i].name) == len && memcmp(rows[i].name, name, len) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

/* The name that is a slip away (a third of the length, as in tokperf itself), or NULL. */
static const char *closest_name(const char *text, size_t len)
{
    char name[32];
    const char *best = NULL;
    if (len < 3 || len >= sizeof name) {
        return NULL;
    }
    memcpy(name, text, len);
    name[len] = '\0';
    size_t limit = len >= 6 ? len / 3 : 1;
    for (size_t i = 0; i < ROWS; i++) {
        size_t distance = tkp_mock_spelling_distance(name, rows[i].name);
        if (distance < limit || (distance == limit && best == NULL)) {
            best = rows[i].name;
            limit = distance;
        }
    }
    return best;
}

static void explain_name(const char *name, size_t len, char *error, size_t bytes)
{
    const char *closest = closest_name(name, len);
    if (closest != NULL) {
        (void)snprintf(error, bytes, "--%.*s is not an option; did you mean --%s?", (int)len, name,
                       closest);
    } else {
        (void)snprintf(error, bytes, "--%.*s is not an option; tokperf-mock --help lists them",
                       (int)len, name);
    }
}

static bool parse_number(const struct row *row, const char *value, struct tkp_mock_options *options)
{
    char *end = NULL;
    errno = 0;
    double real = strtod(value, &end);
    bool numeric = value[0] >= '0' && value[0] <= '9' && *end == '\0' && errno == 0;
    if (!numeric || !isfinite(real) || real < row->low || real > row->high) {
        return false;
    }
    if (row->kind == KIND_REAL) {
        store(options, row, &real, sizeof real);
        return true;
    }
    uint64_t count = strtoull(value, &end, 10);
    if (*end != '\0') {
        return false;
    }
    store(options, row, &count, sizeof count);
    return true;
}

static bool parse_choice(const struct row *row, const char *value, struct tkp_mock_options *options)
{
    const char *at = row->metavar;
    for (uint64_t index = 0;; index++) {
        size_t len = strcspn(at, "|");
        if (strlen(value) == len && memcmp(value, at, len) == 0) {
            store(options, row, &index, sizeof index);
            return true;
        }
        if (at[len] == '\0') {
            return false;
        }
        at += len + 1;
    }
}

/* Not empty, and the same inside of a JSON string. */
static bool is_plain(const char *value)
{
    size_t len = strlen(value);
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)value[i] < 0x20 || value[i] == '"' || value[i] == '\\') {
            return false;
        }
    }
    return len > 0 && len <= TKP_MOCK_MODEL_BYTES_MAX;
}

static bool parse_value(const struct row *row, const char *value, struct tkp_mock_options *options)
{
    switch (row->kind) {
    case KIND_FLAG: {
        bool on = true;
        store(options, row, &on, sizeof on);
        return true;
    }
    case KIND_COUNT:
    case KIND_REAL:
        return parse_number(row, value, options);
    case KIND_CHOICE:
        return parse_choice(row, value, options);
    case KIND_TEXT:
        store(options, row, &value, sizeof value);
        return value[0] != '\0';
    case KIND_MODEL:
        if (options->model_count == TKP_MOCK_MODELS_MAX || !is_plain(value)) {
            return false;
        }
        options->models[options->model_count++] = value;
        return true;
    }
    return false;
}

static void explain_value(const struct row *row, const char *value, char *error, size_t bytes)
{
    switch (row->kind) {
    case KIND_COUNT:
    case KIND_REAL:
        (void)snprintf(error, bytes, "--%s: '%s' is not %s from %.0f to %.0f; give one in it",
                       row->name, value, row->kind == KIND_REAL ? "a number" : "a whole number",
                       row->low, row->high);
        return;
    case KIND_CHOICE:
        (void)snprintf(error, bytes, "--%s: '%s' is not one of %s; choose one", row->name, value,
                       row->metavar);
        return;
    case KIND_FLAG:
    case KIND_TEXT:
    case KIND_MODEL:
        (void)snprintf(
            error, bytes,
            "--%s: '%s' is empty, too long, one too many, or has a quote or a backslash; give %s",
            row->name, value, row->metavar == NULL ? "none" : row->metavar);
        return;
    }
}

/* Parses argv[*at] and, where it takes one from there, its value. */
static bool parse_one(struct tkp_mock_options *options, int argc, char *const argv[], int *at,
                      char *error, size_t error_bytes)
{
    const char *arg = argv[*at];
    if (strncmp(arg, "--", 2) != 0) {
        (void)snprintf(error, error_bytes, "'%s' is not an option; see --help", arg);
        return false;
    }
    size_t len = strcspn(arg + 2, "=");
    const struct row *row = find_row(arg + 2, len);
    if (row == NULL) {
        explain_name(arg + 2, len, error, error_bytes);
        return false;
    }
    const char *value = arg[2 + len] == '=' ? arg + 3 + len : NULL;
    if (row->kind == KIND_FLAG && value != NULL) {
        (void)snprintf(error, error_bytes, "--%s takes no value, got '%s'; leave it out", row->name,
                       value);
        return false;
    }
    if (row->kind != KIND_FLAG && value == NULL) {
        if (*at + 1 >= argc) {
            (void)snprintf(error, error_bytes, "--%s needs a value: %s", row->name, row->metavar);
            return false;
        }
        value = argv[++*at];
    }
    if (!parse_value(row, value, options)) {
        explain_value(row, value, error, error_bytes);
        return false;
    }
    return true;
}

/* What the table cannot say: the address, and options that contradict each other. */
static bool check(const struct tkp_mock_options *options, char *error, size_t error_bytes)
{
    const char *clash = NULL;
    struct in_addr address;
    if (inet_pton(AF_INET, options->host, &address) != 1) {
        (void)snprintf(error, error_bytes,
                       "--host: '%s' is not an IPv4 address; give one such as 127.0.0.1",
                       options->host);
        return false;
    }
    if (options->fast && (options->ttft_ms >= 0 || options->itl_ms >= 0)) {
        clash = "--fast has no delays: leave out --ttft and --itl, or --fast";
    } else if (options->fast && (options->ttft_jitter > 0 || options->itl_jitter > 0)) {
        clash = "--fast has no delays: leave out the jitter, or --fast";
    } else if (options->close_delimited && options->content_length) {
        clash = "--close-delimited and --content-length exclude each other: choose one";
    } else if (options->tool_calls_only && options->tool_calls == 0) {
        clash = "--tool-calls-only needs --tool-calls N with N above 0";
    }
    if (clash != NULL) {
        (void)snprintf(error, error_bytes, "%s", clash);
    }
    return clash == NULL;
}

bool tkp_mock_options_parse(struct tkp_mock_options *options, int argc, char *const argv[],
                            char *error, size_t error_bytes)
{
    *options = (struct tkp_mock_options){
        .host = "127.0.0.1",
        .port = 8000,
        .threads = 1,
        .ttft_ms = -1,
        .itl_ms = -1,
        .tokens_per_chunk = 1,
    };
    for (int i = 1; i < argc; i++) {
        if (!parse_one(options, argc, argv, &i, error, error_bytes)) {
            return false;
        }
    }
    if (!check(options, error, error_bytes)) {
        return false;
    }
    /* Not given: the delays of a small model on one GPU, none with --fast. */
    options->ttft_ms = options->ttft_ms >= 0 ? options->ttft_ms : options->fast ? 0 : 20;
    options->itl_ms = options->itl_ms >= 0 ? options->itl_ms : options->fast ? 0 : 5;
    if (options->model_count == 0) {
        options->models[options->model_count++] = "mock-model";
    }
    return true;
}

void tkp_mock_options_print_help(FILE *out)
{
    (void)fputs(
        "Usage: tokperf-mock [options]\n\n"
        "An OpenAI-compatible inference server that invents its answers on schedule.\n"
        "Routes: /v1/chat/completions, /v1/completions, /v1/embeddings, /v1/models, /health,\n"
        "/metrics; /api/chat and /api/generate as Ollama; /generate and /generate_stream as "
        "Text\nGeneration Inference.\n\n",
        out);
    for (size_t i = 0; i < ROWS; i++) {
        (void)fprintf(out, "  --%s%s%s\n      %s\n", rows[i].name,
                      rows[i].metavar == NULL ? "" : " ",
                      rows[i].metavar == NULL ? "" : rows[i].metavar, rows[i].help);
    }
}
