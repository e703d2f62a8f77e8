/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host services of tokperf/host.h, and the note of which plugin a thread is in.
 */
#ifndef TKP_PLUGIN_HOST_H
#define TKP_PLUGIN_HOST_H

#include <base/atomic.h>
#include <tokperf/host.h>

/* Counts the tokens of a text; false when it cannot. */
struct tkp_text_counter {
    void *context;
    bool (*count)(void *context, struct tokperf_span text, uint64_t *tokens);
};

/* What the services need to know about this run; fields may be set after init and before use. */
struct tkp_host {
    struct tokperf_host api; /* first: plugins get &api */
    const char *output_dir;  /* of output_file/1; NULL: opening fails with a sentence */
    const struct tkp_flag *cancel;
    int terminal_fd;                  /* stdout, or -1: nowhere */
    struct tkp_flag *terminal_failed; /* raised when it could not be written; NULL: none asks */
    const struct tkp_text_counter *tokens; /* the run's tokenizer; NULL: there is none */
};

void tkp_host_init(struct tkp_host *host);
/* The table behind a service id, or NULL: what service() of every host answers. [any] */
const void *tkp_host_service(const char *id);

/* Around every call into a plugin on this thread: names it for the crash handler. Nested calls keep
 * the outermost name. Cheap enough for the hot path: one thread-local store. [any] */
extern _Thread_local const char *tkp_crash_note;
/* Writes the note unless an outer call has; returns what leave puts back. */
static inline const char *tkp_crash_enter(const char *plugin_id)
{
    const char *outer = tkp_crash_note;
    if (outer == NULL)
        tkp_crash_note = plugin_id;
    return outer;
}
static inline void tkp_crash_leave(const char *outer)
{
    tkp_crash_note = outer;
}
/* Installs the handler for SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT: writes one sentence that names
 * the plugin noted on the crashing thread (or none), then _exit(4). Async-signal-safe. [main] */
void tkp_crash_handler_install(void);

#endif
