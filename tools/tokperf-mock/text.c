/* SPDX-License-Identifier: Apache-2.0 */
/* The words. Some are JSON escapes (a surrogate pair too) and some are not ASCII, so that readers
 * are tried on all of these; none holds white space, so tokens and words are the same number. */
#include "text.h"

#include <string.h>

#define WORD(text)             \
    {                          \
        text, sizeof(text) - 1 \
    }

static const struct tkp_mock_slice words[TKP_MOCK_TEXT_WORDS] = {
    WORD(" the"),
    WORD(" river"),
    WORD(" carries"),
    WORD(" light"),
    WORD(" over"),
    WORD(" smooth"),
    WORD(" stones"),
    WORD(" and"),
    WORD(" every"),
    WORD(" morning"),
    WORD(" someone"),
    WORD(" in"),
    WORD(" the"),
    WORD(" caf\xc3\xa9"),
    WORD(" says"),
    WORD(" \\\"good\\\""),
    WORD(" words"),
    WORD(" about"),
    WORD(" weather"),
    WORD(" while"),
    WORD(" trains"),
    WORD(" leave"),
    WORD(" for"),
    WORD(" M\\u00fcnchen"),
    WORD(" or"),
    WORD(" \xe6\x9d\xb1\xe4\xba\xac"),
    WORD(" at"),
    WORD(" half"),
    WORD(" past"),
    WORD(" seven"),
    WORD(" \\ud83d\\ude80"),
    WORD(" then"),
    WORD(" clouds"),
    WORD(" gather"),
    WORD(" slowly"),
    WORD(" above"),
    WORD(" green"),
    WORD(" fields"),
    WORD(" where"),
    WORD(" horses"),
    WORD(" walk"),
    WORD(" along"),
    WORD(" a"),
    WORD(" path"),
    WORD(" named"),
    WORD(" C:\\\\old"),
    WORD(" by"),
    WORD(" nobody"),
    WORD(" who"),
    WORD(" could"),
    WORD(" tell"),
    WORD(" why"),
    WORD(" it"),
    WORD(" costs"),
    WORD(" 12\xe2\x82\xac"),
    WORD(" to"),
    WORD(" watch"),
    WORD(" them"),
    WORD(" turn"),
    WORD(" back"),
    WORD(" before"),
    WORD(" evening"),
    WORD(" comes"),
    WORD(" again."),
};

enum { WORD_BYTES_MAX = 16 };

void tkp_mock_text_add(struct tkp_mock_buffer *out, uint64_t first, uint64_t count)
{
    if (count == 0 || out->failed ||
        !tkp_mock_buffer_reserve(out, (size_t)count * WORD_BYTES_MAX)) {
        return;
    }
    char *at = out->data + out->len;
    for (uint64_t i = first; i < first + count; i++) {
        struct tkp_mock_slice word = words[i % TKP_MOCK_TEXT_WORDS];
        size_t skip = i == 0;
        memcpy(at, word.data + skip, word.len - skip);
        at += word.len - skip;
    }
    out->len = (size_t)(at - out->data);
}
