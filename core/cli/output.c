/* SPDX-License-Identifier: Apache-2.0 */
/* See output.h. */
#include <cli/output.h>

#include <base/error.h>
#include <base/log.h>
#include <base/outlet.h>
#include <base/text.h>
#include <run/exit_code.h>
#include <run/interrupt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MOST_LISTED = 6, LIST_BYTES = 256 };

int tkp_output_print(const struct tkp_buffer *text)
{
    struct tokperf_error error = {0};
    if (text->failed)
        tkp_fail(&error, TOKPERF_E_NO_MEMORY, "no memory for the output");
    else if (tkp_outlet_write(STDOUT_FILENO, tkp_buffer_text(text), text->len, tkp_interrupt_flag(),
                              &error) == TOKPERF_OK)
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

/* "session, phase", where they are few; else where to find them. */
static void say_known(const char *const *known, char *text, size_t capacity)
{
    size_t count = 0, used = 0;
    while (known[count])
        count++;
    snprintf(text, capacity, count && count <= MOST_LISTED ? "known are" : "see tokperf help");
    for (size_t i = 0; i < count && count <= MOST_LISTED; i++) {
        used = strlen(text);
        snprintf(text + used, capacity - used, "%s %s", i ? "," : "", known[i]);
    }
}

int tkp_output_unknown(const char *what, const char *word, const char *const *known)
{
    char list[LIST_BYTES];
    const char *closest = tkp_text_closest(word, known);
    say_known(known, list, sizeof list);
    if (closest)
        tkp_log(TKP_LOG_ERROR, "unknown %s '%s'; did you mean '%s'?; see tokperf help", what, word,
                closest);
    else
        tkp_log(TKP_LOG_ERROR, "unknown %s '%s'; %s", what, word, list);
    return TKP_EXIT_USAGE;
}
