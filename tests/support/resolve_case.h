/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resolving a configuration in a test: arguments, environment and file as texts. Include behind
 * cmocka.h.
 */
#ifndef TKP_TESTS_RESOLVE_CASE_H
#define TKP_TESTS_RESOLVE_CASE_H

#include <config/resolve.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RESOLVE_CASE_MAX_ARGUMENTS = 64 };

/* Arguments are separated by '|', so that values may have spaces. NULL: none. */
struct resolve_case {
    const char *arguments;
    const char *const *environment;
    const char *file; /* its content; it is named run.yaml in the current directory */
};

static inline int resolve_case_split(char *text, const char **argv)
{
    int argc = 0;
    for (char *rest = text, *word;
         argc < RESOLVE_CASE_MAX_ARGUMENTS && (word = strsep(&rest, "|"));)
        argv[argc++] = word;
    return argc;
}

static inline int resolve_case_write(const char *name, const char *content)
{
    FILE *file = fopen(name, "we");
    if (!file)
        return -1;
    int bad = fputs(content, file) < 0;
    return fclose(file) || bad ? -1 : 0;
}

/* Fills plan as tkp_config_resolve does; finish it. */
static inline tokperf_status resolve_case_run(const struct resolve_case *given,
                                              struct tkp_plan *plan, struct tokperf_error *error)
{
    char words[8192];
    const char *argv[RESOLVE_CASE_MAX_ARGUMENTS];
    int argc = 0;
    if (given->arguments) {
        snprintf(words, sizeof words, "%s", given->arguments);
        argc = resolve_case_split(words, argv);
    }
    struct tkp_config_input input = {.argc = argc, .argv = argv, .environment = given->environment};
    if (given->file && resolve_case_write("run.yaml", given->file))
        return TOKPERF_E_INTERNAL;
    if (given->file)
        input.config_file = "run.yaml";
    *error = (struct tokperf_error){0};
    *plan = (struct tkp_plan){0};
    tokperf_status status = tkp_config_resolve(&input, plan, error);
    if (given->file)
        unlink("run.yaml");
    return status;
}

/* One that is right. */
static inline void resolve(const struct resolve_case *given, struct tkp_plan *plan)
{
    struct tokperf_error error;
    tokperf_status status = resolve_case_run(given, plan, &error);
    if (status)
        print_error("%s\n", error.message);
    assert_int_equal(status, TOKPERF_OK);
}

/* For a group of tests: a directory of its own to be in, so that it runs beside others. */
static inline int resolve_case_enter(void **state)
{
    *state = strdup("/tmp/tokperf-config-XXXXXX");
    return *state && mkdtemp(*state) && chdir(*state) == 0 ? 0 : -1;
}

static inline int resolve_case_leave(void **state)
{
    int left = rmdir(*state);
    free(*state);
    return left;
}

#endif
