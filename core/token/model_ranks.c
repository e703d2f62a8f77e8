/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads files of tiktoken ranks. The format has neither pattern nor name, so that a vocabulary is
 * known by the checksum of its tokens. Each way to make a token of two others is a merge, with the
 * token's rank.
 */
#include <token/model_file.h>

#include <base/crc32c.h>
#include <base/error.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TOKEN_BYTES = 4096 };

/* Of the files that the packages of OpenAI's tiktoken fetch; the checksum is crc32c of each token's
 * length (one byte of it), bytes and rank (four bytes, little-endian), line by line. */
static const struct {
    const char *name;
    uint32_t count, checksum;
    tkp_scan *scan;
} known[] = {
    {"r50k_base", 50256, 0x28825d8a, tkp_scan_gpt2},
    {"p50k_base", 50280, 0xb99f4b44, tkp_scan_gpt2},
    {"cl100k_base", 100256, 0xa4dfe59c, tkp_scan_cl100k},
    {"o200k_base", 199998, 0x16908f01, tkp_scan_o200k},
    {"llama3", 128000, 0xb602d771, tkp_scan_cl100k}, /* tokenizer.model of Meta's own files */
};

struct line {
    char token[MAX_TOKEN_BYTES];
    size_t len;
    uint32_t rank;
};

/* RFC 4648 section 4. */
static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Decodes up to a space. Returns the place of the space, or NULL. */
static const char *decode(const char *p, const char *end, struct line *line)
{
    uint32_t bits = 0, held = 0;
    line->len = 0;
    for (; p < end && *p != ' '; p++) {
        int value = base64_value(*p);
        if (value < 0 && *p == '=')
            continue;
        if (value < 0 || line->len == MAX_TOKEN_BYTES)
            return NULL;
        bits = bits << 6 | (uint32_t)value;
        held += 6;
        if (held >= 8) {
            held -= 8;
            line->token[line->len++] = (char)(bits >> held);
        }
    }
    return p < end && line->len > 0 ? p : NULL;
}

/* The next line that is not empty. False at the end, or with *p NULL where it is malformed. */
static bool next_line(const char **p, const char *end, struct line *line)
{
    const char *at = *p;
    while (at < end && (*at == '\n' || *at == '\r'))
        at++;
    if (at == end)
        return false;
    *p = NULL;
    at = decode(at, end, line);
    uint64_t rank = 0;
    const char *digits = at ? ++at : NULL;
    for (; at && at < end && *at >= '0' && *at <= '9' && rank < TKP_VOCABULARY_MAX_IDS; at++)
        rank = 10 * rank + (uint64_t)(*at - '0');
    if (!at || at == digits || rank >= TKP_VOCABULARY_MAX_IDS ||
        (at < end && *at != '\n' && *at != '\r'))
        return false;
    line->rank = (uint32_t)rank;
    *p = at;
    return true;
}

struct extent {
    uint32_t count, bytes, id_end, checksum;
};

static tokperf_status measure(struct tokperf_span content, struct line *line, struct extent *extent,
                              struct tokperf_error *error)
{
    const char *p = content.data, *end = content.data + content.len;
    while (next_line(&p, end, line)) {
        unsigned char head[5] = {
            (unsigned char)line->len, (unsigned char)line->rank, (unsigned char)(line->rank >> 8),
            (unsigned char)(line->rank >> 16), (unsigned char)(line->rank >> 24)};
        extent->checksum = tkp_crc32c(extent->checksum, head, 1);
        extent->checksum = tkp_crc32c(extent->checksum, line->token, line->len);
        extent->checksum = tkp_crc32c(extent->checksum, head + 1, 4);
        extent->count++;
        extent->bytes += (uint32_t)line->len;
        if (line->rank >= extent->id_end)
            extent->id_end = line->rank + 1;
    }
    return p ? TOKPERF_OK
             : tkp_fail(
                   error, TOKPERF_E_PARSE,
                   "it is no tokenizer.json, and as a file of tiktoken ranks its line %u is not "
                   "a token in base64, a space and its rank",
                   extent->count + 1);
}

static bool fill_vocabulary(struct tkp_model *m, struct tokperf_span content, struct line *line,
                            const struct extent *extent)
{
    const char *p = content.data, *end = content.data + content.len;
    if (!tkp_vocabulary_init(&m->vocabulary, extent->count, extent->id_end, extent->bytes))
        return false;
    while (next_line(&p, end, line))
        if (!tkp_vocabulary_add(&m->vocabulary, line->rank, line->token, line->len))
            return false;
    for (int i = 0; i < 256; i++) {
        char byte = (char)i;
        m->byte_ids[i] = tkp_vocabulary_find(&m->vocabulary, &byte, 1);
        if (m->byte_ids[i] == TKP_NO_ID)
            return false;
    }
    return true;
}

/* Calls for each way to make a token of two others: counts, or adds to the merges. */
static uint32_t each_merge(struct tkp_model *m, bool add)
{
    uint32_t count = 0;
    for (uint32_t id = 0; id < m->vocabulary.id_end; id++) {
        struct tokperf_span token = tkp_vocabulary_get(&m->vocabulary, id);
        for (size_t cut = 1; cut < token.len; cut++) {
            uint32_t left = tkp_vocabulary_find(&m->vocabulary, token.data, cut);
            uint32_t right =
                left == TKP_NO_ID
                    ? TKP_NO_ID
                    : tkp_vocabulary_find(&m->vocabulary, token.data + cut, token.len - cut);
            if (right == TKP_NO_ID)
                continue;
            count++;
            if (add)
                (void)tkp_merges_add_ranked(&m->merges, left, right, id, id);
        }
    }
    return count;
}

tokperf_status tkp_model_read_ranks(struct tkp_model *model, struct tokperf_span content,
                                    tkp_scan **scan, const char **name, struct tokperf_error *error)
{
    struct line line;
    struct extent extent = {0, 0, 0, 0};
    *model = (struct tkp_model){.byte_level = true, .ignore_merges = true, .unknown_id = TKP_NO_ID};
    tokperf_status status = measure(content, &line, &extent, error);
    if (status != TOKPERF_OK)
        return status;
    *scan = NULL;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (known[i].count == extent.count && known[i].checksum == extent.checksum) {
            *scan = known[i].scan;
            *name = known[i].name;
        }
    }
    if (!*scan)
        return tkp_fail(error, TOKPERF_E_UNSUPPORTED,
                        "a file of %u tiktoken ranks (checksum %08x) whose pattern is not known: "
                        "r50k_base, p50k_base, cl100k_base, o200k_base and Llama 3's are; "
                        "take the model's "
                        "tokenizer.json instead",
                        extent.count, extent.checksum);
    bool done = fill_vocabulary(model, content, &line, &extent);
    uint32_t merges = done ? each_merge(model, false) : 0;
    uint32_t room = merges > extent.id_end ? merges : extent.id_end;
    done = done && tkp_merges_init(&model->merges, room);
    if (done)
        (void)each_merge(model, true);
    if (done && tkp_model_prepare(model))
        return TOKPERF_OK;
    tkp_model_finish(model);
    return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the tokenizer's model");
}
