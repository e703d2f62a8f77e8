/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program's log: one line a call, to stderr (from a level on) and to the run's log file when it
 * is open. On stderr "tokperf: " and the text, in the file time, level, text; control bytes are
 * escaped. A reader of stderr that stands still delays it by 0.1 s at most, and then gets the
 * number of the lines that it did not; the file has them. [main] and other cold threads; a mutex
 * serialises, so never on a worker above debug.
 */
#ifndef TKP_BASE_LOG_H
#define TKP_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <tokperf/base.h>

enum tkp_log_level { TKP_LOG_ERROR = 1, TKP_LOG_WARNING, TKP_LOG_INFO, TKP_LOG_DEBUG };

void tkp_log_set_level(enum tkp_log_level stderr_level);
/* From here on every level up to debug also goes to fd, which the log then owns (-1 closes). */
void tkp_log_set_file(int fd);
/* Called before and after a line on stderr, so that a live status line can step aside. NULL: none.
 */
void tkp_log_set_screen_hooks(void (*before)(void *), void (*after)(void *), void *context);
/* Calls draw with the log's mutex held, so that no line comes in between: what changes the state of
 * the hooks belongs in there. It must not log. */
void tkp_log_screen(void (*draw)(void *), void *context);
void tkp_log(enum tkp_log_level level, const char *format, ...) TOKPERF_PRINTF(2, 3);
bool tkp_log_level_parse(const char *name,
                         enum tkp_log_level *level); /* error warning info debug */

#endif
