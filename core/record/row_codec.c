/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A row as bytes. One list of fields gives the bits of the mask, the encoder, the decoder and the
 * longest row. The order of the list is the format (docs/records.md): fields are only ever added
 * at its end. What a row leaves at its default costs nothing but its bit.
 */
#include <record/row_codec.h>

#include <stddef.h>

/* Kinds: UINT varint, default 0; INT zigzag, default 0; HASH 8 bytes, default 0; COUNT zigzag,
 * default -1; TIME zigzag distance to the time before in this list that is present (to base_ns for
 * the first), default 0; TEXT length and bytes, default empty; ERROR a text of the row's error. */
#define ROW_FIELDS(UINT, INT, HASH, COUNT, TIME, TEXT, ERROR) \
    UINT(ordinal)                                             \
    UINT(draw)                                                \
    UINT(dataset_row)                                         \
    HASH(prompt_hash)                                         \
    UINT(phase)                                               \
    UINT(worker)                                              \
    UINT(url_index)                                           \
    UINT(turn_index)                                          \
    UINT(outcome)                                             \
    UINT(flags)                                               \
    INT(http_status)                                          \
    UINT(retries)                                             \
    TIME(start_ns)                                            \
    TIME(intended_ns)                                         \
    TIME(ready_ns)                                            \
    TIME(connect_start_ns)                                    \
    TIME(connect_end_ns)                                      \
    TIME(send_start_ns)                                       \
    TIME(send_end_ns)                                         \
    TIME(first_byte_ns)                                       \
    TIME(first_token_ns)                                      \
    TIME(first_output_token_ns)                               \
    TIME(second_token_ns)                                     \
    TIME(last_token_ns)                                       \
    TIME(end_ns)                                              \
    UINT(sent_bytes)                                          \
    UINT(received_bytes)                                      \
    UINT(text_bytes)                                          \
    UINT(chunk_count)                                         \
    UINT(coalesced_count)                                     \
    COUNT(input_tokens_asked)                                 \
    COUNT(output_tokens_asked)                                \
    COUNT(first_chunk_tokens)                                 \
    COUNT(usage.prompt_tokens)                                \
    COUNT(usage.completion_tokens)                            \
    COUNT(usage.total_tokens)                                 \
    COUNT(usage.reasoning_tokens)                             \
    COUNT(usage.prompt_cache_read_tokens)                     \
    COUNT(usage.prompt_cache_write_tokens)                    \
    COUNT(usage.prompt_cache_miss_tokens)                     \
    COUNT(usage.prompt_audio_tokens)                          \
    COUNT(usage.completion_audio_tokens)                      \
    COUNT(usage.accepted_prediction_tokens)                   \
    COUNT(usage.rejected_prediction_tokens)                   \
    COUNT(usage.tool_use_prompt_tokens)                       \
    COUNT(usage.prompt_audio_ms)                              \
    COUNT(usage.reserved[0])                                  \
    COUNT(usage.reserved[1])                                  \
    COUNT(usage.reserved[2])                                  \
    TEXT(finish_reason)                                       \
    ERROR(type)                                               \
    ERROR(message)                                            \
    UINT(read_delay_ns)                                       \
    UINT(write_count)                                         \
    UINT(read_count)                                          \
    UINT(kept_bytes)                                          \
    COUNT(counted_input)                                      \
    COUNT(counted_output)                                     \
    COUNT(counted_reasoning)                                  \
    TIME(tls_start_ns)                                        \
    UINT(retry_after_s)                                       \
    TIME(last_byte_ns)

/* The last bit of the mask: chunk times follow. */
#define HAS_TIMES (UINT64_C(1) << 63)

#define SIZE_NUMBER(f) +TKP_VARINT_MAX_BYTES
#define SIZE_HASH(f)   +8
#define SIZE_TEXT(f)   +(int)sizeof((struct tkp_row *)0)->f + 1
#define SIZE_ERROR(f)  +(int)sizeof((struct tkp_row_error *)0)->f + 1
#define COUNT_ONE(f)   +1
enum {
    LENGTH_BYTES = 2, /* of what follows: mask and fields */
    HEAD_BYTES = LENGTH_BYTES + 8,
    FIELD_COUNT =
        ROW_FIELDS(COUNT_ONE, COUNT_ONE, COUNT_ONE, COUNT_ONE, COUNT_ONE, COUNT_ONE, COUNT_ONE),
    LONGEST_BYTES = HEAD_BYTES ROW_FIELDS(SIZE_NUMBER, SIZE_NUMBER, SIZE_HASH, SIZE_NUMBER,
                                          SIZE_NUMBER, SIZE_TEXT, SIZE_ERROR)
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
#define PUT_ERROR(f)                       \
    PUT_IF(row->error && row->error->f[0], \
           p = put_text(p, row->error->f, strnlen(row->error->f, sizeof row->error->f - 1)))
    ROW_FIELDS(PUT_UINT, PUT_INT, PUT_HASH, PUT_COUNT, PUT_TIME, PUT_TEXT, PUT_ERROR)
    uint16_t len = (uint16_t)(p - out - LENGTH_BYTES);
    memcpy(out, &len, sizeof len);
    memcpy(out + LENGTH_BYTES, &mask, sizeof mask);
    return p;
}

/* ---- decoding: the fields whose bits are set, by a table of the same list ---- */

enum field_kind {
    FIELD_UINT32,
    FIELD_UINT64,
    FIELD_INT32,
    FIELD_HASH,
    FIELD_COUNT64,
    FIELD_TIME,
    FIELD_TEXT,
    FIELD_ERROR
};

struct field {
    uint16_t offset, bytes; /* in struct tkp_row, or of an ERROR in struct tkp_row_error */
    uint32_t kind;          /* enum field_kind */
};

#define FIELD(f, its_kind) {offsetof(struct tkp_row, f), sizeof((struct tkp_row *)0)->f, its_kind},
#define FIELD_OF_UINT(f)   FIELD(f, sizeof((struct tkp_row *)0)->f == 4 ? FIELD_UINT32 : FIELD_UINT64)
#define FIELD_OF_INT(f)    FIELD(f, FIELD_INT32)
#define FIELD_OF_HASH(f)   FIELD(f, FIELD_HASH)
#define FIELD_OF_COUNT(f)  FIELD(f, FIELD_COUNT64)
#define FIELD_OF_TIME(f)   FIELD(f, FIELD_TIME)
#define FIELD_OF_TEXT(f)   FIELD(f, FIELD_TEXT)
#define FIELD_OF_ERROR(f) \
    {offsetof(struct tkp_row_error, f), sizeof((struct tkp_row_error *)0)->f, FIELD_ERROR},
static const struct field row_fields[FIELD_COUNT] = {
    ROW_FIELDS(FIELD_OF_UINT, FIELD_OF_INT, FIELD_OF_HASH, FIELD_OF_COUNT, FIELD_OF_TIME,
               FIELD_OF_TEXT, FIELD_OF_ERROR)};

static void get_text(struct tkp_cursor *in, char *out, size_t capacity)
{
    uint64_t len = tkp_varint_get(in);
    if (len >= capacity) {
        in->bad = true;
        return;
    }
    tkp_cursor_copy(in, out, (size_t)len);
    out[len] = '\0';
}

static void get_field(struct tkp_cursor *in, const struct field *field, uint64_t *base_ns,
                      unsigned char *out)
{
    if (field->kind == FIELD_HASH) {
        tkp_cursor_copy(in, out, field->bytes);
        return;
    }
    if (field->kind == FIELD_TEXT) {
        get_text(in, (char *)out, field->bytes);
        return;
    }
    uint64_t value = tkp_varint_get(in);
    if (field->kind == FIELD_TIME)
        value = *base_ns += tkp_zigzag_undo(value);
    else if (field->kind == FIELD_INT32 || field->kind == FIELD_COUNT64)
        value = tkp_zigzag_undo(value);
    in->bad |= field->kind == FIELD_UINT32 && value > UINT32_MAX;
    in->bad |=
        field->kind == FIELD_INT32 && ((int64_t)value < INT32_MIN || (int64_t)value > INT32_MAX);
    if (field->bytes == sizeof value) {
        memcpy(out, &value, sizeof value);
    } else {
        uint32_t low = (uint32_t)value;
        memcpy(out, &low, sizeof low);
    }
}

/* A text of the row's error, which then is `error`. */
static void get_error(struct tkp_cursor *in, const struct field *field, struct tkp_row *row,
                      struct tkp_row_error *error)
{
    if (!row->error)
        error->type[0] = error->message[0] = '\0';
    row->error = error;
    get_text(in, (char *)error + field->offset, field->bytes);
}

/* The fields whose bits are in mask; row holds the defaults. */
static void get_fields(struct tkp_cursor *in, uint64_t mask, uint64_t base_ns, struct tkp_row *row,
                       struct tkp_row_error *error)
{
    mask &= (UINT64_C(1) << FIELD_COUNT) - 1;
    for (; mask; mask &= mask - 1) {
        const struct field *field = &row_fields[__builtin_ctzll(mask)];
        if (field->kind == FIELD_ERROR)
            get_error(in, field, row, error);
        else
            get_field(in, field, &base_ns, (unsigned char *)row + field->offset);
    }
}

static void set_defaults(struct tkp_row *row)
{
    memset(row, 0, sizeof *row);
#define NO_DEFAULT(f)
#define DEFAULT_COUNT(f) row->f = -1;
    ROW_FIELDS(NO_DEFAULT, NO_DEFAULT, NO_DEFAULT, DEFAULT_COUNT, NO_DEFAULT, NO_DEFAULT,
               NO_DEFAULT)
}

bool tkp_row_decode(struct tkp_cursor *in, uint64_t base_ns, struct tkp_row *row,
                    struct tkp_row_error *error, uint32_t *time_count)
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
    get_fields(&fields, mask, base_ns, row, error);
    *time_count = 0;
    if (mask & HAS_TIMES)
        *time_count =
            row->chunk_count < TKP_ROW_MAX_CHUNK_TIMES ? row->chunk_count : TKP_ROW_MAX_CHUNK_TIMES;
    return !fields.bad;
}
