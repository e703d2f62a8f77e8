/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How servers are reached, as options of a libcurl handle: what the plan says of proxy, TLS and
 * version of HTTP, and nothing that the environment or files of libcurl's own say. [any]
 */
#ifndef TKP_TARGET_CURL_OPTIONS_H
#define TKP_TARGET_CURL_OPTIONS_H

#include <config/plan.h>
#include <curl/curl.h>

/* plan is borrowed for the call only. false: without memory, or libcurl lacks something. */
bool tkp_curl_options_set(CURL *curl, const struct tkp_plan *plan);
/* The plan's version of HTTP as libcurl names it. */
long tkp_curl_http_version(const struct tkp_plan *plan);

#endif
