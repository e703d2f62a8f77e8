/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands without secrets. What the words of a command mean only its program knows: a header, an
 * assignment, a flag and its value, a script with all of these in quotes. So the text is read as it
 * stands for names of secrets, in quotes or not, and what stands behind one is hidden. Where it is
 * not clear how far that goes, more is hidden. Pure. [any]
 */
#include <config/redact.h>

#include <base/text.h>
#include <config/settings.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { QUOTES_MAX = 16 /* inside of each other; deeper ones are not told apart */ };

struct scan {
    const char *start, *at;
    struct tkp_buffer *out;
    unsigned quotes[QUOTES_MAX]; /* that are open, as of quote_at() */
    size_t depth;
    bool has_opened; /* a quote, just before `at` */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

static bool is_name(char c)
{
    return isalnum((unsigned char)c) || (c && strchr("_-.%", c));
}

/* A quote with the backslashes before it, which tell it from those around it in a script in quotes.
 * Returns its length, or 0; kind: never 0. */
static size_t quote_at(const char *text, unsigned *kind)
{
    size_t len = strspn(text, "\\");
    if (text[len] != '\'' && text[len] != '"')
        return 0;
    *kind = (unsigned)(len << 8) + (unsigned char)text[len];
    return len + 1;
}

static unsigned enclosing(const struct scan *s)
{
    return s->depth ? s->quotes[s->depth - 1] : 0;
}

/* One that is open closes, with those inside of it; another one opens. */
static void note_quote(struct scan *s, unsigned kind)
{
    size_t i = s->depth;
    while (i && s->quotes[i - 1] != kind)
        i--;
    s->has_opened = !i;
    if (i)
        s->depth = i - 1;
    else if (s->depth < QUOTES_MAX)
        s->quotes[s->depth++] = kind;
}

/* Writes what comes before `to`. */
static void put_until(struct scan *s, const char *to)
{
    while (s->at < to) {
        unsigned kind;
        size_t len = quote_at(s->at, &kind);
        s->has_opened = false;
        if (len)
            note_quote(s, kind);
        else
            len = 1;
        tkp_buffer_append(s->out, s->at, len);
        s->at += len;
    }
}

static void hide_until(struct scan *s, const char *to)
{
    if (to > s->at)
        tkp_buffer_puts(s->out, TKP_REDACTED);
    s->at = to;
    s->has_opened = false;
}

/* The end of a word: a blank, or the end of the quotes that it is in. A quote at its beginning
 * opens. */
static const char *word_end(const struct scan *s, const char *word)
{
    unsigned own = 0, kind;
    const char *p = word;
    for (size_t len; *p && (own || !is_blank(*p)); p += len) {
        len = quote_at(p, &kind);
        if (!len)
            len = *p == '\\' && p[1] ? 2 : 1;
        else if (kind == own)
            own = 0;
        else if (kind == enclosing(s) && p > word)
            return p;
        else if (!own)
            own = kind;
    }
    return p;
}

/* The end of the quotes that it is in; without any, of the word. */
static const char *quotes_end(const struct scan *s, const char *p)
{
    unsigned kind;
    if (!s->depth)
        return word_end(s, p);
    for (size_t len; *p; p += len) {
        len = quote_at(p, &kind);
        if (len && kind == enclosing(s))
            return p;
        len += !len;
    }
    return p;
}

static struct tokperf_span name_at(const char *text)
{
    size_t len = 0, dashes = strspn(text, "-");
    while (is_name(text[dashes + len]))
        len++;
    return (struct tokperf_span){text + dashes, len};
}

static bool is_one_of(struct tokperf_span name, const char *const *list)
{
    for (; *list; list++)
        if (strlen(*list) == name.len && strncasecmp(*list, name.data, name.len) == 0)
            return true;
    return false;
}

static bool is_scheme(struct tokperf_span name)
{
    static const char *const schemes[] = {"basic",  "bearer",    "digest", "token",
                                          "apikey", "negotiate", "hmac",   NULL};
    return is_one_of(name, schemes);
}

static bool is_secret(struct tokperf_span name)
{
    static const char *const bearer[] = {"bearer", NULL};
    return tkp_text_is_secret_name(name) || tkp_text_is_secret_query(name) ||
           is_one_of(name, bearer);
}

/* Behind a name: closing quotes, blanks, and '=' or ':' (*assigns). */
static const char *value_of(const char *p, bool *assigns)
{
    unsigned kind;
    for (size_t len; (len = quote_at(p, &kind)); p += len)
        ;
    const char *blank = p;
    p += strspn(p, " \t\n");
    *assigns = (*p == '=' || *p == ':') && strncmp(p, "://", 3) != 0;
    if (*assigns)
        p += strspn(p, "=:");
    p += strspn(p, " \t\n");
    return p > blank ? p : NULL;
}

/* Whether a name in what ends at `end` has its value, or more of it, behind that. */
static bool reaches_beyond(const char *text, const char *end)
{
    for (const char *p = text; p < end; p++) {
        bool assigns;
        if (!is_name(*p) || (p > text && is_name(p[-1])))
            continue;
        struct tokperf_span name = name_at(p);
        const char *value = value_of(name.data + name.len, &assigns);
        if (value && value > end && (is_secret(name) || is_scheme(name)))
            return true;
    }
    return end > text && (end[-1] == ',' || end[-1] == ';');
}

/* Hides a word, and the next one where there is the name of a secret in it, or a list goes on;
 * with_next: what comes behind it as well, unless that is a flag. */
static void hide_words(struct scan *s, bool with_next)
{
    for (bool goes_on = true; goes_on; with_next = false) {
        const char *end = word_end(s, s->at), *next = end + strspn(end, " \t\n");
        goes_on = reaches_beyond(s->at, end) || (with_next && *next != '-');
        hide_until(s, end);
        goes_on &= next > end && *next;
        if (goes_on)
            put_until(s, next);
    }
}

/* `NAME VALUE` without a dash: not the program's own name, nor that of a file. */
static bool is_bare_name(const struct scan *s, struct tokperf_span name)
{
    return s->at > s->start && (is_blank(s->at[-1]) || s->has_opened) &&
           !memchr(name.data, '.', name.len);
}

/* `-u NAME:PASSWORD`, as of curl. */
static bool is_user(const struct scan *s, struct tokperf_span name, const char *value)
{
    static const char *const users[] = {"u", "user", "proxy-user", "proxyuser", NULL};
    return *s->at == '-' && is_one_of(name, users) &&
           memchr(value, ':', (size_t)(word_end(s, value) - value));
}

/* At the beginning of a name. false: it has no secret behind it. */
static bool take_secret(struct scan *s)
{
    struct tokperf_span name = name_at(s->at);
    bool assigns, begins = s->has_opened;
    const char *value = value_of(name.data + name.len, &assigns);
    if (!name.len || !value || !*value)
        return false;
    bool is_named = is_secret(name) && (assigns || *s->at == '-' || is_bare_name(s, name));
    if (!is_named && !is_user(s, name, value))
        return false;
    size_t depth = s->depth;
    bool is_header = memchr(name.data, ':', (size_t)(value - name.data)) != NULL;
    bool is_spaced = is_blank(value[-1]);
    put_until(s, value);
    if (assigns && s->depth && s->depth == depth && (is_header || begins))
        hide_until(s, quotes_end(s, s->at)); /* 'NAME: all of it', 'NAME=all of it' */
    else
        hide_words(s, is_header && is_spaced);
    return true;
}

/* The length of `USER:PASSWORD` before an '@', in a word without a scheme. */
static size_t plain_user_info(const char *word, const char *end)
{
    const char *at = memrchr(word, '@', (size_t)(end - word));
    const char *colon = at ? memchr(word, ':', (size_t)(at - word)) : NULL;
    if (!colon || strncmp(colon, "://", 3) == 0 || memchr(word, '=', (size_t)(colon - word)))
        return 0;
    return (size_t)(at - word);
}

/* User-info behind a scheme, or at the beginning of a word. */
static bool take_user_info(struct scan *s)
{
    bool has_scheme = strncmp(s->at, "://", 3) == 0;
    const char *from = has_scheme ? s->at + 3 : s->at;
    const char *end = has_scheme ? quotes_end(s, from) : word_end(s, from);
    const struct tokperf_span rest = {from, (size_t)(end - from)};
    size_t len = has_scheme ? tkp_text_user_info(rest) : plain_user_info(from, end);
    if (!has_scheme && !len)
        return false;
    put_until(s, from);
    hide_until(s, from + len);
    put_until(s, s->at + strcspn(s->at, "/?#&= \t\n'\"\\")); /* the host is no secret's name */
    return true;
}

static bool begins_word(const struct scan *s)
{
    return s->at == s->start || s->has_opened || is_blank(s->at[-1]) || s->at[-1] == '=';
}

void tkp_redact_command(const char *command, struct tkp_buffer *out)
{
    struct scan s = {.start = command, .at = command, .out = out};
    while (*s.at) {
        bool is_start = is_name(*s.at) && (s.at == s.start || !is_name(s.at[-1]));
        if (is_start && take_secret(&s))
            continue;
        if ((strncmp(s.at, "://", 3) == 0 || (is_start && begins_word(&s))) && take_user_info(&s))
            continue;
        put_until(&s, s.at + 1);
    }
}
