/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event streams, line by line. `held` is [data][line that is cut]; data and name of the event being
 * read point into the caller's bytes for as long as these last and move into the pool's buffers
 * when they are used up.
 */
#include <worker/event_stream.h>

#include <base/text.h>
#include <string.h>
#include <worker/line_end.h>

void tkp_event_stream_begin(struct tkp_event_stream *s, struct tkp_spill_pool *pool)
{
    *s = (struct tkp_event_stream){.pool = pool};
}

static void give_back(struct tkp_event_stream *s)
{
    if (s->held)
        tkp_spill_give(s->pool, s->held);
    if (s->held_name)
        tkp_spill_give(s->pool, s->held_name);
    s->held = NULL;
    s->held_name = NULL;
}

void tkp_event_stream_finish(struct tkp_event_stream *s)
{
    give_back(s);
}

/* Forgets the event; called only between lines, so nothing that is cut is lost. */
static void reset_event(struct tkp_event_stream *s)
{
    give_back(s);
    s->has_data = s->is_held = s->dispatched = false;
    s->data = NULL;
    s->data_len = 0;
    s->name = (struct tokperf_span){0};
}

static bool fail(struct tkp_event_stream *s, enum tkp_event_step why)
{
    s->failed = (uint8_t)why;
    return false;
}

static bool append(struct tkp_event_stream *s, struct tkp_spill **spill, const char *data,
                   size_t len)
{
    if (*spill && (*spill)->len + len > TKP_EVENT_MAX_BYTES)
        return fail(s, TKP_EVENT_TOO_LONG);
    return tkp_spill_append(s->pool, spill, data, len) || fail(s, TKP_EVENT_NO_MEMORY);
}

static bool hold_name(struct tkp_event_stream *s)
{
    if (!s->name.len || (s->held_name && s->name.data == s->held_name->data))
        return true;
    if (s->held_name)
        s->held_name->len = 0;
    if (!append(s, &s->held_name, s->name.data, s->name.len))
        return false;
    s->name.data = s->held_name->data;
    return true;
}

static bool hold_data(struct tkp_event_stream *s)
{
    if (!s->has_data || s->is_held)
        return true;
    if (!append(s, &s->held, s->data, s->data_len))
        return false;
    s->is_held = true;
    return true;
}

/* The given bytes are used up but for the cut line [at, end). */
static bool hold(struct tkp_event_stream *s, const char *at, const char *end)
{
    if (!hold_data(s) || !hold_name(s))
        return false;
    return at == end || append(s, &s->held, at, (size_t)(end - at));
}

/* Adds a data line from the caller's bytes. */
static bool add_data(struct tkp_event_stream *s, char *value, size_t len)
{
    if (!s->has_data) {
        s->data = value;
        s->data_len = len;
    } else if (s->is_held) {
        if (!append(s, &s->held, "\n", 1) || !append(s, &s->held, value, len))
            return false;
        s->data_len = s->held->len;
    } else {
        /* joined in place: what lies between is shorter than a field name and its line end */
        if (s->name.len && s->name.data > s->data && !hold_name(s))
            return false;
        s->data[s->data_len] = '\n';
        memmove(s->data + s->data_len + 1, value, len);
        s->data_len += 1 + len;
    }
    s->has_data = true;
    return true;
}

/* Adds a data line that lies in `held`, behind the data. */
static void add_held_data(struct tkp_event_stream *s, const char *value, size_t len)
{
    char *data = s->held->data;
    if (s->has_data)
        data[s->data_len++] = '\n';
    memmove(data + s->data_len, value, len);
    s->data_len += len;
    s->has_data = s->is_held = true;
}

static bool set_name(struct tkp_event_stream *s, const char *value, size_t len, bool in_held)
{
    s->name = (struct tokperf_span){value, len};
    return !in_held || hold_name(s);
}

/* HTML, 9.2.6: field name up to the colon, one space behind it dropped. */
static bool read_field(struct tkp_event_stream *s, char *line, size_t len, bool in_held)
{
    char *colon = memchr(line, ':', len);
    size_t name_len = colon ? (size_t)(colon - line) : len;
    char *value = colon ? colon + 1 : line + len;
    size_t value_len = (size_t)(line + len - value);
    if (value_len && *value == ' ') {
        value++;
        value_len--;
    }
    if (name_len == 4 && memcmp(line, "data", 4) == 0) {
        if (!in_held)
            return add_data(s, value, value_len);
        add_held_data(s, value, value_len);
    } else if (name_len == 5 && memcmp(line, "event", 5) == 0) {
        return set_name(s, value, value_len, in_held);
    }
    return true;
}

/* A complete line without its end. true and *blank: the event is over. */
static bool read_line(struct tkp_event_stream *s, char *line, size_t len, bool in_held, bool *blank)
{
    if (!s->past_first_line) {
        s->past_first_line = true;
        if (len >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) {
            line += 3;
            len -= 3;
        }
    }
    *blank = len == 0;
    bool ok = len == 0 || *line == ':' || read_field(s, line, len, in_held);
    if (in_held)
        s->held->len = s->is_held ? s->data_len : 0;
    return ok;
}

static size_t cut_bytes(const struct tkp_event_stream *s)
{
    return s->held ? s->held->len - (s->is_held ? s->data_len : 0) : 0;
}

/* Reads one line whose end is at eol, joining what was cut off before. */
static bool take_line(struct tkp_event_stream *s, char *line, char *eol, bool *blank)
{
    if (!cut_bytes(s))
        return read_line(s, line, (size_t)(eol - line), false, blank);
    if (!append(s, &s->held, line, (size_t)(eol - line)))
        return false;
    size_t begin = s->is_held ? s->data_len : 0;
    return read_line(s, s->held->data + begin, s->held->len - begin, true, blank);
}

static enum tkp_event_step dispatch(struct tkp_event_stream *s, struct tkp_stream_event *event)
{
    const char *data = s->is_held ? s->held->data : s->data;
    *event = (struct tkp_stream_event){{data, s->data_len}, s->name};
    s->dispatched = true;
    return TKP_EVENT_READY;
}

static void skip_lf(struct tkp_event_stream *s, char **at, char *end)
{
    if (!s->skip_lf || *at == end)
        return;
    if (**at == '\n')
        ++*at;
    s->skip_lf = false;
}

enum tkp_event_step tkp_event_stream_next(struct tkp_event_stream *s, char **at, char *end,
                                          struct tkp_stream_event *event)
{
    if (s->dispatched)
        reset_event(s);
    while (!s->failed) {
        skip_lf(s, at, end);
        char *eol = tkp_line_end_find(*at, end);
        if (eol == end) {
            if (hold(s, *at, end))
                *at = end;
            break;
        }
        char *line = *at;
        bool blank;
        *at = eol + 1;
        s->skip_lf = *eol == '\r';
        if (!take_line(s, line, eol, &blank) || !blank)
            continue;
        skip_lf(s, at, end);
        if (s->has_data)
            return dispatch(s, event);
        reset_event(s);
    }
    return (enum tkp_event_step)s->failed;
}

enum tkp_event_step tkp_event_stream_last(struct tkp_event_stream *s,
                                          struct tkp_stream_event *event)
{
    if (s->failed)
        return (enum tkp_event_step)s->failed;
    if (s->dispatched)
        reset_event(s);
    bool blank;
    size_t begin = s->is_held ? s->data_len : 0;
    if (cut_bytes(s) && !read_line(s, s->held->data + begin, s->held->len - begin, true, &blank))
        return (enum tkp_event_step)s->failed;
    return s->has_data ? dispatch(s, event) : TKP_EVENT_MORE;
}
