/* SPDX-License-Identifier: Apache-2.0 */
/* A 64-bit hash that tells prompts apart. Not for secrets: who wants a collision can make one.
 * [any] */
#ifndef TKP_DATASET_HASH_H
#define TKP_DATASET_HASH_H

#include <stdint.h>

uint64_t tkp_hash_bytes(const char *data, uint64_t len);

#endif
