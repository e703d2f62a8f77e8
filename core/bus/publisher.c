/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The publisher: any thread puts frames into batches under one mutex, the thread that is started
 * here sends them. It sleeps in zmq_poll() until a batch is full or old enough, somebody
 * subscribes, or the publisher is closed. XPUB gives it each name that is subscribed to once, and
 * again when the last who asked for it has gone. It drops what is over a subscriber's high-water
 * mark, so that no send waits.
 */
#include <bus/publisher.h>

#include <base/clock.h>
#include <base/error.h>
#include <base/log.h>
#include <base/text.h>
#include <base/thread.h>
#include <bus/batch.h>
#include <bus/socket.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <zmq.h>

enum {
    RETRY_MS = 20,                /* after a failed send */
    REST_MS = 10,                 /* after a round of sends: full batches go out in company, which
                                     saves wake-ups of two threads; what is flushed does not wait */
    REST_BATCHES = 8,             /* more end the rest, far below a subscriber's high-water mark */
    SLEEP_MS = 60000,             /* at most, with nothing to do */
    SUBSCRIPTION_BYTES = 4096,    /* of a subscriber's message */
    SUBSCRIPTIONS_A_ROUND = 1000, /* neither keeps the other waiting */
    BATCHES_A_ROUND = 64,
    LAST_MS = 100,    /* at least, for libzmq to pass on what was sent when the linger was over */
    TAKEN_LOOK_MS = 2 /* between looks at what subscribers have taken by then */
};

struct tkp_publisher {
    struct tkp_bus *bus;
    struct tkp_publisher_options options;
    pthread_t thread;
    int wake_fd;
    struct tkp_gauge lost_frames; /* written under the mutex */
    struct tkp_flag subscribed[TKP_TOPIC_COUNT];

    pthread_mutex_t mutex; /* guards what follows */
    struct tkp_batches batches;
    bool urgent;              /* the queue is to go at once */
    uint64_t rest_until_ns;   /* written by the thread */
    uint64_t asleep_until_ns; /* 0: the thread is awake, and looks again before it sleeps */
    uint64_t stop_ns;         /* when it ends once a send fails; 0: it goes on */

    /* The thread's. */
    void *socket;
    uint32_t subscriptions[TKP_TOPIC_COUNT]; /* names that let a topic through */
    bool name_sent;                          /* of the queue's first batch */
    bool warned;                             /* of a failed send */
    uint64_t retry_ns;                       /* after a failed send; 0: none failed */
    uint64_t last_sent_ns;
    uint64_t untaken_frames; /* main's, once the thread has ended */
};

/* A subscriber gives the beginning of the names that it wants; nothing begins all of them. */
static void note_subscription(struct tkp_publisher *p, const char *prefix, size_t len, bool begins)
{
    for (uint32_t i = 0; i < TKP_TOPIC_COUNT; i++) {
        const char *name = tkp_topic_name((enum tkp_topic)i);
        if (len > strlen(name) || (len && memcmp(name, prefix, len) != 0))
            continue;
        if (begins && p->subscriptions[i]++ == 0)
            tkp_flag_raise(&p->subscribed[i]);
        else if (!begins && p->subscriptions[i] && --p->subscriptions[i] == 0)
            tkp_flag_lower(&p->subscribed[i]);
    }
}

static void read_subscriptions(struct tkp_publisher *p)
{
    char message[SUBSCRIPTION_BYTES];
    for (int i = 0; i < SUBSCRIPTIONS_A_ROUND; i++) {
        int len = zmq_recv(p->socket, message, sizeof message, ZMQ_DONTWAIT);
        if (len < 0)
            return;
        if (len > 0 && len <= SUBSCRIPTION_BYTES && (message[0] == 0 || message[0] == 1))
            note_subscription(p, message + 1, (size_t)len - 1, message[0] == 1);
    }
}

/* Returns an errno value. What comes after a failure begins with the name again only if that did
 * not go out. */
static int send_name(struct tkp_publisher *p, enum tkp_topic topic)
{
    const char *name = tkp_topic_name(topic);
    if (p->name_sent)
        return 0;
    if (p->options.send_part)
        return p->options.send_part(p->options.send_context, p->socket, tkp_span(name), false);
    return zmq_send(p->socket, name, strlen(name), ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0 ? zmq_errno()
                                                                                   : 0;
}

/* Sends the bytes from where they lie; the batch comes back to the pool by itself. */
static int lend_to_socket(struct tkp_publisher *p, struct tkp_batch *batch)
{
    struct tkp_batch_pool *pool = p->batches.pool;
    zmq_msg_t message;
    if (zmq_msg_init_data(&message, batch->bytes.data, batch->bytes.len, tkp_batch_pool_return,
                          pool) < 0)
        return zmq_errno();
    tkp_batch_pool_lend(pool, batch);
    if (zmq_msg_send(&message, p->socket, ZMQ_DONTWAIT) >= 0)
        return 0;
    int failed = zmq_errno();
    tkp_batch_pool_reclaim(pool, batch);
    zmq_msg_close(&message);
    return failed;
}

/* A test's sender copies. */
static int send_bytes(struct tkp_publisher *p, struct tkp_batch *batch)
{
    if (!p->options.send_part)
        return lend_to_socket(p, batch);
    int failed = p->options.send_part(p->options.send_context, p->socket,
                                      tkp_buffer_span(&batch->bytes), true);
    if (!failed)
        tkp_batch_pool_give(p->batches.pool, batch);
    return failed;
}

/* The batch is gone when it was sent. */
static int send_batch(struct tkp_publisher *p, struct tkp_batch *batch)
{
    int failed = send_name(p, batch->topic);
    if (failed)
        return failed;
    failed = send_bytes(p, batch);
    p->name_sent = failed != 0;
    return failed;
}

static void note_failure(struct tkp_publisher *p, int failed, uint64_t now_ns)
{
    p->retry_ns = now_ns + RETRY_MS * TKP_NS_PER_MS;
    if (!p->warned)
        tkp_log(TKP_LOG_WARNING, "events cannot be sent: %s; they are kept and sent later",
                zmq_strerror(failed));
    p->warned = true;
}

/* Whether what is in the queue may wait for more. Under the mutex. */
static bool may_rest(const struct tkp_publisher *p, uint64_t now_ns)
{
    return now_ns < p->rest_until_ns && !p->urgent && !p->stop_ns &&
           tkp_batches_queued(&p->batches) < REST_BATCHES;
}

/* The queue's first batch, unless it is to wait; has_sent: in this round. */
static struct tkp_batch *next_to_send(struct tkp_publisher *p, uint64_t now_ns, bool has_sent)
{
    pthread_mutex_lock(&p->mutex);
    bool rests = !has_sent && may_rest(p, now_ns);
    struct tkp_batch *batch = rests ? NULL : tkp_batches_take(&p->batches);
    if (!rests && !batch)
        p->urgent = false;
    if (has_sent)
        p->rest_until_ns = now_ns + REST_MS * TKP_NS_PER_MS;
    pthread_mutex_unlock(&p->mutex);
    return batch;
}

/* Sends the queue's batches until one fails; that one goes back to its place. The lock is not held
 * while sending: nobody else takes from the queue. */
static void send_queue(struct tkp_publisher *p)
{
    uint64_t now_ns = tkp_clock_now_ns();
    if (p->retry_ns > now_ns)
        return;
    p->retry_ns = 0;
    for (int i = 0; i < BATCHES_A_ROUND; i++) {
        struct tkp_batch *batch = next_to_send(p, now_ns, i > 0);
        if (!batch)
            return;
        int failed = send_batch(p, batch);
        if (failed) {
            pthread_mutex_lock(&p->mutex);
            tkp_batches_put_back(&p->batches, batch);
            pthread_mutex_unlock(&p->mutex);
            note_failure(p, failed, now_ns);
            return;
        }
        p->last_sent_ns = now_ns;
    }
}

static uint64_t earlier(uint64_t a_ns, uint64_t b_ns)
{
    return a_ns < b_ns ? a_ns : b_ns;
}

static uint64_t due_ns(const struct tkp_publisher *p)
{
    return tkp_clock_after_ns(tkp_batches_oldest_ns(&p->batches), p->options.max_age_ns);
}

/* Closes what is due. Says until when there is nothing to do: now_ns, not to sleep. While batches
 * go out, the thread wakes once in max_age_ns, so that one that is opened need not wake it. */
static uint64_t close_due(struct tkp_publisher *p, uint64_t now_ns)
{
    uint64_t age_ns = p->options.max_age_ns;
    uint64_t lost = 0, until_ns = now_ns + SLEEP_MS * TKP_NS_PER_MS;
    if (p->stop_ns)
        lost = tkp_batches_close(&p->batches, TKP_NEVER_NS);
    else if (now_ns >= age_ns)
        lost = tkp_batches_close(&p->batches, now_ns - age_ns);
    tkp_gauge_add(&p->lost_frames, lost);
    if (now_ns < p->rest_until_ns)
        until_ns = p->rest_until_ns;
    if (p->batches.first && p->retry_ns > now_ns)
        return earlier(p->retry_ns, due_ns(p));
    if (p->batches.first && !may_rest(p, now_ns))
        return now_ns;
    if (p->last_sent_ns && now_ns - p->last_sent_ns < age_ns)
        until_ns = earlier(until_ns, tkp_clock_after_ns(now_ns, age_ns));
    return earlier(until_ns, due_ns(p));
}

static void sleep_until(struct tkp_publisher *p, uint64_t until_ns)
{
    zmq_pollitem_t items[] = {{.socket = p->socket, .events = ZMQ_POLLIN},
                              {.fd = p->wake_fd, .events = ZMQ_POLLIN}};
    uint64_t now_ns = tkp_clock_now_ns();
    uint64_t wait_ns = until_ns > now_ns ? until_ns - now_ns : 0;
    long wait_ms = (long)((wait_ns + TKP_NS_PER_MS - 1) / TKP_NS_PER_MS);
    if (zmq_poll(items, 2, wait_ms) > 0 && items[1].revents) {
        eventfd_t value;
        eventfd_read(p->wake_fd, &value);
    }
}

/* One round. False: it is over. */
static bool go_round(struct tkp_publisher *p)
{
    read_subscriptions(p);
    send_queue(p);
    uint64_t now_ns = tkp_clock_now_ns();
    pthread_mutex_lock(&p->mutex);
    uint64_t until_ns = close_due(p, now_ns);
    bool goes_on = true;
    if (p->stop_ns) {
        /* a thread that comes late does what it still can: sends do not wait */
        goes_on = p->batches.first && (now_ns < p->stop_ns || !p->retry_ns);
        until_ns = earlier(until_ns, p->stop_ns);
    }
    p->asleep_until_ns = until_ns > now_ns ? until_ns : 0;
    pthread_mutex_unlock(&p->mutex);
    if (goes_on && until_ns > now_ns)
        sleep_until(p, until_ns);
    pthread_mutex_lock(&p->mutex);
    p->asleep_until_ns = 0;
    pthread_mutex_unlock(&p->mutex);
    return goes_on;
}

/* Waits until every subscriber has got everything, which the linger of a socket would not tell. */
static void wait_until_taken(struct tkp_publisher *p)
{
    uint64_t now_ns = tkp_clock_now_ns(), until_ns = now_ns + LAST_MS * TKP_NS_PER_MS;
    if (until_ns < p->stop_ns)
        until_ns = p->stop_ns;
    while ((p->untaken_frames = tkp_batch_pool_lent_frames(p->batches.pool)) && now_ns < until_ns) {
        sleep_until(p, now_ns + TAKEN_LOOK_MS * TKP_NS_PER_MS);
        read_subscriptions(p); /* libzmq learns here who has gone */
        now_ns = tkp_clock_now_ns();
    }
}

static void *publisher_main(void *argument)
{
    struct tkp_publisher *p = argument;
    while (go_round(p))
        ;
    wait_until_taken(p);
    tkp_socket_close(p->bus, p->socket, p->untaken_frames ? 0 : LAST_MS);
    return NULL;
}

/* Frees what tkp_publisher_open() made but for socket and thread. */
static void destroy(struct tkp_publisher *p)
{
    tkp_batches_finish(&p->batches);
    pthread_mutex_destroy(&p->mutex);
    if (p->wake_fd >= 0)
        close(p->wake_fd);
    free(p);
}

static tokperf_status bind_and_start(struct tkp_publisher *p, struct tokperf_error *error)
{
    static const struct tkp_socket_bounds bounds = {TKP_PUBLISHER_HIGH_WATER_BATCHES,
                                                    SUBSCRIPTION_BYTES};
    static const char name[] = "the socket of events";
    tokperf_status status = tkp_socket_open(p->bus, ZMQ_XPUB, name, &bounds, &p->socket, error);
    if (!status)
        status = tkp_socket_bind(p->socket, p->options.address, name, error);
    if (status)
        return status;
    int failed = tkp_thread_create_quiet(&p->thread, publisher_main, p); /* has the socket now */
    if (failed)
        return tkp_fail_errno(error, TOKPERF_E_LIMIT, failed, "cannot start the thread of events");
    pthread_setname_np(p->thread, "publisher");
    tkp_thread_pin(p->thread, p->bus->cpu);
    return TOKPERF_OK;
}

tokperf_status tkp_publisher_open(struct tkp_bus *bus, const struct tkp_publisher_options *options,
                                  struct tkp_publisher **publisher, struct tokperf_error *error)
{
    *publisher = NULL;
    struct tkp_publisher *p = calloc(1, sizeof *p);
    if (!p)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the publisher of events");
    p->bus = bus;
    p->options = *options;
    pthread_mutex_init(&p->mutex, NULL);
    p->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    bool has_memory = tkp_batches_init(&p->batches, options->batch_frames, options->queue_batches);
    tokperf_status status =
        !has_memory      ? tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for batches of events")
        : p->wake_fd < 0 ? tkp_fail_errno(error, TOKPERF_E_LIMIT, errno,
                                          "cannot make a descriptor for the publisher of events")
                         : bind_and_start(p, error);
    if (status) {
        tkp_socket_close(bus, p->socket, 0);
        destroy(p);
        return status;
    }
    *publisher = p;
    return TOKPERF_OK;
}

bool tkp_publisher_has_subscriber(const struct tkp_publisher *publisher, enum tkp_topic topic)
{
    return tkp_flag_is_raised(&publisher->subscribed[topic]);
}

const struct tkp_flag *tkp_publisher_sample_flag(const struct tkp_publisher *publisher)
{
    return &publisher->subscribed[TKP_TOPIC_SAMPLE];
}

/* Ends a change of the batches, which the caller has locked; had_queue: before it. */
static void unlock_and_wake(struct tkp_publisher *p, bool had_queue)
{
    bool has_news = p->batches.first &&
                    (!had_queue || p->urgent || tkp_batches_queued(&p->batches) >= REST_BATCHES);
    bool rests = !p->urgent && p->asleep_until_ns <= p->rest_until_ns &&
                 tkp_batches_queued(&p->batches) < REST_BATCHES;
    bool wake = p->asleep_until_ns &&
                (p->stop_ns || (has_news && !rests) || due_ns(p) < p->asleep_until_ns);
    if (wake)
        p->asleep_until_ns = 0;
    pthread_mutex_unlock(&p->mutex);
    if (wake)
        eventfd_write(p->wake_fd, 1);
}

void tkp_publisher_put(struct tkp_publisher *publisher, enum tkp_topic topic,
                       struct tokperf_span frames, uint32_t count)
{
    struct tkp_publisher *p = publisher;
    bool is_wanted = tkp_publisher_has_subscriber(p, topic);
    uint64_t now_ns = is_wanted ? tkp_clock_now_ns() : 0;
    pthread_mutex_lock(&p->mutex);
    bool had_queue = p->batches.first != NULL;
    uint64_t lost = is_wanted ? tkp_batches_put(&p->batches, topic, frames, count, now_ns)
                              : tkp_batches_skip(&p->batches, topic, count);
    tkp_gauge_add(&p->lost_frames, lost);
    unlock_and_wake(p, had_queue);
}

void tkp_publisher_skip(struct tkp_publisher *publisher, enum tkp_topic topic, uint64_t count)
{
    struct tkp_publisher *p = publisher;
    pthread_mutex_lock(&p->mutex);
    bool had_queue = p->batches.first != NULL;
    tkp_gauge_add(&p->lost_frames, tkp_batches_skip(&p->batches, topic, count));
    unlock_and_wake(p, had_queue);
}

void tkp_publisher_flush(struct tkp_publisher *publisher)
{
    struct tkp_publisher *p = publisher;
    pthread_mutex_lock(&p->mutex);
    bool had_queue = p->batches.first != NULL;
    tkp_gauge_add(&p->lost_frames, tkp_batches_close(&p->batches, TKP_NEVER_NS));
    p->urgent = p->batches.first != NULL;
    unlock_and_wake(p, had_queue);
}

uint64_t tkp_publisher_lost(const struct tkp_publisher *publisher)
{
    return tkp_gauge_get(&publisher->lost_frames);
}

void tkp_publisher_close(struct tkp_publisher *publisher, uint32_t linger_ms,
                         struct tkp_publisher_losses *losses)
{
    struct tkp_publisher *p = publisher;
    if (losses)
        *losses = (struct tkp_publisher_losses){0};
    if (!p)
        return;
    pthread_mutex_lock(&p->mutex);
    p->stop_ns = tkp_clock_now_ns() + linger_ms * TKP_NS_PER_MS;
    unlock_and_wake(p, false);
    pthread_join(p->thread, NULL);
    if (losses) {
        losses->unsent = tkp_publisher_lost(p) + tkp_batches_waiting(&p->batches);
        losses->untaken = p->untaken_frames;
    }
    destroy(p);
}
