/* SPDX-License-Identifier: Apache-2.0 */
/* See process_begin.h. */
#include <base/process_begin.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

enum { STAT_BYTES = 1024, FIELDS_BEFORE = 20 /* behind the name, and before the begin */ };

uint64_t tkp_process_begin_ticks(int64_t pid)
{
    char path[64], stat[STAT_BYTES];
    if (pid <= 0 || pid != (int64_t)(pid_t)pid)
        return 0;
    snprintf(path, sizeof path, "/proc/%" PRId64 "/stat", pid);
    FILE *file = fopen(path, "re");
    size_t len = file ? fread(stat, 1, sizeof stat - 1, file) : 0;
    if (file)
        fclose(file);
    stat[len] = '\0';
    const char *at = strrchr(stat, ')'); /* the name may have blanks and parentheses */
    if (!at || !at[1] || !at[2] || strchr("ZX", at[2]))
        return 0;
    for (int i = 0; i < FIELDS_BEFORE && at; i++)
        at = strchr(at + 1, ' ');
    return at ? strtoull(at, NULL, 10) : 0; /* the kernel's own number */
}
