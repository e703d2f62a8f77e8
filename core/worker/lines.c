/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of newline-delimited JSON; a line cut by the end of a read waits in a pool buffer. */
#include <worker/lines.h>

#include <string.h>

void tkp_lines_begin(struct tkp_lines *lines, struct tkp_spill_pool *pool)
{
    *lines = (struct tkp_lines){.pool = pool};
}

void tkp_lines_finish(struct tkp_lines *lines)
{
    if (lines->held)
        tkp_spill_give(lines->pool, lines->held);
    lines->held = NULL;
}

static bool hold(struct tkp_lines *lines, const char *data, size_t len)
{
    if (lines->held && lines->held->len + len > TKP_EVENT_MAX_BYTES)
        lines->failed = TKP_EVENT_TOO_LONG;
    else if (len && !tkp_spill_append(lines->pool, &lines->held, data, len))
        lines->failed = TKP_EVENT_NO_MEMORY;
    return !lines->failed;
}

/* The complete line, what was cut off before included. */
static struct tokperf_span whole_line(struct tkp_lines *lines, const char *data, size_t len)
{
    struct tokperf_span line = {data, len};
    if (lines->held) {
        line = (struct tokperf_span){lines->held->data, lines->held->len};
        lines->dispatched = true;
    }
    if (line.len && line.data[line.len - 1] == '\r')
        line.len--;
    return line;
}

static void forget(struct tkp_lines *lines)
{
    if (!lines->dispatched)
        return;
    tkp_lines_finish(lines);
    lines->dispatched = false;
}

enum tkp_event_step tkp_lines_next(struct tkp_lines *lines, char **at, char *end,
                                   struct tokperf_span *line)
{
    forget(lines);
    while (!lines->failed && *at < end) {
        char *lf = memchr(*at, '\n', (size_t)(end - *at));
        char *stop = lf ? lf : end;
        char *begin = *at;
        if ((!lf || lines->held) && !hold(lines, begin, (size_t)(stop - begin)))
            break;
        *at = lf ? lf + 1 : end;
        if (!lf)
            break;
        *line = whole_line(lines, begin, (size_t)(stop - begin));
        if (line->len)
            return TKP_EVENT_READY;
        forget(lines);
    }
    return (enum tkp_event_step)lines->failed;
}

enum tkp_event_step tkp_lines_last(struct tkp_lines *lines, struct tokperf_span *line)
{
    forget(lines);
    if (lines->failed || !lines->held)
        return (enum tkp_event_step)lines->failed;
    *line = whole_line(lines, "", 0);
    return line->len ? TKP_EVENT_READY : TKP_EVENT_MORE;
}
