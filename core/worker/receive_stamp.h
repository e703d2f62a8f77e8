/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's receive stamps of a TCP socket (SO_TIMESTAMPING): it stamps every segment when it
 * comes in, and a read tells the stamp of the last segment of which it returned bytes. [any]
 */
#ifndef TKP_WORKER_RECEIVE_STAMP_H
#define TKP_WORKER_RECEIVE_STAMP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <tokperf/base.h>

/* Asks for stamps. Returns 0 or an errno. */
int tkp_receive_stamp_enable(int fd);
/* recv() with flags 0 that also gives the stamp: realtime ns, 0 when there is none. */
ssize_t tkp_receive_stamp_read(int fd, void *buffer, size_t size, uint64_t *wall_ns);
/* The stamp among a message's control data; 0 when there is none. */
uint64_t tkp_receive_stamp_find(struct msghdr *message);

/* Tries on the loopback device whether this kernel gives stamps that fit its clock; may take a
 * second where it does not. *keep_fd is a socket with stamps enabled: while it is open the kernel
 * stamps whatever comes in, so that a new connection's first bytes have one. The caller closes it.
 * TOKPERF_E_UNSUPPORTED with a sentence: there are none. [main, before any load] */
tokperf_status tkp_receive_stamp_probe(int *keep_fd, struct tokperf_error *error) TOKPERF_MUST_USE;

#endif
