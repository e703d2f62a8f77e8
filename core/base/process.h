/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Child processes: in a process group of their own (the terminal's Ctrl-C does not reach them),
 * with no descriptor of ours but those asked for and no blocked or ignored signal, told to
 * end by the end of their standard input, and then made to. Start them before there are threads.
 * [main]
 */
#ifndef TKP_BASE_PROCESS_H
#define TKP_BASE_PROCESS_H

#include <base/arena.h>
#include <stdbool.h>
#include <sys/types.h>

struct tkp_process {
    pid_t pid;       /* 0: none, or reaped; also its group */
    int pidfd;       /* becomes readable when it has ended; -1: the system has no such thing */
    int input;       /* we write, it reads: closing it asks it to end; does not block; -1: closed */
    int output;      /* what it writes, or -1 */
    int report;      /* what it writes to its descriptor program->report, or -1 */
    bool was_killed; /* by tkp_processes_end(): it did not end when it was asked to */
};

enum tkp_process_output {
    TKP_PROCESS_OUTPUT_STDERR = 1, /* its standard output goes where its messages go */
    TKP_PROCESS_OUTPUT_PIPE,       /* to process->output */
    TKP_PROCESS_OUTPUT_NONE        /* nowhere */
};

struct tkp_process_program {
    const char *path;         /* absolute where there is a directory */
    char *const *arguments;   /* NULL-ended, the first is the program's name */
    char *const *environment; /* NULL-ended; NULL: ours */
    const char *directory;    /* where it runs; NULL: where we do */
    const char *messages;     /* a file there, made anew, for its standard error; NULL: ours */
    enum tkp_process_output output;
    int report;      /* a descriptor of its own behind the standard ones to write to; 0: none */
    int last_signal; /* to its group when this process ends at once (last_will.h); 0: SIGKILL */
};

/* Longest list of words, and so of arguments, with the NULL at its end. */
enum { TKP_PROCESS_MAX_WORDS = 65 };
/* A command line in words, NULL-ended, in arena: blanks part them, '...' and "..." keep blanks, a
 * backslash keeps the next character, but for '...'. No shell: nothing else means anything.
 * TOKPERF_E_INVALID: an open quote, too many words, or none. */
tokperf_status tkp_process_split(const char *command, struct tkp_arena *arena, char ***words,
                                 struct tokperf_error *error) TOKPERF_MUST_USE;
/* Where a program is: a name with a slash as it stands, others in the folders of PATH. *path in
 * arena. TOKPERF_E_NOT_FOUND, TOKPERF_E_DENIED. */
tokperf_status tkp_process_find(const char *program, struct tkp_arena *arena, const char **path,
                                struct tokperf_error *error) TOKPERF_MUST_USE;

/* Fills *process. */
tokperf_status tkp_process_start(const struct tkp_process_program *program,
                                 struct tkp_process *process,
                                 struct tokperf_error *error) TOKPERF_MUST_USE;
/* Without waiting. Once it has ended, what is left of its group is killed, it is reaped, and pid is
 * 0; *wait_status (may be NULL) as of waitpid(), -1 when somebody else reaped it. */
bool tkp_process_has_ended(struct tkp_process *process, int *wait_status);
/* Waits up to timeout_ms for that. */
bool tkp_process_wait(struct tkp_process *process, uint32_t timeout_ms, int *wait_status);
/* "exit code 3", "signal 9 (Killed)". */
void tkp_process_describe_end(int wait_status, char *out, size_t capacity);

/* How long an end may take, at each step. */
struct tkp_process_patience {
    uint32_t after_close_ms, after_term_ms, after_kill_ms;
};
/* Ends all of them side by side: closes their inputs, waits, SIGTERM to those that are left, waits,
 * SIGKILL to their groups. Closes every descriptor. Returns how many had to be killed. Zeroed ones
 * are accepted. */
uint32_t tkp_processes_end(struct tkp_process *const *list, uint32_t count,
                           const struct tkp_process_patience *patience);

#endif
