/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds added tokens: leftmost, of those the longest, by a trie of bytes behind a search for the
 * bytes with which one begins.
 */
#include <token/added_tokens.h>

#include <stdlib.h>
#include <string.h>
#include <token/added_trie.h>
#include <token/unicode.h>

/* The first place at or behind p where a token may begin, or end. */
static const char *candidate(const struct tkp_added_set *set, const char *p, const char *end)
{
    if (set->first_count == 1) {
        const char *found = memchr(p, set->firsts[0], (size_t)(end - p));
        return found ? found : end;
    }
    if (set->first_count <= 4) {
        /* eight bytes at once: whether one equals any of the four (Hacker's Delight, 6-1) */
        const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
        for (uint64_t word; end - p >= 8; p += 8) {
            uint64_t hit = 0;
            memcpy(&word, p, 8);
            for (int i = 0; i < 4; i++) {
                uint64_t differ = word ^ (ones * set->firsts[i]);
                hit |= (differ - ones) & ~differ & highs;
            }
            if (hit)
                break;
        }
    }
    while (p < end && !set->first_bytes[(unsigned char)*p])
        p++;
    return p;
}

/* The character that ends at p, for text that begins before it. */
static uint32_t class_before(const char *p)
{
    size_t len;
    do
        p--;
    while (((unsigned char)*p & 0xc0) == 0x80);
    return tkp_unicode_class(tkp_unicode_decode(p, &len));
}

static uint32_t class_behind(const char *p)
{
    size_t len;
    return tkp_unicode_class(tkp_unicode_decode(p, &len));
}

static bool stands_alone(const char *begin, const char *end, const struct tkp_added_match *match)
{
    return (match->begin == begin || !(class_before(match->begin) & TKP_CLASS_WORD)) &&
           (match->end == end || !(class_behind(match->end) & TKP_CLASS_WORD));
}

static const char *without_space_before(const char *begin, const char *p)
{
    while (p > begin && (class_before(p) & TKP_CLASS_SPACE)) {
        do
            p--;
        while (((unsigned char)*p & 0xc0) == 0x80);
    }
    return p;
}

static const char *behind_space(const char *p, const char *end)
{
    for (size_t len; p < end; p += len)
        if (!(tkp_unicode_class(tkp_unicode_decode(p, &len)) & TKP_CLASS_SPACE))
            break;
    return p;
}

bool tkp_added_next(const struct tkp_added_tokens *added, const struct tkp_added_set *set,
                    const char *begin, const char *end, const char *taken, const char **from,
                    struct tkp_added_match *match)
{
    if (set->first_count == 0)
        return false;
    for (const char *p = *from; (p = candidate(set, p, end)) < end;) {
        uint32_t index = tkp_added_trie_longest(set, p, end);
        if (index == TKP_NO_ID) {
            p++;
            continue;
        }
        const struct tkp_added_token *token = &added->tokens[index];
        *match = (struct tkp_added_match){p, p + token->len, token->id};
        p = match->end; /* also past one that is then not taken */
        if (token->single_word && !stands_alone(begin, end, match))
            continue;
        *from = match->end;
        if (token->lstrip) {
            match->begin = without_space_before(begin, match->begin);
            match->begin = match->begin > taken ? match->begin : taken;
        }
        if (token->rstrip)
            match->end = behind_space(match->end, end);
        return true;
    }
    return false;
}

void tkp_added_tokens_finish(struct tkp_added_tokens *added)
{
    for (uint32_t i = 0; i < added->count; i++)
        free(added->tokens[i].content);
    free(added->tokens);
    free(added->raw.nodes);
    free(added->normalized.nodes);
    *added = (struct tkp_added_tokens){.count = 0};
}
