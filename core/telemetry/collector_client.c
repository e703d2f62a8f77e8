/* SPDX-License-Identifier: Apache-2.0 */
/* See collector_client.h. */
#include <telemetry/collector_client.h>

#include <base/clock.h>
#include <base/error.h>
#include <base/text.h>
#include <bus/control.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

enum { CLOSE_LINGER_MS = 1000 };

struct tkp_collector_client {
    struct tkp_collector_config config;
    struct tkp_bus *bus;
    struct tkp_control_client *control;
};

/* Whether fd is readable within the time. */
static bool is_readable(int fd, uint64_t deadline_ns)
{
    for (;;) {
        uint64_t now_ns = tkp_clock_now_ns();
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        int left_ms = now_ns < deadline_ns ? (int)((deadline_ns - now_ns) / TKP_NS_PER_MS) + 1 : 0;
        int n = poll(&ready, 1, left_ms);
        if (n > 0)
            return true;
        if (n == 0 || errno != EINTR)
            return false;
    }
}

/* Byte by byte: what follows the line is not ours to take. */
static tokperf_status read_line(uint64_t deadline_ns, struct tkp_buffer *line,
                                struct tokperf_error *error)
{
    char c = '\0';
    while (!line->failed) {
        if (!is_readable(STDIN_FILENO, deadline_ns))
            return tkp_fail(error, TOKPERF_E_TIMEOUT,
                            "no configuration came on the standard "
                            "input");
        ssize_t n = read(STDIN_FILENO, &c, 1);
        if (n == 0)
            return tkp_fail(error, TOKPERF_E_CANCELLED, "the run ended before it began");
        if (n < 0 && errno != EINTR)
            return tkp_fail_errno(error, TOKPERF_E_IO, errno, "cannot read the standard input");
        if (n > 0 && c == '\n')
            return TOKPERF_OK;
        if (n > 0)
            tkp_buffer_append(line, &c, 1);
    }
    return tkp_fail(error, TOKPERF_E_LIMIT,
                    "the line on the standard input is longer than %d bytes",
                    TKP_COLLECTOR_LINE_BYTES);
}

static tokperf_status configure(struct tkp_collector_client *c, uint32_t timeout_ms,
                                struct tokperf_error *error)
{
    struct tkp_buffer line;
    uint64_t deadline_ns = tkp_clock_now_ns() + timeout_ms * TKP_NS_PER_MS;
    tkp_buffer_init(&line, TKP_COLLECTOR_LINE_BYTES);
    tokperf_status status = read_line(deadline_ns, &line, error);
    if (status == TOKPERF_OK)
        status = tkp_collector_config_parse(tkp_buffer_span(&line), &c->config, error);
    tkp_buffer_finish(&line);
    return status;
}

tokperf_status tkp_collector_client_open(uint32_t capabilities, uint32_t timeout_ms,
                                         struct tkp_collector_client **client,
                                         struct tokperf_error *error)
{
    struct tkp_message message = {.kind = TKP_MESSAGE_REGISTER,
                                  .version = TKP_COLLECTOR_PROTOCOL,
                                  .capabilities = capabilities};
    struct tkp_collector_client *c = calloc(1, sizeof *c);
    if (!c)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the collector");
    tokperf_status status = configure(c, timeout_ms, error);
    if (status == TOKPERF_OK)
        status = tkp_bus_create(&c->bus, error);
    if (status == TOKPERF_OK)
        status = tkp_control_client_open(c->bus, c->config.control, c->config.service, &c->control,
                                         error);
    if (status == TOKPERF_OK)
        status = tkp_collector_client_send(c, &message, error);
    if (status != TOKPERF_OK) {
        tkp_collector_client_close(c);
        return status;
    }
    *client = c;
    return TOKPERF_OK;
}

const struct tkp_collector_config *
tkp_collector_client_config(const struct tkp_collector_client *client)
{
    return &client->config;
}

tokperf_status tkp_collector_client_send(struct tkp_collector_client *client,
                                         const struct tkp_message *message,
                                         struct tokperf_error *error)
{
    struct tkp_buffer json;
    tkp_buffer_init(&json, TKP_MESSAGE_MAX_BYTES);
    tkp_message_write(message, &json);
    tokperf_status status = tkp_control_client_send(client->control, (uint32_t)message->kind,
                                                    tkp_buffer_span(&json), error);
    tkp_buffer_finish(&json);
    return status;
}

static void set_error(struct tkp_message *message, const char *why)
{
    if (why)
        tkp_text_copy(message->ack.error, sizeof message->ack.error, tkp_span(why));
}

tokperf_status tkp_collector_client_say(struct tkp_collector_client *client,
                                        enum tkp_message_kind kind, const char *why,
                                        struct tokperf_error *error)
{
    struct tkp_message message = {.kind = kind};
    set_error(&message, why);
    return tkp_collector_client_send(client, &message, error);
}

tokperf_status tkp_collector_client_acknowledge(struct tkp_collector_client *client,
                                                const struct tkp_message *request, const char *why,
                                                struct tokperf_error *error)
{
    struct tkp_message message = {.kind = TKP_MESSAGE_BASELINE_ACK, .ack = request->ack};
    message.ack.error[0] = '\0';
    set_error(&message, why);
    message.ack.success = message.ack.error[0] == '\0';
    return tkp_collector_client_send(client, &message, error);
}

tokperf_status tkp_collector_client_report(struct tkp_collector_client *client,
                                           enum tkp_domain domain, const char *why,
                                           struct tokperf_error *error)
{
    struct tkp_message message = {.kind = TKP_MESSAGE_RESULT, .domain = domain};
    set_error(&message, why);
    return tkp_collector_client_send(client, &message, error);
}

/* The standard input has ended. What else may come on it is thrown away. */
static bool has_input_ended(void)
{
    char rest[256];
    while (is_readable(STDIN_FILENO, 0)) {
        ssize_t n = read(STDIN_FILENO, rest, sizeof rest);
        if (n == 0 || (n < 0 && errno != EINTR))
            return true;
    }
    return false;
}

tokperf_status tkp_collector_client_next(struct tkp_collector_client *client, uint32_t timeout_ms,
                                         struct tkp_message *message, struct tokperf_error *error)
{
    uint64_t deadline_ns = tkp_clock_now_ns() + timeout_ms * TKP_NS_PER_MS;
    struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
                            {.fd = tkp_control_client_fd(client->control), .events = POLLIN}};
    for (;;) {
        struct tkp_frame frame;
        tokperf_status status = tkp_control_client_next(client->control, 0, &frame, error);
        if (status == TOKPERF_OK)
            status = tkp_message_parse(frame.kind, frame.payload, message, error);
        if (status == TOKPERF_OK || status == TOKPERF_E_PARSE)
            return status;
        if (status == TOKPERF_E_UNSUPPORTED)
            continue; /* of a later tokperf */
        uint64_t now_ns = tkp_clock_now_ns();
        if (has_input_ended())
            return tkp_fail(error, TOKPERF_E_CANCELLED, "the run wants no more");
        if (now_ns >= deadline_ns)
            return tkp_fail(error, TOKPERF_E_TIMEOUT, "the run asked for nothing");
        if (poll(fds, 2, (int)((deadline_ns - now_ns) / TKP_NS_PER_MS) + 1) < 0 && errno != EINTR)
            return tkp_fail_errno(error, TOKPERF_E_IO, errno, "cannot wait for the run");
    }
}

void tkp_collector_client_close(struct tkp_collector_client *client)
{
    if (!client)
        return;
    tkp_control_client_close(client->control, CLOSE_LINGER_MS);
    tkp_bus_destroy(client->bus);
    free(client);
}
