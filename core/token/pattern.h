/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular expressions of tokenizers. The known ones have scanners of their own (scan.h); others run
 * on PCRE2 with JIT, rewritten where its syntax means something else than the reference's
 * (Oniguruma), and refused where that cannot be done. Categories and scripts of unicode.h are
 * the reference's; others are as PCRE2's tables have them, which are older.
 */
#ifndef TKP_TOKEN_PATTERN_H
#define TKP_TOKEN_PATTERN_H

#include <stdbool.h>
#include <token/scan.h>
#include <tokperf/base.h>

/* The scanner of a known pattern, or NULL. */
tkp_scan *tkp_pattern_known(struct tokperf_span pattern);

struct tkp_pattern; /* immutable, shared by threads */
tokperf_status tkp_pattern_create(struct tokperf_span text, struct tkp_pattern **out,
                                  struct tokperf_error *error);
/* Whether it has a category or script that is left to PCRE2's older tables. */
bool tkp_pattern_has_old_class(const struct tkp_pattern *pattern);
void tkp_pattern_destroy(struct tkp_pattern *pattern);

/* One thread's. Zeroed to begin with. */
struct tkp_pattern_scratch {
    void *match_data, *match_context, *jit_stack;
};
void tkp_pattern_scratch_finish(struct tkp_pattern_scratch *scratch);

/* The first match in begin..end at or behind `from`. OK with *match_begin NULL where there is none;
 * TOKPERF_E_LIMIT when the pattern takes too long, TOKPERF_E_NO_MEMORY. */
tokperf_status tkp_pattern_find(const struct tkp_pattern *pattern,
                                struct tkp_pattern_scratch *scratch, const char *begin,
                                const char *end, const char *from, const char **match_begin,
                                const char **match_end);

#endif
