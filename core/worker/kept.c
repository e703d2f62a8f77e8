/* SPDX-License-Identifier: Apache-2.0 */
/* The buffer begins with where its last run begins, which grows in place. */
#include <worker/kept.h>

#include <record/kept_text.h>
#include <string.h>

struct front {
    uint32_t run_at; /* of the last run's head */
    uint32_t tag;    /* of it; 0: there is none */
};

static uint32_t run_bytes(const struct tkp_spill *kept, struct front front)
{
    return (uint32_t)(kept->len - front.run_at - TKP_KEPT_HEAD_BYTES);
}

static bool begin(struct tkp_spill_pool *pool, struct tkp_spill **kept)
{
    struct front front = {sizeof front, 0};
    return tkp_spill_append(pool, kept, (const char *)&front, sizeof front);
}

bool tkp_kept_add(struct tkp_spill_pool *pool, struct tkp_spill **kept, uint32_t tag,
                  struct tokperf_span text)
{
    struct front front;
    if (!*kept && !begin(pool, kept))
        return false;
    struct tkp_spill *spill = *kept;
    if (text.len > TKP_KEPT_MAX_BYTES || spill->len + text.len > TKP_KEPT_MAX_BYTES ||
        !tkp_spill_reserve(pool, spill, TKP_KEPT_HEAD_BYTES + text.len))
        return false;
    memcpy(&front, spill->data, sizeof front);
    if (front.tag != tag) {
        front = (struct front){(uint32_t)spill->len, tag};
        spill->len += TKP_KEPT_HEAD_BYTES;
        memcpy(spill->data, &front, sizeof front);
    }
    memcpy(spill->data + spill->len, text.data, text.len);
    spill->len += text.len;
    tkp_kept_put_head(spill->data + front.run_at, tag, run_bytes(spill, front));
    return true;
}

struct tokperf_span tkp_kept_texts(const struct tkp_spill *kept)
{
    if (!kept)
        return (struct tokperf_span){NULL, 0};
    return (struct tokperf_span){kept->data + sizeof(struct front),
                                 kept->len - sizeof(struct front)};
}
