/* SPDX-License-Identifier: Apache-2.0 */
/* Short texts about an option. No state. [any] */
#include <config/document_text.h>

#include <base/text.h>
#include <stdio.h>

void tkp_document_default(const struct tkp_option *row, char *out, size_t capacity)
{
    const char *text = row->fallback_note ? row->fallback_note : row->fallback;
    bool is_flag = row->type == TKP_TYPE_BOOLEAN && !row->fallback_note;
    const char *unit = row->type == TKP_TYPE_DURATION && !row->fallback_note ? " s" : "";
    snprintf(out, capacity, "%s%s", text && !is_flag ? text : "", text && !is_flag ? unit : "");
}

void tkp_document_range(const struct tkp_option *row, char *out, size_t capacity)
{
    char low[32], high[32];
    out[0] = '\0';
    if (!(row->maximum > row->minimum))
        return;
    tkp_text_from_double(low, sizeof low, row->minimum);
    tkp_text_from_double(high, sizeof high, row->maximum);
    const char *unit = row->unit ? row->unit : row->type == TKP_TYPE_DURATION ? "s" : "";
    snprintf(out, capacity, "%s..%s%s%s", low, high, unit[0] ? " " : "", unit);
}
