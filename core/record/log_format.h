/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame of records.tkr as it lies on disk, shared by its writers and readers; docs/records.md
 * is the specification. Little endian, as the platform is.
 */
#ifndef TKP_RECORD_LOG_FORMAT_H
#define TKP_RECORD_LOG_FORMAT_H

#include <base/crc32c.h>
#include <string.h>

#define TKP_LOG_MAGIC "TKRB"
enum {
    TKP_LOG_VERSION = 1,                          /* of every kind that is known here */
    TKP_LOG_MAX_PAYLOAD_BYTES = 16 * 1024 * 1024, /* what a reader has to hold in memory */
    TKP_LOG_MAX_WORKERS = 4096,                   /* worker numbers of ROWS and CHUNKS are below */
    TKP_LOG_MAX_TIMES_HELD = 1 << 26,             /* chunk times of unfinished rows, all workers */
    TKP_LOG_MAX_TEXT_BYTES_HELD = 256 * 1024 * 1024 /* texts of rows that span blocks, likewise */
};

struct tkp_log_head {
    char magic[4];
    uint16_t kind, version;
    uint32_t length_bytes; /* of the payload, which follows */
    uint32_t crc32c;       /* of kind, version, length_bytes and the payload */
};
_Static_assert(sizeof(struct tkp_log_head) == 16, "no padding");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "structs are written as they lie");

/* How the payload of ROWS and CHUNKS begins. */
struct tkp_log_part {
    uint32_t worker;
    uint32_t sequence; /* of the worker's ROWS and CHUNKS blocks, from 0, without a gap */
};

static inline uint32_t tkp_log_checksum(const struct tkp_log_head *head, const void *payload)
{
    uint32_t crc = tkp_crc32c(0, &head->kind, 8);
    return tkp_crc32c(crc, payload, head->length_bytes);
}

#endif
