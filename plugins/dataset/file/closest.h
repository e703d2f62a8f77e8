/* SPDX-License-Identifier: Apache-2.0 */
/* The name that a misspelt one was probably meant to be. */
#ifndef FILE_CLOSEST_H
#define FILE_CLOSEST_H

#include <tokperf/base.h>

/* Of the names (NULL-ended), the one closest to `word`, if it is close enough to be a slip: at most
 * a third of the letters wrong, one at least. Else NULL. */
const char *closest_name(struct tokperf_span word, const char *const *names);

#endif
