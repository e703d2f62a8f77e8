/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small pure functions over text: strict number reading, UTF-8, the closest known name, redaction
 * of secrets. [any], no allocation.
 */
#ifndef TKP_BASE_TEXT_H
#define TKP_BASE_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <tokperf/base.h>

/* Of a NUL-terminated text. Inline, so that a literal's length is a constant. */
static inline struct tokperf_span tkp_span(const char *text)
{
    return (struct tokperf_span){text, strlen(text)};
}

bool tkp_span_is(struct tokperf_span span, const char *text); /* equal bytes */
bool tkp_span_equal(struct tokperf_span a, struct tokperf_span b);
bool tkp_span_is_nocase(struct tokperf_span span, const char *text); /* ASCII case */
struct tokperf_span tkp_span_trim(struct tokperf_span span); /* spaces and tabs at both ends */
/* Copies with truncation and a NUL. Returns the length that would have been needed. */
size_t tkp_text_copy(char *out, size_t capacity, struct tokperf_span span);

/* The whole text must be one number; locale-independent; no nan, inf or hex. */
bool tkp_text_to_int(const char *text, int64_t *value);
bool tkp_text_to_double(const char *text, double *value);
/* "1.5", "250ms", "10us", "2s", "5m", "1h": seconds without a unit. Result in ns. */
bool tkp_text_to_duration(const char *text, uint64_t *value_ns);
bool tkp_text_to_bytes(const char *text, uint64_t *value_bytes); /* "64", "64KiB", "1MiB" */
/* Shortest decimal that reads back equal ("0.1", "1e+30"); capacity >= 32. */
size_t tkp_text_from_double(char *out, size_t capacity, double value);

bool tkp_text_is_utf8(const char *data, size_t len);
/* Of the names (NULL-ended), the one closest to `word` by Damerau-Levenshtein distance, if it is
 * close enough to be a slip (at most a third of the length, at least 1); else NULL. Of one or two
 * bytes nothing is a slip. */
const char *tkp_text_closest(const char *word, const char *const *names);

/* Whether a header or option of this name holds a secret (authorization, proxy-authorization,
 * x-api-key, api-key, cookie, *_key, *_token, *secret*, *password* ...). Case-insensitive. */
bool tkp_text_is_secret_name(struct tokperf_span name);
/* The same for a name in the query of a URL, which may have percent escapes. */
bool tkp_text_is_secret_query(struct tokperf_span query);
/* The length of the user-info in what follows the scheme of a URL, without its '@'; 0: none. */
size_t tkp_text_user_info(struct tokperf_span authority);
/* Copies a URL with user-info and secret query values replaced by <redacted>. */
size_t tkp_text_redact_url(char *out, size_t capacity, const char *url);

#endif
