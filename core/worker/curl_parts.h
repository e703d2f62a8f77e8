/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the files of the libcurl transport: curl_multi.c (handles, sockets, timers),
 * curl_transfer.c (one request) and curl_outcome.c (why one failed). [worker]
 */
#ifndef TKP_WORKER_CURL_PARTS_H
#define TKP_WORKER_CURL_PARTS_H

#include <curl/curl.h>
#include <worker/curl_transport.h>

enum {
    TKP_CURL_CONNECTIONS_EACH = 64, /* of a multi handle: with more it slows down */
    TKP_CURL_STREAMS_EACH = 100     /* requests of one over HTTP/2: what a connection carries by
                                       libcurl's default, and servers' */
};

struct tkp_curl_transfer;

struct tkp_curl_multi {
    CURLM *handle;
    struct tkp_curl *curl;
    struct tkp_curl_transfer *idle; /* ready for another request */
    uint64_t at_ns;                 /* when libcurl wants to be called, or TKP_NEVER_NS */
    uint32_t index, busy;           /* busy: transfers in flight */
};

/* A socket that libcurl wants watched. */
struct tkp_curl_socket {
    struct tkp_connection connection; /* first; its state tells it from the native ones */
    struct tkp_curl_multi *multi;
    struct tkp_curl_socket *next; /* closed or free */
};

struct tkp_curl {
    struct tkp_worker *w;
    CURLSH *share;                /* TLS sessions, for all multi handles */
    struct curl_slist *addresses; /* of targets and proxy: "host:port:address,address" */
    struct tkp_curl_multi **multis;
    uint32_t multi_count, room_from; /* all multis before room_from are full */
    uint32_t requests_each;          /* in flight, of a multi */
    struct tkp_curl_socket *free, *closed;
    /* libcurl before 8.0 breaks a connection that speaks HTTP/2 by prior knowledge when a second
     * request says so too (github.com/curl/curl/pull/10643): a request then joins a connection
     * without saying it, and says it only when it has to open one. */
    bool joins;
    uint64_t stamp_ns; /* of the bytes that the current call of libcurl reads; 0: none yet */
};

/* One request after the other on one easy handle. */
struct tkp_curl_transfer {
    struct tkp_curl_transfer *next; /* idle */
    struct tkp_curl_multi *multi;
    struct tkp_slot *slot; /* NULL: idle */
    CURL *easy;
    struct curl_slist *headers;
    struct tkp_buffer body; /* with its holes filled, where it has some */
    uint64_t begin_ns;      /* of libcurl's own times */
    uint64_t head_bytes, body_bytes;
    uint32_t attempts;       /* that got a connection: libcurl repeats what a stale one lost */
    int socket_errno;        /* why no socket could be made, or 0 */
    bool opens, must_open;   /* of a transfer that joins first: it opens; it has to */
    bool opened;             /* a connection, for the current attempt */
    bool has_head, is_http2; /* of the answer */
    bool complete;           /* the answer, by its Content-Length */
    bool is_spoilt;          /* there was no memory to set the handle up again */
    char error[CURL_ERROR_SIZE];
};

/* A transfer for another request, or NULL without memory. */
struct tkp_curl_transfer *tkp_curl_take_transfer(struct tkp_curl *curl);
void tkp_curl_give_transfer(struct tkp_curl_transfer *t);
/* Calls libcurl for a socket (or CURL_SOCKET_TIMEOUT) and ends what it has finished. */
void tkp_curl_act(struct tkp_curl_multi *multi, curl_socket_t fd, int events);

/* An idle transfer; NULL without memory. */
struct tkp_curl_transfer *tkp_curl_transfer_create(struct tkp_curl_multi *multi);
void tkp_curl_transfer_destroy(struct tkp_curl_transfer *t); /* not in a multi any more */
/* Sets what its slot's request is. false: without memory. */
bool tkp_curl_request_set(struct tkp_curl_transfer *t);
/* libcurl is done with it: decides the row's outcome and ends the request. */
void tkp_curl_transfer_done(struct tkp_curl_transfer *t, CURLcode code);

/* The outcome of a transfer that libcurl failed with code; the row has none yet. */
void tkp_curl_fail(struct tkp_curl_transfer *t, CURLcode code);

#endif
