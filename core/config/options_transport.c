/* SPDX-License-Identifier: Apache-2.0 */
/* Option rows: what carries the requests, in which version of HTTP, through which proxy. Data only.
 */
#include <config/options.h>

static const char *const transports[] = {"auto", "native", "curl", NULL};
static const char *const http_versions[] = {"1.1", "2", "2-prior-knowledge", NULL};

static const struct tkp_option rows[] = {
    {.id = TKP_OPT_TRANSPORT,
     .group = TKP_GROUP_CONNECTION,
     .type = TKP_TYPE_CHOICE,
     .path = "endpoint.transport",
     .flag = "--transport",
     .aliases = {"--transport-type"},
     .fallback = "auto",
     .choices = transports,
     .help = "What carries the requests: tokperf's own HTTP/1.1 (native), or libcurl; auto: native "
             "unless --http-version or --proxy need libcurl."},
    {.id = TKP_OPT_HTTP_VERSION,
     .group = TKP_GROUP_CONNECTION,
     .type = TKP_TYPE_CHOICE,
     .path = "endpoint.http_version",
     .flag = "--http-version",
     .fallback = "1.1",
     .choices = http_versions,
     .help = "Version of HTTP: 2 for https servers, which have to agree to it, 2-prior-knowledge "
             "for http servers that are known to speak it."},
    {.id = TKP_OPT_PROXY,
     .group = TKP_GROUP_CONNECTION,
     .type = TKP_TYPE_TEXT,
     .path = "endpoint.proxy",
     .flag = "--proxy",
     .short_flag = 'x',
     .value = "URL",
     .fallback_note = "none; http_proxy and its like are not read",
     .help = "Connect through it: http://, socks4://, socks4a://, socks5:// or socks5h:// and "
             "[user:password@]host:port."},
};

const struct tkp_option_rows tkp_options_transport = {rows, sizeof rows / sizeof rows[0]};
