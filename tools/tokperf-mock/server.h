/* SPDX-License-Identifier: Apache-2.0 */
/* The server: listening sockets, and one thread with an event loop for each. */
#ifndef TKP_MOCK_SERVER_H
#define TKP_MOCK_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "options.h"

struct tkp_mock_server;

/* Listens and starts the threads. NULL with one sentence in error. options must outlive it. Signals
 * that the caller waits for must be blocked before. */
struct tkp_mock_server *tkp_mock_server_start(const struct tkp_mock_options *options, char *error,
                                              size_t error_bytes);
uint16_t tkp_mock_server_port(const struct tkp_mock_server *server);
/* Stops the threads and frees everything. False when the stamp log lost a line. */
bool tkp_mock_server_stop(struct tkp_mock_server *server);

#endif
