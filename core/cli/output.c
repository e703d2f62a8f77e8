/* SPDX-License-Identifier: Apache-2.0 */
/* See output.h. */
#include <cli/output.h>

#include <base/error.h>
#include <base/files.h>
#include <base/log.h>
#include <base/text.h>
#include <run/exit_code.h>
#include <unistd.h>

int tkp_output_print(const struct tkp_buffer *text)
{
    struct tokperf_error error = {0};
    if (text->failed)
        tkp_fail(&error, TOKPERF_E_NO_MEMORY, "no memory for the output");
    else if (tkp_files_write_all(STDOUT_FILENO, tkp_buffer_text(text), text->len, &error) ==
             TOKPERF_OK)
        return TKP_EXIT_OK;
    tkp_error_prefix(&error, "standard output");
    tkp_log(TKP_LOG_ERROR, "%s", error.message);
    return TKP_EXIT_ENVIRONMENT;
}

int tkp_output_refuse(tokperf_status status, const struct tokperf_error *error)
{
    tkp_log(TKP_LOG_ERROR, "%s", error->message);
    return tkp_exit_of(status);
}

int tkp_output_unknown(const char *what, const char *word, const char *const *known)
{
    const char *closest = tkp_text_closest(word, known);
    tkp_log(TKP_LOG_ERROR, "unknown %s '%s'%s%s%s; see tokperf help", what, word,
            closest ? "; did you mean '" : "", closest ? closest : "", closest ? "'?" : "");
    return TKP_EXIT_USAGE;
}
