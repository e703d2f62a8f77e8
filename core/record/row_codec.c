/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A row as bytes. One list of fields gives the bits of the mask, the encoder, the decoder and the
 * longest row. The order of the list is the format (docs/records.md): fields are only ever added
 * at its end. What a row leaves at its default costs nothing but its bit.
 */
#include <record/row_codec.h>

/* Kinds: UINT varint, default 0; INT zigzag, default 0; HASH 8 bytes, default 0; COUNT zigzag,
 * default -1; TIME zigzag distance to the time before in this list that is present (to base_ns for
 * the first), default 0; TEXT length and bytes, default empty. */
#define ROW_FIELDS(UINT, INT, HASH, COUNT, TIME, TEXT) \
    UINT(ordinal)                                      \
    UINT(draw)                                         \
    UINT(dataset_row)                                  \
    HASH(prompt_hash)                                  \
    UINT(phase)                                        \
    UINT(worker)                                       \
    UINT(url_index)                                    \
    UINT(turn_index)                                   \
    UINT(outcome)                                      \
    UINT(flags)                                        \
    INT(http_status)                                   \
    UINT(retries)                                      \
    TIME(start_ns)                                     \
    TIME(intended_ns)                                  \
    TIME(ready_ns)                                     \
    TIME(connect_start_ns)                             \
    TIME(connect_end_ns)                               \
    TIME(send_start_ns)                                \
    TIME(send_end_ns)                                  \
    TIME(first_byte_ns)                                \
    TIME(first_token_ns)                               \
    TIME(first_output_token_ns)                        \
    TIME(second_token_ns)                              \
    TIME(last_token_ns)                                \
    TIME(end_ns)                                       \
    UINT(sent_bytes)                                   \
    UINT(received_bytes)                               \
    UINT(text_bytes)                                   \
    UINT(chunk_count)                                  \
    UINT(coalesced_count)                              \
    COUNT(input_tokens_asked)                          \
    COUNT(output_tokens_asked)                         \
    COUNT(first_chunk_tokens)                          \
    COUNT(usage.prompt_tokens)                         \
    COUNT(usage.completion_tokens)                     \
    COUNT(usage.total_tokens)                          \
    COUNT(usage.reasoning_tokens)                      \
    COUNT(usage.prompt_cache_read_tokens)              \
    COUNT(usage.prompt_cache_write_tokens)             \
    COUNT(usage.prompt_cache_miss_tokens)              \
    COUNT(usage.prompt_audio_tokens)                   \
    COUNT(usage.completion_audio_tokens)               \
    COUNT(usage.accepted_prediction_tokens)            \
    COUNT(usage.rejected_prediction_tokens)            \
    COUNT(usage.tool_use_prompt_tokens)                \
    COUNT(usage.prompt_audio_ms)                       \
    COUNT(usage.reserved[0])                           \
    COUNT(usage.reserved[1])                           \
    COUNT(usage.reserved[2])                           \
    TEXT(finish_reason)                                \
    TEXT(error_type)                                   \
    TEXT(error_message)                                \
    UINT(read_delay_ns)                                \
    UINT(write_count)                                  \
    UINT(read_count)                                   \
    UINT(kept_bytes)                                   \
    COUNT(counted_input)                               \
    COUNT(counted_output)                              \
    COUNT(counted_reasoning)                           \
    TIME(tls_start_ns)

/* The last bit of the mask: chunk times follow. */
#define HAS_TIMES (UINT64_C(1) << 63)

#define SIZE_NUMBER(f) +TKP_VARINT_MAX_BYTES
#define SIZE_HASH(f)   +8
#define SIZE_TEXT(f)   +(int)sizeof((struct tkp_row *)0)->f + 1
#define COUNT_ONE(f)   +1
enum {
    LENGTH_BYTES = 2, /* of what follows: mask and fields */
    HEAD_BYTES = LENGTH_BYTES + 8,
    FIELD_COUNT = ROW_FIELDS(COUNT_ONE, COUNT_ONE, COUNT_ONE, COUNT_ONE, COUNT_ONE, COUNT_ONE),
    LONGEST_BYTES = HEAD_BYTES ROW_FIELDS(SIZE_NUMBER, SIZE_NUMBER, SIZE_HASH, SIZE_NUMBER,
                                          SIZE_NUMBER, SIZE_TEXT)
};
_Static_assert((int)LONGEST_BYTES <= (int)TKP_ROW_MAX_BYTES, "the longest row fits its bound");
_Static_assert(FIELD_COUNT < 63, "every field has a bit");

static unsigned char *put_text(unsigned char *out, const char *text, size_t len)
{
    out = tkp_varint_put(out, len);
    memcpy(out, text, len);
    return out + len;
}

unsigned char *tkp_row_encode(unsigned char *out, const struct tkp_row *row, uint64_t base_ns,
                              bool has_times)
{
    uint64_t mask = has_times ? HAS_TIMES : 0;
    uint64_t bit = 1; /* a constant in every step once the compiler is done */
    unsigned char *p = out + HEAD_BYTES;
#define PUT_IF(present, write) \
    if (present) {             \
        mask |= bit;           \
        write;                 \
    }                          \
    bit <<= 1;
#define PUT_UINT(f)  PUT_IF(row->f, p = tkp_varint_put(p, row->f))
#define PUT_INT(f)   PUT_IF(row->f, p = tkp_varint_put(p, tkp_zigzag((uint64_t)row->f)))
#define PUT_HASH(f)  PUT_IF(row->f, memcpy(p, &row->f, 8); p += 8)
#define PUT_COUNT(f) PUT_IF(row->f != -1, p = tkp_varint_put(p, tkp_zigzag((uint64_t)row->f)))
#define PUT_TIME(f) \
    PUT_IF(row->f, p = tkp_varint_put(p, tkp_zigzag(row->f - base_ns)); base_ns = row->f)
#define PUT_TEXT(f) PUT_IF(row->f[0], p = put_text(p, row->f, strnlen(row->f, sizeof row->f - 1)))
    ROW_FIELDS(PUT_UINT, PUT_INT, PUT_HASH, PUT_COUNT, PUT_TIME, PUT_TEXT)
    uint16_t len = (uint16_t)(p - out - LENGTH_BYTES);
    memcpy(out, &len, sizeof len);
    memcpy(out + LENGTH_BYTES, &mask, sizeof mask);
    return p;
}

static uint32_t get_uint32(struct tkp_cursor *in)
{
    uint64_t value = tkp_varint_get(in);
    if (value > UINT32_MAX)
        in->bad = true;
    return (uint32_t)value;
}

static int32_t get_int32(struct tkp_cursor *in)
{
    int64_t value = (int64_t)tkp_zigzag_undo(tkp_varint_get(in));
    if (value < INT32_MIN || value > INT32_MAX) {
        in->bad = true;
        return 0;
    }
    return (int32_t)value;
}

static int64_t get_int64(struct tkp_cursor *in)
{
    return (int64_t)tkp_zigzag_undo(tkp_varint_get(in));
}

/* Leaves out, which is zeroed, NUL-terminated. */
static void get_text(struct tkp_cursor *in, char *out, size_t capacity)
{
    uint64_t len = tkp_varint_get(in);
    if (len >= capacity)
        in->bad = true;
    else
        tkp_cursor_copy(in, out, (size_t)len);
}

/* The fields whose bits are in mask; row holds the defaults. */
static void get_fields(struct tkp_cursor *in, uint64_t mask, uint64_t base_ns, struct tkp_row *row)
{
#define GET_IF(read) \
    if (mask & 1) {  \
        read;        \
    }                \
    mask >>= 1;
#define GET_UINT(f)  GET_IF(row->f = sizeof row->f == 4 ? get_uint32(in) : tkp_varint_get(in))
#define GET_INT(f)   GET_IF(row->f = get_int32(in))
#define GET_HASH(f)  GET_IF(tkp_cursor_copy(in, &row->f, 8))
#define GET_COUNT(f) GET_IF(row->f = get_int64(in))
#define GET_TIME(f)  GET_IF(base_ns += tkp_zigzag_undo(tkp_varint_get(in)); row->f = base_ns)
#define GET_TEXT(f)  GET_IF(get_text(in, row->f, sizeof row->f))
    ROW_FIELDS(GET_UINT, GET_INT, GET_HASH, GET_COUNT, GET_TIME, GET_TEXT)
}

static void set_defaults(struct tkp_row *row)
{
    memset(row, 0, sizeof *row);
#define NO_DEFAULT(f)
#define DEFAULT_COUNT(f) row->f = -1;
    ROW_FIELDS(NO_DEFAULT, NO_DEFAULT, NO_DEFAULT, DEFAULT_COUNT, NO_DEFAULT, NO_DEFAULT)
}

bool tkp_row_decode(struct tkp_cursor *in, uint64_t base_ns, struct tkp_row *row,
                    uint32_t *time_count)
{
    uint16_t len;
    uint64_t mask;
    tkp_cursor_copy(in, &len, sizeof len);
    if (in->bad || in->end - in->at < len)
        return false;
    struct tkp_cursor fields = {in->at, in->at + len, false};
    in->at += len; /* a later writer's fields, behind those that are known, are passed over */
    tkp_cursor_copy(&fields, &mask, sizeof mask);
    set_defaults(row);
    get_fields(&fields, mask, base_ns, row);
    *time_count = 0;
    if (mask & HAS_TIMES)
        *time_count =
            row->chunk_count < TKP_ROW_MAX_CHUNK_TIMES ? row->chunk_count : TKP_ROW_MAX_CHUNK_TIMES;
    return !fields.bad;
}
