/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transport by libcurl, for what the native one does not carry (HTTP/2, proxies): multi handles
 * on the worker's event loop, each with a bounded number of requests and at most 64 connections. It
 * sends a slot's request, gives what comes to answer.h and ends with tkp_request_end(). Deadlines
 * and cancellation are the slot's, as over the native transport. libcurl allocates as it likes; its
 * arrival times are those of the process. [worker]
 */
#ifndef TKP_WORKER_CURL_TRANSPORT_H
#define TKP_WORKER_CURL_TRANSPORT_H

#include <worker/thread.h>

struct tkp_curl;

/* w's loop, targets and connections (for the options of sockets) exist. [main] */
tokperf_status tkp_curl_create(struct tkp_worker *w, struct tkp_curl **curl,
                               struct tokperf_error *error) TOKPERF_MUST_USE;
void tkp_curl_destroy(struct tkp_curl *curl); /* drops what is in flight; accepts NULL */

/* Memory of one request in flight: 17 KiB measured with libcurl 7.88, and room for longer heads. */
enum { TKP_CURL_STREAM_BYTES = 32 * 1024 };

/* Sends the slot's request, which is rendered; slot->transfer is set until it ends. */
void tkp_curl_start(struct tkp_worker *w, struct tkp_slot *slot);
/* Lets go of the slot's transfer, whatever state it is in. */
void tkp_curl_end(struct tkp_worker *w, struct tkp_slot *slot);
/* A socket of libcurl's has events. */
void tkp_curl_ready(struct tkp_worker *w, struct tkp_connection *connection, uint32_t events);
/* libcurl's own timers: runs those that are due, and when the next is. */
void tkp_curl_run_timers(struct tkp_worker *w);
uint64_t tkp_curl_next_ns(const struct tkp_curl *curl);
/* As tkp_connections_recycle(). */
void tkp_curl_recycle(struct tkp_curl *curl);

#endif
