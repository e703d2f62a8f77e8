/* SPDX-License-Identifier: Apache-2.0 */
/* Which names hold secrets, and URLs without them. Errs towards hiding. */
#include <base/text.h>

#include <ctype.h>
#include <string.h>

static const char hidden[] = "<redacted>";

enum { MAX_NAME_BYTES = 128 }; /* of a longer name the end is looked at: the suffixes decide */

/* Text written with truncation; `len` goes on counting. */
struct output {
    char *data;
    size_t capacity, len;
};

static void put(struct output *out, const char *data, size_t len)
{
    for (size_t i = 0; i < len; i++, out->len++)
        if (out->len + 1 < out->capacity)
            out->data[out->len] = data[i];
}

static bool ends_with(const char *name, const char *end)
{
    size_t len = strlen(name), end_len = strlen(end);
    return len >= end_len && !strcmp(name + len - end_len, end);
}

bool tkp_text_is_secret_query(struct tokperf_span query)
{
    const char *name = query.data;
    size_t len = query.len;
    char plain[MAX_NAME_BYTES];
    size_t n = 0;
    for (size_t i = 0; i < len && n < sizeof plain; i++) {
        char byte = name[i];
        if (byte == '%' && len - i > 2 && isxdigit((unsigned char)name[i + 1]) &&
            isxdigit((unsigned char)name[i + 2])) {
            int high = name[i + 1] <= '9' ? name[i + 1] - '0' : (name[i + 1] | 32) - 'a' + 10;
            int low = name[i + 2] <= '9' ? name[i + 2] - '0' : (name[i + 2] | 32) - 'a' + 10;
            byte = (char)(high * 16 + low);
            i += 2;
        }
        plain[n++] = byte;
    }
    return tkp_text_is_secret_name((struct tokperf_span){plain, n});
}

/* An authority with a port that is no number is taken for a password with a '/', '?' or '#' in it:
 * hidden up to the '@'. */
size_t tkp_text_user_info(struct tokperf_span text)
{
    const char *authority = text.data;
    size_t len = 0;
    while (len < text.len && !strchr("/?#", authority[len]))
        len++;
    const char *at = memrchr(authority, '@', len);
    const char *colon = memchr(authority, ':', len);
    if (!at && colon && authority[0] != '[') {
        size_t port = (size_t)(colon + 1 - authority);
        while (port < len && isdigit((unsigned char)authority[port]))
            port++;
        if (port < len)
            at = memrchr(authority, '@', text.len);
    }
    return at ? (size_t)(at - authority) : 0;
}

static void put_query(struct output *out, const char *query)
{
    size_t query_len = strcspn(query, "#");
    for (const char *p = query, *end = query + query_len; p < end;) {
        size_t len = strcspn(p, "&;#");
        const char *equals = memchr(p, '=', len);
        if (equals && tkp_text_is_secret_query((struct tokperf_span){p, (size_t)(equals - p)})) {
            put(out, p, (size_t)(equals + 1 - p));
            put(out, hidden, sizeof hidden - 1);
        } else {
            put(out, p, len);
        }
        p += len;
        if (p < end)
            put(out, p++, 1);
    }
    put(out, query + query_len, strlen(query + query_len));
}

bool tkp_text_is_secret_name(struct tokperf_span name)
{
    static const char *const parts[] = {"authorization", "secret",    "password",  "passwd",
                                        "credential",    "cookie",    "signature", "private_key",
                                        "apikey",        "access_key"};
    static const char *const ends[] = {"_key", "_token", "_auth", "_pwd", "_pass"};
    static const char *const whole[] = {"key", "token", "auth", "pwd", "pass", "sig"};
    char folded[MAX_NAME_BYTES + 1];
    size_t len = name.len < MAX_NAME_BYTES ? name.len : MAX_NAME_BYTES;
    const char *from = len ? name.data + (name.len - len) : "";
    for (size_t i = 0; i < len; i++)
        folded[i] = from[i] == '-' || from[i] == '.' ? '_' : (char)tolower((unsigned char)from[i]);
    folded[len] = '\0';
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (strstr(folded, parts[i]))
            return true;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (ends_with(folded, ends[i]))
            return true;
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++)
        if (!strcmp(folded, whole[i]))
            return true;
    return false;
}

size_t tkp_text_redact_url(char *out, size_t capacity, const char *url)
{
    struct output output = {out, capacity, 0};
    const char *scheme_end = strstr(url, "://");
    const char *authority = scheme_end ? scheme_end + 3 : url;
    put(&output, url, (size_t)(authority - url));
    size_t user_info = tkp_text_user_info(tkp_span(authority));
    if (user_info) {
        put(&output, hidden, sizeof hidden - 1);
        authority += user_info;
    }
    size_t len = strcspn(authority, "?");
    size_t with_mark = len + (authority[len] == '?');
    put(&output, authority, with_mark);
    put_query(&output, authority + with_mark);
    if (capacity)
        out[output.len < capacity ? output.len : capacity - 1] = '\0';
    return output.len;
}
