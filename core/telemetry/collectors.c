/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See collectors.h. One epoll descriptor has the control socket and the processes' pidfds, so that
 * main has one to wait for.
 */
#include <telemetry/collectors.h>

#include <base/clock.h>
#include <base/error.h>
#include <base/log.h>
#include <base/process.h>
#include <base/text.h>
#include <bus/control.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <telemetry/message.h>
#include <unistd.h>

enum {
    MESSAGES_A_LOOK = 256, /* one that talks without end does not hold main */
    TELLINGS_MAX = 20,     /* of what one says that is ignored: nor does it fill the log */
    LAST_WORDS_MS = 20,    /* what one sent before it ended may still be on its way to us */
    CLOSE_LINGER_MS = 100
};

struct collector {
    const char *command;
    struct tkp_process process;
    char **words;
    const char *path;
    bool was_warned; /* of what it says against the protocol: once */
    uint32_t tellings;
};

struct tkp_collectors {
    struct tkp_arena arena;
    struct tkp_services services;
    struct tkp_gates gates;
    struct tkp_completion completion;
    struct collector list[TKP_SERVICES_MAX]; /* by service */
    struct tkp_control_server *server;
    int epoll_fd;
    uint64_t ready_deadline_ns;
    bool is_finishing, stranger_was_named;
};

static tokperf_status parse(const char *command, struct tkp_arena *arena, struct collector *c,
                            struct tokperf_error *error)
{
    c->command = command;
    tokperf_status status = tkp_process_split(command, arena, &c->words, error);
    if (status == TOKPERF_OK)
        status = tkp_process_find(c->words[0], arena, &c->path, error);
    if (status == TOKPERF_OK || status == TOKPERF_E_NO_MEMORY)
        return status;
    tkp_error_prefix(error, "--collector");
    return error->status = TOKPERF_E_INVALID; /* the user's to correct */
}

tokperf_status tkp_collectors_check(const char *const *commands, uint32_t count,
                                    struct tokperf_error *error)
{
    struct tkp_arena arena;
    tokperf_status status = TOKPERF_OK;
    if (count > TKP_SERVICES_MAX)
        return tkp_fail(error, TOKPERF_E_INVALID, "--collector: there are %u, and %d are possible",
                        (unsigned)count, TKP_SERVICES_MAX);
    tkp_arena_init(&arena, 0);
    for (uint32_t i = 0; status == TOKPERF_OK && i < count; i++)
        status = parse(commands[i], &arena, &(struct collector){0}, error);
    tkp_arena_finish(&arena);
    return status;
}

/* The program's name in the letters that a name may have, and a number when it is not the first. */
static tokperf_status add_service(struct tkp_services *services, const char *path)
{
    char base[TKP_SERVICE_NAME_BYTES - 8], name[TKP_SERVICE_NAME_BYTES];
    const char *slash = strrchr(path, '/');
    uint32_t index;
    tkp_text_copy(base, sizeof base, tkp_span(slash ? slash + 1 : path));
    for (char *p = base; *p; p++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", *p))
            *p = '_';
    tokperf_status status = tkp_services_add(services, base, &index);
    for (unsigned n = 2; status == TOKPERF_E_EXISTS; n++) {
        snprintf(name, sizeof name, "%s-%u", base, n);
        status = tkp_services_add(services, name, &index);
    }
    return status;
}

static void watch(struct tkp_collectors *c, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    if (fd >= 0 && epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, fd, &event))
        tkp_log(TKP_LOG_DEBUG, "a collector is looked at less often: epoll_ctl failed");
}

/* The service is over: nobody waits for it, and its process may end. */
static void unregister(struct tkp_collectors *c, uint32_t i, enum tkp_service_state state,
                       const char *reason)
{
    struct tkp_service *service = &c->services.list[i];
    if (!tkp_service_end(service, state, reason))
        return;
    bool is_trouble = state == TKP_SERVICE_FAILED || state == TKP_SERVICE_DEAD;
    tkp_log(is_trouble ? TKP_LOG_WARNING : TKP_LOG_INFO, "the collector '%s' is %s%s%s",
            service->name, state == TKP_SERVICE_FAILED ? "not used" : tkp_service_state_name(state),
            reason[0] ? ": " : "", reason);
    tkp_gates_unregister(&c->gates, &c->services, i, tkp_clock_now_ns());
    tkp_completion_unregister(&c->completion, &c->services, i);
    if (c->list[i].process.input >= 0 && c->list[i].process.pid > 0) {
        close(c->list[i].process.input);
        c->list[i].process.input = -1;
    }
}

tokperf_status tkp_collectors_start(const char *const *commands, uint32_t count,
                                    struct tkp_collectors **collectors, struct tokperf_error *error)
{
    tokperf_status status = tkp_collectors_check(commands, count, error);
    if (status != TOKPERF_OK)
        return status;
    struct tkp_collectors *c = calloc(1, sizeof *c);
    if (!c)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the collectors");
    tkp_arena_init(&c->arena, 0);
    c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (c->epoll_fd < 0)
        status = tkp_fail_errno(error, TOKPERF_E_LIMIT, errno, "cannot watch the collectors");
    for (uint32_t i = 0; status == TOKPERF_OK && i < count; i++) {
        status = parse(commands[i], &c->arena, &c->list[i], error);
        if (status == TOKPERF_OK)
            status = add_service(&c->services, c->list[i].path);
    }
    if (status != TOKPERF_OK) {
        tkp_collectors_destroy(c);
        return status;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct tokperf_error why;
        struct collector *one = &c->list[i];
        const struct tkp_process_program program = {
            .path = one->path, .arguments = one->words, .output = TKP_PROCESS_OUTPUT_STDERR};
        if (tkp_process_start(&program, &one->process, &why) == TOKPERF_OK)
            watch(c, one->process.pidfd);
        else
            unregister(c, i, TKP_SERVICE_FAILED, why.message);
    }
    *collectors = c;
    return TOKPERF_OK;
}

/* The pipe holds 64 KiB, more than the line can have: a write that is short is a failure. */
static void give_line(struct tkp_collectors *c, uint32_t i, struct tkp_collector_config *config)
{
    struct tkp_buffer line;
    if (tkp_service_is_over(&c->services.list[i]))
        return;
    tkp_text_copy(config->service, sizeof config->service, tkp_span(c->services.list[i].name));
    tkp_buffer_init(&line, TKP_COLLECTOR_LINE_BYTES);
    tkp_collector_config_write(config, &line);
    ssize_t written =
        line.failed ? -1 : write(c->list[i].process.input, tkp_buffer_text(&line), line.len);
    if (written < 0 || (size_t)written != line.len) {
        tkp_collectors_look(c); /* most likely it has ended */
        unregister(c, i, TKP_SERVICE_FAILED, "it does not take its configuration");
    }
    tkp_buffer_finish(&line);
}

void tkp_collectors_open(struct tkp_collectors *collectors, const struct tkp_collectors_run *run)
{
    struct tkp_collectors *c = collectors;
    struct tokperf_error error = {.message = "the run has no bus"};
    struct tkp_collector_config config = {.version = TKP_COLLECTOR_PROTOCOL};
    if (!run->bus ||
        tkp_control_server_open(run->bus, run->control, &c->server, &error) != TOKPERF_OK) {
        c->server = NULL;
        for (uint32_t i = 0; i < c->services.count; i++)
            unregister(c, i, TKP_SERVICE_FAILED, error.message);
        return;
    }
    watch(c, tkp_control_server_fd(c->server));
    tkp_text_copy(config.control, sizeof config.control, tkp_span(run->control));
    tkp_text_copy(config.events, sizeof config.events, tkp_span(run->events));
    tkp_text_copy(config.benchmark_id, sizeof config.benchmark_id, tkp_span(run->benchmark_id));
    tkp_text_copy(config.artifact_dir, sizeof config.artifact_dir, tkp_span(run->artifact_dir));
    for (uint32_t i = 0; i < c->services.count; i++)
        give_line(c, i, &config);
    c->ready_deadline_ns = tkp_clock_now_ns() + TKP_COLLECTORS_READY_MS * TKP_NS_PER_MS;
}

int tkp_collectors_fd(const struct tkp_collectors *collectors)
{
    return collectors->epoll_fd;
}

/* What a collector says against the protocol is ignored; said once of each. */
static void complain(struct tkp_collectors *c, uint32_t i, const char *what)
{
    if (c->list[i].was_warned && c->list[i].tellings++ >= TELLINGS_MAX)
        return;
    tkp_log(c->list[i].was_warned ? TKP_LOG_DEBUG : TKP_LOG_WARNING,
            "the collector '%s' does not keep to the protocol: %s", c->services.list[i].name, what);
    c->list[i].was_warned = true;
}

static void take_registration(struct tkp_collectors *c, uint32_t i,
                              const struct tkp_message *message)
{
    char why[TKP_SERVICE_REASON_BYTES];
    if (message->version != TKP_COLLECTOR_PROTOCOL) {
        snprintf(why, sizeof why, "it speaks version %u of the protocol, this tokperf %d",
                 (unsigned)message->version, TKP_COLLECTOR_PROTOCOL);
        unregister(c, i, TKP_SERVICE_FAILED, why);
    } else if (tkp_service_register(&c->services.list[i], message->capabilities) == TOKPERF_OK) {
        tkp_completion_expect(&c->completion, i, message->capabilities);
    } else {
        complain(c, i, "it registers twice");
    }
}

static void take_message(struct tkp_collectors *c, uint32_t i, const struct tkp_message *message)
{
    const char *error = message->ack.error;
    uint64_t now_ns = tkp_clock_now_ns();
    if (tkp_service_is_over(&c->services.list[i]))
        return; /* nothing is waited for, and so nothing counts */
    switch (message->kind) {
    case TKP_MESSAGE_REGISTER:
        take_registration(c, i, message);
        return;
    case TKP_MESSAGE_READY:
        if (tkp_service_ready(&c->services.list[i]) != TOKPERF_OK)
            complain(c, i, "it is ready twice, or before it registered");
        return;
    case TKP_MESSAGE_FAILED:
        unregister(c, i, TKP_SERVICE_FAILED, error[0] ? error : "it does not say why");
        return;
    case TKP_MESSAGE_DISABLED:
        unregister(c, i, TKP_SERVICE_DISABLED, error[0] ? error : "it does not say why");
        return;
    case TKP_MESSAGE_LEAVE:
        unregister(c, i, TKP_SERVICE_STOPPED, "it left");
        return;
    case TKP_MESSAGE_BASELINE_ACK:
        if (tkp_gates_acknowledge(&c->gates, i, &message->ack, now_ns) > TKP_ACK_CONTRADICTORY &&
            c->list[i].tellings++ < TELLINGS_MAX)
            tkp_log(TKP_LOG_DEBUG, "an answer of '%s' to a gate is ignored",
                    c->services.list[i].name);
        return;
    case TKP_MESSAGE_RESULT:
        if (!tkp_completion_report(&c->completion, i, message->domain, error, now_ns))
            complain(c, i, "it reports a result that it does not owe");
        return;
    case TKP_MESSAGE_BASELINE:
    case TKP_MESSAGE_FINISH:
        complain(c, i, "it sends what only the run says");
        return;
    }
}

/* Of a message that cannot be read its kind is known all the same: who is over is over, and whose
 * acknowledgement it is has answered. */
static void take_garbled(struct tkp_collectors *c, uint32_t i, uint32_t kind, const char *what)
{
    if (tkp_service_is_over(&c->services.list[i]))
        return;
    complain(c, i, what);
    if (kind == TKP_MESSAGE_BASELINE_ACK)
        tkp_gates_garbled(&c->gates, i, what, tkp_clock_now_ns());
    else if (kind == TKP_MESSAGE_FAILED)
        unregister(c, i, TKP_SERVICE_FAILED, what);
    else if (kind == TKP_MESSAGE_DISABLED)
        unregister(c, i, TKP_SERVICE_DISABLED, what);
    else if (kind == TKP_MESSAGE_LEAVE)
        unregister(c, i, TKP_SERVICE_STOPPED, what);
}

static void say_ignored(struct tkp_collectors *c, const char *stranger)
{
    if (c->stranger_was_named)
        return;
    c->stranger_was_named = true;
    char name[TKP_CONTROL_NAME_BYTES + 2];
    snprintf(name, sizeof name, "'%s'", stranger);
    tkp_log(TKP_LOG_WARNING,
            "messages of %s, which is no collector of this run, are ignored: a collector's routing "
            "id is the 'service' of its configuration",
            stranger[0] ? name : "a program without a name");
}

/* false: there is no message. */
static bool take_next(struct tkp_collectors *c)
{
    struct tkp_control_peer peer;
    struct tkp_frame frame = {0};
    struct tkp_message message;
    struct tokperf_error error;
    uint32_t i;
    tokperf_status status = tkp_control_server_next(c->server, &peer, &frame, &error);
    if (status == TOKPERF_E_TIMEOUT)
        return false;
    if (!tkp_services_find(&c->services, peer.name, &i)) {
        say_ignored(c, peer.name);
        return true;
    }
    if (status == TOKPERF_OK)
        status = tkp_message_parse(frame.kind, frame.payload, &message, &error);
    if (status == TOKPERF_OK)
        take_message(c, i, &message);
    else if (status != TOKPERF_E_UNSUPPORTED)
        take_garbled(c, i, frame.kind, error.message);
    return true;
}

static void take_messages(struct tkp_collectors *c)
{
    for (int n = 0; c->server && n < MESSAGES_A_LOOK && take_next(c); n++)
        ;
}

/* Of a process that has ended. It may have said why before. */
static void bury(struct tkp_collectors *c, uint32_t i, int wait_status)
{
    char end[64], why[TKP_SERVICE_REASON_BYTES];
    if (c->server) {
        struct pollfd ready = {.fd = tkp_control_server_fd(c->server), .events = POLLIN};
        (void)poll(&ready, 1, LAST_WORDS_MS);
        take_messages(c);
    }
    tkp_process_describe_end(wait_status, end, sizeof end);
    snprintf(why, sizeof why, "its process ended: %s", end);
    bool owes = false;
    for (uint32_t domain = 0; domain < TKP_DOMAIN_COUNT; domain++)
        owes |= c->completion.results[i][domain].state == TKP_RESULT_PENDING;
    bool is_done = c->is_finishing && wait_status == 0 && !owes;
    unregister(c, i, is_done ? TKP_SERVICE_STOPPED : TKP_SERVICE_DEAD, why);
}

void tkp_collectors_look(struct tkp_collectors *collectors)
{
    struct tkp_collectors *c = collectors;
    take_messages(c);
    for (uint32_t i = 0; i < c->services.count; i++) {
        int wait_status;
        if (c->list[i].process.pid > 0 && tkp_process_has_ended(&c->list[i].process, &wait_status))
            bury(c, i, wait_status);
    }
}

bool tkp_collectors_are_starting(struct tkp_collectors *collectors)
{
    struct tkp_collectors *c = collectors;
    char why[TKP_SERVICE_REASON_BYTES];
    bool is_late = tkp_clock_now_ns() >= c->ready_deadline_ns;
    for (uint32_t i = 0; is_late && i < c->services.count; i++) {
        const struct tkp_service *service = &c->services.list[i];
        snprintf(why, sizeof why, "it was not %s within %d s",
                 service->is_registered ? "ready" : "registered", TKP_COLLECTORS_READY_MS / 1000);
        if (service->state == TKP_SERVICE_STARTING)
            unregister(c, i, TKP_SERVICE_FAILED, why);
    }
    return !tkp_services_are_settled(&c->services);
}

static bool send(struct tkp_collectors *c, uint32_t i, const struct tkp_message *message,
                 struct tokperf_error *error)
{
    struct tkp_control_peer peer = {{0}};
    struct tkp_buffer json;
    tkp_text_copy(peer.name, sizeof peer.name, tkp_span(c->services.list[i].name));
    tkp_buffer_init(&json, TKP_MESSAGE_MAX_BYTES);
    tkp_message_write(message, &json);
    tokperf_status status = tkp_control_server_send(c->server, &peer, (uint32_t)message->kind,
                                                    tkp_buffer_span(&json), error);
    tkp_buffer_finish(&json);
    return status == TOKPERF_OK;
}

void tkp_collectors_begin_gate(struct tkp_collectors *collectors, const char *phase_id,
                               const char *phase, enum tkp_gate_kind kind, uint64_t timeout_ns)
{
    struct tkp_collectors *c = collectors;
    struct tokperf_error error;
    struct tkp_message message = {.kind = TKP_MESSAGE_BASELINE,
                                  .timeout_ms = (uint32_t)(timeout_ns / TKP_NS_PER_MS)};
    message.ack.kind = kind;
    tkp_text_copy(message.ack.phase_id, sizeof message.ack.phase_id, tkp_span(phase_id));
    tkp_text_copy(message.phase, sizeof message.phase, tkp_span(phase));
    tkp_collectors_look(c); /* whoever has died is not asked */
    tkp_gates_open(&c->gates, &c->services, phase_id, kind, tkp_clock_now_ns(), timeout_ns);
    for (uint32_t i = 0; i < c->services.count; i++)
        if (c->gates.current.answers[i] == TKP_ANSWER_WAITING && !send(c, i, &message, &error))
            unregister(c, i, TKP_SERVICE_DEAD, error.message);
    tkp_collectors_look(c); /* a send may have taken the socket's descriptor's edge */
}

bool tkp_collectors_gate_waits(struct tkp_collectors *collectors)
{
    return tkp_gates_wait(&collectors->gates, tkp_clock_now_ns());
}

void tkp_collectors_give_up_gate(struct tkp_collectors *collectors, const char *why)
{
    tkp_gates_give_up(&collectors->gates, why, tkp_clock_now_ns());
}

void tkp_collectors_begin_finish(struct tkp_collectors *collectors, uint64_t timeout_ns)
{
    struct tkp_collectors *c = collectors;
    struct tkp_message message = {.kind = TKP_MESSAGE_FINISH,
                                  .timeout_ms = (uint32_t)(timeout_ns / TKP_NS_PER_MS)};
    tkp_collectors_look(c);
    tkp_completion_begin(&c->completion, tkp_clock_now_ns(), timeout_ns);
    for (uint32_t i = 0; !c->is_finishing && i < c->services.count; i++) {
        struct tokperf_error error;
        if (c->services.list[i].state == TKP_SERVICE_READY && !send(c, i, &message, &error))
            unregister(c, i, TKP_SERVICE_DEAD, error.message);
    }
    c->is_finishing = true;
    tkp_collectors_look(c);
}

bool tkp_collectors_finish_waits(struct tkp_collectors *collectors)
{
    return tkp_completion_waits(&collectors->completion, tkp_clock_now_ns());
}

void tkp_collectors_end(struct tkp_collectors *collectors)
{
    static const struct tkp_process_patience patience = {
        TKP_COLLECTORS_END_MS, TKP_COLLECTORS_END_MS, TKP_COLLECTORS_END_MS};
    struct tkp_collectors *c = collectors;
    struct tkp_process *list[TKP_SERVICES_MAX];
    for (uint32_t i = 0; i < c->services.count; i++)
        list[i] = &c->list[i].process;
    tkp_control_server_close(c->server, CLOSE_LINGER_MS);
    c->server = NULL;
    tkp_processes_end(list, c->services.count, &patience);
    for (uint32_t i = 0; i < c->services.count; i++)
        if (list[i]->was_killed) {
            list[i]->was_killed = false;
            tkp_log(TKP_LOG_WARNING, "the collector '%s' did not end and was killed",
                    c->services.list[i].name);
        }
}

void tkp_collectors_destroy(struct tkp_collectors *collectors)
{
    if (!collectors)
        return;
    tkp_collectors_end(collectors);
    if (collectors->epoll_fd >= 0)
        close(collectors->epoll_fd);
    tkp_arena_finish(&collectors->arena);
    free(collectors);
}

const struct tkp_services *tkp_collectors_services(const struct tkp_collectors *collectors)
{
    return &collectors->services;
}

const char *tkp_collectors_command(const struct tkp_collectors *collectors, uint32_t service)
{
    return collectors->list[service].command;
}

const struct tkp_gate *tkp_collectors_gate(const struct tkp_collectors *collectors)
{
    return &collectors->gates.current;
}

const struct tkp_completion *tkp_collectors_completion(const struct tkp_collectors *collectors)
{
    return &collectors->completion;
}
