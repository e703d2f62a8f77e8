/* SPDX-License-Identifier: Apache-2.0 */
/* Which pattern has a scanner of its own: compared as text, a real line end like its escape. */
#include <token/pattern.h>

#include <string.h>

#define CONTRACTION "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define SPACES      "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define HIGH        "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOW         "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define BEFORE      "[^\\r\\n\\p{L}\\p{N}]?"

static const struct {
    const char *pattern;
    tkp_scan *scan;
} known[] = {
    {"'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
     tkp_scan_gpt2},
    {CONTRACTION "|" BEFORE "\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" SPACES,
     tkp_scan_cl100k},
    {CONTRACTION "|" BEFORE "\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" SPACES, tkp_scan_qwen},
    {BEFORE HIGH "*" LOW "+" CONTRACTION "?|" BEFORE HIGH "+" LOW "*" CONTRACTION
                 "?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" SPACES,
     tkp_scan_o200k},
    {BEFORE HIGH "*" LOW "+|" BEFORE HIGH "+" LOW
                 "*|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" SPACES,
     tkp_scan_tekken},
    {"\\p{N}{1,3}", tkp_scan_numbers},
    {"\\p{N}", tkp_scan_number},
    {"[\xe4\xb8\x80-\xe9\xbe\xa5\xe3\x81\x80-\xe3\x82\x9f\xe3\x82\xa0-\xe3\x83\xbf]+",
     tkp_scan_cjk},
    {"[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?"
     "[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|" SPACES,
     tkp_scan_deepseek},
};

static bool is_same(struct tokperf_span text, const char *pattern)
{
    for (uint64_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '\r' || c == '\n') {
            if (*pattern++ != '\\')
                return false;
            c = c == '\r' ? 'r' : 'n';
        }
        if (*pattern != c || !c)
            return false;
        pattern++;
    }
    return *pattern == '\0';
}

tkp_scan *tkp_pattern_known(struct tokperf_span pattern)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (is_same(pattern, known[i].pattern))
            return known[i].scan;
    return NULL;
}
