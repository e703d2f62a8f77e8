/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and replies over real sockets: who is known, who is refused, and that nothing waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <bus/control.h>
#include <bus_case.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

enum { HELLO = 7, GO = 8, ODD = 60000 };

struct control_case {
    struct bus_case base;
    struct tkp_control_server *server;
};

static void begin(struct control_case *c)
{
    bus_case_make(&c->base, true);
    tkp_bus_folder_address(&c->base.folder, "control", c->base.address);
    BUS_OK(tkp_control_server_open(c->base.bus, c->base.address, &c->server, error));
}

static void end(struct control_case *c)
{
    tkp_control_server_close(c->server, 100);
    bus_case_end(&c->base, 0);
}

static struct tkp_control_client *open_client(struct control_case *c, const char *name)
{
    struct tkp_control_client *client;
    BUS_OK(tkp_control_client_open(c->base.bus, c->base.address, name, &client, error));
    return client;
}

/* The server's next message of any status but "nothing there". */
static tokperf_status await_message(struct control_case *c, struct tkp_control_peer *peer,
                                    struct tkp_frame *frame)
{
    tokperf_status status;
    BUS_AWAIT((status = tkp_control_server_next(c->server, peer, frame, NULL)) !=
              TOKPERF_E_TIMEOUT);
    return status;
}

static void expect(struct control_case *c, const char *name, uint32_t kind, const char *text)
{
    struct tkp_control_peer peer;
    struct tkp_frame frame;
    assert_int_equal(await_message(c, &peer, &frame), TOKPERF_OK);
    assert_string_equal(peer.name, name);
    assert_int_equal(frame.kind, kind);
    assert_int_equal(frame.version, TKP_FRAME_VERSION);
    assert_true(tkp_span_is(frame.payload, text));
}

static struct tkp_control_peer peer_of(const char *name)
{
    struct tkp_control_peer peer = {""};
    tkp_text_copy(peer.name, sizeof peer.name, tkp_span(name));
    return peer;
}

static void expect_reply(struct tkp_control_client *client, uint32_t kind, const char *text)
{
    struct tkp_frame frame;
    BUS_OK(tkp_control_client_next(client, BUS_PATIENCE_MS, &frame, error));
    assert_int_equal(frame.kind, kind);
    assert_true(tkp_span_is(frame.payload, text));
}

static void each_gets_the_reply_to_its_request(void **state)
{
    (void)state;
    struct control_case c;
    struct tkp_control_peer peer, ada = peer_of("ada"), ben = peer_of("ben");
    struct tkp_frame frame;
    begin(&c);
    assert_int_equal(tkp_control_server_next(c.server, &peer, &frame, NULL), TOKPERF_E_TIMEOUT);
    struct tkp_control_client *a = open_client(&c, "ada"), *b = open_client(&c, "ben");
    assert_int_equal(tkp_control_client_next(a, 1, &frame, NULL), TOKPERF_E_TIMEOUT);
    BUS_OK(tkp_control_client_send(a, HELLO, TOKPERF_SPAN("{\"from\":\"ada\"}"), error));
    expect(&c, "ada", HELLO, "{\"from\":\"ada\"}");
    BUS_OK(tkp_control_client_send(b, ODD, TOKPERF_SPAN(""), error));
    expect(&c, "ben", ODD, "");
    BUS_OK(tkp_control_server_send(c.server, &ben, GO, TOKPERF_SPAN("for ben"), error));
    BUS_OK(tkp_control_server_send(c.server, &ada, GO, TOKPERF_SPAN("for ada"), error));
    expect_reply(a, GO, "for ada");
    expect_reply(b, GO, "for ben");
    tkp_control_client_close(a, 100);
    tkp_control_client_close(b, 100);
    end(&c);
}

static void what_is_sent_before_the_server_is_there_comes(void **state)
{
    (void)state;
    struct control_case c;
    bus_case_make(&c.base, true);
    struct tkp_control_client *early = open_client(&c, "early");
    BUS_OK(tkp_control_client_send(early, HELLO, TOKPERF_SPAN("first"), error));
    BUS_OK(tkp_control_server_open(c.base.bus, c.base.address, &c.server, error));
    expect(&c, "early", HELLO, "first");
    tkp_control_client_close(early, 100);
    end(&c);
}

static void its_descriptor_tells_of_messages(void **state)
{
    (void)state;
    struct control_case c;
    struct tkp_control_peer peer;
    struct tkp_frame frame;
    begin(&c);
    struct tkp_control_client *client = open_client(&c, "ada");
    struct pollfd at_server = {.fd = tkp_control_server_fd(c.server), .events = POLLIN};
    BUS_OK(tkp_control_client_send(client, HELLO, TOKPERF_SPAN("x"), error));
    tokperf_status status;
    while ((status = tkp_control_server_next(c.server, &peer, &frame, NULL)) == TOKPERF_E_TIMEOUT)
        assert_int_equal(poll(&at_server, 1, BUS_PATIENCE_MS), 1);
    assert_int_equal(status, TOKPERF_OK);
    assert_true(tkp_control_client_fd(client) >= 0);
    tkp_control_client_close(client, 100);
    end(&c);
}

static void nobody_of_that_name_is_said(void **state)
{
    (void)state;
    struct control_case c;
    struct tokperf_error refusal;
    struct tkp_control_peer nobody = peer_of("nobody");
    begin(&c);
    assert_int_equal(tkp_control_server_send(c.server, &nobody, GO, TOKPERF_SPAN("x"), &refusal),
                     TOKPERF_E_NOT_FOUND);
    assert_non_null(strstr(refusal.message, "nobody"));
    struct tkp_control_client *client = open_client(&c, "ada"); /* and the socket is well */
    BUS_OK(tkp_control_client_send(client, HELLO, TOKPERF_SPAN("x"), error));
    expect(&c, "ada", HELLO, "x");
    tkp_control_client_close(client, 100);
    end(&c);
}

static void who_comes_back_under_its_name_gets_the_replies(void **state)
{
    (void)state;
    struct control_case c;
    struct tkp_control_peer ada = peer_of("ada");
    begin(&c);
    struct tkp_control_client *first = open_client(&c, "ada");
    BUS_OK(tkp_control_client_send(first, HELLO, TOKPERF_SPAN("1"), error));
    expect(&c, "ada", HELLO, "1");
    struct tkp_control_client *second = open_client(&c, "ada"); /* the first is still there */
    BUS_OK(tkp_control_client_send(second, HELLO, TOKPERF_SPAN("2"), error));
    expect(&c, "ada", HELLO, "2");
    BUS_OK(tkp_control_server_send(c.server, &ada, GO, TOKPERF_SPAN("to the second"), error));
    expect_reply(second, GO, "to the second");
    tkp_control_client_close(first, 0);
    tkp_control_client_close(second, 0);
    end(&c);
}

/* Forked before this process has threads; it says hello and is killed. */
static pid_t start_client(char *address)
{
    struct tkp_bus_folder folder;
    BUS_OK(tkp_bus_folder_make(&folder, error));
    tkp_bus_folder_address(&folder, "control", address);
    close(folder.lock_fd); /* removed by hand */
    pid_t pid = fork();
    if (pid)
        return pid;
    struct tkp_bus *bus;
    struct tkp_control_client *client;
    if (tkp_bus_create(&bus, NULL) ||
        tkp_control_client_open(bus, address, "child", &client, NULL) ||
        tkp_control_client_send(client, HELLO, TOKPERF_SPAN(""), NULL))
        _exit(1);
    for (;;)
        pause();
}

static void who_was_killed_is_not_found(void **state)
{
    (void)state;
    struct control_case c;
    static const char bytes[64 * 1024];
    const struct tokperf_span payload = {bytes, sizeof bytes};
    struct tkp_control_peer child = peer_of("child");
    tokperf_status status;
    char address[TKP_BUS_ADDRESS_BYTES];
    pid_t pid = start_client(address);
    bus_case_make(&c.base, false);
    memcpy(c.base.address, address, sizeof address);
    BUS_OK(tkp_control_server_open(c.base.bus, c.base.address, &c.server, error));
    expect(&c, "child", HELLO, "");
    assert_int_equal(kill(pid, SIGSTOP), 0);
    while ((status = tkp_control_server_send(c.server, &child, GO, payload, NULL)) == TOKPERF_OK)
        ; /* until no more waits for it */
    assert_int_equal(status, TOKPERF_E_LIMIT);
    assert_int_equal(kill(pid, SIGKILL), 0);
    BUS_AWAIT(tkp_control_server_send(c.server, &child, GO, TOKPERF_SPAN("x"), NULL) ==
              TOKPERF_E_NOT_FOUND);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    end(&c);
    char *path = address + strlen("ipc://");
    assert_int_equal(unlink(path), 0);
    *strrchr(path, '/') = '\0';
    assert_int_equal(rmdir(path), 0);
}

/* A client that reads nothing takes so much and no more; the server goes on with others. */
static void what_cannot_be_sent_is_refused(void **state)
{
    (void)state;
    enum { PAYLOAD_BYTES = 512 * 1024 };
    static const char payload[TKP_CONTROL_MAX_BYTES + 1];
    struct control_case c;
    struct tkp_control_peer stuck = peer_of("stuck");
    tokperf_status status = TOKPERF_OK;
    begin(&c);
    struct tkp_control_client *client = open_client(&c, "stuck"), *other = open_client(&c, "other");
    BUS_OK(tkp_control_client_send(client, HELLO, TOKPERF_SPAN(""), error));
    expect(&c, "stuck", HELLO, "");
    for (int i = 0; !status && i < 1000; i++)
        status = tkp_control_server_send(c.server, &stuck, GO,
                                         (struct tokperf_span){payload, PAYLOAD_BYTES}, NULL);
    assert_int_equal(status, TOKPERF_E_LIMIT);
    BUS_OK(tkp_control_client_send(other, HELLO, TOKPERF_SPAN("well"), error));
    expect(&c, "other", HELLO, "well");
    struct tokperf_span too_long = {payload, sizeof payload};
    assert_int_equal(tkp_control_server_send(c.server, &stuck, GO, too_long, NULL),
                     TOKPERF_E_LIMIT);
    assert_int_equal(tkp_control_client_send(other, GO, too_long, NULL), TOKPERF_E_LIMIT);
    tkp_control_client_close(client, 0);
    tkp_control_client_close(other, 0);
    end(&c);
}

static void a_client_whose_server_is_gone_is_refused_in_the_end(void **state)
{
    (void)state;
    struct control_case c;
    tokperf_status status = TOKPERF_OK;
    bus_case_make(&c.base, true);
    struct tkp_control_client *client = open_client(&c, "alone");
    for (int i = 0; !status && i < 1000; i++)
        status = tkp_control_client_send(client, HELLO, TOKPERF_SPAN("x"), NULL);
    assert_int_equal(status, TOKPERF_E_LIMIT);
    tkp_control_client_close(client, 20); /* the end waits so long for them */
    bus_case_end(&c.base, 0);
}

/* What a foreign DEALER sends: no name, too long a name, too many parts, no frame. */
static void messages_that_are_no_frames_are_skipped(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *parts[2];
        size_t bytes;
        uint32_t kind; /* that it claims to be */
    } cases[] = {
        {NULL, {"12345678", NULL}, 8, 0},
        {"a name that is longer than the sixty-three bytes that are allowed", {"12345678"}, 8, 0},
        {"rogue", {"1234567", NULL}, 7, 0},
        {"rogue", {"12345678", NULL}, 8, 0},               /* says that it is longer */
        {"rogue", {"\7\0\1\0\2\0\0\0{", NULL}, 9, HELLO},  /* likewise */
        {"rogue", {"another part", "1234\0\0\0\0"}, 8, 0}, /* the second would do */
    };
    struct control_case c;
    struct tkp_control_peer peer;
    struct tkp_frame frame;
    begin(&c);
    void *context = zmq_ctx_new();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        void *dealer = zmq_socket(context, ZMQ_DEALER);
        if (cases[i].name)
            zmq_setsockopt(dealer, ZMQ_ROUTING_ID, cases[i].name, strlen(cases[i].name));
        assert_int_equal(zmq_connect(dealer, c.base.address), 0);
        const char *second = cases[i].parts[1];
        zmq_send(dealer, cases[i].parts[0], cases[i].bytes, second ? ZMQ_SNDMORE : 0);
        if (second)
            zmq_send(dealer, second, cases[i].bytes, 0);
        assert_int_equal(await_message(&c, &peer, &frame), TOKPERF_E_PARSE);
        assert_int_equal(frame.kind, cases[i].kind);
        zmq_close(dealer);
    }
    zmq_ctx_term(context);
    struct tkp_control_client *client = open_client(&c, "good");
    BUS_OK(tkp_control_client_send(client, HELLO, TOKPERF_SPAN("x"), error));
    expect(&c, "good", HELLO, "x");
    tkp_control_client_close(client, 0);
    end(&c);
}

/* A message that is too long is told, and its connection stays. */
static void a_message_that_is_too_long_is_told(void **state)
{
    (void)state;
    enum { BYTES = TKP_CONTROL_MAX_BYTES + 1 };
    static char message[sizeof(struct tkp_frame_head) + BYTES];
    const struct tkp_frame_head head = {HELLO, TKP_FRAME_VERSION, BYTES};
    struct control_case c;
    struct tkp_control_peer peer;
    struct tkp_frame frame;
    begin(&c);
    void *context = zmq_ctx_new(), *dealer = zmq_socket(context, ZMQ_DEALER);
    zmq_setsockopt(dealer, ZMQ_ROUTING_ID, "long", 4);
    assert_int_equal(zmq_connect(dealer, c.base.address), 0);
    memcpy(message, &head, sizeof head);
    assert_int_equal(zmq_send(dealer, message, sizeof message, 0), sizeof message);
    assert_int_equal(zmq_send(dealer, "\7\0\1\0\0\0\0\0", 8, 0), 8); /* HELLO, empty */
    assert_int_equal(await_message(&c, &peer, &frame), TOKPERF_E_PARSE);
    assert_string_equal(peer.name, "long");
    assert_int_equal(frame.kind, HELLO);
    expect(&c, "long", HELLO, "");
    zmq_close(dealer);
    zmq_ctx_term(context);
    end(&c);
}

/* "A frame of an unknown version is skipped", at both ends. */
static void frames_of_another_version_are_told_apart(void **state)
{
    (void)state;
    static const char later[] = "\7\0\2\0\2\0\0\0{}"; /* HELLO, version 2, 2 bytes */
    struct control_case c;
    struct tkp_control_peer peer;
    struct tkp_frame frame;
    struct bus_case other;
    struct tkp_control_client *client;
    begin(&c);
    void *context = zmq_ctx_new(), *dealer = zmq_socket(context, ZMQ_DEALER);
    zmq_setsockopt(dealer, ZMQ_ROUTING_ID, "later", 5);
    assert_int_equal(zmq_connect(dealer, c.base.address), 0);
    assert_int_equal(zmq_send(dealer, later, sizeof later - 1, 0), sizeof later - 1);
    assert_int_equal(await_message(&c, &peer, &frame), TOKPERF_E_UNSUPPORTED);
    assert_string_equal(peer.name, "later");
    zmq_close(dealer);
    end(&c);

    bus_case_make(&other, true);
    void *peer_socket = zmq_socket(context, ZMQ_DEALER);
    assert_int_equal(zmq_bind(peer_socket, other.address), 0);
    BUS_OK(tkp_control_client_open(other.bus, other.address, "ada", &client, error));
    assert_int_equal(zmq_send(peer_socket, later, sizeof later - 1, 0), sizeof later - 1);
    assert_int_equal(tkp_control_client_next(client, BUS_PATIENCE_MS, &frame, NULL),
                     TOKPERF_E_UNSUPPORTED);
    tkp_control_client_close(client, 0);
    zmq_close(peer_socket);
    zmq_ctx_term(context);
    bus_case_end(&other, 0);
}

static void names_are_bounded(void **state)
{
    (void)state;
    struct bus_case c;
    struct tkp_control_client *client;
    char name[TKP_CONTROL_NAME_BYTES + 1];
    memset(name, 'n', sizeof name);
    name[TKP_CONTROL_NAME_BYTES] = '\0';
    bus_case_make(&c, false);
    assert_int_equal(tkp_control_client_open(c.bus, c.address, "", &client, NULL),
                     TOKPERF_E_INVALID);
    assert_int_equal(tkp_control_client_open(c.bus, c.address, name, &client, NULL),
                     TOKPERF_E_INVALID);
    bus_case_end(&c, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_was_killed_is_not_found),
        cmocka_unit_test(each_gets_the_reply_to_its_request),
        cmocka_unit_test(what_is_sent_before_the_server_is_there_comes),
        cmocka_unit_test(its_descriptor_tells_of_messages),
        cmocka_unit_test(nobody_of_that_name_is_said),
        cmocka_unit_test(who_comes_back_under_its_name_gets_the_replies),
        cmocka_unit_test(what_cannot_be_sent_is_refused),
        cmocka_unit_test(a_client_whose_server_is_gone_is_refused_in_the_end),
        cmocka_unit_test(messages_that_are_no_frames_are_skipped),
        cmocka_unit_test(a_message_that_is_too_long_is_told),
        cmocka_unit_test(frames_of_another_version_are_told_apart),
        cmocka_unit_test(names_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
