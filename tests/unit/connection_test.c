/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets of connections: what they are told, and where they wait. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>
#include <worker/connection.h>

struct place {
    struct tkp_loop loop;
    struct tkp_connections pool;
    struct tkp_target target;
    int listening;
};

static int set_up(void **state)
{
    static struct place place;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof address;
    struct tokperf_error error;
    place = (struct place){.listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_int_equal(bind(place.listening, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(place.listening, 8), 0);
    assert_int_equal(getsockname(place.listening, (struct sockaddr *)&address, &len), 0);
    memcpy(&place.target.addresses[0], &address, len);
    place.target.address_lengths[0] = len;
    place.target.address_count = 1;
    assert_int_equal(tkp_loop_init(&place.loop, &error), TOKPERF_OK);
    assert_true(tkp_connections_init(&place.pool, &place.loop, &place.target, 1));
    *state = &place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    tkp_connections_finish(&place->pool);
    tkp_loop_finish(&place->loop);
    close(place->listening);
    return 0;
}

static struct tkp_connection *open_one(struct place *place)
{
    int reason = 0;
    struct tkp_connection *c = tkp_connections_open(&place->pool, 0, 0, &reason);
    assert_non_null(c);
    for (int i = 0; i < 1000 && c->state == TKP_CONNECTION_CONNECTING; i++)
        if (tkp_loop_wait(&place->loop, 0, TKP_NEVER_NS))
            assert_int_equal(tkp_connection_establish(&place->pool, c), 0);
    assert_int_equal(c->state, TKP_CONNECTION_BUSY);
    return c;
}

static int option(const struct tkp_connection *c, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof value;
    assert_int_equal(getsockopt(c->fd, level, name, &value, &len), 0);
    return value;
}

static void tcp_is_told_what_was_asked_for(void **state)
{
    struct place *place = *state;
    struct tkp_connection *plain = open_one(place);
    assert_int_not_equal(option(plain, IPPROTO_TCP, TCP_NODELAY), 0);
    assert_int_equal(option(plain, SOL_SOCKET, SO_KEEPALIVE), 0);
    assert_int_equal(option(plain, IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
    place->pool.keepalive_s = 61;
    place->pool.user_timeout_ms = 2500;
    struct tkp_connection *c = open_one(place);
    assert_int_not_equal(option(c, IPPROTO_TCP, TCP_NODELAY), 0);
    assert_int_equal(option(c, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option(c, IPPROTO_TCP, TCP_KEEPIDLE), 61);
    assert_int_equal(option(c, IPPROTO_TCP, TCP_KEEPINTVL), 31);
    assert_int_equal(option(c, IPPROTO_TCP, TCP_KEEPCNT), 3);
    assert_int_equal(option(c, IPPROTO_TCP, TCP_USER_TIMEOUT), 2500);
}

static void the_one_used_last_is_taken_first(void **state)
{
    struct place *place = *state;
    struct tkp_connection *a = open_one(place), *b = open_one(place), *c = open_one(place);
    tkp_connections_park(&place->pool, a);
    tkp_connections_park(&place->pool, b);
    tkp_connections_park(&place->pool, c);
    tkp_connections_close(&place->pool, b); /* from the middle of the stack */
    assert_ptr_equal(tkp_connections_take_idle(&place->pool, 0), c);
    assert_ptr_equal(tkp_connections_take_idle(&place->pool, 0), a);
    assert_null(tkp_connections_take_idle(&place->pool, 0));
    tkp_connections_recycle(&place->pool);
    assert_ptr_equal(open_one(place), b);
}

#define CONNECTION_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONNECTION_TEST(tcp_is_told_what_was_asked_for),
        CONNECTION_TEST(the_one_used_last_is_taken_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
