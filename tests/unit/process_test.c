/* SPDX-License-Identifier: Apache-2.0 */
/* Real children (/bin/sh): what they inherit, how they end, and that every end is bounded. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <base/process.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LONG_MS = 60000, SHORT_MS = 50 };

static void start(const char *script, struct tkp_process *process)
{
    char *arguments[] = {(char[]){"sh"}, (char[]){"-c"}, strdup(script), NULL};
    struct tokperf_error error = {0};
    const struct tkp_process_program program = {
        .path = "/bin/sh", .arguments = arguments, .output = TKP_PROCESS_OUTPUT_PIPE};
    assert_int_equal(tkp_process_start(&program, process, &error), TOKPERF_OK);
    free(arguments[2]);
}

/* What it writes until it closes its output. */
static void read_all(const struct tkp_process *process, char *out, size_t capacity)
{
    size_t len = 0;
    ssize_t got;
    while (len + 1 < capacity && (got = read(process->output, out + len, capacity - 1 - len)) > 0)
        len += (size_t)got;
    out[len] = '\0';
}

/* Until it says that it has begun: its traps are set then. */
static void read_line(const struct tkp_process *process)
{
    char c = '\0';
    while (c != '\n')
        assert_int_equal(read(process->output, &c, 1), 1);
}

static uint32_t end(struct tkp_process *process, uint32_t after_close_ms, uint32_t after_term_ms)
{
    const struct tkp_process_patience patience = {after_close_ms, after_term_ms, LONG_MS};
    return tkp_processes_end(&process, 1, &patience);
}

static void says_how_it_ended(void **state)
{
    static const struct {
        const char *script, *says;
    } rows[] = {
        {"exit 3", "exit code 3"}, {"exit 0", "exit code 0"}, {"kill -9 $$", "signal 9 (Killed)"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tkp_process process;
        char text[64];
        int status = 0;
        start(rows[i].script, &process);
        assert_true(tkp_process_wait(&process, LONG_MS, &status));
        tkp_process_describe_end(status, text, sizeof text);
        assert_string_equal(text, rows[i].says);
        assert_int_equal(process.pid, 0);
        assert_true(tkp_process_has_ended(&process, NULL));
        assert_int_equal(end(&process, 0, 0), 0);
    }
}

/* To a descriptor of its own, beside its output. */
static void reports(void **state)
{
    char *arguments[] = {(char[]){"sh"}, (char[]){"-c"}, (char[]){"echo a; echo b >&3"}, NULL};
    struct tokperf_error error = {0};
    const struct tkp_process_program program = {
        .path = "/bin/sh", .arguments = arguments, .output = TKP_PROCESS_OUTPUT_PIPE, .report = 3};
    struct tkp_process process;
    char text[8] = "";
    (void)state;
    assert_int_equal(tkp_process_start(&program, &process, &error), TOKPERF_OK);
    assert_int_equal(read(process.report, text, sizeof text), 2);
    assert_string_equal(text, "b\n");
    assert_int_equal(read(process.report, text, sizeof text), 0);
    read_all(&process, text, sizeof text);
    assert_string_equal(text, "a\n");
    assert_int_equal(end(&process, LONG_MS, 0), 0);
    assert_int_equal(process.report, -1);
}

/* Blocked and ignored signals, descriptors of another child, the process group. */
static void inherits_nothing(void **state)
{
    struct tkp_process process, other;
    char place[64], others_pipe[64] = "";
    char text[4096];
    sigset_t blocked, before;
    (void)state;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    struct sigaction ignore = {.sa_handler = SIG_IGN}, old;
    assert_int_equal(sigprocmask(SIG_BLOCK, &blocked, &before), 0);
    assert_int_equal(sigaction(SIGPIPE, &ignore, &old), 0);
    start("cat >/dev/null", &other);
    snprintf(place, sizeof place, "/proc/self/fd/%d", other.input);
    assert_true(readlink(place, others_pipe, sizeof others_pipe - 1) > 0);
    start("grep -E '^Sig(Blk|Ign)' /proc/self/status; ls -l /proc/$$/fd;"
          "echo group; cut -d' ' -f5 /proc/$$/stat; echo $$",
          &process);
    assert_int_equal(sigprocmask(SIG_SETMASK, &before, NULL), 0);
    assert_int_equal(sigaction(SIGPIPE, &old, NULL), 0);
    read_all(&process, text, sizeof text);
    print_message("%s", text);
    assert_non_null(strstr(text, "SigBlk:\t0000000000000000"));
    unsigned long long ignored = strtoull(strstr(text, "SigIgn:") + 7, NULL, 16);
    assert_int_equal(ignored & 1ull << (SIGPIPE - 1), 0);
    assert_null(strstr(text, others_pipe));
    char *rest = strstr(text, "group\n") + 6;
    long group = strtol(rest, &rest, 10);
    assert_true(group > 0);
    assert_int_equal(group, strtol(rest, NULL, 10)); /* its pid */
    assert_int_equal(end(&process, LONG_MS, 0), 0);
    assert_int_equal(end(&other, LONG_MS, 0), 0);
}

static void ends_with_its_input(void **state)
{
    struct tkp_process process;
    (void)state;
    start("echo; cat >/dev/null", &process);
    read_line(&process);
    assert_false(tkp_process_has_ended(&process, NULL));
    assert_false(tkp_process_wait(&process, SHORT_MS, NULL));
    assert_int_equal(end(&process, LONG_MS, 0), 0);
}

static void ends_with_a_signal(void **state)
{
    struct tkp_process process;
    (void)state;
    start("trap 'exit 0' TERM; echo; while :; do sleep 0.01; done", &process);
    read_line(&process);
    assert_int_equal(end(&process, SHORT_MS, LONG_MS), 0);
    assert_int_equal(process.pid, 0);
}

/* One that ignores everything, and its own child, which has the output open. */
static void kills_the_whole_group(void **state)
{
    struct tkp_process process;
    char c;
    (void)state;
    start("trap '' TERM; (trap '' TERM; while :; do sleep 1; done) & echo; while :; do wait; done",
          &process);
    read_line(&process);
    int output = dup(process.output);
    assert_int_equal(end(&process, SHORT_MS, SHORT_MS), 1);
    assert_true(process.was_killed);
    assert_int_equal(read(output, &c, 1), 0); /* nobody holds it any more */
    close(output);
}

/* A child that died leaves no grandchild behind. */
static void kills_who_is_left(void **state)
{
    struct tkp_process process;
    char text[64];
    (void)state;
    start("(while :; do sleep 1; done) & echo; exit 1", &process);
    assert_true(tkp_process_wait(&process, LONG_MS, NULL));
    read_all(&process, text, sizeof text); /* ends when the last writer is gone */
    assert_int_equal(end(&process, 0, 0), 0);
}

static void ends_many_side_by_side(void **state)
{
    struct tkp_process processes[3] = {{0}};
    struct tkp_process *list[3] = {&processes[0], &processes[1], &processes[2]};
    const struct tkp_process_patience patience = {LONG_MS, 0, LONG_MS};
    (void)state;
    start("cat >/dev/null", &processes[0]);
    start("exit 4", &processes[1]);
    assert_int_equal(tkp_processes_end(list, 3, &patience), 0); /* the third was never started */
    for (int i = 0; i < 3; i++)
        assert_int_equal(processes[i].pid, 0);
}

/* A child that does not read must not make us wait. */
static void does_not_block_on_its_input(void **state)
{
    struct tkp_process process;
    char block[4096] = {0};
    ssize_t n;
    (void)state;
    start("trap 'exit 0' TERM; echo; while :; do sleep 0.01; done", &process);
    while ((n = write(process.input, block, sizeof block)) > 0)
        ;
    assert_true(n < 0 && errno == EAGAIN);
    assert_int_equal(end(&process, 0, LONG_MS), 0);
}

/* In a directory and an environment of its own, its messages in a file there. */
static void runs_elsewhere(void **state)
{
    char directory[] = "/tmp/tokperf-process-XXXXXX", path[64], said[128] = "", expected[64];
    char *arguments[] = {(char[]){"sh"}, (char[]){"-c"},
                         (char[]){"echo lost; echo \"$PWD $OWN $OURS\" >&2"}, NULL};
    char *environment[] = {(char[]){"OWN=1"}, NULL};
    const struct tkp_process_program program = {.path = "/bin/sh",
                                                .arguments = arguments,
                                                .environment = environment,
                                                .directory = directory,
                                                .messages = "messages",
                                                .output = TKP_PROCESS_OUTPUT_NONE};
    struct tkp_process process;
    struct tokperf_error error = {0};
    int status = -1;
    (void)state;
    assert_int_equal(setenv("OURS", "2", 1), 0);
    assert_non_null(mkdtemp(directory));
    assert_int_equal(tkp_process_start(&program, &process, &error), TOKPERF_OK);
    assert_int_equal(process.output, -1);
    assert_true(tkp_process_wait(&process, LONG_MS, &status));
    assert_int_equal(status, 0);
    assert_int_equal(end(&process, 0, 0), 0);
    snprintf(path, sizeof path, "%s/messages", directory);
    snprintf(expected, sizeof expected, "%s 1 \n", directory);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_true(fread(said, 1, sizeof said - 1, file) > 0);
    fclose(file);
    assert_string_equal(said, expected);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(directory), 0);
}

static void says_that_it_cannot_start(void **state)
{
    struct tkp_process process;
    struct tokperf_error error = {0};
    char *arguments[] = {(char[]){"x"}, NULL};
    const struct tkp_process_program program = {
        .path = "/nonexistent/x", .arguments = arguments, .output = TKP_PROCESS_OUTPUT_STDERR};
    (void)state;
    assert_int_equal(tkp_process_start(&program, &process, &error), TOKPERF_E_UNSUPPORTED);
    assert_non_null(strstr(error.message, "'/nonexistent/x': No such file"));
}

/* Words are shown joined by bars. */
static void splits(void **state)
{
    static const struct {
        const char *command, *words, *says;
    } rows[] = {
        {"a", "a|", NULL},
        {"  a b\tc\n", "a|b|c|", NULL},
        {"a 'b c' \"d e\"", "a|b c|d e|", NULL},
        {"a b'c d'e", "a|bc de|", NULL},
        {"a '' \"\"", "a|||", NULL},
        {"a b\\ c \\\\ \"x\\\"y\" 'x\\y'", "a|b c|\\|x\"y|x\\y|", NULL},
        {"a $HOME * ; b > c | d", "a|$HOME|*|;|b|>|c|||d|", NULL},
        {"a \\", "a|\\|", NULL},
        {"a 'b", NULL, "not closed"},
        {"a \"b", NULL, "not closed"},
        {"prog --token hunter2 'b", NULL, "the command 'prog ...' has a quote that is not closed"},
        {"'hunter2", NULL, "not closed"},
        {"", NULL, "empty"},
        {"  ", NULL, "empty"},
        {"'' a", NULL, "empty"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tkp_arena arena;
        struct tokperf_error error = {0};
        char **words = NULL, joined[256] = "";
        print_message("%s\n", rows[i].command);
        tkp_arena_init(&arena, 0);
        tokperf_status status = tkp_process_split(rows[i].command, &arena, &words, &error);
        assert_int_equal(status, rows[i].words ? TOKPERF_OK : TOKPERF_E_INVALID);
        for (char **word = words; word && *word; word++)
            snprintf(joined + strlen(joined), sizeof joined - strlen(joined), "%s|", *word);
        if (rows[i].words)
            assert_string_equal(joined, rows[i].words);
        else
            assert_non_null(strstr(error.message, rows[i].says));
        assert_null(strstr(error.message, "hunter2")); /* what may be a secret is not said */
        tkp_arena_finish(&arena);
    }
}

static void splits_a_bounded_number(void **state)
{
    char command[2 * TKP_PROCESS_MAX_WORDS + 1] = "";
    struct tkp_arena arena;
    struct tokperf_error error;
    char **words;
    (void)state;
    tkp_arena_init(&arena, 0);
    for (int i = 0; i < TKP_PROCESS_MAX_WORDS; i++)
        memcpy(command + strlen(command), "a ", 3);
    assert_int_equal(tkp_process_split(command, &arena, &words, &error), TOKPERF_E_INVALID);
    command[strlen(command) - 2] = '\0';
    assert_int_equal(tkp_process_split(command, &arena, &words, &error), TOKPERF_OK);
    tkp_arena_finish(&arena);
}

static void finds_programs(void **state)
{
    static const struct {
        const char *path, *program, *found;
        tokperf_status status;
    } rows[] = {
        {"/nonexistent:/bin", "sh", "/bin/sh", TOKPERF_OK},
        {"/bin", "/bin/sh", "/bin/sh", TOKPERF_OK},
        {"/nonexistent", "sh", NULL, TOKPERF_E_NOT_FOUND},
        {"/bin", "/bin/nonexistent", NULL, TOKPERF_E_NOT_FOUND},
        {"/bin", "/bin", NULL, TOKPERF_E_NOT_FOUND},
        {"/etc", "passwd", NULL, TOKPERF_E_DENIED},
        {"/etc:/bin", "sh", "/bin/sh", TOKPERF_OK},
    };
    const char *path_before = getenv("PATH");
    assert_non_null(path_before);
    char *before = strdup(path_before);
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tkp_arena arena;
        struct tokperf_error error = {0};
        const char *path = NULL;
        print_message("%s in %s\n", rows[i].program, rows[i].path);
        tkp_arena_init(&arena, 0);
        setenv("PATH", rows[i].path, 1);
        assert_int_equal(tkp_process_find(rows[i].program, &arena, &path, &error), rows[i].status);
        if (rows[i].found)
            assert_string_equal(path, rows[i].found);
        else
            assert_non_null(strstr(error.message, rows[i].program));
        tkp_arena_finish(&arena);
    }
    setenv("PATH", before, 1);
    free(before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_how_it_ended),
        cmocka_unit_test(reports),
        cmocka_unit_test(inherits_nothing),
        cmocka_unit_test(ends_with_its_input),
        cmocka_unit_test(ends_with_a_signal),
        cmocka_unit_test(kills_the_whole_group),
        cmocka_unit_test(kills_who_is_left),
        cmocka_unit_test(ends_many_side_by_side),
        cmocka_unit_test(does_not_block_on_its_input),
        cmocka_unit_test(runs_elsewhere),
        cmocka_unit_test(says_that_it_cannot_start),
        cmocka_unit_test(splits),
        cmocka_unit_test(splits_a_bounded_number),
        cmocka_unit_test(finds_programs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
