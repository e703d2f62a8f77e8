/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See joints.h. Tokens of a byte-level model may begin or end inside of a character; such a part is
 * entered by its last or first byte alone, so that every character with that byte counts as it.
 */
#include <token/joints.h>

#include <base/utf8.h>
#include <stdlib.h>
#include <token/unicode.h>

/* Beyond every code point: parts of characters, by a byte. */
enum { TAIL = 0x200000, HEAD = 0x300000 };

static uint32_t filter_bit(uint32_t left, uint32_t right)
{
    uint64_t pair = (uint64_t)left << 32 | right;
    return (uint32_t)((pair * 0x9e3779b97f4a7c15u) >> (64 - TKP_JOINTS_BITS));
}

static bool is_set(const struct tkp_joints *j, uint32_t left, uint32_t right)
{
    uint32_t bit = filter_bit(left, right);
    return j->filter[bit >> 6] >> (bit & 63) & 1;
}

static void enter(struct tkp_joints *j, uint32_t left, uint32_t right)
{
    if (left < 0x80 && right < 0x80) {
        j->ascii[left][right >> 6] |= (uint64_t)1 << (right & 63);
        return;
    }
    if (left >= TAIL)
        j->tail_bytes[left & 0xff] = 1;
    if (right >= HEAD)
        j->head_bytes[right & 0xff] = 1;
    uint32_t bit = filter_bit(left, right);
    j->filter[bit >> 6] |= (uint64_t)1 << (bit & 63);
}

/* The character at data, or the part of one: continuation bytes at a token's begin, or a sequence
 * that its end cuts off. */
static uint32_t unit_at(const unsigned char *data, size_t len, size_t *unit_len)
{
    if (data[0] >= 0x80 && data[0] < 0xc0) {
        *unit_len = 1;
        return TAIL | data[0];
    }
    bool valid;
    *unit_len = tkp_utf8_step((const char *)data, len, &valid);
    return valid ? tkp_unicode_decode((const char *)data, unit_len) : (uint32_t)HEAD | data[0];
}

static void enter_token(struct tkp_joints *j, const unsigned char *data, size_t len)
{
    size_t unit_len;
    uint32_t left = unit_at(data, len, &unit_len);
    for (size_t at = unit_len; at < len; at += unit_len) {
        uint32_t right = unit_at(data + at, len - at, &unit_len);
        /* a part behind a part of the same character is no place between characters */
        if (right < TAIL || right >= HEAD)
            enter(j, left, right);
        left = right;
    }
}

bool tkp_joints_init(struct tkp_joints *j, const struct tkp_vocabulary *vocabulary)
{
    *j = (struct tkp_joints){.filter = calloc((size_t)1 << (TKP_JOINTS_BITS - 6), 8)};
    if (!j->filter)
        return false;
    for (uint32_t id = 0; id < vocabulary->id_end; id++) {
        struct tokperf_span token = tkp_vocabulary_get(vocabulary, id);
        if (token.len > 1)
            enter_token(j, (const unsigned char *)token.data, token.len);
    }
    return true;
}

void tkp_joints_finish(struct tkp_joints *j)
{
    free(j->filter);
    *j = (struct tkp_joints){.filter = NULL};
}

static bool is_joint(const struct tkp_joints *j, uint32_t left, uint32_t right, const char *place)
{
    if (left < 0x80 && right < 0x80)
        return j->ascii[left][right >> 6] >> (right & 63) & 1;
    if (is_set(j, left, right))
        return true;
    uint32_t tail = (unsigned char)place[-1], head = (unsigned char)place[0];
    bool may_tail = left >= 0x80 && j->tail_bytes[tail],
         may_head = right >= 0x80 && j->head_bytes[head];
    if (may_head && is_set(j, left, HEAD | head))
        return true;
    if (may_tail && is_set(j, TAIL | tail, right))
        return true;
    return may_head && may_tail && is_set(j, TAIL | tail, HEAD | head);
}

const char *tkp_joints_next(const struct tkp_joints *j, const char *begin, const char *end)
{
    size_t len;
    uint32_t left = tkp_unicode_decode(begin, &len);
    const char *p = begin + len;
    while (p < end) {
        uint32_t right = tkp_unicode_decode(p, &len);
        if (!is_joint(j, left, right, p))
            return p;
        left = right;
        p += len;
    }
    return end;
}
