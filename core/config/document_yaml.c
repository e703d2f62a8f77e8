/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON as block YAML, as yaml.c and file.c read it: what looks like something else than text is
 * quoted, what YAML takes for a line break or does not print is escaped. [any]
 */
#include <config/document.h>

#include <base/json_scan.h>
#include <base/text.h>
#include <base/utf8.h>
#include <stdlib.h>
#include <string.h>

struct converter {
    struct tokperf_json scan;
    struct tkp_buffer *out;
};

static void put_indent(struct tkp_buffer *out, unsigned level)
{
    for (unsigned i = 0; i < level; i++)
        tkp_buffer_puts(out, "  ");
}

/* Text that means itself without quotes, in every YAML version. */
static bool is_plain(const char *text, size_t len)
{
    static const char *const words[] = {"null", "true", "false", "yes", "no", "on",
                                        "off",  "y",    "n",     "inf", "nan"};
    const struct tokperf_span span = {text, len};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (tkp_span_is_nocase(span, words[i]))
            return false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '/';
        bool is_other = (c >= '0' && c <= '9') || c == '-' || c == '.';
        if (!is_letter && (!is_other || !i))
            return false;
    }
    return len != 0;
}

/* One character of a double-quoted text (YAML 1.2.2, sections 5.1 and 5.7). */
static void put_character(struct tkp_buffer *out, const char *p, size_t len)
{
    const unsigned char *b = (const unsigned char *)p;
    unsigned scalar = b[0];
    if (len == 2)
        scalar = (b[0] & 0x1fu) << 6 | (b[1] & 0x3fu);
    else if (len == 3)
        scalar = (b[0] & 0x0fu) << 12 | (b[1] & 0x3fu) << 6 | (b[2] & 0x3fu);
    bool is_break = scalar == 0x2028 || scalar == 0x2029 || scalar == 0xfeff;
    if (len == 1 && (*p == '"' || *p == '\\'))
        tkp_buffer_printf(out, "\\%c", *p);
    else if (len == 1 && (scalar < 0x20 || scalar == 0x7f))
        tkp_buffer_printf(out, "\\x%02x", scalar);
    else if (len < 4 && ((scalar >= 0x80 && scalar < 0xa0) || is_break || scalar >= 0xfffe))
        tkp_buffer_printf(out, "\\u%04x", scalar);
    else
        tkp_buffer_append(out, p, len);
}

static void put_text(struct tkp_buffer *out, const char *text, size_t len, bool is_value)
{
    if (is_plain(text, len)) {
        tkp_buffer_append(out, text, len);
        return;
    }
    tkp_buffer_puts(out, "\"");
    for (size_t i = 0; i < len;) {
        bool valid = true;
        size_t step = tkp_utf8_step(text + i, len - i, &valid);
        if (is_value && len - i >= 2 && text[i] == '$' && text[i + 1] == '{')
            tkp_buffer_puts(out, "$"); /* $${ is how a file says ${ */
        if (valid)
            put_character(out, text + i, step);
        else
            tkp_buffer_puts(out, "\\ufffd");
        i += step;
    }
    tkp_buffer_puts(out, "\"");
}

/* The scanner's current key or string. */
static void put_scanned(struct converter *c, bool is_value)
{
    struct tokperf_span text = c->scan.text;
    uint64_t len = 0;
    char *plain = malloc(3 * text.len + 1);
    if (plain && tkp_json_unescape(text, plain, 3 * text.len, &len) == TOKPERF_OK)
        put_text(c->out, plain, len, is_value);
    else
        c->out->failed = true;
    free(plain);
}

static void put_value(struct converter *c, uint32_t token, unsigned level, bool is_item);

/* Members of a map: each on its line, the first one behind "- " when the map is a list's item. */
static void put_map(struct converter *c, unsigned level, bool is_item)
{
    uint32_t token = tkp_json_next(&c->scan);
    if (token != TOKPERF_JSON_KEY) {
        tkp_buffer_puts(c->out, " {}\n");
        return;
    }
    for (bool first = true; token == TOKPERF_JSON_KEY; first = false) {
        if (first && is_item)
            tkp_buffer_puts(c->out, " ");
        else if (first && level)
            tkp_buffer_puts(c->out, "\n");
        if (!first || !is_item)
            put_indent(c->out, level);
        put_scanned(c, false);
        tkp_buffer_puts(c->out, ":");
        put_value(c, tkp_json_next(&c->scan), level + 1, false);
        token = tkp_json_next(&c->scan);
    }
}

static void put_list(struct converter *c, unsigned level, bool is_item)
{
    uint32_t token = tkp_json_next(&c->scan);
    if (token == TOKPERF_JSON_ARRAY_END) {
        tkp_buffer_puts(c->out, " []\n");
        return;
    }
    for (bool first = true; token > TOKPERF_JSON_ERROR && token != TOKPERF_JSON_ARRAY_END;
         first = false) {
        if (first && is_item)
            tkp_buffer_puts(c->out, " ");
        else if (first)
            tkp_buffer_puts(c->out, "\n");
        if (!first || !is_item)
            put_indent(c->out, level);
        tkp_buffer_puts(c->out, "-");
        put_value(c, token, level + 1, true);
        token = tkp_json_next(&c->scan);
    }
}

/* What follows "key:" or "-", with its line end. Depth is bounded by the scanner's. */
static void put_value(struct converter *c, uint32_t token, unsigned level, bool is_item)
{
    if (token == TOKPERF_JSON_OBJECT_BEGIN) {
        put_map(c, level, is_item);
        return;
    }
    if (token == TOKPERF_JSON_ARRAY_BEGIN) {
        put_list(c, level, is_item);
        return;
    }
    tkp_buffer_puts(c->out, " ");
    if (token == TOKPERF_JSON_STRING)
        put_scanned(c, true);
    else if (token == TOKPERF_JSON_NUMBER)
        tkp_buffer_append(c->out, c->scan.text.data, c->scan.text.len);
    else if (token == TOKPERF_JSON_NULL)
        tkp_buffer_puts(c->out, "null");
    else
        tkp_buffer_puts(c->out, token == TOKPERF_JSON_TRUE ? "true" : "false");
    tkp_buffer_puts(c->out, "\n");
}

void tkp_document_yaml(struct tokperf_span text, struct tkp_buffer *out)
{
    struct converter c = {.out = out};
    tkp_json_open(&c.scan, text.data, text.len);
    if (tkp_json_next(&c.scan) == TOKPERF_JSON_OBJECT_BEGIN)
        put_map(&c, 0, false);
    else
        out->failed = true;
}
