/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bus of one process: its ZeroMQ context, and the private folder (0700) in which a run's
 * sockets lie. Addresses are `ipc://` in that folder, or `inproc://` in tests. One per process.
 * [main]
 */
#ifndef TKP_BUS_BUS_H
#define TKP_BUS_BUS_H

#include <tokperf/base.h>

struct tkp_bus;
tokperf_status tkp_bus_create(struct tkp_bus **bus, struct tokperf_error *error) TOKPERF_MUST_USE;
/* The same with its threads, those of libzmq and of its publisher, kept on one CPU; -1: anywhere.
 */
tokperf_status tkp_bus_create_on(int32_t cpu, struct tkp_bus **bus,
                                 struct tokperf_error *error) TOKPERF_MUST_USE;
/* Every socket must be closed before. Bounded; accepts NULL. */
void tkp_bus_destroy(struct tkp_bus *bus);

/* Programs that may be connected at a time, to all sockets of the process together. */
enum { TKP_BUS_CONNECTIONS_MAX = 32 };

/* Longest address with its NUL: sun_path holds 108 bytes, and "ipc://" comes before it. */
enum { TKP_BUS_ADDRESS_BYTES = 128 };

/* The folder of a run's sockets: below XDG_RUNTIME_DIR, TMPDIR or /tmp, the first that is there,
 * is writable and short enough. Folders of runs that are gone (the name has the pid) are removed.
 */
struct tkp_bus_folder {
    char path[TKP_BUS_ADDRESS_BYTES]; /* empty: none */
    int lock_fd;                      /* locked while the run lives; only with a path */
};
tokperf_status tkp_bus_folder_make(struct tkp_bus_folder *folder,
                                   struct tokperf_error *error) TOKPERF_MUST_USE;
/* The sockets of a run: others would outlive a process that ends at once. */
#define TKP_BUS_EVENTS  "events"
#define TKP_BUS_CONTROL "control"
/* "ipc://FOLDER/NAME" */
void tkp_bus_folder_address(const struct tkp_bus_folder *folder, const char *name,
                            char address[TKP_BUS_ADDRESS_BYTES]);
/* Removes it with the sockets in it; accepts an empty one and one that somebody removed. */
void tkp_bus_folder_remove(struct tkp_bus_folder *folder);

#endif
