/* SPDX-License-Identifier: Apache-2.0 */
/* From a command line of the user to a program and its words; see process.h. */
#include <base/process.h>

#include <base/error.h>
#include <base/files.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

/* Reads one word from *at and writes it with a NUL at *out. false: a quote is open. */
static bool read_word(const char **at, char **out)
{
    char quote = '\0';
    const char *p = *at;
    for (; *p && (quote || !is_blank(*p)); p++) {
        if (quote && *p == quote)
            quote = '\0';
        else if (!quote && (*p == '\'' || *p == '"'))
            quote = *p;
        else if (*p == '\\' && quote != '\'' && p[1])
            *(*out)++ = *++p;
        else
            *(*out)++ = *p;
    }
    *(*out)++ = '\0';
    *at = p;
    return !quote;
}

/* Errors name the program alone: a secret may be among its words. */
tokperf_status tkp_process_split(const char *command, struct tkp_arena *arena, char ***words,
                                 struct tokperf_error *error)
{
    char **list = tkp_arena_alloc(arena, TKP_PROCESS_MAX_WORDS * sizeof *list);
    char *out = tkp_arena_alloc(arena, 2 * strlen(command) + 1); /* a NUL for each blank */
    if (!list || !out)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for a command");
    uint32_t count = 0;
    for (const char *at = command;;) {
        while (is_blank(*at))
            at++;
        if (!*at)
            break;
        if (count == TKP_PROCESS_MAX_WORDS - 1)
            return tkp_fail(error, TOKPERF_E_INVALID,
                            "the command '%.100s ...' has more than %d words", list[0],
                            TKP_PROCESS_MAX_WORDS - 1);
        list[count++] = out;
        if (!read_word(&at, &out))
            return tkp_fail(error, TOKPERF_E_INVALID,
                            "the command '%.100s ...' has a quote that is not closed",
                            count > 1 ? list[0] : "'");
    }
    if (!count || !list[0][0])
        return tkp_fail(error, TOKPERF_E_INVALID, "the command is empty; name a program");
    list[count] = NULL;
    *words = list;
    return TOKPERF_OK;
}

/* *denied: there is such a file, and it cannot be run. */
static bool is_program(const char *path, bool *denied)
{
    struct stat facts;
    if (stat(path, &facts) || !S_ISREG(facts.st_mode))
        return false;
    *denied = access(path, X_OK) != 0;
    return !*denied;
}

static bool find_in_folders(const char *folders, const char *program, char *path, bool *denied)
{
    for (const char *from = folders; from;) {
        const char *colon = strchr(from, ':');
        size_t len = colon ? (size_t)(colon - from) : strlen(from);
        char folder[PATH_MAX];
        if (len < sizeof folder) {
            memcpy(folder, from, len);
            folder[len] = '\0';
            if (tkp_files_join(path, PATH_MAX, len ? folder : ".", program) &&
                is_program(path, denied))
                return true;
        }
        from = colon ? colon + 1 : NULL;
    }
    return false;
}

tokperf_status tkp_process_find(const char *program, struct tkp_arena *arena, const char **path,
                                struct tokperf_error *error)
{
    char found[PATH_MAX];
    bool denied = false;
    const char *folders = getenv("PATH");
    const char *result = program;
    bool good = strchr(program, '/') ? is_program(program, &denied) : false;
    if (!strchr(program, '/') && find_in_folders(folders ? folders : "/usr/local/bin:/usr/bin:/bin",
                                                 program, found, &denied)) {
        good = true;
        result = found;
    }
    if (!good && denied)
        return tkp_fail(error, TOKPERF_E_DENIED, "'%s' may not be executed", program);
    if (!good)
        return tkp_fail(error, TOKPERF_E_NOT_FOUND, "there is no program '%s'%s", program,
                        strchr(program, '/') ? "" : " in the folders of PATH");
    *path = tkp_arena_copy(arena, result, strlen(result));
    return *path ? TOKPERF_OK : tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for a command");
}
