/* SPDX-License-Identifier: Apache-2.0 */
/* The event-stream dialects. All of them mean the same events to a reader that follows the rules.
 */
#include "sse.h"

#include <string.h>

struct style {
    const char *prefix;  /* lines before the data */
    const char *field;   /* begins a data line */
    const char *newline; /* ends a line; one more of it ends the event */
    bool bom;            /* a byte order mark begins the stream */
    bool split;          /* several data lines */
};

static const struct style styles[] = {
    [TKP_MOCK_DIALECT_LF] = {"", "data: ", "\n", false, false},
    [TKP_MOCK_DIALECT_CRLF] = {"", "data: ", "\r\n", false, false},
    [TKP_MOCK_DIALECT_CR] = {"", "data: ", "\r", false, false},
    [TKP_MOCK_DIALECT_NOSPACE] = {"", "data:", "\n", false, false},
    [TKP_MOCK_DIALECT_MULTILINE] = {"", "data: ", "\n", false, true},
    [TKP_MOCK_DIALECT_COMMENTS] = {": ping\n\n:\n: data: not data\n", "data: ", "\n", false, false},
    [TKP_MOCK_DIALECT_EVENTS] = {"event: message\nid: 7\nretry: 1000\nother\n", "data: ", "\n",
                                 false, false},
    [TKP_MOCK_DIALECT_BOM] = {"", "data: ", "\n", true, false},
};

enum { STYLES = sizeof styles / sizeof styles[0] };

static void add_line(struct tkp_mock_buffer *out, const struct style *style, const char *data,
                     size_t len)
{
    tkp_mock_buffer_add_text(out, style->field);
    tkp_mock_buffer_add(out, data, len);
    tkp_mock_buffer_add_text(out, style->newline);
}

/* Three lines, cut after the first comma and before the last byte: white space in JSON. */
static size_t add_split(struct tkp_mock_buffer *out, const struct style *style,
                        struct tkp_mock_slice data)
{
    const char *comma = memchr(data.data, ',', data.len);
    if (comma == NULL) {
        add_line(out, style, data.data, data.len);
        return 0;
    }
    size_t first = (size_t)(comma - data.data) + 1;
    add_line(out, style, data.data, first);
    add_line(out, style, data.data + first, data.len - first - 1);
    add_line(out, style, data.data + data.len - 1, 1);
    return strlen(style->newline) + strlen(style->field);
}

void tkp_mock_sse_add(struct tkp_mock_buffer *out, enum tkp_mock_dialect dialect, uint64_t number,
                      struct tkp_mock_slice data, size_t *mark)
{
    bool mixed = dialect == TKP_MOCK_DIALECT_MIXED;
    const struct style *style = &styles[mixed ? number % STYLES : (uint64_t)dialect];
    if (number == 0 && (style->bom || mixed)) {
        tkp_mock_buffer_add_text(out, "\xef\xbb\xbf");
    }
    tkp_mock_buffer_add_text(out, style->prefix);
    size_t at = out->len + strlen(style->field);
    if (style->split) {
        at += add_split(out, style, data);
    } else {
        add_line(out, style, data.data, data.len);
    }
    tkp_mock_buffer_add_text(out, style->newline);
    if (mark != NULL) {
        *mark += at;
    }
}
