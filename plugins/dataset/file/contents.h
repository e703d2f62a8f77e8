/* SPDX-License-Identifier: Apache-2.0 */
/* What a turn is made of. */
#ifndef FILE_CONTENTS_H
#define FILE_CONTENTS_H

#include "fields.h"

/* Fills reading->content_list with the row's texts, images, audios and videos, in that order; none
 * is an error. */
tokperf_status contents_read(struct reading *reading, const struct fields *fields);

#endif
