/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32C (Castagnoli, RFC 3720 appendix B.4), by SSE4.2 where the processor has it. [any] */
#ifndef TKP_BASE_CRC32C_H
#define TKP_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Continues from crc (0 to begin). */
uint32_t tkp_crc32c(uint32_t crc, const void *data, size_t len);

#endif
