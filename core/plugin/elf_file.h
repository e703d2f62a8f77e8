/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a file is before the dynamic linker sees it. [main]
 */
#ifndef TKP_PLUGIN_ELF_FILE_H
#define TKP_PLUGIN_ELF_FILE_H

#include <tokperf/base.h>

/* Whether the file is a shared object of this machine; the sentence says what it is instead. */
tokperf_status tkp_elf_check(const char *path, struct tokperf_error *error) TOKPERF_MUST_USE;

#endif
