/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members of a plan as JSON, in the form in which the configuration file has them: what reads them
 * back gives the same plan. Private to document_*.c. [main]
 */
#ifndef TKP_CONFIG_DOCUMENT_PUT_H
#define TKP_CONFIG_DOCUMENT_PUT_H

#include <base/json_write.h>
#include <config/options.h>
#include <config/plan.h>

void tkp_document_put_key(struct tokperf_json_writer *w, const char *key);
/* Begins it; its end is the caller's. */
void tkp_document_put_object(struct tokperf_json_writer *w, const char *key);
void tkp_document_put_number(struct tokperf_json_writer *w, const char *key, double value);
/* Not of 0. */
void tkp_document_put_count(struct tokperf_json_writer *w, const char *key, uint64_t value);
void tkp_document_put_bool(struct tokperf_json_writer *w, const char *key, bool value);
/* Seconds with every digit that the ns have. */
void tkp_document_put_seconds(struct tokperf_json_writer *w, const char *key, uint64_t ns);
/* The name of a choice: value is a plan enum that counts the row's choices from 1. */
void tkp_document_put_choice(struct tokperf_json_writer *w, const char *key, enum tkp_option_id id,
                             unsigned value);
/* Not of none. */
void tkp_document_put_list(struct tokperf_json_writer *w, const char *key, const char *const *list,
                           uint32_t count);

/* The plan's `endpoint`, credentials redacted. */
void tkp_document_put_endpoint(struct tokperf_json_writer *w, const struct tkp_plan *plan);

#endif
