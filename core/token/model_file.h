/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the "model" of a tokenizer.json, and files of tiktoken ranks. Main thread. */
#ifndef TKP_TOKEN_MODEL_FILE_H
#define TKP_TOKEN_MODEL_FILE_H

#include <token/model.h>
#include <token/scan.h>
#include <tokperf/base.h>

/* json: the value of "model"; byte_level: what the pre_tokenizer says. The model is prepared. On
 * failure there is nothing to finish. */
tokperf_status tkp_model_read_json(struct tkp_model *model, struct tokperf_span json,
                                   bool byte_level, struct tokperf_error *error);

/* Lines of a token in base64, a space and its rank. *scan and *name: the pattern and name of the
 * vocabulary, which is known by its content; others fail. */
tokperf_status tkp_model_read_ranks(struct tkp_model *model, struct tokperf_span content,
                                    tkp_scan **scan, const char **name,
                                    struct tokperf_error *error);

#endif
