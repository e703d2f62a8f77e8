/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a record log: reading ends, within memory, and never crashes. The first byte of the
 * input chooses whether the checksums are made right, so that what lies behind them is reached too.
 */
#include <record/log.h>

#include <record/log_format.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Gives every block of the file a checksum that fits. */
static void mend_checksums(unsigned char *file, size_t size)
{
    for (size_t at = 0; size - at >= sizeof(struct tkp_log_head);) {
        struct tkp_log_head head;
        memcpy(&head, file + at, sizeof head);
        if (head.length_bytes > size - at - sizeof head)
            return;
        head.crc32c = tkp_log_checksum(&head, file + at + sizeof head);
        memcpy(file + at, &head, sizeof head);
        at += sizeof head + head.length_bytes;
    }
}

static void read_all(struct tkp_log_reader *reader)
{
    struct tkp_log_entry entry;
    struct tokperf_error error;
    uint64_t sum = 0;
    while (!tkp_log_next(reader, &entry, &error)) {
        for (uint32_t i = 0; i < entry.chunk_ns_count; i++)
            sum += entry.chunk_ns[i];
        for (uint64_t i = 0; i < entry.payload.len; i++)
            sum += (unsigned char)entry.payload.data[i];
    }
    if (sum == UINT64_MAX && tkp_log_is_torn(reader)) /* so that the reads are not left out */
        puts("a sum that no input is known to have");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    int fd = memfd_create("record_log", MFD_CLOEXEC);
    unsigned char *file = malloc(size);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct tkp_log_reader *reader = NULL;
    if (fd >= 0 && file) {
        memcpy(file, data + 1, size - 1);
        if (data[0] % 2)
            mend_checksums(file, size - 1);
        if (write(fd, file, size - 1) == (ssize_t)(size - 1) &&
            !tkp_log_open(path, &reader, NULL)) {
            read_all(reader);
            tkp_log_rewind(reader);
            read_all(reader);
        }
    }
    tkp_log_reader_close(reader);
    free(file);
    close(fd);
    return 0;
}
