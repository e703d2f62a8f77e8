/* SPDX-License-Identifier: Apache-2.0 */
/* Control messages as a kernel may send them, and the real ones of a loopback connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <time.h> /* before errqueue.h, which needs it */

#include <base/clock.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>
#include <worker/receive_stamp.h>

struct control {
    _Alignas(struct cmsghdr) char bytes[512];
    size_t len;
};

static void put(struct control *control, int level, int type, const void *data, size_t len)
{
    struct cmsghdr header = {.cmsg_len = CMSG_LEN(len), .cmsg_level = level, .cmsg_type = type};
    memcpy(control->bytes + control->len, &header, sizeof header);
    memcpy(control->bytes + control->len + CMSG_LEN(0), data, len);
    control->len += CMSG_SPACE(len);
}

static uint64_t find(struct control *control)
{
    struct msghdr message = {.msg_control = control->bytes, .msg_controllen = control->len};
    return tkp_receive_stamp_find(&message);
}

static void test_control_messages(void **state)
{
    const struct scm_timestamping good = {{{5, 7}, {0, 0}, {0, 0}}};
    const struct scm_timestamping hardware_only = {{{0, 0}, {0, 0}, {9, 9}}};
    const struct timespec alone = {5, 7};
    const int number = 3;

    struct control none = {.len = 0}, other = {.len = 0}, zero = {.len = 0}, cut = {.len = 0},
                   second = {.len = 0}, level = {.len = 0};
    assert_true(find(&none) == 0);
    put(&other, SOL_SOCKET, SCM_RIGHTS, &number, sizeof number);
    assert_true(find(&other) == 0);
    put(&zero, SOL_SOCKET, SCM_TIMESTAMPING, &hardware_only, sizeof hardware_only);
    assert_true(find(&zero) == 0);
    put(&cut, SOL_SOCKET, SCM_TIMESTAMPING, &alone, sizeof alone);
    assert_true(find(&cut) == 0);
    put(&level, SOL_SOCKET + 1, SCM_TIMESTAMPING, &good, sizeof good);
    assert_true(find(&level) == 0);
    put(&second, SOL_SOCKET, SCM_RIGHTS, &number, sizeof number);
    put(&second, SOL_SOCKET, SCM_TIMESTAMPING, &good, sizeof good);
    assert_true(find(&second) == 5 * TKP_NS_PER_S + 7);
    (void)state;
}

/* The probe's socket asks for stamps, and a read without a message has neither bytes nor a stamp.
 */
static void test_the_probe(void **state)
{
    struct tokperf_error error = {0};
    int fd = -2, flags = 0;
    socklen_t len = sizeof flags;
    if (tkp_receive_stamp_probe(&fd, &error) != TOKPERF_OK) {
        assert_int_equal(error.status, TOKPERF_E_UNSUPPORTED);
        assert_non_null(strstr(error.message, "no kernel receive stamps"));
        assert_int_equal(fd, -1);
        skip();
    }
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, &len), 0);
    assert_int_not_equal(flags, 0);
    char byte;
    uint64_t wall_ns = 1;
    assert_int_equal(tkp_receive_stamp_read(fd, &byte, 1, &wall_ns), 0); /* the peer has closed */
    assert_true(wall_ns == 0);
    close(fd);
    (void)state;
}

static void test_a_unix_socket_has_none(void **state)
{
    int fds[2];
    char byte = 'x';
    uint64_t wall_ns = 1;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    (void)tkp_receive_stamp_enable(fds[0]);
    assert_int_equal(write(fds[1], &byte, 1), 1);
    assert_int_equal(tkp_receive_stamp_read(fds[0], &byte, 1, &wall_ns), 1);
    assert_true(wall_ns == 0);
    assert_int_equal(tkp_receive_stamp_enable(-1), EBADF);
    close(fds[0]);
    close(fds[1]);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_control_messages),
        cmocka_unit_test(test_the_probe),
        cmocka_unit_test(test_a_unix_socket_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
