/* SPDX-License-Identifier: Apache-2.0 */
/* A calibration's file: written, found, read back, refused. */
#include <calibrate/calibration.h>

#include <base/files.h>
#include <limits.h>
#include <near.h>
#include <stdio.h>
#include <string.h>
#include <temp_dir.h>

static struct tkp_calibration here(void)
{
    struct tkp_calibration c = {
        .created_realtime_ns = UINT64_C(1767225600000000000),
        .bound_ms = 1,
        .workers = 2,
        .receive_clock = "kernel",
        .requests = {.level = 4000, .achieved = 3990, .by = TKP_CALIBRATED_BY_ERROR, .steps = 5},
        .streams = {{.level = 1000,
                     .events_per_s_per_stream = 50,
                     .achieved = 49000,
                     .by = TKP_CALIBRATED_BY_THROUGHPUT},
                    {.level = 120,
                     .events_per_s_per_stream = 500,
                     .achieved = 60000,
                     .by = TKP_CALIBRATED_BY_RANGE,
                     .itl = {.samples = 9, .p99_us = 12.5, .has_bound = true, .p99_bound_us = 13}}},
    };
    tkp_calibrated_host_read(&c.host);
    return c;
}

struct home {
    struct temp_dir dir;
    char variable[PATH_MAX];
    const char *environment[2];
};

static int make_home(void **state)
{
    static struct home home;
    temp_dir_make(&home.dir);
    (void)snprintf(home.variable, sizeof home.variable, "XDG_STATE_HOME=%s", home.dir.path);
    home.environment[0] = home.variable;
    *state = &home;
    return 0;
}

static int remove_home(void **state)
{
    struct home *home = *state;
    temp_dir_remove(&home->dir);
    return 0;
}

static void put(const struct home *home, const struct tkp_calibration *calibration)
{
    struct tkp_buffer text;
    tkp_buffer_init(&text, 1 << 16);
    tkp_calibration_write(calibration, &text);
    temp_dir_write(&home->dir, "tokperf/calibration.json", tkp_buffer_text(&text));
    tkp_buffer_finish(&text);
}

static void what_is_saved_is_found(void **state)
{
    struct home *home = *state;
    struct tkp_calibrated_limits limits;
    struct tkp_calibration c = here();
    assert_false(tkp_calibration_load(home->environment, 2, &limits)); /* nothing there */
    put(home, &c);
    assert_true(tkp_calibration_load(home->environment, 2, &limits));
    assert_near(limits.requests_per_s, 4000, 0);
    assert_near(limits.streams, 1000, 0); /* the most of any shape */
    assert_near(limits.events_per_s, 60000, 0);
    assert_near(limits.bound_ms, 1, 0);
    assert_true(tkp_calibration_load(home->environment, 1, &limits)); /* half of the workers */
    assert_near(limits.requests_per_s, 2000, 0);
    assert_near(limits.streams, 500, 0);
    assert_true(tkp_calibration_load(home->environment, 8, &limits)); /* no more than measured */
    assert_near(limits.events_per_s, 60000, 0);
}

static void another_machine_is_ignored(void **state)
{
    struct home *home = *state;
    struct tkp_calibrated_limits limits;
    for (int i = 0; i < 4; i++) {
        struct tkp_calibration c = here();
        if (i == 0)
            c.host.cpu_model[0] ^= 1;
        else if (i == 1)
            c.host.kernel[0] ^= 1;
        else if (i == 2)
            c.host.cores++;
        else
            c.host.tokperf_version[0] ^= 1;
        put(home, &c);
        assert_false(tkp_calibration_load(home->environment, 2, &limits));
    }
}

static void damage_is_ignored(void **state)
{
    struct home *home = *state;
    struct tkp_calibrated_limits limits;
    struct tokperf_error error = {0};
    struct tkp_calibration c = here();
    struct tkp_buffer text;
    tkp_buffer_init(&text, 1 << 16);
    tkp_calibration_write(&c, &text);
    struct tokperf_span whole = tkp_buffer_span(&text);
    assert_int_equal(tkp_calibration_parse(whole, &limits, &error), TOKPERF_OK);
    for (uint64_t len = 0; len + 2 < whole.len; len++) /* cut anywhere before its last brace */
        assert_int_equal(
            tkp_calibration_parse((struct tokperf_span){whole.data, len}, &limits, &error),
            TOKPERF_E_PARSE);
    static const struct {
        const char *text, *instead;
    } changes[] = {{"\"1.0\"", "\"2.0\""},
                   {"\"workers\": 2", "\"workers\": 0"},
                   {"\"requests_per_s\": 4000", "\"requests_per_s\": -400"},
                   {"\"machine\"", "\"nothing\""},
                   {"\"streams\": [", "\"flights\": ["}};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        char *place = strstr(text.data, changes[i].text);
        size_t len = strlen(changes[i].text);
        assert_non_null(place);
        assert_int_equal(len, strlen(changes[i].instead));
        memcpy(place, changes[i].instead, len);
        assert_int_equal(tkp_calibration_parse(whole, &limits, &error), TOKPERF_E_PARSE);
        temp_dir_write(&home->dir, "tokperf/calibration.json", text.data);
        assert_false(tkp_calibration_load(home->environment, 2, &limits));
        memcpy(place, changes[i].text, len);
    }
    tkp_buffer_finish(&text);
}

static void place_follows_the_environment(void **state)
{
    (void)state;
    char dir[PATH_MAX], path[PATH_MAX];
    static const struct {
        const char *environment[3];
        const char *path; /* NULL: none */
    } cases[] = {
        {{"HOME=/h", "XDG_STATE_HOME=/s/x", NULL}, "/s/x/tokperf/calibration.json"},
        {{"HOME=/h", "XDG_STATE_HOME=rel", NULL}, "/h/.local/state/tokperf/calibration.json"},
        {{"HOME=/h", NULL}, "/h/.local/state/tokperf/calibration.json"},
        {{"HOME=", NULL}, NULL},
        {{NULL}, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool found = tkp_calibration_place(cases[i].environment, dir, path);
        assert_int_equal(found, cases[i].path != NULL);
        if (found)
            assert_string_equal(path, cases[i].path);
    }
}

static void people_read_it(void **state)
{
    (void)state;
    struct tkp_calibration c = here();
    struct tkp_buffer text;
    c.streams[0].level = 0;
    c.load_average = 0.6 * (double)c.host.cores;
    tkp_buffer_init(&text, 1 << 16);
    tkp_calibration_write_text(&c, "/s/calibration.json", &text);
    assert_non_null(strstr(text.data, "4000 requests/s, open loop: 3990 requests/s measured"));
    assert_non_null(strstr(text.data, "p99 <= 13.0 with 99 % confidence"));
    assert_non_null(strstr(text.data, "no bound: 0 independent samples, 662 needed"));
    assert_non_null(strstr(text.data, "no level of streams of 50 events/s held"));
    assert_non_null(strstr(text.data, "The machine was busy before"));
    assert_non_null(strstr(text.data, "Saved in /s/calibration.json"));
    tkp_buffer_finish(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_saved_is_found, make_home, remove_home),
        cmocka_unit_test_setup_teardown(another_machine_is_ignored, make_home, remove_home),
        cmocka_unit_test_setup_teardown(damage_is_ignored, make_home, remove_home),
        cmocka_unit_test(place_follows_the_environment),
        cmocka_unit_test(people_read_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
