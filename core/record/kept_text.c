/* SPDX-License-Identifier: Apache-2.0 */
/* Runs of kept text as bytes. Pure; any thread. */
#include <record/kept_text.h>

#include <string.h>

void tkp_kept_put_head(char *at, uint32_t tag, uint32_t len)
{
    at[0] = (char)tag;
    memcpy(at + 1, &len, sizeof len);
}

bool tkp_kept_next(struct tokperf_span *texts, struct tkp_kept_run *run)
{
    uint32_t len;
    if (texts->len < TKP_KEPT_HEAD_BYTES)
        return false;
    memcpy(&len, texts->data + 1, sizeof len);
    if (texts->len - TKP_KEPT_HEAD_BYTES < len)
        return false;
    run->tag = (unsigned char)texts->data[0];
    run->bytes = (struct tokperf_span){texts->data + TKP_KEPT_HEAD_BYTES, len};
    texts->data += TKP_KEPT_HEAD_BYTES + len;
    texts->len -= TKP_KEPT_HEAD_BYTES + len;
    return true;
}
