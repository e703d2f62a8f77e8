/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of host services, and those that need no files: log, clock, cancelled, rng, terminal,
 * tokenizer. Tables are constant; what differs between runs is in struct tkp_host, of which a
 * plugin sees the first member.
 */
#include <plugin/host.h>

#include <base/clock.h>
#include <base/error.h>
#include <base/files.h>
#include <base/json_scan.h>
#include <base/json_write.h>
#include <base/log.h>
#include <base/outlet.h>
#include <base/printable.h>
#include <base/rng.h>
#include <plugin/host_files.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { LOG_LINE_BYTES = 4096, DEFAULT_COLUMNS = 100, TERMINAL_STEP_BYTES = 1024 };

/* Plugins draw from streams at and above this one, so that they never share the core's numbers. */
enum { FIRST_PLUGIN_STREAM = 1000 };

static const struct tkp_host *host_of(const struct tokperf_host *api)
{
    return (const struct tkp_host *)(const void *)api;
}

static enum tkp_log_level log_level_of(uint32_t level)
{
    switch (level) {
    case TOKPERF_LOG_ERROR:
        return TKP_LOG_ERROR;
    case TOKPERF_LOG_WARNING:
        return TKP_LOG_WARNING;
    case TOKPERF_LOG_INFO:
        return TKP_LOG_INFO;
    default: /* a plugin's number: anything else is chatter */
        return TKP_LOG_DEBUG;
    }
}

static void log_write(const struct tokperf_host *host, uint32_t level, const char *bytes,
                      uint64_t len)
{
    (void)host;
    int shown = len > LOG_LINE_BYTES ? LOG_LINE_BYTES : (int)len;
    const char *who = tkp_crash_note;
    tkp_log(log_level_of(level), "%s%s%.*s", who != NULL ? who : "", who != NULL ? ": " : "", shown,
            bytes);
}

static uint32_t cancelled_read(const struct tokperf_host *host)
{
    const struct tkp_flag *flag = host_of(host)->cancel;
    return flag != NULL && tkp_flag_is_raised(flag) ? 1 : 0;
}

static uint64_t plugin_stream(uint64_t stream)
{
    return stream < UINT64_MAX - FIRST_PLUGIN_STREAM ? stream + FIRST_PLUGIN_STREAM : stream;
}

static uint64_t rng_bits(uint64_t seed, uint64_t stream, uint64_t index)
{
    return tkp_rng_bits(seed, plugin_stream(stream), index);
}

static double rng_uniform(uint64_t seed, uint64_t stream, uint64_t index)
{
    return tkp_rng_uniform(seed, plugin_stream(stream), index);
}

static double rng_normal(uint64_t seed, uint64_t stream, uint64_t index)
{
    return tkp_rng_normal(seed, plugin_stream(stream), index);
}

/* How much of the text to take at a time: a step at most, without cutting a UTF-8 sequence. */
static size_t whole_characters(const char *data, uint64_t len)
{
    if (len <= TERMINAL_STEP_BYTES)
        return (size_t)len;
    size_t step = TERMINAL_STEP_BYTES;
    while (step > TERMINAL_STEP_BYTES - 3 && ((unsigned char)data[step] & 0xc0) == 0x80)
        step--;
    return step;
}

/* What an exporter prints may come from a server: no control character gets through. A terminal
 * that failed once is left alone. */
static void terminal_write(const struct tokperf_host *host, const char *data, uint64_t len)
{
    const struct tkp_host *self = host_of(host);
    char text[TERMINAL_STEP_BYTES * TKP_PRINTABLE_GROWTH];
    struct tokperf_error error;
    while (len && self->terminal_fd >= 0) {
        if (self->terminal_failed && tkp_flag_is_raised(self->terminal_failed))
            return;
        size_t step = whole_characters(data, len);
        size_t shown = tkp_printable_copy(text, data, step, false);
        if (tkp_outlet_write(self->terminal_fd, text, shown, self->cancel, &error) != TOKPERF_OK) {
            tkp_log(TKP_LOG_ERROR, "the results cannot be written to the terminal: %s",
                    error.message);
            if (self->terminal_failed)
                tkp_flag_raise(self->terminal_failed);
            return;
        }
        data += step;
        len -= step;
    }
}

static uint32_t terminal_is_terminal(const struct tokperf_host *host)
{
    int fd = host_of(host)->terminal_fd;
    return fd >= 0 && isatty(fd) ? 1 : 0;
}

static uint32_t terminal_columns(const struct tokperf_host *host)
{
    struct winsize size;
    int fd = host_of(host)->terminal_fd;
    if (fd < 0 || ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return DEFAULT_COLUMNS;
    return size.ws_col;
}

static tokperf_status tokenizer_count(const struct tokperf_host *host, struct tokperf_span text,
                                      uint64_t *tokens, struct tokperf_error *error)
{
    const struct tkp_text_counter *counter = host_of(host)->tokens;
    if (counter && counter->count(counter->context, text, tokens))
        return TOKPERF_OK;
    return tkp_fail(error, TOKPERF_E_INVALID, "the tokenizer cannot count a text of %llu bytes",
                    (unsigned long long)text.len);
}

static const struct tokperf_log_v1 log_service = {sizeof log_service, 0, log_write};
static const struct tokperf_clock_v1 clock_service = {sizeof clock_service, 0, tkp_clock_now_ns,
                                                      tkp_clock_realtime_ns};
static const struct tokperf_cancelled_v1 cancelled_service = {sizeof cancelled_service, 0,
                                                              cancelled_read};
static const struct tokperf_rng_v1 rng_service = {sizeof rng_service, 0, rng_bits, rng_uniform,
                                                  rng_normal};
static const struct tokperf_terminal_v1 terminal_service = {
    sizeof terminal_service, 0, terminal_write, terminal_is_terminal, terminal_columns};

static const struct tokperf_tokenizer_v1 tokenizer_service = {sizeof tokenizer_service, 0,
                                                              tokenizer_count};

static const struct {
    const char *id;
    const void *table;
} services[] = {
    {TOKPERF_SERVICE_LOG, &log_service},
    {TOKPERF_SERVICE_CLOCK, &clock_service},
    {TOKPERF_SERVICE_CANCELLED, &cancelled_service},
    {TOKPERF_SERVICE_RNG, &rng_service},
    {TOKPERF_SERVICE_JSON, &tkp_json_service},
    {TOKPERF_SERVICE_JSON_WRITER, &tkp_json_writer_service},
    {TOKPERF_SERVICE_OUTPUT_FILE, &tkp_host_output_file_service},
    {TOKPERF_SERVICE_FILE, &tkp_host_file_service},
    {TOKPERF_SERVICE_TERMINAL, &terminal_service},
    {TOKPERF_SERVICE_TOKENIZER, &tokenizer_service},
};
enum { SERVICE_COUNT = sizeof services / sizeof services[0] };

const void *tkp_host_service(const char *id)
{
    for (size_t i = 0; id != NULL && i < SERVICE_COUNT; i++)
        if (strcmp(services[i].id, id) == 0)
            return services[i].table;
    return NULL;
}

static const void *host_service(const struct tokperf_host *host, const char *id)
{
    const void *table = tkp_host_service(id);
    bool has_tokens = host_of(host)->tokens != NULL;
    return table == &tokenizer_service && !has_tokens ? NULL : table;
}

void tkp_host_init(struct tkp_host *host)
{
    *host = (struct tkp_host){
        .api = {sizeof host->api, TOKPERF_ABI_MINOR, NULL, host_service},
        .terminal_fd = -1,
    };
}
