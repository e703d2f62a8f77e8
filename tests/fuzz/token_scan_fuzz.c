/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hand-written scanners against PCRE2 with the same pattern. Input bytes choose characters from
 * a list on which the Unicode tables of both agree and where patterns differ.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <token/pattern.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Of every class and of every place in a pattern; old enough for any table. */
static const char *const characters[] = {
    "a",
    "b",
    "s",
    "t",
    "d",
    "m",
    "l",
    "e",
    "r",
    "v",
    "S",
    "L",
    "R",
    "E",
    "T",
    "Z",
    "'",
    "'",
    "'",
    " ",
    " ",
    " ",
    "\t",
    "\n",
    "\n",
    "\r",
    "\v",
    "0",
    "1",
    "9",
    ".",
    "/",
    "/",
    "!",
    "_",
    "$",
    "+",
    "\x01",
    "\x7f",
    "\xc2\x85",
    "\xc2\xa0",
    "\xc2\xaa",
    "\xc2\xb2",
    "\xc2\xbd",
    "\xc3\xa9",
    "\xc3\x89",
    "\xc5\xbf",
    "\xc7\x85",
    "\xca\xb0",
    "\xcc\x81",
    "\xcc\x81",
    "\xd9\xa3",
    "\xd7\x90",
    "\xe0\xa4\x83",
    "\xe2\x80\x83",
    "\xe2\x80\xa8",
    "\xe2\x80\x99",
    "\xe2\x80\x8d",
    "\xe2\x85\xa7",
    "\xe2\x82\xac",
    "\xe3\x80\x80",
    "\xe3\x81\x80",
    "\xe3\x81\x82",
    "\xe3\x82\x99",
    "\xe3\x82\xa0",
    "\xe3\x82\xab",
    "\xe3\x83\xbb",
    "\xe3\x83\xbc",
    "\xe4\xb8\xad",
    "\xe9\xbe\xa5",
    "\xe9\xbe\xa6",
    "\xea\xb0\x80",
    "\xee\x80\x80",
    "\xef\xb8\x8f",
    "\xef\xbf\xbd",
    "\xf0\x9d\x9f\x97",
    "\xf0\x9f\x98\x80",
    "\xf0\xa0\x80\x80",
};
enum { CHARACTERS = sizeof characters / sizeof *characters, TEXT_BYTES = 4096 };

#define CONTRACTION "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define SPACES      "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define HIGH        "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOW         "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define BEFORE      "[^\\r\\n\\p{L}\\p{N}]?"

static const char *const patterns[] = {
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
    CONTRACTION "|" BEFORE "\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" SPACES,
    CONTRACTION "|" BEFORE "\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" SPACES,
    BEFORE HIGH "*" LOW "+" CONTRACTION "?|" BEFORE HIGH "+" LOW "*" CONTRACTION
                "?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" SPACES,
    BEFORE HIGH "*" LOW "+|" BEFORE HIGH "+" LOW "*|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" SPACES,
    "\\p{N}{1,3}",
    "\\p{N}",
    "[\xe4\xb8\x80-\xe9\xbe\xa5\xe3\x81\x80-\xe3\x82\x9f\xe3\x82\xa0-\xe3\x83\xbf]+",
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?"
    "[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|" SPACES,
};
enum { PATTERNS = sizeof patterns / sizeof *patterns };
static struct tkp_pattern *compiled[PATTERNS];
static tkp_scan *scans[PATTERNS];
static struct tkp_pattern_scratch scratch;

static void stop(const char *what, const char *text, size_t len, size_t at)
{
    fprintf(stderr, "token_scan: %s at byte %zu of:", what, at);
    for (size_t i = 0; i < len; i++)
        fprintf(stderr, " %02x", (unsigned char)text[i]);
    fprintf(stderr, "\n");
    abort();
}

static void compile_all(void)
{
    for (size_t i = 0; i < PATTERNS; i++) {
        struct tokperf_error error = {0};
        struct tokperf_span text = {patterns[i], strlen(patterns[i])};
        scans[i] = tkp_pattern_known(text);
        if (!scans[i] || tkp_pattern_create(text, &compiled[i], &error) != TOKPERF_OK)
            stop(patterns[i], patterns[i], 0, 0);
    }
}

static void compare(size_t which, const char *text, size_t len)
{
    const char *end = text + len;
    for (const char *p = text; p < end;) {
        bool is_match;
        const char *begin, *match_end, *ours = scans[which](p, end, &is_match);
        if (tkp_pattern_find(compiled[which], &scratch, text, end, p, &begin, &match_end))
            stop("a match that takes too long", text, len, (size_t)(p - text));
        const char *theirs = !begin ? end : begin == p ? match_end : begin;
        if (ours != theirs || is_match != (begin == p))
            stop(patterns[which], text, len, (size_t)(p - text));
        p = ours;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[TEXT_BYTES]; /* an exact copy is made below */
    size_t len = 0;
    if (!compiled[0])
        compile_all();
    for (size_t i = 0; i < size && len + 4 <= TEXT_BYTES; i++) {
        const char *character = characters[data[i] % CHARACTERS];
        memcpy(text + len, character, strlen(character));
        len += strlen(character);
    }
    char *copy = malloc(len ? len : 1);
    if (!copy)
        return 0;
    memcpy(copy, text, len);
    for (size_t i = 0; i < PATTERNS; i++)
        compare(i, copy, len);
    free(copy);
    return 0;
}
