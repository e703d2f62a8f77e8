/* SPDX-License-Identifier: Apache-2.0 */
/* Option rows: how connections are made: names, TCP, TLS. Data only. */
#include <config/options.h>

/* Of a timeout that TCP counts in ms (an int), and of one that it counts in s (up to 32767). */
#define SECONDS_MAX 32767

static const char *const ip_versions[] = {"auto", "4", "6", NULL};
static const char *const tls_versions[] = {"1.2", "1.3", NULL};

static const struct tkp_option rows[] = {
    {.id = TKP_OPT_IP_VERSION,
     .group = TKP_GROUP_CONNECTION,
     .type = TKP_TYPE_CHOICE,
     .path = "endpoint.ip_version",
     .flag = "--ip-version",
     .fallback = "auto",
     .choices = ip_versions,
     .help = "Where a name has IPv4 and IPv6 addresses, try those of this kind first; auto: in the "
             "system's order."},
    {.id = TKP_OPT_RESOLVE,
     .group = TKP_GROUP_CONNECTION,
     .type = TKP_TYPE_TEXT,
     .flags = TKP_OPTION_LIST,
     .path = "endpoint.resolve",
     .flag = "--resolve",
     .value = "HOST:PORT:ADDRESS[,ADDRESS]",
     .help = "Connect to these addresses instead of looking the URL's host up; IPv6 in brackets; "
             "repeat for more hosts."},
    {.id = TKP_OPT_TCP_KEEPALIVE,
     .group = TKP_GROUP_CONNECTION,
     .type = TKP_TYPE_DURATION,
     .path = "endpoint.tcp_keepalive",
     .flag = "--tcp-keepalive-seconds",
     .fallback = "60",
     .minimum = 0,
     .maximum = SECONDS_MAX,
     .help = "After that long a silence TCP asks whether the server is still there, and every half "
             "of it again, three times; whole seconds; 0: never."},
    {.id = TKP_OPT_TCP_USER_TIMEOUT,
     .group = TKP_GROUP_CONNECTION,
     .type = TKP_TYPE_DURATION,
     .path = "endpoint.tcp_user_timeout",
     .flag = "--tcp-user-timeout-seconds",
     .fallback = "0",
     .minimum = 0,
     .maximum = SECONDS_MAX,
     .help = "Give a connection up whose sent bytes have not been acknowledged for that long; 0: "
             "the system's limit."},
    {.id = TKP_OPT_CA_FILE,
     .group = TKP_GROUP_CONNECTION,
     .type = TKP_TYPE_TEXT,
     .path = "endpoint.tls.ca_file",
     .flag = "--cacert",
     .value = "FILE",
     .fallback_note = "the system's",
     .help = "Certificate authorities (PEM) that https servers are verified by."},
    {.id = TKP_OPT_INSECURE,
     .group = TKP_GROUP_CONNECTION,
     .type = TKP_TYPE_BOOLEAN,
     .path = "endpoint.tls.insecure",
     .flag = "--insecure",
     .fallback = "false",
     .help = "Do not verify the certificates of https servers; the result says so."},
    {.id = TKP_OPT_CERT_FILE,
     .group = TKP_GROUP_CONNECTION,
     .type = TKP_TYPE_TEXT,
     .path = "endpoint.tls.cert_file",
     .flag = "--cert",
     .value = "FILE",
     .help = "Client certificate (PEM, with its chain) for https servers that ask for one."},
    {.id = TKP_OPT_KEY_FILE,
     .group = TKP_GROUP_CONNECTION,
     .type = TKP_TYPE_TEXT,
     .path = "endpoint.tls.key_file",
     .flag = "--key",
     .value = "FILE",
     .fallback_note = "in the file of --cert",
     .help = "Private key (PEM, without a passphrase) of --cert."},
    {.id = TKP_OPT_TLS_MIN_VERSION,
     .group = TKP_GROUP_CONNECTION,
     .type = TKP_TYPE_CHOICE,
     .path = "endpoint.tls.min_version",
     .flag = "--tls-min-version",
     .fallback = "1.2",
     .choices = tls_versions,
     .help = "Oldest version of TLS that is spoken with https servers."},
};

const struct tkp_option_rows tkp_options_connection = {rows, sizeof rows / sizeof rows[0]};
