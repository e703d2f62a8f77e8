/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of requests, collected on the recorder thread: the publisher's lock is taken a few hundred
 * times a second, whatever the rate of requests is. */
#include <run/sample_feed.h>

#include <base/atomic.h>
#include <bus/sample.h>

enum {
    PUT_BYTES = 32 * 1024, /* collected before they are put: they stay in the cache until then */
    MAX_BYTES = 2 * PUT_BYTES
};

void tkp_sample_feed_init(struct tkp_sample_feed *feed, struct tkp_publisher *publisher)
{
    *feed = (struct tkp_sample_feed){.publisher = publisher};
    if (publisher)
        feed->wanted = tkp_publisher_sample_flag(publisher);
    tkp_buffer_init(&feed->frames, MAX_BYTES);
}

void tkp_sample_feed_finish(struct tkp_sample_feed *feed)
{
    tkp_buffer_finish(&feed->frames);
    *feed = (struct tkp_sample_feed){0};
}

static bool is_wanted(const struct tkp_sample_feed *feed)
{
    return feed->wanted && tkp_flag_peek(feed->wanted);
}

/* `count` frames are behind those before, or could not be made. */
static void added(struct tkp_sample_feed *feed, uint32_t count)
{
    feed->count += count;
    if (feed->frames.len >= PUT_BYTES || feed->frames.failed)
        tkp_sample_feed_put(feed);
}

/* Puts what is to come behind the frames that were left out. */
static void catch_up(struct tkp_sample_feed *feed)
{
    if (!feed->left_out)
        return;
    tkp_publisher_skip(feed->publisher, TKP_TOPIC_SAMPLE, feed->left_out);
    feed->left_out = 0;
}

static struct tkp_sample_id id_of(const struct tkp_request_event *event)
{
    return (struct tkp_sample_id){.ordinal = event->ordinal,
                                  .draw = event->draw,
                                  .phase = event->phase,
                                  .turn = event->turn_index,
                                  .worker = event->worker,
                                  .url_index = event->url_index};
}

/* Head and payload in one piece of a length that the compiler knows: there are two for each
 * request.
 */
static void append_issued(struct tkp_buffer *out, const struct tkp_request_event *event)
{
    const struct {
        struct tkp_frame_head head;
        struct tkp_sample_issued payload;
    } frame = {
        {TKP_FRAME_ISSUED, TKP_FRAME_VERSION, sizeof frame.payload},
        {id_of(event), event->time_ns, event->intended_ns},
    };
    tkp_buffer_append(out, (const char *)&frame, sizeof frame);
}

static void append_first_token(struct tkp_buffer *out, const struct tkp_request_event *event)
{
    const struct {
        struct tkp_frame_head head;
        struct tkp_sample_first_token payload;
    } frame = {
        {TKP_FRAME_FIRST_TOKEN, TKP_FRAME_VERSION, sizeof frame.payload},
        {id_of(event), event->time_ns},
    };
    tkp_buffer_append(out, (const char *)&frame, sizeof frame);
}

void tkp_sample_feed_event(struct tkp_sample_feed *feed, const struct tkp_request_event *event)
{
    if (!is_wanted(feed))
        return;
    catch_up(feed);
    if (event->kind == TKP_REQUEST_ISSUED)
        append_issued(&feed->frames, event);
    else
        append_first_token(&feed->frames, event);
    added(feed, 1);
}

void tkp_sample_feed_row(struct tkp_sample_feed *feed, const struct tkp_row *row)
{
    if (!is_wanted(feed)) {
        tkp_sample_feed_put(feed); /* its number is behind theirs */
        feed->left_out++;
        return;
    }
    catch_up(feed);
    added(feed, tkp_sample_put_row(&feed->frames, row));
}

void tkp_sample_feed_lost(struct tkp_sample_feed *feed, uint64_t count)
{
    tkp_sample_feed_put(feed);
    feed->left_out += count;
}

void tkp_sample_feed_put(struct tkp_sample_feed *feed)
{
    if (!feed->count)
        return;
    if (feed->frames.failed) /* without memory */
        tkp_publisher_skip(feed->publisher, TKP_TOPIC_SAMPLE, feed->count);
    else
        tkp_publisher_put(feed->publisher, TKP_TOPIC_SAMPLE, tkp_buffer_span(&feed->frames),
                          feed->count);
    tkp_buffer_clear(&feed->frames);
    feed->count = 0;
}
