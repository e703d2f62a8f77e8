/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens when the program crashes: one sentence that names the plugin, and exit code 4. Only
 * async-signal-safe calls; the sentence is put together on the handler's stack. What would be left
 * lying about is cleared away (base/last_will.h).
 */
#include <plugin/host.h>

#include <base/last_will.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CRASH_EXIT_CODE = 4, CRASH_STACK_BYTES = 64 * 1024, ROOM_MS = 1000 };

_Thread_local const char *tkp_crash_note;

static const struct {
    int number;
    const char *what;
} crash_signals[] = {
    {SIGSEGV, "SIGSEGV, a bad memory access"}, {SIGBUS, "SIGBUS, a bad memory access"},
    {SIGILL, "SIGILL, a bad instruction"},     {SIGFPE, "SIGFPE, a bad calculation"},
    {SIGABRT, "SIGABRT, a failed check"},
};
enum { CRASH_SIGNAL_COUNT = sizeof crash_signals / sizeof crash_signals[0] };

static char crash_stack[CRASH_STACK_BYTES];

struct sentence {
    char text[512];
    size_t len;
};

static void sentence_add(struct sentence *s, const char *text)
{
    while (*text != '\0' && s->len < sizeof s->text)
        s->text[s->len++] = *text++;
}

static const char *signal_text(int number)
{
    for (size_t i = 0; i < CRASH_SIGNAL_COUNT; i++)
        if (crash_signals[i].number == number)
            return crash_signals[i].what;
    return "a signal";
}

static void crash_handle(int number)
{
    struct sentence s = {.len = 0};
    const char *plugin = tkp_crash_note;
    if (plugin != NULL) {
        sentence_add(&s, "tokperf: the plugin ");
        sentence_add(&s, plugin);
        sentence_add(&s, " crashed (");
        sentence_add(&s, signal_text(number));
        sentence_add(&s, "); report it to its author\n");
    } else {
        sentence_add(&s, "tokperf: crashed outside of any plugin (");
        sentence_add(&s, signal_text(number));
        sentence_add(&s, "); this is a defect of tokperf, please report it\n");
    }
    const char *rest = s.text;
    while (s.len > 0) {
        struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};
        if (poll(&room, 1, ROOM_MS) <= 0)
            break; /* its reader stands still */
        ssize_t wrote = write(STDERR_FILENO, rest, s.len);
        if (wrote <= 0)
            break;
        rest += wrote;
        s.len -= (size_t)wrote;
    }
    tkp_last_will_carry_out();
    _exit(CRASH_EXIT_CODE);
}

void tkp_crash_handler_install(void)
{
    /* A stack of its own, so that an overflow of the main thread's stack is reported too. */
    stack_t stack = {.ss_sp = crash_stack, .ss_size = sizeof crash_stack};
    (void)sigaltstack(&stack, NULL);
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = crash_handle;
    action.sa_flags = SA_ONSTACK | (int)SA_RESETHAND;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < CRASH_SIGNAL_COUNT; i++)
        (void)sigaction(crash_signals[i].number, &action, NULL);
}
