/* SPDX-License-Identifier: Apache-2.0 */
/* The log of events of a run: what it does not have is said once, with the number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <bus_case.h>

#include <base/files.h>
#include <base/log.h>
#include <fcntl.h>
#include <run/events_log.h>
#include <string.h>
#include <temp_dir.h>
#include <unistd.h>

enum { LINGER_MS = 20000, TEXT_BYTES = 64 * 1024 };

static void put(struct bus_case *bus, enum tkp_topic topic, uint32_t kind)
{
    static const char payload[] = "{}";
    struct tkp_buffer frame;
    tkp_buffer_init(&frame, TEXT_BYTES);
    tkp_frame_put(&frame, kind, payload, sizeof payload - 1);
    tkp_publisher_put(bus->publisher, topic, tkp_buffer_span(&frame), 1);
    tkp_publisher_flush(bus->publisher);
    tkp_buffer_finish(&frame);
}

static uint32_t count_of(const char *text, const char *part)
{
    uint32_t count = 0;
    for (const char *at = text; (at = strstr(at, part)); at++)
        count++;
    return count;
}

/* Frames from before it listened, of two topics, and a gap. */
static void losses_are_one_message(void **state)
{
    (void)state;
    struct temp_dir dir;
    struct bus_case bus;
    struct tkp_events_log *log = NULL;
    struct tkp_buffer text;
    const struct tkp_event_context context = {0};
    temp_dir_make(&dir);
    const char *said = temp_dir_write(&dir, "said.log", "");
    const struct tkp_plan plan = {.events_log = temp_dir_path(&dir, "events.jsonl"),
                                  .events_log_origin = "--events-log",
                                  .events_batch = 10};
    tkp_buffer_init(&text, TEXT_BYTES);
    bus_case_make(&bus, false);
    bus_case_publish(
        &bus, (struct tkp_publisher_options){.batch_frames = 10, .max_age_ns = TKP_NS_PER_MS});
    tkp_log_set_file(open(said, O_WRONLY | O_CLOEXEC));
    tkp_publisher_skip(bus.publisher, TKP_TOPIC_PHASE, 2);
    tkp_publisher_skip(bus.publisher, TKP_TOPIC_SNAPSHOT, 5);
    BUS_OK(tkp_events_log_open(&plan, dir.path, &log, error));
    BUS_OK(tkp_events_log_start(log, bus.bus, bus.address, bus.publisher, &context, error));
    for (int topic = 0; topic < TKP_TOPIC_COUNT; topic++)
        BUS_AWAIT(tkp_publisher_has_subscriber(bus.publisher, (enum tkp_topic)topic));
    put(&bus, TKP_TOPIC_PHASE, TKP_FRAME_PHASE_BEGUN);
    put(&bus, TKP_TOPIC_SNAPSHOT, TKP_FRAME_SNAPSHOT);
    tkp_publisher_skip(bus.publisher, TKP_TOPIC_SNAPSHOT, 3);
    put(&bus, TKP_TOPIC_SNAPSHOT, TKP_FRAME_SNAPSHOT);
    put(&bus, TKP_TOPIC_SESSION, TKP_FRAME_SESSION_ENDED);
    assert_true(tkp_events_log_close(log, false));
    tkp_log_set_file(-1);
    assert_int_equal(bus_case_end(&bus, LINGER_MS), 0);
    BUS_OK(tkp_files_read(said, TEXT_BYTES, 0, &text, error));
    print_message("%s", tkp_buffer_text(&text));
    assert_int_equal(count_of(tkp_buffer_text(&text), "\n"), 1);
    assert_non_null(strstr(tkp_buffer_text(&text),
                           "events.jsonl is not complete: 10 events missed (2 of phase, 8 of "
                           "snapshot)\n"));
    BUS_OK(tkp_files_read(plan.events_log, TEXT_BYTES, 0, &text, error));
    assert_int_equal(count_of(tkp_buffer_text(&text), "\n"), 4);
    tkp_buffer_finish(&text);
    temp_dir_remove(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses_are_one_message),
    };
    return cmocka_run_group_tests_name("events_log", tests, NULL, NULL);
}
