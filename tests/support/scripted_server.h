/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TCP server for tests whose behaviour is scripted: the body of a request, up to the first '|',
 * names the script that answers it. A thread per connection.
 */
#ifndef SCRIPTED_SERVER_H
#define SCRIPTED_SERVER_H

#include <stdbool.h>
#include <stdint.h>

enum script_step_kind {
    SCRIPT_END = 0, /* done: read the next request */
    SCRIPT_SEND,    /* bytes */
    SCRIPT_WAIT,    /* ms */
    SCRIPT_CLOSE,
    SCRIPT_RESET,        /* close with RST */
    SCRIPT_CLOSE_ONCE,   /* close the first time this script runs on the server, go on later */
    SCRIPT_SEND_BY_BYTE, /* bytes, each in a send of its own */
    SCRIPT_ECHO          /* a 200 whose body is "t:" and the request's */
};
struct script_step {
    enum script_step_kind kind;
    const char *bytes;
    int ms;
};
struct script {
    const char *name;
    struct script_step steps[6];
    bool early; /* runs as soon as the head is there, the body is not read */
};

struct scripted_server;
/* scripts end with one without a name; they outlive the server. */
struct scripted_server *scripted_server_start(const struct script *scripts);
uint16_t scripted_server_port(const struct scripted_server *server);
/* So far: connections accepted, requests read. */
unsigned scripted_server_connections(struct scripted_server *server);
unsigned scripted_server_requests(struct scripted_server *server);
/* Head and body of the last request, up to 4 KiB; valid until the next one. */
const char *scripted_server_last(struct scripted_server *server);
/* Accepts nothing any more and keeps its port; connections that stand are served on. */
void scripted_server_refuse(struct scripted_server *server);
void scripted_server_stop(struct scripted_server *server);

#endif
