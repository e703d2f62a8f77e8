/* SPDX-License-Identifier: Apache-2.0 */
#include <base/secrets.h>

#include <string.h>

static const char hidden[] = "<redacted>";

static struct {
    const struct tokperf_span *list;
    uint32_t count;
} secrets;

void tkp_secrets_set(const struct tokperf_span *list, uint32_t count)
{
    secrets.list = list;
    secrets.count = count;
}

/* How many bytes at the text's beginning are this secret, or its beginning and all of the text. */
static size_t match(struct tokperf_span secret, const char *text, size_t len)
{
    size_t at = 0, taken = 0;
    while (taken < secret.len && at < len) {
        if (text[at] == '\\' && secret.data[taken] != '\\' && taken) {
            at++;
            continue;
        }
        if (text[at++] != secret.data[taken++])
            return 0;
    }
    return taken == secret.len || taken >= TKP_SECRET_MIN_BYTES ? at : 0;
}

static size_t longest_match(const char *text, size_t len)
{
    size_t longest = 0;
    for (uint32_t i = 0; i < secrets.count; i++) {
        struct tokperf_span secret = secrets.list[i];
        if (secret.len < TKP_SECRET_MIN_BYTES || secret.data[0] != text[0])
            continue;
        size_t found = match(secret, text, len);
        longest = found > longest ? found : longest;
    }
    return longest;
}

/* Bytes of the character at the text's beginning. */
static size_t character(const char *text, size_t len)
{
    size_t n = 1;
    while (n < len && n < 4 && ((unsigned char)text[n] & 0xc0) == 0x80)
        n++;
    return n;
}

uint64_t tkp_secrets_find(struct tokperf_span text, uint64_t *len)
{
    *len = 0;
    for (uint64_t at = 0; secrets.count && at < text.len; at++)
        if ((*len = longest_match(text.data + at, text.len - at)))
            return at;
    return text.len;
}

bool tkp_secrets_copy(char *out, size_t capacity, struct tokperf_span text)
{
    size_t used = 0;
    for (size_t at = 0; at < text.len;) {
        size_t left = text.len - at;
        size_t found = longest_match(text.data + at, left);
        size_t step = found ? found : character(text.data + at, left);
        const char *piece = found ? hidden : text.data + at;
        size_t len = found ? sizeof hidden - 1 : step;
        if (used + len >= capacity) {
            out[used] = '\0';
            return false;
        }
        memcpy(out + used, piece, len);
        used += len;
        at += step;
    }
    out[used] = '\0';
    return true;
}
