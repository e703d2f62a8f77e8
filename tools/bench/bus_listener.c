/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A listener that costs as little as one can: receives a run's events and counts them. Usage:
 * bus_listener ADDRESS TOPICS PAUSE_US; TOPICS is a number whose bits are topics, PAUSE_US is slept
 * after each batch (a slow listener). Says "listening" when it has begun, and when the session's
 * last event came, or on SIGTERM, prints one JSON object. A program of tools/bench, no part of
 * tokperf.
 */
#include <base/clock.h>
#include <bus/subscriber.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

enum { WAIT_MS = 100, KINDS = 64 };

static sig_atomic_t told_to_end;

static void on_sigterm(int number)
{
    (void)number;
    told_to_end = 1;
}

struct counted {
    uint64_t kinds[KINDS];
    uint64_t bytes;
    bool ended;
};

static void count(struct counted *c, struct tkp_frame_reader *batch)
{
    struct tkp_frame frame;
    c->bytes += (uint64_t)(batch->end - batch->at);
    while (!tkp_frame_reader_next(batch, &frame, NULL)) {
        if (frame.kind < KINDS)
            c->kinds[frame.kind]++;
        c->ended |= frame.kind == TKP_FRAME_SESSION_ENDED;
    }
}

static void listen_until_end(struct tkp_subscriber *subscriber, long pause_us, struct counted *c)
{
    struct timespec pause = {pause_us / 1000000, pause_us % 1000000 * 1000};
    while (!c->ended && !told_to_end) {
        struct tkp_frame_reader batch;
        if (tkp_subscriber_next(subscriber, WAIT_MS, &batch, NULL))
            continue;
        count(c, &batch);
        if (pause_us)
            clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
    }
}

static void print(const struct counted *c, const struct tkp_subscriber_counts *counts)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    uint64_t missed = 0;
    for (int i = 0; i < TKP_TOPIC_COUNT; i++)
        missed += counts->missed[i];
    double cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                   1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
    printf("{\"batches\":%" PRIu64 ",\"frames\":%" PRIu64 ",\"missed\":%" PRIu64
           ",\"bytes\":%" PRIu64 ",\"issued\":%" PRIu64 ",\"first_token\":%" PRIu64
           ",\"complete\":%" PRIu64 ",\"snapshots\":%" PRIu64 ",\"ended\":%d,\"cpu_s\":%.6f}\n",
           counts->batches, counts->frames, missed, c->bytes, c->kinds[TKP_FRAME_ISSUED],
           c->kinds[TKP_FRAME_FIRST_TOKEN], c->kinds[TKP_FRAME_COMPLETE],
           c->kinds[TKP_FRAME_SNAPSHOT], c->ended, cpu_s);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: bus_listener ADDRESS TOPICS PAUSE_US\n");
        return 2;
    }
    struct sigaction action = {.sa_handler = on_sigterm};
    sigaction(SIGTERM, &action, NULL);
    struct tokperf_error error;
    struct tkp_bus *bus = NULL;
    struct tkp_subscriber *subscriber = NULL;
    if (tkp_bus_create(&bus, &error) ||
        tkp_subscriber_open(bus, argv[1], (uint32_t)strtoul(argv[2], NULL, 0), 0, &subscriber,
                            &error)) {
        fprintf(stderr, "bus_listener: %s\n", error.message);
        tkp_bus_destroy(bus);
        return 1;
    }
    puts("listening");
    fflush(stdout);
    struct counted counted = {0};
    listen_until_end(subscriber, strtol(argv[3], NULL, 10), &counted);
    print(&counted, tkp_subscriber_counts(subscriber));
    tkp_subscriber_close(subscriber);
    tkp_bus_destroy(bus);
    return 0;
}
