/* SPDX-License-Identifier: Apache-2.0 */
/* The context of libzmq: one thread for input and output, one that ends sockets. [main] */
#include <bus/bus.h>

#include <base/error.h>
#include <base/log.h>
#include <bus/socket.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <zmq.h>

/* The first socket starts the threads of libzmq, which inherit this thread's signal mask: signals
 * are main's alone. */
static int start_quiet_threads(void *context)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    void *first = zmq_socket(context, ZMQ_PAIR);
    int failed = first ? 0 : zmq_errno();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (first)
        zmq_close(first);
    return failed;
}

tokperf_status tkp_bus_create_on(int32_t cpu, struct tkp_bus **bus, struct tokperf_error *error)
{
    *bus = NULL;
    struct tkp_bus *b = calloc(1, sizeof *b);
    if (!b)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the bus");
    b->cpu = cpu;
    b->context = zmq_ctx_new();
    int failed = b->context ? 0 : zmq_errno();
    if (!failed) {
        zmq_ctx_set(b->context, ZMQ_IO_THREADS, 1);
        zmq_ctx_set(b->context, ZMQ_BLOCKY, 0); /* a socket that nobody set up does not linger */
        if (cpu >= 0)
            zmq_ctx_set(b->context, ZMQ_THREAD_AFFINITY_CPU_ADD, cpu);
        failed = start_quiet_threads(b->context);
    }
    if (failed) {
        tkp_bus_destroy(b);
        return tkp_fail(error, TOKPERF_E_LIMIT,
                        "cannot start the bus: %s; see the limits on open files and threads",
                        zmq_strerror(failed));
    }
    *bus = b;
    return TOKPERF_OK;
}

tokperf_status tkp_bus_create(struct tkp_bus **bus, struct tokperf_error *error)
{
    return tkp_bus_create_on(-1, bus, error);
}

void tkp_bus_destroy(struct tkp_bus *bus)
{
    if (!bus)
        return;
    uint64_t open = tkp_slots_used(&bus->sockets);
    if (open) { /* to wait for them could be for ever; the process is about to end anyhow */
        tkp_log(TKP_LOG_WARNING, "%" PRIu64 " sockets of the bus are still open at its end", open);
        return;
    }
    if (bus->context)
        while (zmq_ctx_term(bus->context) && zmq_errno() == EINTR)
            ; /* ends when the last socket's linger does */
    free(bus);
}
