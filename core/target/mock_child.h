/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bundled mock server as a child of this run, for `--url mock:`. tokperf-mock is looked up
 * beside the executable, started in a process group of its own on a free loopback port, and gone
 * when its standard input closes, so that it cannot outlive this process. [main]
 */
#ifndef TKP_TARGET_MOCK_CHILD_H
#define TKP_TARGET_MOCK_CHILD_H

#include <base/arena.h>
#include <config/url.h>

struct tkp_mock_child;

/* Starts it; `mock` is a URL of scheme mock, its query ("?ttft=20&itl=5") becomes options. *url (in
 * arena) is where it listens. TOKPERF_E_UNSUPPORTED when the program is not there,
 * TOKPERF_E_TIMEOUT when it does not come up within 10 s. */
tokperf_status tkp_mock_child_start(const struct tkp_url *mock, struct tkp_arena *arena,
                                    struct tkp_mock_child **child, struct tkp_url *url,
                                    struct tokperf_error *error) TOKPERF_MUST_USE;
/* Ends it: closes its input, waits up to 2 s, then kills it. Accepts NULL. */
void tkp_mock_child_stop(struct tkp_mock_child *child);

#endif
