/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A collector that does what its arguments say, right or wrong, and writes down what it was asked
 * and when: {"time_ns":..., "realtime_ns":..., "what":"baseline", "phase":"warmup", ...} a line.
 *
 *   --log FILE            where to (appended)
 *   --no-baseline         it takes no reference samples
 *   --result DOMAIN       it owes a result of this domain, and reports it when it is asked to
 * finish
 *   --early               ... and as soon as it is ready
 *   --result-error TEXT   ... as not made
 *   --silent              ... and does not report it
 *   --ready-after MS, --never-ready, --never-register, --register-twice
 *   --fail TEXT, --disable TEXT   instead of ready
 *   --ack success|error|both|neither|never|twice|late|unknown
 *   --at N                that, and what follows, happens at the Nth request for a sample, not at
 *                         the first:
 *   --die, --exit CODE, --disable-then TEXT, --leave, --fail-then TEXT
 *   --end-when FILE       --die, --exit ... happen once there is this file, instead
 *   --hold FILE           it becomes ready, acknowledges a start or an end, or reports its results
 *                         when there is no FILE.ready, .start, .end or .finish any more
 *   --die-at-finish
 *   --ignore-end          neither the end of its input nor SIGTERM ends it
 */
#include <base/clock.h>
#include <base/text.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <telemetry/collector_client.h>
#include <unistd.h>

enum { LOOK_MS = 10, LINE_TIMEOUT_MS = 60000 };

static struct {
    const char *log, *result_error, *fail, *disable, *ack, *then_what, *then_text;
    const char *end_when, *hold;
    uint32_t capabilities;
    uint64_t ready_after_ms;
    int at;
    bool early, silent, never_ready, never_register, register_twice, die_at_finish, ignore_end;
} script = {.capabilities = TKP_CAPABILITY_BASELINE, .ack = "success", .at = 1};

static struct tkp_collector_client *client;
static FILE *out;
static struct tkp_message late; /* the request that is answered at the next one; kind 0: none */

static void note(const char *what, const struct tkp_message *message)
{
    uint64_t now_ns = tkp_clock_now_ns();
    if (!out)
        return;
    fprintf(out, "{\"time_ns\":%" PRIu64 ",\"realtime_ns\":%" PRIu64 ",\"pid\":%d,\"what\":\"%s\"",
            now_ns, now_ns + (uint64_t)tkp_clock_realtime_offset_ns(), (int)getpid(), what);
    if (message)
        fprintf(out,
                ",\"phase\":\"%s\",\"phase_id\":\"%s\",\"kind\":\"%s\",\"timeout_ms\":%" PRIu32,
                message->phase, message->ack.phase_id, tkp_gate_kind_name(message->ack.kind),
                message->timeout_ms);
    fputs("}\n", out);
    fflush(out);
}

static void must(tokperf_status status, const struct tokperf_error *error)
{
    if (status == TOKPERF_OK)
        return;
    fprintf(stderr, "test_collector: %s\n", error->message);
    _exit(1);
}

static void say(enum tkp_message_kind kind, const char *why)
{
    struct tokperf_error error = {0};
    must(tkp_collector_client_say(client, kind, why, &error), &error);
}

static bool is_there(const char *path)
{
    return path && access(path, F_OK) == 0;
}

/* Bounded, should nobody remove the file. */
static void wait_while_held(const char *step)
{
    char path[PATH_MAX];
    if (!script.hold)
        return;
    snprintf(path, sizeof path, "%s.%s", script.hold, step);
    for (int left_ms = LINE_TIMEOUT_MS; is_there(path) && left_ms > 0; left_ms -= LOOK_MS)
        (void)poll(NULL, 0, LOOK_MS);
}

static void send_ack(const struct tkp_message *request, bool success, const char *why)
{
    struct tokperf_error error = {0};
    struct tkp_message ack = {.kind = TKP_MESSAGE_BASELINE_ACK, .ack = request->ack};
    ack.ack.success = success;
    tkp_text_copy(ack.ack.error, sizeof ack.ack.error, tkp_span(why));
    must(tkp_collector_client_send(client, &ack, &error), &error);
}

static void report_results(void)
{
    struct tokperf_error error = {0};
    for (uint32_t i = 0; i < TKP_DOMAIN_COUNT && !script.silent; i++)
        if (script.capabilities & tkp_capability_result((enum tkp_domain)i))
            must(tkp_collector_client_report(client, (enum tkp_domain)i, script.result_error,
                                             &error),
                 &error);
}

/* What --die, --exit, --leave and the like say. */
static void end_as_told(void)
{
    const char *what = script.then_what;
    note(what, NULL);
    script.then_what = NULL;
    if (strcmp(what, "--die") == 0)
        raise(SIGKILL);
    else if (strcmp(what, "--exit") == 0)
        syscall(SYS_exit_group, strtol(script.then_text, NULL, 10)); /* a sanitizer lingers */
    else if (strcmp(what, "--disable-then") == 0)
        say(TKP_MESSAGE_DISABLED, script.then_text);
    else if (strcmp(what, "--fail-then") == 0)
        say(TKP_MESSAGE_FAILED, script.then_text);
    else
        say(TKP_MESSAGE_LEAVE, NULL);
}

static void acknowledge(const struct tkp_message *request, int number)
{
    struct tkp_message other = *request;
    if (number < script.at || strcmp(script.ack, "success") == 0)
        send_ack(request, true, "");
    else if (strcmp(script.ack, "error") == 0)
        send_ack(request, false, "the device is lost");
    else if (strcmp(script.ack, "both") == 0)
        send_ack(request, true, "the device is lost");
    else if (strcmp(script.ack, "neither") == 0)
        send_ack(request, false, "");
    else if (strcmp(script.ack, "twice") == 0) {
        send_ack(request, true, "");
        send_ack(request, true, "");
    } else if (strcmp(script.ack, "unknown") == 0) {
        memset(other.ack.phase_id, '0', 8);
        send_ack(&other, true, "");
    } else if (strcmp(script.ack, "late") == 0) {
        if (late.kind)
            send_ack(&late, true, "");
        late = *request;
    }
}

static void answer(const struct tkp_message *message)
{
    static int requests;
    if (message->kind == TKP_MESSAGE_BASELINE) {
        note("baseline", message);
        wait_while_held(tkp_gate_kind_name(message->ack.kind));
        if (++requests >= script.at && script.then_what && !script.end_when)
            end_as_told();
        else
            acknowledge(message, requests);
    } else if (message->kind == TKP_MESSAGE_FINISH) {
        note("finish", message);
        wait_while_held("finish");
        if (script.die_at_finish)
            raise(SIGKILL);
        report_results();
    }
}

static void become_ready(void)
{
    uint64_t until_ns = tkp_clock_now_ns() + script.ready_after_ms * TKP_NS_PER_MS;
    struct tkp_message message;
    struct tokperf_error error;
    while (script.never_ready || tkp_clock_now_ns() < until_ns)
        if (tkp_collector_client_next(client, LOOK_MS, &message, &error) == TOKPERF_E_CANCELLED)
            _exit(0);
    wait_while_held("ready");
    note("ready", NULL); /* before it is said: a gate may ask as soon as that is heard */
    if (script.fail)
        say(TKP_MESSAGE_FAILED, script.fail);
    else if (script.disable)
        say(TKP_MESSAGE_DISABLED, script.disable);
    else
        say(TKP_MESSAGE_READY, NULL);
    if (script.early)
        report_results();
}

static void work(void)
{
    for (;;) {
        struct tkp_message message;
        struct tokperf_error error;
        tokperf_status status = tkp_collector_client_next(client, LOOK_MS, &message, &error);
        if (status == TOKPERF_OK)
            answer(&message);
        if (script.then_what && is_there(script.end_when))
            end_as_told();
        if (status == TOKPERF_E_CANCELLED) {
            note("end", NULL);
            while (script.ignore_end)
                pause();
            return;
        }
    }
}

/* A flag without a value. */
static bool take_flag(const char *word)
{
    if (strcmp(word, "--no-baseline") == 0)
        script.capabilities &= ~(uint32_t)TKP_CAPABILITY_BASELINE;
    else if (strcmp(word, "--early") == 0)
        script.early = true;
    else if (strcmp(word, "--silent") == 0)
        script.silent = true;
    else if (strcmp(word, "--never-ready") == 0)
        script.never_ready = true;
    else if (strcmp(word, "--never-register") == 0)
        script.never_register = true;
    else if (strcmp(word, "--register-twice") == 0)
        script.register_twice = true;
    else if (strcmp(word, "--die-at-finish") == 0)
        script.die_at_finish = true;
    else if (strcmp(word, "--ignore-end") == 0)
        script.ignore_end = true;
    else if (strcmp(word, "--die") == 0 || strcmp(word, "--leave") == 0)
        script.then_what = word;
    else
        return false;
    return true;
}

static bool take_option(const char *word, const char *value)
{
    enum tkp_domain domain;
    if (strcmp(word, "--log") == 0)
        script.log = value;
    else if (strcmp(word, "--result") == 0 && tkp_domain_find(tkp_span(value), &domain))
        script.capabilities |= tkp_capability_result(domain);
    else if (strcmp(word, "--result-error") == 0)
        script.result_error = value;
    else if (strcmp(word, "--ready-after") == 0)
        script.ready_after_ms = strtoull(value, NULL, 10);
    else if (strcmp(word, "--fail") == 0)
        script.fail = value;
    else if (strcmp(word, "--disable") == 0)
        script.disable = value;
    else if (strcmp(word, "--ack") == 0)
        script.ack = value;
    else if (strcmp(word, "--at") == 0)
        script.at = (int)strtol(value, NULL, 10);
    else if (strcmp(word, "--end-when") == 0)
        script.end_when = value;
    else if (strcmp(word, "--hold") == 0)
        script.hold = value;
    else if (strcmp(word, "--exit") == 0 || strcmp(word, "--disable-then") == 0 ||
             strcmp(word, "--fail-then") == 0) {
        script.then_what = word;
        script.then_text = value;
    } else
        return false;
    return true;
}

static void register_again(void)
{
    struct tokperf_error error = {0};
    struct tkp_message message = {.kind = TKP_MESSAGE_REGISTER,
                                  .version = TKP_COLLECTOR_PROTOCOL,
                                  .capabilities = script.capabilities};
    must(tkp_collector_client_send(client, &message, &error), &error);
}

int main(int argc, char **argv)
{
    struct tokperf_error error = {0};
    for (int i = 1; i < argc; i++) {
        if (take_flag(argv[i]))
            continue;
        if (i + 1 == argc || !take_option(argv[i], argv[i + 1])) {
            fprintf(stderr, "test_collector: what is %s?\n", argv[i]);
            return 2;
        }
        i++;
    }
    if (script.ignore_end)
        (void)sigaction(SIGTERM, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    out = script.log ? fopen(script.log, "ae") : NULL;
    note("start", NULL);
    if (script.never_register) {
        char rest[256];
        while (read(STDIN_FILENO, rest, sizeof rest) > 0)
            ;
        return 0;
    }
    tokperf_status status =
        tkp_collector_client_open(script.capabilities, LINE_TIMEOUT_MS, &client, &error);
    if (status == TOKPERF_E_CANCELLED)
        return 0;
    must(status, &error);
    note("registered", NULL);
    if (script.register_twice)
        register_again();
    become_ready();
    work();
    tkp_collector_client_close(client);
    if (out)
        fclose(out);
    return 0;
}
